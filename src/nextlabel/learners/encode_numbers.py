"""Numbers brought to one scale."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from operator import methodcaller
from typing import Any, final

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from nextlabel.errors import LearnerError
from nextlabel.learners.encoder import Encoder, Passes, Reader
from nextlabel.maths.axes import Array

__all__ = ["Scale", "scaler"]


@final
@dataclass(frozen=True)
class Scale(Encoder):
    """Numbers less their mean, divided by their standard deviation, each column by itself.

    Notes
    -----
    Items are flattened to rows. A column that does not vary becomes 0. Two passes over the items;
    sums in float64, features in float32.

    Examples
    --------
    >>> known = Scale().learnt(lambda: iter([np.array([[1.0, 7.0], [3.0, 7.0]])]))
    >>> Scale().reader(known).rows(np.array([[5.0, 7.0]])).tolist()
    [[3.0, 0.0]]
    """

    def require(self, items: Array) -> None:
        """Refuse what is no number."""
        _numbers(items)

    def learnt(self, passes: Passes) -> dict[str, Array]:
        """Mean and standard deviation of every column."""
        count, mean = 0, np.zeros(())
        for items in passes():
            rows = _numbers(items)
            count += len(rows)
            mean = mean + rows.sum(axis=0)
        mean = mean / count
        if not np.isfinite(mean).all():
            message = (
                f"Numbers that are scaled must be finite; {int((~np.isfinite(mean)).sum())} of "
                f"{mean.size} columns hold nan or infinity. Use features='table', which reads nan as missing."
            )
            raise LearnerError(message)
        squares = sum((np.square(_numbers(items) - mean).sum(axis=0) for items in passes()), np.zeros(()))
        deviation = np.sqrt(squares / count)
        return {"mean": mean, "deviation": np.where(_varies(deviation, mean), deviation, np.inf)}

    def reader(self, learnt: Mapping[str, Array]) -> Reader:
        """Scales with these means and deviations."""
        return _Scaled(learnt["mean"], learnt["deviation"])

    def portable(self, learnt: Mapping[str, Array]) -> Any:
        """A `StandardScaler` with these means and deviations."""
        flat = methodcaller("reshape", -1, len(learnt["mean"]))
        return Pipeline(
            [
                ("numbers", FunctionTransformer(partial(np.asarray, dtype=np.float64))),
                ("rows", FunctionTransformer(flat)),
                ("scale", scaler(learnt["mean"], learnt["deviation"])),
                ("single", FunctionTransformer(partial(np.asarray, dtype=np.float32))),
            ]
        )


def scaler(mean: Array, deviation: Array) -> StandardScaler:
    """Scikit-learn's scaler with given means and deviations; infinite ones make a column 0.

    Parameters
    ----------
    mean, deviation : array of float64, axes (d,)
    """
    made = StandardScaler()
    made.mean_, made.scale_, made.var_ = mean, deviation, np.square(deviation)
    made.n_features_in_, made.n_samples_seen_ = len(mean), 1
    return made


@final
@dataclass(frozen=True, eq=False)
class _Scaled(Reader):
    mean: Array
    deviation: Array

    def rows(self, items: Array) -> Array:
        """Columns less their mean, by their deviation."""
        rows = _numbers(items)
        if rows.shape[1] != len(self.mean):
            message = (
                f"Items must have {len(self.mean)} numbers, as those that the scale was learnt of; received "
                f"{rows.shape[1]}. Give items of the same pool."
            )
            raise LearnerError(message)
        return ((rows - self.mean) / self.deviation).astype(np.float32)


def _numbers(items: Array) -> Array:
    if items.dtype.kind not in "fiub":
        message = (
            f"features='scale' takes numbers; the items are of type {items.dtype}. "
            "Use features='table' for rows of names and numbers, 'tfidf' for texts."
        )
        raise LearnerError(message)
    return items.reshape(len(items), -1).astype(np.float64)


def _varies(deviation: Array, mean: Array) -> Array:
    """Beyond what rounding leaves of equal numbers."""
    return np.asarray(deviation > 1e-12 * np.abs(mean))
