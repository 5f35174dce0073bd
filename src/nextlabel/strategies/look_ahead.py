"""Look-ahead: the item whose label leaves the least uncertainty in the pool (Roy & McCallum, 2001)."""

from dataclasses import dataclass
from typing import Any, Literal, final, get_args

import numpy as np
from numpy.typing import NDArray

from nextlabel.core.labels import class_indices
from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Picks, Strategy
from nextlabel.errors import MissingSignal, NoLabels
from nextlabel.maths.axes import (
    Array,
    Embeddings,
    Labels,
    Positions,
    Probabilities,
    Sizes,
    checked_batch,
    checked_probabilities,
)
from nextlabel.maths.distances import checked_points
from nextlabel.maths.information import entropy
from nextlabel.maths.parameters import checked_choice, checked_flag, checked_number, checked_whole, settle
from nextlabel.maths.ranking import ranks, top
from nextlabel.maths.refits import Refits, refits
from nextlabel.maths.remaining import Loss, Weights, left_by_heads, losses, weighted
from nextlabel.maths.softmax import with_ones

__all__ = ["LookAhead", "Refit", "look_ahead"]

Refit = Literal["frozen", "newton", "last_layer"]
_Floats = NDArray[np.float64]

_DIGITS = 11  # of the largest value: what differs by less is a tie that rounding has split


def look_ahead(
    proba: Probabilities,
    batch: int,
    *,
    rng: np.random.Generator,
    embedding: Embeddings | None = None,
    labelled: Embeddings | None = None,
    labels: Labels | None = None,
    refit: Refit = "newton",
    weights: Weights = "posterior",
    loss: Loss = "entropy",
    candidates: int = 100,
    evaluation: int = 1000,
    penalty: float = 1.0,
    sequential: bool = False,
) -> Positions:
    """Positions of the items whose labels would leave the least uncertainty in the rest of the pool.

    Parameters
    ----------
    proba : array of float, axes (n, c)
        Class probabilities of the unlabelled items; rows sum to one.
    batch : int
        How many, between 1 and n.
    rng : numpy.random.Generator
        Breaks ties.
    embedding : array of float, axes (n, d), optional
        Features of the unlabelled items; needed unless frozen.
    labelled : array of float, axes (l, d), optional
        Features of the labelled items; needed unless frozen.
    labels : array of int, axes (l,), optional
        Class indices of the labelled items; needed unless frozen.
    refit : {"frozen", "newton", "last_layer"}
        What a label does to the model: nothing; one Newton step of a linear head; or the head fitted anew.
    weights : {"posterior", "uniform", "optimistic", "pessimistic"}
        How the values for an item's labels become one: their mean by probability, their sum, the smallest,
        or the largest.
    loss : {"entropy", "zero_one"}
        Uncertainty: entropy in nats, or 1 − max p, whose expectation is the error to come.
    candidates : int
        So many items of largest entropy are looked at, or as many as the batch where that is more.
    evaluation : int
        Uncertainty is summed over at most so many items.
    penalty : float
        λ of the linear head, from 0 up. Read unless the model is frozen.
    sequential : bool
        Whether each pick is taken as labelled with its most probable class before the next one is looked
        for.

    Returns
    -------
    array of int64, axes (b,)
        Distinct, most wanted first.

    Raises
    ------
    SignalError
        Wrong axes or sizes, values that are not finite, squares that overflow, rows that do not sum to one.
    BatchSizeError
        The batch is below 1 or above n.
    ParameterError
        A parameter out of its range.
    MissingSignal
        A refit without the features of the unlabelled items.
    NoLabels
        A refit without labelled items.
    ConvergenceError
        The head has no solution: separable classes, or collinear features, without a penalty.

    Notes
    -----
    As `LookAhead`.

    References
    ----------
    Roy, McCallum. Toward optimal active learning through sampling estimation of error reduction. ICML 2001.

    Examples
    --------
    Two clusters, of which one is labelled; the middle of the other says most about the others:

    >>> line = np.array([[-1.0], [2.8], [3.0], [3.1], [-1.1]])
    >>> proba = np.array([[0.9, 0.1], [0.5, 0.5], [0.5, 0.5], [0.5, 0.5], [0.9, 0.1]])
    >>> look_ahead(proba, 1, embedding=line, labelled=[[-1.0], [1.0]], labels=[0, 1],
    ...            rng=np.random.default_rng(0)).shape
    (1,)
    """
    settings = LookAhead(refit, weights, loss, candidates, evaluation, penalty, sequential)
    sizes: Sizes = {}
    proba = checked_probabilities(proba, "n c", "proba", sizes)
    checked_batch(batch, len(proba))
    if refit == "frozen":
        return _picked(settings, proba, None, batch, rng)[0]
    if embedding is None:
        message = (
            f"Looking ahead with refit={refit!r} needs 'embedding', the features of the unlabelled items; "
            "received none. Give them, or use refit='frozen'."
        )
        raise MissingSignal(message)
    embedding = checked_points(embedding, "n d", "embedding", sizes)
    known = Signals(
        {"proba": proba},
        labelled=None if labelled is None else Signals({"embedding": labelled}),
        labels=labels,
    )
    rows, classes = _labelled_rows(known, refit)
    rows = checked_points(rows, "l d", "labelled", sizes)
    head = refits(rows, classes, proba.shape[1], penalty=settings.penalty)
    return _picked(settings, proba, (embedding, head), batch, rng)[0]


