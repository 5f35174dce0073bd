"""The letter grid whole, and part of it against one process that does one run after another. Wall seconds."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.measure import Row, shown
from nextlabel.errors import DatasetMissing
from nextlabel.experiment.bench import run_settings
from nextlabel.experiment.grid import read_grid, settings
from nextlabel.learners.torch import TorchLearner
from nextlabel.learners.training import AdamTraining

GRID = Path(__file__).parent.parent / "experiments" / "letter.toml"
LIMIT, PROMISE, SEEDS = 900.0, 2.0, 4


def rows() -> list[Row]:
    try:
        setting = settings(read_grid(GRID))[0]
    except DatasetMissing:
        return [Row("letter.toml", "not run: the data set is not here", "", "", "", True)]
    part = replace(setting.experiment, seeds=SEEDS)
    learner = part.learner
    assert isinstance(learner, TorchLearner)
    alone = replace(learner, train=AdamTraining())  # an object is not recognised: the plain routine

    def together() -> None:
        part.run(processes=2)

    def one_by_one() -> None:
        for name, strategy in part.strategies.items():
            replace(part, learner=alone, strategies={name: strategy}).run(processes=1)

    ours, plain = seconds(together), seconds(one_by_one)
    runs = SEEDS * len(part.strategies)
    with tempfile.TemporaryDirectory() as folder:
        whole = seconds(lambda: run_settings(Path(folder), [setting], processes=2))
    return [
        Row(
            f"{runs} runs of letter.toml on two cores, trained together",
            shown(ours),
            shown(plain),
            f"{plain / ours:.2f} times",
            f"{PROMISE:g} times one process, one run after another; wall seconds",
            plain / ours >= PROMISE,
        ),
        Row(
            "letter.toml: 50 runs and the ceilings",
            shown(whole),
            "",
            "",
            f"{LIMIT:g} s, two cores",
            whole <= LIMIT,
        ),
    ]


def seconds(call: Callable[[], object]) -> float:
    before = time.perf_counter()
    call()
    return time.perf_counter() - before
