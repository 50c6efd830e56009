"""Bad input of every kind is refused in words, changes no row and is never a 500."""
import base64
import json
import re
import secrets

import pytest

from client import card_payment, payment, send, send_bytes, status_of
from conftest import running_stack
from postgres import fingerprint

BIG = 10 * 1024 * 1024


class House:
    """A tenant with one of everything, settled, and what every row looks like then."""

    def __init__(self, stack):
        self.stack = stack
        self.api = stack.tenant("Owner")
        self.other = stack.tenant("Stranger")
        api = self.api
        api.post("/webhook_endpoints", {"url": f"http://127.0.0.1:{stack.ports['merchant']}/health"}).ok(201)
        self.paid = stack.paid(api, 50000, key="owners-key")
        self.authorized = stack.settle(api, api.pay(capture="manual")["id"], "authorized")
        self.failed = stack.settle(api, api.pay(vpa="fail@upi")["id"], "failed")
        self.order = api.post("/orders", {"amount": 700, "currency": "INR"}).ok(201)
        self.refund = stack.settle_refund(api, api.post(f"/payments/{self.paid['id']}/refunds", {"amount": 100}).ok(201)["id"])
        self.endpoint = api.get("/webhook_endpoints").ok()["data"][0]
        api.delete(f"/webhook_endpoints/{self.endpoint['id']}")
        self.endpoint = api.post("/webhook_endpoints", {"url": "http://127.0.0.1:9/hook", "events": ["webhook.test"]}).ok(201)
        stack.quiet()
        self.delivery = api.get("/webhooks").ok()["data"][0]
        self.event = api.get("/events").ok()["data"][0]
        self.rows = fingerprint(stack.database.url)
        assert all(table in self.rows for table in ["payments.payments", "refunds.refunds", "webhooks.endpoints", "auth.api_keys"])


@pytest.fixture(scope="module")
def stack():
    yield from running_stack()


@pytest.fixture(scope="module")
def house(stack):
    return House(stack)


@pytest.fixture(autouse=True)
def nothing_changes(house):
    yield
    rows = fingerprint(house.stack.database.url)
    changed = {table: (house.rows[table], row) for table, row in rows.items() if house.rows[table] != row}
    house.rows = rows
    assert not changed


def nested(depth):
    return b'{"metadata":' * depth + b"{}" + b"}" * depth


PLAIN = {"order_id": "ref-1", "amount": 100, "currency": "INR", "method": "upi", "vpa": "a@upi"}


def with_text(field, text):
    """PLAIN with one field's JSON as given."""
    rest = {name: value for name, value in PLAIN.items() if name != field}
    return (json.dumps(rest)[:-1] + f', "{field}": {text}}}').encode()


def upi(**changes):
    return {**PLAIN, **changes}


def card(**changes):
    body = card_payment()
    body["card"].update(changes)
    return body


