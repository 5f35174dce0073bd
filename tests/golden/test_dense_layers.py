"""The linear layers of a model, and what lies between them, are seen by what they do."""

import re

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nextlabel.core.attack import Knowledge
from nextlabel.errors import LearnerError
from nextlabel.leakage.closed_forms.activations import Activation, recognised
from nextlabel.leakage.closed_forms.dense_layers import dense_layers
from nextlabel.learners.networks import Images, lenet, mlp

VALUES = torch.linspace(-3, 3, 40, dtype=torch.float64).reshape(1, -1)
MADE = {
    "identity": nn.Identity(),
    "relu": nn.ReLU(),
    "leaky_relu": nn.LeakyReLU(0.2),
    "sigmoid": nn.Sigmoid(),
    "tanh": nn.Tanh(),
    "softplus": nn.Softplus(),
    "elu": nn.ELU(),
    "gelu": nn.GELU(),
    "gelu_tanh": nn.GELU("tanh"),
    "silu": nn.SiLU(),
    "mish": nn.Mish(),
    "hardswish": nn.Hardswish(),
}
ABOVE_ZERO = ("relu", "gelu", "gelu_tanh", "silu", "mish", "hardswish")


@pytest.mark.parametrize("name", MADE)
def test_each_activation_is_recognised_and_undone(name: str) -> None:
    outputs = MADE[name](VALUES)
    found = recognised(VALUES, outputs)
    assert found is not None
    assert found.name == name
    usable, inputs, slopes = found.undone(outputs.numpy()[0], 1e-12)
    given = VALUES.numpy()[0]
    assert usable.tolist() == [name not in ABOVE_ZERO or value > 0 for value in given]
    assert inputs[usable] == pytest.approx(given[usable], abs=1e-9)
    moved = VALUES.clone().requires_grad_()
    MADE[name](moved).sum().backward()
    assert moved.grad is not None
    assert slopes[usable] == pytest.approx(moved.grad.numpy()[0][usable], abs=1e-9)


def test_what_is_no_function_of_one_value_is_not_recognised() -> None:
    assert recognised(VALUES, VALUES.softmax(-1)) is None
    assert recognised(VALUES, VALUES[:, :3]) is None
    assert recognised(VALUES.abs() + 1, -VALUES.abs()) is None


def test_an_output_at_the_end_of_its_range_tells_nothing() -> None:
    outputs = np.array([0.0, 1e-9, 0.5, 1.0 - 1e-9, 1.0])
    assert Activation("sigmoid").undone(outputs, 1e-6)[0].tolist() == [False, False, True, False, False]


class Functional(nn.Module):
    """Layers joined by functions, with the first layer's input in another order."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(6, 9), nn.Linear(9, 3)

    def forward(self, items: Tensor) -> Tensor:
        read: Tensor = self.two(torch.tanh(self.one(items.flip(1).flatten(1))))
        return read


def test_functions_and_other_orders_are_seen() -> None:
    seen = dense_layers(Knowledge(Functional(), (3, 2), 3))
    first = seen.layers[0]
    assert [layer.name for layer in seen.layers] == ["one", "two"]
    assert first.activation == Activation("tanh")
    assert (first.weight_name, first.bias_name) == ("one.weight", "one.bias")
    item = np.arange(6.0).reshape(1, 3, 2)
    read = np.flip(item, 1).reshape(1, 6)
    assert seen.items_of(read).tolist() == item.tolist()


def test_channels_last_are_put_back() -> None:
    model = nn.Sequential(Images((8, 8, 3)), nn.Flatten(), nn.Linear(192, 2))
    seen = dense_layers(Knowledge(model, (8, 8, 3), 2))
    item = np.random.default_rng(0).random((2, 8, 8, 3)).astype(np.float32)
    entering = model[:2](torch.tensor(item)).double().numpy()
    assert np.array_equal(seen.items_of(entering), item)


def test_a_convolution_before_hides_the_item() -> None:
    seen = dense_layers(Knowledge(lenet((12, 12), 4), (12, 12), 4))
    assert seen.order is None
    assert [layer.activation for layer in seen.layers] == [Activation("relu"), Activation("relu"), None]


def test_what_rescales_the_item_hides_it() -> None:
    model = nn.Sequential(nn.Hardtanh(), nn.Linear(4, 2))
    assert dense_layers(Knowledge(model, (4,), 2)).order is not None  # values within ±1 stay
    assert dense_layers(Knowledge(nn.Sequential(nn.ReLU(), *model), (4,), 2)).order is None


def test_a_norm_between_is_no_activation() -> None:
    model = nn.Sequential(nn.Linear(4, 5), nn.LayerNorm(5), nn.ReLU(), nn.Linear(5, 2))
    assert dense_layers(Knowledge(model, (4,), 2)).layers[0].activation is None


def test_the_model_itself_may_be_the_layer() -> None:
    first = dense_layers(Knowledge(nn.Linear(4, 2, bias=False), (4,), 2)).layers[0]
    assert (first.weight_name, first.bias_name, first.bias) == ("weight", "bias", None)
    assert first.outputs_of(np.ones(4)).tolist() == pytest.approx(first.weight.sum(1).tolist())


class Twice(nn.Module):
    """One layer, executed twice."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(4, 4)

    def forward(self, items: Tensor) -> Tensor:
        read: Tensor = self.one(self.one(items))
        return read


@pytest.mark.parametrize(
    ("model", "shape", "says"),
    [
        (nn.Sequential(nn.Conv1d(3, 2, 1), nn.Flatten()), (3, 4), "Sequential executes no torch.nn.Linear"),
        (nn.Linear(4, 2), (3, 4), "'' is given an array of shape (8, 3, 4) for 8 items"),
        (Twice(), (4,), "'one' is executed 2 times"),
    ],
)
def test_what_cannot_be_read_is_said(model: nn.Module, shape: tuple[int, ...], says: str) -> None:
    with pytest.raises(LearnerError, match=re.escape(says)):
        dense_layers(Knowledge(model, shape, 2))


def test_dropout_in_evaluation_mode_is_seen_through() -> None:
    model = mlp((4,), 2, hidden=(8,), dropout=0.5).eval()
    assert dense_layers(Knowledge(model, (4,), 2)).layers[0].activation == Activation("relu")
