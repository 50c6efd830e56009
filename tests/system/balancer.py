"""What stands in front of the gateways: behaves as a Service of Kubernetes does.

Endpoints are probed each second; a new connection goes to the next one that was ready then, and stays there for as long as
it lives, ready or not.
"""
import asyncio
import threading

from client import send

PROBE_S = 1


class Balancer:
    def __init__(self, port, endpoints):
        """endpoints: {port of the service: port of its probes}."""
        self.port = port
        self.endpoints = endpoints
        self.ready, self.late = [], {endpoint: 0 for endpoint in endpoints}  # late: answers missed in a row
        self.taken = {endpoint: 0 for endpoint in endpoints}  # connections
        self.fewest = len(endpoints)  # that were ready at once; a test sets it anew
        self.refused = []  # why a connection led nowhere
        self.over = threading.Event()
        self.loop = asyncio.new_event_loop()
        self.probe()
        self.threads = [threading.Thread(target=self.keep_probing, daemon=True), threading.Thread(target=self.serve, daemon=True)]
        for thread in self.threads:
            thread.start()

    def is_ready(self, endpoint, port):
        """A late answer says nothing yet, as with a failureThreshold: the second in a row does."""
        try:
            ready = send(port, "GET", "/health/ready", timeout=1).status == 200
        except TimeoutError:
            self.late[endpoint] += 1
            return endpoint in self.ready and self.late[endpoint] < 2
        except OSError:
            ready = False
        self.late[endpoint] = 0
        return ready

    def probe(self):
        self.ready = [endpoint for endpoint, probe in self.endpoints.items() if self.is_ready(endpoint, probe)]
        self.fewest = min(self.fewest, len(self.ready))

    def keep_probing(self):
        while not self.over.wait(PROBE_S):
            self.probe()

    def serve(self):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self.connected, "127.0.0.1", self.port, backlog=512))
        self.loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))

    async def connected(self, reader, writer):
        ready = sorted(self.ready, key=self.taken.get)
        try:
            endpoint = ready[0]
            self.taken[endpoint] += 1
            their_reader, their_writer = await asyncio.open_connection("127.0.0.1", endpoint)
        except (IndexError, OSError) as error:
            self.refused.append(repr(error))
            writer.transport.abort()
            return
        await asyncio.gather(self.carry(reader, their_writer), self.carry(their_reader, writer))
        for each in (writer, their_writer):
            each.close()

    @staticmethod
    async def carry(reader, writer):
        """An end is passed on as an end, a reset as a reset."""
        try:
            while chunk := await reader.read(65536):
                writer.write(chunk)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
        except OSError:
            writer.transport.abort()

    def close(self):
        self.over.set()
        self.loop.call_soon_threadsafe(self.loop.stop)
        for thread in self.threads:
            thread.join(5)
