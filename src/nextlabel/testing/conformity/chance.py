"""Whether picks follow a law: exact binomial tests of each item after each beginning, level shared out."""

from collections import Counter
from math import perm
from typing import Any, final

import numpy as np

from nextlabel.testing.conformity.answers import Answer, Asked, Fault
from nextlabel.testing.laws import Definition, Question

__all__ = ["STAGES", "binomial_chance", "unlawful"]

STAGES = (16, 4, 1)
"""A law is looked at after a sixteenth, a quarter and all of the draws, each time at a third of the level."""


def unlawful(
    asked: Asked, definition: Definition, question: Question, *, level: float, draws: int, seed: int
) -> Fault | None:
    """How far the picks of many seeds are from the law of a definition, if they are.

    Parameters
    ----------
    asked : Asked
        The implementation.
    definition : Definition
        Its `weights` are the law.
    question : Question
        Small: a few items, and as many picks as are to be looked at.
    level : float
        The chance that a right implementation is refused is at most this.
    draws : int
        How many seeds are tried.
    seed : int
        The first of them.

    Returns
    -------
    Fault or None

    Notes
    -----
    Given how often picks began in one way, how often an item comes next is binomial. Its two tails are exact,
    and the level is divided by the number of all beginnings, items and looks (Bonferroni). An item of weight
    zero must not come at all.
    """
    law = _Law(definition, question)
    tests = len(STAGES) * sum(perm(question.n, place + 1) for place in range(question.batch))
    seen: Counter[Answer] = Counter()
    done = 0
    for stage in STAGES:
        for one in range(done, max(1, draws // stage)):
            answer = asked(question, seed + one)
            if isinstance(answer, Fault):
                return Fault(answer.kind, f"{answer.says} (seed {seed + one})")
            for place, item in enumerate(answer):
                if law.share(answer[:place], item) == 0.0:
                    return Fault("inadmissible", f"{_after(answer[:place])} {item} came, of weight zero")
                seen[answer[: place + 1]] += 1
            done = one + 1
        fault = _farthest(seen, law, done, level / tests)
        if fault is not None:
            return fault
    return None


@final
class _Law:
    """Shares of the next pick after each beginning, asked of the definition once."""

    def __init__(self, definition: Definition, question: Question) -> None:
        self._weights: Any = definition.weights
        self._question = question
        self._known: dict[Answer, Any] = {}

    def shares(self, beginning: Answer) -> Any:
        if beginning not in self._known:
            weights = np.asarray(self._weights(self._question, list(beginning)), np.float64)
            self._known[beginning] = weights / weights.sum()
        return self._known[beginning]

    def share(self, beginning: Answer, item: int) -> float:
        return float(self.shares(beginning)[item])


def _farthest(seen: "Counter[Answer]", law: _Law, draws: int, level: float) -> Fault | None:
    """The most improbable count, where it is below the level."""
    worst = (level, Answer(), 0, 0.0, 0)
    for beginning in [(), *seen]:
        total = seen[beginning] if beginning else draws
        if len(beginning) >= law_depth(seen):
            continue
        for item, share in enumerate(law.shares(beginning)):
            count = seen[(*beginning, item)]
            chance = binomial_chance(count, total, float(share))
            if chance < worst[0]:
                worst = (chance, beginning, item, float(share), count)
    chance, beginning, item, share, count = worst
    if chance >= level:
        return None
    total = seen[beginning] if beginning else draws
    return Fault(
        "law",
        f"{_after(beginning)} {item} came in {count} of {total} draws ({count / total:.1%}); the law says "
        f"{share:.1%} (chance {chance:.0e})",
    )


def law_depth(seen: "Counter[Answer]") -> int:
    """The number of picks in a whole answer."""
    return max(map(len, seen), default=0)


def _after(beginning: Answer) -> str:
    return f"as pick {len(beginning) + 1}{f' after {list(beginning)}' if beginning else ''} item"


def binomial_chance(count: int, trials: int, share: float) -> float:
    """Twice the smaller tail of a binomial law: the chance of a count so far from what is expected.

    Parameters
    ----------
    count, trials : int
        How often it came, of how many.
    share : float
        The probability of one trial.

    Returns
    -------
    float
        At most one; at most α with probability at most α.

    Examples
    --------
    >>> binomial_chance(5, 10, 0.5), round(binomial_chance(10, 10, 0.5), 6)
    (1.0, 0.001953)
    """
    from scipy.special import betainc

    if share <= 0.0 or share >= 1.0:
        return 1.0 if count == round(share) * trials else 0.0
    at_least = 1.0 if count == 0 else float(betainc(count, trials - count + 1, share))
    at_most = 1.0 if count == trials else float(betainc(trials - count, count + 1, 1.0 - share))
    return min(1.0, 2.0 * min(at_least, at_most))
