"""The label of one item is read off the last layer's gradient, or it is said why not."""

import numpy as np
import pytest
import torch
from torch import nn

from nextlabel.core.attack import Knowledge, Recovery
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.leakage.attacks.label_inference import LabelInference, inferred_label
from nextlabel.leakage.messages import full, last_layer, update

RNG = np.random.default_rng(0)


def network(
    classes: int = 4, *, bias: bool = True, seed: int = 0, activation: type[nn.Module] = nn.ReLU
) -> nn.Module:
    rng = np.random.default_rng(seed)
    model = nn.Sequential(nn.Linear(6, 12), activation(), nn.Linear(12, classes, bias=bias)).double().eval()
    with torch.no_grad():
        for one in model.parameters():
            one.copy_(torch.as_tensor(rng.normal(size=tuple(one.shape))))
    return model


def inferred(model: nn.Module, item: Array, label: Array, **more: object) -> Recovery:
    sent = last_layer(model, item, label)
    known = Knowledge(model, (6,), model.get_submodule("2").get_parameter("weight").shape[0])
    return LabelInference().recover(sent, known, RNG)


def test_the_one_negative_entry_is_the_label() -> None:
    assert inferred_label(None, np.array([0.2, 0.3, -0.5])) == 2


def test_a_saturated_prediction_leaves_zeros_and_the_label() -> None:
    assert inferred_label(None, np.array([1.0, 0.0, -1.0, 0.0])) == 2


def test_zeros_tell_no_label() -> None:
    assert inferred_label(None, np.zeros(3)) is None
    assert inferred_label(np.zeros((3, 2)), None) is None
    assert inferred_label(None, None) is None


def test_several_negative_entries_of_like_size_tell_no_label() -> None:
    assert inferred_label(None, np.array([-0.3, 0.6, -0.3])) is None


def test_noise_below_half_of_what_is_negative_does_not_hide_the_label() -> None:
    assert inferred_label(None, np.array([0.5, -0.6, 0.2, -0.1])) == 1


@pytest.mark.parametrize("label", range(4))
@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh])
def test_without_a_bias_the_row_opposite_to_the_others_is_the_label(
    label: int, activation: type[nn.Module]
) -> None:
    model = network(bias=False, activation=activation)
    for item in np.random.default_rng(1).normal(size=(20, 1, 6)):
        sent = last_layer(model, item, np.array([label]))
        assert inferred_label(sent["2.weight"], None) == label


@pytest.mark.parametrize("label", [0, 1])
def test_of_two_classes_the_sign_of_the_features_decides(label: int) -> None:
    item = np.random.default_rng(1).normal(size=(1, 6))
    rectified = last_layer(network(2, bias=False), item, np.array([label]))
    assert inferred_label(rectified["2.weight"], None) == label
    signed = last_layer(network(2, bias=False, activation=nn.Tanh), item, np.array([label]))
    assert inferred_label(signed["2.weight"], None) is None


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("classes", [2, 3, 10])
def test_every_label_of_every_item_is_recovered(classes: int, reduction: str) -> None:
    model = network(classes)
    known = Knowledge(model, (6,), classes, reduction=reduction)
    for place, item in enumerate(np.random.default_rng(2).normal(size=(20, 1, 6))):
        sent = full(model, item, np.array([place % classes]), reduction=reduction)
        found = LabelInference().recover(sent, known, RNG)
        assert found.outcome == "recovered"
        assert found.labels is not None
        assert found.labels.tolist() == [place % classes]
        assert found.residual == pytest.approx(0.0, abs=1e-9)


def test_a_smoothed_label_is_recovered_where_its_sign_would_mislead() -> None:
    # of a sure and right prediction of two classes the smoothed label's own entry is positive
    model = network(2)
    items = np.random.default_rng(3).normal(size=(40, 1, 6))
    sure = next(one for one in items if model(torch.tensor(one)).softmax(-1)[0, 0] > 0.999)
    found = inferred(model, sure, np.array([[0.9, 0.1]]))
    assert inferred_label(None, last_layer(model, sure, np.array([[0.9, 0.1]]))["2.bias"]) == 1
    assert found.labels is not None
    assert (found.outcome, found.labels.tolist()) == ("recovered", [0])
    assert found.details["is_soft"]
    assert found.details["label"] == pytest.approx([0.9, 0.1], abs=1e-6)
    assert "The label is read as 0.9 for class 0 and the rest for others" in found.reason


def test_the_bias_alone_is_enough() -> None:
    model = network()
    sent = last_layer(model, np.ones((1, 6)), np.array([3]))
    alone = Disclosure("last_layer", {"2.bias": sent["2.bias"]}, 1)
    found = LabelInference().recover(alone, Knowledge(model, (6,), 4), RNG)
    assert found.labels is not None
    assert found.labels.tolist() == [3]
    assert "sign of the bias alone" in found.reason


def test_an_update_of_several_steps_is_said_to_be_an_approximation() -> None:
    model = network()
    sent = update(model, np.ones((1, 6)), np.array([3]), steps=5, rate=1e-3)
    found = LabelInference().recover(sent, Knowledge(model, (6,), 4, steps=5, rate=1e-3), RNG)
    assert found.labels is not None
    assert found.labels.tolist() == [3]
    assert "5 steps" in found.reason


def test_a_zero_gradient_is_said_to_hold_no_sign() -> None:
    model = network()
    zero = Disclosure("last_layer", {"2.weight": np.zeros((4, 12)), "2.bias": np.zeros(4)}, 1)
    found = LabelInference().recover(zero, Knowledge(model, (6,), 4), RNG)
    assert (found.outcome, found.labels) == ("failed", None)
    assert "no sign is left" in found.reason


def test_a_random_message_is_not_explained() -> None:
    rng = np.random.default_rng(5)
    sent = Disclosure("last_layer", {"2.weight": rng.normal(size=(4, 12)), "2.bias": rng.normal(size=4)}, 1)
    assert LabelInference().recover(sent, Knowledge(network(), (6,), 4), rng).outcome != "recovered"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"loss": "squared_error"}, "the loss is squared_error"),
        ({"batch": 3}, "The message speaks of 3 items"),
    ],
)
def test_what_has_no_single_class_is_refused(more: dict[str, object], says: str) -> None:
    model = network()
    sent = last_layer(model, np.ones((1, 6)), np.array([3]))
    found = LabelInference().recover(sent, Knowledge(model, (6,), 4, **more), RNG)  # type: ignore[arg-type]
    assert found.outcome == "refused"
    assert says in found.reason


def test_gradients_of_another_shape_are_refused() -> None:
    model = network()
    other = Disclosure("last_layer", {"2.weight": np.ones((4, 3)), "2.bias": np.ones(4)}, 1)
    found = LabelInference().recover(other, Knowledge(model, (6,), 4), RNG)
    assert found.outcome == "refused"
    assert "(4, 12); received (4, 3)" in found.reason
    foreign = Disclosure("full", {"head": np.ones(4)}, 1)
    found = LabelInference().recover(foreign, Knowledge(model, (6,), 4), RNG)
    assert found.outcome == "refused"
    assert "the message names head" in found.reason
