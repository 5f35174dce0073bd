"""Discriminative active learning: labelled or unlabelled? (Gissin & Shalev-Shwartz, 2019)."""

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, cast, final

import numpy as np
from numpy.typing import NDArray

from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Picks, Strategy
from nextlabel.errors import NoLabels, ParameterError
from nextlabel.maths.axes import Array, Embeddings, Positions, Scores, Sizes, checked_batch
from nextlabel.maths.distances import checked_points
from nextlabel.maths.membership import Membership, membership, one_scale
from nextlabel.maths.parameters import checked_number, checked_whole, settle
from nextlabel.maths.ranking import top

__all__ = ["DAL", "Inaccurate", "dal"]

_FEW_FEATURES = 30
_WIDE, _NARROW = (256, 256, 256), (20, 20, 20)
_SLOW, _QUICK = 3e-4, 3e-3  # learning rates of the wide and of the narrow network


@final
class Inaccurate(RuntimeWarning):
    """A classifier does not tell unlabelled from labelled items as surely as it should."""


def dal(
    embedding: Embeddings,
    batch: int,
    *,
    rng: np.random.Generator,
    labelled: Embeddings,
    queries: int = 20,
    hidden: tuple[int, ...] | None = None,
    learning_rate: float | None = None,
    max_epochs: int = 200,
    class_weight: Literal["balanced"] | None = "balanced",
    ratio: int = 10,
) -> Positions:
    """Positions of the items that a classifier tells most surely from the labelled ones.

    Parameters
    ----------
    embedding : array of float, axes (n, d)
        Features of the unlabelled items.
    batch : int
        How many, between 1 and n.
    rng : numpy.random.Generator
        For the parts of the pool, the classifiers' first weights, and the order of training.
    labelled : array of float, axes (l, d)
        Features of the labelled items, one at least.
    queries : int
        The batch is picked in so many parts, each by a fresh classifier to which those before are labelled.
    hidden : tuple of int, optional
        Units of the hidden layers; when left out (256, 256, 256), or (20, 20, 20) below 30 features.
    learning_rate : float, optional
        Of Adam; when left out 0.0003, or 0.003 below 30 features.
    max_epochs : int
        Training ends earlier, once its accuracy is above 0.98.
    class_weight : {"balanced", None}
        Whether labelled and unlabelled items weigh the same in sum, or each item the same.
    ratio : int
        Each classifier sees at most so many unlabelled items for every labelled one, drawn at random.

    Returns
    -------
    array of int64, axes (b,)
        Distinct, in the order picked.

    Raises
    ------
    SignalError
        Wrong axes, unequal widths, values that are not finite, or distances that overflow float64.
    BatchSizeError
        The batch is below 1 or above n.
    NoLabels
        No labelled items.
    ParameterError
        A parameter of the wrong kind or range.

    Warns
    -----
    Inaccurate
        A classifier has not passed an accuracy of 0.98 after `max_epochs`.

    Notes
    -----
    Each part has ⌊b / queries⌋ items, one at least; the last takes the remainder. See
    `nextlabel.maths.membership` for the classifier.

    Departs from the authors' code, whose class weights come out as 1 for both sides: `class_weight=None`
    does the same. Features are centred and divided by one common scale, so that a learning rate means the
    same for any embedding.

    References
    ----------
    Gissin, Shalev-Shwartz. Discriminative active learning. arXiv 1907.06347, 2019. Algorithm 1.

    Examples
    --------
    Labels on the left, so the item on the right is next:

    >>> seen = np.array([[-1.0], [-0.9], [-1.1]])
    >>> dal(np.array([[-1.2], [4.0], [-0.8]]), 1, labelled=seen, rng=np.random.default_rng(0))
    array([1])
    """
    settings = _Settings(queries, hidden, learning_rate, max_epochs, class_weight, ratio)
    return _picked(embedding, labelled, batch, settings, rng)[0]


