"""The command line in rough weather: poor encodings, full disks, readers who leave, early interrupts."""

import os
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from nextlabel.cli.comparison import show
from nextlabel.experiment.comparison import claim, rows
from nextlabel.experiment.curves import Results, Run
from nextlabel.experiment.report import HEADER, cells

SMALL = ("--seeds", "2", "--start", "10", "--batch", "10", "--budget", "40", "--processes", "1")
Command = Callable[..., subprocess.CompletedProcess[str]]


def nextlabel(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nextlabel", *words],
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",  # not all of them write UTF-8
        check=False,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
def test_what_an_encoding_lacks_is_written_plainly(encoding: str, at_once: Command) -> None:
    done = at_once("demo", "--budget", "10", encoding=encoding)
    assert done.returncode == 2
    assert "start < budget <= items left by the test part" in done.stderr


def test_a_character_without_a_plain_form_is_a_question_mark() -> None:
    done = nextlabel("list", "数", PYTHONIOENCODING="ascii")
    assert done.returncode == 2
    assert "'?'" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is always full")
@pytest.mark.parametrize("words", [("list",), ("--version",), ("--help",)])
def test_a_full_disk_behind_the_output_is_one_message(words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "nextlabel", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.startswith(
        "Files and output must be readable and writable, with room left; the system "
    )
    assert "No space left on device" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_reader_who_has_gone_hears_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "nextlabel", "--version"],
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("module", ["typer", "rich.console", "numpy", "sklearn.datasets"])
def test_an_interrupt_while_libraries_load_is_one_line(tmp_path: Path, module: str) -> None:
    out = tmp_path / "new" / "folder"
    interrupted = (
        "import sys\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}:\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "from nextlabel.cli.main import main\n"
        f"sys.argv = ['nextlabel', 'demo', '--out', {str(out)!r}]\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", interrupted], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "Stopped before the end.\n")
    assert not list(tmp_path.iterdir())


def test_a_disk_that_fills_up_at_the_end_takes_no_figure_away(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    words = ["nextlabel", "demo", *SMALL, "--strategies", "margin", "--out", str(tmp_path / "new")]
    filling = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))\n"
        "from nextlabel.cli.main import main\n"
        f"sys.argv = {words!r}\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", filling], capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 2
    assert "could not be (File too large). Make room, or name another folder" in done.stderr
    assert "Traceback" not in done.stderr
    assert "labels to" in done.stdout
    assert "Margin" in done.stdout  # the sentence begins with it
    assert "The page" not in done.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_the_demo_speaks_every_encoding(tmp_path: Path, encoding: str, at_once: Command) -> None:
    words = ("demo", *SMALL, "--strategies", "margin", "--out", str(tmp_path))
    done = at_once(*words, encoding=encoding)
    assert done.returncode == 0, done.stderr
    assert "?" not in done.stdout
    assert f"The page: {tmp_path / 'index.html'}" in done.stdout


@pytest.fixture(scope="module")
def results() -> Results:
    """Two strategies that differ wildly over two seeds, so that intervals are as long as they get."""
    curves = {"BADGE": [(0.1, 0.9), (0.9, 0.9)], "random": [(0.9, 0.8), (0.1, 0.8)]}
    runs = [
        Run(name, seed, (20, 1000), accuracy, (("a",), ("b",)), (1.0, 1.0), (0.00012,))
        for name, both in curves.items()
        for seed, accuracy in enumerate(both)
    ]
    return Results({}, runs)


@pytest.mark.parametrize("width", [20, 40, 50, 60, 70, 80, 120])
def test_every_figure_is_shown_at_every_width(results: Results, width: int) -> None:
    said, table = claim(results, "BADGE", "random"), rows(results, "random")
    written = StringIO()
    show(Console(file=written, width=width, markup=False, highlight=False), said, table)
    shown = written.getvalue()
    expected = [word for row in table for cell in cells(row, said.budget) for word in cell.split()]
    assert "(−503.2" in expected  # gains of −0.35 and 0.45 in AUBC: 0.05 ± 0.4 · t, and t is 12.706
    titles = [word for title in HEADER[1:] for word in title.format(baseline="random").split()]
    for word in [*expected, *titles]:
        found = [one.rstrip(":") for one in shown.split()].count(word)
        assert found >= expected.count(word), word
    assert max(len(line) for line in shown.splitlines()) <= width
    is_table = any(line.split()[:1] == ["strategy"] for line in shown.splitlines())
    assert is_table == (width >= 80)
