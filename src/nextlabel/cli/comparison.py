"""The figures of a comparison on a terminal of any width: nothing is ever cut off."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nextlabel.experiment.report import HEADER, cells
from nextlabel.experiment.tables import TOGETHER

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as Screen

    from nextlabel.experiment.comparison import Claim, Row
    from nextlabel.experiment.verdicts import Standing
    from nextlabel.figures.page import Table

__all__ = ["show", "show_table"]

_VERDICT = "verdict"
_NOTE = f"Verdicts allow for all strategies compared (Holm's procedure). {TOGETHER}"
_NEEDED = 10_000  # wide enough for any table, to measure what it needs


def show(
    console: "Console",
    claim: "Claim",
    rows: "Sequence[Row]",
    standings: "Mapping[str, Standing] | None" = None,
) -> None:
    """Print a table where it fits, if need be with the intervals on a second line; else a block each.

    Parameters
    ----------
    console : Console
    claim : Claim
        Says the baseline and the budget.
    rows : sequence of Row
        One for each strategy.
    standings : mapping of str to Standing, optional
        By strategy: their intervals, which hold together, stand in place of each row's own, and their
        verdicts in a last column.
    """
    header = [title.format(baseline=claim.baseline) for title in HEADER]
    header += [_VERDICT] if standings else []
    body = [_cells(row, claim.budget, standings) for row in rows]
    _print(console, header, body, second_line=2)
    if standings:
        console.print(_NOTE)


def show_table(console: "Console", table: "Table") -> None:
    """Print a table of the page: its caption, its rows, its notes.

    Parameters
    ----------
    console : Console
    table : Table
    """
    console.print(table.caption, style="bold")
    _print(console, table.header, table.rows)
    for note in table.notes:
        console.print(note)


def _cells(row: "Row", budget: int, standings: "Mapping[str, Standing] | None") -> list[str]:
    if not standings:
        return cells(row, budget)
    found = standings.get(row.strategy)
    return [*cells(row, budget, found.interval if found else None), found.verdict if found else ""]


def _print(
    console: "Console",
    header: Sequence[str],
    body: Sequence[Sequence[str]],
    *,
    second_line: int | None = None,
) -> None:
    from rich.padding import Padding

    for gap in (" (", "\n("):
        table = _screen(header, body, second_line, gap)
        needed = console.measure(table, options=console.options.update(width=_NEEDED)).maximum
        if needed <= console.width:
            console.print(table)
            return
    for number, (name, *rest) in enumerate(body):
        if number:
            console.print()
        console.print(name, style="bold")
        for title, cell in zip(header[1:], rest, strict=True):
            if cell:
                console.print(Padding(f"{' '.join(title.split())}: {cell}", (0, 0, 0, 2)))


def _screen(
    header: Sequence[str], body: Sequence[Sequence[str]], second_line: int | None, gap: str
) -> "Screen":
    from rich.table import Table as Screen

    table = Screen(box=None, pad_edge=False, header_style="bold")
    for title in header:
        table.add_column(title, justify="left" if title == _VERDICT else "right", no_wrap=True)
    table.columns[0].justify = "left"
    for row in body:
        table.add_row(*(cell.replace(" (", gap) if i == second_line else cell for i, cell in enumerate(row)))
    return table
