"""A learner trained beside each newly labelled image on what a generator makes of it."""

from collections.abc import Collection
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, final, get_args

import numpy as np

from nextlabel.core.learner import Learner, Model
from nextlabel.core.pool import Pool
from nextlabel.core.signals import Signals
from nextlabel.core.task import Task
from nextlabel.errors import NextlabelError, ParameterError
from nextlabel.learners.abilities import judged_on, seedless
from nextlabel.learners.autoencoder import Coder, Fitted
from nextlabel.learners.border import as_spec, checked_labels
from nextlabel.learners.extended import Extended
from nextlabel.learners.generation import Generated, Generation, Making, autoencoder_of
from nextlabel.learners.wrapped import check_wrapped, load_wrapped, save_wrapped
from nextlabel.maths.axes import Labels, Positions
from nextlabel.maths.parameters import checked_choice, checked_flag, checked_number, settle

__all__ = ["Generative", "GenerativeModel"]

_FORMAT = "nextlabel generated 1"
_CODER = "coder"


@final
@dataclass(frozen=True)
class Generative(Learner):
    """Trains a learner on the labels, and on an image that a generator makes for each image labelled since.

    Parameters
    ----------
    of : Learner
        Any learner; its models give `proba` where they are asked for agreement.
    generation : {"reconstruction", "random", "none"}
        x' = g(e(x)) of each image x labelled since the start; or as many images of the same classes, drawn
        from the prior; or none, which is the learner itself.
    autoencoder : str, mapping or Autoencoder
        ``"vae_acgan"`` (see `VaeAcgan`), ``"identity"``, which gives x' = x, or a mapping of such a name
        and settings; or an object.
    most_error : float, optional
        A reconstruction is left out whose squared error is above this share of the variance of the labelled
        items; above 0. A reconstruction that knows nothing of its image has about 1. None for no such gate.
    must_agree : bool
        Whether an image is left out of which the model before says another class: than of the image that
        it was made of, or, where it was drawn, than the one it was drawn for.

    Raises
    ------
    ParameterError
        Something else than a learner, a value out of its range, an autoencoder that is none, or one without
        a prior to draw from.
    UnknownName
        The autoencoder is not one of `AUTOENCODERS`.
    LearnerError
        The learner's models give no `proba`, and are asked.

    Notes
    -----
    In a training with images labelled since the start, the generator is fitted to all labelled images, and
    the wrapped learner to these and to the generated images that pass both gates, each with the label of
    the image that it was made of. Generated images are held by nothing but the training: they are in no
    journal, no count and no split, they are made anew each time, and `GenerativeModel.report` says how many
    there were. With strategy `bald` this is Bayesian generative active learning; with `random`, its variant
    without acquisition; ``"random"`` is Bayesian data augmentation.

    What is carried by `previous`: the ids of the items that were labelled at the start, which get no second
    image; and the weights of the generator, with which the next fit of it begins, in fewer epochs. Without a
    model of this learner, or after one of other classes, the items labelled now are the start. A generator
    that diverged or collapsed, or whose class head is at chance, is named in the report and not used: the
    training is then that of the wrapped learner, and the next fit of the generator begins from scratch. So
    it is where the learner raises an error of the generated images, or the model before of being asked.
    Collapsed is one whose images vary within a class by less than a hundredth of what the labelled ones
    do.

    Round a learner that labels for itself, generated images are labelled items like others to it. Within
    one, what that one labels is, to this learner, labelled since the start: put this learner outside.

    The agreement is with the model's word for x, and not with the label of x: items are picked for what
    the model is unsure of, and those that it got wrong would otherwise have no second image. By the paper's
    argument x' is worth as much as x where the model answers to both alike.

    A training of a torch learner that ends by its accuracy is judged on people's labels alone; within another
    learner of this kind, on what that one gives for labelled.

    Departs from the paper, where classifier and generator are one training: see `VaeAcgan`; and where an
    image once generated stays: here those of former rounds are made anew by the generator of this one.

    Cost: beside the learner's own, the fit of the generator, one pass of it over the images labelled since
    the start, predictions of these and of the generated ones, and a training on both: O(epochs·l) for
    l labelled images of a size. Memory: the labelled images, and as many generated ones.

    References
    ----------
    Tran, Do, Reid, Carneiro. Bayesian generative active deep learning. ICML 2019.
    Tran, Pham, Carneiro, Palmer, Reid. A Bayesian data augmentation approach for learning deep models.
    NeurIPS 2017, for ``"random"``.

    Examples
    --------
    >>> from nextlabel import arrays, build, classes
    >>> pool = arrays(np.random.default_rng(0).random((6, 8, 8)))
    >>> learner = Generative(build("learner", "sklearn"), autoencoder="identity")
    >>> given, task = (np.array([0, 5]), np.array([0, 1])), classes("low", "high")
    >>> first = learner.fit(pool, *given, np.arange(1, 5), np.random.default_rng(0), task=task)
    >>> given = np.array([0, 5, 2]), np.array([0, 1, 0])
    >>> again = learner.fit(pool, *given, np.array([1, 3, 4]), np.random.default_rng(1), task=task,
    ...                     previous=first)
    >>> first.report.used, again.report.used
    (0, 1)
    """

    of: Learner
    generation: Generation = "reconstruction"
    autoencoder: Any = "vae_acgan"
    most_error: float | None = 0.5
    must_agree: bool = True

    def __post_init__(self) -> None:
        name = "Generative"
        share = "Give a share, for example 0.5, or None for no gate."
        most_error = self.most_error
        if most_error is not None:
            most_error = checked_number(most_error, "most_error", above=0, of=name, advice=share)
        settle(
            self,
            {
                "generation": checked_choice(self.generation, "generation", get_args(Generation), of=name),
                "autoencoder": as_spec(self.autoencoder),
                "most_error": most_error,
                "must_agree": checked_flag(self.must_agree, "must_agree", of=name),
            },
        )
        is_asked = self.must_agree and self.is_on
        check_wrapped(self.of, {"proba"} if is_asked else (), of=name)
        if self.generation == "random" and not autoencoder_of(self.autoencoder).has_prior:
            message = (
                "generation='random' draws from a prior and needs an autoencoder that has one; received "
                f"{self.autoencoder!r}. Use 'vae_acgan', or generation='reconstruction'."
            )
            raise ParameterError(message)
        autoencoder_of(self.autoencoder)

    def require(self, pool: Pool, task: Task) -> None:
        """Refuse items that the generator cannot make, or what the wrapped learner refuses."""
        super().require(pool, task)
        if self.generation != "none":
            autoencoder_of(self.autoencoder).check_items(pool.take(np.zeros(1, np.int64)))

    @property
    def is_on(self) -> bool:
        """Whether anything is generated at all."""
        return self.generation != "none"

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
        """Yes, where anything is generated: what was labelled at the start is known from the model before."""
        return self.is_on or self.of.remembers

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
    ) -> "GenerativeModel":
        """The wrapped learner, fitted to the labelled items and to those made of the ones labelled since.

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
            Items that the autoencoder cannot be fitted to, a task of several classes an item, or as the
            wrapped learner.
        """
        where, labels = checked_labels(pool, labelled, labels, task, learner="Generative")
        before = previous if isinstance(previous, GenerativeModel) else None
        inner = previous if before is None else before.of
        known = None if before is None or before.classes != task.classes else before
        start = frozenset(pool.ids[at] for at in where.tolist()) if known is None else known.start
        # of a generator that no learner spawns from: their numbers stay what they were
        own = deepcopy(rng).spawn(3)[2].spawn(1)[0]
        is_new = np.array([pool.ids[at] not in start for at in where.tolist()], bool)
        made = Making(self.generation, self.autoencoder, self.most_error, self.must_agree).made(
            pool,
            where,
            labels,
            is_new,
            len(task.classes),
            own,
            old=None if known is None else known.coder,
            asked=None if known is None else known.of,
        )
        report, spare = made.report, deepcopy(rng)
        model: Model | None = None
        if len(made.items):
            both = Extended(pool, made.items)
            further = np.arange(len(made.items)) + both.begins
            all_labels = np.concatenate([labels, made.labels])
            given = np.concatenate([where, further]), all_labels, unlabelled
            try:
                of = judged_on(self.of, len(where))
                model = of.fit(both, *given, rng, task=task, previous=inner)
            except NextlabelError as cause:  # the labels alone may do
                report = replace(report, used=0, skipped=f"the learner cannot be fitted to them: {cause}")
        if model is None:
            model = self.of.fit(pool, where, labels, unlabelled, spare, task=task, previous=inner)
        return GenerativeModel(model, start, task.classes, made.coder, report)

    def load(self, path: Path) -> "GenerativeModel":
        """The model saved there.

        Raises
        ------
        LearnerError
            The folder holds something else, or the wrapped learner or the autoencoder cannot read its part.
        """
        inner, said = load_wrapped(path, self.of, format=_FORMAT, model="GenerativeModel")
        coder = autoencoder_of(self.autoencoder).load(Path(path) / _CODER) if said["has_coder"] else None
        report = said["report"]
        losses = tuple((name, value) for name, value in report["fitted"]["losses"])
        fitted = Fitted(report["fitted"]["epochs"], losses, report["fitted"]["fault"])
        return GenerativeModel(
            inner,
            frozenset(said["start"]),
            tuple(said["classes"]),
            coder,
            Generated(**{**report, "fitted": fitted}),
        )


