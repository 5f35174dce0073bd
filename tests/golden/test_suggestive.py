"""Suggestive annotation on cases done by hand, and against the best of all batches."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest

from nextlabel import Signals, select
from nextlabel.errors import BatchSizeError, ParameterError, SignalError
from nextlabel.maths.axes import Array
from nextlabel.strategies.suggestive import Suggestive, suggestive
from nextlabel.testing.definitions.suggestive import DEFINITION
from nextlabel.testing.laws import Question


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def pool(seed: int, n: int = 30) -> tuple[Array, Array]:
    return rng(seed).random(n), rng(seed + 50).normal(size=(n, 3))


def cover(descriptor: Array, batch: Any) -> float:
    units = descriptor / np.linalg.norm(descriptor, axis=1, keepdims=True)
    return float(np.maximum(units[list(batch)] @ units.T, 0.0).max(axis=0).sum())


@pytest.mark.parametrize("batch", [16, 20])
def test_as_many_picks_as_candidates_are_the_most_uncertain_items(batch: int) -> None:
    for seed in range(5):
        uncertainty, descriptor = pool(seed)
        picked = suggestive(uncertainty, descriptor, batch, rng=rng(seed))
        assert sorted(picked) == sorted(np.argsort(-uncertainty)[:batch])


def test_only_candidates_are_picked() -> None:
    uncertainty, descriptor = pool(1)
    for candidates in (5, 8, 16):
        picked = suggestive(uncertainty, descriptor, 5, candidates=candidates, rng=rng())
        assert set(picked) <= set(np.argsort(-uncertainty)[:candidates])
    assert sorted(suggestive(uncertainty, descriptor, 5, candidates=1, rng=rng())) == sorted(
        np.argsort(-uncertainty)[:5]
    )


def test_equal_uncertainties_leave_ties_and_coverage() -> None:
    # equal maps of an ensemble have no spread: any 2 of 4 are candidates, of all 4 a middle one wins
    turns = np.array([0.0, 0.5, 1.0, 1.5])
    circle = np.column_stack([np.cos(turns), np.sin(turns)])
    first = {int(suggestive(np.zeros(4), circle, 1, candidates=4, rng=rng(seed))[0]) for seed in range(40)}
    assert first == {1, 2}
    candidates = {
        tuple(sorted(suggestive(np.zeros(4), circle, 2, candidates=2, rng=rng(seed)))) for seed in range(200)
    }
    assert candidates == set(combinations(range(4), 2))


def test_a_copy_of_a_pick_gains_exactly_nothing() -> None:
    _, descriptor = pool(2)
    descriptor[3] = 7.0 * descriptor[1]
    picks = Suggestive(candidates=4).pick(
        Signals({"uncertainty": -np.arange(30.0), "descriptor": descriptor}), 4, rng()
    )
    assert picks.scores is not None
    gains = dict(zip(picks.positions.tolist(), picks.scores.tolist(), strict=True))
    assert min(gains[1], gains[3]) == 0.0
    assert picks.positions[-1] in (1, 3)


def test_gains_never_rise_and_add_up_to_the_cover_of_the_whole_pool() -> None:
    for seed in range(10):
        uncertainty, descriptor = pool(seed)
        picks = Suggestive().pick(
            Signals({"uncertainty": uncertainty, "descriptor": descriptor}), 16, rng(seed)
        )
        assert picks.scores is not None
        assert np.diff(picks.scores).max() <= 1e-12
        assert picks.scores.min() >= 0.0
        assert picks.scores.sum() == pytest.approx(cover(descriptor, picks.positions), abs=1e-12)


def test_greedy_is_near_the_best_three_of_eight() -> None:
    """At least 1 − 1/e of the optimum, found by trying all."""
    worst = 1.0
    for seed in range(40):
        uncertainty, descriptor = pool(seed)
        picked = suggestive(uncertainty, descriptor, 3, candidates=8, rng=rng())
        among = np.argsort(-uncertainty)[:8]
        best = max(cover(descriptor, batch) for batch in combinations(among, 3))
        worst = min(worst, cover(descriptor, picked) / best)
    assert 1.0 - 1.0 / np.e <= worst <= 1.0


def test_scaling_any_descriptor_changes_nothing() -> None:
    for seed in range(5):
        uncertainty, descriptor = pool(seed)
        scales = 2.0 ** rng(seed).integers(-300, 300, size=(30, 1))
        straight = suggestive(uncertainty, descriptor, 8, rng=rng()).tolist()
        assert suggestive(uncertainty, descriptor * scales, 8, rng=rng()).tolist() == straight


def test_opposite_and_empty_descriptors_are_like_nothing() -> None:
    # with negative cosines counted, the first item would lose as much as it gains, and the last win
    descriptor = np.array([[1.0, 0.0], [-1.0, 0.0], [-1.0, 0.1], [0.0, 0.0], [0.9, 0.2], [0.8, 0.3]])
    picks = Suggestive(candidates=4).pick(
        Signals({"uncertainty": -np.arange(6.0), "descriptor": descriptor}), 4, rng()
    )
    assert picks.positions[0] == 0
    assert picks.scores is not None
    assert picks.scores[0] > 2.9
    assert picks.positions[-1] == 3 or picks.scores[-1] == 0.0
    assert dict(zip(picks.positions.tolist(), picks.scores, strict=True))[3] == 0.0


def test_picks_follow_the_definition() -> None:
    assert DEFINITION.weights is not None
    for seed in range(20):
        n, batch = (6, 4) if seed % 2 else (25, 18 if seed % 4 else 7)
        uncertainty, descriptor = pool(seed, n)
        about = Question({"uncertainty": uncertainty, "descriptor": descriptor}, batch)
        picked = suggestive(uncertainty, descriptor, batch, rng=rng(seed)).tolist()
        for place, item in enumerate(picked):
            assert DEFINITION.weights(about, picked[:place])[item] > 0.0


def test_bad_input_is_refused() -> None:
    uncertainty, descriptor = pool(0, 4)
    with pytest.raises(ParameterError, match="'candidates' must be a whole number from 1 up; received 0"):
        Suggestive(candidates=0)
    with pytest.raises(ParameterError, match=r"'candidates' must be a whole number from 1 up; received 2\.5"):
        suggestive(uncertainty, descriptor, 1, candidates=2.5, rng=rng())  # type: ignore[arg-type]
    with pytest.raises(BatchSizeError, match="the 4 items at hand; received 5"):
        suggestive(uncertainty, descriptor, 5, rng=rng())
    with pytest.raises(SignalError, match="'descriptor' and 'uncertainty' must agree on axis 'n'"):
        select("suggestive", uncertainty=uncertainty, descriptor=descriptor[:3], batch=1, seed=0)
