"""What a sweep over defences comes to: the least that ended each attack, its price, what to send instead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import final

from nextlabel.errors import ParameterError
from nextlabel.leakage.trials import ALL, MORE_TIME, UNDEFENDED, Trial
from nextlabel.maths.intervals import Interval, binomial_interval, student_interval

__all__ = ["INSTEAD", "Finding", "advise", "findings", "instead"]

_CONFIDENCE = 0.95
_PICTURE_STAYS = 0.5  # pruned by less than half, most of what an image is made of is still sent

INSTEAD: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "scores": (
            "one number for each item, such as its entropy or margin, computed where the data are",
            "how sure the model is of each item; many items share a score, but scores under one model after "
            "another narrow down which item it is for somebody who has candidates",
        ),
        "selected positions": (
            "which of a client's items its own strategy picked, by a number that means nothing elsewhere",
            "that these items are worth more than the others; which ones they are for somebody who holds "
            "the same pool",
        ),
        "counts": (
            "how many items of each class, or above a score, a client holds",
            "the mixture of classes of the client; of a client with one item, its label",
        ),
    }
)
"""What an active learner can send in place of gradient embeddings: what it is, and what that still tells."""

_JOINED = ("batch", "clients")  # what puts several records into one message
_OF_WORDS = "bag_of_words"


@final
@dataclass(frozen=True)
class Finding:
    """What the strengths of one defence did to one attack.

    Parameters
    ----------
    attack : str
        Its name, or `ALL`.
    without : Trial
        Without a defence.
    tried : tuple of Trial
        With it, weakest first.
    """

    attack: str
    without: Trial
    tried: tuple[Trial, ...]

    @property
    def least(self) -> Trial | None:
        """The weakest from which on nothing came back, at that and at every greater strength that was tried.

        None where something came back at the greatest strength, or it is open whether it does, since the
        clock ended attempts, they broke off, or the attack reads no such message: what was not tried to its
        end has not ended.
        """
        ended = None
        for trial in reversed(self.tried):
            is_open = trial.left_open(self.attack) or self._broke(trial) or not self.applies_to(trial)
            if trial.taken(self.attack) or is_open:
                break
            ended = trial
        return ended

    def upper(self, trial: Trial) -> float:
        """The most that the attack may succeed at, at one of the strengths, as a chance.

        Notes
        -----
        The upper end of an exact interval whose confidence allows for the number of strengths tried
        (Bonferroni), since the strength that is reported is chosen after looking. Records whose message the
        attack does not read are left out: they say nothing. Where it reads none, that is 1.
        """
        confidence = 1.0 - (1.0 - _CONFIDENCE) / len(self.tried)
        read = trial.records - (0 if self.attack == ALL else trial.refused.get(self.attack, 0))
        return binomial_interval(trial.taken(self.attack), read, confidence=confidence).high if read else 1.0

    def applies_to(self, trial: Trial) -> bool:
        """Whether what took something without a defence reads messages at one of the strengths.

        Examples
        --------
        >>> bare = Trial("none", None, "no defence", 20, 20, 20, {"peel": 20})
        >>> joined = Trial("batch", 4, "batches of 4 items", 20, 0, 20, refused={"peel": 20})
        >>> [one.applies_to(joined) for one in findings([bare, joined])]
        [False]
        """
        took = [name for name, count in self.without.by_attack.items() if count]
        able = [name for name in took if self.attack in (ALL, name)]
        return not able or any(trial.refused.get(name, 0) < trial.records for name in able)

    @property
    def chance(self) -> float:
        """How probably as many items are lost at one of the strengths if the defence does nothing.

        Notes
        -----
        A sign test over the same messages with and without it: each of the k items taken without it is as
        often lost as won, so that all are lost with a chance of 2⁻ᵏ at one strength.
        """
        return min(1.0, len(self.tried) * 0.5 ** self.without.taken(self.attack))

    def sentence(self) -> str:
        """The finding in words, with the number of records, the upper end and the price in accuracy."""
        name = (
            "the attacks together"
            if self.attack == ALL
            else f"the attack {self.attack.replace('_', ' ')} by itself"
        )
        was = f"{name} took {_of(self.without, self.attack)} without a defence"
        if not self.without.taken(self.attack):
            if self.without.left_open(self.attack):
                return f"{_capital(was)}: what a defence does is unknown. {MORE_TIME}"
            return f"{_capital(was)}: a defence shows nothing here."
        least = self.least
        if least is None:
            return f"{_capital(was)} and {self._still()}"
        weaker = [one for one in self.tried if one.taken(self.attack)]
        from_on = " and at every greater strength tried" if least is not self.tried[-1] else ""
        before = f" (with {weaker[-1].words} still {_of(weaker[-1], self.attack)})" if weaker else ""
        place = self.tried.index(least)
        below = self.tried[place - 1] if place else None
        unsure = (
            f"With {below.words} the clock cut attempts short: it may do as well. "
            if below is not None and below.left_open(self.attack) and not below.taken(self.attack)
            else ""
        )
        allowing = f", allowing for the {len(self.tried)} strengths tried" if len(self.tried) > 1 else ""
        return (
            f"{_capital(was)} and {_of(least, self.attack)} with {least.words}{from_on}{before}. The chance "
            f"for a record is at most {_percent(self.upper(least))} with 95 % confidence{allowing}, for "
            f"these attacks and this budget. {unsure}{self._by_chance()}"
            f"{self._labels(least)}"
            f"{_price(least, self.without)}"
        )

    def _broke(self, trial: Trial) -> bool:
        """Whether what took something without a defence broke off with it: it was not tried there."""
        return any(self.without.taken(name) for name in trial.broken if self.attack in (ALL, name))

    def _still(self) -> str:
        """What is said where no strength is known to have ended the attack."""
        last = self.tried[-1]
        if last.taken(self.attack):
            return (
                f"still {_of(last, self.attack)} with {last.words}: nothing that was tried of it ended this. "
                f"{_price(last, self.without)}"
            )
        return f"{self._unknown(last)} {self._labels(last)}".rstrip()

    def _unknown(self, last: Trial) -> str:
        """Why nobody knows whether the greatest strength ended the attack, which took nothing there."""
        if not self.applies_to(last):
            whose = "what took them does" if self.attack == ALL else "it does"
            return (
                f"{_of(last, self.attack)} with {last.words}: {whose} not apply there, since it reads no "
                "such messages, which bounds nothing for other attacks."
            )
        if self._broke(last):
            return (
                f"{_of(last, self.attack)} with {last.words}: whether that ends it is unknown, since "
                "attempts broke off with an error."
            )
        return (
            f"{_of(last, self.attack)} with {last.words}: whether that ends it is unknown, since the clock "
            f"cut attempts short. {MORE_TIME}"
        )

    def _by_chance(self) -> str:
        if self.chance <= 1.0 - _CONFIDENCE:
            return ""
        return (
            f"So few were taken without it that losing them may be chance: {self.chance:.2g}, by a sign test "
            "over the same messages. "
        )

    def _labels(self, least: Trial) -> str:
        """What came back all the same: labels, and words."""
        if self.attack != ALL or not least.labels:
            return self._words(least)
        return f"The labels of {least.labels} of {least.records} still came back. {self._words(least)}"

    def _words(self, trial: Trial) -> str:
        """Of text: words that were named, where no text can be said to have come back by them."""
        if self.attack not in (ALL, _OF_WORDS) or not trial.words_right:
            return ""
        whose = ", and not whose they are" if trial.defence in _JOINED else ""
        return (
            f"Of the {trial.words_of:,} different words in the texts of their messages "
            f"{trial.words_right:,} were still named{whose}. "
        )


def findings(trials: Sequence[Trial]) -> tuple[Finding, ...]:
    """What each defence of a sweep did to all attacks together, and to each.

    Parameters
    ----------
    trials : sequence of Trial
        One of them without a defence.

    Returns
    -------
    tuple of Finding
        By defence in the order of the sweep; of each, all attacks together first, then one by one those that
        took anything without a defence or under it, and not as much at every strength as all together, or
        that do not read all messages, or that another strength ended, as where the clock cut others short.

    Raises
    ------
    ParameterError
        No trial, or more than one, is without a defence.

    Examples
    --------
    >>> bare = Trial("none", None, "no defence", 20, leaked=20, labels=20)
    >>> weak = Trial("gaussian", 1e-3, "noise of 0.001", 20, leaked=7, labels=20)
    >>> strong = Trial("gaussian", 1e-2, "noise of 0.01", 20, leaked=0, labels=20)
    >>> found, = findings([bare, weak, strong])
    >>> found.least.words, round(found.upper(strong), 3)
    ('noise of 0.01', 0.197)
    """
    without = [one for one in trials if one.defence == UNDEFENDED]
    if len(without) != 1:
        message = (
            f"A sweep holds one trial without a defence, to compare with; received {len(without)}. "
            f"Add one whose defence is {UNDEFENDED!r}, and no second."
        )
        raise ParameterError(message)
    names = dict.fromkeys(one.defence for one in trials if one.defence != UNDEFENDED)
    found = []
    for name in names:
        tried = sorted(
            (one for one in trials if one.defence == name),
            key=lambda one: 0.0 if one.strength is None else one.strength,
        )
        every = (*without, *tried)
        took = dict.fromkeys(attack for one in every for attack, count in one.by_attack.items() if count)
        together, *alone = (Finding(attack, without[0], tuple(tried)) for attack in (ALL, *took))
        own = [
            one
            for one in alone
            if one.least is not together.least
            or any(
                trial.taken(one.attack) < trial.leaked or (len(took) > 1 and trial.refused.get(one.attack))
                for trial in every
            )
        ]
        found += [together, *own]
    return tuple(found)


def advise(trials: Sequence[Trial], share: str = "full") -> tuple[str, ...]:
    """What to make of a sweep, a sentence or two each; it calls nothing harmless.

    Parameters
    ----------
    trials : sequence of Trial
        One of them without a defence; none at all where no defence was tried.
    share : str
        The registered name of the message.

    Returns
    -------
    tuple of str
        Findings, then what they do not say; for gradient embeddings, what to send instead.
    """
    said: list[str] = []
    if trials:
        # of an attack that took nothing without a defence the same is said whatever the defence
        said += dict.fromkeys(one.sentence() for one in findings(trials))
        said += _warnings(trials)
        said.append(
            "An attack that ended is one that did not succeed on these records within this budget: another "
            "attack, more time, or public data of the same kind may take more. Only an accountant bounds "
            "what any attack can do."
        )
    return (*said, *(instead() if share == "embedding" else ()))


def instead() -> tuple[str, ...]:
    """What an active learner can send in place of gradient embeddings, and what that still tells."""
    head = (
        "For picking a batch, gradient embeddings need not cross a boundary. Less tells less, and none of it "
        "tells nothing."
    )
    return (
        head,
        *(f"{_capital(name)}: {what}. Still tells {tells}." for name, (what, tells) in INSTEAD.items()),
    )


def _warnings(trials: Sequence[Trial]) -> list[str]:
    said = []
    pruned = [one for one in trials if one.defence == "prune" and one.strength is not None]
    if any(one.strength <= _PICTURE_STAYS for one in pruned if one.strength is not None):
        said.append(
            "Pruning thins a message out and hides nothing of what is left: a picture from a message "
            "pruned by 30 % can miss an error limit and still be seen. Look at the pictures, not at counts."
        )
    if any(one.defence in ("float16", "bfloat16", "int8") for one in trials):
        said.append(
            "Half precisions and int8 are formats, not defences: an attack that knows of the rounding can "
            "allow for it."
        )
    if any(one.records < 20 for one in trials):
        least = min(one.records for one in trials)
        said.append(
            f"Only {least} records were attacked under a defence: with fewer than 20 the bounds are wide."
        )
    return said


def _of(trial: Trial, attack: str) -> str:
    unread = 0 if attack == ALL else trial.refused.get(attack, 0)
    besides = f" ({unread} in messages that it does not read)" if 0 < unread < trial.records else ""
    return f"{trial.taken(attack)} of {trial.records} items{trial.cut_words(attack)}{besides}"


def _price(trial: Trial, without: Trial) -> str:
    """What a defence costs in accuracy: the mean over seeds of the difference on one seed."""
    if trial.accuracy is None or without.accuracy is None:
        return "What it costs in accuracy was not measured."
    now = f"Test accuracy {_percent(trial.accuracy)} instead of {_percent(without.accuracy)}"
    if trial.seeds != without.seeds or trial.seeds < 2:
        return f"{now} (one seed, so without an interval)." if trial.seeds == 1 else f"{now}."
    gaps = [before - after for before, after in zip(without.accuracies, trial.accuracies, strict=True)]
    return f"{now} ({_points(student_interval(gaps))}, {trial.seeds} seeds)."


def _points(lost: Interval) -> str:
    low, high = 100 * lost.low, 100 * lost.high
    if low > 0:
        return f"{low:.1f} to {high:.1f} points lower"
    if high < 0:
        return f"{-high:.1f} to {-low:.1f} points higher"
    return f"between {0.0 - low:.1f} points higher and {high:.1f} lower: not told apart"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
