"""The verbs of a campaign: what each writes, what each refuses, and in which words."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest

from nextlabel import Campaign, Picks, Signals, Strategy, arrays, classes
from nextlabel.campaign.ordering import Ordered
from nextlabel.core.pool import Pool
from nextlabel.core.task import Task
from nextlabel.errors import (
    CampaignError,
    JournalError,
    LabelError,
    MissingSignal,
    NoLabels,
    ParameterError,
    PoolChanged,
)
from nextlabel.learners.precomputed import Precomputed
from nextlabel.readers.arrays import ArrayPool
from nextlabel.stores.memory import MemoryStore

TASK = classes("low", "high")
DAY = 24 * 3600.0


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # models are kept beside a journal's path, also where a store is given


def line(items: int = 12) -> Pool:
    return arrays(np.arange(items, dtype=np.float32)[:, None] / items)


def halves(ids: tuple[str, ...], items: int = 12) -> dict[str, str]:
    return {id: "low" if int(id) < items / 2 else "high" for id in ids}


def made(items: int = 12, strategy: Any = "margin", learner: Any = "sklearn", **options: Any) -> Campaign:
    return Campaign.create(None, line(items), learner, strategy, TASK, seed=1, **options)


def told(**options: Any) -> Campaign:
    """Two labels: the next query needs a model."""
    campaign = made(**options)
    campaign.tell({"0": "low", "11": "high"})
    return campaign


def last(campaign: Campaign) -> Any:
    return campaign.journal()[-1]


def test_a_query_says_what_was_asked_and_the_journal_why() -> None:
    clock = Clock()
    campaign = told(clock=clock)
    query = campaign.ask(3, "Ada", lease_seconds=60.0)
    entry = last(campaign)
    assert query.ids == tuple(entry["ids"])
    assert (query.token, query.round, query.expires) == (entry["token"], 0, 160.0)
    assert entry["arms"] == ["active"] * 3
    assert entry["ranks"] == [0, 1, 2]
    assert entry["scores"] == sorted(entry["scores"], reverse=True)
    assert entry["propensities"] is None
    assert entry["strategy"] == {"name": "margin", "of": "proba", "reduce": None}
    assert entry["model"] == campaign.fit().fingerprint
    assert (entry["holder"], entry["seed"], entry["at"]) == ("Ada", 1, 100.0)


@final
@dataclass(frozen=True)
class Chancy(Strategy):
    """Says how likely each pick was, and that a score is beyond all numbers."""

    labelled: str = ""

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"proba"})

    @property
    def needs_labelled(self) -> frozenset[str]:
        return frozenset({self.labelled} - {""})

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        return Picks(np.arange(batch), np.array([np.inf, *range(1, batch)]), np.full(batch, 0.25))


def test_scores_and_propensities_of_an_unregistered_strategy_are_kept() -> None:
    campaign = told(strategy=Chancy())
    campaign.ask(3)
    entry = last(campaign)
    assert entry["scores"] == [None, 1.0, 2.0]  # an infinity is no JSON value
    assert entry["propensities"] == [0.25] * 3
    assert entry["strategy"] == {"repr": "Chancy(labelled='')"}
    assert campaign.state.created.strategy is None
    assert campaign.state.created.name == "Chancy"


def test_each_token_is_new() -> None:
    campaign, clock = made(), Clock()
    tokens = {campaign.ask(1).token for _ in range(3)}
    for _ in range(3):
        clock.now += 1.0
        tokens.add(made(clock=clock).ask(1).token)
    assert len(tokens) == 6


def test_before_there_are_labels_the_opening_asks_and_reads_no_model() -> None:
    campaign = made()
    campaign.ask(2)
    assert last(campaign)["strategy"] == {"name": "random"}
    assert last(campaign)["model"] is None
    assert campaign.state.newest is None


def test_an_opening_may_read_what_a_model_without_labels_says() -> None:
    campaign = made(opening="coreset")
    campaign.ask(2)
    assert last(campaign)["strategy"]["name"] == "coreset"
    assert last(campaign)["model"] is not None
    assert campaign.state.newest is not None
    assert campaign.state.newest.labels == 0


@pytest.mark.parametrize(
    ("opening", "learner"),
    [("entropy", "sklearn"), ("coreset", {"name": "sklearn", "estimator": "mlp"})],
    ids=["the model lacks the signal", "there is no model"],
)
def test_an_opening_that_has_nothing_to_go_by_gives_way_to_a_uniform_draw(opening: str, learner: Any) -> None:
    campaign = made(opening=opening, learner=learner)
    campaign.ask(2)
    assert last(campaign)["strategy"] == {"name": "random"}


def test_the_strategy_may_be_its_own_opening_under_its_own_name() -> None:
    one = made(strategy="coreset", opening="coreset", name="one").ask(4)
    two = made(strategy="coreset", opening="coreset", name="one").ask(4)
    assert one.ids == two.ids


def test_what_a_strategy_is_called_names_its_random_numbers() -> None:
    batches = {
        told(strategy="random", name=name, opening="random").ask(5).ids for name in ("random", "b", "c", "d")
    }
    assert len(batches) > 1
    assert told(strategy="random", name="random").ask(5).ids == told(strategy="random").ask(5).ids


def test_a_model_is_fitted_again_only_when_labels_have_changed() -> None:
    campaign = told()
    campaign.ask(1)
    campaign.ask(1)
    campaign.skip(["5"])
    campaign.ask(1)
    fits = [entry["event"] for entry in campaign.journal()].count("fitted")
    assert fits == 1
    campaign.tell({"1": "low"})
    campaign.ask(1)
    assert [entry["event"] for entry in campaign.journal()].count("fitted") == 2
    assert last(campaign)["round"] == 3
    assert campaign.state.newest is not None
    assert campaign.state.newest.previous is not None


def test_items_that_are_out_are_asked_again_when_their_lease_has_ended() -> None:
    clock = Clock()
    campaign = made(4, clock=clock)
    first = campaign.ask(3, lease_seconds=DAY)
    assert len(campaign.ask(3, lease_seconds=None).ids) == 1
    with pytest.raises(
        CampaignError,
        match=r"Nothing is left to ask: of 4 items 0 are labelled, 4 are out on a lease, 0 were skipped "
        r"and 0 wait in the control reserve\. To go on \(in Python\): tell what is out, or hand it back by "
        r"campaign\.renew\(token, 0\); take new items in by campaign\.extend\(pool\)\.$",
    ):
        campaign.ask(1)
    clock.now += DAY
    assert set(campaign.ask(4).ids) == set(first.ids)


def test_a_lease_is_renewed_and_handed_back() -> None:
    clock = Clock()
    campaign = made(4, clock=clock)
    query = campaign.ask(4, lease_seconds=10.0)
    assert campaign.renew(query.token, 100.0) == 200.0
    clock.now += 50.0
    with pytest.raises(CampaignError, match="Nothing is left to ask"):
        campaign.ask(1)
    campaign.renew(query.token, 0)
    assert len(campaign.ask(4).ids) == 4


def test_an_answer_after_the_lease_is_kept() -> None:
    clock = Clock()
    campaign = made(clock=clock)
    query = campaign.ask(2, lease_seconds=10.0)
    clock.now += 1000.0
    assert campaign.tell(halves(query.ids), token=query.token) == 2
    assert campaign.state.labelled == 2


def test_everything_that_is_told_stands_in_the_journal() -> None:
    campaign = made()
    token = campaign.ask(2).token
    campaign.tell(
        {"3": "low"},
        annotator="Ada",
        request="r1",
        token=token,
        seconds=3,
        cost=0.5,
        suggestions={"3": "high"},
        model="m",
    )
    assert last(campaign) == {
        "event": "told",
        "version": 2,
        "at": last(campaign)["at"],
        "labels": {"3": "low"},
        "annotator": "Ada",
        "request": "r1",
        "token": token,
        "seconds": 3.0,
        "cost": 0.5,
        "suggestions": {"3": "high"},
        "model": "m",
        "undoes": None,
    }


def test_a_request_told_again_changes_nothing() -> None:
    campaign = made()
    assert campaign.tell({"3": "low", "4": "low"}, request="r") == 2
    assert campaign.tell({"4": "low", "3": "low"}, request="r") == 0
    campaign.retract(["3"])
    assert campaign.tell({"3": "low", "4": "low"}, request="r") == 0
    assert campaign.state.label("3") is None


def test_a_request_with_other_content_is_refused() -> None:
    campaign = made()
    campaign.tell({"3": "low"}, request="r")
    with pytest.raises(CampaignError, match="'r' was told before with other content"):
        campaign.tell({"3": "high"}, request="r")


def test_nothing_told_is_nothing_written() -> None:
    campaign = made()
    assert campaign.tell({}) == 0
    campaign.skip([])
    campaign.retract([])
    assert len(campaign.journal()) == 1


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (
            lambda one: one.tell({"3": "low", "4": "Hihg", "5": 7}),
            LabelError,
            r"must be one of low, high; 2 of 3 are not: '4': 'Hihg' \(did you mean 'high'\?\); '5': 7",
        ),
        (
            lambda one: one.tell({str(n): "no" for n in range(8)}),
            LabelError,
            r"8 of 8 are not: .*'4': 'no' and 3 more\. Mend",
        ),
        (
            lambda one: one.tell({"3": "low", "x": "low", 4: "low"}),
            LabelError,
            r"of this pool of 12 items, as text \(for example '0'\); 2 of 3 are not: 'x', 4\. Mend",
        ),
        (
            lambda one: one.tell({"3": "low"}, suggestions={"3": "mid"}),
            LabelError,
            r"Each suggestion must be one of low, high; 1 of 1 are not: '3': 'mid'",
        ),
        (
            lambda one: one.tell({"3": "low"}, token="t"),
            CampaignError,
            "one of the 0 queries of this journal; received 't'. Is it from another campaign",
        ),
        (lambda one: one.tell({"3": "low"}, seconds=-1.0), ParameterError, r"seconds.*received -1\.0"),
        (lambda one: one.tell({"3": "low"}, cost=float("nan")), ParameterError, "cost.*received nan"),
        (lambda one: one.skip(["x"]), LabelError, "1 of 1 are not: 'x'"),
        (lambda one: one.skip(["3"], token="t"), CampaignError, "received 't'"),
        (
            lambda one: one.retract(["3"], "Ada"),
            LabelError,
            "the annotator 'Ada' has neither answered nor skipped '3'. Name the annotator",
        ),
        *(
            (
                call,
                ParameterError,
                rf"{of}'s '{name}' must be text; received {value}\. Give for example {name}=",
            )
            for of, name, value, call in [
                ("tell", "annotator", "5", lambda one: one.tell({"3": "low"}, annotator=5)),
                ("tell", "annotator", "None", lambda one: one.tell({"3": "low"}, annotator=None)),
                ("tell", "request", "5", lambda one: one.tell({"3": "low"}, request=5)),
                ("tell", "token", r"\[5\]", lambda one: one.tell({"3": "low"}, token=[5])),
                ("tell", "model", "5", lambda one: one.tell({"3": "low"}, model=5)),
                ("skip", "reason", "5", lambda one: one.skip(["3"], 5)),
                ("skip", "annotator", "5", lambda one: one.skip(["3"], annotator=5)),
                ("skip", "token", "5", lambda one: one.skip(["3"], token=5)),
                ("retract", "annotator", "None", lambda one: one.retract(["3"], None)),
                ("renew", "token", "None", lambda one: one.renew(None, 5)),
                ("ask", "holder", "5", lambda one: one.ask(1, 5)),
                ("stop", "reason", "5", lambda one: one.stop(5)),
                ("note", "text", "5", lambda one: one.note(5)),
                ("note", "author", "None", lambda one: one.note("why", author=None)),
            ]
        ),
        *(
            (call, ParameterError, rf"{of} must be a list of \w+; received {value}\. Give .* also for one")
            for of, value, call in [
                ("skip's 'ids'", "'3'", lambda one: one.skip("3")),
                ("skip's 'ids'", "None", lambda one: one.skip(None)),
                ("retract's 'ids'", "b'3'", lambda one: one.retract(b"3")),
                ("note's 'ids'", "'3'", lambda one: one.note("why", "3")),
                ("revise's 'classes'", "'ab'", lambda one: one.revise("ab")),
            ]
        ),
        *(
            (call, ParameterError, rf"{of} must be a mapping; received {value}\. Give for example {{")
            for of, value, call in [
                ("tell's 'labels'", "'abc'", lambda one: one.tell("abc")),
                ("tell's 'labels'", "None", lambda one: one.tell(None)),
                ("tell's 'suggestions'", r"\[1\]", lambda one: one.tell({"3": "low"}, suggestions=[1])),
                ("revise's 'mapping'", "'ab'", lambda one: one.revise(["low", "high"], "ab")),
            ]
        ),
        (lambda one: one.tell({"3": ["low"]}), LabelError, r"1 of 1 are not: '3': \['low'\]"),
        (lambda one: one.skip([["3"], 4, "5"]), LabelError, r"2 of 3 are not: \['3'\], 4\. Mend"),
        (lambda one: one.history(["3"]), LabelError, r"\['3'\]"),
        (lambda one: one.renew("t", 5), CampaignError, "received 't'"),
        (lambda one: one.renew("t", -1), ParameterError, "seconds.*received -1.*hand the items back"),
        (lambda one: one.note("why", ["x"]), LabelError, "'x'"),
        (lambda one: one.ask(0), ParameterError, "batch.*received 0. Ask for example 20"),
        (lambda one: one.ask(1, lease_seconds=0), ParameterError, "lease_seconds.*received 0"),
        (
            lambda one: one.release(),
            CampaignError,
            "this campaign has none: no control share was asked for. There is nothing to do",
        ),
        (
            lambda one: one.revise(["low", "top"], {"high": "best"}),
            ParameterError,
            r"\(low, high\) must become one of the new ones \(low, top\); 'high' would become 'best'",
        ),
        (
            lambda one: one.revise(["low", "high"], {"mid": "low"}),
            ParameterError,
            "'mid' is no class now",
        ),
        *(
            (call, ParameterError, says)
            for says, call in [
                (r"'classes' must be a list of text; received 1\.", lambda one: one.revise([1, 2])),
                (r"received \{'low': \['x'\]\}", lambda one: one.revise(["low", "high"], {"low": ["x"]})),
                (r"from text to text; received \{1: 'x'\}", lambda one: one.revise(["low"], {1: "x"})),
                (
                    "'low' becomes 'high', and another class is called 'low'; 'high' becomes 'low'",
                    lambda one: one.revise(["low", "high"], {"low": "high", "high": "low"}),
                ),
                (
                    r"late too; 'low' becomes 'high', and another class is called 'low'\. Give the new",
                    lambda one: one.revise(["high", "low"], {"low": "high"}),
                ),
                ("lease_seconds.*at most 3.*received 1e", lambda one: one.ask(1, lease_seconds=1e18)),
                ("seconds.*at most 3.*received 1e", lambda one: one.renew("t", 1e18)),
                (r"without the character NUL; received 'a\\x00'", lambda one: one.skip(["3"], "a\0")),
                (
                    r"annotator.*without the character NUL; received '\\x00'",
                    lambda one: one.tell({"3": "low"}, annotator="\0"),
                ),
            ]
        ),
        (lambda one: one.revise(["low", "low"]), ParameterError, "every name once"),
        (lambda one: one.history("x"), LabelError, "'x'"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_written(
    call: Callable[[Campaign], Any], error: type[Exception], says: str
) -> None:
    campaign = made()
    with pytest.raises(error, match=says):
        call(campaign)
    assert len(campaign.journal()) == 1
    assert campaign.state.labelled == 0


@pytest.mark.parametrize("path", [5, None, b"line.db"])
def test_a_journal_is_opened_by_its_path(path: Any) -> None:
    with pytest.raises(ParameterError, match=rf"open's 'path' must be a file name; received {path}"):
        Campaign.open(path)


def test_a_campaign_is_made_at_a_path_for_a_task() -> None:
    with pytest.raises(ParameterError, match="create's 'path' must be a file name; received 5"):
        Campaign.create(5, line(), "sklearn", "random", TASK, seed=0)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match=r"must be a task; received 'cat'.*classes"):
        Campaign.create(None, line(), "sklearn", "random", "cat", seed=0)  # type: ignore[arg-type]


def test_spaces_around_a_name_are_left_out() -> None:
    campaign = made()
    query = campaign.ask(2, " Ada")
    campaign.tell({query.ids[0]: "low"}, annotator="Ada ")
    campaign.skip([query.ids[1]], " blurred ", annotator=" Ada")
    assert campaign.state.answers(query.ids[0]) == {"Ada": "low"}
    assert campaign.state.skips[query.ids[1]] == (("Ada", "blurred"),)
    assert not campaign.state.held
    campaign.retract(query.ids, "\tAda")
    assert campaign.state.labelled == 0


def test_items_handed_back_go_to_the_query_that_is_open_still() -> None:
    clock = Clock()
    campaign = made(3, "random", clock=clock)
    first = campaign.ask(3, "Ada", lease_seconds=10)
    clock.now += 11
    second = campaign.ask(3, "Bob", lease_seconds=10)
    campaign.renew(first.token, 1000)
    campaign.renew(second.token, 0)
    with pytest.raises(CampaignError, match="3 are out on a lease"):
        campaign.ask(3, "Cyd")
    campaign.renew(first.token, 0)
    assert set(campaign.ask(3, "Cyd").ids) == set(first.ids)


def test_after_a_stop_nothing_is_asked_and_answers_are_kept() -> None:
    campaign = made()
    query = campaign.ask(2)
    campaign.stop("the budget is spent")
    with pytest.raises(CampaignError, match="asks until it is stopped; this one was: the budget is spent"):
        campaign.ask(1)
    assert campaign.tell(halves(query.ids), token=query.token) == 2
    campaign.stop()
    with pytest.raises(CampaignError, match="this one was: no reason given"):
        campaign.ask(1)


def test_a_skipped_item_is_not_asked_until_the_skip_is_retracted() -> None:
    campaign = made(4)
    campaign.skip(["2"], "unreadable", annotator="Ada")
    assert set(campaign.ask(4).ids) == {"0", "1", "3"}
    with pytest.raises(
        CampaignError,
        match=r"3 are out on a lease, 1 were skipped.*; take skips back by campaign\.retract\(ids",
    ):
        campaign.ask(1)
    campaign.retract(["2"], "Ada")
    assert campaign.ask(4).ids == ("2",)


def test_why_an_item_was_asked_is_told() -> None:
    campaign = told()
    query = campaign.ask(2, "Ada")
    id = query.ids[1]
    campaign.tell({id: "low"}, token=query.token, suggestions={id: "high"})
    campaign.note("a close one", [id])
    campaign.skip([query.ids[0]])
    asked, answered, noted = campaign.history(id)
    assert (asked["event"], asked["arm"], asked["rank"]) == ("asked", "active", 1)
    assert asked["score"] is not None
    assert asked["propensity"] is None
    assert asked["strategy"]["name"] == "margin"
    assert (answered["label"], answered["suggestion"], answered["token"]) == ("low", "high", query.token)
    assert noted["text"] == "a close one"
    assert [entry["event"] for entry in campaign.history("0")] == ["told"]


def test_classes_are_revised_for_models_and_labels() -> None:
    campaign = told()
    before = campaign.ask(1)
    campaign.revise(["tiny", "high", "huge"], {"low": "tiny"})
    assert campaign.state.labels() == {"0": "tiny", "11": "high"}
    with pytest.raises(LabelError, match="one of tiny, high, huge"):
        campaign.tell({before.ids[0]: "lower"})
    assert campaign.tell({before.ids[0]: "low"}, suggestions={before.ids[0]: "low"}) == 1  # late, and kept
    assert campaign.state.label(before.ids[0]) == "tiny"
    campaign.tell({"10": "huge"})
    campaign.ask(1)
    assert campaign.state.newest is not None
    assert campaign.state.newest.previous is None  # a model of other classes is nothing to go on from


def test_late_answers_of_several_in_old_classes_are_read_as_the_classes_are_now() -> None:
    campaign = made()
    query = campaign.ask(1)
    (id,) = query.ids
    campaign.revise(["tiny", "high"], {"low": "tiny"})
    campaign.revise(["small", "large"], {"tiny": "small", "high": "large"})
    for who, label in {"Ada": "low", "Bob": "tiny", "Cyd": "high", "Dee": "large"}.items():
        assert campaign.tell({id: label}, annotator=who, token=query.token, request=who) == 1
        assert campaign.tell({id: label}, annotator=who, token=query.token, request=who) == 0
    assert campaign.state.answers(id) == {"Ada": "small", "Bob": "small", "Cyd": "large", "Dee": "large"}
    assert campaign.state.class_counts == {"small": 0, "large": 1}
    campaign.revise(["low", "large"], {"small": "large"})  # an old name that is a class again
    campaign.tell({id: "low"}, annotator="Ada")
    assert campaign.state.answers(id)["Ada"] == "low"
    assert campaign.state.answers(id)["Bob"] == "large"
    campaign.tell({id: "tiny"}, annotator="Bob")
    assert campaign.state.answers(id)["Bob"] == "large"
    assert last(campaign)["labels"] == {id: "tiny"}  # the journal keeps what was said


def test_a_skip_after_an_answer_takes_it_back_and_a_model_is_fitted_anew() -> None:
    campaign = told()
    campaign.tell({"5": "low"}, annotator="Ada")
    campaign.tell({"5": "high"}, annotator="Bob")
    campaign.ask(1)
    campaign.skip(["5"], "blurred", annotator="Ada")
    assert campaign.state.answers("5") == {"Bob": "high"}
    campaign.skip(["5"], "blurred", annotator="Bob")
    assert campaign.state.label("5") is None
    assert campaign.state.skipped == {"5": "blurred"}
    assert "5" not in campaign.ask(12).ids
    assert campaign.state.newest is not None
    assert campaign.state.newest.labels == 2
    campaign.retract(["5"], "Ada")
    campaign.retract(["5"], "Bob")
    assert campaign.ask(1).ids == ("5",)


def test_what_somebody_has_is_asked_of_nobody_else_after_a_late_answer_was_taken_back() -> None:
    clock = Clock()
    campaign = made(1, clock=clock)
    ada = campaign.ask(1, "Ada", lease_seconds=10.0)
    clock.now += 10.0
    bob = campaign.ask(1, "Bob", lease_seconds=DAY)
    assert bob.ids == ada.ids
    campaign.tell({"0": "low"}, annotator="Ada", token=ada.token)
    campaign.retract(["0"], "Ada")
    assert campaign.state.pending(clock.now) == {"0": bob.token}
    with pytest.raises(CampaignError, match="1 are out on a lease"):
        campaign.ask(1, "Cyd")
    campaign.skip(["0"], annotator="Ada")
    campaign.retract(["0"], "Ada")
    with pytest.raises(CampaignError, match="1 are out on a lease"):
        campaign.ask(1, "Cyd")
    campaign.tell({"0": "low"}, annotator="Bob")
    campaign.retract(["0"], "Bob")
    assert campaign.ask(1, "Cyd").ids == ("0",)  # Bob has answered


def test_new_items_are_taken_in_and_asked() -> None:
    campaign = made(4)
    campaign.ask(4)
    assert campaign.extend(line(6)) == 2
    assert set(campaign.ask(6).ids) == {"4", "5"}
    assert campaign.state.pool_fingerprint == line(6).fingerprint


def test_a_pool_that_lacks_old_items_or_has_no_new_ones_does_not_extend() -> None:
    campaign = made(8)
    with pytest.raises(PoolChanged, match=r"its 8 items.*of 3 items received, 5 of these are not in it: '3'"):
        campaign.extend(line(3))
    with pytest.raises(PoolChanged, match="it holds no new one"):
        campaign.extend(line(8))


def test_the_reserve_grows_with_the_pool() -> None:
    campaign = made(500, control=0.2)
    campaign.extend(line(540))
    state = campaign.state
    assert len(state.reserve) == 100 + 8
    assert all(int(id) >= 500 for id in state.reserve[100:])
    campaign.release()
    campaign.extend(line(600))
    assert len(campaign.state.reserve) == 108


def test_control_items_look_like_any_other_and_stand_in_the_journal() -> None:
    campaign = made(500, control=0.2, strategy="random")
    query = campaign.ask(10)
    entry = last(campaign)
    assert entry["arms"].count("control") == 2
    control = [id for id, arm in zip(query.ids, entry["arms"], strict=True) if arm == "control"]
    assert control == list(campaign.state.reserve[:2])
    assert [rank for rank, arm in zip(entry["ranks"], entry["arms"], strict=True) if arm == "control"] == [
        0,
        1,
    ]
    assert campaign.state.control == 0.2


def test_scores_of_control_items_are_none() -> None:
    campaign = made(500, control=0.2)
    free = [id for id in campaign.state.ids if id not in campaign.state.reserve]
    campaign.tell({free[0]: "low", free[-1]: "high"})
    campaign.ask(20)
    entry = last(campaign)
    for score, arm in zip(entry["scores"], entry["arms"], strict=True):
        assert (score is None) == (arm == "control")


def test_a_control_item_whose_lease_ended_is_asked_again_before_new_ones() -> None:
    clock = Clock()
    campaign = made(500, control=0.2, strategy="random", clock=clock)
    campaign.ask(10, lease_seconds=5.0)
    clock.now += 5.0
    query = campaign.ask(10)
    assert set(campaign.state.reserve[:2]) <= set(query.ids)
    assert campaign.state.reserve[2] not in query.ids


def test_a_skipped_control_item_keeps_its_place() -> None:
    campaign = made(500, control=0.2, strategy="random")
    campaign.ask(10)
    campaign.skip(campaign.state.reserve[:1])
    query = campaign.ask(10)
    assert set(campaign.state.reserve[2:4]) <= set(query.ids)
    assert not set(campaign.state.reserve[:2]) & set(query.ids)


def test_when_few_active_items_are_left_control_items_keep_their_share() -> None:
    campaign = made(500, control=0.2, strategy="random")
    active = [id for id in campaign.state.ids if id not in campaign.state.reserve]
    campaign.tell(dict.fromkeys(active[:392], "low"))
    campaign.ask(98)  # all due, and nothing else: 98 of 490
    assert last(campaign)["arms"].count("control") == 98
    campaign.ask(50)
    assert last(campaign)["arms"].count("active") == 8
    assert last(campaign)["arms"].count("control") == 2
    with pytest.raises(CampaignError, match="0 wait in the control reserve"):
        campaign.ask(1)


def test_with_few_active_items_left_fewer_control_items_are_due() -> None:
    campaign = made(500, control=0.05, strategy="random")
    active = [id for id in campaign.state.ids if id not in campaign.state.reserve]
    campaign.tell(dict.fromkeys(active[:392], "low"))
    campaign.ask(20)  # 20 of 412 are due
    assert last(campaign)["arms"].count("control") == 20
    campaign.ask(50)  # 23 of 462 would be; of the 421 there can be, 21 are
    assert sorted(last(campaign)["arms"]) == ["active"] * 8 + ["control"]


def test_what_waits_in_the_reserve_is_said_and_can_be_released() -> None:
    campaign = made(500, control=0.05, strategy="random")
    active = [id for id in campaign.state.ids if id not in campaign.state.reserve]
    campaign.skip(active)
    with pytest.raises(
        CampaignError, match=r"400 were skipped and 100 wait.*let the 100 of .* by campaign\.release\(\)"
    ):
        campaign.ask(1)
    campaign.release()
    assert len(campaign.ask(200).ids) == 100


def test_a_small_pool_has_no_control_arm_and_says_why() -> None:
    campaign = made(499, control=0.1)
    assert campaign.state.control == 0.0
    assert campaign.state.control_reason == "the pool had 499 items, and a control arm needs at least 500"
    with pytest.raises(CampaignError, match="has none: the pool had 499 items"):
        campaign.release()


def test_two_campaigns_on_one_store_read_what_the_other_writes(tmp_path: Path) -> None:
    store = MemoryStore()
    first = told(store=store)
    second = Campaign.open(tmp_path / "a.db", line(), store=store)
    query = first.ask(3)
    assert not set(second.ask(3).ids) & set(query.ids)
    assert second.state.pending(0.0).keys() > set(query.ids)
    second.tell(halves(query.ids))
    assert first.state.labelled == 2
    assert first.refresh().labelled == 5


@pytest.mark.parametrize("interloper", ["tell", "ask"])
def test_who_comes_second_to_the_journal_tries_again(interloper: str, tmp_path: Path) -> None:
    store = MemoryStore()
    other = told(store=store)
    clock = Clock()
    calls: list[float] = []

    def meanwhile() -> float:
        """Whenever the time is asked for, somebody else writes; twice."""
        if len(calls) < 2:
            calls.append(clock.now)
            if interloper == "tell":
                other.tell({str(3 + len(calls)): "low"})
            else:
                other.ask(2)
        return clock.now

    campaign = Campaign.open(tmp_path / "a.db", line(), store=store, clock=meanwhile)
    query = campaign.ask(4)
    assert len(calls) == 2
    entries = campaign.journal()
    asked = [id for entry in entries if entry["event"] == "asked" for id in entry["ids"]]
    assert len(asked) == len(set(asked))
    assert not set(query.ids) & set(campaign.state.kept)
    rounds = [entry["round"] for entry in entries if entry["event"] == "asked"]
    assert rounds == list(range(len(rounds)))
    calls.clear()
    campaign.note("tried again")
    assert len(calls) == 2


def test_a_pool_extended_by_another_must_be_given_again(tmp_path: Path) -> None:
    store = MemoryStore()
    first = made(4, store=store)
    second = Campaign.open(tmp_path / "a.db", line(4), store=store)
    first.extend(line(6))
    assert second.tell({"5": "high"}) == 1  # answers need no pool
    with pytest.raises(
        CampaignError, match=r"extended to 6 items since.*Campaign\.open\(path, pool=\.\.\.\)"
    ):
        second.ask(1)


def test_a_pool_extended_by_another_is_made_again_where_the_journal_says_how(tmp_path: Path) -> None:
    (tmp_path / "pool.py").write_text(
        "import numpy as np\nfrom nextlabel import arrays\n"
        "def make(items):\n    return arrays(np.arange(float(items))[:, None])\n",
        encoding="utf-8",
    )
    name, path = f"{tmp_path}/pool.py:make", tmp_path / "line.db"
    first = Campaign.create(path, {"name": name, "items": 4}, "sklearn", "margin", TASK, 0)
    with first, Campaign.open(path) as second:
        first.extend({"name": name, "items": 6})
        second.refresh()
        assert len(second.pool.ids) == 6
        assert len(second.ask(6).ids) == 6


def test_a_journal_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "pets.db").write_text("my notes", encoding="utf-8")
    with pytest.raises(CampaignError, match=r"not there yet; .*pets\.db holds something.*Campaign\.open"):
        Campaign.create(tmp_path / "pets.db", line(), "sklearn", "margin", TASK, 0)
    assert (tmp_path / "pets.db").read_text("utf-8") == "my notes"
    store = MemoryStore()
    made(store=store)
    with pytest.raises(CampaignError, match="the store holds something already"):
        made(store=store)


def test_a_campaign_that_cannot_be_made_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(MissingSignal, match="BALD needs"):
        Campaign.create(tmp_path / "pets.db", line(), "sklearn", "bald", TASK, 0)
    with pytest.raises(ParameterError, match="seed"):
        Campaign.create(tmp_path / "pets.db", line(), "sklearn", "margin", TASK, -1)
    with pytest.raises(ParameterError, match="control"):
        Campaign.create(tmp_path / "pets.db", line(), "sklearn", "margin", TASK, 0, control=0.5)
    with pytest.raises(ParameterError, match="a campaign's 'name' must be text; received 5"):
        Campaign.create(tmp_path / "pets.db", line(), "sklearn", "margin", TASK, 0, name=5)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_journal_that_cannot_be_begun_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="An entry holds JSON values"):
        Campaign.create(tmp_path / "a.db", line(), "sklearn", "margin", TASK, 0, name="half a pair \ud800")
    assert list(tmp_path.iterdir()) == []


def test_a_learner_must_say_what_the_strategy_reads_of_labelled_items() -> None:
    learner = Precomputed({"proba": np.full((12, 2), 0.5)})
    with pytest.raises(
        MissingSignal, match="Chancy needs the signals embedding of the labelled items, which Pre"
    ):
        made(strategy=Chancy("embedding"), learner=learner)


def test_a_journal_that_is_refused_is_closed_again(tmp_path: Path) -> None:
    with Campaign.create(tmp_path / "line.db", line(), "sklearn", "margin", TASK, 0):
        pass
    with pytest.raises(PoolChanged):
        Campaign.open(tmp_path / "line.db", line(5))
    (tmp_path / "line.db").rename(tmp_path / "moved.db")
    with Campaign.open(tmp_path / "moved.db", line()) as campaign:
        assert list(campaign.state.ids) == list(line().ids)


@pytest.mark.parametrize(
    ("pool", "says"),
    [
        (
            line(10),
            r"of 12 items; in what is there now, of 10, 0 items came and 2 items \('10', '11'\) went\. Open "
            r".* as they were\. Answers can be told without the data: Campaign\.open\(path, only_an",
        ),
        (
            line(13),
            r"1 item \('12'\) came and 0 items went.*To take the new ones in: .*only_answers=True\)\.extend",
        ),
        (
            arrays(np.zeros((12, 1)), [f"n{number}" for number in range(12)]),
            r"12 items \('n0', 'n1', 'n10', \.\.\.\) came and 12 items \('0', '1', '10', \.\.\.\) went",
        ),
        (arrays(np.zeros((12, 1), np.float32)), "the ids are the same, and the content changed"),
    ],
)
def test_a_changed_pool_is_refused_with_what_changed(pool: Pool, says: str, tmp_path: Path) -> None:
    store = MemoryStore()
    made(store=store)
    with pytest.raises(PoolChanged, match=says):
        Campaign.open(tmp_path / "a.db", pool, store=store)


def test_a_pool_in_another_order_is_read_in_the_journals_order(tmp_path: Path) -> None:
    store = MemoryStore()
    items, ids = np.arange(12, dtype=np.float32)[:, None] / 12, [str(number) for number in range(12)]
    first = made(store=store)
    turned = arrays(items[::-1], ids[::-1])
    pool = Campaign.open(tmp_path / "a.db", turned, store=store).pool
    assert isinstance(pool, Ordered)
    assert list(pool.ids) == ids
    assert pool.take(np.array([0, 7])).tolist() == items[[0, 7]].tolist()
    assert pool.show("3").content.tolist() == items[3].tolist()
    assert (pool.fingerprint, pool.source) == (first.pool.fingerprint, None)


def test_columns_follow_the_journals_order() -> None:
    pool = Ordered(
        ArrayPool(np.zeros((2, 1)), ["b", "a"], {"label": ["B", "A"]}), ["a", "b"], np.array([1, 0])
    )
    assert pool.columns == {"label": ["A", "B"]}


def test_fitting_without_labels_says_what_is_missing() -> None:
    campaign = made(learner={"name": "sklearn", "estimator": "mlp"})
    with pytest.raises(NoLabels):
        campaign.fit()


def test_tasks_of_one_kind_are_kept(tmp_path: Path) -> None:
    with Campaign.create(
        tmp_path / "line.db", line(), "sklearn", "margin", Task("class", ("a", "b")), 0
    ) as one:
        assert one.state.task == Task("class", ("a", "b"))
        assert one.path == tmp_path / "line.db"
    one.close()
