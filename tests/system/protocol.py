"""gRPC from the .proto files alone: a client that shares no code with Obol."""
import pathlib
import subprocess

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATHS = [ROOT / "proto", "/usr/share/gocode/src/github.com/grpc-ecosystem/grpc-gateway/third_party/googleapis",
         "/usr/share/grpc-proto", "/usr/include"]
FILES = [*(f"obol/{name}/v1/{name}.proto" for name in ["auth", "payments", "refunds", "webhooks", "journal", "gateway"]),
         "obol/payments/v1/providers.proto",
         "google/rpc/status.proto", "google/rpc/error_details.proto", "google/rpc/error_info.proto",
         "grpc/health/v1/health.proto", "grpc/reflection/v1alpha/reflection.proto"]


class Protocol:
    def __init__(self, directory):
        out = pathlib.Path(directory) / "all.pb"
        self.pool = descriptor_pool.DescriptorPool()
        self.files = []
        done = subprocess.run(["protoc", *(f"-I{path}" for path in PATHS), "--include_imports", f"--descriptor_set_out={out}",
                               *FILES], stderr=subprocess.PIPE, text=True)
        assert done.returncode == 0, done.stderr
        for file in descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file:
            self.pool.Add(file)
            self.files.append(file.name)
        self.factory = message_factory.MessageFactory(self.pool)

    def message(self, name):
        return self.factory.GetPrototype(self.pool.FindMessageTypeByName(name))

    def method(self, channel, path):
        """A callable for "/package.Service/Method"."""
        service, name = path.lstrip("/").rsplit("/", 1)
        method = self.pool.FindServiceByName(service).methods_by_name[name]
        request, response = (self.factory.GetPrototype(kind) for kind in [method.input_type, method.output_type])
        streams = descriptor_pb2.MethodDescriptorProto()
        method.CopyToProto(streams)
        kind = f"{'stream' if streams.client_streaming else 'unary'}_{'stream' if streams.server_streaming else 'unary'}"
        call = getattr(channel, kind)(path, request_serializer=request.SerializeToString, response_deserializer=response.FromString)
        return call, request


def details(error, protocol):
    """google.rpc.Status of a failed call, and its details by type name."""
    packed = dict(error.trailing_metadata())["grpc-status-details-bin"]
    status = protocol.message("google.rpc.Status").FromString(packed)
    return status, {one.type_url.rsplit("/", 1)[1]: protocol.message(one.type_url.rsplit("/", 1)[1]).FromString(one.value)
                    for one in status.details}


def channel_to(port):
    return grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.enable_retries", 0)])
