"""Deep ensembles: the same learner trained several times, its disagreement as draws of the model."""

from collections.abc import Collection, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, cast, final

import numpy as np

from nextlabel.core.learner import Fit, Learner, Model
from nextlabel.core.pool import Pool
from nextlabel.core.signals import Signals, derivable
from nextlabel.core.task import Task
from nextlabel.errors import LearnerError, NextlabelError, ParameterError
from nextlabel.learners.abilities import (
    Separable,
    Weighable,
    Widenable,
    are_copies,
    judged_on,
    kept_by_weight,
    seedless,
)
from nextlabel.learners.border import checked_labels, checked_positions, sources
from nextlabel.learners.draws import DRAWN, DrawSums
from nextlabel.learners.wrapped import check_weighable
from nextlabel.maths.axes import Array, Labels, Positions
from nextlabel.maths.parameters import checked_flag, checked_number, checked_whole, settle

__all__ = ["Ensemble", "EnsembleModel"]


@final
@dataclass(frozen=True)
class Ensemble(Learner):
    """Trains a learner several times, from other initial weights and in another order each.

    Parameters
    ----------
    of : Learner
        Any learner whose models give `proba`.
    members : int
        How many are trained.
    same_initialisation : bool
        All members start from the same weights.
    same_order : bool
        All members see the same minibatches in the same order, and share what else training draws.
    width : float
        Multiplies the width of the members, for example 0.5 for half of the units.

    Raises
    ------
    ParameterError
        Something else than a learner, fewer than one member, a width that is not above 0, or a switch that
        the learner does not have.
    LearnerError
        The learner's models give no `proba`; when it is fitted, members that are copies of one another.

    Notes
    -----
    A draw is a member: the model publishes `mean_proba`, `expected_entropy`, `votes`, `spread`, and `draws`
    (m members) for who asks for it; `proba` is the mean. `embedding` is that of the first member alone, since
    features of separate networks have no axes in common.

    The last three parameters are the controls of an ablation: the switches need a learner with `fit_from`,
    the width one with `widened`; `TorchLearner` has both. With both switches on, members are equal. Else
    members that come out equal from labels of two classes are an error: a learner that draws nothing, such
    as logistic regression, makes no ensemble.

    Cost: `members` trainings and predictions. Memory O(n·c), and O(n·m·c) where the draws are wanted.
    A member that cannot be fitted raises; none is dropped.

    References
    ----------
    Lakshminarayanan, Pritzel, Blundell. Simple and scalable predictive uncertainty estimation using
    deep ensembles. NeurIPS 2017.
    Beluch, Genewein, Nürnberger, Köhler. The power of ensembles for active learning in image
    classification. CVPR 2018.

    Examples
    --------
    >>> from nextlabel import build
    >>> learner = Ensemble(build("learner", {"name": "sklearn", "estimator": "mlp"}), members=3)
    >>> sorted(learner.provides)
    ['draws', 'embedding', 'expected_entropy', 'mean_proba', 'spread', 'votes']
    """

    of: Learner
    members: int = 5
    same_initialisation: bool = False
    same_order: bool = False
    width: float = 1.0

    def __post_init__(self) -> None:
        made = type(self.of).__name__
        if not isinstance(cast(object, self.of), Learner):
            message = (
                f"Ensemble's 'of' must be a learner; received {self.of!r}. Give for example TorchLearner()."
            )
            raise ParameterError(message)
        flags = {name: getattr(self, name) for name in ("same_initialisation", "same_order")}
        usual = "Give 1.0 for the usual width."
        settle(
            self,
            {
                "members": checked_whole(self.members, "members", least=1, of="Ensemble"),
                **{name: checked_flag(value, name, of="Ensemble") for name, value in flags.items()},
                "width": checked_number(self.width, "width", above=0, of="Ensemble", advice=usual),
            },
        )
        if "proba" not in derivable(self.of.provides):
            message = (
                f"An ensemble needs a learner that gives 'proba'; {made} gives "
                f"{', '.join(sorted(self.of.provides))}. Use another learner."
            )
            raise LearnerError(message)
        if (self.same_initialisation or self.same_order) and not isinstance(self.of, Separable):
            message = (
                "Fixed initialisation and fixed order need a learner that draws the two from separate "
                f"generators (fit_from); {made} does not. Use TorchLearner, or leave both switches off."
            )
            raise ParameterError(message)
        self._member()

    @property
    def provides(self) -> frozenset[str]:
        """The sums over draws, `draws` itself, and the first member's `embedding` where it has one."""
        return DRAWN | (self.of.provides & {"embedding"})

    @property
    def remembers(self) -> bool:
        """Whether the learner of the members does."""
        return self.of.remembers

    @property
    def provides_without_labels(self) -> frozenset[str]:
        """The first member's `embedding`, where it needs no label."""
        return self.of.provides_without_labels & {"embedding"}

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
    ) -> "EnsembleModel":
        """All members, trained one after the other; each is given its own previous model.

        Raises
        ------
        NoLabels
            As the learner of the members.
        LabelError
            Labels outside the task, or of another number than the positions.
        PoolError
            Positions outside the pool.
        LearnerError
            The members are copies of one another; or as the learner of the members.
        """
        return self._fitted(pool, Fit(labelled, labels, unlabelled, rng, previous), task)

    @property
    def takes_weights(self) -> bool:
        """Whether `fit_weighted` serves: the learner of the members takes weights."""
        return isinstance(self.of, Weighable) and self.of.takes_weights

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
    ) -> "EnsembleModel":
        """As `fit`, with the loss of each labelled item multiplied by its weight in every member.

        Parameters
        ----------
        pool, labelled, labels, unlabelled, rng, task
            As for `fit`.
        weights : array of float64, axes (l,)
            From 0 up, not all 0. Items of weight 0 are left out; of the others the ratios count.
        previous
            As for `fit`.

        Raises
        ------
        ParameterError
            Weights that are not finite numbers from 0 up, or all 0.
        LearnerError
            As `fit`; or the learner of the members takes no weights.

        Notes
        -----
        Equal weights give the model of `fit`, bit for bit.
        """
        labelled, labels, heavy = kept_by_weight(labelled, labels, weights, learner="Ensemble")
        if heavy is not None:
            check_weighable(self.of, "A weighted fit of an ensemble", "Or give equal weights.")
        return self._fitted(pool, Fit(labelled, labels, unlabelled, rng, previous), task, heavy)

    def _fitted(self, pool: Pool, fit: Fit, task: Task, weights: Array | None = None) -> "EnsembleModel":
        labelled, labels = checked_labels(pool, fit.labelled, fit.labels, task, learner="Ensemble")
        before: list[Model | None] = [None] * self.members
        if isinstance(fit.previous, EnsembleModel) and len(fit.previous.members) == self.members:
            before = list(fit.previous.members)
        member, models = self._member(), list[Model]()
        for number, streams in enumerate(self._streams(fit.rng)):
            one = replace(fit, labelled=labelled, labels=labels, previous=before[number])
            try:
                models.append(_made(member, pool, one, streams, task, weights, models[-1:]))
            except NextlabelError as error:
                error.add_note(f"while fitting member {number + 1} of {self.members}")
                raise
        self._check_drawn(models, labels)
        return EnsembleModel(models, self.provides)

    def judged_on(self, first: int) -> "Ensemble":
        """The same ensemble, whose members' trainings end by what they know of the first labelled items."""
        return replace(self, of=judged_on(self.of, first))

    def load(self, path: Path) -> "EnsembleModel":
        """The model saved there: one file or folder for each member.

        Raises
        ------
        LearnerError
            The folder does not hold as many members as this ensemble has.
        """
        member = self._member()
        found = len(list(Path(path).glob("member_*")))
        if found != self.members:
            message = (
                f"An ensemble of {self.members} members was expected in {path}; found {found}. "
                "Load with the learner that trained the model, from the path it was saved to."
            )
            raise LearnerError(message)
        models = [member.load(Path(path) / f"member_{number}") for number in range(self.members)]
        return EnsembleModel(models, self.provides)

    def _check_drawn(self, models: Sequence[Model], labels: Labels) -> None:
        """Refuse members that are one model over again though they were to differ."""
        if (self.same_initialisation and self.same_order) or not are_copies(models, labels):
            return
        message = (
            f"An ensemble needs members that differ; the {len(models)} that {type(self.of).__name__} made "
            "are copies of one model, since nothing that it draws bears on what it learns, as in logistic "
            "regression. Wrap a learner that draws its first weights or its items, for example "
            "{'name': 'sklearn', 'estimator': 'mlp'}, or leave the ensemble out."
        )
        raise LearnerError(message)

    def _member(self) -> Learner:
        if self.width == 1.0:
            return self.of
        if not isinstance(self.of, Widenable):
            message = (
                f"A width of {self.width:g} needs a learner that can be widened; {type(self.of).__name__} "
                "cannot. Use TorchLearner with a registered network, or a width of 1."
            )
            raise ParameterError(message)
        return self.of.widened(self.width)

    def _streams(self, rng: np.random.Generator) -> list[tuple[np.random.Generator, np.random.Generator]]:
        """Generators of initial weights and of order, for each member."""
        initialisations, orders = (one.spawn(self.members) for one in rng.spawn(2))
        if self.same_initialisation:
            initialisations = [deepcopy(initialisations[0]) for _ in initialisations]
        if self.same_order:
            orders = [deepcopy(orders[0]) for _ in orders]
        return list(zip(initialisations, orders, strict=True))


