"""Items in closed form, the rank of a batch, and items alone in a unit."""

import itertools
import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from nextlabel.core.attack import Knowledge, Recovery
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.leakage.attacks.fully_connected import FullyConnected
from nextlabel.leakage.closed_forms.known_items import answers_behind
from nextlabel.leakage.closed_forms.layer_gradients import last_layer as last_layer_of
from nextlabel.leakage.defences.roundings import Int8
from nextlabel.leakage.messages import full, last_layer, update
from nextlabel.learners.networks import lenet

RNG = np.random.default_rng(0)


def network(
    *widths: int, bias: bool = True, dtype: torch.dtype = torch.float64, seed: int = 0
) -> nn.Sequential:
    rng = np.random.default_rng(seed)
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in itertools.pairwise(widths):
        layer = nn.Linear(inputs, outputs, bias=bias, dtype=dtype)
        with torch.no_grad():
            for one in layer.parameters():
                one.copy_(torch.as_tensor(rng.normal(size=tuple(one.shape)) / np.sqrt(inputs)))
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1]).eval()


def items_of(number: int, seed: int = 1) -> Array:
    return np.random.default_rng(seed).random((number, 3, 4))


def recovered(sent: Disclosure, model: nn.Module, **more: object) -> Recovery:
    return FullyConnected().recover(sent, Knowledge(model, (3, 4), 5, **more), RNG)  # type: ignore[arg-type]


def worst(found: Array | None, items: Array) -> float:
    """The largest relative distance of a recovered item from the nearest true one."""
    assert found is not None
    apart = np.linalg.norm((found[:, None] - items[None]).reshape(len(found), len(items), -1), axis=2)
    return float((apart.min(axis=1) / np.linalg.norm(items)).max())


class Choosing(nn.Module):
    """A network that chooses by an item's mean which of two layers reads it."""

    def __init__(self) -> None:
        super().__init__()
        self.bright, self.dark, self.last = (
            network(12, 12)[1],
            network(12, 12, seed=1)[1],
            network(12, 5)[1],
        )

    def forward(self, items: torch.Tensor) -> torch.Tensor:
        flat = items.flatten(1)
        chosen = self.bright if bool(flat.mean() > 0.5) else self.dark
        return torch.as_tensor(self.last(torch.sigmoid(chosen(flat))))


def test_an_item_is_read_by_whichever_layer_the_model_chooses() -> None:
    model, means = Choosing(), []
    for seed in range(20):
        item = items_of(1, seed)
        means.append(item.mean())
        found = recovered(full(model, item, np.array([seed % 5])), model)
        assert found.outcome == "recovered", found.reason
        assert worst(found.items, item) < 1e-10
    assert min(means) < 0.5 < max(means)


def test_a_layer_that_reads_features_is_not_taken_for_one_that_reads_items() -> None:
    """The first layer is dead, and the second has as many inputs; what it reads is no item."""
    model = network(12, 12, 5)
    with torch.no_grad():
        model[1].weight.zero_()  # type: ignore[operator]
        model[1].bias.fill_(-1.0)  # type: ignore[operator]
    found = recovered(full(model, items_of(1), np.array([0])), model)
    assert found.outcome == "failed"
    assert "first layer's gradient is zero" in found.reason


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("widths", [(12, 5), (12, 20, 5), (12, 9, 8, 5)])
def test_one_item_is_recovered_to_twelve_digits(widths: tuple[int, ...], reduction: str) -> None:
    model = network(*widths)
    for seed in range(10):
        item = items_of(1, seed)
        sent = full(model, item, np.array([seed % 5]), reduction=reduction)
        found = recovered(sent, model, reduction=reduction)
        assert found.outcome == "recovered"
        assert worst(found.items, item) < 1e-12
        assert found.labels is not None
        assert found.labels.tolist() == [seed % 5]
        assert found.residual == pytest.approx(0.0, abs=1e-12)
        assert found.details["rank"] == 1


