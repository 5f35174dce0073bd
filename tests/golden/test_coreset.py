"""Core-set selection: the line, the two metrics, the two readings."""

from typing import Any

import numpy as np
import pytest

from nextlabel import Signals, select
from nextlabel.errors import BatchSizeError, ParameterError, SignalError
from nextlabel.strategies.coreset import CoreSet, coreset


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_from_the_labelled_end_of_a_line_the_other_end_then_the_middle() -> None:
    line = np.arange(11.0)[:, None]
    assert select("coreset", embedding=line, labelled={"embedding": [[0.0]]}, batch=2, seed=0).tolist() == [
        10,
        5,
    ]


def test_scores_are_the_distances_and_never_rise() -> None:
    line = np.arange(1.0, 11.0)[:, None]
    signals = Signals({"embedding": line}, labelled=Signals({"embedding": [[0.0]]}))
    picks = CoreSet().pick(signals, 10, rng())
    assert picks.scores is not None
    assert picks.scores[:2].tolist() == [10.0, 5.0]
    assert (np.diff(picks.scores) <= 0.0).all()


@pytest.mark.parametrize("labelled", [None, Signals({"embedding": np.empty((0, 1))})])
def test_without_labelled_rows_the_first_is_nearest_the_mean_and_has_no_score(
    labelled: Signals | None,
) -> None:
    picks = CoreSet().pick(Signals({"embedding": [[0.0], [4.0], [9.0]]}, labelled=labelled), 2, rng())
    assert picks.positions.tolist() == [1, 2]
    assert picks.scores is None


def test_copies_of_labelled_items_come_last() -> None:
    points = np.array([[2.0, 1.0], [7.0, 7.0], [2.0, 1.0], [3.0, 1.0]])
    picked = coreset(points, 4, labelled=points[:1], rng=rng()).tolist()
    assert picked[:2] == [1, 3]


def test_cosine_looks_at_directions_alone() -> None:
    # lengths differ by up to 1e300; the directions are 0°, 10°, 90° and 40°
    angle = np.deg2rad([0.0, 10.0, 90.0, 40.0])
    points = np.stack([np.cos(angle), np.sin(angle)], axis=1) * np.array([[1e-200], [500.0], [1e100], [3.0]])
    seen = np.array([[7.0, 0.0]])
    assert coreset(points, 2, labelled=seen, metric="cosine", rng=rng()).tolist() == [2, 3]
    assert coreset(points, 1, labelled=seen, metric="euclidean", rng=rng()).tolist() == [2]


def test_a_row_of_zeros_has_no_direction_and_is_answered() -> None:
    picked = coreset(np.array([[0.0, 0.0], [0.0, 1.0], [5.0, 0.0]]), 3, metric="cosine", rng=rng())
    assert sorted(picked.tolist()) == [0, 1, 2]


def test_cosine_leaves_its_input_alone() -> None:
    points = np.array([[3.0, 4.0], [1.0, 0.0]])
    coreset(points, 1, metric="cosine", rng=rng())
    assert points.tolist() == [[3.0, 4.0], [1.0, 0.0]]


def test_logits_are_read_where_asked_for() -> None:
    method = CoreSet(of="logits")
    assert (method.needs, method.needs_labelled) == (frozenset({"logits"}), frozenset({"logits"}))
    logits = np.array([[0.0, 1.0], [0.0, 9.0], [0.0, 4.0]])
    picked = select(method, logits=logits, labelled={"logits": logits[:1]}, batch=1, seed=0)
    assert picked.tolist() == [1]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"metric": "manhattan"}, "'metric' must be 'euclidean' or 'cosine'; received 'manhattan'"),
        ({"of": "proba"}, "'of' must be 'embedding' or 'logits'; received 'proba'"),
    ],
)
def test_unknown_options_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        CoreSet(**wrong)


def test_the_function_refuses_an_unknown_metric_and_an_impossible_batch() -> None:
    with pytest.raises(ParameterError, match="received 'hamming'"):
        coreset(np.zeros((3, 1)), 1, metric="hamming", rng=rng())  # type: ignore[arg-type]
    with pytest.raises(BatchSizeError, match="between 1 and the 3 items at hand; received 4"):
        coreset(np.zeros((3, 1)), 4, rng=rng())
    with pytest.raises(SignalError, match="'embedding' must be finite; row 1"):
        coreset(np.array([[0.0], [np.inf]]), 1, metric="cosine", rng=rng())


def test_distances_that_overflow_are_refused() -> None:
    small = rng().standard_normal((6, 2))
    large = small * 1e200
    for points, labelled, name in ((large, None, "embedding"), (small, large, "labelled")):
        with pytest.raises(
            SignalError, match=f"rows of '{name}' must fit into float64; .* Scale '{name}' down"
        ):
            coreset(points, 2, labelled=labelled, rng=rng())
    assert len(coreset(large, 2, metric="cosine", rng=rng())) == 2  # directions fit


def test_a_scale_that_fits_changes_nothing() -> None:
    points, labelled = rng(1).standard_normal((30, 2)), rng(2).standard_normal((3, 2))
    straight = coreset(points, 7, labelled=labelled, rng=rng()).tolist()
    for points, labelled in ((points * s, labelled * s) for s in (2.0**-100, 2.0**400)):
        assert coreset(points, 7, labelled=labelled, rng=rng()).tolist() == straight
