"""How a torch classifier is trained unless somebody brings a routine of their own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import final

import numpy as np
import torch
from torch import Tensor, nn

from nextlabel.errors import LearnerError
from nextlabel.maths.parameters import checked_number, checked_whole, settle

__all__ = ["TRAININGS", "AdamTraining", "Trained", "Training"]


@final
@dataclass(frozen=True)
class Trained:
    """How a training ended.

    Parameters
    ----------
    epochs : int
        How many were run.
    accuracy : float
        On the labelled items at the end, in evaluation mode, in [0, 1].
    converged : bool
        Whether the wanted accuracy was reached before the cap.
    """

    epochs: int
    accuracy: float
    converged: bool


Training = Callable[[nn.Module, Tensor, Tensor, np.random.Generator], Trained | None]
"""Trains a network in place on items, axes (l, ...), and class indices, axes (l,), all on one device."""


@final
@dataclass(frozen=True)
class AdamTraining:
    """Adam on the cross-entropy, from where the network stands, until the training accuracy is reached.

    Parameters
    ----------
    learning_rate : float
        Above 0.
    weight_decay : float
        From 0 up, as Adam adds it to the gradient.
    accuracy : float
        On the labelled items, in (0, 1]; training ends after the epoch that reaches it.
    epochs : int
        The most that are run.
    chunk : int
        Items in a step of the optimiser.

    Raises
    ------
    ParameterError
        A setting outside its range.

    Notes
    -----
    Every epoch goes over the items in a fresh order from the generator, in pieces of equal size up to
    one. The accuracy is measured after the epoch in evaluation mode. Departs from the code published
    with BADGE, which counts the predictions made while training: under dropout these may never reach
    99 %, however well the network has learnt. Reaching the cap raises no warning, since a study makes
    hundreds of fits: `Trained.converged` says it.

    References
    ----------
    Ash, Zhang, Krishnamurthy, Langford, Agarwal. Deep batch active learning by diverse, uncertain
    gradient lower bounds. ICLR 2020. Section 4: Adam, from scratch, until 99 % training accuracy.

    Examples
    --------
    >>> network = nn.Linear(1, 2)
    >>> items, labels = torch.tensor([[-9.0], [9.0]]), torch.tensor([0, 1])
    >>> AdamTraining(learning_rate=0.1)(network, items, labels, np.random.default_rng(0)).accuracy
    1.0
    """

    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    accuracy: float = 0.99
    epochs: int = 200
    chunk: int = 64

    def __post_init__(self) -> None:
        rate, decay, share = "Give for example 0.001.", "Give 0 for none.", "Give a share."
        settle(
            self,
            {
                "learning_rate": checked_number(self.learning_rate, "learning_rate", above=0, advice=rate),
                "weight_decay": checked_number(self.weight_decay, "weight_decay", least=0, advice=decay),
                "accuracy": checked_number(self.accuracy, "accuracy", above=0, most=1, advice=share),
                "epochs": checked_whole(self.epochs, "epochs", least=1),
                "chunk": checked_whole(self.chunk, "chunk", least=1),
            },
        )

    def __call__(
        self, network: nn.Module, items: Tensor, labels: Tensor, rng: np.random.Generator
    ) -> Trained:
        """Train in place.

        Raises
        ------
        LearnerError
            The loss is no longer finite.
        """
        optimiser = torch.optim.Adam(
            network.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay
        )
        pieces = -(-len(items) // self.chunk)
        accuracy = 0.0
        for epoch in range(1, self.epochs + 1):
            network.train(len(items) > 1)  # batch norm has no statistics of a single item
            losses = []
            for piece in np.array_split(rng.permutation(len(items)), pieces):
                rows = torch.as_tensor(piece, device=items.device)
                loss = nn.functional.cross_entropy(network(items[rows]), labels[rows])
                optimiser.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                losses.append(loss.detach())
            total = float(torch.stack(losses).sum())
            if not np.isfinite(total):
                message = (
                    f"The training loss must stay finite; it became {total} in epoch {epoch} with a learning "
                    f"rate of {self.learning_rate:g}. Lower the learning rate, or scale the items."
                )
                raise LearnerError(message)
            accuracy = self._accuracy(network, items, labels)
            if accuracy >= self.accuracy:
                break
        return Trained(epoch, accuracy, accuracy >= self.accuracy)

    def _accuracy(self, network: nn.Module, items: Tensor, labels: Tensor) -> float:
        network.eval()
        with torch.no_grad():
            right = [
                (network(items[start : start + self.chunk]).argmax(1) == labels[start : start + self.chunk])
                for start in range(0, len(items), self.chunk)
            ]
        return int(torch.cat(right).sum()) / len(items)


TRAININGS: Mapping[str, Callable[..., Training]] = MappingProxyType({"adam": AdamTraining})
"""The routines that have a name; any other is given as a function."""
