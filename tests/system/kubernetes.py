"""What k8s/ builds to, what its containers are given, and who reaches whom in it."""
import functools
import ipaddress
import json
import re
import subprocess

import pytest
import yaml

from stack import BIN, ROOT

OVERLAYS = {"dev": "obol-dev", "staging": "obol-staging", "production": "obol"}
PROGRAMS = ["gateway", "auth", "payments", "refunds", "webhooks"]
K8S = ROOT / "k8s"
every_overlay = pytest.mark.parametrize("name", OVERLAYS)


@functools.lru_cache(None)
def configuration(program):
    """What the program says that it reads: {name: entry}."""
    done = subprocess.run([BIN / program, "--configuration"], check=True, timeout=20, stdout=subprocess.PIPE, text=True)
    return {entry["name"]: entry for entry in json.loads(done.stdout)["variables"]}


def documents(text):
    return list(yaml.load_all(text, yaml.CSafeLoader))


@functools.lru_cache(None)
def secrets_of(overlay):
    """What k8s/secrets.sh makes: {Secret: {key: text}}."""
    url = "postgresql://obol:word@db.example.com:5432/obol?sslmode=verify-full"
    done = subprocess.run([K8S / "secrets.sh", overlay], check=True, timeout=20, stdout=subprocess.PIPE,
                          env={"PATH": "/usr/bin:/bin", "DATABASE_URL": url})
    return {secret["metadata"]["name"]: secret["stringData"] for secret in documents(done.stdout)}


def matches(selector, labels):
    """A LabelSelector; an empty one matches everything."""
    wanted = selector.get("matchLabels", {}).items() <= labels.items()
    for expression in selector.get("matchExpressions", []):
        assert expression["operator"] == "In", expression
        wanted = wanted and labels.get(expression["key"]) in expression["values"]
    return wanted


class Container:
    def __init__(self, overlay, pod, spec):
        self.overlay, self.pod, self.spec, self.name = overlay, pod, spec, spec["name"]
        self.program = re.sub(r"^.*/|:.*", "", spec["image"])
        self.ours = self.program == "obol" or self.program.startswith("obol-")

    def environment(self):
        """As the kubelet makes it; a later source wins."""
        made = {}
        for source in self.spec.get("envFrom", []):
            made.update(self.overlay.one("ConfigMap", source["configMapRef"]["name"])["data"])
        made.update({entry["name"]: entry.get("value") for entry in self.spec.get("env", [])})
        return made

    def files(self):
        """What is mounted from Secrets: {path: (Secret, key)}; a key of None stands for whatever the Secret has."""
        found = {}
        for mount in self.spec.get("volumeMounts", []):
            volume = next(v for v in self.pod.spec["volumes"] + self.pod.claims if v["name"] == mount["name"])
            sources = volume.get("projected", {}).get("sources", [volume])
            for secret in [source["secret"] for source in sources if "secret" in source]:
                name = secret.get("name") or secret["secretName"]
                keys = secret.get("items") or [{"key": key, "path": key} for key in self.overlay.secret_keys(name)]
                found.update({f"{mount['mountPath']}/{item['path']}": (name, item["key"]) for item in keys})
        return found

    def ports(self):
        return {port["name"]: port["containerPort"] for port in self.spec.get("ports", [])}


class Pod:
    """The pods of one Deployment, StatefulSet, Job or CronJob."""

    def __init__(self, overlay, owner):
        template = owner["spec"]["jobTemplate"]["spec"]["template"] if owner["kind"] == "CronJob" else owner["spec"]["template"]
        self.overlay, self.owner, self.spec = overlay, owner, template["spec"]
        self.name, self.labels = owner["metadata"]["name"], template["metadata"]["labels"]
        self.claims = [{"name": claim["metadata"]["name"]} for claim in owner["spec"].get("volumeClaimTemplates", [])]
        self.spec.setdefault("volumes", [])
        self.containers = [Container(overlay, self, spec) for spec in self.spec["containers"]]

    def port(self, port):
        """A port by its number, or by its name in these containers."""
        return port if isinstance(port, int) else next((c.ports()[port] for c in self.containers if port in c.ports()), None)

    def ports(self):
        return sorted(port for container in self.containers for port in container.ports().values())


