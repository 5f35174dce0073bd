"""Precomputed signals: folders, archives and mappings; rows in pool order; what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextlabel import arrays, classes
from nextlabel.core.rng import generator
from nextlabel.core.signals import Signals
from nextlabel.errors import LearnerError, SignalError
from nextlabel.learners.precomputed import Precomputed

TASK = classes("a", "b")
POOL = arrays(np.zeros((4, 1)))
LOGITS = np.arange(8.0, dtype=np.float32).reshape(4, 2)
FEATURES = np.arange(12.0).reshape(4, 3)
NONE = np.empty(0, np.int64)


def said(learner: Precomputed, names: Any, positions: Any = (2, 0)) -> Signals:
    model = learner.fit(POOL, NONE, NONE, np.arange(4), generator(0), task=TASK)
    return model.signals(POOL, np.array(positions), names, generator(0))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.save(tmp_path / "logits.npy", LOGITS)
    np.save(tmp_path / "embedding.npy", FEATURES)
    return tmp_path


def test_a_folder_an_archive_and_a_mapping_say_the_same(folder: Path) -> None:
    np.savez(folder / "all.npz", logits=LOGITS, embedding=FEATURES)
    for source in (
        folder,
        str(folder),
        folder / "all.npz",
        {"logits": LOGITS.tolist(), "embedding": FEATURES},
    ):
        learner = Precomputed(source)
        assert learner.provides == {"logits", "embedding"}
        signals = said(learner, {"residual", "embedding"})
        np.testing.assert_array_equal(signals["logits"], LOGITS[[2, 0]])
        np.testing.assert_array_equal(signals["embedding"], FEATURES[[2, 0]])


def test_files_of_a_folder_are_mapped_not_read(folder: Path) -> None:
    model = Precomputed(folder).fit(POOL, NONE, NONE, NONE, generator(0), task=TASK)
    assert all(isinstance(array, np.memmap) for array in model._arrays.values())


def test_fitting_again_reads_files_that_were_replaced(folder: Path) -> None:
    learner = Precomputed(folder)
    before = learner.fit(POOL, NONE, NONE, NONE, generator(0), task=TASK).fingerprint
    (folder / "logits.npy").unlink()
    np.save(folder / "logits.npy", -LOGITS)
    np.testing.assert_array_equal(said(learner, {"logits"})["logits"], -LOGITS[[2, 0]])
    assert learner.fit(POOL, NONE, NONE, NONE, generator(0), task=TASK).fingerprint != before


def test_equality_is_of_paths_or_of_contents(folder: Path) -> None:
    assert Precomputed(folder) == Precomputed(str(folder))
    assert Precomputed({"logits": LOGITS}) == Precomputed({"logits": LOGITS.copy()})
    assert Precomputed({"logits": LOGITS}) != Precomputed({"logits": LOGITS + 1})
    assert Precomputed({"logits": LOGITS}) != "logits"
    assert len({Precomputed({"logits": LOGITS}), Precomputed({"logits": LOGITS.copy()})}) == 1


@pytest.mark.parametrize(("wrong", "shape"), [(LOGITS[:3], r"\(3, 2\)"), (np.array(1.0), r"\(\)")])
def test_arrays_of_another_pool_are_refused(wrong: Any, shape: str) -> None:
    message = f"'logits' must have one row for each of the pool's 4 items, .* received shape {shape}"
    with pytest.raises(SignalError, match=message):
        said(Precomputed({"logits": wrong}), {"logits"})


def test_rows_that_cannot_be_the_signal_are_refused() -> None:
    with pytest.raises(SignalError, match="'proba' must be probabilities"):
        said(Precomputed({"proba": LOGITS}), {"proba"})


def test_a_name_that_is_no_signal_is_refused() -> None:
    with pytest.raises(SignalError, match=r"'logit' is not a signal\. Did you mean 'logits'"):
        Precomputed({"logit": LOGITS})
    with pytest.raises(SignalError, match=r"'xyzzy' is not a signal\. The signals are: logits"):
        Precomputed({"xyzzy": LOGITS})


def test_an_empty_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LearnerError, match=f"need at least one array; {tmp_path} holds none"):
        Precomputed(tmp_path)
    with pytest.raises(LearnerError, match="need at least one array; the mapping holds none"):
        Precomputed({})


def test_a_path_that_is_neither_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LearnerError, match=r"an .npz; .*nowhere is neither"):
        Precomputed(tmp_path / "nowhere")
