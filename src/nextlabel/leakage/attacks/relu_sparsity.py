"""Whole batches from the first layer's gradient, by the zeros that ReLU leaves in it."""

import time
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from nextlabel.core.attack import Attack, Knowledge, Recovery
from nextlabel.core.disclosure import Disclosure
from nextlabel.core.progress import report
from nextlabel.errors import DisclosureError, LearnerError
from nextlabel.leakage.closed_forms.dense_layers import DenseLayers, dense_layers
from nextlabel.leakage.closed_forms.known_items import Explained, explained
from nextlabel.leakage.closed_forms.layer_gradients import (
    LayerGradient,
    drift,
    gradient_of,
    spectrum_of_items,
)
from nextlabel.leakage.messages import as_gradient
from nextlabel.leakage.precisions import widened
from nextlabel.maths.axes import Floats
from nextlabel.maths.parameters import checked_number, checked_whole, settle
from nextlabel.maths.row_space import Spectrum
from nextlabel.maths.sparse_columns import SparseColumns

__all__ = ["ReluSparsity"]

_CLOSE = 1e-3  # of a message's length: what is further away does not explain it
# Of what the weakest item adds. Digits of seeds 1000 to 1019 at width 256, untrained and after 30 epochs, in
# batches of 2, 4 and 8: items that are right leave at most 5.1e-4 of it, those that are not 0.99 and more.
_OF_LEAST = 1e-2
_CHUNK = 20_000  # sets of rows tried at once, for memory
_FIRST = 200
_ROUNDING = 10.0  # times the rounding of a row: below is zero
_LISTED = 64


