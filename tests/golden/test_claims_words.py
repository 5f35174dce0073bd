"""Real campaigns: control labels steer nothing, the reserve keeps its order, a report says what is known."""

import json
import re
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextlabel import Campaign, arrays, classes
from nextlabel.cli.status import status as show
from nextlabel.core.task import Label
from nextlabel.evaluation import certificate as certificates
from nextlabel.evaluation import quality
from nextlabel.evaluation.report import SAVING, sentences, status
from nextlabel.evaluation.stopping import Snapshots, stop_set
from nextlabel.strategies.entropy import Entropy

ITEMS = 900
TASK = classes("a", "b", "c")
NAMES = np.array(TASK.classes)
IDS = [f"item {number}" for number in range(ITEMS)]


def clouds() -> tuple[Any, dict[str, str]]:
    rng = np.random.default_rng(3)
    of = rng.integers(3, size=ITEMS)
    spots = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])[of] + rng.normal(scale=0.8, size=(ITEMS, 2))
    return arrays(spots.astype(np.float32), ids=IDS), dict(zip(IDS, NAMES[of].tolist(), strict=True))


def begin(path: Path | None = None, strategy: str = "margin", **settings: Any) -> Campaign:
    ticks = count()
    given = {"seed": 5, "control": 0.2, "clock": lambda: float(next(ticks)), **settings}
    return Campaign.create(path, clouds()[0], "sklearn", strategy, TASK, **given)


def label(campaign: Campaign, rounds: int, answer: Callable[[str], str], batch: int = 50) -> None:
    for _ in range(rounds):
        query = campaign.ask(batch)
        campaign.tell({id: answer(id) for id in query.ids}, token=query.token)


def predicted(campaign: Campaign) -> dict[str, Label]:
    """What the newest model says of every item."""
    model, positions = campaign.fit(), np.arange(ITEMS)
    said = model.signals(campaign.pool, positions, {"proba"}, np.random.default_rng(0))["proba"]
    return {id: TASK.classes[k] for id, k in zip(IDS, said.argmax(axis=1).tolist(), strict=True)}


def arms(campaign: Campaign) -> list[tuple[str, ...]]:
    """What the active arm was asked, query by query."""
    asked = [entry for entry in campaign.journal() if entry["event"] == "asked"]
    return [
        tuple(id for id, arm in zip(one["ids"], one["arms"], strict=True) if arm == "active") for one in asked
    ]


@pytest.mark.parametrize("strategy", ["margin", "badge", "auto"])
def test_control_labels_change_neither_what_is_asked_nor_the_model(strategy: str) -> None:
    truth = clouds()[1]
    after = {"a": "b", "b": "c", "c": "a"}
    honest, blind = begin(strategy=strategy), begin(strategy=strategy)
    walled = frozenset(honest.state.reserve)
    label(honest, 6, truth.__getitem__)
    label(blind, 6, lambda id: after[truth[id]] if id in walled else truth[id])
    changed = [id for id in honest.state.kept if honest.state.label(id) != blind.state.label(id)]
    assert len(changed) == honest.state.control_labels == 60
    assert arms(honest) == arms(blind)
    assert honest.fit().fingerprint == blind.fit().fingerprint
    assert stop_set(honest.state) == stop_set(blind.state)
    assert quality.due(honest.state) == quality.due(blind.state) == 0
    seen = quality.look(honest.state, predicted(honest))
    other = quality.look(blind.state, predicted(blind))
    assert seen.right > other.right  # so the labels were another's indeed


def test_active_labels_do_change_what_is_asked() -> None:
    """The broken twin: were the wall not there, the test before would see it."""
    truth = clouds()[1]
    honest, other = begin(), begin()
    label(honest, 3, truth.__getitem__)
    label(other, 3, lambda id: "a" if truth[id] == "b" else truth[id])
    assert arms(honest) != arms(other)
    assert honest.fit().fingerprint != other.fit().fingerprint


@pytest.mark.parametrize("strategy", ["random", "margin", "typiclust"])
def test_control_items_are_the_first_of_the_permutation_and_never_the_strategys(strategy: str) -> None:
    truth = clouds()[1]
    campaign = begin(strategy=strategy)
    order = campaign.state.reserve
    label(campaign, 6, truth.__getitem__)
    assert not {id for asked in arms(campaign) for id in asked} & set(order)
    assert campaign.state.control_order() == order[:60]
    assert order == begin(strategy="margin").state.reserve
    assert quality.reached(campaign.state) == 60


def certified(campaign: Campaign, size: int, answer: Callable[[str], str]) -> certificates.Certificate:
    frozen = predicted(campaign)
    campaign.certify(size)
    while campaign.state.is_certifying:
        label(campaign, 1, answer)
    found = certificates.certificate(campaign.state, frozen, entries=campaign.journal())
    assert found is not None
    campaign.measure("certificate", found.values(), model=found.model)
    return found


