"""The conformance suite as a stranger meets it: by command, on their callable, with NumPy and SciPy alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

MODULE = """
import numpy as np

def right(*, batch, seed, proba):
    assert np.isfinite(proba).all()
    ordered = np.sort(np.asarray(proba, float), axis=1)
    margin = (ordered[:, -1] - ordered[:, -2]).round(12)
    return np.lexsort((np.random.default_rng(seed).random(len(margin)), margin))[:batch]

def wrong(*, batch, seed, proba):
    return list(range(batch))

def fair(*, batch, seed, embedding):
    return np.random.default_rng(seed).permutation(len(embedding))[:batch]

number = 3
"""

ALONE = """
import sys
for name in "sklearn numba torch rich typer matplotlib threadpoolctl pandas platformdirs".split():
    sys.modules[name] = None
from stranger import fair, right, wrong
from nextlabel.testing.conformance import definition_of, examine, memory_of
assert examine(right, "margin", memory=memory_of("margin")).is_kept
assert "sequence" in examine(wrong, "margin").broken
assert examine(fair, "random", draws=64).is_kept
for name in NAMES:
    assert definition_of(name).name == name
loaded = {name.partition(".")[0] for name in sys.modules}
print(sorted(loaded & {"numpy", "scipy"}))
"""


def nextlabel(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nextlabel", *words],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        cwd=cwd,
    )


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "stranger.py").write_text(MODULE, encoding="utf-8")
    return tmp_path


def test_strategies_are_examined_by_name_and_written_as_json(place: Path) -> None:
    done = nextlabel("conformance", "margin", "coreset", "--json", "found.json", "--seeds", "2", cwd=place)
    assert done.returncode == 0, done.stdout + done.stderr
    head, *rows = done.stdout.splitlines()
    assert head.split() == [
        "pick",
        "dist",
        "dupl",
        "exha",
        "ties",
        "seed",
        "perm",
        "prec",
        "0/1",
        "mem",
        "inp",
        "nan",
    ]
    assert rows[0].split() == ["margin", *["yes"] * 12]
    assert rows[1].split() == ["coreset", *["yes"] * 8, "-", *["yes"] * 3]
    assert max(map(len, done.stdout.splitlines())) <= 80
    found = json.loads((place / "found.json").read_text(encoding="utf-8"))
    assert [one["name"] for one in found] == ["margin", "margin", "coreset", "coreset"]
    assert {one["outcome"] for one in found[0]["promises"]} == {"kept", "not asked"}


def test_a_callable_of_ones_own_is_examined(place: Path) -> None:
    done = nextlabel("conformance", "--callable", "stranger:right", "--as", "margin", cwd=place)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("margin: 11 promises kept, 0 broken")
    done = nextlabel("conformance", "--callable", "stranger:wrong", "--as", "margin", cwd=place)
    assert done.returncode == 1
    assert "sequence, the smallest input that shows it:\npick(\n    batch=1," in done.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["marginn"], "'marginn' has no plain definition. "),
        (["--seeds", "0"], "'seeds' must be a whole number from 1 up; received 0."),
        (["--callable", "stranger:right"], "received --callable stranger:right, --as None and 0 names"),
        (["margin", "--callable", "stranger:right", "--as", "margin"], "--as margin and 1 names"),
        (["--callable", "nowhere:right", "--as", "margin"], "Python says: No module named 'nowhere'"),
        (["--callable", "stranger:left", "--as", "margin"], "has no attribute 'left'"),
        (["--callable", "stranger:number", "--as", "margin"], "'stranger:number', which is no function"),
        (["--callable", "stranger", "--as", "margin"], "received 'stranger', which is no function"),
    ],
)
def test_what_cannot_be_examined_is_told(place: Path, words: list[str], says: str) -> None:
    done = nextlabel("conformance", *words, cwd=place)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_numpy_and_scipy_are_enough(place: Path) -> None:
    from nextlabel import names

    done = subprocess.run(
        [sys.executable, "-c", ALONE.replace("NAMES", repr(names("strategy")))],
        capture_output=True,
        text=True,
        check=False,
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(place)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['numpy', 'scipy']"
