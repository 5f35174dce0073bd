"""What an answer looks like: one class out of several, or any number of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, final

import numpy as np

from nextlabel.errors import LabelError, ParameterError
from nextlabel.maths.axes import Labels

__all__ = ["NONE", "SEPARATOR", "Label", "Task", "classes", "multilabel"]

Label = str | tuple[str, ...]
"""One class; or, of a task with several classes an item, those that apply: in the task's order, each once."""

NONE = "(none)"
"""How a cell says that none of the classes apply, which an empty cell does not say."""

SEPARATOR = ";"
"""What stands between several classes in a cell."""


@final
@dataclass(frozen=True)
class Task:
    """One class out of several, or any number of several.

    Parameters
    ----------
    kind : str
        ``"class"``: one class an item; a label is its name. ``"classes"``: any number of them, none too; a
        label is a tuple of names.
    classes : tuple of str
        The names, at least one, all different; a class index is a position in this tuple.

    Raises
    ------
    ParameterError
        Another kind, no classes, or a name twice. Of ``"classes"``: a name that could not be told from
        others in a cell, since it is empty, holds a semicolon, begins or ends with a space, or is
        ``(none)``.
    """

    kind: Literal["class", "classes"]
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.kind not in ("class", "classes"):
            message = (
                f"A task's kind must be 'class' or 'classes'; received {self.kind!r}. Use "
                "nextlabel.classes for one class an item, nextlabel.multilabel for any number."
            )
            raise ParameterError(message)
        if not self.classes or len(set(self.classes)) < len(self.classes):
            message = (
                f"A task needs at least one class and every name once; received {list(self.classes)}. "
                "Give for example classes('cat', 'dog')."
            )
            raise ParameterError(message)
        if self.is_several and (unfit := [name for name in self.classes if not _is_plain(name)]):
            message = (
                f"Classes that stand together in a cell must be names without {SEPARATOR!r}, without spaces "
                f"around them, and other than {NONE!r}; received {', '.join(map(repr, unfit))}. Rename them."
            )
            raise ParameterError(message)

    @property
    def is_several(self) -> bool:
        """Whether a label holds any number of classes."""
        return self.kind == "classes"

    @property
    def wanted(self) -> str:
        """What a label must be, in words.

        Examples
        --------
        >>> classes("cat", "dog").wanted
        'one of cat, dog'
        """
        names = ", ".join(self.classes)
        return (
            f"a list of classes out of {names}, empty where none applies"
            if self.is_several
            else (f"one of {names}")
        )

    @cached_property
    def index(self) -> Mapping[str, int]:
        """From the name of a class to its position."""
        return {name: position for position, name in enumerate(self.classes)}

    def check(self, label: Any) -> Label:
        """The label as it is kept; as JSON, a text or a list of texts.

        Parameters
        ----------
        label : str; or list, tuple or set of str
            The name of a class; for several classes an item, the names of those that apply, in any order.

        Raises
        ------
        LabelError
            The label is not one of the classes, or not a list of them.

        Examples
        --------
        >>> multilabel("cat", "dog", "bird").check({"bird", "cat"})
        ('cat', 'bird')
        """
        if not self.is_several:
            if not isinstance(label, str) or label not in self.index:
                message = f"A label must be {self.wanted}; received {label!r}. Use one of these names."
                raise LabelError(message)
            return label
        if not _is_list(label) or not all(isinstance(one, str) and one in self.index for one in label):
            message = (
                f"A label must be {self.wanted}; received {label!r}. Give for example {[self.classes[0]]}."
            )
            raise LabelError(message)
        return self.ordered(label)

    def ordered(self, names: Iterable[str]) -> tuple[str, ...]:
        """Names of classes in the task's order, each once."""
        return tuple(sorted(set(names), key=self.index.__getitem__))

    def encode(self, labels: Iterable[Any]) -> Labels:
        """Labels as numbers.

        Parameters
        ----------
        labels : iterable of labels

        Returns
        -------
        array of int64, axes (n,) or (n, c)
            Class indices; for several classes an item, 1 where a class applies and 0 elsewhere.

        Raises
        ------
        LabelError
            A label is not of this task.

        Examples
        --------
        >>> classes("cat", "dog").encode(["dog", "cat"]).tolist()
        [1, 0]
        >>> multilabel("cat", "dog").encode([["dog"], []]).tolist()
        [[0, 1], [0, 0]]
        """
        if not self.is_several:
            return np.array([self.index[str(self.check(label))] for label in labels], dtype=np.int64)
        rows = [self.check(label) for label in labels]
        encoded = np.zeros((len(rows), len(self.classes)), dtype=np.int64)
        for row, label in enumerate(rows):
            encoded[row, [self.index[name] for name in label]] = 1
        return encoded

    def decode(self, numbers: Any) -> list[Label]:
        """The labels that `encode` made numbers of.

        Parameters
        ----------
        numbers : array of int or bool, axes (n,) or (n, c)

        Examples
        --------
        >>> multilabel("cat", "dog").decode([[0, 1], [0, 0]])
        [('dog',), ()]
        """
        if not self.is_several:
            return [self.classes[number] for number in np.asarray(numbers).tolist()]
        return [
            tuple(name for name, applies in zip(self.classes, row, strict=True) if applies)
            for row in np.asarray(numbers).tolist()
        ]

    def text(self, label: Label) -> str:
        """A label as one cell of a sheet; `names` reads it.

        Examples
        --------
        >>> multilabel("cat", "dog").text(("cat", "dog")), multilabel("cat", "dog").text(())
        ('cat; dog', '(none)')
        """
        if isinstance(label, str):
            return label
        return f"{SEPARATOR} ".join(label) or NONE

    def names(self, cell: str) -> str | tuple[str, ...]:
        """What a cell names, in its own words: a text, or as many as stand between semicolons.

        Parameters
        ----------
        cell : str
            Not empty: that would be no answer.

        Returns
        -------
        str or tuple of str
            Not checked: `check` does that.

        Examples
        --------
        >>> multilabel("cat", "dog").names("dog;cat "), multilabel("cat", "dog").names(" (None)")
        (('dog', 'cat'), ())
        """
        if not self.is_several:
            return cell
        if cell.strip().casefold() == NONE:
            return ()
        parts = tuple(part.strip() for part in cell.split(SEPARATOR) if part.strip())
        return parts or (cell.strip(),)  # semicolons alone do not say that no class applies


def _is_list(label: Any) -> bool:
    return isinstance(label, list | tuple | set | frozenset)


def _is_plain(name: str) -> bool:
    return bool(name) and name == name.strip() and SEPARATOR not in name and name.casefold() != NONE


def classes(*names: str | Sequence[str]) -> Task:
    """The task of naming one class out of several.

    Parameters
    ----------
    *names : str
        The classes, or one sequence of them.

    Examples
    --------
    >>> classes("cat", "dog").classes
    ('cat', 'dog')
    """
    return Task("class", _listed(names))


def multilabel(*names: str | Sequence[str]) -> Task:
    """The task of naming all classes that apply, of none to all.

    Parameters
    ----------
    *names : str
        The classes, or one sequence of them; without semicolons.

    Examples
    --------
    >>> multilabel("indoors", "people").check(["people"])
    ('people',)
    """
    return Task("classes", _listed(names))


def _listed(names: tuple[str | Sequence[str], ...]) -> tuple[str, ...]:
    if len(names) == 1 and not isinstance(names[0], str):
        return tuple(str(name) for name in names[0])
    return tuple(str(name) for name in names)
