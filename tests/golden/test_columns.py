"""Tables are scored column by column in units of their own: no large column hides what did not come back."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from torch import nn

from nextlabel.core.disclosure import Array
from nextlabel.core.registry import resolve
from nextlabel.errors import DisclosureError, ParameterError
from nextlabel.leakage import audit
from nextlabel.leakage.cases import Case, CaseSetting
from nextlabel.leakage.given import looks_like_images
from nextlabel.leakage.guesses import guess
from nextlabel.leakage.notes import remarks_on
from nextlabel.leakage.scores import ItemScore, score_item
from nextlabel.leakage.units import pixel_units, spreads_of
from nextlabel.leakage.verdicts import EXACT, NOT_SHOWN, RECOGNISABLE, is_same, item_verdict

TRUE = np.array([-0.1, 0.4, -0.4, 0.1, -0.3, 57086.0])
UNITS = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 900.0])


def cancer() -> tuple[Array, Array]:
    from sklearn.datasets import load_breast_cancer

    data, target = load_breast_cancer(return_X_y=True)
    return data.astype(np.float32), target.astype(np.int64)


def network(items: Array, classes: int) -> nn.Module:
    """With a first layer that has every column in its own unit, as training would."""
    import torch

    torch.manual_seed(0)
    first = nn.Linear(items.shape[1], 64)
    first.weight.data /= torch.tensor(items.std(0))
    return nn.Sequential(first, nn.ReLU(), nn.Linear(64, classes)).eval()


def verdicts(defences: list[str]) -> list[str]:
    items, labels = cancer()
    options: dict[str, Any] = {"attacks": ["fully_connected"], "controls": False, "seconds": 5.0}
    return list(audit(network(items, 2), items, labels, defences=defences, **options).verdicts)


def test_a_large_column_alone_is_not_the_record() -> None:
    found, near = np.array([0, 0, 0, 0, 0, 57086.1]), TRUE + np.array([1, 1, -1, 1, 1, 900.0])
    score, baseline = (score_item(one, TRUE, span=8e4) for one in (found, near))
    # what one unit for all would say
    assert item_verdict(score, baseline, mean_mse=2e8 / 6, values=6) == EXACT
    score, baseline = (score_item(one, TRUE, span=8e4, spreads=UNITS) for one in (found, near))
    assert item_verdict(score, baseline, mean_mse=1.0, values=6) != EXACT


def test_scores_of_columns_are_those_by_hand() -> None:
    # errors 0.3/1, 0, 0, 0, 0.009/1 and 180/900 = 0.2; squares 0.09 + 0.000081 + 0.04 over 6
    found = TRUE + np.array([0.3, 0.0, 0.0, 0.0, -0.009, 180.0])
    score = score_item(found, TRUE, span=1.0, spreads=UNITS)
    assert score.mse == pytest.approx(0.130081 / 6)
    assert score.relative == pytest.approx((0.130081 / 6) ** 0.5)
    assert score.psnr == pytest.approx(10 * np.log10(12 * 6 / 0.130081))
    assert score.worst == pytest.approx(0.3)
    assert score.columns == pytest.approx(4 / 6)


def test_a_column_without_spread_is_left_out() -> None:
    units = np.array([0.0, 0, 0, 0, 0, 900.0])
    assert score_item(TRUE + np.array([9.0, 9, 9, 9, 9, 0]), TRUE, span=1.0, spreads=units).relative == 0.0


def test_no_unit_changes_a_score() -> None:
    """Whatever a column is counted in, metres or millimetres."""
    rng = np.random.default_rng(0)
    rows, found = rng.normal(size=(50, 6)), rng.normal(size=6)
    units = 10.0 ** np.array([-6, 0, 3, 9, 1, -2])
    one = score_item(found, rows[0], span=1.0, spreads=spreads_of(rows))
    other = score_item(found * units, rows[0] * units, span=1.0, spreads=spreads_of(rows * units))
    assert (one.relative, one.worst, one.columns) == pytest.approx(
        (other.relative, other.worst, other.columns)
    )


@pytest.mark.parametrize("spreads", [np.zeros(6), np.ones(5), np.full(6, np.nan)], ids=["0", "short", "nan"])
def test_units_that_measure_nothing_are_refused(spreads: Array) -> None:
    with pytest.raises(
        ParameterError, match=rf"shape \(6,\) of an item .* received the shape \({len(spreads)},\)"
    ):
        score_item(TRUE, TRUE, span=1.0, spreads=spreads)


def test_what_diverged_is_infinitely_far_in_any_unit() -> None:
    score = score_item(np.full(6, np.nan), TRUE, span=1.0, spreads=UNITS)
    assert (score.relative, score.psnr, score.worst, score.columns) == (np.inf, -np.inf, np.inf, 0.0)


def test_a_few_huge_values_do_not_make_small_ones_equal() -> None:
    column = np.r_[np.linspace(-1, 1, 99), 1e6][:, None]
    assert spreads_of(column)[0] < 1.0 < column.std()
    rare = np.r_[np.zeros(99), 1.0][:, None]  # the middle half is all zeros: the deviation remains
    assert spreads_of(rare)[0] == pytest.approx(rare.std())


@pytest.mark.parametrize(
    ("worst", "verdict"), [(0.01, EXACT), (0.0101, RECOGNISABLE)], ids=["within", "beyond"]
)
def test_exact_needs_every_column(worst: float, verdict: str) -> None:
    score = ItemScore(relative=9e-4, mse=8.1e-7, psnr=71.7, worst=worst, columns=1.0)
    assert item_verdict(score, ItemScore(psnr=10.0, columns=0.1), mean_mse=1.0) == verdict


@pytest.mark.parametrize(
    ("columns", "guessed", "values", "verdict"),
    [
        (0.5, 0.3, 30, RECOGNISABLE),
        (0.5, 0.31, 30, NOT_SHOWN),
        (0.49, 0.0, 30, NOT_SHOWN),
        (0.75, 0.25, 8, RECOGNISABLE),  # two of eight guessed: at least five, and here six
        (0.5, 0.25, 8, NOT_SHOWN),
        (1.0, 0.5, 4, NOT_SHOWN),  # of four values three more than two cannot be
    ],
)
def test_half_of_the_columns_show_a_record(columns: float, guessed: float, values: int, verdict: str) -> None:
    score = ItemScore(relative=1.0, mse=1.0, psnr=10.8, worst=5.0, columns=columns)
    baseline = ItemScore(relative=1.0, psnr=10.8, columns=guessed)
    assert item_verdict(score, baseline, mean_mse=1.0, values=values) == verdict


def test_a_guess_is_the_nearest_in_these_units_and_the_best_of_columns() -> None:
    others = TRUE + np.array([[0, 0, 0, 0, 9, 900.0], [0.5, 0.5, 0.5, 0.5, 0.5, 450.0]])
    found = guess(TRUE, others, span=1.0, spreads=UNITS)
    assert found.score.relative == pytest.approx(0.5)  # by one norm over all the second would be nearer too
    assert found.score.columns == pytest.approx(4 / 6)
    assert guess(TRUE, others[::-1], span=1.0, spreads=UNITS).score == found.score


def test_a_pruned_table_is_not_exact_though_its_large_columns_came_back() -> None:
    """Of nine columns of thirty next to nothing came back: their shares of the norm are small."""
    assert EXACT not in verdicts(["prune:70%"])


def test_a_record_of_which_every_column_came_back_nearly_is_shown() -> None:
    """Though another record has nearly its largest value: by one norm over all it would be the nearer."""
    found, other = TRUE + 0.1 * UNITS, TRUE + np.array([3, -2, 2, 3, -3, 60.0])
    for units, verdict in ((None, NOT_SHOWN), (UNITS, RECOGNISABLE)):
        told = guess(TRUE, other[None], span=8e4, spreads=units)
        score = score_item(found, TRUE, span=8e4, spreads=units)
        assert item_verdict(score, told.score, told.mean_mse, values=6) == verdict


def test_a_table_that_came_back_whole_is_exact() -> None:
    assert verdicts([]).count(EXACT) == 20


def test_measurements_side_by_side_are_no_image() -> None:
    rng = np.random.default_rng(0)
    windows = rng.normal(size=(30, 24, 6)).astype(np.float32)
    assert looks_like_images(windows)
    assert not looks_like_images(windows * np.array([1, 1, 1, 1, 1, 1e4], np.float32))
    assert looks_like_images(np.zeros((3, 8, 8)))


@pytest.mark.parametrize("sort", ["bool", "int64"])
def test_labels_that_are_true_or_false_are_classes(sort: str) -> None:
    items = np.random.default_rng(0).normal(size=(60, 6)).astype(np.float32)
    labels = (np.arange(60) % 2).astype(sort)
    options: dict[str, Any] = {"share": "last-layer", "attacks": ["label_inference"], "controls": False}
    report = audit(resolve("network", "known_leak")((6,), 2), items, labels, **options)
    assert report.verdict == "LABEL ONLY"


def case(items: Array, labels: Array | None = None, **options: Any) -> Case:
    arrays = {name: options.pop(name) for name in ("public", "public_labels") if name in options}
    made = resolve("network", "known_leak")(items.shape[1:], 2)
    found = np.arange(len(items)) % 2 if labels is None else labels
    return Case(made, items, found, CaseSetting(**options), **arrays)


def test_a_report_says_what_columns_are_measured_in() -> None:
    items = np.random.default_rng(0).normal(size=(60, 6)).astype(np.float32)
    items[:, 2] = 7.0
    said = " ".join(remarks_on(case(items), ()))
    assert "its spread over the 60 records given" in said
    assert "1 of 6 columns are the same in all of them" in said
    assert "PSNR uses the width of the data" not in said


def test_a_table_without_any_spread_is_measured_as_one() -> None:
    assert case(np.ones((30, 6), np.float32)).spreads is None


ITEMS = np.linspace(0.0, 1.0, 180, dtype=np.float32).reshape(30, 6)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"public": np.full((5, 6), np.nan, np.float32)}, "Public items must be finite; 30 of the 30"),
        ({"public": np.zeros((5, 7), np.float32)}, r"axes \(n, 6\); received float32 of the axes \(5, 7\)"),
        ({"public": np.zeros((5, 6), np.int64)}, r"received int64 of the axes \(5, 6\)"),
        (
            {"public": ITEMS, "public_labels": np.arange(2)},
            r"there are 30; received labels of the axes \(2,\)",
        ),
        ({"public_labels": np.arange(2)}, r"there are 0; received labels of the axes \(2,\)"),
        ({"bounds": (0.0, 0.5)}, "bounds, 0 to 0.5; received values from 0 to 1"),
    ],
    ids=["nan", "shape", "kind", "labels", "labels alone", "bounds"],
)
def test_what_does_not_fit_the_records_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(DisclosureError, match=said):
        case(ITEMS, **options)


def test_what_fits_is_taken() -> None:
    assert case(ITEMS, public=ITEMS[:5], public_labels=np.arange(5), bounds=(0, 1)).public is not None


@pytest.mark.parametrize(
    "bounds",
    [(1, 0), (float("nan"), 1), (0, float("inf")), (0,), "01x", "01", ("0", "1"), (None, 1)],
    ids=repr,
)
def test_bounds_that_are_no_range_are_refused(bounds: Any) -> None:
    with pytest.raises(ParameterError, match="two finite numbers, the lower first; received"):
        CaseSetting(bounds=bounds)


def hours(rng: np.random.Generator, n: int = 60) -> Array:
    """Eight hours of eight sensors, the first a pressure, the others shares about 0."""
    items = rng.uniform(-0.5, 0.5, (n, 8, 8))
    items[:, :, 0] = 1013 + rng.uniform(-30, 30, (n, 8))
    return items


def two_axes(found: Array, true: Array, items: Array, units: Array, *, is_image: bool) -> str:
    measure: dict[str, Any] = {"span": float(np.ptp(items)), "is_image": is_image, "spreads": units}
    told = guess(true, items[1:], **measure)
    return item_verdict(score_item(found, true, **measure), told.score, told.mean_mse, values=64)


@pytest.mark.parametrize("is_image", [True, False], ids=["image", "table"])
def test_a_wide_column_of_two_axes_alone_is_not_the_record(is_image: bool) -> None:
    items = hours(np.random.default_rng(0))
    found = items[0].copy()
    found[:, 1:] = 0.0  # as eight bits leave it, and harsh pruning
    units = (pixel_units if is_image else spreads_of)(items)
    assert two_axes(found, items[0], items, units, is_image=is_image) == NOT_SHOWN
    assert two_axes(items[0], items[0], items, units, is_image=is_image) == EXACT
    if is_image:  # what one norm for all would say
        score = score_item(found, items[0], span=float(np.ptp(items)), is_image=True)
        assert item_verdict(score, ItemScore(psnr=10.2, ssim=0.1), mean_mse=40.0, values=64) == EXACT


def test_a_record_is_shown_though_a_few_columns_are_far_off() -> None:
    rng = np.random.default_rng(0)
    items = hours(rng)
    found = items[0] + rng.normal(0.0, 0.02, (8, 8))
    found[:, 0] += 2000.0  # decibels of all columns are those of this one
    score = score_item(found, items[0], span=1.0, spreads=spreads_of(items))
    assert score.psnr is not None
    assert score.psnr < 0
    assert score.near == 0.875
    assert two_axes(found, items[0], items, spreads_of(items), is_image=False) == RECOGNISABLE


@pytest.mark.parametrize(
    ("near", "guessed", "values", "verdict"),
    [
        (0.67, 0.4, 64, RECOGNISABLE),
        (0.66, 0.4, 64, NOT_SHOWN),
        (0.7, 0.51, 64, NOT_SHOWN),
        (1.0, 0.7, 8, NOT_SHOWN),  # of eight values three more
    ],
)
def test_two_columns_of_three_nearly_right_show_a_record(
    near: float, guessed: float, values: int, verdict: str
) -> None:
    score = ItemScore(relative=9.0, mse=81.0, psnr=-8.0, worst=50.0, columns=0.1, near=near)
    baseline = ItemScore(relative=1.0, psnr=10.8, columns=0.1, near=guessed)
    assert item_verdict(score, baseline, mean_mse=1.0, values=values) == verdict


def test_a_dark_margin_neither_decides_nor_hides() -> None:
    rng = np.random.default_rng(0)
    pictures = rng.uniform(size=(50, 8, 8))
    pictures[:, :, 0] *= 1e-4
    units = pixel_units(pictures)
    measure: dict[str, Any] = {"span": 1.0, "is_image": True, "spreads": units}
    found = pictures[0].copy()
    found[:, 0] += 1e-3  # ten times what the margin itself spreads, and no one sees it
    assert is_same(score_item(found, pictures[0], **measure))
    found[3, 4] += 0.02  # one pixel, by a hundredth of the whole
    score = score_item(found, pictures[0], **measure)
    assert not is_same(score)
    assert score.worst == pytest.approx(0.02 / units[3, 4])


def test_even_pictures_are_measured_by_one_scale() -> None:
    rng = np.random.default_rng(0)
    pictures = rng.uniform(size=(50, 8, 8))
    found = pictures[0] + rng.normal(0.0, 0.1, (8, 8))
    plain = score_item(found, pictures[0], span=1.0, is_image=True)
    other = score_item(found, pictures[0], span=1.0, is_image=True, spreads=pixel_units(pictures))
    assert dataclasses.replace(other, worst=None) == plain
    diverged = score_item(found * np.nan, found, span=1.0, is_image=True, spreads=pixel_units(pictures))
    assert (diverged.worst, diverged.ssim) == (np.inf, -1.0)


def test_pictures_of_which_one_pixel_differs_or_none_have_units() -> None:
    one = np.zeros((4, 8, 8))
    assert not pixel_units(one).any()
    one[:2, 3, 3] = 2.0
    assert (pixel_units(one) == 1.0).all()


def test_what_came_back_to_rounding_is_exact_however_small_the_unit() -> None:
    """Seven values of ten are jitter, which is the column's unit; a value of 1 is carried to 1e-7."""
    rng = np.random.default_rng(0)
    is_wide = rng.random((200, 30)) < 0.3
    rows = np.where(is_wide, rng.normal(size=is_wide.shape), 1e-6 * rng.normal(size=is_wide.shape))
    found = rows[0].astype(np.float32).astype(np.float64)
    assert (np.abs(found - rows[0]) / spreads_of(rows)).max() > 0.01
    assert is_same(score_item(found, rows[0], span=1.0, spreads=spreads_of(rows)))
    assert not is_same(score_item(rows[0] * (1 + 1e-5), rows[0], span=1.0, spreads=spreads_of(rows)))
    lost = np.where(is_wide[0], rows[0], 0.0)  # the jitter did not come back
    assert not is_same(score_item(lost, rows[0], span=1.0, spreads=spreads_of(rows)))


