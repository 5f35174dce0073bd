"""Lines of results: whole or not there, in any order of budgets, never taken away."""

import json
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from nextlabel.errors import ExperimentError
from nextlabel.experiment.lines import Line, Record


def line(round: int, labels: int, **changes: Any) -> Line:
    settings: dict[str, Any] = {
        "accuracy": 0.1 + 0.2,
        "queried": ("a", "ü"),
        "class_counts": (1, 2),
        "training_seconds": 0.5,
        "selection_seconds": None if round == 0 else 0.25,
        **changes,
    }
    return Line(round=round, labels=labels, **settings)


def record(folder: Path) -> Record:
    return Record(folder / "cell.jsonl", {"seed": 3})


def test_lines_come_back_as_they_were_written(tmp_path: Path) -> None:
    written = [line(0, 2), line(1, 4)]
    for one in written:
        record(tmp_path).append(one)
    assert record(tmp_path).lines([2, 4]) == written
    assert json.loads((tmp_path / "cell.jsonl").read_bytes().split(b"\n")[0]) == {"seed": 3}


def test_a_file_that_is_not_there_has_no_lines(tmp_path: Path) -> None:
    assert record(tmp_path).lines([2]) == []


def test_wherever_a_write_was_torn_the_whole_lines_are_kept_and_writing_goes_on(tmp_path: Path) -> None:
    written = [line(0, 2), line(1, 4), line(2, 6)]
    for one in written:
        record(tmp_path).append(one)
    content = (tmp_path / "cell.jsonl").read_bytes()
    ends = [place + 1 for place, byte in enumerate(content) if byte == ord("\n")]
    for cut in range(len(content) + 1):
        (tmp_path / "cell.jsonl").write_bytes(content[:cut])
        whole = max(0, sum(end <= cut for end in ends) - 1)
        assert record(tmp_path).lines([2, 4, 6]) == written[:whole]
        for one in written[whole:]:
            record(tmp_path).append(one)
        assert (tmp_path / "cell.jsonl").read_bytes() == content


def test_a_batch_cut_to_a_budget_is_passed_over_when_the_budget_grows_and_found_when_it_shrinks(
    tmp_path: Path,
) -> None:
    cut, full, more = line(1, 3), line(1, 4), line(2, 6)
    for one in (line(0, 2), cut):
        record(tmp_path).append(one)
    assert record(tmp_path).lines([2, 4, 6]) == [line(0, 2)]
    for one in (full, more):
        record(tmp_path).append(one)
    assert record(tmp_path).lines([2, 4, 6]) == [line(0, 2), full, more]
    assert record(tmp_path).lines([2, 3]) == [line(0, 2), cut]


def test_lines_after_a_gap_do_not_count(tmp_path: Path) -> None:
    for one in (line(0, 2), line(2, 6)):
        record(tmp_path).append(one)
    assert record(tmp_path).lines([2, 4, 6]) == [line(0, 2)]


def test_a_line_that_is_none_is_refused_with_its_file(tmp_path: Path) -> None:
    record(tmp_path).append(line(0, 2))
    with (tmp_path / "cell.jsonl").open("a") as file:
        file.write('{"round": "x"}\n')
    with pytest.raises(
        ExperimentError, match=r"Every line of .*cell\.jsonl must be a round.*\"round\": \"x\""
    ):
        record(tmp_path).lines([2])


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cell.jsonl").mkdir()
    with pytest.raises(ExperimentError, match=r"must be readable; .*cell\.jsonl is not \(Is a directory\)"):
        record(tmp_path).lines([2])


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Files of this process end after so many bytes, as on a full disk."""
    limits, before = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)


def test_a_full_disk_is_told_and_nothing_before_it_is_lost(tmp_path: Path) -> None:
    record(tmp_path).append(line(0, 2))
    size = (tmp_path / "cell.jsonl").stat().st_size
    with (
        room_for(size + 10),
        pytest.raises(ExperimentError, match=r"cell\.jsonl could not be \(File too large\)\. Make room"),
    ):
        record(tmp_path).append(line(1, 4))
    assert record(tmp_path).lines([2, 4]) == [line(0, 2)]
    record(tmp_path).append(line(1, 4))
    assert record(tmp_path).lines([2, 4]) == [line(0, 2), line(1, 4)]


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match="goes on from the lines that are there"):
        record(tmp_path / "gone").append(line(0, 2))
