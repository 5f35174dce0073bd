"""Where a model's own labels stand beside people's, a training ends by its accuracy on people's alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest
import torch
from torch import nn

from nextlabel import arrays, classes
from nextlabel.core.learner import Learner, Model
from nextlabel.core.rng import generator
from nextlabel.learners.abilities import judged_on
from nextlabel.learners.ensemble import Ensemble
from nextlabel.learners.generative import Generative
from nextlabel.learners.learning_loss import LearningLoss
from nextlabel.learners.pseudo_label import PseudoLabel
from nextlabel.learners.self_training import SelfTraining
from nextlabel.learners.sgd import SgdTraining
from nextlabel.learners.sklearn import SklearnLearner
from nextlabel.learners.torch import TorchLearner
from nextlabel.learners.training import AdamTraining

TASK = classes("low", "high")
RNG = np.random.default_rng(4)
TRUTH = np.arange(600) % 2
ROWS = np.where(TRUTH[:, None], 2.0, -2.0) + RNG.normal(size=(600, 4))
ROWS[26:30, 3] += np.where(TRUTH[26:30], -3.0, 3.0)
POOL = arrays(ROWS.astype(np.float32))
FIRST = np.arange(20)
MORE = np.arange(30)
ODD = np.where(MORE >= 26, 1 - TRUTH[MORE], TRUTH[MORE])
"""The last four of people's labels are against what the others say of such items: they are learnt last."""

ADAM = {"name": "adam", "learning_rate": 0.01, "epochs": 400}
STACKED = TorchLearner({"name": "mlp", "hidden": [32]}, train=ADAM, device="cpu")
LOOPED = TorchLearner({"name": "mlp", "hidden": [64], "dropout": 0.1}, train=ADAM, device="cpu")
DESCENDING = TorchLearner(
    {"name": "mlp", "hidden": [32]},
    train={"name": "sgd", "learning_rate": 0.1, "runs_all_epochs": False, "weight_decay": 0.0},
    device="cpu",
)
LEARNERS: dict[str, Learner] = {
    "stacked": STACKED,
    "looped": LOOPED,
    "descending": DESCENDING,
    "ensemble": Ensemble(STACKED, members=2),
    "learning_loss": LearningLoss(STACKED),
}


def known(model: Model, positions: Any, labels: Any) -> float:
    """The share of these labels that a model gives back."""
    said = model.signals(POOL, positions, {"proba"}, generator(9))["proba"].argmax(axis=1)
    return float(np.mean(said == labels))


def others(labelled: Any) -> Any:
    return np.setdiff1d(np.arange(600), labelled)


@pytest.mark.parametrize("name", LEARNERS)
def test_pseudo_labels_do_not_end_a_training(name: str) -> None:
    learner = PseudoLabel(LEARNERS[name], threshold=1.0, rate=0.0)  # above log 2: all of them
    first = learner.fit(POOL, FIRST, TRUTH[FIRST], others(FIRST), generator(0), task=TASK)
    left = others(MORE)
    second = learner.fit(POOL, MORE, ODD, left, generator(1), task=TASK, previous=first)
    assert second.report.used == len(left)
    assert known(second, MORE, ODD) > 0.96
    own = first.signals(POOL, left, {"proba"}, generator(9))["proba"].argmax(axis=1)
    everything = np.concatenate([MORE, left]), np.concatenate([ODD, own])
    plain = LEARNERS[name].fit(POOL, *everything, left[:0], generator(1), task=TASK, previous=first.of)
    assert known(plain, MORE, ODD) < 0.96  # ended at 99 % of all: the test can tell


@pytest.mark.parametrize("beta", [1.0, 0.3])
@pytest.mark.parametrize("name", ["stacked", "looped"])
def test_self_training_does_not_end_on_its_own_labels(name: str, beta: float) -> None:
    learner = SelfTraining(
        LEARNERS[name], rule="threshold", confidence=0.0, beta=beta, is_balanced=False, iterations=1
    )
    model = learner.fit(POOL, MORE, ODD, others(MORE), generator(0), task=TASK)
    assert model.report.used == 570
    assert known(model, MORE, ODD) > 0.96


@pytest.mark.parametrize("training", [AdamTraining, SgdTraining])
def test_the_accuracy_is_of_those_judged(training: Any) -> None:
    items, labels = torch.tensor([[-1.0], [1.0], [1.0]]), torch.tensor([0, 1, 1])
    wrong = torch.tensor([0, 0, 1])  # the last two are one item: nobody learns both
    settings = {"learning_rate": 0.5, "epochs": 20, "runs_all_epochs": False}
    for judged, answers, converged in ((0, wrong, False), (1, wrong, True), (9, labels, True)):
        torch.manual_seed(0)
        ended = training(**settings, judged=judged)(nn.Linear(1, 2), items, answers, generator(0))
        assert ended.converged is converged, judged
        assert (ended.accuracy == 1.0) is converged


def test_the_scale_of_scores_is_learnt_of_people_alone() -> None:
    """A factor learnt of the model's own labels says that it is far surer than it is right."""
    learner = TorchLearner("mlp", train={**ADAM, "epochs": 20}, loss="z_loss", device="cpu")
    three, left = classes("low", "high", "none"), others(MORE)
    where = np.concatenate([MORE, left])

    def factor(own: Any, judged: int) -> float:
        labels = np.concatenate([TRUTH[MORE], own])
        fitted = learner.judged_on(judged).fit(POOL, where, labels, left[:0], generator(0), task=three)
        return fitted.outputs.factor

    right, wrong = TRUTH[left], 1 - TRUTH[left]
    assert factor(right, len(MORE)) == factor(wrong, len(MORE))
    assert factor(right, 0) != factor(wrong, 0)


def test_generated_items_do_not_end_a_training_nor_set_a_scale() -> None:
    images = arrays(ROWS.astype(np.float32).reshape(600, 2, 2))
    seen: list[int] = []
    of = Judging(STACKED, seen)
    learner = Generative(of, autoencoder="identity", must_agree=False)
    first = learner.fit(images, FIRST, TRUTH[FIRST], others(FIRST), generator(0), task=TASK)
    assert seen == []
    again = learner.fit(images, MORE, TRUTH[MORE], others(MORE), generator(1), task=TASK, previous=first)
    assert again.report.used == 10
    assert seen == [len(MORE)]


@final
@dataclass(frozen=True)
class Judging(Learner):
    """Keeps on how many items its trainings are judged."""

    of: TorchLearner
    seen: Any

    @property
    def provides(self) -> frozenset[str]:
        return self.of.provides

    def judged_on(self, first: int) -> Learner:
        self.seen.append(first)
        return self.of.judged_on(first)

    def fit(self, *given: Any, **told: Any) -> Model:
        return self.of.fit(*given, **told)

    def load(self, path: Path) -> Model:
        return self.of.load(path)


def test_what_ends_by_itself_is_left_as_it_is() -> None:
    assert judged_on(SklearnLearner(), 7) == SklearnLearner()
    own = TorchLearner("mlp", train=lambda network, items, labels, rng: None, device="cpu")
    assert own.judged_on(7).train is own.train
