"""Items that somebody names on the command line: the reader for them, and a learner that suits them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextlabel.core.pool import Pool

__all__ = ["label_column", "read_items", "suited"]

_ARRAYS = ("npy", "npz", "idx")  # readers of arrays: they take no names of columns
_LABELS = ("label", "folder")  # taken for labels where nobody names a column
_LOOK, _WORDS = 200, 4


def read_items(path: Path, params: Mapping[str, Any], label: str | None) -> "Pool":
    """The items of a file or folder, the column of labels kept out of what a model may read.

    Parameters
    ----------
    path : Path
    params : mapping of str to object
        Of the reader; those that are None are left out.
    label : str or None
        The column of labels; ``label`` where there is one and nobody names another.

    Returns
    -------
    Pool

    Raises
    ------
    ReaderError
        The file cannot be read.
    ParameterError
        A column of long texts that nobody named, which a model would take for the name of a category.
    """
    from nextlabel.core.registry import build
    from nextlabel.readers.files import reader_for

    reader = reader_for(path)
    spec = {"name": reader, "path": str(path), **{key: one for key, one in params.items() if one is not None}}
    takes_label = reader not in (*_ARRAYS, "images")
    if label is not None and takes_label:
        spec["label"] = label
    pool: Pool = build("reader", spec)
    if takes_label and label is None and _LABELS[0] in pool.columns:
        pool = build("reader", {**spec, "label": _LABELS[0]})
    if not params.get("text"):
        _require_no_long_text(pool)
    return pool


def label_column(pool: "Pool", label: str | None) -> str:
    """The column of labels: as named, else ``label``, else the folders of images.

    Raises
    ------
    ParameterError
        There is none.
    """
    from nextlabel.errors import ParameterError

    wanted = [label] if label is not None else list(_LABELS)
    for one in wanted:
        if one in pool.columns:
            return one
    message = (
        "The column of labels must be among the columns; received "
        f"{repr(label) if label else 'no name, and none is called label'}. "
        f"The columns are: {', '.join(pool.columns) or 'none'}. Name one with --label."
    )
    raise ParameterError(message)


def suited(pool: "Pool") -> dict[str, Any]:
    """Logistic regression on words, on the cells of rows, on standardised numbers, or on pixels."""
    import numpy as np

    learner = {"name": "sklearn", "estimator": "logistic"}
    medium = pool.show(pool.ids[0]).medium
    if medium == "text":
        return {**learner, "features": "tfidf"}
    if medium == "row":
        mixed = pool.take(np.array([0])).dtype.kind == "O"
        return {**learner, "features": "table" if mixed else "scale"}
    return learner


def _require_no_long_text(pool: "Pool") -> None:
    from nextlabel.errors import ParameterError

    names: Sequence[str] = getattr(pool, "names", ())
    for name in names:
        cells = [cell for cell in pool.columns.get(name, ())[:_LOOK] if cell]
        words = sum(len(cell.split()) for cell in cells)
        if cells and words >= _WORDS * len(cells):
            message = (
                f"Text must be named, so that a model reads its words; the column {name!r} holds about "
                f"{words // len(cells)} words an item. Add --text {name}."
            )
            raise ParameterError(message)
