"""The torch learner with another loss, warm starts, augmentation, and what makes a GPU faster."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nextlabel import arrays, build, classes
from nextlabel.core.learner import Fit
from nextlabel.core.registry import spec_of
from nextlabel.core.spec import Spec
from nextlabel.errors import LearnerError, ParameterError, UnknownName
from nextlabel.learners.ensemble import Ensemble
from nextlabel.learners.losses import CrossEntropy, Focal, Loss, Sigmoid
from nextlabel.learners.objective import OfLoss
from nextlabel.learners.torch import TorchLearner
from nextlabel.learners.torch_model import TorchModel

TASK = classes("a", "b", "c")
DRAWN = np.random.default_rng(5)
CENTRES = DRAWN.normal(size=(3, 6, 6))
POOL = arrays((CENTRES[np.arange(60) % 3] + 0.4 * DRAWN.normal(size=(60, 6, 6))).astype(np.float32))
LABELLED = np.arange(30)
UNLABELLED = np.arange(30, 60)
SHORT = {"name": "adam", "epochs": 6, "runs_all_epochs": True}
ADVERSARIAL = {"name": "adversarial_comp_sum", "steps": 2}


def learner(**settings: Any) -> TorchLearner:
    return TorchLearner(**{"train": SHORT, "device": "cpu", **settings})


def fit(one: TorchLearner, seed: int = 0, previous: Any = None, labelled: Any = LABELLED) -> TorchModel:
    rng = np.random.default_rng(seed)
    return one.fit(POOL, labelled, labelled % 3, UNLABELLED, rng, task=TASK, previous=previous)


def said(model: TorchModel, name: str = "proba") -> NDArray[Any]:
    return model.signals(POOL, UNLABELLED, {name}, np.random.default_rng(0))[name]


def own(network: nn.Module, items: Tensor, labels: Tensor, rng: np.random.Generator) -> None:
    """Somebody's training, of four arguments."""


@pytest.mark.parametrize(
    "loss",
    ["sigmoid", "focal", "class_balanced", "comp_sum", ADVERSARIAL, {"name": "z_loss", "b": 1.4}],
    ids=str,
)
def test_every_loss_learns_what_is_easy(loss: Any) -> None:
    model = fit(learner(loss=loss, train={"name": "adam", "epochs": 60, "learning_rate": 0.01}))
    assert (said(model).argmax(1) == UNLABELLED % 3).mean() > 0.9


def test_cross_entropy_by_any_spelling_is_the_plain_training() -> None:
    spelled = [learner(loss=one) for one in ("cross_entropy", {"name": "cross_entropy"}, CrossEntropy())]
    assert len({*spelled, learner()}) == 1
    assert spelled[0].stacks
    assert len({fit(one).fingerprint for one in [*spelled, learner()]}) == 1


def test_a_loss_that_equals_cross_entropy_trains_the_same_network_up_to_rounding() -> None:
    """Comp-sum with tau = 1 is the cross-entropy; the sums are taken in another order than in a stack."""
    plain, same = (fit(learner(loss=one)) for one in ("cross_entropy", {"name": "comp_sum", "tau": 1.0}))
    assert np.abs(said(plain) - said(same)).max() < 1e-3


def test_logits_are_what_the_loss_says_that_outputs_mean() -> None:
    model = fit(learner(loss="sigmoid"))
    items = torch.as_tensor(POOL.take(UNLABELLED))
    with torch.no_grad():
        sigmoids = torch.sigmoid(model.network(items)).numpy()
    assert np.abs(said(model) - sigmoids / sigmoids.sum(1, keepdims=True)).max() < 1e-6


def test_draws_are_read_as_the_loss_says_too() -> None:
    """Without dropout in force every draw is the deterministic model."""
    network = {"name": "mlp", "dropout": 1e-9}
    model = fit(learner(network=network, loss="focal", draws=2))
    told = model.signals(POOL, UNLABELLED, {"mean_proba", "proba"}, np.random.default_rng(0))
    assert np.abs(told["mean_proba"] - told["proba"]).max() < 1e-5


def test_a_loss_is_told_the_labelled_counts() -> None:
    """1 of a class against 29: balanced, its items count as much as all others of a class together."""
    labels = np.r_[0, np.ones(29, np.int64)]

    def proba(loss: Any) -> NDArray[Any]:
        one = learner(loss=loss, train={**SHORT, "epochs": 20})
        rng = np.random.default_rng(0)
        return said(one.fit(POOL, LABELLED, labels, UNLABELLED, rng, task=TASK))

    balanced = proba({"name": "class_balanced", "beta": 1.0})
    assert balanced[:, 0].mean() > 2 * proba("cross_entropy")[:, 0].mean()