@final
@dataclass(frozen=True)
class ReluSparsity(Attack):
    """Solves for a whole batch where ReLU follows a linear first layer; needs its gradient; costs O(2^b).

    Parameters
    ----------
    samples : int
        How many sets of b − 1 units are tried at most, from 1.
    seconds : float
        When to stop trying, above 0.

    Raises
    ------
    ParameterError
        A parameter out of its range.

    Notes
    -----
    With the bias as a last column the gradient of the layer is Δ·[X, 1], of rank b: Δ, axes (m, b), holds
    the slopes of each item's loss by the layer's outputs, and is zero where ReLU is off. From the singular
    value decomposition L·R of it Δ = L·Q and [X, 1] = Q⁻¹·R. Column i of Q is the null vector of any b − 1
    rows of L that are zero in column i of Δ: sets of rows are drawn at random, the null vectors that make L·q
    sparsest are kept, sharpened on all their zeros, and b independent ones chosen greedily. The scale of each
    item follows from its last entry, which is 1.

    The certificate is the residual of the whole message, with the labels solved for from the last layer: less
    than 1e-3, and less than a hundredth of what the weakest item adds to the first layer, which is its least
    singular value above rounding. Else mixtures would pass that explain an item of much loss alone, where
    what the others add is small beside it: the search goes on from these. Departs from the paper, which
    chooses by the sparsity pattern alone.

    Time O(samples·b·(b² + m)), with about b·2^(b − 1) samples where units are off for half of the items.
    An item with z of m units off is hit by a share of about (z/m)^(b − 1) of the draws, and needs b + 1 of
    them. A trained model leaves few off: of perceptrons trained on digits, batches of 2, 4 and 8 of the seeds
    1000 to 1007 come back in 6, 3 and 0 of 8 messages at 256 units, and in 4, 0 and 0 at 128, with 30,000
    samples, and float64 brings the same: nothing is lost to rounding. Of the 35 that fail, 26 are the
    message, in which an item has fewer than b + 1 units off where others are on, or units that tell less than
    b − 1 directions; at 256 units 9 are the search: at batch 4, an item has 5 to 7 of 236 units off.

    Fails where the layer has no bias, another activation follows, or the batch is larger than about ten;
    where two items switch all units alike; where rounding hides an item whose loss is small beside the
    others'.

    References
    ----------
    Dimitrov, Baader, Müller, Vechev. SPEAR: exact gradient inversion of batches in federated learning.
    NeurIPS 2024. Algorithm 1.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from nextlabel.leakage.messages import full
    >>> from nextlabel.learners.networks import mlp
    >>> with torch.random.fork_rng(devices=[]):
    ...     _ = torch.manual_seed(0)
    ...     model = mlp((6,), 3, hidden=(40,)).double().eval()
    >>> rng = np.random.default_rng(0)
    >>> items = rng.standard_normal((2, 6))
    >>> sent, known = full(model, items, np.array([0, 2])), Knowledge(model, (6,), 3)
    >>> found = ReluSparsity().recover(sent, known, rng)
    >>> found.outcome, sorted(found.labels.tolist())
    ('recovered', [0, 2])
    """

    samples: int = 1_000_000
    seconds: float = float("inf")

    def __post_init__(self) -> None:
        settle(
            self,
            {
                "samples": checked_whole(self.samples, "samples", least=1, of="ReluSparsity"),
                "seconds": checked_number(
                    self.seconds,
                    "seconds",
                    above=0,
                    is_finite=False,
                    of="ReluSparsity",
                    advice="Give float('inf') for no limit.",
                ),
            },
        )

    @property
    def reads(self) -> frozenset[str]:
        """Full gradients and updates."""
        return frozenset({"full", "update"})

    @property
    def recovers(self) -> frozenset[str]:
        """Items and their labels."""
        return frozenset({"items", "labels"})

    @property
    def cost(self) -> str:
        """Draws of submatrices, and a test of each."""
        return "solving"

    def recover(self, disclosure: Disclosure, knowledge: Knowledge, rng: np.random.Generator) -> Recovery:
        """The items of the batch in some order, and their labels."""
        if disclosure.kind not in self.reads:
            return Recovery(
                "refused", f"The attack reads full gradients and updates, not {disclosure.kind!r}."
            )
        knowledge = widened(knowledge)
        try:
            gradient = as_gradient(disclosure, knowledge)
            seen = dense_layers(knowledge)
            refusal = _refusal(seen)
            if refusal:
                return Recovery("refused", refusal)
            found = gradient_of(seen.layers[0], gradient)
        except (DisclosureError, LearnerError) as cause:
            return Recovery("refused", str(cause))
        if found.weight is None or found.bias is None:
            return Recovery("refused", "The attack reads both the weight and the bias of the first layer.")
        if found.is_zero:
            return Recovery("failed", "The first layer's gradient is zero: no unit speaks of an item.")
        items = disclosure.items if knowledge.batch is None else knowledge.batch
        return self._from_layer(
            found, _Message(gradient, knowledge, seen), items, drift(knowledge, disclosure), rng
        )

    def _from_layer(
        self, found: LayerGradient, message: "_Message", items: int, remark: str, rng: np.random.Generator
    ) -> Recovery:
        left, values, right = np.linalg.svd(found.joined, full_matrices=False)
        spectrum = spectrum_of_items(values, found.precision, items)
        rank = spectrum.rank
        details: dict[str, Any] = {
            "singular_values": list(spectrum.values[:_LISTED]),
            "rank": rank,
            "gap": spectrum.gap,
        }
        if rank >= min(found.joined.shape):
            return Recovery("refused", f"{_exhausted(rank, items)}{remark}", details=details)
        basis, rest = left[:, :rank], values[:rank, None] * right[:rank]
        noise = values[0] / values[:rank]
        columns = SparseColumns(basis, _tolerance(basis, spectrum, found), noise=noise)
        search = _Search(columns, rest, message, _limit(spectrum, message.gradient))
        tried, is_cut = self._searched(search, rng)
        details["samples"] = tried
        return _told(search, spectrum, items, remark, is_cut, details)

    def _searched(self, search: "_Search", rng: np.random.Generator) -> tuple[int, bool]:
        """Draw until a choice explains the message, or the samples or the clock are over."""
        end = time.monotonic() + self.seconds
        tried, chunk = 0, _FIRST
        while tried < self.samples:
            chunk = min(chunk, self.samples - tried)
            search.columns.draw(chunk, rng)
            tried += chunk
            report("sets of units", tried, self.samples)
            if search.has_explained():
                return tried, False
            if time.monotonic() > end:
                return tried, True
            chunk = min(2 * chunk, _CHUNK)
        return tried, False


@final
@dataclass(frozen=True, eq=False)
class _Message:
    gradient: Disclosure
    knowledge: Knowledge
    seen: DenseLayers


