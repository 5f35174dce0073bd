"""Run the benchmarks and write the table that the documentation shows.

Each file ``bench_<name>.py`` beside this one has a function ``rows() -> list[Row]``.
"""

import json
import platform
import sys
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TABLE = HERE.parent / "docs" / "reference" / "benchmarks.md"
FIGURES = TABLE.with_suffix(".json")
KEPT = {True: "yes", False: "**no**", None: "–"}  # None: nothing was promised


def main(wanted: list[str]) -> int:
    names = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    unknown = sorted(set(wanted) - set(names))
    if unknown:
        print(f"No such benchmark: {', '.join(unknown)}. There are: {', '.join(names)}.", file=sys.stderr)
        return 2
    kept = {
        name: one for name, one in json.loads(FIGURES.read_text(encoding="utf-8")).items() if name in names
    }
    is_kept = True
    for name in wanted or names:
        print(f"{name} ...", flush=True)
        rows = import_module(f"benchmarks.bench_{name}").rows()
        for row in rows:
            says = {True: "kept", False: "NOT KEPT", None: "nothing promised"}[row.kept]
            print(
                f"  {row.what}: {row.ours}; plain {row.plain}; {row.ratio} ({row.promise}: {says})",
                flush=True,
            )
        is_kept = is_kept and all(row.kept or row.kept is None for row in rows)
        kept[name] = {"on": machine(), "rows": [asdict(row) for row in rows]}
        FIGURES.write_text(
            json.dumps(dict(sorted(kept.items())), indent=1, ensure_ascii=False) + "\n", "utf-8"
        )
        TABLE.write_text(table(kept), encoding="utf-8")
    print(f"wrote {TABLE.relative_to(HERE.parent)}")
    return int(not is_kept)


def table(figures: dict[str, Any]) -> str:
    machines = sorted({one["on"] for one in figures.values()})
    lines = [
        "# Measured speed",
        "",
        "Made by `make benchmarks`, or in part by `python -m benchmarks NAMES`, which replaces the rows of",
        "these alone; do not edit. One thread, float32 unless said otherwise, CPU seconds, medians; the",
        "forms that a row compares run in turn in one process. Ratios travel to other machines, seconds do",
        "not. The data: `benchmarks/data.py`.",
        "",
        f"Measured on {'; '.join(machines)}.",
        "",
        "| what | nextlabel | plain form | ratio | promise | kept |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for _, one in sorted(figures.items()):
        for row in one["rows"]:
            cells = [row[name] for name in ("what", "ours", "plain", "ratio", "promise")]
            lines.append(f"| {' | '.join([*cells, KEPT[row['kept']]])} |")
    return "\n".join(lines) + "\n"


def machine() -> str:
    import numba
    import numpy

    versions = f"Python {platform.python_version()}, NumPy {numpy.__version__}, Numba {numba.__version__}"
    return f"{processor()}, {versions}"


def processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
