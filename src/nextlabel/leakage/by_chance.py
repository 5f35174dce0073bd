"""Whether an attack shows the records of its own message, or records as such: settled beside foreign ones."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Final, final

import numpy as np

from nextlabel.core.attack import Recovery
from nextlabel.leakage.attempts import Attempt, Batch, scored
from nextlabel.leakage.cases import Case
from nextlabel.leakage.chances import chance_of_more
from nextlabel.leakage.text.word_scores import WordCount, words_of
from nextlabel.leakage.verdicts import (
    EXACT,
    LIMITS,
    NOT_SHOWN,
    RECOGNISABLE,
    VERDICTS,
    item_verdict,
)

__all__ = ["BY_CHANCE", "Bystanders", "is_alike"]

BY_CHANCE: Final = "no oftener than by chance"
"""Why an attack showed nothing that shows records of other messages as often."""

_MOST_SHIFTS = 20  # other messages that one recovery is laid beside
_MOST_EXTRA = 60  # records beyond the messages, where messages are few


@final
class Bystanders:
    """Records that a message says nothing of, to tell what an attack shows from what it hits by chance.

    Parameters
    ----------
    case : Case

    Notes
    -----
    A permutation control: what came back from a message is matched with the records of other messages as it
    is with its own. Where messages are few, records that are in none are added, but for images and texts,
    which hold too much to be hit by chance so rarely that the other messages do not tell.
    """

    def __init__(self, case: Case) -> None:
        self._case = case
        self._extra: tuple[Batch, ...] | None = None

    def settle(self, attempts: Sequence[Attempt], recoveries: Sequence[Recovery]) -> tuple[Attempt, ...]:
        """The attempts of one attack, without what it shows of any record as often.

        Parameters
        ----------
        attempts : sequence of Attempt
            Of one attack on all messages that it was tried on.
        recoveries : sequence of Recovery
            What they are made of, in their order.

        Returns
        -------
        tuple of Attempt
            A record counts as EXACT where no foreign record does, or where the attack's own records do so
            often that hits independent of the message would with a chance of at most one in a thousand; and
            likewise as RECOGNISABLE, or better.

        Notes
        -----
        Nothing is worked out where nothing is shown. Otherwise at most 20 other messages, or 60 further
        records, are matched for each recovery: O(b²) scores each.
        """
        own = [one for attempt in attempts for one in attempt.verdicts]
        if set(own) <= {NOT_SHOWN}:
            return tuple(attempts)
        foreign = [
            verdict
            for attempt, recovery in zip(attempts, recoveries, strict=True)
            for verdict in self._foreign(attempt, recovery)
        ]
        by_chance = {level for level in (EXACT, RECOGNISABLE) if _is_chance(level, own, foreign)}
        return tuple(_lowered(one, by_chance) for one in attempts) if by_chance else tuple(attempts)

    def _foreign(self, attempt: Attempt, recovery: Recovery) -> list[str]:
        if all(one is None or not len(one) for one in (recovery.items, recovery.words)):
            return []
        case, batches = self._case, self._case.batches
        others = [batches[(attempt.message + k) % len(batches)] for k in range(1, len(batches))]
        found = []
        for other in [*others[:_MOST_SHIFTS], *self._further()]:
            laid = scored(
                attempt.attack,
                recovery,
                other,
                kind=case.setting.share,
                message=attempt.message,
                classes=case.classes,
            )
            for place, verdict in enumerate(laid.verdicts):
                own = batches[attempt.message]
                if verdict == NOT_SHOWN or not is_alike(own, other, place, by_words=recovery.items is None):
                    found.append(verdict)
        return found

    def _further(self) -> tuple[Batch, ...]:
        if self._extra is None:
            case, size = self._case, self._case.setting.batch
            rest: list[int] = []
            if len(case.batches) <= _MOST_SHIFTS and not (case.is_image or case.is_text):
                inside = set(case.positions.ravel().tolist())
                rest = [row for row in range(len(case.items)) if row not in inside][:_MOST_EXTRA]
            ends = range(size, len(rest) + 1, size)
            self._extra = tuple(case.bystanders(np.array(rest[end - size : end])) for end in ends)
        return self._extra


def is_alike(own: Batch, other: Batch, place: int, *, by_words: bool = False) -> bool:
    """Whether one of a message's records would itself count as showing a record of another message.

    Parameters
    ----------
    own, other : Batch
    place : int
        Of the record in the other message.
    by_words : bool
        Of texts, whether all the words of the message together would.
    """
    true, told = other.items[place], other.guesses[place]
    if by_words:
        words = words_of(own.texts)
        named = WordCount.against(words, other.texts)
        score = named.scores(words, other.texts)[place]
        return item_verdict(score, told.beside(score, named), None) != NOT_SHOWN
    for item in own.items:
        score = other.score(item, true)
        if item_verdict(score, told.score, told.mean_mse, values=other.values) != NOT_SHOWN:
            return True
    return False


def _is_chance(level: str, own: Sequence[str], foreign: Sequence[str]) -> bool:
    hit = _at_least(level)
    shown, elsewhere = sum(map(hit, own)), sum(map(hit, foreign))
    if not shown or not elsewhere:
        return False
    return chance_of_more(shown, len(own), elsewhere, len(foreign)) > LIMITS.chance


def _at_least(level: str) -> Callable[[str], bool]:
    return lambda verdict: VERDICTS.index(verdict) <= VERDICTS.index(level)


def _lowered(one: Attempt, by_chance: set[str]) -> Attempt:
    falls = {EXACT: RECOGNISABLE} if EXACT in by_chance else {}
    verdicts = [falls.get(verdict, verdict) for verdict in one.verdicts]
    if RECOGNISABLE in by_chance:
        verdicts = [NOT_SHOWN if verdict == RECOGNISABLE else verdict for verdict in verdicts]
    why = BY_CHANCE if set(verdicts) == {NOT_SHOWN} and set(one.verdicts) != {NOT_SHOWN} else one.why
    return dataclasses.replace(one, verdicts=tuple(verdicts), why=why)
