"""``nextlabel new``: a file of items becomes a campaign."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["new"]


def new(
    file: Annotated[
        Path,
        typer.Argument(help="csv, tsv, jsonl, parquet, xlsx, npy, npz, idx.gz, or a folder of images."),
    ],
    text: Annotated[str | None, typer.Option(help="The column whose texts are to be labelled.")] = None,
    features: Annotated[
        str, typer.Option(help="The columns that a model may read, with commas between them; else all.")
    ] = "",
    labels: Annotated[
        str, typer.Option(help="The classes, with commas between them; else those of the label column.")
    ] = "",
    label_column: Annotated[
        str | None,
        typer.Option(help="The column of labels that are there already; `label` where there is one."),
    ] = None,
    kind: Annotated[
        str,
        typer.Option(
            "--task",
            help="class: one class an item; classes: those that apply, in cells with semicolons between "
            "them, and (none) where none does.",
        ),
    ] = "class",
    id: Annotated[
        str | None, typer.Option(help="The column that names each item; else its content does.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Of the file, where it is not UTF-8: for example latin-1.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="Of an xlsx file; the first when left out.")] = None,
    image: Annotated[
        str | None, typer.Option(help="The column of a table that names an image file for each row.")
    ] = None,
    skip_faulty: Annotated[
        bool, typer.Option("--skip-faulty", help="Leave out what cannot be read; else nothing is begun.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="The journal; FILE with the ending .db when left out.")
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option(
            help="A name of `nextlabel list strategies`, JSON with settings; or auto: see `nextlabel "
            "advise`. When left out: badge; with --task classes, auto."
        ),
    ] = None,
    learner: Annotated[
        str | None,
        typer.Option(
            help="A name of `nextlabel list learners`, JSON with settings, or file.py:function; else "
            "logistic regression on what suits the items."
        ),
    ] = None,
    control: Annotated[
        float,
        typer.Option(help="The share of each batch drawn at random, to measure by: 0, or from 0.05 to 0.2."),
    ] = 0.1,
    overlap: Annotated[int, typer.Option(min=1, help="How many people each item is asked of.")] = 1,
    candidates: Annotated[
        int | None, typer.Option(min=1, help="How many items the model sees at once; all when left out.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0,
) -> None:
    """Begin a campaign: read items from a file, write a journal beside it."""
    from nextlabel.cli.beginning import Wanted, begin, beside, listed, say, usual
    from nextlabel.cli.journal import call

    journal = out or beside(file)
    _require_new(journal)
    wanted = Wanted(
        file=file,
        params={
            "id": id,
            "text": text,
            "features": listed(features) or None,
            "encoding": encoding,
            "sheet": sheet,
            "image": image,
            "skip_faulty": skip_faulty or None,
        },
        labels=listed(labels),
        label_column=label_column,
        kind=kind,
        strategy=strategy or usual(kind),
        learner=learner,
        control=control,
        seed=seed,
        overlap=overlap,
        candidates=candidates,
    )
    pool, state, column = begin(journal, wanted)
    say(wanted, pool, state, column)
    typer.echo(f"Journal: {journal}")
    typer.echo(f"Next: {call('ask', journal)}")


def _require_new(journal: Path) -> None:
    from nextlabel.errors import CampaignError

    if journal.exists():
        message = (
            f"A new journal must not be there yet; {journal} is. Go on with it (nextlabel status), or name "
            "another with --out."
        )
        raise CampaignError(message)
