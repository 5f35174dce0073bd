"""The page of the benchmarks names every benchmark, and nothing that there is not."""

import re
from pathlib import Path

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
