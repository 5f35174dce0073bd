"""What came out of an experiment: every seed's curve, every id asked, and the seconds spent."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from nextlabel.errors import ParameterError

__all__ = ["Results", "Run"]


@final
@dataclass(frozen=True)
class Run:
    """One strategy with one seed, from the start set to the end of the budget.

    Parameters
    ----------
    strategy : str
        What the strategy is called in the experiment.
    seed : int
        Decides split, start set, initial weights and draws.
    labels : tuple of int, (k,)
        Labelled items at each checkpoint: at the start, then after each batch.
    accuracy : tuple of float or None, (k,)
        Share of the test items that are classified correctly, at each checkpoint; None where it was not
        measured.
    queried : tuple of tuple of str, (k,)
        The ids labelled before each checkpoint, in the order asked: the start set, then each batch.
    training_seconds : tuple of float, (k,)
        CPU seconds of each fit.
    selection_seconds : tuple of float, (k − 1,)
        CPU seconds of each selection: the signals that the strategy needs, and the pick.
    class_counts : tuple of tuple of int, (k, c)
        Labelled items of each class, at each checkpoint; empty where nobody counted.
    remarks : tuple of tuple of str, (k,)
        What each training says of itself; empty where nobody asked.
    """

    strategy: str
    seed: int
    labels: tuple[int, ...]
    accuracy: tuple[float | None, ...]
    queried: tuple[tuple[str, ...], ...]
    training_seconds: tuple[float, ...]
    selection_seconds: tuple[float, ...]
    class_counts: tuple[tuple[int, ...], ...] = ()
    remarks: tuple[tuple[str, ...], ...] = ()


@final
@dataclass(frozen=True)
class Results:
    """All runs of an experiment, and how it was done.

    Parameters
    ----------
    protocol : mapping of str to object
        Data set, split, learner, strategies, budget: JSON values.
    runs : sequence of Run
        Every strategy with the same seeds and the same checkpoints, measured at the same of them, in any
        order.

    Raises
    ------
    ParameterError
        No runs, a strategy that lacks a seed or a checkpoint that another has, or one measured elsewhere.
    """

    protocol: Mapping[str, Any]
    runs: Sequence[Run]

    def __post_init__(self) -> None:
        seeds = {
            name: sorted(run.seed for run in self.runs if run.strategy == name) for name in self.strategies
        }
        budgets = {run.labels for run in self.runs}
        if len(budgets) != 1 or len({tuple(found) for found in seeds.values()}) != 1:
            message = (
                "Strategies are compared on the same seeds and checkpoints; received "
                f"{len(budgets)} different sets of checkpoints and the seeds {seeds}. Run what is missing."
            )
            raise ParameterError(message)
        measured = {_measured(run) for run in self.runs}
        if len(measured) != 1 or not next(iter(measured)):
            message = (
                "Accuracy must be measured at the same checkpoints in all runs, at least at one; received "
                f"{len(measured)} different sets of them. Run all with the same settings."
            )
            raise ParameterError(message)

    @property
    def strategies(self) -> tuple[str, ...]:
        """The names, in the order of the runs."""
        return tuple(dict.fromkeys(run.strategy for run in self.runs))

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds, in increasing order."""
        return tuple(sorted({run.seed for run in self.runs}))

    @property
    def labels(self) -> NDArray[np.int64]:
        """Labelled items at each checkpoint whose accuracy was measured, axes (k,)."""
        first = self.runs[0]
        return np.array([first.labels[one] for one in _measured(first)], dtype=np.int64)

    def accuracy(self, strategy: str) -> NDArray[np.float64]:
        """Accuracy of each seed, in increasing order, at each measured checkpoint, axes (s, k)."""
        curves = [[one for one in run.accuracy if one is not None] for run in self.of(strategy)]
        return np.array(curves, dtype=np.float64)

    def of(self, strategy: str) -> list[Run]:
        """The runs of one strategy, by increasing seed."""
        return sorted((run for run in self.runs if run.strategy == strategy), key=lambda run: run.seed)

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON values."""
        return {"protocol": dict(self.protocol), "runs": [asdict(run) for run in self.runs]}

    def rows(self) -> Iterator[tuple[str, int, int, float]]:
        """Strategy, seed, labels, accuracy: a line for each measured checkpoint of each run."""
        for run in self.runs:
            for labels, accuracy in zip(run.labels, run.accuracy, strict=True):
                if accuracy is not None:
                    yield run.strategy, run.seed, labels, accuracy

    def asked(self) -> Iterator[tuple[str, int, int, int, str]]:
        """Strategy, seed, checkpoint, rank, id: a line for each labelled item of each run, ranks from 1."""
        for run in self.runs:
            for checkpoint, batch in enumerate(run.queried):
                for rank, one in enumerate(batch, 1):
                    yield run.strategy, run.seed, checkpoint, rank, one


def _measured(run: Run) -> tuple[int, ...]:
    return tuple(place for place, accuracy in enumerate(run.accuracy) if accuracy is not None)
