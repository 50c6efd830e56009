"""What a kubelet, a balancer and an operator are told in every state of a program."""
import concurrent.futures
import json
import re
import signal
import socket
import time

import grpc
import pytest

from client import send
from conftest import running_stack
from processes import PORTS, Process, answers
from protocol import Protocol, channel_to
from stack import BIN, SERVICES, wait_until
from threads import Held, listener_of

SERVING, NOT_SERVING = 1, 2
LIVE_S = 10
DELAY_MS = 8000
NAMES = {"auth": ["auth.v1.AuthService"], "refunds": ["refunds.v1.RefundService"],
         "payments": ["payments.v1.OrderService", "payments.v1.PaymentService", "payments.v1.ProviderService"],
         "webhooks": ["webhooks.v1.EndpointService", "webhooks.v1.DeliveryService", "webhooks.v1.EventService"]}
CHECK, WATCH = "/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"


@pytest.fixture(scope="module")
def health():
    """The ports of gRPC health."""
    return {name: PORTS.take() for name in SERVICES}


@pytest.fixture(scope="module")
def stack(health):
    yield from running_stack(own_cluster=True, tls=True, LIVE_WITHIN_S=str(LIVE_S),
                             **{f"{name.upper()}_HEALTH_LISTEN": f"127.0.0.1:{port}" for name, port in health.items()})


@pytest.fixture(scope="module")
def protocol(tmp_path_factory):
    return Protocol(tmp_path_factory.mktemp("protocol"))


@pytest.fixture
def kubelet(stack, health, protocol):
    return Kubelet(stack, health, protocol)


class Kubelet:
    def __init__(self, stack, health, protocol):
        self.stack, self.health, self.protocol = stack, health, protocol

    def http(self, program, path="ready", port=None):
        """The status; None: nobody answers."""
        try:
            return send(port or self.stack.ports[f"{program}_ops"], "GET", f"/health/{path}", timeout=5).status
        except OSError:
            return None

    def page(self, program):
        return json.loads(send(self.stack.ports[f"{program}_ops"], "GET", "/health").raw)

    def grpc(self, service, name="", port=None):
        """A ServingStatus, or why there is none."""
        with channel_to(port or self.health[service]) as channel:
            call, request = self.protocol.method(channel, CHECK)
            try:
                return call(request(service=name), timeout=5).status
            except grpc.RpcError as error:
                return error.code()

    def sees(self, program, live, ready, seconds=15, port=None):
        """Both probes, by HTTP and (of a service) by gRPC; as soon as ready is so."""
        wait_until(lambda: self.http(program, port=port) == ready, seconds, lambda: f"{program} is {ready}: {self.http(program)}")
        assert self.http(program, "live", port) == live
        if program in SERVICES:
            wanted = {200: SERVING, 503: NOT_SERVING, None: grpc.StatusCode.UNAVAILABLE}
            said = {"": wanted[ready], **{f"obol.{name}": wanted[ready] for name in NAMES[program]}, "live": wanted[live]}
            wait_until(lambda: {name: self.grpc(program, name) for name in said} == said, 10, f"{program} says {said} by gRPC")


def test_whoever_runs_is_live_and_ready(kubelet):
    for program in [*SERVICES, "gateway"]:
        kubelet.sees(program, 200, 200)
        page = kubelet.page(program)
        assert page["live"] is True and page["version"] and page["disk"]["free_bytes"] > 0, page
    page = kubelet.page("payments")
    assert {name: of["status"] for name, of in page["dependencies"].items()} == {"postgres": "up", "nats": "up", "migrations": "up", "listener": "up"}
    assert kubelet.grpc("auth", "no.Such") == grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize("service", SERVICES)
def test_in_plain_text_nothing_but_health_is_answered(stack, protocol, health, service):
    """Under mutual TLS; every method of the contracts, known to this service or not."""
    health_paths, others = {CHECK, WATCH}, []
    for name in protocol.files:
        file = protocol.pool.FindFileByName(name)
        others += [f"/{s.full_name}/{m.name}" for s in file.services_by_name.values() for m in s.methods]
    others += ["/obol.rpc.v1.Bundle/Call", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "/no.Such/Method"]
    others = [path for path in others if path not in health_paths]
    assert len(others) > 60
    raw = {"request_serializer": bytes, "response_deserializer": bytes}
    with channel_to(health[service]) as channel:
        for path in others:
            for ask in (lambda: channel.unary_unary(path, **raw)(b"", timeout=10),
                        lambda: list(channel.stream_stream(path, **raw)(iter([b"", b""]), timeout=10))):
                with pytest.raises(grpc.RpcError) as refused:
                    ask()
                assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED, path
        with pytest.raises(grpc.RpcError) as refused:  # nor is what is large taken in
            channel.unary_unary(CHECK, **raw)(b"\x0a\x80\x80\x04" + b"x" * 65536, timeout=10)
        assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        watch, request = protocol.method(channel, WATCH)
        stream = watch(request(service=""), timeout=10)
        assert next(stream).status == SERVING
        stream.cancel()
    assert f'method=\\"/obol' not in send(stack.ports[f"{service}_ops"], "GET", "/metrics").raw.decode()


