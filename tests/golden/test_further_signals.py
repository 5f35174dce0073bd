"""`output_change` and `tangent` of the torch learner: learnt with the model, and in nobody's way."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextlabel import arrays, classes, select
from nextlabel.core.learner import Fit
from nextlabel.core.rng import generator
from nextlabel.errors import LearnerError, MissingSignal, ParameterError, UnknownName
from nextlabel.learners.torch import TorchLearner
from nextlabel.learners.torch_model import TorchModel
from nextlabel.maths.output_change import last_layer_change
from nextlabel.readers.arrays import ArrayPool

TASK = classes("a", "b", "c")
ROWS = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
POOL = arrays(ROWS)
LABELLED, UNLABELLED, TEST = np.arange(6), np.arange(6, 15), np.arange(15, 20)
BOTH: dict[str, Any] = {
    "output_change": {"name": "jacobian", "reference": 4},
    "tangent": {"name": "proxy", "features": 8},
}


def learner(**settings: Any) -> TorchLearner:
    train = {"name": "adam", "epochs": 3}
    return TorchLearner(
        {"name": "mlp", "hidden": [5], **settings.pop("network", {})}, train, device="cpu", **settings
    )


def fitted(pool: ArrayPool = POOL, unlabelled: Any = UNLABELLED, **settings: Any) -> TorchModel:
    return learner(**settings).fit(pool, LABELLED, LABELLED % 3, unlabelled, generator(1), task=TASK)


def said(model: TorchModel, *names: str, positions: Any = UNLABELLED, seed: int = 7) -> Any:
    return model.signals(POOL, positions, names, generator(seed))


@pytest.mark.parametrize("network", [{}, {"dropout": 0.5}])
def test_everything_else_is_that_of_a_learner_without_them(network: dict[str, Any]) -> None:
    draws = 3 if network else 0
    plain, further = (fitted(network=network, draws=draws, **more) for more in ({}, BOTH))
    names = ["logits", "embedding"] + (["draws", "votes"] if draws else [])
    one, other = said(plain, *names), said(further, *names, "output_change", "tangent")
    for name in names:
        assert (one[name] == other[name]).all()
    assert plain.fingerprint != further.fingerprint


def test_each_is_the_same_alone_and_beside_the_other() -> None:
    both = said(fitted(**BOTH), "output_change", "tangent")
    for name, way in BOTH.items():
        alone = said(fitted(**{name: way}), name)
        assert set(alone) == {name}
        assert (alone[name] == both[name]).all()


def test_a_learner_offers_what_it_was_asked_for() -> None:
    assert learner().provides == {"logits", "embedding"}
    assert learner(**BOTH).provides == {"logits", "embedding", "output_change", "tangent"}
    with pytest.raises(MissingSignal, match="asked for 'tangent', which it cannot give"):
        said(fitted(), "tangent")


def test_only_unlabelled_items_are_watched() -> None:
    """Other items of the pool, those held out to measure among them, could be anything."""
    moved = ROWS.copy()
    moved[TEST] *= 9.0
    here, there = (fitted(arrays(one), output_change="jacobian") for one in (ROWS, moved))
    assert (
        said(here, "output_change")["output_change"] == said(there, "output_change")["output_change"]
    ).all()
    moved[UNLABELLED] *= 9.0
    there = fitted(arrays(moved), output_change="jacobian")
    assert (
        said(here, "output_change")["output_change"] != said(there, "output_change")["output_change"]
    ).all()


def test_with_nothing_unlabelled_the_labelled_items_are_watched() -> None:
    model = fitted(unlabelled=np.empty(0, np.int64), output_change="jacobian")
    assert said(model, "output_change")["output_change"].shape == (9,)


def test_so_many_items_are_watched_as_are_asked_for() -> None:
    few, all_of_them, more = (
        said(fitted(output_change={"name": "jacobian", "reference": many}), "output_change")["output_change"]
        for many in (2, 9, 1000)
    )
    assert (all_of_them == more).all()
    assert (few != more).any()


def test_a_network_of_one_layer_has_the_closed_form_of_the_last() -> None:
    model = fitted(network={"hidden": []}, output_change="jacobian")
    given = said(model, "proba", "embedding", "output_change")
    expected = last_layer_change(
        given["proba"], given["embedding"], given["proba"], given["embedding"], include_bias=True
    )
    np.testing.assert_allclose(given["output_change"], expected, rtol=1e-4)


def test_an_item_has_the_same_features_labelled_or_not() -> None:
    model = fitted(**BOTH)
    everything = said(model, "tangent", positions=np.arange(20))["tangent"]
    # sums in float32 over the 100 units of the head's last hidden layer, their order depends on the batch
    rounding = 100.0 * float(np.finfo(np.float32).eps) * float(np.abs(everything).max())
    for positions in (LABELLED, UNLABELLED):
        np.testing.assert_allclose(
            said(model, "tangent", positions=positions, seed=3)["tangent"],
            everything[positions],
            rtol=0,
            atol=rounding,
        )


def test_trained_in_a_stack_a_model_has_its_own_head() -> None:
    asked = learner(**BOTH)
    fits = [Fit(LABELLED + k, LABELLED % 3, UNLABELLED + k, generator(k)) for k in range(3)]
    together = asked.fit_many(POOL, fits, task=TASK)
    for k, model in enumerate(together):
        alone = asked.fit(POOL, LABELLED + k, LABELLED % 3, UNLABELLED + k, generator(k), task=TASK)
        assert model.fingerprint == alone.fingerprint


def test_what_they_need_is_saved_with_the_model(tmp_path: Path) -> None:
    asked, model = learner(**BOTH), fitted(**BOTH)
    model.save(tmp_path / "model")
    loaded = asked.load(tmp_path / "model")
    assert loaded.fingerprint == model.fingerprint
    for name in BOTH:
        assert (said(loaded, name)[name] == said(model, name)[name]).all()
    with pytest.raises(
        LearnerError, match="signals need, here none; it holds that of output_change and tangent"
    ):
        learner().load(tmp_path / "model")
    fitted().save(tmp_path / "plain")
    with pytest.raises(LearnerError, match="need, here output_change and tangent; it holds that of none"):
        asked.load(tmp_path / "plain")


def test_the_strategies_read_them() -> None:
    model = fitted(**BOTH)
    given = said(model, "output_change", "tangent", "proba")
    picked = select(
        {"name": "emoc", "jacobian": "full"}, output_change=given["output_change"], batch=3, seed=0
    )
    assert picked.tolist() == np.argsort(-given["output_change"])[:3].tolist()
    seen = {"tangent": said(model, "tangent", positions=LABELLED)["tangent"]}
    picked = select("kecor", tangent=given["tangent"], proba=given["proba"], labelled=seen, batch=9, seed=0)
    assert sorted(picked.tolist()) == list(range(9))


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"tangent": 512}, ParameterError, "'tangent' must be None, or a name with settings; received 512"),
        ({"tangent": "own"}, UnknownName, "'own' is no way to compute 'tangent'. The names are: proxy"),
        ({"output_change": "full"}, UnknownName, "'full' is no way to compute 'output_change'.*: jacobian"),
        (
            {"output_change": {"name": "jacobian", "references": 3}},
            ParameterError,
            "'jacobian', the way to compute 'output_change', has no such setting .* reference, labels, of",
        ),
        ({"tangent": {"name": "proxy", "features": 0}}, ParameterError, "'features' must be a whole number"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    wrong: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        learner(**wrong)