@final
@dataclass(frozen=True)
class DAL(Strategy):
    """Prefers items unlike the labelled ones to a classifier; needs embedding; costs many small trainings.

    Parameters
    ----------
    queries : int
        The batch is picked in so many parts, each by a fresh classifier to which those before are labelled.
        20 suits learned features; the authors take 10 for raw inputs.
    hidden : tuple of int, optional
        Units of the hidden layers; when left out (256, 256, 256), or (20, 20, 20) below 30 features.
    learning_rate : float, optional
        Of Adam, at most 1; when left out 0.0003, or 0.003 below 30 features.
    max_epochs : int
        Training ends earlier, once its accuracy is above 0.98.
    class_weight : {"balanced", None}
        Whether labelled and unlabelled items weigh the same in sum, or each item the same.
    ratio : int
        Each classifier sees at most so many unlabelled items for every labelled one, drawn at random.

    Raises
    ------
    ParameterError
        A parameter of the wrong kind or range.

    Warns
    -----
    Inaccurate
        A classifier has not passed an accuracy of 0.98 after `max_epochs`.

    Notes
    -----
    Only features are read, never the classes of the labelled items. Without labelled items the batch is a
    uniform draw. Scores are the probabilities of being unlabelled, each by the classifier of its part. Time:
    for each part some 20·l items an epoch through a small network, for a few epochs, with l counting picks
    as labelled; and O(n·d) once. So it grows with l and the number of parts, hardly with n or b. Memory
    O(n + l·d).

    Fails where labelled and unlabelled items cannot be told apart, as with labels drawn at random from a pool
    of one mode: what it prefers is noise then. It sees no classes and no doubts of the model.

    References
    ----------
    Gissin, Shalev-Shwartz. Discriminative active learning. arXiv 1907.06347, 2019.

    Examples
    --------
    >>> from nextlabel import select
    >>> seen = {"embedding": [[-1.0], [-0.9], [-1.1]]}
    >>> select("dal", embedding=[[-1.2], [4.0], [-0.8]], labelled=seen, batch=1, seed=0)
    array([1])
    """

    is_random: ClassVar[bool] = True

    queries: int = 20
    hidden: tuple[int, ...] | None = None
    learning_rate: float | None = None
    max_epochs: int = 200
    class_weight: Literal["balanced"] | None = "balanced"
    ratio: int = 10

    def __post_init__(self) -> None:
        checked = _Settings(
            self.queries, self.hidden, self.learning_rate, self.max_epochs, self.class_weight, self.ratio
        )
        settle(self, vars(checked))

    @property
    def needs(self) -> frozenset[str]:
        """The features."""
        return frozenset({"embedding"})

    @property
    def needs_labelled(self) -> frozenset[str]:
        """The features."""
        return frozenset({"embedding"})

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        """The items most surely unlabelled; a uniform draw where nothing is labelled."""
        checked_batch(batch, signals.n)
        if signals.labelled is None or signals.labelled.n == 0:
            drawn = rng.choice(signals.n, size=batch, replace=False).astype(np.int64)
            return Picks(drawn, propensities=1.0 / (signals.n - np.arange(batch)))
        settings = _Settings(
            self.queries, self.hidden, self.learning_rate, self.max_epochs, self.class_weight, self.ratio
        )
        positions, logits = _picked(signals["embedding"], signals.labelled["embedding"], batch, settings, rng)
        return Picks(positions, scores=1.0 / (1.0 + np.exp(-np.maximum(logits, -700.0))))


