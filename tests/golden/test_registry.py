"""Names to things: what ships, what other packages add, and what is said of an unknown name."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nextlabel import Spec, build, names, spec_of
from nextlabel.core.registry import REGISTRY, nested_kinds, resolve, target
from nextlabel.core.strategy import Strategy
from nextlabel.errors import ParameterError, UnknownName

OUTSIDE = '''
"""Somebody else's package: the longest embedding first."""

from dataclasses import dataclass
from typing import final

import numpy as np

from nextlabel import Scorer


@final
@dataclass(frozen=True)
class Longest(Scorer):
    """Prefers long embeddings; needs embedding; costs O(n·d).

    Notes
    -----
    Time O(n·d).

    Fails where lengths say nothing.

    References
    ----------
    None: an example.

    Examples
    --------
    >>> from nextlabel import select
    >>> select("longest", embedding=[[1.0], [3.0]], batch=1, seed=0)
    array([1])
    """

    power: float = 2.0

    @property
    def needs(self):
        return frozenset({"embedding"})

    def score(self, signals, rng):
        return (np.abs(signals["embedding"]) ** self.power).sum(axis=1)


@dataclass(frozen=True)
class Forgetful(Longest.__mro__[1]):
    """Loses what it was given."""

    power: float = 2.0

    def __post_init__(self):
        object.__setattr__(self, "power", self.power + 1.0)

    needs = frozenset({"embedding"})
    score = Longest.score
