"""What SQLite says, in words that tell what to do."""

import sqlite3
from pathlib import Path

from nextlabel.errors import JournalError

__all__ = ["refusal"]

_SAVE = "'nextlabel doctor {path}' says what survives, and with '--repair NEW' saves it in a new file."

_WORDS = {
    sqlite3.SQLITE_NOTADB: (
        "A journal is a SQLite file; {path} is not one ({said}). Check the name. If it was a journal once: "
        + _SAVE
    ),
    sqlite3.SQLITE_CORRUPT: "The journal {path} must be whole; it is damaged ({said}). " + _SAVE,
    sqlite3.SQLITE_BUSY: (
        "The journal {path} was expected to be free within the waiting time; another program holds it "
        "({said}). Try again, or close that program; nothing was written."
    ),
    sqlite3.SQLITE_READONLY: (
        "The journal {path} and its folder must be writable for this; they are not ({said}). "
        "Give yourself the right to write there, or work on a copy; nothing was written."
    ),
    sqlite3.SQLITE_PERM: (
        "The journal {path} must be readable; the system refuses it ({said}). Give yourself the right to it."
    ),
    sqlite3.SQLITE_FULL: (
        "The journal {path} needs room on the disk; there is none left ({said}). "
        "Make room and try again; nothing was written."
    ),
    sqlite3.SQLITE_IOERR: (
        "The journal {path} needs a disk that reads and writes; the system refused ({said}). "
        "Check the disk's room, limits and health, and try again; nothing was written."
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "The journal {path} must be a file that can be opened, in a folder in which files can be made; "
        "that failed ({said}). Check both rights; nothing was written."
    ),
    sqlite3.SQLITE_TOOBIG: (
        "An entry of the journal {path} may hold a thousand million bytes; this one is larger ({said}). "
        "Write less at once; nothing was written."
    ),
}
_OTHER = "The journal {path} must be usable through SQLite; that failed ({said}). " + _SAVE


def refusal(path: Path, cause: sqlite3.Error, *, creating: bool = False) -> JournalError:
    """The error to raise for what SQLite said about a journal.

    Parameters
    ----------
    path : Path
        The journal.
    cause : sqlite3.Error
    creating : bool
        Whether the journal is being made, so that a missing file is no surprise.

    Returns
    -------
    JournalError
        What was expected, what SQLite said with the name of its error, and what to do.

    Examples
    --------
    >>> print(refusal(Path("a.db"), sqlite3.OperationalError("no such table: entries")))
    The journal a.db must be usable through SQLite; that failed (no such table: entries). 'nextlabel...
    """
    code = getattr(cause, "sqlite_errorcode", None)
    name = getattr(cause, "sqlite_errorname", None)
    said = f"{cause}; {name}" if name else str(cause)
    if code == sqlite3.SQLITE_CANTOPEN and not creating and not path.exists():
        return JournalError(
            f"A journal was expected at {path}; there is no such file. Check the name and the folder, "
            "or create a campaign there."
        )
    words = _OTHER if code is None else _WORDS.get(code & 0xFF, _OTHER)
    return JournalError(words.format(path=path, said=said))
