"""``nextlabel export``: what was labelled, as a file for people, for programs, and for other tools."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from nextlabel.campaign.export import Export
    from nextlabel.campaign.state import State
    from nextlabel.core.learner import Model
    from nextlabel.core.pool import Pool
    from nextlabel.core.store import Entry

__all__ = ["export"]

_SUFFIXES = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".json": "label_studio",
    ".joblib": "model",
    ".onnx": "onnx",
    ".xml": "label_studio_config",
}


def export(
    journal: Annotated[Path, typer.Argument(help="The campaign's journal.")],
    sheet: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write.")],
    format: Annotated[
        str | None,
        typer.Option(
            help="csv, jsonl, parquet, answers, label_studio, label_studio_config, asreview, model or onnx; "
            "when left out, by the suffix: .csv, .jsonl, .parquet, .json (Label Studio), .joblib or .onnx."
        ),
    ] = None,
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
    positive: Annotated[
        str | None, typer.Option(help="For asreview: the class that is relevant; the other one is not.")
    ] = None,
    with_control: Annotated[
        bool,
        typer.Option(
            "--with-control",
            help="For model and onnx: fitted anew for this file, on the control labels too. What was "
            "measured is about the model without them.",
        ),
    ] = False,
    data: Annotated[
        Path | None, typer.Option(help="Where the data are now, if they have moved since `nextlabel new`.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write the labels to a file: a sheet, JSON lines, parquet, for other tools; or the model itself."""
    from nextlabel.campaign.export import Export, format_named, write_export
    from nextlabel.cli.journal import counted, read_journal

    chosen = format_named(_format(sheet, format, answers=answers))
    _require_fitting(chosen.name, bare=bare, with_control=with_control, needs_model=chosen.needs_model)
    state, entries = read_journal(journal)
    if chosen.needs_model:
        _export_model(journal, chosen.name, sheet, data, with_control=with_control, force=force)
        return
    if bare or chosen.name == "answers":
        whole = Export(state, entries, is_whole=is_whole, is_raw=raw, positive=positive)
    else:
        whole = _with_data(journal, state, entries, data, is_whole=is_whole, is_raw=raw, positive=positive)
    rows = write_export(chosen.name, sheet, whole, replace=force)
    if chosen.name == "answers":
        typer.echo(f"{counted(rows, 'answer')} written to {sheet}, skips among them.")
        return
    if chosen.name == "label_studio_config":
        typer.echo(f"The labelling interface with {counted(rows, 'class')} is in {sheet}.")
        return
    typer.echo(f"{counted(rows, 'item')} written to {sheet}, {state.labelled:,} with a label.")
    if chosen.name == "label_studio":
        beside = sheet.with_suffix(".xml")
        write_export("label_studio_config", beside, whole, replace=force)
        typer.echo(f"The labelling interface for a Label Studio project is in {beside}.")


def _format(sheet: Path, format: str | None, *, answers: bool) -> str:
    from nextlabel.errors import ParameterError

    if answers and format not in (None, "answers", "csv", "jsonl", "parquet"):
        message = (
            f"--answers writes rows to .csv, .jsonl or .parquet; received --format {format} as well. "
            "Leave one of them out."
        )
        raise ParameterError(message)
    if answers:
        return "answers"
    return format if format is not None else _SUFFIXES.get(sheet.suffix.lower(), "csv")


def _require_fitting(name: str, *, bare: bool, with_control: bool, needs_model: bool) -> None:
    """Refuse options that a format has no use for."""
    from nextlabel.errors import ParameterError

    unfit = "--bare" if bare and (needs_model or name.startswith("label_studio")) else ""
    if with_control and not needs_model:
        unfit = "--with-control"
    if unfit:
        message = f"The format {name} has no use for {unfit}. Leave it out, or name another --format."
        raise ParameterError(message)


def _with_data(
    journal: Path,
    state: "State",
    entries: "Sequence[Entry]",
    data: Path | None,
    *,
    is_whole: bool,
    is_raw: bool,
    positive: str | None,
) -> "Export":
    """What is exported with the columns of the data, and with probabilities where a model can be loaded."""
    import numpy as np

    from nextlabel.campaign.export import Export
    from nextlabel.campaign.predicting import kept_model, predicted
    from nextlabel.errors import NextlabelError

    pool = _pool(journal, state, data)
    told = Export(state, entries, pool, is_whole=is_whole, is_raw=is_raw, positive=positive)
    try:
        model = kept_model(journal, state)
        if model is None:
            return told
        index = {id: position for position, id in enumerate(pool.ids)}
        positions = np.array([index[id] for id in told.ids], dtype=np.int64)
        guesses = predicted(model, state.task, pool, positions, seed=state.created.seed)
    except NextlabelError as error:
        typer.echo(f"Probabilities are left out: {error}")
        return told
    return replace(told, predictions=guesses)


def _export_model(
    journal: Path, name: str, out: Path, data: Path | None, *, with_control: bool, force: bool
) -> None:
    from nextlabel.campaign.campaign import Campaign
    from nextlabel.campaign.export import Export, write_export
    from nextlabel.campaign.formats.model_file import describe
    from nextlabel.campaign.predicting import final_model, kept_model
    from nextlabel.campaign.replacing import replacing
    from nextlabel.cli.journal import read_state
    from nextlabel.cli.source import moved

    state = read_state(journal)
    if with_control:
        with Campaign.open(journal, pool=None if data is None else moved(state, data)) as campaign:
            model: Model | None = final_model(campaign)
        labels = state.labelled
        about = (
            "It was fitted for this file, on the control labels too; what is measured is about the model "
            "without them."
        )
    else:
        model = kept_model(journal, state)
        labels = 0 if state.newest is None else state.newest.labels
        about = "No control label has trained it; to fit one for export on those too, add --with-control."
    whole = Export(state, model=model)
    write_export(name, out, whole, replace=force)
    typer.echo(f"The model of {labels:,} labels is in {out}. {about}")
    if name == "model":
        beside = out.with_name(f"{out.name}.txt")
        with replacing(beside, replace=force) as file:
            file.write(describe(whole))
        typer.echo(f"The versions that it needs are in {beside}.")


def _pool(journal: Path, state: "State", data: Path | None) -> "Pool":
    """The items that the journal speaks of; the learner is not needed."""
    from nextlabel.cli.source import read_pool
    from nextlabel.errors import NextlabelError

    try:
        return read_pool(journal, state, data)
    except NextlabelError as error:
        error.add_note("To write ids and answers without the data, add --bare.")
        raise
