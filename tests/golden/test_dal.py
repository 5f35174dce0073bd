"""Labelled or unlabelled: what the classifier sees, what it picks, and what it says when it cannot tell."""

import re
import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel import Signals, select
from nextlabel.core.registry import build
from nextlabel.errors import BatchSizeError, NoLabels, ParameterError, SignalError
from nextlabel.maths.membership import ENOUGH, Membership, _epoch, membership, one_scale
from nextlabel.maths.ranking import top
from nextlabel.strategies.dal import DAL, Inaccurate, _parts, _Settings, dal

Floats = NDArray[np.float64]


def blob(rng: np.random.Generator, n: int, centre: float, d: int = 4) -> Floats:
    return rng.normal(size=(n, d)) + centre


def scaled(labelled: Floats, embedding: Floats) -> tuple[NDArray[Any], NDArray[Any]]:
    centre, scale = one_scale(labelled, embedding)
    return (
        ((labelled - centre) / scale).astype(np.float32),
        ((embedding - centre) / scale).astype(np.float32),
    )


def trained(labelled: NDArray[Any], unlabelled: NDArray[Any], **options: Any) -> Membership:
    settings: dict[str, Any] = {"hidden": (8,), "learning_rate": 0.01, "max_epochs": 300, **options}
    return membership(labelled, unlabelled, rng=np.random.default_rng(0), **settings)


def test_a_mode_without_labels_comes_first() -> None:
    rng = np.random.default_rng(0)
    seen = blob(rng, 10, 0.0, d=8)
    pool = np.concatenate([blob(rng, 40, 0.0, d=8), blob(rng, 60, 6.0, d=8)])
    found = dal(pool, 20, labelled=seen, queries=2, rng=rng)
    assert found[:10].min() >= 40  # the first part entirely, and it does not use up the mode


@pytest.mark.filterwarnings("ignore:DAL's classifiers")  # of one mode, in two dimensions, none can tell
def test_the_mode_picked_from_is_labelled_to_the_classifiers_that_follow() -> None:
    """Two modes without labels, equally far: after the first part the other one is next."""
    rng = np.random.default_rng(0)
    seen = blob(rng, 30, 0.0, d=2)
    left, right = 0.3 * rng.normal(size=(2, 25, 2)) + [[[-9.0, 9.0]], [[9.0, 9.0]]]
    pool = np.concatenate([blob(rng, 30, 0.0, d=2), left, right])
    found = dal(pool, 16, labelled=seen, queries=2, max_epochs=50, rng=rng)
    first, second = (((part >= 30).mean(), (part >= 55).mean()) for part in (found[:8], found[8:]))
    assert first[0] == 1.0
    assert second[0] == 1.0
    assert first[1] in (0.0, 1.0)
    assert second[1] == 1.0 - first[1]


def test_with_one_part_it_is_the_top_of_one_classifier() -> None:
    rng = np.random.default_rng(1)
    seen, pool = blob(rng, 12, 0.0), blob(rng, 50, 1.0)
    found = dal(pool, 9, labelled=seen, queries=1, rng=np.random.default_rng(7))
    again = np.random.default_rng(7)
    known, features = scaled(seen, pool)
    one = membership(known, features, rng=again, hidden=(20, 20, 20), learning_rate=3e-3, max_epochs=200)
    assert found.tolist() == top(one.logits(features), 9, rng=again).tolist()


def test_the_classes_of_the_labelled_items_do_not_matter() -> None:
    rng = np.random.default_rng(2)
    seen, pool = {"embedding": blob(rng, 10, 0.0)}, blob(rng, 40, 1.0)
    labels = [0] * 5 + [1] * 5
    found = [
        select(
            {"name": "dal", "queries": 2}, embedding=pool, labelled=seen, labels=one, batch=6, seed=0
        ).tolist()
        for one in (labels, labels[::-1], None)
    ]
    assert found[0] == found[1] == found[2]


