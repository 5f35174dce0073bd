"""The experiment: strategies side by side on one data set, everything but the strategy held equal."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from nextlabel.campaign.control import checked_share
from nextlabel.campaign.turn import DATA
from nextlabel.core.dataset import Dataset
from nextlabel.core.learner import Learner
from nextlabel.core.rng import generator
from nextlabel.core.select import check_needs
from nextlabel.core.signals import derivable
from nextlabel.core.strategy import Strategy
from nextlabel.errors import MissingSignal, ParameterError
from nextlabel.experiment.arms import active_items, set_aside
from nextlabel.experiment.cells import Cell
from nextlabel.experiment.curves import Results, Run
from nextlabel.experiment.grid_values import checked_seeds
from nextlabel.experiment.lines import Line, run_of
from nextlabel.experiment.lockstep import lockstep
from nextlabel.experiment.processes import each
from nextlabel.experiment.protocols import protocol_of, spec_of_cell
from nextlabel.maths.axes import Positions
from nextlabel.maths.parameters import checked_whole, settle

__all__ = ["STACK", "Cell", "Experiment", "run_group"]

_MEASURED = ("proba", "mean_proba")
_LEAST = {
    **{"start": 0, "batch": 1, "budget": 1, "test": 1, "per_class": 0, "pool": 1},
    **{"candidates": 1, "measure_every": 1},
}

STACK = 32
"""Replicates that train together at most: more bring little, and hold memory."""


@final
@dataclass(frozen=True, eq=False)
class Experiment:
    """A plain loop over learner and strategies: train, measure, select, label, again.

    Parameters
    ----------
    dataset : Dataset
        Its labels answer for people.
    learner : Learner
        Trained from scratch on every labelled set.
    strategies : mapping of str to Strategy
        What each is called, and what it is. A name may be any; two names may hold equal strategies.
    start : int
        Items labelled before the first selection, a uniform draw. With 0, and none for each class, the first
        batch is picked by the strategy if a model fitted without labels says what it needs; else, and for
        a strategy that reads no signal, it is a uniform draw, the same for all strategies of a seed.
    batch : int
        Items asked at once.
    budget : int
        Labels at the end, the start included; the last batch is smaller where it must be.
    seeds : int or sequence of int
        How many seeds, counted from zero, or which; at least 2. Kept as a tuple.
    test : int, optional
        Items held out to measure accuracy, a uniform draw for each seed; the official test items of the
        data set when left out.
    per_class : int
        Items of each class labelled before the first selection, beside `start`; a class with fewer is made
        up for by a uniform draw.
    pool : int, optional
        Cuts the items that may be labelled to so many, a uniform draw for each seed.
    control : float
        Share of the labels that is asked from a reserve drawn at random for each seed, which strategies
        never see and no model is trained on, as in a campaign: 0, or from .05 to .20. Fewer than 500 items
        beside the start set have no reserve.
    candidates : int, optional
        Strategies see so many of the unlabelled items, a uniform draw for each batch; all of them when left
        out. Learners see all.
    measure_every : int
        Accuracy is measured at the first checkpoint, at every so-many-th from there, and at the last.
    measures : str
        The signal whose largest entry is the predicted class: ``"proba"``, or ``"mean_proba"`` for the
        average over draws of the model.
    learners : mapping of str to Learner
        Learners of their own, by the name of a strategy; all others have `learner`.

    Raises
    ------
    ParameterError
        Sizes that do not fit one another or the data set.
    MissingSignal
        The learner does not provide what a strategy, or the measuring of accuracy, needs.
    LearnerError
        Items of a kind that a learner does not read.

    Notes
    -----
    Equal for all strategies of a seed: the split, the start set, and in each round the generator of the
    fit, which decides initial weights and data order. Data, model, signals, test and strategy draw from
    separate streams; a strategy's stream depends on its name in the experiment, so that one strategy under
    two names is two independent runs: the experiment's own control.

    Examples
    --------
    >>> from nextlabel import build
    >>> experiment = Experiment(
    ...     build("dataset", "digits"), build("learner", "sklearn"),
    ...     {name: build("strategy", name) for name in ("random", "margin")},
    ...     start=20, batch=10, budget=40, seeds=2, test=597,
    ... )
    >>> results = experiment.run(processes=1)
    >>> results.labels.tolist(), results.accuracy("margin").shape
    ([20, 30, 40], (2, 3))
    """

    dataset: Dataset
    learner: Learner
    strategies: Mapping[str, Strategy]
    start: int
    batch: int
    budget: int
    seeds: int | Sequence[int] = 10
    test: int | None = None
    per_class: int = 0
    pool: int | None = None
    control: float = 0.0
    candidates: int | None = None
    measure_every: int = 1
    measures: str = "proba"
    learners: Mapping[str, Learner] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._check_sizes()
        if self.measures not in _MEASURED:
            message = (
                f"'measures' must be one of {', '.join(_MEASURED)}; received {self.measures!r}. "
                "Write 'proba' unless the learner has draws."
            )
            raise ParameterError(message)
        if unknown := [name for name in self.learners if name not in self.strategies]:
            message = (
                f"A learner of its own belongs to one of the strategies {', '.join(self.strategies)}; "
                f"received one for {unknown[0]!r}. Name a strategy."
            )
            raise ParameterError(message)
        for name in ("", *self.strategies):
            self._check_learner(name)
        for learner, _ in self._alike():
            learner.require(self.dataset.pool, self.dataset.task)

    def _check_learner(self, name: str) -> None:
        """That a strategy's learner, or with no name that of the ceiling, provides what is read of it."""
        learner = self.learner_of(name)
        provider, at_hand = type(learner).__name__, derivable(learner.provides)
        if self.measures not in at_hand:
            message = (
                f"Accuracy is measured on {self.measures!r}, which {provider} does not provide (it provides "
                f"{', '.join(sorted(learner.provides)) or 'none'}). Use one that says class probabilities, "
                "and for 'mean_proba' one with draws."
            )
            raise MissingSignal(message)
        if strategy := self.strategies.get(name):
            check_needs(strategy, learner.provides, provider)
            if missing := strategy.needs_labelled - at_hand:
                message = (
                    f"{type(strategy).__name__} needs the signals {', '.join(sorted(missing))} of the "
                    f"labelled items, which {provider} does not provide (it provides "
                    f"{', '.join(sorted(learner.provides))}). Use another learner or another strategy."
                )
                raise MissingSignal(message)

    def _check_sizes(self) -> None:
        if not self.strategies:
            message = (
                "An experiment needs at least one strategy; received none. Name some, for example badge."
            )
            raise ParameterError(message)
        optional = [name for name in ("test", "pool", "candidates") if getattr(self, name) is None]
        sizes = {
            name: checked_whole(getattr(self, name), name, least=size, of="Experiment")
            for name, size in _LEAST.items()
            if name not in optional
        }
        settle(self, {"seeds": checked_seeds(self.seeds), **sizes, "control": checked_share(self.control)})
        items = len(self.dataset.pool.ids)
        if self.test is None and self.dataset.test is None:
            message = (
                f"The data set {self.dataset.name!r} has no official test items, so 'test' must say how many "
                f"of its {items} items to hold out; received None. A third is usual."
            )
            raise ParameterError(message)
        left = self.in_pool
        if self.held_out < 1 or not self.started < self.budget <= left or self.sizes[0] >= self.budget:
            message = (
                "Sizes must fit: start < budget ≤ items left by the test part, and 1 ≤ test; "
                f"received start {self.started or self.batch}, batch {self.batch}, budget {self.budget}, "
                f"test {self.held_out} of {items} items, which leaves {left}. Change what does not fit."
            )
            raise ParameterError(message)
        if self.candidates is not None and self.candidates < self.batch:
            message = (
                "A batch is picked among the candidates, so that 'candidates' must be at least the batch of "
                f"{self.batch}; received {self.candidates}. Give more, or leave it out."
            )
            raise ParameterError(message)
        held = self.reserved
        if (active := active_items(self.control, self.sizes, self.started, held)) > left - held:
            message = (
                "The items must be enough beside the control reserve; received a budget of "
                f"{self.budget}, of which {active} labels are not of the reserve, and {left} items, {held} "
                "of them the reserve. Lower the budget, or leave control out."
            )
            raise ParameterError(message)

    def learner_of(self, strategy: str) -> Learner:
        """The learner that a strategy runs with."""
        return self.learners.get(strategy, self.learner)

    @property
    def held_out(self) -> int:
        """How many items measure accuracy."""
        if self.test is not None:
            return self.test
        return 0 if self.dataset.test is None else len(self.dataset.test)

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """The seeds, however they were given."""
        return tuple(range(self.seeds)) if isinstance(self.seeds, int) else tuple(self.seeds)

    @property
    def started(self) -> int:
        """Labelled items at the first model of a seed that begins with a drawn start set; else 0."""
        return self.start + self.per_class * len(self.dataset.task.classes)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Labelled items at each checkpoint."""
        first = self.started or min(self.batch, self.budget)
        return (*range(first, self.budget, self.batch), self.budget)

    @property
    def measured(self) -> tuple[int, ...]:
        """The checkpoints, counted from 0, whose accuracy is measured."""
        last = len(self.sizes) - 1
        return (*range(0, last, self.measure_every), last)

    @property
    def in_pool(self) -> int:
        """Items that may be labelled, the start included."""
        left = len(self.dataset.pool.ids) - self.held_out
        return left if self.pool is None else min(self.pool, left)

    @property
    def reserved(self) -> int:
        """Items of the control reserve of a seed."""
        return len(set_aside(np.arange(self.in_pool - self.started), self.control, 0))

    def reserve(self, seed: int) -> Positions:
        """Positions of the control reserve in the order of asking, the same for all strategies of a seed."""
        return set_aside(self.split(seed)[2], self.control, seed)

    def split(self, seed: int) -> tuple[Positions, Positions, Positions]:
        """Positions of the test items, the start set and the rest, the same for all strategies of a seed."""
        test, order = self._drawn(seed)
        start = self._start(order)
        return test, start, np.setdiff1d(order, start)

    def opening(self, seed: int) -> Positions:
        """A uniform first batch, for cells without a start set whose strategy has nothing to go by."""
        order = self._drawn(seed)[1]
        return order[~np.isin(order, self.reserve(seed))][: self.sizes[0]]

    def _drawn(self, seed: int) -> tuple[Positions, Positions]:
        """The test items, and those of the pool in an order drawn at random."""
        rng, items = generator(seed, DATA), len(self.dataset.pool.ids)
        if self.test is None:
            test = np.asarray(self.dataset.test, dtype=np.int64)
            order = rng.permutation(np.setdiff1d(np.arange(items), test))
        else:
            test, order = np.split(rng.permutation(items), [self.test])
        return test, order[: self.in_pool]

    def _start(self, order: Positions) -> Positions:
        """The first of each class, then the first of the others; a class that lacks items is made up for."""
        if not self.per_class:
            return order[: self.start]
        labels = np.asarray(self.dataset.labels)[order]
        of_class = [np.flatnonzero(labels == one)[: self.per_class] for one in range(labels.max() + 1)]
        chosen = np.concatenate(of_class)
        others = np.setdiff1d(np.arange(len(order)), chosen)
        places = np.concatenate([chosen, others[: self.started - len(chosen)]])
        return np.asarray(order[places])

    def cells(self) -> tuple[Cell, ...]:
        """Every strategy with every seed, seed by seed."""
        return tuple(Cell(name, seed) for seed in self.all_seeds for name in self.strategies)

    def groups(self, processes: int) -> tuple[tuple[Cell, ...], ...]:
        """The cells that step together: all of one learner and a seed, or of several where it stacks.

        Parameters
        ----------
        processes : int
            Stacks are as large as `STACK` allows, but enough for every process to have one.
        """
        return tuple(
            tuple(Cell(name, int(seed)) for seed in share for name in names)
            for learner, names in self._alike()
            for share in np.array_split(np.array(self.all_seeds), self._shares(learner, names, processes))
        )

    def _alike(self) -> list[tuple[Learner, list[str]]]:
        """The strategies that share a learner."""
        found: list[tuple[Learner, list[str]]] = []
        for name in self.strategies:
            learner = self.learner_of(name)
            for one, names in found:
                if one is learner or (type(one) is type(learner) and one == learner):
                    names.append(name)
                    break
            else:
                found.append((learner, [name]))
        return found

    def _shares(self, learner: Learner, names: Sequence[str], processes: int) -> int:
        """In how many parts the seeds of strategies with this learner are run."""
        seeds = len(self.all_seeds)
        if not learner.stacks:
            return seeds
        return min(seeds, max(-(-seeds * len(names) // STACK), min(processes, seeds)))

    def run(self, *, processes: int = 1, progress: Callable[[Run], None] | None = None) -> Results:
        """Run every cell; the results do not depend on the number of processes.

        Parameters
        ----------
        processes : int
            Worker processes, with one thread each; 1 runs the cells here, one after the other.
        progress : callable, optional
            Is given each run as it ends.

        Returns
        -------
        Results

        Raises
        ------
        NextlabelError
            What a cell raised, with a note that names the cell.
        ExperimentError
            A worker process ended before its cell did.

        Notes
        -----
        Worker processes are fresh interpreters: a script that calls this needs the usual
        ``if __name__ == "__main__":``.
        """

        def report(runs: list[Run]) -> None:
            if progress is not None:
                for run in runs:
                    progress(run)

        groups = each(run_group, self, self.groups(processes), processes=processes, progress=report)
        runs = [run for group in groups for run in group]
        by_name = sorted(runs, key=lambda run: (list(self.strategies).index(run.strategy), run.seed))
        return Results(self.protocol(), by_name)

    def protocol(self) -> dict[str, Any]:
        """How the experiment is done, as JSON values."""
        return protocol_of(self)

    def spec(self, cell: Cell, data: str) -> dict[str, Any]:
        """What decides the lines of a cell, as JSON values: neither the budget nor the other strategies.

        Parameters
        ----------
        cell : Cell
        data : str
            The digest of the data set.
        """
        return spec_of_cell(self, cell, data)


def run_group(experiment: Experiment, cells: Sequence[Cell]) -> list[Run]:
    """Several cells in lockstep, from the start set to the end of the budget.

    Raises
    ------
    Exception
        Whatever learner or strategy raised, with a note that names the cell and the number of labels.
    """
    lines: dict[Cell, list[Line]] = {cell: [] for cell in cells}
    for cell, line in lockstep(experiment, cells, {}):
        lines[cell].append(line)
    return [run_of(cell, lines[cell]) for cell in cells]