def test_in_float32_the_error_is_that_of_rounding() -> None:
    model = network(12, 20, 5, dtype=torch.float32)
    item = items_of(1).astype(np.float32)
    found = recovered(full(model, item, np.array([3])), model)
    assert worst(found.items, item) < 1e-6


def test_a_squared_error_hides_nothing_either() -> None:
    model = network(12, 20, 5)
    item = items_of(1)
    sent = full(model, item, np.ones((1, 5)), loss="squared_error")
    found = recovered(sent, model, loss="squared_error")
    assert worst(found.items, item) < 1e-12
    assert found.labels == pytest.approx(np.ones((1, 5)), abs=1e-12)
    assert found.residual == pytest.approx(0.0, abs=1e-12)


def test_a_target_follows_from_the_last_layer_alone() -> None:
    model, target = network(12, 20, 5), np.random.default_rng(2).normal(size=(1, 5))
    sent = last_layer(model, items_of(1), target, loss="squared_error")
    found = recovered(sent, model, loss="squared_error")
    assert found.items is None
    assert found.labels == pytest.approx(target, abs=1e-12)


def test_an_update_of_one_step_is_a_gradient() -> None:
    model = network(12, 20, 5)
    sent = update(model, items_of(1), np.array([3]), steps=1, rate=0.1)
    assert worst(recovered(sent, model, steps=1, rate=0.1).items, items_of(1)) < 1e-12


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_of_the_last_layer_the_item_follows_where_units_suffice(dtype: torch.dtype) -> None:
    """About half of 60 units are on, each an equation for 12 values; the model's own features settle it."""
    model = network(12, 60, 5, dtype=dtype)
    for seed in range(10):
        found = recovered(last_layer(model, items_of(1, seed), np.array([seed % 5])), model)
        assert found.outcome == "recovered"
        assert worst(found.items, items_of(1, seed)) < (1e-4 if dtype == torch.float32 else 1e-10)
        assert found.labels is not None
        assert found.labels.tolist() == [seed % 5]
        assert found.features is not None
        assert found.features.shape == (1, 60)
        assert found.residual is not None
        assert found.residual < (1e-5 if dtype == torch.float32 else 1e-12)


@pytest.mark.parametrize("frozen", [["1.weight", "1.bias"], ["1.weight"], ["1.bias"]])
def test_a_frozen_first_layer_hides_no_item(frozen: list[str]) -> None:
    """The earliest layer of which weight and bias are sent gives its input, which is followed back."""
    model = network(12, 60, 20, 5)
    sent = full(model, items_of(1), np.array([3]))
    left = {name: one for name, one in sent.arrays.items() if name not in frozen}
    found = recovered(Disclosure("full", left, 1), model)
    assert found.outcome == "recovered"
    assert worst(found.items, items_of(1)) < 1e-10
    assert "the layer '3'" in found.reason
    moved = update(model, items_of(1), np.array([3]), steps=1, rate=0.1)
    left = {name: one for name, one in moved.arrays.items() if name not in frozen}
    found = recovered(Disclosure("update", left, 1), model, steps=1, rate=0.1)
    assert worst(found.items, items_of(1)) < 1e-8


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_frozen_first_layer_hides_no_batch(dtype: torch.dtype) -> None:
    """Items that are alone in a unit of the second layer are followed back from what enters it."""
    model = network(12, 60, 200, 5, dtype=dtype)
    model[1].requires_grad_(False)
    items, labels = np.random.default_rng(1).normal(size=(3, 3, 4)), np.array([3, 1, 4])
    found = recovered(full(model, items, labels), model)
    assert found.outcome == "recovered", found.reason
    assert "The gradient of the layer '3' has rank 3" in found.reason
    assert found.items is not None
    assert len(found.items) > 1
    assert worst(found.items, items) < (1e-3 if dtype == torch.float32 else 1e-9)
    assert found.residual == pytest.approx(0.0, abs=1e-4 if dtype == torch.float32 else 1e-9)
    shallow = network(12, 60, 5)
    shallow[1].requires_grad_(False)
    assert recovered(full(shallow, items, labels), shallow).outcome == "refused"


