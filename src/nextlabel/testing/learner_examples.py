"""What learners are tried on: a small pool, its labels, and an example of every registered learner."""

import dataclasses
from pathlib import Path

import numpy as np

from nextlabel.core.learner import Learner
from nextlabel.core.registry import build, resolve
from nextlabel.core.rng import generator
from nextlabel.core.task import Task, classes, multilabel
from nextlabel.readers.arrays import ArrayPool, arrays
from nextlabel.testing.examples import example
from nextlabel.testing.signals import example_arrays

__all__ = ["LABELLED", "SEVERAL", "TASK", "UNLABELLED", "example_learner", "example_pool"]

TASK: Task = classes("cat", "dog", "bird", "never labelled")
"""The task of the examples: its last class has no label."""

SEVERAL: Task = multilabel(TASK.classes)
"""The same classes for a task of several an item."""

LABELLED = np.arange(0, 24, 2)
"""Positions of the labelled items of the example pool."""

UNLABELLED = np.arange(1, 24, 2)
"""Positions of its other items."""


def example_pool(seed: int = 0) -> ArrayPool:
    """24 images of 8 × 8 in three classes that are easy to tell apart, one after the other.

    Examples
    --------
    >>> example_pool().items.shape
    (24, 8, 8)
    """
    rng = generator(seed)
    centres = rng.normal(size=(3, 8, 8))
    images = centres[np.arange(24) % 3] + 0.3 * rng.normal(size=(24, 8, 8))
    return arrays(images.astype(np.float32))


def example_learner(name: str, folder: Path) -> Learner:
    """A small learner of a registered name, made by a rule, so that a new registry line is tested at once.

    Parameters
    ----------
    name : str
        A registered name.
    folder : path
        Where signals of the example pool are written for a learner that reads them: one whose parameter
        ``source`` has no default.

    Returns
    -------
    Learner
        With its defaults; a parameter without one that holds a learner is filled with a small forest.

    Raises
    ------
    UnknownName
        The name is not registered.

    Examples
    --------
    >>> example_learner("ensemble", Path()).members
    5
    """
    made = resolve("learner", name)
    fields = {one.name: one.default for one in dataclasses.fields(made)}
    if fields.get("source") is dataclasses.MISSING:
        for signal, array in example_arrays({"logits", "embedding"}, n=24, c=len(TASK.classes)).items():
            np.save(folder / f"{signal}.npy", array)
        made_from: Learner = build("learner", {"name": name, "source": str(folder)})
        return made_from
    found: Learner = example("learner", name)
    return found
