"""Rows of a journal read from the bytes of its pages, where SQLite itself gives up."""

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple, final

__all__ = ["Row", "bytes_promised", "rows_in"]

_LEAF, _MAGIC, _USUAL = 0x0D, b"SQLite format 3\x00", 4096
_SIZES = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 7: 8, 8: 0, 9: 0}
_COLUMNS = 6


@final
class Row(NamedTuple):
    """A row of the table of entries."""

    position: int
    at: Any
    event: Any
    version: Any
    body: bytes
    digest: bytes


def rows_in(data: bytes) -> Iterator[Row]:
    """Every row that can be read in any page, in the order of the pages.

    Parameters
    ----------
    data : bytes
        The file, or what is left of it. Neither its header nor the inner pages of its tree are needed.

    Yields
    ------
    Row
        A row with the shape of an entry. Nothing says that it is whole: check its digest.

    Notes
    -----
    O(size of the file) time; memory for one row.

    References
    ----------
    SQLite's database file format, sections 1.5 (b-tree pages), 1.6 (overflow pages), 2.1 (records).

    Examples
    --------
    >>> list(rows_in(b"no pages here"))
    []
    """
    size = _page_bytes(data)
    for start in range(0, len(data), size):
        page = data[start : start + size]
        first = 100 if start == 0 else 0
        if len(page) < first + 8 or page[first] != _LEAF:
            continue
        for place in range(int.from_bytes(page[first + 3 : first + 5], "big")):
            at = first + 8 + 2 * place
            try:
                yield _row(data, size, start + int.from_bytes(page[at : at + 2], "big"))
            except (IndexError, ValueError):
                continue


def bytes_promised(data: bytes) -> int:
    """How long the header says that the file is; 0 where there is no header.

    Parameters
    ----------
    data : bytes
        The file, or what is left of it.

    Examples
    --------
    >>> bytes_promised(b"no header here")
    0
    """
    return int.from_bytes(data[28:32], "big") * _page_bytes(data) if data[:16] == _MAGIC else 0


def _page_bytes(data: bytes) -> int:
    said = int.from_bytes(data[16:18], "big") if data[:16] == _MAGIC else _USUAL
    size = 65_536 if said == 1 else said
    return _USUAL if size < 512 or size & (size - 1) else size


def _row(data: bytes, size: int, at: int) -> Row:
    """The row of the cell at this place of the file."""
    length, at = _varint(data, at)
    position, at = _varint(data, at)
    if length > len(data):
        raise ValueError("longer than the file")
    values = _values(_payload(data, size, at, length))
    if len(values) != _COLUMNS or not (isinstance(values[4], bytes) and isinstance(values[5], bytes)):
        raise ValueError("not a row of the table")
    event = values[2].decode("utf-8") if isinstance(values[2], bytes) else values[2]
    return Row(position, values[1], event, values[3], values[4], values[5])


def _payload(data: bytes, size: int, at: int, length: int) -> bytes:
    """The bytes of a record, those on overflow pages included."""
    most, least = size - 35, (size - 12) * 32 // 255 - 23
    if length <= most:
        here = length
    else:
        here = least + (length - least) % (size - 4)
        here = here if here <= most else least
    parts, missing = [data[at : at + here]], length - here
    pointer = at + here
    while missing > 0:
        number = int.from_bytes(data[pointer : pointer + 4], "big")
        pointer = (number - 1) * size
        if number < 2 or pointer + 4 > len(data):
            raise ValueError("an overflow page is missing")
        parts.append(data[pointer + 4 : pointer + 4 + min(missing, size - 4)])
        missing -= size - 4
    payload = b"".join(parts)
    if len(payload) != length:
        raise ValueError("the record is cut off")
    return payload


def _values(payload: bytes) -> list[Any]:
    """The columns of a record; texts as bytes."""
    end, at = _varint(payload, 0)
    kinds = []
    while at < end:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    values: list[Any] = []
    for kind in kinds:
        size = _SIZES[kind] if kind in _SIZES else (kind - 12) // 2
        part = payload[at : at + size]
        if size < 0 or len(part) != size:
            raise ValueError("the record is cut off")
        values.append(_value(kind, part))
        at += size
    return values


def _value(kind: int, part: bytes) -> Any:
    if kind == 0:
        return None
    if kind == 7:
        return struct.unpack(">d", part)[0]
    if kind >= 12:
        return part
    return kind - 8 if kind > 7 else int.from_bytes(part, "big", signed=True)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where it ends."""
    value = 0
    for _ in range(8):
        byte, at = data[at], at + 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at
    return value << 8 | data[at], at + 1