def test_an_update_of_unknown_scale_leads_back_through_a_frozen_layer() -> None:
    model = network(12, 60, 5)
    model[1].requires_grad_(False)
    sent = update(model, items_of(1), np.array([3]), steps=3, rate=0.1)
    found = recovered(sent, model)
    assert found.outcome == "recovered"
    assert worst(found.items, items_of(1)) < 1e-8
    assert "the layer '3'" in found.reason


def test_an_item_that_the_rest_of_the_message_refutes_is_left_out() -> None:
    """The input of the second layer is that of an item, and the rows of the first are another's."""
    model = network(12, 60, 5)
    one, other = (full(model, items_of(1, seed), np.array([3])).arrays for seed in (1, 2))
    arrays = {"1.weight": one["1.weight"], "3.weight": other["3.weight"], "3.bias": other["3.bias"]}
    found = recovered(Disclosure("full", arrays, 1), model)
    assert (found.outcome, found.items) == ("refused", None)
    assert re.search(r"leaves \d.* of the message", found.reason)
    still = {"3.weight": 0.0 * one["3.weight"], "3.bias": one["3.bias"]}
    found = recovered(Disclosure("full", still, 1), model)
    assert found.items is None
    assert "Nothing enters the layer '3'" in found.reason


def test_noise_that_an_inversion_makes_larger_is_no_item() -> None:
    """Of 24 units about 12 are on: noise of the features comes back many times as large, or not at all."""
    model, rng = network(12, 24, 5), np.random.default_rng(0)
    for seed in range(30):
        sent = last_layer(model, items_of(1, seed), np.array([3]))
        usual = np.sqrt(sum((one**2).sum() for one in sent.arrays.values()) / sent.size)
        arrays = {name: one + 1e-2 * usual * rng.normal(size=one.shape) for name, one in sent.arrays.items()}
        found = recovered(Disclosure("last_layer", arrays, 1), model)
        assert found.items is None or worst(found.items, items_of(1, seed)) < 0.2


def test_steps_that_round_both_rows_alike_are_allowed_for() -> None:
    """Of two classes the rows are each other's opposite: eight bits leave those of other features."""
    model = network(12, 60, 2)
    for seed in range(10):
        sent = Int8().apply(last_layer(model, items_of(1, seed), np.array([seed % 2])), RNG)
        found = FullyConnected().recover(sent, Knowledge(model, (3, 4), 2), RNG)
        assert found.items is not None
        assert worst(found.items, items_of(1, seed)) < 0.1


@pytest.mark.parametrize("share", [0.01, 0.1, 1.0])
def test_features_under_noise_are_not_said_to_be_there_as_they_were(share: float) -> None:
    model, rng = network(12, 16, 5), np.random.default_rng(0)
    sent = last_layer(model, items_of(1), np.array([3]))
    usual = np.sqrt(sum((one**2).sum() for one in sent.arrays.values()) / sent.size)
    arrays = {name: one + share * usual * rng.normal(size=one.shape) for name, one in sent.arrays.items()}
    found = recovered(Disclosure("last_layer", arrays, 1), model)
    assert found.residual is not None
    assert f"not exactly: they leave {found.residual:.2g} of its gradient." in found.reason
    clean = recovered(sent, model)
    assert "What is recovered are the features that enter the last layer." in clean.reason


def test_of_the_last_layer_the_features_follow() -> None:
    model = network(12, 16, 5)
    found = recovered(last_layer(model, items_of(1), np.array([3])), model)
    truth = model[:-1](torch.tensor(items_of(1))).detach().numpy()
    assert found.items is None
    assert found.features is not None
    assert found.features == pytest.approx(truth, abs=1e-12)
    assert re.search(r"No item follows: \d+ units of the layer '1' speak of its 12 inputs", found.reason)
    assert "does not hold the gradient of the first layer, '1'" in found.reason


