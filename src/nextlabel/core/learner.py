"""What a learner and a model are: the two sides of an adapter round a model library."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, final

import numpy as np

from nextlabel.core.pool import Pool
from nextlabel.core.signals import Signals
from nextlabel.core.task import Task
from nextlabel.maths.axes import Labels, Positions

__all__ = ["Fit", "Learner", "Model"]


@final
@dataclass(frozen=True, eq=False)
class Fit:
    """One of several trainings on the same pool: what `Learner.fit` is given beside pool and task.

    Parameters
    ----------
    labelled : array of int64, axes (l,)
    labels : array of int64, axes (l,), or (l, c) of several classes an item
    unlabelled : array of int64, axes (u,)
    rng : numpy.random.Generator
    previous : Model, optional
    """

    labelled: Positions
    labels: Labels
    unlabelled: Positions
    rng: np.random.Generator
    previous: "Model | None" = None


class Model(ABC):
    """What came out of a fit: it has weights, and says things about items."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """A digest of the weights: equal models have equal fingerprints."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What whoever asked for its training should hear of it, in sentences; most have nothing to say."""
        return ()

    @abstractmethod
    def signals(
        self, pool: Pool, positions: Positions, names: Collection[str], rng: np.random.Generator
    ) -> Signals:
        """What the model says of some items.

        Parameters
        ----------
        pool : Pool
            Where the items are.
        positions : array of int64, axes (n,)
            Which items, in this order.
        names : collection of str
            The signals wanted; each is computed here or derivable from what is.
        rng : numpy.random.Generator
            For signals that are drawn, for example by dropout.

        Returns
        -------
        Signals
            In evaluation mode, in the order of `positions`.

        Raises
        ------
        MissingSignal
            A wanted signal is neither computed by this model nor derivable.
        """

    @abstractmethod
    def save(self, path: Path) -> None:
        """Write the model to a file or folder that `Learner.load` reads."""


class Learner(ABC):
    """How somebody's model is trained: a value that can be written down, compared and repeated."""

    exceptions: ClassVar[Mapping[str, str]] = {}
    """Promises of the contract that the adapter does not keep, each with the reason."""

    @property
    @abstractmethod
    def provides(self) -> frozenset[str]:
        """The signals that its models compute directly; derivations are added by `Signals`."""

    def provides_for(self, task: Task) -> frozenset[str]:
        """The signals of models of a task: `provides`, and none for several classes an item.

        A learner that can fit several classes an item overrides this, and names ``marginals`` for them.

        Parameters
        ----------
        task : Task
        """
        return frozenset() if task.is_several else self.provides

    def require(self, pool: Pool, task: Task) -> None:
        """Refuse items and a task that it cannot be fitted to, before anybody labels; tried on one item.

        Most have nothing to refuse. A learner that wraps another, as its attribute `of`, asks that one.

        Parameters
        ----------
        pool : Pool
        task : Task

        Raises
        ------
        LearnerError, MissingExtra
            The items are of another kind than it reads, its settings suit neither items nor classes, or a
            file or a library is missing.
        """
        inner = getattr(self, "of", None)
        if isinstance(inner, Learner):
            inner.require(pool, task)

    @abstractmethod
    def fit(
        self,
        pool: Pool,
        labelled: Positions,
        labels: Labels,
        unlabelled: Positions,
        rng: np.random.Generator,
        *,
        task: Task,
        previous: Model | None = None,
    ) -> Model:
        """A model trained on the labelled items.

        Parameters
        ----------
        pool : Pool
            Where the items are.
        labelled : array of int64, axes (l,)
            Positions of the labelled items.
        labels : array of int64, axes (l,) or (l, c)
            Their class indices; of a task with several classes an item, 1 where a class applies and 0
            elsewhere. A learner whose `provides_for` such a task is empty refuses it.
        unlabelled : array of int64, axes (u,)
            Positions that a learner may use without labels.
        rng : numpy.random.Generator
            All randomness comes from here; the global random state is left as it was.
        task : Task
            How many classes there are, and their names; classes without a label still get a column.
        previous : Model, optional
            The last model, for learners that go on training.

        Returns
        -------
        Model

        Raises
        ------
        NoLabels
            There are no labels and the learner has nothing to offer without any.
        """

    @property
    def provides_without_labels(self) -> frozenset[str]:
        """Of these, what a model fitted without any label computes; none where `fit` raises `NoLabels`."""
        return frozenset()

    def fit_many(self, pool: Pool, fits: Sequence[Fit], *, task: Task) -> "list[Model]":
        """A model for each of several trainings, as if `fit` were called for one after the other.

        Parameters
        ----------
        pool : Pool
            Where the items are.
        fits : sequence of Fit
            The trainings; those with equal numbers of labels may be trained together.
        task : Task
            As for `fit`.

        Returns
        -------
        list of Model
            In the order of `fits`.

        Notes
        -----
        A learner that can train replicates together overrides this, and the predictions must be those of
        single fits, up to rounding. The plain form is a loop.
        """
        return [
            self.fit(
                pool,
                one.labelled,
                one.labels,
                one.unlabelled,
                one.rng,
                task=task,
                previous=one.previous,
            )
            for one in fits
        ]

    @property
    def remembers(self) -> bool:
        """Whether models depend on `previous`, and not only the time that a fit takes.

        A run that goes on after its last checkpoint must then give the learner the model of that checkpoint,
        or repeat the fits before it. A learner that wraps a learner answers for both.
        """
        return False

    @property
    def stacks(self) -> bool:
        """Whether `fit_many` is faster than a loop, so that an experiment gathers replicates for it."""
        return False

    @abstractmethod
    def load(self, path: Path) -> Model:
        """The model that `Model.save` wrote there."""
