"""The promise that every registered class makes about its docstring."""

import doctest
import io
import sys
from inspect import cleandoc

from nextlabel.errors import BrokenPromise

__all__ = ["check_docstring", "sections", "weakness"]


def check_docstring(made: type) -> None:
    """A summary line, the cost in the Notes, References, and Examples that run.

    Parameters
    ----------
    made : type
        A class with a numpydoc docstring of its own.

    Raises
    ------
    BrokenPromise
        Something is missing, or an example does not run as shown.

    Examples
    --------
    >>> from nextlabel.core.registry import resolve
    >>> check_docstring(resolve("strategy", "random"))
    """
    text = cleandoc(vars(made).get("__doc__") or "")
    summary, _, rest = text.partition("\n")
    if not summary.endswith(".") or rest.partition("\n")[0]:
        message = (
            f"the docstring must begin with one sentence on a line of its own; it begins {text[:110]!r}."
        )
        raise BrokenPromise(message)
    found = sections(text)
    for name in ("Notes", "References", "Examples"):
        if name not in found:
            message = f"the docstring has no section {name}; it has {', '.join(found) or 'none'}."
            raise BrokenPromise(message)
    if "O(" not in found["Notes"]:
        raise BrokenPromise("the Notes must state the cost, for example 'Time O(n·c)'.")
    said = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    module = sys.modules[made.__module__]
    for test in doctest.DocTestFinder(recurse=False).find(made, made.__name__, module=module):
        runner.run(test, out=said.write)
    if runner.tries == 0:
        raise BrokenPromise("the Examples hold nothing that runs.")
    if runner.failures:
        raise BrokenPromise(f"an example does not run as shown:\n{said.getvalue()}")


def weakness(made: type) -> str:
    """The paragraph of a strategy's Notes that says where it fails, on one line.

    Parameters
    ----------
    made : type
        A class with a numpydoc docstring of its own.

    Raises
    ------
    BrokenPromise
        No paragraph of the Notes begins "Fails where" or "Fails when".

    Examples
    --------
    >>> from nextlabel.core.registry import resolve
    >>> weakness(resolve("strategy", "margin"))
    'Fails where the model is confidently wrong: regions far from its boundaries are never asked about.'
    """
    notes = sections(cleandoc(vars(made).get("__doc__") or "")).get("Notes", "")
    for paragraph in notes.split("\n\n"):
        line = " ".join(paragraph.split())
        if line.startswith(("Fails where ", "Fails when ")):
            return line
    message = (
        "the Notes must say where the method fails, in a paragraph of its own, for example 'Fails where the "
        "pool has outliers.'"
    )
    raise BrokenPromise(message)


def sections(docstring: str) -> dict[str, str]:
    """The numpydoc sections of a docstring, by title.

    Parameters
    ----------
    docstring : str
        Without common indentation.

    Examples
    --------
    >>> sections(chr(10).join(["Summary.", "", "Notes", "-----", "Time O(n)."]))
    {'Notes': 'Time O(n).'}
    """
    lines = docstring.splitlines()
    starts = [row for row, line in enumerate(lines[1:]) if line and set(line) == {"-"}]
    ends = [*starts, len(lines)][1:]
    return {
        lines[start]: "\n".join(lines[start + 2 : end]).strip()
        for start, end in zip(starts, ends, strict=True)
    }