def test_behind_convolutions_the_features_follow() -> None:
    with torch.random.fork_rng(devices=[]):
        model = lenet((12, 12), 5).double().eval()
    item = np.random.default_rng(0).random((1, 12, 12))
    found = FullyConnected().recover(full(model, item, np.array([3])), Knowledge(model, (12, 12), 5), RNG)
    assert found.items is None
    assert found.features is not None
    assert found.features.shape == (1, 84)
    assert "not made of linear layers" in found.reason


def test_two_items_taken_for_one_are_noticed() -> None:
    model = network(12, 20, 5)
    found = recovered(full(model, items_of(2), np.array([3, 1])), model, batch=1)
    assert "has rank 2, one item in one step makes 1: the message speaks of more" in found.reason
    assert found.outcome == "failed"


@pytest.mark.parametrize("number", [2, 3, 5])
def test_the_rank_is_the_number_of_items(number: int) -> None:
    model = network(12, 60, 5)
    sent = full(model, items_of(number), np.arange(number) % 5)
    found = recovered(sent, model)
    assert found.details["rank"] == number
    assert found.details["gap"] > 1e6
    assert f"rank {number} for {number} items" in found.reason


def test_the_rank_counts_an_item_of_little_loss() -> None:
    # in float32 the fall from the first item to the second is wider than that to rounding
    model = network(12, 60, 5)
    one, other = (full(model, items_of(1, seed), np.array([seed])).arrays for seed in (1, 2))
    arrays = {name: (one[name] + 1e-4 * other[name]).astype(np.float32) for name in one}
    assert recovered(Disclosure("full", arrays, 2), model).details["rank"] == 2


def test_items_alone_in_a_unit_are_recovered_and_the_others_after_them() -> None:
    model = network(12, 200, 5)
    items = np.random.default_rng(1).normal(size=(4, 3, 4))
    labels = np.array([3, 1, 4, 1])
    found = recovered(full(model, items, labels), model)
    assert found.outcome == "recovered"
    assert found.items is not None
    assert found.labels is not None
    assert len(found.items) == 4
    assert worst(found.items, items) < 1e-9
    order = [int(np.argmin(np.linalg.norm((items - one).reshape(4, -1), axis=1))) for one in found.items]
    assert found.labels.tolist() == labels[order].tolist()
    assert found.residual == pytest.approx(0.0, abs=1e-9)


def test_mixtures_are_not_taken_for_items() -> None:
    # a smooth activation leaves no unit to one item: each row over its bias is a mixture
    model = network(12, 60, 5)
    model[2] = nn.Tanh()
    found = recovered(full(model, items_of(3), np.array([0, 1, 2])), model)
    assert (found.outcome, found.items) == ("failed", None)
    assert "No item is alone in a unit" in found.reason
    assert "has rank 3 for 3 items" in found.reason
    assert "its row space is the span of what enters it" in found.reason


