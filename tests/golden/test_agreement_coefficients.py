"""Cohen's and Fleiss' kappa and Krippendorff's alpha: their authors' examples, closed forms, slow twins."""

from itertools import permutations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from nextlabel.errors import ParameterError, SignalError
from nextlabel.maths.agreement import cohen_kappa, fleiss_kappa, krippendorff_alpha
from nextlabel.maths.axes import Array


def table_of(answers: list[str], classes: int) -> Array:
    """Counts from rows of one annotator each; a dot where none was given."""
    counts = np.zeros((len(answers[0].split()), classes), dtype=np.int64)
    for row in answers:
        for item, said in enumerate(row.split()):
            if said != ".":
                counts[item, int(said) - 1] += 1
    return counts


def slow_alpha(counts: Array) -> float:
    """One pair of answers after the other, as Krippendorff writes it."""
    units = [np.repeat(np.arange(len(row)), row) for row in counts if row.sum() >= 2]
    everything = np.concatenate(units)
    observed = sum(
        (a != b) / (len(unit) - 1) for unit in units for a, b in permutations(unit.tolist(), 2)
    ) / len(everything)
    expected = np.mean([a != b for a, b in permutations(everything.tolist(), 2)])
    return float(1.0 - observed / expected)


def test_alpha_is_krippendorffs_own_example() -> None:
    """Four observers, twelve units, gaps: alpha .743 (Krippendorff 2011, example C)."""
    answers = [
        "1 2 3 3 2 1 4 1 2 . . .",
        "1 2 3 3 2 2 4 1 2 5 . 3",
        ". 3 3 3 2 3 4 2 2 5 1 .",
        "1 2 3 3 2 4 4 1 2 5 1 .",
    ]
    assert round(krippendorff_alpha(table_of(answers, 5)), 3) == 0.743


def test_alpha_of_two_observers_is_krippendorffs_own_example() -> None:
    """Two observers, ten units, two values: alpha .095 (the same paper, example A)."""
    answers = ["1 2 1 1 1 1 1 1 2 1", "2 2 2 1 1 2 1 1 1 1"]
    assert round(krippendorff_alpha(table_of(answers, 2)), 3) == 0.095


def test_kappa_is_fleiss_own_kind_of_example() -> None:
    """Ten subjects, fourteen raters, five classes; worked out by hand: P .3780, Pe .2128, kappa .2099."""
    counts = [
        [0, 0, 0, 0, 14],
        [0, 2, 6, 4, 2],
        [0, 0, 3, 5, 6],
        [0, 3, 9, 2, 0],
        [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0],
        [3, 2, 6, 3, 0],
        [2, 5, 3, 2, 2],
        [6, 5, 2, 1, 0],
        [0, 2, 2, 3, 7],
    ]
    assert round(fleiss_kappa(counts), 4) == 0.2099


@pytest.mark.parametrize("seed", range(8))
def test_alpha_is_what_pairs_one_by_one_give(seed: int) -> None:
    counts = np.random.default_rng(seed).integers(0, 4, size=(9, 3))
    assert krippendorff_alpha(counts) == pytest.approx(slow_alpha(counts), abs=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_cohens_kappa_is_that_of_scikit_learn(seed: int) -> None:
    a, b = np.random.default_rng(seed).integers(0, 3, size=(2, 25))
    counts = np.zeros((3, 3), dtype=np.int64)
    np.add.at(counts, (a, b), 1)
    assert cohen_kappa(counts) == pytest.approx(cohen_kappa_score(a, b), abs=1e-12)


def test_full_agreement_is_one_and_full_contradiction_is_negative() -> None:
    assert cohen_kappa([[3, 0], [0, 2]]) == fleiss_kappa([[3, 0], [0, 3]]) == 1.0
    assert krippendorff_alpha([[2, 0], [0, 3]]) == 1.0
    assert cohen_kappa([[0, 2], [2, 0]]) == fleiss_kappa([[1, 1], [1, 1]]) == -1.0
    # two items of one disagreeing pair each: Do 1, De 8 of 12 ordered pairs
    assert krippendorff_alpha([[1, 1], [1, 1]]) == pytest.approx(1 - 12 / 8)


def test_answers_of_one_class_alone_agree_by_chance_and_have_no_number() -> None:
    assert np.isnan(cohen_kappa([[7, 0], [0, 0]]))
    assert np.isnan(fleiss_kappa([[3, 0], [3, 0]]))
    assert np.isnan(krippendorff_alpha([[3, 0], [2, 0]]))


def test_items_with_one_answer_say_nothing_of_agreement() -> None:
    assert krippendorff_alpha([[2, 0], [1, 1], [0, 2]]) == krippendorff_alpha(
        [[2, 0], [1, 0], [1, 1], [0, 1], [0, 0], [0, 2]]
    )


def test_counts_that_make_no_sense_are_refused() -> None:
    empty: list[list[int]] = []
    for coefficient in (cohen_kappa, fleiss_kappa, krippendorff_alpha):
        with pytest.raises(SignalError, match=r"received \[-1.0, 3.0\] in row 0"):
            coefficient([[-1, 3], [1, 1]])
        with pytest.raises(SignalError, match=r"received \[0.5, 1.5\] in row 1"):
            coefficient([[1.0, 1.0], [0.5, 1.5]])
        with pytest.raises(ParameterError, match="at least one item; received none"):
            coefficient(empty)
    with pytest.raises(ParameterError, match=r"shape \(1, 2\) that counts 3 items"):
        cohen_kappa([[1, 2]])
    with pytest.raises(ParameterError, match=r"shape \(2, 2\) that counts 0 items"):
        cohen_kappa([[0, 0], [0, 0]])
    with pytest.raises(ParameterError, match="received items with 2 to 3"):
        fleiss_kappa([[1, 1], [1, 2]])
    with pytest.raises(ParameterError, match="received items with 1 to 1"):
        fleiss_kappa([[1, 0], [0, 1]])
    with pytest.raises(ParameterError, match="an item with at least 2 answers; received none"):
        krippendorff_alpha([[1, 0], [0, 1]])
