"""Every registered learner keeps every promise; a new registry line is tested at once."""

import random
import subprocess
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel import build, names
from nextlabel.core.learner import Fit, Learner, Model
from nextlabel.core.pool import Pool
from nextlabel.core.registry import resolve
from nextlabel.core.signals import Signals
from nextlabel.core.task import Task
from nextlabel.errors import BrokenPromise
from nextlabel.testing.learner_examples import example_learner
from nextlabel.testing.learners import PROMISES, check

_SMALL = {"name": "mlp", "hidden": [8], "dropout": 0.2}
_SHORT = {"name": "adam", "epochs": 3}
_DRAWN = {"name": "torch", "network": _SMALL, "train": _SHORT, "draws": 4, "device": "cpu"}

# parameters that change a learner enough to deserve the contract of their own
VARIANTS: dict[str, dict[str, Any]] = {
    "sklearn mlp": {"name": "sklearn", "estimator": {"name": "mlp", "max_iter": 20}},
    "sklearn forest": {"name": "sklearn", "estimator": {"name": "random_forest", "n_estimators": 5}},
    "torch with draws": _DRAWN,
    "torch convolutions": {
        "name": "torch",
        "network": {"name": "two_convolutions", "width": 0.1},
        "train": _SHORT,
        "draws": 2,
        "device": "cpu",
    },
    "torch with a named embedding": {**_DRAWN, "embedding": "2"},
    "sklearn with features": {"name": "sklearn", "features": "scale"},
    "sklearn with histograms": {
        "name": "sklearn",
        "features": {"name": "hog", "size": 16, "cells": 2, "orientations": 4},
    },
    "torch with features": {"name": "torch", "train": _SHORT, "device": "cpu", "features": "scale"},
    "torch with a loss that is calibrated": {**_DRAWN, "loss": {"name": "z_loss", "b": 1.5}},
    "torch that continues on crops": {
        "name": "torch",
        "train": {"name": "sgd", "epochs": 2, "learning_rate": 0.01},
        "loss": {"name": "class_balanced", "of": "focal"},
        "augment": {"name": "crop_flip", "pad": 1},
        "continues": True,
        "device": "cpu",
    },
    "torch with further signals": {
        **_DRAWN,
        "output_change": {"name": "jacobian", "reference": 5},
        "tangent": {"name": "proxy", "features": 16, "epochs": 2},
    },
    "torch in stacks with further signals": {
        "name": "torch",
        "train": _SHORT,
        "device": "cpu",
        "output_change": {"name": "jacobian", "reference": 3, "labels": "map", "of": "logits"},
        "tangent": "proxy",
    },
    "learning loss on convolutions": {
        "name": "learning_loss",
        "of": {
            "name": "torch",
            "network": {"name": "two_convolutions", "width": 0.1},
            "train": {"name": "sgd", "epochs": 3, "chunk": 5},
            "draws": 2,
            "device": "cpu",
        },
        "loss": "relative",
        "hidden": 4,
    },
    "learning loss without weight": {"name": "learning_loss", "of": _DRAWN, "blocks": ["1"], "weight": 0.0},
    "ensemble of features": {
        "name": "ensemble",
        "of": {"name": "torch", "train": _SHORT, "device": "cpu", "features": "scale"},
        "members": 2,
    },
    "ensemble of torch": {"name": "ensemble", "of": _DRAWN, "members": 2, "width": 0.5},
    "pseudo labels of torch with draws": {"name": "pseudo_label", "of": _DRAWN},
    "pseudo labels of logistic regression": {"name": "pseudo_label", "of": "sklearn"},
    "self-training with votes": {"name": "self_training", "of": _DRAWN, "k": 3, "confidence": 0.1},
    "self-training with verification": {
        "name": "self_training",
        "of": {"name": "sklearn", "estimator": {"name": "mlp", "max_iter": 20}},
        "rule": "entropy_verified",
        "confidence": 0.1,
    },
    "self-training by divergence": {
        "name": "self_training",
        "of": {"name": "sklearn", "features": "scale"},
        "rule": "neighbour_divergence",
        "confidence": 0.1,
        "iterations": 2,
    },
    "generated samples of torch with draws": {
        "name": "generative",
        "of": _DRAWN,
        "autoencoder": {"name": "vae_acgan", "channels": 4, "epochs": 5, "device": "cpu"},
        "most_error": None,
    },
    "generated samples that are drawn": {
        "name": "generative",
        "of": "sklearn",
        "generation": "random",
        "autoencoder": {"name": "vae_acgan", "channels": 4, "epochs": 5, "device": "cpu"},
    },
    "generated samples that are the same": {
        "name": "generative",
        "of": {"name": "sklearn", "features": "scale"},
        "autoencoder": "identity",
    },
    "no generated samples": {"name": "generative", "of": _DRAWN, "generation": "none"},
    "ensemble of ensembles": {"name": "ensemble", "of": {"name": "ensemble", "of": "torch", "members": 1}},
}


