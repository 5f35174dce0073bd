"""``nextlabel export``: what was labelled, as a sheet."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from nextlabel.campaign.state import State
    from nextlabel.core.pool import Pool

__all__ = ["export"]


def export(
    journal: Annotated[Path, typer.Argument(help="The campaign's journal.")],
    sheet: Annotated[Path, typer.Argument(help="The CSV file to write.")],
    is_whole: Annotated[bool, typer.Option("--all", help="Items without an answer too.")] = False,
    answers: Annotated[
        bool,
        typer.Option("--answers", help="A row for each answer of each annotator, in place of each item."),
    ] = False,
    bare: Annotated[
        bool, typer.Option("--bare", help="Without the columns of the data, which are not read then.")
    ] = False,
    raw: Annotated[
        bool,
        typer.Option(
            "--raw",
            help="Cells as they are. Else those that a spreadsheet would take for formulas begin with an "
            "apostrophe, which `nextlabel tell` takes away again.",
        ),
    ] = False,
    data: Annotated[
        Path | None, typer.Option(help="Where the data are now, if they have moved since `nextlabel new`.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write the labels to a CSV sheet: an item a row, or an answer a row."""
    from nextlabel.campaign.export import export_answers, export_items
    from nextlabel.cli.journal import counted, read_state

    state = read_state(journal)
    if answers:
        rows = export_answers(state, sheet, is_raw=raw, replace=force)
        typer.echo(f"{counted(rows, 'answer')} written to {sheet}, skips among them.")
        return
    pool = None if bare else _pool(journal, state, data)
    rows = export_items(state, sheet, pool=pool, is_whole=is_whole, is_raw=raw, replace=force)
    typer.echo(f"{counted(rows, 'item')} written to {sheet}, {state.labelled:,} with a label.")


def _pool(journal: Path, state: "State", data: Path | None) -> "Pool":
    """The items that the journal speaks of; the learner is not needed."""
    from nextlabel.cli.source import read_pool
    from nextlabel.errors import NextlabelError

    try:
        return read_pool(journal, state, data)
    except NextlabelError as error:
        error.add_note("To write ids and answers without the data, add --bare.")
        raise
