"""Who reaches whom in k8s/, computed from its NetworkPolicies, and who has to, by what the programs are told."""
import ipaddress
import re

import pytest

from kubernetes import every_overlay, overlay
from stack import ROOT


def wanted_edges(built):
    """Who connects to whom, from what the programs are told."""
    def pods_of(service):
        return [pod.name for pod in built.serving(service)]
    edges = {("nats", "nats", 6222)}
    for container in built.containers():
        given, here = container.environment(), container.pod.name
        for entry, value in given.items():
            url = re.fullmatch(r"(?:dns:///|http://)([a-z-]+):(\d+).*", value or "")
            if url and entry == "CALLBACK_BASE_URL":
                edges |= {("sandbox", pod, int(url[2])) for pod in pods_of(url[1])}
            elif url and entry == "DEMO_WEBHOOK_URL":
                edges |= {("webhooks", pod, int(url[2])) for pod in pods_of(url[1])}
            elif url and (entry.endswith("_TARGET") or entry == "SIMULATOR_URL"):
                edges |= {(here, pod, int(url[2])) for pod in pods_of(url[1])}
            elif entry == "NATS_URL_FILE":
                edges |= {(here, pod, 4222) for pod in pods_of("nats")}
            elif entry.endswith("DATABASE_URL_FILE") and "postgres" in built.pods:
                edges |= {(here, pod, 5432) for pod in pods_of("postgres")}
    return edges


@every_overlay
def test_network_lets_through_what_programs_call_and_nothing_else(name):
    built = overlay(name)
    nothing = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert [policy for policy in built.kind("NetworkPolicy") if policy["spec"] == nothing], "a pod that no policy names is open"
    # Each end by itself, so that one that is too wide is not hidden by the other.
    assert built.edges("Egress") == wanted_edges(built)
    assert built.edges("Ingress") == wanted_edges(built)


def callers(service):
    """The roles that a service's contract, or the journal's, lets call; operators come from outside."""
    text = "".join(path.read_text() for path in sorted((ROOT / "proto" / "obol" / service / "v1").glob("*.proto")))
    named = re.findall(r"callers: *(?:\[([A-Z, ]+)\]|([A-Z]+))", text)
    return {role.lower() for group in named for role in re.findall("[A-Z]+", " ".join(group))} - {"operator", "nobody"}


def test_contracts_let_call_whom_the_network_lets_through():
    edges = overlay("production").edges("Ingress")
    for service in ["auth", "payments", "refunds", "webhooks"]:
        sources = {source for source, destination, _ in edges if destination == service}
        assert callers(service) and callers(service) <= sources, service
        assert sources <= callers(service) | callers("journal"), service


@every_overlay
def test_only_ingress_and_prometheus_come_in(name):
    built = overlay(name)
    controller = {"app.kubernetes.io/component": "controller"}, {"kubernetes.io/metadata.name": "ingress-nginx"}
    prometheus = {"app.kubernetes.io/name": "prometheus"}, {"kubernetes.io/metadata.name": "monitoring"}
    assert built.entered(*controller) == {("gateway", 8000)}
    ops = {(pod.name, port) for pod in built.pods.values() for c in pod.containers for what, port in c.ports().items()
           if what == "ops"}
    assert built.entered(*prometheus) == (set() if name == "dev" else ops)
    assert not built.entered(controller[0], {"kubernetes.io/metadata.name": "default"})
    assert not built.entered({"app.kubernetes.io/component": "gateway"}, {"kubernetes.io/metadata.name": "default"})


def refused_by_the_guard():
    """The ranges of lib/http/guard.c, each by an address in it."""
    table = (ROOT / "lib" / "http" / "guard.c").read_text().partition("refused4[] = {")[2].partition("};")[0]
    found = re.findall(r"\{0x([0-9a-f]{8}), (\d+)\}", table)
    assert len(found) > 10
    return [str(ipaddress.ip_network((int(address, 16), int(bits)))[-1]) for address, bits in found]


@every_overlay
def test_only_who_talks_to_the_world_gets_out(name):
    built = overlay(name)
    outside = {"payments", "payments-processor", "webhooks"} | ({"sandbox"} if name == "staging" else set())
    for address in ("8.8.8.8", "2606:4700::1111"):
        assert built.reaches(address, 443) - {"sandbox"} == outside - {"sandbox"}
        assert not built.reaches(address, 80) and not built.reaches(address, 22)
    assert built.reaches("8.8.8.8", 443) == outside
    for address in [*refused_by_the_guard(), "fd00:ec2::254", "fe80::1", "::1", "ff02::1", "2001:db8::1"]:
        assert not built.reaches(address, 443) - {"sandbox"}, address
    for address in ("169.254.169.254", "100.100.100.200", "10.0.0.1"):
        assert not built.reaches(address, 443), address
    dns = {"k8s-app": "kube-dns"}, {"kubernetes.io/metadata.name": "kube-system"}
    for pod in built.pods.values():
        rules = built.policies(pod.labels, "Egress")
        assert all(built.permits(rules, dns, (53, protocol)) for protocol in ("UDP", "TCP")), pod.name
        assert not built.permits(rules, ({}, {"kubernetes.io/metadata.name": "kube-system"}), 443), pod.name


@pytest.mark.parametrize("name", ["staging", "production"])
def test_only_who_has_a_database_reaches_it(name):
    built = overlay(name)
    block = built.one("NetworkPolicy", "to-database")["spec"]["egress"][0]["to"][0]["ipBlock"]["cidr"]
    address = str(ipaddress.ip_network(block)[1])
    users = {c.pod.name for c in built.containers() if any(entry.endswith("DATABASE_URL_FILE") for entry in c.environment())}
    assert users and built.reaches(address, 5432) == users
    assert not built.reaches("10.99.0.1", 5432) and not built.reaches("8.8.8.8", 5432)
