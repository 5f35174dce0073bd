"""A campaign whose learner labels for itself: people answer no less, and nothing of it is kept."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel import Campaign, arrays, build, classes
from nextlabel.core.dataset import Dataset
from nextlabel.core.pool import Pool
from nextlabel.experiment.bench import run_settings
from nextlabel.experiment.grid import Setting
from nextlabel.experiment.reading import Reading
from nextlabel.experiment.runner import Cell, Experiment, run_group
from nextlabel.learners.acceptance import RULES
from nextlabel.learners.generative import GenerativeModel
from nextlabel.learners.pseudo_label import PseudoLabelModel
from nextlabel.learners.self_training import SelfTrainingModel

TASK = classes("a", "b", "c")
START, BATCH, ROUNDS = 6, 5, 4
ALL: dict[str, Any] = {"name": "pseudo_label", "of": "sklearn", "threshold": 1.2, "rate": 0.0}  # above log 3
SOME: dict[str, Any] = {"name": "pseudo_label", "of": "sklearn", "threshold": 0.8, "rate": 0.1, "cap": 20}


def blobs() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    rng = np.random.default_rng(7)
    of = rng.integers(3, size=90)
    spots = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])[of] + rng.normal(scale=0.7, size=(90, 2))
    return spots.astype(np.float32), of


SPOTS, OF = blobs()
TRUTH = {f"item {number}": "abc"[one] for number, one in enumerate(OF)}


def pool() -> Pool:
    return arrays(SPOTS, list(TRUTH))


def begun(path: Path | None, learner: Any, strategy: str = "margin") -> Campaign:
    campaign = Campaign.create(path, pool(), learner, strategy, TASK, seed=5)
    campaign.tell({id: TRUTH[id] for id in list(TRUTH)[:START]})
    return campaign


def answered(campaign: Campaign) -> tuple[str, ...]:
    """One round."""
    query = campaign.ask(BATCH)
    campaign.tell({id: TRUTH[id] for id in query.ids}, token=query.token)
    return tuple(query.ids)


def values(path: Path) -> list[Any]:
    """Whatever the journal's file holds, row by row."""
    with closing(sqlite3.connect(path)) as database:
        tables = [row[0] for row in database.execute("select name from sqlite_master where type = 'table'")]
        return [list(row) for table in tables for row in database.execute(f"select * from {table}")]


def test_people_give_every_label_that_there_is(tmp_path: Path) -> None:
    """|L₀| + r·K; every model was trained on labels of all other items too; no file holds one of these."""
    path = tmp_path / "pets.db"
    with begun(path, ALL) as campaign:
        told = list(TRUTH)[:START]
        for round in range(ROUNDS):
            model = campaign.fit()
            assert isinstance(model, PseudoLabelModel)
            assert model.report.used == (90 - len(told) if round else 0)
            told += answered(campaign)
            assert len(campaign.state.training()) == campaign.state.labelled == START + (round + 1) * BATCH
        assert campaign.state.training() == {id: TRUTH[id] for id in told}
        entries = campaign.journal()
    given = [entry["labels"] for entry in entries if entry["event"] == "told"]
    assert {id: label for one in given for id, label in one.items()} == {id: TRUTH[id] for id in told}
    assert {entry["event"] for entry in entries} == {"created", "told", "asked", "fitted"}
    assert [entry["labels"] for entry in entries if entry["event"] == "fitted"] == [6, 11, 16, 21]
    with begun(tmp_path / "plain.db", "sklearn") as plain:  # without pseudo-labels, the same kinds of rows
        for _ in range(ROUNDS):
            answered(plain)
    kinds = [sorted(json.loads(text)) for row in values(path) for text in row if is_event(text)]
    expected = [sorted(json.loads(t)) for row in values(tmp_path / "plain.db") for t in row if is_event(t)]
    assert kinds == expected
    assert len(kinds) == len(entries)


