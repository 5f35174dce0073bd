"""Rows of numbers, or of names and numbers, as ONNX graphs that make features of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nextlabel.errors import LearnerError
from nextlabel.maths.axes import Array

__all__ = ["scale_graph", "table_graph"]


def scale_graph(mean: Array, deviation: Array) -> Any:
    """A graph from ``rows``, float, axes (n, d), to ``features``, the same on one scale.

    Parameters
    ----------
    mean, deviation : array of float64, axes (d,)

    Notes
    -----
    Computed in double: a column of large numbers that differ little would lose them in single.
    """
    from onnx import TensorProto, helper

    constants = {"mean": mean, "deviation": deviation}
    nodes = [
        helper.make_node("Cast", ["rows"], ["double"], to=TensorProto.DOUBLE),
        *_scaled(helper, "double", "scaled", "mean", "deviation"),
        helper.make_node("Cast", ["scaled"], ["features"], to=TensorProto.FLOAT),
    ]
    inputs = [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, len(mean)])]
    return _graph(nodes, inputs, constants, len(mean))


def table_graph(columns: Sequence[Mapping[str, Any]]) -> Any:
    """A graph from ``column_1`` and on, axes (n, 1), to ``features``, axes (n, k), as `Table` makes them.

    Parameters
    ----------
    columns : sequence of mapping
        What `columns_of` gives. A column of names takes strings, empty where a cell is missing; one of
        numbers takes doubles, nan where a cell is missing.

    Raises
    ------
    LearnerError
        A column where the empty text is a name and some cells are missing.
    """
    from onnx import TensorProto, helper

    nodes: list[Any] = []
    inputs: list[Any] = []
    constants: dict[str, Array] = {"nothing": np.zeros(1)}
    parts: list[str] = []
    width = 0
    for place, column in enumerate(columns, start=1):
        name = f"column_{place}"
        is_nominal = "names" in column
        kind = TensorProto.STRING if is_nominal else TensorProto.DOUBLE
        inputs.append(helper.make_tensor_value_info(name, kind, [None, 1]))
        if is_nominal:
            known = _names(column, place)
            width += len(known)
            constants[f"{name}_shape"] = np.array([-1, len(known)])
            nodes += [
                helper.make_node(
                    "OneHotEncoder", [name], [f"{name}_hot"], domain="ai.onnx.ml", cats_strings=known, zeros=1
                ),
                helper.make_node("Reshape", [f"{name}_hot", f"{name}_shape"], [f"{name}_made"]),
            ]
            parts.append(f"{name}_made")
        else:
            width += 1 + bool(column["is_marked"])
            nodes += _number(helper, name, column, constants)
            parts += [f"{name}_value", *([f"{name}_missing"] if column["is_marked"] else [])]
    nodes.append(helper.make_node("Concat", parts, ["features"], axis=1))
    return _graph(nodes, inputs, constants, width)


def _names(column: Mapping[str, Any], place: int) -> list[str]:
    names = list(column["names"])
    if not column["is_marked"]:
        return names
    if "" in names:
        message = (
            f"An ONNX file says a missing name by an empty text; in column {place} an empty text is a name "
            "and cells are missing too. Use the scikit-learn file instead (model.write_portable)."
        )
        raise LearnerError(message)
    return [*names, ""]


def _number(helper: Any, name: str, column: Mapping[str, Any], constants: dict[str, Array]) -> list[Any]:
    """The scaled number, 0 where it is missing; and 1 where it is missing, 0 elsewhere."""
    deviation = np.inf if column["deviation"] is None else column["deviation"]
    constants |= {f"{name}_mean": np.array([column["mean"]]), f"{name}_deviation": np.array([deviation])}
    made = [
        helper.make_node("IsNaN", [name], [f"{name}_absent"]),
        *_scaled(helper, name, f"{name}_scaled", f"{name}_mean", f"{name}_deviation"),
        helper.make_node("Where", [f"{name}_absent", "nothing", f"{name}_scaled"], [f"{name}_there"]),
        helper.make_node("Cast", [f"{name}_there"], [f"{name}_value"], to=_FLOAT),
    ]
    if column["is_marked"]:
        made.append(helper.make_node("Cast", [f"{name}_absent"], [f"{name}_missing"], to=_FLOAT))
    return made


_FLOAT = 1  # ONNX's number for float32


def _scaled(helper: Any, source: str, target: str, mean: str, deviation: str) -> list[Any]:
    return [
        helper.make_node("Sub", [source, mean], [f"{target}_less"]),
        helper.make_node("Div", [f"{target}_less", deviation], [target]),
    ]


def _graph(nodes: list[Any], inputs: list[Any], constants: Mapping[str, Array], width: int) -> Any:
    from onnx import TensorProto, helper, numpy_helper

    output = helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, width])
    kept = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    return helper.make_graph(nodes, "features", inputs, [output], kept)
