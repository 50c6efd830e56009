"""The services as a gRPC client in another language meets them."""
import secrets
import time

import grpc
import pytest

from protocol import Protocol, channel_to, details
from stack import SERVICES, wait_until

PAYMENTS = "/obol.payments.v1.PaymentService/"
SERVICE_NAMES = {"auth": ["obol.auth.v1.AuthService"], "refunds": ["obol.refunds.v1.RefundService"],
                 "payments": ["obol.payments.v1.PaymentService", "obol.payments.v1.OrderService"],
                 "webhooks": ["obol.webhooks.v1.EndpointService", "obol.webhooks.v1.DeliveryService", "obol.webhooks.v1.EventService"]}


@pytest.fixture(scope="module")
def protocol(tmp_path_factory):
    return Protocol(tmp_path_factory.mktemp("protocol"))


@pytest.fixture(scope="module")
def channels(stack):
    channels = {name: channel_to(stack.ports[name]) for name in SERVICES}
    yield channels
    for channel in channels.values():
        channel.close()


@pytest.fixture
def call(channels, protocol):
    def call(to, path, timeout=20, headers=(), **fields):
        method, request = protocol.method(channels[to], path)
        return method(request(**fields), timeout=timeout, metadata=headers)
    return call


def refused(code, act, *or_codes):
    with pytest.raises(grpc.RpcError) as caught:
        act()
    assert caught.value.code() in (code, *or_codes), caught.value
    return caught.value


def amount(value):
    return {"value": value}


def test_payment_is_made_and_read(stack, api, call):
    metadata = [("obol-tenant-id", api.tenant_id), ("x-request-id", "from-python"), ("idempotency-key", secrets.token_hex(8))]
    fields = dict(order_id="python-1", amount=amount(1234), currency="INR", method="upi", vpa="a@upi", metadata={"lang": "python"})
    made = call("payments", PAYMENTS + "CreatePayment", headers=metadata, **fields)
    assert made.id.startswith("pay_") and made.status == "pending" and made.amount == 1234
    again = call("payments", PAYMENTS + "CreatePayment", headers=metadata, **fields)
    assert again == made

    def settled():
        read = call("payments", PAYMENTS + "GetPayment", headers=metadata[:1], id=made.id)
        return read if read.status == "succeeded" else None
    read = wait_until(settled, 30)
    assert read.metadata == {"lang": "python"} and read.captured and read.created_at.seconds > 1700000000
    assert api.get(f"/payments/{made.id}").ok()["status"] == "succeeded"
    stranger = [("obol-tenant-id", stack.tenant("Stranger").tenant_id)]
    refused(grpc.StatusCode.NOT_FOUND, lambda: call("payments", PAYMENTS + "GetPayment", headers=stranger, id=made.id))
    audit = stack.obol("audit", "--object", made.id)
    assert any(entry["request_id"] == "from-python" for entry in audit["payments"]["entries"])


def test_refund_is_made_and_read(stack, api, call):
    paid = stack.paid(api)
    metadata = [("obol-tenant-id", api.tenant_id)]
    made = call("refunds", "/obol.refunds.v1.RefundService/CreateRefund", headers=metadata, payment_id=paid["id"], amount=amount(77))
    assert made.amount == 77
    assert stack.settle_refund(api, made.id)["status"] == "processed"
    listed = call("refunds", "/obol.refunds.v1.RefundService/ListRefunds", headers=metadata, payment_id=paid["id"])
    assert [refund.id for refund in listed.data] == [made.id]