def is_event(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("{") and "event" in json.loads(value)


@pytest.mark.parametrize("rule", RULES)
def test_a_learner_that_trains_itself_is_told_no_more_than_any_other(tmp_path: Path, rule: str) -> None:
    drawing = {"name": "mlp", "hidden_layer_sizes": [6], "max_iter": 600}  # a second model may contradict it
    of = {"name": "sklearn", "estimator": drawing if rule.endswith("verified") else "logistic"}
    learner = {"name": "self_training", "of": of, "rule": rule, "k": 4, "confidence": 0.2}
    with begun(tmp_path / "pets.db", learner) as campaign:
        asked = [answered(campaign) for _ in range(2)]
        model = campaign.fit()
        assert isinstance(model, SelfTrainingModel)
        assert model.report.used > 0
        told = [*list(TRUTH)[:START], *asked[0], *asked[1]]
        assert campaign.state.training() == {id: TRUTH[id] for id in told}
    with Campaign.open(tmp_path / "pets.db", pool()) as campaign:
        assert campaign.fit().fingerprint == model.fingerprint


def test_what_the_model_labelled_may_still_be_asked(tmp_path: Path) -> None:
    with begun(tmp_path / "pets.db", ALL) as campaign:
        asked = [answered(campaign) for _ in range(ROUNDS)]
        assert campaign.fit().report.used == 90 - START - ROUNDS * BATCH  # type: ignore[attr-defined]
    assert len({id for one in asked for id in one}) == ROUNDS * BATCH


@pytest.mark.parametrize("is_reopened", [False, True], ids=["one session", "reopened after each step"])
def test_rounds_go_on_where_they_were(tmp_path: Path, is_reopened: bool) -> None:
    whole = begun(None, SOME)
    expected = [answered(whole) for _ in range(ROUNDS)]
    campaign = begun(tmp_path / "pets.db", SOME)
    asked = []
    for _ in range(ROUNDS):
        if is_reopened:
            campaign.close()
            campaign = Campaign.open(tmp_path / "pets.db", pool())
        asked.append(answered(campaign))
    last = campaign.fit()
    campaign.close()
    assert asked == expected
    assert isinstance(last, PseudoLabelModel)
    assert last.round == ROUNDS - 1
    assert last.report.threshold == pytest.approx(0.8 - 0.1 * (ROUNDS - 1))
    assert last.report.used > 0
    assert last.fingerprint == whole.fit().fingerprint


def test_where_all_models_are_lost_the_labels_are_not(tmp_path: Path) -> None:
    path = tmp_path / "pets.db"
    with begun(path, SOME) as campaign:
        for _ in range(ROUNDS):
            answered(campaign)
        labels = campaign.state.training()
        model = campaign.fit()
    whole = begun(None, SOME)
    expected = [answered(whole) for _ in range(ROUNDS + 1)][-1]
    shutil.rmtree(f"{path}.models")
    with Campaign.open(path, pool()) as campaign:
        assert campaign.state.training() == labels
        assert campaign.fit().fingerprint == model.fingerprint
        assert answered(campaign) == expected


@pytest.mark.parametrize(
    ("revised", "mapping"),
    [(["a", "b", "c", "d"], None), (["a", "z", "c"], {"b": "z"}), (["a", "b"], {"c": "b"})],
    ids=["added", "renamed", "merged"],
)
def test_models_lost_after_the_classes_were_revised_are_fitted_as_they_were(
    tmp_path: Path, revised: list[str], mapping: dict[str, str] | None
) -> None:
    """Fits before the revision are repeated with the classes of then, later ones with those of now."""
    path = tmp_path / "pets.db"
    with begun(path, SOME) as campaign:
        for _ in range(2):
            answered(campaign)
        before = campaign.fit().fingerprint
        campaign.revise(revised, mapping)
        for _ in range(2):
            answered(campaign)
        model = campaign.fit()
        assert isinstance(model, PseudoLabelModel)
        assert before != model.fingerprint
        labels = campaign.state.training()
    shutil.copy(path, tmp_path / "kept.db")
    shutil.copytree(f"{path}.models", tmp_path / "kept.db.models")
    with Campaign.open(tmp_path / "kept.db", pool()) as campaign:
        expected = answered(campaign)
    shutil.rmtree(f"{path}.models")
    with Campaign.open(path, pool()) as campaign:
        assert campaign.state.training() == labels
        again = campaign.fit()
        assert isinstance(again, PseudoLabelModel)
        assert again.fingerprint == model.fingerprint
        assert (again.round, again.report) == (model.round, model.report)
        assert answered(campaign) == expected


def test_where_all_models_are_lost_the_start_is_still_the_start(tmp_path: Path) -> None:
    path = tmp_path / "pets.db"
    learner = {"name": "generative", "autoencoder": "identity", "most_error": None, "must_agree": False}
    images = arrays(np.repeat(SPOTS[:, :, None], 2, axis=2), list(TRUTH))
    with Campaign.create(path, images, {**learner, "of": "sklearn"}, "margin", TASK, seed=5) as campaign:
        campaign.tell({id: TRUTH[id] for id in list(TRUTH)[:START]})
        for _ in range(2):
            answered(campaign)
    shutil.rmtree(f"{path}.models")
    with Campaign.open(path, images) as campaign:
        model = campaign.fit()
        assert isinstance(model, GenerativeModel)
        assert (len(model.start), model.report.used) == (START, 2 * BATCH)


def test_a_campaign_asks_what_the_experiment_asks() -> None:
    items = np.concatenate([SPOTS, [[50.0, 50.0]]]).astype(np.float32)  # one more, far away, is held out
    dataset = Dataset(
        "blobs",
        "three clouds",
        arrays(items, [*TRUTH, "held out"]),
        np.append(OF, 0),
        TASK,
        test=np.array([90]),
    )
    strategies = {"badge": build("strategy", "badge")}
    experiment = Experiment(dataset, build("learner", SOME), strategies, start=8, batch=5, budget=28)
    queried = run_group(experiment, (Cell("badge", 3),))[0].queried
    campaign = Campaign.create(None, pool(), SOME, "badge", TASK, seed=3)
    for place, expected in enumerate(queried):
        assert not place or campaign.ask(len(expected)).ids == expected
        campaign.tell({id: TRUTH[id] for id in expected})


def test_an_experiment_cut_anywhere_goes_on_as_if_unbroken(tmp_path: Path) -> None:
    dataset = Dataset("blobs", "three clouds", pool(), OF, TASK)
    strategies = {name: build("strategy", name) for name in ("margin", "random")}
    given: dict[str, Any] = {"start": 6, "batch": 4, "budget": 22, "seeds": 2, "test": 30}
    one = Setting(
        "blobs", Experiment(dataset, build("learner", SOME), strategies, **given), (), Reading("random")
    )

    def outcome() -> dict[Any, Any]:
        (results,) = run_settings(tmp_path, [one])
        return {
            (name, run.seed): (run.queried, run.accuracy) for name in strategies for run in results.of(name)
        }

    whole, rng = outcome(), np.random.default_rng(0)
    for _ in range(5):
        for path in (tmp_path / "runs").iterdir():
            content = path.read_bytes()
            path.write_bytes(content[: rng.integers(len(content) + 1)])
        assert outcome() == whole
