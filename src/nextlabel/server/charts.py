"""Where the marks of a chart lie: numbers for a template to draw, never markup."""

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["band", "bars", "curve"]

_WIDTH, _HEIGHT = 400.0, 200.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 6.0, 10.0, 30.0
_STEPS = (1, 2, 5)
_MOST_STOPS = 5


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
    """A share against the number of labels, with the band of each point that has one.

    Parameters
    ----------
    points : sequence of mapping
        Of each ``labels`` (above 0) and ``share`` (0 to 1), and ``low`` and ``high`` where there is a band;
        by rising labels.

    Returns
    -------
    mapping or None
        Size, rungs, stops, marks, the line through them and the outline of the bands, in pixels from the
        top left; None without points. The scale is from 0 to 1, so that nothing looks steeper than it is.

    Examples
    --------
    >>> drawn = curve([{"labels": 50, "share": 0.5}, {"labels": 100, "share": 1.0}])
    >>> drawn["line"], [one["labels"] for one in drawn["stops"]]
    ('219.0,90.0 394.0,10.0', [0, 20, 40, 60, 80, 100])
    """
    if not points:
        return None
    furthest = int(points[-1]["labels"])
    step = _step(furthest)
    most = step * -(-furthest // step)
    across, down = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def x(labels: float) -> float:
        return round(_LEFT + across * labels / most, 1)

    def y(share: float) -> float:
        return round(_TOP + down * (1 - share), 1)

    marks = [{"x": x(one["labels"]), "y": y(one["share"]), "point": one} for one in points]
    banded = [one for one in points if one.get("low") is not None and one.get("high") is not None]
    there = [f"{x(one['labels'])},{y(one['high'])}" for one in banded]
    back = [f"{x(one['labels'])},{y(one['low'])}" for one in reversed(banded)]
    return {
        "width": _WIDTH,
        "height": _HEIGHT,
        "left": _LEFT,
        "right": _WIDTH - _RIGHT,
        "bottom": _HEIGHT - _BOTTOM,
        "marks": marks,
        "line": " ".join(f"{one['x']},{one['y']}" for one in marks),
        "area": " ".join([*there, *back]),
        "spans": [{"x": x(one["labels"]), "low": y(one["low"]), "high": y(one["high"])} for one in banded],
        "rungs": [{"y": y(part / 4), "share": part / 4} for part in range(5)],
        "stops": [{"x": x(labels), "labels": labels} for labels in range(0, most + 1, step)],
    }


def _step(most: float) -> int:
    """The distance of stops: 1, 2 or 5 times a power of ten, for at most five of them up to `most`."""
    scale = 1
    while True:
        for one in _STEPS:
            if one * scale * _MOST_STOPS >= most:
                return one * scale
        scale *= 10