def test_fewer_directions_than_items_are_not_said_to_be_their_span() -> None:
    """A softmax over two classes has gradients of rank one: each item of the batch is far from that row."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 2)).double()
    items = items_of(4)
    sent = full(model, items, np.array([0, 1, 1, 0]))
    _, values, directions = np.linalg.svd(sent.arrays["1.weight"])
    assert values[1] < 1e-12 * values[0]
    row, flat = directions[0], items.reshape(4, 12)
    off = np.linalg.norm(flat - np.outer(flat @ row, row), axis=1) / np.linalg.norm(flat, axis=1)
    assert off.min() > 0.3
    found = recovered(sent, model)
    assert "has rank 1 for 4 items" in found.reason
    assert "its row space lies within the span of what enters it" in found.reason


def test_without_a_bias_the_scale_is_said_to_be_missing() -> None:
    model = network(12, 20, 5, bias=False)
    found = recovered(full(model, items_of(1), np.array([3])), model)
    assert (found.outcome, found.items) == ("refused", None)
    assert "up to its scale" in found.reason


def test_more_items_than_rank_is_said_to_be_exhausted() -> None:
    model = network(12, 60, 5)
    found = recovered(full(model, items_of(20), np.arange(20) % 5), model)
    assert found.outcome == "failed"
    assert "exhausted" in found.reason


def test_a_last_layer_of_several_items_is_refused() -> None:
    model = network(12, 20, 5)
    found = recovered(last_layer(model, items_of(2), np.array([3, 1])), model)
    assert found.outcome == "refused"
    assert "the message speaks of 2" in found.reason


def test_targets_of_several_items_are_left_to_others() -> None:
    model = network(12, 60, 5)
    found = recovered(
        full(model, items_of(2), np.ones((2, 5)), loss="squared_error"), model, loss="squared_error"
    )
    assert found.outcome == "refused"
    assert "under cross-entropy only" in found.reason


@pytest.mark.parametrize("names", [("1.weight", "1.bias"), ("3.weight", "3.bias")])
def test_a_zero_layer_speaks_of_nobody(names: tuple[str, ...]) -> None:
    model = network(12, 20, 5)
    shapes = {name: np.zeros(tuple(one.shape)) for name, one in model.named_parameters() if name in names}
    found = recovered(Disclosure("full", shapes, 1), model)
    assert found.outcome == "failed"
    assert "gradient is zero" in found.reason


def test_noise_as_large_as_the_gradient_is_a_failure() -> None:
    model = network(12, 20, 5)
    sent = full(model, items_of(1), np.array([3]))
    noisy = {name: one + np.random.default_rng(0).normal(size=one.shape) for name, one in sent.arrays.items()}
    found = recovered(Disclosure("full", noisy, 1), model)
    assert found.outcome == "failed"
    assert "of their length away from those of one item" in found.reason


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_first_layer_that_the_rest_of_the_message_refutes_is_a_failure(dtype: torch.dtype) -> None:
    # the first layer is that of one item, which the other layers do not speak of
    model = network(12, 20, 5, dtype=dtype)
    sent = full(model, items_of(1), np.array([3]))
    rng = np.random.default_rng(3)
    bias, row = rng.normal(size=20), rng.normal(size=12)
    foreign = {**sent.arrays, "1.weight": np.outer(bias, row), "1.bias": bias}
    arrays = {name: one.astype(sent["1.bias"].dtype) for name, one in foreign.items()}
    found = recovered(Disclosure("full", arrays, 1), model)
    assert found.outcome == "failed"
    assert found.details["rank"] == 1
    assert found.residual is not None
    assert found.residual > 0.5
    assert f"leaves {found.residual:.2g} of the message" in found.reason


def test_another_last_layer_of_the_message_is_a_failure() -> None:
    model = network(12, 20, 5)
    sent = full(model, items_of(1), np.array([3]))
    arrays = {**sent.arrays, "3.weight": -sent["3.weight"]}
    found = recovered(Disclosure("full", arrays, 1), model)
    assert found.outcome == "failed"
    assert worst(found.items, items_of(1)) < 1e-12


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_sure_predictions_are_not_taken_for_foreign(dtype: torch.dtype) -> None:
    # of p = 1 - 1e-6 float32 has lost six digits, and its gradient with them
    model = network(12, 20, 5, dtype=dtype)
    with torch.no_grad():
        model[3].get_parameter("bias")[2] += 13.0
    for seed in range(20):
        item = items_of(1, seed).astype(np.float64 if dtype is torch.float64 else np.float32)
        found = recovered(full(model, item, np.array([2])), model)
        assert (found.outcome, found.reason) == ("recovered", "")


@pytest.mark.parametrize("share", [1e-5, 1e-3, 1e-2])
def test_noise_that_the_rows_show_is_borne(share: float) -> None:
    model = network(12, 20, 5)
    for seed in range(20):
        sent = full(model, items_of(1, seed), np.array([3]))
        rng = np.random.default_rng(seed)
        usual = np.sqrt(sum((one**2).sum() for one in sent.arrays.values()) / sent.size)
        arrays = {name: one + share * usual * rng.normal(size=one.shape) for name, one in sent.arrays.items()}
        found = recovered(Disclosure("full", arrays, 1), model)
        assert found.outcome == "recovered"
        assert worst(found.items, items_of(1, seed)) < 10 * share


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_trained_model_lets_no_mixture_pass_for_an_item(dtype: type) -> None:
    """Where units speak of two items and predictions are sure, mixtures nearly look like items by chance."""
    data = load_digits()
    images, labels = (data.images / 16.0).reshape(-1, 64).astype(dtype), data.target
    model = network(64, 32, 10, dtype=torch.float32)
    steps = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(150):
        steps.zero_grad()
        outputs = model(torch.tensor(images[:500], dtype=torch.float32))
        loss = nn.functional.cross_entropy(outputs, torch.tensor(labels[:500]))
        torch.autograd.backward(loss)
        steps.step()
    model = model.to(torch.float32 if dtype is np.float32 else torch.float64).eval()
    rng = np.random.default_rng(0)
    errors = []
    for _ in range(100):
        rows = rng.choice(len(images), 2, replace=False)
        sent = full(model, images[rows], labels[rows])
        found = FullyConnected().recover(sent, Knowledge(model, (64,), 10), rng)
        if found.outcome == "recovered":
            assert found.items is not None
            errors += [worst(one[None], images[rows]) for one in found.items]
    assert len(errors) > 10
    assert max(errors) < 1e-4


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_items_alone_in_a_unit_are_certified_under_both_reductions(reduction: str) -> None:
    model = network(12, 200, 5)
    items = np.random.default_rng(1).normal(size=(4, 3, 4))
    found = recovered(
        full(model, items, np.array([3, 1, 4, 1]), reduction=reduction), model, reduction=reduction
    )
    assert found.outcome == "recovered"
    assert found.items is not None
    assert len(found.items) == 4
    assert worst(found.items, items) < 1e-9
    assert found.residual == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("known", [{"steps": 3}, {"rate": 0.5}, {}])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_an_update_needs_neither_rate_nor_steps(known: dict[str, object], dtype: torch.dtype) -> None:
    """What enters the first layer is the item at every step, so that the ratio is free of both."""
    model = network(12, 20, 5, dtype=dtype)
    sent = update(model, items_of(1), np.array([3]), steps=3, rate=0.5)
    found = recovered(sent, model, **known)
    assert found.outcome == "recovered", found.reason
    assert worst(found.items, items_of(1)) < (1e-5 if dtype == torch.float32 else 1e-12)
    assert found.labels is None


def test_an_update_of_unknown_scale_is_claimed_only_where_its_rows_are_those_of_one_input() -> None:
    model, rng = network(12, 20, 5), np.random.default_rng(0)
    sent = update(model, items_of(1), np.array([3]), steps=3, rate=0.5)
    noised = {name: one + 1e-3 * rng.normal(size=one.shape) for name, one in sent.arrays.items()}
    found = recovered(Disclosure("update", noised, 1), model)
    assert found.outcome == "failed"
    assert re.search(r"Without knowing the steps and rate, .* rounding may leave", found.reason)
    several = update(model, items_of(2), np.array([3, 1]), steps=3, rate=0.5)
    assert recovered(several, model).outcome == "refused"
    bare = {name: one for name, one in sent.arrays.items() if not name.endswith("bias")}
    assert recovered(Disclosure("update", bare, 1), model).items is None
    still = {name: np.zeros_like(one) for name, one in sent.arrays.items()}
    assert recovered(Disclosure("update", still, 1), model).outcome == "failed"


def test_features_of_an_update_are_claimed_only_where_they_stayed_the_same() -> None:
    """Behind a convolution the last layer's input moves with the steps; after one step it has not."""
    model = lenet((1, 12, 12), 5).eval()
    item = np.random.default_rng(3).random((1, 1, 12, 12)).astype(np.float32)
    known = Knowledge(model, (1, 12, 12), 5)
    outcomes = {}
    for steps in (1, 20):
        sent = update(model, item, np.array([3]), steps=steps, rate=0.5)
        outcomes[steps] = FullyConnected().recover(sent, known, RNG)
    assert outcomes[1].outcome == "recovered", outcomes[1].reason
    assert outcomes[1].features is not None
    assert outcomes[20].outcome == "failed"