'''


def install(folder: Path, package: str, lines: str, code: str = OUTSIDE) -> None:
    """A package as an installer leaves it behind: a module, and a record of its entry points."""
    (folder / f"{package}.py").write_text(code, encoding="utf-8")
    record = folder / f"{package}-1.0.dist-info"
    record.mkdir()
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (record / "entry_points.txt").write_text(lines)


def run(folder: Path, script: str) -> str:
    """What a new process prints; the folder is on its path."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def test_a_package_adds_a_strategy_by_an_entry_point(tmp_path: Path) -> None:
    install(tmp_path, "outside", "[nextlabel.strategy]\nlongest = outside:Longest\n")
    script = (
        "from nextlabel import build, names, select, spec_of\n"
        "from nextlabel.testing.strategies import check\n"
        "print('longest' in names('strategy'))\n"
        "print(select('longest', embedding=[[1.0], [-3.0], [2.0]], batch=2, seed=0))\n"
        "print(spec_of(build('strategy', {'name': 'longest', 'power': 1.0})).to_json())\n"
        "check(build('strategy', 'longest'))\n"
    )
    assert run(tmp_path, script) == 'True\n[1 2]\n{"name": "longest", "power": 1.0}\n'


def test_a_registered_strategy_that_loses_its_parameters_breaks_its_promise(tmp_path: Path) -> None:
    install(tmp_path, "outside", "[nextlabel.strategy]\nforgetful = outside:Forgetful\n")
    script = (
        "from nextlabel import build\n"
        "from nextlabel.testing.strategies import PROMISES\n"
        "PROMISES['round_trip'](build('strategy', 'forgetful'))\n"
    )
    assert "breaks the promise 'round_trip': its spec gave Forgetful(power=4.0)" in run(tmp_path, script)


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    install(tmp_path, "outside", "[nextlabel.strategy]\nrandom = outside:Longest\n")
    said = run(tmp_path, "from nextlabel import names; names('strategy')")
    assert (
        "NameClash: The strategy 'random' is registered twice, as nextlabel.strategies.random:Random and as "
        "outside:Longest. Uninstall one of the packages" in said
    )


def test_two_packages_with_one_name_are_refused(tmp_path: Path) -> None:
    install(tmp_path, "outside", "[nextlabel.strategy]\nlongest = outside:Longest\n")
    install(tmp_path, "farther", "[nextlabel.strategy]\nlongest = farther:Longest\n")
    said = run(tmp_path, "from nextlabel import names; names('strategy')")
    assert re.search(
        r"NameClash: The strategy 'longest' is registered twice, as \w+:Longest and as \w+:Longest", said
    )


def test_the_same_line_twice_is_no_clash(tmp_path: Path) -> None:
    line = "[nextlabel.strategy]\nrandom = nextlabel.strategies.random:Random\n"
    install(tmp_path, "outside", line)
    said = run(tmp_path, "from nextlabel import names; print('random' in names('strategy'))")
    assert said == "True\n"


def test_an_error_is_worded_without_importing_a_package_of_strangers(tmp_path: Path) -> None:
    code = "raise SystemExit('imported only to word an error')"
    install(tmp_path, "outside", "[nextlabel.strategy]\nlongest = outside:Longest\n", code)
    said = run(tmp_path, "from nextlabel import select; select('badge', proba=[[1.0]], batch=1, seed=0)")
    assert "MissingSignal: BADGE needs the signal 'embedding', which the call does not provide" in said


def test_an_extra_that_is_not_installed_is_named(tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['torch'] = None  # as if it were not installed\n"
        "from nextlabel.core.registry import resolve\n"
        "resolve('learner', 'torch')\n"
    )
    assert (
        "MissingExtra: The learner 'torch' needs the library 'torch', which is not installed. "
        "Install it with: pip install 'nextlabel[torch]'." in run(tmp_path, script)
    )


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ("not_there.mod:Thing", "ModuleNotFoundError: No module named 'not_there'"),
        ("outside:Nope", "AttributeError: module 'outside' has no attribute 'Nope'"),
        ("outside", "AttributeError: module 'outside' has no attribute ''"),
        ("outside:__name__", "TypeError: str is neither a class nor a function"),
        ("outside:helper", "TypeError: dict is no Strategy"),
        ("raising:Thing", "ZeroDivisionError: division by zero"),
        ("importing:Thing", "ModuleNotFoundError: No module named 'nowhere_at_all'"),
    ],
)  # fmt: skip
def test_a_faulty_entry_point_is_one_message_that_names_its_package(
    tmp_path: Path, where: str, reason: str
) -> None:
    code = "def helper():\n    return {}\n"
    install(tmp_path, "outside", f"[nextlabel.strategy]\nbroken = {where}\n", code)
    (tmp_path / "raising.py").write_text("1 / 0")
    (tmp_path / "importing.py").write_text("import nowhere_at_all")
    said = run(tmp_path, "from nextlabel import build; build('strategy', 'broken')")
    assert said.rstrip().endswith(
        f"BrokenEntryPoint: The strategy 'broken' of the package 'outside' cannot be used: {where!r} gives "
        f"{reason}. It must be 'module:attribute', a class or function for a strategy. Repair or uninstall "
        "that package."
    )


def test_a_module_of_our_own_that_fails_is_shown_as_it_is(tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['nextlabel.strategies.random'] = None\n"
        "from nextlabel import build; build('strategy', 'random')"
    )
    assert (
        run(tmp_path, script)
        .rstrip()
        .endswith("ModuleNotFoundError: import of nextlabel.strategies.random halted; None in sys.modules")
    )


def test_names_and_targets_are_those_of_the_table() -> None:
    assert names("strategy") == tuple(REGISTRY["strategy"])
    assert target("strategy", "random") == "nextlabel.strategies.random:Random"
    assert resolve("reader", "arrays").__name__ == "arrays"


@pytest.mark.parametrize(
    ("kind", "name", "says"),
    [
        ("strategy", "bagde", "'bagde' is not a registered strategy. Did you mean 'badge'? The names are: "),
        ("network", "zzzzzz", "'zzzzzz' is not a registered network. The names are: deep_leakage, "),
        ("strategies", "x", "'strategies' is not a kind of thing in the registry. The kinds are: attack, c"),
    ],
)  # fmt: skip
def test_an_unknown_name_is_met_with_the_nearest(kind: str, name: str, says: str) -> None:
    with pytest.raises(UnknownName, match=re.escape(says)):
        target(kind, name)


def test_a_finished_object_is_returned_as_it_is() -> None:
    random = build("strategy", "random")
    assert build("strategy", random) is random


def test_nested_strategies_are_built_and_written_down() -> None:
    inner: dict[str, Any] = {"name": "stochastic", "of": {"name": "margin", "of": "mean_proba"}, "beta": 2.0}
    built = build("strategy", {"name": "subsample", "of": inner, "size": 7})
    assert isinstance(built.of.of, Strategy)
    assert nested_kinds(type(built)) == {"of": "strategy"}
    assert build("strategy", spec_of(built)) == built
    written = spec_of(built).to_dict()
    assert written["of"]["of"]["of"] == "mean_proba"
    assert written["size"] == 7
    assert build("strategy", {"name": "subsample", "of": built.of, "size": 7}) == built


def test_what_is_no_dataclass_has_nothing_nested() -> None:
    assert nested_kinds(print) == {}


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ({"name": "stochastic", "of": "margin", "bta": 1}, "has no parameter 'bta'. Did you mean 'beta'?"),
        ({"name": "subsample", "size": 3}, "'subsample' needs the parameters 'of'; received 'size'"),
        ({"of": "margin"}, "received {'of': 'margin'}. Write for example 'badge'"),
    ],
)  # fmt: skip
def test_a_spec_that_describes_nothing_is_refused(source: Any, says: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(says)):
        build("strategy", source)


def test_what_is_not_registered_cannot_be_written_down() -> None:
    with pytest.raises(
        UnknownName, match=r"Spec \(nextlabel.core.spec:Spec\) is not registered, so it cannot"
    ):
        spec_of(Spec("margin"))
