"""The whole stack with gRPC under mutual TLS: the main job, strangers at every port, and new certificates under load."""
import collections
import pathlib
import re
import secrets
import shutil
import socket
import ssl
import subprocess
import threading

import grpc
import pytest

from client import card_payment, payment
from conftest import running_stack
from protocol import PATHS, Protocol
from stack import BIN, SERVICES, wait_until

AGE_S = 4
ROLES = ["gateway", *SERVICES, "operator"]
LINE = re.compile(r'obol_rpc_callers_total\{method="([^"]+)",role="([^"]+)",allowed="([^"]+)"\} (\d+)')
# Which nothing here brings about: rare acts of operators and of the saga.
RARE = {"ReleaseRefund", "GetRefundOperation", "ResolvePayment", "ResolveRefund", "SetCredential", "TestCredential", "Reconcile",
        "SetTenantRate", "LeaseTokens", "UnblockPayer", "SetPaymentCreation", "GetPaymentCreation"}


@pytest.fixture(scope="module")
def stack():
    yield from running_stack(tls=True, RPC_TLS_CONNECTION_AGE_S=str(AGE_S), LOG_LEVEL="warn")


@pytest.fixture(scope="module")
def protocol(tmp_path_factory):
    return Protocol(tmp_path_factory.mktemp("protocol"))


