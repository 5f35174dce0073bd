"""Stochastic gradient descent with momentum, as image classifiers are usually trained."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, final

import torch
from torch import Tensor

from nextlabel.errors import ParameterError
from nextlabel.learners.epochs import Epochs
from nextlabel.learners.named_training import NamedTraining
from nextlabel.maths.parameters import checked_flag, checked_number, checked_whole, settle

__all__ = ["SgdTraining"]


@final
@dataclass(frozen=True)
class SgdTraining(NamedTraining):
    """Gradient descent with momentum, all epochs, the learning rate made smaller on the way.

    Parameters
    ----------
    learning_rate : float
        Above 0; of the first epoch.
    momentum : float
        In [0, 1).
    weight_decay : float
        From 0 up, added to the gradient as this number times the weight.
    drops : sequence of float
        Shares of the epochs, in (0, 1), rising; the learning rate is multiplied by `factor` after each.
    factor : float
        In (0, 1].
    accuracy : float
        On the labelled items, in (0, 1]; where not all epochs are run, training ends after the epoch
        that reaches it.
    epochs : int
        The most that are run.
    chunk : int
        Items in a step; 0 for all of them.
    runs_all_epochs : bool
        Whether all epochs are run, whatever the accuracy.
    judged : int
        The accuracy is of so many of the first labelled items; 0 for all. Learners that train on labels of
        their own beside people's set it to the number of these, see `judged_on`.

    Raises
    ------
    ParameterError
        A setting outside its range.

    Notes
    -----
    The defaults are those of learning loss on CIFAR-10: 200 epochs, a rate of 0.1 that falls to 0.01 after
    epoch 160. With a cap of E epochs a drop at the share s comes after epoch ⌊s·E⌋.

    References
    ----------
    Yoo, Kweon. Learning loss for active learning. CVPR 2019. Section 4.1.

    Examples
    --------
    >>> [round(SgdTraining().rate(epoch), 4) for epoch in (160, 161)]
    [0.1, 0.01]
    """

    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    drops: Sequence[float] = (0.8,)
    factor: float = 0.1
    accuracy: float = 0.99
    epochs: int = 200
    chunk: int = 128
    runs_all_epochs: bool = True
    judged: int = 0

    def __post_init__(self) -> None:
        settle(
            self,
            {
                "learning_rate": _checked("learning_rate", self.learning_rate, above=0),
                "momentum": _checked("momentum", self.momentum, least=0, below=1),
                "weight_decay": _checked("weight_decay", self.weight_decay, least=0),
                "drops": _checked_drops(self.drops),
                "factor": _checked("factor", self.factor, above=0, most=1),
                "accuracy": _checked("accuracy", self.accuracy, above=0, most=1),
                "epochs": checked_whole(self.epochs, "epochs", least=1),
                "chunk": checked_whole(self.chunk, "chunk", least=0, advice="Give 0 for all items at once."),
                "runs_all_epochs": checked_flag(self.runs_all_epochs, "runs_all_epochs"),
                "judged": checked_whole(self.judged, "judged", least=0, advice="Give 0 for all items."),
            },
        )

    @property
    def loop(self) -> Epochs:
        """How long it goes on, and in which pieces."""
        ends = self.accuracy, self.runs_all_epochs
        return Epochs(self.epochs, self.chunk, *ends, self.learning_rate, self.judged)

    @property
    def schedule(self) -> Callable[[int], float]:
        """The learning rate of an epoch, which falls after each drop."""
        return self.rate

    def optimiser(self, weights: Iterable[Tensor]) -> torch.optim.Optimizer:
        """Gradient descent over these weights, as set here."""
        return torch.optim.SGD(
            [one for one in weights if one.requires_grad],
            lr=self.learning_rate,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
        )

    def rate(self, epoch: int) -> float:
        """The learning rate of an epoch, by its number from 1."""
        passed = sum(epoch > int(round(share * self.epochs, 6)) for share in self.drops)
        return float(self.learning_rate * self.factor**passed)


def _checked(name: str, value: Any, **limits: Any) -> float:
    return checked_number(value, name, **limits, advice=_ADVICE[name])


_ADVICE = {
    "learning_rate": "Give for example 0.1.",
    "momentum": "Give for example 0.9, or 0 for none.",
    "weight_decay": "Give 0 for none.",
    "factor": "Give for example 0.1.",
    "accuracy": "Give a share.",
}


def _checked_drops(drops: Any) -> tuple[float, ...]:
    if not isinstance(drops, list | tuple):
        message = (
            f"'drops' must be a list of shares of the epochs; received {drops!r}. Give for example [0.8]."
        )
        raise ParameterError(message)
    shares = tuple(
        checked_number(one, "drops", above=0, below=1, advice="Give shares of the epochs, for example [0.8].")
        for one in drops
    )
    if any(late <= early for early, late in pairwise(shares)):
        message = f"'drops' must rise; received {list(drops)}. Put them in order, each once."
        raise ParameterError(message)
    return shares
