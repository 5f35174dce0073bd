"""Learning loss: what the head is taught, when it leaves the network alone, and what is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nextlabel import arrays, build, classes, multilabel
from nextlabel.core.learner import Model
from nextlabel.errors import LearnerError, NoLabels, ParameterError
from nextlabel.learners.learning_loss import LearningLoss, LearningLossModel, WithHead
from nextlabel.learners.loss_head import LossHead
from nextlabel.learners.losses import CrossEntropy, Focal, Loss
from nextlabel.learners.objective import Objective
from nextlabel.learners.torch import TorchLearner
from nextlabel.learners.torch_model import TorchModel

TASK = classes("a", "b", "c")
DRAWN = np.random.default_rng(11)
CENTRES = DRAWN.normal(size=(3, 12, 12))
POOL = arrays((CENTRES[np.arange(60) % 3] + 0.8 * DRAWN.normal(size=(60, 12, 12))).astype(np.float32))
LABELLED = np.arange(40)
UNLABELLED = np.arange(40, 60)
DROPPING = {"name": "mlp", "hidden": [16, 8], "dropout": 0.3}


def torch_learner(**settings: Any) -> TorchLearner:
    given = {"train": {"name": "adam", "epochs": 4, "runs_all_epochs": True, "chunk": 7}, "device": "cpu"}
    return TorchLearner(**{**given, **settings})


def fit(learner: Any, seed: int = 0, previous: Model | None = None, labelled: Any = LABELLED) -> Any:
    rng = np.random.default_rng(seed)
    return learner.fit(POOL, labelled, labelled % 3, UNLABELLED, rng, task=TASK, previous=previous)


def said(model: Model, name: str = "loss") -> NDArray[Any]:
    return model.signals(POOL, UNLABELLED, {name}, np.random.default_rng(0))[name]


def setting(settings: LearningLoss, loss: Loss | None = None) -> WithHead:
    torch.manual_seed(1)
    return WithHead(LossHead(["act"], [6], 5), CrossEntropy() if loss is None else loss, settings)


class Small(nn.Module):
    """Two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.act, self.final = nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3)

    def forward(self, items: Tensor) -> Tensor:
        logits: Tensor = self.final(self.act(self.first(items)))
        return logits


ITEMS = torch.randn(6, 4, generator=torch.Generator().manual_seed(5))
LABELS = torch.arange(6) % 3


@pytest.mark.parametrize("ranking", ["margin", "relative"])
@pytest.mark.parametrize("loss", [CrossEntropy(), Focal()], ids=["cross_entropy", "focal"])
def test_the_total_is_the_mean_loss_and_the_weighted_ranking_of_the_head(ranking: Any, loss: Loss) -> None:
    settings = LearningLoss(torch_learner(), weight=0.5, loss=ranking, margin=2.0)
    network = Small()
    objective = setting(settings, loss)
    total = objective.loss(network, ITEMS, LABELS, None)
    losses = loss.per_item(network(ITEMS), LABELS)
    features = network.act(network.first(ITEMS))
    head = objective.beside()
    predicted = head.last(head.each[0](features).relu())[:, 0]
    expected = losses.mean() + 0.5 * settings.ranked(predicted, losses)
    assert total.item() == pytest.approx(expected.item(), abs=1e-6)
    weighted = objective.loss(network, ITEMS, LABELS, torch.full((6,), 3.0))
    assert (weighted - total).item() == pytest.approx(2 * losses.mean().item(), abs=1e-5)


def slopes(objective: WithHead, network: Small) -> tuple[Tensor, Tensor]:
    """Of the first layer, and of the head's last one."""
    network.zero_grad()
    head = objective.beside()
    head.zero_grad()
    objective.loss(network, ITEMS, LABELS, None).backward()  # type: ignore[no-untyped-call]
    first, last = network.first.weight.grad, head.last.weight.grad
    assert first is not None
    assert last is not None
    return first.clone(), last.clone()


def plain_slope(network: Small) -> Tensor:
    network.zero_grad()
    nn.functional.cross_entropy(network(ITEMS), LABELS).backward()  # type: ignore[no-untyped-call]
    assert network.first.weight.grad is not None
    return network.first.weight.grad.clone()


