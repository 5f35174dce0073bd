"""The process that draws: ``python -m nextlabel.readers.painter BYTES``.

Whoever shows images of others decodes them here, where one that is made to eat memory or time ends nothing
but itself. It reads one JSON object a line, ``path`` and ``largest``, and answers each with a line, ``mime``
and ``bytes`` or ``problem``, and then that many bytes. It ends with its standard input.
"""

import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from nextlabel.errors import ReaderError
from nextlabel.readers.pictures import thumbnail

__all__ = ["main"]


def main(arguments: Sequence[str]) -> None:
    """Answer until the input ends."""
    _limit(int(arguments[0]))
    ours = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no picture
    for line in sys.stdin.buffer:
        order = json.loads(line)
        path, content = Path(order["path"]), b""
        try:
            content, mime = thumbnail(path.parent, path.name, order["largest"])
            head = {"mime": mime, "bytes": len(content)}
        except ReaderError as error:
            head = {"problem": str(error)}
        ours.write(json.dumps(head).encode() + b"\n" + content)
        ours.flush()


def _limit(most: int) -> None:
    """No more address space than this, where the system can see to it."""
    with suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    main(sys.argv[1:])
