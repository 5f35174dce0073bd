"""The items of a two-layer network's gradient, by their span."""

import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import nn

from nextlabel.core.attack import Knowledge, Recovery
from nextlabel.core.disclosure import Disclosure
from nextlabel.errors import ParameterError
from nextlabel.leakage.attacks.subspace_decomposition import SubspaceDecomposition
from nextlabel.leakage.messages import full
from nextlabel.leakage.two_layer.network import ACTIVATIONS, TwoLayer
from nextlabel.learners.networks import mlp

Floats = NDArray[np.float64]


def network(activation: str, *, has_bias: bool, inputs: int = 12, width: int = 400) -> TwoLayer:
    torch.manual_seed(0)
    model = TwoLayer(inputs, width, activation=activation, has_bias=has_bias)
    if has_bias:
        nn.init.normal_(model.hidden.bias)
        nn.init.normal_(model.head.bias)
    return model.double()


def items_of(many: int, inputs: int = 12) -> Floats:
    """Of lengths between about 0.5 and 2."""
    rng = np.random.default_rng(1)
    return np.asarray(
        rng.standard_normal((many, inputs)) * rng.uniform(0.5, 2.0, (many, 1)) / np.sqrt(inputs)
    )


TARGETS = np.random.default_rng(2).standard_normal((9, 1))


def attacked(
    model: nn.Module,
    items: Floats,
    *,
    attack: SubspaceDecomposition | None = None,
    change: Callable[[str, Floats], Floats] | None = None,
    **known: object,
) -> Recovery:
    """The recovery from the gradient of the squared error with `TARGETS`."""
    message = full(model, items, TARGETS[: len(items)], loss="squared_error")
    if change is not None:
        arrays = {name: change(name, one) for name, one in message.arrays.items()}
        message = Disclosure("full", arrays, len(items))
    knowledge = Knowledge(model, items.shape[1:], 1, loss="squared_error", **known)  # type: ignore[arg-type]
    return (attack or SubspaceDecomposition()).recover(message, knowledge, np.random.default_rng(3))


def matched(found: Recovery, items: Floats) -> tuple[NDArray[np.int64], float]:
    """Which found item is which, and the largest relative error."""
    assert found.items is not None
    assert len(found.items) == len(items)
    rows, flat = found.items.reshape(len(items), -1), items.reshape(len(items), -1)
    apart = np.linalg.norm(rows[:, None] - flat[None], axis=2) / np.linalg.norm(flat, axis=1)
    places, owners = linear_sum_assignment(apart)
    return places[owners.argsort()], float(apart[places, owners].max())


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_items_and_targets_are_recovered_where_there_are_biases(activation: str) -> None:
    items = items_of(4)
    found = attacked(network(activation, has_bias=True), items)
    assert (found.outcome, found.reason) == ("recovered", "")
    order, error = matched(found, items)
    assert error < 1e-9
    assert found.residual is not None
    assert found.residual < 1e-12
    assert found.labels is not None
    assert found.labels[order] == pytest.approx(TARGETS[:4], abs=1e-8)
    assert found.details["rank"] == 4


@pytest.mark.parametrize("activation", ["sigmoid", "shifted_sigmoid", "softplus"])
def test_what_a_symmetry_moves_in_the_message_tells_which_way_round_items_are(activation: str) -> None:
    items = items_of(4)
    found = attacked(network(activation, has_bias=False), items)
    assert found.outcome == "recovered"
    assert matched(found, items)[1] < 1e-9


def test_an_odd_activation_without_bias_hides_which_way_round_items_are() -> None:
    model, items = network("tanh", has_bias=False), items_of(3)
    found = attacked(model, items)
    assert found.outcome == "unidentifiable"
    assert "its opposite explain the message equally well" in found.reason
    assert found.items is not None
    assert found.labels is not None
    again = full(model, found.items, found.labels, loss="squared_error")
    for name, array in full(model, items, TARGETS[:3], loss="squared_error").arrays.items():
        assert again[name] == pytest.approx(array, abs=1e-9)
    # the claim itself: the opposite items with the opposite targets give the message
    message = full(model, items, TARGETS[:3], loss="squared_error")
    opposite = full(model, -items, -TARGETS[:3], loss="squared_error")
    for name, array in message.arrays.items():
        assert opposite[name] == pytest.approx(array, abs=1e-14)
    signs = np.sign((found.items[:, None] * items[None]).sum(2))
    apart = np.abs(found.items[:, None] - signs[:, :, None] * items[None]).max(2).min(1)
    assert apart.max() < 1e-9


