"""The estimated value of a batch, from the strategy to the journal and to whoever asks."""

import sys
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest

from nextlabel import Campaign, Picks, Signals, Strategy, arrays, classes
from nextlabel.campaign.asking import Active, Room
from nextlabel.campaign.events import Asked, read_entry
from nextlabel.cli.main import main
from nextlabel.learners.precomputed import Precomputed
from nextlabel.strategies.bald import BALD
from nextlabel.strategies.self_correcting import SelfCorrecting
from nextlabel.testing.signals import example_arrays

TASK = classes("low", "high")
ITEMS = 12


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def made(strategy: Any, path: Path | None = None, learner: Any = None) -> Campaign:
    pool = arrays(np.arange(float(ITEMS))[:, None])
    draws = example_arrays({"draws"}, n=ITEMS, c=2, m=6)
    campaign = Campaign.create(path, pool, learner or Precomputed(draws), strategy, TASK, seed=1)
    campaign.tell({"0": "low", "11": "high"})
    return campaign


@final
@dataclass(frozen=True)
class Boasting(Strategy):
    """Says what its batch is worth."""

    value: float

    @property
    def needs(self) -> frozenset[str]:
        return frozenset()

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        return Picks(np.arange(batch), value=self.value)


def test_the_value_is_that_of_the_picks_and_stands_in_the_journal() -> None:
    campaign = made(SelfCorrecting(BALD()))
    query = campaign.ask(3)
    entry = campaign.journal()[-1]
    assert (entry["event"], entry["version"]) == ("asked", 2)
    assert entry["value"] == query.value
    draws = example_arrays({"draws"}, n=ITEMS, c=2, m=6)["draws"][1:11]
    picks = SelfCorrecting(BALD()).pick(Signals({"draws": draws}), 3, np.random.default_rng(0))
    assert query.value == pytest.approx(picks.value)
    assert campaign.history(query.ids[0])[-1]["value"] == query.value


def test_without_an_estimate_there_is_none() -> None:
    campaign = made("bald")
    assert campaign.ask(2).value is None
    assert campaign.journal()[-1]["value"] is None


def test_a_value_that_is_no_number_is_none() -> None:
    assert made(Boasting(float("nan"))).ask(2).value is None
    assert made(Boasting(2.5)).ask(2).value == 2.5


def test_what_version_one_wrote_has_no_value() -> None:
    campaign = made(Boasting(2.5))
    campaign.ask(2)
    entry = dict(campaign.journal()[-1])
    event = read_entry(entry)
    assert isinstance(event, Asked)
    assert event.value == 2.5
    del entry["value"]
    assert read_entry({**entry, "version": 1}) == replace(event, value=None)


def test_of_a_part_of_the_picks_no_value_is_known() -> None:
    campaign = made("random")
    rows = tuple((str(one), "active", one, None, None) for one in (3, 4, 5))
    active = Active(rows, has_scores=False, has_propensities=False, value=0.75)

    def left(available: list[int], most: int = 9) -> Active:
        return active.left(campaign.state, Room(np.array(available), most, ()))

    assert left([3, 4, 5]).value == 0.75
    assert left([3, 5]).value is None
    assert left([3, 4, 5], most=2).value is None


@pytest.mark.parametrize(
    ("strategy", "is_said"), [({"name": "self_correcting", "of": "bald"}, True), ("bald", False)]
)
def test_the_command_says_it(
    strategy: Any, is_said: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = ["id,x,label", *(f"{one},{one},{'low' if one < 6 else 'high'}" for one in range(ITEMS))]
    (tmp_path / "line.csv").write_text("\n".join(table) + "\n", "utf-8")
    source = {"name": "csv", "path": "line.csv", "id": "id", "features": ["x"]}
    learner = {"name": "ensemble", "of": {"name": "sklearn", "estimator": "random_forest"}, "members": 2}
    Campaign.create(tmp_path / "line.db", source, learner, strategy, TASK, seed=1).tell(
        {"0": "low", "11": "high"}
    )
    out = StringIO()
    monkeypatch.setattr(sys, "argv", ["nextlabel", "ask", "line.db", "--batch", "3"])
    with redirect_stdout(out), pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    assert ("By the strategy's estimate an item of this batch scores " in out.getvalue()) == is_said