# What is wrong, the body, the status, the code, the field at fault.
BODIES = [
    ("no body", b"", 400, "invalid_request", None),
    ("empty object", {}, 400, "invalid_request", "order_id"),
    ("not JSON", b"order=1", 400, "invalid_request", None),
    ("truncated", b'{"order_id": "ref-1", "amo', 400, "invalid_request", None),
    ("truncated string", b'{"order_id": "ref-1', 400, "invalid_request", None),
    ("trailing", json.dumps(PLAIN).encode() + b"}", 400, "invalid_request", None),
    ("two values", json.dumps(PLAIN).encode() * 2, 400, "invalid_request", None),
    ("array", b"[]", 400, "invalid_request", None),
    ("string", b'"x"', 400, "invalid_request", None),
    ("null", b"null", 400, "invalid_request", None),
    ("deep", nested(200), 400, "invalid_request", None),
    ("very deep", b"[" * 100000, 400, "invalid_request", None),
    ("duplicate member", b'{"order_id": "a", "order_id": "b"}', 400, "invalid_request", None),
    ("duplicate inside", with_text("metadata", '{"a": "1", "a": "2"}'), 400, "invalid_request", None),
    ("invalid UTF-8", b'{"order_id": "\xc3\x28"}', 400, "invalid_request", None),
    ("overlong UTF-8", b'{"order_id": "\xc0\xaf"}', 400, "invalid_request", None),
    ("surrogate in UTF-8", b'{"order_id": "\xed\xa0\x80"}', 400, "invalid_request", None),
    ("lone surrogate", with_text("description", r'"\ud800"'), 400, "invalid_request", None),
    ("escaped NUL", with_text("description", r'"a\u0000b"'), 400, "invalid_request", None),
    ("raw NUL", b'{"order_id": "a\x00b"}', 400, "invalid_request", None),
    ("NUL in name", rb'{"a\u0000b": 1}', 400, "invalid_request", None),
    ("control character", upi(description="a\u0007b"), 400, "invalid_request", "description"),
    ("delete character", upi(description="a\u007fb"), 400, "invalid_request", "description"),
    ("unknown field", upi(discount=1), 400, "invalid_request", "discount"),
    ("unknown inside", upi(customer={"shoe_size": "44"}), 400, "invalid_request", "customer.shoe_size"),
    ("prototype", upi(__proto__="x"), 400, "invalid_request", "__proto__"),
    ("camel case", with_text("order_id", '"x"').replace(b"order_id", b"orderId"), 400, "invalid_request", "orderId"),
    ("internal field", {**card_payment(), "card_token": "tok_1"}, 400, "invalid_request", "card_token"),
    ("amount as text", with_text("amount", '"100"'), 400, "invalid_request", "amount"),
    ("amount as bool", with_text("amount", "true"), 400, "invalid_request", "amount"),
    ("amount as list", with_text("amount", "[100]"), 400, "invalid_request", "amount"),
    ("amount as object", with_text("amount", '{"value": 100}'), 400, "invalid_request", "amount"),
    ("amount null", with_text("amount", "null"), 400, "invalid_request", "amount"),
    ("amount negative", upi(amount=-1), 400, "invalid_request", "amount"),
    ("amount zero", upi(amount=0), 400, "invalid_request", "amount"),
    ("amount minus zero", with_text("amount", "-0"), 400, "invalid_request", "amount"),
    ("amount fractional", upi(amount=1.5), 400, "invalid_request", "amount"),
    ("amount exponent", with_text("amount", "1e400"), 400, "invalid_request", None),
    ("amount 2^53+1", with_text("amount", str(2**53 + 1)), 400, "invalid_request", "amount"),
    ("amount 2^63", with_text("amount", str(2**63)), 400, "invalid_request", None),
    ("amount 2^64+1", with_text("amount", str(2**64 + 1)), 400, "invalid_request", None),
    ("amount -2^63-1", with_text("amount", str(-2**63 - 1)), 400, "invalid_request", None),
    ("amount of 400 digits", with_text("amount", "9" * 400), 400, "invalid_request", None),
    ("amount one too large", upi(amount=100000000000), 422, "amount_too_large", "amount"),
    ("amount NaN", with_text("amount", "NaN"), 400, "invalid_request", None),
    ("amount hex", with_text("amount", "0x10"), 400, "invalid_request", None),
    ("amount leading zero", with_text("amount", "0100"), 400, "invalid_request", None),
    ("amount missing", {k: v for k, v in PLAIN.items() if k != "amount"}, 400, "invalid_request", "amount"),
    ("currency missing", {k: v for k, v in PLAIN.items() if k != "currency"}, 400, "invalid_request", "currency"),
    ("order unknown", {"order_id": "order_nothing", "method": "upi", "vpa": "a@upi"}, 422, "order_not_found", "order_id"),
    ("currency that does not exist", upi(currency="ZZZ"), 422, "currency_unsupported", "currency"),
    ("currency in small letters", upi(currency="inr"), 400, "invalid_request", "currency"),
    ("currency too long", upi(currency="INRR"), 400, "invalid_request", "currency"),
    ("currency a number", upi(currency=356), 400, "invalid_request", "currency"),
    ("order_id a number", upi(order_id=5), 400, "invalid_request", "order_id"),
    ("order_id empty", upi(order_id=""), 400, "invalid_request", "order_id"),
    ("order_id long", upi(order_id="x" * 65), 400, "invalid_request", "order_id"),
    ("order_id not ASCII", upi(order_id="ümlaut"), 400, "invalid_request", "order_id"),
    ("method missing", {k: v for k, v in PLAIN.items() if k not in ("method", "vpa")}, 400, "invalid_request", "method"),
    ("method unknown", upi(method="cash"), 400, "invalid_request", "method"),
    ("vpa missing", {k: v for k, v in PLAIN.items() if k != "vpa"}, 400, "invalid_request", "vpa"),
    ("vpa without handle", upi(vpa="somebody"), 400, "invalid_request", "vpa"),
    ("vpa injected", upi(vpa="a@upi'; DROP TABLE payments;--"), 400, "invalid_request", "vpa"),
    ("vpa and card", {**card_payment(), "vpa": "a@upi"}, 400, "invalid_request", "vpa"),
    ("card missing", {**PLAIN, "method": "card", "vpa": None}, 400, "invalid_request", "card"),
    ("card for upi", {**card_payment(), "method": "upi", "vpa": "a@upi"}, 400, "invalid_request", "card"),
    ("card a text", {**card_payment(), "card": "4242424242424242"}, 400, "invalid_request", "card"),
    ("card by Luhn", card(number="4242424242424241"), 400, "invalid_request", "card.number"),
    ("card short", card(number="4242"), 400, "invalid_request", "card.number"),
    ("card long", card(number="4" * 20), 400, "invalid_request", "card.number"),
    ("card letters", card(number="4242abcd42424242"), 400, "invalid_request", "card.number"),
    ("card number a number", card(number=4242424242424242), 400, "invalid_request", "card.number"),
    ("card expired", card(expiry_year=2020), 400, "invalid_request", "card.expiry_year"),
    ("card month 13", card(expiry_month=13), 400, "invalid_request", "card.expiry_month"),
    ("card month 0", card(expiry_month=0), 400, "invalid_request", "card.expiry_month"),
    ("card year of two digits", card(expiry_year=30), 400, "invalid_request", "card.expiry_year"),
    ("card cvv short", card(cvv="12"), 400, "invalid_request", "card.cvv"),
    ("card cvv letters", card(cvv="1x3"), 400, "invalid_request", "card.cvv"),
    ("card cvv a number", card(cvv=123), 400, "invalid_request", "card.cvv"),
    ("card unknown field", card(pin="1234"), 400, "invalid_request", "card.pin"),
    ("card holder long", card(holder_name="x" * 256), 400, "invalid_request", "card.holder_name"),
    ("capture unknown", upi(capture="later"), 400, "invalid_request", "capture"),
    ("capture bool", upi(capture=True), 400, "invalid_request", "capture"),
    ("description long", upi(description="x" * 501), 400, "invalid_request", "description"),
    ("customer a text", upi(customer="me"), 400, "invalid_request", "customer"),
    ("email bad", upi(customer={"email": "nobody"}), 400, "invalid_request", "customer.email"),
    ("phone bad", upi(customer={"phone": "call me"}), 400, "invalid_request", "customer.phone"),
    ("name long", upi(customer={"name": "x" * 256}), 400, "invalid_request", "customer.name"),
    ("metadata 51 pairs", upi(metadata={f"k{i}": "v" for i in range(51)}), 400, "invalid_request", "metadata"),
    ("metadata key an integer", upi(metadata={"7": "x"}), 400, "invalid_request", "metadata"),
    ("metadata value a number", upi(metadata={"a": 1}), 400, "invalid_request", "metadata.a"),
    ("metadata value an object", upi(metadata={"a": {}}), 400, "invalid_request", "metadata.a"),
    ("metadata a list", upi(metadata=["a"]), 400, "invalid_request", "metadata"),
    ("metadata key empty", upi(metadata={"": "x"}), 400, "invalid_request", "metadata"),
    ("metadata key long", upi(metadata={"k" * 41: "x"}), 400, "invalid_request", "metadata"),
    ("metadata value long", upi(metadata={"a": "x" * 501}), 400, "invalid_request", "metadata.a"),
]


