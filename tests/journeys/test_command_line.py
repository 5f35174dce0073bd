"""The command line as a person meets it: in its own process, or at once where that makes no difference."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nextlabel import __version__, names

HEAVY = {"torch", "matplotlib", "sklearn", "scipy", "numba", "pandas"}
Command = Callable[..., subprocess.CompletedProcess[str]]


def nextlabel(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nextlabel", *words],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={**os.environ, **environment},
    )


def test_the_version_is_said() -> None:
    done = nextlabel("--version")
    assert (done.returncode, done.stdout) == (0, f"nextlabel {__version__}\n")


def test_without_words_there_is_help() -> None:
    done = nextlabel()
    assert "Usage: " in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_help_loads_nothing_heavy() -> None:
    look = (
        "import sys\n"
        "from nextlabel.cli.main import main\n"
        "sys.argv = ['nextlabel', '--help']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code == 0\n"
        f"loaded = {HEAVY!r} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("demo", "--strategies", "badgr"), "'badgr' is not a registered strategy. Did you mean 'badge'?"),
        (
            ("demo", "--strategies", "random"),
            "at least one strategy to compare with random; received 'random'",
        ),
        (("demo", "--strategies", "bald"), "BALD needs the signals"),
        (("demo", "--learner", "xgboost"), "'xgboost' is not a registered learner"),
        (("demo", "--seeds", "1"), "'seeds' must be a whole number from 2 up; received 1"),
        (("demo", "--budget", "10"), "received start 20, batch 20, budget 10"),
        (("demo", "--budget", "1500"), "which leaves 1200"),
        (("demo", "--processes", "-1"), "--processes"),
        (("demo", "--out", "/dev/null"), "/dev/null cannot (File exists)"),
        (("demo", "--seeds", "many"), "--seeds"),
        (
            ("list", "paintings"),
            "'paintings' is nothing to list. Did you mean 'inspections'? Write one of: attacks, commands, ",
        ),
        (("list", "strategys"), "'strategys' is nothing to list. Did you mean 'strategies'? Write one of: "),
        (
            ("demo", "--strategies", "badge,stochastic"),
            "a strategy by its name alone; 'stochastic' needs settings, which take Python. Choose from: bad",
        ),
        (
            ("demo", "--learner", "ensemble"),
            "a learner by its name alone; 'ensemble' needs settings, which take Python. "
            "Choose from: sklearn, torch.",
        ),
        (("dance",), "dance"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(
    words: tuple[str, ...], said: str, at_once: Command
) -> None:
    done = at_once(*words)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout


@pytest.mark.parametrize(
    "kind",
    [
        *("strategies", "strategy", "recipes", "learners", "networks"),
        *("datasets", "readers", "stores", "commands"),
    ],
)
def test_list_shows_every_name(kind: str, at_once: Command) -> None:
    done = at_once("list", kind)
    assert done.returncode == 0, done.stderr
    singular = "strategy" if kind == "strategies" else kind.removesuffix("s")
    assert [line.split()[0] for line in done.stdout.splitlines()[1:] if line[:1].strip()] == list(
        names(singular)
    )


def test_list_says_what_strategies_need(at_once: Command) -> None:
    said = at_once("list", "strategies").stdout.splitlines()
    lines = {line.split()[0]: line for line in said if line.strip()}
    assert lines["random"].rstrip().endswith("nothing")
    assert "proba" in lines["margin"]


@pytest.mark.parametrize(
    ("kind", "missing"), [("learners", ["generative", "learning_loss", "torch"]), ("networks", None)]
)
def test_list_names_the_extra_where_one_is_missing(kind: str, missing: list[str] | None) -> None:
    without_torch = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'torch':\n"
        "            raise ModuleNotFoundError(name=name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "from nextlabel.cli.main import main\n"
        f"sys.argv = ['nextlabel', 'list', {kind!r}]\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", without_torch], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [line.strip() for line in done.stdout.splitlines() if "needs the extra" in line]
    expected = list(names("network")) if missing is None else missing
    assert rows == [f"{name:{rows[0].index('needs')}}needs the extra `torch`" for name in expected]


FAULTY = ("not_there.mod:Thing", "outside:Nope", "outside", "outside:helper", "outside:Stubborn")


@pytest.fixture
def faulty(tmp_path: Path) -> str:
    """A folder for the path of a process: a package that registers nothing but faults, of every kind."""
    (tmp_path / "outside.py").write_text(
        "def helper():\n    return 1\n\n\n"
        "class Stubborn:\n    def __init__(self):\n        raise OSError('no')\n"
    )
    record = tmp_path / "outside-1.0.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: outside\nVersion: 1.0\n")
    lines = [f"broken{number} = {where}" for number, where in enumerate(FAULTY)]
    groups = ["strategy", "learner", "network", "reader", "dataset"]
    points = [*(f"[nextlabel.{one}]\n" + "\n".join(lines) for one in groups)]
    points += ["[nextlabel.command]\nbroken = not_there.mod:Thing"]
    (record / "entry_points.txt").write_text("\n".join(points) + "\n")
    # an installed torch takes seconds to load, and shows nothing here: it is absent on this path
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError(name='torch')\n")
    return str(tmp_path)


@pytest.mark.parametrize("kind", ["strategies", "learners", "networks", "readers", "datasets", "commands"])
def test_list_goes_on_where_a_package_is_faulty(faulty: str, kind: str) -> None:
    done = nextlabel("list", kind, PYTHONPATH=faulty, COLUMNS="400")
    assert (done.returncode, done.stderr) == (0, "")
    lines = {line.split()[0]: line for line in done.stdout.splitlines()[1:]}
    singular = "strategy" if kind == "strategies" else kind.removesuffix("s")
    assert set(names(singular)) < set(lines)
    first = "broken" if kind == "commands" else "broken0"
    assert (
        f"The {singular} {first!r} of the package 'outside' cannot be used: 'not_there.mod:Thing' gives"
        in lines[first]
    )
    if kind in ("strategies", "learners"):
        assert f"gives TypeError: int is no {singular.title()}" in lines["broken3"]
        assert "cannot be used: OSError: no" in lines["broken4"]


def test_a_faulty_package_ends_the_demo_with_one_message(faulty: str) -> None:
    done = nextlabel("demo", "--strategies", "broken0", PYTHONPATH=faulty)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "The strategy 'broken0' of the package 'outside' cannot be used: 'not_there.mod:Thing' gives "
        "ModuleNotFoundError: No module named 'not_there'. It must be 'module:attribute', a class or "
        "function for a strategy. Repair or uninstall that package.\n"
    )


def test_a_faulty_command_is_refused_and_does_not_hide_the_others(faulty: str) -> None:
    done = nextlabel("--help", PYTHONPATH=faulty)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(name in done.stdout for name in ("demo", "list", "broken"))
    done = nextlabel("broken", PYTHONPATH=faulty)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("The command 'broken' of the package 'outside' cannot be used: ")
    assert "Traceback" not in done.stderr
