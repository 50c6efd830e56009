"""A network of the test's own, with addresses that the world knows as somebody else's, and its name server.

The thread that enters, and what it starts, has the network; nothing there leads out. It takes root (CAP_SYS_ADMIN):
where that is missing the tests that need it fail, and say so.
"""
import ctypes
import os
import socket
import struct
import subprocess
import threading

CLONE_NEWNET = 0x40000000
TYPES = {"A": (1, socket.AF_INET), "AAAA": (28, socket.AF_INET6)}
REFUSED_NAME, OK = 3, 0


class OwnNetwork:
    def __init__(self, addresses):
        """addresses: with their prefix lengths, all on the loopback device."""
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        if self.libc.unshare(CLONE_NEWNET) != 0:
            raise AssertionError("These tests need a network namespace, so root: " + os.strerror(ctypes.get_errno()))
        try:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            for address in addresses:
                subprocess.run(["ip", "addr", "add", address, "dev", "lo"], check=True)
        except BaseException:
            self.leave()
            raise

    def leave(self):
        assert self.libc.setns(self.before, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        os.close(self.before)


def with_files(directory, files, command):
    """The command with files in the place of the system's own, for it alone; files: {path: text}."""
    words = []
    for n, (path, text) in enumerate(files.items()):
        mine = directory / f"instead-{n}"
        mine.write_text(text)
        words += ["mount", "--bind", str(mine), path, "&&"]
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", " ".join([*words, "exec", '"$0"']), *command]


class NameServer:
    """Answers on 127.0.0.1:53. names: {name: addresses, a function that gives them, or None: no answer at all}."""

    def __init__(self):
        self.names = {}
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                query, peer = self.socket.recvfrom(512)
            except OSError:
                return
            answer = self.answer(query)
            if answer:
                self.socket.sendto(answer, peer)

    def answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
            at += 1 + query[at]
        name, [kind] = ".".join(labels), struct.unpack_from(">H", query, at + 1)
        self.asked.append(name)
        addresses = self.names.get(name, ())
        if addresses is None:
            return None
        if callable(addresses):
            addresses = addresses(kind)
        known = name in self.names
        records = b"".join(self.record(kind, address) for address in addresses if self.is_kind(kind, address))
        n = sum(self.is_kind(kind, address) for address in addresses)
        flags = 0x8180 | (OK if known else REFUSED_NAME)
        return query[:2] + struct.pack(">HHHHH", flags, 1, n, 0, 0) + query[12:at + 5] + records

    @staticmethod
    def is_kind(kind, address):
        return kind == TYPES["AAAA" if ":" in address else "A"][0]

    @staticmethod
    def record(kind, address):
        packed = socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
        return struct.pack(">HHHIH", 0xC00C, kind, 1, 0, len(packed)) + packed  # time to live: 0

    def close(self):
        self.socket.close()
