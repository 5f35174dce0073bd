"""Messages on which attacks in closed form are tried: one that each solves, and one that it cannot."""

import numpy as np
import torch
from torch import nn

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.core.registry import resolve

__all__ = [
    "batch_of",
    "crowded_batch",
    "guessed_items",
    "labelled_pair",
    "one_item",
    "two_classes",
    "without_bias",
]


def one_item() -> tuple[Disclosure, Knowledge]:
    """One item through two layers with biases.

    Examples
    --------
    >>> one_item()[0].items
    1
    """
    return _message(_network(30, 4), _items(1))


def labelled_pair() -> tuple[Disclosure, Knowledge]:
    """Two items whose classes can be counted, since predictions hardly vary.

    Examples
    --------
    >>> labelled_pair()[0].items
    2
    """
    model = _network(30, 4)
    with torch.no_grad():
        model.get_submodule("2").get_parameter("weight").mul_(1e-3)
    return _message(model, _items(2))


def batch_of(items: int = 3) -> tuple[Disclosure, Knowledge]:
    """Several items through many rectified units.

    Examples
    --------
    >>> batch_of(3)[0].items
    3
    """
    return _message(_network(60, 4), _items(items))


def crowded_batch() -> tuple[Disclosure, Knowledge]:
    """More items than an item has values, so that every rank is exhausted.

    Examples
    --------
    >>> crowded_batch()[0].items
    12
    """
    return batch_of(12)


def without_bias() -> tuple[Disclosure, Knowledge]:
    """Two classes, features of both signs, and no bias: a class cannot be told from its opposite.

    Examples
    --------
    >>> list(without_bias()[0].arrays)
    ['weight']
    """
    model = nn.Linear(5, 2, bias=False, dtype=torch.float64)
    _fill(model, 0)
    return _message(model.eval(), _items(1) - 0.5)


def guessed_items() -> tuple[Disclosure, Knowledge]:
    """Gradient embeddings of two items, with units enough to follow them back.

    Examples
    --------
    >>> guessed_items()[0]["embedding"].shape
    (2, 4, 30)
    """
    return _message(_network(30, 4), _items(2), "embedding")


def two_classes() -> tuple[Disclosure, Knowledge]:
    """Gradient embeddings under two classes and few units: several features explain each.

    Examples
    --------
    >>> two_classes()[0]["embedding"].shape
    (2, 2, 4)
    """
    return _message(_network(4, 2), _items(2), "embedding")


def _network(units: int, classes: int) -> nn.Sequential:
    first = nn.Linear(5, units, dtype=torch.float64)
    model = nn.Sequential(first, nn.ReLU(), nn.Linear(units, classes, dtype=torch.float64))
    _fill(model, 1)
    return model.eval()


def _fill(model: nn.Module, seed: int) -> None:
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for one in model.parameters():
            one.copy_(torch.as_tensor(rng.normal(size=tuple(one.shape)) / np.sqrt(one.shape[-1])))


def _items(items: int) -> Array:
    return np.random.default_rng(2).random((items, 5))


def _message(model: nn.Module, items: Array, share: str = "full") -> tuple[Disclosure, Knowledge]:
    classes = 2 if isinstance(model, nn.Linear) else model.get_submodule("2").get_parameter("weight").shape[0]
    sent = resolve("message", share)(model, items, np.arange(len(items)) % classes)
    return sent, Knowledge(model, (5,), classes, batch=len(items))
