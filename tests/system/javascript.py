"""What JavaScript makes of a webhook: the standardwebhooks package, and a receiver that re-serialises."""
import base64
import json
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent


def verify(secret, requests):
    asked = [{"secret": secret, "headers": {k.lower(): v for k, v in r.headers.items()},
              "body": base64.b64encode(r.body).decode()} for r in requests]
    done = subprocess.run(["node", HERE / "verify.mjs"], input=json.dumps(asked), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, cwd=HERE, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
