"""What an adapter says of one method, and what adapters share. Runs in a peer's environment."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from nextlabel.testing.conformance import DRAWS, definition_of
from nextlabel.testing.conformity.questions import example
from nextlabel.testing.conformity.shrinking import shortened
from nextlabel.testing.laws import Definition, Question, Weights, uniform


@dataclass(frozen=True)
class Held:
    """One method of a peer.

    method: as its users write it; pick: what the suite asks; definition: what it is held against; note: what
    a reader must know of both; documented: promises that its documentation says are not given, and how;
    draws: how many seeds a law is tried with.
    """

    method: str
    pick: Callable[..., Any]
    definition: Definition
    note: str = ""
    documented: Mapping[str, str] = field(default_factory=dict)
    draws: int = DRAWS


@contextmanager
def global_seed(seed: int) -> Iterator[None]:
    """NumPy's global generator seeded, and put back: for methods that have no argument for a seed."""
    before = np.random.get_state()  # noqa: NPY002 - the peer reads it
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002


def by_score(picks: Any, scores: Any) -> Any:
    """Picks that came in no order, the largest of the peer's own scores first."""
    return np.asarray(picks)[np.argsort(-np.asarray(scores), kind="stable")]


def with_labels(name: str) -> Definition:
    """A definition asked with labelled rows only."""
    return replace(definition_of(name), reads_labels=True)


def free_start(name: str) -> Definition:
    """A definition without its rule for the first pick where nothing is labelled: any is admitted."""
    one = definition_of(name)
    rule = one.weights
    assert rule is not None

    def weights(question: Question, picked: Sequence[int]) -> Weights:
        return uniform(question.n) if question.labelled is None and not picked else rule(question, picked)

    return replace(one, weights=weights)


def free_end(name: str, is_done: Callable[[Question, Sequence[int]], bool]) -> Definition:
    """A definition without its rule for what comes once nothing is left to gain: any item is admitted."""
    one = definition_of(name)
    rule = one.weights
    assert rule is not None

    def weights(question: Question, picked: Sequence[int]) -> Weights:
        return uniform(question.n, picked) if is_done(question, picked) else rule(question, picked)

    return replace(one, weights=weights)


def single_picks(name: str) -> Definition:
    """A definition asked for one pick at a time."""
    one = definition_of(name)

    def questions(rng: np.random.Generator) -> Iterable[Question]:
        for n in (3, 4, 6, 9):
            yield shortened(example(one, n=n, batch=1, seed=int(rng.integers(1_000))), 2)

    return replace(one, questions=questions)


def proportional(name: str, score: Callable[[Question], Weights]) -> Definition:
    """Items drawn one after another in proportion to a score."""

    def weights(question: Question, picked: Sequence[int]) -> Weights:
        left = np.array(score(question), np.float64)
        left[list(picked)] = 0.0
        return left if left.any() else uniform(question.n, picked)

    return replace(definition_of(name), weights=weights, is_law=True)


_STAR = np.concatenate([np.zeros((1, 3)), np.eye(3), -np.eye(3)])


def stars() -> Definition:
    """TypiClust asked of clusters with a middle: most typical however many neighbours are looked at.

    Every arm is 1 from the middle, and arms are at least the root of 2 from one another.
    """

    def questions(rng: np.random.Generator) -> Iterable[Question]:
        for sizes, labelled in (((7, 6), 0), ((6, 7, 7), 1), ((7, 6, 6), 0)):
            centres = 1e6 * np.eye(len(sizes), 3)
            points = np.concatenate([_STAR[:size] + at for size, at in zip(sizes, centres, strict=True)])
            seen = {"embedding": centres[:labelled] + 0.5} if labelled else None
            order = rng.permutation(len(points))
            yield Question({"embedding": points[order]}, len(sizes) - labelled, labelled=seen)

    return replace(definition_of("typiclust"), questions=questions)
