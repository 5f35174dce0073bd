"""The published tensor method, on networks wide enough for its moments."""

import re

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from nextlabel.core.attack import Knowledge, Recovery
from nextlabel.errors import ParameterError
from nextlabel.leakage.attacks.tensor_decomposition import TensorDecomposition, _Moments
from nextlabel.leakage.messages import full
from nextlabel.leakage.two_layer.network import ACTIVATIONS, Pointwise, TwoLayer

ITEMS = np.random.default_rng(1).standard_normal((2, 6))
ITEMS /= np.linalg.norm(ITEMS, axis=1, keepdims=True)
TARGETS = np.array([[2.0], [-3.0]])


def attacked(
    activation: str, *, width: int = 20_000, outputs: int = 1, has_bias: bool = False, **known: object
) -> Recovery:
    torch.manual_seed(0)
    model = TwoLayer(6, width, outputs, activation=activation, has_bias=has_bias).double()
    return on(model, outputs, **known)


def on(model: nn.Module, outputs: int = 1, **known: object) -> Recovery:
    message = full(model, ITEMS, np.tile(TARGETS, outputs), loss="squared_error")
    knowledge = Knowledge(model, (6,), outputs, loss="squared_error", **known)  # type: ignore[arg-type]
    return TensorDecomposition().recover(message, knowledge, np.random.default_rng(2))


def cosines(found: Recovery) -> NDArray[np.float64]:
    assert found.items is not None
    return np.asarray(found.items @ ITEMS.T)


@pytest.mark.parametrize(
    ("activation", "orders"),
    [
        ("sigmoid", [3]),
        ("shifted_sigmoid", [2, 3]),
        ("softplus", [2, 4]),
        ("relu", [2, 4]),
        ("leaky_relu", [2, 4]),
    ],
)
def test_items_and_targets_are_estimated_from_the_orders_that_do_not_vanish(
    activation: str, orders: list[int]
) -> None:
    found = attacked(activation)
    assert found.outcome == "recovered"
    assert found.details["orders"] == orders
    assert cosines(found).max(axis=0).min() > 0.98
    assert found.labels is not None
    order = cosines(found).argmax(axis=0)
    assert found.labels[order] == pytest.approx(TARGETS, abs=0.3)


@pytest.mark.parametrize("batch", [None, 2])
def test_targets_follow_from_a_sum_of_losses_too(batch: int | None) -> None:
    torch.manual_seed(0)
    model = TwoLayer(6, 20_000, 1, activation="softplus").double()
    message = full(model, ITEMS, TARGETS, loss="squared_error", reduction="sum")
    knowledge = Knowledge(model, (6,), 1, loss="squared_error", reduction="sum", batch=batch)
    found = TensorDecomposition().recover(message, knowledge, np.random.default_rng(2))
    assert found.labels is not None
    order = cosines(found).argmax(axis=0)
    assert found.labels[order] == pytest.approx(TARGETS, abs=0.3)


def test_no_targets_are_told_of_equal_items() -> None:
    # the third item is the second: two directions, of which one has the sum of two shares
    torch.manual_seed(0)
    model = TwoLayer(6, 20_000, 1, activation="softplus").double()
    items, targets = ITEMS[[0, 1, 1]], np.array([[2.0], [-3.0], [-1.0]])
    message = full(model, items, targets, loss="squared_error")
    knowledge = Knowledge(model, (6,), 1, loss="squared_error")
    found = TensorDecomposition().recover(message, knowledge, np.random.default_rng(2))
    assert found.outcome == "recovered"
    assert cosines(found).max(axis=0).min() > 0.98
    assert found.labels is None


def test_an_odd_activation_hides_which_way_round_items_are() -> None:
    found = attacked("tanh")
    assert found.outcome == "unidentifiable"
    assert "each item and its opposite" in found.reason
    assert np.abs(cosines(found)).max(axis=0).min() > 0.98
    assert found.labels is None


def test_a_known_number_of_items_is_believed() -> None:
    assert cosines(attacked("softplus", batch=2)).shape == (2, 2)