@final
@dataclass(frozen=True)
class _Settings:
    """The parameters, checked."""

    queries: int
    hidden: tuple[int, ...] | None
    learning_rate: float | None
    max_epochs: int
    class_weight: Literal["balanced"] | None
    ratio: int

    def __post_init__(self) -> None:
        checked: dict[str, Any] = {
            name: checked_whole(getattr(self, name), name, least=1, of="DAL")
            for name in ("queries", "max_epochs", "ratio")
        }
        if self.hidden is not None:
            if not isinstance(cast(object, self.hidden), tuple | list) or not self.hidden:
                message = (
                    "DAL's 'hidden' must be the units of each hidden layer, one layer at least; "
                    f"received {self.hidden!r}. Give for example [64, 64], or leave it out."
                )
                raise ParameterError(message)
            checked["hidden"] = tuple(checked_whole(one, "hidden", least=1, of="DAL") for one in self.hidden)
        if self.learning_rate is not None:
            checked["learning_rate"] = checked_number(
                self.learning_rate, "learning_rate", above=0, most=1, of="DAL", advice="Or leave it out."
            )
        weight = cast(object, self.class_weight)
        if weight is not None and not (isinstance(weight, str) and weight == "balanced"):
            message = (
                f"DAL's 'class_weight' must be 'balanced' or None; received {self.class_weight!r}. "
                "Choose one of these."
            )
            raise ParameterError(message)
        settle(self, checked)

    def train(self, labelled: Array, unlabelled: Array, rng: np.random.Generator) -> Membership:
        """A fresh classifier."""
        is_narrow = labelled.shape[1] < _FEW_FEATURES
        return membership(
            labelled,
            unlabelled,
            rng=rng,
            hidden=self.hidden or (_NARROW if is_narrow else _WIDE),
            learning_rate=self.learning_rate or (_QUICK if is_narrow else _SLOW),
            max_epochs=self.max_epochs,
            is_balanced=self.class_weight == "balanced",
        )


def _picked(
    embedding: Embeddings,
    labelled: Embeddings,
    batch: int,
    settings: _Settings,
    rng: np.random.Generator,
) -> tuple[Positions, Scores]:
    """The picks, and the logarithm of their odds of being unlabelled."""
    sizes: Sizes = {}
    embedding = checked_points(embedding, "n d", "embedding", sizes)
    labelled = checked_points(labelled, "l d", "labelled", sizes)
    n = len(embedding)
    checked_batch(batch, n)
    if not len(labelled):
        message = (
            "dal learns what labelled items look like and needs one at least; received none. "
            "Draw the first items at random."
        )
        raise NoLabels(message)
    centre, scale = one_scale(labelled, embedding)
    known = _scaled(labelled, centre, scale)
    is_left = np.ones(n, bool)
    picks, logits, trained = [], [], []
    for size in _parts(batch, settings.queries):
        left = part = np.flatnonzero(is_left)
        if (most := max(settings.ratio * len(known), size)) < len(left):
            part = np.sort(rng.choice(left, most, replace=False))
        features = _scaled(embedding[part], centre, scale)
        trained.append(settings.train(known, features, rng))
        odds = trained[-1].logits(features)
        best = top(odds, size, rng=rng)
        picks.append(part[best])
        logits.append(odds[best])
        known = np.concatenate([known, features[best]])
        is_left[picks[-1]] = False
    _warn_unless_enough(trained, settings)
    return np.concatenate(picks).astype(np.int64), np.concatenate(logits)


def _parts(batch: int, queries: int) -> NDArray[np.int64]:
    """How many items each classifier picks; the last takes the remainder."""
    count = min(queries, batch)
    sizes = np.full(count, batch // count)
    sizes[-1] += batch - sizes.sum()
    return sizes


def _scaled(features: Array, centre: NDArray[np.float64], scale: float) -> Array:
    return np.asarray((features - centre) / scale, np.float32)


def _warn_unless_enough(trained: list[Membership], settings: _Settings) -> None:
    short = [one for one in trained if not one.is_enough]
    if short:
        worst = min(short, key=lambda one: one.accuracy)
        message = (
            f"DAL's classifiers should tell unlabelled from labelled items with an accuracy above "
            f"{worst.wanted:.3g}; after {settings.max_epochs} epochs {len(short)} of "
            f"{len(trained)} did not, the worst with {worst.accuracy:.3g}. They have picked the batch "
            "all the same. Raise max_epochs or learning_rate, or use another strategy: the two may be alike."
        )
        warnings.warn(message, Inaccurate, stacklevel=4)
