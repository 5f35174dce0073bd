"""The Z-loss: standardised outputs by hand, what it does not see, and what it refuses."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from nextlabel.errors import LearnerError, ParameterError
from nextlabel.learners.z_loss import ZLoss

OUTPUTS = torch.tensor(np.random.default_rng(5).normal(size=(4, 5)))
LABELS = torch.tensor([0, 3, 3, 1])


@pytest.mark.parametrize("classes", [3, 10, 100])
def test_one_output_alone_stands_as_high_as_can_be(classes: int) -> None:
    """One-hot: mean 1/D, variance (D − 1)/D², z = √(D − 1); the guard of 1e-6 is below rounding to 1e-9."""
    outputs = torch.eye(classes, dtype=torch.float64)
    z = ZLoss().logits(outputs)
    np.testing.assert_allclose(z.diagonal(), math.sqrt(classes - 1), rtol=1e-9)
    others = torch.tensor(np.random.default_rng(0).normal(size=(200, classes)))
    assert ZLoss().logits(others).max() < math.sqrt(classes - 1)


def test_it_is_a_softplus_of_what_is_missing() -> None:
    z = (OUTPUTS - OUTPUTS.mean(1, keepdim=True)) / OUTPUTS.std(1, keepdim=True, correction=0)
    own = z.gather(1, LABELS[:, None])[:, 0]
    expected = torch.log1p(torch.exp(3.0 * (1.5 - own))) / 3.0
    np.testing.assert_allclose(ZLoss(a=3.0, b=1.5).per_item(OUTPUTS, LABELS), expected, rtol=1e-9)


def test_shift_and_positive_scale_are_not_seen_and_sign_is() -> None:
    """The guard moves the standard deviation by less than 1e-12 of itself, these being above 0.5."""
    plain = ZLoss().per_item(OUTPUTS, LABELS)
    np.testing.assert_allclose(ZLoss().per_item(3 * OUTPUTS + 7, LABELS), plain, rtol=1e-11)
    assert not np.allclose(ZLoss().per_item(-OUTPUTS, LABELS), plain, rtol=0.1)


def test_the_gradient_is_orthogonal_to_shift_and_scale() -> None:
    outputs = OUTPUTS.clone().requires_grad_()
    (slope,) = torch.autograd.grad(ZLoss().per_item(outputs, LABELS).sum(), outputs)
    centred = OUTPUTS - OUTPUTS.mean(1, keepdim=True)
    np.testing.assert_allclose(slope.sum(1), 0, atol=1e-12)
    np.testing.assert_allclose((slope * centred).sum(1), 0, atol=1e-11)
    assert (slope.norm(dim=1) > 0.01).all()


def test_gradients_agree_with_differences() -> None:
    given = OUTPUTS.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda one: ZLoss(a=2.0, b=1.0).per_item(one, LABELS), given)


def test_a_higher_bar_raises_the_loss() -> None:
    low, high = (ZLoss(b=b).per_item(OUTPUTS, LABELS) for b in (1.0, 2.0))
    assert (high > low).all()


def test_equal_outputs_are_finite() -> None:
    outputs = torch.zeros(1, 4, requires_grad=True)
    loss = ZLoss(a=1.0, b=0.0).per_item(outputs, torch.tensor([1]))
    loss.sum().backward()  # type: ignore[no-untyped-call]
    assert float(loss.detach()) == pytest.approx(math.log(2))
    assert outputs.grad is not None
    assert torch.isfinite(outputs.grad).all()


@pytest.mark.parametrize("height", [0.0, 5.0, -3.25])
def test_where_outputs_are_equal_the_slope_is_that_of_the_differences(height: float) -> None:
    """z = o' / √(mean o'² + 1e-12): within 1e-10 of equal outputs it is a plane, of slope 1e6 (1 − 1/c).

    Steps of 1e-10 leave 1e-16 / 1e-10 of rounding in the outputs' differences, 1e-6 of the slope, at
    heights of order 1; the plane's own bend is (1e-10 / 1e-6)², far below.
    """
    outputs = torch.full((1, 4), height, dtype=torch.float64, requires_grad=True)
    loss, label, step = ZLoss(a=2.0, b=0.5), torch.tensor([2]), 1e-10
    (slope,) = torch.autograd.grad(loss.per_item(outputs, label).sum(), outputs)
    moved = torch.eye(4, dtype=torch.float64) * step
    up, down = (loss.per_item(outputs.detach() + sign * moved, label.expand(4)) for sign in (1, -1))
    np.testing.assert_allclose(slope[0], (up - down) / (2 * step), rtol=1e-4)
    rise = -torch.sigmoid(torch.tensor(2.0 * 0.5)) * 1e6
    np.testing.assert_allclose(slope[0], rise * (torch.eye(4)[2] - 0.25), rtol=1e-6)


def test_its_scores_are_no_log_probabilities() -> None:
    assert not ZLoss().is_probabilistic
    np.testing.assert_array_equal(ZLoss().logits(OUTPUTS).argsort(1), OUTPUTS.argsort(1))


@pytest.mark.parametrize("classes", [1, 2])
def test_fewer_than_three_classes_are_refused(classes: int) -> None:
    with pytest.raises(
        LearnerError, match=f"needs at least 3 classes; received {classes}, .* Use 'cross_entr"
    ):
        ZLoss().per_item(torch.zeros(1, classes), torch.tensor([0]))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"a": 0}, "'a' must be a finite number above 0; received 0"),
        ({"b": math.inf}, "'b' must be a finite number; received inf"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ParameterError, match=f"ZLoss's {says}"):
        ZLoss(**settings)
