"""What the user's side of a cell is given: the right items, the true labels, a stream of its own."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

import numpy as np
import pytest

from nextlabel import Picks, Signals, Strategy, arrays, classes
from nextlabel.core.dataset import Dataset
from nextlabel.core.learner import Learner, Model
from nextlabel.core.pool import Pool
from nextlabel.core.task import Task
from nextlabel.experiment.curves import Run
from nextlabel.experiment.runner import Cell, Experiment, run_group
from nextlabel.maths.axes import Array, Labels, Positions

ITEMS, TEST, START = 60, 20, 4


@final
@dataclass(frozen=True)
class Notes:
    """What learner, model and strategy were given in a cell, by purpose, round after round."""

    given: dict[str, list[tuple[Array, ...]]] = field(default_factory=lambda: defaultdict(list))
    drawn: dict[str, list[tuple[int, ...]]] = field(default_factory=lambda: defaultdict(list))

    def write(self, purpose: str, rng: np.random.Generator, *given: Array) -> None:
        self.given[purpose].append(given)
        self.drawn[purpose].append(stream(rng.permutation(ITEMS)))


def stream(order: Array) -> tuple[int, ...]:
    """Tells streams apart by the first permutation drawn, as much of it as a split shows: test and start."""
    return tuple(order[: TEST + START].tolist())


@final
@dataclass(frozen=True)
class Noting(Learner):
    """Lets the nearest labelled item decide, and notes everything that is given."""

    notes: Notes

    @property
    def provides(self) -> frozenset[str]:
        return frozenset({"proba", "embedding"})

    def fit(
        self,
        pool: Pool,
        labelled: Positions,
        labels: Labels,
        unlabelled: Positions,
        rng: np.random.Generator,
        *,
        task: Task,
        previous: Model | None = None,
    ) -> Model:
        self.notes.write("fit", rng, labelled, labels, unlabelled)
        return Nearest(self.notes, pool.take(labelled), np.eye(len(task.classes))[labels])

    def load(self, path: Path) -> Model:
        raise NotImplementedError


@final
@dataclass(frozen=True)
class Nearest(Model):
    """What `Noting` fits."""

    notes: Notes
    centres: Array
    answers: Array

    @property
    def fingerprint(self) -> str:
        raise NotImplementedError

    def signals(
        self, pool: Pool, positions: Positions, names: Collection[str], rng: np.random.Generator
    ) -> Signals:
        self.notes.write("+".join(names), rng, positions)
        items = pool.take(positions)
        nearest = np.square(items[:, None] - self.centres).sum(axis=2).argmin(axis=1)
        return Signals({"proba": self.answers[nearest], "embedding": items})

    def save(self, path: Path) -> None:
        raise NotImplementedError


@final
@dataclass(frozen=True)
class Asking(Strategy):
    """Takes items in their order, asks for their embeddings, and notes what is given."""

    notes: Notes

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"embedding"})

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        self.notes.write("pick", rng, signals["embedding"])
        return Picks(np.arange(batch))


def noted(name: str = "one", seed: int = 0) -> tuple[Experiment, Run, Notes]:
    """A cell of four rounds and what was given in it; labels are chance, so that accuracies vary."""
    rng, notes = np.random.default_rng(0), Notes()
    items, labels = rng.standard_normal((ITEMS, 2)).astype(np.float32), rng.integers(3, size=ITEMS)
    dataset = Dataset("chance", "labels that follow nothing", arrays(items), labels, classes("a", "b", "c"))
    experiment = Experiment(
        dataset, Noting(notes), {name: Asking(notes)}, start=START, batch=3, budget=12, seeds=2, test=TEST
    )
    return experiment, run_group(experiment, (Cell(name, seed),))[0], notes


@pytest.mark.parametrize("seed", [0, 1])
def test_accuracy_is_that_of_a_model_scored_by_hand_on_the_test_part(seed: int) -> None:
    experiment, run, _ = noted(seed=seed)
    test, _, _ = experiment.split(seed)
    items, truth = experiment.dataset.pool.take(np.arange(ITEMS)), experiment.dataset.labels
    labelled: list[int] = []
    by_hand = []
    for batch in run.queried:
        labelled += [int(id) for id in batch]
        nearest = [min(labelled, key=lambda one: float(np.linalg.norm(items[one] - items[t]))) for t in test]
        by_hand.append(float(np.sum(truth[nearest] == truth[test])) / TEST)
    assert run.accuracy == pytest.approx(by_hand)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_learner_is_given_true_labels_and_no_test_item(seed: int) -> None:
    experiment, run, notes = noted(seed=seed)
    test, _, _ = experiment.split(seed)
    assert tuple(len(labelled) for labelled, _, _ in notes.given["fit"]) == run.labels
    for labelled, labels, unlabelled in notes.given["fit"]:
        assert labels.tolist() == experiment.dataset.labels[labelled].tolist()
        assert sorted([*labelled, *unlabelled, *test]) == list(range(ITEMS))  # each item in one part, once


def test_a_pick_reads_the_unlabelled_items_in_their_order() -> None:
    experiment, _, notes = noted()
    fits, asked, read = notes.given["fit"][:-1], notes.given["embedding"], notes.given["pick"]
    assert len(read) == 3
    for (_, _, unlabelled), (positions,), (embedding,) in zip(fits, asked, read, strict=True):
        assert positions.tolist() == unlabelled.tolist()
        assert embedding.tolist() == experiment.dataset.pool.take(unlabelled).tolist()


@pytest.mark.parametrize("seed", [0, 1])
def test_each_purpose_and_round_of_a_seed_has_its_own_stream(seed: int) -> None:
    experiment, _, notes = noted(seed=seed)
    rounds = {purpose: len(drawn) for purpose, drawn in notes.drawn.items()}
    assert rounds == {"fit": 4, "proba": 4, "embedding": 3, "pick": 3}
    test, start, _ = experiment.split(seed)
    streams = [one for drawn in notes.drawn.values() for one in drawn]
    assert len({stream(np.array([*test, *start])), *streams}) == 1 + 4 + 4 + 3 + 3


def test_strategies_of_a_seed_share_every_stream_but_their_own() -> None:
    (_, _, one), (_, _, two) = noted("one"), noted("two")
    for purpose in ("fit", "proba", "embedding"):
        assert one.drawn[purpose] == two.drawn[purpose]
    assert not set(one.drawn["pick"]) & set(two.drawn["pick"])


def test_seeds_share_no_stream() -> None:
    first, second = (
        {one for drawn in noted(seed=seed)[2].drawn.values() for one in drawn} for seed in (0, 1)
    )
    assert not first & second
