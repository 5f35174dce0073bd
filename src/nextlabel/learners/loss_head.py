"""A small network that reads the features of another network's blocks, and predicts the loss of an item."""

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn

__all__ = ["LossHead"]


@final
class LossHead(nn.Module):
    """A small network that predicts the loss of an item from the features of a network's blocks.

    Parameters
    ----------
    names : sequence of str
        The blocks.
    widths : sequence of int
        How many features each of them has.
    hidden : int
        Units for each block.
    """

    def __init__(self, names: Sequence[str], widths: Sequence[int], hidden: int) -> None:
        super().__init__()
        self.names = tuple(names)
        self.hidden = hidden
        self.widths = tuple(widths)
        self.shape = (self.names, self.widths, hidden)
        self.each = nn.ModuleList(nn.Linear(width, hidden) for width in widths)
        self.last = nn.Linear(hidden * len(self.widths), 1)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Predicted losses, axes (n,), of the blocks' features, axes (n, width) each."""
        parts = [layer(one).relu() for layer, one in zip(self.each, features, strict=True)]
        predicted: Tensor = self.last(torch.cat(parts, 1))[:, 0]
        return predicted