def test_a_certificate_of_a_real_campaign_speaks_of_the_errors_that_are_left() -> None:
    """An interval at 1e-7 in place of .05 holds them in all but one of ten million campaigns."""
    truth = clouds()[1]
    campaign = begin()
    label(campaign, 4, truth.__getitem__)
    frozen, before = predicted(campaign), campaign.state
    wrong = sum(frozen[id] != truth[id] for id in IDS if id not in before.kept)
    found = certified(campaign, 150, truth.__getitem__)
    assert found.remainder == ITEMS - 200
    assert (found.items, found.uncovered, found.skipped) == (ITEMS, 0, 0)
    surely = certificates.interval(found.errors, found.sample, found.remainder, 1e-7)
    assert surely[0] <= wrong <= surely[1]
    assert before.newest is not None
    assert found.model == before.newest.model
    second = certified(campaign, 50, truth.__getitem__)
    assert second.level == found.level / 2
    assert not set(campaign.state.sample) & set(before.kept)


def test_certificate_labels_train_no_model() -> None:
    truth = clouds()[1]
    campaign = begin()
    label(campaign, 3, truth.__getitem__)
    model = campaign.fit().fingerprint
    certified(campaign, 100, truth.__getitem__)
    assert campaign.fit().fingerprint == model


def test_a_reserve_item_that_was_certified_keeps_its_place_in_the_order() -> None:
    truth = clouds()[1]
    campaign = begin()
    label(campaign, 4, truth.__getitem__)
    certified(campaign, 300, truth.__getitem__)
    in_both = [id for id in campaign.state.reserve[40:] if id in campaign.state.kept]
    assert in_both
    label(campaign, 4, truth.__getitem__)
    order = campaign.state.reserve
    settled = quality.reached(campaign.state)
    assert settled >= 80
    assert all(id in campaign.state.kept for id in order[:settled])


NUMBER = r"\d[\d,.]*"


def test_a_report_of_a_new_campaign_claims_nothing() -> None:
    campaign = begin()
    said = status(campaign.state, campaign.journal())
    text = " ".join(sentences(said))
    assert "not measured yet; 0 of the first 50 control items" in text
    assert "Certificate: none yet" in text
    assert SAVING in text
    assert "%" not in text
    assert said["curve"] == said["quality"]["looks"] == []
    assert said["quality"]["next_at"] == 50
    assert said["certificate"]["state"] == "none"


def test_who_has_come_to_an_end_is_not_told_to_go_on() -> None:
    truth = clouds()[1]

    def said(campaign: Campaign) -> str:
        return str(status(campaign.state, campaign.journal())["stopping"]["sentence"])

    def of_certificate(campaign: Campaign) -> str:
        return str(status(campaign.state, campaign.journal())["certificate"]["sentence"])

    campaign = begin()
    assert said(campaign).endswith("Go on labelling.")
    walled = campaign.state.walled
    campaign.tell({id: truth[id] for id in IDS if id not in walled})
    assert said(campaign) == (
        "Every item that a model may learn from is labelled or skipped: what is left was set aside to "
        "measure by."
    )
    first, *others = sorted(walled)
    campaign.tell({id: truth[id] for id in others})
    campaign.skip([first])
    assert said(campaign) == "Every item is labelled or skipped: nothing is left to ask."
    assert of_certificate(campaign).startswith("Certificate: none yet.")  # what was skipped has no label
    campaign.tell({first: truth[first]})
    assert of_certificate(campaign).startswith("Certificate: none. It would be of what nobody labelled")
    campaign.retract([first, others[0]])
    campaign.release()
    assert said(campaign).endswith("Go on labelling.")
    campaign.stop("enough")
    assert said(campaign) == "The campaign was stopped: nothing is asked any more."
    assert of_certificate(campaign) == "Certificate: none. The campaign was stopped."


def test_a_report_is_json_and_its_figures_are_those_of_the_journal() -> None:
    truth = clouds()[1]
    campaign = begin()
    label(campaign, 6, truth.__getitem__)
    found = quality.look(campaign.state, predicted(campaign))
    campaign.measure("quality", found.values(), model=campaign.fit().fingerprint)
    snapshots = Snapshots().take(campaign.state, predicted(campaign), 240)
    said = json.loads(json.dumps(status(campaign.state, campaign.journal(), snapshots=snapshots)))
    assert said["progress"]["labelled"] == 300
    assert (said["progress"]["active"], said["progress"]["control"]) == (240, 60)
    assert said["curve"] == [
        {
            "labels": found.labels,
            "asked": 50,
            "right": found.right,
            "share": found.right / 50,
            "low": found.low,
            "high": found.high,
        }
    ]
    assert said["quality"]["looks"][0]["sentence"] == said["quality"]["sentence"] == found.sentence()
    assert said["quality"]["next_at"] == 63
    assert said["quality"]["indicative"] == said["quality"]["caution"] == ""
    assert said["stopping"]["change100"] is None
    assert said["agreement"]["items"] == 0
    assert said["agreement"]["control"] is None
    assert sum(said["class_counts"].values()) == 300


