"""What the trainer does in a round: it plans, predicts, looks, and certifies the model that was frozen."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextlabel import Campaign, classes
from nextlabel.campaign.planning import Plan
from nextlabel.campaign.predicting import predicted
from nextlabel.evaluation import certificate, quality
from nextlabel.evaluation.stopping import Snapshots, stop_set
from nextlabel.server.predictions import predictions_file
from nextlabel.server.rounds import Rounds

WORDS = {"no": ("awful", "dull", "broken", "flat"), "yes": ("fine", "lovely", "bright", "warm")}


def truth(id: str) -> str:
    return ("no", "yes")[int(id) % 2]


def other(id: str) -> str:
    return ("yes", "no")[int(id) % 2]


class Room:
    """A campaign of 600 texts, its rounds, and all that they say."""

    def __init__(self, folder: Path, strategy: str = "margin", **options: Any) -> None:
        rows = (f"{one},{WORDS[truth(str(one))][one % 4]} film number {one}\n" for one in range(600))
        (folder / "items.csv").write_text("key,body\n" + "".join(rows))
        pool = {"name": "csv", "path": str(folder / "items.csv"), "text": "body", "id": "key"}
        learner = {"name": "sklearn", "estimator": "logistic", "features": "tfidf"}
        options = {"control": 0.2, **options}
        task = classes("no", "yes")
        self.campaign = Campaign.create(folder / "a.db", pool, learner, strategy, task, 0, **options)
        self.said: list[dict[str, Any]] = []
        self.rounds = Rounds(self.campaign, self.said.append)

    def turn(self, *, is_wanted: bool = False) -> bool:
        return self.rounds.turn(self.campaign.refresh(), 20, is_wanted=is_wanted)

    def settle(self) -> None:
        """Until nothing is left to do: what a round writes is news to the next one."""
        turns = [self.turn() for _ in range(3)]
        assert not turns[-1]

    def tell(self, ids: "list[str] | tuple[str, ...]", label: Any = truth) -> None:
        self.campaign.tell({id: label(id) for id in ids})

    @property
    def free(self) -> list[str]:
        """What is neither answered nor set aside."""
        state = self.campaign.state
        return [id for id in state.ids if id not in state.walled and id not in state.kept]

    def plan(self) -> Plan | None:
        said = [one["plan"] for one in self.said if one["said"] == "plan"][-1]
        return None if said is None else Plan.from_json(said)

    def wrong(self, fingerprint: str, ids: tuple[str, ...]) -> int:
        """How many of these items a model has wrong."""
        model, state = self.campaign.model(fingerprint), self.campaign.state
        assert model is not None
        places = np.array([state.roster.index[id] for id in ids], np.int64)
        found = predicted(model, state.task, self.campaign.pool, places, seed=0)
        return sum(label != state.label(id) for id, label in zip(found.ids, found.labels, strict=True))


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path)
    yield made
    made.campaign.close()


def test_fifty_control_labels_are_one_look_at_the_newest_model(room: Room) -> None:
    room.tell(room.free[:6])
    order = room.campaign.state.reserve
    room.tell(order[:49], other)  # so that many are wrong
    room.turn()
    assert quality.looks(room.campaign.refresh()) == ()
    room.tell(order[49:50], other)
    room.turn()
    (found,) = quality.looks(room.campaign.refresh())
    newest = room.campaign.state.newest
    assert newest is not None
    assert [one.model for one in room.campaign.state.measured] == [newest.model]
    assert (found.look, found.asked, found.labels) == (0, 50, 6)
    assert found.right == 50 - room.wrong(newest.model, order[:50]) < 25
    room.settle()
    room.tell(order[50:62])
    room.tell(room.free[:4])
    assert room.turn()
    assert quality.looks(room.campaign.refresh()) == (found,)


def test_a_certificate_is_of_the_model_that_was_frozen(room: Room) -> None:
    room.tell(room.free[:30])
    room.turn()
    sample = room.campaign.certify(20)
    frozen = room.campaign.state.newest
    assert frozen is not None
    room.tell(room.free[:80], other)  # which teaches the next model the contrary
    room.turn()
    newest = room.campaign.refresh().newest
    assert newest is not None
    assert newest.model != frozen.model
    room.tell(sample[:-1])
    room.turn()
    assert certificate.issued(room.campaign.refresh()) == ()
    room.tell(sample[-1:])
    room.turn()
    (found,) = certificate.issued(room.campaign.refresh())
    assert found.model == frozen.model
    assert [one.model for one in room.campaign.state.measured] == [frozen.model]
    assert found.errors == room.wrong(frozen.model, sample)
    assert found.errors != room.wrong(newest.model, sample)
    assert found.uncovered == 0
    room.turn()
    assert len(certificate.issued(room.campaign.refresh())) == 1


def test_after_a_release_a_certificate_is_made_as_before(room: Room) -> None:
    room.tell(room.free[:30])
    room.turn()
    room.campaign.release()
    room.turn()
    room.tell(room.campaign.certify(20))
    room.turn()
    (found,) = certificate.issued(room.campaign.refresh())
    assert (found.sample, found.remainder) == (20, 570)


def test_what_is_predicted_holds_the_control_items_that_were_asked_and_no_others(room: Room) -> None:
    room.tell(room.free[:30])
    room.campaign.ask(30)
    issued, index = room.campaign.state.control_order(), room.campaign.state.roster.index
    assert issued
    room.turn()
    path = room.campaign.path
    assert path is not None
    with np.load(predictions_file(path), allow_pickle=False) as kept:
        seen = set(kept["positions"].tolist())
    walled = {index[id] for id in room.campaign.state.walled}
    assert seen & walled == {index[id] for id in issued}
    assert {index[id] for id in (*room.campaign.state.kept, *room.free)} <= seen
    newest = room.campaign.state.newest
    assert newest is not None
    assert room.said[-1] == {"said": "predictions", "model": newest.model}


def test_what_a_model_says_of_the_stop_set_is_kept(room: Room) -> None:
    path = room.campaign.path
    assert path is not None
    for labels in (10, 110):
        room.tell(room.free[: labels - room.campaign.state.labelled])
        room.turn()
        taken = Snapshots.load(Snapshots.path(path))
        assert taken.kept[-1].labels == labels
        assert len(taken.kept[-1].codes) == len(stop_set(room.campaign.state))
    assert [one.labels for one in taken.kept] == [10, 110]
    assert taken.change is not None


def test_a_plan_is_made_anew_for_what_it_follows_from(room: Room) -> None:
    room.tell(room.free[:30])
    assert room.turn()
    first = room.plan()
    assert first is not None
    assert first.ids
    assert not set(first.ids) & room.campaign.state.walled
    room.settle()
    room.campaign.note("nothing that a plan follows from")
    said = len(room.said)
    room.turn()
    assert len(room.said) == said
    assert room.turn(is_wanted=True)
    assert (again := room.plan()) is not None
    assert again.ids == first.ids
    sample = room.campaign.certify(5)
    room.turn()
    assert (empty := room.plan()) is not None
    assert empty.ids == ()
    room.tell(sample)
    room.turn()
    assert (after := room.plan()) is not None
    assert after.ids  # the strategy goes on, and nobody has to draw by chance first
    room.campaign.stop("enough")
    room.turn()
    assert room.plan() is None


def test_what_was_given_up_is_left_alone_until_something_changes(room: Room) -> None:
    room.tell(room.free[:30])
    room.rounds.give_up(room.campaign.refresh())
    assert not room.turn()
    assert room.said == []
    room.tell(room.free[:1])
    assert room.turn()
    assert room.plan() is not None


def test_a_model_is_fitted_for_people_where_no_strategy_reads_one(tmp_path: Path) -> None:
    room = Room(tmp_path, "random")
    room.tell(room.free[:30])
    room.turn()
    newest = room.campaign.refresh().newest
    room.campaign.close()
    assert newest is not None
    assert newest.labels == 30
    assert {"said": "predictions", "model": newest.model} in room.said
