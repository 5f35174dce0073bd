"""Tables are scored column by column in units of their own: no large column hides what did not come back."""

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
from nextlabel.leakage.scores import ItemScore, score_item, spreads_of
from nextlabel.leakage.verdicts import EXACT, NOT_SHOWN, RECOGNISABLE, item_verdict

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
    "bounds", [(1, 0), (float("nan"), 1), (0, float("inf")), (0,), "01x", (None, 1)], ids=repr
)
def test_bounds_that_are_no_range_are_refused(bounds: Any) -> None:
    with pytest.raises(ParameterError, match="two finite numbers, the lower first; received"):
        CaseSetting(bounds=bounds)
