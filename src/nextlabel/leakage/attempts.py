"""One attack on one message: what it is given, what it says, and how near that is to the truth."""

import dataclasses
import math
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from nextlabel.core.attack import Attack, Knowledge, Recovery
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.core.rng import generator
from nextlabel.leakage.guesses import Guess
from nextlabel.leakage.scores import (
    ItemScore,
    count_overlap,
    feature_scores,
    matched,
    score_item,
    score_tokens,
)
from nextlabel.leakage.targets import Targets
from nextlabel.leakage.text.word_scores import WordCount, filled, unfilled
from nextlabel.leakage.verdicts import EXACT, NOT_SHOWN, is_same, item_verdict, why_not, would_show

__all__ = [
    "AS_GUESSED",
    "BROKE_OFF",
    "NO_ITEM",
    "SOME_WORDS",
    "TOO_FEW",
    "UNSORTED",
    "Attempt",
    "Batch",
    "attempt",
    "scored",
]

AS_GUESSED = "a guess is as good"
"""Why an attack showed nothing that came near the record, where another record is as near."""

BROKE_OFF = "broke off"
"""Why an attack showed nothing that ended with an error of its own."""

NO_ITEM = "gave no item"
"""Why an attack showed nothing that read the message and gave no item for its records."""

SOME_WORDS = "some of its words"
"""Why an attack showed no record that names words of one text rightly, and too few of them."""

TOO_FEW = "too few values to tell it from a guess"
"""Why an attack showed nothing that is nearer to the record than others are, as much as chance has it."""

UNSORTED = "words of the batch, of no one record"
"""Why an attack showed no record that names the words of a message: whose they are, it does not tell."""

_FAULTS = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
_FAULT = "fault"


@final
@dataclass(frozen=True, eq=False)
class Batch:
    """The truth of one message; no attack is ever given it.

    Parameters
    ----------
    positions : array of int, axes (b,)
        Of the records, in the user's data.
    items : array, axes (b, ...)
    labels : array of int64, axes (b,), optional
        Where each record has one class.
    said : array of int64, axes (b,), optional
        The model's own labels, which an embedding is made with.
    features : array of float, axes (b, d), optional
        What goes into the last linear layer.
    guesses : sequence of Guess
        One for each record.
    span : float
        The width of the range of values.
    is_image : bool
    is_text : bool
    spreads : array of float, the axes of an item, optional
        The unit of each column, where items are neither images nor text; 0 for one that tells nothing.
    targets : Targets, optional
        Of a regression.
    feature_spreads : array of float, axes (d,), optional
        The unit of each feature; 0 for one that tells nothing.
    padding : int, optional
        Of text: the token that only fills texts up, and is no word of theirs.
    """

    positions: Array
    items: Array
    labels: Array | None
    said: Array | None
    features: Array | None
    guesses: Sequence[Guess]
    span: float
    is_image: bool = False
    is_text: bool = False
    spreads: Array | None = None
    targets: Targets | None = None
    feature_spreads: Array | None = None
    padding: int | None = None

    @property
    def texts(self) -> Array:
        """Of text: the items, -1 where they are only filled up."""
        return unfilled(self.items, self.padding)

    @property
    def values(self) -> int:
        """How many numbers of an item tell something."""
        told: int = self.items[0].size if self.spreads is None else int((self.spreads > 0).sum())
        return told

    def score(self, found: Array, true: Array) -> ItemScore:
        """What a recovered item is worth beside a true one, by the measure of these items.

        Parameters
        ----------
        found, true : array, the axes of an item
        """
        if self.is_text:
            return score_tokens(filled(found, self.padding), true)
        return score_item(found, true, span=self.span, is_image=self.is_image, spreads=self.spreads)


