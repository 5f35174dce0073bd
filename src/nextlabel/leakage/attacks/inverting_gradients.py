"""Inverting gradients: candidates whose gradient points the same way, and whose pixels are alike nearby."""

import time
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from torch import Tensor
from torch.func import grad, vmap

from nextlabel.core.attack import Attack, Knowledge, Recovery
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.core.progress import report
from nextlabel.leakage.gradients import PART, farthest, relative_distance
from nextlabel.leakage.matching.at_once import AtOnce, one_by_one
from nextlabel.leakage.matching.candidates import PRECISIONS, Candidate, Match
from nextlabel.leakage.matching.premises import analytic_labels, precision_of, unmatchable
from nextlabel.leakage.matching.second_order import differentiating_twice
from nextlabel.leakage.pixels import pixel_axes
from nextlabel.maths.parameters import checked_choice, checked_number, checked_whole, settle

__all__ = ["InvertingGradients", "total_variation"]

_DECAYS = (3 / 8, 5 / 8, 7 / 8)  # of the evaluations: when the rate falls to a tenth
_RANGES = 4.0  # standard deviations between the bounds, as of pixels that were standardised
_MEANS = (0.9, 0.999)  # Adam's memories of the gradient and of its square
_TINY = 1e-8


def total_variation(items: Tensor, *, rows: int = -2, columns: int = -1) -> Tensor:
    """The mean absolute difference of neighbours, down and across, summed.

    Parameters
    ----------
    items : Tensor, axes (..., h, w)
        Images of at least two pixels in each direction.
    rows, columns : int
        The axes h and w, where they are not the last ones: channels may follow.

    Returns
    -------
    Tensor, no axes
        In units of a pixel's value.

    Examples
    --------
    >>> float(total_variation(torch.tensor([[0.0, 1.0], [0.0, 1.0]])))
    1.0
    """
    return items.diff(dim=rows).abs().mean() + items.diff(dim=columns).abs().mean()


