"""Items of a two-layer gradient: their span from its rank, then moments and Gauss–Newton steps in it."""

import math
import time
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from nextlabel.core.attack import Attack, Knowledge, Recovery
from nextlabel.core.disclosure import Disclosure
from nextlabel.core.progress import report
from nextlabel.leakage.precisions import widened
from nextlabel.leakage.two_layer.fit import Guess, Reduced, fitted
from nextlabel.leakage.two_layer.kinks import kinked
from nextlabel.leakage.two_layer.loss_sides import Settled, settled_by_loss
from nextlabel.leakage.two_layer.network import TwoLayerMessage, read_message
from nextlabel.leakage.two_layer.repairs import repaired
from nextlabel.leakage.two_layer.signs import Turning, turned
from nextlabel.leakage.two_layer.span import Span, span_of
from nextlabel.leakage.two_layer.starts import starts
from nextlabel.maths.axes import Floats
from nextlabel.maths.parameters import checked_number, checked_whole, settle

__all__ = ["SubspaceDecomposition"]


_MOST_NOISE = 0.1  # of the message: with more, anything explains it
_LEAST_UNITS = 300
_EQUATIONS = 12  # units for each dimension that a start is tried on
_CLEAR = 0.05  # of the range of values: so much further beyond it is the wrong way round