def test_refusal_carries_its_details(stack, api, call, protocol):
    metadata = [("obol-tenant-id", api.tenant_id)]
    error = refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: call(
        "payments", PAYMENTS + "CreatePayment", headers=metadata, order_id="x", amount=amount(-1), currency="INR", method="upi", vpa="a@upi"))
    status, found = details(error, protocol)
    assert status.code == grpc.StatusCode.INVALID_ARGUMENT.value[0] and status.message == error.details()
    assert found["google.rpc.ErrorInfo"].reason == "invalid_request"
    assert found["google.rpc.BadRequest"].field_violations[0].field == "amount"
    error = refused(grpc.StatusCode.NOT_FOUND, lambda: call("payments", PAYMENTS + "GetPayment", headers=metadata, id="pay_none"))
    status, found = details(error, protocol)
    assert status.code == 5 and found["google.rpc.ErrorInfo"].reason == "not_found"


@pytest.mark.parametrize("service", SERVICES)
def test_health_is_checked_and_watched(call, channels, protocol, service):
    check = "/grpc.health.v1.Health/Check"
    for name in ["", *SERVICE_NAMES[service]]:
        assert call(service, check, service=name).status == 1, name
    refused(grpc.StatusCode.NOT_FOUND, lambda: call(service, check, service="obol.nothing.v1.Service"))
    watch, request = protocol.method(channels[service], "/grpc.health.v1.Health/Watch")
    stream = watch(request(service=""), timeout=30)
    assert next(stream).status == 1
    stream.cancel()
    stream = watch(request(service="obol.nothing.v1.Service"), timeout=30)
    assert next(stream).status == 3  # SERVICE_UNKNOWN, and the stream stays
    stream.cancel()


def test_watch_sees_the_end_of_service(stack, protocol):
    channel = channel_to(stack.ports["refunds"])
    watch, request = protocol.method(channel, "/grpc.health.v1.Health/Watch")
    stream = watch(request(service=""), timeout=60)
    assert next(stream).status == 1
    stack.processes["refunds"].stop()
    seen = []
    try:
        for answer in stream:
            seen.append(answer.status)
    except grpc.RpcError as error:
        assert error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED), error
    assert set(seen) <= {2}
    channel.close()
    stack.restart("refunds")
    stack.wait_ready()


@pytest.mark.parametrize("service", SERVICES)
def test_reflection_describes_what_is_served(channels, protocol, service):
    reflect, request = protocol.method(channels[service], "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
    names = {s.name for s in next(reflect(iter([request(list_services="*")]), timeout=20)).list_services_response.service}
    assert names >= {*SERVICE_NAMES[service], "obol.journal.v1.JournalService", "grpc.health.v1.Health"}
    from google.protobuf import descriptor_pb2
    answer = next(reflect(iter([request(file_containing_symbol=SERVICE_NAMES[service][0])]), timeout=20))
    files = [descriptor_pb2.FileDescriptorProto.FromString(raw) for raw in answer.file_descriptor_response.file_descriptor_proto]
    assert any(f"{f.package}.{s.name}" == SERVICE_NAMES[service][0] for f in files for s in f.service)
    missing = next(reflect(iter([request(file_containing_symbol="obol.Nothing")]), timeout=20))
    assert missing.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("path", ["/obol.payments.v1.PaymentService/Explode", "/obol.nothing.v1.Service/Call", "/x"])
def test_unknown_method_is_unimplemented(channels, service, path):
    began = time.monotonic()
    refused(grpc.StatusCode.UNIMPLEMENTED, lambda: channels[service].unary_unary(path)(b"", timeout=20))
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("raw", [b"\xff" * 20, b"\x0a\x7fshort", b"\x0a\x02\xff\xfe", b"\x08"], ids=["tags", "length", "UTF-8", "varint"])
@pytest.mark.parametrize("path", ["CreatePayment", "GetPayment", "CapturePayment", "TokenizeCard"])
def test_malformed_message_is_invalid(api, channels, path, raw):
    if path == "TokenizeCard" and raw == b"\x0a\x02\xff\xfe":
        raw = b"\x0a\x04\x0a\x02\xff\xfe"
    refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: channels["payments"].unary_unary(PAYMENTS + path)(
        raw, timeout=20, metadata=[("obol-tenant-id", api.tenant_id)]))


