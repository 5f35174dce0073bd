"""Cells larger than Python's csv module takes by itself."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

__all__ = ["LARGEST_CELL", "large_cells"]

LARGEST_CELL = 1 << 24
"""Characters of a cell: a quote that is never closed would swallow the rest of a file of any size."""

_LIMIT = Lock()  # csv keeps one limit for the whole process: two readers at once must not undo each other's


@contextmanager
def large_cells() -> Iterator[None]:
    """Let the csv module read cells of 16 million characters, here and until the block ends.

    Yields
    ------
    None
        While no other thread is in such a block: keep it short, and yield nothing from inside.
    """
    with _LIMIT:
        before = csv.field_size_limit(LARGEST_CELL)
        try:
            yield
        finally:
            csv.field_size_limit(before)
