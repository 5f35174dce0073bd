"""What a data set is: items, their true labels, and which of them are kept for testing."""

from dataclasses import dataclass
from typing import final

import numpy as np

from nextlabel.core.pool import Pool
from nextlabel.core.task import Task
from nextlabel.errors import LabelError, PoolError
from nextlabel.maths.axes import Labels, Positions

__all__ = ["Dataset"]


@final
@dataclass(frozen=True, eq=False)
class Dataset:
    """Items whose labels are known, so that experiments can answer for people.

    Parameters
    ----------
    name : str
        Its name in the registry.
    description : str
        What it holds and where it is from, in one sentence for a reader.
    pool : Pool
        All items.
    labels : array of int64, axes (n,)
        The class index of each item, in the order of the pool.
    task : Task
        The classes.
    test : array of int64, axes (t,), optional
        Positions of the official test items, where the data set has them.

    Raises
    ------
    LabelError
        Not one label for each item, or a label that is not a class index; a task of several classes an item.
    PoolError
        Test positions that are not distinct positions of the pool, or that leave nothing else.
    """

    name: str
    description: str
    pool: Pool
    labels: Labels
    task: Task
    test: Positions | None = None

    def __post_init__(self) -> None:
        if self.task.is_several:
            message = (
                "A data set for experiments must have one class an item; received a task of several "
                f"({', '.join(self.task.classes)}). Name the classes with nextlabel.classes; "
                "campaigns take both."
            )
            raise LabelError(message)
        n, classes = len(self.pool.ids), len(self.task.classes)
        labels = np.asarray(self.labels)
        if labels.shape != (n,) or labels.dtype.kind not in "iu":
            message = (
                f"A data set needs one class index for each of its {n} items; received labels of shape "
                f"{labels.shape} and type {labels.dtype}. Give integers in the order of the pool."
            )
            raise LabelError(message)
        if labels.min() < 0 or labels.max() >= classes:
            message = (
                f"Labels must be class indices from 0 to {classes - 1}; received values from {labels.min()} "
                f"to {labels.max()}. Give positions in the task's classes."
            )
            raise LabelError(message)
        if self.test is not None:
            _check_test(np.asarray(self.test), n)


def _check_test(test: Positions, n: int) -> None:
    distinct = test.dtype.kind in "iu" and test.ndim == 1 and len(np.unique(test)) == len(test)
    if not distinct or not 1 <= len(test) < n or test.min() < 0 or test.max() >= n:
        message = (
            f"Test positions must be distinct positions of the {n} items and leave some for the pool; "
            f"received an array of shape {test.shape} and type {test.dtype}. Give integers from 0 to {n - 1}."
        )
        raise PoolError(message)
