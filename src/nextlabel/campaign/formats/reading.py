"""Answers from a file of any format that can be read, told to a campaign."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from nextlabel.campaign.answers import Told, tell_rows
from nextlabel.campaign.formats import asreview, csv, jsonl, label_studio_read, parquet
from nextlabel.campaign.formats.asreview import LABELS
from nextlabel.campaign.formats.columns import ITEM_COLUMNS, found
from nextlabel.campaign.sheets import Row, read_header
from nextlabel.core.pool import Pool
from nextlabel.errors import ParameterError

if TYPE_CHECKING:
    from nextlabel.campaign.campaign import Campaign
    from nextlabel.campaign.state import State

__all__ = ["READABLE", "format_of", "tell_file"]

READABLE = ("csv", "jsonl", "parquet", "label_studio", "asreview")
"""The formats that answers are read from."""

_SUFFIXES: Mapping[str, str] = MappingProxyType(
    {".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".json": "label_studio"}
)


def format_of(path: Path, *, encoding: str | None = None) -> str:
    """The format of a file, by its suffix; CSV files of ASReview are known by their columns.

    Parameters
    ----------
    path : Path
    encoding : str, optional
        Of a CSV file.
    """
    known = _SUFFIXES.get(path.suffix.lower())
    if known is not None:
        return known
    header = read_header(path, encoding)
    is_ours = "token" in header or all(found(name, header) for name in ITEM_COLUMNS)
    return "asreview" if LABELS[0] in header and not is_ours else "csv"


def tell_file(
    campaign: "Campaign",
    path: Path,
    *,
    format: str | None = None,
    annotator: str = "",
    encoding: str | None = None,
    is_again: bool = False,
    positive: str | None = None,
    pool: Callable[[], Pool] | None = None,
) -> Told:
    """Tell a campaign the answers of a file: all rows are checked first, and telling twice changes nothing.

    Parameters
    ----------
    campaign : Campaign
    path : Path
    format : str, optional
        One of `READABLE`; when left out, what `format_of` says.
    annotator : str
        Who answered, where the file does not say.
    encoding : str, optional
        Of text, where it is not UTF-8.
    is_again : bool
        As for `tell_sheet`.
    positive : str, optional
        The class that ASReview calls relevant.
    pool : callable, optional
        Makes the pool, for files of others whose rows carry no id.

    Returns
    -------
    Told

    Raises
    ------
    ParameterError
        A format that answers are not read from.
    ReaderError
        The file cannot be read.
    LabelError
        Rows that cannot be told, named by their places; nothing was told.

    Notes
    -----
    May be called while others ask and tell: what they have written meanwhile is read first, and the answers
    of one annotator and query go into the journal together.
    """
    known = format if format is not None else format_of(path, encoding=encoding)
    if known not in READABLE:
        message = (
            f"Answers are read from {', '.join(READABLE)}; received the format {known!r}. Name one of these."
        )
        raise ParameterError(message)
    rows = _rows(known, path, campaign.refresh(), annotator, encoding, positive, pool)
    return tell_rows(campaign, path, rows, annotator=annotator, is_again=is_again)


def _rows(
    known: str,
    path: Path,
    state: "State",
    annotator: str,
    encoding: str | None,
    positive: str | None,
    pool: Callable[[], Pool] | None,
) -> list[Row]:
    if known == "jsonl":
        return jsonl.read(path, state, encoding=encoding)
    if known == "parquet":
        return parquet.read(path, state)
    if known == "label_studio":
        return label_studio_read.read(path, state, pool=pool, annotator=annotator)
    if known == "asreview":
        return asreview.read(
            path, state, positive=positive, pool=pool, annotator=annotator, encoding=encoding
        )
    return csv.read(path, state, encoding=encoding)