@final
@dataclass(frozen=True)
class LookAhead(Strategy):
    """Prefers labels that leave the pool certain; needs proba, embedding, labels; costs many small refits.

    Parameters
    ----------
    refit : {"frozen", "newton", "last_layer"}
        What a label does to the model: nothing; one Newton step of a linear head; or the head fitted anew.
    weights : {"posterior", "uniform", "optimistic", "pessimistic"}
        How the values for an item's labels become one: their mean by probability, their sum, the smallest,
        or the largest.
    loss : {"entropy", "zero_one"}
        Uncertainty: entropy in nats, or 1 − max p, whose expectation is the error to come.
    candidates : int
        So many items of largest entropy are looked at, or as many as the batch where that is more.
    evaluation : int
        Uncertainty is summed over at most so many items.
    penalty : float
        λ of the linear head, from 0 up; features are best on one scale. Read unless the model is frozen.
    sequential : bool
        Whether each pick is taken as labelled with its most probable class before the next one is looked
        for.

    Raises
    ------
    ParameterError
        A parameter out of its range.

    Notes
    -----
    R(x) = Σ_y ω_y Σ over the pool without x of H(p(·|·; w with (x, y) added)); scores are −R. ω, the entropy
    of a frozen model and the choice of candidates are those of `proba`; the model that a label changes is a
    softmax regression of the labelled items on `embedding`, fitted here, its bias without penalty but for
    classes that have no label, whose bias nothing else would hold. It stands for the last layer, so that a
    label can be tried without training the network.

    Departs from a sum over random items: where the pool is larger than `evaluation`, the items summed over
    lie at equal steps in the order of the pool's entropies, scaled up to the pool; the candidate's own
    uncertainty is then taken off. So the picks depend on the seed for ties alone, and a frozen model ranks as
    entropy does, whatever is summed over.

    With the Hessian's inverse at hand, O(c³·d³) once, each candidate costs O(c²·d²) for a Newton step, ten to
    fifty steps of O(c·(l·c·d + c²·d²)) until it has converged, and O(c²·d·m) for the sum over m items; only
    the entropies, O(n·c), grow with n. A batch b above the candidates makes b candidates; sequential, all of
    it is done b times. Memory 24·c²(d + 1)² bytes and O(n).

    Fails where the features do not carry the classes linearly, since the head is then no image of the model;
    with few labels, when it trusts an early model's idea of how certain the pool would become; and with more
    picks at once than a few, which are not told of one another unless sequential.

    References
    ----------
    Roy, McCallum. Toward optimal active learning through sampling estimation of error reduction. ICML 2001.

    Guo, Greiner. Optimistic active learning using mutual information. IJCAI 2007.

    Examples
    --------
    >>> from nextlabel import select
    >>> proba = [[0.9, 0.1], [0.5, 0.5], [0.6, 0.4]]
    >>> select({"name": "look_ahead", "refit": "frozen"}, proba=proba, batch=2, seed=0)
    array([1, 2])
    """

    refit: Refit = "newton"
    weights: Weights = "posterior"
    loss: Loss = "entropy"
    candidates: int = 100
    evaluation: int = 1000
    penalty: float = 1.0
    sequential: bool = False

    def __post_init__(self) -> None:
        checked_choice(self.refit, "refit", get_args(Refit), of="LookAhead")
        checked_choice(self.weights, "weights", get_args(Weights), of="LookAhead")
        checked_choice(self.loss, "loss", get_args(Loss), of="LookAhead")
        checked: dict[str, Any] = {
            "candidates": checked_whole(self.candidates, "candidates", least=1, of="LookAhead"),
            "evaluation": checked_whole(self.evaluation, "evaluation", least=1, of="LookAhead"),
            "penalty": checked_number(self.penalty, "penalty", least=0.0, of="LookAhead", advice="Try 1.0."),
            "sequential": checked_flag(self.sequential, "sequential", of="LookAhead"),
        }
        settle(self, checked)

    @property
    def needs(self) -> frozenset[str]:
        """Class probabilities, and features unless frozen."""
        return frozenset({"proba"} if self.refit == "frozen" else {"proba", "embedding"})

    @property
    def needs_labelled(self) -> frozenset[str]:
        """Features, unless frozen."""
        return frozenset() if self.refit == "frozen" else frozenset({"embedding"})

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        """The items whose labels leave the least uncertainty."""
        checked_batch(batch, signals.n)
        proba = signals["proba"]
        model = None
        if self.refit != "frozen":
            rows, labels = _labelled_rows(signals, self.refit)
            sizes: Sizes = {}
            embedding = checked_points(signals["embedding"], "n d", "embedding", sizes)
            rows = checked_points(rows, "l d", "labelled", sizes)
            model = embedding, refits(rows, labels, proba.shape[1], penalty=self.penalty)
        positions, scores = _picked(self, proba, model, batch, rng)
        return Picks(positions, scores=scores)


