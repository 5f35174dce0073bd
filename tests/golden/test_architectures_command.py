"""``nextlabel architectures`` on images, rows and texts: what it prints, leaves out, and refuses."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from nextlabel.cli.app import app
from nextlabel.core.registry import resolve
from nextlabel.errors import LearnerError, ParameterError

DATA = Path(__file__).parents[1] / "data"
SMALL = ["--items", "8", "--draws", "2"]


def said(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["architectures", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def digits(tmp_path: Path) -> str:
    images = np.random.default_rng(0).random((30, 8, 8), dtype=np.float32)
    np.save(tmp_path / "digits.npy", images)
    return str(tmp_path / "digits.npy")


def test_images_are_shown_to_networks_that_take_them(digits: str) -> None:
    text = said(digits, *SMALL)
    head, *rows = text.splitlines()
    assert head.split()[:4] == ["network", "units", "score", "spread"]
    assert rows[0].startswith("narrow_resnet")
    assert "lenet is left out: it needs larger images than 8 x 8." in text
    assert "four_convolutions is left out" in text
    assert "Each score is the mean of 2 draws of 8 items" in text
    assert 'Of those with 1,024 units, first: {"name": "mlp"' in text
    assert "since no other has as many units: narrow_resnet; two_convolutions. More units" in text
    assert "no forecast of accuracy" in text


def test_networks_of_as_many_units_are_compared(digits: str) -> None:
    """Ten narrow layers tell items apart less well than a wide one; dropout is off and changes nothing."""
    wide, deep = '{"name": "mlp", "hidden": [200]}', json.dumps({"name": "mlp", "hidden": [20] * 10})
    dropping = '{"name": "mlp", "hidden": [200], "dropout": 0.5}'
    text = said(digits, "--items", "8", "--network", deep, "--network", wide)
    assert f"Of those with 200 units, first: {wide}, told apart from the others." in text
    assert "Compared with none" not in text
    assert "is left out" not in text
    text = said(digits, "--items", "8", "--network", deep, "--network", wide, "--network", dropping)
    assert f"first: {wide}, and not told apart from it: {dropping}." in text


def test_a_folder_of_images_is_scaled_to_one_size() -> None:
    text = said(str(DATA / "photos"), "--size", "32", "--items", "3", "--draws", "2", "--network", "lenet")
    assert text.splitlines()[1].split()[:2] == ["lenet", "8,652"]
    with pytest.raises(LearnerError, match=r"takes images of one size; received several: .* --size 32"):
        said(str(DATA / "photos"), "--network", "mlp")
    with pytest.raises(LearnerError, match=r"takes images of one size; received several: .* --size 32"):
        said(str(DATA / "photos"))


def test_rows_and_texts_are_shown_to_perceptrons() -> None:
    text = said(str(DATA / "reviews.csv"), "--text", "body", "--items", "4", "--draws", "2")
    assert text.count('"mlp"') >= 5
    assert "lenet" not in text


def test_labels_are_kept_out(tmp_path: Path) -> None:
    """The column `label` changes nothing of what a network sees."""
    rows = np.random.default_rng(0).normal(size=(20, 3))
    found = []
    for labels in (range(20), reversed(range(20))):
        lines = [f"{a},{b},{c},{label}" for (a, b, c), label in zip(rows, labels, strict=True)]
        (tmp_path / "rows.csv").write_text("a,b,c,label\n" + "\n".join(lines) + "\n", encoding="utf-8")
        found.append(json.loads(said(str(tmp_path / "rows.csv"), *SMALL, "--json")))
    assert [one["scores"] for one in found[0]] == [one["scores"] for one in found[1]]
    assert set(found[0][0]) == {
        "network",
        "units",
        "items",
        "scores",
        "bound",
        "twins",
        "company",
        "behind",
        "is_behind",
    }


def test_too_few_units_are_said_to_be_why(digits: str) -> None:
    narrow = '{"name": "mlp", "hidden": [5]}'
    text = said(digits, *SMALL, "--network", narrow, "--network", "mlp")
    assert f"{narrow}: minus infinity in 2 of 2 draws, since 5 units cannot tell 8 items apart." in text
    assert "-inf" in text
    given = json.loads(said(digits, *SMALL, "--network", narrow, "--json"))
    assert given[0]["scores"] == [None, None]


def test_items_that_light_the_same_units_are_said_to_be_why(tmp_path: Path) -> None:
    """Images that are one image a little brighter each: every unit without much bias answers alike."""
    image = np.random.default_rng(0).random((8, 8), dtype=np.float32)
    np.save(tmp_path / "alike.npy", np.stack([image * 1e4 * (1 + i / 1e3) for i in range(8)]))
    text = said(str(tmp_path / "alike.npy"), *SMALL, "--network", "mlp")
    assert "mlp: minus infinity in 2 of 2 draws, since of 8 items up to 7 light the same units" in text


def test_codes_made_up_of_others_are_said_to_be_why() -> None:
    """Not met by chance: no twins and enough units, and yet a determinant of zero."""
    from nextlabel.cli.architectures import _why_singular
    from nextlabel.learners.architecture_ranks import Scored

    sentence = _why_singular(Scored("mlp", 50, 4, (-np.inf, 3.0), (0, 0)))
    assert (
        sentence == "mlp: minus infinity in 1 of 2 draws, since the units that some items light are made "
        "up of those of others."
    )


def test_a_network_without_relu_or_with_bad_settings_is_refused(digits: str) -> None:
    with pytest.raises(LearnerError, match=r"'mlp' executes no torch\.nn\.ReLU \(it has Flat, Linear\)"):
        said(digits, "--network", '{"name": "mlp", "hidden": []}')
    with pytest.raises(ParameterError, match=r"--network must be a name or JSON; received '\{mlp'"):
        said(digits, "--network", "{mlp")


@pytest.mark.parametrize("twice", ["lenet", '{"name": "mlp", "hidden": [8]}'])
def test_a_network_named_twice_is_refused(digits: str, twice: str) -> None:
    with pytest.raises(
        ParameterError, match=r"must differ; received .*(lenet|\[8\]).* twice\. Name each once"
    ):
        said(digits, "--network", "two_convolutions", "--network", twice, "--network", twice)


def test_the_command_is_registered() -> None:
    assert resolve("command", "architectures").__name__ == "architectures"


def test_losses_are_listed_by_their_plural() -> None:
    result = CliRunner().invoke(app, ["list", "losses"])
    assert result.exit_code == 0
    assert "class_balanced" in result.output
