"""A learner trained again on those of its own predictions that stand a test (self-training)."""

from collections.abc import Collection, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, cast, final

import numpy as np
from numpy.typing import NDArray

from nextlabel.core.learner import Learner, Model
from nextlabel.core.pool import Pool
from nextlabel.core.signals import Signals
from nextlabel.core.task import Task
from nextlabel.errors import LearnerError
from nextlabel.learners.abilities import Weighable, are_copies, judged_on, seedless
from nextlabel.learners.acceptance import RULES, Rule, agreeing, certainty, least_divergent
from nextlabel.learners.border import checked_labels, checked_positions
from nextlabel.learners.wrapped import check_weighable, check_wrapped, load_wrapped, save_wrapped
from nextlabel.maths.axes import Labels, Positions
from nextlabel.maths.neighbours import count_weights
from nextlabel.maths.parameters import checked_choice, checked_flag, checked_number, checked_whole, settle

__all__ = ["SelfTrained", "SelfTraining", "SelfTrainingModel"]

_FORMAT = "nextlabel self-training 1"
_STREAM = 3  # of those that could be spawned from the generator; other learners take the first ones
_EMBEDDED = ("neighbours", "neighbour_divergence")
_VERIFIED = ("entropy_verified", "margin_verified")


@final
@dataclass(frozen=True)
class SelfTrained:
    """What the last iteration of a training took beside the labels.

    Parameters
    ----------
    iterations : int
        How many trainings followed the first.
    looked_at : int
        Unlabelled items looked at.
    unsure : int
        Those of them that were not sure enough.
    refused : int
        Those that were sure, and that neighbours, the second model or the quota refused.
    used : int
        Those trained on.
    per_class : tuple of int
        Those trained on, for each class of the task.
    """

    iterations: int
    looked_at: int
    unsure: int
    refused: int
    used: int
    per_class: tuple[int, ...]


