"""What every test may ask for, Hypothesis as the suite runs it, and at the end why tests were skipped."""

import gc
import os
import secrets
import signal
from collections import Counter

import pytest
from hypothesis import settings

_REASONS = 6

# The suite's processes share the cores, and its networks are so small that threads do little but wait for one
# another: with two, the contracts of learners take five times the processor time. The libraries read this as
# they load, in each worker and in each process that a test starts; a number that is set already stays.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ.setdefault(_name, "1")

settings.register_profile("suite", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("nightly", derandomize=False, deadline=None, max_examples=500, print_blob=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fresh-seeds", action="store_true", help="draw the seeds of statistical tests anew, and print them"
    )


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("nightly" if config.getoption("--fresh-seeds") else "suite")
    gc.disable()  # until all is collected: nearly everything that is made until then stays
    # a shell that starts the suite in the background has it ignore interrupts, and so would all it starts
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Libraries and tests, a million objects, are looked through no more when the tests' own are."""
    gc.freeze()
    gc.enable()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Each reason to skip once, the most frequent first: what is missing, and how to get it."""
    why = Counter[str]()
    for one in terminalreporter.stats.get("skipped", ()):
        reason = one.longrepr[2] if isinstance(one.longrepr, tuple) else str(one.longrepr)
        why[reason.removeprefix("Skipped: ")] += 1
    for reason, number in why.most_common(_REASONS):
        terminalreporter.write_line(f"{number} skipped: {reason}")
    if len(why) > _REASONS:
        terminalreporter.write_line(f"and {len(why) - _REASONS} other reasons to skip: pytest -rs")


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of a statistical test: fixed in the suite, fresh and printed at night."""
    if not request.config.getoption("--fresh-seeds"):
        return 0
    fresh = secrets.randbits(32)
    print(f"seed of {request.node.nodeid}: {fresh}")  # noqa: T201
    return fresh
