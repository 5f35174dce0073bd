"""The inner loops of exact greedy k-centre by lazy bounds; see `nextlabel.maths.centres`.

For each item two numbers are kept: an upper bound of the squared distance to its nearest centre, and how many
centres it has been compared with. The items wait in a heap, largest bound first, the earlier item first where
bounds are equal. A bound only falls when its item is at the top, so the heap is kept by sinking the top.
"""

# The functions below carry no annotations: their types are those of each call, decided by the compiler.
# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# ruff: noqa: ANN001, ANN201, ANN202

import numpy as np

from nextlabel.maths.distances import LANES
from nextlabel.maths.kernels.compiler import compiled

__all__ = ["add_up", "farthest_first", "squared", "squared_to"]

_STRIP = 128  # guesses made at once: they stay in the first cache


@compiled
def squared(x, y, lanes):
    """Squared distance of two rows, in the order of summation of `distances.squared_distances_to`."""
    features = len(x)
    whole = features // LANES * LANES
    for k in range(LANES):
        lanes[k] = 0.0
    for j in range(0, whole, LANES):
        for k in range(LANES):
            gap = np.float64(x[j + k]) - np.float64(y[j + k])
            lanes[k] += gap * gap
    for k in range(features - whole):
        gap = np.float64(x[whole + k]) - np.float64(y[whole + k])
        lanes[k] += gap * gap
    half = LANES // 2
    while half > 0:
        for k in range(half):
            lanes[k] += lanes[k + half]
        half //= 2
    return lanes[0]


@compiled
def add_up(points, total):
    """Add all rows to `total`, one after the other."""
    for i in range(len(points)):
        row = points[i]
        for j in range(len(total)):
            total[j] += row[j]


@compiled
def squared_to(points, point, result):
    """Write the squared distance of each row to one point."""
    lanes = np.empty(LANES)
    for i in range(len(points)):
        result[i] = squared(points[i], point, lanes)


@compiled(fastmath={"reassoc", "contract", "nsz", "nnan"})  # a square may overflow; nothing becomes nan
def _guess(sketch, columns, rests, start, stop, guesses):
    """Write lower bounds of the squared distances to some centres; the centre that is probably nearest."""
    lowest, at = np.float32(np.inf), start
    for low in range(start, stop, _STRIP):
        high = min(low + _STRIP, stop)
        strip = guesses[low:high]
        strip[:] = np.float32(0.0)
        for j in range(len(sketch)):
            mine = sketch[j]
            theirs = columns[j, low:high]
            for k in range(len(strip)):
                gap = mine - theirs[k]
                strip[k] += gap * gap
        rest = rests[low:high]
        least = np.float32(np.inf)
        for k in range(len(strip)):
            least = min(least, strip[k] + rest[k])
        if least < lowest:
            lowest, at = least, low
    near, lowest = at, np.float32(np.inf)
    for k in range(at, min(at + _STRIP, stop)):
        if guesses[k] + rests[k] < lowest:
            near, lowest = k, guesses[k] + rests[k]
    return near


@compiled
def _limit(bound, unit, reach, slack):
    """From which guess on a centre is farther than the bound, whatever rounding did to the sketches."""
    side = np.sqrt(bound) / unit + slack * reach
    return side * side * 1.00001  # the guess itself is a float32 sum of few terms


@compiled
def _compare(row, centres, guesses, near, seen, known, bound, best, unit, reach, slack, lanes):
    """Compare an item with the centres it has not met; stop once it cannot be the farthest."""
    bound = min(bound, squared(row, centres[near], lanes))
    limit = _limit(bound, unit, reach, slack)
    while seen < known:
        if seen != near and guesses[seen] < limit:
            if bound < best:
                break
            value = squared(row, centres[seen], lanes)
            if value < bound:
                bound = value
                limit = _limit(bound, unit, reach, slack)
        seen += 1  # a centre that cannot be nearer counts as met
    return bound, seen


@compiled
def _sink(bounds, items, bound, item):
    """Give the item at the top a smaller bound, and put it where it belongs."""
    n, at = len(bounds), 0
    while 2 * at + 1 < n:
        child = 2 * at + 1
        if child + 1 < n and (
            bounds[child + 1] > bounds[child]
            or (bounds[child + 1] == bounds[child] and items[child + 1] < items[child])
        ):
            child += 1
        if bounds[child] < bound or (bounds[child] == bound and items[child] > item):
            break
        bounds[at], items[at] = bounds[child], items[child]
        at = child
    bounds[at], items[at] = bound, item


@compiled
def farthest_first(
    points, sketches, reaches, order, centres, columns, rests, far, given, unit, slack, result
):
    """Pick the rest of the centres, each the farthest from those before it.

    `order` ranks the items: of equal distances the first wins. The first `given` rows of `centres`, columns
    of `columns` and entries of `rests` are filled; the picks fill the rest. `far` is the largest reach of a
    given centre. Writes squared distances into `result` and returns the positions.
    """
    n, features = points.shape
    total = len(centres)
    seen = np.zeros(n, np.int32)
    bounds, items = np.full(n, np.inf), np.arange(n)
    guesses, lanes, row = np.empty(total, np.float32), np.empty(LANES), np.empty(features)
    positions = np.empty(total - given, np.int64)
    for known in range(given, total):
        best = -1.0
        item = items[0]
        while seen[item] < known and bounds[0] > 0.0:
            i = order[item]
            row[:] = points[i]
            near = _guess(sketches[i], columns, rests, seen[item], known, guesses)
            bound, met = _compare(
                row, centres, guesses, near, seen[item], known, bounds[0], best,
                unit, reaches[i] + far, slack, lanes,
            )  # fmt: skip
            seen[item] = met
            if met == known:
                best = max(best, bound)
            _sink(bounds, items, bound, item)
            item = items[0]
        i = order[item]
        positions[known - given], result[known - given] = i, bounds[0]
        centres[known], columns[:, known] = points[i], sketches[i]
        rests[known] = max(np.float32(0.0), reaches[i] ** 2 - (sketches[i] ** 2).sum())
        far = max(far, reaches[i])
        _sink(bounds, items, -1.0, item)
    return positions
