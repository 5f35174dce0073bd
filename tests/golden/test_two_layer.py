"""Networks of one hidden layer, and how a gradient of one is read."""

import re
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import nn

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Disclosure
from nextlabel.errors import ParameterError
from nextlabel.leakage.messages import full
from nextlabel.leakage.two_layer.network import (
    ACTIVATIONS,
    Pointwise,
    Shifted,
    TwoLayer,
    TwoLayerMessage,
    read_message,
)
from nextlabel.learners.networks import mlp

RNG = np.random.default_rng(0)
ITEMS = RNG.standard_normal((3, 5))


def seen(
    model: nn.Module, outputs: int = 1, changed: Mapping[str, np.ndarray] | None = None
) -> TwoLayerMessage | str:
    model = model.double()
    message = full(model, ITEMS, np.ones((3, outputs)), loss="squared_error")
    arrays = {**message.arrays, **(changed or {})}
    return read_message(Disclosure("full", arrays, 3), Knowledge(model, (5,), outputs, loss="squared_error"))


@pytest.mark.parametrize("has_bias", [False, True])
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_the_gradient_written_out_is_that_of_automatic_differentiation(
    activation: str, outputs: int, has_bias: bool
) -> None:
    torch.manual_seed(0)
    model = TwoLayer(5, 9, outputs, activation=activation, has_bias=has_bias)
    if has_bias:
        nn.init.normal_(model.hidden.bias)
        nn.init.normal_(model.head.bias)
    message = seen(model, outputs)
    assert isinstance(message, TwoLayerMessage)
    rows = np.column_stack([ITEMS, np.ones(3)]) if has_bias else ITEMS
    with torch.no_grad():
        said = model(torch.as_tensor(ITEMS)).numpy()
    assert message.outputs_of(rows) == pytest.approx(said, abs=1e-12)
    shares = (said - 1.0) / 3
    assert message.residual(rows, shares) < 1e-14
    assert message.residual(1.01 * rows, shares) > 1e-5


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_derivatives_are_those_of_differences(activation: str) -> None:
    one = Pointwise(ACTIVATIONS[activation]())
    at = np.array([-2.0, -0.7, 0.3, 1.9])
    value, slope, bend = one.with_slopes(at)
    step = 1e-4
    up, down = one(at + step), one(at - step)
    assert value == pytest.approx(one(at))
    assert slope == pytest.approx((up - down) / (2 * step), abs=1e-7)
    assert bend == pytest.approx((up - 2 * value + down) / step**2, abs=1e-6)


@pytest.mark.parametrize(
    ("module", "homogeneous", "linear", "odd", "even"),
    [
        (nn.Tanh(), False, False, 0.0, None),
        (nn.Sigmoid(), False, False, 1.0, None),
        (Shifted(nn.Sigmoid(), 1.0), False, False, None, None),
        (nn.Softplus(), False, False, None, 1.0),
        (nn.SiLU(), False, False, None, 1.0),
        (nn.GELU(), False, False, None, 1.0),
        (nn.ReLU(), True, False, None, 1.0),
        (nn.LeakyReLU(0.25), True, False, None, 1.25),
        (nn.Identity(), True, True, 0.0, 2.0),
        (nn.ELU(), False, False, None, None),
    ],
)
def test_symmetries_of_activations_are_found_by_what_they_do(
    module: nn.Module, homogeneous: bool, linear: bool, odd: float | None, even: float | None
) -> None:
    one = Pointwise(module)
    assert (one.is_homogeneous, one.is_linear) == (homogeneous, linear)
    assert one.odd_about == (odd if odd is None else pytest.approx(odd, abs=1e-12))
    assert one.even_but_for == (even if even is None else pytest.approx(even, abs=1e-12))


def test_a_multilayer_perceptron_of_one_hidden_layer_is_read_through_its_flattening_and_dropout() -> None:
    model = mlp((5,), 2, hidden=(8,), dropout=0.5).eval()
    message = seen(model, 2)
    assert isinstance(message, TwoLayerMessage)
    assert message.weights.shape == (8, 6)
    assert message.has_bias


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (nn.Linear(5, 1), "it reads networks of one hidden layer .* Linear is none that it knows"),
        (
            nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 1)),
            "Sequential",
        ),
        (nn.Sequential(nn.Linear(5, 4), nn.PReLU(), nn.Linear(4, 1)), "Sequential is none"),
        (nn.Sequential(nn.Linear(5, 4), nn.Softmax(-1), nn.Linear(4, 1)), "Softmax is no function of one"),
        (nn.Sequential(nn.Linear(5, 4), nn.Hardtanh(-1e9, 1e9), nn.Linear(4, 1)), "a straight line"),
    ],
)
def test_another_model_is_refused_with_the_reason(model: nn.Module, says: str) -> None:
    found = seen(model)
    assert isinstance(found, str)
    assert re.search(says, found)


def test_a_message_of_another_kind_or_shape_is_refused_with_the_reason() -> None:
    model = TwoLayer(5, 9, has_bias=True)
    assert seen(model, changed={"hidden.weight": np.ones((9, 4))}) == (
        "the gradient by 'hidden.weight' has the shape of another model"
    )
    knowledge = Knowledge(model, (5,), 1)
    whole = full(model, ITEMS, np.ones((3, 1)), loss="squared_error")
    part = {name: one for name, one in whole.arrays.items() if name != "hidden.bias"}
    assert read_message(Disclosure("full", part, 3), knowledge) == (
        "the gradient by 'hidden.bias' is missing from the message"
    )
    assert read_message(Disclosure("update", whole.arrays, 3), knowledge) == (
        "it reads full gradients; the message is of kind 'update'"
    )


def test_reading_leaves_the_gradients_of_the_model_alone() -> None:
    model = TwoLayer(5, 9)
    seen(model)
    assert model.hidden.weight.grad is None


def test_an_activation_that_there_is_not_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"'activation' must be one of tanh, .*; received 'sine'"):
        TwoLayer(5, 9, activation="sine")


@pytest.mark.parametrize("sizes", [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_a_network_without_units_is_refused(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(ParameterError, match="must be a whole number from 1 up; received 0"):
        TwoLayer(*sizes)
