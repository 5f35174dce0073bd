"""Trainings that take some labelled items more seriously than others."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from nextlabel import arrays, build, classes
from nextlabel.core.learner import Learner, Model
from nextlabel.core.task import multilabel
from nextlabel.errors import LabelError, LearnerError, ParameterError, PoolError
from nextlabel.learners.abilities import Separable, Weighable, Widenable, kept_by_weight
from nextlabel.learners.ensemble import Ensemble
from nextlabel.learners.objective import OfLoss
from nextlabel.learners.pseudo_label import PseudoLabel
from nextlabel.learners.sklearn import SklearnLearner
from nextlabel.learners.torch import TorchLearner
from nextlabel.learners.training import AdamTraining

TASK = classes("low", "high", "never")
POOL = arrays(np.random.default_rng(7).normal(size=(30, 3)))
LABELLED = np.arange(20)
LABELS = (POOL.take(LABELLED)[:, 0] > 0).astype(np.int64)
UNLABELLED = np.arange(20, 30)

SHORT = {"name": "adam", "epochs": 4, "runs_all_epochs": True}
LEARNERS: dict[str, Any] = {
    "torch in stacks": {"name": "torch", "train": SHORT, "device": "cpu"},
    "torch with draws": {
        "name": "torch",
        "network": {"name": "mlp", "dropout": 0.5},
        "train": SHORT,
        "draws": 3,
        "device": "cpu",
    },
    "torch by sgd": {"name": "torch", "train": {"name": "sgd", "epochs": 3}, "device": "cpu"},
    "logistic": "sklearn",
    "mlp": {"name": "sklearn", "estimator": {"name": "mlp", "max_iter": 400}},
    "forest": {"name": "sklearn", "estimator": {"name": "random_forest", "n_estimators": 5}},
    "ensemble in stacks": {
        "name": "ensemble",
        "of": {"name": "torch", "train": SHORT, "device": "cpu"},
        "members": 2,
        "same_order": True,
    },
    "ensemble of mlps": {
        "name": "ensemble",
        "of": {"name": "sklearn", "estimator": {"name": "mlp", "max_iter": 400}},
        "members": 2,
    },
    "learning loss": {"name": "learning_loss", "of": {"name": "torch", "train": SHORT, "device": "cpu"}},
}


def said(model: Model) -> NDArray[Any]:
    return model.signals(POOL, UNLABELLED, {"proba"}, np.random.default_rng(0))["proba"]


def fitted(learner: Learner, weights: Any, labelled: Any = LABELLED, labels: Any = LABELS) -> NDArray[Any]:
    assert isinstance(learner, Weighable)
    rng = np.random.default_rng(3)
    return said(learner.fit_weighted(POOL, labelled, labels, UNLABELLED, rng, task=TASK, weights=weights))


def plain(learner: Learner, labelled: Any = LABELLED, labels: Any = LABELS) -> NDArray[Any]:
    return said(learner.fit(POOL, labelled, labels, UNLABELLED, np.random.default_rng(3), task=TASK))


@pytest.mark.parametrize("name", LEARNERS)
def test_equal_weights_give_the_plain_fit_bit_for_bit(name: str) -> None:
    learner = build("learner", LEARNERS[name])
    assert np.array_equal(fitted(learner, np.full(20, 0.3)), plain(learner))


@pytest.mark.parametrize("name", LEARNERS)
def test_learners_with_a_training_that_takes_weights_say_so(name: str) -> None:
    assert build("learner", LEARNERS[name]).takes_weights is True


@pytest.mark.parametrize("name", LEARNERS)
def test_an_item_of_weight_0_is_left_out(name: str) -> None:
    learner = build("learner", LEARNERS[name])
    weights = np.r_[np.ones(15), np.zeros(5)]
    assert np.array_equal(fitted(learner, weights), plain(learner, LABELLED[:15], LABELS[:15]))


@pytest.mark.parametrize("name", LEARNERS)
def test_ratios_of_weights_alone_count(name: str) -> None:
    learner = build("learner", LEARNERS[name])
    weights = np.r_[np.ones(10), np.full(10, 2.0)]
    once, thousandfold = fitted(learner, weights), fitted(learner, 1024 * weights)
    assert np.array_equal(once, thousandfold)
    assert not np.array_equal(once, plain(learner))


def test_a_weight_of_2_is_the_item_twice_where_the_optimum_is_reached() -> None:
    """Both minimise the same sum: the penalty of the one is scaled by the mean weight of the other."""
    doubled, labels = np.r_[LABELLED, LABELLED[:5]], np.r_[LABELS, LABELS[:5]]
    weights = np.r_[np.full(5, 2.0), np.ones(15)]
    tight = {"tol": 1e-10, "solver": "newton-cholesky"}
    heavy = fitted(SklearnLearner(LogisticRegression(**tight)), weights)
    copied = plain(SklearnLearner(LogisticRegression(**tight, C=20 / 25)), doubled, labels)
    assert np.abs(heavy - copied).max() < 1e-6


@pytest.mark.parametrize(
    "settings", [{}, {"same_initialisation": True, "same_order": True}], ids=["drawn", "equal"]
)
def test_a_weight_of_2_in_an_ensemble_is_the_item_twice_where_order_is_nothing(settings: Any) -> None:
    """Steps of all items minimise one sum, by descent without momentum: the two differ by rounding alone.

    20 steps of float32, each with errors of some 1e-7 of the gradient: 1e-4 is far above, and far below the
    effect of the weights.
    """
    train = {"name": "sgd", "learning_rate": 0.1, "momentum": 0.0, "epochs": 20, "chunk": 0}
    learner = Ensemble(TorchLearner(train=train, device="cpu"), members=2, **settings)
    doubled, labels = np.r_[LABELLED, LABELLED[:5]], np.r_[LABELS, LABELS[:5]]
    heavy = fitted(learner, np.r_[np.full(5, 2.0), np.ones(15)])
    assert np.abs(heavy - plain(learner, doubled, labels)).max() < 1e-4
    assert np.abs(heavy - plain(learner)).max() > 1e-3


def test_an_ensemble_takes_weights_where_its_members_do() -> None:
    learner = Ensemble(SklearnLearner(MLPClassifier((4,), max_iter=500)), members=2)
    assert learner.takes_weights
    without = Ensemble(PseudoLabel(SklearnLearner("random_forest")), members=2)
    assert not without.takes_weights
    with pytest.raises(LearnerError, match=r"A weighted fit of an ensemble needs .*; PseudoLabel does not"):
        fitted(without, np.r_[2.0, np.ones(19)])
    assert np.array_equal(fitted(without, np.ones(20)), plain(without))
    with pytest.raises(LabelError, match="Ensemble needs one label and one weight"):
        fitted(learner, np.ones(3))


def test_the_loss_of_a_step_is_the_mean_of_weight_times_loss() -> None:
    """One step of all items: the weights after it follow from the gradient written out."""
    items, labels = torch.tensor([[1.0], [2.0], [-1.0]]), torch.tensor([0, 1, 1])
    weights = torch.tensor([0.5, 1.0, 1.5])
    network = nn.Linear(1, 2)
    nn.init.zeros_(network.weight)
    nn.init.zeros_(network.bias)
    OfLoss().loss(network, items, labels, weights).backward()  # type: ignore[no-untyped-call]
    residual = 0.5 - nn.functional.one_hot(labels, 2)  # probabilities are a half each
    expected = (weights[:, None] * residual * items).mean(0)
    assert torch.allclose(network.weight.grad, expected[:, None], atol=1e-7)  # type: ignore[arg-type]


def test_weights_of_a_minibatch_are_those_of_its_items() -> None:
    seen: list[tuple[float, float]] = []

    class Noting(OfLoss):  # type: ignore[misc]
        def loss(self, network: nn.Module, items: Tensor, labels: Tensor, weights: Tensor | None) -> Tensor:
            assert weights is not None
            seen.extend(zip(items[:, 0].tolist(), weights.tolist(), strict=True))
            return super().loss(network, items, labels, weights)

    items = torch.arange(6.0).unsqueeze(1)
    training = AdamTraining(epochs=1, chunk=4)
    rng = np.random.default_rng(0)
    training(nn.Linear(1, 2), items, torch.arange(6) % 2, rng, objective=Noting(), weights=items[:, 0])
    assert sorted(seen) == [(float(one), float(one)) for one in range(6)]


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.zeros(20), "not all 0; .* received values from 0 to 0"),
        (np.r_[-1.0, np.ones(19)], "received values from -1 to 1"),
        (np.r_[np.nan, np.ones(19)], "received values from nan to nan"),
        (np.r_[np.inf, np.ones(19)], "received values from 1 to inf"),
        (np.array(["a"] * 20), "received type <U1"),
    ],
)
@pytest.mark.parametrize("name", ["torch in stacks", "logistic"])
def test_weights_that_are_no_weights_are_refused(name: str, weights: Any, message: str) -> None:
    learner = build("learner", LEARNERS[name])
    with pytest.raises(ParameterError, match=message) as caught:
        fitted(learner, weights)
    assert type(learner).__name__ in str(caught.value)


@pytest.mark.parametrize("name", ["torch in stacks", "logistic"])
def test_one_weight_for_each_item_is_needed(name: str) -> None:
    learner = build("learner", LEARNERS[name])
    with pytest.raises(LabelError, match=r"received 20 positions, 20 labels and weights of shape \(19,\)"):
        fitted(learner, np.ones(19))
    with pytest.raises(LabelError, match=r"received 20 positions, 19 labels and weights of shape \(20,\)"):
        fitted(learner, np.ones(20), labels=LABELS[:19])
    with pytest.raises(PoolError, match="from 0 to 29"):
        fitted(learner, np.ones(20), labelled=LABELLED + 11)


def test_the_largest_weights_there_are_do_no_harm() -> None:
    _, _, heavy = kept_by_weight([0, 1, 2], [0, 1, 0], [1e308, 1e308, 5e307], learner="The learner")
    assert heavy is not None
    assert heavy.tolist() == pytest.approx([1.2, 1.2, 0.6])


def test_a_pipeline_gives_the_weights_to_its_classifier() -> None:
    weights = np.r_[np.full(5, 8.0), np.ones(15)]
    pipeline = SklearnLearner(make_pipeline(StandardScaler(), LogisticRegression()))
    scaled = StandardScaler().fit(POOL.take(LABELLED))
    expected = LogisticRegression().fit(
        scaled.transform(POOL.take(LABELLED)), LABELS, sample_weight=weights / weights.mean()
    )
    found = fitted(pipeline, weights)[:, :2]
    assert np.abs(found - expected.predict_proba(scaled.transform(POOL.take(UNLABELLED)))).max() < 1e-6


def test_a_classifier_without_weights_is_refused() -> None:
    message = "whose fit takes sample_weight; KNeighborsClassifier does not"
    learner = SklearnLearner(KNeighborsClassifier(3))
    assert not learner.takes_weights
    with pytest.raises(LearnerError, match=message):
        fitted(learner, np.r_[2.0, np.ones(19)])


def test_weights_of_several_classes_an_item_are_refused() -> None:
    task = multilabel(["a", "b"])
    labels = np.stack([LABELS, 1 - LABELS], axis=1)
    learner = SklearnLearner()
    with pytest.raises(LearnerError, match=r"a task of several classes an item \(a, b\)"):
        learner.fit_weighted(
            POOL,
            LABELLED,
            labels,
            UNLABELLED,
            np.random.default_rng(0),
            task=task,
            weights=np.r_[2.0, np.ones(19)],
        )


def test_somebody_s_own_training_takes_no_weights() -> None:
    def own(network: nn.Module, items: Tensor, labels: Tensor, rng: np.random.Generator) -> None:
        return None

    learner = TorchLearner(train=own, device="cpu")
    assert not learner.takes_weights
    with pytest.raises(LearnerError, match="received a function of four arguments for weights"):
        fitted(learner, np.r_[2.0, np.ones(19)])
    assert fitted(learner, np.ones(20)).shape == (10, 3)


def test_what_a_learner_can_do_is_read_off_its_shape() -> None:
    torch_learner, ensemble = (
        TorchLearner(device="cpu"),
        build("learner", {"name": "ensemble", "of": "sklearn"}),
    )
    for ability in (Separable, Weighable, Widenable):
        assert isinstance(torch_learner, ability)
        assert isinstance(ensemble, ability) == (ability is Weighable)
    assert isinstance(SklearnLearner(), Weighable)