@final
@dataclass(frozen=True)
class SubspaceDecomposition(Attack):
    """Reads all items of a batch off a full gradient of a network with one hidden layer; costs seconds.

    Parameters
    ----------
    restarts : int
        Starts at most, from 1; chosen among by the residual of the message alone.
    repairs : int
        How often the weakest items of each are replaced, from 0.
    steps : int
        Gauss–Newton steps from each, from 1.
    seconds : float
        No start and no step begins after so many.

    Notes
    -----
    The hidden gradient is ∂L/∂w_j = Σ_i (Σ_k r_ik·a_kj) · s'(w_j·x_i) · x_i: its rows span the items
    exactly, and its rank is their number, which need not be known. Labels follow where it is the number that
    the message speaks of: equal items are found once, with what was asked of them mixed. A bias is the
    weight of one more value that is always 1. In the span everything depends on the projected weights, which
    are known: b² + b·k unknowns against m·(b + k) equations. Starts come from tensors of moments, and at
    random; damped Gauss–Newton steps on a part of the units sort them out, and the best is finished on all.
    Neither length nor loss is assumed in that.

    What a symmetry of the activation hides is fitted as free numbers and solved for afterwards. Where nothing
    in the gradient's form tells it, `settled_by_loss` asks the loss: (x, y) and (−x, −y) give one gradient
    where the activation is odd and there is no bias, and a rectifier without bias tells the direction of an
    item and no length, but cross-entropy with one class an item has one way round and one length that
    explain it. Where the loss tells nothing either, as a squared error of values that are not known, the
    outcome is "unidentifiable", and items are given one way round or at length 1.

    Fails where items are as many as their values or depend on one another (the rank says so), where hidden
    units are fewer than items, where noise covers the smallest singular value, and where the activation does
    not bend over the range of its inputs. An item whose output was right already leaves no trace.

    Time O(m·d·min(m, d)) for the rank, and O(b⁵) for a step on the part of the units.

    Departs from the paper, which reads the head's gradient only and needs 10⁵ units where this needs 10³.

    References
    ----------
    Wang, Lee, Lei. Reconstructing training data from model gradient, provably. AISTATS 2023.

    Examples
    --------
    >>> import torch
    >>> from nextlabel.leakage.messages import full
    >>> from nextlabel.leakage.two_layer.network import TwoLayer
    >>> model = TwoLayer(10, 100, activation="softplus").double()
    >>> items = np.eye(10)[:2]
    >>> message = full(model, items, np.ones((2, 1)), loss="squared_error")
    >>> knowledge = Knowledge(model, (10,), 1, loss="squared_error")
    >>> found = SubspaceDecomposition().recover(message, knowledge, np.random.default_rng(0))
    >>> np.abs(found.items[found.items[:, 0].argsort()][::-1] - items).max() < 1e-6
    np.True_
    """

    restarts: int = 40
    repairs: int = 6
    steps: int = 60
    seconds: float = math.inf

    def __post_init__(self) -> None:
        advice = "Give inf for no limit."
        settle(
            self,
            {
                "restarts": checked_whole(self.restarts, "restarts", least=1),
                "repairs": checked_whole(self.repairs, "repairs", least=0),
                "steps": checked_whole(self.steps, "steps", least=1),
                "seconds": checked_number(self.seconds, "seconds", above=0, is_finite=False, advice=advice),
            },
        )

    @property
    def reads(self) -> frozenset[str]:
        """Full gradients."""
        return frozenset({"full"})

    @property
    def recovers(self) -> frozenset[str]:
        """Items, and what was asked of them."""
        return frozenset({"items", "labels"})

    @property
    def cost(self) -> str:
        """A fit of a few numbers for each item."""
        return "decomposition"

    def recover(self, disclosure: Disclosure, knowledge: Knowledge, rng: np.random.Generator) -> Recovery:
        """Items with their labels, which are targets (float64) of a squared error, axes (r, k).

        No labels where fewer items explain the message than it speaks of. Where the message leaves open which
        way round or how long items are, the targets are those that explain it beside the items given.
        """
        knowledge = widened(knowledge)
        message = read_message(disclosure, knowledge)
        if isinstance(message, str):
            return Recovery("refused", message)
        span = span_of(message)
        if isinstance(span, str):
            return Recovery("failed", span)
        until = time.monotonic() + self.seconds
        problem = span.reduced(message)
        search = self._kinked if message.activation.is_homogeneous else self._smooth
        found = search(message, problem, span, knowledge, rng, until)
        items = disclosure.items if knowledge.batch is None else knowledge.batch
        return _told(message, knowledge, span, found, items, is_cut=time.monotonic() > until)

    def _smooth(
        self,
        message: TwoLayerMessage,
        problem: Reduced,
        span: Span,
        knowledge: Knowledge,
        rng: np.random.Generator,
        until: float,
    ) -> "_Found":
        units, width = problem.weights.shape
        some = rng.permutation(units)[: max(_LEAST_UNITS, _EQUATIONS * width)]
        part = problem.of(np.sort(some))
        best, least, evaluations, trace = None, np.inf, 0, []
        for turn, start in zip(range(self.restarts), starts(problem, rng), strict=False):
            report("trying where items may lie", turn, self.restarts)
            guess, left, more = self._improved(part, start, rng, span.enough, until)
            evaluations += more
            trace.append((turn, left))
            if best is None or left < least:
                best, least = guess, left
            if least <= span.enough or time.monotonic() > until:
                break
        assert best is not None
        best, least, more = fitted(problem, best, steps=self.steps, until=until)
        evaluations += more
        turning = _turning(message, problem, span, knowledge, best, least)
        best = _turned_round(best, turning, message)
        if problem.free != "nothing" and turning.is_told:
            problem = replace(problem, free="nothing")
            best = Guess(best.items, best.shares, best.free[:, :0])
            best, least, more = fitted(problem, best, steps=self.steps, until=until)
            evaluations += more
        return _Found(best.items, best.shares, turning.is_told, True, evaluations, tuple(trace))

    def _improved(
        self, part: Reduced, start: Guess, rng: np.random.Generator, enough: float, until: float
    ) -> tuple[Guess, float, int]:
        """The fit from one start, with its weakest items replaced while that helps."""
        guess, least, evaluations = fitted(part, start, steps=self.steps, until=until)
        for _ in range(self.repairs):
            if least <= enough or time.monotonic() > until:
                break
            tried, left, more = fitted(part, repaired(part, guess, rng), steps=self.steps, until=until)
            evaluations += more
            if left < least:
                guess, least = tried, left
        return guess, least, evaluations

    def _kinked(
        self,
        message: TwoLayerMessage,
        problem: Reduced,
        span: Span,
        knowledge: Knowledge,
        rng: np.random.Generator,
        until: float,
    ) -> "_Found":
        guess, left, evaluations = kinked(
            problem, rng, restarts=self.restarts, enough=span.enough, until=until
        )
        turning = _turning(message, problem, span, knowledge, guess, left)
        guess = _turned_round(guess, turning, message)
        rows = span.items_of(guess.items)
        lengths = rows[:, -1:] if message.has_bias else np.linalg.norm(rows, axis=1, keepdims=True)
        lengths = np.where(lengths == 0, 1.0, lengths)
        items, shares = guess.items / lengths, guess.shares * lengths
        return _Found(items, shares, turning.is_told, message.has_bias, evaluations, ((0, left),))


@final
@dataclass(frozen=True, eq=False)
class _Found:
    items: Floats
    shares: Floats
    has_signs: bool
    has_lengths: bool
    evaluations: int
    trace: tuple[tuple[int, float], ...]


