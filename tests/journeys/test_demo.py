"""The first run, small: the real command, its files, and what happens when it is stopped."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

SMALL = ("--seeds", "2", "--start", "10", "--batch", "10", "--budget", "40", "--processes", "2")
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What the demo said, and the folder it wrote."""
    folder = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [sys.executable, "-m", "nextlabel", "demo", *SMALL, "--out", str(folder)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout, folder


def test_the_sentence_and_the_table_are_printed(demo: tuple[str, Path]) -> None:
    said, folder = demo
    sentence = json.loads((folder / "results.json").read_text(encoding="utf-8"))["sentence"]
    assert "BADGE" in sentence
    assert " ".join(sentence.split()) in " ".join(said.split())
    for name in ("BADGE", "margin", "entropy", "random"):
        assert re.search(rf"^{name} .* 2$", said, re.MULTILINE)
    assert str(folder / "index.html") in said


def test_every_run_is_kept(demo: tuple[str, Path]) -> None:
    _, folder = demo
    runs = json.loads((folder / "results.json").read_text(encoding="utf-8"))["runs"]
    names = ("BADGE", "margin", "entropy", "random")
    assert sorted((run["strategy"], run["seed"]) for run in runs) == sorted(
        (name, seed) for name in names for seed in (0, 1)
    )
    for run in runs:
        assert run["labels"] == [10, 20, 30, 40]
        assert len({one for batch in run["queried"] for one in batch}) == 40
    assert len((folder / "curves.csv").read_text(encoding="utf-8").splitlines()) == 1 + 4 * 2 * 4


def test_the_page_stands_alone(demo: tuple[str, Path]) -> None:
    _, folder = demo
    page = (folder / "index.html").read_text(encoding="utf-8")
    fetched = re.findall(r'(?:src|href|data)="([^"]*)"', page)
    assert all(one.startswith(("data:image/png;base64,", "#")) or (folder / one).is_file() for one in fetched)
    assert "<script" not in page
    assert not re.findall(r"url\((?!#)", page)
    assert page.count("<img") == 4
    assert sorted(one.name for one in folder.iterdir()) == [
        "curves.csv",
        "curves.png",
        "curves.svg",
        "index.html",
        "results.json",
    ]


def test_the_first_run_never_loads_torch(tmp_path: Path) -> None:
    words = ["nextlabel", "demo", *SMALL[:-1], "1", "--strategies", "badge", "--out", str(tmp_path)]
    look = (
        "import sys\n"
        "from nextlabel.cli.main import main\n"
        f"sys.argv = {words!r}\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "assert 'sklearn' in sys.modules\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "index.html").is_file()


def test_a_torch_network_runs_instead_and_draws_for_who_asks(tmp_path: Path, at_once: Command) -> None:
    words = ("demo", *SMALL[:-1], "1", "--strategies", "bald,badge", "--learner", "torch")
    done = at_once(*words, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    kept = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert kept["protocol"]["learner"]["name"] == "torch"
    assert set(kept["protocol"]["strategies"]) == {"BALD", "BADGE", "random"}
    assert "torch" in kept["protocol"]["versions"]


@pytest.mark.parametrize("seconds", [0.2, 3.0])
def test_an_interrupt_leaves_nothing_that_looks_whole(tmp_path: Path, seconds: float) -> None:
    running = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "nextlabel",
            "demo",
            "--seeds",
            "50",
            "--processes",
            "2",
            "--out",
            str(tmp_path / "new"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert running.stdout is not None
    assert running.stdout.readline().startswith("Digits")
    time.sleep(seconds)  # the workers are starting, or at it: both must end quietly
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert said == "Stopped before the end.\n"
    assert not list(tmp_path.iterdir())
