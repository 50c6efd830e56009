"""Every failpoint of the refunds and webhooks services, fired during a tour."""
import pytest

from conftest import running_stack
from tour import FAST, failpoints, survives


@pytest.fixture(scope="module")
def stack():
    yield from running_stack(**FAST)


@pytest.mark.parametrize("service,failpoint,action", failpoints("refunds", "webhooks"))
def test_tour_survives(stack, service, failpoint, action):
    survives(stack, service, failpoint, action)
