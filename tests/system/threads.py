"""One thread of a program held still, as a lock that is never given back would hold it; the others run on. Takes root."""
import ctypes
import os
import pathlib
import time

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
EPOLL_WAIT, EPOLL_PWAIT = "232", "281"


class Held:
    """While in use; entered and left by one and the same thread of the test."""

    def __init__(self, thread):
        self.thread = thread
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]

    def trace(self, request):
        assert self.libc.ptrace(request, self.thread, None, None) == 0, os.strerror(ctypes.get_errno())

    def __enter__(self):
        self.trace(SEIZE)
        self.trace(INTERRUPT)
        while "t" not in pathlib.Path(f"/proc/{self.thread}/stat").read_text().rsplit(")", 1)[1].split()[0]:
            time.sleep(0.01)

    def __exit__(self, *_):
        self.trace(DETACH)


def listener_of(process, port):
    """The thread whose event loop accepts connections at a port."""
    proc = pathlib.Path(f"/proc/{process}")
    rows = [line.split() for line in (proc / "net" / "tcp").read_text().splitlines()[1:]]
    inodes = {row[9] for row in rows if row[3] == "0A" and int(row[1].split(":")[1], 16) == port}
    listening = {f.name for f in (proc / "fd").iterdir() if os.readlink(f) in {f"socket:[{inode}]" for inode in inodes}}
    for thread in (proc / "task").iterdir():
        call = (thread / "syscall").read_text().split()
        if call[0] in (EPOLL_WAIT, EPOLL_PWAIT):
            watched = (proc / "fdinfo" / str(int(call[1], 16))).read_text()
            if listening & {line.split()[1] for line in watched.splitlines() if line.startswith("tfd:")}:
                return int(thread.name)
    raise LookupError("no thread waits for connections")
