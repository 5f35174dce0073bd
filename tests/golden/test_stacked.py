"""Replicates trained together: the models of single fits, whoever else is in the stack."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from nextlabel import arrays, classes
from nextlabel.core.learner import Fit, Model
from nextlabel.core.rng import generator
from nextlabel.core.spec import Spec
from nextlabel.errors import LabelError, LearnerError, NoLabels
from nextlabel.learners import jobs, stacked
from nextlabel.learners.stacked import stackable
from nextlabel.learners.torch import TorchLearner
from nextlabel.learners.torch_model import TorchModel
from nextlabel.learners.training import trainer
from nextlabel.readers.arrays import ArrayPool

TASK = classes("a", "b", "c")
CENTRES = 1.5 * np.random.default_rng(5).normal(size=(3, 8))
ANSWERS = np.arange(2400) % 3
ROWS = CENTRES[ANSWERS] + np.random.default_rng(6).normal(size=(2400, 8))
POOL = arrays(ROWS.astype(np.float32).reshape(2400, 2, 4))
TESTED = np.arange(400, 2400)

QUICK = {"name": "adam", "learning_rate": 0.01}
SHORT = {"name": "adam", "epochs": 3}
FULL = {"name": "adam", "learning_rate": 0.05, "chunk": 0, "epochs": 20, "runs_all_epochs": True}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Small products are slower on several threads, much slower where these share cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def learner(hidden: Sequence[int] = (16,), train: Any = "adam", **settings: Any) -> TorchLearner:
    network = {"name": "mlp", "hidden": list(hidden), **settings.pop("network", {})}
    return TorchLearner(network, train=train, device="cpu", **settings)


def fits(sizes: Sequence[int], seed: int = 0) -> list[Fit]:
    made = []
    for number, size in enumerate(sizes):
        where = generator(seed, number).permutation(400)[:size]
        made.append(Fit(where, ANSWERS[where], np.empty(0, np.int64), generator(seed, number, 1)))
    return made


def alone(made: TorchLearner, several: Sequence[Fit], pool: ArrayPool = POOL) -> list[TorchModel]:
    """One after the other under the plain routine, which as an object is not recognised and not stacked."""
    made = replace(made, train=trainer(made.train))
    assert not made.stacks
    return [made.fit(pool, one.labelled, one.labels, one.unlabelled, one.rng, task=TASK) for one in several]


def proba(model: Model, pool: ArrayPool = POOL) -> Any:
    return model.signals(pool, TESTED, {"proba"}, generator(0))["proba"]


@pytest.mark.parametrize("train", [QUICK, SHORT, {**SHORT, "weight_decay": 0.1}, FULL], ids=str)
@pytest.mark.parametrize("hidden", [(16,), (), (24, 2)], ids=str)
def test_a_stack_predicts_as_single_fits(hidden: Sequence[int], train: Any) -> None:
    """2,000 items: the same class wherever the best two differ by more than the rounding, 1e-3."""
    made = learner(hidden, train)
    together = made.fit_many(POOL, fits([70] * 4), task=TASK)
    for stacked_one, single in zip(together, alone(made, fits([70] * 4)), strict=True):
        assert isinstance(stacked_one, TorchModel)
        assert stacked_one.trained == single.trained
        found, expected = proba(stacked_one), proba(single)
        np.testing.assert_allclose(found, expected, atol=1e-3)
        first, second = np.sort(expected)[:, :-3:-1].T
        clear = first - second > 2e-3
        assert clear.mean() > 0.9
        np.testing.assert_array_equal(found.argmax(1)[clear], expected.argmax(1)[clear])


def test_networks_that_have_finished_leave_the_stack() -> None:
    """Each ends with its own epoch, and the weights are those of that epoch."""
    made = learner(train=QUICK)
    together = made.fit_many(POOL, fits([60] * 6), task=TASK)
    singles = alone(made, fits([60] * 6))
    ends = [one.trained for one in together if isinstance(one, TorchModel)]
    assert ends == [one.trained for one in singles]
    assert len({one.epochs for one in ends if one}) > 1
    for one, other in zip(together, singles, strict=True):
        np.testing.assert_allclose(proba(one), proba(other), atol=1e-3)


@pytest.mark.parametrize("hidden", [(16,), (24, 2), (7, 13)], ids=str)
def test_the_company_in_a_stack_does_not_matter(hidden: Sequence[int]) -> None:
    """To the last bit, and a single fit is a stack of one: sizes 8, 7, 13 and 3 are aligned to none."""
    made = learner(hidden, SHORT)
    together = made.fit_many(POOL, fits([70] * 5), task=TASK)
    few = made.fit_many(POOL, [fits([70] * 5)[number] for number in (3, 1)], task=TASK)
    one = fits([70] * 5)[3]
    single = made.fit(POOL, one.labelled, one.labels, one.unlabelled, one.rng, task=TASK)
    assert few[0].fingerprint == together[3].fingerprint == single.fingerprint
    assert few[1].fingerprint == together[1].fingerprint


@pytest.mark.parametrize("bound", ["_BYTES", "_CACHED"])
def test_several_stacks_are_as_one(bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = learner((16,), SHORT)
    expected = [one.fingerprint for one in made.fit_many(POOL, fits([70] * 3), task=TASK)]
    monkeypatch.setattr(stacked, bound, 1)
    found = made.fit_many(POOL, fits([70] * 3), task=TASK)
    assert [one.fingerprint for one in found] == expected


def test_unequal_numbers_of_labels_are_answered_in_order() -> None:
    made = learner((16,), SHORT)
    sizes = [50, 70, 50, 1]
    together = made.fit_many(POOL, fits(sizes), task=TASK)
    for one, other in zip(together, alone(made, fits(sizes)), strict=True):
        np.testing.assert_allclose(proba(one), proba(other), atol=1e-5)


def test_no_trainings_give_no_models() -> None:
    assert learner().fit_many(POOL, [], task=TASK) == []


@pytest.mark.parametrize(
    ("made", "is_stacked"),
    [
        (learner(), True),
        (TorchLearner(), True),
        (learner(network={"dropout": 0.5}), False),
        (learner(train=lambda network, items, labels, rng: None), False),
        (TorchLearner("lenet"), False),
    ],
)
def test_only_the_perceptron_under_adam_is_stacked(made: TorchLearner, is_stacked: bool) -> None:
    assert made.stacks is is_stacked
    assert stackable(made.network, made.train) is is_stacked


def test_other_networks_are_trained_one_after_the_other() -> None:
    made = learner((8,), SHORT, network={"dropout": 0.5}, draws=2)
    together = made.fit_many(POOL, fits([50, 50]), task=TASK)
    singles = alone(made, fits([50, 50]))
    assert [one.fingerprint for one in together] == [one.fingerprint for one in singles]


def test_a_stack_without_labels_or_with_wrong_ones_is_refused() -> None:
    with pytest.raises(NoLabels, match="TorchLearner trains from scratch and needs labels; received none"):
        learner().fit_many(POOL, fits([3, 0]), task=TASK)
    wrong = Fit(np.array([0]), np.array([7]), np.empty(0, np.int64), generator(0))
    with pytest.raises(LabelError, match="7"):
        learner().fit_many(POOL, [*fits([1]), wrong], task=TASK)


def test_the_training_that_diverges_is_named() -> None:
    rows = POOL.items.copy()
    rows[[7, 9]] = np.inf
    several = [
        Fit(np.array(where), np.array([0, 1]), np.empty(0, np.int64), generator(0))
        for where in ([1, 2], [3, 9])
    ]
    message = "became nan in epoch 1 of fit 2 of 2 with a learning rate of 0.001. Lower"
    with pytest.raises(LearnerError, match=message):
        learner().fit_many(arrays(rows), several, task=TASK)


def test_a_spec_of_another_network_is_not_stackable() -> None:
    assert not stackable(Spec("mlp", {"dropout": 0.1}), Spec("adam"))
    assert not stackable(lambda inputs, classes: None, Spec("adam"))


def test_items_read_in_pieces_are_those_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = learner((16,), SHORT).fit_many(POOL, fits([70] * 3), task=TASK)
    monkeypatch.setattr(jobs, "_PIECE", 32)
    found = learner((16,), SHORT).fit_many(POOL, fits([70] * 3), task=TASK)
    assert [one.fingerprint for one in found] == [one.fingerprint for one in expected]
