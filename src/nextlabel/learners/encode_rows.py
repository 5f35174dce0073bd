"""Rows of names and numbers as numbers: one column for each name, numbers on one scale."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from nextlabel.errors import LearnerError
from nextlabel.learners.column_transformer import column_transformer
from nextlabel.learners.encoder import Encoder, Passes, Reader
from nextlabel.maths.axes import Array
from nextlabel.maths.parameters import checked_whole, settle

__all__ = ["Table", "columns_of"]


@final
@dataclass(frozen=True)
class Table(Encoder):
    """Rows of a table: nominal columns one-hot, numeric ones scaled, missing cells said.

    Parameters
    ----------
    most_names : int
        A nominal column has features for so many of its most frequent names, the rest for none.

    Raises
    ------
    ParameterError
        Fewer than one name.

    Notes
    -----
    A column is nominal where one of its cells is a text. Missing are None and nan. In a nominal column
    a missing cell is a name like any other, where the items learnt of have one; names that they do not have
    are all zeros. A number is taken less its mean and divided by its standard deviation; a missing one
    is the mean, and is marked in a column of its own where the items learnt of have one.

    Examples
    --------
    >>> rows = np.array([["red", 1.0], ["blue", 3.0], ["red", None]], dtype=object)
    >>> known = Table().learnt(lambda: iter([rows]))
    >>> Table().reader(known).rows(rows).tolist()
    [[0.0, 1.0, -1.0, 0.0], [1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]]
    """

    most_names: int = 100

    def __post_init__(self) -> None:
        settle(
            self, {"most_names": checked_whole(self.most_names, "most_names", least=1, advice="Give 100.")}
        )

    def require(self, items: Array) -> None:
        """Refuse what is no row."""
        _cells(items)

    def learnt(self, passes: Passes) -> dict[str, Array]:
        """Names, means, deviations and where cells are missing, for every column, as JSON text."""
        columns: list[_Column] = []
        for items in passes():
            rows = _cells(items)
            columns = columns or [_Column() for _ in range(rows.shape[1])]
            for column, cells in zip(columns, rows.T, strict=True):
                column.look(cells)
        for items in passes():
            for column, cells in zip(columns, _cells(items).T, strict=True):
                column.add(cells)
        said = json.dumps([column.said(self.most_names) for column in columns])
        return {"columns": np.frombuffer(said.encode("utf-8", "surrogatepass"), np.uint8)}

    def reader(self, learnt: Mapping[str, Array]) -> Reader:
        """Encodes with these columns."""
        return _Encoded(columns_of(learnt))

    def portable(self, learnt: Mapping[str, Array]) -> Any:
        """A `ColumnTransformer` of these columns, for rows of objects."""
        return column_transformer(columns_of(learnt))


def columns_of(learnt: Mapping[str, Array]) -> list[dict[str, Any]]:
    """What was learnt of each column: names, or mean and deviation; and whether missing cells are marked."""
    columns: list[dict[str, Any]] = json.loads(learnt["columns"].tobytes().decode("utf-8", "surrogatepass"))
    return columns


@final
class _Column:
    """What the cells of one column are."""

    def __init__(self) -> None:
        self.has_texts = False
        self.names: Counter[str] = Counter()
        self.missing = 0
        self.numbers: list[NDArray[np.float64]] = []

    def look(self, cells: Array) -> None:
        """A first time over the cells: what they are."""
        is_object = cells.dtype.kind == "O"
        self.has_texts = self.has_texts or (is_object and any(isinstance(one, str) for one in cells))

    def add(self, cells: Array) -> None:
        """A second time: what is in them."""
        absent = _missing(cells)
        self.missing += int(absent.sum())
        if self.has_texts:
            self.names.update(map(str, cells[~absent]))
        else:
            self.numbers.append(cells[~absent].astype(np.float64))

    def said(self, most: int) -> dict[str, Any]:
        if self.has_texts:
            ranked = sorted(self.names.items(), key=lambda pair: (-pair[1], pair[0]))
            return {"names": sorted(name for name, _ in ranked[:most]), "is_marked": self.missing > 0}
        there = np.concatenate(self.numbers)
        mean = float(there.mean()) if len(there) else 0.0
        deviation = float(there.std()) if len(there) else 0.0
        varies = np.isfinite(deviation) and deviation > 1e-12 * abs(mean)
        return {"mean": mean, "deviation": deviation if varies else None, "is_marked": self.missing > 0}


@final
class _Encoded(Reader):
    def __init__(self, columns: list[dict[str, Any]]) -> None:
        self._columns = columns
        self._places = [
            {name: place for place, name in enumerate(column["names"])} if "names" in column else None
            for column in columns
        ]

    def rows(self, items: Array) -> Array:
        """One-hot names, scaled numbers and marks, float32, axes (n, d)."""
        rows = _cells(items)
        if rows.shape[1] != len(self._columns):
            message = (
                f"Rows must have {len(self._columns)} cells, as those that the features were learnt of; "
                f"received {rows.shape[1]}. Give items of the same pool."
            )
            raise LearnerError(message)
        parts = []
        for column, places, cells in zip(self._columns, self._places, rows.T, strict=True):
            absent = _missing(cells)
            parts.append(
                _numbers(column, cells, absent) if places is None else _one_hot(places, cells, absent)
            )
            if column["is_marked"]:
                parts.append(absent[:, None].astype(np.float32))
        return np.concatenate(parts, axis=1)


def _one_hot(places: Mapping[str, int], cells: Array, absent: Array) -> Array:
    found = np.array([places.get(str(one), -1) for one in cells])  # objects: there is no array form
    found[absent] = -1
    hot = np.zeros((len(cells), len(places)), np.float32)
    known = found >= 0
    hot[known, found[known]] = 1.0
    return hot


def _numbers(column: Mapping[str, Any], cells: Array, absent: Array) -> Array:
    scaled = np.zeros((len(cells), 1), np.float32)
    if column["deviation"] is not None:
        try:
            there = cells[~absent].astype(np.float64)
        except (TypeError, ValueError) as cause:
            message = (
                "Cells of a column that held numbers alone when the features were learnt must be numbers; "
                f"{cause}. Correct the cell, or leave it empty."
            )
            raise LearnerError(message) from cause
        scaled[~absent, 0] = (there - column["mean"]) / column["deviation"]
    return scaled


def _missing(cells: Array) -> NDArray[np.bool_]:
    if cells.dtype.kind == "O":
        return np.array([one is None or one != one for one in cells], dtype=np.bool_)  # nan is not itself
    return (
        np.asarray(np.isnan(cells), dtype=np.bool_) if cells.dtype.kind == "f" else np.zeros(len(cells), bool)
    )


def _cells(items: Array) -> Array:
    if items.dtype.kind not in "OfiubU" or items.ndim != 2:
        message = (
            "features='table' takes rows of names and numbers, axes (n, d); received items of shape "
            f"{items.shape[1:]} and type {items.dtype}. Use features='tfidf' for texts, 'scale' for other "
            "numbers."
        )
        raise LearnerError(message)
    return items.astype(object) if items.dtype.kind == "U" else items
