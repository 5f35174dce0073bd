"""Training by defended messages: the same steps as plain descent, and what a defence changes of them."""

import copy
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from nextlabel.core.defence import Defence
from nextlabel.core.disclosure import Disclosure
from nextlabel.core.rng import generator
from nextlabel.errors import DisclosureError, ParameterError
from nextlabel.leakage.defences.noises import Private
from nextlabel.leakage.defended import defended_accuracy
from nextlabel.leakage.messages import full
from nextlabel.learners.networks import mlp

ITEMS = generator(0).normal(size=(60, 4)).astype(np.float32)
LABELS = (ITEMS[:, 0] + ITEMS[:, 1] > 0).astype(np.int64)


def network(seed: int = 0) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return mlp((4,), 2, hidden=(6,))


@dataclass
class Spy(Defence):
    """Passes messages on and keeps them."""

    seen: list[Disclosure]

    name: ClassVar[str] = "spy"
    strength = None
    sentence = "Keeps what is sent."

    def apply(self, disclosure: Disclosure, rng: np.random.Generator) -> Disclosure:
        self.seen.append(disclosure)
        return disclosure


@dataclass
class Times(Defence):
    """Multiplies what is sent."""

    factor: float

    name: ClassVar[str] = "times"
    strength = None
    sentence = "Multiplies what is sent."

    def apply(self, disclosure: Disclosure, rng: np.random.Generator) -> Disclosure:
        arrays = {name: one * np.float32(self.factor) for name, one in disclosure.arrays.items()}
        return Disclosure(disclosure.kind, arrays, disclosure.items)


def test_the_first_message_is_the_gradient_that_a_client_sends() -> None:
    spy, model = Spy([]), network()
    defended_accuracy(
        model, ITEMS, LABELS, ITEMS, LABELS, rng=generator(3), defences=[spy], batch=5, epochs=1
    )
    rows = generator(3).spawn(2)[0].permutation(60)[:5]
    sent = full(model, ITEMS[rows], LABELS[rows])
    assert len(spy.seen) == 12
    assert list(spy.seen[0].arrays) == list(sent.arrays)
    for name, one in sent.arrays.items():
        np.testing.assert_allclose(spy.seen[0][name], one, rtol=1e-5, atol=1e-7)


