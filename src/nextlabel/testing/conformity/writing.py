"""Questions as calls that can be copied, and verdicts as a table."""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np

from nextlabel.testing.laws import Question

__all__ = ["as_call", "as_table"]

_SHOWN = 400  # numbers; larger arrays are described


def as_call(question: Question, seed: int) -> str:
    """The call that asks a question, as code.

    Parameters
    ----------
    question : Question
        What is asked.
    seed : int
        With which seed.

    Returns
    -------
    str
        One keyword a line; needs ``import numpy as np``.

    Examples
    --------
    >>> print(as_call(Question({"proba": np.array([[0.5, 0.5]])}, 1), 0))
    pick(
        batch=1,
        seed=0,
        proba=np.array([[0.5, 0.5]]),
    )
    """
    lines = [f"batch={question.batch}", f"seed={seed}"]
    if question.labelled is not None:
        seen = ", ".join(f"{name!r}: {_literal(array)}" for name, array in question.labelled.items())
        lines.append(f"labelled={{{seen}}}")
    if question.labels is not None:
        lines.append(f"labels={_literal(question.labels)}")
    lines += [f"{name}={_literal(array)}" for name, array in question.signals.items()]
    return "pick(\n" + "".join(f"    {line},\n" for line in lines) + ")"


def _literal(array: Any) -> str:
    array = np.asarray(array)
    if array.size > _SHOWN:
        return f"...  # {array.dtype}, shape {array.shape}"
    written = repr(array.tolist()).replace("nan", "np.nan").replace("inf", "np.inf")
    is_plain = array.dtype in (np.float64, np.int64) and array.size
    return f"np.array({written}{'' if is_plain else f', np.{array.dtype}'})"


def as_table(rows: Sequence[tuple[str, str, str]], *, width: int = 100) -> str:
    """Three columns, the last one wrapped.

    Parameters
    ----------
    rows : sequence of (str, str, str)
        The first is the heading.
    width : int
        Of a line, in characters.

    Returns
    -------
    str
    """
    first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
    margin = first + second + 4
    lines = []
    for one, two, three in rows:
        wrapped = textwrap.wrap(three, max(20, width - margin)) or [""]
        lines.append(f"{one:<{first}}  {two:<{second}}  {wrapped[0]}".rstrip())
        lines += [" " * margin + more for more in wrapped[1:]]
    return "\n".join(lines)
