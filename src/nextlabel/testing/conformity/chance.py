"""Whether picks follow a law: exact binomial tests of each item after each beginning, level shared out."""

from collections import Counter
from collections.abc import Sequence
from math import perm
from typing import Any, final

import numpy as np

from nextlabel.testing.conformity.answers import Answer, Asked, Fault
from nextlabel.testing.laws import Definition, Question

__all__ = ["STAGES", "at_most", "binomial_chance", "law_depth", "split_chance", "unequal", "unlawful"]

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


def unequal(
    asked: Asked,
    question: Question,
    turned: Question,
    order: Sequence[int],
    *,
    level: float,
    draws: int,
    seed: int,
) -> Fault | None:
    """How far the picks from rows in two orders are from one law, whatever it is.

    Parameters
    ----------
    asked : Asked
        The implementation.
    question, turned : Question
        The rows in their order, and in another.
    order : sequence of int
        Where each row of the other order stands in the first.
    level : float
        The chance that a right implementation is refused is at most this.
    draws : int
        How many seeds are tried for each, none for both.
    seed : int
        The first of them.

    Returns
    -------
    Fault or None

    Notes
    -----
    Of all picks that began in one way, the number that came from the first order is hypergeometric; its tails
    are exact, and the level is divided by the number of beginnings and looks (Bonferroni).
    """
    seen: tuple[Counter[Answer], Counter[Answer]] = (Counter(), Counter())
    tests = len(STAGES) * sum(perm(question.n, place + 1) for place in range(question.batch))
    done = 0
    for stage in STAGES:
        until = max(1, draws // stage)
        for k in range(done, until):
            straight, back = asked(question, seed + k), asked(turned, seed + draws + k)
            if isinstance(straight, Fault) or isinstance(back, Fault):
                return straight if isinstance(straight, Fault) else back if isinstance(back, Fault) else None
            for which, answer in enumerate((straight, tuple(int(order[item]) for item in back))):
                for place in range(len(answer)):
                    seen[which][answer[: place + 1]] += 1
        done = until
        fault = _most_unequal(seen, done, order, level / tests)
        if fault is not None:
            return fault
    return None


def _most_unequal(
    seen: "tuple[Counter[Answer], Counter[Answer]]", draws: int, order: Sequence[int], level: float
) -> Fault | None:
    """The most improbable pair of counts, where it is below the level."""
    every = sorted({*seen[0], *seen[1]})
    chance, picks = min((split_chance(seen[0][picks], seen[1][picks], draws), picks) for picks in every)
    if chance >= level:
        return None
    return Fault(
        "permuted",
        f"picks began with {list(picks)} in {seen[0][picks]} of {draws} draws, and in {seen[1][picks]} with "
        f"the rows in the order {list(order)} (chance {_small(chance)})",
    )


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
        f"{share:.1%} (chance {_small(chance)})",
    )


def law_depth(seen: "Counter[Answer]") -> int:
    """The number of picks in a whole answer."""
    return max(map(len, seen), default=0)


def _after(beginning: Answer) -> str:
    return f"as pick {len(beginning) + 1}{f' after {list(beginning)}' if beginning else ''} item"


def _small(chance: float) -> str:
    return f"{chance:.0e}" if chance > 0.0 else "below 1e-300"


def split_chance(one: int, other: int, draws: int) -> float:
    """Twice the smaller tail of a hypergeometric law: the chance of so unequal counts in as many draws.

    Parameters
    ----------
    one, other : int
        How often it came.
    draws : int
        Of how many, each.

    Returns
    -------
    float
        At most one; at most α with probability at most α.

    Examples
    --------
    >>> split_chance(5, 5, 10), round(split_chance(0, 4, 4), 6)
    (1.0, 0.028571)
    """
    from scipy.special import gammaln

    total = one + other
    least, most = max(0, total - draws), min(total, draws)
    count = np.arange(least, most + 1)
    ways = -(gammaln(count + 1) + gammaln(draws - count + 1))
    ways += ways[::-1]
    shares = np.exp(ways - ways.max())
    shares /= shares.sum()
    place = one - least
    return float(min(1.0, 2.0 * min(shares[: place + 1].sum(), shares[place:].sum())))


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
    return min(1.0, 2.0 * min(at_least, at_most(count, trials, share)))


def at_most(count: int, trials: int, share: float) -> float:
    """The lower tail of a binomial law with a share between zero and one.

    Parameters
    ----------
    count, trials : int
        How often it came at most, of how many.
    share : float
        The probability of one trial.

    Returns
    -------
    float

    Examples
    --------
    >>> at_most(0, 2, 0.5), at_most(2, 2, 0.5)
    (0.25, 1.0)
    """
    from scipy.special import betainc

    return 1.0 if count == trials else float(betainc(trials - count, count + 1, 1.0 - share))
