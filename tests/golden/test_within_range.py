"""Points of polytopes, against the ends of their coordinates; and items that only their range tells."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from scipy.optimize import linprog
from sklearn.datasets import load_digits
from torch import nn

from nextlabel.core.attack import Knowledge, Recovery
from nextlabel.leakage.attacks.recursive_peel import RecursivePeel
from nextlabel.leakage.messages import full
from nextlabel.leakage.peeling.weighted_solving import Equations, Solution
from nextlabel.leakage.peeling.within_range import Polytope, solved_within

Values = NDArray[np.float64]
ERROR = 1e-8


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def polytope(
    matrix: Values, target: Values, low: float = 0.0, high: float = 1.0, **sides: Values
) -> Polytope:
    size = matrix.shape[1]
    part = Equations(sp.csr_array(matrix), target, np.full(len(target), ERROR))
    forms, most = sides.get("forms", np.zeros((0, size))), sides.get("most", np.zeros(0))
    return Polytope([part], sp.csr_array(forms), most, np.full(size, low), np.full(size, high))


def solution(given: Polytope, **options: Any) -> Solution | None:
    size = len(given.low)
    rng = np.random.default_rng(0)
    return solved_within(given, np.full(size, 0.5), np.full(size, 0.5), rng, **options)


def widest(given: Polytope) -> float:
    """How far apart two points may be in one coordinate: two linear programmes for each."""
    (part,) = given.parts
    ends = []
    for axis in np.eye(len(given.low)):
        for cost in (axis, -axis):
            found = linprog(
                cost,
                given.forms if given.forms.shape[0] else None,
                given.most if given.forms.shape[0] else None,
                part.matrix,
                part.target,
                np.column_stack([given.low, given.high]),
            )
            assert found.status == 0
            ends.append(cost @ found.x)
    return float(-np.reshape(ends, (-1, 2)).sum(1).min())


@pytest.mark.parametrize("seed", range(12))
def test_a_point_is_called_the_only_one_where_no_coordinate_can_move(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = 24
    point = np.clip(rng.uniform(-1.5, 1.5, size), 0.0, 1.0)  # a third each at the ends and between
    matrix = rng.standard_normal((int(rng.integers(10, 20)), size))
    given = polytope(matrix, matrix @ point)
    found = solution(given)
    assert found is not None
    assert (found.missing == 0.0) == (widest(given) < 1e-6)
    if found.missing == 0.0:
        assert np.abs(found.value - point).max() < 1e-5
    else:
        assert np.abs(matrix @ found.value - matrix @ point).max() < 1e-5
        assert found.value.min() > -1e-3
        assert found.value.max() < 1.0 + 1e-3


@pytest.mark.parametrize("seed", range(5))
def test_a_point_that_equations_fix_badly_is_the_only_one_all_the_same(seed: int) -> None:
    """Two unknowns between the ends are told apart by a part in a thousand of what is told of their sum."""
    rng = np.random.default_rng(seed)
    size = 24
    point = np.clip(rng.uniform(-1.5, 1.5, size), 0.0, 1.0)
    between = np.flatnonzero((point > 0.0) & (point < 1.0))[:2]
    matrix = rng.standard_normal((19, size))
    matrix[:, between[1]] = matrix[:, between[0]] + 1e-3 * rng.standard_normal(19)
    given = polytope(matrix, matrix @ point)
    assert widest(given) < 1e-3  # as narrow as the solver can say
    found = solution(given)
    assert found is not None
    assert found.missing == 0.0
    assert np.abs(found.value - point).max() < 1e-4


def test_both_kinds_of_polytopes_are_among_those() -> None:
    kinds = set()
    for seed in range(12):
        rng = np.random.default_rng(seed)
        point = np.clip(rng.uniform(-1.5, 1.5, 24), 0.0, 1.0)
        matrix = rng.standard_normal((int(rng.integers(10, 20)), 24))
        kinds.add(widest(polytope(matrix, matrix @ point)) < 1e-6)
    assert kinds == {True, False}


def test_forms_that_may_not_be_passed_are_kept() -> None:
    matrix, target = np.array([[1.0, 1.0, 0.0]]), np.array([1.0])
    forms, most = np.array([[1.0, 0.0, 1.0]]), np.array([0.25])
    free = solution(polytope(matrix, target))
    held = solution(polytope(matrix, target, forms=forms, most=most))
    assert free is not None
    assert held is not None
    assert free.value.tolist() == [0.5, 0.5, 0.5]  # what is likely, as it is
    assert held.missing >= 1.0
    assert (forms @ held.value <= most).all()
    assert abs(held.value[:2].sum() - 1.0) < 1e-6


@pytest.mark.parametrize(
    ("matrix", "target", "high"),
    [
        ([[1.0, 1.0]], [2.5], 1.0),  # nothing of the range has this sum
        ([[1.0, -1.0]], [0.0], np.inf),  # without end
    ],
    ids=["empty", "endless"],
)
def test_no_point_is_given_of_what_is_empty_or_without_end(
    matrix: list[list[float]], target: list[float], high: float
) -> None:
    assert solution(polytope(np.array(matrix), np.array(target), high=high)) is None


def test_too_many_unknowns_and_a_time_that_is_over_give_nothing() -> None:
    assert solution(polytope(np.ones((1, 2_001)), np.zeros(1))) is None
    sums = polytope(np.ones((1, 2)), np.zeros(1))
    assert solution(sums, until=0.0) is None
    found = solution(sums)
    assert found is not None
    assert np.abs(found.value).max() < 1e-6


def digits(count: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    items, labels = load_digits(return_X_y=True)
    return (items[:count] / 16.0).astype(np.float32).reshape(-1, 1, 8, 8), labels[:count].astype(np.int64)


def strided() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(64, 10))


def turned() -> nn.Module:
    """With a batch normalisation that turns half of the channels round: inactive units are above 0 before."""
    norm = nn.BatchNorm2d(4)
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([1.0, -1.0, 0.5, -2.0]))
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2, padding=1), norm, nn.ReLU(), nn.Flatten(), nn.Linear(64, 10)
    )


def frozen() -> nn.Module:
    first = nn.Linear(64, 100).requires_grad_(False)
    return nn.Sequential(nn.Flatten(), first, nn.ReLU(), nn.Linear(100, 10))


def attacked(model: nn.Module, bounds: tuple[float, float] | None, count: int = 12) -> list[Recovery]:
    items, labels = digits(count)
    known = Knowledge(model, (1, 8, 8), 10, bounds=bounds)
    return [
        RecursivePeel().recover(full(model, item[None], label[None]), known, np.random.default_rng(0))
        for item, label in zip(items, labels, strict=True)
    ]


@pytest.mark.parametrize(("network", "more"), [(strided, 1), (turned, 1), (frozen, 6)])
def test_a_known_range_brings_digits_back_that_equations_leave_open(network: Any, more: int) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = network().eval()
    free, held = attacked(model, None), attacked(model, (0.0, 1.0))
    assert sum(one.outcome == "recovered" for one in held) >= more + sum(
        one.outcome == "recovered" for one in free
    )
    items, _ = digits(12)
    for item, one in zip(items, held, strict=True):
        assert one.items is not None
        if one.outcome == "recovered":
            assert np.abs(one.items[0] - item).max() < 1e-4
        if one.outcome == "unidentifiable":  # another item within the range explains as much
            assert one.items.min() > -1e-3
            assert one.items.max() < 1.0 + 1e-3


@pytest.mark.parametrize(
    ("size", "outcomes"), [(40, ["unidentifiable", "recovered"]), (46, ["unidentifiable", "failed"])]
)
def test_an_answer_out_of_the_range_that_is_known_proves_nothing(size: int, outcomes: list[str]) -> None:
    """Of more values than a linear programme is asked for, the likeliest answer stays as it is."""
    places = (size // 2) ** 2
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first = nn.Conv2d(1, 4, 3, stride=2, padding=1)
        model = nn.Sequential(first, nn.Sigmoid(), nn.Flatten(), nn.Linear(4 * places, 10)).eval().double()
    item = np.round(np.random.default_rng(0).random((1, size, size))).astype(np.float32)
    message = full(model, item[None], np.array([3]))
    found = [
        RecursivePeel().recover(
            message, Knowledge(model, item.shape, 10, bounds=bounds), np.random.default_rng(0)
        )
        for bounds in (None, (0.0, 1.0))
    ]
    assert [one.outcome for one in found] == outcomes
    if outcomes[1] == "failed":
        assert "It lies outside the range that is known" in found[1].reason