@pytest.mark.parametrize("stop", [0.0, 0.6, 0.58, 1.0])
def test_after_the_stop_the_head_learns_and_the_network_feels_nothing(stop: float) -> None:
    settings = LearningLoss(torch_learner(), stop=stop)
    network = Small()
    objective = setting(settings)
    for epoch in range(1, 101):
        objective.begin(epoch, 100)
        ours, of_head = slopes(objective, network)
        feels = not torch.equal(ours, plain_slope(network))  # exactly the plain gradient, not nearly
        assert feels == (epoch <= round(100 * stop))
        assert of_head.any()


def test_no_gradient_flows_through_the_true_losses() -> None:
    """The features that the head reads do not depend on the last layer; the true losses do."""
    network = Small()
    objective = setting(LearningLoss(torch_learner(), stop=0.0))
    objective.begin(1, 1)
    slopes(objective, network)
    assert network.final.weight.grad is not None
    ours = network.final.weight.grad.clone()
    plain_slope(network)
    assert torch.equal(ours, network.final.weight.grad)


@pytest.mark.parametrize(
    "settings",
    [
        {"network": DROPPING, "draws": 2},
        {"network": "lenet"},
        {"network": "mlp"},
        {"network": "lenet", "loss": "focal"},
        {"network": "lenet", "train": {"name": "sgd", "epochs": 2, "learning_rate": 0.01}},
    ],
    ids=["dropout", "lenet", "stacked", "focal", "sgd"],
)
@pytest.mark.parametrize("ranking", ["margin", "relative"])
def test_without_weight_the_network_is_that_of_the_plain_learner(settings: Any, ranking: Any) -> None:
    plain = torch_learner(**settings)
    model = fit(LearningLoss(plain, weight=0.0, loss=ranking))
    alone = fit(plain)
    assert model.of.fingerprint == alone.fingerprint
    for name in plain.provides:
        assert np.array_equal(said(model, name), said(alone, name))


def with_objective(learner: TorchLearner, settings: LearningLoss) -> TorchModel:
    initialisation, order = np.random.default_rng(0).spawn(2)

    def make(network: nn.Module, items: Tensor, classes: int, loss: Loss) -> Objective:
        return WithHead(LossHead(["2"], [16], 8), loss, settings)

    return learner.fit_objective(
        POOL,
        LABELLED,
        LABELLED % 3,
        UNLABELLED,
        task=TASK,
        initialisation=initialisation,
        order=order,
        objective=make,
    )


@pytest.mark.parametrize("loss", ["cross_entropy", "focal"])
def test_a_head_of_weight_0_beside_the_training_changes_no_bit(loss: str) -> None:
    plain = torch_learner(network=DROPPING, loss=loss)
    settings = LearningLoss(plain, weight=0.0)
    assert with_objective(plain, settings).fingerprint == fit(plain).fingerprint
    assert with_objective(plain, replace(settings, weight=1.0)).fingerprint != fit(plain).fingerprint


def test_a_stop_at_once_leaves_the_network_as_it_would_be() -> None:
    plain = torch_learner(network="lenet")
    model, other = (fit(LearningLoss(plain, stop=stop)) for stop in (0.0, 1.0))
    assert model.of.fingerprint == fit(plain).fingerprint
    assert other.of.fingerprint != fit(plain).fingerprint


@pytest.mark.parametrize("ranking", ["margin", "relative"])
def test_the_head_learns_which_items_have_the_larger_loss(ranking: Any) -> None:
    """Half of the items are labelled at random, and their first number says which.

    A head that knows nothing orders 40 such items against 40 others by chance: an area of 1/2 with a
    deviation of 0.065. What is asked for is six of these away.
    """
    rng = np.random.default_rng(3)
    is_noisy = rng.random(280) < 0.5
    items = rng.normal(size=(280, 4)).astype(np.float32)
    labels = np.where(is_noisy, rng.integers(0, 2, 280), (items[:, 1] > 0).astype(np.int64))
    items[:, 0] = np.where(is_noisy, 3.0, -3.0)
    pool, known = arrays(items), np.arange(200)
    train = {"name": "adam", "epochs": 30, "runs_all_epochs": True, "learning_rate": 0.01}
    learner = LearningLoss(torch_learner(train=train), hidden=16, loss=ranking)
    model = learner.fit(pool, known, labels[known], known[:0], np.random.default_rng(0), task=TASK)
    asked = np.arange(200, 280)
    predicted = model.signals(pool, asked, {"loss"}, rng)["loss"]
    above = predicted[is_noisy[asked]][:, None] > predicted[~is_noisy[asked]][None, :]
    assert above.mean() > 0.9


