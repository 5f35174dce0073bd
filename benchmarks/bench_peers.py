"""ProbCover and TypiClust beside scikit-activeml's, in one environment, which is made where missing."""

import json
import tempfile
from pathlib import Path

from benchmarks.measure import Row, shown
from benchmarks.peers.environments import default_folder, made, run

SIZES = "n = 10,000, d = 64, b = 100"


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as kept:
        target = Path(kept) / "speed.json"
        run(made("speed", default_folder()), "benchmarks.peers.speed", str(target))
        found = json.loads(target.read_text("utf-8"))
    ours, theirs = found["probcover"]
    covered, also = found["covered"]
    typical, their_typical = found["typiclust"]
    return [
        Row(
            f"ProbCover, {SIZES}, one radius given: against scikit-activeml 1.0.1",
            shown(ours),
            shown(theirs),
            f"{theirs / ours:.1f} times",
            f"5 times, as many covered ({covered:,} and {also:,})",
            theirs >= 5.0 * ours and covered >= 0.99 * also,
        ),
        Row(
            f"TypiClust, {SIZES}: against scikit-activeml 1.0.1",
            shown(typical),
            shown(their_typical),
            f"{their_typical / typical:.1f} times",
            "not slower",
            their_typical >= typical,
        ),
    ]
