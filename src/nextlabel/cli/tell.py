"""``nextlabel tell``: the answers of a sheet, or of another tool's file, go into the journal."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from nextlabel.campaign.answers import Told

__all__ = ["tell"]

_SHOWN = 10


def tell(
    journal: Annotated[Path, typer.Argument(help="The campaign's journal.")],
    sheet: Annotated[
        Path,
        typer.Argument(
            help="A CSV file with the columns id and label, as `nextlabel ask` and `nextlabel export` write "
            "it. An empty label is left for later; a word in the column skip passes the item over. Also "
            "JSON lines, parquet, and what Label Studio and ASReview export."
        ),
    ],
    format: Annotated[
        str | None,
        typer.Option(
            help="csv, jsonl, parquet, label_studio or asreview; when left out, by the suffix (.json is of "
            "Label Studio) and the columns."
        ),
    ] = None,
    annotator: Annotated[
        str, typer.Option(help="Who answered, where the sheet does not say; else its holder.")
    ] = "",
    encoding: Annotated[
        str | None, typer.Option(help="Of the sheet, where it is not UTF-8: for example latin-1.")
    ] = None,
    again: Annotated[
        bool,
        typer.Option(
            "--again",
            help="Tell also what was told before in the same words, and changed or taken back since.",
        ),
    ] = False,
    positive: Annotated[
        str | None,
        typer.Option(help="Of an export of ASReview: the class that 1 stands for; 0 is the other."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Where the data are now, if they have moved: they are read where a file of another tool "
            "lacks our ids."
        ),
    ] = None,
) -> None:
    """Tell the answers of a sheet: all rows are checked first, and telling twice changes nothing."""
    from nextlabel.campaign.campaign import Campaign
    from nextlabel.campaign.formats.reading import tell_file
    from nextlabel.cli.journal import call
    from nextlabel.cli.source import read_pool
    from nextlabel.errors import JournalError

    with Campaign.open(journal, only_answers=True) as campaign:
        try:
            told = tell_file(
                campaign,
                sheet,
                format=format,
                annotator=annotator,
                encoding=encoding,
                is_again=again,
                positive=positive,
                pool=lambda: read_pool(journal, campaign.state, data),
            )
        except JournalError as error:
            error.add_note("Tell the sheet again then: what is in the journal already is passed over.")
            raise
        labelled, items = campaign.state.labelled, len(campaign.state.roster)
    typer.echo(_sentence(told))
    for remark in _remarks(told):
        typer.echo(remark)
    typer.echo(f"Labelled: {labelled:,} of {items:,} items.")
    typer.echo(f"Next: {call('tell', journal, sheet) if told.later else call('ask', journal)}")


def _remarks(told: "Told") -> list[str]:
    """What of the sheet did not happen, and what to do about it."""
    remarks = []
    if told.kept:
        remarks.append(
            f"Told before, and changed or taken back since: {_named(told.kept)}. What was said last stays; "
            "to tell these again, add --again."
        )
    if told.standing:
        remarks.append(
            f"Empty on the sheet, and answered or skipped in the journal: {_named(told.standing)}. "
            "That stays; to take an answer back, write a word under skip and tell the sheet again."
        )
    if told.contested:
        remarks.append(
            f"Skipped here, and labelled by others: {_named(told.contested)}. Their answers stay; to "
            "take one back, tell a sheet of these rows with the name of who gave it in the column annotator."
        )
    if told.outvoted:
        remarks.append(
            f"Changed here to what the annotator says already: {_named(told.outvoted)}. The answers of "
            "others keep the label; tell a sheet of these rows with the name of who changes theirs in the "
            "column annotator."
        )
    return remarks


def _named(ids: Sequence[str]) -> str:
    more = len(ids) - _SHOWN
    return ", ".join(map(repr, ids[:_SHOWN])) + (f" and {more:,} more" if more > 0 else "")


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
