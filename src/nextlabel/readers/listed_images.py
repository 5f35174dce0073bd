"""Images that a table lists, one path a row, as a pool."""

from collections.abc import Sequence
from pathlib import Path, PureWindowsPath
from typing import cast

from nextlabel.core.registry import build
from nextlabel.core.spec import Spec
from nextlabel.errors import ReaderError
from nextlabel.readers.arrays import ArrayPool
from nextlabel.readers.faults import Faults
from nextlabel.readers.files import Source, reader_for
from nextlabel.readers.images import ImagePool, checked_images, checked_size

__all__ = ["listed_images"]

_TABLES = ("csv", "jsonl", "parquet", "tsv", "xlsx")


def listed_images(
    path: Source,
    *,
    image: str,
    id: str | None = None,
    label: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    size: Sequence[int] | None = None,
    grey: bool | None = None,
    skip_faulty: bool = False,
) -> ImagePool:
    """The images whose paths stand in a column of a csv, tsv, jsonl, parquet or xlsx file.

    Parameters
    ----------
    path : str or path
        The table.
    image : str
        The column of paths, from the folder in which the table lies; backslashes count as slashes.
    id : str, optional
        The column that names each item; made from the paths when left out.
    label : str, optional
        The column of labels.
    encoding, sheet
        As of the reader of the table.
    size, grey
        As of a folder of images.
    skip_faulty : bool
        Whether rows that cannot be read, or whose image cannot, are left out, and listed in the pool's
        `faults`. When false, one such row refuses the file.

    Returns
    -------
    ImagePool
        Every column of the table is in `columns`, as text.

    Raises
    ------
    ReaderError
        The table cannot be read, or has no such column; a path is empty, absolute, an address, leads out of
        the folder by dots or by a link, or to what is no image. The attribute `faults` lists all rows at
        fault.

    Notes
    -----
    Needs Pillow (the extra ``data``). Every file's header is read at once. What lies outside the folder is
    never looked at.
    """
    reader = reader_for(path)
    if reader not in _TABLES:
        message = (
            f"A table of images must be for {', '.join(_TABLES)}; received {str(path)!r}, which is "
            f"for {reader}. Leave image= (--image) out, or name a table."
        )
        raise ReaderError(message)
    wanted = None if size is None else checked_size(size)
    said = {
        "id": id,
        "label": label,
        "encoding": encoding,
        "sheet": sheet,
        "skip_faulty": skip_faulty or None,
    }
    given = {key: one for key, one in said.items() if one is not None}
    table: ArrayPool = build("reader", {"name": reader, "path": str(path), "text": image, **given})
    folder = Path(path).parent
    faults = cast("Faults", table.faults)
    rows, files = _inside(table, faults)
    kept, common, are_grey = checked_images(folder, files, [table.lines[row] for row in rows], faults)
    faults.refuse(always=not kept)
    chosen = [rows[place] for place in kept]
    grey = are_grey if grey is None else grey
    seen = wanted or common
    found = table.source.params.get("encoding") if table.source is not None else None
    params = {
        "path": str(path),
        "image": image,
        **given,
        **({"encoding": found} if found else {}),
        **({"size": list(seen)} if seen else {}),
        "grey": grey,
    }
    return ImagePool(
        folder,
        [table.ids[row] for row in chosen],
        seen,
        grey,
        {name: [cells[row] for row in chosen] for name, cells in table.columns.items()},
        Spec("listed_images", params),
        [files[place] for place in kept],
        faults,
    )


def _inside(table: ArrayPool, faults: Faults) -> tuple[list[int], list[str]]:
    """The rows whose cell is a path from the folder, and these paths."""
    rows, files = [], []
    for row, cell in enumerate(table.items.tolist()):
        why = _why_no_path(cell)
        if why:
            faults.add(table.lines[row], "path", f"{cell!r}: {why}")
        else:
            rows.append(row)
            files.append(cell.strip().replace("\\", "/"))
    return rows, files


def _why_no_path(cell: str) -> str:
    path = PureWindowsPath(cell.strip())  # knows drives, shares and both slashes
    if not cell.strip():
        return "there is no path"
    first = path.parts[0] if path.parts else ""
    if path.drive or path.root or first.startswith("~"):
        return "it is not a path from the folder of the table"
    return "it is an address" if ":" in first else ""
