"""Arrays that NumPy saved, as a pool."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextlabel.errors import PoolError, ReaderError
from nextlabel.readers.npy import npy, npz


class Trap:
    """What a pickle may do when it is read."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.file,))


def test_an_array_stays_on_disk(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.eye(3, dtype=np.float32))
    pool = npy(tmp_path / "rows.npy")
    assert isinstance(pool.items, np.memmap)
    assert pool.take(np.array([2, 0])).tolist() == [[0, 0, 1], [1, 0, 0]]


def test_texts_are_strings(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.array(["one", "two"]))
    pool = npy(tmp_path / "rows.npy")
    assert pool.items.dtype == object
    assert pool.show(pool.ids[1]).content == "two"


@pytest.mark.parametrize("layout", [{"dtype": ">f4"}, {"order": "F"}])
def test_other_layouts_give_the_values_in_the_order_of_this_machine(
    tmp_path: Path, layout: dict[str, Any]
) -> None:
    values = np.arange(6.0).reshape(3, 2)
    np.save(tmp_path / "rows.npy", np.array(values, **layout))
    pool = npy(tmp_path / "rows.npy")
    assert np.array_equal(pool.items, values)
    assert pool.items.dtype.isnative


@pytest.mark.parametrize("name", ["rows.npy", "rows.npz"])
def test_python_objects_are_refused_and_never_run(tmp_path: Path, name: str) -> None:
    objects = np.array([[Trap(tmp_path / "sprung")]], dtype=object)
    if name == "rows.npy":
        np.save(tmp_path / name, objects, allow_pickle=True)
    else:
        np.savez(tmp_path / name, items=objects)
    with pytest.raises(ReaderError, match="without Python objects is needed"):
        (npy if name == "rows.npy" else npz)(tmp_path / name)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    "values",
    [
        np.zeros((0, 3)),
        np.zeros((3, 0)),
        np.float64(3),
        np.zeros(3, complex),
        np.array([["a"]]),
        np.zeros(2, "datetime64[s]"),
    ],
)
def test_what_is_no_row_of_numbers_is_refused(tmp_path: Path, values: np.ndarray) -> None:
    np.save(tmp_path / "rows.npy", values)
    says = re.escape(f"received an array of shape {values.shape} and type {values.dtype} from")
    with pytest.raises(ReaderError, match=says):
        npy(tmp_path / "rows.npy")


@pytest.mark.parametrize("name", ["rows.npy", "rows.npz"])
@pytest.mark.parametrize("kept", [0.5, 0.99])
def test_a_file_cut_short_is_refused(tmp_path: Path, name: str, kept: float) -> None:
    file = tmp_path / name
    np.save(file, np.eye(30)) if name == "rows.npy" else np.savez(file, items=np.eye(30))
    file.write_bytes(file.read_bytes()[: int(kept * file.stat().st_size)])
    with pytest.raises(ReaderError, match=re.escape(str(file))):
        (npy if name == "rows.npy" else npz)(file)


def test_one_kind_of_file_under_the_name_of_the_other_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "rows.npz", items=np.eye(3))
    np.save(tmp_path / "other.npy", np.eye(3))
    (tmp_path / "rows.npz").rename(tmp_path / "rows.npy")
    (tmp_path / "other.npy").rename(tmp_path / "other.npz")
    with pytest.raises(ReaderError, match="it is an npz file"):
        npy(tmp_path / "rows.npy")
    with pytest.raises(ReaderError, match=r"other\.npz"):
        npz(tmp_path / "other.npz")


def test_ids_labels_and_other_columns_come_along(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "rows.npz",
        items=np.eye(2),
        ids=np.array(["a", "b"]),
        labels=np.array([1, 0]),
        weight=np.array([0.5, 2]),
        centres=np.zeros((5, 2)),
        names=np.array(["x", "y", "z"]),
    )
    pool = npz(tmp_path / "rows.npz")
    assert list(pool.ids) == ["a", "b"]
    assert pool.columns == {"label": ["1", "0"], "weight": ["0.5", "2.0"]}


def test_the_only_array_of_rows_or_the_one_said_is_the_items(tmp_path: Path) -> None:
    np.savez(tmp_path / "one.npz", pixels=np.eye(2), y=np.array([0, 1]))
    assert npz(tmp_path / "one.npz").columns == {"label": ["0", "1"]}
    np.savez(tmp_path / "two.npz", train=np.eye(2), test=np.eye(3))
    pool = npz(tmp_path / "two.npz", items="test")
    assert len(pool.ids) == 3
    assert pool.source is not None
    assert pool.source.params["items"] == "test"
    for said in (None, "tset"):
        with pytest.raises(ReaderError, match=rf"received {said!r} .* with train \(2, 2\), test \(3, 3\)"):
            npz(tmp_path / "two.npz", items=said)


@pytest.mark.parametrize(
    ("ids", "says"), [(["a"], "received 2 items and 1 ids"), (["a", "a"], "'a' comes twice")]
)
def test_ids_that_do_not_fit_are_refused(tmp_path: Path, ids: list[str], says: str) -> None:
    np.savez(tmp_path / "rows.npz", items=np.eye(2), ids=np.array(ids))
    with pytest.raises(PoolError, match=says):
        npz(tmp_path / "rows.npz")
