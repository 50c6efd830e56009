"""Another tenant's objects are as if they did not exist: every method, every field that holds an id.

What is tried comes from the .proto files, so a new method is covered the day it is declared; a field that nobody has said the
meaning of fails here.
"""
import datetime
import json
import re
import secrets
import urllib.parse

import grpc
import pytest

from conftest import running_stack
from fields import PROTOCOL, all_methods, id_fields, put, services_declared, SERVICES_OF, JOURNAL
from postgres import fingerprint
from protocol import channel_to, details
from providers import PACE, House
from receiver import Receiver
from stack import SERVICES, wait_until

CARD = {"number": "4242424242424242", "expiry_month": {"value": 12}, "expiry_year": {"value": 2030}, "cvv": "123"}
BY_CARD = {"order_id": "mine", "amount": {"value": 5}, "currency": "INR", "method": "card"}
# For operators: they say the tenant in the message. None of it can be reached by REST.
OPERATORS = {"obol.auth.v1.AuthService", "obol.journal.v1.JournalService.ListAudit", "obol.journal.v1.JournalService.GetJobs",
             "obol.payments.v1.ProviderService.ListReviews"}
# The caller gives a name to what it makes here, within its own tenant.
NAMES = {("ReserveRefund", "refund_id"), ("ReleaseRefund", "refund_id"), ("ImportOrder", "id"), ("ImportEndpoint", "id"),
         ("SetRoutes", "routes.id"), ("ListPayments", "order_id")}
# A provider calls, and proves itself by the credential's secret: there is no tenant that asks.
OPEN = {("ProviderCallback", "credential_id")}
# Internal, and answered whatever stands there: as for an id that nobody has, and nothing of another's is touched.
ALIKE = {("ReleaseRefund", "payment_id"), ("GetRefundOperation", "payment_id"), ("GetRefundOperation", "refund_id"),
         ("TokenizeCard", "payment.order_id"), ("TokenizeCard", "payment.card_token")}
# Not 404: an order_id that is no order of ours is the merchant's own reference, and then wants an amount.
CODES = {("CreatePayment", "order_id"): "order_not_found", ("CreatePayment", "card_token"): "invalid_request"}
STATUSES = {"not_found": 404, "order_not_found": 422, "invalid_request": 400}
NEW_REFUND = object()
# What else a request needs, so that it is the id that it is refused for.
OTHERS = {
    "CreatePayment": {"method": "upi", "vpa": "success@upi"}, "Replay": {"since": {"seconds": 1767225600}},
    "ResolvePayment": {"as": "failed", "reason": "isolation"}, "ResolveRefund": {"as": "failed", "reason": "isolation"},
    "SetCredential": {"label": "mine"}, "SetRoutes": {"routes": [{"method": "mobile_money"}]},
    "Reconcile": {"provider": "mtn", "date": str(datetime.datetime.now(datetime.timezone.utc).date())},
    "ReserveRefund": {"refund_id": NEW_REFUND, "amount": 1}, "ReleaseRefund": {"refund_id": NEW_REFUND},
    "GetRefundOperation": {"refund_id": NEW_REFUND}, "UpdateEndpoint": {"description": {"value": "theirs"}},
    "CreatePayment.card_token": BY_CARD, "TokenizeCard": {"card": CARD, "payment": BY_CARD},
    "TokenizeCard.order_id": {"card": CARD, "payment": {"method": "card"}},
}
# Whose id a field holds, by its own name or by what the method is about.
NOUNS = {"payment_id": "payment", "refund_id": "refund", "endpoint_id": "endpoint", "event_id": "event", "order_id": "order",
         "credential_id": "credential", "card_token": "token", "object_id": "payment"}
ABOUT = {"Order": "order", "Orders": "order", "Payment": "payment", "Payments": "payment", "Refund": "refund", "Refunds": "refund",
         "Endpoint": "endpoint", "Endpoints": "endpoint", "Secret": "endpoint", "Replay": "endpoint", "Delivery": "delivery",
         "Deliveries": "delivery", "Event": "event", "Events": "event", "Credential": "credential", "Routes": "route"}
IN_STATE = {"CapturePayment": "authorized", "CancelPayment": "cancelable", "ResolvePayment": "reviewed"}


def operators_only(method):
    service = method.path.split("/")[1]
    return service in OPERATORS or f"{service}.{method.name}" in OPERATORS


def others(method, path):
    given = OTHERS.get(f"{method.name}.{path[-1]}", OTHERS.get(method.name, {}))
    return {name: f"rfnd_{secrets.token_hex(13)}" if value == NEW_REFUND else value for name, value in given.items()}