@pytest.mark.parametrize("body,status,code,param", [case[1:] for case in BODIES], ids=[case[0] for case in BODIES])
def test_payment_is_refused(house, body, status, code, param):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    reply = house.api.call("POST", "/payments", body=raw, key=secrets.token_hex(8))
    reply.refused(status, code, param)


@pytest.mark.parametrize("path,value,status,code,param", [
    ("/orders", {"currency": "INR"}, 400, "invalid_request", "amount"),
    ("/orders", {"amount": 1}, 400, "invalid_request", "currency"),
    ("/orders", {"amount": 1, "currency": "XXZ"}, 422, "currency_unsupported", "currency"),
    ("/orders", {"amount": 2**53 + 1, "currency": "INR"}, 400, "invalid_request", "amount"),
    ("/orders", {"amount": 10**11, "currency": "INR"}, 422, "amount_too_large", "amount"),
    ("/orders", {"amount": 1, "currency": "INR", "receipt": "x" * 256}, 400, "invalid_request", "receipt"),
    ("/orders", {"amount": 1, "currency": "INR", "receipt": 5}, 400, "invalid_request", "receipt"),
    ("/orders", {"amount": 1, "currency": "INR", "notes": {"1": "x"}}, 400, "invalid_request", "notes"),
    ("/orders", {"amount": 1, "currency": "INR", "id": "order_mine"}, 400, "invalid_request", "id"),
    ("/payments/{paid}/refunds", {"amount": -1}, 400, "invalid_request", "amount"),
    ("/payments/{paid}/refunds", {"amount": 0}, 400, "invalid_request", "amount"),
    ("/payments/{paid}/refunds", {"amount": 1.5}, 400, "invalid_request", "amount"),
    ("/payments/{paid}/refunds", {"amount": "1"}, 400, "invalid_request", "amount"),
    ("/payments/{paid}/refunds", {"amount": 49901}, 422, "refund_exceeds_captured", None),
    ("/payments/{paid}/refunds", {"amount": 2**53 + 1}, 400, "invalid_request", "amount"),
    ("/payments/{paid}/refunds", {"reason": "x" * 501}, 400, "invalid_request", "reason"),
    ("/payments/{paid}/refunds", {"reason": "a\u0000b"}, 400, "invalid_request", None),
    ("/payments/{paid}/refunds", {"payment_id": "pay_other"}, 400, "invalid_request", "payment_id"),
    ("/payments/{authorized}/refunds", {"amount": 1}, 409, "payment_not_refundable", None),
    ("/payments/{failed}/refunds", {"amount": 1}, 409, "payment_not_refundable", None),
    ("/payments/{paid}/capture", {}, 409, None, None),
    ("/payments/{failed}/capture", {}, 409, None, None),
    ("/payments/{paid}/cancel", {}, 409, None, None),
    ("/payments/{failed}/cancel", {}, 409, None, None),
    ("/payments/{authorized}/capture", {"amount": 0}, 400, "invalid_request", "amount"),
    ("/payments/{authorized}/capture", {"amount": -5}, 400, "invalid_request", "amount"),
    ("/payments/{authorized}/capture", {"amount": 50001}, 422, None, None),
    ("/payments/{authorized}/capture", {"id": "pay_x"}, 400, "invalid_request", "id"),
    ("/payments/{authorized}/cancel", {"reason": "none"}, 400, "invalid_request", "reason"),
    ("/webhook_endpoints/{endpoint}/replay", {}, 400, "invalid_request", "since"),
    ("/webhook_endpoints/{endpoint}/replay", {"since": "yesterday"}, 400, "invalid_request", "since"),
    ("/webhook_endpoints/{endpoint}/rotate_secret", {"overlap_seconds": -1}, 400, "invalid_request", "overlap_seconds"),
    ("/webhooks/{delivery}/retry", {"now": True}, 400, "invalid_request", "now")])