@final
class _Search:
    """What was tried last, and the best so far by the residual of the message."""

    def __init__(self, columns: SparseColumns, rest: Floats, message: _Message, limit: float) -> None:
        self.columns = columns
        self.limit = limit
        self.items: Floats | None = None
        self.best = Explained(residual=float("inf"))
        self.evaluations = 0
        self._rest, self._message = rest, message
        self._last: Floats | None = None

    def has_explained(self) -> bool:
        """Whether the sparsest columns so far explain the message."""
        chosen = self.columns.sparsest()
        if chosen is None or (self._last is not None and np.array_equal(chosen, self._last)):
            return False
        self._last = chosen
        rows = np.linalg.solve(chosen.T, self._rest)
        if (np.abs(rows[:, -1]) < 1e-9 * np.abs(rows).max(axis=1)).any():
            return False
        items = self._message.seen.items_of(rows[:, :-1] / rows[:, -1:])
        closed = explained(items, self._message.gradient, self._message.knowledge)
        self.evaluations += 1
        if closed.residual is not None and closed.residual < (self.best.residual or 0.0):
            self.items, self.best = items, closed
        return self.is_close

    @property
    def is_close(self) -> bool:
        """Whether the best leaves less of the message than any item would."""
        return self.best.residual is not None and self.best.residual < self.limit


def _refusal(seen: DenseLayers) -> str:
    if seen.order is None:
        return seen.unread
    between = seen.layers[0].activation
    if between is None or between.name != "relu":
        return f"ReLU must follow the first layer; what follows is {between.name if between else 'unknown'}."
    return ""


def _exhausted(rank: int, items: int) -> str:
    if items >= rank:
        return f"The rank of the first layer's gradient, {rank}, is exhausted by {items} items."
    return (
        f"The first layer's gradient has its full rank, {rank}, where {items} item{'s' * (items > 1)} would "
        f"give it {items} at most: noise or rounding fills the rest, and no zeros are left to read."
    )


def _tolerance(basis: Floats, spectrum: Spectrum, found: LayerGradient) -> Floats:
    """What rounding leaves of a zero, as a share of the length of each row of the basis.

    A row of the gradient is rounded by a share of its length, and in the basis, which divides by the singular
    values, by that over each of them: the rest of the metric is given as ``noise``. The decomposition itself
    rounds all rows alike, by the unit of float64 times the largest singular value.
    """
    lengths = np.linalg.norm(basis, axis=1)
    own = found.precision * np.linalg.norm(found.joined, axis=1) / spectrum.values[0]
    rounding = _ROUNDING * np.maximum(own, np.finfo(np.float64).eps)
    return np.asarray(rounding / np.maximum(lengths, np.finfo(np.float64).tiny))


def _limit(spectrum: Spectrum, gradient: Disclosure) -> float:
    """What items may leave of the message, as a share of its length.

    One item fewer could explain the first layer but for the least singular value that is no noise.
    """
    length = np.sqrt(sum(float((one.astype(np.float64) ** 2).sum()) for one in gradient.arrays.values()))
    return min(_CLOSE, float(_OF_LEAST * spectrum.values[spectrum.rank - 1] / length))


def _told(
    search: _Search, spectrum: Spectrum, items: int, remark: str, is_cut: bool, details: dict[str, Any]
) -> Recovery:
    residual, is_close = search.best.residual, search.is_close
    reason = ""
    if spectrum.rank != items:
        why = "rounding, pruning or several steps filled it up"
        if spectrum.rank < items:
            why = "some are equal, have next to no loss, or move the same units in the same proportion"
        reason = f"The gradient of the first layer has rank {spectrum.rank} for {items} items: {why}."
    if search.items is None:
        tried = f"{details['samples']:,} sets of units gave no {spectrum.rank} independent sparse columns."
        reason = f"{tried} {reason}"
    elif not is_close:
        reason = (
            f"The sparsest columns are {residual:.2g} of the message's length away from it, and its weakest "
            f"item asks for less than {search.limit:.2g}. {reason}"
        )
    return Recovery(
        "recovered" if is_close else "failed",
        (reason + remark).strip(),
        items=search.items,
        labels=search.best.answers,
        residual=residual if search.items is not None else None,
        evaluations=search.evaluations,
        is_cut=is_cut,
        details=details,
    )
