"""What an attack is: it is given a disclosure and stated knowledge, and says what it recovered."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, final

import numpy as np

from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.errors import ParameterError

__all__ = ["COSTS", "OUTCOMES", "Attack", "Knowledge", "Recovery"]

OUTCOMES: Mapping[str, str] = MappingProxyType(
    {
        "recovered": "an answer that explains the message, as far as the attacker can tell",
        "failed": "the optimiser or solver ended far from the message, or the method found nothing sure",
        "unidentifiable": "different items explain the message equally well, which is proved of the message",
        "refused": "the attack does not apply to this message or model",
    }
)
"""How an attack may end, and what each means. The attacker says it, without the truth."""

COSTS: Mapping[str, str] = MappingProxyType(
    {
        "labels": "a formula over the last layer's gradient",
        "closed_form": "a formula, or one factorisation, for each item or layer",
        "solving": "the linear equations of every layer, or a search in which each step is a test",
        "decomposition": "a fit of a few numbers for each item",
        "optimisation": "whole items moved until their message is the one that was sent",
    }
)
"""What an attack does, and so about what it costs, the cheapest first: the order in which they are tried."""


@final
@dataclass(frozen=True, eq=False)
class Knowledge:
    """What an attacker is allowed to know; each field beyond the model is a declared switch, off where None.

    Parameters
    ----------
    model : torch.nn.Module
        The architecture with the weights at which the message was made, in evaluation mode.
    item_shape : tuple of int
        The shape of one item as the model takes it; ``(t,)`` token ids for text.
    classes : int
        How many logits the model has (of a text, the size of the vocabulary).
    loss : str
        ``"cross_entropy"``, ``"squared_error"`` (half the squared error), or ``"language_model"``
        (cross-entropy at the positions that are asked for).
    reduction : str
        How the losses of the items of a message are joined: ``"mean"`` or ``"sum"``.
    batch : int, optional
        How many items the message speaks of.
    labels : array of int, axes (b,), optional
        The labels of the private batch.
    bounds : tuple of two floats, optional
        The least and the largest value of an item.
    is_image : bool
        Whether neighbouring values of an item are alike, as pixels are; axes (h, w) or (channel, h, w).
    public : array, first axis p, optional
        Other items of the same kind, none of them private.
    public_labels : array of int, axes (p,), optional
        Their labels.
    steps, rate : int and float, optional
        Of an update: how many local steps of gradient descent were made, each over the whole batch, and at
        what rate.
    sketch : array of float, axes (r, k·d), optional
        Of a sketched embedding: the matrix by which it was multiplied.

    Raises
    ------
    ParameterError
        A reduction, a loss or bounds that make no sense.
    """

    model: Any
    item_shape: tuple[int, ...]
    classes: int
    loss: str = "cross_entropy"
    reduction: str = "mean"
    batch: int | None = None
    labels: Array | None = None
    bounds: tuple[float, float] | None = None
    is_image: bool = False
    public: Array | None = None
    public_labels: Array | None = None
    steps: int | None = None
    rate: float | None = None
    sketch: Array | None = None

    losses: ClassVar[tuple[str, ...]] = ("cross_entropy", "squared_error", "language_model")

    def __post_init__(self) -> None:
        if self.reduction not in ("mean", "sum"):
            message = f"'reduction' must be 'mean' or 'sum'; received {self.reduction!r}."
            raise ParameterError(message)
        if self.loss not in self.losses:
            message = f"'loss' must be one of {', '.join(self.losses)}; received {self.loss!r}."
            raise ParameterError(message)
        if self.bounds is not None and not self.bounds[0] < self.bounds[1]:
            message = f"'bounds' must be a lower and a higher number; received {self.bounds!r}."
            raise ParameterError(message)

    @property
    def declared(self) -> tuple[str, ...]:
        """What the attacker knows, one phrase each, for the report."""
        phrases = {
            "batch": f"the number of items in the message ({self.batch})",
            "labels": "the labels",
            "bounds": f"the range of values ({self.bounds})",
            "public": f"{0 if self.public is None else len(self.public):,} public items",
            "public_labels": "the labels of the public items",
            "steps": f"the number of local steps ({self.steps})",
            "rate": f"the learning rate ({self.rate})",
            "sketch": "the matrix of the sketch",
        }
        known = [phrase for name, phrase in phrases.items() if getattr(self, name) is not None]
        images = ["that items are images"] if self.is_image else []
        loss = f"the loss ({self.loss.replace('_', ' ')}, {self.reduction} over items)"
        return ("the model and its weights", loss, "the shape of an item", *known, *images)


@final
@dataclass(frozen=True, eq=False)
class Recovery:
    """What an attack says it recovered, how it ended, and what it cost.

    Parameters
    ----------
    outcome : str
        One of `OUTCOMES`.
    reason : str
        Why, in a sentence; empty where there is nothing to say.
    items : array, axes (r, ...), optional
        Recovered items, in no particular order; token ids (int64) for text, padded with -1.
    labels : array of int64, axes (r,), optional
        Their labels; under a squared error their targets, float64, axes (r, k).
    counts : array of int64, axes (c,), optional
        How many items of each class.
    features : array of float, axes (r, d), optional
        Inputs of the last layer.
    words : array of int64, axes (w,), optional
        Of text: the different tokens of all items together, in no order.
    residual : float, optional
        The length of the difference between the message and the message of what was recovered, as a share of
        the length of the message. The attacker computes it; the truth is not needed.
    evaluations : int
        How many gradients of the model were computed.
    is_cut : bool
        Whether the clock ended the attack: another run may then end elsewhere.
    trace : tuple of (int, float)
        Iteration and residual, as the attack went on.
    details : mapping
        JSON values that a report may show: singular values, rank, sentences by iteration.

    Raises
    ------
    ParameterError
        An outcome that there is not.
    """

    outcome: str
    reason: str = ""
    items: Array | None = None
    labels: Array | None = None
    counts: Array | None = None
    features: Array | None = None
    words: Array | None = None
    residual: float | None = None
    evaluations: int = 0
    is_cut: bool = False
    trace: tuple[tuple[int, float], ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.outcome not in OUTCOMES:
            message = f"'outcome' must be one of {', '.join(OUTCOMES)}; received {self.outcome!r}."
            raise ParameterError(message)


class Attack(ABC):
    """Tries to recover data from a `Disclosure`. Fields of a subclass are its hyperparameters.

    An attack with a field ``seconds`` ends when they are over and gives the best so far; one with a field
    ``evaluations`` ends after so many gradients, which repeats exactly.
    """

    exceptions: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Promises of the contract that the attack does not keep, each with the reason."""

    @property
    @abstractmethod
    def reads(self) -> frozenset[str]:
        """The kinds of message it can read."""

    @property
    @abstractmethod
    def recovers(self) -> frozenset[str]:
        """What it may recover: of ``"items"``, ``"labels"``, ``"counts"``, ``"features"``, ``"words"``."""

    @property
    @abstractmethod
    def cost(self) -> str:
        """One of `COSTS`: cheaper attacks are tried first."""

    @property
    def is_timed(self) -> bool:
        """Whether it has a field ``seconds``, and so takes a share of a report's budget."""
        return "seconds" in getattr(self, "__dataclass_fields__", {})

    @property
    def needs(self) -> frozenset[str]:
        """The fields of `Knowledge` that it cannot do without, beyond the model."""
        return frozenset()

    @abstractmethod
    def recover(self, disclosure: Disclosure, knowledge: Knowledge, rng: np.random.Generator) -> Recovery:
        """What the message gives away.

        Parameters
        ----------
        disclosure : Disclosure
            The message.
        knowledge : Knowledge
            What the attacker is allowed to know.
        rng : numpy.random.Generator
            The only source of randomness.

        Returns
        -------
        Recovery
            Also where nothing was recovered: its outcome and reason say why.
        """
