"""`nextlabel label` with a journal that is there: no option is left aside without a word."""

from pathlib import Path
from typing import Any

import pytest

from nextlabel.cli.beginning import Wanted, begin
from nextlabel.cli.going_on import require_same
from nextlabel.errors import ParameterError

PARAMS = ("id", "text", "features", "encoding", "sheet", "image", "skip_faulty")


def wanted(file: Path, said: "dict[str, Any] | None" = None, **more: Any) -> Wanted:
    params = {**dict.fromkeys(PARAMS), **(said or {})}
    return Wanted(file, params, more.pop("labels", ()), more.pop("label_column", None), **{**USUAL, **more})


USUAL: dict[str, Any] = {"kind": "class", "strategy": "auto"}
TEXTS: dict[str, Any] = {"id": "key", "text": "body"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "reviews.csv"
    rows = "".join(f"{one},a film of {one} minutes,{one % 5},\n" for one in range(30))
    file.write_text(f"key,body,stars,said\n{rows}", encoding="latin-1")
    return file


def begun(file: Path, said: "dict[str, Any] | None" = None, **more: Any) -> Path:
    journal = file.with_suffix(".db")
    begin(journal, wanted(file, {**TEXTS, **(said or {})}, **{"labels": ("good", "bad"), **more}))
    return journal


OTHERS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"features": ["stars"]}, {}, "--features must be what the journal .* with, nothing; received stars"),
    ({"image": "body"}, {}, "--image must be what .* with, nothing; received body"),
    ({"sheet": "two"}, {}, "--sheet must be what .* with, nothing; received two"),
    ({"encoding": "cp1251"}, {}, "--encoding must be what .* with, nothing; received cp1251"),
    ({"encoding": "none such"}, {}, "--encoding must be what .* with, nothing; received none such"),
    ({"skip_faulty": True}, {}, "--skip-faulty must be what .* with, nothing; received yes"),
    ({}, {"label_column": "said"}, "--label-column must be what .* with, nothing; received said"),
    ({}, {"encoder": "models/tiny"}, "--encoder must be what .* with, nothing; received models/tiny"),
    (
        {},
        {"learner": "torch"},
        "--learner must be what .* with, sklearn, logistic \\(C 10\\), tfidf; received torch",
    ),
    (
        {},
        {"learner": '{"name": "sklearn", "estimator": "random_forest"}'},
        "--learner must be what .* with, sklearn, logistic \\(C 10\\), tfidf; received sklearn, random",
    ),
    ({}, {"strategy": "margin"}, "--strategy must be what .* with, auto; received margin"),
    ({}, {"labels": ("good",)}, "--labels must be what .* with, good, bad; received good. Leave it out"),
]


@pytest.mark.parametrize(("said", "more", "message"), OTHERS)
def test_an_option_that_would_be_left_aside_is_refused(
    file: Path, said: dict[str, Any], more: dict[str, Any], message: str
) -> None:
    journal = begun(file)
    with pytest.raises(ParameterError, match=message):
        require_same(journal, wanted(file, said, **more))


SAME: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"encoding": "latin-1", "skip_faulty": True}, {}),
    ({}, {"label_column": "said"}),
    ({}, {"learner": "sklearn", "strategy": "random"}),
    ({}, {"learner": '{"name": "sklearn", "estimator": "random_forest", "features": "tfidf"}'}),
    ({}, {"strategy": '{"name": "margin"}'}),
    ({"text": None, "features": ["stars"]}, {"control": 0.2, "seed": 3, "overlap": 2, "candidates": 20}),
]


@pytest.mark.parametrize(("said", "more"), SAME)
def test_the_words_of_the_beginning_go_on_and_so_do_none(
    file: Path, said: dict[str, Any], more: dict[str, Any]
) -> None:
    journal = begun(file, said, **more)
    require_same(journal, wanted(file, {**TEXTS, **said}, **{"labels": ("good", "bad"), **more}))
    require_same(journal, wanted(journal))


def test_an_encoding_is_the_same_by_any_of_its_names(file: Path) -> None:
    require_same(begun(file, {"encoding": "latin-1"}), wanted(file, {"encoding": "ISO-8859-1"}))


def test_one_class_is_no_question(file: Path) -> None:
    with pytest.raises(ParameterError, match=r"two classes or more .*; received 'good' alone.*good,other"):
        begun(file, labels=("good",))
    assert begun(file, labels=("good",), kind="classes").exists()


def test_an_encoder_is_the_same_by_any_path_to_it(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("transformers")
    from nextlabel.testing.tiny_encoders import tiny_text_encoder

    tiny_text_encoder(tmp_path / "tiny")
    monkeypatch.chdir(tmp_path)
    journal = begun(file, encoder="tiny")
    for path in ("tiny", "./tiny", str(tmp_path / "tiny")):
        require_same(journal, wanted(file, encoder=path))
    with pytest.raises(ParameterError, match=r"--encoder must be what .* with, tiny; received other"):
        require_same(journal, wanted(file, encoder="other"))


def test_another_file_of_the_same_stem_is_not_taken_for_the_one_begun_with(file: Path) -> None:
    journal = begun(file)
    other = file.with_suffix(".tsv")
    other.write_text("key\tbody\n1\tsomething else\n")
    with pytest.raises(ParameterError, match=r"began with, reviews\.csv; received reviews\.tsv\. To go on"):
        require_same(journal, wanted(other))
    require_same(journal, wanted(file))
    require_same(journal, wanted(journal))
