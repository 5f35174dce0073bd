"""The same results in forms that stay readable with dozens of strategies."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from nextlabel.experiment.penalty import Penalties, median_ratio
from nextlabel.experiment.study import Study
from nextlabel.experiment.verdicts import BETTER, UNDECIDED, WORSE
from nextlabel.experiment.wording import percent, points, spelled
from nextlabel.figures.forest import ForestRow
from nextlabel.figures.page import Table

__all__ = [
    "FEW",
    "are_many",
    "forest_rows",
    "nearest",
    "outstanding",
    "penalties_of_many",
    "specs",
    "summary_of_many",
]

FEW: Final = 12
"""Up to so many strategies are curves in one picture, and columns of one table."""

_ENDS = 2
_NOTHING = "–"


def are_many(strategies: Sequence[str]) -> bool:
    """Whether there are more than curves in one picture and columns of a table can show."""
    return len(strategies) > FEW


def outstanding(one: Study) -> tuple[str, ...]:
    """The strategies whose curves are drawn where there are many: lead, baseline, and those at the ends.

    Parameters
    ----------
    one : Study

    Returns
    -------
    tuple of str
        The lead, the two of the largest and the two of the smallest gain in area, the baseline last.
    """
    others = [row.strategy for row in one.rows if row.strategy not in (one.lead, one.baseline)]
    ends = dict.fromkeys([*others[:_ENDS], *others[-_ENDS:]])
    return (one.lead, *ends, one.baseline)


def forest_rows(one: Study) -> list[ForestRow]:
    """What each strategy gains on the baseline, in points, for the picture."""
    signs = {BETTER: 1, WORSE: -1}
    return [
        ForestRow(
            name,
            100 * said.gain,
            (100 * said.own_interval.low, 100 * said.own_interval.high),
            (100 * said.interval.low, 100 * said.interval.high),
            signs.get(said.verdict, 0),
        )
        for name, said in one.standings.items()
    ]


def summary_of_many(studies: Sequence[Study]) -> Table:
    """All settings in one table, a column each: what a strategy gains on the baseline, and the verdict.

    Parameters
    ----------
    studies : sequence of Study

    Returns
    -------
    Table
        Rows by the mean gain over the settings that a strategy ran in, the largest first.
    """
    baseline = studies[0].baseline
    names = dict.fromkeys(name for one in studies for name in one.standings)

    def gain(name: str) -> float:
        return float(np.mean([one.standings[name].gain for one in studies if name in one.standings]))

    def said(one: Study, name: str) -> str:
        if name not in one.standings:
            return _NOTHING
        gained, verdict = points(one.standings[name].gain), one.standings[name].verdict
        return gained if verdict == UNDECIDED else f"{gained} {verdict}"

    areas = [next(row for row in one.rows if row.strategy == baseline).area_mean for one in studies]
    body = [[name, *(said(one, name) for one in studies)] for name in sorted(names, key=lambda x: -gain(x))]
    return Table(
        caption=f"Gain in AUBC on {baseline}, in points, with the verdict; alone: not distinguishable",
        header=["strategy", *(f"{one.name} ({one.seeds} seeds)" for one in studies)],
        rows=[*body, [f"AUBC of {baseline}", *(percent(area) for area in areas)]],
        notes=[
            "AUBC: the area under the budget curve, the mean test accuracy over the budget.",
            "Rows by the mean gain over the settings that a strategy ran in. “–”: it did not run there; why "
            "stands with the setting, at “Not run”.",
            "Verdicts of a setting hold together (Holm's procedure, 5 %); of twenty settings in which "
            "nothing differs, about one says that something does, half of these that it is better.",
        ],
    )


def nearest(one: Study) -> Table:
    """Whose items a strategy's are most like, and how like those of the baseline."""
    names = one.results.strategies

    def shared(a: str, b: str) -> float:
        return one.overlap.get(f"{a}, {b}", one.overlap.get(f"{b}, {a}", 0.0))

    body = []
    for name in names:
        others = [other for other in names if other != name]
        most = max(others, key=lambda other: shared(name, other))
        with_baseline = _NOTHING if name == one.baseline else f"{shared(name, one.baseline):.2f}"
        body.append([name, most, f"{shared(name, most):.2f}", with_baseline])
    return Table(
        caption=f"Who asks for the same? Jaccard's index of the ids asked: {one.seeds} seeds",
        header=["strategy", "most like", "index", f"index with {one.baseline}"],
        rows=body,
        notes=[
            "Shared ids over all ids of the two, mean over seeds; 1: the same. All pairs: overlap in "
            "results.json. Left out: a drawn start, control items, and a first batch that was drawn for one "
            "of the two."
        ],
    )


def specs(one: Study) -> Table:
    """What each strategy was run as."""
    ran = one.results.protocol.get("strategies") or {}
    return Table(
        caption="What each strategy was run as",
        header=["strategy", "settings"],
        rows=[[name, spelled(ran.get(name, name))] for name in one.results.strategies],
    )


def penalties_of_many(found: Penalties, baseline: str, notes: Sequence[str]) -> Table:
    """The means of rows and columns of the penalty matrix, and the errors beside the baseline's.

    Parameters
    ----------
    found : Penalties
    baseline : str
    notes : sequence of str
        What else is to be known of the matrix.
    """
    matrix = np.array(found.matrix)
    others = max(len(found.strategies) - 1, 1)
    order = np.argsort(found.penalties, kind="stable")
    body = []
    for place in order:
        name = found.strategies[place]
        body.append(
            [
                name,
                f"{found.penalties[place]:.2f}",
                f"{matrix[place].sum() / others:.2f}",
                f"{median_ratio(found, name):.2f}",
            ]
        )
    return Table(
        caption=f"Penalties of the {len(found.strategies)} strategies that ran in all settings",
        header=["strategy", "is beaten (column mean)", "beats (row mean)", f"error beside {baseline}'s"],
        rows=body,
        notes=[
            "The least beaten first. Column mean: as of the whole matrix, which is penalties in "
            "results.json; row mean: over the other strategies.",
            f"Error: median over checkpoints of the mean error as a multiple of {baseline}'s.",
            *notes,
        ],
    )
