"""Promises about pools that are hard: repeated rows, nothing left, equal items, probabilities of 0 and 1."""

from nextlabel.testing.conformity import questions as ask
from nextlabel.testing.conformity.answers import Fault
from nextlabel.testing.conformity.examination import SEEDS, Broken, Examination, Found, Kept, NotAsked
from nextlabel.testing.conformity.shrinking import shortened

__all__ = ["duplicates", "exhaustion", "ties", "zeros_and_ones"]

_TIED_ITEMS, _TIED_SEEDS = 4, 64  # a right one misses an item with probability 4 · (3/4)⁶⁴ < 5e-8


def duplicates(exam: Examination) -> Found:
    """Repeated rows are picked as the definition says, and never the same position twice."""
    first = exam.questions[0]
    pools = [ask.repeated(first, first.batch + 1), ask.identical(first, 5, 3)]
    broken = exam.first_wrong(pools, SEEDS, by_definition=exam.is_general)
    return broken or Kept("every row twice, and equal rows")


def exhaustion(exam: Examination) -> Found:
    """The whole pool, a pool of one, and more picks than distinct rows are answered."""
    first = exam.questions[0]
    pools = [
        ask.with_batch(first, first.n),
        ask.rows(first, [0], 1),
        ask.repeated(ask.rows(first, [0, 1], 1), 3),
        ask.identical(first, 4, 4),
    ]
    broken = exam.first_wrong(pools, by_definition=exam.is_general)
    return broken or Kept("batch = n, n = 1, and beyond the distinct rows")


def ties(exam: Examination) -> Found:
    """Of equal items each comes first for some seed."""
    pool = shortened(ask.identical(exam.questions[0], _TIED_ITEMS, 1))
    seen: set[int] = set()
    for seed in range(exam.seed, exam.seed + _TIED_SEEDS):
        answer = exam.answer(pool, seed)
        if isinstance(answer, Fault):
            return Broken(answer.says, pool, seed)
        seen.update(answer)
        if len(seen) == pool.n:
            return Kept(f"{_TIED_ITEMS} equal items")
    never = sorted(set(range(pool.n)) - seen)
    return Broken(
        f"of {pool.n} equal items, those at {never} never came first in {_TIED_SEEDS} seeds", pool, exam.seed
    )


def zeros_and_ones(exam: Examination) -> Found:
    """Probabilities of exactly 0 and 1 are numbers like all others."""
    asked = [ask.of_zeros_and_ones(question) for question in exam.plain]
    pools = [ask.with_batch(question, question.n) for question in asked if question is not None]
    if not pools:
        return NotAsked("reads no probabilities")
    return exam.first_wrong(pools, by_definition=exam.is_general) or Kept("certain rows, impossible classes")