def noun(method, path):
    if path[-1] in NOUNS:
        return NOUNS[path[-1]]
    if method.name in IN_STATE:
        return IN_STATE[method.name]
    [about] = re.findall(r"[A-Z][a-z]+$", method.name) or [""]
    return ABOUT[about]  # not known: say above what this method is about


CASES = [(method, path) for method in all_methods() if not operators_only(method)
         for path in id_fields(method.descriptor.input_type)]
named = pytest.mark.parametrize("method,path", CASES, ids=lambda value: ".".join(value) if isinstance(value, tuple) else value.name)


class Estate:
    """One of everything, of one tenant; and a stranger."""

    def __init__(self, stack, receiver):
        self.stack, self.receiver = stack, receiver
        self.api, self.stranger = stack.tenant("Owner"), stack.tenant("Stranger")
        self.channels = {name: channel_to(stack.ports[name]) for name in SERVICES}
        self.ids = {}
        self.furnish()
        for _ in range(3):
            stack.settle(self.stranger, self.stranger.pay()["id"])
        stack.quiet()

    def furnish(self):
        api, stack = self.api, self.stack
        house = House(stack, "mtn")
        self.credential = house.credential(api)
        [route] = stack.obol("route", "set", "--tenant", api.tenant_id, f"mobile_money:EUR={self.credential['id']}")["data"]
        endpoint = api.post("/webhook_endpoints", {"url": self.receiver.url}).ok(201)
        order = api.post("/orders", {"amount": 700, "currency": "INR"}, key="owners-key").ok(201)
        paid = stack.paid(api)
        held = [api.pay(capture="manual")["id"] for _ in range(2)]
        stack.obol("limit", "set", "--tenant", api.tenant_id, "INR", "--review-above", 900000)
        reviewed = api.pay(900001)["id"]
        wait_until(lambda: api.get(f"/payments/{reviewed}").ok()["status"] == "needs_review", 20)
        refund = api.post(f"/payments/{paid['id']}/refunds", {"amount": 5}).ok(201)
        stack.settle_refund(api, refund["id"])
        for payment_id in held:
            stack.settle(api, payment_id, "authorized")
        delivery = wait_until(lambda: api.get(f"/webhooks?payment_id={paid['id']}").ok()["data"], 20)[0]
        token = self.call(api, "payments", "/obol.payments.v1.PaymentService/TokenizeCard",
                          {"card": CARD, "payment": BY_CARD}).card_token
        self.ids = {"payment": paid["id"], "authorized": held[0], "cancelable": held[1], "reviewed": reviewed, "refund": refund["id"],
                    "order": order["id"], "endpoint": endpoint["id"], "delivery": delivery["id"], "event": delivery["event_id"],
                    "credential": self.credential["id"], "route": route["id"], "token": token}

    def call(self, api, process, path, fields):
        method, request = PROTOCOL.method(self.channels[process], path)
        return method(request(**fields), timeout=30, metadata=[
            ("obol-tenant-id", api.tenant_id), ("obol-actor", api.key), ("x-request-id", secrets.token_hex(4)),
            ("idempotency-key", secrets.token_hex(8))])

    def ask(self, api, method, path, value):
        """The answer as text, or (code, reason, detail); without the id."""
        fields = put(others(method, path), path, value, method.descriptor.input_type)
        try:
            return str(self.call(api, method.process, method.path, fields)).replace(value, "<id>")
        except grpc.RpcError as error:
            status, found = details(error, PROTOCOL)
            reason = found["google.rpc.ErrorInfo"].reason
            return error.code(), reason, status.message.replace(value, "<id>")

    def rows(self):
        return fingerprint(self.stack.database.url, self.api.tenant_id)

    def shown(self, text):
        """The owner's ids that stand in a text."""
        return [value for value in self.ids.values() if value in text]

    def close(self):
        for channel in self.channels.values():
            channel.close()


@pytest.fixture(scope="module")
def stack():
    yield from running_stack(**PACE)


@pytest.fixture(scope="module")
def estate(stack):
    receiver = Receiver()
    estate = Estate(stack, receiver)
    yield estate
    estate.close()
    receiver.close()


def nobodys(value):
    """An id of the same kind that nobody has."""
    return value[:-4] + "zzzz"


def made_anew(text):
    """Without what is made for each answer."""
    return re.sub(r"(tok|rfnd)_\w+|(seconds|nanos): \d+", "", text)


def is_list(method):
    return any(f.name == "data" for f in method.descriptor.output_type.fields)