@final
@dataclass(frozen=True, eq=False)
class Attempt:
    """What one attack made of one message, beside the truth.

    Parameters
    ----------
    attack : str
    message : int
        Which message.
    outcome, reason : str
        As the attack says.
    residual : float, optional
        As the attack says.
    seconds : float
        That it took.
    given : float, optional
        Seconds that it was given, where it is timed.
    is_cut : bool
        Whether the clock ended it.
    evaluations : int
    scores : tuple of ItemScore or None
        One for each record; None where nothing was recovered for it.
    verdicts : tuple of str
        One for each record: by its item alone.
    why : str
        Where no record was shown, why not.
    claimed : tuple of int, optional
        How many items of each class it claims.
    overlap : int
        How many of these are right.
    false_items : int
        Recovered items beyond those that match a record.
    features : tuple of (cosine, ItemScore) or None
        One for each record.
    targets : tuple of ItemScore or None
        Of a regression, one for each record; empty where no target is claimed.
    target_verdicts : tuple of str
        As many: which came back exactly.
    said : array of float, axes (r, k), optional
        The targets claimed.
    words : WordCount, optional
        Of text, where different words were named.
    details : mapping
        What the attack lets a report show.
    items : tuple of array or None
        What was recovered for each record; not written down. Where words alone were, these.
    """

    attack: str
    message: int
    outcome: str
    reason: str
    residual: float | None
    seconds: float
    given: float | None
    is_cut: bool
    evaluations: int
    scores: tuple[ItemScore | None, ...]
    verdicts: tuple[str, ...]
    why: str
    claimed: tuple[int, ...] | None = None
    overlap: int = 0
    false_items: int = 0
    features: tuple[tuple[float, ItemScore] | None, ...] = ()
    targets: tuple[ItemScore | None, ...] = ()
    target_verdicts: tuple[str, ...] = ()
    said: Array | None = field(default=None, repr=False)
    words: WordCount | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    items: tuple[Array | None, ...] = field(default=(), repr=False)

    @property
    def is_whole(self) -> bool:
        """Whether every record of the message came back exactly."""
        return all(one == EXACT for one in self.verdicts)


def attempt(
    name: str,
    attack: Attack,
    disclosure: Disclosure,
    knowledge: Knowledge,
    *,
    message: int,
    seed: int,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Recovery, float]:
    """Run one attack on one message; it is given the message and the stated knowledge, nothing else.

    Parameters
    ----------
    name : str
        Of the attack; with the seed and the number of the message it settles the randomness, so that leaving
        an attack out changes no other.
    attack : Attack
    disclosure : Disclosure
    knowledge : Knowledge
    message : int
        The number of the message.
    seed : int
        Of the report.
    clock : callable
        Gives seconds.

    Returns
    -------
    tuple of Recovery and float
        What it says, and the seconds it took. An error of its own is a failure: the other attacks go on.
    """
    rng = generator(seed, 1, message, zlib.crc32(name.encode()))
    begun = clock()
    try:
        recovery = attack.recover(disclosure, knowledge, rng)
        assert isinstance(recovery, Recovery), f"recover must return a Recovery, not {recovery!r:.60}"
    except _FAULTS as fault:  # not Exception: whoever listens to the progress may end the work by another
        said = f"{type(fault).__name__}: {fault}"
        recovery = Recovery("failed", f"It broke off with {said}", details={_FAULT: said})
    return recovery, clock() - begun


def scored(
    name: str,
    recovery: Recovery,
    batch: Batch,
    *,
    kind: str,
    message: int,
    classes: int,
    seconds: float = 0.0,
    given: float | None = None,
) -> Attempt:
    """Lay a recovery beside the truth.

    Parameters
    ----------
    name : str
        Of the attack.
    recovery : Recovery
    batch : Batch
        The truth: of another message, for a null control.
    kind : str
        Of the message: labels claimed of an embedding are those of the model.
    message : int
        The number of the message.
    classes : int
    seconds, given : float
        That it took, and that it was given.
    """
    named = _named(recovery, batch)
    scores, items, extra = _item_scores(recovery.items, batch)
    if named is not None and recovery.words is not None and recovery.items is None:
        scores, items = named.scores(recovery.words, batch.texts), (recovery.words,) * len(batch.items)
    verdicts = tuple(
        NOT_SHOWN
        if score is None
        else item_verdict(score, one.beside(score, named), one.mean_mse, values=batch.values)
        for score, one in zip(scores, batch.guesses, strict=True)
    )
    told = batch.targets.scores(recovery.labels) if batch.targets and recovery.outcome != "refused" else ()
    true = batch.said if kind == "embedding" else batch.labels
    claimed = _claimed(recovery, classes)
    overlap = 0
    if claimed is None or true is None:
        claimed = None
    else:
        overlap = count_overlap(np.array(claimed), np.bincount(true, minlength=classes))
    return Attempt(
        attack=name,
        message=message,
        outcome=recovery.outcome,
        reason=recovery.reason,
        residual=recovery.residual,
        seconds=seconds,
        given=given,
        is_cut=recovery.is_cut,
        evaluations=recovery.evaluations,
        scores=scores,
        verdicts=verdicts,
        why="" if set(verdicts) != {NOT_SHOWN} else _why(recovery, scores, named, batch),
        claimed=claimed,
        overlap=overlap,
        false_items=extra,
        features=_feature_scores(recovery, batch),
        targets=told,
        target_verdicts=batch.targets.verdicts(told) if batch.targets and told else (),
        said=_rows(recovery.labels) if told else None,
        words=named,
        details=dict(recovery.details),
        items=items,
    )


