"""One benchmark at a time in a folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from nextlabel.errors import ExperimentError

__all__ = ["locked"]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file while the block runs; the system lets go of it when the process ends, however it ends.

    Parameters
    ----------
    path : Path
        Made where it is missing, and left there.

    Raises
    ------
    ExperimentError
        Another process holds it, or the file cannot be made.

    Notes
    -----
    Where the system has no such locks, nothing is held.
    """
    try:
        fcntl = import_module("fcntl")
    except ImportError:
        yield
        return
    try:
        held = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as cause:
        message = (
            f"The results need a folder that can be written; {path.parent} cannot ({cause.strerror}). "
            "Name another one with --out."
        )
        raise ExperimentError(message) from cause
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as cause:
            message = (
                f"One benchmark at a time runs in a folder; another is running in {path.parent}. "
                "Wait until it has ended, or name another folder with --out."
            )
            raise ExperimentError(message) from cause
        yield
    finally:
        os.close(held)
