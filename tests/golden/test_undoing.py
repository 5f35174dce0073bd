"""Undo: one statement after the other, whatever session wrote it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextlabel import Campaign, arrays, classes
from nextlabel.campaign.events import Noted, Skipped
from nextlabel.campaign.telling import telling
from nextlabel.campaign.undoing import Undone
from nextlabel.errors import CampaignError, ParameterError


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def made(items: int = 6, **options: Any) -> Campaign:
    pool = arrays(np.arange(items, dtype=np.float64)[:, None])
    task = classes("cat", "dog", "owl")
    return Campaign.create(None, pool, "sklearn", "random", task, 0, **options)


def test_nothing_said_is_nothing_undone() -> None:
    campaign = made()
    campaign.tell({"0": "cat"}, annotator="Ada")
    before = campaign.journal()
    assert campaign.undo("Bob") is None
    assert campaign.journal() == before


def test_an_answer_is_taken_back_and_its_item_is_held_again() -> None:
    clock = Clock()
    campaign = made(clock=clock)
    token = campaign.ask(2, "Ada").token
    ids = campaign.state.leases[token].ids
    campaign.tell({ids[0]: "cat"}, annotator="Ada", token=token)
    place = len(campaign.journal()) - 1
    undone = campaign.undo("Ada", lease_seconds=60.0)
    assert undone == Undone(ids[0], "cat", None, None, f"back-{place + 1}")
    entry = campaign.journal()[-1]
    assert (entry["event"], entry["undoes"], entry["expires"]) == ("retracted", place, 160.0)
    state = campaign.state
    assert state.label(ids[0]) is None
    assert state.held_by("Ada", 159.0) == {ids[1]: token, ids[0]: undone.token}
    assert state.pending(159.0) == {ids[0]: undone.token, ids[1]: token}
    assert state.held_by("Ada", 160.0) == {ids[1]: token}
    assert ids[0] not in campaign.ask(4, "Bob").ids
    campaign.tell({ids[0]: "dog"}, annotator="Ada")
    assert ids[0] not in campaign.state.held_by("Ada", 101.0)


def test_the_lease_of_what_was_taken_back_is_renewed_and_handed_in_like_any() -> None:
    clock = Clock()
    campaign = made(clock=clock)
    campaign.tell({"3": "cat"})
    undone = campaign.undo("")
    assert undone is not None
    assert undone.token is not None
    assert campaign.renew(undone.token, 5000.0) == 5100.0
    assert campaign.state.pending(5099.0) == {"3": undone.token}
    assert campaign.tell({"3": "owl"}, token=undone.token) == 1
    assert campaign.state.tokens("3") == ()


def test_an_older_answer_counts_again() -> None:
    campaign = made()
    for label in ("cat", "dog", "owl"):
        campaign.tell({"0": label}, annotator="Ada")
    assert campaign.undo("Ada") == Undone("0", "owl", None, "dog", None)
    assert campaign.journal()[-1]["undoes"] == 3
    assert campaign.state.label("0") == "dog"
    assert campaign.undo("Ada") == Undone("0", "dog", None, "cat", None)
    assert campaign.undo("Ada") == Undone("0", "cat", None, None, "back-6")
    assert campaign.undo("Ada") is None
    assert campaign.state.labelled == 0


def test_a_skip_is_taken_back_and_put_back() -> None:
    campaign = made()
    campaign.skip(["0"], "blurred", annotator="Ada")
    campaign.tell({"0": "cat"}, annotator="Ada")
    assert campaign.undo("Ada") == Undone("0", "cat", None, None, None)
    assert campaign.state.skipped == {"0": "blurred"}
    undone = campaign.undo("Ada")
    assert undone == Undone("0", None, "blurred", None, "back-4")
    assert campaign.state.skipped == {}
    campaign.tell({"1": "cat"}, annotator="Ada")
    campaign.skip(["1"], annotator="Ada")
    assert campaign.undo("Ada") == Undone("1", None, "", "cat", None)


def test_a_skip_without_a_reason_is_put_back() -> None:
    campaign = made()
    campaign.skip(["0"], annotator="Ada")
    campaign.tell({"0": "cat"}, annotator="Ada")
    campaign.undo("Ada")
    assert campaign.state.skipped == {"0": ""}


def test_people_undo_what_they_said_themselves() -> None:
    campaign = made()
    campaign.tell({"0": "cat"}, annotator="Ada")
    campaign.tell({"0": "dog"}, annotator="Bob")
    undone = campaign.undo("Ada")
    assert undone is not None
    assert undone.id == "0"
    assert campaign.state.answers("0") == {"Bob": "dog"}


def test_undo_is_deep_and_goes_on_in_another_session(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    pool = arrays(np.arange(300, dtype=np.float64)[:, None])
    task = classes("cat", "dog")
    with Campaign.create(path, pool, "sklearn", "random", task, 0) as campaign, campaign.together():
        for place in range(250):
            campaign.tell({str(place): "cat"}, annotator="Ada")
    with Campaign.open(path, pool) as campaign, campaign.together():
        for place in reversed(range(250)):
            undone = campaign.undo("Ada")
            assert undone is not None
            assert undone.id == str(place)
        assert campaign.undo("Ada") is None
        assert campaign.state.labelled == 0


def test_the_depth_has_an_end() -> None:
    campaign = made(600)
    with campaign.together():
        for place in range(510):
            campaign.tell({str(place): "cat"})
    assert len(campaign.state.spoken[""]) == 500
    assert campaign.state.spoken[""][0].id == "10"


def test_statements_of_several_items_are_not_undone() -> None:
    """Nor are older ones of these items, which would bring back what was said long before."""
    campaign = made()
    campaign.tell({"0": "cat"})
    campaign.tell({"1": "cat"})
    campaign.tell({"0": "dog", "2": "dog"})
    undone = campaign.undo("")
    assert undone is not None
    assert undone.id == "1"
    assert campaign.undo("") is None
    assert campaign.state.labels() == {"0": "dog", "2": "dog"}


def test_what_was_retracted_is_not_undone() -> None:
    campaign = made()
    campaign.tell({"0": "cat"})
    campaign.retract(["0"])
    assert campaign.undo("") is None


def test_a_repeated_request_takes_nothing_more_back() -> None:
    campaign = made()
    for place, label in (("0", "cat"), ("1", "cat"), ("1", "dog")):
        campaign.tell({place: label}, annotator="Ada")
    campaign.skip(["2"], "dark", annotator="Ada")
    made_before = [campaign.undo("Ada", request=name) for name in ("r1", "r2", "r3")]
    written = campaign.journal()
    assert [campaign.undo("Ada", request=name) for name in ("r1", "r2", "r3")] == made_before
    assert campaign.journal() == written
    assert campaign.state.labels() == {"0": "cat"}


def test_what_a_repeated_request_took_back_is_said_in_the_words_of_now() -> None:
    campaign = made()
    campaign.tell({"0": "cat"})
    campaign.tell({"0": "dog"})
    campaign.undo("", request="r")
    campaign.revise(["feline", "hound", "owl"], {"cat": "feline", "dog": "hound"})
    assert campaign.undo("", request="r") == Undone("0", "hound", None, "feline", None)


def test_an_older_answer_counts_again_as_its_class_is_called_now() -> None:
    campaign = made()
    campaign.tell({"0": "cat"})
    campaign.tell({"0": "dog"})
    campaign.skip(["1"])
    campaign.tell({"1": "owl"})
    campaign.revise(["feline", "owl"], {"cat": "feline", "dog": "feline"})
    assert campaign.undo("") == Undone("1", "owl", None, None, None)
    assert campaign.undo("") == Undone("1", None, "", None, "back-7")
    assert campaign.undo("") == Undone("0", "feline", None, "feline", None)
    assert campaign.state.labels() == {"0": "feline"}


@pytest.mark.parametrize("verb", ["tell", "skip", "retract", "note", "undo"])
def test_a_request_names_one_call(verb: str) -> None:
    """A request is used for one thing; whoever uses it for another is told so, and nothing is written."""
    calls: dict[str, list[Any]] = {
        "tell": [
            lambda one, r: one.tell({"0": "cat"}, request=r),
            lambda one, r: one.tell({"0": "dog"}, request=r),
        ],
        "skip": [
            lambda one, r: one.skip(["1"], request=r),
            lambda one, r: one.skip(["1"], "dark", request=r),
        ],
        "retract": [
            lambda one, r: one.retract(["5"], request=r),
            lambda one, r: one.retract(["4"], request=r),
        ],
        "note": [lambda one, r: one.note("a", request=r), lambda one, r: one.note("b", request=r)],
        "undo": [lambda one, r: one.undo("Ada", request=r), lambda one, r: one.undo("Bob", request=r)],
    }
    campaign = made()
    campaign.tell({"4": "cat", "5": "cat"})
    campaign.tell({"2": "owl"}, annotator="Ada")
    same, other = calls.pop(verb)
    first = same(campaign, "r")
    assert first
    written = campaign.journal()
    again = same(campaign, "r")
    assert again == (first if verb == "undo" else 0)
    for call in [other, *(two[0] for two in calls.values())]:
        with pytest.raises(CampaignError, match="'r' was told before with other content"):
            call(campaign, "r")
    assert campaign.journal() == written


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ParameterError, match="undo's 'annotator' must be text; received 3"):
        made().undo(3)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match=r"lease_seconds.*received 0"):
        made().undo("Ada", lease_seconds=0)


def test_a_request_that_somebody_else_has_written_meanwhile_is_looked_at_again() -> None:
    meets = telling("r")
    assert meets(Skipped(0.0, ("1",), request="r"))
    assert meets(Noted(0.0, "a remark", request="r"))
    assert not meets(Skipped(0.0, ("1",), request="s"))
    assert not telling(None)(Skipped(0.0, ("1",)))
