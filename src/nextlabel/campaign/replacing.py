"""Files that people keep: written whole under another name, forced to the disk, then given their own name."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any

from nextlabel.errors import CampaignError

__all__ = ["place", "replacing"]


@contextmanager
def replacing(path: Path, *, replace: bool, encoding: str | None = "utf-8") -> Iterator[IO[Any]]:
    """A new file beside the path, which takes its place when the block ends well.

    Parameters
    ----------
    path : Path
    replace : bool
        Write over a file that is there.
    encoding : str or None
        Of the text that is written, its line ends as they are; None for bytes.

    Yields
    ------
    file
        Open for writing.

    Raises
    ------
    CampaignError
        The file is there already, or cannot be written; nothing was.
    """
    if path.exists() and not replace:
        raise CampaignError(_is_there(path))
    made: Path | None = None
    kind: dict[str, Any] = {"mode": "wb"} if encoding is None else {"mode": "w", "encoding": encoding}
    try:
        with NamedTemporaryFile(
            **kind,
            newline=None if encoding is None else "",
            dir=path.parent,
            prefix=f".{path.name}.",
            delete=False,
        ) as file:
            made = Path(file.name)
            yield file
            file.flush()
            os.fsync(file.fileno())
        made.chmod(0o666 & ~_umask())
        if replace:
            made.replace(path)
        else:
            place(made, path)
        _settled(path.parent)
    except FileExistsError as cause:
        raise CampaignError(_is_there(path)) from cause
    except UnicodeEncodeError as cause:
        message = (
            f"{path} must be text in UTF-8; {cause.object[cause.start : cause.end]!r} has no place there. "
            "Mend the data; nothing was written."
        )
        raise CampaignError(message) from cause
    except OSError as cause:
        message = (
            f"{path} must be a file that can be written; the system says: {cause.strerror or cause}. "
            "Make room, or name another place; nothing was written."
        )
        raise CampaignError(message) from cause
    finally:
        if made is not None:
            with suppress(OSError):  # it has taken its place
                made.unlink()


def place(made: Path, path: Path) -> None:
    """Give a finished file its name; the file may stay under its old name too.

    Parameters
    ----------
    made, path : Path
        In one folder.

    Raises
    ------
    FileExistsError
        Somebody was faster: the name is taken.
    """
    try:
        os.link(made, path)  # fails where the name is taken, as a rename would not
    except FileExistsError:
        raise
    except OSError:  # a file system without links, as on many memory sticks
        if path.exists():
            raise FileExistsError(str(path)) from None
        made.rename(path)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _settled(folder: Path) -> None:
    """Have the system write down that the folder has a new file."""
    with suppress(OSError):  # not every system opens folders
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _is_there(path: Path) -> str:
    return f"{path} must be a new file; it is there already. Name another, or move it away first."
