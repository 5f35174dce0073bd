"""Promises whatever is picked: form, seeds, precision, memory, arrays left alone, bad values refused."""

from collections.abc import Callable, Iterator

import numpy as np

from nextlabel.testing.conformity import questions as ask
from nextlabel.testing.conformity.answers import Fault, asked_with, global_states, quietly, raised
from nextlabel.testing.conformity.examination import SEEDS, Broken, Examination, Found, Kept, NotAsked
from nextlabel.testing.laws import Question

__all__ = ["distinct", "inputs", "memory", "precision", "refusals", "seed"]

_PRECISIONS, _PRECISION_POOL = 8, (16, 8)


def distinct(exam: Examination) -> Found:
    """As many positions as asked for, whole numbers within the pool, none twice."""
    first, last = exam.questions[0], exam.questions[-1]
    sizes = [ask.with_batch(last, batch) for batch in sorted({1, (last.n + 1) // 2, last.n})]
    return exam.first_wrong([first, *sizes], SEEDS, by_definition=False) or Kept(f"pools of up to {last.n}")


def seed(exam: Examination) -> Found:
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
        fault = answers[0] if isinstance(answers[0], Fault) else None
        return fault if fault is not None and fault.is_error else None
    said = dict.fromkeys(one.says if isinstance(one, Fault) else str(one) for one in answers)
    return Fault("unsettled", f"one seed gave {' and '.join(said)}")


def precision(exam: Examination) -> Found:
    """Equal values in float32 and in float64 give the same batch, but for near ties; features up to 10¹⁹."""
    pools = list(_varied(exam))
    if any(_is_unsettled(exam, pool) for pool in pools):
        return NotAsked("equal seeds give unequal picks, see seed")

    def look(question: Question) -> Fault | None:
        single = ask.cast(question, np.float32)
        one, other = exam.answer(single), exam.answer(ask.cast(single, np.float64))
        for answer in (one, other):
            if isinstance(answer, Fault):
                return answer if answer.is_error else None  # its form is another promise
        return None if one == other else Fault("precision", f"float32 gave {one}, float64 gave {other}")

    # rounding may turn a near tie round; of several pools hardly ever two
    faults = [(pool, fault) for pool in pools[: _PRECISIONS // 2] if (fault := look(pool)) is not None]
    if faults:
        more = [(pool, fault) for pool in pools[_PRECISIONS // 2 :] if (fault := look(pool)) is not None]
        if len(faults) + len(more) > 1:
            return exam.broken(faults[0][0], look, faults[0][1])
    return Kept("float32 as float64")


def _is_unsettled(exam: Examination, question: Question) -> bool:
    """Whether asked twice it picks differently."""
    one, other = exam.answer(question), exam.answer(question)
    return not isinstance(one, Fault) and not isinstance(other, Fault) and one != other


def _varied(exam: Examination) -> Iterator[Question]:
    """Questions of other seeds; for scale-free methods, every second with features that are hard."""
    for place in range(_PRECISIONS):
        if exam.definition.questions is None:
            n, batch = _PRECISION_POOL
            pool = ask.example(exam.definition, n=n, batch=batch, seed=exam.seed + 100 + place)
        else:
            pools = ask.questions(exam.definition, exam.seed + 100 + place // 2)
            pool = pools[-1 - place % min(2, len(pools))]
        yield ask.hard(pool)[place // 2 % 2] if exam.definition.is_scale_free and place % 2 else pool


def memory(exam: Examination) -> Found:
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
        quietly(exam.pick, call)
        used = tracemalloc.get_traced_memory()[1] - before
    except Exception as error:
        return Broken(raised(error).says, None, exam.seed)
    finally:
        tracemalloc.stop()
    shape = ", ".join(f"{letter} = {size}" for letter, size in ask.sizes_of(question).items())
    says = f"{used / 1e6:.1f} MB used of {declared / 1e6:.1f} MB declared ({shape})"
    return Kept(says) if used <= declared else Broken(says, None, exam.seed)


def inputs(exam: Examination) -> Found:
    """The arrays given are left as they were."""

    def look(question: Question) -> Fault | None:
        call = asked_with(question, exam.seed)
        given = {**question.signals, **{f"labelled[{k!r}]": v for k, v in (question.labelled or {}).items()}}
        own = {**call, **{f"labelled[{k!r}]": v for k, v in call.get("labelled", {}).items()}}
        try:
            quietly(exam.pick, call)
        except Exception as error:
            return raised(error)
        for name, array in given.items():
            if not np.array_equal(array, own[name]):
                return Fault("written", f"it wrote into {name}")
        return None

    for question in exam.questions:
        fault = look(question)
        if fault is not None:
            return exam.broken(question, look, fault)
    return Kept("left as they were")


def refusals(exam: Examination) -> Found:
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
    broken = exam.broken(question, look, fault)
    shown = None if broken.question is None else ask.spoilt(broken.question, name, bad)
    return Broken(broken.says, shown, broken.seed)
