"""What every adapter does at its border: check positions and labels, resolve names, walk a pool in chunks."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from nextlabel.core.labels import class_indicators, class_indices
from nextlabel.core.pool import Pool
from nextlabel.core.signals import SIGNALS, derivable
from nextlabel.core.spec import Spec, listed
from nextlabel.core.task import Task
from nextlabel.errors import LabelError, LearnerError, MissingSignal, PoolError
from nextlabel.maths.axes import Array, Labels, Positions

__all__ = ["as_spec", "checked_labels", "checked_positions", "gathered", "sources"]


def as_spec(source: Any) -> Any:
    """A name or a mapping with settings as a spec of JSON values; any other object as it is.

    Examples
    --------
    >>> as_spec({"name": "mlp", "hidden": (64, 32)})
    Spec(name='mlp', params={'hidden': [64, 32]})
    """
    if not isinstance(source, str | Mapping | Spec):
        return source
    spec = Spec.read(source)
    return Spec(spec.name, {key: listed(value) for key, value in spec.params.items()})


def checked_positions(pool: Pool, positions: ArrayLike) -> Positions:
    """Positions into a pool, int64.

    Raises
    ------
    PoolError
        Not whole numbers in one axis, or outside the pool.
    """
    array = np.asarray(positions)
    if array.shape == (0,):
        return np.empty(0, np.int64)  # an empty list has no type of its own
    n = len(pool.ids)
    if array.ndim != 1 or array.dtype.kind not in "iu" or array.min() < 0 or array.max() >= n:
        message = (
            f"Positions must be whole numbers from 0 to {n - 1}, axes (n,), in a pool of {n} items; received "
            f"shape {array.shape} of type {array.dtype}{_range(array)}. Count items from 0, in pool order."
        )
        raise PoolError(message)
    return array.astype(np.int64)


def checked_labels(
    pool: Pool,
    labelled: ArrayLike,
    labels: ArrayLike,
    task: Task,
    *,
    learner: str = "The learner",
    several: bool = False,
) -> tuple[Positions, Labels]:
    """Positions and labels of the labelled items, one for each.

    Parameters
    ----------
    pool : Pool
    labelled, labels : array-like
        As given to `Learner.fit`.
    task : Task
    learner : str
        How errors call the learner.
    several : bool
        Whether the learner can fit several classes an item.

    Returns
    -------
    array of int64, axes (l,)
        Positions.
    array of int64, axes (l,) or (l, c)
        Class indices; of several classes an item, 1 where a class applies.

    Raises
    ------
    LearnerError
        The task has several classes an item, and the learner cannot fit them.
    PoolError
        Positions outside the pool.
    LabelError
        Labels that are not class indices of the task, or whose number is not that of the positions.
    """
    where = checked_positions(pool, labelled)
    if task.is_several and not several:
        message = (
            f"{learner} fits one class an item; received a task of several ({', '.join(task.classes)}). Use "
            "the learner 'sklearn', or a task of nextlabel.classes."
        )
        raise LearnerError(message)
    read = class_indicators if task.is_several else class_indices
    indices = read(labels, len(task.classes))
    if len(indices) != len(where):
        message = (
            f"There must be one label for each labelled item; received {len(where)} positions and "
            f"{len(indices)} labels. Give both in the same order."
        )
        raise LabelError(message)
    return where, indices


def sources(names: Collection[str], offered: Collection[str], model: str) -> frozenset[str]:
    """The signals to compute, so that all that are asked for are at hand or derivable.

    Parameters
    ----------
    names : collection of str
        What is asked for.
    offered : collection of str
        What the model can compute.
    model : str
        How the error calls the model.

    Raises
    ------
    MissingSignal
        A name that is neither offered nor derivable.

    Examples
    --------
    >>> sorted(sources({"residual", "embedding"}, {"logits", "embedding", "draws"}, "a model"))
    ['embedding', 'logits']
    """
    reachable = derivable(offered)

    def source(name: str) -> str:
        if name in offered:
            return name
        return next(source(step.source) for step in SIGNALS[name].derivations if step.source in reachable)

    lacking = sorted(set(names) - reachable)
    if lacking:
        message = (
            f"{model} was asked for {', '.join(map(repr, lacking))}, which it cannot give; it computes or "
            f"derives {', '.join(sorted(reachable)) or 'nothing'}. "
            "Use another learner, or a strategy that needs what this one offers."
        )
        raise MissingSignal(message)
    return frozenset(source(name) for name in names)


class _Takes(Protocol):
    def take(self, positions: Positions) -> Any: ...


def gathered(
    pool: _Takes, positions: Positions, chunk: int, answer: Callable[[Any], Mapping[str, Array]]
) -> dict[str, Array]:
    """What a function says of items, a chunk at a time, written into arrays of the whole length.

    Parameters
    ----------
    pool : Pool, or features of one
        Where the items are.
    positions : array of int64, axes (n,)
        Which items, in this order.
    chunk : int
        How many are taken at once.
    answer : callable
        Items to named arrays, first axis the items.

    Notes
    -----
    Memory: the result and one chunk. No positions give arrays without rows and the usual other axes.
    """
    n = len(positions)
    if n == 0:
        return {name: block[:0] for name, block in answer(pool.take(np.zeros(1, np.int64))).items()}
    result: dict[str, Array] = {}
    for start in range(0, n, chunk):
        rows = slice(start, min(start + chunk, n))
        for name, block in answer(pool.take(positions[rows])).items():
            if name not in result:
                result[name] = np.empty((n, *block.shape[1:]), block.dtype)
            result[name][rows] = block
    return result


def _range(array: Array) -> str:
    if array.dtype.kind not in "iuf" or not array.size:
        return ""
    return f" with values from {array.min():g} to {array.max():g}"
