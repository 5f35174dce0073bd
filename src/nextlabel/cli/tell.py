"""``nextlabel tell``: the answers of a sheet go into the journal."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from nextlabel.campaign.answers import Told

__all__ = ["tell"]


def tell(
    journal: Annotated[Path, typer.Argument(help="The campaign's journal.")],
    sheet: Annotated[
        Path,
        typer.Argument(
            help="A CSV file with the columns id and label, as `nextlabel ask` writes it. An empty label is "
            "left for later; a word in the column skip passes the item over."
        ),
    ],
    annotator: Annotated[
        str, typer.Option(help="Who answered, where the sheet does not say; else its holder.")
    ] = "",
    encoding: Annotated[
        str | None, typer.Option(help="Of the sheet, where it is not UTF-8: for example latin-1.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Bring answers back that were changed after this sheet was told.")
    ] = False,
) -> None:
    """Tell the answers of a sheet: all rows are checked first, and telling twice changes nothing."""
    from nextlabel.campaign.answers import tell_sheet
    from nextlabel.campaign.campaign import Campaign
    from nextlabel.cli.journal import call

    with Campaign.open(journal) as campaign:
        told = tell_sheet(campaign, sheet, annotator=annotator, encoding=encoding, is_again=again)
        labelled, items = campaign.state.labelled, len(campaign.state.roster)
    typer.echo(_sentence(told))
    if told.kept:
        typer.echo(
            f"Told before with this sheet and changed since: {told.kept}. The newer answers stay; to bring "
            "these back, add --again."
        )
    typer.echo(f"Labelled: {labelled:,} of {items:,} items.")
    typer.echo(f"Next: {call('tell', journal, sheet) if told.later else call('ask', journal)}")


def _sentence(told: "Told") -> str:
    from nextlabel.cli.journal import counted

    count = sum(told.labels.values())
    classes = ", ".join(f"{name} {number}" for name, number in sorted(told.labels.items()))
    parts = [f"{counted(count, 'answer')} told ({classes})"] if count else ["No new answer"]
    if told.skipped:
        parts.append(f"{told.skipped} skipped")
    if told.unchanged:
        parts.append(f"{told.unchanged} known before")
    if told.later:
        parts.append(f"{told.later} left for later")
    return f"{'; '.join(parts)}."