def test_known_bounds_tell_which_way_round_items_are() -> None:
    items = np.abs(items_of(3))
    found = attacked(network("tanh", has_bias=False), items, bounds=(0.0, 2.0))
    assert found.outcome == "recovered"
    assert matched(found, items)[1] < 1e-9


def test_the_bias_of_the_head_tells_which_way_round_items_are() -> None:
    model, items = network("tanh", has_bias=False), items_of(3)
    model.head = nn.Linear(400, 1).double()
    found = attacked(model, items)
    assert found.outcome == "recovered"
    assert matched(found, items)[1] < 1e-9


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
def test_a_rectifier_without_bias_tells_directions_and_no_lengths(activation: str) -> None:
    items = items_of(4)
    found = attacked(network(activation, has_bias=False), items)
    assert found.outcome == "unidentifiable"
    assert "no length" not in found.reason
    assert "not its length" in found.reason
    lengths = np.linalg.norm(items, axis=1, keepdims=True)
    assert matched(found, items / lengths)[1] < 1e-9


def test_known_targets_tell_which_way_round_items_are() -> None:
    items = items_of(3)
    found = attacked(network("tanh", has_bias=False), items, labels=TARGETS[:3])
    assert found.outcome == "recovered"
    assert matched(found, items)[1] < 1e-9
    other = attacked(network("tanh", has_bias=False), items, labels=TARGETS[3:6])
    assert (other.outcome, "that are known may tell" in other.reason) == ("failed", True)


def test_known_targets_leave_no_proof_that_lengths_are_hidden() -> None:
    found = attacked(network("relu", has_bias=False), items_of(3), labels=TARGETS[:3])
    assert (found.outcome, "that are known may tell" in found.reason) == ("failed", True)


@pytest.mark.parametrize("has_head_bias", [False, True])
@pytest.mark.parametrize("many", [1, 4])
@pytest.mark.parametrize("activation", [nn.ReLU, nn.LeakyReLU, nn.Tanh])
def test_cross_entropy_tells_sides_and_lengths_that_no_bias_does(
    activation: Callable[[], nn.Module], many: int, has_head_bias: bool
) -> None:
    """One class an item leaves one way round and one length, whatever the model itself would say."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(12, 60, bias=False), activation(), nn.Linear(60, 5, bias=has_head_bias)
    ).double()
    items, labels = items_of(many) * 3, np.array([0, 4, 1, 2])[:many]
    message, known = full(model, items, labels), Knowledge(model, (12,), 5)
    found = SubspaceDecomposition().recover(message, known, np.random.default_rng(3))
    assert (found.outcome, found.reason) == ("recovered", "")
    order, error = matched(found, items)
    assert error < 1e-6
    assert found.labels is not None
    assert found.labels[order].tolist() == labels.tolist()


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh])
def test_of_two_classes_another_item_may_explain_a_message(activation: Callable[[], nn.Module]) -> None:
    """Of another length, or the opposite with the other class; what is given makes the message."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, 60, bias=False), activation(), nn.Linear(60, 2, bias=False)).double()
    told = []
    for item in items_of(8) * 3:
        message = full(model, item[None], np.array([1]))
        found = SubspaceDecomposition().recover(message, Knowledge(model, (12,), 2), np.random.default_rng(3))
        told.append(found.outcome)
        assert found.items is not None
        assert found.labels is not None
        again = full(model, found.items, found.labels)
        for name, array in message.arrays.items():
            assert again[name] == pytest.approx(array, rel=1e-5, abs=1e-9)
        if found.outcome == "recovered":
            assert matched(found, item[None])[1] < 1e-6
    assert "unidentifiable" in told


