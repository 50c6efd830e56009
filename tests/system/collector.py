"""Stand-ins for those who take what Obol tells of itself: a collector of traces that reads OTLP, and a Sentry."""
import collections
import json
import pathlib
import subprocess
import sys

from receiver import Receiver

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = ["common", "resource", "trace", "collector/trace"]

Span = collections.namedtuple("Span", "service name kind trace id parent start end attributes failed")


def messages(directory):
    """Python's of the .proto files that the programs are built from."""
    files = [str(path) for package in PACKAGES for path in (ROOT / "proto/opentelemetry/proto" / package / "v1").glob("*.proto")]
    subprocess.run(["protoc", f"-I{ROOT / 'proto'}", f"--python_out={directory}", *files], check=True, timeout=60)
    sys.path.append(str(directory))
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
    return trace_service_pb2


def value_of(value):
    return getattr(value, value.WhichOneof("value"))


def read(service, span):
    return Span(service, span.name, span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"), span.trace_id.hex(), span.span_id.hex(),
                span.parent_span_id.hex(), span.start_time_unix_nano, span.end_time_unix_nano,
                {a.key: value_of(a.value) for a in span.attributes}, span.status.code == 2)


class Collector:
    def __init__(self, directory):
        self.messages = messages(directory)
        self.receiver = Receiver()
        self.endpoint = self.receiver.url.removesuffix("/hook")
        self.resources = {}

    def close(self):
        self.receiver.close()

    def spans(self, trace=None):
        """All that came, or a trace's; what came twice (an answer was lost) counts twice."""
        found = []
        with self.receiver.lock:
            requests = list(self.receiver.requests)
        for request in requests:
            assert request.path == "/v1/traces" and request.headers["Content-Type"] == "application/x-protobuf"
            message = self.messages.ExportTraceServiceRequest.FromString(request.body)
            for of in message.resource_spans:
                resource = {a.key: value_of(a.value) for a in of.resource.attributes}
                self.resources[resource["service.name"]] = resource
                found += [read(resource["service.name"], span) for scope in of.scope_spans for span in scope.spans]
        return [span for span in found if trace in (None, span.trace)]

    def tree(self, trace):
        """For people."""
        spans = sorted(self.spans(trace), key=lambda s: s.start)
        known = {span.id for span in spans}
        began = spans[0].start if spans else 0

        def lines(parent, depth):
            for span in spans:
                if span.parent == parent or (parent is None and span.parent not in known):
                    ms = f"{(span.start - began) / 1e6:9.1f} ms +{(span.end - span.start) / 1e6:8.1f} ms"
                    yield f"{ms}  {'  ' * depth}{span.service.removeprefix('obol-'):9} {span.kind:8} {span.name}{' FAILED' * span.failed}"
                    yield from lines(span.id, depth + 1)
        return "\n".join(lines(None, 0))


class Sentry:
    KEY = "0123456789abcdef0123456789abcdef"

    def __init__(self):
        self.receiver = Receiver()
        self.dsn = self.receiver.url.replace("http://", f"http://{self.KEY}@").replace("/hook", "/7")

    def close(self):
        self.receiver.close()

    def events(self, message=None):
        found = []
        with self.receiver.lock:
            requests = list(self.receiver.requests)
        for request in requests:
            assert request.path == "/api/7/envelope/" and request.headers["Content-Type"] == "application/x-sentry-envelope"
            assert f"sentry_key={self.KEY}" in request.headers["X-Sentry-Auth"]
            head, item, event = request.body.decode().removesuffix("\n").split("\n")
            assert json.loads(item) == {"type": "event", "length": len(event.encode())}
            assert json.loads(head)["event_id"] == json.loads(event)["event_id"]
            found.append(json.loads(event))
        return [event for event in found if message in (None, event["message"])]