def test_other_posts_are_refused(house, path, value, status, code, param):
    ids = {name: getattr(house, name)["id"] for name in ["paid", "authorized", "failed", "endpoint", "delivery"]}
    house.api.post(path.format(**ids), value, key=secrets.token_hex(8)).refused(status, code, param)


@pytest.mark.parametrize("query,param", [
    ("limit=0", "limit"), ("limit=101", "limit"), ("limit=-1", "limit"), ("limit=ten", "limit"), ("limit=1.5", "limit"),
    ("limit=99999999999999999999", "limit"), ("starting_after=%20", "starting_after"), ("status=happy", "status"),
    ("created_gte=yesterday", "created_gte"), ("nonsense=1", "nonsense"), ("starting_after=a&ending_before=b", None)])
@pytest.mark.parametrize("path", ["/payments", "/orders", "/refunds", "/webhooks", "/events", "/webhook_endpoints"])
def test_lists_refuse_bad_queries(house, path, query, param):
    house.api.get(f"{path}?{query}").refused(400, "invalid_request", param)


@pytest.mark.parametrize("query", ["%", "%zz", "limit=%ff", "limit=%00", "limit=1%00"])
def test_bad_percent_encoding_is_refused(house, query):
    house.api.get(f"/payments?{query}").refused(400, "invalid_request")


