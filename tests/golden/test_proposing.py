"""Asking while others write: at most one fit in a call, and what was picked stays picked."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest

from nextlabel import Campaign, Picks, Signals, Strategy, arrays, classes
from nextlabel.core.learner import Learner, Model
from nextlabel.core.pool import Pool
from nextlabel.learners.sklearn import SklearnLearner

TASK = classes("low", "high")
ITEMS = 60
LIMIT = 30  # of fits or picks in a call, beyond which it would go on for ever


def line(items: int = ITEMS) -> Pool:
    return arrays(np.arange(items, dtype=np.float32)[:, None] / items)


@dataclass
class Meanwhile:
    """What somebody else does in the middle of a fit or of a pick; counts how often."""

    do: Callable[[int], object] = lambda _: None
    times: int = 0

    def __call__(self) -> None:
        self.times += 1
        assert self.times < LIMIT
        self.do(self.times)

    def __repr__(self) -> str:
        return "Meanwhile()"


@final
@dataclass(frozen=True)
class Disturbed(Learner):
    """Logistic regression; somebody writes whenever it is fitted."""

    meanwhile: Meanwhile

    @property
    def provides(self) -> frozenset[str]:
        return SklearnLearner().provides

    def fit(self, *args: Any, **named: Any) -> Model:
        self.meanwhile()
        return SklearnLearner().fit(*args, **named)

    def load(self, path: Path) -> Model:
        return SklearnLearner().load(path)


@final
@dataclass(frozen=True)
class DisturbedSaving(Model):
    """Somebody writes while the model is saved."""

    model: Model
    meanwhile: Meanwhile

    @property
    def fingerprint(self) -> str:
        return self.model.fingerprint

    def signals(self, *args: Any, **named: Any) -> Signals:
        return self.model.signals(*args, **named)

    def save(self, path: Path) -> None:
        self.model.save(path)
        self.meanwhile()


@final
@dataclass(frozen=True)
class SavingDisturbed(Learner):
    """Logistic regression; somebody writes whenever a model of it is saved."""

    meanwhile: Meanwhile

    @property
    def provides(self) -> frozenset[str]:
        return SklearnLearner().provides

    def fit(self, *args: Any, **named: Any) -> Model:
        return DisturbedSaving(SklearnLearner().fit(*args, **named), self.meanwhile)

    def load(self, path: Path) -> Model:
        return SklearnLearner().load(path)


@final
@dataclass(frozen=True)
class FirstOnes(Strategy):
    """The first items there are; somebody writes whenever it has picked."""

    meanwhile: Meanwhile = field(default_factory=Meanwhile)

    @property
    def needs(self) -> frozenset[str]:
        return frozenset()

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        self.meanwhile()
        return Picks(np.arange(batch))


@final
@dataclass(frozen=True)
class Pair:
    """Two campaigns on one journal; the second one is disturbed."""

    other: Campaign
    campaign: Campaign
    meanwhile: Meanwhile

    def files(self) -> set[str]:
        folder = Path(f"{self.campaign.path}.models")
        return {one.name for one in folder.iterdir()} if folder.exists() else set()

    def fitted(self) -> list[Any]:
        return [entry for entry in self.campaign.journal() if entry["event"] == "fitted"]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Disturbed in its fits."""
    meanwhile, path = Meanwhile(), tmp_path / "line.db"
    with Campaign.create(path, line(), Disturbed(Meanwhile()), "margin", TASK, seed=1) as other:
        other.tell({"0": "low", "59": "high"})
        with Campaign.open(path, line(), Disturbed(meanwhile)) as campaign:
            yield Pair(other, campaign, meanwhile)


def test_labels_that_arrive_during_every_fit_are_for_the_next_query(pair: Pair) -> None:
    undisturbed = Campaign.create(None, line(), SklearnLearner(), "margin", TASK, seed=1)
    undisturbed.tell({"0": "low", "59": "high"})
    best = undisturbed.ask(5).ids
    pair.meanwhile.do = lambda time: pair.other.tell({best[0]: "low", str(time): "low"})
    query = pair.campaign.ask(4)
    assert pair.meanwhile.times == 1
    assert query.ids == best[1:]  # of the model that was fitted, without what was told meanwhile
    (fitted,) = pair.fitted()
    assert (fitted["labels"], fitted["through"]) == (2, 2)
    assert pair.campaign.journal()[-1]["model"] == fitted["model"]
    pair.campaign.ask(4)
    assert pair.meanwhile.times == 2
    assert pair.fitted()[-1]["labels"] == 4
    assert pair.files() == {one["model"] for one in pair.fitted()}


def test_a_fit_asked_for_by_name_is_made_once_too(pair: Pair) -> None:
    pair.meanwhile.do = lambda time: pair.other.tell({str(time): "low"})
    model = pair.campaign.fit()
    assert pair.meanwhile.times == 1
    assert pair.files() == {model.fingerprint}
    assert pair.fitted()[0]["model"] == model.fingerprint


