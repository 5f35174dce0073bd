"""Which strategy to use, from what is known before it picks: rules, each with the measurements behind it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike

from nextlabel.core.signals import derivable, signal_kind
from nextlabel.core.spec import Spec
from nextlabel.errors import ParameterError
from nextlabel.maths.parameters import checked_flag, checked_whole

__all__ = ["DIVERSE", "FEW", "MANY", "RULES", "Advice", "Rule", "Situation", "advise"]

FEW = 10
"""Labels a class below which typical items come first, or BADGE where the embedding learns with them."""

MANY = 20
"""Classes above which BADGE comes before margin."""

DIVERSE = 40
"""Labels a class up to which it does."""

_CLUSTERED = 100_000  # items that TypiClust is given; more cost a minute and up
_WARY = 10, 20  # from so many classes on, below so many labels a class, entropy lost to random


@final
@dataclass(frozen=True)
class Situation:
    """What advice is given on.

    Parameters
    ----------
    classes, pool, labelled, batch : int
        Classes of the task, unlabelled items, labels so far, items asked at once.
    signals : frozenset of str
        On offer, what follows from them among them.
    fixed_embedding : bool
        Whether the embedding was there before any label: of a pretrained network, or features of the data.
    seen : int
        Classes with a label, as far as that is known: all of them where only the sum of labels is.
    several : bool
        Whether an item may have several classes; labels are counted by items then.
    """

    classes: int
    pool: int
    labelled: int
    batch: int
    signals: frozenset[str]
    fixed_embedding: bool
    seen: int
    several: bool = False

    @property
    def per_class(self) -> float:
        """Labels a class, on average."""
        return self.labelled / self.classes


@final
@dataclass(frozen=True)
class Rule:
    """When a strategy is named, why, what would change it, and where that was measured.

    Parameters
    ----------
    name : str
    applies : callable
        From a `Situation` to whether the rule speaks; the first that does is followed.
    strategy : callable
        From a `Situation` to the spec named.
    reason : str
        One sentence; may speak of the fields of the situation in braces.
    changes : tuple of str
        What would make another rule speak; likewise.
    evidence : tuple of str
        Pages in the folder docs of the project.
    """

    name: str
    applies: Callable[[Situation], bool]
    strategy: Callable[[Situation], dict[str, Any]]
    reason: str
    changes: tuple[str, ...]
    evidence: tuple[str, ...]


@final
@dataclass(frozen=True)
class Advice:
    """A strategy, and why.

    Parameters
    ----------
    strategy : Spec
        Ready for `nextlabel.build` and `nextlabel.select`.
    rule : str
        The name of the rule that spoke.
    reason : str
    changes : tuple of str
        What would change its mind.
    against : tuple of str
        Methods to leave alone here, with the reason.
    evidence : tuple of str
        Pages in the folder docs of the project.
    """

    strategy: Spec
    rule: str
    reason: str
    changes: tuple[str, ...]
    against: tuple[str, ...]
    evidence: tuple[str, ...]

    def text(self) -> str:
        """The advice in words, a line each."""
        lines = [self.strategy.to_json(), f"Why: {self.reason}"]
        lines += [f"Otherwise: {one}" for one in self.changes]
        lines += [f"Not here: {one}" for one in self.against]
        if self.evidence:
            lines.append(f"Measured: {', '.join(f'docs/{one}' for one in self.evidence)}")
        return "\n".join(lines)


def _is_typical(situation: Situation) -> bool:
    has_features = situation.fixed_embedding and "embedding" in situation.signals
    is_early = situation.labelled == 0 if situation.several else situation.per_class < FEW
    return has_features and is_early


def _typical(situation: Situation) -> dict[str, Any]:
    if situation.pool <= _CLUSTERED:
        return {"name": "typiclust"}
    return {"name": "subsample", "of": {"name": "typiclust"}, "size": _CLUSTERED}


def _is_blind(situation: Situation) -> bool:
    """Whether there is nothing that a model says of single items, or no model yet."""
    if situation.several:
        return "marginals" not in situation.signals or situation.labelled < 1
    return "proba" not in situation.signals or situation.seen < 2


RULES = (
    Rule(
        "nothing to go by",
        lambda s: not _is_typical(s) and _is_blind(s),
        lambda _: {"name": "random"},
        "Class probabilities of a model that was shown two classes at least, or features that were there "
        "before the labels: neither is on offer, and nothing else was measured to gain on a random draw.",
        (
            "with labels of two classes, and proba or logits: margin, or BADGE with an embedding as well",
            f"with a fixed embedding, below {FEW} labels a class: typical items first",
        ),
        (),
    ),
    Rule(
        "typical first",
        _is_typical,
        _typical,
        "{labelled} labels for {classes} classes, {per_class} a class: so few teach a model little to "
        "be unsure of, and typical items of the features, which need no label, gained more.",
        (
            f"from {FEW} labels a class on: what the model is unsure of",
            "an embedding that changes with the labels: not typical items",
        ),
        (
            "reproductions/digits_low.md",
            "reproductions/optdigits_low.md",
            "reproductions/schedule.md",
            "reproductions/every_strategy.md",
        ),
    ),
    Rule(
        "several classes",
        lambda s: s.several,
        lambda _: {"name": "margin", "of": "marginals", "reduce": "max"},
        "{classes} classes of which an item may have several, and {labelled} labelled items: asked for the "
        "class in most doubt, a model named classes better than after a random draw, wherever that was "
        "measured.",
        (
            "where the order of the probabilities counts, and not what they name from a half on: a random "
            "draw, which was level or ahead",
        ),
        ("explanation/several-classes.md",),
    ),
    Rule(
        "large batch",
        lambda s: (
            {"residual", "embedding"} <= s.signals
            and s.classes > 2
            and s.per_class >= FEW
            and s.batch >= s.labelled
        ),
        lambda _: {"name": "badge"},
        "A batch of {batch} on {labelled} labels: the model that scores it knows less than the batch will "
        "teach, and a diverse batch gained more than the most unsure items.",
        ("with batches smaller than what is labelled: margin, or BADGE where classes are many",),
        ("reproductions/mnist_1000.md",),
    ),
    Rule(
        "many classes",
        lambda s: {"residual", "embedding"} <= s.signals and s.classes > MANY and s.per_class < DIVERSE,
        lambda _: {"name": "badge"},
        "{classes} classes and {per_class} labels a class: BADGE gained more than margin, and than a "
        "random draw.",
        (f"from {DIVERSE} labels a class on: margin", "without an embedding: margin"),
        ("reproductions/letter.md", "reproductions/every_strategy.md"),
    ),
    Rule(
        "few labels",
        lambda s: {"residual", "embedding"} <= s.signals and s.classes > 2 and s.per_class < FEW,
        lambda _: {"name": "badge"},
        "{classes} classes and {per_class} labels a class, and an embedding that learns with them: BADGE "
        "gained more than margin at first.",
        (
            f"from {FEW} labels a class on: margin",
            "features that were there before the labels: typical items",
        ),
        ("reproductions/every_strategy.md",),
    ),
    Rule(
        "unsure",
        lambda _: True,
        lambda _: {"name": "margin"},
        "{classes} classes and {per_class} labels a class: over a whole budget margin gained on a random "
        "draw or was not told apart from it, wherever it was measured, and it costs next to nothing.",
        (
            f"with an embedding, and fewer labels a class than {FEW}, or than {DIVERSE} where there are more "
            f"than {MANY} classes: BADGE",
            f"with an embedding, {FEW} labels a class or more, and batches as large as all these: BADGE",
        ),
        (
            "reproductions/mnist_100.md",
            "reproductions/digits_low.md",
            "reproductions/optdigits_low.md",
            "reproductions/splice.md",
            "reproductions/rt_polarity.md",
            "reproductions/trec.md",
        ),
    ),
)
"""In the order in which they are asked."""


def advise(
    *,
    signals: Iterable[str],
    pool: int,
    classes: int | None = None,
    labelled: int | None = None,
    label_counts: ArrayLike | None = None,
    batch: int = 20,
    fixed_embedding: bool = False,
    several: bool = False,
) -> Advice:
    """Name a strategy, with the reason and what would change it.

    Parameters
    ----------
    signals : iterable of str
        What the model offers, for example ``{"proba", "embedding"}``; what follows from them counts.
    pool : int
        Unlabelled items.
    classes : int, optional
        Classes of the task; the length of `label_counts` when left out.
    labelled : int, optional
        Labels so far; the sum of `label_counts`, or none, when left out. With `several`, labelled items.
    label_counts : array of int, axes (c,), optional
        Labels of each class so far.
    batch : int
        Items asked at once.
    fixed_embedding : bool
        Whether the embedding was there before any label: of a pretrained network, or features of the data.
    several : bool
        Whether an item may have several classes; strategies then read ``marginals``.

    Returns
    -------
    Advice

    Raises
    ------
    SignalError
        A name is not a signal.
    ParameterError
        Numbers that make no sense or contradict each other, or neither classes nor label counts.

    Notes
    -----
    A short list of rules, each from comparisons that are in the documentation, with their intervals: see
    `RULES`. They speak for data and models like those that were measured, and promise nothing for others.
    The cost does not depend on the pool.

    Examples
    --------
    >>> advise(signals={"proba", "embedding"}, pool=20_000, classes=26, labelled=100).strategy.name
    'badge'
    >>> advise(signals={"proba"}, pool=20_000, classes=26, labelled=100).strategy.name
    'margin'
    """
    situation = _situation(
        [signal_kind(name).name for name in ([signals] if isinstance(signals, str) else signals)],
        checked_whole(pool, "pool", least=1, of="advise"),
        classes,
        labelled,
        label_counts,
        checked_whole(batch, "batch", least=1, of="advise"),
        checked_flag(fixed_embedding, "fixed_embedding", of="advise"),
        checked_flag(several, "several", of="advise"),
    )
    rule = next(one for one in RULES if one.applies(situation))
    unseen = situation.classes - situation.seen if situation.seen else 0
    each = _plain(situation.per_class)
    reason = rule.reason.format(**{**vars(situation), "per_class": f"on average {each}" if unseen else each})
    if unseen:
        reason += f" {unseen} of the classes {'has' if unseen == 1 else 'have'} no label yet."
    return Advice(
        Spec.read(rule.strategy(situation)),
        rule.name,
        reason,
        rule.changes,
        _against(situation),
        rule.evidence,
    )


def _situation(
    signals: Sequence[str],
    pool: int,
    classes: int | None,
    labelled: int | None,
    label_counts: ArrayLike | None,
    batch: int,
    fixed_embedding: bool,
    several: bool,
) -> Situation:
    seen = None
    if label_counts is not None:
        counts = np.asarray(label_counts)
        if counts.ndim != 1 or counts.dtype.kind not in "iu" or not len(counts) or counts.min() < 0:
            message = (
                "'label_counts' must be whole numbers from zero up, one for each class; received "
                f"{label_counts!r}. Give for example [12, 3, 0]."
            )
            raise ParameterError(message)
        if classes is not None and classes != len(counts):
            message = (
                f"'label_counts' must hold one number for each of the {classes} classes; received "
                f"{len(counts)}. Leave 'classes' out, or give as many counts."
            )
            raise ParameterError(message)
        if labelled is not None and labelled != counts.sum() and not several:
            message = (
                f"'labelled' must be the sum of 'label_counts', which is {counts.sum()}; received "
                f"{labelled!r}. Leave it out, or correct the counts."
            )
            raise ParameterError(message)
        labelled = int(counts.sum()) if labelled is None else labelled
        classes, seen = len(counts), int((counts > 0).sum())
    if classes is None:
        message = (
            "Advice depends on the number of classes; received neither 'classes' nor 'label_counts'. "
            "Give for example classes=10."
        )
        raise ParameterError(message)
    labelled = checked_whole(0 if labelled is None else labelled, "labelled", least=0, of="advise")
    advice = "With one class there is nothing to learn."
    classes = checked_whole(classes, "classes", least=1 if several else 2, of="advise", advice=advice)
    if seen is None:
        seen = min(classes, labelled)
    return Situation(
        classes,
        pool,
        labelled,
        min(batch, pool),
        derivable(signals),
        fixed_embedding,
        seen,
        several,
    )


def _against(situation: Situation) -> tuple[str, ...]:
    classes, labels = _WARY
    if situation.several or situation.classes < classes or situation.per_class >= labels:
        return ()
    return (
        f"entropy, with {situation.classes} classes and fewer than {labels} labels a class: it lost to a "
        "random draw (docs/reproductions/letter.md, docs/reproductions/every_strategy.md).",
    )


def _plain(number: float) -> str:
    """Two digits, and from 100 on all of the whole number."""
    return f"{number:.2g}" if number < 99.5 else f"{number:,.0f}"
