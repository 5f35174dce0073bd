"""Ensembles: closed forms of agreement, the switches, and what a member's failure says."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nextlabel import arrays, build, classes
from nextlabel.core.learner import Learner, Model
from nextlabel.core.rng import generator
from nextlabel.core.signals import Signals
from nextlabel.errors import LearnerError, MissingSignal, NoLabels, ParameterError
from nextlabel.learners.ensemble import Ensemble, EnsembleModel
from nextlabel.learners.generative import Generative
from nextlabel.learners.precomputed import Precomputed
from nextlabel.learners.pseudo_label import PseudoLabel
from nextlabel.learners.self_training import SelfTraining
from nextlabel.learners.sklearn import SklearnLearner
from nextlabel.learners.torch import TorchLearner
from nextlabel.maths.information import entropy

TASK = classes("a", "b")
POOL = arrays(np.random.default_rng(0).normal(size=(16, 3)).astype(np.float32))
ALL = np.arange(16)
SMALL = TorchLearner(
    {"name": "mlp", "hidden": [6], "dropout": 0.2}, train={"name": "adam", "epochs": 3}, device="cpu"
)


def fitted(ensemble: Ensemble, *, seed: int = 0, previous: Model | None = None) -> EnsembleModel:
    where = np.arange(8)
    return ensemble.fit(POOL, where, where % 2, ALL[8:], generator(seed), task=TASK, previous=previous)


def said(model: Model, names: Collection[str]) -> Signals:
    return model.signals(POOL, ALL, names, generator(1))


def bald(signals: Signals) -> NDArray[np.float64]:
    return entropy(signals["mean_proba"]) - signals["expected_entropy"]


@final
@dataclass(frozen=True)
class Opinions(Learner):
    """The n-th model that is fitted says the n-th opinion of every item."""

    opinions: tuple[float, ...]
    asked: Any

    @property
    def provides(self) -> frozenset[str]:
        return frozenset({"proba"})

    def fit(self, *given: Any, **named: Any) -> Model:
        self.asked.append(named.get("previous"))
        first = self.opinions[(len(self.asked) - 1) % len(self.opinions)]
        return Precomputed({"proba": np.tile([first, 1.0 - first], (16, 1))}).fit(*given, **named)

    def load(self, path: Path) -> Model:
        raise AssertionError


def test_members_that_vote_three_to_two() -> None:
    """Votes 3 and 2 of 5: the variation ratio is 1 − 3/5; the mean is that of the five opinions."""
    signals = said(
        fitted(Ensemble(Opinions((0.9, 0.8, 0.7, 0.4, 0.2), []))), {"votes", "mean_proba", "spread"}
    )
    np.testing.assert_array_equal(signals["votes"], np.tile([3.0, 2.0], (16, 1)))
    np.testing.assert_allclose(signals["mean_proba"][0], [0.6, 0.4], atol=1e-7)
    np.testing.assert_allclose(signals["spread"][0], np.std([0.9, 0.8, 0.7, 0.4, 0.2]), atol=1e-7)


def test_two_certain_members_in_contradiction() -> None:
    signals = said(fitted(Ensemble(Opinions((1.0, 0.0), []), members=2)), {"mean_proba", "expected_entropy"})
    np.testing.assert_allclose(bald(signals), np.log(2.0), atol=1e-7)


def test_fixed_initialisation_and_order_make_equal_members() -> None:
    """Deterministic training from one start in one order: bit-equal members, no disagreement at all."""
    model = fitted(Ensemble(SMALL, members=3, same_initialisation=True, same_order=True))
    assert len({member.fingerprint for member in model.members}) == 1
    signals = said(model, {"mean_proba", "expected_entropy", "votes", "spread"})
    np.testing.assert_array_equal(bald(signals), 0.0)
    np.testing.assert_array_equal(signals["spread"], 0.0)
    np.testing.assert_array_equal(signals["votes"].max(axis=1), 3.0)


@pytest.mark.parametrize(
    "switches",
    [{}, {"same_initialisation": True}, {"same_order": True}],
    ids=["none", "initialisation", "order"],
)
def test_with_one_switch_or_none_members_differ(switches: Any) -> None:
    model = fitted(Ensemble(SMALL, members=2, **switches))
    assert model.members[0].fingerprint != model.members[1].fingerprint


@pytest.mark.parametrize(("switch", "is_equal"), [("same_initialisation", True), ("same_order", False)])
def test_the_switch_of_initialisation_is_the_one_that_fixes_the_start(switch: str, is_equal: bool) -> None:
    starts: list[list[float]] = []

    def train(network: nn.Module, items: Tensor, labels: Tensor, rng: np.random.Generator) -> None:
        starts.append(next(network.parameters()).flatten().tolist())
        with torch.no_grad():
            next(network.parameters())[0, 0] = len(starts)  # the members are to differ in the end

    fitted(Ensemble(TorchLearner("mlp", train=train, device="cpu"), members=2, **{switch: True}))
    assert (starts[0] == starts[1]) is is_equal


def test_the_switch_of_order_fixes_the_order() -> None:
    orders: list[list[int]] = []
    watching = TorchLearner(
        "mlp", train=lambda *given: orders.append(given[3].permutation(8).tolist()), device="cpu"
    )
    fitted(Ensemble(watching, members=2, same_order=True))
    fitted(Ensemble(watching, members=2))
    assert orders[0] == orders[1]
    assert orders[2] != orders[3]


def learners() -> dict[str, tuple[Learner, str]]:
    """Learners whose draws, if any, bear on nothing."""
    logistic = SklearnLearner("logistic")
    return {
        "classifier": (logistic, "SklearnLearner"),
        "features": (SklearnLearner("logistic", features="scale"), "SklearnLearner"),
        "wrapped": (PseudoLabel(logistic), "PseudoLabel"),
        "trained on itself": (SelfTraining(logistic, k=2), "SelfTraining"),
        "doubling": (Generative(logistic, "none"), "Generative"),
        "nested": (Ensemble(logistic, members=1), "Ensemble"),
        "answers": (Precomputed({"proba": np.full((16, 2), 0.5)}), "Precomputed"),
    }


@pytest.mark.parametrize("of", learners())
def test_members_that_are_copies_are_refused(of: str) -> None:
    learner, name = learners()[of]
    with pytest.raises(LearnerError, match=rf"the 3 that {name} made are copies of one model.*'mlp'"):
        fitted(Ensemble(learner, members=3))
    assert fitted(Ensemble(learner, members=1)).members


def test_an_order_that_bears_on_nothing_is_no_ensemble() -> None:
    still = TorchLearner("mlp", train=lambda *_: None, device="cpu")
    with pytest.raises(LearnerError, match="the 2 that TorchLearner made are copies"):
        fitted(Ensemble(still, members=2, same_initialisation=True))
    both = fitted(Ensemble(still, members=2, same_initialisation=True, same_order=True))
    assert len({one.fingerprint for one in both.members}) == 1


@pytest.mark.parametrize("estimator", ["logistic", "random_forest"])
def test_before_a_second_class_has_labels_members_may_be_equal(estimator: str) -> None:
    where = np.arange(4)
    learner = Ensemble(SklearnLearner(estimator), members=2)
    model = learner.fit(POOL, where, where * 0, ALL[4:], generator(0), task=TASK)
    assert said(model, {"mean_proba"})["mean_proba"][0].tolist() == [1.0, 0.0]


def test_one_member_is_the_learner_itself() -> None:
    signals = said(fitted(Ensemble(SMALL, members=1)), {"mean_proba", "expected_entropy"})
    np.testing.assert_array_equal(bald(signals), 0.0)


def test_the_order_of_members_changes_nothing() -> None:
    model = fitted(Ensemble(SMALL, members=3))
    turned = EnsembleModel(model.members[::-1], model._offered)
    names = {"mean_proba", "expected_entropy", "votes", "spread"}
    for name in names:
        np.testing.assert_allclose(said(turned, names)[name], said(model, names)[name], atol=1e-6)


def test_streamed_sums_are_those_of_the_draws() -> None:
    model = fitted(Ensemble(SMALL, members=4))
    draws = said(model, {"draws"})
    assert draws["draws"].shape == (16, 4, 2)
    for name in ("mean_proba", "expected_entropy", "votes", "spread"):
        streamed = said(model, {name})
        assert "draws" not in streamed
        np.testing.assert_allclose(streamed[name], draws[name], atol=1e-6)


def test_draws_are_the_members_and_the_embedding_is_that_of_the_first() -> None:
    model = fitted(Ensemble(SMALL, members=2))
    signals = said(model, {"draws", "embedding"})
    for number, member in enumerate(model.members):
        np.testing.assert_array_equal(signals["draws"][:, number], said(member, {"proba"})["proba"])
    np.testing.assert_array_equal(signals["embedding"], said(model.members[0], {"embedding"})["embedding"])


def test_width_multiplies_the_units_of_members() -> None:
    assert said(fitted(Ensemble(SMALL, members=1, width=0.5)), {"embedding"})["embedding"].shape == (16, 3)


def test_members_are_given_their_own_previous_models() -> None:
    asked: list[Model | None] = []
    ensemble = Ensemble(Opinions((0.9, 0.2), asked), members=2)
    before = fitted(ensemble)
    fitted(ensemble, previous=before)
    assert asked[:2] == [None, None]
    assert asked[2:] == list(before.members)


def test_a_member_that_fails_is_named() -> None:
    with pytest.raises(NoLabels) as caught:
        Ensemble(SMALL).fit(POOL, ALL[:0], ALL[:0], ALL, generator(0), task=TASK)
    assert caught.value.__notes__ == ["while fitting member 1 of 5"]


def test_without_labels_the_embedding_remains() -> None:
    none = np.empty(0, np.int64)
    model = Ensemble(SklearnLearner(), members=2).fit(POOL, none, none, ALL, generator(0), task=TASK)
    assert said(model, {"embedding"})["embedding"].shape == (16, 3)
    with pytest.raises(MissingSignal, match="'proba'"):
        said(model, {"mean_proba"})


def test_a_folder_of_fewer_members_is_refused(tmp_path: Path) -> None:
    fitted(Ensemble(SMALL, members=2)).save(tmp_path / "two")
    with pytest.raises(LearnerError, match=r"An ensemble of 3 members was expected in .*two; found 2"):
        Ensemble(SMALL, members=3).load(tmp_path / "two")


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"members": 0}, ParameterError, "'members' must be a whole number from 1 up; received 0"),
        ({"members": 2.5}, ParameterError, "'members' must be a whole number from 1 up; received 2.5"),
        ({"same_order": "no"}, ParameterError, "'same_order' must be True or False; received 'no'"),
        (
            {"same_initialisation": 1},
            ParameterError,
            "'same_initialisation' must be True or False; received 1",
        ),
        ({"of": "sklearn"}, ParameterError, "'of' must be a learner; received 'sklearn'. Give"),
        ({"width": 0.0}, ParameterError, "'width' must be a finite number above 0; received 0.0"),
        (
            {"width": 0.5},
            ParameterError,
            "A width of 0.5 needs a learner that can be widened; SklearnLearner",
        ),
        ({"same_order": True}, ParameterError, r"separate generators \(fit_from\); SklearnLearner does not"),
        (
            {"same_initialisation": True},
            ParameterError,
            r"separate generators \(fit_from\); SklearnLearner does",
        ),
        (
            {"of": Precomputed({"embedding": np.ones((16, 2))})},
            LearnerError,
            "needs a learner that gives 'proba'; Precomputed gives embedding",
        ),
    ],
)
def test_a_wrong_setting_is_refused_at_once(settings: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Ensemble(**{"of": build("learner", "sklearn"), **settings})
