"""A random part of the pool, offered to another method."""

import re
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import pytest

from nextlabel import Signals, select
from nextlabel.core.registry import build
from nextlabel.core.strategy import Picks, Strategy
from nextlabel.errors import BatchSizeError, ParameterError
from nextlabel.strategies.margin import Margin
from nextlabel.strategies.random import Random
from nextlabel.strategies.subsample import Subsample


@final
@dataclass(frozen=True)
class FirstRows(Strategy):
    """Picks the first rows it is offered, and their embedding as scores; checks the labelled rows."""

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"embedding"})

    @property
    def needs_labelled(self) -> frozenset[str]:
        return frozenset({"embedding"})

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        assert signals.labelled is not None
        assert signals.labelled["embedding"].tolist() == [[7.0]]
        assert signals.class_counts.tolist() == [0, 1]
        scores = signals["embedding"][:batch, 0].astype(np.float64)
        return Picks(np.arange(batch), scores=scores, propensities=np.ones(batch))


def pool(n: int) -> Signals:
    labelled = Signals({"embedding": [[7.0]]})
    return Signals({"embedding": np.arange(n, dtype=np.float64)[:, None]}, labelled=labelled, labels=[1])


def pick(size: int, n: int, batch: int, seed: int = 0) -> Picks:
    return Subsample(FirstRows(), size=size).pick(pool(n), batch, np.random.default_rng(seed))


def test_positions_are_those_of_the_whole_pool() -> None:
    found = pick(size=5, n=100, batch=3)
    assert found.positions.dtype == np.int64
    assert found.scores is not None
    assert found.scores.tolist() == found.positions.tolist()  # the embedding is the position
    assert found.positions.max() > 4


def test_another_part_is_drawn_in_every_call() -> None:
    rng = np.random.default_rng(0)
    method = Subsample(FirstRows(), size=5)
    assert method.pick(pool(1_000), 5, rng).positions.tolist() != (
        method.pick(pool(1_000), 5, rng).positions.tolist()
    )


@pytest.mark.parametrize("size", [10, 11, 10_000])
def test_a_size_of_the_pool_or_more_offers_all(size: int) -> None:
    found = pick(size=size, n=10, batch=4)
    assert found.positions.tolist() == [0, 1, 2, 3]
    assert found.propensities is not None
    assert found.propensities.tolist() == [1.0] * 4


def test_propensities_within_a_random_part_are_left_out() -> None:
    assert pick(size=5, n=10, batch=3).propensities is None


def test_a_batch_above_the_size_is_offered_as_many() -> None:
    found = pick(size=2, n=100, batch=8)
    assert len(set(found.positions.tolist())) == 8


def test_the_best_of_the_part_are_picked() -> None:
    p = np.random.default_rng(0).random(200)
    proba = np.stack([p, 1.0 - p], axis=1)
    picked = select({"name": "subsample", "of": "margin", "size": 50}, proba=proba, batch=5, seed=0)
    lead = np.abs(2.0 * p - 1.0)
    assert (np.diff(lead[picked]) > 0.0).all()
    assert picked.tolist() != np.argsort(lead)[:5].tolist()


def test_it_needs_what_its_method_needs() -> None:
    assert Subsample(FirstRows()).needs == {"embedding"}
    assert Subsample(FirstRows()).needs_labelled == {"embedding"}
    assert Subsample(Random()).needs == frozenset()


def test_wrappers_can_be_nested() -> None:
    spec = {"name": "subsample", "size": 3, "of": {"name": "stochastic", "of": "margin"}}
    picked = select(spec, proba=[[0.5, 0.5]] * 9, batch=2, seed=0)
    assert len(set(picked.tolist())) == 2


def test_a_batch_above_the_pool_is_refused() -> None:
    with pytest.raises(BatchSizeError, match="the 4 items at hand; received 5"):
        pick(size=2, n=4, batch=5)


@pytest.mark.parametrize("size", [0, -3, 2.5, True])
def test_a_size_that_makes_no_sense_is_refused(size: Any) -> None:
    with pytest.raises(
        ParameterError, match=re.escape(f"'size' must be a whole number from 1 up; received {size!r}")
    ):
        build("strategy", {"name": "subsample", "of": "margin", "size": size})


def test_something_else_than_a_strategy_is_refused() -> None:
    says = "Subsample's 'of' must be a strategy, to whom items are offered; received 'margin'"
    with pytest.raises(ParameterError, match=re.escape(says)):
        Subsample("margin")  # type: ignore[arg-type]
    assert Subsample(Margin()).size == 10_000
