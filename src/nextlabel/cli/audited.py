"""Items and labels that an audit is made on, from a named data set or a file."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from nextlabel.core.disclosure import Array
    from nextlabel.core.pool import Pool

__all__ = ["Audited", "read_audited"]

_OF_TEXTS = (  # the column {name}
    "Run it through the model's tokenizer, cut or filled up to one length, and write the token ids with "
    "numpy.savez(FILE, items=..., labels=...)."
)
_MOST = 2_000  # records that take part: those attacked, and others to compare them with
_SHOWN = 10
_CLASSES, _TARGETS = "cross_entropy", "squared_error"  # losses: of class numbers, and of any numbers
_ROWS_OF_LABELS = ("labels", "label", "y")  # arrays of an archive, taken where nobody names one


@final
@dataclass(frozen=True, eq=False)
class Audited:
    """What an audit is made on.

    Parameters
    ----------
    items : array, first axis n
        As the model takes them.
    labels : array of int64 or float64, or None
        Class numbers, the targets of a regression, or what a file of labels holds; None where there are none.
    remarks : tuple of str
        How they were read, a sentence each.
    """

    items: "Array"
    labels: "Array | None"
    remarks: tuple[str, ...]


def read_audited(
    data: str, labels: str | None, *, seed: int, needs_labels: bool = True, loss: str = _CLASSES
) -> Audited:
    """The items of a data set or a file, and their labels; of very many, a draw.

    Parameters
    ----------
    data : str
        A registered data set, or a file or folder that a reader takes.
    labels : str, optional
        The column of labels, or an array of a ``.npz`` file; or a ``.npy`` file. A label for each item, or a
        row of them, as a language model has one for each token.
    seed : int
        Draws which items take part where there are more than 2,000.
    needs_labels : bool
        Whether to refuse items without labels.
    loss : str
        Under ``squared_error`` labels are read as numbers, as written. Under others a column holds classes,
        of which names are numbered.

    Raises
    ------
    ParameterError
        Items that are no numbers of one shape, labels that are missing or not as many as items, or targets
        of a regression that are no numbers.
    NextlabelError
        The data cannot be read.
    """
    from nextlabel.core.registry import build, names
    from nextlabel.errors import ParameterError

    said: list[str] = []
    if data in names("dataset"):
        dataset = build("dataset", data)
        pool, found = dataset.pool, dataset.labels
        if labels is not None:
            message = (
                f"--labels is for files: the data set {data!r} has labels of its own; received {labels!r}. "
                "Leave --labels out."
            )
            raise ParameterError(message)
        if loss == _TARGETS and needs_labels:
            classes = dataset.task.classes
            found = _targets([classes[one] for one in found], f"the data set {data!r}")
    else:
        pool, found = _of_file(data, labels, said, needs_labels=needs_labels, loss=loss)
    positions = _drawn(len(pool.ids), seed, said)
    items = _numbers(pool.take(positions), data, said, getattr(pool, "names", ()))
    return Audited(items, None if found is None else found[positions], tuple(said))


def _of_file(
    data: str, labels: str | None, said: list[str], *, needs_labels: bool, loss: str
) -> "tuple[Pool, Array | None]":
    from nextlabel.cli.items import label_column, read_items, remarks
    from nextlabel.core.registry import names
    from nextlabel.errors import ParameterError

    path = Path(data)
    if not path.exists():
        from difflib import get_close_matches

        near = get_close_matches(data, names("dataset"), n=1, cutoff=0.6)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        message = (
            f"--data must name a file, a folder or a data set; received {data!r}, which is none of "
            f"them.{hint} nextlabel data lists the sets."
        )
        raise ParameterError(message)
    if labels is not None and labels.endswith(".npy"):
        pool, _ = read_items(path, {}, None, of_texts=_OF_TEXTS)
        return pool, _rows(_from_file(Path(labels)), labels, len(pool.ids), loss)
    pool, column = read_items(path, {}, labels, of_texts=_OF_TEXTS)
    if path.suffix == ".npz":
        if (found := _beside(path, labels, len(pool.ids), loss)) is not None:
            return pool, found
        if column in _ROWS_OF_LABELS and column not in pool.columns:
            column = "label"  # which is what the reader calls them
    said += remarks(pool)
    if column is None and labels is None and not needs_labels and "folder" not in pool.columns:
        return pool, None
    name = label_column(pool, column, "--labels")
    if loss == _TARGETS:  # where none are needed, the message is one that has no such loss, and is refused
        targets = _targets(pool.columns[name], f"the column {name!r} of {path}") if needs_labels else None
        return pool, targets
    return pool, _numbered(pool.columns[name], said)


def _beside(path: Path, labels: str | None, count: int, loss: str) -> "Array | None":
    """The labels of an archive where they are rows; a column, one for each item, comes with the items."""
    from zipfile import BadZipFile

    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as archive:
            names = _ROWS_OF_LABELS if labels is None else (labels,)
            held = {name: archive[name] for name in names if name in archive.files}
    except (BadZipFile, OSError, ValueError):  # the reader of items says what is wrong with the file
        return None
    # of another number they are no column, and the reader leaves them out
    found = next((name for name, one in held.items() if one.ndim > 1 or one.shape != (count,)), None)
    return None if found is None else _rows(held[found], f"the array {found!r} of {path}", count, loss)


def _from_file(path: Path) -> "Array":
    import numpy as np

    from nextlabel.errors import ParameterError

    try:
        found: Array = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as cause:
        message = (
            f"--labels must be a column or a file that numpy.save wrote; {path} cannot be read: {cause}. "
            "Write it with numpy.save."
        )
        raise ParameterError(message) from cause
    return found


def _rows(found: "Array", where: str, count: int, loss: str) -> "Array":
    import numpy as np

    from nextlabel.errors import ParameterError

    if found.ndim == 0 or len(found) != count or found.dtype.kind not in "biuf":
        message = (
            f"Labels must be numbers, one or a row of them for each of the {count:,} items; {where} holds "
            f"{found.dtype} of the axes {found.shape}. Give as many labels as items, in their order."
        )
        raise ParameterError(message)
    if loss == _TARGETS:
        if found.dtype.kind == "f" and not np.isfinite(found).all():
            row = int(np.argmin(np.isfinite(found.reshape(count, -1)).all(1)))
            raise _no_target(found[row], row, count, where)
        return found.astype(np.float64)
    if found.dtype.kind != "f":
        return found.astype(np.int64)
    # whole numbers with a point are classes, as they are in the column of a table
    is_whole = found.ndim == 1 and np.isfinite(found).all() and (found == np.trunc(found)).all()
    return found.astype(np.int64) if is_whole else found


def _targets(cells: Sequence[str], where: str) -> "Array":
    """The targets of a regression as they are written; what is no number is refused, never numbered."""
    import numpy as np

    found = np.empty(len(cells), np.float64)
    for row, cell in enumerate(cells):
        try:
            found[row] = math.nan if "_" in cell else float(cell)  # Python reads 1_5 as 15
        except ValueError:
            found[row] = math.nan
        if not math.isfinite(found[row]):
            raise _no_target(cell, row, len(cells), where)
    return found


def _no_target(value: object, row: int, count: int, where: str) -> Exception:
    from nextlabel.errors import ParameterError

    return ParameterError(
        f"Under squared_error every label must be a finite number; that of item {row + 1:,} of {count:,} in "
        f"{where} is {str(value)!r}. Write numbers there, with a decimal point, or name another column or "
        "file with --labels; labels that are classes go with --loss cross_entropy."
    )


def _numbered(cells: Sequence[str], said: list[str]) -> "Array":
    """Labels as class numbers: whole numbers as they are, other names in alphabetical order."""
    import numpy as np

    from nextlabel.errors import ParameterError

    kept = [cell.strip().removesuffix(".0") for cell in cells]
    if missing := sum(cell in ("", "?") for cell in kept):
        message = (
            f"Every item needs a label here; {missing:,} of {len(kept):,} have none. Leave these items out "
            "of the file, or name another column with --labels."
        )
        raise ParameterError(message)
    if all(cell.isdigit() for cell in kept):
        return np.array([int(cell) for cell in kept], dtype=np.int64)
    names = sorted(set(kept))
    shown = ", ".join(f"{number} {name}" for number, name in enumerate(names[:_SHOWN]))
    advice = "Where the model has another order, write whole numbers from 0 into the column of labels."
    if all(map(_is_number, names)):
        advice = (
            "They are numbers, but not whole ones from 0 up: as targets of a regression they are read with "
            "--loss squared_error."
        )
    said.append(
        f"Classes are numbered in alphabetical order: {shown}{', ...' if len(names) > _SHOWN else ''}. "
        f"{advice}"
    )
    number = {name: place for place, name in enumerate(names)}
    return np.array([number[cell] for cell in kept], dtype=np.int64)


def _is_word(cell: object) -> bool:
    return isinstance(cell, str) and not _is_number(cell)


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


def _drawn(count: int, seed: int, said: list[str]) -> "Array":
    import numpy as np

    from nextlabel.core.rng import generator

    if count <= _MOST:
        return np.arange(count)
    said.append(f"{_MOST:,} of {count:,} items take part, drawn by the seed.")
    return np.sort(generator(seed, 4).choice(count, _MOST, replace=False))


def _numbers(items: Any, data: str, said: list[str], columns: Sequence[str] = ()) -> "Array":
    import numpy as np

    from nextlabel.errors import ParameterError

    found: Array = np.asarray(items)
    if found.dtype.kind == "O" and found.ndim == 2 and found.shape[1] == len(columns):
        words = [name for name, cells in zip(columns, found.T, strict=True) if any(map(_is_word, cells))]
        if words:
            shown = ", ".join(map(repr, words[:_SHOWN]))
            message = (
                f"An audit needs items as the model takes them: numbers. Of the columns of {data} these hold "
                f"words: {shown}{', ...' if len(words) > _SHOWN else ''}. Encode them as for training, and "
                "write the arrays with numpy.savez(FILE, items=..., labels=...)."
            )
            raise ParameterError(message)
    if found.dtype.kind == "O" and all(isinstance(one, np.ndarray) for one in found):
        sizes = sorted({" × ".join(map(str, one.shape[:2])) for one in found})
        message = (
            f"An audit needs images of one size, as the model takes them; those of {data} have "
            f"{len(sizes)}: {', '.join(sizes[:_SHOWN])}{', ...' if len(sizes) > _SHOWN else ''}. Resize or "
            "cut them first."
        )
        raise ParameterError(message)
    if found.dtype.kind not in "biuf" or found.ndim < 2:
        message = (
            "An audit needs items as the model takes them: numbers of one shape, or token ids of one length; "
            f"{data} holds {found.dtype} of the axes {found.shape}. Run texts through the model's tokenizer, "
            "cut or filled up to one length. Write the arrays with numpy.savez(FILE, items=..., labels=...) "
            "and name that file."
        )
        raise ParameterError(message)
    if found.dtype == np.uint8:  # what files of images hold
        said.append("Pixels were divided by 255.")
        return found.astype(np.float32) / np.float32(255)
    return found if found.dtype.kind == "f" else found.astype(np.int64)