def test_malformed_call_does_not_spoil_its_batch(api, channels, protocol):
    """Good and bad ones side by side: each gets its own answer."""
    metadata = [("obol-tenant-id", api.tenant_id)]
    create, request = protocol.method(channels["payments"], PAYMENTS + "CreatePayment")
    good = dict(currency="INR", method="upi", vpa="a@upi", amount=amount(5))
    calls = []
    for i in range(60):
        if i % 3 == 0:
            calls.append(create.future(request(order_id=f"batch-{i}", **good), timeout=30, metadata=metadata))
        elif i % 3 == 1:
            calls.append(channels["payments"].unary_unary(PAYMENTS + "CreatePayment").future(b"\xff\xff", timeout=30, metadata=metadata))
        else:
            calls.append(create.future(request(order_id=f"batch-{i}", **{**good, "currency": "ZZZ"}), timeout=30, metadata=metadata))
    codes = [c.code() for c in calls]
    assert codes == [grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.INVALID_ARGUMENT] * 20
    assert len(api.get("/payments?limit=100").ok()["data"]) == 20


def test_call_without_tenant_is_refused(call):
    error = refused(grpc.StatusCode.PERMISSION_DENIED, lambda: call(
        "payments", PAYMENTS + "CreatePayment", order_id="x", amount=amount(1), currency="INR", method="upi", vpa="a@upi"))
    assert error.details()


def test_deadline_is_kept(stack, api, call):
    metadata = [("obol-tenant-id", api.tenant_id)]
    stack.sandbox(answer="hang")
    try:
        began = time.monotonic()
        # The server, that gives up just before, may be heard first: no token was made.
        refused(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: call(
            "payments", PAYMENTS + "TokenizeCard", timeout=0.5, headers=metadata,
            card=dict(number="4242424242424242", expiry_month=amount(12), expiry_year=amount(2030), cvv="123")),
            grpc.StatusCode.UNAVAILABLE)
        assert time.monotonic() - began < 5
    finally:
        stack.sandbox(answer="normal")
    refused(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: call("payments", PAYMENTS + "GetPayment", timeout=0.000001, headers=metadata, id="pay_x"))
    assert call("payments", PAYMENTS + "ListPayments", headers=metadata).data is not None


def test_wrong_key_is_unauthenticated(stack, api, call):
    verified = call("auth", "/obol.auth.v1.AuthService/VerifyKey", id=api.key, secret=api.secret)
    assert verified.tenant_id == api.tenant_id
    errors = [refused(grpc.StatusCode.UNAUTHENTICATED, lambda: call("auth", "/obol.auth.v1.AuthService/VerifyKey", id=key, secret=secret))
              for key, secret in [(api.key, "wrong-secret-of-length"), ("key_nobody", api.secret), ("", ""), (api.key, "")]]
    assert len({e.details() for e in errors}) == 1


def journal_since(call, cursor):
    """The payments service's events after a cursor, to the end of its list, and the cursor of that end."""
    events = []
    while True:
        page = call("payments", "/obol.journal.v1.JournalService/ListEvents", cursor=cursor, limit=50)
        if not page.events:
            return events, cursor
        assert page.cursor != cursor
        events += page.events
        cursor = page.cursor


def test_events_can_be_read_from_the_journal(stack, api, call):
    """What another service's consumer compares itself with. Any open transaction of the whole server, other
    tests' included, holds the list back for a while; read on from its cursor, nothing is missed or told twice."""
    made = api.pay()
    stack.settle(api, made["id"])
    cursor, events = "", []

    def mine():
        return sorted(e.sequence for e in events if e.object_id == made["id"] and e.body)

    def all_listed():
        nonlocal cursor
        more, cursor = journal_since(call, cursor)
        events.extend(more)
        return len(mine()) >= 4
    wait_until(all_listed, what=lambda: f"four events of {made['id']}, are {mine()}")
    assert mine() == [1, 2, 3, 4]
    assert len({e.id for e in events}) == len(events)
