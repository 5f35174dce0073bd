"""Files of a report: a folder that can be written, each file whole or not at all, JSON for any reader."""

import csv
import json
import math
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from nextlabel.campaign.sheets import harmless
from nextlabel.errors import ExperimentError, ParameterError
from nextlabel.figures.canvas import require_matplotlib

__all__ = ["PAGE", "as_csv", "as_json", "prepare", "put"]

PAGE = "index.html"

_OURS = re.compile(r"((curves|gains)(-\d+)?|penalty|errors|ranks|posterior)\.(svg|png)|(curves|queried)\.csv")


def prepare(folder: Path, names: Sequence[str]) -> list[Path]:
    """Make the folder, and see that it can be written and pictures drawn, before anything long begins.

    Parameters
    ----------
    folder : Path
    names : sequence of str
        Of the files that will be written beside the page.

    Returns
    -------
    list of Path
        The folders that were made, the innermost first.

    Raises
    ------
    ParameterError
        The folder cannot be made or written, or another folder stands where a file will be.
    MissingExtra
        Matplotlib is not installed.
    """
    require_matplotlib()
    try:
        made = [one for one in (folder, *folder.parents) if not one.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        in_the_way = [str(folder / name) for name in (PAGE, *names) if (folder / name).is_dir()]
    except OSError as cause:
        message = (
            f"The results need a folder that can be written; {folder} cannot ({cause.strerror}). "
            "Name another one, for example --out demo."
        )
        raise ParameterError(message) from cause
    if in_the_way:
        message = (
            f"The results are written as files; folders stand in their place: {', '.join(in_the_way)}. "
            "Move them away, or name another folder, for example --out demo."
        )
        raise ParameterError(message)
    return made


def put(folder: Path, made: Mapping[str, bytes]) -> None:
    """All files or none: aside first; then the old page goes, so that none stands beside other results.

    With it go the pictures and tables of the report before that are not made again.

    Parameters
    ----------
    folder : Path
        It exists.
    made : mapping of str to bytes
        What each file holds, the page last.

    Raises
    ------
    ExperimentError
        A file cannot be written: the disk is full, for example. Files of an earlier run are as they were.
    """
    path = folder
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".unfinished-") as aside:
            for name, content in made.items():
                path = folder / name
                (Path(aside) / name).write_bytes(content)
            path = folder
            old = _left_over(folder, made)
            (folder / PAGE).unlink(missing_ok=True)
            for one in old:
                one.unlink()
            for name in made:
                path = folder / name
                (Path(aside) / name).replace(path)
    except OSError as cause:
        message = (
            f"The results must be written to files; {path} could not be ({cause.strerror}). "
            "Make room, or name another folder, and do it again: equal seeds give equal results."
        )
        raise ExperimentError(message) from cause


def _left_over(folder: Path, made: Mapping[str, bytes]) -> list[Path]:
    """Files of an earlier report, beside its page, that the new one does not have."""
    if not (folder / PAGE).exists():
        return []
    return [
        one
        for one in folder.iterdir()
        if _OURS.fullmatch(one.name) and one.name not in made and one.is_file()
    ]


def as_json(content: Any) -> bytes:
    r"""JSON of nested mappings, sequences and dataclasses; what is not a finite number becomes null.

    Examples
    --------
    >>> as_json({"needed": float("inf"), "seeds": (0, 1)})
    b'{"needed": null, "seeds": [0, 1]}\n'
    """
    return (json.dumps(_plain(content), ensure_ascii=False, allow_nan=False) + "\n").encode()


def as_csv(header: Sequence[str], lines: Iterable[Sequence[Any]]) -> bytes:
    r"""CSV with a header, in UTF-8; before text that a spreadsheet would take for a formula, an apostrophe.

    Examples
    --------
    >>> as_csv(["id", "gain"], [["b, c", -0.5], ["=cmd", 1]])
    b'id,gain\n"b, c",-0.5\n\'=cmd,1\n'
    """
    written = StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([harmless(cell) if isinstance(cell, str) else cell for cell in line] for line in lines)
    return written.getvalue().encode()


def _plain(content: Any) -> Any:
    if is_dataclass(content) and not isinstance(content, type):
        return _plain(asdict(content))
    if isinstance(content, Mapping):
        return {str(key): _plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_plain(one) for one in content]
    if isinstance(content, float) and not math.isfinite(content):
        return None
    return content
