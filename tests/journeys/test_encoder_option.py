"""``nextlabel label --encoder``: what cannot work is said before there is a journal, not at the first fit."""

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nextlabel.cli.app import app
from nextlabel.cli.beginning import Wanted, begin
from nextlabel.errors import LearnerError, MissingExtra

for library in ("torch", "transformers"):
    pytest.importorskip(library, reason="needs the extra: pip install 'nextlabel[huggingface]'")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NEXTLABEL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    made = tmp_path / "items" / "films.csv"
    made.parent.mkdir()
    made.write_text("body\n" + "".join(f"a red cat {one}\n" for one in range(30)))
    return made


def refused(file: Path, encoder: Path) -> BaseException:
    words = ["label", str(file), "--text", "body", "--labels", "a,b", "--no-open", "--encoder", str(encoder)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code != 0
    assert done.exception is not None
    assert [one.name for one in file.parent.iterdir()] == ["films.csv"]  # nothing was begun
    return done.exception


def test_a_path_without_a_model_is_one_error_and_no_journal(file: Path, tmp_path: Path) -> None:
    error = refused(file, tmp_path / "nowhere")
    assert isinstance(error, LearnerError)
    assert f"received '{tmp_path / 'nowhere'}', which is neither" in str(error)


def test_a_missing_library_is_one_error_and_no_journal(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)  # what an import finds where it is not installed
    error = refused(file, tmp_path)
    assert isinstance(error, MissingExtra)
    assert "nextlabel[huggingface]" in str(error)


def test_an_encoder_of_images_is_refused_for_texts(file: Path, tmp_path: Path) -> None:
    from nextlabel.testing.tiny_encoders import tiny_image_encoder

    assert isinstance(refused(file, tiny_image_encoder(tmp_path / "vit")), LearnerError)


def test_an_encoder_that_works_is_written_down(file: Path, tmp_path: Path) -> None:
    from nextlabel.testing.tiny_encoders import tiny_text_encoder

    path = str(tiny_text_encoder(tmp_path / "bert"))
    wanted = Wanted(file, {"text": "body"}, ("a", "b"), None, "class", "auto", encoder=path)
    _, state, _ = begin(file.with_suffix(".db"), wanted)
    assert state.created.learner is not None
    assert state.created.learner["features"] == {"name": "encoder", "path": path}