def test_every_service_is_tried():
    tried = {f"obol.{name}" for names in SERVICES_OF.values() for name in names} | {f"obol.{JOURNAL}"}
    assert services_declared() - tried == {"obol.gateway.v1.GatewayService"}  # composed of the others' methods
    assert len(CASES) > 40


@pytest.mark.parametrize("method", [m for m in all_methods() if operators_only(m)], ids=lambda m: m.name)
def test_operators_methods_have_no_route(method):
    assert method.routes() == []


@named
def test_stranger_finds_nothing(estate, method, path):
    """Over gRPC, where the gateway's routes don't stand before it: the same answer as for an id that nobody has."""
    value = estate.ids[noun(method, path)]
    before = estate.rows()
    theirs, nowhere = (estate.ask(estate.stranger, method, path, v) for v in [value, nobodys(value)])
    assert estate.rows() == before
    case = (method.name, ".".join(path))
    if case in NAMES | OPEN:
        return
    if is_list(method):
        assert estate.shown(theirs) == [], theirs
        return
    if case in ALIKE:
        assert made_anew(theirs) == made_anew(nowhere)
        assert estate.shown(theirs) == []
        return
    assert isinstance(theirs, tuple), f"was answered: {theirs}"
    assert theirs == nowhere
    assert theirs[1] == CODES.get(case, "not_found"), theirs


@pytest.mark.parametrize("method,path,verb,route", [
    (method, path, verb, route) for method, path in CASES for verb, route in method.routes()
    if (method.name, ".".join(path)) not in OPEN],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else getattr(value, "name", value))
def test_stranger_finds_nothing_by_rest(estate, method, path, verb, route):
    value = estate.ids[noun(method, path)]
    before = estate.rows()
    theirs, nowhere = (by_rest(estate.stranger, method, path, verb, route, v) for v in [value, nobodys(value)])
    assert estate.rows() == before
    assert theirs.status == nowhere.status, (theirs, nowhere)
    if theirs.status == 200:
        assert is_list(method) and estate.shown(json.dumps(theirs.json["data"])) == [], theirs
        return
    code = CODES.get((method.name, ".".join(path)), "not_found")
    assert theirs.refused(STATUSES[code], code)["detail"].replace(value, "") == \
        nowhere.json["detail"].replace(nobodys(value), "")


def by_rest(api, method, path, verb, route, value):
    fields = {name: "2026-01-01T00:00:00Z" if name == "since" else plain(given)
              for name, given in others(method, path).items()}
    fields = put(fields, path, value, method.descriptor.input_type)
    for name in re.findall(r"\{(\w+)\}", route):
        route = route.replace(f"{{{name}}}", urllib.parse.quote(str(fields.pop(name, "x")), safe=""))
    if verb in ("GET", "DELETE"):
        return api.call(verb, route.removeprefix("/api/v1") + ("?" + urllib.parse.urlencode(fields) if fields else ""))
    return api.call(verb, route.removeprefix("/api/v1"), fields, key=secrets.token_hex(8))


def plain(value):
    """As JSON shows a wrapper."""
    return value["value"] if isinstance(value, dict) and set(value) == {"value"} else value


def test_stranger_reads_no_idempotency_key(estate):
    assert estate.api.get("/idempotency_keys/owners-key").ok()
    estate.stranger.get("/idempotency_keys/owners-key").refused(404, "not_found")
    # The same key is another one with another tenant.
    assert estate.stranger.post("/orders", {"amount": 700, "currency": "INR"}, key="owners-key").ok(201)["id"] != estate.ids["order"]


def test_stranger_sees_nothing_of_it_in_lists(estate):
    for route in ["/orders", "/payments", "/refunds", "/webhook_endpoints", "/webhooks", "/events"]:
        assert estate.shown(json.dumps(estate.stranger.all(route))) == [], route
        assert estate.api.all(route), route


# Last: the owner's calls change what is there.
@pytest.mark.parametrize("method,path", sorted(CASES, key=lambda c: ("Delete" in c[0].name, c[0].name in ("Replay", "RotateSecret"))),
                         ids=lambda value: ".".join(value) if isinstance(value, tuple) else value.name)
def test_owner_is_answered(estate, method, path):
    """The cases above mean something: the owner's own id is known there."""
    case = (method.name, ".".join(path))
    answer = estate.ask(estate.api, method, path, estate.ids[noun(method, path)])
    if isinstance(answer, tuple):
        assert answer[1] not in ("not_found", "order_not_found", "invalid_request") or case in NAMES | OPEN, answer
