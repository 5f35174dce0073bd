"""Run in a peer's environment: ask the suite about every method of one adapter, write JSON."""

import contextlib
import io
import json
import platform
import subprocess
import sys
import time
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.peers.held import Held
from nextlabel.testing.conformance import examine

HERE = Path(__file__).parent


def report(adapter: str, wanted: str = "") -> dict[str, Any]:
    """What a page needs: versions, and the verdicts on each method."""
    module = import_module(f"benchmarks.peers.adapters.{adapter}")
    held = [one for one in module.methods() if wanted in one.method]
    return {
        "package": module.PACKAGE,
        "version": version(module.PACKAGE),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "scipy": version("scipy"),
        "note": module.NOTE,
        "methods": [_verdicts(one) for one in held],
        "alone": [_run(path) for path in sorted((HERE / "alone" / module.PACKAGE).glob("*.py"))],
    }


def _run(path: Path) -> dict[str, str]:
    """A script that uses the peer alone, and what it prints."""
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=True)
    return {"path": path.relative_to(HERE.parents[1]).as_posix(), "prints": done.stdout.rstrip()}


def _verdicts(held: Held) -> dict[str, Any]:
    before = time.process_time()
    with contextlib.redirect_stderr(io.StringIO()):  # progress bars
        found = examine(held.pick, held.definition, draws=held.draws)
    print(
        f"  {held.method}: {len(found.broken)} broken, {time.process_time() - before:.1f} s CPU", flush=True
    )
    promises = [
        verdict.to_dict() | ({"documented": held.documented[verdict.promise]} if _says(held, verdict) else {})
        for verdict in found
    ]
    return {
        "method": held.method,
        "definition": held.definition.name,
        "note": held.note,
        "promises": promises,
    }


def _says(held: Held, verdict: Any) -> bool:
    return verdict.outcome == "broken" and verdict.promise in held.documented


if __name__ == "__main__":
    _, name, target, *rest = sys.argv
    Path(target).write_text(json.dumps(report(name, *rest), indent=1), encoding="utf-8")
