"""Without WEBHOOK_ALLOW_PRIVATE a webhook leads to https and public addresses only."""
import pytest

from conftest import running_stack
from stack import wait_until


@pytest.fixture(scope="module")
def stack():
    yield from running_stack(WEBHOOK_ALLOW_PRIVATE="false", DEMO_WEBHOOK_URL="https://example.com/webhook")


@pytest.mark.parametrize("url", [
    "http://example.com/hook", "https://127.0.0.1/hook", "https://10.1.2.3/hook", "https://192.168.0.1/", "https://172.16.5.5/",
    "https://169.254.169.254/latest/meta-data", "https://100.64.0.1/", "https://[::1]/hook", "https://[::ffff:127.0.0.1]/hook",
    "https://[fe80::1]/", "https://[fd00::1]/", "https://0.0.0.0/", "https://127.1/", "https://2130706433/", "https://0x7f.1/",
    "https://0177.0.0.1/", "https://224.0.0.1/", "https://user:pw@10.0.0.1/"])
def test_private_literal_is_refused(stack, api, url):
    api.post("/webhook_endpoints", {"url": url}).refused(400, "invalid_request", "url")
    assert api.get("/webhook_endpoints").ok()["data"] == []


def test_private_literal_is_refused_in_a_change(stack, api):
    made = api.post("/webhook_endpoints", {"url": "https://example.com/hook"}).ok(201)
    api.patch(f"/webhook_endpoints/{made['id']}", {"url": "https://127.0.0.1/"}).refused(400, "invalid_request", "url")
    assert api.get(f"/webhook_endpoints/{made['id']}").ok()["url"] == "https://example.com/hook"


@pytest.mark.parametrize("host", ["localhost", "localhost.", "ip6-localhost"])
def test_name_of_a_private_address_is_not_connected_to(stack, api, receiver, host):
    """A name is resolved when it is sent to; whatever it leads to then is looked at, not what it led to before."""
    reply = api.post("/webhook_endpoints", {"url": f"https://{host}:{receiver.server.server_port}/hook"})
    if reply.status == 201:
        outcome = api.post(f"/webhook_endpoints/{reply.json['id']}/test").ok()
        assert outcome["status"] != "delivered" and outcome["response_code"] is None and outcome["last_error"]
        api.pay()
        log = wait_until(lambda: [d for d in api.get("/webhooks").ok()["data"] if d["attempts"] > 0 and d["last_error"]], 30)
        assert all(d["response_code"] is None for d in log)
    else:
        reply.refused(400, "invalid_request", "url")
    assert receiver.requests == []