def test_without_the_bus_all_are_ready_and_the_page_says_so(stack, kubelet):
    stack.kill9("nats")
    wait_until(lambda: kubelet.page("payments")["dependencies"]["nats"]["status"] == "down", 15, "the page says so")
    for program in [*SERVICES, "gateway"]:
        kubelet.sees(program, 200, 200)
    stack.restart("nats")
    wait_until(lambda: kubelet.page("payments")["dependencies"]["nats"]["status"] == "up", 30, "it is back")


def test_without_the_database_all_live_and_none_is_ready(stack, kubelet):
    stack.processes["webhooks"].stop()
    stack.kill9("postgres")
    stack.restart("webhooks")  # starts without
    for program in [*SERVICES, "gateway"]:
        kubelet.sees(program, 200, 503, 30)
    assert kubelet.page("auth")["dependencies"]["postgres"]["status"] == "down"
    wait_until(lambda: {of["status"] for of in kubelet.page("gateway")["dependencies"].values()} == {"down"}, 15, "all are down")
    stack.restart("postgres")
    for program in [*SERVICES, "gateway"]:
        kubelet.sees(program, 200, 200, 30)


def test_behind_its_schema_a_service_says_what_is_missing_and_waits(stack, kubelet):
    before = stack.obol("migrate", "status", "refunds")
    [[version, name]] = stack.sql("SELECT version, name FROM refunds.schema_migrations ORDER BY version DESC LIMIT 1")
    stack.obol("migrate", "down", "refunds", parse=False)
    kubelet.sees("refunds", 200, 503)  # it runs, and what it runs on is gone
    assert kubelet.page("refunds")["dependencies"]["migrations"]["reason"] == f"missing: {version} {name}"
    stack.processes["refunds"].stop()
    stack.restart("refunds", OBOL_MIGRATE="false")
    kubelet.sees("refunds", 200, 503)
    wait_until(lambda: kubelet.page("refunds")["dependencies"]["migrations"].get("reason") == f"missing: {version} {name}", 15)
    assert not answers(stack.ports["refunds"]), "nothing is served meanwhile"
    stack.obol("migrate", "up", "refunds", parse=False)
    kubelet.sees("refunds", 200, 200)
    page = kubelet.page("refunds")["dependencies"]["migrations"]
    assert page == {"status": "up", "latency_ms": None} and stack.obol("migrate", "status", "refunds") == before


def test_a_newer_schema_is_as_good(stack, kubelet):
    stack.processes["refunds"].stop()
    stack.sql("INSERT INTO refunds.schema_migrations (version, name) VALUES (9999, 'of_the_next_version')")
    stack.restart("refunds", OBOL_MIGRATE="false")
    kubelet.sees("refunds", 200, 200)
    stack.processes["refunds"].stop()
    stack.restart("refunds")  # and with migrations of its own to apply, all of them there
    kubelet.sees("refunds", 200, 200)
    stack.sql("DELETE FROM refunds.schema_migrations WHERE version = 9999")


def test_who_does_not_listen_yet_is_not_ready(stack, kubelet):
    """The first call that a caller sends because it is ready would be refused."""
    stack.processes["refunds"].stop()
    with socket.create_server(("127.0.0.1", stack.ports["refunds"])):
        stack.restart("refunds")
        wait_until(lambda: kubelet.page("refunds")["dependencies"]["migrations"]["status"] == "up", 15, "its schema is there")
        kubelet.sees("refunds", 200, 503)
        assert kubelet.page("refunds")["dependencies"]["listener"]["status"] == "down"
    kubelet.sees("refunds", 200, 200)


def again(stack, name, **environment):
    """Restarted with other settings."""
    stack.processes[name].stop()
    stack.restart(name, **environment)
    wait_until(lambda: send(stack.ports[f"{name}_ops"], "GET", "/health/ready").status == 200, 30, f"{name} is ready")


