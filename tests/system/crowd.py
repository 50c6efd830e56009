"""Many requests truly at once: each has its connection and is written but for its last byte before any is let go."""
import asyncio
import http.client
import io
import json
import time

from client import Reply

CONNECT_AT_ONCE = 100


class Request:
    def __init__(self, api, method, path, value=None, key=None, port=None):
        """The bytes of one request with a key of this API; port: of another gateway than the API's."""
        body = b"" if value is None and method != "POST" else json.dumps(value or {}).encode()
        fields = {"Host": "crowd", "Connection": "close", **api.headers(), "Content-Length": str(len(body))}
        if body:
            fields["Content-Type"] = "application/json"
        if key:
            fields["Idempotency-Key"] = key
        head = "".join(f"{name}: {text}\r\n" for name, text in fields.items())
        self.port = port or api.port
        self.bytes = f"{method} /api/v1{path} HTTP/1.1\r\n{head}\r\n".encode() + body


def reply_of(received):
    """None where the connection ended before a whole answer."""
    head, _, raw = received.partition(b"\r\n\r\n")
    line, _, fields = head.partition(b"\r\n")
    headers = http.client.parse_headers(io.BytesIO(fields + b"\r\n\r\n"))
    if not line.startswith(b"HTTP/1.1 ") or len(raw) < int(headers["Content-Length"] or 0):
        return None
    return Reply(int(line.split(b" ", 2)[1]), headers, raw)


async def exchange(request, ready, start, connecting):
    async with connecting:
        reader, writer = await asyncio.open_connection("127.0.0.1", request.port)
    try:
        writer.write(request.bytes[:-1])
        await writer.drain()
        ready.release()
        await start.wait()
        began = time.monotonic()
        writer.write(request.bytes[-1:])
        reply = reply_of(await reader.read())
        if reply:
            reply.began = began
        return reply
    except OSError:
        return None
    finally:
        writer.close()


async def gathered(requests, seconds):
    ready, start, connecting = asyncio.Semaphore(0), asyncio.Event(), asyncio.Semaphore(CONNECT_AT_ONCE)
    tasks = [asyncio.create_task(exchange(request, ready, start, connecting)) for request in requests]
    for _ in requests:
        await asyncio.wait_for(ready.acquire(), seconds)
    start.set()
    return await asyncio.wait_for(asyncio.gather(*tasks), seconds)


def crowd(requests, seconds=120):
    """The replies, in the order of the requests; None where a connection broke. A reply knows when its request began."""
    return asyncio.run(gathered(requests, seconds))
