"""The batch whose retrained classifier would look best (Guo & Schuurmans, 2007)."""

import warnings
from dataclasses import dataclass
from typing import Any, Literal, final, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nextlabel.core.labels import class_indices
from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Picks, Strategy
from nextlabel.errors import LabelError, ParameterError
from nextlabel.maths.axes import (
    Array,
    Embeddings,
    Labels,
    Positions,
    Probabilities,
    Sizes,
    checked,
    checked_batch,
    checked_probabilities,
)
from nextlabel.maths.discriminative import BatchProblem
from nextlabel.maths.discriminative_search import Guess, Start, best_batch
from nextlabel.maths.information import entropy, normalised
from nextlabel.maths.parameters import checked_choice, checked_flag, checked_number, checked_whole, settle
from nextlabel.maths.polytope import Polytope, best_vertex, class_cap
from nextlabel.maths.ranking import top
from nextlabel.maths.softmax import with_ones
from nextlabel.maths.uncertainty import check_two_classes

__all__ = ["AscentEnded", "Counted", "DiscriminativeBatch", "discriminative_batch"]

Counted = Literal["candidates", "pool"]
"""Whose entropy counts: that of the candidates, which stand for the pool, or of all its items."""

_Floats = NDArray[np.float64]


@final
class AscentEnded(RuntimeWarning):
    """The number of steps ended the ascent of the batch that was chosen before it came to a summit."""


def discriminative_batch(
    proba: Probabilities,
    embedding: Embeddings,
    batch: int,
    *,
    rng: np.random.Generator,
    labelled: Embeddings | None = None,
    labels: ArrayLike | None = None,
    **options: Any,
) -> Positions:
    """Positions of the batch after whose labels a linear classifier would fit best and doubt least.

    Parameters
    ----------
    proba : array of float, axes (n, c)
        Class probabilities; rows sum to one.
    embedding : array of float, axes (n, d)
        Features of the same items, for the classifier that is refitted.
    batch : int
        How many, between 1 and n.
    rng : numpy.random.Generator
        Breaks ties.
    labelled : array of float, axes (l, d), optional
        Features of the labelled items. Without any, the classifier is fitted to guesses alone.
    labels : array of int, axes (l,), optional
        Their class indices; needed with `labelled`.
    **options
        The parameters of `DiscriminativeBatch`.

    Returns
    -------
    array of int64, axes (b,)
        Distinct; what the worth of the batch depends on most comes first.

    Raises
    ------
    SignalError
        Wrong axes or sizes, one class, values that are not finite, or rows that do not sum to one.
    LabelError
        Labelled features without labels, or labels that are not class indices or not as many.
    BatchSizeError
        The batch is below 1 or above n.
    ParameterError
        A parameter out of its range.
    ConvergenceError
        A refit did not reach its solution.

    Notes
    -----
    As `DiscriminativeBatch`.

    References
    ----------
    Guo, Schuurmans. Discriminative batch mode active learning. NeurIPS 2007.

    Examples
    --------
    Without refits and without likelihoods, the largest entropies:

    >>> proba = np.array([[0.9, 0.1], [0.5, 0.5], [0.7, 0.3]])
    >>> plain = {"refit": False, "include_label_term": False}
    >>> discriminative_batch(proba, np.eye(3), 2, rng=np.random.default_rng(0), **plain).tolist()
    [1, 2]
    """
    sizes: Sizes = {}
    proba = checked_probabilities(proba, "n c", "proba", sizes)
    embedding = checked(embedding, "n d", "embedding", sizes)
    rows = None if labelled is None else checked(labelled, "l d", "labelled", sizes)
    classes = None if labels is None else class_indices(labels, proba.shape[1])
    method = DiscriminativeBatch(**options)
    return _chosen(method, proba, embedding, rows, classes, checked_batch(batch, len(proba)), rng)[0]