def test_a_service_that_leaves_serves_on_until_told_to_hurry(stack, kubelet, api):
    again(stack, "refunds", DRAIN_DELAY_MS="600000")
    wait_until(lambda: api.get("/refunds?limit=1").status == 200, 10, "the gateway has found it")
    stack.processes["refunds"].child.send_signal(signal.SIGTERM)
    kubelet.sees("refunds", 200, 503)
    assert kubelet.page("refunds")["status"] == "draining"
    assert api.get("/refunds?limit=1").ok()["data"] == []
    stack.processes["refunds"].stop()
    assert kubelet.http("refunds") is None and kubelet.grpc("refunds") == grpc.StatusCode.UNAVAILABLE
    stack.restart("refunds", DRAIN_DELAY_MS="1500")
    kubelet.sees("refunds", 200, 200)
    began = time.monotonic()
    stack.processes["refunds"].stop()
    assert time.monotonic() - began >= 1.5
    stack.restart("refunds")
    kubelet.sees("refunds", 200, 200)


def test_a_gateway_that_leaves_serves_on_and_lets_its_clients_go(stack, kubelet):
    again(stack, "gateway", DRAIN_DELAY_MS=str(DELAY_MS))
    stack.processes["gateway"].child.send_signal(signal.SIGTERM)
    began = time.monotonic()
    kubelet.sees("gateway", 200, 503)
    answers_said = []

    def told_to_go():
        reply = stack.demo.get("/payments?limit=1")
        assert reply.status == 200, reply
        answers_said.append(reply.headers["Connection"])
        return answers_said[-1] == "close"
    wait_until(told_to_go, DELAY_MS / 1000, "its clients are told to go")
    assert answers_said[0] is None and time.monotonic() - began < DELAY_MS / 1000
    assert kubelet.http("gateway", "live") == 200
    stack.processes["gateway"].stop()  # a second signal
    assert time.monotonic() - began < DELAY_MS / 1000
    again(stack, "gateway")


def test_what_is_stuck_is_not_live(stack, kubelet):
    """Held still by a debugger: the main thread of a service, the event loop of the gateway."""
    service, gateway = stack.processes["refunds"].child.pid, stack.processes["gateway"].child.pid
    with Held(service), Held(listener_of(gateway, stack.ports["gateway"])):
        assert kubelet.http("refunds", "live") == 200
        for program, what in [("refunds", "main loop"), ("gateway", "event loop")]:
            wait_until(lambda: kubelet.http(program, "live") == 503, LIVE_S + 5, f"{program} is not live")
            said = json.loads(send(stack.ports[f"{program}_ops"], "GET", "/health/live").raw)
            assert said == {"status": "stuck", "what": what} and kubelet.page(program)["live"] is False
        assert kubelet.grpc("refunds", "live") == NOT_SERVING
        assert [kubelet.http(name, "live") for name in ["auth", "payments", "webhooks"]] == [200, 200, 200]
    for program in ["refunds", "gateway"]:
        wait_until(lambda: kubelet.http(program, "live") == 200, 10, "it goes on")


def test_of_replicas_that_start_at_once_each_migration_is_one_ones_work(stack, tmp_path):
    """Three of each service, on a database that is empty."""
    stack.sql("CREATE DATABASE beginning")
    url = stack.database.url.rsplit("/", 1)[0] + "/beginning"
    crowd = []
    for service in SERVICES:
        for n in range(3):
            ops = PORTS.take()
            settings = {"DATABASE_URL": url, f"{service.upper()}_LISTEN": f"127.0.0.1:{PORTS.take()}", "LOG_LEVEL": "info",
                        f"{service.upper()}_OPS_LISTEN": f"127.0.0.1:{ops}", f"{service.upper()}_HEALTH_LISTEN": "",
                        "NATS_STREAM": "beginning", "FAST_THREADS": "1", "SLOW_THREADS": "1"}
            process = Process(service, [BIN / f"obol-{service}"], {**stack.environment, **stack.identity(service), **settings},
                              tmp_path / f"{service}-{n}.log")
            process.start()
            crowd.append((process, ops))
    try:
        wait_until(lambda: {send(ops, "GET", "/health/ready").status for _, ops in crowd} == {200}, 60, "all are ready")
    finally:
        with concurrent.futures.ThreadPoolExecutor(len(crowd)) as pool:
            codes = list(pool.map(lambda one: one[0].signal_and_wait(), crowd))
    assert codes == [0] * len(crowd)
    done = [(line["schema"], line["version"]) for process, _ in crowd
            for line in map(json.loads, re.findall(r'^\{.*"db\.migrated".*\}$', process.text(), re.M))]
    there = [(service, int(row[0])) for service in SERVICES
             for row in stack.sql(f"SELECT version FROM {service}.schema_migrations")]
    assert sorted(done) == sorted(there), "each once, by whoever came first"
