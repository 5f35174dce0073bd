"""The loop of a training: epoch after epoch over minibatches, until the training accuracy is reached."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from torch import Tensor, nn

from nextlabel.errors import LearnerError
from nextlabel.learners.objective import Objective, OfLoss

__all__ = ["EVALUATED", "Augmentation", "Epochs", "Trained"]

EVALUATED = 256
"""Items in a forward pass that measures the accuracy."""

Augmentation = Callable[[Tensor, np.random.Generator], Tensor]
"""Changes the items of a minibatch, axes (n, ...), as it likes; labels stay what they were."""


@final
@dataclass(frozen=True)
class Trained:
    """How a training ended.

    Parameters
    ----------
    epochs : int
        How many were run.
    accuracy : float
        On the labelled items, or those judged, at the end, in evaluation mode, in [0, 1].
    converged : bool
        Whether the wanted accuracy was reached before the cap.
    """

    epochs: int
    accuracy: float
    converged: bool


@final
@dataclass(frozen=True)
class Epochs:
    """How long a training goes on, and in which pieces.

    Parameters
    ----------
    most : int
        The most epochs that are run.
    chunk : int
        Items in a step of the optimiser; 0 for all of them.
    accuracy : float
        On the labelled items, in (0, 1]; training ends after the epoch that reaches it.
    runs_all : bool
        Whether all epochs are run, whatever the accuracy.
    rate : float
        The learning rate, as errors name it.
    judged : int
        The accuracy is of so many of the first items; 0 for all.
    """

    most: int
    chunk: int
    accuracy: float
    runs_all: bool
    rate: float
    judged: int = 0

    def run(
        self,
        network: nn.Module,
        items: Tensor,
        labels: Tensor,
        rng: np.random.Generator,
        optimiser: Callable[[Iterable[Tensor]], torch.optim.Optimizer],
        *,
        schedule: Callable[[int], float] | None = None,
        objective: Objective | None = None,
        weights: Tensor | None = None,
        augment: Augmentation | None = None,
    ) -> Trained:
        """Train in place.

        Parameters
        ----------
        network : torch.nn.Module
        items : tensor, axes (l, ...)
        labels : tensor of int64, axes (l,)
            Class indices.
        rng : numpy.random.Generator
            Draws the order of an epoch, then what augmentation draws of each of its pieces.
        optimiser : callable
            Makes one for parameters; called once for those of the network, and once for those of what is
            trained beside it.
        schedule : callable, optional
            The learning rate of an epoch, by its number from 1; left as it is where there is none.
        objective : Objective, optional
            The mean cross-entropy where left out.
        weights : tensor of float32, axes (l,), optional
            Of the items, 1 on average.
        augment : callable, optional
            Changes the items of a minibatch before they are trained on. The accuracy is measured on the
            items themselves.

        Raises
        ------
        LearnerError
            The loss is no longer finite.
        """
        objective = OfLoss() if objective is None else objective
        first = slice(self.judged or None)
        beside = objective.beside()
        optimisers = [optimiser(one.parameters()) for one in (network, beside) if one is not None]
        accuracy = 0.0
        for epoch in range(1, self.most + 1):
            network.train(len(items) > 1)  # batch norm has no statistics of a single item
            objective.begin(epoch, self.most)
            _set_rate(optimisers, epoch, schedule)
            losses = []
            for piece in np.array_split(rng.permutation(len(items)), self.pieces(len(items))):
                rows = torch.as_tensor(piece, device=items.device)
                given = items[rows] if augment is None else augment(items[rows], rng)
                loss = objective.loss(
                    network, given, labels[rows], None if weights is None else weights[rows]
                )
                _step(optimisers, loss)
                losses.append(loss.detach())
            total = float(torch.stack(losses).sum())
            if not np.isfinite(total):
                raise LearnerError(self.diverged(total, epoch))
            is_last = epoch == self.most
            if is_last or not self.runs_all:
                accuracy = self.measured(network, items[first], labels[first], is_last)
                if accuracy >= self.accuracy and not self.runs_all:
                    break
        return Trained(epoch, accuracy, accuracy >= self.accuracy)

    def pieces(self, items: int) -> int:
        """How many steps an epoch over so many items has."""
        return -(-items // self.chunk) if self.chunk else 1

    def diverged(self, total: float, epoch: int, at: str = "") -> str:
        """The message where the loss of an epoch is no longer finite."""
        return (
            f"The training loss must stay finite; it became {total} in epoch {epoch}{at} with a learning "
            f"rate of {self.rate:g}. Lower the learning rate, or scale the items."
        )

    def measured(self, network: nn.Module, items: Tensor, labels: Tensor, is_last: bool) -> float:
        """The accuracy on items; where it cannot reach what is wanted any more, an upper bound of it."""
        network.eval()
        wrong = 0
        with torch.no_grad():
            for start in range(0, len(items), EVALUATED):
                rows = slice(start, start + EVALUATED)
                wrong += int((network(items[rows]).argmax(1) != labels[rows]).sum())
                if not is_last and (len(items) - wrong) / len(items) < self.accuracy:
                    break
        return (len(items) - wrong) / len(items)


def _set_rate(
    optimisers: Iterable[torch.optim.Optimizer], epoch: int, schedule: Callable[[int], float] | None
) -> None:
    if schedule is None:
        return
    for one in optimisers:
        for group in one.param_groups:
            group["lr"] = schedule(epoch)


def _step(optimisers: Iterable[torch.optim.Optimizer], loss: Tensor) -> None:
    for one in optimisers:
        one.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    for one in optimisers:
        one.step()