@final
@dataclass(frozen=True)
class DiscriminativeBatch(Strategy):
    """Prefers batches that would leave a classifier sure; needs proba and embedding; costs many small refits.

    Parameters
    ----------
    entropy_weight : float
        α, from 0: what a nat of entropy counts beside one of likelihood.
    trust : float
        β, from 0: what the likelihood of a guessed label counts beside that of a true one.
    penalty : float
        λ, above 0: of the squared weights of the classifier.
    objective : {"optimistic", "expected"}
        The guessed labels are those best for the batch, or each as probable as the model says.
    refit : bool
        Whether the classifier learns the guesses. If not, the model stays as `proba` has it.
    include_label_term : bool
        Whether likelihoods count. If not, entropy alone does.
    class_caps : bool
        Whether a class may be guessed for so many items only.
    class_slack : float
        ε, from 0: the share of a class may lie so far above 1/K.
    candidates : int
        How many items of largest entropy may be picked when refitting, from 1; a larger batch has as many as
        it needs.
    counted : {"candidates", "pool"}
        Whose entropy counts when refitting: of the candidates, which stand for the pool, or of all items.
    starts : tuple of {"even", "entropy"}
        Where the ascents begin: every guess alike, or the largest entropies with their likeliest classes.
    steps : int
        The most that an ascent takes, from 1.
    exchanges : int
        How many exchanges of one guess for another are tried on a whole batch before it is called good, from
        0; the paper has none.

    Raises
    ------
    ParameterError
        A parameter out of its range.

    Notes
    -----
    A batch S with guessed labels is worth Σ_{L∪S} log P(y|x) − α Σ_{U∖S} H(x) under a softmax classifier
    refitted to L and the guesses, with its parameters weighted as above. How much each candidate is taken as
    each class is relaxed to μ ≥ 0, Σ_y μ_jy ≤ 1, Σ μ = b, Σ_j μ_jy ≤ ⌊(1/K + ε)·b⌋; from each start a
    quasi-Newton ascent on the exact gradient (`nextlabel.maths.ascent`), rounded by its largest entries,
    improved by exchanges; the best by its exact worth. Where the number of steps ends its ascent while more
    than a hundredth of the worth might be had to first order, a warning names that gap.

    Without refits the worth is a sum over items and its best batch exact: the largest entropies without the
    label term; with it, log p_ŷ + αH, which for α = 1 and two classes is largest at p_ŷ = 0.782, and not at
    one half; expected, (α − 1)·H. With refits, none of these is the same as the largest entropy.

    The classifier is a linear one on `embedding`, fitted here, with the penalty on the weights and on the
    bias of classes without a label; for two classes, λ is twice that of a single logit. Caps are whole
    numbers. Scores are derivatives of the worth by each item's share.

    Departs from the paper in the candidates, the exchanges, and, for "expected", in 16 label vectors where
    a batch has more, and in ascents with the probabilities themselves as guesses.

    For M candidates, l labelled items and c·d weights up to 1,500: each step O((M + l)·c²d² + c³d³), and some
    200 of them, whatever n; a pass of O(n·c) over all, with counted="pool" O(n·c·d) a step. Memory O(M·c·b)
    and 16·c²d² bytes beside O(n).

    Fails where there are few labels, as it trusts the guesses that suit it, and where the penalty does not
    suit the scale of the embedding.

    References
    ----------
    Guo, Schuurmans. Discriminative batch mode active learning. NeurIPS 2007.

    Examples
    --------
    >>> from nextlabel import select
    >>> proba = [[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]]
    >>> line = [[-2.0], [0.0], [1.5]]
    >>> seen = {"labelled": {"embedding": [[-1.0], [1.0]]}, "labels": [0, 1]}
    >>> picked = select("discriminative_batch", proba=proba, embedding=line, **seen, batch=1, seed=0)
    >>> picked.shape
    (1,)
    """

    entropy_weight: float = 1.0
    trust: float = 1.0
    penalty: float = 1.0
    objective: Guess = "optimistic"
    refit: bool = True
    include_label_term: bool = True
    class_caps: bool = True
    class_slack: float = 0.1
    candidates: int = 200
    counted: Counted = "candidates"
    starts: tuple[Start, ...] = ("even", "entropy")
    steps: int = 50
    exchanges: int = 16

    def __post_init__(self) -> None:
        of = "DiscriminativeBatch"
        checked_choice(self.objective, "objective", get_args(Guess), of=of)
        checked_choice(self.counted, "counted", get_args(Counted), of=of)
        flags = ("refit", "include_label_term", "class_caps")
        weights = {"entropy_weight": "Try 1.0.", "trust": "Try 1.0.", "class_slack": "Try 0.1."}
        whole = {"candidates": 1, "steps": 1, "exchanges": 0}
        settle(
            self,
            {
                **{name: checked_flag(getattr(self, name), name, of=of) for name in flags},
                **{
                    name: checked_number(getattr(self, name), name, least=0.0, of=of, advice=advice)
                    for name, advice in weights.items()
                },
                **{
                    name: checked_whole(getattr(self, name), name, least=least, of=of)
                    for name, least in whole.items()
                },
                "penalty": checked_number(
                    self.penalty, "penalty", above=0.0, of=of, advice="Without one, a refit may have no end."
                ),
                "starts": _checked_starts(self.starts),
            },
        )

    @property
    def needs(self) -> frozenset[str]:
        """Probabilities, and features to refit on."""
        return frozenset({"proba", "embedding"})

    @property
    def needs_labelled(self) -> frozenset[str]:
        """Features to refit on; labels as well."""
        return frozenset({"embedding"})

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        """The batch of largest worth that is found."""
        checked_batch(batch, signals.n)
        rows = None if signals.labelled is None else signals.labelled["embedding"]
        labels = None if signals.labels is None else class_indices(signals.labels, None)
        positions, scores = _chosen(self, signals["proba"], signals["embedding"], rows, labels, batch, rng)
        return Picks(positions, scores=scores)


