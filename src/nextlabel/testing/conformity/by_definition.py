"""Promises about which items are picked: law, sequence, worth, and the same in another order of the rows."""

from nextlabel.testing.conformity import questions as ask
from nextlabel.testing.conformity.answers import Fault
from nextlabel.testing.conformity.chance import at_most, unequal, unlawful
from nextlabel.testing.conformity.examination import SEEDS, Broken, Examination, Found, Kept, NotAsked
from nextlabel.testing.conformity.shrinking import Look, shortened, smallest
from nextlabel.testing.laws import Question

__all__ = ["law", "permutation", "sequence", "worth"]

_LAW_LEVEL = 2e-7
_MANY, _OFTEN_LEVEL = 24, 1e-8
_LAW_TRIES = 6  # smaller pools that are tried for a broken law, each for all draws at worst


def law(exam: Examination) -> Found:
    """The picks of many seeds are distributed as the definition says."""
    if not exam.definition.is_law or exam.definition.weights is None or _is_certain(exam):
        return NotAsked("not a matter of chance, see 'sequence'")
    for question in exam.questions[:2]:
        fault = _beside_law(exam, question)
        if fault is not None:
            return _lawless(exam, question, fault, lambda one: _beside_law(exam, one))
    return Kept(f"{exam.draws} draws of {_pools(len(exam.questions[:2]))}")


def _beside_law(exam: Examination, question: Question) -> Fault | None:
    level, draws = _LAW_LEVEL, exam.draws
    return unlawful(exam.asked, exam.definition, question, level=level, draws=draws, seed=exam.seed)


def _lawless(exam: Examination, question: Question, fault: Fault, look: Look) -> Broken:
    """The fault at a smaller pool, with fewer digits, where it shows there too."""
    if exam.definition.questions is not None:
        return Broken(fault.says, question, exam.seed)
    question, fault = _in_short(question, look, fault)
    question, fault = smallest(question, look, fault, tries=_LAW_TRIES)
    question, fault = _in_short(question, look, fault)
    return Broken(fault.says, question, exam.seed)


def _in_short(question: Question, look: Look, fault: Fault) -> tuple[Question, Fault]:
    for digits in (1, 2):
        short = shortened(question, digits)
        found = look(short)
        if found is not None and found.kind == fault.kind:
            return short, found
    return question, fault


def sequence(exam: Examination) -> Found:
    """Every pick is one that the definition admits at its place."""
    if exam.definition.weights is None:
        return NotAsked("whole batches count, see 'worth'")
    if exam.definition.often < 1.0:
        return _often(exam, exam.questions)
    return exam.first_wrong(exam.questions, SEEDS) or Kept(_pools(len(exam.questions)))


def _often(exam: Examination, questions: list[Question]) -> Found:
    """Whether picks of each pool are admissible for as many seeds as the definition asks."""
    for question in questions:
        faults = [fault for k in range(_MANY) if (fault := exam.wrong(question, exam.seed + k)) is not None]
        amiss = [fault for fault in faults if fault.kind != "inadmissible"]
        if amiss:
            return Broken(amiss[0].says, question, exam.seed)
        chance = at_most(_MANY - len(faults), _MANY, exam.definition.often)
        if chance < _OFTEN_LEVEL:
            says = f"{len(faults)} of {_MANY} seeds were wrong, as in: {faults[0].says} (chance {chance:.0e})"
            return Broken(says, question, exam.seed)
    return Kept(
        f"{_pools(len(questions))}, {_MANY} seeds each, of which {exam.definition.often:.0%} are asked"
    )


def worth(exam: Examination) -> Found:
    """The batch is worth as much of the best one as the method promises."""
    if exam.definition.worth is None:
        return NotAsked("single picks count, see 'law' and 'sequence'")
    return exam.first_wrong(exam.questions, SEEDS) or Kept(_pools(len(exam.questions)))


def permutation(exam: Examination) -> Found:
    """In another order of the rows the same items are picked, or drawn by the same law."""
    if exam.definition.weights is not None and exam.definition.is_law and not _is_certain(exam):
        fault = _unlike(exam, exam.questions[0])
        if fault is not None:
            return _lawless(exam, exam.questions[0], fault, lambda one: _unlike(exam, one))
        return Kept("as often, rows in another order")
    if exam.definition.often < 1.0:
        return _often(exam, [_turned(question) for question in exam.questions])
    return _permuted_picks(exam)


def _unlike(exam: Examination, question: Question) -> Fault | None:
    order, half = _order(question.n), exam.draws // 2
    turned = ask.rows(question, order)
    return unequal(exam.asked, question, turned, order, level=_LAW_LEVEL / 2, draws=half, seed=exam.seed)


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
