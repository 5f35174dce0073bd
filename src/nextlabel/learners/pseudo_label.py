"""A learner trained on its own sure predictions beside the labels (cost-effective active learning)."""

from collections.abc import Collection
from copy import deepcopy
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Literal, cast, final, get_args

import numpy as np

from nextlabel.core.learner import Learner, Model
from nextlabel.core.pool import Pool
from nextlabel.core.signals import Signals
from nextlabel.core.task import Task
from nextlabel.learners.abilities import Weighable, judged_on, seedless
from nextlabel.learners.border import checked_labels, checked_positions
from nextlabel.learners.wrapped import check_weighable, check_wrapped, load_wrapped, save_wrapped
from nextlabel.maths.axes import Labels, Positions
from nextlabel.maths.information import entropy
from nextlabel.maths.parameters import checked_choice, checked_number, checked_whole, settle
from nextlabel.maths.ranking import top

__all__ = ["Decay", "PseudoLabel", "PseudoLabelModel", "PseudoLabelled", "entropy_threshold"]

Decay = Literal["linear", "cumulative"]
"""How the threshold falls from round to round."""

_FORMAT = "nextlabel pseudo labels 1"
_NO_ROUND = -1
_STREAM = 2  # of those that could be spawned from the generator; a torch learner takes the first two


def entropy_threshold(round: int, threshold: float, rate: float, decay: Decay = "linear") -> float:
    """The entropy below which an item is labelled by the model, in a round.

    Parameters
    ----------
    round : int
        t, from 0.
    threshold : float
        δ₀, in nats.
    rate : float
        r, in nats.
    decay : {"linear", "cumulative"}
        δ₀ − r·t; or δ₀ − r·t·(t + 1) / 2, where the fall grows by r each round.

    Returns
    -------
    float
        In nats, at least 0.

    Examples
    --------
    >>> [round(entropy_threshold(t, 0.05, 0.0033), 4) for t in (0, 15, 16)]
    [0.05, 0.0005, 0.0]
    >>> [round(entropy_threshold(t, 0.05, 0.0033, "cumulative"), 4) for t in (0, 5, 6)]
    [0.05, 0.0005, 0.0]
    """
    steps = round if decay == "linear" else round * (round + 1) // 2
    return max(0.0, threshold - rate * steps)


@final
@dataclass(frozen=True)
class PseudoLabelled:
    """What a training took beside the labels.

    Parameters
    ----------
    threshold : float
        Entropy below which an item counted as sure, in nats.
    unlabelled : int
        Items looked at; 0 where there was no model yet, or the threshold was 0.
    sure : int
        Those below the threshold.
    used : int
        Those trained on: at most the cap.
    per_class : tuple of int
        Those trained on, for each class of the task.
    """

    threshold: float
    unlabelled: int
    sure: int
    used: int
    per_class: tuple[int, ...]


