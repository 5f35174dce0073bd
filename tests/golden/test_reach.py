"""What can be reached from an object, and that a message leads to nothing private."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from nextlabel.core.registry import names
from nextlabel.testing.attack_examples import message_of, small_network
from nextlabel.testing.reach import arrays_within, is_within

PRIVATE = np.random.default_rng(0).normal(size=(3, 5))


class Holder:
    def __init__(self, held: object) -> None:
        self.held = held

    def method(self) -> None:
        return


def saved_by_autograd() -> torch.Tensor:
    weight = torch.ones(5, dtype=torch.float64, requires_grad=True)
    return (torch.as_tensor(PRIVATE) * weight).sum()


def enclosed() -> object:
    private = PRIVATE
    return lambda: private


def with_gradient() -> nn.Parameter:
    weight = nn.Parameter(torch.zeros(3, 5, dtype=torch.float64))
    weight.grad = torch.as_tensor(PRIVATE.copy())
    return weight


@pytest.mark.parametrize(
    "thing",
    [
        PRIVATE,
        PRIVATE[1:, ::2],
        {"key": [(PRIVATE.copy(),)]},
        np.array([PRIVATE, None], dtype=object),
        Holder(PRIVATE),
        Holder(PRIVATE).method,
        enclosed(),
        partial(print, PRIVATE),
        lambda one=PRIVATE: one,
        torch.as_tensor(PRIVATE),
        saved_by_autograd(),
        with_gradient(),
        np.concatenate([np.zeros(7), PRIVATE[1], np.ones(2)]),
    ],
)
def test_private_numbers_are_found(thing: object) -> None:
    assert is_within(PRIVATE, thing)


@pytest.mark.parametrize(
    "thing", [PRIVATE * 2, PRIVATE[:, 1:].copy(), np, Holder, print, 3.0, "text"], ids=str
)
def test_other_numbers_are_not(thing: object) -> None:
    assert not is_within(PRIVATE, thing)


def test_an_array_is_met_once() -> None:
    assert len(arrays_within([PRIVATE, PRIVATE, {"again": PRIVATE}])) == 1


@pytest.mark.parametrize("share", names("message"))
def test_neither_items_nor_labels_can_be_reached_from_a_message(share: str) -> None:
    items = np.random.default_rng(1).normal(size=(4, 6))
    labels = np.array([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8], [0.6, 0.2, 0.2], [1.0, 0.0, 0.0]])
    sent = message_of(small_network(6, 8, 3), items, labels, share=share)
    assert not is_within(items, sent)
    assert not is_within(labels, sent)
    told = message_of(small_network(6, 8, 3), items, labels, share=share, known=True)
    assert is_within(labels, told)  # where the attacker is said to know them