def test_a_model_that_somebody_else_has_recorded_meanwhile_is_taken(pair: Pair) -> None:
    def fit(time: int) -> None:
        pair.other.tell({"30": "high"})
        pair.other.fit()

    pair.meanwhile.do = fit
    query = pair.campaign.ask(3)
    (fitted,) = pair.fitted()
    assert fitted["labels"] == 3
    assert pair.campaign.journal()[-1]["model"] == fitted["model"]
    assert pair.files() == {fitted["model"]}  # ours was not kept
    assert pair.meanwhile.times == 1
    assert "30" not in query.ids


def test_a_recorded_model_whose_file_is_gone_is_not_waited_for(pair: Pair) -> None:
    def fit_and_lose(time: int) -> None:
        pair.other.tell({"30": "high"})
        Path(f"{pair.other.path}.models", pair.other.fit().fingerprint).unlink()

    pair.meanwhile.do = fit_and_lose
    pair.campaign.ask(3)
    theirs, ours = pair.fitted()
    assert (theirs["labels"], ours["labels"]) == (3, 2)
    assert pair.campaign.journal()[-1]["model"] == ours["model"]
    assert pair.files() == {ours["model"]}
    assert pair.campaign.state.newest is not None
    assert pair.campaign.state.newest.model == theirs["model"]  # it has seen more


@pytest.mark.parametrize("theirs", ["tell", "fit"])
def test_a_model_that_was_saved_is_recorded_once(theirs: str, tmp_path: Path) -> None:
    meanwhile, path = Meanwhile(), tmp_path / "line.db"
    quiet = SavingDisturbed(Meanwhile())
    with (
        Campaign.create(path, line(), quiet, "margin", TASK, seed=1) as other,
        Campaign.open(path, line(), SavingDisturbed(meanwhile)) as campaign,
    ):
        other.tell({"0": "low", "59": "high"})
        meanwhile.do = lambda _: other.tell({"30": "high"}) if theirs == "tell" else other.fit()
        campaign.ask(3)
        pair = Pair(other, campaign, meanwhile)
        (fitted,) = pair.fitted()
        assert (fitted["labels"], fitted["through"]) == (2, 2)
        assert pair.files() == {fitted["model"]}
        assert meanwhile.times == 1


def test_classes_revised_during_a_fit_are_for_the_next_one(pair: Pair) -> None:
    pair.meanwhile.do = lambda time: pair.other.revise(["tiny", f"new {time}", "high"], _mapping(pair.other))
    assert len(pair.campaign.ask(3).ids) == 3
    assert pair.meanwhile.times == 1
    assert pair.campaign.state.newest is None
    pair.meanwhile.do = lambda time: None
    assert pair.campaign.fit().fingerprint != pair.fitted()[0]["model"]
    assert pair.fitted()[-1]["previous"] is None


def _mapping(campaign: Campaign) -> dict[str, str]:
    return {name: "high" if name == "high" else "tiny" for name in campaign.state.task.classes}


def picking(tmp_path: Path, **options: Any) -> Pair:
    """Disturbed in its picks."""
    meanwhile, path = Meanwhile(), tmp_path / "line.db"
    items = options.pop("items", ITEMS)
    first = FirstOnes()
    other = Campaign.create(path, line(items), "sklearn", first, TASK, seed=1, opening=first, **options)
    strategy = FirstOnes(meanwhile)
    return Pair(other, Campaign.open(path, line(items), strategy=strategy, opening=strategy), meanwhile)


def test_what_is_picked_stays_picked_while_others_are_told(tmp_path: Path) -> None:
    pair = picking(tmp_path)
    pair.meanwhile.do = lambda time: pair.other.tell({str(10 + time): "low"})
    assert pair.campaign.ask(3).ids == ("0", "1", "2")
    assert pair.meanwhile.times == 1
    entry = pair.campaign.journal()[-1]
    assert (entry["ranks"], entry["scores"], entry["propensities"]) == ([0, 1, 2], None, None)


def test_who_lost_an_item_to_another_picks_again(tmp_path: Path) -> None:
    pair = picking(tmp_path)
    pair.meanwhile.do = lambda time: pair.other.ask(2) if time < 4 else None
    assert pair.campaign.ask(3).ids == ("6", "7", "8")
    assert pair.meanwhile.times == 4
    asked = [id for entry in pair.campaign.journal() if entry["event"] == "asked" for id in entry["ids"]]
    assert len(asked) == len(set(asked)) == 9


def test_who_loses_an_item_at_every_pick_asks_what_is_left(tmp_path: Path) -> None:
    pair = picking(tmp_path)
    pair.meanwhile.do = lambda time: pair.other.tell({str(time - 1): "low"})
    assert pair.campaign.ask(3).ids == ("20", "21")
    assert pair.meanwhile.times == 20


def test_control_items_keep_their_share_when_items_were_lost(tmp_path: Path) -> None:
    pair = picking(tmp_path, items=500, control=0.2)
    free = [id for id in pair.other.state.ids if id not in pair.other.state.reserve]
    pair.meanwhile.do = lambda time: pair.other.skip([free[3 * time - one] for one in (1, 2, 3)])
    query = pair.campaign.ask(10)  # 8 and 2 were wanted
    arms = dict(zip(query.ids, pair.campaign.journal()[-1]["arms"], strict=True))
    assert [id for id in query.ids if arms[id] == "active"] == free[60:65]
    assert [id for id in query.ids if arms[id] == "control"] == [pair.campaign.state.reserve[0]]
