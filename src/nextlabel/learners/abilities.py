"""What some learners can do beyond `fit`: those that wrap them ask for it by its shape."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from nextlabel.core.learner import Learner, Model
from nextlabel.core.pool import Pool
from nextlabel.core.task import Task
from nextlabel.errors import LabelError, ParameterError
from nextlabel.maths.axes import Array, Labels, Positions

__all__ = [
    "Judgeable",
    "Seedless",
    "Separable",
    "Weighable",
    "Widenable",
    "are_copies",
    "judged_on",
    "kept_by_weight",
    "seedless",
]


@runtime_checkable
class Separable(Protocol):
    """A learner whose initial weights and training order can be drawn from separate generators."""

    def fit_from(
        self,
        pool: Pool,
        labelled: Positions,
        labels: Labels,
        unlabelled: Positions,
        *,
        task: Task,
        initialisation: np.random.Generator,
        order: np.random.Generator,
        previous: Model | None = None,
        beside: Model | None = None,
        weights: Array | None = None,
    ) -> Model:
        """As `Learner.fit`, with two generators.

        Parameters
        ----------
        pool, labelled, labels, unlabelled, task
            As for `Learner.fit`.
        initialisation : numpy.random.Generator
            For the initial weights.
        order : numpy.random.Generator
            For everything drawn in training.
        previous : Model, optional
            As for `Learner.fit`.
        beside : Model, optional
            A model fitted in the same round: it may lend what was learnt without labels, and nothing else.
        weights : array of float64, axes (l,), optional
            Of the labelled items, above 0 and 1 on average; given only where the learner `takes_weights`.
        """


@runtime_checkable
class Weighable(Protocol):
    """A learner that can take some labelled items more seriously than others."""

    @property
    def takes_weights(self) -> bool:
        """Whether `fit_weighted` serves with unequal weights: what the learner holds may not take any."""

    def fit_weighted(
        self,
        pool: Pool,
        labelled: Positions,
        labels: Labels,
        unlabelled: Positions,
        rng: np.random.Generator,
        *,
        task: Task,
        weights: Array,
        previous: Model | None = None,
    ) -> Model:
        """As `Learner.fit`, with the mean over the labelled items of weight times loss in place of the mean.

        Parameters
        ----------
        pool, labelled, labels, unlabelled, rng, task
            As for `Learner.fit`.
        weights : array of float64, axes (l,)
            From 0 up, not all 0; only their ratios count. An item of weight 0 is left out, and equal
            weights give the model of `fit`, bit for bit.
        previous : Model, optional
            As for `Learner.fit`.
        """


@runtime_checkable
class Widenable(Protocol):
    """A learner whose models can be made wider or narrower."""

    def widened(self, width: float) -> Learner:
        """The same learner with models of other width."""


@runtime_checkable
class Judgeable(Protocol):
    """A learner whose trainings end by what they know of the labelled items."""

    def judged_on(self, first: int) -> Learner:
        """The same learner, whose trainings end by what they know of so many of the first of them."""


@runtime_checkable
class Seedless(Protocol):
    """A model whose fingerprint tells seeds apart that made no difference."""

    @property
    def seedless(self) -> str:
        """A digest of what was learnt, without the seeds that it was learnt with."""


def judged_on(learner: Learner, first: int) -> Learner:
    """The learner, with trainings that end by what is known of the first labelled items, people's labels.

    Where labels of the model's own stand beside them, and are many, a training that ends by its accuracy on
    all would end before people's are learnt.

    Parameters
    ----------
    learner : Learner
        Left as it is where its trainings end by something else.
    first : int
    """
    return learner.judged_on(first) if isinstance(learner, Judgeable) else learner


def seedless(model: Model) -> str:
    """A digest of what a model has learnt, whatever it was seeded with.

    Parameters
    ----------
    model : Model
    """
    return model.seedless if isinstance(model, Seedless) else model.fingerprint


def are_copies(models: Sequence[Model], labels: Labels) -> bool:
    """Whether models of the same labels, fitted with other random numbers each, are one model over again.

    Parameters
    ----------
    models : sequence of Model
    labels : array of int64, axes (l,)
        Where these are none, or of one class, it is never said: any learner may then say the same of
        everything.

    Examples
    --------
    >>> from nextlabel import arrays, build, classes
    >>> pool, task = arrays([[0.0], [1.0], [2.0], [3.0]]), classes("low", "high")
    >>> labels, none = np.array([0, 1, 0]), np.array([3])
    >>> def models(estimator):
    ...     learner = build("learner", {"name": "sklearn", "estimator": estimator})
    ...     rngs = [np.random.default_rng(seed) for seed in (0, 1)]
    ...     return [learner.fit(pool, np.arange(3), labels, none, rng, task=task) for rng in rngs]
    >>> are_copies(models("logistic"), labels), are_copies(models("random_forest"), labels)
    (True, False)
    """
    if len(models) < 2 or len(np.unique(labels)) < 2:
        return False
    return len({seedless(one) for one in models}) == 1


def kept_by_weight(
    labelled: ArrayLike, labels: ArrayLike, weights: ArrayLike, *, learner: str
) -> tuple[Positions, Labels, Array | None]:
    """The labelled items of a weight above 0, their labels, and the weights scaled to a mean of 1.

    Parameters
    ----------
    labelled : array of int64, axes (l,)
    labels : array of int64, axes (l,) or (l, c)
    weights : array of float, axes (l,)
        From 0 up, not all 0.
    learner : str
        How errors call the learner.

    Returns
    -------
    tuple of positions, labels, and weights or None
        None where those kept weigh the same, so that the plain fit serves.

    Raises
    ------
    LabelError
        Labels or weights of another number than the positions.
    ParameterError
        Weights that are not finite numbers from 0 up, or all 0.

    Examples
    --------
    >>> where, labels, weights = kept_by_weight([4, 7, 9], [0, 1, 1], [1.0, 0.0, 3.0], learner="The learner")
    >>> where.tolist(), labels.tolist(), weights.tolist()
    ([4, 9], [0, 1], [0.5, 1.5])
    """
    where, classes, heavy = np.asarray(labelled), np.asarray(labels), np.asarray(weights)
    if heavy.ndim != 1 or not len(where) == len(classes) == len(heavy):
        message = (
            f"{learner} needs one label and one weight for each labelled item; received {len(where)} "
            f"positions, {len(classes)} labels and weights of shape {heavy.shape}. Give all three in the "
            "same order."
        )
        raise LabelError(message)
    is_number = heavy.dtype.kind in "fiub"
    heavy = heavy.astype(np.float64) if is_number else heavy
    if len(heavy) and not (is_number and np.isfinite(heavy).all() and heavy.min() >= 0 and heavy.any()):
        shown = f"values from {heavy.min():g} to {heavy.max():g}" if is_number else f"type {heavy.dtype}"
        message = (
            f"Weights must be finite numbers from 0 up, not all 0; {learner} received {shown}. Give 1 for "
            "an item like any other, and 0 for one to leave out."
        )
        raise ParameterError(message)
    kept = heavy > 0
    where, classes, heavy = where[kept], classes[kept], heavy[kept]
    are_equal = not len(heavy) or heavy.min() == heavy.max()
    if are_equal:
        return where, classes, None
    heavy = heavy / heavy.max()  # a sum of the largest numbers there are is not finite
    return where, classes, heavy / heavy.mean()
