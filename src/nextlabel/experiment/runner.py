"""The experiment: strategies side by side on one data set, everything but the strategy held equal."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from nextlabel.campaign.turn import DATA, Turn
from nextlabel.core.dataset import Dataset
from nextlabel.core.learner import Learner
from nextlabel.core.registry import spec_of
from nextlabel.core.rng import generator
from nextlabel.core.select import check_needs
from nextlabel.core.signals import derivable
from nextlabel.core.strategy import Strategy
from nextlabel.errors import MissingSignal, ParameterError, UnknownName
from nextlabel.experiment.curves import Results, Run
from nextlabel.experiment.processes import each
from nextlabel.maths.axes import Positions
from nextlabel.maths.parameters import checked_whole, settle

__all__ = ["Cell", "Experiment", "run_cell"]


@final
@dataclass(frozen=True)
class Cell:
    """One strategy, by its name in the experiment, with one seed."""

    strategy: str
    seed: int


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
        Items labelled before the first selection, a uniform draw.
    batch : int
        Items asked at once.
    budget : int
        Labels at the end, the start included; the last batch is smaller where it must be.
    seeds : int
        How many seeds, counted from zero; at least 2.
    test : int, optional
        Items held out to measure accuracy, a uniform draw for each seed; the official test items of the
        data set when left out.

    Raises
    ------
    ParameterError
        Sizes that do not fit one another or the data set.
    MissingSignal
        The learner does not provide what a strategy, or the measuring of accuracy, needs.

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
    seeds: int = 10
    test: int | None = None

    def __post_init__(self) -> None:
        self._check_sizes()
        provider, provided = type(self.learner).__name__, self.learner.provides
        at_hand = derivable(provided)
        if "proba" not in at_hand:
            message = (
                f"Accuracy is measured on 'proba', which {provider} does not provide (it provides "
                f"{', '.join(sorted(provided)) or 'none'}). Use a learner that says class probabilities."
            )
            raise MissingSignal(message)
        for strategy in self.strategies.values():
            check_needs(strategy, provided, provider)
            if missing := strategy.needs_labelled - at_hand:
                message = (
                    f"{type(strategy).__name__} needs the signals {', '.join(sorted(missing))} of the "
                    f"labelled items, which {provider} does not provide (it provides "
                    f"{', '.join(sorted(provided))}). Use another learner or another strategy."
                )
                raise MissingSignal(message)

    def _check_sizes(self) -> None:
        if not self.strategies:
            message = (
                "An experiment needs at least one strategy; received none. Name some, for example badge."
            )
            raise ParameterError(message)
        advice = "Of fewer than 2, nothing can be said of chance; ten are a good beginning."
        seeds = checked_whole(self.seeds, "seeds", least=2, of="Experiment", advice=advice)
        settle(self, {"seeds": seeds, **{name: self._size(name) for name in ("start", "batch", "budget")}})
        if self.test is not None:
            settle(self, {"test": self._size("test")})
        items = len(self.dataset.pool.ids)
        if self.test is None and self.dataset.test is None:
            message = (
                f"The data set {self.dataset.name!r} has no official test items, so 'test' must say how many "
                f"of its {items} items to hold out; received None. A third is usual."
            )
            raise ParameterError(message)
        left = items - self.held_out
        if self.held_out < 1 or not self.start < self.budget <= left:
            message = (
                "Sizes must fit: start < budget ≤ items left by the test part, and 1 ≤ test; "
                f"received start {self.start}, batch {self.batch}, budget {self.budget}, test "
                f"{self.held_out} of {items} items, which leaves {left}. Change what does not fit."
            )
            raise ParameterError(message)

    def _size(self, name: str) -> int:
        return checked_whole(getattr(self, name), name, least=1, of="Experiment")

    @property
    def held_out(self) -> int:
        """How many items measure accuracy."""
        if self.test is not None:
            return self.test
        return 0 if self.dataset.test is None else len(self.dataset.test)

    def split(self, seed: int) -> tuple[Positions, Positions, Positions]:
        """Positions of the test items, the start set and the rest, the same for all strategies of a seed."""
        rng, items = generator(seed, DATA), len(self.dataset.pool.ids)
        if self.test is None:
            test = np.asarray(self.dataset.test, dtype=np.int64)
            rest = rng.permutation(np.setdiff1d(np.arange(items), test))
        else:
            test, rest = np.split(rng.permutation(items), [self.test])
        return test, rest[: self.start], np.sort(rest[self.start :])

    def cells(self) -> tuple[Cell, ...]:
        """Every strategy with every seed, seed by seed."""
        return tuple(Cell(name, seed) for seed in range(self.seeds) for name in self.strategies)

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
        runs = each(run_cell, self, self.cells(), processes=processes, progress=progress)
        by_name = sorted(runs, key=lambda run: (list(self.strategies).index(run.strategy), run.seed))
        return Results(self.protocol(), by_name)

    def protocol(self) -> dict[str, Any]:
        """How the experiment is done, as JSON values."""
        return {
            "dataset": self.dataset.name,
            "description": self.dataset.description,
            "fingerprint": self.dataset.pool.fingerprint,
            "items": len(self.dataset.pool.ids),
            "classes": len(self.dataset.task.classes),
            "test": self.held_out,
            "official_test": self.test is None,
            "learner": _written(self.learner),
            "strategies": {name: _written(strategy) for name, strategy in self.strategies.items()},
            "start": self.start,
            "batch": self.batch,
            "budget": self.budget,
            "seeds": self.seeds,
        }


def run_cell(experiment: Experiment, cell: Cell) -> Run:
    """One strategy with one seed, from the start set to the end of the budget.

    Raises
    ------
    Exception
        Whatever learner or strategy raised, with a note that names the cell and the round.
    """
    labels = np.asarray(experiment.dataset.labels, dtype=np.int64)
    ids = experiment.dataset.pool.ids
    test, asked, unlabelled = experiment.split(cell.seed)
    labelled = asked[:0]
    accuracy: list[float] = []
    counts: list[int] = []
    queried: list[tuple[str, ...]] = []
    training: list[float] = []
    selection: list[float] = []
    while True:
        labelled = np.concatenate([labelled, asked])
        queried.append(tuple(ids[position] for position in asked))
        counts.append(len(labelled))
        turn = Turn(
            experiment.dataset.pool,
            experiment.dataset.task,
            cell.seed,
            len(counts) - 1,
            labelled,
            labels[labelled],
            unlabelled,
        )
        try:
            began = time.process_time()
            model = experiment.learner.fit_many(turn.pool, [turn.fit()], task=turn.task)[0]
            training.append(time.process_time() - began)
            accuracy.append(float(np.mean(turn.predictions(model, test) == labels[test])))
            if len(labelled) == experiment.budget:
                break
            began = time.process_time()
            strategy = experiment.strategies[cell.strategy]
            said = turn.signals(model, strategy.needs, strategy.needs_labelled)
            batch = min(experiment.batch, experiment.budget - len(labelled))
            picked = turn.pick(strategy, said, batch, cell.strategy).positions
            selection.append(time.process_time() - began)
        except Exception as error:
            error.add_note(f"in the cell {cell.strategy!r}, seed {cell.seed}, with {len(labelled)} labels")
            raise
        asked, unlabelled = unlabelled[picked], np.delete(unlabelled, picked)
    return Run(
        cell.strategy,
        cell.seed,
        tuple(counts),
        tuple(accuracy),
        tuple(queried),
        tuple(training),
        tuple(selection),
    )


def _written(thing: Learner | Strategy) -> Any:
    try:
        return spec_of(thing).to_dict()
    except (UnknownName, ParameterError):
        return repr(thing)  # somebody's own class, not registered: as good as it can be told