def _checked_starts(starts: object) -> tuple[Start, ...]:
    options = get_args(Start)
    if isinstance(starts, tuple | list) and starts and set(map(str, starts)) <= set(options):
        return tuple(starts)
    message = (
        "DiscriminativeBatch's 'starts' must be a list of one or more of 'even' and 'entropy'; received "
        f"{starts!r}. Leave it out for both."
    )
    raise ParameterError(message)


def _chosen(
    method: DiscriminativeBatch,
    proba: Array,
    embedding: Array,
    labelled: Array | None,
    labels: Labels | None,
    batch: int,
    rng: np.random.Generator,
) -> tuple[Positions, _Floats]:
    check_two_classes(proba, "proba")
    doubt = entropy(proba)  # as given, so that the largest are those that the strategy `entropy` finds
    proba = normalised(proba)
    if not method.refit:
        return _unchanged(method, proba, doubt, batch, rng)
    rows = 0 if labelled is None else len(labelled)
    known = 0 if labels is None else len(labels)
    if rows != known:
        message = (
            "The refits of DiscriminativeBatch need the class of each labelled row; received "
            f"{rows} labelled rows and {known} labels. Give both, or neither."
        )
        raise LabelError(message)
    chosen = top(doubt, min(len(proba), max(method.candidates, batch)), rng=rng)
    chosen = chosen[_order(proba[chosen], embedding[chosen], rng)]
    problem = _problem(method, proba.shape[1], chosen, doubt, embedding, labelled, labels)
    found = best_batch(
        problem,
        proba[chosen],
        batch,
        cap=class_cap(batch, proba.shape[1], method.class_slack) if method.class_caps else batch,
        objective=method.objective,
        starts=method.starts,
        steps=method.steps,
        exchanges=method.exchanges,
    )
    if found.gap > 0.0:
        message = (
            "DiscriminativeBatch should come to a summit; its best ascent was ended after "
            f"{method.steps} steps with a gap of {found.gap:.3g} to what might be had, beside a worth of "
            f"{found.value:.6g}. Allow more 'steps', or fewer 'candidates'."
        )
        warnings.warn(message, AscentEnded, stacklevel=3)
    return chosen[found.items], found.scores


def _unchanged(
    method: DiscriminativeBatch, proba: _Floats, doubt: _Floats, batch: int, rng: np.random.Generator
) -> tuple[Positions, _Floats]:
    """The exact best batch where the model stays: the worth is a sum over items, but for the caps."""
    n, classes = proba.shape
    trust = method.trust if method.include_label_term else 0.0
    if method.objective == "expected":
        scores = (method.entropy_weight - trust) * doubt
    else:
        # a class of probability zero is as unlikely as float64 can say
        likeliest = np.log(np.maximum(proba.max(axis=1), np.finfo(np.float64).tiny))
        scores = trust * likeliest + method.entropy_weight * doubt
        cap = class_cap(batch, classes, method.class_slack) if method.class_caps else batch
        if trust > 0.0 and cap < batch:
            order = rng.permutation(n)
            gains = trust * np.log(np.maximum(proba[order], np.finfo(np.float64).tiny))
            gains += method.entropy_weight * doubt[order][:, None]
            items, labels = best_vertex(Polytope(n, classes, batch, cap), gains)
            scores, positions = gains[items, labels], order[items]
            wanted = top(scores, batch, rng=rng)
            return positions[wanted], scores[wanted]
    positions = top(scores, batch, rng=rng)
    return positions, scores[positions]


def _problem(
    method: DiscriminativeBatch,
    classes: int,
    chosen: Positions,
    doubt: _Floats,
    embedding: Array,
    labelled: Array | None,
    labels: Labels | None,
) -> BatchProblem:
    """What a batch of the candidates is worth."""
    rows = embedding[chosen].astype(np.float64)
    seen = np.zeros((0, rows.shape[1])) if labelled is None else labelled.astype(np.float64)
    others = rows[:0]
    if method.counted == "pool":
        rest = np.setdiff1d(np.arange(len(embedding)), chosen)
        rest = rest[np.lexsort((embedding[rest, 0], doubt[rest]))]
        others = embedding[rest].astype(np.float64)
    if rows.shape[1] > len(rows) + len(seen):
        # weights lie in the span of the rows that are fitted: as many features as rows are enough
        basis = np.linalg.qr(np.concatenate([seen, rows]).T)[0]
        seen, rows, others = seen @ basis, rows @ basis, others @ basis
    targets = np.zeros((len(seen), classes))
    if labels is not None:
        targets[np.arange(len(seen)), labels] = 1.0
    return BatchProblem(
        with_ones(seen),
        targets,
        with_ones(rows),
        with_ones(others),
        method.penalty,
        method.entropy_weight,
        method.trust,
        method.include_label_term,
    )


def _order(proba: _Floats, embedding: Array, rng: np.random.Generator) -> Positions:
    """The same order of the same rows wherever they lie, equal rows at random.

    Sums then round alike in every order of the pool, and so does what follows from them.
    """
    columns = [*embedding.T, *proba.T]
    return np.lexsort([rng.permutation(len(proba)), *columns]).astype(np.int64)
