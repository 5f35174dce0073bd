"""F1 of classes and its mean, against scikit-learn and by hand; and a bootstrap that knows its bounds."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from nextlabel.errors import ParameterError, SignalError
from nextlabel.maths.macro_f1 import class_f1, macro_f1, macro_f1_bootstrap


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("seed", range(5))
def test_it_is_what_scikit_learn_says_where_every_class_occurs(seed: int) -> None:
    truth, said = rng(seed).integers(0, 2, size=(2, 40, 3))
    np.testing.assert_allclose(class_f1(truth, said), f1_score(truth, said, average=None))
    assert macro_f1(truth, said) == pytest.approx(f1_score(truth, said, average="macro"))


def test_a_class_that_is_neither_there_nor_named_is_left_out() -> None:
    truth, said = [[1, 0, 0], [0, 1, 0]], [[1, 0, 0], [1, 0, 0]]
    assert class_f1(truth, said).round(4).tolist()[:2] == [0.6667, 0.0]
    assert np.isnan(class_f1(truth, said)[2])
    assert macro_f1(truth, said) == pytest.approx(1 / 3)


def test_without_any_class_there_is_no_number() -> None:
    assert np.isnan(macro_f1([[0, 0]], [[0, 0]]))
    assert np.isnan(macro_f1_bootstrap([[0, 0]], [[0, 0]], rng=rng()).low)


def test_the_bootstrap_surrounds_the_value_and_narrows_with_items() -> None:
    labels = rng().integers(2, size=400)
    wrong = rng(1).random(400) < 0.2
    truth, said = np.eye(2)[labels], np.eye(2)[labels ^ wrong]
    many = macro_f1_bootstrap(truth, said, rng=rng())
    few = macro_f1_bootstrap(truth[:40], said[:40], rng=rng())
    assert many.low < macro_f1(truth, said) < many.high
    assert many.high - many.low < few.high - few.low


def test_the_bootstrap_of_two_items_is_their_four_resamples() -> None:
    """A quarter holds the right item twice, F1 1; a half holds both, 2/3; a quarter the wrong one, 0."""
    truth, said = [[1], [1]], [[1], [0]]
    ends = [macro_f1_bootstrap(truth, said, rng=rng(), confidence=share) for share in (0.3, 0.7)]
    assert [(round(one.low, 4), round(one.high, 4)) for one in ends] == [(0.6667, 0.6667), (0.0, 1.0)]


def test_what_is_no_table_of_zeros_and_ones_is_refused() -> None:
    with pytest.raises(SignalError, match="received 1 items with values from 0 to 2"):
        macro_f1([[2, 0]], [[1, 0]])
    with pytest.raises(SignalError, match="for at least one item; received 0 items"):
        macro_f1(np.zeros((0, 2)), np.zeros((0, 2)))
    with pytest.raises(SignalError, match="must agree on axis 'n'"):
        class_f1([[1, 0]], [[1, 0], [0, 1]])
    with pytest.raises(ParameterError, match="'resamples' must be a whole number from 2 up; received 1"):
        macro_f1_bootstrap([[1]], [[1]], rng=rng(), resamples=1)
    with pytest.raises(ParameterError, match="'confidence' must be"):
        macro_f1_bootstrap([[1]], [[1]], rng=rng(), confidence=1.0)
