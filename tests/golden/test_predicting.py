"""Predictions: what a model says, in chunks; what was kept of it; models that leave the campaign."""

import json
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from nextlabel.campaign.campaign import Campaign
from nextlabel.campaign.export import Export, write_export
from nextlabel.campaign.formats.model_file import describe
from nextlabel.campaign.predicting import (
    Predicted,
    Remembered,
    final_model,
    kept_model,
    predicted,
    predictions,
)
from nextlabel.core.task import classes, multilabel
from nextlabel.errors import CampaignError, ParameterError
from nextlabel.readers.arrays import ArrayPool

ONE, SEVERAL = classes("a", "b", "c"), multilabel("x", "y")
WORDS = ("fine", "lovely", "awful", "dull")
TEXTS = [f"the film was {WORDS[one % 4]}, viewer {one}" for one in range(40)]
POOL = ArrayPool(np.array(TEXTS, dtype=object), [f"i{one}" for one in range(40)], {"body": TEXTS})
LEARNER = {"name": "sklearn", "estimator": "logistic", "features": "tfidf"}
TRUTH = {id: ("yes", "yes", "no", "no")[place % 4] for place, id in enumerate(POOL.ids)}
TASK = classes("no", "yes")


def trained(path: Path | None = None, *, labels: int = 12, learner: Any = LEARNER) -> Campaign:
    campaign = Campaign.create(path, POOL, learner, "random", TASK, seed=0)
    campaign.tell({id: TRUTH[id] for id in POOL.ids[:labels]})
    campaign.fit()
    return campaign


def test_of_one_class_the_most_probable_is_the_label() -> None:
    said = Predicted(ONE, ["p", "q"], np.array([[0.2, 0.5, 0.3], [0.7, 0.1, 0.2]], np.float32), "f")
    assert said.labels == ["b", "a"]
    assert said.confidence == pytest.approx([0.5, 0.7])
    assert said.of("q") == ("a", float(np.float32(0.7)))
    assert said.probability("p", "c") == pytest.approx(0.3)
    assert said.mapping() == {"p": ("b", 0.5), "q": ("a", float(np.float32(0.7)))}
    assert ("p" in said, "r" in said) == (True, False)
    assert (said.of("r"), said.probability("r", "a")) == (None, None)


def test_of_several_classes_each_stands_by_itself() -> None:
    said = Predicted(SEVERAL, ["p", "q"], np.array([[0.5, 0.9], [0.3, 0.2]], np.float64), "f")
    assert said.labels == [("x", "y"), ()]
    assert said.confidence == pytest.approx([0.5, 0.7])  # the least sure class: .5 of p, not .3 of q
    assert said.probability("q", ("x",)) == pytest.approx(0.3)  # min of .3 and 1 − .2
    assert said.probability("q", ()) == pytest.approx(0.7)
    assert said.probability("p", ("y",)) == pytest.approx(0.5)


def test_what_was_not_kept_is_not_guessed() -> None:
    three = Remembered(ONE, "f", {"p": ("b", 0.6)}.get)
    assert (three.of("p"), three.of("q"), three.probability("q", "a")) == (("b", 0.6), None, None)
    assert (three.probability("p", "b"), three.probability("p", "a")) == (0.6, None)
    two = Remembered(TASK, "f", {"p": ("yes", 0.6)}.get)
    assert two.probability("p", "no") == pytest.approx(0.4)
    both = Remembered(SEVERAL, "f", {"p": (("x",), 0.6)}.get)
    assert (both.probability("p", ("x",)), both.probability("p", ())) == (0.6, None)


@pytest.mark.parametrize("chunk", [7, 40, 1000])
def test_chunks_change_nothing(chunk: int) -> None:
    campaign = trained()
    positions = np.array([5, 39, 0, 17])
    whole = predictions(campaign)
    some = predictions(campaign, positions, chunk=chunk)
    assert list(some.ids) == ["i5", "i39", "i0", "i17"]
    assert some.proba == pytest.approx(whole.proba[positions], abs=1e-6)
    assert some.model == campaign.fit().fingerprint
    assert whole.labels == [TRUTH[id] for id in POOL.ids]


def test_no_chunk_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"'chunk' must be .*received 0"):
        predictions(trained(), chunk=0)


def test_labels_that_came_later_do_not_matter_until_a_fit() -> None:
    campaign = trained(labels=4)
    before = predictions(campaign)
    campaign.tell({id: TRUTH[id] for id in POOL.ids[4:20]})
    position = campaign.refresh().position
    assert predictions(campaign).proba.tolist() == before.proba.tolist()
    assert campaign.refresh().position == position
    campaign.fit()
    assert predictions(campaign).model != before.model


def test_without_a_model_it_is_said_how_to_get_one() -> None:
    campaign = Campaign.create(None, POOL, LEARNER, "random", TASK, seed=0)
    with pytest.raises(CampaignError, match=r"this campaign has none.*call campaign\.fit\(\)"):
        predictions(campaign)


def test_several_classes_are_predicted_by_their_marginals() -> None:
    campaign = Campaign.create(None, POOL, LEARNER, "random", multilabel("good", "odd"), seed=0)
    for place, id in enumerate(POOL.ids[:24]):
        label = (*(("good",) if TRUTH[id] == "yes" else ()), *(("odd",) if place % 2 else ()))
        campaign.tell({id: label})
    campaign.fit()
    said = predictions(campaign)
    assert said.proba.shape == (40, 2)
    assert all(("good" in label[0]) == (TRUTH[id] == "yes") for id, label in said.mapping().items())


