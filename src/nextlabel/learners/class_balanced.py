"""Losses in which items of rare classes weigh more: by the effective number of items."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor, nn

from nextlabel.errors import LearnerError, ParameterError
from nextlabel.learners.losses import CrossEntropy, Loss, loss_of
from nextlabel.maths.class_weights import effective_number_weights
from nextlabel.maths.parameters import checked_number, settle

__all__ = ["ClassBalanced", "Weighted"]


@final
@dataclass(frozen=True)
class ClassBalanced(Loss):
    """Another loss with every item weighted by how few items of its class are trained on.

    Parameters
    ----------
    of : str, mapping or Loss
        The loss that is weighted, usually ``"cross_entropy"``, ``"sigmoid"`` or ``"focal"``.
    beta : float
        In [0, 1]: how fast further items of a class lose worth. At 0 all weights are 1, at 1 they are
        inverse to the counts.

    Raises
    ------
    UnknownName
        The loss named is not registered.
    ParameterError
        A beta outside [0, 1], or a loss that balances classes already.

    Notes
    -----
    The weights are those of `effective_number_weights`, of the items that a fit trains on, made anew for
    every fit: what the unlabelled pool holds is not known. Items that a wrapper adds count as labelled ones
    do, since they are in the sum that is to be balanced: pseudo-labels and generated images. Where items
    have weights of their own, an item counts as much as it weighs beside the heaviest, so that what those
    weights balance already, as those of `SelfTraining` do, is not balanced twice. The model estimates the
    probabilities of a population in which classes are as frequent as the weights make them, not those of
    the pool.

    References
    ----------
    Cui, Jia, Lin, Song, Belongie. Class-balanced loss based on effective number of samples. CVPR 2019.
    Equations 3 and 5.

    Examples
    --------
    >>> ClassBalanced(beta=0.9).for_counts([1, 10]).per_item(torch.zeros(2, 2), torch.tensor([0, 1]))
    tensor([1.2018, 0.1845])
    """

    of: Any = CrossEntropy()  # noqa: RUF009 (frozen)
    beta: float = 0.999

    def __post_init__(self) -> None:
        advice = "Give for example 0.999, or 1 for weights inverse to the counts."
        beta = checked_number(self.beta, "beta", least=0, most=1, of="ClassBalanced", advice=advice)
        of = loss_of(self.of)
        if isinstance(of, ClassBalanced | Weighted):
            message = (
                "ClassBalanced's 'of' must be a loss that does not balance classes, since weights would be "
                f"multiplied; received {self.of!r}. Give for example 'focal'."
            )
            raise ParameterError(message)
        settle(self, {"of": of, "beta": beta})

    @property
    def is_probabilistic(self) -> bool:
        """Whether the weighted loss is."""
        return bool(self.of.is_probabilistic)

    def per_item(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Refused: weights need counts.

        Raises
        ------
        LearnerError
            Always; `for_counts` gives the loss to use.
        """
        raise LearnerError(_UNCOUNTED)

    def on_network(self, network: nn.Module, items: Tensor, labels: Tensor) -> Tensor:
        """Refused, as `per_item`.

        Raises
        ------
        LearnerError
            Always.
        """
        raise LearnerError(_UNCOUNTED)

    def logits(self, outputs: Tensor) -> Tensor:
        """Those of the weighted loss."""
        logits: Tensor = self.of.logits(outputs)
        return logits

    def for_counts(self, counts: Sequence[float]) -> Loss:
        """The loss weighted for so many items of each class.

        Parameters
        ----------
        counts : sequence of float, axes (c,)
            From 0 up, not all 0.
        """
        weights = effective_number_weights(counts, beta=self.beta)
        return Weighted(self.of.for_counts(counts), tuple(float(one) for one in weights))

    def initial_bias(self, classes: int) -> float | None:
        """That of the weighted loss."""
        bias: float | None = self.of.initial_bias(classes)
        return bias


@final
@dataclass(frozen=True)
class Weighted(Loss):
    """A loss with a weight for each class of label.

    Parameters
    ----------
    of : Loss
    weights : tuple of float, axes (c,)
        From 0 up.
    """

    of: Loss
    weights: tuple[float, ...]

    @property
    def is_probabilistic(self) -> bool:
        """Whether the weighted loss is."""
        return bool(self.of.is_probabilistic)

    def per_item(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """The loss of each item times the weight of its label."""
        return self._of_labels(labels, outputs.dtype) * self.of.per_item(outputs, labels)

    def on_network(self, network: nn.Module, items: Tensor, labels: Tensor) -> Tensor:
        """The loss of each item times the weight of its label."""
        losses = self.of.on_network(network, items, labels)
        return self._of_labels(labels, losses.dtype) * losses

    def logits(self, outputs: Tensor) -> Tensor:
        """Those of the weighted loss."""
        return self.of.logits(outputs)

    def initial_bias(self, classes: int) -> float | None:
        """That of the weighted loss."""
        return self.of.initial_bias(classes)

    def _of_labels(self, labels: Tensor, kind: torch.dtype) -> Tensor:
        return torch.tensor(self.weights, dtype=kind, device=labels.device)[labels]


_UNCOUNTED = (
    "A class-balanced loss needs the labelled counts of the classes; received none. "
    "Use what its for_counts(counts) returns."
)
