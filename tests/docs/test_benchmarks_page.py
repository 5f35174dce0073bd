"""The page of the benchmarks names every benchmark, and nothing that there is not."""

import re
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
PAGE = (BENCHMARKS / "README.md").read_text(encoding="utf-8")


def test_every_benchmark_has_its_command_and_every_command_its_benchmark() -> None:
    named = {
        name for names in re.findall(r"`python -m benchmarks ([a-z_ ]+)`", PAGE) for name in names.split()
    }
    there = {path.stem.removeprefix("bench_") for path in BENCHMARKS.glob("bench_*.py")}
    assert named == there


def test_every_module_that_is_run_by_itself_is_there() -> None:
    modules = re.findall(r"`python -m benchmarks\.([a-z_]+)`", PAGE)
    assert modules
    assert [name for name in modules if not (BENCHMARKS / f"{name}.py").is_file()] == []


def test_links_lead_somewhere() -> None:
    local = [target for target in re.findall(r"\]\(([^)\s]+)\)", PAGE) if "://" not in target]
    assert [target for target in local if not (BENCHMARKS / target).exists()] == []


@pytest.mark.parametrize(("kept", "shown"), [(True, "yes"), (False, "**no**"), (None, "–")])
def test_a_row_that_promises_nothing_is_not_said_to_be_kept(
    kept: bool | None, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS.parent)
    made, measure = import_module("benchmarks.__main__"), import_module("benchmarks.measure")
    row = asdict(measure.Row("what", "1 s", "2 s", "2 times", "none", kept))
    page = made.table({"one": {"on": "a machine", "rows": [row]}})
    assert page.splitlines()[-1].endswith(f"| none | {shown} |")