def test_items_of_another_pool_are_predicted_alike() -> None:
    campaign = trained()
    other = ArrayPool(POOL.items[[3, 0]], ["x", "y"], {"body": [TEXTS[3], TEXTS[0]]})
    said = predicted(campaign.fit(), TASK, other, np.array([0, 1]), seed=0)
    assert said.proba == pytest.approx(predictions(campaign, np.array([3, 0])).proba)
    assert said.ids == ["x", "y"]


def test_a_kept_model_is_read_without_the_data(tmp_path: Path) -> None:
    journal = tmp_path / "reviews.db"
    with trained(journal) as campaign:
        model, state = campaign.fit(), campaign.state
        early = campaign.models
    found = kept_model(journal, state)
    assert found is not None
    assert found.fingerprint == model.fingerprint
    assert kept_model(journal, state, "0" * 32) is None
    assert early.folder is not None
    file = early.folder / model.fingerprint
    file.rename(file.with_name("elsewhere"))
    assert kept_model(journal, state) is None
    new = Campaign.create(None, POOL, LEARNER, "random", TASK, seed=0).state
    assert kept_model(journal, new) is None


def test_the_model_for_export_may_learn_from_control_and_only_a_note_says_so(tmp_path: Path) -> None:
    many = [f"{text} {again}" for again in range(15) for text in TEXTS]
    pool = ArrayPool(np.array(many, dtype=object), [f"i{one}" for one in range(600)], {"body": many})
    truth = {id: ("yes", "yes", "no", "no")[place % 4] for place, id in enumerate(pool.ids)}
    campaign = Campaign.create(None, pool, LEARNER, "random", TASK, seed=0, control=0.1)
    active = [id for id in pool.ids if id not in campaign.state.reserve][:20]
    campaign.tell({id: truth[id] for id in active})
    before = campaign.fit().fingerprint
    campaign.tell({id: truth[id] for id in campaign.state.reserve[:20]})
    assert campaign.fit().fingerprint == before  # the one that asks never sees them
    events = len(campaign.journal())
    final = final_model(campaign)
    assert final.fingerprint != before
    assert [one["event"] for one in campaign.journal()[events:]] == ["noted"]
    assert (
        f"all 40 labels, control included, was made for export: {final.fingerprint}"
        in (campaign.journal()[-1]["text"])
    )
    assert predictions(campaign).model == before
    assert final_model(campaign).fingerprint == final.fingerprint


def test_an_exported_pipeline_says_what_the_model_says(tmp_path: Path) -> None:
    campaign = trained()
    export = Export(campaign.state, model=campaign.newest())
    assert write_export("model", tmp_path / "m.joblib", export) == 1
    pipeline = joblib.load(tmp_path / "m.joblib")
    said = predictions(campaign)
    assert pipeline.predict(TEXTS).tolist() == said.labels
    order = [pipeline.classes_.tolist().index(name) for name in TASK.classes]
    assert pipeline.predict_proba(TEXTS)[:, order] == pytest.approx(said.proba, abs=1e-6)
    text = describe(export)
    assert f"model: {said.model}" in text
    assert "classes: no, yes" in text
    assert "scikit-learn: " in text


@pytest.mark.parametrize(
    "wrapper",
    [{"name": "pseudo_label"}, {"name": "self_training"}, {"name": "generative", "generation": "none"}],
)
def test_a_learner_round_a_learner_is_exported_too(wrapper: dict[str, str], tmp_path: Path) -> None:
    campaign = trained(learner={**wrapper, "of": LEARNER})
    export = Export(campaign.state, model=campaign.newest())
    write_export("model", tmp_path / "m.joblib", export)
    said = predictions(campaign)
    assert joblib.load(tmp_path / "m.joblib").predict(TEXTS).tolist() == said.labels
    assert f"model: {said.model}" in describe(export)


def test_an_exported_graph_says_what_the_model_says(tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="comes with nextlabel[dev]")
    campaign = trained()
    write_export("onnx", tmp_path / "m.onnx", Export(campaign.state, model=campaign.newest()))
    session = runtime.InferenceSession(str(tmp_path / "m.onnx"))
    (given,) = session.get_inputs()
    answers = session.run(None, {given.name: np.array(TEXTS, dtype=object)})
    assert list(answers[0]) == predictions(campaign).labels


def test_a_model_of_another_kind_has_no_such_form(tmp_path: Path) -> None:
    class Foreign:
        pass

    export = Export(trained().state, model=Foreign())  # type: ignore[arg-type]
    with pytest.raises(
        CampaignError, match="Foreign cannot be written as an ONNX graph: models of the learner"
    ):
        write_export("onnx", tmp_path / "m.onnx", export)


def test_probabilities_stand_beside_labels(tmp_path: Path) -> None:
    campaign = trained(labels=4)
    campaign.tell({"i0": "no"})  # against what the model says
    export = Export(campaign.state, pool=POOL, predictions=predictions(campaign))
    write_export("jsonl", tmp_path / "out.jsonl", export)
    first = json.loads((tmp_path / "out.jsonl").read_text("utf-8").splitlines()[0])
    said = predictions(campaign).of("i0")
    assert said is not None
    assert said[0] == "yes"
    assert first["probability"] == pytest.approx(1 - said[1], abs=1e-6)