def test_scaling_and_moving_the_features_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    seen, pool = blob(rng, 10, 0.0), blob(rng, 40, 1.0)
    found = [
        dal(pool * by + to, 6, labelled=seen * by + to, queries=2, rng=np.random.default_rng(0)).tolist()
        for by, to in ((1.0, 0.0), (1024.0, 0.0), (2.0**-20, 0.0), (1.0, 64.0))
    ]
    assert found[0] == found[1] == found[2] == found[3]


@pytest.mark.parametrize("labelled", [None, Signals({"embedding": np.zeros((0, 2))}, n=0)])
def test_without_labelled_items_the_batch_is_a_uniform_draw(labelled: Signals | None) -> None:
    signals = Signals({"embedding": np.arange(10.0).reshape(5, 2)}, labelled=labelled)
    picks = DAL().pick(signals, 2, np.random.default_rng(0))
    expected = np.random.default_rng(0).choice(5, size=2, replace=False)
    assert picks.positions.tolist() == expected.tolist()
    assert picks.propensities is not None
    assert picks.propensities.tolist() == [1 / 5, 1 / 4]


@pytest.mark.parametrize(("d", "hidden", "rate"), [(29, (20, 20, 20), 3e-3), (30, (256, 256, 256), 3e-4)])
def test_from_thirty_features_on_the_network_is_wide_and_slow(
    d: int, hidden: tuple[int, ...], rate: float
) -> None:
    rng = np.random.default_rng(0)
    labelled, unlabelled = (blob(rng, 3, to, d=d).astype(np.float32) for to in (0.0, 9.0))
    network = _Settings(20, None, None, 1, "balanced", 10).train(labelled, unlabelled, rng).network
    assert (network.hidden_layer_sizes, network.learning_rate_init) == (hidden, rate)


def test_the_plain_function_asks_for_a_labelled_item() -> None:
    with pytest.raises(NoLabels, match="needs one at least; received none"):
        dal(np.zeros((3, 2)), 1, labelled=np.zeros((0, 2)), rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    ("batch", "queries", "sizes"),
    [(10, 3, [3, 3, 4]), (2, 20, [1, 1]), (23, 20, [1] * 19 + [4]), (8, 4, [2] * 4)],
)
def test_the_last_part_takes_the_remainder(batch: int, queries: int, sizes: list[int]) -> None:
    assert _parts(batch, queries).tolist() == sizes


def test_scores_are_probabilities_and_fall_within_a_part() -> None:
    rng = np.random.default_rng(4)
    seen, pool = {"embedding": blob(rng, 8, 0.0)}, blob(rng, 30, 1.0)
    signals = Signals({"embedding": pool}, labelled=Signals(seen))
    picks = DAL(queries=1).pick(signals, 10, rng)
    assert picks.scores is not None
    assert ((picks.scores > 0.0) & (picks.scores <= 1.0)).all()
    assert (np.diff(picks.scores) <= 0.0).all()


def test_only_so_many_unlabelled_items_are_seen_for_each_labelled_one() -> None:
    """Of a hundred items of the unlabelled mode and one label, a ratio of 3 shows three: a draw."""
    rng = np.random.default_rng(5)
    pool = blob(rng, 100, 3.0)
    first = {
        int(dal(pool, 1, labelled=np.zeros((1, 4)), ratio=3, rng=np.random.default_rng(seed))[0])
        for seed in range(12)
    }
    assert len(first) > 6  # the best three of the whole pool would be always among the same few


