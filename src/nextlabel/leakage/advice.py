"""What a sweep over defences comes to: the least that ended each attack, its price, what to send instead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from types import MappingProxyType
from typing import Any, final

from nextlabel.errors import ParameterError
from nextlabel.maths.intervals import Interval, binomial_interval, student_interval

__all__ = ["ALL", "INSTEAD", "UNDEFENDED", "Finding", "Trial", "advise", "findings", "instead"]

ALL = ""
"""In place of the name of an attack: all attacks that were tried, together."""

UNDEFENDED = "none"
"""In place of the name of a defence: the message as it is."""

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


@final
@dataclass(frozen=True)
class Trial:
    """What the attacks took under one defence, and how well a model learns from messages so defended.

    Parameters
    ----------
    defence : str
        The name of the defence; `UNDEFENDED` for the message as it is.
    strength : float or None
        What is varied: a larger one hides more. None where the defence has none.
    words : str
        The defence with its strength, as a reader meets it.
    records : int
        How many records were attacked.
    leaked : int
        Of how many an attack gave back the item: exactly, or so that it can be recognised.
    labels : int
        Of how many an attack gave back the label, or more.
    by_attack : mapping of str to int
        Of how many each attack gave back the item, where the attacks were run one by one.
    accuracies : tuple of float
        Of models trained on messages so defended, one for each seed, in [0, 1]; empty where none was
        trained. Trials of one sweep have the same seeds in the same order.

    Raises
    ------
    ParameterError
        Counts that are above the number of records, or below zero.
    """

    defence: str
    strength: float | None
    words: str
    records: int
    leaked: int
    labels: int
    by_attack: Mapping[str, int] = field(default_factory=dict)
    accuracies: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name, count in {"leaked": self.leaked, "labels": self.labels, **self.by_attack}.items():
            if not 0 <= count <= self.records:
                message = (
                    f"A count of records must lie between 0 and the {self.records} records attacked; "
                    f"received {count} for {name!r}. Count each record once."
                )
                raise ParameterError(message)

    @property
    def accuracy(self) -> float | None:
        """The mean over seeds; None where no model was trained."""
        return fmean(self.accuracies) if self.accuracies else None

    @property
    def seeds(self) -> int:
        """How many models were trained."""
        return len(self.accuracies)

    def taken(self, attack: str = ALL) -> int:
        """How many items an attack gave back, or all attacks together."""
        return self.leaked if attack == ALL else self.by_attack.get(attack, 0)

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "defence": self.defence,
            "strength": self.strength,
            "words": self.words,
            "records": self.records,
            "leaked": self.leaked,
            "labels": self.labels,
            "by_attack": dict(self.by_attack),
            "accuracies": list(self.accuracies),
        }

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> "Trial":
        """The trial that `to_dict` wrote down."""
        return cls(**{**values, "accuracies": tuple(values["accuracies"])})


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

        None where something came back at the greatest strength.
        """
        ended = None
        for trial in reversed(self.tried):
            if trial.taken(self.attack):
                break
            ended = trial
        return ended

    def upper(self, trial: Trial) -> float:
        """The most that the attack may succeed at, at one of the strengths, as a chance.

        Notes
        -----
        The upper end of an exact interval whose confidence allows for the number of strengths tried
        (Bonferroni), since the strength that is reported is chosen after looking.
        """
        confidence = 1.0 - (1.0 - _CONFIDENCE) / len(self.tried)
        return binomial_interval(trial.taken(self.attack), trial.records, confidence=confidence).high

    def sentence(self) -> str:
        """The finding in words, with the number of records, the upper end and the price in accuracy."""
        name = "the attacks together" if self.attack == ALL else f"the attack {self.attack} by itself"
        was = f"{name} took {_of(self.without, self.attack)} without a defence"
        if not self.without.taken(self.attack):
            return f"{_capital(was)}: a defence shows nothing here."
        least = self.least
        if least is None:
            last = self.tried[-1]
            return (
                f"{_capital(was)} and still {_of(last, self.attack)} with {last.words}: nothing that was "
                f"tried of it ended this. {_price(last, self.without)}"
            )
        weaker = [one for one in self.tried if one.taken(self.attack)]
        from_on = " and at every greater strength tried" if least is not self.tried[-1] else ""
        before = f" (with {weaker[-1].words} still {_of(weaker[-1], self.attack)})" if weaker else ""
        allowing = f", allowing for the {len(self.tried)} strengths tried" if len(self.tried) > 1 else ""
        return (
            f"{_capital(was)} and {_of(least, self.attack)} with {least.words}{from_on}{before}. The chance "
            f"for a record is at most {_percent(self.upper(least))} with 95 % confidence{allowing}, for "
            f"these attacks and this budget. {self._labels(least)}{_price(least, self.without)}"
        )

    def _labels(self, least: Trial) -> str:
        if self.attack != ALL or not least.labels:
            return ""
        return f"The labels of {least.labels} of {least.records} still came back. "


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
        took anything without a defence or under it, and not as much at every strength as all together.

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
        own = [attack for attack in took if any(one.taken(attack) < one.leaked for one in every)]
        found += [Finding(attack, without[0], tuple(tried)) for attack in (ALL, *own)]
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
        Findings, then what they do not say; for the messages of active learning, what to send instead.
    """
    said: list[str] = []
    if trials:
        said += [one.sentence() for one in findings(trials)]
        said += _warnings(trials)
        said.append(
            "An attack that ended is one that did not succeed on these records within this budget: another "
            "attack, more time, or public data of the same kind may take more. Only an accountant bounds "
            "what any attack can do."
        )
    return (*said, *(instead() if share in ("embedding", "last_layer") else ()))


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
    return f"{trial.taken(attack)} of {trial.records} items"


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