def test_items_of_an_update_are_certified_by_its_coarser_rounding() -> None:
    # an update is a difference of weights, which are far larger: its rounding is theirs
    model = network(12, 200, 5)
    items = np.random.default_rng(1).normal(size=(3, 3, 4))
    sent = update(model, items, np.array([3, 1, 4]), steps=1, rate=1e-3)
    found = recovered(sent, model, steps=1, rate=1e-3)
    assert found.outcome == "recovered"
    assert worst(found.items, items) < 1e-6


class Behind(nn.Module):
    """Two layers, and something behind the last that makes answers of its outputs."""

    def __init__(self, behind: nn.Module, outputs: int = 1) -> None:
        super().__init__()
        self.first, self.last, self.behind = nn.Linear(6, 9), nn.Linear(9, outputs), behind

    def forward(self, items: torch.Tensor) -> torch.Tensor:
        """Answers."""
        answers: torch.Tensor = self.behind(self.last(torch.tanh(self.first(items))))
        return answers


class Scaled(nn.Module):
    """Units of the target: a spread of 77 about 152."""

    def forward(self, outputs: torch.Tensor) -> torch.Tensor:
        """Answers."""
        return outputs * 77.0 + 152.0


@pytest.mark.parametrize("make", [full, last_layer])
@pytest.mark.parametrize(
    ("behind", "outputs"),
    [(nn.Sigmoid(), 1), (nn.Softplus(), 1), (Scaled(), 1), (nn.Identity(), 2)],
    ids=["sigmoid", "softplus", "scaled", "nothing"],
)
def test_targets_are_read_through_what_follows_the_last_linear_layer(
    make: Callable[..., Disclosure], behind: nn.Module, outputs: int
) -> None:
    torch.manual_seed(0)
    model, rng = Behind(behind, outputs).double().eval(), np.random.default_rng(0)
    item, target = rng.normal(size=(1, 6)), rng.normal(size=(1, outputs))
    sent = make(model, item, target, loss="squared_error")
    known = Knowledge(model, (6,), outputs, loss="squared_error")
    found = FullyConnected().recover(sent, known, np.random.default_rng(0))
    assert found.outcome == "recovered"
    assert "or was changed" not in found.reason
    assert found.labels is not None
    np.testing.assert_allclose(found.labels, target, rtol=1e-5)


def test_answers_that_depend_on_no_output_leave_the_slopes_as_they_are() -> None:
    class Whole(nn.Module):
        def forward(self, outputs: torch.Tensor) -> torch.Tensor:
            return outputs.detach()

    model = Behind(Whole()).eval()
    layer = last_layer_of(Knowledge(Behind(nn.Identity()).eval(), (6,), 1))
    outputs, slopes = np.ones((2, 1)), np.full((2, 1), 3.0)
    found = answers_behind(outputs, slopes, layer, Knowledge(model, (6,), 1, loss="squared_error"))
    np.testing.assert_array_equal(found[0], outputs)
    np.testing.assert_array_equal(found[1], slopes)
