"""A callable under examination: asked under its own copies, its answer checked for form, errors caught."""

import random
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import comb
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from nextlabel.testing.laws import Definition, Question

__all__ = [
    "Answer",
    "Asked",
    "Fault",
    "Pick",
    "asked_with",
    "global_states",
    "inadmissible",
    "quietly",
    "raised",
]

Pick = Callable[..., Any]
"""From ``batch``, ``seed``, ``labelled``, ``labels`` and one keyword for each signal to positions."""

Answer = tuple[int, ...]

_EVERY_BATCH = 5_000  # how many batches are tried to find the best one


@final
@dataclass(frozen=True)
class Fault:
    """What is wrong with an answer.

    Parameters
    ----------
    kind : str
        Of what sort; while an input is made smaller the sort must stay.
    says : str
        What was expected and what was seen.
    is_error : bool
        Whether an error was raised.
    """

    kind: str
    says: str
    is_error: bool = False


@final
@dataclass(frozen=True)
class Asked:
    """An implementation, called on copies, so that what one call spoils no other call sees.

    Parameters
    ----------
    pick : callable
        The implementation.
    """

    pick: Pick

    def __call__(self, question: Question, seed: int) -> Answer | Fault:
        """The picks; or what is wrong with their form, or the error raised."""
        try:
            picks = quietly(self.pick, asked_with(question, seed))
        except Exception as error:
            return raised(error)
        return _formed(picks, question)


def raised(error: Exception) -> Fault:
    """An error as a fault; its sort is its class and its words, but not the numbers in them."""
    says = f"it raised {type(error).__name__}: {_short(str(error))}"
    return Fault(re.sub(r"[0-9.]+", "", says), says, is_error=True)


def quietly(pick: Pick, call: Mapping[str, Any]) -> Any:
    """What a call answers, its warnings unheard."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pick(**call)


def asked_with(question: Question, seed: int, *, copied: bool = True) -> dict[str, Any]:
    """The keywords of a call; what a question leaves out is left out.

    Parameters
    ----------
    question : Question
        What is asked.
    seed : int
        Zero or larger.
    copied : bool
        Whether arrays are copies.

    Returns
    -------
    dict of str to Any
    """

    def own(array: Any) -> Any:
        return np.array(array) if copied else array

    call: dict[str, Any] = {"batch": question.batch, "seed": seed}
    if question.labelled is not None:
        call["labelled"] = {name: own(array) for name, array in question.labelled.items()}
    if question.labels is not None:
        call["labels"] = own(question.labels)
    return call | {name: own(array) for name, array in question.signals.items()}


def _formed(picks: Any, question: Question) -> Answer | Fault:
    try:
        found = np.asarray(picks)
    except ValueError as error:
        return Fault("form", f"expected {question.batch} positions; the answer is no array: {error}")
    whole = found.dtype.kind in "iu" or (found.dtype.kind == "f" and bool((found == np.floor(found)).all()))
    if found.ndim != 1 or not whole:
        return Fault(
            "form",
            f"expected {question.batch} whole numbers; received shape {found.shape} of type {found.dtype}",
        )
    answer = tuple(int(one) for one in found)
    if len(answer) != question.batch:
        return Fault("number", f"expected {question.batch} positions; received {len(answer)}: {answer}")
    if len(set(answer)) < len(answer):
        return Fault("repeated", f"a position came twice: {answer}")
    if not all(0 <= one < question.n for one in answer):
        return Fault("range", f"expected positions in 0..{question.n - 1}; received {answer}")
    return answer


def inadmissible(definition: Definition, question: Question, answer: Answer) -> Fault | None:
    """What is wrong with picks by the definition: a pick of no weight, or a batch worth too little.

    Parameters
    ----------
    definition : Definition
        What should be picked.
    question : Question
        What was asked.
    answer : tuple of int
        Distinct positions.

    Returns
    -------
    Fault or None
    """
    if definition.weights is None:
        return _too_little(definition, question, answer)
    for place, item in enumerate(answer):
        weights = np.asarray(definition.weights(question, list(answer[:place])), np.float64)
        if not weights[item] > 0.0:
            before = f" after {list(answer[:place])}" if place else ""
            return Fault(
                "inadmissible",
                f"pick {place + 1}{before} was item {item}; the definition admits "
                f"{_items(np.flatnonzero(weights > 0.0))}",
            )
    return None


def _too_little(definition: Definition, question: Question, answer: Answer) -> Fault | None:
    """Whether the batch is worth enough of the way from the worst to the best."""
    if definition.worth is None:
        return None
    if comb(question.n, question.batch) > _EVERY_BATCH:
        return None
    every, worths = _worths(definition, question)
    worst, best = worths[np.isfinite(worths)].min(), worths.max()
    reached = definition.worth(question, answer)
    least = worst + definition.share * (best - worst)
    if reached >= least - 1e-9 * max(1.0, abs(best)):
        return None
    return Fault(
        "worth",
        f"the batch {sorted(answer)} is worth {reached:.6g}; at least {least:.6g} is expected, and "
        f"{list(every[int(np.argmax(worths))])} is worth {best:.6g}",
    )


@lru_cache(maxsize=4)
def _worths(definition: Definition, question: Question) -> tuple[list[Answer], NDArray[np.float64]]:
    """Every batch and its worth; kept, since each of several seeds asks for them."""
    assert definition.worth is not None
    every = list(combinations(range(question.n), question.batch))
    return every, np.array([definition.worth(question, batch) for batch in every])


def global_states() -> tuple[Any, Any]:
    """The states of NumPy's and Python's global generators, comparable with ``==``."""
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002 - whether it is left alone is the question
    return (kind, bytes(np.asarray(keys).tobytes()), *rest), random.getstate()


def _items(positions: Any) -> str:
    listed = [int(one) for one in positions]
    shown = ", ".join(map(str, listed[:8]))
    return f"item {shown}" if len(listed) == 1 else f"items {shown}{' and more' if len(listed) > 8 else ''}"


def _short(text: str) -> str:
    first = " ".join(text.split())
    return first if len(first) <= 160 else first[:157] + "..."