@pytest.mark.parametrize("activation", ["tanh", "softplus"])
def test_a_message_says_how_many_items_it_speaks_of_with_and_without_the_switch(activation: str) -> None:
    """At so few units one of two items may be all that shows above chance."""
    silent, told = (attacked(activation, width=3_000, batch=batch) for batch in (None, 2))
    assert (silent.outcome, silent.reason) == (told.outcome, told.reason)
    assert np.array_equal(cosines(silent), cosines(told))


def test_more_items_than_can_be_told_are_refused_unless_few_stand_out() -> None:
    torch.manual_seed(0)
    model = TwoLayer(6, 20_000, 1, activation="softplus").double()
    items, targets = np.repeat(ITEMS, 4, axis=0), np.repeat(TARGETS, 4, axis=0)
    message = full(model, items, targets, loss="squared_error")
    knowledge = Knowledge(model, (6,), 1, loss="squared_error")
    found = TensorDecomposition().recover(message, knowledge, np.random.default_rng(2))
    assert found.outcome == "recovered"
    assert found.reason.startswith("2 of 8 items show above chance in the moments; ")
    assert cosines(found).max(axis=0).min() > 0.98
    others = np.random.default_rng(3).standard_normal((8, 6))
    others /= np.linalg.norm(others, axis=1, keepdims=True)
    message = full(model, others, np.arange(8.0)[:, None] + 1.0, loss="squared_error")
    found = TensorDecomposition().recover(message, knowledge, np.random.default_rng(2))
    assert (found.outcome, found.reason) == ("failed", "the message speaks of 8 items; it can tell 1 to 5")


def test_a_bias_of_zeros_is_no_harm() -> None:
    assert cosines(attacked("relu", has_bias=True)).max(axis=0).min() > 0.98


def test_too_few_units_are_not_claimed() -> None:
    found = attacked("softplus", width=60, batch=2)
    assert found.outcome == "failed"
    assert re.search(
        r"items leave [\d.]+ of what the weakest of them makes of .*, more than the tolerance of 0\.5",
        found.reason,
    )


@pytest.mark.parametrize("activation", ["sigmoid", "shifted_sigmoid", "softplus", "relu"])
def test_items_that_explain_the_sums_alone_are_in_doubt(activation: str) -> None:
    # the constant and the linear part are most of the gradient, and tell the sums of items only
    weights = np.random.default_rng(3).standard_normal((4_000, 6))
    pointwise = Pointwise(ACTIVATIONS[activation]())
    gradient = pointwise(weights @ ITEMS.T) @ np.array([1.0, 0.4])
    moments = _Moments(weights, gradient, pointwise, 1.0)
    assert moments.doubt(ITEMS, np.array([1.0, 0.4])) < 1e-9
    wrong = np.vstack([ITEMS[:1], np.roll(ITEMS[1:], 2)])
    shares, left = moments.shares(wrong)
    assert left < 0.3
    assert moments.doubt(wrong, shares) > 1.0


def test_what_it_cannot_read_is_refused_with_the_reason() -> None:
    assert attacked("tanh", outputs=3).reason == "it reads networks of one output; this one has 3"
    torch.manual_seed(0)
    model = TwoLayer(6, 50, has_bias=True).double()
    nn.init.ones_(model.hidden.bias)
    found = on(model)
    assert (found.outcome, "biases of the hidden layer are not 0" in found.reason) == ("refused", True)


def test_an_activation_without_higher_orders_is_refused() -> None:
    class Straightened(nn.Module):
        """Bent so little that no order but the first is seen."""

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return values + 1e-6 * values**2

    model = nn.Sequential(nn.Linear(6, 50, bias=False), Straightened(), nn.Linear(50, 1)).double()
    found = on(model)
    assert found.reason == "the activation's Hermite coefficients of orders 2 to 4 vanish"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"starts": 0}, "'starts' must be a whole number from 1 up; received 0"),
        ({"tolerance": 1.0}, "'tolerance' must be a number above 0 and below 1; received 1.0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, float], says: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(says)):
        TensorDecomposition(**settings)  # type: ignore[arg-type]
