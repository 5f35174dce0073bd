"""Which arrays can be reached from an object: what somebody who is given it could read."""

import gc
from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch

from nextlabel.core.disclosure import Array

__all__ = ["arrays_within", "is_within"]


def arrays_within(thing: object) -> list[Array]:
    """Every array and tensor that references lead to, those that others are views of among them.

    Parameters
    ----------
    thing : object
        Anything. Modules and classes are not entered, nor the globals of functions, which lead everywhere;
        what a function encloses is.

    Returns
    -------
    list of array
        Tensors as arrays that share their memory, the gradients they hold and what is saved for a backward
        pass among them.

    Examples
    --------
    >>> hidden = np.arange(3)
    >>> [one.tolist() for one in arrays_within({"key": [lambda one=hidden: one]})]
    [[0, 1, 2]]
    """
    seen: dict[int, object] = {}
    found: list[Array] = []
    todo = [thing]
    while todo:
        one = todo.pop()
        if id(one) in seen or isinstance(one, type | ModuleType | BuiltinFunctionType):
            continue
        seen[id(one)] = one  # held, so that no number is given twice
        if isinstance(one, np.ndarray):
            found.append(one)
        elif isinstance(one, torch.Tensor):
            found.append(one.detach().cpu().numpy())
        todo.extend(_next(one))
    return found


def is_within(array: Array, thing: object, *, least: int = 2) -> bool:
    """Whether an object leads to an array's memory, or to one that holds a row of its numbers.

    Parameters
    ----------
    array : array, first axis b
        What must stay private.
    thing : object
        What is handed out.
    least : int
        Rows of fewer numbers are not looked for: a lone number may be there by chance.

    Examples
    --------
    >>> private = np.array([[0.1, 0.2], [0.3, 0.4]])
    >>> is_within(private, {"key": [private[1].copy()]}), is_within(private, {"key": np.zeros(2)})
    (True, False)
    """
    rows = [row for row in np.asarray(array).reshape(len(array), -1) if row.size >= least and row.any()]
    for one in arrays_within(thing):
        if np.shares_memory(one, array):
            return True
        flat = one.reshape(-1)
        for row in rows:
            starts = np.flatnonzero(flat[: max(0, flat.size - row.size + 1)] == row[0])
            if any(np.array_equal(flat[start : start + row.size], row) for start in starts):
                return True
    return False


def _next(one: object) -> Iterator[Any]:
    if isinstance(one, FunctionType):
        yield from (cell.cell_contents for cell in one.__closure__ or ())
        yield from (one.__defaults__, one.__kwdefaults__, one.__dict__)
    elif isinstance(one, MethodType):
        yield from (one.__self__, one.__func__)
    elif isinstance(one, np.ndarray):
        yield one.base
        if one.dtype == object:
            yield from one.flat
    elif isinstance(one, torch.Tensor):
        grad = one.grad if one.is_leaf or one.retains_grad else None  # torch warns of asking others
        yield from (grad, one._base, one.__dict__, *_saved(one))
    else:
        yield from gc.get_referents(one)


def _saved(tensor: torch.Tensor) -> Iterator[Any]:
    """What autograd keeps to go back from a tensor."""
    todo, seen = [tensor.grad_fn], set()
    while todo:
        node = todo.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        todo.extend(further for further, _ in node.next_functions)
        yield getattr(node, "variable", None)
        yield from (getattr(node, name) for name in dir(node) if name.startswith("_saved_"))
