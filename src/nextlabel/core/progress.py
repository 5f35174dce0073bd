"""How far long work has come, told to whoever asked before it began."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["Sink", "report", "reporting"]

Sink = Callable[[str, int, int], None]
"""Takes what is done, how many items are done, and how many there are."""

# a variable of the context, not of the module: each thread and task has its own, and a block ends it
_SINK: ContextVar[Sink | None] = ContextVar("nextlabel_progress", default=None)


@contextmanager
def reporting(sink: Sink) -> Iterator[None]:
    """Be told of the progress of what is done in this block, in this thread.

    Parameters
    ----------
    sink : callable
        Called with what is done, in words, the number of items done and the number of all. What it raises
        ends the work, which is one way to cancel it.

    Examples
    --------
    >>> with reporting(lambda what, done, of: print(f"{what}: {done} of {of}")):
    ...     report("encoding", 3, 4)
    encoding: 3 of 4
    """
    before = _SINK.set(sink)
    try:
        yield
    finally:
        _SINK.reset(before)


def report(what: str, done: int, of: int) -> None:
    """Say how far something has come; heard where somebody listens, and free where nobody does.

    Parameters
    ----------
    what : str
        What is done, in words that a user reads.
    done, of : int
        Items.
    """
    sink = _SINK.get()
    if sink is not None:
        sink(what, done, of)
