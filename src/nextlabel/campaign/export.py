"""What a campaign knows, as a file: the formats there are, and one function that writes any of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import final

from nextlabel.campaign.formats import (
    asreview,
    csv,
    jsonl,
    label_studio,
    label_studio_config,
    model_file,
    parquet,
)
from nextlabel.campaign.formats.content import Export
from nextlabel.campaign.formats.table import Table, answers_table, items_table
from nextlabel.errors import ParameterError

__all__ = ["FORMATS", "Export", "Format", "format_named", "write_export", "write_table"]


@final
@dataclass(frozen=True)
class Format:
    """A format that a campaign can be exported to.

    Parameters
    ----------
    name : str
    suffix : str
        Of its files.
    mime : str
        What a browser is told.
    sentence : str
        What it holds, in words.
    needs_model : bool
        Whether it is a model.
    roles : tuple of str
        Who may download it.
    """

    name: str
    suffix: str
    mime: str
    sentence: str
    needs_model: bool = False
    roles: tuple[str, ...] = ("owner",)


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        one.name: one
        for one in (
            Format(
                "csv",
                ".csv",
                "text/csv",
                "A sheet with your own columns, and label, annotator, time, arm and probability.",
            ),
            Format(
                "jsonl",
                ".jsonl",
                "application/x-ndjson",
                "The same for programs: one JSON object a line.",
            ),
            Format(
                "parquet",
                ".parquet",
                "application/vnd.apache.parquet",
                "The same with real types, for tables of any size.",
            ),
            Format(
                "answers",
                ".csv",
                "text/csv",
                "A sheet with a row for each answer and each skip of each annotator.",
            ),
            Format(
                "label_studio",
                ".json",
                "application/json",
                "Label Studio's JSON: tasks, annotations and predictions.",
            ),
            Format(
                "label_studio_config",
                ".xml",
                "application/xml",
                "Label Studio's labelling interface for these tasks.",
            ),
            Format(
                "asreview",
                ".csv",
                "text/csv",
                "A sheet as ASReview reads it, for two classes: 1 is relevant, 0 is not.",
            ),
            Format(
                "model",
                ".joblib",
                "application/octet-stream",
                "The newest model as a scikit-learn pipeline, from raw items to labels.",
                needs_model=True,
            ),
            Format(
                "onnx",
                ".onnx",
                "application/octet-stream",
                "The newest model as an ONNX graph, for programs in other languages.",
                needs_model=True,
            ),
        )
    }
)
"""The formats by their names."""


def format_named(name: str) -> Format:
    """A format by its name.

    Raises
    ------
    ParameterError
        There is none of that name.
    """
    if name not in FORMATS:
        message = (
            f"A campaign is exported to {', '.join(FORMATS)}; received the format {name!r}. "
            "Name one of these."
        )
        raise ParameterError(message)
    return FORMATS[name]


def write_export(name: str, path: Path, export: Export, *, replace: bool = False) -> int:
    """Write a campaign to a file, whole or not at all, on the disk when this returns.

    Parameters
    ----------
    name : str
        One of `FORMATS`.
    path : Path
    export : Export
    replace : bool
        Write over a file that is there.

    Returns
    -------
    int
        The number of rows; of a model, 1.

    Raises
    ------
    ParameterError
        There is no such format, or the campaign does not fit it.
    CampaignError
        The file is there already or cannot be written, or a model is wanted and there is none that can be
        written so.
    MissingExtra
        A library that the format needs is not installed.
    """
    return _WRITERS[format_named(name).name](path, export, replace)


def write_table(path: Path, table: Table, export: Export, *, replace: bool = False) -> int:
    """Write a table in the format that the suffix of the path says: JSON lines, parquet, else CSV.

    Parameters
    ----------
    path : Path
    table : Table
    export : Export
        Whose labels it holds.
    replace : bool
        Write over a file that is there.

    Returns
    -------
    int
        The number of rows.

    Raises
    ------
    CampaignError
        The file is there already, or cannot be written; nothing was.
    """
    task, suffix = export.state.task, path.suffix.lower()
    if suffix in (".jsonl", ".ndjson"):
        return jsonl.write(path, table, task, replace=replace)
    if suffix == ".parquet":
        return parquet.write(path, table, task, replace=replace)
    return csv.write(path, table, task, is_raw=export.is_raw, replace=replace)


def _config(path: Path, export: Export, replace: bool) -> int:
    label_studio_config.write(path, export.state.task, export.pool, replace=replace)
    return len(export.state.task.classes)


_WRITERS: Mapping[str, Callable[[Path, Export, bool], int]] = MappingProxyType(
    {
        "csv": lambda path, export, replace: csv.write(
            path, items_table(export), export.state.task, is_raw=export.is_raw, replace=replace
        ),
        "jsonl": lambda path, export, replace: jsonl.write(
            path, items_table(export), export.state.task, replace=replace
        ),
        "parquet": lambda path, export, replace: parquet.write(
            path, items_table(export), export.state.task, replace=replace
        ),
        "answers": lambda path, export, replace: write_table(
            path, answers_table(export), export, replace=replace
        ),
        "label_studio": lambda path, export, replace: label_studio.write(path, export, replace=replace),
        "label_studio_config": _config,
        "asreview": lambda path, export, replace: asreview.write(path, export, replace=replace),
        "model": lambda path, export, replace: model_file.write_pipeline(path, export, replace=replace),
        "onnx": lambda path, export, replace: model_file.write_onnx(path, export, replace=replace),
    }
)
