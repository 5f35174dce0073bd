"""Asking while labels arrive faster than a model is fitted, from real processes."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from nextlabel import Campaign, arrays, classes
from nextlabel.campaign.events import Asked, Fitted, Told, read_entry
from nextlabel.core.pool import Pool

ITEMS = 3000
LIMIT = 5  # fits in a call, beyond which it would go on for ever

LEARNER = f"""
import time
from dataclasses import dataclass
from nextlabel.core.learner import Learner
from nextlabel.learners.sklearn import SklearnLearner

fits = []


@dataclass(frozen=True)
class Slow(Learner):
    @property
    def provides(self):
        return SklearnLearner().provides
    def fit(self, *args, **named):
        fits.append(time.time())
        assert len(fits) <= {LIMIT}
        time.sleep(0.5)
        return SklearnLearner().fit(*args, **named)
    def load(self, path):
        return SklearnLearner().load(path)

def make():
    return Slow()
"""

TELLING = """
import sys, time
from nextlabel import Campaign
campaign, mine = Campaign.open(sys.argv[1], only_answers=True), int(sys.argv[2])
for number in range(10 + mine, 3000, 3):
    campaign.tell({str(number): "low" if number < 1500 else "high"}, annotator=str(mine))
    print(number, flush=True)
    time.sleep(0.01)
"""


def line() -> Pool:
    return arrays(np.arange(ITEMS, dtype=np.float32)[:, None] / ITEMS)


@contextmanager
def tellers(path: Path) -> Iterator[list[list[str]]]:
    """Three processes that tell without pause, and what each has acknowledged when the scope has ended."""
    command = [sys.executable, "-c", TELLING, str(path)]
    workers = [subprocess.Popen([*command, str(who)], stdout=subprocess.PIPE, text=True) for who in range(3)]
    said: list[list[str]] = []
    try:
        for worker in workers:
            assert worker.stdout is not None
            said.append([worker.stdout.readline().strip()])
        yield said
    finally:
        for worker in workers:
            worker.kill()
        for worker, numbers in zip(workers, said, strict=False):
            numbers += worker.communicate()[0].split("\n")[:-1]


@pytest.mark.parametrize("strategy", ["margin", "badge"])
def test_ask_returns_while_labels_arrive_faster_than_a_fit(strategy: str, tmp_path: Path) -> None:
    (tmp_path / "learner.py").write_text(LEARNER, encoding="utf-8")
    path, learner = tmp_path / "line.db", f"{tmp_path}/learner.py:make"
    with Campaign.create(path, line(), learner, strategy, classes("low", "high"), seed=0) as campaign:
        campaign.tell({"0": "low", "2999": "high"})
        with tellers(path) as said:
            begin = campaign.refresh().labelled
            queries = [campaign.ask(5) for _ in range(3)]
            time.sleep(0.1)
        campaign.refresh()
        events = [read_entry(entry) for entry in campaign.journal()]
        known: set[str] = set()
        asked = 0
        for event in events:
            if isinstance(event, Asked):
                assert not known & set(event.ids)  # neither told before, nor asked
                known.update(event.ids)
                asked += 1
            elif isinstance(event, Told):
                known.update(event.labels)
        fitted = [(place, event) for place, event in enumerate(events) if isinstance(event, Fitted)]
        assert asked == 3
        assert all(len(query.ids) == 5 for query in queries)
        assert 1 <= len(fitted) <= 3  # one a call, or none
        assert any(place > event.through for place, event in fitted)  # labels did arrive during a fit
        assert campaign.state.labelled > begin
        assert {number for numbers in said for number in numbers} <= campaign.state.kept.keys()
        assert {one.name for one in Path(f"{path}.models").iterdir()} == {one.model for _, one in fitted}