@pytest.mark.parametrize("activation", [nn.Sigmoid, nn.ReLU, nn.GELU])
def test_classes_are_recovered_with_their_items(activation: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 200), activation(), nn.Linear(200, 5)).double()
    items, labels = items_of(4).reshape(4, 3, 4) * 3, np.array([0, 4, 4, 2])
    message = full(model, items, labels)
    found = SubspaceDecomposition().recover(message, Knowledge(model, (3, 4), 5), np.random.default_rng(3))
    assert found.outcome == "recovered"
    order, error = matched(found, items)
    assert error < 1e-6
    assert found.labels is not None
    assert found.labels[order].tolist() == labels.tolist()


def test_items_of_a_perceptron_on_digits_are_recovered() -> None:
    from sklearn.datasets import load_digits

    items = (load_digits().images[:3] / 16.0).astype(np.float32)
    torch.manual_seed(0)
    model = mlp((8, 8), 10, hidden=(256,)).eval()
    found = SubspaceDecomposition().recover(
        full(model, items, load_digits().target[:3]), Knowledge(model, (8, 8), 10), np.random.default_rng(0)
    )
    assert found.outcome == "recovered"
    order, error = matched(found, items.astype(np.float64))
    assert error < 1e-3
    assert found.labels is not None
    assert found.labels[order].tolist() == [0, 1, 2]


def test_the_number_of_items_is_found_and_not_believed() -> None:
    model, items = network("softplus", has_bias=True), items_of(3)
    message = full(model, items, TARGETS[:3], loss="squared_error")
    boasting = Disclosure("full", message.arrays, items=7)
    knowledge = Knowledge(model, (12,), 1, loss="squared_error", reduction="mean", batch=7)
    found = SubspaceDecomposition().recover(boasting, knowledge, np.random.default_rng(0))
    assert matched(found, items)[1] < 1e-9
    assert found.reason.startswith("3 items explain the message, which speaks of 7")
    assert found.labels is None


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("batch", [None, 3])
def test_targets_follow_under_both_reductions(reduction: str, batch: int | None) -> None:
    model, items = network("softplus", has_bias=True), items_of(3)
    message = full(model, items, TARGETS[:3], loss="squared_error", reduction=reduction)
    knowledge = Knowledge(model, (12,), 1, loss="squared_error", reduction=reduction, batch=batch)
    found = SubspaceDecomposition().recover(message, knowledge, np.random.default_rng(0))
    order, _ = matched(found, items)
    assert found.labels is not None
    assert found.labels[order] == pytest.approx(TARGETS[:3], abs=1e-8)


@pytest.mark.parametrize("batch", [None, 3])
def test_no_targets_are_told_of_equal_items(batch: int | None) -> None:
    # two equal items have one direction with the sum of their shares: what was asked of each is lost
    model, items = network("softplus", has_bias=True), items_of(3)
    items[2] = items[1]
    found = attacked(model, items, batch=batch)
    assert found.outcome == "recovered"
    assert matched(found, items[:2])[1] < 1e-9
    assert found.labels is None
    assert found.reason.startswith("2 items explain the message, which speaks of 3")


def test_no_classes_are_told_of_equal_items() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, 200), nn.Sigmoid(), nn.Linear(200, 5)).double()
    items = items_of(3) * 3
    items[2] = items[1]
    message = full(model, items, np.array([0, 4, 2]))
    found = SubspaceDecomposition().recover(message, Knowledge(model, (12,), 5), np.random.default_rng(3))
    assert found.details["rank"] == 2
    assert found.labels is None


@pytest.mark.parametrize(("many", "width"), [(13, 400), (8, 8)])
def test_more_items_than_values_or_units_are_refused_as_rank_exhausted(many: int, width: int) -> None:
    items = np.random.default_rng(5).standard_normal((many, 12)) / 3
    model = network("tanh", has_bias=True, width=width)
    message = full(model, items, np.random.default_rng(6).standard_normal((many, 1)), loss="squared_error")
    knowledge = Knowledge(model, (12,), 1, loss="squared_error")
    found = SubspaceDecomposition().recover(message, knowledge, np.random.default_rng(0))
    assert found.outcome == "failed"
    assert found.reason.startswith(f"rank exhausted: the hidden gradient of {width} units and 13 values")


