"""A campaign with the strategy "auto": it follows the advice, and its journal says where that changed."""

from pathlib import Path

import numpy as np
import pytest

from nextlabel import Campaign, arrays, classes, select
from nextlabel.campaign.events import Asked, Noted, read_entry
from nextlabel.core.pool import Pool
from nextlabel.core.spec import Spec
from nextlabel.errors import ParameterError, UnknownName
from nextlabel.learners.ensemble import Ensemble
from nextlabel.learners.precomputed import Precomputed
from nextlabel.learners.sklearn import SklearnLearner

TASK = classes("a", "b", "c")


def blobs(items: int = 60) -> Pool:
    rng = np.random.default_rng(0)
    return arrays((rng.normal(size=(items, 2)) + 4.0 * np.arange(items)[:, None] % 12).astype(np.float32))


def answers(ids: tuple[str, ...]) -> dict[str, str]:
    return {id: "abc"[int(id) % 3] for id in ids}


def made(path: Path | None, strategy: str | Spec | dict[str, str] = "auto", **options: object) -> Campaign:
    return Campaign.create(path, blobs(), "sklearn", strategy, TASK, seed=3, **options)  # type: ignore[arg-type]


def label(campaign: Campaign, rounds: int, batch: int = 6) -> list[tuple[str, ...]]:
    asked = []
    for _ in range(rounds):
        query = campaign.ask(batch)
        campaign.tell(answers(query.ids))
        asked.append(query.ids)
    return asked


def strategies(campaign: Campaign) -> list[str]:
    events = map(read_entry, campaign.journal())
    return [str(event.strategy["name"]) for event in events if isinstance(event, Asked)]


def notes(campaign: Campaign) -> list[str]:
    return [event.text for event in map(read_entry, campaign.journal()) if isinstance(event, Noted)]


def test_typical_items_come_first_and_margin_from_ten_labels_a_class_on() -> None:
    with made(None) as campaign:
        label(campaign, 6)
        assert strategies(campaign) == ["typiclust"] * 5 + ["margin"]
        assert campaign.state.created.strategy == {"name": "auto"}
        assert Spec.read(campaign.state.created.opening or "").name == "typiclust"


def test_each_change_is_noted_once_with_its_reason() -> None:
    with made(None, opening="random") as campaign:
        label(campaign, 7)
        assert strategies(campaign) == ["random", *["typiclust"] * 4, "margin", "margin"]
        first, second = notes(campaign)
        assert first.startswith('auto: {"name": "typiclust"')
        assert "typical first: 6 labels for 3 classes, 2 a class" in first
        assert second.startswith('auto: {"name": "margin"')
        assert "unsure: 3 classes and 10 labels a class" in second


def test_a_journal_opened_again_goes_on_alike(tmp_path: Path) -> None:
    with made(tmp_path / "whole.db") as campaign:
        whole = label(campaign, 7)
    pieces = []
    made(tmp_path / "pieces.db").close()
    for _ in range(7):
        with Campaign.open(tmp_path / "pieces.db", blobs()) as campaign:
            pieces += label(campaign, 1)
    assert pieces == whole


def test_what_is_asked_is_what_the_strategy_named_would_ask() -> None:
    with made(None) as auto, made(None, "typiclust", opening="typiclust") as named:
        assert label(auto, 5) == label(named, 5)
        auto_next, advice = auto.ask(6), auto.advise(6)
    assert advice.strategy.name == "margin"
    with made(None, "margin") as margin:
        for query in auto.state.leases.values():
            if query.ids != auto_next.ids:
                margin.tell(answers(query.ids))
        assert margin.ask(6).ids == auto_next.ids  # the classifier and the margins draw nothing


def test_a_mapping_and_a_spec_are_auto_too_and_settings_are_refused() -> None:
    for way in ({"name": "auto"}, Spec("auto")):
        with made(None, way) as campaign:
            assert campaign.state.created.strategy == {"name": "auto"}
    with pytest.raises(ParameterError, match="'auto' takes no settings; received 'of'"):
        made(None, {"name": "auto", "of": "margin"})


def test_a_call_on_arrays_is_told_where_auto_belongs() -> None:
    with pytest.raises(UnknownName, match=r"Only a campaign follows it; nextlabel.advise\(...\) names"):
        select("auto", proba=np.full((2, 2), 0.5), batch=1, seed=0)


def test_a_learner_without_features_of_its_own_opens_with_a_draw() -> None:
    learner = {"name": "sklearn", "estimator": "mlp"}
    with Campaign.create(None, blobs(), learner, "auto", TASK, seed=0) as campaign:
        label(campaign, 2)
        assert strategies(campaign) == ["random", "badge"]


def test_probabilities_are_not_read_before_two_classes_are_labelled() -> None:
    proba = np.full((60, 3), 1 / 3)
    with Campaign.create(None, blobs(), Precomputed({"proba": proba}), "auto", TASK, seed=0) as campaign:
        for _ in range(2):
            campaign.tell(dict.fromkeys(campaign.ask(3).ids, "a"))
        campaign.tell(dict.fromkeys(campaign.ask(3).ids, "b"))
        campaign.ask(3)
        assert strategies(campaign) == ["random", "random", "random", "margin"]


def test_a_campaign_gives_advice_whatever_its_strategy() -> None:
    with made(None, "entropy") as campaign:
        assert campaign.advise(6).strategy.name == "typiclust"
        label(campaign, 5)
        assert (campaign.advise(6).rule, campaign.advise(30).rule) == ("unsure", "large batch")


def test_learners_say_what_they_offer_without_labels() -> None:
    learner = Precomputed({"proba": np.full((60, 3), 1 / 3)})
    assert learner.provides_without_labels == {"proba"}
    assert Ensemble(SklearnLearner()).provides_without_labels == {"embedding"}
