"""Copies of a model, also of one that keeps what it computed; without loading torch."""

import copy
from typing import Any

__all__ = ["copied"]


def copied(model: Any) -> Any:
    """A copy of a model, with what it made of its weights left out.

    Torch copies no tensor that a gradient may flow through. Such a one, kept as an attribute (an activation,
    or the weight that a weight norm of the older kind makes of others), is None in the copy: the next call of
    the model makes it anew.

    Parameters
    ----------
    model : torch.nn.Module
        Left as it is.

    Examples
    --------
    >>> import torch
    >>> network = torch.nn.Linear(3, 2)
    >>> network.kept = network(torch.ones(1, 3))
    >>> copied(network).kept is None, network.kept is None
    (True, False)
    """
    made = {
        id(one): None
        for module in model.modules()
        for one in vars(module).values()
        if getattr(one, "is_leaf", True) is False
    }
    return copy.deepcopy(model, made)
