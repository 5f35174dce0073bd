"""Which messages of text are one gradient: itself, or an update of one step at a known rate."""

import numpy as np
import torch
from torch import Tensor

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Disclosure

__all__ = ["READ", "rounded_sizes", "why_no_gradient"]

READ = frozenset({"full", "update"})
"""The kinds of messages that can be one gradient of all weights."""

_EVEN = 12.0**-0.5  # root mean square of an even law between -1/2 and 1/2


def why_no_gradient(disclosure: Disclosure, knowledge: Knowledge) -> str | None:
    """Why a message is not one gradient at the weights known; None where it is.

    Parameters
    ----------
    disclosure : Disclosure
    knowledge : Knowledge
        With ``steps`` and ``rate`` of an update.

    Notes
    -----
    The change after several steps is the mean of gradients at weights that are not known: tokens lie in its
    spans only up to what the weights moved, and its rows are those of no text.

    Examples
    --------
    >>> from torch import nn
    >>> known = Knowledge(nn.Linear(2, 2), (2,), 2, steps=3, rate=0.1)
    >>> why_no_gradient(Disclosure("update", {"bias": np.zeros(2, np.float32)}, 1), known)
    'an update is read where it is of one step at a known rate; this one is said to be of 3 steps at 0.1'
    """
    if disclosure.kind not in READ:
        return f"the full gradient is read, or an update of one step; not {disclosure.kind!r}"
    if disclosure.kind == "full" or (knowledge.steps == 1 and knowledge.rate is not None):
        return None
    steps = "an unknown number of steps"
    if knowledge.steps is not None:
        steps = f"{knowledge.steps:,} step{'s' * (knowledge.steps != 1)}"
    rate = "an unknown rate" if knowledge.rate is None else f"{knowledge.rate:g}"
    return (
        "an update is read where it is of one step at a known rate; this one is said to be of "
        f"{steps} at {rate}"
    )


def rounded_sizes(disclosure: Disclosure, knowledge: Knowledge) -> dict[str, float]:
    """What rounding adds to each array of a gradient read off an update: the root mean square of an entry.

    Parameters
    ----------
    disclosure : Disclosure
        As it was sent.
    knowledge : Knowledge

    Returns
    -------
    dict of str to float
        0 of a gradient, which keeps all its digits.

    Notes
    -----
    New weights are rounded to the spacing of numbers at their size before the old ones are taken off.

    Examples
    --------
    >>> from torch import nn
    >>> known = Knowledge(nn.Linear(2, 2), (2,), 2, steps=1, rate=0.5)
    >>> list(rounded_sizes(Disclosure("full", {"bias": np.ones(2, np.float32)}, 1), known).values())
    [0.0]
    """
    if disclosure.kind == "full":
        return dict.fromkeys(disclosure.arrays, 0.0)
    assert knowledge.rate is not None  # or it would not be read
    weights = dict(knowledge.model.named_parameters())
    return {
        name: _rounding(weights[name]) / knowledge.rate if name in weights else 0.0
        for name in disclosure.arrays
    }


def _rounding(weight: Tensor) -> float:
    """Root mean square of what is lost when weights are rounded to their own precision."""
    own = weight.detach().cpu().double().numpy()
    exponents = np.frexp(own)[1][own != 0.0] - 1
    spacings = np.ldexp(torch.finfo(weight.dtype).eps, exponents)
    return _EVEN * float(np.sqrt((spacings**2).sum() / own.size))
