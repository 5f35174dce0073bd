"""What an answer looks like."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np

from nextlabel.errors import LabelError, ParameterError
from nextlabel.maths.axes import Labels

__all__ = ["Task", "classes"]


@final
@dataclass(frozen=True)
class Task:
    """One class out of several; a label is the name of a class.

    Parameters
    ----------
    kind : str
        ``"class"``: one class an item.
    classes : tuple of str
        The names, at least one, all different; a class index is a position in this tuple.

    Raises
    ------
    ParameterError
        No classes, or a name twice.
    """

    kind: Literal["class"]
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.classes or len(set(self.classes)) < len(self.classes):
            message = (
                f"A task needs at least one class and every name once; received {list(self.classes)}. "
                "Give for example classes('cat', 'dog')."
            )
            raise ParameterError(message)

    def check(self, label: Any) -> str:
        """The label as it is kept, a JSON value.

        Raises
        ------
        LabelError
            The label is not one of the classes.
        """
        if not isinstance(label, str) or label not in self.classes:
            message = (
                f"A label must be one of {', '.join(self.classes)}; received {label!r}. "
                "Use one of these names."
            )
            raise LabelError(message)
        return label

    def encode(self, labels: Iterable[Any]) -> Labels:
        """Class indices of labels.

        Parameters
        ----------
        labels : iterable of str

        Returns
        -------
        array of int64, axes (n,)

        Raises
        ------
        LabelError
            A label is not one of the classes.

        Examples
        --------
        >>> classes("cat", "dog").encode(["dog", "cat"]).tolist()
        [1, 0]
        """
        index = {name: position for position, name in enumerate(self.classes)}
        return np.array([index[self.check(label)] for label in labels], dtype=np.int64)


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
    if len(names) == 1 and not isinstance(names[0], str):
        return Task("class", tuple(str(name) for name in names[0]))
    return Task("class", tuple(str(name) for name in names))