def _turning(
    message: TwoLayerMessage, problem: Reduced, span: Span, knowledge: Knowledge, guess: Guess, left: float
) -> Turning:
    """Which items are the wrong way round."""
    if message.has_bias:
        # the value that is always 1
        return Turning(span.items_of(guess.items)[:, -1] < 0, True)
    activation = message.activation
    if activation.odd_about is None and activation.even_but_for is None:
        return Turning(np.zeros(len(guess.items), dtype=bool), True)
    told = turned(problem, guess, message.bias_gradient, left)
    if told.is_told or knowledge.bounds is None or message.activation.is_homogeneous:
        return told
    low, high = knowledge.bounds
    rows = span.items_of(guess.items)
    beyond = np.array([np.maximum(low - way, way - high).clip(0).max(axis=1) for way in (rows, -rows)])
    clear = np.abs(beyond[0] - beyond[1]) > _CLEAR * (high - low)
    return Turning(beyond[1] < beyond[0], bool(clear.all()))


def _turned_round(guess: Guess, turning: Turning, message: TwoLayerMessage) -> Guess:
    signs = np.where(turning.is_turned, -1.0, 1.0)[:, None]
    is_odd = message.activation.odd_about is not None
    return Guess(guess.items * signs, guess.shares * (signs if is_odd else 1.0), guess.free)


def _told(
    message: TwoLayerMessage, knowledge: Knowledge, span: Span, found: _Found, items: int, *, is_cut: bool
) -> Recovery:
    """The recovery: what explains the message, and what does not tell."""
    many = items if knowledge.reduction == "mean" else 1
    rows = span.items_of(found.items)
    # what equal items were asked is mixed, and the loss of nobody
    if span.rank == items and not (found.has_signs and found.has_lengths):
        settled = Settled(rows, found.shares, found.has_signs, found.has_lengths)
        settled = settled_by_loss(message, knowledge, settled, many)
        rows = settled.rows
        found = replace(
            found,
            shares=settled.shares,
            has_signs=settled.has_signs,
            has_lengths=settled.has_lengths,
        )
    residual = message.residual(rows, found.shares)
    values = rows[:, :-1] if message.has_bias else rows
    details: dict[str, Any] = {
        "singular_values": [float(value) for value in span.values[: 2 * span.rank + 8]],
        "rank": span.rank,
        "gap": span.gap,
        "enough": span.enough,
    }
    outcome, reason = _outcome(items, span, found, residual)
    if outcome == "unidentifiable" and knowledge.labels is not None:
        outcome, reason = "failed", f"{reason}; the labels that are known may tell, and are not used for it"
    labels: NDArray[Any] | None = None
    # equal items share one direction, and the mean of their labels is nobody's
    is_told = outcome in ("recovered", "unidentifiable") and span.rank == items
    if is_told and knowledge.loss == "squared_error":
        labels = message.outputs_of(rows) - many * found.shares
    elif is_told and ((found.shares < 0).sum(axis=1) == 1).all():
        labels = found.shares.argmin(axis=1).astype(np.int64)
    return Recovery(
        outcome,
        reason,
        items=values.reshape(len(values), *knowledge.item_shape),
        labels=labels,
        residual=residual,
        evaluations=found.evaluations,
        is_cut=is_cut and outcome == "failed",
        trace=found.trace,
        details=details,
    )


def _outcome(items: int, span: Span, found: _Found, residual: float) -> tuple[str, str]:
    if span.enough > _MOST_NOISE:
        return "failed", f"noise is {span.noise:.2g} of the message, so that nearly anything explains it"
    if residual > span.enough and (found.has_signs or found.trace[-1][1] > span.enough):
        return "failed", (
            f"the best of {len(found.trace)} starts leaves {residual:.2g} of the message, and rounding and "
            f"noise would leave less than {span.enough:.2g}"
        )
    if not found.has_signs:
        return "unidentifiable", (
            "the activation hides which way round an item is: each item and its opposite explain the "
            "message equally well, and one of the two is given"
        )
    if not found.has_lengths:
        return "unidentifiable", (
            "a rectified unit without bias tells the direction of an item and not its length: items are "
            "given at length 1, or at one of those that the loss leaves"
        )
    if span.rank != items:
        return "recovered", (
            f"{span.rank} items explain the message, which speaks of {items}: others are equal to them, "
            "were answered rightly already, or move the same units in the same proportion, so that no labels "
            "follow"
        )
    return "recovered", ""