def _named(recovery: Recovery, batch: Batch) -> WordCount | None:
    if recovery.words is None or not batch.is_text or recovery.outcome == "refused":
        return None
    return WordCount.against(unfilled(recovery.words, batch.padding), batch.texts)


def _item_scores(
    found: Array | None, batch: Batch
) -> tuple[tuple[ItemScore | None, ...], tuple[Array | None, ...], int]:
    nothing = (None,) * len(batch.items)
    if found is None or len(found) == 0:
        return nothing, nothing, 0
    if batch.is_text:
        table = [[batch.score(ours, theirs) for theirs in batch.items] for ours in found]
        costs = [[1.0 - (one.tokens or 0.0) for one in row] for row in table]
    else:
        if found.shape[1:] != batch.items.shape[1:]:
            if found[0].size != batch.items[0].size:
                return nothing, nothing, len(found)
            found = found.reshape(len(found), *batch.items.shape[1:])
        plain = dataclasses.replace(batch, is_image=False)  # structural similarity takes long: of pairs only
        table = [[plain.score(ours, theirs) for theirs in batch.items] for ours in found]
        costs = [[math.inf if one.relative is None else one.relative for one in row] for row in table]
    pairs = matched(np.array(costs))
    scores: list[ItemScore | None] = []
    for place, (pair, true) in enumerate(zip(pairs, batch.items, strict=True)):
        if pair is None:
            scores.append(None)
        elif batch.is_image:
            scores.append(batch.score(found[pair], true))
        else:
            scores.append(table[pair][place])
    items = tuple(None if pair is None else np.asarray(found[pair]) for pair in pairs)
    return tuple(scores), items, max(0, len(found) - len(batch.items))


def _claimed(recovery: Recovery, classes: int) -> tuple[int, ...] | None:
    if recovery.outcome == "refused":
        return None
    if recovery.counts is not None:
        return tuple(int(one) for one in np.asarray(recovery.counts))
    labels = recovery.labels
    if labels is None or labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer) or not len(labels):
        return None
    kept = labels[(labels >= 0) & (labels < classes)]
    return tuple(int(one) for one in np.bincount(kept, minlength=classes))


def _feature_scores(recovery: Recovery, batch: Batch) -> tuple[tuple[float, ItemScore] | None, ...]:
    found, true = recovery.features, batch.features
    if found is None or true is None or found.ndim != 2 or found.shape[1] != true.shape[1] or not len(found):
        return ()
    return feature_scores(found, true, batch.feature_spreads)


def _why(
    recovery: Recovery, scores: Sequence[ItemScore | None], named: WordCount | None, batch: Batch
) -> str:
    if _FAULT in recovery.details:
        return BROKE_OFF
    nothing = all(one is None or len(one) == 0 for one in (recovery.items, recovery.words))
    if nothing and recovery.outcome in ("recovered", "failed"):
        return NO_ITEM
    if any(is_same(score) or score.words == 1.0 for score in scores if score is not None):
        return AS_GUESSED
    guesses = [one.score for one in batch.guesses]
    if recovery.outcome != "unidentifiable" and any(map(would_show, scores, guesses)):
        return TOO_FEW
    if recovery.items is None and named is not None and 2 * named.right >= named.named:
        return UNSORTED if len(scores) > 1 else SOME_WORDS
    return why_not(recovery.outcome, recovery.residual)


def _rows(claims: Array | None) -> Array | None:
    return None if claims is None else np.asarray(claims, np.float64).reshape(len(claims), -1)