def _labelled_rows(signals: Signals, refit: Refit) -> tuple[Array, Labels]:
    labelled, labels = signals.labelled, signals.labels
    if labelled is None or labels is None or not len(labels):
        rows = 0 if labelled is None else labelled.n
        message = (
            f"Looking ahead with refit={refit!r} fits a linear head to labelled items and needs their "
            f"embedding and labels; received {rows} labelled rows and "
            f"{'no' if labels is None else len(labels)} labels. "
            "Label some items first, for example those of 'typiclust', or use refit='frozen'."
        )
        raise NoLabels(message)
    return labelled["embedding"], class_indices(labels, None)


def _picked(
    settings: LookAhead,
    proba: Array,
    model: tuple[Array, Refits] | None,
    batch: int,
    rng: np.random.Generator,
) -> tuple[Positions, _Floats]:
    """Positions and scores of the batch."""
    doubt = entropy(proba)
    if model is None:
        uncertain = losses(proba, settings.loss)
        times = proba.shape[1] if settings.weights == "uniform" else 1
        scores = times * (uncertain - uncertain.sum())
        positions = top(uncertain, batch, rng=rng)
        return positions, scores[positions]
    embedding, head = model
    offered = top(doubt, min(len(doubt), max(batch, settings.candidates)), rng=rng)
    rows, counts = _evaluated(embedding, doubt, settings.evaluation, rng)
    if settings.sequential:
        return _in_turn(settings, proba, embedding, head, offered, (rows, counts), batch, rng)
    scores = -_left(settings, proba, embedding, head, offered, rows, counts)
    best = top(scores, batch, rng=rng)
    return offered[best], np.asarray(scores[best], np.float64)


def _in_turn(
    settings: LookAhead,
    proba: Array,
    embedding: Array,
    head: Refits,
    offered: Positions,
    summed: tuple[_Floats, _Floats],
    batch: int,
    rng: np.random.Generator,
) -> tuple[Positions, _Floats]:
    """One pick after the other, each labelled with its most probable class for those after it."""
    rows, counts = summed
    positions, scores = np.empty(batch, np.int64), np.empty(batch)
    for place in range(batch):
        values = -_left(settings, proba, embedding, head, offered, rows, counts)
        best = int(top(values, 1, rng=rng)[0])
        positions[place], scores[place] = offered[best], values[best]
        offered = np.delete(offered, best)
        if place + 1 < batch:
            picked = positions[place]
            row = with_ones(embedding[picked][None])
            rows, counts = np.concatenate([rows, row]), np.append(counts, -1.0)  # no longer in the pool
            head = head.with_label(row[0], int(proba[picked].argmax()))
    return positions, scores


def _evaluated(
    embedding: Array, doubt: _Floats, evaluation: int, rng: np.random.Generator
) -> tuple[_Floats, _Floats]:
    """Features summed over, and what each counts: the whole pool, or items at equal steps of entropy."""
    n = len(doubt)
    chosen = np.arange(n)
    if n > evaluation:
        order = np.argsort(ranks(doubt, rng=rng))
        chosen = order[((np.arange(evaluation) + 0.5) * n / evaluation).astype(np.int64)]
    # equal rows together, in an order of their own: sums do not depend on the order of the pool
    rows, counts = np.unique(embedding[chosen], axis=0, return_counts=True)
    return with_ones(rows), np.asarray(counts * (n / len(chosen)), np.float64)


def _left(
    settings: LookAhead,
    proba: Array,
    embedding: Array,
    head: Refits,
    offered: Positions,
    rows: _Floats,
    counts: _Floats,
) -> _Floats:
    """The uncertainty that each candidate's label would leave, axes (candidates,)."""
    said = np.concatenate([embedding[offered], proba[offered]], axis=1, dtype=np.float64)
    different, which = np.unique(said, axis=0, return_inverse=True)  # equal items have equal values
    features = with_ones(different[:, : embedding.shape[1]])
    after = head.newton if settings.refit == "newton" else head.converged
    found = np.empty(len(different))
    copies = head.problem.copies
    for place, row in enumerate(features):
        heads = after(row)
        values = left_by_heads(heads, rows, counts, settings.loss, copies)
        values -= left_by_heads(heads, row[None], np.ones(1), settings.loss, copies)  # it is labelled now
        of_labels = values[head.tried]
        found[place] = weighted(of_labels, settings.weights, different[place, embedding.shape[1] :])
    unit = 10.0 ** (np.ceil(np.log10(max(float(np.abs(found).max()), 1e-300))) - _DIGITS)
    return np.asarray((np.round(found / unit) * unit)[which.reshape(-1)])