@pytest.mark.filterwarnings("ignore:DAL's classifiers")  # of the training, twenty epochs are a part
def test_what_is_picked_counts_as_labelled_in_the_ratio() -> None:
    """One label, a ratio of 3 and two parts: the first is offered three items, the second six."""
    seen, pool = np.zeros((1, 4)), blob(np.random.default_rng(5), 100, 3.0)
    found = dal(pool, 2, labelled=seen, ratio=3, queries=2, max_epochs=20, rng=np.random.default_rng(7))
    again, picks = np.random.default_rng(7), np.empty(0, np.int64)
    known, features = scaled(seen, pool)
    for offered in (3, 6):
        part = np.sort(again.choice(np.setdiff1d(np.arange(100), picks), offered, replace=False))
        one = membership(
            known, features[part], rng=again, hidden=(20, 20, 20), learning_rate=3e-3, max_epochs=20
        )
        picks = np.append(picks, part[top(one.logits(features[part]), 1, rng=again)])
        known = np.concatenate([known, features[picks[-1:]]])
    assert found.tolist() == picks.tolist()


def test_a_part_larger_than_the_ratio_allows_is_offered_as_many() -> None:
    pool = blob(np.random.default_rng(6), 30, 3.0)
    found = dal(pool, 30, labelled=np.zeros((1, 4)), ratio=1, queries=2, rng=np.random.default_rng(0))
    assert sorted(found.tolist()) == list(range(30))


def test_balanced_weights_make_the_prior_even() -> None:
    """Where all items are equal only the prior can be learned: 1/2, and 10/11 under equal weights."""
    labelled, unlabelled = np.zeros((4, 2), np.float32), np.zeros((40, 2), np.float32)
    odds = [
        trained(labelled, unlabelled, is_balanced=one, enough=1.01, max_epochs=60).logits(labelled[:1])[0]
        for one in (True, False)
    ]
    assert odds[0] == pytest.approx(0.0, abs=0.02)
    assert odds[1] == pytest.approx(np.log(10.0), abs=0.02)


def test_every_item_has_its_exact_weight_in_an_epoch() -> None:
    rng = np.random.default_rng(0)
    rows = _epoch(np.array([100, 1000]), 1000, rng)
    counts = np.bincount(rows)
    assert (counts[:100] == 10).all()
    assert (counts[100:] == 1).all()
    few = np.bincount(_epoch(np.array([3, 7]), 7, rng))  # ten steps: 10 passes of 14 rows
    assert few[:3].sum() == few[3:].sum() == 70
    assert set(few[:3].tolist()) <= set(range(20, 31))
    assert np.bincount(_epoch(np.array([3, 7]), 0, rng)).tolist() == [10] * 10


def test_an_epoch_repeats_the_smaller_side_until_it_is_as_long() -> None:
    labelled, unlabelled = np.zeros((4, 2), np.float32), np.ones((40, 2), np.float32)
    for is_balanced, rows in ((True, 2 * 40), (False, 44)):
        found = trained(labelled, unlabelled, is_balanced=is_balanced, enough=1.01, max_epochs=3)
        assert found.network.t_ == 3 * 10 * rows  # an epoch has ten steps at least, here of all rows


def test_copies_on_both_sides_bound_the_accuracy() -> None:
    labelled = np.array([[0.0], [1.0]], np.float32)
    unlabelled = np.array([[0.0], [2.0], [2.0], [2.0]], np.float32)
    found = trained(labelled, unlabelled)
    # of the copies at 0 the labelled one weighs 1/4, the unlabelled one 1/8
    assert found.possible == pytest.approx(1.0 - 1 / 8)
    assert found.is_enough
    assert found.accuracy > found.wanted == ENOUGH * found.possible
    assert found.epochs < 300  # what is possible is enough to end


def test_training_ends_when_it_is_enough() -> None:
    rng = np.random.default_rng(0)
    left, right = (rng.normal(size=(40, 2)) + to for to in (-4.0, 4.0))
    found = trained(left.astype(np.float32), right.astype(np.float32))
    assert found.is_enough
    assert found.epochs < 50


def test_sure_items_are_ordered_beyond_the_precision_of_probabilities() -> None:
    labelled, unlabelled = np.full((5, 1), -1.0, np.float32), np.full((5, 1), 1.0, np.float32)
    found = trained(labelled, unlabelled)
    far = found.logits(np.array([[1e3], [1e4]], np.float32))
    assert far[1] > far[0] > 40.0  # both probabilities are 1 in float64