def test_dependent_items_are_not_claimed() -> None:
    items = items_of(4)
    items[3] = items[0] + items[1] - items[2]
    found = attacked(network("tanh", has_bias=True), items, attack=SubspaceDecomposition(restarts=2))
    assert found.outcome == "failed"
    assert re.search(r"the best of 2 starts leaves 0\.\d+ of the message", found.reason)


def noisy(strength: float) -> Callable[[str, Floats], Floats]:
    rng = np.random.default_rng(7)

    def change(_: str, array: Floats) -> Floats:
        usual = np.sqrt((array**2).mean())
        return np.asarray(array + strength * usual * rng.standard_normal(array.shape))

    return change


@pytest.mark.parametrize("activation", ["softplus", "tanh"])
def test_a_little_noise_moves_items_a_little(activation: str) -> None:
    items = items_of(2)
    found = attacked(network(activation, has_bias=True), items, change=noisy(1e-5))
    assert found.outcome == "recovered"
    assert 1e-8 < matched(found, items)[1] < 1e-2


@pytest.mark.parametrize("strength", [0.3, 30.0])
def test_much_noise_fails_with_a_reason(strength: float) -> None:
    quick = SubspaceDecomposition(restarts=1, repairs=0, steps=5)
    found = attacked(network("softplus", has_bias=True), items_of(2), change=noisy(strength), attack=quick)
    assert found.outcome == "failed"
    assert re.search("noise|rank exhausted|starts", found.reason)


def test_an_answered_item_leaves_no_trace_and_the_others_come_back() -> None:
    model, items = network("softplus", has_bias=True), items_of(3)
    with torch.no_grad():
        targets = model(torch.as_tensor(items)).numpy() + np.array([[1.0], [0.0], [-1.0]])
    message = full(model, items, targets, loss="squared_error")
    knowledge = Knowledge(model, (12,), 1, loss="squared_error", batch=3)
    found = SubspaceDecomposition().recover(message, knowledge, np.random.default_rng(0))
    assert matched(found, items[[0, 2]])[1] < 1e-9
    assert found.reason.startswith("2 items explain the message")


def test_no_time_ends_in_failure_and_says_that_the_clock_did_it() -> None:
    attack = SubspaceDecomposition(seconds=1e-9)
    found = attacked(network("softplus", has_bias=True), items_of(4), attack=attack)
    assert found.outcome == "failed"
    assert found.is_cut


def test_a_head_of_zeros_is_no_answer() -> None:
    def pruned(name: str, array: Floats) -> Floats:
        return np.zeros_like(array) if name == "head.weight" else array

    found = attacked(
        network("tanh", has_bias=True), items_of(4), attack=SubspaceDecomposition(restarts=2), change=pruned
    )
    assert found.outcome == "failed"
    assert "of the message, and rounding and noise would leave less than" in found.reason


def test_a_gradient_of_zeros_tells_of_no_item() -> None:
    found = attacked(network("tanh", has_bias=True), items_of(2), change=lambda _, one: 0.0 * one)
    assert (found.outcome, found.reason) == ("failed", "the gradient is zero: it tells of no item")


def test_the_gradient_of_another_model_is_not_claimed() -> None:
    message = full(network("tanh", has_bias=True), items_of(2), TARGETS[:2], loss="squared_error")
    torch.manual_seed(9)
    other = TwoLayer(12, 400, has_bias=True).double()
    knowledge = Knowledge(other, (12,), 1, loss="squared_error")
    attack = SubspaceDecomposition(restarts=2, repairs=1)
    found = attack.recover(message, knowledge, np.random.default_rng(0))
    assert found.outcome == "failed"
    assert found.residual is not None
    assert found.residual > 0.1


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"restarts": 0}, "'restarts' must be a whole number from 1 up; received 0"),
        ({"repairs": -1}, "'repairs' must be a whole number from 0 up; received -1"),
        ({"steps": 0}, "'steps' must be a whole number from 1 up; received 0"),
        ({"seconds": 0.0}, "'seconds' must be a number above 0; received 0.0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, float], says: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(says)):
        SubspaceDecomposition(**settings)  # type: ignore[arg-type]
