"""Every registered data set keeps the promises of its kind; one whose files are not here is skipped."""

import functools

import numpy as np
import pytest

from nextlabel import build, classes, names
from nextlabel.core.dataset import Dataset
from nextlabel.core.registry import REGISTRY
from nextlabel.datasets.listings import LISTINGS
from nextlabel.errors import DatasetMissing, LabelError, PoolError
from nextlabel.readers.arrays import arrays

POOL = arrays(np.zeros((3, 2)))
TASK = classes("cat", "dog")


@functools.lru_cache(maxsize=1)  # the tests of one set run one after another
def _loaded(name: str) -> Dataset | str:
    try:
        made = build("dataset", name)
    except DatasetMissing as missing:
        return str(missing)
    assert isinstance(made, Dataset)
    return made


@pytest.fixture(params=names("dataset"))
def dataset(request: pytest.FixtureRequest) -> Dataset:
    made = _loaded(request.param)
    if isinstance(made, str):
        pytest.skip(made)
    assert made.name == request.param
    return made


def test_it_keeps_the_promises_of_its_kind(dataset: Dataset) -> None:
    """In one test, so that a large set is loaded once and let go."""
    _items_labels_and_classes_fit_together(dataset)
    _it_is_what_its_listing_says(dataset)
    _it_is_the_same_every_time(dataset)


def _items_labels_and_classes_fit_together(dataset: Dataset) -> None:
    n = len(dataset.pool.ids)
    ends = np.array([n - 1, 0])
    taken = dataset.pool.take(ends)
    assert len(taken) == 2
    assert n == len(dataset.labels) == len(set(dataset.pool.ids))
    assert dataset.labels.dtype == np.int64
    assert set(dataset.labels.tolist()) == set(range(len(dataset.task.classes)))
    assert all(len(cells) == n for cells in dataset.pool.columns.values())


def _it_is_what_its_listing_says(dataset: Dataset) -> None:
    listing = LISTINGS[dataset.name]
    assert len(dataset.pool.ids) == listing.items
    assert len(dataset.task.classes) == listing.classes
    assert dataset.pool.show(dataset.pool.ids[0]).medium == listing.medium
    assert dataset.description == listing.description
    assert len(dataset.description.split()) >= 5


def _it_is_the_same_every_time(dataset: Dataset) -> None:
    assert dataset.pool.source is not None
    again = build("dataset", dataset.pool.source)
    assert again.pool.fingerprint == dataset.pool.fingerprint
    assert again.pool.ids == dataset.pool.ids
    assert np.array_equal(again.labels, dataset.labels)


def test_every_registered_set_is_listed_and_every_listed_one_registered() -> None:
    assert list(LISTINGS) == list(REGISTRY["dataset"])


def test_no_data_set_is_called_as_a_reader() -> None:
    assert not set(REGISTRY["dataset"]) & set(REGISTRY["reader"])


@pytest.mark.parametrize("labels", [np.array([0, 1]), np.array([0.0, 1.0, 0.0])])
def test_labels_are_one_class_index_for_each_item(labels: np.ndarray) -> None:
    received = rf"each of its 3 items; received labels of shape \({len(labels)},\) and type {labels.dtype}"
    with pytest.raises(LabelError, match=received):
        Dataset("x", "three items", POOL, labels, TASK)


def test_labels_outside_the_task_are_refused() -> None:
    with pytest.raises(LabelError, match="from 0 to 1; received values from -1 to 2"):
        Dataset("x", "three items", POOL, np.array([-1, 2, 0]), TASK)


@pytest.mark.parametrize("test", [[], [0, 0], [3], [-1], [0, 1, 2], [[0]]])
def test_official_test_items_are_distinct_and_leave_a_pool(test: list[int]) -> None:
    with pytest.raises(PoolError, match="distinct positions of the 3 items"):
        Dataset("x", "three items", POOL, np.array([0, 1, 0]), TASK, np.array(test, dtype=np.int64))


def test_official_test_items_are_kept() -> None:
    kept = Dataset("x", "three items", POOL, np.array([0, 1, 0]), TASK, np.array([2]))
    assert kept.test is not None
    assert kept.test.tolist() == [2]
