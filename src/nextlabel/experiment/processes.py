"""Cells over worker processes, one thread each."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait
from threading import Thread
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits

from nextlabel.errors import ExperimentError
from nextlabel.maths.parameters import checked_whole

__all__ = ["each", "usable_cores"]

S = TypeVar("S")
C = TypeVar("C")
R = TypeVar("R")

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
)


def each(
    work: Callable[[S, C], R],
    shared: S,
    cells: Sequence[C],
    *,
    processes: int,
    progress: Callable[[R], None] | None = None,
) -> list[R]:
    """What the work makes of every cell, in the order in which the cells end.

    Parameters
    ----------
    work : callable
        A function of a module, called with `shared` and a cell.
    shared : object
        Sent to the workers with each cell.
    cells : sequence
        What is to be done.
    processes : int
        Worker processes with one thread each; 1 works here, with one thread.
    progress : callable, optional
        Is given each answer as it comes.

    Returns
    -------
    list
        One answer for each cell.

    Raises
    ------
    ParameterError
        Fewer than one process.
    ExperimentError
        A worker process ended before its cell did.
    Exception
        What the work raised; the other workers are stopped.

    Notes
    -----
    Worker processes are started afresh, never forked, since numerical libraries with threads may hang
    after a fork. The number of threads is set in their environment, before any library reads it.
    """
    processes = checked_whole(processes, "processes", least=1, advice="Give for example 2.")
    answers = []
    for answer in (
        _here(work, shared, cells)
        if processes == 1
        else _spread(work, shared, cells, min(processes, len(cells)))
    ):
        answers.append(answer)
        if progress is not None:
            progress(answer)
    return answers


def usable_cores() -> int:
    """How many cores this process may use."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return usable or 1


def _here(work: Callable[[S, C], R], shared: S, cells: Sequence[C]) -> Iterator[R]:
    for cell in cells:
        with threadpool_limits(limits=1):
            answer = work(shared, cell)
        yield answer


def _spread(work: Callable[[S, C], R], shared: S, cells: Sequence[C], processes: int) -> Iterator[R]:
    others = set(multiprocessing.active_children())
    executor = ProcessPoolExecutor(
        processes, mp_context=multiprocessing.get_context("spawn"), initializer=_begin
    )
    try:
        with _one_thread_each(), _interrupts_held_back():
            futures = [executor.submit(work, shared, cell) for cell in cells]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as cause:
        message = (
            f"Each of {processes} worker processes must live until its cells are done; one ended early. "
            "It may have run out of memory: use fewer processes. In a script of your own, put the call "
            "under: if __name__ == '__main__':"
        )
        raise ExperimentError(message) from cause
    except BaseException:
        for child in set(multiprocessing.active_children()) - others:
            child.terminate()
        raise
    finally:
        executor.shutdown(cancel_futures=True)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """The environment that workers inherit says one thread, for every numerical library that asks."""
    before: dict[str, Any] = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Workers that start here inherit that Ctrl-C waits; in this process it comes a moment later."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin() -> None:
    """What a worker does first.

    Ctrl-C reaches every process of a terminal; the parent alone acts on it, and stops its workers. A parent
    that is killed cannot: its workers end by themselves, lest they write beside one that takes its place.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
