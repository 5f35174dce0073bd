"""Deep leakage from gradients: candidates are moved until their gradient is the one that was shared."""

import math
import time
from dataclasses import dataclass, replace
from typing import Any, Literal, final

import numpy as np
import torch

from nextlabel.core.attack import Attack, Knowledge, Recovery
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.core.progress import report
from nextlabel.leakage.gradients import PART, farthest
from nextlabel.leakage.matching.at_once import one_by_one
from nextlabel.leakage.matching.candidates import PRECISIONS, Candidate, Match
from nextlabel.leakage.matching.premises import analytic_labels, precision_of, unmatchable
from nextlabel.leakage.matching.second_order import differentiating_twice
from nextlabel.leakage.matching.together import Descent, descend
from nextlabel.maths.parameters import checked_choice, checked_number, checked_whole, settle

__all__ = ["GradientMatching"]

_SINGLE = 2.0**-23  # the rounding unit of float32
_HALF = _SINGLE**0.5  # half of its digits
_FLOOR = 4.0  # rounding units of a sum: what is closer to the message cannot be told from the truth
_SAME = 0.1  # of an item's spread: starts that end nearer to one another ended at the same items
_HARD = 0.95  # of a label: where its largest part is less, it is no single class
_FAILED = "The optimiser failed, or the message is inexact: it ended"
_WHOLE = ("restarts", "evaluations", "history")


