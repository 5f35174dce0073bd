"""Run the benchmarks and write the table that the documentation shows.

Each file ``bench_<name>.py`` beside this one has a function ``rows() -> list[Row]``.
"""

import platform
import sys
from importlib import import_module
from pathlib import Path

from benchmarks.measure import Row

HERE = Path(__file__).parent
TABLE = HERE.parent / "docs" / "reference" / "benchmarks.md"


def main(wanted: list[str]) -> int:
    names = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    rows: list[Row] = []
    for name in wanted or names:
        print(f"{name} ...", flush=True)
        for row in import_module(f"benchmarks.bench_{name}").rows():
            rows.append(row)
            kept = "kept" if row.kept else "NOT KEPT"
            print(
                f"  {row.what}: {row.ours}; plain {row.plain}; {row.ratio} ({row.promise}: {kept})",
                flush=True,
            )
    if not wanted:
        TABLE.write_text(table(rows), encoding="utf-8")
        print(f"wrote {TABLE.relative_to(HERE.parent)}")
    return int(not all(row.kept for row in rows))


def table(rows: list[Row]) -> str:
    import numba
    import numpy

    lines = [
        "# Measured speed",
        "",
        "Made by `make benchmarks`; do not edit. One thread, float32 unless said otherwise, CPU seconds,",
        "medians; the forms that a row compares run in turn in one process. Ratios travel to other machines,",
        "seconds do not.",
        "The data: `benchmarks/data.py`.",
        "",
        f"Measured on {processor()}, Python {platform.python_version()}, NumPy {numpy.__version__}, "
        f"Numba {numba.__version__}.",
        "",
        "| what | nextlabel | plain form | ratio | promise | kept |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        kept = "yes" if row.kept else "**no**"
        lines.append(f"| {row.what} | {row.ours} | {row.plain} | {row.ratio} | {row.promise} | {kept} |")
    return "\n".join(lines) + "\n"


def processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