def test_classifiers_that_cannot_tell_are_reported() -> None:
    rng = np.random.default_rng(0)
    seen, pool = rng.normal(size=(60, 1)), rng.normal(size=(300, 1))
    method = DAL(queries=2, hidden=(2,), max_epochs=2)
    signals = Signals({"embedding": pool}, labelled=Signals({"embedding": seen}))
    says = (
        r"accuracy above 0\.9\d*; after 2 epochs 2 of 2 did not, the worst with 0\.\d+\. .* Raise max_epochs"
    )
    with pytest.warns(Inaccurate, match=says) as caught:
        picks = method.pick(signals, 4, rng)
    assert len(caught) == 1
    assert len(set(picks.positions.tolist())) == 4


def test_identical_items_are_no_reason_to_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = dal(np.ones((30, 3)), 5, labelled=np.ones((4, 3)), rng=np.random.default_rng(0))
    assert len(set(found.tolist())) == 5


def test_the_common_scale_is_the_root_mean_square() -> None:
    rng = np.random.default_rng(0)
    labelled, embedding = rng.normal(size=(3, 5)), rng.normal(size=(9, 5)) + 4.0
    centre, scale = one_scale(labelled, embedding)
    both = np.concatenate([labelled, embedding])
    np.testing.assert_allclose(centre, both.mean(axis=0))
    assert scale == pytest.approx(np.sqrt(((both - both.mean(axis=0)) ** 2).mean()))
    assert one_scale(np.ones((2, 2)), np.ones((2, 2)))[1] == 1.0


def test_other_widths_are_refused() -> None:
    with pytest.raises(SignalError, match="must agree on axis 'd'"):
        dal(np.zeros((3, 2)), 1, labelled=np.zeros((2, 3)), rng=np.random.default_rng(0))


def test_a_batch_above_the_pool_is_refused() -> None:
    with pytest.raises(BatchSizeError, match="the 3 items at hand; received 4"):
        dal(np.zeros((3, 2)), 4, labelled=np.zeros((2, 2)), rng=np.random.default_rng(0))


@pytest.mark.parametrize("name", ["queries", "max_epochs", "ratio"])
@pytest.mark.parametrize("value", [0, 1.5, True, None])
def test_a_number_that_makes_no_sense_is_refused(name: str, value: Any) -> None:
    says = f"DAL's {name!r} must be a whole number from 1 up; received {value!r}"
    with pytest.raises(ParameterError, match=re.escape(says)):
        build("strategy", {"name": "dal", name: value})


@pytest.mark.parametrize("rate", [0.0, -1.0, 2.0, True])
def test_a_learning_rate_that_makes_no_sense_is_refused(rate: Any) -> None:
    says = f"DAL's 'learning_rate' must be a number above 0 and at most 1; received {rate!r}"
    with pytest.raises(ParameterError, match=re.escape(says)):
        DAL(learning_rate=rate)


@pytest.mark.parametrize(("hidden", "says"), [((), "one layer at least; received ()"), (9, "received 9")])
def test_layers_that_make_no_sense_are_refused(hidden: Any, says: str) -> None:
    with pytest.raises(ParameterError, match=r"DAL's 'hidden' must be .*" + re.escape(says)):
        DAL(hidden=hidden)
    with pytest.raises(ParameterError, match="DAL's 'hidden' must be a whole number from 1 up; received 0"):
        DAL(hidden=(4, 0))


def test_other_class_weights_are_refused() -> None:
    with pytest.raises(ParameterError, match="must be 'balanced' or None; received 'equal'"):
        DAL(class_weight="equal")  # type: ignore[arg-type]


def test_parameters_go_through_a_list_and_back() -> None:
    assert build("strategy", {"name": "dal", "hidden": [8, 8]}) == DAL(hidden=(8, 8))
    assert DAL(queries=np.int64(3)) == DAL(queries=3)  # type: ignore[arg-type]
