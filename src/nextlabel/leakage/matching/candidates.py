"""Candidates for the items of a message: as points of an optimiser, and the message they would send."""

import math
from typing import Any, final

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.errors import ParameterError
from nextlabel.leakage.blank_items import blank_item
from nextlabel.leakage.double_copies import doubled
from nextlabel.leakage.gradients import MessageGradient
from nextlabel.leakage.matching.second_order import begin_as_given
from nextlabel.leakage.model_copies import copied

__all__ = ["PRECISIONS", "Candidate", "Match"]

PRECISIONS = {"float32": torch.float32, "float64": torch.float64}
"""The numbers in which an attack may compute, by name."""

_WITHIN = 0.02  # of the range: where the curve that keeps items in it is steep enough to begin
_NUMBERS_AT_ONCE = 2**25  # of gradients mapped together; a few copies of them are alive at a time


@final
class Match:
    """The message that candidates would send, and how far it is from the one that was sent.

    Parameters
    ----------
    disclosure : Disclosure
        A gradient or an update, not all zero.
    knowledge : Knowledge
        Of an update with its steps and rate. The model itself is left alone: a copy computes.
    precision : str
        One of `PRECISIONS`.

    Attributes
    ----------
    items : int
        How many items a candidate has.
    shape : tuple of int
        Of one candidate: ``(items, *item_shape)``.
    dtype, device
        Of candidates.

    Notes
    -----
    An update of several steps is matched by making the same steps from the candidate, and differentiating
    through them: exact, where the mean gradient is an approximation.

    Messages of any length are told apart as well: the loss is multiplied by a power of two that makes the one
    sent between a half and one long, before it is differentiated.
    """

    def __init__(self, disclosure: Disclosure, knowledge: Knowledge, precision: str) -> None:
        self.dtype = PRECISIONS[precision]
        is_double = self.dtype is torch.float64
        model = doubled(knowledge.model, blank_item(knowledge)) if is_double else copied(knowledge.model)
        model = model.to(self.dtype).eval()
        begin_as_given(model)
        self._gradient = MessageGradient(model, knowledge.loss, knowledge.reduction, list(disclosure.arrays))
        self.device = next(iter(self._gradient.parameters.values())).device
        is_update = disclosure.kind == "update"
        self._steps = int(knowledge.steps or 1) if is_update else 0
        self._rate = float(knowledge.rate or 1.0) if is_update else 1.0
        self.items = disclosure.items if knowledge.batch is None else knowledge.batch
        self.shape = (self.items, *knowledge.item_shape)
        self._sent = {name: self._tensor(one) for name, one in disclosure.arrays.items()}
        # of tiny gradients the squares are below float32: they are scaled to about one, by a power of two,
        # which rounds nothing
        length = _length(disclosure)
        most = 3 * math.frexp(torch.finfo(self.dtype).max)[1] // 4
        self._factor = 2.0 ** min(max(-math.frexp(length)[1], -most), most)
        self._unit = torch.tensor(length * self._factor, dtype=self.dtype, device=self.device)
        self._shares = MessageGradient(
            model, knowledge.loss, knowledge.reduction, list(disclosure.arrays), self._factor
        )
        self._wanted = {
            name: self._tensor(one.astype(np.float64) * self._factor)
            for name, one in disclosure.arrays.items()
        }
        self._size = sum(one.numel() for one in self._sent.values())

    @property
    def precision(self) -> float:
        """The rounding unit of what is computed."""
        return float(torch.finfo(self.dtype).eps)

    @property
    def at_once(self) -> int:
        """How many candidates to map at once: more would not fit beside one another."""
        return max(1, _NUMBERS_AT_ONCE // self._size)

    @property
    def sent(self) -> dict[str, Tensor]:
        """The message as tensors, by name."""
        return self._sent

    def message(self, items: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """What a client with these items and targets would send."""
        if not self._steps:
            return self._gradient(items, targets)
        weights = before = self._gradient.parameters
        for _ in range(self._steps):
            found = self._gradient(items, targets, weights)
            weights = {name: one - self._rate * found[name] for name, one in weights.items()}
        return {name: one - before[name] for name, one in weights.items()}

    def square(self, items: Tensor, targets: Tensor) -> Tensor:
        """The squared distance between the messages, as a share of the squared length of the one sent."""
        found = self._scaled(items, targets)
        apart = torch.stack(
            [mse_loss(found[name], one, reduction="sum") for name, one in self._wanted.items()]
        ).sum()
        return apart / self._unit / self._unit

    def cosine(self, items: Tensor, targets: Tensor) -> Tensor:
        """One minus the cosine between the messages; one where the candidate's is zero."""
        found = self.message(items, targets)
        along = torch.stack([(found[name] * one).sum() for name, one in self._wanted.items()]).sum()
        length = torch.stack([(one**2).sum() for one in found.values()]).sum()
        tiny = torch.finfo(self.dtype).tiny
        return 1.0 - along / self._unit / length.clamp(min=tiny).sqrt()

    def _scaled(self, items: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """The message of a candidate times the factor that makes the one sent about one long."""
        if not self._steps:  # scaled before it is made, without a pass over it
            return self._shares(items, targets)
        return {name: one * self._factor for name, one in self.message(items, targets).items()}

    def _tensor(self, array: Array) -> Tensor:
        return torch.tensor(array, dtype=self.dtype, device=self.device)


def _length(disclosure: Disclosure) -> float:
    """Of a message, of which the squares may be too small for any float."""
    arrays = [one.astype(np.float64) for one in disclosure.arrays.values()]
    largest = max(float(np.abs(one).max(initial=0.0)) for one in arrays)
    return largest * float(np.sqrt(sum(float(((one / largest) ** 2).sum()) for one in arrays)))


@final
class Candidate:
    """A point of the optimiser as items and targets, and back.

    Parameters
    ----------
    match : Match
    knowledge : Knowledge
    labels : array, optional
        Classes, probabilities or values that are held; where there are none, they are part of the point.

    Attributes
    ----------
    width : int
        How many numbers of a point are items; they come first.
    """

    def __init__(self, match: Match, knowledge: Knowledge, labels: Array | None) -> None:
        self._match, self._knowledge = match, knowledge
        self._targets = (match.items, knowledge.classes)
        self._held = None if labels is None else self._as_targets(labels)
        self._labels = labels
        self.width = int(np.prod(match.shape))
        self._is_regression = knowledge.loss == "squared_error"

    def starts(self, count: int, generator: torch.Generator) -> Tensor:
        """Random points, axes (count, d): standard normal; items uniform within bounds where known."""
        width = self.width + (0 if self._held is not None else int(np.prod(self._targets)))
        drawn = torch.randn(count, width, generator=generator, dtype=torch.float64)
        if self._knowledge.bounds is not None:
            low, high = self._knowledge.bounds
            share = torch.rand(count, self.width, generator=generator, dtype=torch.float64)
            drawn[:, : self.width] = low + (high - low) * share
        return drawn.to(self._match.device, self._match.dtype)

    def within(self, point: Tensor) -> Tensor:
        """A point with its items cut to the bounds, where these are known."""
        if self._knowledge.bounds is None:
            return point
        return torch.cat([point[: self.width].clamp(*self._knowledge.bounds), point[self.width :]])

    def squeezed(self, point: Tensor) -> Tensor:
        """A point whose items may have any values, with these brought into the bounds by a logistic curve."""
        low, high = self._ends
        items = low + (high - low) * torch.sigmoid(point[..., : self.width])
        return torch.cat([items, point[..., self.width :]], -1)

    def unsqueezed(self, points: Tensor) -> Tensor:
        """What is brought to these points; items at the ends begin a little within: the curve has a slope."""
        low, high = self._ends
        shares = ((points[..., : self.width] - low) / (high - low)).clamp(_WITHIN, 1.0 - _WITHIN)
        return torch.cat([shares.logit(), points[..., self.width :]], -1)

    @property
    def _ends(self) -> tuple[float, float]:
        if self._knowledge.bounds is None:
            message = "Items are brought into bounds where these are known; this knowledge has none."
            raise ParameterError(message)
        return self._knowledge.bounds

    def parts(self, point: Tensor) -> tuple[Tensor, Tensor]:
        """Items and targets of a point."""
        items = point[: self.width].reshape(self._match.shape)
        if self._held is not None:
            return items, self._held
        free = point[self.width :].reshape(self._targets)
        return items, free if self._is_regression else free.softmax(-1)

    def arrays(self, point: Tensor) -> tuple[Array, Array]:
        """Items and labels of a point: classes, or the values of a regression."""
        items, targets = self.parts(point.detach())
        found = items.cpu().numpy()
        if self._is_regression:
            return found, targets.cpu().numpy()
        if self._labels is not None and np.ndim(self._labels) == 1:
            return found, np.asarray(self._labels, dtype=np.int64)
        return found, targets.argmax(-1).cpu().numpy()

    def targets(self, point: Tensor) -> list[Any]:
        """The targets of a point as lists: probabilities of classes, or the values of a regression."""
        _, targets = self.parts(point.detach())
        if targets.dtype == torch.int64:
            targets = torch.nn.functional.one_hot(targets, self._knowledge.classes)
        found: list[Any] = targets.double().cpu().tolist()
        return found

    def _as_targets(self, labels: Array) -> Tensor:
        held = torch.as_tensor(np.array(labels), device=self._match.device)
        if held.is_floating_point() or self._knowledge.loss == "squared_error":
            return held.to(self._match.dtype).reshape(self._targets)
        return held.long()