@pytest.mark.parametrize("headers", [
    {}, {"X-Api-Key": "key_test_abc123"}, {"X-Api-Secret": "secret_test_xyz789"},
    {"X-Api-Key": "key_test_abc123", "X-Api-Secret": "wrong"}, {"X-Api-Key": "key_nobody", "X-Api-Secret": "secret_test_xyz789"},
    {"X-Api-Key": "key_test_abc123", "X-Api-Secret": "s" * 5000}, {"X-Api-Key": "' OR 1=1 --", "X-Api-Secret": "x"},
    {"X-Api-Key": "key_test_abc123", "X-Api-Secret": ""}, {"Authorization": "Bearer secret_test_xyz789"},
    {"Authorization": "Basic !!!"}, {"Authorization": "Basic " + base64.b64encode(b"no colon").decode()},
    {"Authorization": "Basic " + base64.b64encode(b"key_test_abc123:wrong").decode()},
    {"Authorization": "Basic " + base64.b64encode(b"\xff\xfe:\x00").decode()}],
    ids=lambda headers: " ".join(f"{k}={v[:20]}" for k, v in headers.items()) or "none")
@pytest.mark.parametrize("method,path", [("GET", "/api/v1/payments"), ("POST", "/api/v1/payments")])
def test_wrong_key_is_refused_alike(house, headers, method, path):
    reply = house.stack.open(method, path, PLAIN if method == "POST" else None, headers=headers)
    problem = reply.refused(401, "authentication_failed")
    assert problem["detail"] == house.stack.open("GET", path, headers={"X-Api-Key": "key_x", "X-Api-Secret": "y"}).json["detail"]


def documented(stack):
    document = stack.open("GET", "/openapi.json").ok()
    return [(method.upper(), path) for path, item in document["paths"].items() for method in item
            if method in ("get", "post", "patch", "delete", "put")]


def test_another_tenants_id_is_unknown_in_every_path(house):
    """As if it did not exist: the same answer as for an id that nobody has."""
    ids = {"/payments/": house.paid["id"], "/orders/": house.order["id"], "/refunds/": house.refund["id"],
           "/webhook_endpoints/": house.endpoint["id"], "/webhooks/": house.delivery["id"], "/events/": house.event["id"],
           "/idempotency_keys/": "owners-key"}
    tried = 0
    for method, path in documented(house.stack):
        if "{" not in path or "{provider}" in path:
            continue
        [theirs] = [value for part, value in ids.items() if f"/api/v1{part}{{" in path]
        body = {"since": "2026-01-01T00:00:00Z"} if path.endswith("/replay") else {} if method in ("POST", "PATCH") else None
        there = re.sub(r"\{[^}]*\}", theirs, path).removeprefix("/api/v1")
        nowhere = re.sub(r"\{[^}]*\}", theirs[:-4] + "zzzz", path).removeprefix("/api/v1")
        mine, absent = (house.other.call(method, p, body, key=secrets.token_hex(8) if method == "POST" else None)
                        for p in [there, nowhere])
        assert mine.status == absent.status, (method, path, mine, absent)
        if method == "GET" and mine.status == 200:  # a list within: empty
            assert mine.json["data"] == [] and absent.json["data"] == [], (path, mine)
        else:
            assert mine.refused(404, "not_found")["detail"] == absent.json["detail"], (method, path)
        tried += 1
    assert tried >= 16


def test_another_tenants_id_filters_nothing(house):
    for path in [f"/refunds?payment_id={house.paid['id']}", f"/webhooks?payment_id={house.paid['id']}",
                 f"/events?object_id={house.paid['id']}", f"/payments?order_id={house.paid['order_id']}",
                 f"/webhooks?endpoint_id={house.endpoint['id']}", f"/payments?starting_after={house.paid['id']}"]:
        assert house.other.get(path).ok()["data"] == [], path