@final
@dataclass(frozen=True)
class GradientMatching(Attack):
    """Moves random items until their gradient is the one shared; needs smooth activations; costs minutes.

    Parameters
    ----------
    label : str
        ``"optimised"``: soft labels are moved together with the items; ``"analytic"``: read off the last
        layer first; ``"known"``: those of the knowledge; ``"auto"``: known where the knowledge has them, else
        optimised, and where that explains one item by a soft label, analytic with the evaluations that are
        left.
    restarts : int
        Independent starts, which go on together.
    evaluations : int
        Gradients that each start may take.
    seconds : float
        When they are over, the best so far is given.
    target : float
        The residual at which it ends; the rounding of the message where that is more.
    precision : str
        ``"float32"`` or ``"float64"``: in which it computes.
    history : int
        Steps that the optimiser of each start remembers.

    Raises
    ------
    ParameterError
        A word or a number that makes no sense.

    Notes
    -----
    Minimises ‖∇L(x, softmax(l)) − g‖²/‖g‖² over items x and label logits l by L-BFGS, from x and l drawn from
    N(0, 1), or x uniformly from within the bounds where these are known. Divided by ‖g‖², gradients of any
    size are matched alike. The start to be kept is the one with the smallest residual; nothing else is known
    of it. Items of a batch are recovered in no particular order. Where bounds are known, what each start
    ended at is cut to them, and the residual is what is left then; where items beyond them explained the
    message, the search goes on within, on a logistic curve.

    ``"recovered"`` is said where the residual is at most the target, half of the digits of float32 (3.5e-4),
    or the rounding unit of a message in fewer digits, which bounds the residual of the truth; of the whole,
    and 0.01 of each array is left at most, since one layer may hold nearly all of the length. A local minimum
    ends at a residual that has nothing to do with rounding; a start on its way to the item goes on losing
    residual, so that having passed half of the digits it passes the others: the remaining starts end then. A
    message to which noise was added is never explained that well: the outcome is ``"failed"``, the reason
    says at which residual and how many starts agree, and the items may be right all the same.

    A soft label may explain a message as well as the class that made it, with another item: without biases
    an item of another length does. Labels are soft more seldom than they are found to be, so that the class
    that signs tell is preferred where it explains the message too, as iDLG has it.

    Departs from the paper: the loss is scaled, the optimiser searches along its steps and is restarted.

    Fails where the activation is not smooth (of ReLU the gradient is piecewise linear in the item, and the
    search ends in one of its kinks), where layers saturate, and in batches, which cost many more steps.

    Time O(restarts·evaluations) gradients of a gradient, each about four gradients; all starts are one batch.
    Memory O(restarts·p) for p parameters, and O(restarts·history·d) for d numbers of the items.

    References
    ----------
    Zhu, Liu, Han. Deep leakage from gradients. NeurIPS 2019. Algorithm 1.

    Zhao, Mopuri, Bilen. iDLG: improved deep leakage from gradients. arXiv 2001.02610, 2020.

    Examples
    --------
    >>> from torch import nn
    >>> from nextlabel.leakage.messages import full
    >>> model = nn.Sequential(nn.Linear(4, 5), nn.Sigmoid(), nn.Linear(5, 3))
    >>> sent = full(model, np.array([[0.1, 0.2, 0.3, 0.4]]), np.array([2]))
    >>> attack = GradientMatching(restarts=2, target=1e-5)
    >>> found = attack.recover(sent, Knowledge(model, (4,), 3), np.random.default_rng(0))
    >>> found.outcome, found.items.round(3), found.labels
    ('recovered', array([[0.1, 0.2, 0.3, 0.4]]), array([2]))
    """

    label: Literal["auto", "optimised", "analytic", "known"] = "auto"
    restarts: int = 8
    evaluations: int = 1000
    seconds: float = float("inf")
    target: float = 0.0
    precision: str = "float64"
    history: int = 100

    def __post_init__(self) -> None:
        of = "GradientMatching"
        checked_choice(self.label, "label", ("auto", "optimised", "analytic", "known"), of=of)
        checked_choice(self.precision, "precision", tuple(PRECISIONS), of=of)
        whole = {name: checked_whole(getattr(self, name), name, least=1, of=of) for name in _WHOLE}
        seconds = checked_number(
            self.seconds, "seconds", above=0, is_finite=False, of=of, advice="Give for example 60."
        )
        target = checked_number(self.target, "target", least=0, of=of, advice="Give for example 1e-4.")
        settle(self, whole | {"seconds": seconds, "target": target})

    @property
    def reads(self) -> frozenset[str]:
        """Gradients of all parameters, and updates."""
        return frozenset({"full", "update"})

    @property
    def recovers(self) -> frozenset[str]:
        """Items and labels."""
        return frozenset({"items", "labels"})

    @property
    def cost(self) -> str:
        """Whole items are moved."""
        return "optimisation"

    @property
    def needs(self) -> frozenset[str]:
        """The labels, where they are said to be known."""
        return frozenset({"labels"} if self.label == "known" else ())

    def recover(self, disclosure: Disclosure, knowledge: Knowledge, rng: np.random.Generator) -> Recovery:
        """The items whose message is nearest to the one shared."""
        ending = unmatchable(self, disclosure, knowledge)
        if ending is not None:
            return ending
        begun = time.monotonic()
        found = self._matched(disclosure, knowledge, rng)
        if self.label != "auto" or knowledge.labels is not None or not _is_soft(found, knowledge):
            return found
        used, seconds = found.trace[-1][0], self.seconds - (time.monotonic() - begun)
        if used >= self.evaluations or seconds <= 0:
            return found
        again = replace(self, label="analytic", evaluations=self.evaluations - used, seconds=seconds)
        return _harder(found, again.recover(disclosure, knowledge, rng), used)

    def _matched(self, disclosure: Disclosure, knowledge: Knowledge, rng: np.random.Generator) -> Recovery:
        generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        match = Match(disclosure, knowledge, self.precision)
        labels, remark = self._labels(disclosure, knowledge, rng)
        is_told = labels is not None and self.label != "analytic"
        if labels is None and self.label in ("analytic", "known"):
            return Recovery("refused", remark)
        candidate = Candidate(match, knowledge, labels)
        unit = max(precision_of(disclosure, knowledge), match.precision)
        explained = max(self.target, unit, _HALF)
        search: dict[str, Any] = {
            "history": self.history,
            "target": max(self.target, _FLOOR * max(min(unit, _SINGLE), match.precision)) ** 2,
            "enough": explained**2,
            "chunk": match.at_once,
        }
        begun = time.monotonic()
        with differentiating_twice(knowledge.model):
            ended = descend(
                lambda point: match.square(*candidate.parts(point)),
                candidate.starts(self.restarts, generator),
                evaluations=self.evaluations,
                seconds=self.seconds,
                heard=lambda done, *_: report("matching the gradient", done, self.evaluations),
                **search,
            )
            cut = _cut(ended, candidate, match)
            left = self.evaluations - ended.trace[-1][0], self.seconds - (time.monotonic() - begun)
            if _least(ended) <= explained < _least(cut) and min(left) > 0:
                inside = descend(
                    lambda point: match.square(*candidate.parts(candidate.squeezed(point))),
                    candidate.unsqueezed(cut.points),
                    evaluations=left[0],
                    seconds=left[1],
                    heard=lambda done, *_: report("matching within the range", done, left[0]),
                    **search,
                )
                cut = _joined(cut, replace(inside, points=candidate.squeezed(inside.points)))
        if len(ended.trace) < self.evaluations:  # it ended before: whoever watches hears that it is over
            report("matching the gradient", self.evaluations, self.evaluations)
        found = self._recovery(cut, candidate, match, explained, remark)
        return replace(found, labels=None) if is_told else found  # what was given is not recovered

    def _labels(
        self, disclosure: Disclosure, knowledge: Knowledge, rng: np.random.Generator
    ) -> tuple[Array | None, str]:
        if self.label == "analytic":
            return analytic_labels(disclosure, knowledge, rng)
        if self.label == "optimised" or (self.label == "auto" and knowledge.labels is None):
            return None, ""
        return knowledge.labels, "" if knowledge.labels is not None else "The labels are not known."

    def _recovery(
        self, ended: Descent, candidate: Candidate, match: Match, explained: float, remark: str
    ) -> Recovery:
        evaluations = int(ended.evaluations.sum())
        best = ended.best
        residual = float(ended.values[best]) ** 0.5
        if not np.isfinite(residual):
            reason = "The gradient of every start is not finite: the model overflows at random items."
            return Recovery("failed", reason, evaluations=evaluations, is_cut=ended.is_cut)
        items, labels = candidate.arrays(ended.points[best])
        agreeing = _agreeing(ended, candidate, best)
        name, far = farthest(match.message(*candidate.parts(ended.points[best])), match.sent)
        is_explained = residual <= explained and far <= PART
        cause = "The clock ended it" if ended.is_cut else _FAILED
        limit = f"above {explained:.2g}"
        if residual <= explained:
            limit = f"and at {far:.2g} of the length of {name!r}, above {PART}, which the whole does not show"
        reason = (
            f"{cause} at a residual of {residual:.2g}, {limit}; {agreeing} of "
            f"{len(ended.values)} starts ended at the same items."
        )
        return Recovery(
            "recovered" if is_explained else "failed",
            remark if is_explained else f"{reason} {remark}".rstrip(),
            items=items,
            labels=labels,
            residual=residual,
            evaluations=evaluations,
            is_cut=ended.is_cut,
            trace=tuple((number, least**0.5) for number, least in ended.trace if np.isfinite(least)),
            details={
                "residuals": [float(one) ** 0.5 for one in ended.values if one.isfinite()],
                "agreeing": agreeing,
                "targets": candidate.targets(ended.points[best]),
                **one_by_one(ended.refusal),
            },
        )