def test_the_loss_of_a_chunk_is_that_of_its_items() -> None:
    model = fit(LearningLoss(torch_learner(network="lenet", chunk=3)))
    network, head = model.of.network, model.head
    items = torch.as_tensor(POOL.take(UNLABELLED))
    seen: list[Tensor] = []
    handles = [
        network.get_submodule(name).register_forward_hook(lambda *a: seen.append(a[2])) for name in head.names
    ]
    with torch.no_grad():
        network(items)
        predicted = head([one.mean((2, 3)) if one.ndim == 4 else one for one in seen])
    for handle in handles:
        handle.remove()
    assert len(seen) == 4
    assert np.abs(said(model) - predicted.numpy()).max() < 1e-5


def test_features_of_a_learner_are_read_by_the_head_too() -> None:
    model = fit(LearningLoss(torch_learner(features="scale")))
    assert np.isfinite(said(model)).all()
    assert said(model).std() > 0


def test_blocks_can_be_named() -> None:
    model = fit(LearningLoss(torch_learner(network="lenet"), blocks=["1", "4"], hidden=3))
    assert (model.head.names, model.head.widths) == (("1", "4"), (6, 16))


def test_a_residual_network_says_itself_which_blocks_it_has() -> None:
    train = {"name": "sgd", "epochs": 1, "learning_rate": 0.01}
    model = fit(LearningLoss(torch_learner(network="narrow_resnet", train=train), hidden=4))
    assert model.head.names == model.of.network.blocks
    assert model.head.widths == (16, 32, 64, 128)
    assert np.isfinite(said(model)).all()


def test_where_the_learner_continues_so_does_the_head() -> None:
    still = {"name": "adam", "epochs": 1, "learning_rate": 1e-12}
    learner = LearningLoss(torch_learner(network="lenet"), hidden=4)
    first = fit(learner)
    going_on = replace(learner, of=torch_learner(network="lenet", train=still, continues=True))
    assert (going_on.remembers, learner.remembers) == (True, False)
    assert np.abs(said(fit(going_on, 1, first)) - said(first)).max() < 1e-5
    afresh = replace(learner, of=torch_learner(network="lenet", train=still))
    assert np.abs(said(fit(afresh, 1, first)) - said(first)).max() > 1e-3
    other_head = fit(replace(going_on, hidden=5), 1, first)
    assert other_head.head.hidden == 5
    assert fit(learner, 1, first).fingerprint == fit(learner, 1).fingerprint


def test_a_loss_that_is_calibrated_has_the_head_of_its_own_training() -> None:
    learner = LearningLoss(torch_learner(loss={"name": "z_loss", "b": 1.2}), hidden=4)
    model = fit(learner)
    assert model.of.outputs.factor != 1.0
    assert model.fingerprint == fit(learner).fingerprint


def test_a_model_is_read_back_and_another_file_is_named(tmp_path: Path) -> None:
    learner = LearningLoss(torch_learner(network="lenet"), hidden=4)
    model = fit(learner)
    model.save(tmp_path / "model")
    loaded = learner.load(tmp_path / "model")
    assert isinstance(loaded, LearningLossModel)
    assert loaded.fingerprint == model.fingerprint
    with pytest.raises(LearnerError, match=r"written by LearningLossModel.save was expected"):
        learner.load(tmp_path)
    (tmp_path / "model" / "head.pt").write_bytes(b"torn")
    with pytest.raises(LearnerError, match=r"was expected in .*head\.pt; it cannot be read"):
        learner.load(tmp_path / "model")
    (tmp_path / "model" / "head.pt").unlink()
    with pytest.raises(LearnerError, match=r"head\.pt; it cannot be read: .*No such file"):
        learner.load(tmp_path / "model")


