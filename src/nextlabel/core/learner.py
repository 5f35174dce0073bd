"""What a learner and a model are: the two sides of an adapter round a model library."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np

from nextlabel.core.pool import Pool
from nextlabel.core.signals import Signals
from nextlabel.core.task import Task
from nextlabel.maths.axes import Labels, Positions

__all__ = ["Learner", "Model"]


class Model(ABC):
    """What came out of a fit: it has weights, and says things about items."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """A digest of the weights: equal models have equal fingerprints."""

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
        labels : array of int64, axes (l,)
            Their class indices.
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

    @abstractmethod
    def load(self, path: Path) -> Model:
        """The model that `Model.save` wrote there."""
