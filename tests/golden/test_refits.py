"""Heads with one more label: near the solution, alike where classes are, whatever way they are found."""

import numpy as np
import pytest

from nextlabel.maths import refits as refitting
from nextlabel.maths.refits import refits
from nextlabel.maths.regression import SoftmaxHead, gradient
from nextlabel.maths.remaining import left_by_heads, losses


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_a_newton_step_comes_near_the_solution_as_labels_grow() -> None:
    # k copies of the labelled items, and k times the penalty: the head stays, its Hessian is k times as
    # large. The item moves the solution by O(1/k), and a Newton step is wrong by O(1/k²): 16 times less for
    # four times as many, up to a relative O(1/k), which is below a tenth at 16 copies
    draw, errors = rng(5), []
    features, labels = draw.standard_normal((20, 2)), np.arange(20) % 3
    pool, row = draw.standard_normal((30, 2)), np.append(draw.standard_normal(2), 1.0)
    for copies in (4, 16, 64):
        head = refits(np.tile(features, (copies, 1)), np.tile(labels, copies), 3, penalty=1.0 * copies)
        step, whole = (
            left_by_heads(heads, np.column_stack([pool, np.ones(30)]), np.ones(30), "entropy")
            for heads in (head.newton(row), head.converged(row))
        )
        errors.append(np.abs(step - whole))
    assert (errors[0] > 8.0 * errors[1]).all()
    np.testing.assert_allclose(errors[1] / errors[2], 16.0, rtol=0.15)


def test_classes_without_labels_are_alike() -> None:
    draw = rng(3)
    head = refits(draw.standard_normal((4, 2)), np.array([5, 2, 5, 2]), 9, penalty=0.5)
    assert len(head.matrix) == 4
    assert head.tried.tolist() == [2, 2, 0, 2, 2, 1, 2, 2, 2]
    assert head.problem.copies.tolist() == [1, 1, 1, 6]
    np.testing.assert_allclose(head.matrix[2], head.matrix[3], atol=1e-10)
    more = head.with_label(np.array([0.3, -0.2, 1.0]), 7)
    assert more.tried.tolist() == [3, 3, 0, 3, 3, 1, 3, 2, 3]
    assert more.of_bias.tolist() == head.of_bias.tolist()


def test_a_refit_that_wanders_is_left_to_newtons_method(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = rng(7)
    row = np.append(4.0 * draw.standard_normal(2), 1.0)
    head = refits(draw.standard_normal((9, 2)), np.arange(9) % 3, 3, penalty=0.05)
    whole = head.converged(row)
    for steps, lost in ((1, 1e6), (60, 1e-3)):  # too few steps; a step that counts as leading away
        monkeypatch.setattr(refitting, "_STEPS", steps)
        monkeypatch.setattr(refitting, "_LOST", lost)
        np.testing.assert_allclose(head.converged(row), whole, atol=1e-8)


def test_many_weights_are_fitted_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = rng(2).standard_normal((40, 9)), np.arange(40) % 5
    few = refits(features, labels, 5, penalty=1.0)
    monkeypatch.setattr(refitting, "DENSE", 10)  # by gradients first
    many = refits(features, labels, 5, penalty=1.0)
    np.testing.assert_allclose(many.matrix, few.matrix, atol=1e-12)
    slope = gradient(SoftmaxHead.of_matrix(many.matrix), features, np.eye(5)[labels], penalty=1.0)
    assert np.abs(slope).max() < 1e-12


def test_blocks_of_items_change_nothing() -> None:
    draw = rng(1)
    heads, rows = draw.standard_normal((90, 90, 3)), draw.standard_normal((40, 3))
    counts = draw.random(40)
    for loss in ("entropy", "zero_one"):
        whole = left_by_heads(heads, rows, counts, loss)
        said = np.exp(rows @ np.moveaxis(heads, 1, 2))
        said /= said.sum(axis=2, keepdims=True)
        expected = [counts @ losses(one, loss) for one in said]
        np.testing.assert_allclose(whole, expected, rtol=1e-10)
