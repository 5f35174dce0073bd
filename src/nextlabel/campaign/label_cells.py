"""Labels as sheets have them: a class, or several with semicolons between them."""

from collections import Counter
from typing import TYPE_CHECKING, final

from nextlabel.core.task import NONE, SEPARATOR, Label, Task

if TYPE_CHECKING:
    from nextlabel.campaign.state import State

__all__ = ["LabelCells", "cell_form"]


def cell_form(task: Task) -> str:
    """How a label is written in a cell, in words.

    Examples
    --------
    >>> from nextlabel import classes, multilabel
    >>> cell_form(classes("cat", "dog"))
    'one of its classes (cat, dog)'
    >>> cell_form(multilabel("cat", "dog"))
    "classes of its task (cat, dog), with ';' between several and '(none)' where none applies"
    """
    names = ", ".join(task.classes)
    if not task.is_several:
        return f"one of its classes ({names})"
    return (
        f"classes of its task ({names}), with {SEPARATOR!r} between several and {NONE!r} where none applies"
    )


@final
class LabelCells:
    """Reads cells of a column of labels, for the classes of a campaign as they are and as they were called.

    Parameters
    ----------
    state : State
    """

    def __init__(self, state: "State") -> None:
        self._state = state
        self._meant: dict[str, str] = {}
        for names in (state.renamed, state.task.classes):
            count = Counter(one.casefold() for one in names)
            self._meant |= {one.casefold(): one for one in names if count[one.casefold()] == 1}

    def words(self, cell: str) -> Label | None:
        """What a cell says in its own words: an old name stays one, and what is no class stays as it is.

        Parameters
        ----------
        cell : str

        Returns
        -------
        str, tuple of str or None
            In the capitals of the class, where only one can be meant. Several classes sorted by name, each
            once. None where the cell is empty: no answer.
        """
        if not cell.strip():
            return None
        named = self._state.task.names(cell)
        if isinstance(named, str):
            return self._name(named)
        return tuple(sorted({self._name(one) for one in named}))

    def _name(self, cell: str) -> str:
        stripped = cell.strip()
        state = self._state
        known = (one for one in (cell, stripped) if one in state.task.index or one in state.renamed)
        return next(known, self._meant.get(stripped.casefold(), stripped))
