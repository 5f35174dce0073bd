"""Greedy maximisation: lazy, in full and on random parts; ties; and how little lazy looks at."""

from typing import final

import numpy as np
import pytest

from nextlabel.errors import BatchSizeError, ParameterError
from nextlabel.maths.axes import Positions, Scores
from nextlabel.maths.greedy import Objective, Solver, greedy
from nextlabel.maths.similarity import (
    alignment,
    cosines,
    factor_directions,
    largest_cosines,
    similarity_blocks,
    total_cosines,
)
from nextlabel.maths.submodular import FacilityLocation


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@final
class Coverage(Objective):
    """How many elements the sets taken cover; counts the gains that were asked for."""

    def __init__(self, sets: list[set[int]], *, is_lazy: bool = True) -> None:
        self._sets, self._covered, self._lazy = sets, set[int](), is_lazy
        self.asked = 0

    @property
    def n(self) -> int:
        return len(self._sets)

    @property
    def tolerance(self) -> float:
        return 0.0

    @property
    def is_lazy(self) -> bool:
        return self._lazy

    def gains(self, positions: Positions) -> Scores:
        self.asked += len(positions)
        return np.array([float(len(self._sets[one] - self._covered)) for one in positions])

    def take(self, position: int) -> None:
        self._covered |= self._sets[position]


def random_sets(seed: int, n: int = 200) -> list[set[int]]:
    draw = rng(seed)
    return [set(draw.choice(400, draw.integers(1, 60), replace=False).tolist()) for _ in range(n)]


def test_the_largest_gain_is_taken_until_the_batch_is_full() -> None:
    sets = [{1, 2}, {1, 2, 3, 4}, {4, 5, 6}, {1}, set[int]()]
    positions, gains = greedy(Coverage(sets), 5, rng=rng())
    assert positions[:2].tolist() == [1, 2]
    assert gains.tolist() == [4.0, 2.0, 0.0, 0.0, 0.0]
    assert sorted(positions.tolist()) == list(range(5))


def test_lazy_greedy_is_naive_greedy_with_fewer_gains() -> None:
    for seed in range(10):
        sets = random_sets(seed)
        lazy, naive = Coverage(sets), Coverage(sets)
        one, other = greedy(lazy, 40, rng=rng(seed)), greedy(naive, 40, rng=rng(seed), solver="naive")
        assert one[0].tolist() == other[0].tolist()
        assert one[1].tolist() == other[1].tolist()
        assert naive.asked == sum(range(161, 201))
        assert lazy.asked < naive.asked


@final
class Sum(Objective):
    """The sum of the worths of what is taken, known up to a tenth."""

    def __init__(self, worth: Scores) -> None:
        self._worth = worth

    @property
    def n(self) -> int:
        return len(self._worth)

    @property
    def tolerance(self) -> float:
        return 0.1

    @property
    def is_lazy(self) -> bool:
        return True

    def gains(self, positions: Positions) -> Scores:
        return self._worth[positions]

    def take(self, position: int) -> None:
        pass


def test_lazy_greedy_looks_at_all_that_may_be_equal() -> None:
    # after the first pick 49 items are level up to the tolerance, more than are looked at first
    worth = np.append(np.repeat([1.0, 0.95], [40, 9]), 3.0)
    for seed in range(20):
        lazy, naive = (greedy(Sum(worth), 5, rng=rng(seed), solver=one)[0] for one in ("lazy", "naive"))
        assert lazy.tolist() == naive.tolist()


def test_an_objective_that_is_not_lazy_is_always_looked_at_in_full() -> None:
    full = Coverage(random_sets(0), is_lazy=False)
    greedy(full, 40, rng=rng())
    assert full.asked == sum(range(161, 201))


@pytest.mark.parametrize("solver", ["lazy", "naive", "stochastic"])
def test_ties_are_broken_by_the_generator(solver: Solver) -> None:
    """Of 4 equal sets each is first for some seed; a fair draw misses one of them with 4·(3/4)⁶⁰ < 1.3e-7."""
    equal = [{1}, {1}, {1}, {1}]
    first = {int(greedy(Coverage(equal), 2, rng=rng(s), solver=solver)[0][0]) for s in range(60)}
    assert first == {0, 1, 2, 3}