@pytest.mark.parametrize("axis", [1, 2], ids=["rows", "columns"])
@pytest.mark.parametrize(
    "scale",
    [(1013, 60), (15, 20), (0.5, 15), (0.0, 15)],
    ids=["pressure", "degrees", "counts", "centred"],
)
def test_neighbours_of_other_units_are_no_image(axis: int, scale: tuple[float, float]) -> None:
    middle, width = scale
    items = np.random.default_rng(0).uniform(0.0, 1.0, (40, 8, 8))
    assert looks_like_images(items)
    odd = np.swapaxes(items, 1, axis)
    odd[:, 3] = middle + width * (odd[:, 3] - 0.5)
    assert not looks_like_images(items)


def test_channels_of_other_units_are_no_image() -> None:
    items = np.random.default_rng(0).uniform(0.0, 1.0, (40, 4, 8, 8))
    assert looks_like_images(items)
    items[:, 3] *= 60.0  # a depth beside three colours
    assert not looks_like_images(items)


def test_pictures_with_dark_margins_are_images() -> None:
    from sklearn.datasets import load_digits

    digits = load_digits().images / 16
    assert looks_like_images(digits)
    wide = np.zeros((len(digits), 12, 12))
    wide[:, 2:10, 2:10] = digits
    wide[:5, 1, 4] = 0.02  # ink beside the margin, in a few
    assert looks_like_images(wide)


def test_a_report_says_which_pixels_are_scaled_down() -> None:
    items = hours(np.random.default_rng(0)).astype(np.float32)
    said = " ".join(remarks_on(case(items, is_image=True), ()))
    assert "8 of 64 pixels are spread over four times" in said
    assert "four times" not in " ".join(remarks_on(case(items % 1.0, is_image=True), ()))
    assert not case(items).is_image
