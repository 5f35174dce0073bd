"""Values of a report as JSON, and back: dataclasses, tuples, mappings, numbers that may be infinite."""

import dataclasses
import math
import types
from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np

__all__ = ["plain", "read"]


def plain(value: Any) -> Any:
    """A value as JSON has it; what is not finite becomes ``"inf"``, ``"-inf"`` or ``"nan"``.

    Examples
    --------
    >>> plain({"psnr": float("inf"), "shape": (2, 3)})
    {'psnr': 'inf', 'shape': [2, 3]}
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def read(kind: Any, value: Any) -> Any:
    """What `plain` wrote down, as a value of a type.

    Parameters
    ----------
    kind : type
        A dataclass, a union with None, a tuple, a mapping, or a plain type.
    value : JSON value

    Examples
    --------
    >>> read(tuple[float, ...], [1.0, "inf"])
    (1.0, inf)
    """
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return None if value is None else read(next(one for one in inner if one is not type(None)), value)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        return kind(**{name: read(hints[name], one) for name, one in value.items()})
    if origin is tuple:
        every = inner[:1] * len(value) if inner[1:] == (...,) else inner
        return tuple(read(one, part) for one, part in zip(every, value, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        return {key: read(inner[1], one) for key, one in value.items()}
    return float(value) if kind is float else value