def keeps(learner: Learner, promise: str, request: pytest.FixtureRequest) -> None:
    if promise in learner.exceptions:
        reason = learner.exceptions[promise]
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True, raises=BrokenPromise))
    PROMISES[promise](learner)


@pytest.mark.parametrize("promise", PROMISES)
@pytest.mark.parametrize("name", names("learner"))
def test_every_registered_learner_keeps_the_promise(
    name: str, promise: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    keeps(example_learner(name, tmp_path), promise, request)


@pytest.mark.parametrize("promise", PROMISES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_learner_with_other_parameters_keeps_the_promise(
    variant: str, promise: str, request: pytest.FixtureRequest
) -> None:
    keeps(build("learner", VARIANTS[variant]), promise, request)


@pytest.mark.parametrize("name", names("learner"))
def test_every_exception_names_a_promise_and_a_reason(name: str) -> None:
    exceptions = resolve("learner", name).exceptions
    assert exceptions.keys() <= PROMISES.keys()
    assert all(len(reason) > 20 for reason in exceptions.values())


def test_a_learner_that_remembers_may_not_learn_from_a_foreign_model() -> None:
    class Remembering(Faulty):  # type: ignore[misc]
        @property
        def remembers(self) -> bool:
            return True

    PROMISES["previous_models"](Remembering("goes on"))
    with pytest.raises(BrokenPromise, match="'embedding' after a previous model of another learner is off"):
        PROMISES["previous_models"](Remembering("goes on from anything"))


_OF_TORCH = {"generative", "learning_loss", "torch"}  # networks are what they train


def test_no_other_learner_loads_torch() -> None:
    others = sorted(set(names("learner")) - _OF_TORCH)
    code = (
        "import sys\n"
        "from nextlabel.core.registry import resolve\n"
        f"for name in {others!r}:\n"
        "    resolve('learner', name)\n"
        "    if 'torch' in sys.modules:\n"
        "        sys.exit(f'{name} loads torch')\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


_SEVERAL = ("says nothing of several", "is certain", "fits anything")


class Told(Model):
    """What a faulty learner makes: an embedding that depends on what is wrong with it."""

    def __init__(self, learner: "Faulty", classes: int) -> None:
        self.learner, self.classes, self.grown = learner, classes, 0.0
        self.number = random.random() if learner.fault == "draws globally" else 0.5

    @property
    def fingerprint(self) -> str:
        return str(self.number)

    def signals(
        self, pool: Pool, positions: NDArray[np.int64], names: Collection[str], rng: np.random.Generator
    ) -> Signals:
        fault = self.learner.fault
        items = pool.take(positions).reshape(len(positions), -1) + self.grown
        if fault == "draws globally":
            items = items + self.number
        if fault == "depends on company" and len(items):
            items = items - items.mean(axis=0)
        if fault == "writes":
            pool.items[0] = 0.0  # type: ignore[attr-defined]
        made: dict[str, Any] = {"embedding": items}
        columns = self.classes - (fault == "forgets a class")
        made["proba"] = np.full((len(items), columns), 1.0 / columns)
        if fault in _SEVERAL[1:]:
            made["marginals"] = np.full((len(items), self.classes), 1.0 if fault == "is certain" else 0.5)
        wanted = made if fault == "computes everything" else {n: made[n] for n in made if n in names}
        return Signals(wanted, n=len(positions))

    def save(self, path: Path) -> None:
        path.write_text("")


@final
@dataclass(frozen=True)
class Faulty(Learner):
    """A learner that breaks promises."""

    fault: str
    exceptions: ClassVar[dict[str, str]] = {}

    @property
    def provides(self) -> frozenset[str]:
        return frozenset({"embedding", "proba"})

    def provides_for(self, task: Task) -> frozenset[str]:
        return frozenset({"marginals"}) if self.fault in _SEVERAL else super().provides_for(task)

    def fit(
        self,
        pool: Pool,
        labelled: NDArray[np.int64],
        labels: NDArray[np.int64],
        unlabelled: NDArray[np.int64],
        rng: np.random.Generator,
        *,
        task: Task,
        previous: Model | None = None,
    ) -> Told:
        if self.fault == "fails":
            raise RuntimeError("out of memory")
        told = Told(self, len(task.classes))
        told.grown = float(self.fault == "goes on" and isinstance(previous, Told))
        told.grown += 2.0 * (self.fault == "goes on from anything" and previous is not None)
        return told

    def fit_many(self, pool: Pool, fits: Sequence[Fit], *, task: Task) -> list[Model]:
        models = super().fit_many(pool, fits, task=task)
        return models[1:] if self.fault == "loses a training" else models

    def load(self, path: Path) -> Told:
        other = Told(self, 4)
        other.number = 2.0
        return other


@pytest.mark.parametrize(
    ("fault", "promise", "message"),
    [
        (
            "computes everything",
            "declared_signals",
            r"'embedding' alone was asked for, and \['class_mixture'",
        ),
        ("forgets a class", "column_for_every_class", "'proba' has 3 columns for a task of 4 classes"),
        ("depends on company", "rows_follow_positions", r"'embedding' of the items .* is off by"),
        ("draws globally", "determinism", r"two fits from one seed have the fingerprints 0\.\d+ and 0\.\d+"),
        ("draws globally", "global_random_states", "fit changed Python's global random state"),
        ("writes", "unchanged_inputs", "it raised ValueError: assignment destination is read-only"),
        ("none", "save_and_load", "the loaded model has another fingerprint"),
        (
            "none",
            "refused_inputs",
            "fit with two positions and one label must raise LabelError; it was accept",
        ),
        (
            "draws globally",
            "several_trainings",
            r"'embedding' of training 1 of 3 together is off by",
        ),
        ("loses a training", "several_trainings", "3 trainings gave 2 models"),
        (
            "none",
            "several_classes",
            "fit with a task of several classes an item must raise LearnerError; it was accepted",
        ),
        (
            "says nothing of several",
            "several_classes",
            "of several classes, 'marginals' was asked for and not given",
        ),
        ("is certain", "several_classes", "'marginals' must lie above 0 and below 1"),
        (
            "fits anything",
            "several_classes",
            r"fit of several classes with labels of shape \(12, 3\) must raise LabelError; it was acc",
        ),
        ("goes on", "previous_models", "'embedding' after a previous model of this learner is off by 1"),
        (
            "goes on from anything",
            "previous_models",
            "'embedding' after a previous model of this learner is off by 2",
        ),
        ("none", "round_trip", "it raised UnknownName: Faulty .* is not registered"),
        ("none", "documentation", "the docstring has no section Notes; it has none"),
        ("fails", "one_label", "it raised RuntimeError: out of memory"),
    ],
)
def test_a_planted_fault_is_found(fault: str, promise: str, message: str) -> None:
    with pytest.raises(BrokenPromise, match=f"Faulty breaks the promise {promise!r}: {message}"):
        PROMISES[promise](Faulty(fault))


def test_an_error_of_another_kind_is_not_the_declared_one() -> None:
    message = (
        r"fit with two positions and one label must raise LabelError; raised was RuntimeError: out of mem"
    )
    with pytest.raises(BrokenPromise, match=message):
        PROMISES["refused_inputs"](Faulty("fails"))


def test_a_declared_exception_that_is_broken_is_accepted(tmp_path: Path) -> None:
    class Unwritten(type(example_learner("precomputed", tmp_path))):  # type: ignore[misc]
        exceptions: ClassVar[dict[str, str]] = {
            "round_trip": "the class is not registered, so it cannot be written",
            "documentation": "it has no docstring of its own",
        }

    check(Unwritten(str(tmp_path)))


def test_an_exception_that_is_kept_is_reported() -> None:
    class Modest(type(build("learner", "sklearn"))):  # type: ignore[misc]
        exceptions: ClassVar[dict[str, str]] = {"determinism": "a forest that is never the same"}

    with pytest.raises(
        BrokenPromise, match=r"exception to 'determinism' \(a forest that is never the same\)"
    ):
        check(Modest())


def test_an_exception_to_an_unknown_promise_is_reported() -> None:
    class Odd(Faulty):  # type: ignore[misc]
        exceptions: ClassVar[dict[str, str]] = {"punctuality": "it is always late, and will remain so"}

    with pytest.raises(BrokenPromise, match="exception to 'punctuality', which is not a promise"):
        check(Odd("none"))
