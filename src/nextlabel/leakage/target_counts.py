"""How many targets of a regression each attack gave back, and how probably guesses would."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import final

from nextlabel.core.rng import generator
from nextlabel.leakage.attempts import Attempt
from nextlabel.leakage.targets import TargetLaw
from nextlabel.leakage.verdicts import EXACT

__all__ = ["TargetCount", "targets_by_attack"]


@final
@dataclass(frozen=True)
class TargetCount:
    """What one attack made of the targets.

    Parameters
    ----------
    exact, of : int
        Targets that came back, of how many records of messages for which it claimed any.
    error : float, optional
        The median error, in units of their spread; None where no target was left for any record.
    chance : float
        How probably guesses would be exact so often, or more often.
    """

    exact: int
    of: int
    error: float | None
    chance: float


def targets_by_attack(
    law: TargetLaw | None, batch: int, attempts: Sequence[Attempt], seed: int = 0
) -> dict[str, TargetCount]:
    """What each attack that claims targets made of them.

    Parameters
    ----------
    law : TargetLaw, optional
        Of the targets; without it nothing is counted.
    batch : int
        Records in a message.
    attempts : sequence of Attempt
    seed : int
        Of the messages that are drawn where their law is too long to add up.

    Returns
    -------
    dict of str to TargetCount
        By attack, in the order in which they were tried.
    """
    found: dict[str, TargetCount] = {}
    if law is None:
        return found
    for name in dict.fromkeys(one.attack for one in attempts if one.targets):
        own = [one for one in attempts if one.attack == name and one.targets]
        errors = [score.relative for one in own for score in one.targets if score is not None]
        exact = sum(one.target_verdicts.count(EXACT) for one in own)
        of = sum(len(one.targets) for one in own)
        middle = median(one or 0.0 for one in errors) if errors else None
        claims = [one.said for one in own if one.said is not None]
        chance = law.chance_of(claims, exact, batch, generator(seed, 7))
        found[name] = TargetCount(exact, of, middle, chance)
    return found
