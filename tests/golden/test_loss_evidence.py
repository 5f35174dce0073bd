"""What the numbers of a message say of its loss and its model, and what they leave open."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.errors import DisclosureError
from nextlabel.leakage.body_evidence import UNSEEN_BODY
from nextlabel.leakage.checks import check, remarks
from nextlabel.leakage.defences.catalogue import parse
from nextlabel.leakage.messages import full, last_layer, update
from nextlabel.testing.attack_examples import small_network

Change = Callable[[Disclosure], Disclosure]
OPEN = (
    "the checks cannot rule out other weights, another loss, or another scale of it (a mean or a sum, a "
    "factor): what is stated of these is taken as true."
)


def network(*widths: int, seed: int = 0, dtype: torch.dtype = torch.float32, **more: Any) -> Any:
    return small_network(*(widths or (6, 8, 4)), seed=seed, **more).to(dtype)


def batch(size: int, classes: int = 4, seed: int = 0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(size, 6)).astype(np.float32), rng.integers(classes, size=size)


def said(model: nn.Module, size: int = 1, classes: int = 4, **more: Any) -> Knowledge:
    return Knowledge(model, (6,), classes, **{"batch": size, **more})


def times(factor: float) -> Change:
    return lambda sent: Disclosure(
        sent.kind, {name: factor * one for name, one in sent.arrays.items()}, sent.items
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("make", [full, last_layer, update])
@pytest.mark.parametrize("size", [1, 2, 7])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_an_honest_message_passes_and_of_several_items_is_said_what_is_left_open(
    make: Any, size: int, reduction: str, dtype: torch.dtype
) -> None:
    for seed in range(5):
        model = network(seed=seed, dtype=dtype)
        sent = make(model, *batch(size, seed=seed), reduction=reduction)
        known = said(model, size, reduction=reduction, steps=1, rate=0.1)
        check(sent, known)
        found = [one for one in remarks(sent, known) if "occurs twice" not in one]
        of_one = [UNSEEN_BODY] if make is last_layer else []
        assert found == (of_one if size == 1 else [f"Of a message of {size} items {OPEN}"])


@pytest.mark.parametrize("size", [2, 8])
def test_what_is_wrong_with_several_items_passes_as_the_remark_says(size: int) -> None:
    """Other weights, a factor and a mean that is said to be a sum: no arithmetic on the message settles them.

    Of one item each of these is refused, in the tests below.
    """
    model = network()
    items, labels = batch(size)
    honest = full(model, items, labels)
    for wrong in (full(network(seed=1), items, labels), times(0.5)(honest)):
        check(wrong, said(model, size))
        assert f"Of a message of {size} items {OPEN}" in remarks(wrong, said(model, size))
    check(honest, said(model, size, reduction="sum"))
    assert f"Of a message of {size} items {OPEN}" in remarks(honest, said(model, size, reduction="sum"))


def test_a_fault_that_is_seen_leaves_nothing_open() -> None:
    model = network()
    sent = full(model, batch(8)[0], np.full(8, 2), reduction="sum")
    assert not any(OPEN in one for one in remarks(sent, said(model, 8)))
    assert any(OPEN in one for one in remarks(sent, said(model, 8, reduction="sum")))


def test_a_squared_error_of_several_items_is_as_open() -> None:
    model = network()
    values = batch(3)[0][:, :4]
    sent = full(model, batch(3)[0], values, loss="squared_error")
    found = remarks(sent, said(model, 3, loss="squared_error", labels=values))
    assert found == (
        "Whether a squared error was halved cannot be seen in the message: half of it is assumed.",
        f"Of a message of 3 items {OPEN}",
    )


def test_a_confident_model_is_not_taken_for_a_noisy_message() -> None:
    # p of the label within 1e-4 of 1: what float32 leaves of the sum is no longer small beside the gradient
    model = network()
    with torch.no_grad():
        items, _ = batch(1)
        model[2].bias[2] += 9.0 - float(model(torch.as_tensor(items))[0, 2])
    sent = full(model, items, np.array([2]))
    check(sent, said(model))
    assert remarks(sent, said(model)) == ()


@pytest.mark.parametrize(
    "defence",
    [
        "gaussian:1e-6",
        "gaussian:1e-3",
        "gaussian:1e-1",
        "gaussian:10",
        "laplace:10%",
        "float16",
        "bfloat16",
        "int8",
        "int8:stochastic",
        "prune:1%",
        "prune:30%",
        "prune:90%",
        "sign",
        "private:1",
    ],
)
def test_a_defended_message_is_not_called_another_models(defence: str) -> None:
    rng = np.random.default_rng(0)
    for seed in range(12):
        model = network(seed=seed)
        sent = parse(defence).apply(full(model, *batch(1, seed=seed)), rng)
        check(sent, said(model))


@pytest.mark.parametrize("defence", ["gaussian:1e-3", "float16", "int8", "prune:30%", "sign"])
@pytest.mark.parametrize("size", [2, 8])
def test_a_defended_batch_is_not_called_mis_scaled(defence: str, size: int) -> None:
    rng = np.random.default_rng(0)
    for seed in range(12):
        model = network(seed=seed)
        check(parse(defence).apply(full(model, *batch(size, seed=seed)), rng), said(model, size))


def test_random_numbers_of_the_right_shapes_are_not_judged() -> None:
    rng = np.random.default_rng(0)
    model = network()
    shapes = full(model, *batch(1))
    arrays = {name: rng.normal(size=one.shape) for name, one in shapes.arrays.items()}
    check(Disclosure("full", arrays, 1), said(model))


@pytest.mark.parametrize("factor", [1.05, 2.0, 10.0])
def test_a_factor_on_the_loss_of_one_item_is_named(factor: float) -> None:
    for seed in range(20):
        model = network(seed=seed)
        sent = times(factor)(full(model, *batch(1, seed=seed)))
        with pytest.raises(DisclosureError, match=f"The message is {factor:g} times the gradient"):
            check(sent, said(model))


def test_a_factor_and_soft_labels_of_two_classes_cannot_be_told_apart() -> None:
    # of two classes p - q and s (p - e) have the same form: q = p - s (p - e) is a distribution where s < 1
    model = network(6, 8, 2)
    items, labels = batch(1, 2)
    sent = times(0.5)(full(model, items, labels))
    check(sent, said(model, classes=2))
    (remark,) = remarks(sent, said(model, classes=2))
    assert "the label is not one class" in remark
    assert "the loss carries a factor of 0.5" in remark
    with pytest.raises(DisclosureError, match="2 times the gradient"):
        check(times(2.0)(full(model, items, labels)), said(model, classes=2))


def test_a_sum_that_is_said_to_be_a_mean_is_named() -> None:
    # all labels alike: the entry of that label is B (p - 1), below -1
    model = network()
    sent = full(model, batch(8)[0], np.full(8, 2), reduction="sum")
    with pytest.raises(
        DisclosureError, match=r"at most 1 in magnitude for the mean .* 8 items; here .* summed"
    ):
        check(sent, said(model, 8))
    check(sent, said(model, 8, reduction="sum"))


def test_a_sum_above_the_number_of_items_is_another_factor() -> None:
    model = network()
    sent = times(3.0)(full(model, batch(8)[0], np.full(8, 2), reduction="sum"))
    for reduction in ("mean", "sum"):
        with pytest.raises(
            DisclosureError, match="The loss carries a factor, or the message is of more items"
        ):
            check(sent, said(model, 8, reduction=reduction))


def test_a_mean_that_is_said_to_be_a_sum_is_remarked_on_where_public_items_show_it() -> None:
    model = network()
    items, labels = batch(400)
    sent = full(model, items[:64], np.zeros(64, int))
    known = said(model, 64, reduction="sum", labels=np.zeros(64, int), public=items[64:])
    check(sent, known)
    assert any("look joined by the mean, not by the sum" in one for one in remarks(sent, known))
    honest = replace(known, reduction="mean")
    assert not any("look joined" in one for one in remarks(sent, honest))
    assert labels.size == 400


def test_another_model_of_the_same_shapes_is_named() -> None:
    # of twenty other models the label is impossible for most; where it is possible nothing may be claimed
    named = 0
    model = network(6, 8, 10)
    for seed in range(1, 21):
        sent = full(network(6, 8, 10, seed=seed), *batch(1, 10, seed=seed))
        try:
            check(sent, said(model, classes=10))
        except DisclosureError as refusal:
            named += "other weights" in str(refusal) or "times the gradient" in str(refusal)
        else:
            assert any("made at other weights" in one for one in remarks(sent, said(model, classes=10)))
    assert named >= 15


def test_soft_labels_are_remarked_on() -> None:
    model = network()
    sent = full(model, batch(1)[0], np.array([[0.7, 0.1, 0.1, 0.1]]))
    check(sent, said(model))
    (remark,) = remarks(sent, said(model))
    assert "largest shares are 0.70, 0.10, 0.10" in remark
    known = said(model, labels=np.array([[0.7, 0.1, 0.1, 0.1]]))
    assert "The labels are soft" in remarks(sent, known)[0]


def test_soft_labels_show_in_the_bias_alone() -> None:
    model = network()
    model[2].weight.requires_grad_(False)
    sent = full(model, batch(1)[0], np.array([[0.5, 0.5, 0.0, 0.0]]))
    check(sent, said(model))
    assert any("label is soft" in one for one in remarks(sent, said(model)))


def test_several_items_that_are_said_to_be_one_are_not_blamed_on_the_label_alone() -> None:
    model = network()
    items, _ = batch(4)
    sent = full(model, items, np.arange(4))
    found = remarks(Disclosure("full", dict(sent.arrays), 1), said(model))
    assert any("soft, or the message speaks of more items than is said" in one for one in found)


@pytest.mark.parametrize("joined", ["sum", "mean"])
def test_a_sigmoid_on_each_output_is_named(joined: str) -> None:
    model = network(dtype=torch.float64)
    items, _ = batch(1)
    wanted = torch.tensor([[0.0, 1.0, 1.0, 0.0]], dtype=torch.float64)
    loss = nn.functional.binary_cross_entropy_with_logits(
        model(torch.as_tensor(items).double()), wanted, reduction=joined
    )
    grads = torch.autograd.grad(loss, list(model.parameters()))
    arrays = {name: one.numpy() for (name, _), one in zip(model.named_parameters(), grads, strict=True)}
    with pytest.raises(DisclosureError, match=f"sigmoid on each output .the {joined} of binary"):
        check(Disclosure("full", arrays, 1), said(model))


@pytest.mark.parametrize(("factor", "says"), [(2.0, "2 times the gradient of half the squared"), (1.0, "")])
def test_a_squared_error_without_the_half_is_named_where_the_values_are_known(
    factor: float, says: str
) -> None:
    model = network()
    values = np.array([[0.3, -1.0, 0.0, 2.0]])
    sent = times(factor)(full(model, batch(1)[0], values, loss="squared_error"))
    known = said(model, loss="squared_error", labels=values)
    if says:
        with pytest.raises(DisclosureError, match=says):
            check(sent, known)
    else:
        check(sent, known)
        assert remarks(sent, known) == ()
    blind = replace(known, labels=None)
    check(sent, blind)
    assert any("half of it is assumed" in one for one in remarks(sent, blind))
    with pytest.raises(DisclosureError, match="other values"):
        check(sent, replace(known, labels=values[:, ::-1].copy()))


def test_noise_and_a_missing_bias_are_remarked_on() -> None:
    model = network()
    noisy = parse("gaussian:1e-2").apply(full(model, *batch(1)), np.random.default_rng(0))
    assert any("noised, pruned or rounded" in one for one in remarks(noisy, said(model)))
    model[2].bias.requires_grad_(False)
    assert any("has no bias in the message" in one for one in remarks(full(model, *batch(1)), said(model)))


def test_several_local_steps_are_not_judged() -> None:
    model = network()
    sent = update(model, *batch(1), steps=5, rate=0.5)
    known = said(model, steps=5, rate=0.5)
    check(sent, known)
    (remark,) = remarks(sent, known)
    assert remark == f"Of an update after several local steps, or an unknown number, {OPEN}"


def test_an_update_whose_rate_is_not_stated_says_so() -> None:
    model = network()
    sent = update(model, *batch(1), steps=1, rate=0.1)
    assert remarks(sent, said(model, steps=1)) == (f"Of an update whose rate is not stated {OPEN}",)


def test_a_frozen_last_layer_is_not_called_a_missing_one() -> None:
    model = network()
    model[2].requires_grad_(False)
    frozen = "a message without the gradient of the last linear layer, '2', which is frozen,"
    assert remarks(full(model, *batch(1)), said(model)) == (f"Of {frozen} {OPEN}",)
    model[2].bias.requires_grad_(True)
    halved = times(0.5)(full(model, *batch(1)))
    check(halved, said(model))
    of = "a message without the gradient of the last linear layer's weight"
    assert f"Of {of} {OPEN}" in remarks(halved, said(model))


def test_a_missing_last_bias_leaves_weights_and_scale_open() -> None:
    models = [nn.Sequential(*network(seed=seed)[:2], nn.Linear(8, 4, bias=False)) for seed in range(2)]
    of = "a message without the gradient of the last linear layer's bias"
    for sent in (times(2.0)(full(models[0], *batch(1))), full(models[1], *batch(1))):
        check(sent, said(models[0]))
        assert f"Of {of} {OPEN}" in remarks(sent, said(models[0]))


def test_a_squared_error_of_unknown_values_leaves_the_weights_open() -> None:
    sent = full(network(seed=1), batch(1)[0], np.array([[0.3, -1.0, 0.0, 2.0]]), loss="squared_error")
    known = said(network(), loss="squared_error")
    check(sent, known)
    assert f"Of a squared error of values that are not known {OPEN}" in remarks(sent, known)


@pytest.mark.parametrize("factor", [1.0, 60.0, 300.0])
def test_sure_models_are_held_against_one_another_or_a_remark_says_not(factor: float) -> None:
    for seed in range(20):
        pair = [network(6, 8, 10, seed=seed + place) for place in (0, 100)]
        for one in pair:
            with torch.no_grad():
                one[2].weight.mul_(factor)
        items, _ = batch(1, seed=seed)
        sent = [full(one, items, one(torch.as_tensor(items)).argmax(1).numpy()) for one in pair]
        check(sent[0], said(pair[0], classes=10))
        try:
            check(sent[1], said(pair[0], classes=10))
        except DisclosureError:
            continue
        assert remarks(sent[1], said(pair[0], classes=10))


def test_another_body_below_the_same_last_layer_is_named_where_the_first_layer_tells_the_item() -> None:
    for seed in range(20):
        own, other = network(seed=seed), network(seed=seed + 100)
        other[2].load_state_dict(own[2].state_dict())
        items, labels = batch(1, seed=seed)
        with torch.no_grad():
            if not float(other[:2](torch.as_tensor(items)).norm()) > 0.1:
                continue
        sent = full(other, items, labels)
        try:
            check(sent, said(own))
        except DisclosureError as refusal:
            assert "The weights before the last layer are others" in str(refusal)  # noqa: PT017
        else:
            assert UNSEEN_BODY in remarks(sent, said(own))  # one unit alone tells no rounding
        assert remarks(last_layer(other, items, labels), said(own)) == (UNSEEN_BODY,)
    told = network(6, 16, 4, activation=nn.Tanh)
    changed = network(6, 16, 4, activation=nn.Tanh, seed=1)
    changed[2].load_state_dict(told[2].state_dict())
    with pytest.raises(DisclosureError, match="before the last layer are others"):
        check(full(changed, *batch(1)), said(told))


def test_a_body_that_no_formula_reads_is_said_to_be_unseen() -> None:
    model = nn.Sequential(
        nn.Unflatten(1, (1, 6)), nn.Conv1d(1, 3, 3), nn.Tanh(), nn.Flatten(), nn.Linear(12, 4)
    )
    sent = full(model, *batch(1))
    check(sent, said(model))
    assert remarks(sent, said(model)) == (UNSEEN_BODY,)
    alone = nn.Sequential(nn.Linear(6, 4))
    assert remarks(full(alone, *batch(1)), said(alone)) == ()
