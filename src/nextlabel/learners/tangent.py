"""Kernel features of a small proxy head: projected gradients of its layers (Holzmüller et al., 2023)."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn

from nextlabel.errors import LearnerError
from nextlabel.learners.randomness import seeded
from nextlabel.maths.axes import Array
from nextlabel.maths.parameters import checked_number, checked_whole, settle

__all__ = ["HIDDEN", "ProxyHead", "Tangent"]

HIDDEN = (512, 100)
"""Units of the hidden layers of a proxy head."""


@final
@dataclass(frozen=True)
class ProxyHead:
    """Trains a proxy head on the labelled embeddings, whose gradients are the features of a tangent kernel.

    Parameters
    ----------
    features : int
        The gradients of all layers are projected to so many numbers.
    epochs : int
        Full-batch steps of Adam on the squared error; 0 leaves the initial weights.
    learning_rate : float
        Above 0.

    Raises
    ------
    ParameterError
        A parameter out of its range.

    Notes
    -----
    A perceptron d → 512 → 100 → c with SiLU between, trained to give what the network gives for the labelled
    items in evaluation mode, its logits. The kernel of two items is the inner product of the gradients of
    the sum of its outputs: Σ over layers of (δ·δ')(h·h' + 1), with h what goes into a layer and δ the
    gradient of what comes out.

    Time: the training, and O(n·r·(d + 1200)) for n items; memory (1200 + d)·r bytes for the projection, and
    4·512·(d + 100) for the weights.

    References
    ----------
    Holzmüller, Zaverkin, Kästner, Steinwart. A framework and benchmark for deep batch active learning for
    regression. JMLR 24, 2023. Section 4: gradient kernels, and their sketches.
    Luo, Chen, Fang, Zhang, Baktashmotlagh, Huang. KECOR: kernel coding rate maximization for active 3D
    object detection. ICCV 2023. The head and its training.

    Examples
    --------
    >>> rows = torch.arange(8.0).reshape(4, 2)
    >>> head = ProxyHead(features=16).fitted(rows, rows[:, :1], np.random.default_rng(0))
    >>> head.features(rows).shape
    (4, 16)
    """

    features: int = 512
    epochs: int = 10
    learning_rate: float = 2e-2

    def __post_init__(self) -> None:
        settle(
            self,
            {
                "features": checked_whole(
                    self.features, "features", least=1, of="ProxyHead", advice="Try 512."
                ),
                "epochs": checked_whole(self.epochs, "epochs", least=0, of="ProxyHead", advice="Try 10."),
                "learning_rate": checked_number(
                    self.learning_rate, "learning_rate", above=0, of="ProxyHead", advice="Try 0.02."
                ),
            },
        )

    def fitted(self, embedding: Tensor, outputs: Tensor, rng: np.random.Generator) -> "Tangent":
        """A head trained to give these outputs for these embeddings, with a projection.

        Parameters
        ----------
        embedding : Tensor, axes (l, d)
        outputs : Tensor, axes (l, c)
        rng : numpy.random.Generator
            For the initial weights and the projection.

        Raises
        ------
        LearnerError
            The loss is not finite.
        """
        initial, projection = rng.spawn(2)
        device = embedding.device
        sizes = [embedding.shape[1], *HIDDEN, outputs.shape[1]]
        with seeded(initial, device):
            layers = [nn.Linear(*pair, device=device) for pair in pairwise(sizes)]
        self._train(layers, embedding.float(), outputs.float())
        signs = [
            torch.as_tensor(projection.integers(2, size=(units, self.features), dtype=np.int8) * 2 - 1)
            for layer in layers
            for units in (layer.out_features, layer.in_features + 1)
        ]
        weights = [one.detach() for layer in layers for one in (layer.weight, layer.bias)]
        unscaled = Tangent(weights, [one.to(device) for one in signs], 1.0)
        length = float(unscaled.squared_lengths(embedding).mean())
        return Tangent(weights, unscaled.signs, length**-0.5 if length > 0 else 1.0)

    def _train(self, layers: list[nn.Linear], embedding: Tensor, outputs: Tensor) -> None:
        head = nn.Sequential(layers[0], nn.SiLU(), layers[1], nn.SiLU(), layers[2])
        optimiser = torch.optim.Adam(head.parameters(), lr=self.learning_rate)
        for epoch in range(1, self.epochs + 1):
            loss = nn.functional.mse_loss(head(embedding), outputs)
            if not torch.isfinite(loss):
                message = (
                    f"The loss of the proxy head must stay finite; it is {float(loss.detach())} in epoch "
                    f"{epoch} with a learning rate of {self.learning_rate:g}. Lower the learning rate, or "
                    "scale the items."
                )
                raise LearnerError(message)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()


@final
@dataclass(frozen=True, eq=False)
class Tangent:
    """A trained proxy head and a projection: embeddings to features whose inner products are its kernel.

    Parameters
    ----------
    weights : list of Tensor
        Weight and bias of each of the three layers.
    signs : list of Tensor
        For each layer the signs, axes (units, r), that multiply what comes out and what goes in.
    scale : float
        Multiplies the features: the mean of k(x, x) over the labelled items is 1.

    Notes
    -----
    The gradient of a layer is δ ⊗ (h, 1), and is never formed. Feature j is Σ over layers of (a·δ)(b·(h, 1))
    over √r, with a and b drawn signs: its products have the kernel as their mean, since those of two layers
    have the mean 0. Signs in place of the normal numbers of the source have the smaller variance.
    """

    weights: list[Tensor]
    signs: list[Tensor]
    scale: float

    @torch.no_grad()
    def features(self, embedding: Tensor) -> Array:
        """Projected gradients, axes (n, r), float32."""
        total: Tensor | None = None
        for number, (upper, lower) in enumerate(self._factors(embedding.float())):
            out, into = (one.to(upper.dtype) for one in self.signs[2 * number : 2 * number + 2])
            block = (upper @ out) * (lower @ into[:-1] + into[-1])
            total = block if total is None else total + block
        assert total is not None
        scaled: Array = (total * (self.scale / total.shape[1] ** 0.5)).cpu().numpy()
        return scaled

    @torch.no_grad()
    def squared_lengths(self, embedding: Tensor) -> Tensor:
        """The kernel of each item with itself, not projected, axes (n,)."""
        lengths = [
            (upper**2).sum(1) * ((lower**2).sum(1) + 1) for upper, lower in self._factors(embedding.double())
        ]
        return torch.stack(lengths).sum(0) * self.scale**2

    def _factors(self, embedding: Tensor) -> list[tuple[Tensor, Tensor]]:
        """For each layer the gradient of what comes out, and what goes in."""
        w1, b1, w2, b2, w3, _ = (one.to(embedding.dtype) for one in self.weights)
        first = nn.functional.linear(embedding, w1, b1)
        hidden = nn.functional.silu(first)
        second = nn.functional.linear(hidden, w2, b2)
        by_output = embedding.new_ones(len(embedding), len(w3))
        by_second = (by_output @ w3) * _slope(second)
        by_first = (by_second @ w2) * _slope(first)
        return [(by_first, embedding), (by_second, hidden), (by_output, nn.functional.silu(second))]

    def state(self) -> dict[str, Any]:
        """What `of_state` reads."""
        return {"weights": self.weights, "signs": self.signs, "scale": self.scale}

    @classmethod
    def of_state(cls, state: Mapping[str, Any]) -> "Tangent":
        """The one whose state this is."""
        return cls(list(state["weights"]), list(state["signs"]), float(state["scale"]))


def _slope(values: Tensor) -> Tensor:
    """The derivative of SiLU, v·σ(v)."""
    gate = values.sigmoid()
    return gate * (1 + values * (1 - gate))