def test_other_tenant_id_header_is_refused(house):
    house.api.get("/payments", headers={"X-Tenant-Id": house.other.tenant_id}).refused(403, "tenant_mismatch")
    house.api.get("/payments", headers={"X-Tenant-Id": house.api.tenant_id}).ok()


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "", "multipart/form-data"])
def test_wrong_content_type_is_refused(house, content_type):
    house.api.call("POST", "/payments", PLAIN, headers={"Content-Type": content_type}).refused(415)


def test_wrong_method_names_the_right_ones(house):
    for method, path in documented(house.stack):
        if "{provider}" in path:
            continue
        allowed = {m for m, p in documented(house.stack) if p == path}
        there = re.sub(r"\{[^}]*\}", "x", path)
        for wrong in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} - allowed:
            if re.fullmatch(r"/api/v1/webhooks/[^/]*", there) and wrong in ("POST", "PUT"):
                continue  # a provider's callback
            reply = send(house.api.port, wrong, there, headers=house.api.headers())
            reply.refused(405)
            assert set(reply.headers["Allow"].replace(" ", "").split(",")) >= allowed, (wrong, there, reply.headers)


@pytest.mark.parametrize("path", [
    "/", "/api", "/api/v1", "/api/v1/", "/api/v2/payments", "/api/v1/payment", "/api/v1/payments/a/b/c/d/e/f/g/h/i/j",
    "/api/v1/payments/", "/api/v1//payments", "/api/v1/../../etc/passwd", "/api/v1/payments/%2e%2e", "/admin", "/metrics", "/favicon.ico"])
def test_unknown_path_is_not_found(house, path):
    send(house.api.port, "GET", path, headers=house.api.headers()).refused(404)


@pytest.mark.parametrize("object_id", ["pay_" + "x" * 200, "%00", "pay_%00", "%ff", "'%20OR%201=1", "%20", "%C3%BC"])
def test_odd_ids_are_not_found(house, object_id):
    for path in ["payments", "orders", "refunds", "webhooks", "events", "webhook_endpoints"]:
        reply = house.api.get(f"/{path}/{object_id}")
        assert reply.status in (400, 404), (path, reply)
        reply.refused(reply.status)


def test_body_where_none_belongs_is_refused(house):
    house.api.call("GET", "/payments", body=b"{}").refused(400, "invalid_request")
    house.api.call("DELETE", f"/webhook_endpoints/{house.endpoint['id']}", body=b"{}").refused(400, "invalid_request")


def test_query_where_none_belongs_is_refused(house):
    house.api.post("/payments?amount=5", PLAIN).refused(400, "invalid_request", "amount")


@pytest.mark.parametrize("key", ["k" * 256, "k" * 5000, "\u00e9", "a\tb"], ids=["256", "5000", "latin", "tab"])
def test_bad_idempotency_key_is_refused(house, key):
    house.api.post("/payments", PLAIN, key=key.encode("latin-1")).refused(400, "invalid_request", "Idempotency-Key")


# --- Bytes that no HTTP library sends

def raw(house, method="POST", path="/api/v1/payments", headers=(), body=b"", **options):
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"X-Api-Key: {house.api.key}", f"X-Api-Secret: {house.api.secret}",
             "Content-Type: application/json", *headers]
    return send_bytes(house.api.port, "\r\n".join(lines).encode() + b"\r\n\r\n" + body, **options)


