"""Where the marks of a chart lie: numbers for a template to draw, never markup."""

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["band", "bars", "curve"]

_WIDTH, _HEIGHT = 640.0, 240.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 12.0, 12.0, 30.0
_STEPS = (1, 2, 5)


def band(low: float, high: float) -> Mapping[str, float]:
    """A band on a line from 0 to 100 %.

    Parameters
    ----------
    low, high : float
        Its ends, from 0 to 1.

    Returns
    -------
    mapping of str to float
        ``x`` and ``width`` of the band, in percent of the line.

    Examples
    --------
    >>> band(0.25, 0.75)
    {'x': 25.0, 'width': 50.0}
    """
    return {"x": round(100 * low, 2), "width": round(100 * (high - low), 2)}


def bars(counts: Mapping[str, int]) -> Sequence[Mapping[str, Any]]:
    """A bar for each class, the longest as long as the line.

    Parameters
    ----------
    counts : mapping of str to int
        Labels of each class.

    Returns
    -------
    sequence of mapping
        ``name``, ``count`` and ``width`` in percent, in the order given.

    Examples
    --------
    >>> [one["width"] for one in bars({"cat": 30, "dog": 15, "hen": 0})]
    [100.0, 50.0, 0.0]
    """
    most = max(counts.values(), default=0) or 1
    return [
        {"name": name, "count": count, "width": round(100 * count / most, 2)}
        for name, count in counts.items()
    ]


def curve(points: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Accuracy against labels, with the band of each look.

    Parameters
    ----------
    points : sequence of mapping
        Of each look ``labels``, ``accuracy``, ``low`` and ``high``, the last three from 0 to 1; at least
        one, by rising labels.

    Returns
    -------
    mapping or None
        Size, ticks, marks, the line through them and the outline of the bands, in pixels from the top
        left; None without points.
    """
    if not points:
        return None
    step = _step(points[-1]["labels"])
    most = step * -(-points[-1]["labels"] // step)
    across, down = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    floor: float = min(0.9, int(10 * min(one["low"] for one in points)) / 10)

    def x(labels: float) -> float:
        return round(_LEFT + across * labels / most, 1)

    def y(share: float) -> float:
        return round(_TOP + down * (1 - share) / (1 - floor), 1)

    marks = [
        {
            "x": x(one["labels"]),
            "y": y(one["accuracy"]),
            "low": y(one["low"]),
            "high": y(one["high"]),
            "look": one,
        }
        for one in points
    ]
    there = [f"{one['x']},{one['high']}" for one in marks]
    back = [f"{one['x']},{one['low']}" for one in reversed(marks)]
    rungs = [floor + (1 - floor) * part / 2 for part in range(3)]
    return {
        "width": _WIDTH,
        "height": _HEIGHT,
        "left": _LEFT,
        "right": _WIDTH - _RIGHT,
        "bottom": _HEIGHT - _BOTTOM,
        "marks": marks,
        "line": " ".join(f"{one['x']},{one['y']}" for one in marks),
        "area": " ".join([*there, *back]),
        "rungs": [{"y": y(share), "share": share} for share in rungs],
        "stops": [{"x": x(labels), "labels": labels} for labels in range(0, int(most) + 1, step)],
    }


def _step(most: float) -> int:
    """The distance of ticks: 1, 2 or 5 times a power of ten, at most six of them up to `most`."""
    scale = 1
    while True:
        for one in _STEPS:
            if one * scale * 6 >= most:
                return one * scale
        scale *= 10
