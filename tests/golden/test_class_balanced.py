"""Water filling over predicted classes: counts done by hand, and what the wrapped method decides."""

import re
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel import Signals, select
from nextlabel.core.registry import build
from nextlabel.core.strategy import Picks, Strategy
from nextlabel.errors import BatchSizeError, ParameterError, SignalError
from nextlabel.strategies.class_balanced import ClassBalanced, class_balanced
from nextlabel.strategies.margin import Margin
from nextlabel.strategies.random import Random


@final
@dataclass(frozen=True)
class FirstRows(Strategy):
    """Picks the rows from the first on, and says how many it was asked for in its seed's stead."""

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"embedding"})

    @property
    def needs_labelled(self) -> frozenset[str]:
        return frozenset({"embedding"})

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        rng.random(7)  # what a method draws must not matter to the draws that follow
        return Picks(np.arange(batch))


def certain(*classes: int, c: int = 3) -> NDArray[np.float64]:
    return np.eye(c)[list(classes)]


def increments(proba: NDArray[np.float64], batch: int, counts: list[int], seed: int = 0) -> list[int]:
    found = class_balanced(proba, batch, class_counts=np.array(counts), rng=np.random.default_rng(seed))
    assert len(set(found.tolist())) == batch
    more: list[int] = np.bincount(proba[found].argmax(axis=1), minlength=len(counts)).tolist()
    return more


@pytest.mark.parametrize("seed", range(5))
def test_the_rarest_classes_are_filled_first(seed: int) -> None:
    # counts (5, 0, 2): to (5, 2, 2) with two of class 1, then one of each: (5, 3, 3)
    assert increments(certain(*[0, 1, 2] * 5), 4, [5, 0, 2], seed) == [0, 3, 1]


@pytest.mark.parametrize("batch", [1, 7, 20])
def test_with_enough_of_each_class_final_counts_differ_by_one_at_most(batch: int) -> None:
    final = np.array(increments(certain(*[0, 1, 2] * 20), batch, [2, 2, 2])) + 2
    assert final.max() - final.min() <= 1


def test_a_class_that_is_used_up_is_passed_over() -> None:
    """Two items of the rarest class, then the others share: picks do not become random."""
    proba = certain(*[0] * 30, 1, 1, *[2] * 30)
    for seed in range(10):
        assert increments(proba, 12, [4, 0, 6], seed) == [6, 2, 4]


def test_a_class_never_predicted_is_passed_over() -> None:
    assert increments(certain(*[0] * 9, *[2] * 9), 4, [1, 0, 1]) == [2, 0, 2]


def test_of_one_class_alone_every_set_of_candidates_can_come() -> None:
    seen = {
        tuple(sorted(class_balanced(certain(0, 0, 0, 0), 2, rng=np.random.default_rng(seed)).tolist()))
        for seed in range(200)
    }
    assert len(seen) == 6  # each missing with probability (5/6)²⁰⁰ < 2e-16


def test_classes_of_equal_counts_are_drawn() -> None:
    first = {
        int(class_balanced(certain(0, 1, 2), 1, rng=np.random.default_rng(seed))[0]) for seed in range(100)
    }
    assert first == {0, 1, 2}


def test_equally_probable_classes_are_drawn() -> None:
    proba = np.array([[0.5, 0.5], [1.0, 0.0]])
    first = [
        class_balanced(proba, 1, class_counts=np.array([1, 0]), rng=np.random.default_rng(seed))[0]
        for seed in range(100)
    ]
    # as of class 1 the first item comes at once; as of class 0 it is one of two
    assert set(first) == {0, 1}
    assert np.mean(np.array(first) == 0) > 0.5  # 3/4 in expectation; below 1/2 with probability 4e-8


