"""Contextual diversity: the divergence by hand, its edge cases, and the batches it leads to."""

from typing import Any

import numpy as np
import pytest

from nextlabel import Signals, select
from nextlabel.errors import BatchSizeError, ParameterError, SignalError
from nextlabel.maths.axes import Array
from nextlabel.maths.divergence import contextual_distances, divergent_centres, mixtures, predictions
from nextlabel.maths.predictions import own_class_mixture
from nextlabel.strategies.cdal import CDAL, cdal
from nextlabel.testing.definitions.cdal import DEFINITION, distance

LARGEST = np.log(1.0 + 1e8)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def several(seed: int, n: int = 8, classes: int = 3, share: float = 0.6) -> Array:
    """Items of several regions; a class is absent where its row is zero."""
    rows = rng(seed).dirichlet(np.ones(classes), size=(n, classes))
    return np.asarray(rows * (rng(seed + 99).random((n, classes, 1)) < share))


def between(items: Array, reduce: Any = "mean") -> Array:
    mixed = mixtures(items)
    return np.array([contextual_distances(mixed, mixed.of(i), reduce) for i in range(len(items))])


def test_the_strategy_hands_on_how_classes_are_joined() -> None:
    items = several(0, n=12)
    signals = Signals({"class_mixture": items})
    found = {}
    for reduce in ("mean", "sum"):
        found[reduce] = CDAL(reduce=reduce).pick(signals, 6, rng()).positions.tolist()
        assert found[reduce] == cdal(items, 6, reduce=reduce, rng=rng()).tolist()
    assert found["mean"] != found["sum"]


def test_two_predictions_of_one_class_by_hand() -> None:
    # ½·Σ (p − q)·log(p/q) = ½·(0.3·log(9/6) − 0.3·log(1/4)) = 0.15·log 6
    items = own_class_mixture(np.array([[0.9, 0.1], [0.6, 0.4]]))
    assert between(items)[0, 1] == pytest.approx(0.15 * np.log(6.0), abs=1e-7)