@final
@dataclass(frozen=True)
class InvertingGradients(Attack):
    """Turns the gradient of smooth images towards the one shared; bears kinked activations; costs minutes.

    Parameters
    ----------
    restarts : int
        Independent starts, which go on together.
    evaluations : int
        Gradients that each start takes.
    seconds : float
        When they are over, the best so far is given.
    smoothness : float
        The weight of the total variation; read for images only.
    rate : float
        The first step of every value, in its standard deviations: a quarter of the range where bounds are
        known, else 1.
    precision : str
        ``"float32"`` or ``"float64"``: in which it computes.

    Raises
    ------
    ParameterError
        A word or a number that makes no sense.

    Notes
    -----
    Minimises 1 − cos(∇L(x, y), g) + smoothness·TV(x) over items x by Adam on the sign of the gradient. The
    rate falls to a tenth after 3/8, 5/8 and 7/8 of the evaluations; after each step values are put back
    within the bounds, where they are known. Labels are those of the knowledge, or read off the last layer.
    The point to be kept of a start, and the start to be kept, are those with the largest cosine.

    ``"recovered"`` is said where 1 − cos, half the squared angle, is below the rounding unit of the message
    or of the computation (float32: an angle of 5e-4), and 0.01 of each array is left at most. Smoothness is
    bought with distance: where it is wanted, that is hardly ever reached and the outcome is ``"failed"`` with
    the distance in its reason, also where the image is plain to see. Only a score against the truth can tell.

    Departs from the paper: rates and total variation are in units of a quarter of the range where bounds are
    known, which for standardised pixels is about what the paper's are; fewer evaluations unless said.

    Fails where several items of one class share a message, which merge; where the items are far from smooth;
    where labels cannot be told. The cosine does not see the size of the gradient, which for an item that the
    model predicts well is what tells it.

    Time O(restarts·evaluations) gradients of a gradient, each about four gradients; all starts are one batch.
    Memory O(restarts·p) for p parameters.

    References
    ----------
    Geiping, Bauermeister, Dröge, Moeller. Inverting gradients: how easy is it to break privacy in federated
    learning? NeurIPS 2020. Equation 4 and section 4.

    Examples
    --------
    >>> from torch import nn
    >>> from nextlabel.leakage.messages import full
    >>> with torch.random.fork_rng(devices=[]):
    ...     _ = torch.manual_seed(0)
    ...     model = nn.Sequential(nn.Linear(4, 9), nn.ReLU(), nn.Linear(9, 3))
    >>> sent = full(model, np.array([[0.1, 0.2, 0.3, 0.4]]), np.array([2]))
    >>> known = Knowledge(model, (4,), 3, labels=np.array([2]), bounds=(0.0, 1.0))
    >>> found = InvertingGradients(restarts=4, evaluations=200).recover(sent, known, np.random.default_rng(0))
    >>> found.items.round(2)
    array([[0.1, 0.2, 0.3, 0.4]], dtype=float32)
    """

    restarts: int = 4
    evaluations: int = 2400
    seconds: float = float("inf")
    smoothness: float = 0.1
    rate: float = 0.1
    precision: str = "float32"

    def __post_init__(self) -> None:
        of = "InvertingGradients"
        checked_choice(self.precision, "precision", tuple(PRECISIONS), of=of)
        whole = {
            name: checked_whole(getattr(self, name), name, least=1, of=of)
            for name in ("restarts", "evaluations")
        }
        seconds = checked_number(
            self.seconds, "seconds", above=0, is_finite=False, of=of, advice="Give for example 60."
        )
        smoothness = checked_number(self.smoothness, "smoothness", least=0, of=of, advice="Give 0 for none.")
        rate = checked_number(self.rate, "rate", above=0, of=of, advice="Give for example 0.1.")
        settle(self, whole | {"seconds": seconds, "smoothness": smoothness, "rate": rate})

    @property
    def reads(self) -> frozenset[str]:
        """Gradients of all parameters, and updates."""
        return frozenset({"full", "update"})

    @property
    def recovers(self) -> frozenset[str]:
        """Items; labels are given to it or read off by another attack."""
        return frozenset({"items"})

    @property
    def cost(self) -> str:
        """Whole items are moved."""
        return "optimisation"

    def recover(self, disclosure: Disclosure, knowledge: Knowledge, rng: np.random.Generator) -> Recovery:
        """The items whose gradient points the way of the one shared."""
        ending = unmatchable(self, disclosure, knowledge)
        if ending is not None:
            return ending
        generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        labels: Array | None = knowledge.labels
        remark = ""
        if labels is None:
            labels, remark = analytic_labels(disclosure, knowledge, rng)
        if labels is None:
            return Recovery("refused", f"The labels must be known or told by the message. {remark}".rstrip())
        match = Match(disclosure, knowledge, self.precision)
        candidate = Candidate(match, knowledge, labels)
        spread = 1.0 if knowledge.bounds is None else (knowledge.bounds[1] - knowledge.bounds[0]) / _RANGES
        weight = self.smoothness / spread if _is_picture(knowledge) else 0.0
        walk = _Walk(self, match, candidate, weight, spread, knowledge)
        with differentiating_twice(knowledge.model):
            walk.go(candidate.starts(self.restarts, generator))
        return walk.recovery(max(precision_of(disclosure, knowledge), match.precision), remark)


def _is_picture(knowledge: Knowledge) -> bool:
    shape = knowledge.item_shape
    return knowledge.is_image and len(shape) > 1 and min(shape[axis] for axis in pixel_axes(shape)) > 1


