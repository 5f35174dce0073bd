"""Lines of results: one for each round of a cell, written before the next round begins."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, final

from nextlabel.errors import ExperimentError
from nextlabel.experiment.cells import Cell
from nextlabel.experiment.curves import Run

__all__ = ["Line", "Record", "run_of"]


@final
@dataclass(frozen=True)
class Line:
    """A checkpoint of one cell.

    Parameters
    ----------
    round : int
        Counted from 0, the first checkpoint.
    labels : int
        Labelled items.
    accuracy : float or None
        On the test items; None where it was not measured.
    queried : tuple of str
        The ids labelled since the checkpoint before, in the order asked.
    class_counts : tuple of int, (c,)
        Labelled items of each class.
    training_seconds : float
        CPU seconds of the fit.
    selection_seconds : float or None
        CPU seconds of the selection that led here; None at a drawn start.
    remarks : tuple of str
        What the training says of itself.
    """

    round: int
    labels: int
    accuracy: float | None
    queried: tuple[str, ...]
    class_counts: tuple[int, ...]
    training_seconds: float
    selection_seconds: float | None
    remarks: tuple[str, ...] = ()

    @classmethod
    def read(cls, written: Mapping[str, Any]) -> "Line":
        """The line that `asdict` wrote as JSON."""
        return cls(
            round=int(written["round"]),
            labels=int(written["labels"]),
            accuracy=None if written["accuracy"] is None else float(written["accuracy"]),
            queried=tuple(written["queried"]),
            class_counts=tuple(written["class_counts"]),
            training_seconds=float(written["training_seconds"]),
            selection_seconds=written["selection_seconds"],
            remarks=tuple(written.get("remarks", ())),  # lines of earlier versions have none
        )


@final
@dataclass(frozen=True)
class Record:
    """The file of one cell: a header, then its lines, only ever appended to.

    Parameters
    ----------
    path : Path
    header : mapping of str to JSON value
        What the cell is; written as the first line.

    Notes
    -----
    A line counts when it is whole: what a kill or a full disk left of the last one is not read, and cut off
    before the next is written. A last batch that was cut to a budget is written like any other; read for
    another budget it is passed over, and the full batch of that round stands after it. So nothing is ever
    taken away.
    """

    path: Path
    header: Mapping[str, Any]

    def lines(self, sizes: Sequence[int], measured: Collection[int] | None = None) -> list[Line]:
        """The unbroken sequence of lines from the first checkpoint on.

        Parameters
        ----------
        sizes : sequence of int
            The labels wanted at each checkpoint; lines of other sizes are passed over.
        measured : collection of int, optional
            The checkpoints whose accuracy is wanted; all when left out. Their lines without accuracy are
            passed over, and the accuracy of others is not told.

        Raises
        ------
        ExperimentError
            The file cannot be read, or holds a line that is none.
        """
        found: dict[int, Line] = {}
        for written in self._whole()[1:]:
            line = self._parsed(written)
            if line.round >= len(sizes) or line.labels != sizes[line.round]:
                continue
            is_measured = measured is None or line.round in measured
            if not is_measured:
                found[line.round] = replace(line, accuracy=None)
            elif line.accuracy is not None:
                found[line.round] = line
        unbroken: list[Line] = []
        while len(unbroken) in found:
            unbroken.append(found[len(unbroken)])
        return unbroken

    def append(self, line: Line) -> None:
        """Write a line: with the system when this returns, so that no kill of ours takes it back.

        A power cut may take the last lines. Waiting for the disk would cost more than small rounds do, and
        what is lost is computed again.

        Raises
        ------
        ExperimentError
            The file cannot be written: a full disk, a read-only folder.
        """
        text = json.dumps(asdict(line), ensure_ascii=False) + "\n"
        try:
            kept = self._kept()
            with self.path.open("r+b" if self.path.exists() else "xb") as file:
                file.truncate(kept)
                file.seek(kept)
                if not kept:
                    file.write((json.dumps(dict(self.header), ensure_ascii=False) + "\n").encode())
                file.write(text.encode())
        except OSError as cause:
            message = (
                f"A line of results must be written after each round; {self.path} could not be "
                f"({cause.strerror}). Make room or mend the folder, and run the same command again: it goes "
                "on from the lines that are there."
            )
            raise ExperimentError(message) from cause

    def _kept(self) -> int:
        """How many bytes of the file are whole lines."""
        return sum(len(one) + 1 for one in self._whole())

    def _whole(self) -> list[bytes]:
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as cause:
            message = (
                f"The lines of an earlier run must be readable; {self.path} is not ({cause.strerror}). "
                "Mend that, or name another folder."
            )
            raise ExperimentError(message) from cause
        return content.split(b"\n")[:-1]

    def _parsed(self, written: bytes) -> Line:
        try:
            return Line.read(json.loads(written))
        except (ValueError, TypeError, KeyError) as cause:
            message = (
                f"Every line of {self.path} must be a round as nextlabel wrote it; received "
                f"{written[:60]!r}. Remove the file: that cell is then run anew."
            )
            raise ExperimentError(message) from cause


def run_of(cell: Cell, lines: Sequence[Line]) -> Run:
    """The lines of a cell as a run."""
    return Run(
        strategy=cell.strategy,
        seed=cell.seed,
        labels=tuple(line.labels for line in lines),
        accuracy=tuple(line.accuracy for line in lines),
        queried=tuple(line.queried for line in lines),
        training_seconds=tuple(line.training_seconds for line in lines),
        selection_seconds=tuple(line.selection_seconds or 0.0 for line in lines[1:]),
        class_counts=tuple(line.class_counts for line in lines),
        remarks=tuple(line.remarks for line in lines),
    )
