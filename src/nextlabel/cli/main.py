"""``nextlabel``: runs the commands, and lets nothing that can go wrong end in a traceback.

Light to import, so that an interrupt is met from the first moment on.
"""

import codecs
import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import NoReturn

from nextlabel.errors import NextlabelError

__all__ = ["main"]

_FAILED, _INTERRUPTED, _UNHEARD = 2, 130, 1
_PLAIN = str.maketrans(
    {"−": "-", "–": "-", "“": '"', "”": '"', "’": "'", "…": "...", "·": "*", "×": "x", "≤": "<=", "≥": ">="}
)


def main() -> None:
    """Run the command line.

    Errors of ours and those of the system, such as a full disk, are one message and exit code 2; an interrupt
    is one line and exit code 130; a reader who has gone (``nextlabel list | head -1``) is exit code 1.
    """
    try:
        _run()
    except KeyboardInterrupt:
        _stop(_INTERRUPTED, "Stopped before the end.")
    except NextlabelError as error:
        _stop(_FAILED, str(error), *getattr(error, "__notes__", ()))
    except BrokenPipeError:
        _drop_output()
        _stop(_UNHEARD)
    except OSError as error:
        _drop_output()
        _stop(
            _FAILED,
            f"Files and output must be readable and writable, with room left; the system says: {error}. "
            "Mend that, or name another place.",
            *getattr(error, "__notes__", ()),
        )


def _run() -> None:
    codecs.register_error("nextlabel.plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="nextlabel.plain")

    from nextlabel.cli.app import app

    try:
        app()
    except SystemExit as end:
        if end.code == _INTERRUPTED:  # typer makes this of an interrupt
            raise KeyboardInterrupt from None
        if sys.stdout is not None:
            sys.stdout.flush()  # here, where a full disk can still be told
        raise


def _plain(error: UnicodeError) -> tuple[str, int]:
    """What to write for characters that the encoding of a stream lacks: a hyphen for a minus sign."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end].translate(_PLAIN)
    return lacking.encode("ascii", "replace").decode("ascii"), error.end


def _drop_output() -> None:
    """Forget what could not be written, or Python tries once more at its end and complains by itself."""
    with suppress(OSError, AttributeError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _stop(code: int, *lines: str) -> NoReturn:
    with suppress(OSError, AttributeError):  # nobody listens: the exit code is left
        for line in lines:
            sys.stderr.write(f"{line}\n")
    sys.exit(code)
