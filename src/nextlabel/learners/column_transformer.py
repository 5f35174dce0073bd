"""Rows of names and numbers as numbers, by scikit-learn's public classes."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from nextlabel.learners.encode_numbers import scaler

__all__ = ["column_transformer", "missing_name"]


def column_transformer(columns: Sequence[Mapping[str, Any]]) -> Pipeline:
    """A fitted transformer of rows of objects, axes (n, d), to float32, axes (n, k).

    Parameters
    ----------
    columns : sequence of mapping
        ``names`` of a nominal column, or ``mean`` and ``deviation`` (None where it does not vary) of one of
        numbers; and ``is_marked``, whether a column says which cells are missing.

    Returns
    -------
    Pipeline
        Missing are None and nan.
    """
    parts: list[tuple[str, Any, list[int]]] = []
    for place, column in enumerate(columns):
        made = _nominal(column) if "names" in column else _numeric(column)
        parts.append((f"column {place + 1}", made, [place]))
    row = np.array([[column["names"][0] if "names" in column else 0.0 for column in columns]], dtype=object)
    together = ColumnTransformer(parts, sparse_threshold=0.0).fit(row)
    for (_, made, _), column in zip(together.transformers_, columns, strict=True):
        if "names" not in column:
            _settle(made, column)
    return Pipeline(
        [
            ("rows", FunctionTransformer(partial(np.asarray, dtype=object))),
            ("columns", together),
            ("single", FunctionTransformer(partial(np.asarray, dtype=np.float32))),
        ]
    )


def missing_name(names: Sequence[str]) -> str:
    r"""What a missing cell is called: a name that the column does not have, and that nobody writes.

    Examples
    --------
    >>> missing_name(["a", "(missing)"])
    '\ufdd0(missing)'
    """
    said = "\ufdd0(missing)"  # begins with no character: U+FDD0 is set aside for programs' own marks
    while said in names:
        said = f"\ufdd0{said}"
    return said


def _nominal(column: Mapping[str, Any]) -> Pipeline:
    missing = missing_name(column["names"])
    known = [*column["names"], *([missing] if column["is_marked"] else [])]
    return Pipeline(
        [
            ("nan", SimpleImputer(missing_values=np.nan, strategy="constant", fill_value=missing)),
            ("none", SimpleImputer(missing_values=None, strategy="constant", fill_value=missing)),
            ("text", FunctionTransformer(partial(np.asarray, dtype=str))),
            ("names", OneHotEncoder(categories=[known], handle_unknown="ignore", sparse_output=False)),
        ]
    )


def _numeric(column: Mapping[str, Any]) -> Pipeline:
    fill = SimpleImputer(strategy="constant", fill_value=column["mean"])
    scaled = Pipeline([("fill", fill), ("scale", scaler(np.zeros(1), np.ones(1)))])
    sides: list[tuple[str, Any]] = [("value", scaled)]
    if column["is_marked"]:
        sides.append(("missing", MissingIndicator(features="all", error_on_new=False)))
    numbers = FunctionTransformer(partial(np.asarray, dtype=np.float64))
    return Pipeline([("numbers", numbers), ("sides", FeatureUnion(sides))])


def _settle(made: Pipeline, column: Mapping[str, Any]) -> None:
    """What was learnt of the column, in the place of what a lone row taught."""
    deviation = np.inf if column["deviation"] is None else column["deviation"]
    scaled = made.named_steps["sides"].transformer_list[0][1]
    scaled.steps[-1] = ("scale", scaler(np.array([column["mean"]]), np.array([deviation])))
