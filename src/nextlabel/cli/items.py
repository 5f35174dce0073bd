"""Items that somebody names on the command line: the reader for them, and a learner that suits them."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextlabel.core.pool import Pool

__all__ = ["label_cells", "label_column", "read_items", "remarks", "suited"]

_BARE = ("images", "npy", "npz", "idx")  # readers that are not told what columns are for
_TEXTS = ("csv", "tsv", "jsonl")  # readers of text files
_LABELS = ("label", "folder")  # taken for labels where nobody names a column
_LOOK, _WORDS = 200, 4
_OF_TEXTS = "Add --text {name}, or name the columns that a model may read with --features."
_PLAIN = 64 * 64
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def read_items(
    path: Path, params: Mapping[str, Any], label: str | None, *, of_texts: str = _OF_TEXTS
) -> "tuple[Pool, str | None]":
    """The items of a file or folder, the column of labels kept out of what a model may read.

    Parameters
    ----------
    path : Path
    params : mapping of str to object
        Of the reader: `id`, `text` and `features` among them; those that are None or False are left out. With
        `image`, the column of paths, the table lists images.
    label : str or None
        The column of labels; ``label`` where nobody names another and it serves for nothing else.
    of_texts : str
        What to do about a column of texts, whose name stands for ``{name}``.

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

    said = {key: one for key, one in params.items() if one is not None and one is not False}
    reader = "listed_images" if "image" in said else reader_for(path)
    spec = {"name": reader, "path": str(path), **said}
    takes_label = reader not in _BARE
    if label is not None and takes_label:
        spec["label"] = label
    pool: Pool = build("reader", spec)
    used = (said.get("id"), said.get("text"), said.get("image"), *said.get("features", ()))
    if label is None and _LABELS[0] in pool.columns and _LABELS[0] not in used:
        label = _LABELS[0]
        if takes_label:
            pool = build("reader", {**spec, "label": label})  # once more: labels are no feature
    if "text" not in said and "features" not in said:
        _require_no_long_text(pool, of_texts)
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
    """Logistic regression on words, on the cells of rows, on standardised numbers, or on edges and colours.

    On pixels, where images are grey and no larger than 64 × 64: a scan of a digit is its brightness. And
    where they have one size and scikit-image (the extra ``app``) is missing. The penalty on words is a
    tenth of scikit-learn's, under which few labels make everything the largest class: decision 0025.
    """
    from importlib.util import find_spec

    import numpy as np

    learner = {"name": "sklearn", "estimator": "logistic"}
    medium = pool.show(pool.ids[0]).medium
    if medium == "text":
        return {**learner, "estimator": {"name": "logistic", "C": 10}, "features": "tfidf"}
    if medium == "row":
        mixed = pool.take(np.array([0])).dtype.kind == "O"
        return {**learner, "features": "table" if mixed else "scale"}
    first = pool.take(np.array([0]))
    has_sizes = first.dtype.kind == "O"
    is_plain = first.ndim == 3 and first[0].size <= _PLAIN
    return {**learner, "features": "hog"} if has_sizes or (find_spec("skimage") and not is_plain) else learner


def label_cells(pool: "Pool", column: str | None, named: Sequence[str] = ()) -> dict[str, str]:
    """What the column of labels holds, by id, where it holds something.

    Parameters
    ----------
    pool : Pool
    column : str or None
    named : sequence of str
        The classes that somebody named, as written.

    Returns
    -------
    dict of str to str
        Without blanks around. Where all are numbers, whole ones stand without a decimal point: a program
        that knows no missing whole numbers writes a column of 0, 1 and nothing as 0.0, 1.0 and nothing. Not
        where a class is named in the long way.
    """
    from nextlabel.experiment.labelled import MISSING

    if column is None:
        return {}
    cells = {id: cell.strip() for id, cell in zip(pool.ids, pool.columns[column], strict=True)}
    cells = {id: cell for id, cell in cells.items() if cell not in MISSING}
    kinds = set(cells.values())
    if kinds & set(named) or not all(map(_NUMBER.fullmatch, kinds)):
        return cells
    return {id: re.sub(r"\.0+$", "", cell) for id, cell in cells.items()}


def remarks(pool: "Pool", encoding: str | None = None) -> list[str]:
    """What somebody should know of how a file was read: one sentence each.

    Parameters
    ----------
    pool : Pool
    encoding : str, optional
        What he said it is.

    Returns
    -------
    list of str
        The encoding, where a mark says it, whatever was said, or where it was found out by looking at the
        text; what was left out.
    """
    params = {} if pool.source is None else pool.source.params
    mark, found = _mark(pool), params.get("encoding")
    said = [f"Read as {mark} (its mark)."] if mark else []
    if found and encoding is None and not mark:
        said = [f"Read as {found} (detected)."]
    faults: Any = getattr(pool, "faults", ())
    if len(faults):
        one = "1 row is" if faults.total == 1 else f"{faults.total:,} rows are"
        said.append(f"{one} left out: {faults.words()}.")
    return said


def _mark(pool: "Pool") -> str | None:
    """What the mark of a text file says that a pool was read from."""
    from nextlabel.readers.encodings import marked

    source = pool.source
    return None if source is None or source.name not in _TEXTS else marked(source.params["path"])


def _require_no_long_text(pool: "Pool", advice: str) -> None:
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
                f"{words // len(cells)} words an item. {advice.format(name=name)}"
            )
            raise ParameterError(message)