def test_body_of_10_mib_is_refused(house):
    received = raw(house, headers=[f"Content-Length: {BIG}"], body=b"x" * BIG)
    assert status_of(received) == 413, received[:300]
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    received = raw(house, headers=["Transfer-Encoding: chunked"], body=chunk * (BIG // 65536) + b"0\r\n\r\n")
    assert status_of(received) == 413, received[:300]


def test_large_body_within_the_limit_is_refused_in_words(house):
    house.api.post("/payments", upi(description="x" * 200000)).refused(400, "invalid_request", "description")


def test_truncated_body_is_never_taken(house):
    body = json.dumps(PLAIN).encode()
    received = raw(house, headers=[f"Content-Length: {len(body) + 10}"], body=body, close_after=True)
    assert status_of(received) in (None, 400), received
    received = raw(house, headers=["Transfer-Encoding: chunked"], body=b"%x\r\n%s\r\n" % (len(body), body), close_after=True)
    assert status_of(received) in (None, 400), received


@pytest.mark.parametrize("headers", [
    ["Content-Length: {n}", "Transfer-Encoding: chunked"], ["Content-Length: {n}", "Content-Length: {n}"],
    ["Content-Length: {n}", "Content-Length: 5"], ["Content-Length: +{n}"], ["Content-Length: -1"], ["Content-Length: {n}, {n}"],
    ["Content-Length: 0x10"], ["Content-Length: 99999999999999999999999"], ["Transfer-Encoding: gzip"],
    ["Transfer-Encoding: chunked, chunked"], ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
    ["Transfer-Encoding: xchunked"]], ids=lambda headers: " + ".join(headers))
def test_ambiguous_length_is_refused(house, headers):
    """Whoever reads it differently would see another request in what follows."""
    body = json.dumps(PLAIN).encode()
    given = [line.replace("{n}", str(len(body))) for line in headers]
    received = raw(house, headers=given, body=body)
    assert status_of(received) in (None, 400, 413, 501), received
    assert received.count(b"HTTP/1.1 ") <= 1, received


@pytest.mark.parametrize("body", [b"zz\r\nabc\r\n0\r\n\r\n", b"-5\r\nabc\r\n0\r\n\r\n", b"fffffffffffffffff\r\nabc\r\n", b"5\r\n{}\r\n0\r\n\r\n",
                                  b"\r\n\r\n"], ids=["letters", "negative", "huge", "short", "empty"])
def test_bad_chunks_are_refused(house, body):
    received = raw(house, headers=["Transfer-Encoding: chunked"], body=body, close_after=True)
    assert status_of(received) in (None, 400, 413), received


def test_good_chunks_are_read(house):
    received = raw(house, headers=["Transfer-Encoding: chunked"], body=b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n")
    assert status_of(received) == 400 and b'"order_id"' in received, received


def test_huge_headers_are_refused(house):
    received = raw(house, "GET", headers=[f"X-Padding: {'x' * 200000}"])
    assert status_of(received) in (None, 400, 413, 431), received[:300]
    received = raw(house, "GET", headers=[f"X-Padding-{i}: x" for i in range(2000)])
    assert status_of(received) in (None, 400, 413, 431), received[:300]
    received = raw(house, "GET", path="/api/v1/payments?" + "x" * 200000)
    assert status_of(received) in (None, 400, 413, 414, 431), received[:300]


@pytest.mark.parametrize("data", [
    b"\r\n\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x00" * 1000,
    b"GET /api/v1/payments\r\n\r\n", b"POST /api/v1/payments HTTP/1.1\r\nbad header\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: x\r\n\r\n", b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: x\r\n\r\n"],
    ids=["blank", "no target", "version", "TLS", "NULs", "HTTP/0.9", "header", "HTTP/2", "absolute", "connect"])
def test_what_is_no_request_is_not_served(house, data):
    received = send_bytes(house.api.port, data, close_after=True)
    assert status_of(received) is None or 400 <= status_of(received) < 500 or status_of(received) in (501, 505), received[:300]
    assert house.stack.processes["gateway"].running()


def test_second_request_on_a_connection_is_its_own(house):
    """Nothing of a refused request's body is read as the next request."""
    smuggled = b"POST /api/v1/orders HTTP/1.1\r\nHost: x\r\n\r\n"
    received = raw(house, "GET", headers=[f"Content-Length: {len(smuggled)}"], body=smuggled)
    assert received.count(b"HTTP/1.1 ") == 1, received


def test_no_refusal_shows_what_is_inside(house):
    text = "".join(house.api.call("POST", "/payments", body=b).raw.decode() for b in [b"{", b'{"order_id": 1}', nested(300)])
    assert not re.search(r"SELECT|INSERT|\.c:\d|127\.0\.0\.1|postgres|/tmp/|obol\.", text), text


def test_nothing_was_a_500(house):
    for name in ["gateway", "payments", "refunds", "webhooks", "auth"]:
        assert "request failed" not in house.stack.processes[name].text()
    metrics = house.stack.open("GET", "/metrics", port="gateway_ops").raw.decode()
    assert not re.findall(r'^obol_http_requests_total\{[^}]*status="500"[^}]*\}.*', metrics, re.M)


def test_good_request_goes_through_after_all_that(house):
    made = house.api.post("/payments", payment()).ok(201)
    house.stack.settle(house.api, made["id"], "succeeded")
    house.stack.quiet()
    house.rows = fingerprint(house.stack.database.url)
