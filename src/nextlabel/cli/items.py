"""Items that somebody names on the command line: the reader for them, and a learner that suits them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextlabel.core.pool import Pool

__all__ = ["label_column", "read_items", "suited"]

_BARE = ("images", "npy", "npz", "idx")  # readers that are not told what columns are for
_LABELS = ("label", "folder")  # taken for labels where nobody names a column
_LOOK, _WORDS = 200, 4


def read_items(path: Path, params: Mapping[str, Any], label: str | None) -> "tuple[Pool, str | None]":
    """The items of a file or folder, the column of labels kept out of what a model may read.

    Parameters
    ----------
    path : Path
    params : mapping of str to object
        Of the reader: `id`, `text` and `features` among them; those that are None are left out.
    label : str or None
        The column of labels; ``label`` where nobody names another and it serves for nothing else.

    Returns
    -------
    Pool
    str or None
        The column of labels, as named, or found; None where nobody names one and none is called so.

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
    takes_label = reader not in _BARE
    if label is not None and takes_label:
        spec["label"] = label
    pool: Pool = build("reader", spec)
    used = (params["id"], params["text"], *(params["features"] or ()))
    if label is None and _LABELS[0] in pool.columns and _LABELS[0] not in used:
        label = _LABELS[0]
        if takes_label:
            pool = build("reader", {**spec, "label": label})  # once more: labels are no feature
    if params["text"] is None and params["features"] is None:
        _require_no_long_text(pool)
    return pool, label


def label_column(pool: "Pool", label: str | None, option: str) -> str:
    """The column of labels: as named, else ``label``, else the folders of images.

    Parameters
    ----------
    pool : Pool
    label : str or None
    option : str
        How the command calls it.

    Raises
    ------
    ParameterError
        There is none.
    """
    from nextlabel.errors import ParameterError

    for one in [label] if label is not None else _LABELS:
        if one in pool.columns:
            return one
    message = (
        f"{option} must be one of the columns; received "
        f"{repr(label) if label else 'no name, and none is called label'}. "
        f"The columns are: {', '.join(pool.columns) or 'none'}. Name one with {option}."
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
    """A text read as the name of a category teaches a model nothing: somebody must say what it is."""
    from nextlabel.errors import ParameterError
    from nextlabel.experiment.labelled import MISSING

    names: Sequence[str] = getattr(pool, "names", ())
    for name in names:
        cells = [cell for cell in pool.columns.get(name, ())[:_LOOK] if cell not in MISSING]
        words = sum(len(cell.split()) for cell in cells)
        if cells and words >= _WORDS * len(cells):
            message = (
                f"Text must be named, so that a model reads its words; the column {name!r} holds about "
                f"{words // len(cells)} words an item. Add --text {name}, or name the columns that a model "
                f"may read with --features."
            )
            raise ParameterError(message)
