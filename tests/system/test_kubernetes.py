"""k8s/ builds, fits Kubernetes' schemas, and says of the programs what they say of themselves. No cluster is asked."""
import json
import os
import re
import subprocess
import sys

import pytest

from javascript import HERE
from kubernetes import K8S, OVERLAYS, PROGRAMS, configuration, documents, every_overlay, matches, overlay, secrets_of
from stack import BIN, ROOT

# What the manifests leave as the programs have it. Whoever adds a variable decides: it is set in k8s/, or it stands here.
TLS = {"RPC_TLS_CERTIFICATE_FILE", "RPC_TLS_KEY_FILE", "RPC_TLS_CA_FILE"}  # set by encrypted/, which dev does without
ALL = {
    "OBOL_CORE_DUMPS",  # for developers
    "LIVE_WITHIN_S",  # and the liveness probe half a minute more
    # k8s/README.md: whoever has a collector or a Sentry names it, and lets the programs out to it.
    "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_TRACES_SAMPLER_ARG", "SENTRY_DSN", "SENTRY_ENVIRONMENT",
    "RPC_TLS_CONNECTION_AGE_S",  # replicas that are new get their share within half of it
}
SERVICE = ALL | {
    "RPC_CONNECTION_AGE_S",  # the same without TLS
    "DATABASE_URL",  # each service has its own
    "NATS_STREAM",  # a bus is shared with nobody
    "NATS_CERTIFICATE_FILE", "NATS_KEY_FILE",  # the NATS here asks for a password
    "FAST_THREADS", "SLOW_THREADS",  # k8s/README.md counts connections by them
    "EVENT_RETENTION_S",
    "MEASURE_EVERY_S",  # as often as Prometheus asks
}
STAND = {
    "obol-gateway": ALL | {
        "GATEWAY_LOOPS",  # more replicas rather than more loops: one carries 30,000 requests a second
        "GATEWAY_CONNECTIONS_MAX", "ADDRESS_FAILURES_PER_MIN", "ADDRESS_CARDS_PER_MIN"},
    "obol-auth": SERVICE | {"TENANT_RATE_PER_MIN"},
    "obol-payments": SERVICE | {
        "SIMULATOR_CREDENTIAL", "SIMULATOR_IDEMPOTENT", "PROVIDER_TIMEOUT_MS", "PROVIDER_TIMES_PERCENT",
        "CALLBACK_REPLAY_S", "UNKNOWN_DEADLINE_S", "PROCESSING_DEADLINE_S", "ACTION_TTL_S", "POLL_FIRST_MS",
        "CARD_TOKEN_TTL_S", "PAYER_ATTEMPTS_PER_MIN", "PAYER_FAILURES_BLOCK", "PAYER_BLOCK_S", "PAYMENT_RETENTION_S",
        "RECONCILE_AT_UTC"},
    "obol-refunds": SERVICE | {"CATCH_UP_S"},
    "obol-webhooks": SERVICE | {
        "WEBHOOK_RETRY_INTERVALS_TEST", "DISPATCHER_SLOTS", "WEBHOOK_TIMEOUT_MS", "ENDPOINT_DISABLE_AFTER_S",
        "STORED_EVENT_RETENTION_S", "DELIVERY_RETENTION_S", "CATCH_UP_S"},
}
# What only some overlays set.
SOMEWHERE = {"TEST_MODE", "TRUSTED_PROXIES", "GATEWAY_TLS_CERTIFICATE_FILE", "GATEWAY_TLS_KEY_FILE", "SIMULATOR_KEY",
             "SIMULATOR_CALLBACK_SECRET", "CALLBACK_BASE_URL", "PROVIDER_ALLOW_HTTP", "PROVIDER_DELAYS_PERCENT",
             "WEBHOOK_ALLOW_PRIVATE", "NATS_CA_FILE"} | TLS
STOP_MS = 10000  # loops that end after the calls are through: the processor's, the dispatcher's


def milliseconds(container, name):
    """As it is set, or else as the program has it."""
    return int(container.environment().get(name, configuration(container.program)[name]["default"]))


