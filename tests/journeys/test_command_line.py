"""The command line as a person meets it: through the real command, in its own process."""

import subprocess
import sys

import pytest

from nextlabel import __version__, names

HEAVY = {"torch", "matplotlib", "sklearn", "scipy", "numba", "pandas"}


def nextlabel(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nextlabel", *words],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env=None,
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
        (("demo", "--seeds", "1"), "at least 2 seeds, or nothing can be said of chance; received 1"),
        (("demo", "--budget", "10"), "received start 20, batch 20, budget 10"),
        (("demo", "--budget", "1500"), "which leaves 1200"),
        (("demo", "--processes", "-1"), "--processes"),
        (("demo", "--out", "/dev/null"), "/dev/null cannot (File exists)"),
        (("demo", "--seeds", "many"), "--seeds"),
        (("list", "paintings"), "'paintings' is not a kind of thing in the registry"),
        (("dance",), "dance"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(words: tuple[str, ...], said: str) -> None:
    done = nextlabel(*words)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout


@pytest.mark.parametrize(
    "kind", ["strategies", "strategy", "learners", "networks", "datasets", "readers", "commands"]
)
def test_list_shows_every_name(kind: str) -> None:
    done = nextlabel("list", kind)
    assert done.returncode == 0, done.stderr
    singular = "strategy" if kind == "strategies" else kind.removesuffix("s")
    assert [line.split()[0] for line in done.stdout.splitlines()[1:] if line[:1].strip()] == list(
        names(singular)
    )


def test_list_says_what_strategies_need() -> None:
    lines = {
        line.split()[0]: line for line in nextlabel("list", "strategies").stdout.splitlines() if line.strip()
    }
    assert lines["random"].rstrip().endswith("nothing")
    assert "proba" in lines["margin"]


def test_list_names_the_extra_where_one_is_missing() -> None:
    without_torch = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'torch':\n"
        "            raise ModuleNotFoundError(name=name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "from nextlabel.cli.main import main\n"
        "sys.argv = ['nextlabel', 'list', 'learners']\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", without_torch], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "nextlabel[torch]" in "".join(done.stdout.split())