@final
class _Walk:
    """Adam on signs from all starts at once, and the best point of each."""

    def __init__(
        self,
        attack: InvertingGradients,
        match: Match,
        candidate: Candidate,
        weight: float,
        spread: float,
        knowledge: Knowledge,
    ) -> None:
        self._attack, self._match, self._candidate = attack, match, candidate
        self._weight, self._spread, self._bounds = weight, spread, knowledge.bounds
        self._rows, self._columns = pixel_axes(knowledge.item_shape)
        self._trace: list[tuple[int, float]] = []
        self._is_cut = False
        self._done = 0

    def go(self, starts: Tensor) -> None:
        points, of = starts, self._attack.evaluations
        until = time.monotonic() + self._attack.seconds
        sloped = grad(self._cost, has_aux=True)
        self._valued = AtOnce(vmap(sloped, chunk_size=self._match.at_once), self._alone)
        mean, square = torch.zeros_like(points), torch.zeros_like(points)
        self._best = points.clone()
        self._apart = points.new_full((len(points),), float("inf"))
        for number in range(of):
            gradients, apart = self._valued(points)
            self._keep(points, apart.detach())
            self._done = number + 1
            report("inverting the gradient", self._done, of)
            self._is_cut = time.monotonic() > until
            if self._is_cut:
                break
            signs = gradients.detach().nan_to_num().sign()
            mean = _MEANS[0] * mean + (1 - _MEANS[0]) * signs
            square = _MEANS[1] * square + (1 - _MEANS[1]) * signs**2
            first, second = mean / (1 - _MEANS[0] ** self._done), square / (1 - _MEANS[1] ** self._done)
            rate = self._attack.rate * self._spread * 0.1 ** sum(number >= share * of for share in _DECAYS)
            points = points - rate * first / (second.sqrt() + _TINY)
            if self._bounds is not None:
                points = points.clamp(*self._bounds)

    def _alone(self, point: Tensor) -> tuple[Tensor, Tensor]:
        """The gradient of the cost and the distance at one point, without any of torch's transforms."""
        with torch.enable_grad():
            moved = point.detach().requires_grad_()
            cost, apart = self._cost(moved)
            (gradient,) = torch.autograd.grad(cost, moved)
        return gradient, apart.detach()

    def _cost(self, point: Tensor) -> tuple[Tensor, Tensor]:
        items, targets = self._candidate.parts(point)
        apart = self._match.cosine(items, targets)
        if not self._weight:
            return apart, apart
        return apart + self._weight * self._roughness(items), apart

    def _roughness(self, items: Tensor) -> Tensor:
        return total_variation(items, rows=self._rows, columns=self._columns)

    def _keep(self, points: Tensor, apart: Tensor) -> None:
        is_nearer = apart < self._apart  # never of what is not a number
        self._best[is_nearer], self._apart[is_nearer] = points[is_nearer], apart[is_nearer]
        self._trace.append((self._done + 1, float(self._apart.min())))

    def recovery(self, unit: float, remark: str) -> Recovery:
        """What the best point of the best start says."""
        evaluations = self._done * len(self._best)
        best = int(self._apart.argmin())
        apart = float(self._apart[best])
        if not np.isfinite(apart):
            reason = "The gradient of every start is not finite: the model overflows at random items."
            return Recovery("failed", reason, evaluations=evaluations, is_cut=self._is_cut)
        point = self._best[best]
        items, _ = self._candidate.arrays(point)
        found = self._match.message(*self._candidate.parts(point))
        name, far = farthest(found, self._match.sent)
        is_explained = apart <= unit and far <= PART
        cause = (
            "The clock ended it" if self._is_cut else "The optimiser failed, or smoothness cost it: it ended"
        )
        amount = f"1 − cosine {apart:.2g}, above {unit:.2g}"
        if apart <= unit:
            amount = f"{name!r} at {far:.2g} of its length, above {PART}, which the whole does not show"
        reason = f"{cause} with {amount}. {remark}".rstrip()
        return Recovery(
            "recovered" if is_explained else "failed",
            remark if is_explained else reason,
            items=items,
            residual=relative_distance(found, self._match.sent),
            evaluations=evaluations,
            is_cut=self._is_cut,
            trace=tuple((number, value) for number, value in self._trace if np.isfinite(value)),
            details={"one_minus_cosine": apart, **one_by_one(self._valued.refusal)},
        )
