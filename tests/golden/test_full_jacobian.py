"""The full Jacobian: against real steps of training, the closed form of one layer, and what it refuses."""

from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nextlabel.errors import LearnerError, ParameterError
from nextlabel.learners import output_change as module
from nextlabel.learners.output_change import JacobianChange
from nextlabel.maths.output_change import last_layer_change

_STEP = 1e-6
BOTH = [(labels, of) for labels in ("marginal", "map") for of in ("probabilities", "logits")]


def made(*layers: nn.Module, seed: int = 0) -> nn.Sequential:
    """A network in evaluation mode, its weights drawn from the seed, in float64."""
    network = nn.Sequential(*layers).double().eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for one in network.parameters():
            one.copy_(torch.randn(one.shape, generator=generator, dtype=torch.float64))
    return network


def rows(n: int, *shape: int, seed: int = 1) -> Tensor:
    return torch.as_tensor(np.random.default_rng(seed).standard_normal((n, *shape)))


def perceptron() -> nn.Sequential:
    return made(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 4))


def by_steps(network: nn.Module, items: Tensor, references: Tensor, labels: str, of: str) -> NDArray[Any]:
    """Each item is learnt for each label by a real step of SGD, and the references are looked at again."""

    def outputs(model: nn.Module) -> Tensor:
        with torch.no_grad():
            logits: Tensor = model(references)
        return logits if of == "logits" else logits.softmax(1)

    before = outputs(network)
    result = np.zeros(len(items))
    for number, item in enumerate(items):
        with torch.no_grad():
            proba = network(item[None])[0].softmax(0).numpy()
        for label, chance in enumerate(proba):
            stepped = deepcopy(network)
            optimiser = torch.optim.SGD(stepped.parameters(), lr=_STEP)
            nn.functional.cross_entropy(stepped(item[None]), torch.tensor([label])).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            change = float((outputs(stepped) - before).abs().sum(1).mean()) / _STEP
            share = chance if labels == "marginal" else float(label == proba.argmax())
            result[number] += share * change
    return result


@pytest.mark.parametrize(("labels", "of"), BOTH)
def test_it_is_what_a_real_step_of_training_changes(labels: Any, of: Any) -> None:
    """A step of 1e-6: the second order is about 1e-6 of the first times the curvature, a few dozen."""
    network, items, references = perceptron(), rows(4, 3), rows(6, 3, seed=2)
    found = JacobianChange(labels=labels, of=of)(network, items, references)
    np.testing.assert_allclose(found, by_steps(network, items, references, labels, of), rtol=1e-3)


@pytest.mark.parametrize(("labels", "of"), BOTH)
def test_of_one_linear_layer_it_is_the_closed_form(labels: Any, of: Any) -> None:
    network, items, references = made(nn.Linear(3, 4)), rows(8, 3), rows(5, 3, seed=2)
    with torch.no_grad():
        proba, seen = (network(one).softmax(1).numpy() for one in (items, references))
    expected = last_layer_change(
        proba, items.numpy(), seen, references.numpy(), labels=labels, of=of, include_bias=True
    )
    np.testing.assert_allclose(JacobianChange(labels=labels, of=of)(network, items, references), expected)


def test_weights_that_do_not_learn_take_no_step() -> None:
    network, items, references = perceptron(), rows(4, 3), rows(6, 3, seed=2)
    for one in network[0].parameters():
        one.requires_grad_(False)
    with torch.no_grad():
        hidden, watched = (network[:2](one) for one in (items, references))
        proba, seen = (network[2](one).softmax(1).numpy() for one in (hidden, watched))
    expected = last_layer_change(proba, hidden.numpy(), seen, watched.numpy(), include_bias=True)
    np.testing.assert_allclose(JacobianChange()(network, items, references), expected)


def test_convolutions_batch_norm_and_layers_in_place_are_understood() -> None:
    layers = (nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten())
    network, items, references = made(*layers, nn.Linear(8, 3)), rows(3, 1, 6, 6), rows(4, 1, 6, 6, seed=2)
    found = JacobianChange(of="logits")(network, items, references)
    np.testing.assert_allclose(found, by_steps(network, items, references, "marginal", "logits"), rtol=1e-3)


def test_however_many_pairs_are_held_at_once_the_answer_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    network, items, references = perceptron(), rows(4, 3), rows(6, 3, seed=2)
    whole = JacobianChange()(network, items, references)
    monkeypatch.setattr(module, "_NUMBERS", 1)
    np.testing.assert_allclose(JacobianChange()(network, items, references), whole, rtol=1e-12)


def test_the_network_is_left_as_it_was() -> None:
    network = perceptron()
    before = deepcopy(network.state_dict())
    JacobianChange()(network, rows(2, 3), rows(2, 3, seed=2))
    assert all(torch.equal(before[name], values) for name, values in network.state_dict().items())
    assert all(one.grad is None for one in network.parameters())


def test_a_certain_item_changes_nothing() -> None:
    network = made(nn.Linear(2, 2))
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([[1000.0, 0.0], [-1000.0, 0.0]]))  # type: ignore[operator]
    assert JacobianChange()(network, torch.ones(1, 2).double(), rows(3, 2)).tolist() == [0.0]


def test_an_operation_that_has_no_forward_derivative_is_named_in_the_refusal() -> None:
    class Odd(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, values: Tensor) -> Tensor:
            return values.clone()

        @staticmethod
        def backward(ctx: Any, *gradients: Any) -> Any:
            return gradients[0]

    class Layer(nn.Module):
        def forward(self, values: Tensor) -> Tensor:
            result: Tensor = Odd.apply(values)  # type: ignore[no-untyped-call]
            return result

    with pytest.raises(
        LearnerError, match=r"operations of Sequential is not of that kind.*jacobian='last_layer'"
    ):
        JacobianChange()(made(nn.Linear(2, 2), Layer()), rows(1, 2), rows(2, 2))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"reference": 0}, "JacobianChange's 'reference' must be a whole number from 1 up; received 0"),
        ({"labels": "all"}, "JacobianChange's 'labels' must be 'marginal' or 'map'; received 'all'"),
        ({"of": "votes"}, "JacobianChange's 'of' must be 'probabilities' or 'logits'; received 'votes'"),
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        JacobianChange(**wrong)