def amount(text):
    """A quantity of memory in bytes."""
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", text).groups()
    return int(number) << {"Mi": 20, "Gi": 30}[unit]


# --- What is built


@every_overlay
def test_overlay_is_whole(name):
    built = overlay(name)
    assert len({(item["kind"], item["metadata"]["name"]) for item in built.objects}) == len(built.objects)
    strays = [item["metadata"]["name"] for item in built.objects
              if item["kind"] != "Namespace" and item["metadata"].get("namespace") != built.namespace]
    assert not strays
    assert all(item["metadata"]["labels"]["app.kubernetes.io/part-of"] == "obol" for item in built.objects)
    for pod in built.pods.values():
        built.one("ServiceAccount", pod.spec["serviceAccountName"])
        for container in pod.containers:
            container.environment(), container.files()  # each ConfigMap and Secret that they name is there
    assert {f"obol-{program}" for program in PROGRAMS} | {"obol"} <= {c.program for c in built.containers()}


def test_every_object_fits_the_schemas():
    objects = {}
    for name in OVERLAYS:
        for item in overlay(name).objects:
            alike = {**item, "metadata": {key: value for key, value in item["metadata"].items() if key != "namespace"}}
            objects[json.dumps(alike)] = f"{name}: {item['kind']} {item['metadata']['name']}"
    misspelt, mistyped = (json.loads(next(text for text in objects if '"kind": "Deployment"' in text)) for _ in range(2))
    misspelt["spec"]["minReadySecond"] = 5
    mistyped["spec"]["template"]["spec"]["containers"][0]["name"] = 7
    names = [*objects.values(), "misspelt", "mistyped"]
    done = subprocess.run(["node", HERE / "kubernetes_schemas.mjs"], cwd=HERE, timeout=120, text=True,
                          input=f"[{','.join(objects)},{json.dumps(misspelt)},{json.dumps(mistyped)}]",
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr
    faults = [(names[n], message) for n, message in json.loads(done.stdout)]
    assert not [fault for fault in faults if fault[0] not in ("misspelt", "mistyped")]
    # Two that are wrong, so that silence means something.
    assert any(at == "misspelt" and "minReadySecond" in message for at, message in faults)
    assert any(at == "mistyped" and "must be string" in message for at, message in faults)


@every_overlay
def test_labels_and_selectors_match(name):
    built = overlay(name)
    for item in built.kind("Deployment", "StatefulSet"):
        assert matches(item["spec"]["selector"], built.pods[item["metadata"]["name"]].labels)
    for item in built.kind("Service"):
        served = [pod.name for pod in built.serving(item["metadata"]["name"])]
        assert len(served) == 1, f"{item['metadata']['name']}: {served}"
        pod = built.pods[served[0]]
        assert all(pod.port(port["targetPort"]) == port["port"] for port in item["spec"]["ports"])
    for item in built.kind("PodDisruptionBudget"):
        held = [pod.name for pod in built.pods.values() if matches(item["spec"]["selector"], pod.labels)]
        assert held == [item["metadata"]["name"]]
    for pod in built.pods.values():
        for spread in pod.spec.get("topologySpreadConstraints", []):
            assert [p.name for p in built.pods.values() if matches(spread["labelSelector"], p.labels)] == [pod.name]


# --- What the programs read


@every_overlay
def test_every_variable_is_one_of_the_program(name):
    for container in overlay(name).containers():
        known, given = configuration(container.program), container.environment()
        by_file = {f"{entry}_FILE" for entry, what in known.items() if what["kind"] == "secret"}
        where = f"{name}: {container.pod.name}"
        assert not given.keys() - known.keys() - by_file, where
        assert not {entry for entry in by_file if entry in given and entry[:-5] in given}, where
        missing = {entry for entry, what in known.items() if what["required"]} - given.keys()
        assert not {entry for entry in missing if f"{entry}_FILE" not in given}, where
        assert not {entry for entry in given if known.get(entry, {}).get("kind") == "secret"}, f"{where}: secrets come by file"
        for entry, text in given.items():
            what = known.get(entry, {})
            if what.get("kind") == "int":
                assert what.get("minimum", int(text)) <= int(text) <= what.get("maximum", int(text)), (where, entry)
            if what.get("kind") == "bool":
                assert text in ("true", "false"), (where, entry)


def test_every_variable_of_a_program_is_set_or_stands():
    for program, stand in STAND.items():
        known = configuration(program)
        given = [{re.sub(r"_FILE$", "", entry) if entry not in known else entry for entry in c.environment()}
                 for name in OVERLAYS for c in overlay(name).containers() if c.program == program]
        everywhere, somewhere = set.intersection(*given), set.union(*given)
        assert not known.keys() - somewhere - stand, f"{program}: set them in k8s/, or let their defaults stand"
        assert not stand & somewhere, program
        assert somewhere - everywhere <= SOMEWHERE, program


@every_overlay
def test_every_file_comes_from_a_secret(name):
    built = overlay(name)
    used = set()
    for container in built.containers(ours=False):
        files = container.files()
        used |= set(files.values())
        named = {entry: path for entry, path in container.environment().items() if entry.endswith("_FILE")}
        assert set(named.values()) <= files.keys(), f"{container.pod.name}: {set(named.values()) - files.keys()}"
        unread = {path for path in files if path.startswith("/etc/obol/")} - set(named.values())
        # cert-manager's layout comes as a whole; nothing else is shown to a program that doesn't read it.
        assert not {path for path in unread if not path.endswith("/ca.crt")}, container.pod.name
    assert not {(secret, key) for secret, key in used if key not in built.secret_keys(secret)}
    made = {(secret, key) for secret, keys in secrets_of(name).items() for key in keys}
    assert made <= used, "k8s/secrets.sh makes what nothing reads"


# --- Ports and probes


@every_overlay
def test_ports_are_those_that_programs_listen_on(name):
    built = overlay(name)
    for container in [c for c in built.containers() if c.program != "obol"]:
        listening = {entry: given for entry, given in container.environment().items() if entry.endswith("_LISTEN")}
        declared = {entry for entry in configuration(container.program) if entry.endswith("_LISTEN")}
        assert declared == listening.keys(), container.pod.name
        public = {int(address.rpartition(":")[2]) for address in listening.values() if address.startswith("0.0.0.0:")}
        assert public == set(container.ports().values()), container.pod.name
        services = [item for item in built.kind("Service") if container.pod in built.serving(item["metadata"]["name"])]
        offered = {port["port"] for item in services for port in item["spec"]["ports"]}
        # The health port is the kubelet's, which comes by the pod's address.
        assert offered == public - {container.ports().get("health")}, container.pod.name


@every_overlay
def test_grpc_is_balanced_by_its_callers(name):
    built = overlay(name)
    for container in built.containers():
        for entry, target in container.environment().items():
            if entry.endswith("_TARGET"):
                service, port = re.fullmatch(r"dns:///([a-z-]+):(\d+)", target).groups()
                assert service == entry[:-len("_TARGET")].lower()
                item = built.one("Service", service)
                assert item["spec"]["clusterIP"] == "None", f"{service}: one address would be one connection to one replica"
                assert int(port) in [p["port"] for p in item["spec"]["ports"]]


@every_overlay
def test_probes_ask_what_is_there(name):
    for container in overlay(name).containers():
        if container.program[5:] not in PROGRAMS:
            continue
        ports, spec = container.ports(), container.spec
        live = {"path": "/health/live", "port": "ops"}
        assert spec["livenessProbe"]["httpGet"] == spec["startupProbe"]["httpGet"] == live
        if container.program == "obol-gateway":
            assert spec["readinessProbe"]["httpGet"] == {"path": "/health/ready", "port": "ops"}
        else:
            assert spec["readinessProbe"]["grpc"] == {"port": ports["health"]}


# --- How pods are kept


@every_overlay
def test_pods_are_restricted(name):
    built = overlay(name)
    labels = built.one("Namespace", built.namespace)["metadata"]["labels"]
    assert {mode: labels[f"pod-security.kubernetes.io/{mode}"] for mode in ("enforce", "audit", "warn")} == \
        dict.fromkeys(("enforce", "audit", "warn"), "restricted")
    assert all(item["automountServiceAccountToken"] is False for item in built.kind("ServiceAccount"))
    for pod in built.pods.values():
        assert pod.spec["automountServiceAccountToken"] is False and pod.spec["enableServiceLinks"] is False, pod.name
        security = pod.spec["securityContext"]
        assert security["runAsNonRoot"] and security["seccompProfile"] == {"type": "RuntimeDefault"}, pod.name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.spec.keys() and not \
            [volume for volume in pod.spec["volumes"] if "hostPath" in volume], pod.name
        for container in pod.containers:
            assert container.spec["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                                         "capabilities": {"drop": ["ALL"]}}, pod.name
            assert container.spec["resources"]["requests"].keys() == {"cpu", "memory"}, pod.name
            needs, may = (amount(container.spec["resources"][word]["memory"]) for word in ("requests", "limits"))
            assert needs <= may, pod.name
            assert security["runAsUser"] > 0 and security["runAsGroup"] > 0, pod.name
            assert re.search(r":[0-9][0-9.]+$", container.spec["image"]), f"{pod.name}: which version?"


@every_overlay
def test_pods_have_time_to_drain(name):
    built = overlay(name)
    for container in built.containers():
        if "DRAIN_MS" not in configuration(container.program):
            continue
        needs = milliseconds(container, "DRAIN_DELAY_MS") + milliseconds(container, "DRAIN_MS") + STOP_MS
        grace = container.pod.spec["terminationGracePeriodSeconds"] * 1000
        assert needs + 5000 <= grace, f"{container.pod.name} is killed after {grace} ms, and may take {needs}"
        probe = container.spec["readinessProbe"]
        noticed = probe["periodSeconds"] * probe["failureThreshold"] * 1000
        assert noticed < milliseconds(container, "DRAIN_DELAY_MS"), "it stops listening before it is seen not to be ready"
    gateway = built.pods["gateway"].containers[0]
    slow = milliseconds(gateway, "SLOW_REQUEST_TIMEOUT_MS")
    assert all(milliseconds(c, "DRAIN_MS") >= slow for c in built.containers() if "DRAIN_MS" in configuration(c.program))


@every_overlay
def test_replicas_are_scaled_and_kept(name):
    built = overlay(name)
    least = {"dev": 1, "staging": 2, "production": 3}[name]
    scaled = {item["spec"]["scaleTargetRef"]["name"]: item["spec"] for item in built.kind("HorizontalPodAutoscaler")}
    assert scaled.keys() == set(PROGRAMS)
    for deployment, spec in scaled.items():
        assert "replicas" not in built.one("Deployment", deployment)["spec"], "an apply would undo the autoscaler's number"
        assert spec["minReplicas"] == least <= spec["maxReplicas"]
    assert built.one("Deployment", "payments-processor")["spec"]["replicas"] == least
    for deployment in [*PROGRAMS, "payments-processor"]:
        spec = built.one("Deployment", deployment)["spec"]
        assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
        assert built.one("PodDisruptionBudget", deployment)["spec"]["maxUnavailable"] == 1
        keys = {spread["topologyKey"] for spread in built.pods[deployment].spec["topologySpreadConstraints"]}
        assert keys == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
    slots = {pod: int(built.pods[pod].containers[0].environment()["PROCESSOR_SLOTS"])
             for pod in ("payments", "payments-processor")}
    assert slots["payments"] == 0 < slots["payments-processor"], "one accepts, the other processes"


@every_overlay
def test_ingress_agrees_with_the_gateway(name):
    built = overlay(name)
    ingress, gateway = built.one("Ingress", "gateway"), built.pods["gateway"].containers[0]
    said = {key.rpartition("/")[2]: value for key, value in ingress["metadata"]["annotations"].items()}
    assert int(said["proxy-body-size"]) == milliseconds(gateway, "GATEWAY_BODY_MAX")
    slowest = max(milliseconds(gateway, "SLOW_REQUEST_TIMEOUT_MS"), milliseconds(gateway, "GATEWAY_REQUEST_S") * 1000)
    assert min(int(said["proxy-read-timeout"]), int(said["proxy-send-timeout"])) * 1000 > slowest
    hosts = [rule["host"] for rule in ingress["spec"]["rules"]]
    assert hosts == [host for tls in ingress["spec"]["tls"] for host in tls["hosts"]]
    backend = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    assert backend == {"name": "gateway", "port": {"name": "rest"}}
    if name != "dev":
        assert gateway.environment()["TRUSTED_PROXIES"], "everybody would be one address"
        assert built.pods["payments"].containers[0].environment()["CALLBACK_BASE_URL"] == f"https://{hosts[0]}"
        assert said["backend-protocol"] == "HTTPS" and said["proxy-ssl-verify"] == "on"
        assert said["proxy-ssl-secret"] == f"{built.namespace}/gateway-serving-tls"


@pytest.mark.parametrize("name", ["staging", "production"])
def test_everything_between_programs_is_encrypted(name):
    built = overlay(name)
    issued = {item["spec"]["secretName"]: item["spec"] for item in built.kind("Certificate")}
    for pod in (built.pods[program] for program in [*PROGRAMS, "payments-processor"]):
        container = pod.containers[0]
        assert TLS <= container.environment().keys(), pod.name
        secret = container.files()[container.environment()["RPC_TLS_KEY_FILE"]][0]
        assert issued[secret]["dnsNames"] == [f"{container.program[5:]}.obol"], f"{pod.name} shows another's role"
        assert {"server auth", "client auth"} <= set(issued[secret]["usages"])
    assert issued["operator-tls"]["dnsNames"] == ["operator.obol"]


# --- What else is kept elsewhere


@every_overlay
def test_images_are_those_of_this_version(name):
    version = re.search(r"^project\(obol VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text(), re.M)[1]
    used = {container.program for container in overlay(name).containers()}
    assert {container.spec["image"].rpartition(":")[2] for container in overlay(name).containers()} == {version}
    built = (ROOT / "Containerfile").read_text()
    assert used <= set(re.findall(r'image\.title="([a-z-]+)"', built))
    user = re.findall(r"^USER (\d+):(\d+)", built, re.M)[-1]
    for container in overlay(name).containers():
        security = container.pod.spec["securityContext"]
        assert (security["runAsUser"], security["runAsGroup"]) == tuple(map(int, user)), container.pod.name


def stand_in_certificate(directory):
    """As the Secret of ../certificates lays it out, by ./dev certificates."""
    subprocess.run([ROOT / "dev", "certificates", directory], check=True, timeout=60, stdin=subprocess.DEVNULL)
    (directory / "nats.crt").rename(directory / "tls.crt")
    (directory / "nats.key").rename(directory / "tls.key")


@every_overlay
def test_nats_takes_its_configuration(name, tmp_path):
    built = overlay(name)
    pod = built.pods["nats"]
    replicas = pod.owner["spec"]["replicas"]
    services = built.pods["auth"].containers[0].environment()
    assert int(services["NATS_REPLICAS"]) == replicas == (1 if name == "dev" else 3)
    [projected] = [volume["projected"]["sources"] for volume in pod.spec["volumes"] if "projected" in volume]
    configuration = built.one("ConfigMap", projected[0]["configMap"]["name"])["data"]
    nats = configuration["nats.conf"]
    for key, text in {**configuration, **secrets_of(name)["nats"]}.items():
        (tmp_path / key).write_text(text.replace("/etc/nats-tls", str(tmp_path)))
    encrypted = "NATS_CA_FILE" in services
    assert encrypted == (name != "dev") == ("/etc/nats-tls/tls.crt" in pod.containers[0].files())
    if encrypted:
        stand_in_certificate(tmp_path)
        [certificate] = [c["spec"] for c in built.kind("Certificate") if c["spec"]["secretName"] == "nats-tls"]
    done = subprocess.run(["nats-server", "-t", "-c", tmp_path / "nats.conf"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=20, env={"PATH": os.environ["PATH"], "POD_NAME": "nats-0"})
    assert done.returncode == 0, done.stdout
    assert "cipher: aes" in nats and "key: $JETSTREAM_KEY" in nats
    assert ("tls {" in configuration["tls.conf"]) == encrypted and (name == "dev" or nats.count('include "tls.conf"') == 2)
    routes = re.findall(r"@([a-z0-9.-]+):6222", secrets_of(name)["nats"]["cluster.conf"])
    headless = pod.owner["spec"]["serviceName"]
    assert routes[:replicas] == [f"nats-{n}.{headless}" for n in range(replicas)]
    assert not encrypted or certificate["dnsNames"] == ["nats", *routes]
    assert built.one("Service", headless)["spec"]["publishNotReadyAddresses"] is True
    assert ("cluster {" in nats) == (replicas > 1)
    assert re.search(r"listen: 0\.0\.0\.0:(\d+)", nats)[1] == "4222" and "http: 0.0.0.0:8222" in nats
    client = re.fullmatch(r"nats://obol:(\w+)@nats:4222", secrets_of(name)["nats-client"]["url"])[1]
    assert f'password: "{client}"' in secrets_of(name)["nats"]["server.conf"]


def test_prometheus_has_the_rules_of_deploy():
    script = "import json, rules; print(json.dumps(rules.prometheus_rules()))"
    made = subprocess.run([sys.executable, "-B", "-c", script], check=True, cwd=K8S / "monitoring", stdout=subprocess.PIPE,
                          text=True, timeout=20).stdout
    kept = documents((K8S / "monitoring" / "prometheus-rules.yaml").read_text())
    assert kept and json.loads(made) == kept, "k8s/monitoring/rules.py makes them anew"
    for name in ("staging", "production"):
        built = {item["metadata"]["name"]: item["spec"] for item in overlay(name).kind("PrometheusRule")}
        assert built == {item["metadata"]["name"]: item["spec"] for item in kept}


@pytest.mark.parametrize("name", ["staging", "production"])
def test_scraping_finds_every_program_under_its_name(name):
    built = overlay(name)
    monitor = built.one("ServiceMonitor", "obol")["spec"]
    found = [item for item in built.kind("Service") if matches(monitor["selector"], item["metadata"]["labels"])]
    jobs = {item["metadata"]["name"]: item["metadata"]["labels"][monitor["jobLabel"]] for item in found}
    assert jobs == {**{program: program for program in PROGRAMS}, "payments-processor": "payments"}
    port = monitor["endpoints"][0]["port"]
    assert all(port in [p["name"] for p in item["spec"]["ports"]] for item in found)


def test_jobs_say_commands_that_obol_has():
    for name in OVERLAYS:
        for container in overlay(name).containers():
            if container.program == "obol":
                words = [word for word in container.spec["args"] if re.fullmatch("[a-z]+", word)]
                done = subprocess.run([BIN / "obol", *words, "--help"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                      text=True, timeout=20)
                assert done.returncode == 0 and " ".join(words) in done.stdout, done.stdout


def test_readme_names_what_is_there():
    text = (K8S / "README.md").read_text()
    built, dev = overlay("production"), overlay("dev")
    components = {item["metadata"]["labels"]["app.kubernetes.io/component"] for item in built.objects}
    named = re.findall(r"app\.kubernetes\.io/component(?: in \(([a-z, -]+)\)|=([a-z-]+))", text)
    assert named and {word for group in named for names in group for word in re.findall("[a-z-]+", names)} <= components
    for kind, name in set(re.findall(r"\b(deployment|statefulset|job|service)/([a-z-]+)", text)):
        assert any(item["kind"].lower() == kind and item["metadata"]["name"] == name for item in built.objects + dev.objects)
    table = text.partition("| Secret | keys |")[2].partition("\n\n")[0]
    secrets = {secret for name in ("staging", "production") for secret in secrets_of(name)}
    assert secrets == set(re.findall(r"^ *\| `([a-z-]+)` \|", table, re.M))