@final
class GenerativeModel(Model):
    """What the wrapped learner made, which items had labels at the start, and the generator.

    Attributes
    ----------
    of : Model
        Of the wrapped learner.
    start : frozenset of str
        Ids of the items that were labelled in the first fit.
    classes : tuple of str
        Of the task.
    coder : Coder or None
        With which the next fit of the generator begins; None where there is none yet, or it was at fault.
    report : Generated
    """

    def __init__(
        self,
        of: Model,
        start: frozenset[str],
        classes: tuple[str, ...],
        coder: Coder | None,
        report: Generated,
    ) -> None:
        self.of = of
        self.start = start
        self.classes = classes
        self.coder = coder
        self.report = report

    @property
    def fingerprint(self) -> str:
        """A digest of the inner model's, and of what decides the next training."""
        return self._digest(self.of.fingerprint)

    @property
    def seedless(self) -> str:
        """As the fingerprint, of what the inner model has learnt whatever it was seeded with."""
        return self._digest(seedless(self.of))

    def _digest(self, inner: str) -> str:
        coder = "" if self.coder is None else self.coder.fingerprint
        parts = (inner, sorted(self.start), self.classes, coder, self.report)
        return blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    @property
    def answers_as(self) -> Model:
        """The wrapped learner's, whose answers are this one's: exports write it."""
        return self.of

    @property
    def remarks(self) -> tuple[str, ...]:
        """How many items were generated and trained on, or why none were."""
        return (*self.report.remarks, *self.of.remarks)

    def signals(
        self, pool: Pool, positions: Positions, names: Collection[str], rng: np.random.Generator
    ) -> Signals:
        """What the wrapped learner's model says."""
        return self.of.signals(pool, positions, names, rng)

    def save(self, path: Path) -> None:
        """Write the inner model, the generator and the ids of the start, into a folder; no generated item."""
        said = {
            "format": _FORMAT,
            "start": sorted(self.start),
            "classes": self.classes,
            "has_coder": self.coder is not None,
            "report": asdict(self.report),
        }
        save_wrapped(path, self.of, said)
        if self.coder is not None:
            self.coder.save(Path(path) / _CODER)
