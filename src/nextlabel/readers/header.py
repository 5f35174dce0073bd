"""The first row of a table: what its columns are called."""

from collections import Counter
from collections.abc import Sequence

from nextlabel.errors import ReaderError
from nextlabel.readers.files import Source

__all__ = ["column_names"]


def column_names(header: Sequence[str], path: Source) -> list[str]:
    """The names of the columns, blanks around them cut off.

    Parameters
    ----------
    header : sequence of str
        The cells of the first row; an empty one is called ``column`` and its place, from 1.
    path : str or path
        For the message.

    Raises
    ------
    ReaderError
        Two columns have one name.

    Examples
    --------
    >>> column_names([" body ", ""], "reviews.csv")
    ['body', 'column 2']
    """
    names = [cell.strip() or f"column {place}" for place, cell in enumerate(header, start=1)]
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        places = [str(place) for place, one in enumerate(names, start=1) if one == name]
        message = (
            f"The columns of a table must have different names; received {name!r} for the columns "
            f"{' and '.join(places)} of {str(path)!r}. Rename one in the first row."
        )
        raise ReaderError(message)
    return names
