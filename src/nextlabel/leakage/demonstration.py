"""The models of ``nextlabel leakage demo``. The demonstration puts a copy of this file beside its reports.

Change a model there and run the command that its report shows.
"""

import numpy as np
import torch
from torch import nn

from nextlabel.datasets.digits import digits as load_digits
from nextlabel.leakage.networks import deep_leakage
from nextlabel.learners.networks import mlp

__all__ = ["digits", "photographs", "trained_digits"]

_EPOCHS, _CHUNK, _RATE = 20, 32, 0.2


def digits() -> nn.Module:
    """A perceptron of 128 hidden units for digits, before any training.

    Returns
    -------
    torch.nn.Module
        In evaluation mode; equal for every call.
    """
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return mlp((8, 8), 10, hidden=(128,)).eval()


def trained_digits() -> nn.Module:
    """A perceptron of 256 hidden units, trained on the first 1,200 digits by gradient descent.

    Returns
    -------
    torch.nn.Module
        In evaluation mode.

    Notes
    -----
    About two seconds on one core.
    """
    data = load_digits()
    items = torch.tensor(data.pool.take(np.arange(1_200)))
    labels = torch.tensor(data.labels[:1_200])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = mlp((8, 8), 10, hidden=(256,))
        descent = torch.optim.SGD(network.parameters(), lr=_RATE)
        for _ in range(_EPOCHS):
            for rows in torch.split(torch.randperm(len(items)), _CHUNK):
                descent.zero_grad()
                torch.autograd.backward(nn.functional.cross_entropy(network(items[rows]), labels[rows]))
                descent.step()
    return network.eval()


def photographs() -> nn.Module:
    """The convolutional network of deep leakage from gradients, for crops of 32 × 32 pixels in ten classes.

    Returns
    -------
    torch.nn.Module
        In evaluation mode; equal for every call.
    """
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return deep_leakage((32, 32, 3), 10).eval()