@final
class EnsembleModel(Model):
    """Several fitted models, read as draws of one.

    Attributes
    ----------
    members : tuple of Model
        In the order they were trained.
    """

    def __init__(self, members: Sequence[Model], offered: Collection[str]) -> None:
        self.members = tuple(members)
        self._offered = frozenset(offered)

    @property
    def fingerprint(self) -> str:
        """A digest of the members' fingerprints, in order."""
        joined = " ".join(member.fingerprint for member in self.members)
        return blake2b(joined.encode(), digest_size=16).hexdigest()

    @property
    def seedless(self) -> str:
        """A digest of what the members learnt, in order."""
        joined = " ".join(map(seedless, self.members))
        return blake2b(joined.encode(), digest_size=16).hexdigest()

    def signals(
        self, pool: Pool, positions: Positions, names: Collection[str], rng: np.random.Generator
    ) -> Signals:
        """What the members say of some items together, one member after the other."""
        positions = checked_positions(pool, positions)
        wanted = sources(names, self._offered, f"An ensemble of {len(self.members)} members")
        sums = DrawSums(wanted)
        made: dict[str, Array] = {}
        for number, member in enumerate(self.members):
            asked = {"embedding"} & wanted if number == 0 else set()
            asked |= {"proba"} if wanted & DRAWN else set()
            if not asked:
                break
            said = member.signals(pool, positions, asked, rng)
            if "embedding" in asked:
                made["embedding"] = said["embedding"]
            if "proba" in asked:
                sums.add(said["proba"])
        return Signals(made | sums.arrays(), n=len(positions))

    def save(self, path: Path) -> None:
        """Write each member to a file or folder of its own."""
        Path(path).mkdir(parents=True, exist_ok=True)
        for number, member in enumerate(self.members):
            member.save(Path(path) / f"member_{number}")


def _made(
    member: Learner,
    pool: Pool,
    fit: Fit,
    streams: tuple[np.random.Generator, np.random.Generator],
    task: Task,
    weights: Array | None,
    beside: Sequence[Model],
) -> Model:
    """One member, trained from a stream of initial weights and one of order."""
    (initialisation, order), given = streams, (pool, fit.labelled, fit.labels, fit.unlabelled)
    heavy: dict[str, Any] = {} if weights is None else {"weights": weights}
    if isinstance(member, Separable):
        return member.fit_from(
            *given,
            task=task,
            initialisation=initialisation,
            order=order,
            previous=fit.previous,
            beside=beside[0] if beside else None,
            **heavy,
        )
    if weights is None:
        return member.fit(*given, order, task=task, previous=fit.previous)
    return cast(Weighable, member).fit_weighted(
        *given, order, task=task, weights=weights, previous=fit.previous
    )