def test_candidates_are_what_the_method_proposes() -> None:
    proba = certain(*[0] * 50, *[1] * 50)
    signals = Signals({"proba": proba, "embedding": np.zeros((100, 1))})
    picks = ClassBalanced(FirstRows()).pick(signals, 5, np.random.default_rng(0))
    assert picks.positions.max() < 10  # a tenth of the pool, though all are of class 0
    assert picks.positions.dtype == np.int64
    assert picks.scores is None


def test_a_share_that_is_whole_is_not_rounded_up() -> None:
    assert 0.07 * 100 > 7.0  # in floating point
    signals = Signals({"proba": certain(*[0] * 100), "embedding": np.zeros((100, 1))})
    method = ClassBalanced(FirstRows(), share=0.07)
    seen = {int(method.pick(signals, 1, np.random.default_rng(seed)).positions[0]) for seed in range(300)}
    assert seen == set(range(7))  # one of seven missing has probability 7 · (6/7)³⁰⁰ < 6e-20


def test_candidates_are_never_fewer_than_the_batch() -> None:
    signals = Signals({"proba": certain(*[0] * 30), "embedding": np.zeros((30, 1))})
    picks = ClassBalanced(FirstRows()).pick(signals, 8, np.random.default_rng(0))
    assert sorted(picks.positions.tolist()) == list(range(8))


def test_with_the_whole_pool_proposed_the_method_does_not_matter() -> None:
    proba = np.random.default_rng(0).dirichlet(np.ones(3), size=40)
    picked = [
        select(
            {"name": "class_balanced", "of": of, "share": 1.0}, proba=proba, labels=[0, 0, 1], batch=6, seed=3
        )
        for of in ("margin", "entropy", "random")
    ]
    assert picked[0].tolist() == picked[1].tolist() == picked[2].tolist()


def test_what_the_method_draws_does_not_change_the_draws() -> None:
    proba = certain(*[0, 1, 2] * 10)
    signals = Signals({"proba": proba, "embedding": np.zeros((30, 1))})
    method = ClassBalanced(FirstRows(), share=0.5)
    assert method.pick(signals, 5, np.random.default_rng(0)).positions.tolist() == (
        class_balanced(proba[:15], 5, rng=np.random.default_rng(0).spawn(2)[1]).tolist()
    )


def test_labels_of_the_call_are_counted() -> None:
    proba = certain(0, 1, 2)
    for seed in range(10):
        spec = {"name": "class_balanced", "of": "random", "share": 1.0}
        assert select(spec, proba=proba, labels=[0, 2, 2], batch=1, seed=seed).tolist() == [1]


def test_it_needs_what_its_method_needs_and_predictions() -> None:
    assert ClassBalanced(FirstRows()).needs == {"embedding", "proba"}
    assert ClassBalanced(FirstRows()).needs_labelled == {"embedding"}
    assert ClassBalanced(Random()).needs == {"proba"}


def test_a_batch_above_the_pool_is_refused() -> None:
    with pytest.raises(BatchSizeError, match="the 2 items at hand; received 3"):
        class_balanced(certain(0, 1), 3, rng=np.random.default_rng(0))


def test_counts_of_other_classes_are_refused() -> None:
    with pytest.raises(SignalError, match=re.escape("axes (3,); received shape (2,)")):
        class_balanced(certain(0), 1, class_counts=np.array([0, 1]), rng=np.random.default_rng(0))


@pytest.mark.parametrize("share", [0.0, -0.1, 1.5, float("nan"), True])
def test_a_share_that_makes_no_sense_is_refused(share: Any) -> None:
    says = f"ClassBalanced's 'share' must be a number above 0 and at most 1; received {share!r}"
    with pytest.raises(ParameterError, match=re.escape(says)):
        build("strategy", {"name": "class_balanced", "of": "margin", "share": share})


def test_something_else_than_a_strategy_is_refused() -> None:
    says = "ClassBalanced's 'of' must be a strategy, which proposes candidates; received 'margin'"
    with pytest.raises(ParameterError, match=re.escape(says)):
        ClassBalanced("margin")  # type: ignore[arg-type]
    assert ClassBalanced(Margin()).share == 0.1
