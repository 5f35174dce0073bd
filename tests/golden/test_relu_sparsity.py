"""Whole batches through one rectified layer, exactly; and what the attack refuses or fails at."""

import numpy as np
import pytest
import torch
from torch import nn

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.core.rng import generator
from nextlabel.errors import ParameterError
from nextlabel.leakage.attacks.relu_sparsity import ReluSparsity
from nextlabel.leakage.defences.catalogue import parse
from nextlabel.leakage.messages import full, last_layer, update


def network(units: int = 60, activation: type[nn.Module] = nn.ReLU, *, bias: bool = True) -> nn.Sequential:
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(12, units, bias=bias), activation(), nn.Linear(units, 4)).double().eval()
    with torch.no_grad():
        for one in model.parameters():
            one.copy_(torch.as_tensor(rng.normal(size=tuple(one.shape)) / np.sqrt(one.shape[-1])))
    return model


def items_of(number: int, seed: int = 1) -> Array:
    return np.random.default_rng(seed).normal(size=(number, 12))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("number", [1, 2, 4, 6])
def test_every_item_and_its_label_is_recovered(number: int, reduction: str) -> None:
    model = network()
    items, labels = items_of(number), np.arange(number) % 4
    known = Knowledge(model, (12,), 4, reduction=reduction)
    found = ReluSparsity().recover(full(model, items, labels, reduction=reduction), known, generator(0))
    assert found.outcome == "recovered"
    assert found.items is not None
    assert found.labels is not None
    order = [int(np.argmin(np.linalg.norm(items - one, axis=1))) for one in found.items]
    assert sorted(order) == list(range(number))
    assert found.items == pytest.approx(items[order], abs=1e-8)
    assert found.labels.tolist() == labels[order].tolist()
    assert found.residual == pytest.approx(0.0, abs=1e-8)


def test_an_update_of_one_step_is_a_gradient() -> None:
    model = network()
    sent = update(model, items_of(3), np.array([0, 1, 2]), rate=0.1)
    found = ReluSparsity().recover(sent, Knowledge(model, (12,), 4, steps=1, rate=0.1), generator(0))
    assert found.outcome == "recovered"


def test_equal_items_are_recovered_once_and_it_is_said() -> None:
    model = network()
    items = items_of(3)[[0, 1, 1]]
    sent = full(model, items, np.array([0, 1, 1]))
    found = ReluSparsity(samples=2_000).recover(sent, Knowledge(model, (12,), 4), generator(0))
    assert found.details["rank"] == 2
    assert "rank 2 for 3 items: some are equal" in found.reason


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (network(activation=nn.Tanh), "what follows is tanh"),
        (
            nn.Sequential(nn.Linear(12, 9), nn.LayerNorm(9), nn.Linear(9, 4)).double(),
            "what follows is unknown",
        ),
        (
            nn.Sequential(nn.ReLU(), *network()),
            "are not the values of the item, each scaled and shifted at most",
        ),
        (network(bias=False), "both the weight and the bias of the first layer"),
    ],
)
def test_another_network_is_refused(model: nn.Module, says: str) -> None:
    sent = full(model, items_of(2), np.array([0, 1]))
    found = ReluSparsity().recover(sent, Knowledge(model, (12,), 4), generator(0))
    assert found.outcome == "refused"
    assert says in found.reason


def test_another_message_is_refused() -> None:
    model = network()
    sent = last_layer(model, items_of(2), np.array([0, 1]))
    found = ReluSparsity().recover(sent, Knowledge(model, (12,), 4), generator(0))
    assert found.outcome == "refused"
    assert "not 'last_layer'" in found.reason


def test_an_exhausted_rank_is_refused() -> None:
    model = network()
    found = ReluSparsity().recover(
        full(model, items_of(20), np.arange(20) % 4), Knowledge(model, (12,), 4), generator(0)
    )
    assert found.outcome == "refused"
    assert "exhausted by 20 items" in found.reason


@pytest.mark.parametrize(
    ("size", "says"), [(1, "where 1 item would give it 1"), (3, "where 3 items would give it 3")]
)
def test_a_rank_that_noise_fills_is_not_said_to_be_exhausted_by_items(size: int, says: str) -> None:
    model = network()
    sent = full(model, items_of(size), np.arange(size) % 4)
    noisy = parse("gaussian:10%").apply(sent, generator(1))
    found = ReluSparsity().recover(noisy, Knowledge(model, (12,), 4), generator(0))
    assert found.outcome == "refused"
    assert says in found.reason
    assert "noise or rounding fills the rest" in found.reason
    assert "exhausted" not in found.reason


