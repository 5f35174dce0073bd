"""Core-set selection that may leave outliers out, by mixed-integer programming (Sener & Savarese, 2018)."""

import warnings
from dataclasses import dataclass
from math import ceil, floor
from typing import Any, Literal, final, get_args

import numpy as np

from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Picks, Strategy
from nextlabel.maths.axes import Array, Embeddings, Sizes, checked_batch
from nextlabel.maths.covering import Covering, covering_centres
from nextlabel.maths.directions import directions
from nextlabel.maths.distances import checked_points
from nextlabel.maths.parameters import checked_choice, checked_flag, checked_number, checked_whole, settle

__all__ = ["Metric", "Reading", "RobustCoreSet", "Unproven", "robust_coreset"]

Metric = Literal["euclidean", "cosine"]
Reading = Literal["embedding", "logits"]

_ROUNDING = 1e-9  # a share is decimal: 0.07 of 100 is 7


@final
class Unproven(RuntimeWarning):
    """The limits ended the search before the radius was proven the smallest; the message names the gap."""


def robust_coreset(
    embedding: Embeddings,
    batch: int,
    *,
    rng: np.random.Generator,
    labelled: Embeddings | None = None,
    share: float = 1e-4,
    round_up: bool = False,
    outliers: int | None = None,
    metric: Metric = "euclidean",
    time_limit: float | None = 20.0,
    node_limit: int | None = None,
    sample: int = 5_000,
) -> Covering:
    """The batch from which the smallest radius reaches all items but a few outliers, and how sure that is.

    How many may be left out is `outliers`, or a `share`, whose default is no item at all below 10⁴ items:
    this is the exact k-centre then, which picks outliers first.

    Parameters
    ----------
    embedding : array of float, axes (n, d)
        Features of the unlabelled items.
    batch : int
        How many, between 1 and n.
    rng : numpy.random.Generator
        Decides between equal rows, and draws the sample of a large pool.
    labelled : array of float, axes (l, d), optional
        Features of the labelled items, which reach as far as the picks do.
    share : float
        The share of the items that may lie outside the radius, from 0 to 1; rounded down. Read where
        `outliers` is left out.
    round_up : bool
        Whether at least one item may lie outside, where the share makes less than one. Read where `outliers`
        is left out.
    outliers : int, optional
        How many items may lie outside, from 0; read instead of the share where given.
    metric : {"euclidean", "cosine"}
        Distances between the features, or between the features scaled to length one.
    time_limit : float, optional
        Seconds, above 0. None for no limit.
    node_limit : int, optional
        How many nodes of a search tree each mixed-integer programme may solve; 0 for none beyond what bounds
        and swaps settle.
    sample : int
        A larger pool is represented by so many of its items, drawn uniformly; from 1, and never fewer than
        the batch. As large a part of the outliers, rounded up, may be left out of them.

    Returns
    -------
    Covering
        The positions, most wanted first; the radius; the lower bound and the gap; whether it is proven. Of
        a sample, where one is drawn.

    Raises
    ------
    SignalError
        Wrong axes, unequal widths, values that are not finite, or distances that overflow float64.
    BatchSizeError
        The batch is below 1 or above n.
    ParameterError
        A parameter out of its range.

    Warns
    -----
    Unproven
        A limit ended the search; the picks are the best found, and the message names the gap.

    Notes
    -----
    Cost as `nextlabel.maths.covering.covering_centres`.

    Departs from the paper in the form of the programme, which has one variable for each item and not for
    each pair; in the lower end of the search, since half the greedy radius is none where there are outliers;
    and in counting the share from the unlabelled items, all of which may lie outside.

    References
    ----------
    Sener, Savarese. Active learning for convolutional neural networks: a core-set approach. ICLR 2018.
    Section 4.2 and algorithm 2.

    Examples
    --------
    >>> line = np.concatenate([np.linspace(-1, 1, 21), [100, -100]])[:, None]
    >>> middle, draw = np.zeros((1, 1)), np.random.default_rng(0)
    >>> robust_coreset(line, 1, labelled=middle, outliers=0, rng=draw).radius
    100.0
    >>> found = robust_coreset(line, 1, labelled=middle, outliers=1, rng=draw)
    >>> found.radius, found.lower_bound, found.gap, found.is_proven
    (1.0, 1.0, 0.0, True)
    """
    settings = _checked(share, round_up, outliers, time_limit, node_limit, sample)
    checked_choice(metric, "metric", get_args(Metric), of="RobustCoreSet")
    if metric == "cosine":
        embedding = directions(embedding, "embedding")
        labelled = None if labelled is None else directions(labelled, "labelled")
    sizes: Sizes = {}
    embedding = checked_points(embedding, "n d", "embedding", sizes)
    labelled = None if labelled is None else checked_points(labelled, "l d", "labelled", sizes)
    batch = checked_batch(batch, len(embedding))
    kept = max(settings["sample"], batch)
    rows, outside = np.arange(len(embedding)), _budget(len(embedding), **settings)
    if len(rows) > kept:
        outside = -(-outside * kept // len(rows))  # rounded up: none only where none may
        rows = np.sort(rng.choice(rows, kept, replace=False))
        embedding = embedding[rows]
    found = covering_centres(
        embedding,
        batch,
        centres=labelled,
        outliers=outside,
        seconds=settings["time_limit"],
        nodes=settings["node_limit"],
        rng=rng,
    )
    _warn(found)
    return Covering(rows[found.positions], found.radius, found.lower_bound, found.is_proven)


@final
@dataclass(frozen=True)
class RobustCoreSet(Strategy):
    """Prefers the smallest radius, stated outliers left out; needs embedding; costs an integer programme.

    How many may be left out is to be stated: the default share is no item at all below 10⁴ items, and the
    method is the exact k-centre then, which picks outliers first. Give ``outliers=1`` or more, or a larger
    share, for example ``share=0.01``.

    Parameters
    ----------
    share : float
        The share of the items that may lie outside the radius, from 0 to 1; rounded down. Read where
        `outliers` is left out.
    round_up : bool
        Whether at least one item may lie outside, where the share makes less than one. Read where `outliers`
        is left out.
    outliers : int, optional
        How many items may lie outside, from 0; read instead of the share where given.
    metric : {"euclidean", "cosine"}
        Distances between the features, or between the features scaled to length one.
    of : {"embedding", "logits"}
        What is read as features, of unlabelled and labelled items.
    time_limit : float, optional
        Seconds, above 0. None for no limit.
    node_limit : int, optional
        How many nodes of a search tree each mixed-integer programme may solve; 0 for none beyond what bounds
        and swaps settle.
    sample : int
        A larger pool is represented by so many of its items, drawn uniformly; from 1. As large a part of the
        outliers, rounded up, may be left out of them.

    Raises
    ------
    ParameterError
        A parameter out of its range.

    Notes
    -----
    Where the smallest radius is proven, as for a few hundred items, the picks depend on the items alone, and
    on the generator between equal rows; pools above `sample` items are drawn from. Where the time limit ends
    the search, the picks are the best found by then, which depends on the speed of the machine, and a
    warning names the gap between the radius and what is proven. For picks that any machine repeats, take
    ``time_limit=None`` and a ``node_limit``, or a smaller ``sample``.

    Time O(n²·d) for the distances, then up to the time limit, whatever the batch b; memory up to 24·n²
    bytes, and 80 for each of the n² pairs, at most ten million, in the programmes; with n at most `sample`.

    Fails where nearly all distances are alike, as with very many features: no small radius exists, whatever
    is picked; and with fewer outliers allowed than there are, as by default below 10⁴ items, when picks are
    spent on them.

    References
    ----------
    Sener, Savarese. Active learning for convolutional neural networks: a core-set approach. ICLR 2018.

    Examples
    --------
    The item at 100 is left out:

    >>> from nextlabel import select
    >>> line = [[1.0], [2.0], [3.0], [7.0], [8.0], [9.0], [100.0]]
    >>> robust = {"name": "robust_coreset", "outliers": 1}
    >>> sorted(select(robust, embedding=line, batch=2, seed=0).tolist())
    [1, 4]
    """

    share: float = 1e-4
    round_up: bool = False
    outliers: int | None = None
    metric: Metric = "euclidean"
    of: Reading = "embedding"
    time_limit: float | None = 20.0
    node_limit: int | None = None
    sample: int = 5_000

    def __post_init__(self) -> None:
        settle(
            self,
            _checked(self.share, self.round_up, self.outliers, self.time_limit, self.node_limit, self.sample),
        )
        checked_choice(self.metric, "metric", get_args(Metric), of="RobustCoreSet")
        checked_choice(self.of, "of", get_args(Reading), of="RobustCoreSet")

    @property
    def needs(self) -> frozenset[str]:
        """The features."""
        return frozenset({self.of})

    @property
    def needs_labelled(self) -> frozenset[str]:
        """The features."""
        return frozenset({self.of})

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        """The batch of smallest radius, each next reaching most of what those before it do not."""
        labelled: Array | None = None if signals.labelled is None else signals.labelled[self.of]
        found = robust_coreset(
            signals[self.of],
            batch,
            labelled=labelled,
            share=self.share,
            round_up=self.round_up,
            outliers=self.outliers,
            metric=self.metric,
            time_limit=self.time_limit,
            node_limit=self.node_limit,
            sample=self.sample,
            rng=rng,
        )
        return Picks(found.positions)


def _budget(n: int, *, share: float, round_up: bool, outliers: int | None, **_: Any) -> int:
    """How many of n items may lie outside."""
    if outliers is not None:
        return min(outliers, n)
    whole = floor(share * n + _ROUNDING)
    return max(whole, min(ceil(share), 1)) if round_up else whole


def _warn(found: Covering) -> None:
    if not found.is_proven:
        message = (
            f"A limit ended the search: the radius is {found.radius:.6g}, and it is only proven that none is "
            f"below {found.lower_bound:.6g}, a gap of {found.gap:.1%}. For a smaller gap, raise 'time_limit' "
            "or 'node_limit', or lower 'sample'."
        )
        warnings.warn(message, Unproven, stacklevel=3)


def _checked(
    share: float,
    round_up: bool,
    outliers: int | None,
    time_limit: float | None,
    node_limit: int | None,
    sample: int,
) -> dict[str, Any]:
    of = "RobustCoreSet"
    if outliers is not None:
        outliers = checked_whole(outliers, "outliers", least=0, of=of, advice="Or leave it out.")
    if time_limit is not None:
        advice = "Give seconds, or None for no limit."
        time_limit = checked_number(time_limit, "time_limit", above=0, of=of, advice=advice)
    if node_limit is not None:
        node_limit = checked_whole(node_limit, "node_limit", least=0, of=of, advice="Or leave it out.")
    return {
        "share": checked_number(share, "share", least=0, most=1, of=of, advice="Try 0.01."),
        "round_up": checked_flag(round_up, "round_up", of=of),
        "outliers": outliers,
        "time_limit": time_limit,
        "node_limit": node_limit,
        "sample": checked_whole(sample, "sample", least=1, of=of, advice="Try 5000."),
    }
