"""What every registered loss promises."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nextlabel import build, names
from nextlabel.core.registry import resolve, spec_of
from nextlabel.core.spec import Spec
from nextlabel.errors import LearnerError, ParameterError
from nextlabel.learners.losses import Loss, loss_of
from nextlabel.learners.objective import Mixed, OfLoss

NAMES = names("loss")
COUNTS = [5, 1, 0, 3]
FIELDS = [(name, one.name) for name in NAMES for one in dataclasses.fields(resolve("loss", name))]


def ready(name: str) -> Loss:
    return loss_of(name).for_counts(COUNTS)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(0)
    return torch.tensor(rng.normal(size=(9, 4)) * 3), torch.tensor(np.repeat([0, 1, 3], [5, 1, 3]))


@pytest.mark.parametrize("name", NAMES)
def test_it_is_a_value_that_can_be_written_down_and_read_back(name: str) -> None:
    loss = loss_of(name)
    assert loss_of(json.loads(loss.spec.to_json())) == loss
    assert loss.spec.name == name
    assert loss.spec == Spec.read(json.loads(loss.spec.to_json()))
    hash(loss)


@pytest.mark.parametrize("name", NAMES)
def test_a_learner_that_holds_it_can_be_written_down_and_read_back(name: str) -> None:
    learner = build("learner", {"name": "torch", "loss": loss_of(name)})
    assert build("learner", json.loads(spec_of(learner).to_json())) == learner


@pytest.mark.parametrize("name", NAMES)
def test_in_mixed_precision_only_the_network_is_rounded(name: str) -> None:
    """The outputs are those of bfloat16; what the loss makes of them is exact, and so are the weights."""
    rng = np.random.default_rng(0)
    network = nn.Linear(3, 4)
    network.load_state_dict(
        {"weight": torch.tensor(rng.normal(size=(4, 3))), "bias": torch.tensor(rng.normal(size=4))}
    )
    items = torch.tensor(rng.normal(size=(9, 3)), dtype=torch.float32)
    labels = batch()[1]
    loss = ready(name)
    found = Mixed(OfLoss(loss), "cpu").loss(network, items, labels, None)
    assert found.dtype == torch.float32
    found.backward()  # type: ignore[no-untyped-call]
    assert network.weight.grad is not None
    assert network.weight.grad.dtype == torch.float32
    if type(loss).on_network is Loss.on_network:
        rounded = network.bfloat16()(items.bfloat16()).float()
        torch.testing.assert_close(found, loss.per_item(rounded, labels).mean(), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_every_item_has_its_own_loss(name: str) -> None:
    """Items in another order have the same losses in that order; none is below 0 or not finite."""
    outputs, labels = batch()
    loss = ready(name)
    found = loss.per_item(outputs, labels)
    assert found.shape == (9,)
    assert torch.isfinite(found).all()
    assert (found >= 0).all()
    order = torch.tensor(np.random.default_rng(1).permutation(9))
    torch.testing.assert_close(loss.per_item(outputs[order], labels[order]), found[order])


@pytest.mark.parametrize("name", NAMES)
def test_its_gradient_raises_the_output_of_the_label(name: str) -> None:
    outputs, labels = batch()
    outputs.requires_grad_()
    (slope,) = torch.autograd.grad(ready(name).per_item(outputs, labels).sum(), outputs)
    assert torch.isfinite(slope).all()
    assert (slope.gather(1, labels[:, None]) < 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_on_a_network_it_is_at_least_that_of_the_outputs(name: str) -> None:
    items, labels = batch()
    network = nn.Linear(4, 4).double()
    loss = ready(name)
    found, alone = loss.on_network(network, items, labels), loss.per_item(network(items), labels)
    assert (found >= alone).all()
    if name != "adversarial_comp_sum":
        assert torch.equal(found, alone)


@pytest.mark.parametrize("name", NAMES)
def test_its_logits_are_in_the_order_of_the_outputs(name: str) -> None:
    outputs, _ = batch()
    for loss in (loss_of(name), ready(name)):
        np.testing.assert_array_equal(loss.logits(outputs).argsort(1), outputs.argsort(1))
        assert isinstance(loss.is_probabilistic, bool)


@pytest.mark.parametrize("name", NAMES)
def test_it_learns_what_can_be_learnt(name: str) -> None:
    """Three classes apart by six units in the plane: a linear network gets all of them right."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 20)
    centres = np.array([[3.0, 0], [-3, 3], [-3, -3]])
    items = torch.tensor(centres[labels] + 0.1 * rng.normal(size=(60, 2)))
    loss = loss_of(name).for_counts([20, 20, 20])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Linear(2, 3).double()
        optimiser = torch.optim.Adam(network.parameters(), lr=0.1)
        for _ in range(60):
            optimiser.zero_grad()
            loss.on_network(network, items, torch.tensor(labels)).mean().backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    assert (network(items).argmax(1).numpy() == labels).all()


@pytest.mark.parametrize("value", [None, float("nan"), [1], "x"], ids=repr)
@pytest.mark.parametrize(("name", "field"), FIELDS)
def test_a_value_of_another_type_is_refused(name: str, field: str, value: Any) -> None:
    with pytest.raises((ParameterError, LookupError), match=r"(?i)must be|is not a registered loss"):
        loss_of({"name": name, field: value})


@pytest.mark.parametrize("name", NAMES)
def test_a_setting_that_it_does_not_have_is_refused(name: str) -> None:
    with pytest.raises(ParameterError, match=f"'{name}' has no parameter 'sharpness'"):
        loss_of({"name": name, "sharpness": 1})


def test_only_the_balanced_one_waits_for_counts() -> None:
    outputs, labels = batch()
    for name in NAMES:
        if name == "class_balanced":
            with pytest.raises(LearnerError, match="needs the labelled counts"):
                loss_of(name).per_item(outputs, labels)
        else:
            loss_of(name).per_item(outputs, labels)
