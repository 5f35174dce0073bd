"""The inverse Hessian of L-BFGS for many starts at once, against the two loops written out."""

import pytest
import torch
from torch import Tensor

from nextlabel.leakage.matching.curvature import Curvature, fitting_history


def two_loops(pairs: list[tuple[Tensor, Tensor]], gradient: Tensor) -> Tensor:
    """Algorithm 7.4 of Nocedal and Wright, for one start."""
    if not pairs:
        return gradient
    q, alphas = gradient.clone(), []
    for step, change in reversed(pairs):
        alphas.append((step @ q) / (step @ change))
        q = q - alphas[-1] * change
    step, change = pairs[-1]
    q = q * (step @ change) / (change @ change)
    for (step, change), alpha in zip(pairs, reversed(alphas), strict=True):
        q = q + (alpha - (change @ q) / (step @ change)) * step
    return q


def convex_pairs(count: int, width: int, seed: int) -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    root = torch.randn(width, width, generator=generator, dtype=torch.float64)
    hessian = root @ root.T + torch.eye(width, dtype=torch.float64)
    steps = torch.randn(count, width, generator=generator, dtype=torch.float64)
    return [(step, hessian @ step) for step in steps]


@pytest.mark.parametrize("history", [1, 3, 5])
def test_the_product_is_that_of_the_two_loops_for_starts_of_any_age(history: int) -> None:
    starts, width = 4, 6
    curvature = Curvature(torch.zeros(starts, width, dtype=torch.float64), history)
    kept: list[list[tuple[Tensor, Tensor]]] = [[] for _ in range(starts)]
    gradients = torch.randn(starts, width, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    for number, (step, change) in enumerate(convex_pairs(9, width, seed=1)):
        rows = torch.tensor([row for row in range(starts) if number % (row + 1) == 0])
        curvature.push(rows, step.repeat(len(rows), 1), change.repeat(len(rows), 1))
        for row in rows.tolist():
            kept[row] = [*kept[row], (step, change)][-history:]
        found = curvature.applied(torch.arange(starts), gradients)
        wanted = torch.stack([two_loops(pairs, one) for pairs, one in zip(kept, gradients, strict=True)])
        torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-9)
    assert curvature.counts.tolist() == [min(history, len(range(0, 9, row + 1))) for row in range(starts)]


def test_the_newest_pair_is_satisfied() -> None:
    # the secant equation H·y = s, whatever else is remembered
    curvature = Curvature(torch.zeros(1, 5, dtype=torch.float64), history=4)
    for step, change in convex_pairs(6, 5, seed=2):
        curvature.push(torch.tensor([0]), step[None], change[None])
        torch.testing.assert_close(curvature.applied(torch.tensor([0]), change[None])[0], step)


def test_a_pair_without_curvature_is_left_out() -> None:
    curvature = Curvature(torch.zeros(2, 2), history=3)
    steps = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    curvature.push(torch.tensor([0, 1]), steps, torch.tensor([[-1.0, 0.0], [2.0, 0.0]]))
    assert curvature.counts.tolist() == [0, 1]
    assert curvature.applied(torch.tensor([0, 1]), steps).tolist() == [[1.0, 0.0], [0.5, 0.0]]


def test_what_is_forgotten_is_forgotten_for_that_start_only() -> None:
    curvature = Curvature(torch.zeros(2, 2), history=3)
    steps = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    curvature.push(torch.tensor([0, 1]), steps, 4.0 * steps)
    curvature.clear(torch.tensor([0]))
    assert curvature.counts.tolist() == [0, 1]
    ones = torch.ones(2, 2)
    assert curvature.applied(torch.tensor([0, 1]), ones).tolist() == [[1.0, 1.0], [0.25, 0.25]]


@pytest.mark.parametrize(
    ("starts", "width", "wanted", "kept"),
    [(8, 868, 100, 100), (8, 2**18, 100, 16), (32, 10**7, 100, 5), (32, 10**7, 3, 3), (1, 2**25, 100, 5)],
)
def test_fewer_pairs_are_remembered_where_they_would_not_fit(
    starts: int, width: int, wanted: int, kept: int
) -> None:
    assert fitting_history(starts, width, wanted) == kept
