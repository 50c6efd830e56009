"""`--probe`: each program asks its own operations port how it is, as containers without a shell do."""
import subprocess

import pytest
from processes import PORTS, Process, wait_until
from stack import BIN, SERVICES

NAMES = ["sandbox", "merchant", *SERVICES, "gateway"]
ALONE = ["sandbox", "merchant"]  # these need nobody, and have one port for everything
NOWHERE = {"DATABASE_URL": "postgresql://obol:obol@127.0.0.1:9/obol", "NATS_URL": "nats://127.0.0.1:9",
           "OBOL_KEYS": "1:" + "0" * 64, "SIMULATOR_KEY": "key", "SIMULATOR_CALLBACK_SECRET": "secret",
           **{f"{name.upper()}_TARGET": "127.0.0.1:9" for name in SERVICES}}


def listening(name):
    """All that a probe needs to know, and what else the program listens on."""
    if name in ALONE:
        return {f"{name.upper()}_LISTEN": f"127.0.0.1:{PORTS.take()}"}, {}
    return ({f"{name.upper()}_OPS_LISTEN": f"127.0.0.1:{PORTS.take()}"}, {f"{name.upper()}_LISTEN": f"127.0.0.1:{PORTS.take()}"})


def probe(name, environment, *words):
    return subprocess.run([BIN / f"obol-{name}", "--probe", *words], env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=20)


@pytest.mark.parametrize("name", NAMES)
def test_a_program_asks_itself(name, tmp_path):
    known, more = listening(name)
    away = probe(name, known, "live")
    assert away.returncode == 1 and len(away.stderr.splitlines()) == 1, away
    process = Process(name, [BIN / f"obol-{name}"], {**NOWHERE, **known, **more}, tmp_path / "log")
    process.start()
    try:
        wait_until(lambda: probe(name, known, "live").returncode == 0, 30, process.tail)
        ready = probe(name, known, "ready")
        assert ready.returncode == (0 if name in ALONE else 1), ready
        assert name in ALONE or "503" in ready.stderr, "without its database a service is alive and not ready"
        assert probe(name, known).returncode == ready.returncode
        assert probe(name, known, "steady").returncode == 2
    finally:
        process.stop()


def test_a_program_that_serves_is_ready(stack):
    for name in SERVICES + ["gateway"]:
        for what in ("live", "ready"):
            done = probe(name, {f"{name.upper()}_OPS_LISTEN": f"127.0.0.1:{stack.ports[f'{name}_ops']}"}, what)
            assert done.returncode == 0 and done.stderr == "", done
