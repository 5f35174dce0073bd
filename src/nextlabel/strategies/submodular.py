"""Submodular functions and their information measures as acquisition (Kothawade et al., 2021)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final, get_args

import numpy as np
from numpy.typing import NDArray

from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Picks, Strategy
from nextlabel.errors import LabelError, ParameterError
from nextlabel.maths.axes import (
    Array,
    Embeddings,
    Labels,
    Positions,
    Residuals,
    Sizes,
    checked,
    checked_batch,
)
from nextlabel.maths.greedy import Solver, greedy
from nextlabel.maths.information_measures import Function, information_measure
from nextlabel.maths.parameters import checked_choice, checked_number, checked_whole, settle
from nextlabel.maths.similarity import Directions, alignment, factor_directions, taken

__all__ = ["Submodular", "submodular"]

_Measure = Literal["plain", "mutual_information", "conditional_gain", "conditional_mutual_information"]
_Mutual = Literal["flqmi", "flvmi"]
_Similarity = Literal["embedding", "gradient"]
_WITH_QUERY = ("mutual_information", "conditional_mutual_information")
_WITH_PRIVATE = ("conditional_gain", "conditional_mutual_information")


def submodular(
    embedding: Embeddings,
    batch: int,
    *,
    rng: np.random.Generator,
    residual: Residuals | None = None,
    labelled: Embeddings | None = None,
    labelled_residual: Residuals | None = None,
    labels: Labels | None = None,
    function: Function = "facility_location",
    measure: _Measure = "plain",
    query_classes: Sequence[int] | None = None,
    private_classes: Sequence[int] | None = None,
    mutual: _Mutual = "flqmi",
    eta: float = 1.0,
    nu: float = 1.0,
    lam: float = 0.5,
    jitter: float = 1e-6,
    solver: Solver = "lazy",
    missed: float = 0.01,
) -> Positions:
    """Positions taken one by one, each the one that adds most to a set function of the batch.

    Parameters
    ----------
    embedding : array of float, axes (n, d)
        Features of the unlabelled items.
    batch : int
        How many, between 1 and n.
    rng : numpy.random.Generator
        Breaks ties: of equal gains, the item first in one permutation wins. Draws the parts of "stochastic".
    residual : array of float, axes (n, c), optional
        With it, items are compared by their last-layer gradients residual ⊗ embedding.
    labelled : array of float, axes (l, d), optional
        Features of the labelled items, of which query and private set are taken.
    labelled_residual : array of float, axes (l, c), optional
        Of the labelled items; given where `residual` is.
    labels : array of int, axes (l,), optional
        Classes of the labelled items; needed where classes are named.
    function, measure, query_classes, private_classes, mutual, eta, nu, lam, jitter, solver, missed
        As `Submodular`.

    Returns
    -------
    array of int64, axes (b,)
        Distinct, in the order taken.

    Raises
    ------
    SignalError
        Wrong axes, unequal widths, or values that are not finite.
    LabelError
        Classes are named, and the labelled items have no labels.
    BatchSizeError
        The batch is below 1 or above n.
    ParameterError
        A parameter out of its range, or at odds with another.

    Notes
    -----
    As `Submodular`.

    References
    ----------
    Kothawade, Beck, Killamsetty, Iyer. SIMILAR: submodular information measures based active learning in
    realistic scenarios. NeurIPS 2021, arXiv 2107.00717.

    Examples
    --------
    The middle of three stands for most; then the one apart:

    >>> turns = np.array([0.0, 0.4, 0.8, 2.5])
    >>> circle = np.column_stack([np.cos(turns), np.sin(turns)])
    >>> submodular(circle, 2, rng=np.random.default_rng(0)).tolist()
    [1, 3]
    """
    method = Submodular(
        function=function,
        measure=measure,
        similarity="embedding" if residual is None else "gradient",
        query_classes=None if query_classes is None else tuple(query_classes),
        private_classes=None if private_classes is None else tuple(private_classes),
        mutual=mutual,
        eta=eta,
        nu=nu,
        lam=lam,
        jitter=jitter,
        solver=solver,
        missed=missed,
    )
    sizes: Sizes = {}
    factors = [checked(embedding, "n d", "embedding", sizes)]
    if residual is not None:
        factors.append(checked(residual, "n c", "residual", sizes))
    rows: list[Array] = []
    if labelled is not None:
        rows.append(checked(labelled, "l d", "labelled", sizes))
    if labelled is not None and residual is not None:
        rows.append(checked(_given(labelled_residual), "l c", "labelled_residual", sizes))
    return method._greedy(factors, rows, labels, batch, rng)[0]


@final
@dataclass(frozen=True)
class Submodular(Strategy):
    """Prefers batches that stand for the pool, or for some classes; needs embedding; costs all pairs.

    Parameters
    ----------
    function : {"facility_location", "graph_cut", "log_det"}
        How near every item is to one of the batch; how near all items are to the batch, less what the batch
        has in common; or the volume that the batch spans.
    measure : {"plain", "mutual_information", "conditional_gain", "conditional_mutual_information"}
        The function itself; what the batch shares with a query set of labelled items, for example of rare
        classes; what it adds to a private set of labelled items, for example all of them; or both, for
        example with known classes as query and unknown ones as private set.
    similarity : {"embedding", "gradient"}
        Cosine of the embeddings; or of the last-layer gradients residual ⊗ embedding, under each item's most
        probable class, which needs the residual too. Negative cosines count as 0, but for log-determinants.
    query_classes : tuple of int, optional
        The labelled items of these classes are the query set. Needed by measures that have one, and read by
        no other.
    private_classes : tuple of int, optional
        The labelled items of these classes are the private set; when left out, all labelled items but those
        of the query. Read by measures that have a private set.
    mutual : {"flqmi", "flvmi"}
        Mutual information of facility location: summed over the query and the batch, or over the pool, which
        costs all pairs. Read by that measure of that function; the conditional one is always summed over the
        pool.
    eta : float
        How much the query counts, from 0. For log-determinants at most 1. Read by measures with a query, but
        for graph cut.
    nu : float
        How much the private set counts, from 0. For log-determinants at most 1. Read by measures with a
        private set.
    lam : float
        How much graph cut minds what the batch has in common, from 0; up to ½ no item makes a batch worse.
        Read by graph cut.
    jitter : float
        Added to the diagonal, from 1e-8. Read by log-determinants.
    solver : {"lazy", "stochastic", "naive"}
        Greedy with lazy bounds; on random parts of the pool; or computing all gains for every pick, with the
        same result as lazy.
    missed : float
        About how probable a given item is to be in none of the parts. Above 0, below 1. Read by "stochastic".

    Raises
    ------
    ParameterError
        A parameter out of its range, query classes that are missing or also private, or eta and nu above 1
        for log-determinants. When picking, `LabelError`: classes are named and labels are missing.

    Notes
    -----
    Without any query item, the measure is the one without query; without any private item, the one without
    private set. Scores are gains; they never rise, but for the mutual information of log-determinants, which
    is not submodular. The mutual information of graph cut is a sum over the items of the batch, so it lets
    copies in, and the private set cancels from its conditional form. All log-determinants begin equal; the
    item nearest to the mean direction of the pool is first then.

    The whole batch is always filled: graph cut with lam above ½, and log-determinants, have gains below zero,
    and greedy takes what loses least. Once no item adds anything, as soon happens to facility location
    between a query and a private set, all are equal, and the rest is drawn.

    Departs from the paper: cosines of log-determinants are not clipped, since a clipped kernel need not be
    positive definite; and see `nextlabel.maths.submodular.LogDeterminant` for η and ν below 1.

    Facility location: time O(n²·d) for the first pick and typically little for each of the b others, in
    blocks of 32 MB; with "flqmi", O(n·q·d) for q query items. Graph cut: time O(n²·d) and O(n·d) for each
    pick; mutual information O(n·q·d). Log-determinants: O(n·(b + k)·(b + k + d)) for k query and private
    items. Memory O(n·d), and for log-determinants O(n·(b + k)) besides.

    Fails where directions of the features say nothing of classes, as an untrained network has them; and
    plainly where a rare class is wanted, which stands for few.

    References
    ----------
    Kothawade, Beck, Killamsetty, Iyer. SIMILAR: submodular information measures based active learning in
    realistic scenarios. NeurIPS 2021, arXiv 2107.00717.
    Iyer, Khargoankar, Bilmes, Asanani. Submodular combinatorial information measures with applications in
    machine learning. ALT 2021, arXiv 2006.15412.

    Examples
    --------
    The pool item most like a labelled one of class 1:

    >>> from nextlabel import select
    >>> like_ones = {"name": "submodular", "measure": "mutual_information", "query_classes": [1]}
    >>> seen = {"embedding": [[1.0, 0.0], [0.0, 1.0]]}
    >>> pool = [[1.0, 0.1], [1.0, 0.3], [0.1, 1.0], [-1.0, 0.0]]
    >>> select(like_ones, embedding=pool, labelled=seen, labels=[0, 1], batch=1, seed=0)
    array([2])
    """

    function: Function = "facility_location"
    measure: _Measure = "plain"
    similarity: _Similarity = "embedding"
    query_classes: tuple[int, ...] | None = None
    private_classes: tuple[int, ...] | None = None
    mutual: _Mutual = "flqmi"
    eta: float = 1.0
    nu: float = 1.0
    lam: float = 0.5
    jitter: float = 1e-6
    solver: Solver = "lazy"
    missed: float = 0.01

    def __post_init__(self) -> None:
        name = type(self).__name__
        checked_choice(self.function, "function", get_args(Function), of=name)
        checked_choice(self.measure, "measure", get_args(_Measure), of=name)
        checked_choice(self.similarity, "similarity", get_args(_Similarity), of=name)
        checked_choice(self.mutual, "mutual", get_args(_Mutual), of=name)
        checked_choice(self.solver, "solver", get_args(Solver), of=name)
        most = 1.0 if self.function == "log_det" else None
        eta = checked_number(self.eta, "eta", least=0, most=most, of=name, advice="Use 1.0.")
        nu = checked_number(self.nu, "nu", least=0, most=most, of=name, advice="Use 1.0.")
        lam = checked_number(self.lam, "lam", least=0, of=name, advice="Use 0.5.")
        jitter = checked_number(self.jitter, "jitter", least=1e-8, of=name, advice="Use 1e-6.")
        missed = checked_number(self.missed, "missed", above=0, below=1, of=name, advice="Use 0.01.")
        settle(self, {"eta": eta, "nu": nu, "lam": lam, "jitter": jitter, "missed": missed})
        settle(self, {key: _classes(getattr(self, key), key) for key in ("query_classes", "private_classes")})
        self._check_sets()

    def _check_sets(self) -> None:
        if self.measure in _WITH_QUERY and not self.query_classes:
            message = (
                f"Submodular's measure {self.measure!r} needs 'query_classes', one class at least; received "
                f"{self.query_classes!r}. Name the classes to look for, for example query_classes=(3,)."
            )
            raise ParameterError(message)
        both = sorted(set(self.query_classes or ()) & set(self.private_classes or ()))
        if both:
            message = (
                "Submodular's 'query_classes' and 'private_classes' must have no class in common; received "
                f"{both} in both. Leave each out of one of the two."
            )
            raise ParameterError(message)

    @property
    def is_random(self) -> bool:
        """Whether the solver draws parts of the pool; all others break ties alone by the generator."""
        return self.solver == "stochastic"

    @property
    def needs(self) -> frozenset[str]:
        """The features, and the residual where gradients are compared."""
        return frozenset({"embedding"} | ({"residual"} if self.similarity == "gradient" else set()))

    @property
    def needs_labelled(self) -> frozenset[str]:
        """The same, for measures with a query or a private set."""
        return frozenset() if self.measure == "plain" else self.needs

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        """Each the item that adds most; scores are the gains."""
        names = sorted(self.needs)
        labelled = signals.labelled if self.measure != "plain" else None
        rows = [] if labelled is None else [labelled[name] for name in names]
        labels = signals.labels if rows and self._names_classes else None
        return Picks(*self._greedy([signals[name] for name in names], rows, labels, batch, rng))

    @property
    def _names_classes(self) -> bool:
        has_private = self.measure in _WITH_PRIVATE and self.private_classes is not None
        return self.measure in _WITH_QUERY or has_private

    def _greedy(
        self,
        factors: Sequence[Array],
        labelled: Sequence[Array],
        labels: Labels | None,
        batch: int,
        rng: np.random.Generator,
    ) -> tuple[Positions, NDArray[np.float64]]:
        """Positions and gains; the factors are the embedding, or embedding and residual."""
        checked_batch(batch, len(factors[0]))
        items = factor_directions(*factors)
        query, private = self._sets(labelled, labels)
        is_level = self.function == "log_det" and query is None and private is None
        return greedy(
            information_measure(
                self.function,
                items,
                query=query,
                private=private,
                over_query=self.measure == "mutual_information" and self.mutual == "flqmi",
                eta=self.eta,
                nu=self.nu,
                lam=self.lam,
                jitter=self.jitter,
            ),
            batch,
            rng=rng,
            solver=self.solver,
            missed=self.missed,
            preference=alignment(items) if is_level else None,
        )

    def _sets(
        self, labelled: Sequence[Array], labels: Labels | None
    ) -> tuple[Directions | None, Directions | None]:
        """Query and private set; none where the measure has none, or where it is empty."""
        if self.measure == "plain" or not labelled or not len(labelled[0]):
            return None, None
        rows = factor_directions(*labelled)
        if self._names_classes and labels is None:
            message = (
                f"Submodular with query_classes={self.query_classes} and private_classes="
                f"{self.private_classes} needs the class of each labelled item; received {len(rows[0])} "
                "labelled items without labels. Give labels=..., one class index for each."
            )
            raise LabelError(message)
        is_query = _have(labels, self.query_classes or (), rows)
        is_private = ~is_query
        if self.private_classes is not None:
            is_private = _have(labels, self.private_classes, rows)
        return (
            taken(rows, is_query) if self.measure in _WITH_QUERY and is_query.any() else None,
            taken(rows, is_private) if self.measure in _WITH_PRIVATE and is_private.any() else None,
        )


def _classes(values: object, name: str) -> tuple[int, ...] | None:
    if values is None:
        return None
    advice = "Give class indices, for example (3,)."
    if not isinstance(values, tuple | list):
        message = f"Submodular's {name!r} must be whole numbers from 0 up; received {values!r}. {advice}"
        raise ParameterError(message)
    return tuple(checked_whole(one, name, least=0, of="Submodular", advice=advice) for one in values)


def _have(labels: Labels | None, classes: Sequence[int], rows: Directions) -> Array:
    """Which labelled items have one of the classes; none of them where nobody asked for labels."""
    if labels is None:
        return np.zeros(len(rows[0]), dtype=bool)
    if labels.ndim == 2:  # several classes an item
        known = [one for one in classes if one < labels.shape[1]]
        return np.asarray(labels[:, known].any(axis=1))
    return np.isin(labels, classes)


def _given(labelled_residual: Residuals | None) -> Residuals:
    if labelled_residual is None:
        message = (
            "Submodular with 'residual' and 'labelled' needs the residual of the labelled items too; "
            "received none. Give labelled_residual=..., axes (l, c)."
        )
        raise ParameterError(message)
    return labelled_residual