def test_no_labels_and_one_label() -> None:
    learner = LearningLoss(torch_learner())
    with pytest.raises(NoLabels, match="TorchLearner trains from scratch and needs labels"):
        fit(learner, labelled=LABELLED[:0])
    assert np.isfinite(said(fit(learner, labelled=LABELLED[:1]))).all()
    assert np.isfinite(said(fit(replace(learner, weight=0.0), labelled=LABELLED[:1]))).all()


def test_several_classes_an_item_are_refused_by_its_own_name() -> None:
    several = multilabel("a", "b", "c")
    labels = np.zeros((40, 3), np.int64)
    with pytest.raises(
        LearnerError, match=r"^LearningLoss fits one class an item; received a task of several"
    ):
        LearningLoss(torch_learner()).fit(
            POOL, LABELLED, labels, UNLABELLED, np.random.default_rng(0), task=several
        )


def test_weights_move_the_network_and_the_head_learns_all_the_same() -> None:
    """At λ = 0 the network is that of the wrapped learner, weighted as it would be by itself."""
    weights = 1.0 + np.arange(40.0)
    given = (POOL, LABELLED, LABELLED % 3, UNLABELLED)

    def weighted(learner: Any) -> Any:
        return learner.fit_weighted(*given, np.random.default_rng(0), task=TASK, weights=weights)

    without = LearningLoss(torch_learner(), weight=0.0)
    assert weighted(without).of.fingerprint == weighted(torch_learner()).fingerprint
    model = weighted(LearningLoss(torch_learner()))
    assert model.of.fingerprint != fit(LearningLoss(torch_learner())).of.fingerprint
    assert np.ptp(said(model)) > 0


def tanh(inputs: tuple[int, ...], classes: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(144, 6), nn.Tanh(), nn.Linear(6, classes))


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_a_network_without_blocks_is_refused(weight: float) -> None:
    learner = LearningLoss(torch_learner(network=tanh), weight=weight)
    with pytest.raises(LearnerError, match="none was found"):
        fit(learner)
    assert np.isfinite(said(fit(replace(learner, blocks=["2"])))).all()


def own(network: nn.Module, items: Tensor, labels: Tensor, rng: np.random.Generator) -> None:
    """Somebody's training, of four arguments."""


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"of": build("learner", "sklearn")}, "needs a TorchLearner .*; received SklearnLearner. Give"),
        ({"of": "torch"}, "received 'torch'. Give"),
        ({"of": torch_learner(train=own)}, "received TorchLearner with somebody's own training. Give"),
        (
            {"of": torch_learner(train={"name": "adam", "chunk": 1})},
            "compares items of a minibatch; received a training with a chunk of 1",
        ),
        ({"blocks": "layer1"}, "'blocks' must be names of modules; received 'layer1'"),
        ({"blocks": []}, r"'blocks' must be names of modules; received \[\]"),
        ({"blocks": [1]}, r"'blocks' must be names of modules; received \[1\]"),
        ({"hidden": 0}, "LearningLoss's 'hidden' must be a whole number from 1 up; received 0"),
        ({"margin": 0.0}, "LearningLoss's 'margin' must be a finite number above 0; received 0"),
        ({"weight": -1.0}, "LearningLoss's 'weight' must be a finite number of at least 0; received -1"),
        ({"stop": 1.5}, "LearningLoss's 'stop' must be a number of at least 0 and at most 1; received 1.5"),
        ({"loss": "squared"}, "LearningLoss's 'loss' .*; received 'squared'"),
    ],
)
def test_a_wrong_setting_is_refused_at_once(settings: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        LearningLoss(**{"of": torch_learner(), **settings})


def test_a_compiled_network_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no GPU none can be asked for: the switch is set on a learner that exists."""
    compiled = torch_learner()
    object.__setattr__(compiled, "compile", True)
    with pytest.raises(ParameterError, match=r"received TorchLearner that compiles its network. Give"):
        LearningLoss(compiled)
