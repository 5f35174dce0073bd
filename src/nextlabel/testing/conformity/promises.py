"""What is promised of every implementation, each a function from an examination to what it found."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import final

import numpy as np

from nextlabel.testing.conformity import questions as ask
from nextlabel.testing.conformity.answers import (
    Answer,
    Asked,
    Fault,
    Pick,
    asked_with,
    global_states,
    inadmissible,
)
from nextlabel.testing.conformity.chance import unlawful
from nextlabel.testing.conformity.shrinking import Look, shortened, smallest
from nextlabel.testing.laws import Definition, Question, Sizes

__all__ = ["PROMISES", "Broken", "Examination", "Kept", "NotAsked"]

_LAW_LEVEL = 2e-7
_TIED_ITEMS, _TIED_SEEDS = 4, 64  # a right one misses an item with probability 4 · (3/4)⁶⁴ < 5e-8
_PRECISIONS = 8
_SEEDS = 3


@final
@dataclass(frozen=True)
class Kept:
    """A promise that no input broke."""

    says: str


@final
@dataclass(frozen=True)
class NotAsked:
    """A promise that does not concern the method, or cannot be tested."""

    says: str


@final
@dataclass(frozen=True)
class Broken:
    """A broken promise, with the smallest input found that shows it."""

    says: str
    question: Question | None = None
    seed: int = 0


Found = Kept | NotAsked | Broken


@final
@dataclass(frozen=True)
class Examination:
    """One implementation held against one definition.

    Parameters
    ----------
    pick : callable
        The implementation.
    definition : Definition
        What it should do.
    seed : int
        Chooses the inputs.
    draws : int
        How many seeds are tried for a law.
    memory : callable, optional
        The bytes declared, from sizes.
    """

    pick: Pick
    definition: Definition
    seed: int
    draws: int
    memory: Callable[[Sizes], float] | None
    questions: list[Question] = field(init=False)
    follows: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "questions", ask.questions(self.definition, self.seed))
        object.__setattr__(self, "follows", self._follows())

    def _follows(self) -> bool:
        """Whether plain questions are answered by the definition; if not, harder ones ask for form alone."""
        pairs = [(question, self.seed + place) for question in self.questions for place in range(_SEEDS)]
        return all(self.wrong(question, seed) is None for question, seed in pairs)

    @property
    def asked(self) -> Asked:
        """The implementation, errors caught."""
        return Asked(self.pick)

    @property
    def is_general(self) -> bool:
        """Whether harder questions are held against the definition too.

        Not where it answers its own questions alone, nor where plain ones are answered wrongly already.
        """
        return self.definition.questions is None and self.follows

    def answer(self, question: Question, seed: int | None = None) -> Answer | Fault:
        """The picks, or what is wrong with their form."""
        return self.asked(question, self.seed if seed is None else seed)

    def wrong(self, question: Question, seed: int, *, by_definition: bool = True) -> Fault | None:
        """What is wrong with the answer to a question: its form, or its picks by the definition."""
        answer = self.answer(question, seed)
        if isinstance(answer, Fault):
            return answer
        return inadmissible(self.definition, question, answer) if by_definition else None

    def broken(self, question: Question, look: Look, fault: Fault, seed: int | None = None) -> Broken:
        """The fault, at the smallest input that shows it."""
        question, fault = smallest(question, look, fault)
        return Broken(fault.says, question, self.seed if seed is None else seed)

    def first_wrong(
        self, questions: "list[Question]", seeds: int = 1, *, by_definition: bool = True
    ) -> Broken | None:
        """The first question that is answered wrongly, made smaller."""
        for question in questions:
            for seed in range(self.seed, self.seed + seeds):

                def look(one: Question, seed: int = seed) -> Fault | None:
                    return self.wrong(one, seed, by_definition=by_definition)

                fault = look(question)
                if fault is not None:
                    return self.broken(question, look, fault, seed)
        return None


Check = Callable[[Examination], Found]
_CHECKS: dict[str, Check] = {}

PROMISES: Mapping[str, Check] = MappingProxyType(_CHECKS)
"""Every promise by its name, in the order of the table."""


def _enter(function: Check) -> Check:
    _CHECKS[function.__name__.strip("_")] = function
    return function


@_enter
def _law(exam: Examination) -> Found:
    """The picks of many seeds are distributed as the definition says."""
    if not exam.definition.is_law or exam.definition.weights is None or _is_certain(exam):
        return NotAsked("not a matter of chance, see 'sequence'")
    for question in exam.questions[:2]:
        fault = unlawful(
            exam.asked, exam.definition, question, level=_LAW_LEVEL, draws=exam.draws, seed=exam.seed
        )
        if fault is not None:
            return Broken(fault.says, question, exam.seed)
    return Kept(f"{exam.draws} draws of {_pools(len(exam.questions[:2]))}")


@_enter
def _sequence(exam: Examination) -> Found:
    """Every pick is one that the definition admits at its place."""
    if exam.definition.weights is None:
        return NotAsked("whole batches count, see 'worth'")
    return exam.first_wrong(exam.questions, _SEEDS) or Kept(_pools(len(exam.questions)))


@_enter
def _worth(exam: Examination) -> Found:
    """The batch is worth as much of the best one as the method promises."""
    if exam.definition.worth is None:
        return NotAsked("single picks count, see 'law' and 'sequence'")
    return exam.first_wrong(exam.questions, _SEEDS) or Kept(_pools(len(exam.questions)))


@_enter
def _distinct(exam: Examination) -> Found:
    """As many positions as asked for, whole numbers within the pool, none twice."""
    first, last = exam.questions[0], exam.questions[-1]
    sizes = [ask.with_batch(last, batch) for batch in {1, (last.n + 1) // 2, last.n - 1} if batch >= 1]
    return exam.first_wrong([first, *sizes], _SEEDS, by_definition=False) or Kept(f"pools of up to {last.n}")


@_enter
def _duplicates(exam: Examination) -> Found:
    """Repeated rows are picked as the definition says, and never the same position twice."""
    first = exam.questions[0]
    pools = [ask.repeated(first, first.batch + 1), ask.identical(first, 5, 3)]
    broken = exam.first_wrong(pools, _SEEDS, by_definition=exam.is_general)
    return broken or Kept("every row twice, and equal rows")


@_enter
def _exhaustion(exam: Examination) -> Found:
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


@_enter
def _ties(exam: Examination) -> Found:
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


@_enter
def _seed(exam: Examination) -> Found:
    """Equal seeds give equal picks whatever the global random states are, which are left alone."""
    last = exam.questions[-1]
    pools = [last, ask.identical(last, last.n, last.batch)]

    def look(question: Question) -> Fault | None:
        return _unsettled(exam, question)

    for question in pools:
        fault = look(question)
        if fault is not None:
            return exam.broken(question, look, fault)
    return Kept("twice the same, from any global state")


def _unsettled(exam: Examination, question: Question) -> Fault | None:
    kept = np.random.get_state()  # noqa: NPY002 - implementations of others may read it
    try:
        answers = []
        for state in (1, 2, 3):
            np.random.seed(state)  # noqa: NPY002 - the same
            before = global_states()
            answers.append(exam.answer(question))
            if global_states() != before:
                return Fault("global", "it changed the global random state of NumPy or Python")
    finally:
        np.random.set_state(kept)  # noqa: NPY002 - the same
    if answers[0] == answers[1] == answers[2]:
        return answers[0] if isinstance(answers[0], Fault) else None
    return Fault("unsettled", f"one seed gave {' and '.join(map(str, dict.fromkeys(answers)))}")


@_enter
def _permutation(exam: Examination) -> Found:
    """In another order of the rows the same items are picked, or drawn by the same law."""
    if exam.definition.weights is not None and exam.definition.is_law and not _is_certain(exam):
        question = _turned(exam.questions[0])
        fault = unlawful(
            exam.asked, exam.definition, question, level=_LAW_LEVEL / 2, draws=exam.draws, seed=exam.seed
        )
        return Broken(fault.says, question, exam.seed) if fault else Kept("the law on rows in another order")
    return _permuted_picks(exam)


def _permuted_picks(exam: Examination) -> Found:
    certain = [one for one in exam.questions if ask.has_one_answer(exam.definition, one) is not None]
    if not certain:
        turned = [_turned(one) for one in exam.questions]
        return exam.first_wrong(turned) or Kept("rows in another order")

    def look(question: Question) -> Fault | None:
        straight, turned = exam.answer(question), exam.answer(_turned(question))
        if isinstance(straight, Fault) or isinstance(turned, Fault):
            return straight if isinstance(straight, Fault) else turned if isinstance(turned, Fault) else None
        order = _order(question.n)
        back = tuple(int(order[one]) for one in turned)
        if straight == back or ask.has_one_answer(exam.definition, question) is None:
            return None
        return Fault("permuted", f"{list(straight)} became {list(back)} with the rows in the order {order}")

    for question in certain:
        fault = look(question)
        if fault is not None:
            return exam.broken(question, look, fault)
    return Kept(f"{_pools(len(certain))}, rows in another order")


@_enter
def _precision(exam: Examination) -> Found:
    """Equal values in float32 and in float64 give the same batch, but for near ties."""
    pools = list(_varied(exam))

    def look(question: Question) -> Fault | None:
        single = ask.cast(question, np.float32)
        one, other = exam.answer(single), exam.answer(ask.cast(single, np.float64))
        if isinstance(one, Fault) or isinstance(other, Fault):
            fault = one if isinstance(one, Fault) else other
            return fault if isinstance(fault, Fault) else None
        return (
            None if one == other else Fault("precision", f"float32 gave {list(one)}, float64 {list(other)}")
        )

    # rounding may turn a near tie round; of several pools hardly ever two
    faults = [(pool, fault) for pool in pools[: _PRECISIONS // 2] if (fault := look(pool)) is not None]
    if faults:
        more = [(pool, fault) for pool in pools[_PRECISIONS // 2 :] if (fault := look(pool)) is not None]
        if len(faults) + len(more) > 1:
            return exam.broken(faults[0][0], look, faults[0][1])
    return Kept("float32 as float64")


def _varied(exam: Examination) -> Iterator[Question]:
    """Questions of other seeds; for scale-free methods, every second with features that are hard."""
    for place in range(_PRECISIONS):
        pools = ask.questions(exam.definition, exam.seed + 100 * (place // 2))
        pool = pools[-1 - place % min(2, len(pools))]
        if exam.definition.is_scale_free:
            yield ask.hard(pool)[place % 2]
        else:
            yield pool


@_enter
def _zeros_and_ones(exam: Examination) -> Found:
    """Probabilities of exactly 0 and 1 are numbers like all others."""
    asked = [ask.of_zeros_and_ones(question) for question in exam.questions]
    pools = [ask.with_batch(question, question.n) for question in asked if question is not None]
    if not pools:
        return NotAsked("reads no probabilities")
    return exam.first_wrong(pools, by_definition=exam.is_general) or Kept("certain rows, impossible classes")


@_enter
def _memory(exam: Examination) -> Found:
    """The peak beside the inputs stays within what is declared."""
    if exam.memory is None:
        return NotAsked("not declared")
    import tracemalloc

    sizes = exam.definition.moderate
    n, c, m, d = (sizes[letter] for letter in "ncmd")
    question = ask.example(
        exam.definition, n=n, batch=sizes["b"], seed=exam.seed, c=c, m=m, d=d, rows_labelled=sizes["l"]
    )
    first = exam.answer(exam.questions[0])  # what is loaded or compiled once is not counted
    if isinstance(first, Fault):
        return Broken(first.says, exam.questions[0], exam.seed)
    call = asked_with(question, exam.seed)
    declared = exam.memory(ask.sizes_of(question))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        exam.pick(**call)
        used = tracemalloc.get_traced_memory()[1] - before
    except Exception as error:
        return Broken(f"it raised {type(error).__name__}: {error}", None, exam.seed)
    finally:
        tracemalloc.stop()
    shape = ", ".join(f"{letter} = {size}" for letter, size in ask.sizes_of(question).items())
    says = f"{used / 1e6:.1f} MB used of {declared / 1e6:.1f} MB declared ({shape})"
    return Kept(says) if used <= declared else Broken(says, None, exam.seed)


@_enter
def _inputs(exam: Examination) -> Found:
    """The arrays given are left as they were."""

    def look(question: Question) -> Fault | None:
        call = asked_with(question, exam.seed)
        given = {**question.signals, **{f"labelled[{k!r}]": v for k, v in (question.labelled or {}).items()}}
        own = {**call, **{f"labelled[{k!r}]": v for k, v in call.get("labelled", {}).items()}}
        try:
            exam.pick(**call)
        except Exception as error:
            return Fault("raised", f"it raised {type(error).__name__}: {error}")
        for name, array in given.items():
            if not np.array_equal(array, own[name]):
                return Fault("written", f"it wrote into {name}")
        return None

    for question in exam.questions:
        fault = look(question)
        if fault is not None:
            return exam.broken(question, look, fault)
    return Kept("left as they were")


@_enter
def _refusals(exam: Examination) -> Found:
    """NaN is refused by an error, not silently picked or passed over."""
    names = sorted(exam.definition.needs)
    if not names:
        return NotAsked("reads no signal")

    def accepted(question: Question, name: str, bad: float) -> Fault | None:
        answer = exam.answer(ask.spoilt(question, name, bad))
        if isinstance(answer, Fault):
            return None
        return Fault("accepted", f"{name!r} held {bad} in its last row, and {list(answer)} was answered")

    question = exam.questions[-1]
    for name in names:
        for bad in (np.nan, np.inf):
            fault = accepted(question, name, bad)
            if fault is not None:
                return _unrefused(exam, question, name, bad, accepted)
    return Kept(f"NaN and infinity in {', '.join(names)}")


def _unrefused(
    exam: Examination,
    question: Question,
    name: str,
    bad: float,
    accepted: Callable[[Question, str, float], Fault | None],
) -> Broken:
    def look(one: Question) -> Fault | None:
        return accepted(one, name, bad)

    fault = look(question)
    assert fault is not None  # it has been seen
    question, fault = smallest(question, look, fault)
    return Broken(fault.says, ask.spoilt(question, name, bad), exam.seed)


def _is_certain(exam: Examination) -> bool:
    """Whether the definition leaves no choice on the first questions."""
    return all(ask.has_one_answer(exam.definition, one) is not None for one in exam.questions[:2])


def _pools(count: int) -> str:
    return f"{count} small pool{'s' * (count > 1)}"


def _order(n: int) -> list[int]:
    """An order in which no item keeps its place, as far as it can be."""
    return [*range(1, n, 2), *range(0, n, 2)][::-1] if n > 2 else list(range(n))[::-1]


def _turned(question: Question) -> Question:
    return ask.rows(question, _order(question.n))