def test_ties_within_the_tolerance_are_ties() -> None:
    # copies whose sums may differ in the last digit
    points = np.repeat(rng(3).normal(size=(1, 7)), 50, axis=0)
    items = factor_directions(points)
    first = {int(greedy(FacilityLocation(items, items), 1, rng=rng(seed))[0][0]) for seed in range(40)}
    assert len(first) > 10


def test_of_equal_gains_the_preferred_is_taken() -> None:
    equal = [{1}, {1}, {1, 2}, {1, 2}, {1, 2}]
    preference = np.array([9.0, 8.0, 1.0, 3.0, 3.0])
    first = {int(greedy(Coverage(equal), 1, rng=rng(s), preference=preference)[0][0]) for s in range(40)}
    assert first == {3, 4}


def test_random_parts_cost_a_fixed_number_of_gains() -> None:
    # n/b·log(1/missed) = 200/40·log(100) = 23.03: 24 each, and what is left once fewer are
    part = Coverage(random_sets(0))
    positions, _ = greedy(part, 40, rng=rng(), solver="stochastic")
    assert part.asked == 40 * 24
    assert len(set(positions.tolist())) == 40
    whole = Coverage(random_sets(0, 30))
    assert sorted(greedy(whole, 30, rng=rng(), solver="stochastic")[0].tolist()) == list(range(30))


def test_bad_parameters_are_refused() -> None:
    for batch in (0, 4):
        with pytest.raises(BatchSizeError, match=f"the 3 items at hand; received {batch}"):
            greedy(Coverage([{1}, {2}, {3}]), batch, rng=rng())
    with pytest.raises(
        ParameterError, match="'solver' must be 'lazy', 'stochastic' or 'naive'; received 'x'"
    ):
        greedy(Coverage([{1}]), 1, rng=rng(), solver="x")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="'missed' must be a number above 0 and below 1; received 0"):
        greedy(Coverage([{1}]), 1, rng=rng(), missed=0.0)


def test_cosines_of_outer_products_are_products_of_cosines() -> None:
    a, x = rng(1).normal(size=(9, 3)), rng(2).normal(size=(9, 4))
    written = factor_directions(np.einsum("nc,nd->ncd", a, x).reshape(9, -1))
    factored = factor_directions(a, x)
    np.testing.assert_allclose(cosines(factored, factored), cosines(written, written), atol=1e-14)
    np.testing.assert_allclose(alignment(factored), alignment(written), atol=1e-14)
    np.testing.assert_allclose(alignment(written), cosines(written, written).mean(axis=1), atol=1e-14)


def test_sums_and_largest_over_blocks_are_those_of_the_whole() -> None:
    items, others = (
        factor_directions(rng(1).normal(size=(50, 4))),
        factor_directions(rng(2).normal(size=(30, 4))),
    )
    whole = np.maximum(cosines(items, others), 0.0)
    np.testing.assert_allclose(total_cosines(items, others), whole.sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(largest_cosines(items, others), whole.max(axis=1), rtol=1e-12)
    blocks = list(similarity_blocks(items, others, megabytes=0.001))
    assert len(blocks) > 5
    np.testing.assert_allclose(np.concatenate([b for _, b in blocks]), cosines(items, others), atol=1e-14)
    nobody = factor_directions(np.empty((0, 4)))
    assert (total_cosines(items, nobody) == 0.0).all()
    assert (largest_cosines(items, nobody) == 0.0).all()


def test_directions_leave_no_range() -> None:
    large = np.array([[1e300, 1e300], [1e-300, 0.0], [0.0, 0.0]])
    np.testing.assert_allclose(factor_directions(large)[0], [[0.5**0.5, 0.5**0.5], [1.0, 0.0], [0.0, 0.0]])


def test_a_ground_set_of_several_blocks_is_summed_whole() -> None:
    items, ground = (
        factor_directions(rng(1).normal(size=(140, 2))),
        factor_directions(rng(2).normal(size=(40_000, 2))),
    )
    floor, ceiling = rng(3).random(40_000) / 2.0, rng(4).random(40_000)
    cover = FacilityLocation(items, ground, floor=floor, ceiling=ceiling)
    cover.take(5)
    near = np.minimum(np.maximum(cosines(items, ground), 0.0), ceiling)
    held = np.maximum(floor, near[5])
    expected = np.maximum(near - held, 0.0).sum(axis=1)
    np.testing.assert_allclose(cover.gains(np.arange(140)), expected, rtol=1e-9, atol=1e-9)
