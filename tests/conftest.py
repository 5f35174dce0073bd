"""What every test may ask for: the seed of a statistical test, and Hypothesis as the suite runs it."""

import secrets
import signal

import pytest
from hypothesis import settings

settings.register_profile("suite", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("nightly", derandomize=False, deadline=None, max_examples=500, print_blob=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fresh-seeds", action="store_true", help="draw the seeds of statistical tests anew, and print them"
    )


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("nightly" if config.getoption("--fresh-seeds") else "suite")
    # a shell that starts the suite in the background has it ignore interrupts, and so would all it starts
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of a statistical test: fixed in the suite, fresh and printed at night."""
    if not request.config.getoption("--fresh-seeds"):
        return 0
    fresh = secrets.randbits(32)
    print(f"seed of {request.node.nodeid}: {fresh}")  # noqa: T201
    return fresh
