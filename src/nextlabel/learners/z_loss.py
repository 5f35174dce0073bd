"""A loss of standardised outputs, whose cost can be made independent of how many classes there are."""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor
from torch.nn.functional import softplus

from nextlabel.errors import LearnerError
from nextlabel.learners.losses import Loss
from nextlabel.maths.parameters import checked_number, settle

__all__ = ["ZLoss"]

_LEAST = 1e-6
"""Added to standard deviations, in quadrature: equal outputs have none."""


@final
@dataclass(frozen=True)
class ZLoss(Loss):
    """How far the label's output stands above the others, in their standard deviations; at least 3 classes.

    Parameters
    ----------
    a : float
        Above 0: how sharply the loss bends at b.
    b : float
        The standardised output from which on an item counts as learnt; it can be at most √(c − 1).

    Raises
    ------
    ParameterError
        An a that is not above 0, or a b that is not finite.

    Notes
    -----
    With z = (o − mean) / standard deviation over the c outputs of an item, softplus(a (b − z)) / a at the
    label. Outputs shifted or multiplied by a positive number have the same loss: it has no temperature,
    and softmax of the outputs says nothing. `logits` are therefore the z of all classes and
    `is_probabilistic` is false: the factor that makes probabilities of them is learnt beside, see
    `learnt_inverse_temperature`.

    Where all outputs of an item are equal, their standard deviation is 0 and z jumps: 1e-6 is added to it in
    quadrature, so that z is 0 there and its slope large, up to 1e6, and right.

    With two classes z is +1 or −1 whatever the outputs are, and nothing can be learnt: refused.

    References
    ----------
    de Brébisson, Vincent. The Z-loss: a shift and scale invariant classification loss belonging to the
    spherical family. arXiv 1604.08859, 2016.

    Examples
    --------
    >>> outputs = torch.tensor([[1.0, 0.0, 0.0]])
    >>> ZLoss(b=2**0.5).per_item(outputs, torch.tensor([0])).exp().round(decimals=4)
    tensor([2.])
    """

    a: float = 1.0
    b: float = 2.0

    def __post_init__(self) -> None:
        settle(
            self,
            {
                "a": checked_number(self.a, "a", above=0, of="ZLoss", advice="Give for example 1."),
                "b": checked_number(self.b, "b", of="ZLoss", advice="Give for example 2."),
            },
        )

    @property
    def is_probabilistic(self) -> bool:
        """False: scores without a scale."""
        return False

    def per_item(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """The loss of the label's standardised output.

        Raises
        ------
        LearnerError
            Fewer than three classes.
        """
        z = self.logits(outputs).gather(1, labels[:, None])[:, 0]
        return softplus(self.a * (self.b - z)) / self.a

    def logits(self, outputs: Tensor) -> Tensor:
        """The outputs of each item standardised over the classes.

        Raises
        ------
        LearnerError
            Fewer than three classes.
        """
        if outputs.shape[1] < 3:
            message = (
                f"The Z-loss needs at least 3 classes; received {outputs.shape[1]}, where standardised "
                "outputs can be +1 and -1 only and nothing is learnt. Use 'cross_entropy'."
            )
            raise LearnerError(message)
        centred = outputs - outputs.mean(1, keepdim=True)
        return centred / torch.sqrt(centred.square().mean(1, keepdim=True) + _LEAST**2)
