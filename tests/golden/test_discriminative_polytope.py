"""The polytope of relaxed batches: its caps, its corners, its best steps."""

from itertools import combinations, product

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel.errors import ConvergenceError
from nextlabel.maths.discriminative import BatchProblem, State
from nextlabel.maths.discriminative_search import _Relaxation
from nextlabel.maths.exchange import Whole, exchanged
from nextlabel.maths.polytope import Polytope, best_vertex, class_cap, largest_first
from nextlabel.maths.quadratic import Curvature, quadratic_step
from nextlabel.maths.softmax import with_ones

Floats = NDArray[np.float64]


def corners(polytope: Polytope) -> list[Floats]:
    """Every corner, by trying all batches with all their classes."""
    found = []
    for items in combinations(range(polytope.items), polytope.total):
        for labels in product(range(polytope.classes), repeat=polytope.total):
            point = polytope.corner(np.array(items), np.array(labels))
            if polytope.excess(point) == 0.0:
                found.append(point)
    return found


def drawn(rng: np.random.Generator) -> Polytope:
    items, classes = int(rng.integers(2, 6)), int(rng.integers(1, 4))
    total = int(rng.integers(1, items))
    return Polytope(items, classes, total, int(rng.integers(-(-total // classes), total + 1)))


@pytest.mark.parametrize(
    ("batch", "classes", "slack", "cap"),
    [
        (1, 2, 0.1, 1),  # one item has no cap
        (2, 3, 0.1, 2),  # fewer items than classes: the slack is 1 − 1/K
        (5, 2, 0.1, 3),
        (5, 2, 0.0, 3),  # 2·⌊2.5⌋ items are fewer than 5
        (30, 3, 0.1, 13),  # (1/3 + 0.1)·30 is 12.999999999999998 in float64
        (10, 2, 9.0, 10),  # a share is at most one
        (7, 3, 0.0, 3),
    ],
)
def test_a_cap_always_leaves_room_for_a_batch(batch: int, classes: int, slack: float, cap: int) -> None:
    assert class_cap(batch, classes, slack) == cap
    assert classes * cap >= batch


def test_the_best_corner_is_the_best_of_all() -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        polytope = drawn(rng)
        gain = rng.normal(size=(polytope.items, polytope.classes))
        best = max(float((gain * point).sum()) for point in corners(polytope))
        found = polytope.corner(*best_vertex(polytope, gain))
        assert polytope.excess(found) == 0.0
        assert (gain * found).sum() == pytest.approx(best, abs=1e-9)


def test_the_best_corner_of_equal_gains_is_a_corner() -> None:
    polytope = Polytope(5, 3, total=3, cap=1)
    assert polytope.excess(polytope.corner(*best_vertex(polytope, np.zeros((5, 3))))) == 0.0


def test_rounding_a_corner_gives_it_back() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        polytope = drawn(rng)
        every = corners(polytope)
        point = every[rng.integers(len(every))]
        worth = rng.normal(size=point.shape)
        assert (polytope.corner(*largest_first(polytope, point, worth)) == point).all()


def test_rounding_fills_up_rows_that_are_all_zero() -> None:
    polytope = Polytope(3, 2, total=2, cap=1)
    point = np.array([[0.9, 0.6], [0.0, 0.0], [0.0, 0.0]])
    items, classes = largest_first(polytope, point, np.array([[0.0, 0.0], [0.0, 0.1], [0.0, 0.2]]))
    # class 0 is full after the first item, and the item is used: of the zeros the worthiest with room comes
    assert (items.tolist(), classes.tolist()) == ([0, 2], [0, 1])


@pytest.mark.parametrize(
    ("point", "excess"),
    [
        ([[0.5, 0.5], [1.0, 0.0]], 0.5),  # class 0 holds 1.5 of 1
        ([[1.0, 0.5], [0.0, 0.5]], 0.5),  # an item taken one and a half times
        ([[-0.25, 1.0], [1.0, 0.25]], 0.25),
        ([[0.5, 0.5], [0.5, 0.25]], 0.25),  # 1.75 items of 2
        ([[0.5, 0.5], [0.5, 0.5]], 0.0),
    ],
)
def test_excess_is_that_of_the_worst_constraint(point: list[list[float]], excess: float) -> None:
    assert Polytope(2, 2, total=2, cap=1).excess(np.array(point)) == pytest.approx(excess)


def test_the_step_of_the_quadratic_model_is_the_best() -> None:
    """At the best x, no corner v has (g − B(x − μ))·(v − x) above zero: that is the whole of optimality."""
    rng = np.random.default_rng(2)
    for _ in range(80):
        polytope = drawn(rng)
        shape = polytope.items, polytope.classes
        point = polytope.even()
        if rng.random() < 0.5:
            point = polytope.corner(*best_vertex(polytope, rng.normal(size=shape)))
        curvature = Curvature()
        for _ in range(rng.integers(0, 4)):
            curvature = curvature.updated(rng.normal(size=point.size), 5.0 * rng.normal(size=point.size))
        gradient = rng.normal(size=shape) * 10.0 ** rng.uniform(-3.0, 3.0)
        step = quadratic_step(polytope, point, gradient, curvature)
        there = point + step
        assert polytope.excess(there) <= 1e-9
        left = gradient - curvature.times(step.ravel()).reshape(shape)
        best = polytope.corner(*best_vertex(polytope, left))
        assert (left * (best - there)).sum() <= 1e-6 * max(1.0, np.abs(gradient).max())


def test_the_curvature_maps_the_last_step_to_the_change_of_the_gradient() -> None:
    rng = np.random.default_rng(3)
    form = rng.normal(size=(5, 5))
    form = form @ form.T + np.eye(5)
    curvature = Curvature()
    for _ in range(4):
        step = rng.normal(size=5)
        curvature = curvature.updated(step, form @ step)
        np.testing.assert_allclose(curvature.times(step), form @ step, rtol=1e-9, atol=1e-9)


def test_the_curvature_stays_positive_where_the_function_bends_the_other_way() -> None:
    rng = np.random.default_rng(4)
    curvature = Curvature()
    for _ in range(30):
        step = rng.normal(size=6)
        before = step @ curvature.times(step)
        curvature = curvature.updated(step, -3.0 * step)
        # Powell: what is seen is mixed with what was believed until a fifth of that is left
        assert step @ curvature.times(step) == pytest.approx(0.2 * before, rel=1e-6)
    dense = np.stack([curvature.times(unit) for unit in np.eye(6)])
    assert np.linalg.eigvalsh(dense).min() > 0.0


def test_no_step_leaves_the_curvature_alone() -> None:
    curvature = Curvature()
    assert curvature.updated(np.zeros(3), np.ones(3)) is curvature


def test_a_polytope_without_interior_has_no_interior_point_method() -> None:
    polytope = Polytope(2, 2, total=2, cap=2)
    with pytest.raises(ConvergenceError, match="whose 2 items are all wanted"):
        quadratic_step(polytope, polytope.even(), np.zeros((2, 2)), Curvature())


def test_a_gradient_that_is_no_number_has_no_best_step() -> None:
    polytope = Polytope(3, 2, total=2, cap=2)
    with pytest.raises(ConvergenceError, match="residuals of 1e-07; the best one was inf"):
        quadratic_step(polytope, polytope.even(), np.full((3, 2), np.nan), Curvature())


def test_an_exchange_that_gains_nothing_is_not_made() -> None:
    def level(items: NDArray[np.int64], classes: NDArray[np.int64], near: State) -> Whole:
        return Whole(items, classes, 1.0, near)

    given = level(np.array([3, 1]), np.array([2, 0]), State(np.zeros((5, 3)), np.zeros((3, 1)), 0.0))
    slopes = np.random.default_rng(0).normal(size=(5, 3))
    found = exchanged(
        Polytope(5, 3, 2, 2), given, evaluated=level, slopes=lambda _: slopes, tries=50, rounds=50
    )
    assert found is given


def test_sampled_labels_belong_to_the_items_of_a_batch_whatever_their_order() -> None:
    rng = np.random.default_rng(5)
    rows, proba = with_ones(rng.normal(size=(12, 2))), rng.dirichlet(np.ones(3), 6)
    labels = np.eye(3)[np.arange(6) % 3]
    this = BatchProblem(rows[:6], labels, rows[6:], rows[:0], 0.5, 1.0, 1.0, True)
    relaxed, near = _Relaxation(this, proba, Polytope(6, 1, 3, 3), True), this.state(np.zeros((6, 3)))
    batches = np.array([0, 2, 5]), np.array([5, 0, 2])
    values = [relaxed.evaluated(one, np.zeros_like(one), near).value for one in batches]
    assert values[0] == pytest.approx(values[1], rel=1e-9)
