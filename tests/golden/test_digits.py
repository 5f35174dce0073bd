"""The digits are those of scikit-learn."""

import numpy as np
from sklearn.datasets import load_digits

from nextlabel.datasets.digits import digits


def test_pixels_lie_between_paper_and_ink() -> None:
    items = digits().pool.take(np.arange(1797))
    assert items.shape == (1797, 8, 8)
    assert items.dtype == np.float32
    assert (items.min(), items.max()) == (0.0, 1.0)


def test_pictures_and_labels_are_those_of_scikit_learn() -> None:
    data, source = digits(), load_digits()
    assert np.array_equal(data.pool.take(np.array([5]))[0] * 16.0, source.images[5])
    assert np.array_equal(data.labels, source.target)


def test_ids_are_stable_and_show_a_picture() -> None:
    data = digits()
    assert data.pool.ids[7] == "digit-0007"
    assert data.pool.show("digit-0007").medium == "image"


def test_there_is_no_official_test_part() -> None:
    assert digits().test is None