def test_a_band_stays_as_it_was_shown_when_labels_are_corrected() -> None:
    truth = clouds()[1]
    campaign = begin()
    label(campaign, 5, truth.__getitem__)
    found = quality.look(campaign.state, predicted(campaign))
    campaign.measure("quality", found.values(), model=campaign.fit().fingerprint)
    first = campaign.state.reserve[0]
    campaign.tell({first: "a" if truth[first] != "a" else "b"})
    assert status(campaign.state, campaign.journal())["quality"]["sentence"] == found.sentence()


def test_a_person_who_changes_the_strategy_after_a_look_is_told_what_that_costs(tmp_path: Path) -> None:
    pool, truth = clouds()
    with begin(tmp_path / "clouds.db") as campaign:
        label(campaign, 5, truth.__getitem__)
        found = quality.look(campaign.state, predicted(campaign))
        campaign.measure("quality", found.values(), model=campaign.fit().fingerprint)
        label(campaign, 1, truth.__getitem__)
        assert status(campaign.state, campaign.journal())["quality"]["caution"] == ""
    with Campaign.open(tmp_path / "clouds.db", pool, strategy=Entropy()) as campaign:
        label(campaign, 1, truth.__getitem__)
        said = status(campaign.state, campaign.journal())
    assert said["quality"]["indicative"] == "strategy"
    assert "The strategy was changed after a look" in said["quality"]["caution"]
    assert said["quality"]["caution"] in sentences(said)


def test_states_of_a_certificate_are_reported() -> None:
    truth = clouds()[1]
    campaign = begin()
    label(campaign, 3, truth.__getitem__)
    campaign.fit()
    campaign.certify(80)
    under_way = status(campaign.state, campaign.journal())["certificate"]
    assert (under_way["state"], under_way["checked"], under_way["sample"]) == ("under way", 0, 80)
    frozen = predicted(campaign)
    label(campaign, 2, truth.__getitem__)
    found = certificates.certificate(campaign.state, frozen)
    assert found is not None
    campaign.measure("certificate", found.values(), model=found.model)
    done = status(campaign.state, campaign.journal())["certificate"]
    assert (done["state"], done["number"], done["newest"]) == ("done", 1, found.values())
    assert done["sentence"] == found.sentence()


def test_several_people_are_counted_and_their_agreement_reported() -> None:
    truth = clouds()[1]
    campaign = begin(overlap=2)
    for who in ("Ada", "Ben"):
        query = campaign.ask(40, holder=who)
        campaign.tell({id: truth[id] for id in query.ids}, annotator=who, token=query.token)
    said = status(campaign.state, campaign.journal())
    assert said["progress"]["people"] == {"Ada": 40, "Ben": 40}
    assert said["agreement"]["items"] == 40
    assert said["agreement"]["control"]["items"] == 8
    assert said["agreement"]["sentence"] in sentences(said)


def test_no_sentence_claims_what_is_not_known() -> None:
    """Of a whole campaign, every sentence: no saving, no accuracy of what is left, no target."""
    truth = clouds()[1]
    campaign = begin()
    snapshots = Snapshots()
    for _ in range(10):
        label(campaign, 1, truth.__getitem__)
        predictions = predicted(campaign)
        newest = campaign.state.newest
        assert newest is not None
        snapshots = snapshots.take(campaign.state, predictions, newest.labels)
        if quality.due(campaign.state) is not None:
            found = quality.look(campaign.state, predictions)
            campaign.measure("quality", found.values(), model=newest.model)
        text = " ".join(sentences(status(campaign.state, campaign.journal(), snapshots=snapshots)))
        assert "No saving shown yet" in text
        assert not re.search(
            rf"saved|saves {NUMBER}|remainder|better than random|at least {NUMBER} labels", text
        )
        has_band = bool(quality.looks(campaign.state))
        assert bool(re.search(rf"between {NUMBER} % and {NUMBER} %", text)) == has_band
    assert "changed" in text
    assert has_band


def test_the_command_says_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = clouds()[1]
    with begin(tmp_path / "clouds.db") as campaign:
        label(campaign, 5, truth.__getitem__)
        found = quality.look(campaign.state, predicted(campaign))
        campaign.measure("quality", found.values(), model=campaign.fit().fingerprint)
    show(tmp_path / "clouds.db")
    shown = capsys.readouterr().out
    assert found.sentence() in shown
    assert SAVING in shown
    show(tmp_path / "clouds.db", is_json=True)
    said: Mapping[str, Any] = json.loads(capsys.readouterr().out)
    assert said["report"]["quality"]["sentence"] == found.sentence()
