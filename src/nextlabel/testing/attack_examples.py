"""What attacks are tried on: for each registered one a message that it solves and one that it cannot."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.core.registry import resolve
from nextlabel.testing.closed_form_examples import (
    batch_of,
    crowded_batch,
    guessed_items,
    labelled_pair,
    one_item,
    two_classes,
    without_bias,
)
from nextlabel.testing.text_examples import (
    asked_text,
    averaged_text,
    crowded_text,
    every_word,
    foreign_text,
    short_text,
)

__all__ = ["EXAMPLES", "FAILURES", "SETTINGS", "Example", "message_of", "small_network"]

Example = Callable[[], tuple[Disclosure, Knowledge]]
"""Makes a message and what the attacker knows; the private items live in the call and end with it."""

SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "gradient_matching": {"restarts": 2, "evaluations": 150, "target": 1e-6},
    "inverting_gradients": {"restarts": 2, "evaluations": 150},
    "text_matching": {"restarts": 1, "iterations": 2},
}
"""Parameters of an attack for the contract, by registered name, where its defaults would take too long."""


def small_network(*widths: int, activation: Callable[[], nn.Module] = nn.ReLU, seed: int = 0) -> nn.Module:
    """Linear layers with biases and an activation between them, in float64 and evaluation mode.

    Parameters
    ----------
    *widths : int
        Of the input, the hidden layers and the output.
    activation : callable
        Makes a layer.
    seed : int
        Of the weights: normal, of variance 1 over the inputs of a layer; the biases too.

    Examples
    --------
    >>> small_network(6, 8, 3)(torch.zeros(1, 6, dtype=torch.float64)).shape
    torch.Size([1, 3])
    """
    rng = np.random.default_rng(seed)
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layer = nn.Linear(inputs, outputs, dtype=torch.float64)
        with torch.no_grad():
            for one in layer.parameters():
                one.copy_(torch.as_tensor(rng.normal(size=tuple(one.shape)) / np.sqrt(inputs)))
        layers += [layer, activation()]
    return nn.Sequential(*layers[:-1]).eval()


def message_of(
    model: nn.Module, items: Array, labels: Array, *, share: str = "full", known: bool = False, **more: Any
) -> tuple[Disclosure, Knowledge]:
    """The message of a batch, and the knowledge of its model, loss and size.

    Parameters
    ----------
    model : torch.nn.Module
        In evaluation mode.
    items, labels : array
        As `nextlabel.leakage.messages.full` takes them.
    share : str
        The registered name of a message.
    known : bool
        Whether the attacker knows the labels.
    **more
        Further fields of `Knowledge`; steps and rate of an update and the sketch of an embedding go to the
        message as well.

    Examples
    --------
    >>> message, knowledge = message_of(small_network(6, 8, 3), np.ones((1, 6)), np.array([2]))
    >>> message.size, knowledge.classes, knowledge.batch
    (83, 3, 1)
    """
    own = {name: more[name] for name in ("steps", "rate", "sketch") if name in more}
    asked = {name: more[name] for name in ("loss", "reduction") if name in more}
    disclosure = resolve("message", share)(model, items, labels, **asked, **own)
    with torch.no_grad():
        classes = int(model(torch.as_tensor(np.array(items[:1]))).shape[-1])
    told = np.array(labels) if known else None
    return disclosure, Knowledge(model, np.shape(items)[1:], classes, batch=len(items), labels=told, **more)


def _smooth_network() -> tuple[Disclosure, Knowledge]:
    items = np.random.default_rng(3).random((1, 4))
    return message_of(small_network(4, 7, 3, activation=nn.Sigmoid), items, np.array([2]))


def _bounded_items() -> tuple[Disclosure, Knowledge]:
    items = np.random.default_rng(3).random((1, 4))
    return message_of(small_network(4, 9, 3), items, np.array([2]), known=True, bounds=(0.0, 1.0))


def _of_another_model() -> tuple[Disclosure, Knowledge]:
    items = np.random.default_rng(3).random((1, 4))
    sent, _ = message_of(small_network(4, 7, 3, activation=nn.Sigmoid, seed=1), items, np.array([2]))
    _, knowledge = message_of(
        small_network(4, 7, 3, activation=nn.Sigmoid), items, np.array([2]), known=True, bounds=(0.0, 1.0)
    )
    return sent, knowledge


def _few_items() -> tuple[Disclosure, Knowledge]:
    items = np.random.default_rng(4).normal(size=(3, 6))
    return message_of(small_network(6, 60, 3, activation=nn.Tanh), items, np.array([2, 0, 1]))


def _more_items_than_values() -> tuple[Disclosure, Knowledge]:
    items = np.random.default_rng(4).normal(size=(9, 6))
    return message_of(small_network(6, 60, 3, activation=nn.Tanh), items, np.arange(9) % 3)


def _wide_network(width: int) -> tuple[Disclosure, Knowledge]:
    items = np.random.default_rng(4).normal(size=(2, 4))
    items /= np.linalg.norm(items, axis=1, keepdims=True)
    model = small_network(4, width, 1, activation=nn.Softplus)
    with torch.no_grad():
        model[0].bias.zero_()  # type: ignore[index]
    return message_of(model, items, np.array([[3.0], [-4.0]]), loss="squared_error")


def _wide() -> tuple[Disclosure, Knowledge]:
    return _wide_network(20_000)


def _narrow() -> tuple[Disclosure, Knowledge]:
    return _wide_network(10)


EXAMPLES: Mapping[str, Example] = {
    "bag_of_words": averaged_text,
    "embedding_inversion": guessed_items,
    "fully_connected": one_item,
    "gradient_matching": _smooth_network,
    "inverting_gradients": _bounded_items,
    "label_counts": labelled_pair,
    "label_inference": one_item,
    "recursive_peel": _smooth_network,
    "relu_sparsity": batch_of,
    "span_test": short_text,
    "subspace_decomposition": _few_items,
    "tensor_decomposition": _wide,
    "text_matching": asked_text,
}
"""By registered name: a message that the attack solves within half a second."""

FAILURES: Mapping[str, Example] = {
    "bag_of_words": every_word,
    "embedding_inversion": two_classes,
    "fully_connected": crowded_batch,
    "gradient_matching": _of_another_model,
    "inverting_gradients": _of_another_model,
    "label_counts": without_bias,
    "label_inference": without_bias,
    "recursive_peel": _of_another_model,
    "relu_sparsity": crowded_batch,
    "span_test": crowded_text,
    "subspace_decomposition": _more_items_than_values,
    "tensor_decomposition": _narrow,
    "text_matching": foreign_text,
}
"""By registered name: a message that the attack must not claim to have solved."""