@final
@dataclass(frozen=True)
class SelfTraining(Learner):
    """Trains a learner, and once more with those of its predictions that their neighbours agree with.

    Parameters
    ----------
    of : Learner
        Any learner whose models give `proba`, and `embedding` where neighbours are asked; with
        `fit_weighted`, unless all weights are 1.
    rule : {"neighbours", "threshold", "entropy_verified", "margin_verified", "neighbour_divergence"}
        Which predictions are taken for labels.
    k : int
        For ``"neighbours"``: the nearest of the items looked at, the item itself among them, so that k − 1
        vote. For ``"neighbour_divergence"``: the nearest labelled items. From 2.
    subset : int
        Unlabelled items looked at: at most so many, a uniform draw.
    share : float
        For ``"neighbours"``: the share of votes for the item's own class must be above it; from 0, below 1.
    confidence : float
        An item's certainty must be above it; from 0, below 1.
    beta : float
        β: weight in the loss of an item that is taken, where a label has 1; from 0, which is the learner
        itself.
    is_balanced : bool
        Whether the weight is multiplied by 10 / (1 + exp(−(n̄ − n_y)/n_y)), larger for rare classes: n_y items
        of the item's class were taken, n̄ on average. It is 5 where the classes are even.
    iterations : int
        How many trainings follow the first.

    Raises
    ------
    ParameterError
        Something else than a learner, or a value out of its range.
    LearnerError
        The learner's models lack a signal, or it takes no weights where there would be some.

    Notes
    -----
    Fits the learner to the labels; draws the subset; takes some of the model's predictions for it as labels;
    fits the learner anew to labels and these, with their weights; and so on for each iteration. Where nothing
    is taken, the model stays as it was. All of it is forgotten when the training ends: the items are in no
    journal, no count and no split. `SelfTrainingModel.report` says how many there were.

    Certainty is the largest probability, and an item is taken where it is above `confidence` and

    * ``"neighbours"`` (HAST): the nearest items in the embedding, scaled to length 1, are mostly predicted
      as its own class;
    * ``"threshold"``: nothing more;
    * ``"entropy_verified"``, ``"margin_verified"`` (VERIPS): a second model, fitted to the labels alone
      from other random numbers, predicts the same class; certainty is 1 − H/log c, or the lead of the most
      probable class. A learner that draws nothing makes the first model over again, which would refuse
      nothing, and is an error;
    * ``"neighbour_divergence"`` (NeST): of these, ten for each label, of the smallest divergence: the mean
      of KL(item ‖ neighbour) over the nearest labelled items, and 0.1 times the mean of KL between two
      of these.

    The weights are those of HAST. Published forms of the others: beta=1.0, is_balanced=False, with confidence
    0.9; k=7 and iterations=3 for the divergence.

    Departs from the authors' code of HAST in leaving the item out of its neighbours by its place, where the
    code leaves out whichever copy is found first, and in taking n̄ as it is, where the code rounds down. From
    NeST, in neither averaging divergences over iterations nor drawing items by them, as the reproduction by
    the authors of HAST does not draw; from VERIPS, in beginning each round anew. From all, in making the
    labels of an iteration anew instead of adding to those before.

    A learner that continues goes on from the model whose predictions were taken.

    A training of a torch learner that ends by its accuracy is judged on people's labels alone; within another
    learner of this kind, on what that one gives for labelled.

    Cost: `iterations` more trainings, one more for the second model; predictions of the subset; neighbours in
    O(s²·d) time for s items of the subset, and 130 MB of memory beside their embedding.

    References
    ----------
    Schröder, Heyer. Self-training for sample-efficient active learning for text classification with
    pre-trained language models. Findings of EMNLP 2024, arXiv 2406.09206.
    Gilhuber, Jahn, Ma, Seidl. VERIPS: verified pseudo-label selection for deep active learning. ICDM 2022.
    Xu, Yu, Cui, Kan, Zhu, Ho, Zhang, Yang. Neighborhood-regularized self-training for learning with few
    labels. AAAI 2023, arXiv 2301.03726.

    Examples
    --------
    >>> from nextlabel import arrays, build, classes
    >>> pool = arrays([[-9.0, 1.0], [-8.0, 1.0], [-7.0, 1.0], [7.0, 1.0], [8.0, 1.0], [9.0, 1.0]])
    >>> learner = SelfTraining(build("learner", "sklearn"), k=2)
    >>> model = learner.fit(pool, np.array([0, 5]), np.array([0, 1]), np.array([1, 2, 3, 4]),
    ...                     np.random.default_rng(0), task=classes("low", "high"))
    >>> model.report.looked_at, model.report.per_class
    (4, (2, 2))
    """

    of: Learner
    rule: Rule = "neighbours"
    k: int = 15
    subset: int = 16_384
    share: float = 0.5
    confidence: float = 0.5
    beta: float = 0.1
    is_balanced: bool = True
    iterations: int = 1

    def __post_init__(self) -> None:
        name = "SelfTraining"
        checked_choice(self.rule, "rule", RULES, of=name)
        check_wrapped(self.of, {"proba", *({"embedding"} if self.rule in _EMBEDDED else ())}, of=name)
        settled: dict[str, Any] = {
            "k": checked_whole(self.k, "k", least=2, of=name, advice="Give for example 15."),
            "subset": checked_whole(
                self.subset, "subset", least=1, of=name, advice="Give for example 16384."
            ),
            "beta": checked_number(self.beta, "beta", least=0, of=name, advice="Give for example 0.1."),
            "is_balanced": checked_flag(self.is_balanced, "is_balanced", of=name),
            "iterations": checked_whole(self.iterations, "iterations", least=1, of=name),
        }
        for one in ("share", "confidence"):
            value = getattr(self, one)
            settled[one] = checked_number(
                value, one, least=0, below=1, of=name, advice="Give for example 0.5."
            )
        settle(self, settled)
        if self.beta > 0 and (self.beta != 1.0 or self.is_balanced):
            advice = "Or give beta=1.0 and is_balanced=False."
            check_weighable(self.of, "Self-training with weights", advice)

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
        """Whether the wrapped learner does: of the round before nothing else is used."""
        return self.of.remembers

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
    ) -> "SelfTrainingModel":
        """The wrapped learner, fitted to the labels, and then to labels and its own predictions.

        Raises
        ------
        NoLabels
            As the wrapped learner.
        LabelError
            Labels outside the task, or of another number than the positions.
        PoolError
            Positions outside the pool.
        LearnerError
            A task of several classes an item, a second model that is a copy of the first, or as the wrapped
            learner.
        """
        where, labels = checked_labels(pool, labelled, labels, task, learner="SelfTraining")
        unlabelled = checked_positions(pool, unlabelled)
        before = previous.of if isinstance(previous, SelfTrainingModel) else previous
        drawing = deepcopy(rng).spawn(_STREAM + 1)[
            _STREAM
        ]  # the wrapped learner's numbers stay what they were
        model = self.of.fit(pool, where, labels, unlabelled, rng, task=task, previous=before)
        report = SelfTrained(0, 0, 0, 0, 0, (0,) * len(task.classes))
        if not len(where) or not len(unlabelled) or self.beta == 0.0:
            return SelfTrainingModel(model, report)
        verifying, *streams = drawing.spawn(1 + self.iterations)
        second: Model | None = None
        if self.rule in _VERIFIED:
            lending = before if self.of.remembers else model  # features of the same items are learnt once
            second = self.of.fit(pool, where, labels, unlabelled, verifying, task=task, previous=lending)
            self._check_drawn([model, second], labels)
        for iteration, stream in enumerate(streams):
            looking, training = stream.spawn(2)
            found = self._found(pool, where, unlabelled, model, second, looking)
            per_class = tuple(np.bincount(found.classes, minlength=len(task.classes)).tolist())
            used = len(found.items)
            refused = found.looked_at - found.unsure - used
            done = iteration + bool(used)
            report = SelfTrained(done, found.looked_at, found.unsure, refused, used, per_class)
            if not used:
                break
            model = self._trained(pool, where, labels, unlabelled, found, training, task, model)
        return SelfTrainingModel(model, report)

    def load(self, path: Path) -> "SelfTrainingModel":
        """The model saved there.

        Raises
        ------
        LearnerError
            The folder holds something else, or the wrapped learner cannot read its model.
        """
        inner, said = load_wrapped(path, self.of, format=_FORMAT, model="SelfTrainingModel")
        report = SelfTrained(**{**said["report"], "per_class": tuple(said["report"]["per_class"])})
        return SelfTrainingModel(inner, report)

    def _check_drawn(self, models: Sequence[Model], labels: Labels) -> None:
        """Refuse a second model that cannot contradict the first."""
        if not are_copies(models, labels):
            return
        message = (
            f"rule={self.rule!r} needs a second model that can contradict the first; the two that "
            f"{type(self.of).__name__} made are copies of one another, since nothing that it draws bears on "
            "what it learns, as in logistic regression. Wrap a learner that draws its first weights or its "
            "items, for example {'name': 'sklearn', 'estimator': 'mlp'}, or use rule='threshold', which asks "
            "no second model."
        )
        raise LearnerError(message)

    def _found(
        self,
        pool: Pool,
        labelled: Positions,
        unlabelled: Positions,
        model: Model,
        second: Model | None,
        rng: np.random.Generator,
    ) -> "_Found":
        """The items taken, with the classes that the model says."""
        items = rng.choice(unlabelled, min(self.subset, len(unlabelled)), replace=False)
        wanted = {"proba", *({"embedding"} if self.rule in _EMBEDDED else ())}
        said = model.signals(pool, items, wanted, rng)
        proba = said["proba"]
        classes = proba.argmax(axis=1).astype(np.int64)
        taken = certainty(proba, self.rule) > self.confidence
        unsure = len(items) - int(taken.sum())
        if self.rule == "neighbours":
            many = proba.shape[1]
            taken &= agreeing(classes, said["embedding"], k=self.k, share=self.share, many=many)
        elif self.rule == "neighbour_divergence":
            seen = model.signals(pool, labelled, wanted, rng)
            known = seen["proba"], seen["embedding"]
            taken = least_divergent(proba, said["embedding"], taken, known, k=self.k, rng=rng)
        elif second is not None:
            taken &= _classes(second.signals(pool, items, {"proba"}, rng)) == classes
        places = np.flatnonzero(taken)
        places = places[np.argsort(items[places])]
        return _Found(len(items), unsure, items[places], classes[places])

    def _trained(
        self,
        pool: Pool,
        labelled: Positions,
        labels: Labels,
        unlabelled: Positions,
        found: "_Found",
        rng: np.random.Generator,
        task: Task,
        model: Model,
    ) -> Model:
        """The learner, fitted to labels and to the predictions taken."""
        given = np.concatenate([labelled, found.items]), np.concatenate([labels, found.classes])
        others, of = np.setdiff1d(unlabelled, found.items), judged_on(self.of, len(labelled))
        weights = np.ones(len(given[0]))
        weights[len(labelled) :] = self.beta
        if self.is_balanced:
            weights[len(labelled) :] *= count_weights(found.classes, len(task.classes))
        elif self.beta == 1.0:
            return of.fit(pool, *given, others, rng, task=task, previous=model)
        return cast(Weighable, of).fit_weighted(
            pool, *given, others, rng, task=task, weights=weights / weights.sum(), previous=model
        )


