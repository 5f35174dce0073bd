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
    pool = None if bare else _pool(journal, state)
    rows = export_items(state, sheet, pool=pool, is_whole=is_whole, is_raw=raw, replace=force)
    typer.echo(f"{counted(rows, 'item')} written to {sheet}, {state.labelled:,} with a label.")


def _pool(journal: Path, state: "State") -> "Pool":
    """The items that the journal speaks of; the learner is not needed."""
    from nextlabel.campaign.parts import pool_part
    from nextlabel.errors import CampaignError, NextlabelError, PoolChanged

    try:
        if state.pool_source is None:
            message = (
                "Data that a reader or a function makes again are needed to show the items; these were "
                "handed over in Python, and the journal does not know where they are from."
            )
            raise CampaignError(message)
        pool = pool_part(state.pool_source, journal.parent, from_journal=True).pool
        if pool.fingerprint != state.pool_fingerprint:
            gone = len(set(state.roster.ids) - set(pool.ids))
            what = f"{gone:,} items have gone" if gone else "the content of items is another"
            raise PoolChanged(f"The data must be those of the journal {journal}; {what}. Put them back.")
    except NextlabelError as error:
        error.add_note("To write ids and answers without the data, add --bare.")
        raise
    return pool
