"""What is known of a public set before it is read: its files, their digests, and their addresses."""

from dataclasses import dataclass, field
from typing import Literal, final

from nextlabel.errors import ParameterError

__all__ = ["Listing", "PublishedFile"]


@final
@dataclass(frozen=True)
class PublishedFile:
    """One file of a set.

    Parameters
    ----------
    name : str
        As it lies in the folder of the set.
    size : int
        In bytes.
    sha256, md5 : str
        Digests in hexadecimal; the published one where that is an MD5, at least one of both.
    address : str, optional
        Where the bytes with this digest are published; None where nobody has checked any.

    Raises
    ------
    ParameterError
        There is no digest to check the file by.
    """

    name: str
    size: int
    sha256: str = field(default="", repr=False)
    md5: str = field(default="", repr=False)
    address: str | None = None

    def __post_init__(self) -> None:
        if not self.sha256 and not self.md5:
            message = (
                f"A published file needs a SHA-256 or an MD5 to be checked by; {self.name!r} has neither. "
                "Give the one that its publisher states."
            )
            raise ParameterError(message)


@final
@dataclass(frozen=True)
class Listing:
    """What is known of a set without reading it.

    Parameters
    ----------
    name : str
        Its name in the registry.
    items, classes : int
        How many there are of each, the official test items included.
    medium : str
        ``"image"``, ``"text"`` or ``"row"``.
    description : str
        What it holds, in one sentence without a full stop.
    licence : str
        The terms as far as they are known; not legal advice.
    citation : str
        Whom to cite.
    folder : str
        The folder of its files, inside each folder of data sets.
    files : tuple of PublishedFile
        None where the set is bundled or generated.
    origin : str
        Where our copy of the files is from, where no address is checked.
    """

    name: str
    items: int
    classes: int
    medium: Literal["image", "text", "row"]
    description: str
    licence: str
    citation: str
    folder: str = ""
    files: tuple[PublishedFile, ...] = ()
    origin: str = ""