def test_mean_and_sum_over_common_classes() -> None:
    # class 0 in both items, at 0.15·log 6; class 1 in both, equal; class 2 in one alone
    one = np.array([[0.9, 0.1, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    other = np.array([[0.6, 0.4, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    items = np.array([one, other])
    assert between(items, "sum")[0, 1] == pytest.approx(0.15 * np.log(6.0), abs=1e-6)
    assert between(items, "mean")[0, 1] == pytest.approx(0.075 * np.log(6.0), abs=1e-6)


@pytest.mark.parametrize("reduce", ["mean", "sum"])
def test_distances_are_symmetric_zero_to_copies_and_bounded(reduce: Any) -> None:
    for seed in range(10):
        items = several(seed)
        items[3] = items[0]
        found = between(items, reduce)
        np.testing.assert_allclose(found, found.T, rtol=0, atol=1e-12)
        assert (found >= 0.0).all()
        present = np.asarray(items.any(axis=(1, 2)))
        assert (np.diag(found)[present] == 0.0).all()
        if present[0]:
            assert found[0, 3] == 0.0
        assert found.max() <= (LARGEST if reduce == "mean" else 3 * LARGEST) + 1e-12


def test_no_common_class_is_as_far_as_any_two_items_can_be() -> None:
    # certain and wrong about each other: the largest finite distance there is
    items = np.zeros((4, 2, 2))
    items[0, 0], items[1, 0], items[2, 1] = [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]
    found = between(items)
    assert found[0, 1] == pytest.approx(LARGEST, rel=1e-7)
    assert found[0, 2] >= found[0, 1]
    assert found[0, 2] == pytest.approx(LARGEST, rel=1e-12)
    # the sum over no class would be 0; an item without any region is unlike all, and itself
    assert (found[3] == LARGEST).all()
    assert between(items, "sum")[0, 2] == pytest.approx(2 * LARGEST)


def test_renaming_classes_changes_nothing() -> None:
    for seed in range(5):
        items, order = several(seed, classes=4), rng(seed).permutation(4)
        renamed = items[:, order][:, :, order]
        np.testing.assert_allclose(between(renamed), between(items), rtol=0, atol=1e-12)
        assert (
            cdal(renamed[2:], 4, labelled=renamed[:2], rng=rng()).tolist()
            == cdal(items[2:], 4, labelled=items[:2], rng=rng()).tolist()
        )


@pytest.mark.parametrize("of", ["class_mixture", "proba"])
def test_one_region_an_item_is_k_centre_on_the_predictions(of: str) -> None:
    """By the symmetric divergence of the probabilities; of mixtures, between classes the largest distance."""
    proba = rng(4).dirichlet(np.ones(3), size=14)
    seen, pool = proba[:3], proba[3:]
    picked = select({"name": "cdal", "of": of}, proba=pool, labelled={"proba": seen}, batch=6, seed=0)

    def far(one: Array, other: Array) -> float:
        if of == "class_mixture" and one.argmax() != other.argmax():
            return float(LARGEST)
        return float(0.5 * ((one - other) * np.log(one / other)).sum())

    centres = list(seen)
    for item in picked:
        nearest = [min(far(one, centre) for centre in centres) for one in pool]
        assert nearest[item] == pytest.approx(max(nearest), abs=1e-6)
        centres.append(pool[item])


def test_probabilities_know_no_border_between_classes() -> None:
    """Either side of it two items are nearly alike, by their probabilities; as one region each, strangers."""
    pool, seen = np.array([[0.49, 0.51], [0.99, 0.01]]), {"proba": np.array([[0.51, 0.49]])}
    assert select({"name": "cdal", "of": "proba"}, proba=pool, labelled=seen, batch=1, seed=0) == 1
    assert select("cdal", proba=pool, labelled=seen, batch=1, seed=0) == 0


def test_a_single_region_is_the_prediction_itself() -> None:
    proba = rng(1).dirichlet(np.ones(3), size=6)
    whole, regions = predictions(proba), mixtures(own_class_mixture(proba))
    for item in range(6):
        [(_, row)] = whole.of(item)
        np.testing.assert_allclose(row, proba[item], atol=1e-7)
        [(label, same)] = regions.of(item)
        assert label == proba[item].argmax()
        assert row.tolist() == same.tolist()


def test_without_labels_the_first_is_nearest_to_the_middle() -> None:
    proba = np.array([[0.95, 0.05], [0.75, 0.25], [0.7, 0.3], [0.55, 0.45]])
    for seed in range(10):
        picks = CDAL(of="proba").pick(Signals({"proba": proba}), 2, rng(seed))
        # the mean is (0.7375, 0.2625); the farthest from (0.75, 0.25) is (0.95, 0.05)
        assert picks.positions.tolist() == [1, 0]
        assert picks.scores is None
    empty = Signals({"proba": proba}, labelled=Signals({"proba": np.empty((0, 2))}))
    assert CDAL(of="proba").pick(empty, 2, rng()).positions.tolist() == [1, 0]


def test_scores_are_distances_to_the_nearest_before() -> None:
    proba = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])
    signals = Signals({"proba": proba}, labelled=Signals({"proba": proba[:1]}))
    picks = CDAL().pick(signals, 3, rng())
    assert picks.positions.tolist() == [2, 1, 0]
    assert picks.scores is not None
    np.testing.assert_allclose(picks.scores, [LARGEST, 0.15 * np.log(6.0), 0.0], atol=1e-7)


def test_rows_are_scaled_to_one_without_overflow() -> None:
    items = several(3)
    scales = 2.0 ** rng(1).integers(-900, 900, size=(8, 3, 1))
    np.testing.assert_array_equal(between(items * scales), between(items))
    assert np.isfinite(between(np.full((2, 2, 2), 1e308))).all()


def test_probabilities_of_zero_and_one_are_finite() -> None:
    proba = np.eye(3)[[0, 1, 2, 0, 1, 2, 0]]
    picked = select("cdal", proba=proba, labelled={"proba": np.eye(3)[:1]}, batch=7, seed=0)
    assert sorted(picked.tolist()) == list(range(7))
    assert {int(proba[item].argmax()) for item in picked[:2]} == {1, 2}


def test_blocks_do_not_matter() -> None:
    proba = rng(0).dirichlet(np.ones(2), size=300_000)  # more rows of a class than one block holds
    mixed = predictions(proba)
    item = 77
    found = contextual_distances(mixed, mixed.of(item))
    smooth = (proba + 1e-8) / (1.0 + 2e-8)
    expected = 0.5 * ((smooth - smooth[item]) * np.log(smooth / smooth[item])).sum(axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_picks_follow_the_definition() -> None:
    assert DEFINITION.questions is not None
    assert DEFINITION.weights is not None
    for seed in range(8):
        for about in DEFINITION.questions(rng(seed)):
            given = None if about.labelled is None else about.labelled["class_mixture"]
            picked = cdal(about.signals["class_mixture"], about.batch, labelled=given, rng=rng(seed)).tolist()
            for place, item in enumerate(picked):
                assert DEFINITION.weights(about, picked[:place])[item] > 0.0


def test_distances_agree_with_the_definition() -> None:
    items = several(5)
    expected = [[distance(one, other) for other in items] for one in items]
    np.testing.assert_allclose(between(items), expected, rtol=0, atol=1e-9)


def test_bad_input_is_refused() -> None:
    items = several(1, share=1.0)
    with pytest.raises(ParameterError, match="CDAL's 'reduce' must be 'mean' or 'sum'; received 'max'"):
        CDAL(reduce="max")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="'reduce' must be 'mean' or 'sum'; received 'max'"):
        cdal(items, 1, reduce="max", rng=rng())  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="CDAL's 'of' must be 'class_mixture' or 'proba'; received 'x'"):
        CDAL(of="x")  # type: ignore[arg-type]
    with pytest.raises(BatchSizeError, match="the 8 items at hand; received 9"):
        cdal(items, 9, rng=rng())
    with pytest.raises(BatchSizeError, match="the 8 items at hand; received 0"):
        divergent_centres(mixtures(items), 0, rng=rng())
    with pytest.raises(SignalError, match="'labelled' and 'class_mixture' must agree on axis 'c'"):
        cdal(items, 1, labelled=np.ones((1, 2, 2)), rng=rng())
    with pytest.raises(SignalError, match=r"'class_mixture' must hold mean predictions, .* from -0\.5"):
        cdal(np.full((1, 1, 1), -0.5), 1, rng=rng())