@final
@dataclass(frozen=True)
class PseudoLabel(Learner):
    """Trains a learner on the labels and on what the model before is sure of, which it forgets each round.

    Parameters
    ----------
    of : Learner
        Any learner whose models give `proba`.
    threshold : float
        δ₀: in the first round with a model, items of smaller entropy are sure; in nats, from 0. 0 is the
        learner itself, log c and above takes every unlabelled item.
    rate : float
        How much the threshold falls from round to round, in nats, from 0.
    decay : {"linear", "cumulative"}
        δ₀ − rate·t in round t; or δ₀ − rate·t·(t + 1) / 2.
    cap : int, optional
        At most so many pseudo-labels, those of the smallest entropy, equal ones drawn at random.
    weight : float
        Of a pseudo-label in the loss, where a label has 1; above 0. Other weights than 1 need a learner with
        `fit_weighted`.

    Raises
    ------
    ParameterError
        Something else than a learner, or a value out of its range.
    LearnerError
        The learner's models give no `proba`, or it takes no weights where they are not 1.

    Notes
    -----
    With H_t = {x unlabelled : H(p(x)) < δ_t} of the model before, each of its items with its most probable
    class, trains on the labels and on H_t. Pseudo-labels are made anew in each round and held by nothing
    but the training: they are in no journal, no count and no split. `PseudoLabelModel.report` says how many
    there were.

    The round is carried by `previous`: a model knows how many trainings before it had a model to ask and
    other labels than that model. The first training has no pseudo-labels, the next uses δ₀; training again
    on the same labels stays in its round, and a campaign that trains after every few answers counts each of
    these trainings as one. After a model of another learner or of other classes, rounds begin anew.

    The published threshold reads "δ₀ at the beginning, δ − rate·t afterwards": as a recursion that is
    ``"cumulative"``; public code has ``"linear"``, which is the default. Both stop at 0, where the comparison
    is strict: nothing is sure then. Departs from the paper, which fine-tunes one network through all rounds:
    what the learner does with its previous model is its own affair.

    A learner that is wrong and sure repeats its mistakes: see the explanation of self-training.

    A training of a torch learner that ends by its accuracy is judged on people's labels alone; within another
    learner of this kind, on what that one gives for labelled.

    Cost: beside the learner's own, predictions of the unlabelled items while the threshold is above 0, and a
    training on the labelled items and H_t. Memory O(u·c).

    References
    ----------
    Wang, Zhang, Li, Zhang, Lin. Cost-effective active learning for deep image classification. IEEE
    Transactions on Circuits and Systems for Video Technology 27, 2017, arXiv 1701.03551. Algorithm 1.

    Examples
    --------
    >>> from nextlabel import arrays, build, classes
    >>> pool = arrays([[-9.0], [-8.0], [-7.0], [7.0], [8.0], [9.0]])
    >>> learner = PseudoLabel(build("learner", "sklearn"), threshold=0.3)
    >>> given, task = (np.array([0, 5]), np.array([0, 1])), classes("low", "high")
    >>> first = learner.fit(pool, *given, np.array([1, 2, 3, 4]), np.random.default_rng(0), task=task)
    >>> given = np.array([0, 5, 2]), np.array([0, 1, 0])
    >>> again = learner.fit(pool, *given, np.array([1, 3, 4]), np.random.default_rng(1), task=task,
    ...                     previous=first)
    >>> first.report.used, again.report.per_class
    (0, (1, 2))
    """

    of: Learner
    threshold: float = 0.05
    rate: float = 0.0033
    decay: Decay = "linear"
    cap: int | None = None
    weight: float = 1.0

    def __post_init__(self) -> None:
        check_wrapped(self.of, {"proba"}, of="PseudoLabel")
        nats = "Give nats, for example 0.05."
        cap = self.cap
        if cap is not None:
            cap = checked_whole(cap, "cap", least=0, of="PseudoLabel", advice="Or None, to take all.")
        settled = {
            "threshold": checked_number(self.threshold, "threshold", least=0, of="PseudoLabel", advice=nats),
            "rate": checked_number(self.rate, "rate", least=0, of="PseudoLabel", advice=nats),
            "decay": checked_choice(self.decay, "decay", get_args(Decay), of="PseudoLabel"),
            "cap": cap,
            "weight": checked_number(
                self.weight, "weight", above=0, of="PseudoLabel", advice="For none, give threshold=0."
            ),
        }
        settle(self, settled)
        if self.weight != 1.0:
            why = f"A weight of pseudo-labels of {self.weight:g}"
            check_weighable(self.of, why, "Or give weight=1.0.")

    @property
    def provides(self) -> frozenset[str]:
        """What the wrapped learner provides."""
        return self.of.provides

    @property
    def provides_without_labels(self) -> frozenset[str]:
        """What the wrapped learner provides without labels."""
        return self.of.provides_without_labels

    @property
    def remembers(self) -> bool:
        """Yes: pseudo-labels are those of the model before."""
        return True

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
    ) -> "PseudoLabelModel":
        """The wrapped learner, fitted to the labels and to pseudo-labels of the model before.

        Of a `previous` of this learner the wrapped learner is given what it made; any other model is passed
        on to it.

        Raises
        ------
        NoLabels
            As the wrapped learner.
        LabelError
            Labels outside the task, or of another number than the positions.
        PoolError
            Positions outside the pool.
        LearnerError
            A task of several classes an item, or as the wrapped learner.
        """
        where, labels = checked_labels(pool, labelled, labels, task, learner="PseudoLabel")
        unlabelled = checked_positions(pool, unlabelled)
        before = previous if isinstance(previous, PseudoLabelModel) else None
        known = _digest(where, labels)
        round = _NO_ROUND if before is None else before.next_round(known, task)
        threshold = 0.0
        if round != _NO_ROUND:
            threshold = entropy_threshold(round, self.threshold, self.rate, self.decay)
        own = deepcopy(rng).spawn(_STREAM + 1)[_STREAM]  # the wrapped learner's numbers stay what they were
        found = self._found(pool, unlabelled, before, threshold, own)
        per_class = np.bincount(found.classes, minlength=len(task.classes))
        report = PseudoLabelled(
            threshold, found.looked_at, found.sure, len(found.items), tuple(per_class.tolist())
        )
        given = np.concatenate([where, found.items]), np.concatenate([labels, found.classes])
        others = np.setdiff1d(unlabelled, found.items) if len(found.items) else unlabelled
        inner = previous if before is None else before.of
        of = judged_on(self.of, len(where)) if len(found.items) else self.of
        if self.weight != 1.0 and len(found.items):
            weights = np.ones(len(given[0]))
            weights[len(where) :] = self.weight
            made = cast(Weighable, of).fit_weighted(
                pool, *given, others, rng, task=task, weights=weights, previous=inner
            )
        else:
            made = of.fit(pool, *given, others, rng, task=task, previous=inner)
        return PseudoLabelModel(made, round, known if len(labels) else "", task.classes, report)

    def load(self, path: Path) -> "PseudoLabelModel":
        """The model saved there.

        Raises
        ------
        LearnerError
            The folder holds something else, or the wrapped learner cannot read its model.
        """
        inner, said = load_wrapped(path, self.of, format=_FORMAT, model="PseudoLabelModel")
        report = PseudoLabelled(**{**said["report"], "per_class": tuple(said["report"]["per_class"])})
        return PseudoLabelModel(inner, said["round"], said["known"], tuple(said["classes"]), report)

    def _found(
        self,
        pool: Pool,
        unlabelled: Positions,
        before: "PseudoLabelModel | None",
        threshold: float,
        rng: np.random.Generator,
    ) -> "_Found":
        """What the model before is sure of."""
        none = unlabelled[:0]
        if before is None or threshold == 0.0 or not len(unlabelled):
            return _Found(0, 0, none, none)
        proba = before.signals(pool, unlabelled, {"proba"}, rng)["proba"]
        uncertain = entropy(proba)
        sure = np.flatnonzero(uncertain < threshold)
        taken = sure
        if self.cap is not None and len(sure) > self.cap:
            taken = np.sort(sure[top(-uncertain[sure], self.cap, rng=rng)]) if self.cap else sure[:0]
        return _Found(len(unlabelled), len(sure), unlabelled[taken], proba[taken].argmax(axis=1))