def _cut(ended: Descent, candidate: Candidate, match: Match) -> Descent:
    """Where starts ended, with items cut to the bounds where these are known, and what that leaves."""
    points, values, evaluations = ended.points.clone(), ended.values.clone(), ended.evaluations.clone()
    for start, point in enumerate(ended.points):
        cut = candidate.within(point)
        if values[start].isfinite() and not torch.equal(cut, point):
            left = match.square(*candidate.parts(cut)).detach()
            points[start], values[start] = cut, torch.where(left.isfinite(), left, torch.inf)
            evaluations[start] += 1
    return replace(ended, points=points, values=values, evaluations=evaluations)


def _least(ended: Descent) -> float:
    return math.sqrt(ended.values[ended.best])


def _joined(one: Descent, other: Descent) -> Descent:
    """Both searches as one: where the second ended lower, it counts."""
    is_better = other.values < one.values
    before = one.trace[-1][0]
    return replace(
        other,
        points=torch.where(is_better[:, None], other.points, one.points),
        values=torch.where(is_better, other.values, one.values),
        evaluations=one.evaluations + other.evaluations,
        trace=(*one.trace, *((before + number, least) for number, least in other.trace)),
    )


def _is_soft(found: Recovery, knowledge: Knowledge) -> bool:
    """Whether one item of no single class explains a message."""
    targets = found.details.get("targets", ())
    is_one = found.outcome == "recovered" and len(targets) == 1 and knowledge.loss == "cross_entropy"
    return is_one and max(targets[0]) < _HARD


def _harder(soft: Recovery, hard: Recovery, used: int) -> Recovery:
    """What the label that signs tell explains, where it does."""
    evaluations = soft.evaluations + hard.evaluations
    if hard.outcome != "recovered":
        return replace(soft, evaluations=evaluations)
    reason = (
        "With a soft label another item explains the message too; this one has the label that signs tell."
    )
    trace = (*soft.trace, *((used + number, least) for number, least in hard.trace))
    return replace(hard, evaluations=evaluations, reason=f"{reason} {hard.reason}".rstrip(), trace=trace)


def _agreeing(ended: Descent, candidate: Candidate, best: int) -> int:
    """How many starts ended within a tenth of an item's spread of the best one."""
    items = ended.points[:, : candidate.width].double()
    spread = float(items[best].std(correction=0)) or 1.0
    apart = (items - items[best]).square().mean(1).sqrt()
    return int((apart <= _SAME * spread).sum())