def channel(stack, service, role=None, directory=None):
    """To a service's port, with a role's certificate or none."""
    directory = directory or stack.tls
    read = {"root_certificates": (stack.tls / "ca.crt").read_bytes()}
    if role:
        read["private_key"] = (directory / f"{role}.key").read_bytes()
        read["certificate_chain"] = (directory / f"{role}.crt").read_bytes()
    return grpc.secure_channel(f"127.0.0.1:{stack.ports[service]}", grpc.ssl_channel_credentials(**read), options=[
        ("grpc.ssl_target_name_override", f"{service}.obol"), ("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1)])


def outcome(channel, protocol, path, actor="test", **fields):
    method, request = protocol.method(channel, path)
    try:
        method(request(**fields), timeout=20, metadata=[("obol-actor", actor)])
        return grpc.StatusCode.OK
    except grpc.RpcError as error:
        return error.code()


def calls(stack):
    """(method, role, allowed): how often, over all services."""
    seen = collections.Counter()
    for service in SERVICES:
        text = stack.open("GET", "/metrics", port=f"{service}_ops").raw.decode()
        for method, role, allowed, n in LINE.findall(text):
            seen[method, role, allowed] += int(n)
    return seen


def main_job(stack, api):
    paid = stack.paid(api)
    assert stack.settle_refund(api, api.post(f"/payments/{paid['id']}/refunds", {"amount": 77}).ok(201)["id"])["status"] == "processed"
    captured = api.pay(capture="manual")
    stack.settle(api, captured["id"], "authorized")
    api.post(f"/payments/{captured['id']}/capture").ok()
    stack.settle(api, captured["id"], "succeeded")
    canceled = api.pay(capture="manual")
    stack.settle(api, canceled["id"], "authorized")
    api.post(f"/payments/{canceled['id']}/cancel").ok()
    stack.settle(api, canceled["id"], "canceled")
    stack.settle(api, api.post("/payments", card_payment()).ok(201)["id"], "succeeded")
    return paid["id"]


def look_around(api):
    """What a merchant reads and does beside it."""
    api.post("/orders", {"amount": 5, "currency": "INR"}).ok(201)
    endpoint = api.post("/webhook_endpoints", {"url": "http://127.0.0.1:9/none", "events": ["payment.succeeded"]}).ok(201)["id"]
    for kind in ["payments", "refunds", "events", "webhooks", "webhook_endpoints", "orders"]:
        api.get(f"/{kind}/{api.get(f'/{kind}').ok()['data'][0]['id']}").ok()
    for path in ["/test/jobs/status", "/webhooks/simulator/status"]:
        api.get(path).ok()
    api.call("GET", "/idempotency_keys/none").refused(404)
    api.patch(f"/webhook_endpoints/{endpoint}", {"description": "of no use"}).ok()
    for act in ["rotate_secret", "replay", "test"]:
        assert api.post(f"/webhook_endpoints/{endpoint}/{act}", {}).status != 403, act
    api.post(f"/webhooks/{api.get('/webhooks').ok()['data'][0]['id']}/retry")
    assert api.delete(f"/webhook_endpoints/{endpoint}").status == 204


def administer(stack, api):
    assert set(stack.obol("health").values()) == {"up"}
    stack.obol("tenant", "show", api.tenant_id)
    stack.obol("tenant", "list")
    stack.obol("key", "list", api.tenant_id)
    for words in [["provider", "available"], ["provider", "breakers"], ["provider", "list", "--tenant", api.tenant_id],
                  ["route", "list", "--tenant", api.tenant_id], ["limit", "list", "--tenant", api.tenant_id], ["payment", "review"]]:
        stack.obol(*words)
    stack.obol("key", "revoke", stack.key(api.tenant_id).key)
    stack.obol("route", "set", "--tenant", api.tenant_id, "--none")
    stack.obol("limit", "set", "INR", "--tenant", api.tenant_id, "--minimum", 1)
    delivery = stack.demo.get("/webhooks").ok()["data"][0]
    stack.obol("webhook", "retry", delivery["id"], "--tenant", "ten_demo")
    stack.obol("webhook", "replay", delivery["endpoint_id"], "--tenant", "ten_demo", "--since", "2020-01-01T00:00:00Z")


def test_main_job_goes_through_and_each_call_is_in_the_table(stack):
    api = stack.tenant()
    paid = main_job(stack, stack.demo)
    wait_until(lambda: stack.received(object=paid), 30, "the webhook of a payment")
    main_job(stack, api)
    administer(stack, api)
    look_around(stack.demo)
    audit = stack.obol("audit", "--object", api.tenant_id)
    actors = {entry["actor"] for service in audit.values() for entry in service["entries"]}
    assert actors and all(actor.startswith("operator:") for actor in actors), actors
    stack.quiet()
    seen = calls(stack)
    assert not [row for row in seen if row[2] == "false"], seen
    assert {row[1] for row in seen} == {"gateway", "refunds", "webhooks", "operator"}


def test_every_row_of_the_table_is_used(stack, protocol):
    """Who may call what nobody calls, may too much; after the test above."""
    seen = {(method, role) for method, role, allowed in calls(stack) if allowed == "true"}
    unused = sorted(row for row in table(protocol) if row not in seen and row[0].rsplit("/", 1)[1] not in RARE)
    assert not unused, "\n".join(map(str, unused))


def table(protocol):
    """(method, role) as the contracts have it, read by another program than ours."""
    from google.protobuf import descriptor_pb2
    rows = set()
    options = {number: protocol.pool.FindExtensionByName(f"obol.options.v1.{name}") for name, number in [("service", 0), ("method", 1)]}
    roles = {v.number: v.name.lower() for v in protocol.pool.FindEnumTypeByName("obol.options.v1.Role").values}

    def callers(kind, given, number):
        parsed = protocol.factory.GetPrototype(protocol.pool.FindMessageTypeByName(kind)).FromString(given.SerializeToString())
        return parsed.Extensions[options[number]].callers
    for name in ["auth.v1.AuthService", "payments.v1.OrderService", "payments.v1.PaymentService", "payments.v1.ProviderService",
                 "refunds.v1.RefundService", "webhooks.v1.EndpointService", "webhooks.v1.DeliveryService", "webhooks.v1.EventService",
                 "journal.v1.JournalService"]:
        service = protocol.pool.FindServiceByName(f"obol.{name}")
        described = descriptor_pb2.ServiceDescriptorProto()
        service.CopyToProto(described)
        default = callers("google.protobuf.ServiceOptions", described.options, 0)
        for method in described.method:
            own = callers("google.protobuf.MethodOptions", method.options, 1)
            rows |= {(f"/obol.{name}/{method.name}", roles[role]) for role in own or default if role}
    return rows


@pytest.mark.parametrize("service", SERVICES)
def test_strangers_are_refused_at_every_port(stack, protocol, tmp_path, service):
    check = "/grpc.health.v1.Health/Check"
    with channel(stack, service) as bare:
        assert outcome(bare, protocol, check) == grpc.StatusCode.UNAVAILABLE
    with grpc.insecure_channel(f"127.0.0.1:{stack.ports[service]}") as plain:
        assert outcome(plain, protocol, check) == grpc.StatusCode.UNAVAILABLE
    stack.certificates(tmp_path / "theirs")
    with channel(stack, service, "operator", tmp_path / "theirs") as foreign:
        assert outcome(foreign, protocol, check) == grpc.StatusCode.UNAVAILABLE
    with channel(stack, service, "auth") as known:
        assert outcome(known, protocol, check) == grpc.StatusCode.OK


@pytest.mark.parametrize("version, taken", [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)])
def test_old_tls_is_refused(stack, version, taken):
    context = ssl.create_default_context(cafile=stack.tls / "ca.crt")
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = version
    context.load_cert_chain(stack.tls / "gateway.crt", stack.tls / "gateway.key")
    context.set_alpn_protocols(["h2"])
    with socket.create_connection(("127.0.0.1", stack.ports["auth"]), 10) as plain:
        try:
            with context.wrap_socket(plain, server_hostname="auth.obol"):
                assert taken
        except (ssl.SSLError, ConnectionError):
            assert not taken


def test_stolen_certificate_of_a_service_opens_no_other_door(stack, protocol):
    create, listed = "/obol.auth.v1.AuthService/CreateKey", "/obol.journal.v1.JournalService/ListEvents"
    with channel(stack, "auth", "refunds") as refunds:
        assert outcome(refunds, protocol, create, tenant_id="ten_demo", name="mine") == grpc.StatusCode.PERMISSION_DENIED
        assert outcome(refunds, protocol, listed) == grpc.StatusCode.OK
        assert outcome(refunds, protocol, listed, actor="operator:root") == grpc.StatusCode.PERMISSION_DENIED
    with channel(stack, "auth", "operator") as operator:
        assert outcome(operator, protocol, "/obol.auth.v1.AuthService/ListTenants") == grpc.StatusCode.OK
        assert outcome(operator, protocol, listed) == grpc.StatusCode.PERMISSION_DENIED
    wait_until(lambda: "rpc.caller_refused" in stack.processes["auth"].text(), 10)
    assert calls(stack)[create, "refunds", "false"] == 1


def test_certificate_of_two_roles_is_nobodys(stack, protocol, tmp_path):
    (tmp_path / "names").write_text("subjectAltName=DNS:refunds.obol,DNS:operator.obol")
    subprocess.run(f"""openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out both.key &&
        openssl req -new -key both.key -subj /CN=operator.obol |
        openssl x509 -req -CA {stack.tls}/ca.crt -CAkey {stack.tls}/ca.key -set_serial 7 -days 1 -extfile names -out both.crt""",
                   shell=True, check=True, cwd=tmp_path, timeout=30, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with channel(stack, "auth", "both", tmp_path) as both:
        for path in ["/obol.auth.v1.AuthService/ListTenants", "/obol.journal.v1.JournalService/ListEvents"]:
            assert outcome(both, protocol, path) == grpc.StatusCode.PERMISSION_DENIED


@pytest.mark.parametrize("role, code", [("gateway", grpc.StatusCode.PERMISSION_DENIED), ("operator", None)])
def test_reflection_is_for_operators(stack, protocol, role, code):
    with channel(stack, "payments", role) as known:
        reflect, request = protocol.method(known, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
        stream = reflect(iter([request(list_services="*")]), timeout=20)
        if code is None:
            assert next(stream).list_services_response.service
            return
        with pytest.raises(grpc.RpcError) as caught:
            next(stream)
        assert caught.value.code() == code


class Load:
    """Payments and reads, one after the other in some threads, each tried once; what was not answered well is kept."""

    def __init__(self, api, threads=3):
        self.api, self.ended, self.done, self.failed = api, threading.Event(), 0, []
        self.threads = [threading.Thread(target=self.run) for _ in range(threads)]
        for thread in self.threads:
            thread.start()

    def run(self):
        while not self.ended.is_set():
            made = self.api.call("POST", "/payments", payment(), key=secrets.token_hex(8))
            read = self.api.call("GET", f"/payments/{made.json['id']}") if made.status == 201 else made
            self.failed += [reply for reply in (made, read) if reply.status not in (200, 201)]
            self.done += 1

    def more(self, n, seconds=40):
        before = self.done
        wait_until(lambda: self.done >= before + n, seconds, f"{n} more payments")

    def stop(self):
        self.ended.set()
        for thread in self.threads:
            thread.join(60)
        assert not self.failed, self.failed[:5]


def replace(stack, directory, names):
    for name in names:
        shutil.copy2(directory / name, stack.tls / f"{name}.new")
        (stack.tls / f"{name}.new").replace(stack.tls / name)


def serial_at(stack, service):
    """Of the certificate that the port shows now."""
    text = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{stack.ports[service]}", "-alpn", "h2"], timeout=10,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    shown = subprocess.run(["openssl", "x509", "-noout", "-serial"], input=text, stdout=subprocess.PIPE, timeout=10)
    return shown.stdout.strip()


def serial_of(path):
    return subprocess.run(["openssl", "x509", "-noout", "-serial", "-in", path], stdout=subprocess.PIPE, timeout=10).stdout.strip()


def test_authority_and_all_certificates_change_under_load(stack, protocol, tmp_path):
    """Trust both, show the new, trust the new alone: no request fails, and the old ones are out."""
    old, new = tmp_path / "old", tmp_path / "new"
    shutil.copytree(stack.tls, old)
    stack.certificates(new)
    load = Load(stack.tenant())
    try:
        load.more(10)
        alone = (new / "ca.crt").read_bytes()
        (new / "ca.crt").write_bytes((old / "ca.crt").read_bytes() + alone)
        replace(stack, new, ["ca.crt"])
        threading.Event().wait(4)  # every program looks at its files once a second
        replace(stack, new, [f"{role}.{kind}" for role in ROLES for kind in ("key", "crt")])
        wait_until(lambda: all(serial_at(stack, name) == serial_of(new / f"{name}.crt") for name in SERVICES), 20, "new certificates")
        threading.Event().wait(AGE_S)  # and its own connections are new by then
        load.more(10)
        (new / "ca.crt").write_bytes(alone)
        replace(stack, new, ["ca.crt"])

        def refused():
            outcomes = []
            for service in SERVICES:
                with channel(stack, service, "operator", old) as gone:
                    outcomes.append(outcome(gone, protocol, "/grpc.health.v1.Health/Check"))
            return set(outcomes) == {grpc.StatusCode.UNAVAILABLE}
        wait_until(refused, 15, "the old authority's certificates are refused")
        load.more(10)
    finally:
        load.stop()
    assert stack.obol("health")["payments"] == "up"


def test_method_without_callers_is_not_built(tmp_path):
    text = pathlib.Path(PATHS[0], "obol/journal/v1/journal.proto").read_text()
    (tmp_path / "none.proto").write_text(text.replace("option (obol.options.v1.service)", "// "))
    done = subprocess.run(["protoc", f"--plugin=protoc-gen-obol={BIN}/protoc-gen-obol", f"-I{tmp_path}", *(f"-I{path}" for path in PATHS),
                           f"--obol_out={tmp_path}", "none.proto"], stderr=subprocess.PIPE, text=True, timeout=30)
    assert done.returncode != 0 and "must name them" in done.stderr, done.stderr
