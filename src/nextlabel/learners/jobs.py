"""One training of a torch network, ready to begin, and what several of them read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from torch import Tensor, cat, nn

from nextlabel.core.pool import Pool
from nextlabel.learners.features import Features
from nextlabel.learners.losses import Loss
from nextlabel.learners.objective import Objective
from nextlabel.learners.torch_model import TorchModel, as_tensor
from nextlabel.maths.axes import Array, Labels, Positions

__all__ = ["Job", "MakeObjective", "read_together"]

MakeObjective = Callable[[nn.Module, Tensor, int, Loss], Objective]
"""Makes the objective of a training: of its network, a few items, the number of classes and the loss."""

_PIECE = 4096


@final
@dataclass(frozen=True, eq=False)
class Job:
    """A training: labelled items, checked, and the generators.

    Parameters
    ----------
    labelled : array of int64, axes (l,)
    labels : array of int64, axes (l,)
    unlabelled : array of int64, axes (u,)
        As given: they are looked at only by what reads them.
    features : Features or None
        What items are turned into.
    initialisation, order : numpy.random.Generator
        For the initial weights; for everything drawn in training.
    weights : array of float64, axes (l,), optional
        Of the labelled items, 1 on average; None where all weigh the same.
    objective : callable, optional
        Makes what is minimised; None for the loss of the learner.
    start : TorchModel, optional
        Whose weights training begins with, where they fit.
    """

    labelled: Positions
    labels: Labels
    unlabelled: Positions
    features: Features | None
    initialisation: np.random.Generator
    order: np.random.Generator
    weights: Array | None = None
    objective: MakeObjective | None = None
    start: TorchModel | None = None

    @property
    def is_plain(self) -> bool:
        """Whether nothing is weighted, and the loss of the learner is minimised."""
        return self.weights is None and self.objective is None

    def counts(self, classes: int) -> list[float]:
        """How many items of each class are trained on; a weighted one counts as it weighs by the heaviest."""
        weights = None if self.weights is None else self.weights / self.weights.max()
        counts: list[float] = np.bincount(self.labels, weights, minlength=classes).tolist()
        return counts

    def items(self, pool: Pool, positions: Positions) -> Tensor:
        """Items as the network reads them."""
        source: Any = pool if self.features is None else self.features.dense_on(pool)
        first = as_tensor(source.take(positions[:_PIECE]))
        if len(positions) <= _PIECE:
            return first
        items = first.new_empty((len(positions), *first.shape[1:]))  # filled piece by piece: held once
        items[:_PIECE] = first
        for start in range(_PIECE, len(positions), _PIECE):
            rows = slice(start, start + _PIECE)
            items[rows] = as_tensor(source.take(positions[rows]))
        return items

    def shape(self, pool: Pool) -> tuple[int, ...]:
        """How many labelled items, and the shape of one."""
        return (len(self.labelled), *self.items(pool, self.labelled[:1]).shape[1:])


def read_together(pool: Pool, jobs: Sequence[Job]) -> tuple[Tensor, Array]:
    """The items of several trainings, each once under the same features, and where each training's are.

    Parameters
    ----------
    pool : Pool
    jobs : sequence of Job
        R of them, with equal numbers of labels and items of equal shape.

    Returns
    -------
    tuple of Tensor, first axis u, and array of int64, axes (R, l)
    """
    alike: dict[str, list[int]] = {}
    for number, job in enumerate(jobs):
        alike.setdefault("" if job.features is None else job.features.basis, []).append(number)
    rows = np.empty((len(jobs), len(jobs[0].labelled)), np.int64)
    read: list[Tensor] = []
    before = 0
    for numbers in alike.values():
        wanted = np.stack([jobs[number].labelled for number in numbers])
        union, places = np.unique(wanted, return_inverse=True)
        rows[numbers] = places.reshape(wanted.shape) + before
        read.append(jobs[numbers[0]].items(pool, union))
        before += len(union)
    return (read[0] if len(read) == 1 else cat(read)), rows
