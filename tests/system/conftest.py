import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from receiver import Receiver  # noqa: E402
from stack import Stack  # noqa: E402

sys.path.pop(0)
sys.path.append(str(pathlib.Path(__file__).resolve().parent))


def running_stack(stack=None, **options):
    """For a file that wants its stack otherwise: a fixture that yields from this. stack: made and not started."""
    stack = stack or Stack(**options)
    try:
        stack.start()
    except BaseException:
        logs = stack.logs()
        try:
            stack.close()
        except AssertionError:
            pass
        print("\n".join(f"--- {name}\n{tail}" for name, tail in logs.items()))
        raise
    yield stack
    stack.close()


@pytest.fixture(scope="module")
def stack():
    yield from running_stack()


@pytest.fixture(autouse=True)
def whole(request):
    """What ended during a test is that test's fault, and no other's."""
    yield
    stack = request.node.funcargs.get("stack")
    ended = stack.revive() if stack else []
    assert not ended, "\n\n".join(ended)


@pytest.fixture
def api(stack):
    """A tenant of the test's own."""
    return stack.tenant()


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    stack = getattr(item, "funcargs", {}).get("stack")
    if report.failed and report.when == "call" and stack:
        for name, tail in stack.logs().items():
            report.sections.append((f"log of {name}", tail))