def test_biases_begin_where_the_loss_wants_them() -> None:
    model = fit(_untrained("sigmoid"))
    last = [one for one in model.network.modules() if isinstance(one, nn.Linear)][-1]
    assert last.bias.tolist() == pytest.approx([-np.log(2.0)] * 3, abs=1e-5)
    named = fit(_untrained("sigmoid", embedding="1"))
    last = [one for one in named.network.modules() if isinstance(one, nn.Linear)][-1]
    assert last.bias.tolist() != pytest.approx([-np.log(2.0)] * 3, abs=1e-5)


def _untrained(loss: Any, **settings: Any) -> TorchLearner:
    still = {"name": "adam", "epochs": 1, "learning_rate": 1e-12}
    return learner(loss=loss, train=still, **settings)


def test_a_loss_without_a_scale_is_calibrated_on_labelled_items_held_back(tmp_path: Path) -> None:
    one = learner(loss={"name": "z_loss", "b": 1.4})
    model = fit(one)
    assert model.outputs.factor not in (0.0, 1.0)
    model.save(tmp_path / "model")
    loaded = one.load(tmp_path / "model")
    assert loaded.outputs == model.outputs
    assert loaded.fingerprint == model.fingerprint
    assert np.array_equal(said(loaded), said(model))


def test_calibration_leaves_the_network_as_it_is() -> None:
    """The factor is learnt from copies of streams: the network is that of a loss with the same gradients."""

    class Scaled(Focal):  # type: ignore[misc]
        is_probabilistic = False

    one, other = (fit(learner(loss=loss)) for loss in (Scaled(), Focal()))
    for name, values in one.network.state_dict().items():
        assert torch.equal(values, other.network.state_dict()[name])
    assert one.outputs.factor != other.outputs.factor == 1.0


def test_a_model_of_another_loss_is_refused(tmp_path: Path) -> None:
    fit(learner(loss="focal")).save(tmp_path / "focal")
    fit(learner()).save(tmp_path / "plain")
    with pytest.raises(LearnerError, match=r"the loss of this learner, Sigmoid\(\); it was on Focal\("):
        learner(loss="sigmoid").load(tmp_path / "focal")
    with pytest.raises(LearnerError, match=r"this learner, Sigmoid\(\); it was on CrossEntropy\("):
        learner(loss="sigmoid").load(tmp_path / "plain")


def test_losses_are_written_down_and_read_back() -> None:
    one = learner(loss=Focal(gamma=1.0))
    again = build("learner", json.loads(spec_of(one).to_json()))
    assert again == one
    assert again.loss == Spec("focal", {"gamma": 1.0})


def test_a_loss_of_somebody_s_own_is_used_as_it_is() -> None:
    class Squared(Loss):
        def per_item(self, outputs: Tensor, labels: Tensor) -> Tensor:
            wanted = nn.functional.one_hot(labels, outputs.shape[1])
            return (outputs - wanted).square().sum(1)

    one = learner(loss=Squared(), train={**SHORT, "epochs": 40, "learning_rate": 0.01})
    assert (said(fit(one)).argmax(1) == UNLABELLED % 3).mean() > 0.9


@pytest.mark.parametrize("train", [SHORT, {"name": "sgd", "epochs": 3}], ids=["adam", "sgd"])
@pytest.mark.parametrize("network", ["mlp", {"name": "mlp", "dropout": 0.2}], ids=["stacked", "alone"])
def test_a_learner_that_continues_begins_with_the_last_weights(network: Any, train: Any) -> None:
    before = fit(learner(network=network, train=train))
    still = {"name": "adam", "epochs": 1, "learning_rate": 1e-12}
    kept = fit(learner(network=network, train=still, continues=True), 1, before)
    assert np.abs(said(kept, "logits") - said(before, "logits")).max() < 1e-5
    anew = fit(learner(network=network, train=still), 1, before)
    assert np.abs(said(anew, "logits") - said(before, "logits")).max() > 1e-2


def test_where_the_last_weights_do_not_fit_training_begins_afresh() -> None:
    one = learner(network={"name": "mlp", "hidden": [9]}, continues=True)
    plain = learner(network={"name": "mlp", "hidden": [9]})
    other = fit(learner(network={"name": "mlp", "hidden": [7]}))
    assert fit(one, 1, other).fingerprint == fit(one, 1).fingerprint == fit(plain, 1).fingerprint
    sklearn = build("learner", "sklearn")
    foreign = sklearn.fit(POOL, LABELLED, LABELLED % 3, UNLABELLED, np.random.default_rng(0), task=TASK)
    assert fit(one, 1, foreign).fingerprint == fit(one, 1).fingerprint


def test_trainings_given_together_each_begin_with_their_own() -> None:
    one = learner(continues=True)
    first = [fit(one, seed) for seed in (0, 1)]
    fits = [
        Fit(LABELLED, LABELLED % 3, UNLABELLED, np.random.default_rng(9 + at), before)
        for at, before in enumerate([*first, None])
    ]
    together = one.fit_many(POOL, fits, task=TASK)
    alone = [fit(one, 9 + at, before) for at, before in enumerate([*first, None])]
    assert [model.fingerprint for model in together] == [model.fingerprint for model in alone]


