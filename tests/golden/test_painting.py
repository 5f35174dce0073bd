"""Images are decoded in a process of their own, which a file may end and the server survives."""

import os
import signal
import struct
import sys
import zlib
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path

import psutil
import pytest
from PIL import Image

from nextlabel.errors import ReaderError
from nextlabel.server.painting import Painter

posix = pytest.mark.skipif(sys.platform == "win32", reason="limits and signals of POSIX systems")


@pytest.fixture
def painter() -> Iterator[Painter]:
    with closing(Painter(2_000)) as made:
        yield made


@pytest.fixture
def red(tmp_path: Path) -> Path:
    file = tmp_path / "red.png"
    Image.new("RGB", (30, 20), (250, 0, 0)).save(file)
    return file


def bomb(file: Path, side: int, channels: int = 1) -> Path:
    """A PNG of side × side zeros, grey or clear: a few kilobytes for each ten million pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    packed, row = zlib.compressobj(1), bytes(side * channels + 1)
    rows = b"".join(packed.compress(row) for _ in range(side)) + packed.flush()
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, {1: 0, 4: 6}[channels], 0, 0, 0))
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    return file


def shown(painter: Painter, file: Path, key: str = "") -> tuple[int, int]:
    content, mime = painter.submit(file, key or os.urandom(8).hex()).result(30)
    assert mime == "image/png"
    with Image.open(BytesIO(content)) as image:
        return image.size


def refusal(painter: Painter, file: Path) -> str:
    with pytest.raises(ReaderError) as refused:
        painter.submit(file, os.urandom(8).hex()).result(30)
    return str(refused.value)


def test_one_process_draws_all_and_ends_with_its_owner(painter: Painter, red: Path) -> None:
    assert not painter.has_started  # nothing before it is needed
    assert shown(painter, red) == (30, 20)
    number = painter.number
    assert number is not None
    assert [shown(painter, red) for _ in range(3)] == [(30, 20)] * 3
    assert painter.number == number
    painter.close()
    painter.close()
    assert not psutil.pid_exists(number)


def test_a_picture_is_kept_under_its_key_and_under_no_other(painter: Painter, red: Path) -> None:
    assert shown(painter, red, "one") == (30, 20)
    red.unlink()
    assert shown(painter, red, "one") == (30, 20)
    assert "there is no such file" in refusal(painter, red)


@pytest.mark.parametrize("keep", [0, 20, 60])
def test_a_truncated_file_is_said_and_the_next_is_drawn(painter: Painter, red: Path, keep: int) -> None:
    cut = red.with_name("cut.png")
    cut.write_bytes(red.read_bytes()[:keep])
    assert "must be a whole file; received 'cut.png'" in refusal(painter, cut)
    assert shown(painter, red) == (30, 20)


def test_a_bomb_is_refused_before_it_is_unpacked(painter: Painter, red: Path) -> None:
    file = bomb(red.with_name("bomb.png"), 12_000)
    assert file.stat().st_size < 1 << 20
    assert "more than 67,108,864 pixels" in refusal(painter, file)
    assert painter.number is not None
    assert psutil.Process(painter.number).memory_info().rss < 300 << 20
    assert shown(painter, red) == (30, 20)


@posix
def test_what_needs_more_memory_than_there_is_fails_alone(red: Path) -> None:
    """Within the cap on pixels, and too much for this process: what a decoder takes has a bound anyway."""
    file = bomb(red.with_name("large.png"), 8_191, channels=4)
    with closing(Painter(2_000, memory=400 << 20)) as small:
        assert "it needs more memory than there is for a picture" in refusal(small, file)
        assert shown(small, red) == (30, 20)


@pytest.mark.slow
def test_the_largest_picture_that_is_taken_is_drawn_within_the_memory_there_is(
    painter: Painter, red: Path
) -> None:
    assert shown(painter, bomb(red.with_name("large.png"), 8_191, channels=4)) == (2_000, 2_000)


@posix
def test_what_takes_too_long_is_ended_and_the_next_is_drawn(red: Path) -> None:
    with closing(Painter(2_000, seconds=1.5)) as hasty:
        while hasty.number is None:
            hasty.submit(red, "").exception(30)  # a loaded machine may take longer to start it
        os.kill(hasty.number, signal.SIGSTOP)  # as if it decoded for ever
        assert refusal(hasty, red).startswith(
            "Every image must be one that can be drawn; received 'red.png': it takes more than 1.5 seconds"
        )
    with closing(Painter(2_000)) as patient:
        assert shown(patient, red) == (30, 20)


@posix
def test_a_process_that_died_is_started_again(painter: Painter, red: Path) -> None:
    numbers = set()
    for _ in range(3):
        assert shown(painter, red) == (30, 20)
        assert painter.number is not None
        numbers.add(painter.number)
        os.kill(painter.number, signal.SIGKILL)
    assert len(numbers) == 3


@posix
def test_what_waits_while_it_dies_is_drawn_by_the_next(painter: Painter, red: Path) -> None:
    """Killed in the middle of a picture, as by the system when memory is short."""
    stuck = red.with_name("stuck.png")
    Image.new("RGB", (8, 8)).save(stuck)
    assert shown(painter, red) == (30, 20)
    first = painter.number
    assert first is not None
    os.kill(first, signal.SIGSTOP)
    waiting = painter.submit(stuck, "stuck")
    later = painter.submit(red, "later")
    os.kill(first, signal.SIGKILL)
    assert waiting.result(30)[1] == "image/png"  # it was not the picture's fault: tried once more
    assert later.result(30)[1] == "image/png"
