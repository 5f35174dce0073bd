"""What the newest model says of the items: one file beside the models, replaced whole."""

import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import final

import numpy as np

from nextlabel.campaign.events import Created
from nextlabel.core.task import Label
from nextlabel.maths.axes import Array, Positions

__all__ = ["Predictions", "campaign_id", "predictions_file"]

_VERSION = 2


def predictions_file(journal: Path) -> Path:
    """Where the predictions of a journal's newest model are: ``JOURNAL.models/predictions.npz``."""
    return journal.with_name(f"{journal.name}.models") / "predictions.npz"


def campaign_id(created: Created) -> str:
    """What tells a campaign from every other: one that is begun anew over the same file has another.

    Parameters
    ----------
    created : Created
        The first entry of its journal.
    """
    said = f"{created.at}{created.seed}{created.pool_fingerprint}".encode()
    return blake2b(said, digest_size=6).hexdigest()


@final
@dataclass(frozen=True, eq=False)
class Predictions:
    """Labels and confidences for some items of the pool.

    Parameters
    ----------
    model : str
        Fingerprint.
    classes : tuple of str
        The names that columns stand for.
    is_several : bool
        Whether an item has several classes.
    positions : array of int64, axes (n,)
        The items, ascending.
    encoded : array of int64, axes (n,), or uint8, axes (n, c)
        The class index; or of several classes, 1 where one is predicted.
    confidence : array of float32, axes (n,)
        From 0 to 1.
    campaign : str
        Whose items they are; see `campaign_id`.
    """

    model: str
    classes: tuple[str, ...]
    is_several: bool
    positions: Positions
    encoded: Array
    confidence: Array
    campaign: str = ""

    @classmethod
    def made(
        cls,
        model: str,
        classes: Sequence[str],
        positions: Positions,
        labels: Sequence[Label],
        confidence: Array,
        campaign: str = "",
    ) -> "Predictions":
        """From labels, in the order of the positions."""
        index = {name: place for place, name in enumerate(classes)}
        is_several = any(not isinstance(label, str) for label in labels)
        if is_several:
            encoded = np.zeros((len(labels), len(classes)), np.uint8)
            for row, label in enumerate(labels):
                encoded[row, [index[name] for name in label]] = 1
        else:
            encoded = np.array([index[str(label)] for label in labels], np.int64)
        order = np.argsort(positions, kind="stable")
        said = np.asarray(confidence, np.float32)
        return cls(model, tuple(classes), is_several, positions[order], encoded[order], said[order], campaign)

    def at(self, position: int) -> tuple[Label, float] | None:
        """What is said of an item; None where nothing is."""
        row = int(np.searchsorted(self.positions, position))
        if row == len(self.positions) or self.positions[row] != position:
            return None
        return self._label(row), float(self.confidence[row])

    def _label(self, row: int) -> Label:
        if self.is_several:
            return tuple(self.classes[place] for place in np.flatnonzero(self.encoded[row]))
        return self.classes[int(self.encoded[row])]

    @cached_property
    def size(self) -> int:
        """How many items something is said of."""
        return len(self.positions)

    def write(self, file: Path) -> None:
        """Replace the file: another name, forced to the disk, renamed."""
        file.parent.mkdir(parents=True, exist_ok=True)
        half = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
        head = {
            "version": _VERSION,
            "model": self.model,
            "classes": list(self.classes),
            "is_several": self.is_several,
            "campaign": self.campaign,
        }
        try:
            with half.open("wb") as out:
                np.savez(
                    out,
                    head=np.array(json.dumps(head)),
                    positions=self.positions,
                    encoded=self.encoded,
                    confidence=self.confidence,
                )
                out.flush()
                os.fsync(out.fileno())
            half.replace(file)
        finally:
            half.unlink(missing_ok=True)

    @classmethod
    def read(cls, file: Path, campaign: str) -> "Predictions | None":
        """What the file holds; None where there is none of this campaign that can be read: it is made again.

        Parameters
        ----------
        file : Path
            It outlives its journal where somebody deletes only that, and begins another under the same name.
        campaign : str
        """
        try:
            with file.open("rb") as opened, np.load(opened, allow_pickle=False) as kept:
                head = json.loads(str(kept["head"]))
                if head["version"] != _VERSION or head["campaign"] != campaign:
                    return None
                return cls(
                    head["model"],
                    tuple(head["classes"]),
                    bool(head["is_several"]),
                    kept["positions"],
                    kept["encoded"],
                    kept["confidence"],
                    campaign,
                )
        except Exception:  # a damaged file may fail in any way
            return None
