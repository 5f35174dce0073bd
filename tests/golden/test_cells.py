"""A cell is found again by what decides it, and by nothing else."""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from nextlabel import arrays, classes
from nextlabel.core.dataset import Dataset
from nextlabel.experiment import cells
from nextlabel.experiment.cells import cell_id, code_version, data_digest, libraries, versions
from nextlabel.testing.processes import elsewhere


def dataset(**changes: object) -> Dataset:
    given = {
        "name": "four",
        "description": "four items",
        "pool": arrays(np.arange(4.0), ids=list("abcd")),
        "labels": np.array([0, 1, 0, 1]),
        "task": classes("x", "y"),
        **changes,
    }
    return Dataset(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "other",
    [
        {"pool": arrays(np.arange(1.0, 5.0), ids=list("abcd"))},
        {"pool": arrays(np.arange(4.0), ids=list("abce"))},
        {"pool": arrays(np.array([1.0, 0.0, 2.0, 3.0]), ids=list("bacd"))},
        {"labels": np.array([0, 1, 1, 0])},
        {"task": classes("y", "x")},
        {"test": np.array([0])},
    ],
)
def test_items_order_labels_classes_and_test_part_decide(other: dict[str, object]) -> None:
    assert data_digest(dataset(**other)) != data_digest(dataset())


def test_what_a_data_set_is_called_does_not_decide() -> None:
    assert data_digest(dataset(name="4", description="")) == data_digest(dataset())


def test_an_id_is_the_same_in_another_process() -> None:
    spec = {"learner": {"name": "sklearn"}, "seed": 0, "strategy": "ü"}
    assert elsewhere(cell_id, spec) == cell_id(spec) != cell_id({**spec, "seed": 1})
    code_version.cache_clear()  # the files may have changed since it was first asked
    assert elsewhere(code_version) == code_version()


def test_comments_and_docstrings_are_not_code(tmp_path: Path) -> None:
    def meaning(text: str) -> bytes:
        (tmp_path / "code.py").write_text(text, encoding="utf-8")
        return cells._meaning(tmp_path / "code.py")

    plain = meaning("def f(x):\n    return x + 1\n")
    assert (
        meaning('"""What it is."""\n\ndef f(x):  # adds\n    """Adds."""\n    return (x +\n        1)\n')
        == plain
    )
    assert meaning("def f(x):\n    return x + 2\n") != plain


def test_the_code_covers_what_decides_and_not_the_report() -> None:
    root = Path(cells.__file__).parents[1]
    assert all((root / place).exists() for place in (*cells._DECIDES, cells._RUNNER))
    assert not any("report" in place or "figures" in place for place in cells._DECIDES)


def test_a_report_says_the_version_of_nextlabel_and_a_cell_is_not_named_by_it() -> None:
    assert versions({"name": "sklearn"}) == {"nextlabel": version("nextlabel"), **libraries(None)}
    assert "nextlabel" not in libraries(None)


def test_torch_counts_where_it_is_spoken_of(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(libraries({"name": "sklearn"})) == {"python", "numpy", "scipy", "scikit-learn"}
    assert "torch" in libraries({"name": "torch"})
    monkeypatch.setattr(cells, "_LIBRARIES", ("no-such-library",))
    assert json.loads(json.dumps(libraries(None)))["no-such-library"] == "not installed"
