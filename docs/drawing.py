"""Small pictures as SVG text: the same text each time, readable by day and by night."""

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray
from pool import Pool

Array = NDArray[np.float64]
STYLE = """
svg { color: #1b1f24; background: transparent; font: 13px system-ui, sans-serif; --paper: #ffffff; }
text { fill: currentColor; }
.c0 { --c: #0072b2; } .c1 { --c: #d55e00; } .c2 { --c: #009e73; } .grey { --c: #808080; }
.region { fill: var(--c); fill-opacity: .1; }
.point { fill: currentColor; fill-opacity: .38; }
.labelled { fill: var(--c); stroke: currentColor; stroke-width: 1.5; }
.pick { fill: var(--paper); stroke: currentColor; stroke-width: 2; }
.number { text-anchor: middle; font-weight: 600; }
.line { fill: none; stroke: var(--c); stroke-width: 2.2; stroke-linejoin: round; }
.dashed { stroke-dasharray: 6 4; }
.band { fill: var(--c); fill-opacity: .2; }
.axis { stroke: currentColor; stroke-opacity: .7; fill: none; }
.rule { stroke: currentColor; stroke-opacity: .14; }
.title { font-weight: 600; font-size: 15px; }
.end { text-anchor: end; } .middle { text-anchor: middle; }
@media (prefers-color-scheme: dark) {
  svg { color: #e6e9ed; --paper: #14171b; }
  .c0 { --c: #56b4e9; } .c1 { --c: #e69f00; } .c2 { --c: #2fc79a; } .grey { --c: #a0a0a0; }
}
"""


def document(width: int, height: int, alt: str, parts: Sequence[str]) -> str:
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="{escape(alt)}">',
        f"<title>{escape(alt)}</title>",
        f"<style>{STYLE}</style>",
        *parts,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def scatter(pool: Pool, picked: NDArray[np.int64], *, alt: str) -> str:
    """The pool: predicted classes as grounds, labelled points as shapes, the picks as numbers."""
    width, height, margin = 560, 420, 14
    low, high = pool.points.min(axis=0) - 0.25, pool.points.max(axis=0) + 0.25
    scale = min((width - 2 * margin) / (high - low)[0], (height - 2 * margin) / (high - low)[1])

    def at(points: Array) -> Array:
        flipped = np.column_stack([points[:, 0] - low[0], high[1] - points[:, 1]])
        return margin + scale * flipped

    corners = np.array([low, [high[0], low[1]], high, [low[0], high[1]]])
    parts = []
    for one in range(len(pool.weights)):
        region = at(region_of(pool, one, corners))
        parts.append(f'<polygon class="region c{one}" points="{_joined(region)}"/>')
    rest = np.setdiff1d(pool.unlabelled, picked)
    parts += [f'<circle class="point" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in at(pool.points[rest])]
    for row, (x, y) in zip(pool.labelled, at(pool.points[pool.labelled]), strict=True):
        parts.append(_shape(int(pool.classes[row]), x, y))
    for number, (x, y) in reversed([*enumerate(at(pool.points[picked]), 1)]):
        parts.append(f'<circle class="pick" cx="{x:.1f}" cy="{y:.1f}" r="9.5"/>')
        parts.append(f'<text class="number" x="{x:.1f}" y="{y + 4.5:.1f}">{number}</text>')
    across, down = at(np.array([[high[0], low[1]]]))[0]
    return document(round(across + margin), round(down + margin), alt, parts)


def region_of(pool: Pool, wanted: int, corners: Array) -> Array:
    """Where the model predicts a class: a half-plane for each other class, cut out of the rectangle."""
    region = corners
    for other in range(len(pool.weights)):
        if other != wanted and len(region):
            slope = pool.weights[wanted] - pool.weights[other]
            sides = region @ slope + pool.biases[wanted] - pool.biases[other]
            kept = []
            for k, side in enumerate(sides):
                before = sides[k - 1]
                if (before >= 0) != (side >= 0):
                    share = before / (before - side)
                    kept.append(region[k - 1] + share * (region[k] - region[k - 1]))
                if side >= 0:
                    kept.append(region[k])
            region = np.array(kept).reshape(-1, 2)
    return region


def _shape(kind: int, x: float, y: float) -> str:
    """Classes differ in colour and in shape."""
    if kind == 0:
        return f'<circle class="labelled c0" cx="{x:.1f}" cy="{y:.1f}" r="6"/>'
    if kind == 1:
        return f'<rect class="labelled c1" x="{x - 5.5:.1f}" y="{y - 5.5:.1f}" width="11" height="11"/>'
    corners = np.array([[x, y - 7.5], [x + 7, y + 5], [x - 7, y + 5]])
    return f'<polygon class="labelled c2" points="{_joined(corners)}"/>'


def curves(
    labels: Array, lines: Mapping[str, tuple[Array, Array, Array]], *, baseline: str, title: str, alt: str
) -> str:
    """Learning curves of one setting: of each name the mean and the ends of its band, between 0 and 1."""
    width, height = 400, 300
    left, right, top, bottom = 44, width - 12, 34, height - 62
    heights = np.concatenate([np.concatenate(one) for one in lines.values()])
    low, high = max(0.0, float(heights.min())), min(1.0, float(heights.max()))
    step = next(one for one in (0.01, 0.02, 0.05, 0.1, 0.2) if (high - low) / one <= 5)
    low, high = step * np.floor(low / step), step * np.ceil(high / step)

    def x(values: Array) -> Array:
        return left + (values - labels[0]) / (labels[-1] - labels[0]) * (right - left)

    def y(values: Array) -> Array:
        return bottom - (np.asarray(values) - low) / (high - low) * (bottom - top)

    parts = [f'<text class="title" x="6" y="18">{escape(title)}</text>']
    for tick in np.arange(low, high + step / 2, step):
        at = float(y(tick))
        parts.append(f'<line class="rule" x1="{left}" x2="{right}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text class="end" x="{left - 6}" y="{at + 4:.1f}">{100 * tick:.0f}</text>')
    parts.append(f'<path class="axis" d="M{left} {top}V{bottom}H{right}"/>')
    for tick in (labels[0], labels[len(labels) // 2], labels[-1]):
        at = float(x(tick))
        place = "end" if tick == labels[-1] else "middle"
        parts.append(f'<text class="{place}" x="{at:.1f}" y="{bottom + 17}">{int(tick)}</text>')
    parts.append(f'<text class="middle" x="{(left + right) / 2:.0f}" y="{bottom + 34}">labelled items</text>')
    looks = {baseline: "grey"}
    looks |= {name: f"c{k % 3}" for k, name in enumerate(one for one in lines if one != baseline)}
    place = left
    for name, (mean, lower, upper) in sorted(lines.items(), key=lambda one: one[0] != baseline):
        xs = x(labels)
        around = np.concatenate([np.column_stack([xs, y(upper)]), np.column_stack([xs, y(lower)])[::-1]])
        dashed = " dashed" if name == baseline else ""
        parts.append(f'<polygon class="band {looks[name]}" points="{_joined(around)}"/>')
        mean_line = _joined(np.column_stack([xs, y(mean)]))
        parts.append(f'<polyline class="line {looks[name]}{dashed}" points="{mean_line}"/>')
    for name in lines:
        dashed = " dashed" if name == baseline else ""
        parts.append(f'<path class="line {looks[name]}{dashed}" d="M{place} {height - 12}h26"/>')
        parts.append(f'<text x="{place + 31}" y="{height - 8}">{escape(name)}</text>')
        place += 50 + round(7.2 * len(name))
    return document(width, height, alt, parts)


def _joined(points: Array) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
