"""The command line in rough weather: poor encodings, full disks, readers who leave, early interrupts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def nextlabel(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nextlabel", *words],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
def test_what_an_encoding_lacks_is_written_plainly(encoding: str) -> None:
    done = nextlabel("demo", "--budget", "10", PYTHONIOENCODING=encoding)
    assert done.returncode == 2
    assert "Sizes must fit: 1 <= start < budget <= items" in done.stderr


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
