"""A benchmark from a file: its report, kills at random moments, interrupts, and what cannot be."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nextlabel.experiment.bench import load, run_settings, spent
from nextlabel.experiment.grid import read_grid, settings

GRID = """
title = "Digits, small"
notes = "A test."
datasets = ["digits"]
learners = [{ name = "sklearn", estimator = "logistic" }]
strategies = [{ name = "badge", as = "BADGE" }, "margin"]
start = 20
batch = 20
budget = 80
seeds = 3
test = 0.3
ceiling_seeds = 1
"""
Command = Callable[..., subprocess.CompletedProcess[str]]


def command(grid: Path, out: Path, *words: str, processes: int = 2) -> list[str]:
    given = (str(grid), "--out", str(out), "--processes", str(processes), *words)
    return [sys.executable, "-m", "nextlabel", "bench", *given]


def bench(grid: Path, out: Path, *words: str, processes: int = 2) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(grid, out, *words, processes=processes),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def go_on(grid: Path, folder: Path) -> None:
    """As the command does, without the report."""
    run_settings(folder, settings(read_grid(grid)))


def outcome(folder: Path) -> list[Any]:
    """Everything but the seconds."""
    return [
        (run.strategy, run.seed, run.labels, run.accuracy, run.queried, results.protocol["ceiling"])
        for results in load(folder)
        for run in results.runs
    ]


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, Path]:
    """What the command said, the grid and the folder."""
    folder = tmp_path_factory.mktemp("bench")
    grid = folder / "small.toml"
    grid.write_text(GRID, encoding="utf-8")
    done = bench(grid, folder / "out", processes=1)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout, grid, folder / "out"


def test_the_report_stands_in_the_folder(unbroken: tuple[str, Path, Path]) -> None:
    said, _, folder = unbroken
    assert str(folder / "index.html") in said
    assert "there are 3 seeds, and a verdict takes 5" in " ".join(said.split())
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert "Digits, small" in page
    assert "A test." in page
    queried = (folder / "queried.csv").read_text(encoding="utf-8").splitlines()
    assert len(queried) == 1 + 3 * 3 * 80
    assert spent(folder) > 0


def test_the_report_is_written_anew_without_running(
    unbroken: tuple[str, Path, Path], at_once: Command
) -> None:
    _, grid, folder = unbroken
    before = (folder / "index.html").read_bytes()
    (folder / "index.html").unlink()
    done = at_once("bench", grid, "--out", folder, "--report-only")
    assert (done.returncode, done.stderr) == (0, "")
    assert (folder / "index.html").read_bytes() == before


def test_a_report_anew_follows_the_file_and_tells_a_changed_lead(
    unbroken: tuple[str, Path, Path], tmp_path: Path, at_once: Command
) -> None:
    _, _, whole = unbroken
    shutil.copytree(whole, tmp_path / "out")
    other = tmp_path / "other.toml"
    other.write_text(GRID + 'lead = "margin"\n', encoding="utf-8")
    done = at_once("bench", other, "--out", tmp_path / "out", "--report-only")
    assert (done.returncode, done.stderr) == (0, "")
    assert "No verdict on margin against random" in " ".join(done.stdout.split())
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "The lead was changed from BADGE to margin" in page
    other.write_text(GRID + 'baseline = "entropy"\n', encoding="utf-8")
    done = at_once("bench", other, "--out", tmp_path / "out", "--report-only")
    assert done.returncode == 2
    assert "which are BADGE, margin, random; received 'entropy'. Name one of these" in done.stderr


def test_a_share_of_control_items_is_told_on_the_page(tmp_path: Path, at_once: Command) -> None:
    grid = tmp_path / "control.toml"
    grid.write_text(GRID.replace("seeds = 3", "seeds = 2") + "control = 0.1\n", encoding="utf-8")
    done = at_once("bench", grid, "--out", tmp_path / "out", "--processes", 1)
    assert (done.returncode, done.stderr) == (0, "")
    assert "10 % of the labels are control items" in (tmp_path / "out" / "index.html").read_text("utf-8")
    assert load(tmp_path / "out")[0].protocol["reserve"] == 248  # a fifth of 1,238 items, rounded up
    # whatever the file says now, the page says what was run
    for told in ("control = 0.2", ""):
        grid.write_text(grid.read_text(encoding="utf-8").replace("control = 0.1", told), encoding="utf-8")
        assert at_once("bench", grid, "--out", tmp_path / "out", "--report-only").returncode == 0
        page = (tmp_path / "out" / "index.html").read_text("utf-8")
        assert "10 % of the labels are control items" in page
        assert "20 % of the labels are control" not in page
        grid.write_text(grid.read_text(encoding="utf-8").replace("control = 0.2", "control = 0.1"), "utf-8")


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system kills otherwise")
def test_killed_at_random_moments_it_ends_with_what_the_unbroken_run_gave(
    unbroken: tuple[str, Path, Path], tmp_path: Path, seed: int
) -> None:
    _, grid, whole = unbroken
    moments = random.Random(seed)
    for _ in range(3):
        running = subprocess.Popen(
            command(grid, tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _await_more_lines(tmp_path, running)
        time.sleep(moments.uniform(0.0, 0.2))
        running.send_signal(signal.SIGKILL)
        running.wait()
    go_on(grid, tmp_path)
    assert outcome(tmp_path) == outcome(whole)


def _lines(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in (folder / "runs").glob("*.jsonl"))


def _await_more_lines(folder: Path, running: "subprocess.Popen[bytes]") -> None:
    before = _lines(folder)
    while _lines(folder) <= before and running.poll() is None:
        time.sleep(0.005)


@pytest.mark.skipif(os.name == "nt", reason="an interrupt is another thing there")
def test_an_interrupt_keeps_what_was_done_and_says_how_to_go_on(
    unbroken: tuple[str, Path, Path], tmp_path: Path
) -> None:
    _, grid, whole = unbroken
    running = subprocess.Popen(
        command(grid, tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )
    _await_more_lines(tmp_path, running)  # type: ignore[arg-type]
    running.send_signal(signal.SIGINT)
    said, complained = running.communicate()
    assert running.returncode == 130
    assert f"To go on: nextlabel bench {grid} --out {tmp_path}" in said
    assert complained == "Stopped before the end.\n"
    kept = _lines(tmp_path)
    go_on(grid, tmp_path)
    assert outcome(tmp_path) == outcome(whole)
    assert _lines(tmp_path) > kept


def test_a_smaller_file_limit_is_a_full_disk_told_in_one_message(
    unbroken: tuple[str, Path, Path], tmp_path: Path
) -> None:
    _, grid, whole = unbroken
    limited = " ".join(["ulimit -f 2;", *map(str, command(grid, tmp_path, processes=1))])
    done = subprocess.run(["/bin/bash", "-c", limited], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "could not be (File too large). Make room" in done.stderr
    assert "goes on from the lines that are there" in done.stderr
    go_on(grid, tmp_path)
    assert outcome(tmp_path) == outcome(whole)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("seeds = ", "A grid is a TOML file; "),
        ("budgets = 3", "has the key 'budgets', which a grid does not know. Did you mean 'budget'?"),
        ("seeds = 3", "A grid needs the keys datasets, learners, strategies, budget, which "),
        (GRID.replace('"digits"', '"digit"'), "'digit' is not a registered dataset. Did you mean 'digits'?"),
        (GRID + "control = 0.5", "at most 0.2; received 0.5"),
        (GRID + "ceiling = false", "has the key 'ceiling', which a grid does not know"),
    ],
)
def test_a_grid_that_cannot_be_is_refused_in_one_message(
    content: str, expected: str, tmp_path: Path, at_once: Command
) -> None:
    grid = tmp_path / "grid.toml"
    grid.write_text(content, encoding="utf-8")
    done = at_once("bench", grid, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert expected in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_grid_that_is_not_there_is_refused(tmp_path: Path) -> None:
    done = bench(tmp_path / "none.toml", tmp_path / "out")
    assert done.returncode == 2
    assert "none.toml cannot be read (No such file or directory)" in done.stderr


def test_results_hold_the_protocol(unbroken: tuple[str, Path, Path]) -> None:
    _, _, folder = unbroken
    (results,) = load(folder)
    protocol = json.loads(json.dumps(dict(results.protocol)))
    assert protocol["seeds"] == [0, 1, 2]
    assert protocol["test"] == round(0.3 * 1797)
    assert list(protocol["strategies"]) == ["BADGE", "margin", "random"]
    assert protocol["versions"]["python"]
