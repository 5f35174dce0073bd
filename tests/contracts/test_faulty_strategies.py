"""The contract rejects each fault by the promise that it breaks: a test that cannot fail proves nothing."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from nextlabel import Picks, Scorer, Signals, Strategy
from nextlabel.errors import BrokenPromise
from nextlabel.maths.axes import Array, Scores, checked_batch
from nextlabel.testing.documentation import check_docstring, weakness
from nextlabel.testing.strategies import PROMISES, check


class Faulty(Strategy):
    """Right in every respect: a random order. Each twin spoils one thing."""

    is_random: ClassVar[bool] = True

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"proba"})

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        checked_batch(batch, signals.n)
        return Picks(self.spoil(signals, rng.permutation(signals.n), rng)[:batch])

    def spoil(self, signals: Signals, order: Array, rng: np.random.Generator) -> Array:
        return order


@dataclass(frozen=True)
class Repeats(Faulty):
    def spoil(self, signals: Signals, order: Array, rng: np.random.Generator) -> Array:
        return np.repeat(order, 2)


@dataclass(frozen=True)
class SmallIntegers(Faulty):
    def spoil(self, signals: Signals, order: Array, rng: np.random.Generator) -> Array:
        return order.astype(np.int32)


@dataclass(frozen=True)
class OutOfRange(Faulty):
    def spoil(self, signals: Signals, order: Array, rng: np.random.Generator) -> Array:
        return order + 1


@dataclass(frozen=True)
class NumbersOfScores(Faulty):
    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        checked_batch(batch, signals.n)
        return Picks(rng.permutation(signals.n)[:batch], scores=np.zeros(signals.n))


@dataclass(frozen=True)
class AnySize(Faulty):
    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        return Picks(rng.permutation(signals.n)[: max(batch, 1)])


@dataclass(frozen=True)
class OwnGenerator(Faulty):
    def spoil(self, signals: Signals, order: Array, rng: np.random.Generator) -> Array:
        return np.random.default_rng().permutation(order)


@dataclass(frozen=True)
class RandomInSecret(Faulty):
    is_random: ClassVar[bool] = False


@dataclass(frozen=True)
class HashOrder(Faulty):
    def spoil(self, signals: Signals, order: Array, rng: np.random.Generator) -> Array:
        return np.roll(order, hash("nextlabel") % signals.n)


@dataclass(frozen=True)
class ReadsMore(Faulty):
    def spoil(self, signals: Signals, order: Array, rng: np.random.Generator) -> Array:
        return order if signals["logits"].sum() < 1e9 else order[::-1]


@dataclass(frozen=True)
class LooksWhetherThere(Faulty):
    def spoil(self, signals: Signals, order: Array, rng: np.random.Generator) -> Array:
        return order[::-1] if "draws" in signals else order


@dataclass(frozen=True)
class ReadsLabelledRows(Faulty):
    def spoil(self, signals: Signals, order: Array, rng: np.random.Generator) -> Array:
        rows = signals.labelled
        return order if rows is None or rows["embedding"].sum() < 1e9 else order[::-1]


@dataclass(frozen=True)
class WritesIntoItsInput(Faulty):
    def spoil(self, signals: Signals, order: Array, rng: np.random.Generator) -> Array:
        signals["proba"][0] = 0.0
        return order


@dataclass(frozen=True)
class WritesThroughTheBack(Faulty):
    def spoil(self, signals: Signals, order: Array, rng: np.random.Generator) -> Array:
        behind = signals["proba"].base
        assert behind is not None
        behind[0] = behind[0, ::-1].copy()
        return order


@dataclass(frozen=True)
class DrawsFromTheGlobalState(Faulty):
    def spoil(self, signals: Signals, order: Array, rng: np.random.Generator) -> Array:
        random.seed(int(order[0]))
        return order


@dataclass(frozen=True)
class FirstOfEquals(Faulty):
    def spoil(self, signals: Signals, order: Array, rng: np.random.Generator) -> Array:
        return np.argsort(-signals["proba"].max(axis=1), kind="stable")


@dataclass(frozen=True)
class FirstAtRandomThenInOrder(Faulty):
    """Only the first tie is broken at random: the second pick is never the last item."""

    def spoil(self, signals: Signals, order: Array, rng: np.random.Generator) -> Array:
        return np.append(order[0], np.delete(np.arange(signals.n), order[0]))


@dataclass(frozen=True)
class Deterministic(Scorer):
    """Right in every respect: the largest probability. Each twin spoils one thing."""

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"proba"})

    def score(self, signals: Signals, rng: np.random.Generator) -> Scores:
        return self.spoil(signals["proba"].max(axis=1).astype(np.float64))

    def spoil(self, scores: Scores) -> Scores:
        return scores


@dataclass(frozen=True)
class ScoresByPosition(Deterministic):
    def spoil(self, scores: Scores) -> Scores:
        return scores + 1e-9 * np.arange(len(scores))


@dataclass(frozen=True)
class EveryOther(Faulty):
    """A set strategy whose picks depend on where the items stand."""

    is_random: ClassVar[bool] = False

    def spoil(self, signals: Signals, order: Array, rng: np.random.Generator) -> Array:
        ranked = np.argsort(signals["proba"][:, 0])
        return np.append(np.arange(0, signals.n, 2), ranked[ranked % 2 == 1])


@dataclass(frozen=True)
class TooPrecise(Deterministic):
    def score(self, signals: Signals, rng: np.random.Generator) -> Scores:
        proba = signals["proba"]
        return np.asarray((proba.max(axis=1) * 1e4) % 1.0 * (1 if proba.dtype == np.float64 else -1))


@dataclass(frozen=True)
class ScoreThatIsNotFinite(Deterministic):
    def spoil(self, scores: Scores) -> Scores:
        return np.where(scores == scores.max(), np.inf, scores)


@dataclass(frozen=True)
class NeverAlone(Faulty):
    def spoil(self, signals: Signals, order: Array, rng: np.random.Generator) -> Array:
        return order[:-1] if signals.n == 1 else order


@dataclass(frozen=True)
class StumblesOverOneDraw(Faulty):
    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"draws"})

    def spoil(self, signals: Signals, order: Array, rng: np.random.Generator) -> Array:
        return order if signals["draws"][:, 1, 0].sum() >= 0 else order[::-1]


@dataclass(frozen=True)
class LosesAField(Faulty):
    """Its fields are not what makes it equal."""

    bias: float = 0.5

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


@dataclass(frozen=True)
class NeedsNonsense(Faulty):
    """What is not in the table of signals is not checked for NaN either."""

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"proba", "nonsense"})


@pytest.mark.parametrize(
    ("twin", "promise", "says"),
    [
        (Repeats(), "distinct_positions", "a position came twice in"),
        (SmallIntegers(), "distinct_positions", "expected 1 positions of type int64"),
        (OutOfRange(), "distinct_positions", "must lie in 0..23; received"),
        (NumbersOfScores(), "distinct_positions", "scores must be 1 finite numbers"),
        (ScoreThatIsNotFinite(), "distinct_positions", "scores must be 1 finite numbers"),
        (AnySize(), "refused_sizes", "a batch of 0 from 24 items must raise BatchSizeError"),
        (OwnGenerator(), "determinism", "the same seed gave"),
        (RandomInSecret(), "determinism", "Set is_random = True"),
        (HashOrder(), "determinism_across_processes", "one with another hash seed"),
        (ReadsMore(), "declared_signals", r"it read \['logits'\], and needs declares \['proba'\]"),
        (LooksWhetherThere(), "declared_signals", r"it read \['draws'\]"),
        (ReadsLabelledRows(), "declared_signals", r"it read \['embedding'\] of the labelled rows"),
        (WritesIntoItsInput(), "untouched_inputs", "it raised ValueError: .*read-only"),
        (WritesThroughTheBack(), "untouched_inputs", "it wrote into the signal 'proba'"),
        (DrawsFromTheGlobalState(), "untouched_inputs", "it changed (Python|NumPy)'s global random state"),
        (FirstOfEquals(), "random_ties", r"those at \[1, 2, 3\] were never first in 56 picks"),
        (FirstAtRandomThenInOrder(), "random_ties", r"those at \[2, 3\] were never second in 56 picks"),
        (ScoresByPosition(), "permutation", "the scores of items changed with their positions"),
        (EveryOther(), "permutation", "in another order of the pool"),
        (TooPrecise(), "precision", "float32 gave .*, float64 gave"),
        (NeedsNonsense(), "refused_nan", "it raised SignalError: 'nonsense' is not a signal"),
        (NeverAlone(), "edge_cases", "with one item, expected 1 distinct positions"),
        (StumblesOverOneDraw(), "edge_cases", "it raised IndexError"),
        (LosesAField(), "round_trip", "is not registered"),
        (Repeats(), "documentation", "the docstring must begin with one sentence"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Strategy) else None,
)
def test_a_faulty_twin_is_rejected_by_name(twin: Strategy, promise: str, says: str) -> None:
    with pytest.raises(
        BrokenPromise, match=f"^{type(twin).__name__} breaks the promise '{promise}': .*{says}"
    ):
        PROMISES[promise](twin)


@pytest.mark.parametrize("right", [Faulty, Deterministic])
def test_what_the_twins_are_made_of_keeps_every_promise_but_the_written_ones(right: type[Strategy]) -> None:
    @dataclass(frozen=True)
    class Right(right):  # type: ignore[valid-type, misc]
        pass

    for name in PROMISES.keys() - {"round_trip", "documentation", "determinism_across_processes"}:
        PROMISES[name](Right())


def test_what_cannot_run_in_another_process_is_said() -> None:
    @dataclass(frozen=True)
    class Local(Faulty):
        pass

    with pytest.raises(
        BrokenPromise, match="Local breaks the promise 'determinism_across_processes': it raised"
    ):
        PROMISES["determinism_across_processes"](Local())


def test_a_declared_exception_is_passed_over_and_must_be_needed() -> None:
    @dataclass(frozen=True)
    class Unwritten(Faulty):
        exceptions: ClassVar[Mapping[str, str]] = {
            "determinism_across_processes": "a class inside a function cannot be pickled",
            "round_trip": "it is not registered",
            "documentation": "it has none",
        }

    @dataclass(frozen=True)
    class TooModest(Unwritten):
        exceptions: ClassVar[Mapping[str, str]] = {**Unwritten.exceptions, "edge_cases": "it fears them"}

    check(Unwritten())
    with pytest.raises(BrokenPromise, match=r"an exception to 'edge_cases' \(it fears them\) and keeps it"):
        check(TooModest())


def test_an_exception_to_no_promise_is_refused() -> None:
    class Elsewhere(Faulty):
        exceptions: ClassVar[Mapping[str, str]] = {"punctuality": "it is late"}

    with pytest.raises(BrokenPromise, match=r"'punctuality', which is not a promise.*distinct_positions"):
        check(Elsewhere())


def docstring(notes: str, examples: str) -> str:
    titled = {"Notes": notes, "References": "A book.", "Examples": examples}
    return "Summary.\n\n" + "\n\n".join(f"{title}\n-----\n{text}" for title, text in titled.items())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "it begins ''"),
        ("No full stop", "it begins 'No full stop'"),
        ("Two\nlines.", "it begins 'Two"),
        ("Summary.\n\nNotes\n-----\nTime O(n).", "no section References; it has Notes"),
        (docstring("Fast.", ">>> 1\n1"), "state the cost"),
        (docstring("Time O(n).", "None."), "nothing that runs"),
        (docstring("Time O(n).", ">>> 1\n2"), "does not run as shown:[^$]*Got:[^$]*1"),
    ],
)
def test_a_poor_docstring_is_refused(text: str, says: str) -> None:
    made = type("Poor", (), {"__doc__": text, "__module__": __name__})
    with pytest.raises(BrokenPromise, match=says):
        check_docstring(made)


def test_a_good_docstring_is_accepted() -> None:
    check_docstring(type("Good", (), {"__doc__": docstring("O(n).", ">>> 1\n1"), "__module__": __name__}))


@pytest.mark.parametrize("notes", ["Time O(n).", "Time O(n). Fails where it must.", "Fails.\n\nTime O(n)."])
def test_a_method_that_admits_no_weakness_is_refused(notes: str) -> None:
    made = type("Proud", (), {"__doc__": docstring(notes, ">>> 1\n1"), "__module__": __name__})
    with pytest.raises(BrokenPromise, match="the Notes must say where the method fails, in a paragraph of"):
        weakness(made)


def test_a_weakness_is_read_as_one_line() -> None:
    text = docstring("Time O(n).\n\nFails when\nit must.", ">>> 1\n1")
    assert weakness(type("Humble", (), {"__doc__": text})) == "Fails when it must."