@final
@dataclass(frozen=True, eq=False)
class _Found:
    looked_at: int
    unsure: int
    items: Positions
    classes: Labels


@final
class SelfTrainingModel(Model):
    """What the wrapped learner made in the end.

    Attributes
    ----------
    of : Model
        Of the wrapped learner.
    report : SelfTrained
    """

    def __init__(self, of: Model, report: SelfTrained) -> None:
        self.of = of
        self.report = report

    @property
    def fingerprint(self) -> str:
        """A digest of the inner model's and of the report."""
        return self._digest(self.of.fingerprint)

    @property
    def seedless(self) -> str:
        """As the fingerprint, of what the inner model has learnt whatever it was seeded with."""
        return self._digest(seedless(self.of))

    def _digest(self, inner: str) -> str:
        return blake2b(repr((inner, self.report)).encode(), digest_size=16).hexdigest()

    @property
    def answers_as(self) -> Model:
        """The wrapped learner's, whose answers are this one's: exports write it."""
        return self.of

    @property
    def remarks(self) -> tuple[str, ...]:
        """How many labels it gave itself."""
        found = self.report
        said = f"Trained on {found.used} labels of its own too, of {found.looked_at} items that it looked at."
        return (said, *self.of.remarks)

    def signals(
        self, pool: Pool, positions: Positions, names: Collection[str], rng: np.random.Generator
    ) -> Signals:
        """What the wrapped learner's model says."""
        return self.of.signals(pool, positions, names, rng)

    def save(self, path: Path) -> None:
        """Write the inner model and the report into a folder; nothing of the items taken but how many."""
        save_wrapped(path, self.of, {"format": _FORMAT, "report": asdict(self.report)})


def _classes(said: Signals) -> NDArray[np.int64]:
    return np.asarray(said["proba"].argmax(axis=1), dtype=np.int64)
