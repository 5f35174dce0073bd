"""The gradient that an attack repeats, and how far messages are apart."""

import numpy as np
import pytest
import torch

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Disclosure
from nextlabel.leakage.gradients import MessageGradient, farthest, relative_distance, tensors_of
from nextlabel.leakage.messages import full
from nextlabel.maths.predictions import softmax
from nextlabel.testing.attack_examples import small_network


def test_the_gradient_can_be_taken_by_some_parameters_and_at_other_weights() -> None:
    model = small_network(6, 8, 4)
    items, labels = np.random.default_rng(0).normal(size=(5, 6)), np.array([0, 3, 1, 1, 2])
    inputs, targets = torch.as_tensor(items), torch.as_tensor(labels)
    sent = full(model, items, labels)
    some = Disclosure("full", {"2.bias": sent["2.bias"]}, 5)
    known = Knowledge(model, (6,), 4)
    gradient = MessageGradient.known(known, some)
    assert list(gradient.parameters) == ["2.bias"]
    assert relative_distance(gradient(inputs, targets), tensors_of(some, torch.float64)) < 1e-12
    moved = {"2.bias": gradient.parameters["2.bias"] + 1.0}
    found = gradient(inputs, targets, moved)["2.bias"].numpy()
    with torch.no_grad():
        proba = softmax((model(inputs) + 1.0).numpy())
    np.testing.assert_allclose(found, (proba - np.eye(4)[labels]).mean(0), rtol=1e-9)


def test_a_factor_of_the_loss_saves_what_single_precision_would_lose() -> None:
    # 2^-100 in both layers: the first layer's gradient is of the order of 2^-200, float32 ends at 2^-149
    model = small_network(6, 8, 4)
    with torch.no_grad():
        dict(model.named_parameters())["2.weight"].mul_(2.0**-100)
    inputs, targets = 2.0**-100 * torch.ones(1, 6), torch.tensor([2])
    exact = MessageGradient(model.double(), "cross_entropy", "sum")(inputs.double(), targets)["0.weight"]
    model.float()
    lost = MessageGradient(model, "cross_entropy", "sum")(inputs, targets)["0.weight"]
    kept = MessageGradient(model, "cross_entropy", "sum", factor=2.0**120)(inputs, targets)["0.weight"]
    assert not lost.any()
    assert exact.any()
    torch.testing.assert_close(2.0**-120 * kept.double(), exact, rtol=1e-5, atol=0.0)


def test_the_distance_of_messages_is_a_share_of_the_length() -> None:
    one = {"a": torch.tensor([3.0]), "b": torch.tensor([4.0])}
    zero = {name: torch.zeros(1) for name in one}
    assert relative_distance(one, one) == 0.0
    assert relative_distance(zero, one) == 1.0
    assert relative_distance({"a": torch.tensor([6.0]), "b": torch.tensor([8.0])}, one) == 1.0
    assert relative_distance(zero, zero) == 0.0
    assert relative_distance(one, zero) == float("inf")


def test_the_farthest_array_is_held_against_its_own_length() -> None:
    sent = {"large": torch.tensor([1.0]), "small": torch.tensor([1e-6]), "none": torch.tensor([0.0])}
    found = {"large": torch.tensor([1.1]), "small": torch.tensor([3e-6]), "none": torch.tensor([1e-12])}
    assert relative_distance(found, sent) == pytest.approx(0.1)
    for replaced, name, share in [
        ({}, "small", 2.0),
        ({"small": sent["small"]}, "large", 0.1),
        (sent | {"none": torch.tensor([2.0**-20])}, "none", 8.0),
    ]:
        where, far = farthest(found | replaced, sent)
        assert where == name
        assert far == pytest.approx(share, rel=1e-3)
    nothing = {"none": torch.tensor([0.0])}
    assert farthest(nothing, nothing) == ("none", 0.0)
