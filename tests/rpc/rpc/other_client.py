#!/usr/bin/python3
"""A gRPC client that shares no code with ours. Usage: other_client.py PORT CHECK; prints a line a fact."""
import os
import select
import sys
import threading

import grpc

raw = dict(request_serializer=lambda b: b, response_deserializer=lambda b: b)


def say(*facts):
    print(*facts, flush=True)


def unary(channel, method, request=b"", metadata=()):
    try:
        answer, call = channel.unary_unary(method, **raw).with_call(request, timeout=20, metadata=metadata)
        return "OK", answer, call
    except grpc.RpcError as error:
        return error.code().name, error.details(), error


def field(number, text):
    data = text.encode()
    assert len(data) < 128
    return bytes([number << 3 | 2, len(data)]) + data


def basics(channel):
    say("check", *unary(channel, "/grpc.health.v1.Health/Check")[:2])
    say("check-auth", *unary(channel, "/grpc.health.v1.Health/Check", field(1, "obol.auth.v1.AuthService"))[:2])
    say("check-other", unary(channel, "/grpc.health.v1.Health/Check", field(1, "no.Such"))[0])
    say("unknown", unary(channel, "/no.Such/Method", b"x" * 100)[0])
    say("garbage", unary(channel, "/obol.auth.v1.AuthService/VerifyKey", b"\xff\xff\xff")[0])
    code, details, error = unary(channel, "/obol.auth.v1.AuthService/VerifyKey", field(1, "refuse"))
    say("refused", code, details.encode())
    packed = dict(error.trailing_metadata())["grpc-status-details-bin"]
    say("details", *(part in packed for part in (b"key_rusty", b"google.rpc.ErrorInfo", b"google.rpc.BadRequest",
                                                 b"google.rpc.RetryInfo", b"obol")))
    code, answer, call = unary(channel, "/obol.auth.v1.AuthService/CreateTenant", field(2, "replay"))
    say("replay", code, dict(call.initial_metadata()).get("idempotency-replayed"))


def watch(channel, service):
    try:
        for answer in channel.unary_stream("/grpc.health.v1.Health/Watch", **raw)(field(1, service) if service else b""):
            say("status", answer[1] if answer else 0)
    except grpc.RpcError as error:
        say("ended", error.code().name)


def reflect(channel, version):
    method = f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
    questions = [field(7, ""), field(4, "obol.auth.v1.AuthService.VerifyKey"), field(3, "obol/auth/v1/auth.proto"),
                 field(4, "no.Such"), field(6, "google.protobuf.MethodOptions")]
    answers = list(channel.stream_stream(method, **raw)(iter(questions), timeout=20))
    say("answers", len(answers))
    say("services", *(name in answers[0] for name in (b"obol.auth.v1.AuthService", b"grpc.health.v1.Health",
                                                      b"obol.rpc.v1.Bundle", b"grpc.reflection.v1.ServerReflection")))
    for answer in answers[1:3]:
        say("file", *(name in answer for name in (b"obol/auth/v1/auth.proto", b"google/protobuf/timestamp.proto",
                                                  b"google/protobuf/descriptor.proto")))
    say("not-found", b"\x08\x05" in answers[3])
    say("unimplemented", b"\x08\x0c" in answers[4])


def reflections(channel, n):
    """Streams of reflection that go on, each with its first answer."""
    ended = threading.Event()

    def questions():
        yield field(7, "")
        ended.wait()
    method = channel.stream_stream("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", **raw)
    streams = [method(questions()) for _ in range(n)]
    for stream in streams:
        next(stream)
    return streams, ended


def crowd(channel):
    asked, ended = reflections(channel, 64)
    try:
        reflections(channel, 1)
    except grpc.RpcError as error:
        say("crowded", error.code().name)
    streams = [channel.unary_stream("/grpc.health.v1.Health/Watch", **raw)(b"") for _ in range(512)]
    for stream in streams:
        next(stream)
    try:
        next(channel.unary_stream("/grpc.health.v1.Health/Watch", **raw)(b""))
    except grpc.RpcError as error:
        say("crowded", error.code().name)
    ended.set()
    for stream in asked:
        stream.cancel()
    for stream in streams:
        stream.cancel()
    while True:  # room again as soon as the server has seen them go
        try:
            next(channel.unary_stream("/grpc.health.v1.Health/Watch", **raw)(b""))
            say("room")
            os._exit(0)  # threads of questions that nobody asks any more
        except grpc.RpcError:
            pass


def watchers(channel):
    """Opens Watch streams, reads from each and leaves them, until standard input ends."""
    told = 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        streams = [channel.unary_stream("/grpc.health.v1.Health/Watch", **raw)(b"", timeout=0.5) for _ in range(8)]
        for i, stream in enumerate(streams):
            try:
                for _ in range(1 + i):
                    next(stream)
                    told += 1
            except grpc.RpcError as error:
                assert error.code().name in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED"), error  # CANCELLED: it had no time to say so
            stream.cancel()
    assert told > 20, told


def only_health(channel):
    """Where nothing else is served."""
    say("check", *unary(channel, "/grpc.health.v1.Health/Check")[:2])
    say("check-auth", *unary(channel, "/grpc.health.v1.Health/Check", field(1, "obol.auth.v1.AuthService"))[:2])
    say("check-live", *unary(channel, "/grpc.health.v1.Health/Check", field(1, "live"))[:2])
    for path in ["/obol.auth.v1.AuthService/VerifyKey", "/obol.payments.v1.PaymentService/TokenizeCard", "/obol.rpc.v1.Bundle/Call",
                 "/no.Such/Method"]:
        say(path.rsplit("/", 1)[1], unary(channel, path)[0])
    for version in ["v1", "v1alpha"]:
        stream = channel.stream_stream(f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo", **raw)
        try:
            say(next(stream(iter([field(7, "")]), timeout=20)))
        except grpc.RpcError as error:
            say("reflection", error.code().name)
    say(next(channel.unary_stream("/grpc.health.v1.Health/Watch", **raw)(b"", timeout=20)))


def malformed(channel):
    try:
        next(channel.unary_stream("/grpc.health.v1.Health/Watch", **raw)(b"\xff\xff"))
    except grpc.RpcError as error:
        say("watch", error.code().name)
    try:
        next(channel.stream_stream("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", **raw)(iter([b"\xff\xff"])))
    except grpc.RpcError as error:
        say("reflection", error.code().name)


with grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}") as channel:
    globals()[sys.argv[2]](channel, *sys.argv[3:])