class Overlay:
    def __init__(self, name):
        self.name, self.namespace = name, OVERLAYS[name]
        done = subprocess.run(["kubectl", "kustomize", K8S / "overlays" / name], timeout=60, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
        assert done.returncode == 0, done.stderr
        self.objects = documents(done.stdout)
        self.pods = {owner["metadata"]["name"]: Pod(self, owner) for owner in
                     self.kind("Deployment", "StatefulSet", "Job", "CronJob")}

    def kind(self, *kinds):
        return [item for item in self.objects if item["kind"] in kinds]

    def one(self, kind, name):
        found = [item for item in self.kind(kind) if item["metadata"]["name"] == name]
        assert len(found) == 1, f"{self.name}: {len(found)} of {kind} {name}"
        return found[0]

    def containers(self, ours=True):
        return [container for pod in self.pods.values() for container in pod.containers if container.ours or not ours]

    def secret_keys(self, name):
        """The keys of a Secret: of k8s/secrets.sh, or as cert-manager lays them out."""
        issued = {certificate["spec"]["secretName"] for certificate in self.kind("Certificate")}
        return ["ca.crt", "tls.crt", "tls.key"] if name in issued else sorted(secrets_of(self.name)[name])

    def serving(self, service):
        """The pods behind a Service."""
        selector = {"matchLabels": self.one("Service", service)["spec"]["selector"]}
        return [pod for pod in self.pods.values() if matches(selector, pod.labels)]

    # --- Who reaches whom

    def policies(self, labels, direction):
        """The rules that hold for a pod with these labels; None: it is isolated by none."""
        found = [policy["spec"] for policy in self.kind("NetworkPolicy") if direction in policy["spec"]["policyTypes"] and
                 matches(policy["spec"]["podSelector"], labels)]
        return [rule for spec in found for rule in spec.get(direction.lower(), [])] if found else None

    def permits(self, rules, peer, port, destination=None):
        """Whether one of the rules lets in, or out to, a peer: an address, or the labels of a pod and of its namespace (None:
        this one)."""
        if rules is None:
            return True
        return any(self.peers(rule, "from" if destination else "to", peer) and self.at(rule, port, destination)
                   for rule in rules)

    @staticmethod
    def at(rule, port, destination):
        numbers = [(destination.port(p["port"]) if destination else p["port"], p.get("protocol", "TCP"))
                   for p in rule.get("ports", [])]
        return not numbers or (port if isinstance(port, tuple) else (port, "TCP")) in numbers

    @staticmethod
    def peers(rule, word, peer):
        def matched(one):
            if "ipBlock" in one:
                block, address = one["ipBlock"], ipaddress.ip_address(peer) if isinstance(peer, str) else None
                inside = address and address in ipaddress.ip_network(block["cidr"])
                return inside and not any(address in ipaddress.ip_network(net) for net in block.get("except", []))
            if isinstance(peer, str):
                return False
            labels, namespace = peer
            if ("namespaceSelector" in one) != (namespace is not None):
                return False
            return (namespace is None or matches(one["namespaceSelector"], namespace)) and \
                matches(one.get("podSelector", {}), labels)
        return word not in rule or any(matched(one) for one in rule[word])

    def edges(self, direction):
        """Which of our pods reach which, as far as the policies of one end have it: {(from, to, port)}, whether or not somebody
        listens there."""
        found, ports = set(), {port for pod in self.pods.values() for port in pod.ports()}
        for source in self.pods.values():
            out = self.policies(source.labels, "Egress")
            for destination in self.pods.values():
                into = self.policies(destination.labels, "Ingress")
                found |= {(source.name, destination.name, port) for port in ports if (
                    self.permits(out, (destination.labels, None), port) if direction == "Egress" else
                    self.permits(into, (source.labels, None), port, destination))}
        return found

    def entered(self, labels, namespace):
        """What a pod of another namespace reaches: {(pod, port)}."""
        return {(pod.name, port) for pod in self.pods.values() for port in pod.ports()
                if self.permits(self.policies(pod.labels, "Ingress"), (labels, namespace), port, pod)}

    def reaches(self, address, port):
        """Our pods that reach an address outside the cluster."""
        return {pod.name for pod in self.pods.values() if self.permits(self.policies(pod.labels, "Egress"), address, port)}


@functools.lru_cache(None)
def overlay(name):
    return Overlay(name)