def test_members_of_an_ensemble_continue_each_from_its_own_weights() -> None:
    """In the first round no member begins with those of the member before."""
    one = Ensemble(learner(continues=True), members=2)
    plain = Ensemble(learner(), members=2)
    made = [
        each.fit(POOL, LABELLED, LABELLED % 3, UNLABELLED, np.random.default_rng(0), task=TASK)
        for each in (one, plain)
    ]
    assert made[0].fingerprint == made[1].fingerprint
    assert (one.remembers, plain.remembers) == (True, False)
    assert learner(continues=True).remembers


def test_augmentation_by_name_is_used_in_training_alone() -> None:
    shown = learner(augment={"name": "crop_flip", "pad": 1, "flips": False})
    assert not shown.stacks
    assert fit(shown).fingerprint == fit(shown).fingerprint
    assert fit(shown).fingerprint != fit(learner()).fingerprint
    assert np.array_equal(said(fit(shown)), said(fit(shown)))


def test_an_objective_is_made_of_network_items_classes_and_loss() -> None:
    given: list[Any] = []

    def make(network: nn.Module, items: Tensor, classes: int, loss: Loss) -> OfLoss:
        given.extend([type(network), items.shape, classes, loss, float(torch.rand(()))])
        return OfLoss(loss)

    def made() -> TorchModel:
        rng = np.random.default_rng(0)
        initialisation, order = rng.spawn(2)
        return learner(loss="sigmoid").fit_objective(
            POOL,
            LABELLED,
            LABELLED % 3,
            UNLABELLED,
            task=TASK,
            initialisation=initialisation,
            order=order,
            objective=make,
        )

    assert made().fingerprint == fit(learner(loss="sigmoid")).fingerprint
    assert given[:4] == [nn.Sequential, (2, 6, 6), 3, Sigmoid()]
    made()
    assert given[4] == given[9]  # torch is seeded where it is made


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"loss": "hinge"}, UnknownName, "'hinge' is not a registered loss"),
        ({"loss": {"name": "focal", "gamma": -1.0}}, ParameterError, "'gamma' must be"),
        ({"loss": 3}, ParameterError, "received 3"),
        ({"continues": 1}, ParameterError, "TorchLearner's 'continues' must be True or False; received 1"),
        (
            {"compile": "yes"},
            ParameterError,
            "TorchLearner's 'compile' must be True or False; received 'yes'",
        ),
        ({"precision": "float16"}, ParameterError, "'precision' .*; received 'float16'"),
        (
            {"precision": "mixed", "compile": True},
            ParameterError,
            "^compile of TorchLearner needs a GPU; the device is 'cpu'",
        ),
        ({"compile": True}, ParameterError, "^compile of TorchLearner needs a GPU; the device is 'cpu'"),
        ({"augment": "rotate"}, UnknownName, "'rotate' is not a named augmentation"),
        (
            {"train": own, "loss": "focal", "augment": "crop_flip"},
            ParameterError,
            "loss and augment of TorchLearner need a training that has a name",
        ),
        (
            {"train": own, "augment": "crop_flip"},
            ParameterError,
            "^augment of TorchLearner needs a training that has a name",
        ),
        (
            {"loss": "focal", "tangent": "proxy", "output_change": "jacobian"},
            ParameterError,
            r"output_change and tangent are gradients of the cross-entropy; received the loss Focal\(",
        ),
    ],
)
def test_a_wrong_setting_is_refused_at_once(settings: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        learner(**settings)


def test_somebody_s_own_training_takes_no_objective() -> None:
    with pytest.raises(LearnerError, match="received a function of four arguments for objective"):
        TorchLearner(train=own, device="cpu").fit_objective(
            POOL,
            LABELLED,
            LABELLED % 3,
            UNLABELLED,
            task=TASK,
            initialisation=np.random.default_rng(0),
            order=np.random.default_rng(1),
            objective=lambda network, items, classes, loss: OfLoss(loss),
        )


def test_augmentation_of_what_is_no_image_is_refused_when_it_is_met() -> None:
    pool = arrays(np.zeros((4, 5), np.float32))
    positions = np.arange(4)
    with pytest.raises(LearnerError, match=r"received items of shape \(5,\)"):
        learner(augment="crop_flip").fit(
            pool, positions, positions % 2, positions[:0], np.random.default_rng(0), task=TASK
        )


@pytest.mark.gpu
@pytest.mark.filterwarnings("ignore:TensorFloat32:UserWarning")  # torch's advice to compute less exactly
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("settings", [{"precision": "mixed"}, {"compile": True}], ids=["mixed", "compiled"])
def test_a_gpu_trains_faster_forms_to_like_predictions(settings: Any) -> None:
    """bfloat16 keeps 8 bits: after 6 epochs of 30 items probabilities are near, not equal."""
    plain = fit(TorchLearner(train=SHORT, device="cuda"))
    fast = fit(TorchLearner(train=SHORT, device="cuda", **settings))
    assert np.abs(said(plain) - said(fast)).max() < 0.1