def test_training_is_plain_gradient_descent_with_a_falling_rate() -> None:
    model, rng = network(), generator(1).spawn(2)[0]
    by_hand = copy.deepcopy(model)
    every = 2 * (60 // 8)
    done = 0
    for _ in range(2):
        order = rng.permutation(60)
        for start in range(0, 56, 8):
            rows = order[start : start + 8]
            value = nn.functional.cross_entropy(
                by_hand(torch.tensor(ITEMS[rows])), torch.tensor(LABELS[rows])
            )
            found = torch.autograd.grad(value, list(by_hand.parameters()))
            with torch.no_grad():
                for one, slope in zip(by_hand.parameters(), found, strict=True):
                    one.sub_(slope, alpha=0.5 * (1 - done / every))
            done += 1
    held = generator(9).normal(size=(400, 4)).astype(np.float32)
    with torch.no_grad():
        said = by_hand(torch.tensor(held)).argmax(1).numpy()
    # labels that the network by hand would give: the other must agree with nearly all
    rate = defended_accuracy(model, ITEMS, LABELS, held, said, rng=generator(1), batch=8, epochs=2, rate=0.5)
    assert rate >= 0.995  # one item may lie on the border of float32


def test_the_model_that_is_given_is_left_alone() -> None:
    model = network().train()
    before = copy.deepcopy(model.state_dict())
    state = torch.random.get_rng_state()
    defended_accuracy(model, ITEMS, LABELS, ITEMS, LABELS, rng=generator(0), batch=4)
    assert all(torch.equal(before[name], one) for name, one in model.state_dict().items())
    assert model.training
    assert torch.equal(state, torch.random.get_rng_state())


def test_what_the_defence_sends_is_what_trains() -> None:
    model = network()
    held: dict[str, Any] = {"held_items": ITEMS, "held_labels": LABELS, "rate": 0.5, "batch": 4, "epochs": 6}
    alone = defended_accuracy(model, ITEMS, LABELS, rng=generator(0), **held)
    against = defended_accuracy(model, ITEMS, LABELS, rng=generator(0), defences=[Times(-1.0)], **held)
    still = defended_accuracy(model, ITEMS, LABELS, rng=generator(0), defences=[Times(0.0)], **held)
    with torch.no_grad():
        begun = float((model(torch.tensor(ITEMS)).argmax(1).numpy() == LABELS).mean())
    assert against < begun < alone
    assert still == begun


def test_messages_of_several_clients_train_as_one_message_of_all_their_items() -> None:
    model = network()
    held: dict[str, Any] = {"held_items": ITEMS, "held_labels": LABELS, "epochs": 3, "rate": 0.5}
    for reduction in ("mean", "sum"):
        spies = [Spy([]), Spy([])]
        one = defended_accuracy(
            model, ITEMS, LABELS, rng=generator(2), batch=12, defences=[spies[0]], reduction=reduction, **held
        )
        several = defended_accuracy(
            model,
            ITEMS,
            LABELS,
            rng=generator(2),
            batch=4,
            clients=3,
            defences=[spies[1]],
            reduction=reduction,
            **held,
        )
        assert (len(spies[0].seen), len(spies[1].seen)) == (15, 45)
        assert several == pytest.approx(one, abs=1 / 60)


def test_sums_and_means_train_alike() -> None:
    model = network()
    held: dict[str, Any] = {"held_items": ITEMS, "held_labels": LABELS, "batch": 6, "epochs": 3, "rate": 0.5}
    mean = defended_accuracy(model, ITEMS, LABELS, rng=generator(2), reduction="mean", **held)
    total = defended_accuracy(model, ITEMS, LABELS, rng=generator(2), reduction="sum", **held)
    assert total == pytest.approx(mean, abs=1 / 60)


def test_an_update_of_one_step_trains_as_the_gradient_does() -> None:
    model = network()
    held: dict[str, Any] = {"held_items": ITEMS, "held_labels": LABELS, "batch": 6, "epochs": 3, "rate": 0.5}
    for reduction in ("mean", "sum"):
        spy = Spy([])
        sent = defended_accuracy(
            model, ITEMS, LABELS, rng=generator(2), share="update", defences=[spy], reduction="mean", **held
        )
        assert {one.kind for one in spy.seen} == {"update"}
        if reduction == "mean":
            plain = defended_accuracy(model, ITEMS, LABELS, rng=generator(2), reduction=reduction, **held)
            assert sent == pytest.approx(plain, abs=1 / 60)


def test_messages_of_the_last_layer_train_the_last_layer_alone() -> None:
    spy = Spy([])
    defended_accuracy(
        network(), ITEMS, LABELS, ITEMS, LABELS, rng=generator(0), share="last_layer", defences=[spy], batch=6
    )
    assert {name for one in spy.seen for name in one.arrays} == {"3.weight", "3.bias"}


def test_training_that_diverges_is_worth_nothing_and_ends() -> None:
    spy = Spy([])
    found = defended_accuracy(
        network(),
        ITEMS,
        LABELS,
        ITEMS,
        LABELS,
        rng=generator(0),
        batch=4,
        epochs=50,
        defences=[spy, Times(1e30)],
    )
    assert found == 0.0
    assert len(spy.seen) < 10


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"share": "embedding"}, "'share' must be .*; received 'embedding'"),
        ({"batch": 0}, "'batch' must be a whole number from 1 up; received 0"),
        ({"clients": 0}, "'clients' must be a whole number from 1 up; received 0"),
        ({"rate": 0.0}, "'rate' must be a finite number above 0; received 0.0"),
        ({"batch": 10, "clients": 7}, "A step takes 70 items, 10 from each of 7 clients; there are 60"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        defended_accuracy(network(), ITEMS, LABELS, ITEMS, LABELS, rng=generator(0), **settings)


def test_labels_that_do_not_fit_are_refused_and_not_taken_for_divergence() -> None:
    with pytest.raises(DisclosureError, match="one number for each output"):
        defended_accuracy(network(), ITEMS, LABELS.astype(np.float32), ITEMS, LABELS, rng=generator(0))


def test_a_defence_that_cannot_be_applied_says_so() -> None:
    with pytest.raises(DisclosureError, match="the message joins 4 of them"):
        defended_accuracy(
            network(), ITEMS, LABELS, ITEMS, LABELS, rng=generator(0), batch=4, defences=[Private()]
        )


@dataclass
class Drawing(Defence):
    """Draws, and sends what it was given."""

    name: ClassVar[str] = "drawing"
    strength = None
    sentence = "Draws."

    def apply(self, disclosure: Disclosure, rng: np.random.Generator) -> Disclosure:
        rng.normal(size=7)
        return disclosure


def test_what_a_defence_draws_does_not_change_the_order_of_items() -> None:
    spies = [Spy([]), Spy([])]
    for spy, more in zip(spies, ([], [Drawing()]), strict=True):
        defended_accuracy(
            network(), ITEMS, LABELS, ITEMS, LABELS, rng=generator(4), batch=5, defences=[*more, spy]
        )
    for one, other in zip(spies[0].seen, spies[1].seen, strict=True):
        for name, array in one.arrays.items():
            np.testing.assert_array_equal(array, other[name])
