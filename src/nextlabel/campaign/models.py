"""Models beside the journal, each under its fingerprint, so that another process need not fit again."""

import os
import shutil
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import final
from uuid import uuid4

from nextlabel.core.learner import Learner, Model
from nextlabel.errors import CampaignError

__all__ = ["Models"]


@final
@dataclass(frozen=True)
class Models:
    """The folder of a campaign's models.

    Parameters
    ----------
    folder : Path or None
        Made when the first model is saved; None keeps nothing.

    Notes
    -----
    A model is written under another name, forced to the disk and renamed: a file under a fingerprint is
    whole, or a disk has changed it afterwards, and then it is refused. Files may be pickles: open journals
    of people you trust.
    """

    folder: Path | None

    @classmethod
    def beside(cls, journal: Path | None) -> "Models":
        """Those of a journal: ``reviews.db`` has ``reviews.db.models``."""
        return cls(None if journal is None else journal.with_name(f"{journal.name}.models"))

    def save(self, model: Model) -> str:
        """Keep a model; its fingerprint, when it is on the disk.

        Raises
        ------
        CampaignError
            The folder cannot be written.
        """
        fingerprint = model.fingerprint
        if self.folder is None:
            return fingerprint
        there = self.folder / fingerprint
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            was_there = there.exists()
            half = self.folder / f".{uuid4().hex}.part"
            try:
                model.save(half)
                _force(half)
                _place(half, there, was_there=was_there)
            finally:
                _remove(half)
            _force_folder(self.folder)
        except OSError as cause:
            message = (
                f"The model must be kept in {self.folder}, which cannot be written: "
                f"{cause.strerror or cause}. Free space or allow "
                "writing there; nothing was asked, and what was told is kept."
            )
            raise CampaignError(message) from cause
        return fingerprint

    def has(self, fingerprint: str) -> bool:
        """Whether a model is there; yes of all where nothing is kept on a disk."""
        return self.folder is None or (self.folder / fingerprint).exists()

    def prune(self, keep: Collection[str]) -> int:
        """Delete all models but some.

        Parameters
        ----------
        keep : collection of str
            Fingerprints.

        Returns
        -------
        int
            How many were deleted. What cannot be deleted stays; what is no model, and a model that is being
            written, is left alone.
        """
        if self.folder is None or not self.folder.is_dir():
            return 0
        wanted = frozenset(keep)
        gone = [one for one in self.folder.iterdir() if one.name not in wanted and not _is_kept_beside(one)]
        for one in gone:
            with suppress(OSError):
                _remove(one)
        return sum(not one.exists() for one in gone)

    def load(self, fingerprint: str, learner: Learner) -> Model | None:
        """The model of a fingerprint; None where it is not there, or is not what it was."""
        if self.folder is None or not (self.folder / fingerprint).exists():
            return None
        try:
            model = learner.load(self.folder / fingerprint)
            return model if model.fingerprint == fingerprint else None
        except Exception:  # a damaged file may fail in any way, and the model can be fitted again
            return None


def _is_kept_beside(file: Path) -> bool:
    """Whether it is no model: one being written, or with a suffix in letters, such as predictions."""
    return file.name.startswith(".") or file.suffix[1:].isalpha()


def _place(half: Path, there: Path, *, was_there: bool) -> None:
    if was_there and half.is_dir():  # a folder cannot be renamed over another
        aside = half.with_suffix(".old")
        with suppress(FileNotFoundError):  # another process has put it aside already
            there.rename(aside)
        _remove(aside)
    try:
        half.rename(there)
    except OSError:
        if not (half.is_dir() and there.is_dir()):
            raise
        # another process was faster, with the same model


def _force(path: Path) -> None:
    """Wait until a file, or all of a folder, is on the disk."""
    for one in [path, *path.rglob("*")] if path.is_dir() else [path]:
        _force_folder(one)


def _force_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