@final
@dataclass(frozen=True, eq=False)
class _Found:
    looked_at: int
    sure: int
    items: Positions
    classes: Labels


@final
class PseudoLabelModel(Model):
    """What the wrapped learner made, and the round that it was made in.

    Attributes
    ----------
    of : Model
        Of the wrapped learner.
    round : int
        t of the threshold that was used; -1 where there was no model before.
    known : str
        A digest of the labelled items and their labels; empty where there were none.
    classes : tuple of str
        Of the task.
    report : PseudoLabelled
    """

    def __init__(
        self, of: Model, round: int, known: str, classes: tuple[str, ...], report: PseudoLabelled
    ) -> None:
        self.of = of
        self.round = round
        self.known = known
        self.classes = classes
        self.report = report

    @property
    def fingerprint(self) -> str:
        """A digest of the inner model's and of what decides the next round."""
        return self._digest(self.of.fingerprint)

    @property
    def seedless(self) -> str:
        """As the fingerprint, of what the inner model has learnt whatever it was seeded with."""
        return self._digest(seedless(self.of))

    def _digest(self, inner: str) -> str:
        parts = (inner, self.round, self.known, self.classes, self.report)
        return blake2b(repr(parts).encode(), digest_size=16).hexdigest()

    def next_round(self, known: str, task: Task) -> int:
        """The round of a training that is given this model: the next one, if its labels are others.

        Parameters
        ----------
        known : str
            The digest of its labels.
        task : Task

        Returns
        -------
        int
            -1 where this model cannot say classes of the task.
        """
        if not self.known or self.classes != task.classes:
            return _NO_ROUND
        return self.round + (known != self.known)

    @property
    def answers_as(self) -> Model:
        """The wrapped learner's, whose answers are this one's: exports write it."""
        return self.of

    @property
    def remarks(self) -> tuple[str, ...]:
        """How many labels it gave itself; nothing where it looked at none."""
        found = self.report
        said = (
            f"Trained on {found.used} labels of its own too, of {found.unlabelled} items that it looked at."
        )
        return (said, *self.of.remarks) if found.unlabelled else self.of.remarks

    def signals(
        self, pool: Pool, positions: Positions, names: Collection[str], rng: np.random.Generator
    ) -> Signals:
        """What the wrapped learner's model says."""
        return self.of.signals(pool, positions, names, rng)

    def save(self, path: Path) -> None:
        """Write the inner model and the round into a folder; nothing of the pseudo-labels but how many."""
        said = {"format": _FORMAT, "round": self.round, "known": self.known, "classes": self.classes}
        save_wrapped(path, self.of, {**said, "report": asdict(self.report)})


def _digest(labelled: Positions, labels: Labels) -> str:
    order = np.argsort(labelled, kind="stable")
    return blake2b(labelled[order].tobytes() + labels[order].tobytes(), digest_size=16).hexdigest()
