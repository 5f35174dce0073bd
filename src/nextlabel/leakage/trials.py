"""What a sweep measured at one strength of a defence, and what it could do there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, final

from nextlabel.errors import ParameterError

__all__ = ["ALL", "MORE_TIME", "UNDEFENDED", "Trial", "sweep_words"]

ALL = ""
"""In place of the name of an attack: all attacks that were tried, together."""

UNDEFENDED = "none"
"""In place of the name of a defence: the message as it is."""

MORE_TIME = "Give more seconds, or less work to each attempt."
"""What to do where the clock ended attempts of a sweep."""


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
    unsettled : int
        Records that no attack gave back, where the clock ended an attack on their message or left it no
        time: with more of it they may come back.
    unsettled_by_attack : mapping of str to int
        The same for each attack.
    broken : mapping of str to int
        Records that an attack did not give back and on whose message it broke off with an error: it was not
        tried there. Attacks that never did are left out.
    refused : mapping of str to int
        Records whose message an attack does not read: it does not apply to it, or sees nothing there to begin
        with. Attacks that read all of them are left out.
    words_right, words_of : int
        Of text: how many different words of the messages the best attack on words named, and how many they
        have.
    cut : int
        Attempts that the clock ended, or for which no time was left.
    limits : mapping of str to mapping of str to int
        What each attack that takes time may do at most, the same at every strength: starts, gradients.
    seconds, given : float
        That the attacks took under this defence, and that the whole sweep was given. Of the clock: equal
        trials may differ in them.

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
    unsettled: int = 0
    unsettled_by_attack: Mapping[str, int] = field(default_factory=dict)
    broken: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)
    words_right: int = 0
    words_of: int = 0
    cut: int = 0
    limits: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    seconds: float = field(default=0.0, compare=False)
    given: float = field(default=0.0, compare=False)

    def __post_init__(self) -> None:
        counts = {"leaked": self.leaked, "labels": self.labels, "unsettled": self.unsettled}
        for name, count in (
            *counts.items(),
            *(
                pair
                for each in (self.by_attack, self.unsettled_by_attack, self.broken, self.refused)
                for pair in each.items()
            ),
        ):
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

    def left_open(self, attack: str = ALL) -> int:
        """How many items an attack may yet give back, or all together: the clock ended it before."""
        return self.unsettled if attack == ALL else self.unsettled_by_attack.get(attack, 0)

    def cut_words(self, attack: str = ALL) -> str:
        """What to say behind the count where the clock left some open; empty where it left none."""
        left = self.left_open(attack)
        return f" ({left} more cut short)" if left else ""

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
            "unsettled": self.unsettled,
            "unsettled_by_attack": dict(self.unsettled_by_attack),
            "broken": dict(self.broken),
            "refused": dict(self.refused),
            "words_right": self.words_right,
            "words_of": self.words_of,
            "cut": self.cut,
            "limits": {name: dict(one) for name, one in self.limits.items()},
            "seconds": self.seconds,
            "given": self.given,
        }

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> "Trial":
        """The trial that `to_dict` wrote down."""
        return cls(**{**values, "accuracies": tuple(values["accuracies"])})


def sweep_words(trials: Sequence[Trial]) -> tuple[str, ...]:
    """What the attacks of a sweep could do at each strength, the time that they had, and what the clock cut.

    Parameters
    ----------
    trials : sequence of Trial
        Of one sweep; none at all say nothing.
    """
    if not trials:
        return ()
    said = []
    limits = dict(trials[0].limits)
    if limits:
        work = "; ".join(
            f"{name.replace('_', ' ')} {', '.join(f'{value:,} {what}' for what, value in one.items())}"
            for name, one in limits.items()
        )
        few = (
            "" if len({one.records for one in trials}) == 1 else " (but that the last message is to be full)"
        )
        said.append(
            f"Every strength has the same records{few}, the same draws of noise and the same starts, and an "
            f"attempt may do as much and no more: {work}."
        )
    for name in dict.fromkeys(name for one in trials for name in one.broken):
        counts = ", ".join(
            f"{one.words} {one.broken[name]} of {one.records}" for one in trials if name in one.broken
        )
        said.append(
            f"The attack {name.replace('_', ' ')} broke off with an error on the messages of these records, "
            f"and tried nothing there: {counts}. Nothing is said to have ended it there."
        )
    spent, given = sum(one.seconds for one in trials), trials[0].given
    cut = sum(one.cut for one in trials)
    time = f"The attacks of the sweep took {spent:.1f} of {given:.0f} seconds"
    if not cut:
        return (*said, f"{time}; the clock ended none, so that one seed gives one sweep.")
    where = ", ".join(f"{one.words} {one.cut}" for one in trials if one.cut)
    return (
        *said,
        f"{time}; the clock ended {cut} attempts or left no time for them ({where}). What is cut short may "
        f"come back in another run, and nothing is said to have ended there. {MORE_TIME}",
    )