def test_a_dead_layer_speaks_of_nobody() -> None:
    model = network()
    zeros = {name: np.zeros(tuple(one.shape)) for name, one in model.named_parameters()}
    found = ReluSparsity().recover(Disclosure("full", zeros, 2), Knowledge(model, (12,), 4), generator(0))
    assert found.outcome == "failed"


def test_too_few_samples_are_an_honest_failure() -> None:
    model = network()
    sent = full(model, items_of(6), np.arange(6) % 4)
    found = ReluSparsity(samples=3).recover(sent, Knowledge(model, (12,), 4), generator(0))
    assert (found.outcome, found.details["samples"], found.is_cut) == ("failed", 3, False)
    assert "3 sets of units gave no 6 independent sparse columns" in found.reason


def test_the_clock_cuts_it() -> None:
    model = network()
    sent = full(model, items_of(10), np.arange(10) % 4)
    found = ReluSparsity(seconds=1e-6).recover(sent, Knowledge(model, (12,), 4), generator(0))
    assert (found.outcome, found.is_cut) == ("failed", True)


def test_a_message_of_another_model_is_not_explained() -> None:
    rng = np.random.default_rng(4)
    model = network()
    sent = full(model, items_of(2), np.array([0, 1]))
    with torch.no_grad():
        for one in model.parameters():
            one.copy_(torch.as_tensor(rng.normal(size=tuple(one.shape))))
    found = ReluSparsity(samples=400).recover(sent, Knowledge(model, (12,), 4), generator(0))
    assert found.outcome == "failed"
    assert "of the message's length away from it" in found.reason


@pytest.mark.parametrize(
    ("name", "value"), [("samples", 0), ("samples", 1.5), ("seconds", 0), ("seconds", "x")]
)
def test_parameters_are_checked_by_name(name: str, value: object) -> None:
    with pytest.raises(ParameterError, match=rf"ReluSparsity's '{name}' must be .*; received {value!r}"):
        ReluSparsity(**{name: value})  # type: ignore[arg-type]


def weighted(model: nn.Module, items: Array, shares: list[float]) -> Disclosure:
    """What items of much loss and of little send: each one's own gradient times its share."""
    parts = [full(model, item[None], np.array([place % 4])).arrays for place, item in enumerate(items)]
    arrays = {
        name: np.sum([share * part[name] for share, part in zip(shares, parts, strict=True)], axis=0)
        for name in parts[0]
    }
    return Disclosure("full", arrays, len(items))


def apart(found: Array | None, items: Array) -> float:
    """How far the worst true item is from the nearest that was found."""
    if found is None:
        return float("inf")
    return float(np.linalg.norm(items[:, None] - found[None], axis=2).min(axis=1).max())


def test_what_explains_an_item_of_much_loss_alone_is_not_claimed() -> None:
    # mixtures of the first item and the others leave about 1e-4 of the message, all that the others add
    model, items = network(), items_of(4)
    sent, wrong = weighted(model, items, [1.0, 1e-4, 1e-4, 1e-4]), 0
    for seed in range(6):
        found = ReluSparsity(samples=50).recover(sent, Knowledge(model, (12,), 4), generator(seed))
        is_right = apart(found.items, items) < 1e-6
        assert (found.outcome == "recovered") == is_right
        wrong += not is_right and found.residual is not None and found.residual < 1e-3
        assert is_right or "and its weakest item asks for less than 1.2e-07" in found.reason
    assert wrong > 0  # or nothing was tried


def test_items_of_little_loss_are_recovered_by_going_on() -> None:
    model, items = network(), items_of(4)
    sent = weighted(model, items, [1.0, 1e-4, 1e-4, 1e-4])
    found = ReluSparsity(samples=5_000).recover(sent, Knowledge(model, (12,), 4), generator(0))
    assert found.outcome == "recovered"
    assert apart(found.items, items) < 1e-6


def test_an_item_far_weaker_than_the_other_is_not_taken_for_rounding() -> None:
    # in float32 the fall from the first item to the second is wider than that to rounding
    model, items = network(), items_of(2)
    sent = weighted(model, items, [1.0, 1e-4])
    rounded = {name: one.astype(np.float32) for name, one in sent.arrays.items()}
    found = ReluSparsity().recover(Disclosure("full", rounded, 2), Knowledge(model, (12,), 4), generator(0))
    assert (found.outcome, found.details["rank"]) == ("recovered", 2)
    assert apart(found.items, items) < 1e-2
