"""Models in half precisions: an attacker computes with the same weights in single precision."""

import dataclasses
from typing import Final

import numpy as np
import torch

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Array
from nextlabel.leakage.model_copies import copied
from nextlabel.maths.axes import Floats

__all__ = ["are_signs", "rounding_of", "step_of", "unit_of", "widened"]

_HALVES: Final = (torch.float16, torch.bfloat16)
_SIGNS = 8  # features: so many of exactly one size are signs, of fewer rounding may have made it
_TOLD = 16  # different magnitudes: fewer may have few digits by chance, or because they are whole numbers
_FINEST = 1e-5  # of the largest number
_NEAR = 0.01  # of a step


def widened(knowledge: Knowledge) -> Knowledge:
    """The same knowledge, of a model that computes in single precision or finer.

    Parameters
    ----------
    knowledge : Knowledge
        Its model is left as it is: a copy of it is made where weights or buffers are of a half precision.

    Returns
    -------
    Knowledge
        As given where nothing is of a half precision.

    Notes
    -----
    NumPy has no bfloat16, of half precisions many operations are not written for a CPU, and an attacker
    loses by them: every number of the message has been rounded once, and would be again in each step. What a
    model says in single precision is what the message was rounded from. Memory of one model.

    Examples
    --------
    >>> half = Knowledge(torch.nn.Linear(3, 2).bfloat16(), (3,), 2)
    >>> widened(half).model.weight.dtype, half.model.weight.dtype
    (torch.float32, torch.bfloat16)
    """
    model = knowledge.model
    if not any(one.dtype in _HALVES for one in (*model.parameters(), *model.buffers())):
        return knowledge
    wide = copied(model)
    with torch.no_grad():
        for module in wide.modules():
            module._apply(lambda one: one.float() if one.dtype in _HALVES else one, recurse=False)
    return dataclasses.replace(knowledge, model=wide)


def rounding_of(array: Array, knowledge: Knowledge) -> tuple[float, float]:
    """How coarse the numbers of a message are.

    Parameters
    ----------
    array : array of float
        Of the message.
    knowledge : Knowledge
        As the attack was given it, before it is widened.

    Returns
    -------
    tuple of two floats
        The rounding unit, and the smallest number above zero: of the type in which the model computes, or in
        which the message is held, or to which its numbers were rounded; whichever is the coarsest. A message
        in bfloat16 comes in single precision, since NumPy has nothing nearer.

    Examples
    --------
    >>> single, half = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2).bfloat16()
    >>> drawn = np.random.default_rng(0).normal(size=(4, 8)).astype(np.float32)
    >>> rounded = drawn.astype(np.float16).astype(np.float32)
    >>> bool(rounding_of(drawn, Knowledge(single, (3,), 2))[0] == np.finfo(np.float32).eps)
    True
    >>> rounding_of(drawn, Knowledge(half, (3,), 2))[0], rounding_of(rounded, Knowledge(single, (3,), 2))[0]
    (0.0078125, 0.0009765625)
    """
    types = {one.dtype for one in knowledge.model.parameters() if one.is_floating_point()}
    limits = [torch.finfo(one) for one in {*types, *_types(array)}]
    smallest = max(one.smallest_normal * one.eps for one in limits)
    return float(max(one.eps for one in limits)), float(smallest)


def unit_of(array: Array) -> float:
    """The rounding unit of numbers: of the type that holds them, or of the half precision that they show.

    Parameters
    ----------
    array : array of float

    Examples
    --------
    >>> drawn = np.random.default_rng(0).normal(size=(4, 8)).astype(np.float32)
    >>> unit_of(drawn.astype(np.float16).astype(np.float32)), round(unit_of(drawn), 9)
    (0.0009765625, 1.19e-07)
    """
    return float(max(torch.finfo(one).eps for one in _types(array)))


def step_of(array: Array) -> float:
    """The step of which all numbers of an array are multiples, as of eight bits; 0 where there is none.

    Parameters
    ----------
    array : array of float

    Notes
    -----
    A step is looked for that goes at most a hundred thousand times into the largest number: finer ones take
    nothing from single precision. Of sixteen magnitudes or more all are within a hundredth of a multiple by
    chance in one case of 10²³.

    Examples
    --------
    >>> step_of(np.arange(-20, 20) / 4), step_of(np.random.default_rng(0).normal(size=40))
    (0.25, 0.0)
    """
    largest = float(np.abs(array).max(initial=0.0))
    sizes = np.unique(np.abs(array.astype(np.float64)))
    gaps = np.diff(sizes[: np.searchsorted(sizes, largest) + 1])
    gaps = gaps[gaps > _FINEST * largest]
    if len(sizes) < _TOLD or not len(gaps):
        return 0.0
    steps = sizes / gaps.min()
    return float(gaps.min()) if np.abs(steps - np.rint(steps)).max() < _NEAR else 0.0


def _types(array: Array) -> list[torch.dtype]:
    """The type of an array, and half precisions that hold all its numbers, where there are enough to tell."""
    own = torch.from_numpy(np.empty(0, array.dtype)).dtype
    if own != torch.float32 or len(np.unique(np.abs(array))) < _TOLD:
        return [own]
    numbers = torch.tensor(array)
    return [own, *(one for one in _HALVES if bool((numbers.to(one).float() == numbers).all()))]


def are_signs(row: Floats) -> bool:
    """Whether only the signs of an embedding are left: its numbers are of one size, and no features are.

    Of two classes signs are an outer product, which would be read as the features of an item that has none.

    Parameters
    ----------
    row : array of float, axes (c, d)
        The embedding of one item.
    """
    sizes = np.abs(row[row != 0])
    return int(row.any(axis=0).sum()) >= _SIGNS and bool((sizes == sizes[0]).all())
