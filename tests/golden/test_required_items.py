"""A learner that cannot read the items is refused when a campaign begins, not when people have labelled."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from torch import nn

from nextlabel.campaign.campaign import Campaign
from nextlabel.core.registry import build
from nextlabel.core.spec import Spec
from nextlabel.core.task import classes
from nextlabel.errors import LearnerError, NextlabelError
from nextlabel.learners.sklearn import SklearnLearner
from nextlabel.learners.torch import TorchLearner
from nextlabel.readers.arrays import arrays

TEXTS = np.array(["a first text", "another text", "one more"] * 4, dtype=object)
ROWS = np.random.default_rng(0).normal(size=(12, 5)).astype(np.float32)
NAMED = np.array([["red", 1.0], ["blue", 2.0], ["red", 3.0]] * 4, dtype=object)
IMAGES = np.random.default_rng(1).random((12, 8, 8)).astype(np.float32)
TORCH, SKLEARN = {"name": "torch", "network": "mlp"}, {"name": "sklearn"}
TWO, THREE = classes("no", "yes"), classes("no", "yes", "maybe")


def around(name: str, of: Any = SKLEARN, **more: Any) -> dict[str, Any]:
    return {"name": name, "of": of, **more}


@pytest.mark.parametrize(
    ("learner", "items", "says"),
    [
        (SKLEARN, TEXTS, "'sklearn' without features takes numbers; .* features='tfidf' for texts"),
        (SKLEARN, NAMED, "'sklearn' without features takes numbers; .* 'table' for rows"),
        (TORCH, TEXTS, "A network takes numbers; the items are of type object. Give features='tfidf'"),
        ({**TORCH, "features": "scale"}, TEXTS, "features='scale' takes numbers"),
        ({**SKLEARN, "features": "hog"}, ROWS, "features='hog' takes images"),
        ({**SKLEARN, "features": "tfidf"}, ROWS, "features='tfidf' takes texts"),
        ({**SKLEARN, "features": "table"}, IMAGES, "features='table' takes rows"),
        (around("self_training"), TEXTS, "'sklearn' without features takes numbers"),
        (around("pseudo_label", around("self_training")), TEXTS, "'sklearn' without features takes numbers"),
        (around("ensemble", {**TORCH, "features": "scale"}), TEXTS, "features='scale' takes numbers"),
        (around("learning_loss", TORCH), TEXTS, "A network takes numbers"),
        (around("generative", {**SKLEARN, "features": "tfidf"}), TEXTS, "'vae_acgan' makes images and needs"),
        (around("generative", TORCH), ROWS, "'vae_acgan' makes images and needs"),
    ],
)
def test_items_that_a_learner_cannot_read_are_refused_at_the_start(
    learner: dict[str, Any], items: Any, says: str, tmp_path: Path
) -> None:
    journal = tmp_path / "campaign.db"
    with pytest.raises(LearnerError, match=says):
        Campaign.create(journal, arrays(items), learner, "margin", classes("no", "yes"), seed=0)
    assert not journal.exists()


@pytest.mark.parametrize(
    ("learner", "items"),
    [
        (SKLEARN, ROWS),
        (SKLEARN, NAMED[:, 1:]),  # objects, and numbers all the same
        (TORCH, IMAGES),
        ({**SKLEARN, "features": "tfidf"}, TEXTS),
        ({**TORCH, "features": "table"}, NAMED),
        ({**SKLEARN, "features": "hog"}, IMAGES),
        (around("generative", TORCH), IMAGES),
        (around("generative", TORCH, generation="none"), ROWS),
        (around("generative", TORCH, autoencoder="identity"), ROWS),
    ],
)
def test_others_are_taken(learner: dict[str, Any], items: Any) -> None:
    build("learner", Spec.read(learner)).require(arrays(items), TWO)


def network(name: str, **settings: Any) -> dict[str, Any]:
    return {"name": "torch", "network": {"name": name, **settings}, "device": "cpu"}


UNSUITED = [
    ({**network("mlp"), "draws": 5}, ROWS, "Draws need a dropout layer"),
    ({**network("mlp"), "draws": 5, "features": "tfidf"}, TEXTS, "Draws need a dropout layer"),
    (around("ensemble", {**network("mlp"), "draws": 5}), ROWS, "Draws need a dropout layer"),
    (network("lenet"), IMAGES, "images of at least 12 x 12"),
    (network("lenet"), ROWS, "images"),
    (network("mlp", hidden=64), ROWS, "'hidden' must be a list"),
    (network("two_convolutions", width=-1), IMAGES, "'width' must be a finite number above 0"),
    ({**network("mlp"), "embedding": "nosuch"}, ROWS, "'nosuch' is not a module"),
    (around("learning_loss", network("mlp", hidden=[])), ROWS, "must execute a torch.nn.ReLU"),
    (around("learning_loss", network("mlp"), blocks=["nosuch"]), ROWS, "'nosuch' is no module of it"),
    ({**network("mlp"), "loss": "z_loss"}, ROWS, "needs at least 3 classes; received 2"),
    (around("pseudo_label", {**network("mlp"), "loss": "z_loss"}), ROWS, "needs at least 3 classes"),
]


@pytest.mark.parametrize(("learner", "items", "says"), UNSUITED)
def test_a_network_that_suits_neither_items_nor_classes_is_refused_at_the_start(
    learner: dict[str, Any], items: Any, says: str, tmp_path: Path
) -> None:
    """It was refused when the first batch had been labelled, and the campaign could not go on."""
    journal = tmp_path / "campaign.db"
    with pytest.raises(NextlabelError, match=says):
        Campaign.create(journal, arrays(items), learner, "margin", TWO, seed=0)
    assert not journal.exists()


def test_what_is_tried_at_the_start_moves_no_random_state() -> None:
    before = torch.random.get_rng_state()
    build("learner", Spec.read(around("learning_loss", network("mlp")))).require(arrays(ROWS), THREE)
    build("learner", Spec.read({**network("mlp"), "loss": "z_loss"})).require(arrays(ROWS), THREE)
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_network_of_ones_own_behind_features_may_want_its_own_width() -> None:
    """How many features there are is learnt with the first training."""

    def own(inputs: tuple[int, ...], classes: int) -> nn.Module:
        assert inputs == (300,)
        return nn.Linear(300, classes)

    for network in (own, "lenet"):  # a registered one may as well
        learner = TorchLearner(network, features="tfidf", device="cpu")
        learner.require(arrays(TEXTS), TWO)


def test_where_nobody_asks_the_model_it_may_read_nothing() -> None:
    campaign = Campaign.create(None, arrays(TEXTS), SKLEARN, "random", classes("no", "yes"), seed=0)
    assert len(campaign.ask(3).ids) == 3


def test_a_pipeline_of_ones_own_may_read_anything() -> None:
    SklearnLearner(make_pipeline(CountVectorizer(), LogisticRegression())).require(arrays(TEXTS), TWO)
