"""The figures of a comparison on a terminal of any width: nothing is ever cut off."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nextlabel.experiment.report import HEADER, cells

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from nextlabel.experiment.comparison import Claim, Row

__all__ = ["show"]

_VERDICT = "verdict"
_VERDICT_NOTE = (
    "Verdicts allow for all strategies compared (Holm's procedure); each interval speaks of its row alone."
)
_NEEDED = 10_000  # wide enough for any table, to measure what it needs


def show(
    console: "Console", claim: "Claim", rows: "Sequence[Row]", verdicts: Mapping[str, str] | None = None
) -> None:
    """Print a table where it fits, if need be with the intervals on a second line; else a block each.

    Parameters
    ----------
    console : Console
    claim : Claim
        Says the baseline and the budget.
    rows : sequence of Row
        One for each strategy.
    verdicts : mapping of str to str, optional
        By strategy: a last column, empty where there is none.
    """
    _print(console, claim, rows, verdicts)
    if verdicts:
        console.print(_VERDICT_NOTE)


def _print(
    console: "Console", claim: "Claim", rows: "Sequence[Row]", verdicts: Mapping[str, str] | None
) -> None:
    from rich.padding import Padding

    for gap in (" (", "\n("):
        table = _table(claim, rows, gap, verdicts)
        needed = console.measure(table, options=console.options.update(width=_NEEDED)).maximum
        if needed <= console.width:
            console.print(table)
            return
    for number, row in enumerate(rows):
        if number:
            console.print()
        console.print(row.strategy, style="bold")
        for title, cell in zip(_header(claim)[1:], cells(row, claim.budget)[1:], strict=True):
            console.print(Padding(f"{' '.join(title.split())}: {cell}", (0, 0, 0, 2)))
        if verdicts and row.strategy in verdicts:
            console.print(Padding(f"{_VERDICT}: {verdicts[row.strategy]}", (0, 0, 0, 2)))


def _table(claim: "Claim", rows: "Sequence[Row]", gap: str, verdicts: Mapping[str, str] | None) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in _header(claim):
        table.add_column(title, justify="right", no_wrap=True)
    table.columns[0].justify = "left"
    if verdicts is not None:
        table.add_column(_VERDICT, no_wrap=True)
    for row in rows:
        name, area, gain, *rest = cells(row, claim.budget)
        last = [] if verdicts is None else [verdicts.get(name, "")]
        table.add_row(name, area, gain.replace(" (", gap), *rest, *last)
    return table


def _header(claim: "Claim") -> list[str]:
    return [title.format(baseline=claim.baseline) for title in HEADER]
