"""``nextlabel leakage`` as a person meets it.

Longer than most: one command with all its options, and one folder of models and records that all tests share.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.main import get_command
from typer.testing import CliRunner

from nextlabel import names
from nextlabel.cli.again import written_command
from nextlabel.cli.app import app
from nextlabel.cli.audited import read_audited
from nextlabel.core.registry import resolve
from nextlabel.datasets.digits import digits
from nextlabel.errors import NextlabelError, ParameterError
from nextlabel.leakage.report.report import Report
from nextlabel.leakage.verdicts import VERDICTS

pytest.importorskip("torch")

MODEL = """
import torch
from torch import nn

from helper import hidden

def make_model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, 10)).eval()

def pricing():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 12), nn.Tanh(), nn.Linear(12, 1)).eval()

def training():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.Dropout(0.5), nn.Linear(8, 10)).train()

def failing():
    raise RuntimeError("no weights here")

def wrong():
    return 3

def needing(path):
    return None
"""
CHEATING = """
from dataclasses import dataclass

import numpy as np

from nextlabel.core.attack import Attack, Recovery

@dataclass(frozen=True)
class Cheating(Attack):
    @property
    def reads(self):
        return frozenset({"full"})

    @property
    def recovers(self):
        return frozenset({"items"})

    @property
    def cost(self):
        return "closed_form"

    def recover(self, disclosure, knowledge, rng):
        return Recovery("recovered", items=np.load("records.npz")["items"], residual=0.0)
"""
NEXTLABEL = (sys.executable, "-m", "nextlabel", "leakage")
FAST = ("--seconds", "2", "--records", "4", "--attacks", "label_inference,fully_connected")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "helper.py").write_text("hidden = 32\n")
    data = digits()
    np.savez(tmp_path / "records.npz", items=data.pool.take(np.arange(60)), labels=data.labels[:60])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "110")
    return tmp_path


def leakage(*words: str) -> tuple[int, str, str]:
    """What a process of its own would say: the code, standard output, standard error."""
    done = CliRunner().invoke(app, ["leakage", *words])
    error = done.exception
    if error is not None and not isinstance(error, SystemExit):
        return 2, done.stdout, str(error)
    return done.exit_code, done.stdout, done.stderr


def test_an_audit_says_the_verdict_and_writes_page_and_json(place: Path) -> None:
    code, said, _ = leakage("audit", "model.py:make_model", "--data", "records.npz", *FAST)
    assert code == 0
    text = re.sub(r"\s+", " ", said)
    assert "EXACT: 4 of 4 records came back exactly (100.0 %; 95 % interval" in text
    assert "The attacker knows: the model and its weights" in text
    assert "Controls: " in text
    assert "Time: " in text
    assert "The page: leakage-report/report.html" in text
    page = (place / "leakage-report" / "report.html").read_text(encoding="utf-8")
    assert "EXACT" in page
    report = Report.from_json((place / "leakage-report" / "report.json").read_text(encoding="utf-8"))
    assert report.verdict == "EXACT"
    assert "safe" not in re.sub("safety", "", text.lower())


def test_share_batch_and_defence_are_those_of_the_report(place: Path) -> None:
    code, said, _ = leakage(
        *("audit", "model.py:make_model", "--data", "records.npz", "--share", "last-layer", "--batch", "2"),
        *("--defence", "gaussian:1e-3", "--defence", "float16", "--reduction", "sum", "--bounds", "0,1"),
        *("--knows", "batch,bounds", "--seconds", "2", "--records", "4"),
    )
    assert code == 0, said
    report = json.loads((place / "leakage-report" / "report.json").read_text(encoding="utf-8"))
    assert report["setting"]["share"] == "last_layer"
    assert report["setting"]["batch"] == 2
    assert report["setting"]["reduction"] == "sum"
    assert report["setting"]["defences"] == ["gaussian:0.001", "float16"]
    assert any("(0.0, 1.0)" in one for one in report["knows"])
    assert not any("images" in one for one in report["knows"])


def test_embeddings_need_no_labels_and_come_with_what_to_send_instead(place: Path) -> None:
    np.savez(place / "bare.npz", items=digits().pool.take(np.arange(60)))
    code, said, _ = leakage(
        *("audit", "model.py:make_model", "--data", "bare.npz", "--share", "embedding", "--records", "4"),
        *("--seconds", "2"),
    )
    assert code == 0
    text = re.sub(r"\s+", " ", said)
    assert "gradient embeddings need not cross a boundary" in text
    assert "Still tells" in text


def test_what_was_said_of_reading_the_data_stands_in_the_report_and_once_in_the_terminal(place: Path) -> None:
    data = digits()
    items, labels = data.pool.take(np.arange(60)), data.labels[:60]
    many = np.resize(items, (2_100, *items.shape[1:])) + np.arange(2_100)[:, None, None] / 1e6
    np.savez("named.npz", items=many, labels=[f"digit {one}" for one in np.resize(labels, 2_100)])
    code, said, error = leakage("audit", "model.py:make_model", "--data", "named.npz", *FAST)
    assert code == 0, error
    report = Report.from_json((place / "leakage-report" / "report.json").read_text(encoding="utf-8"))
    page = (place / "leakage-report" / "report.html").read_text(encoding="utf-8")
    for words in ("2,000 of 2,100 items take part", "Classes are numbered in alphabetical order: 0 digit 0,"):
        assert any(words in one for one in report.remarks)
        assert words in page
        assert re.sub(r"\s+", " ", said).count(words) == 1


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--steps", "3"), "--steps are those of an update; the message is 'full'"),
        (("--share", "last-layer", "--steps", "1"), "the message is 'last-layer', which has none"),
        (("--rate", "0.1"), "--rate is that of an update, or of the trainings of a sweep"),
        (("--rate", "1", "--sweep", "prune:30%", "--trainings", "0"), "nothing is trained"),
        (("--evaluations", "9"), "--evaluations speak of a sweep; received no --sweep"),
        (("--trainings", "1", "--epochs", "1"), "--trainings, --epochs speak of a sweep"),
        (("--sweep", ","), "--sweep takes defences with commas between them; received ','"),
        (("--attacks", " ,"), "--attacks takes attacks with commas between them; received ' ,'"),
        (("--knows", "batch,public"), "received public, which are arrays. .* in Python"),
        (("--knows", "public,public_labels,sketch"), "received public, public_labels, sketch, which"),
        (
            ("--sweep", "prune:30%", "--trainings", "-1"),
            "'trainings' must be a whole number from 0 up; received -1",
        ),
        (("--sweep", "prune:30%", "--epochs", "0"), "'epochs' must be a whole number from 1 up; received 0"),
        (("--sweep", "prune:30%", "--evaluations", "0"), "'evaluations' must be .* received 0"),
        (("--share", "lastlayer"), "'lastlayer' is not .* Did you mean 'last-layer'.* full, last-layer, upd"),
    ],
)
def test_what_would_have_no_effect_is_refused(place: Path, words: tuple[str, ...], expected: str) -> None:
    code, said, error = leakage("audit", "model.py:make_model", "--data", "records.npz", *FAST[:4], *words)
    assert code == 2
    assert re.search(expected, error), error
    assert not (place / "leakage-report").exists()
    assert not said


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("list", "--seed", "3"), "leakage list takes no options; received --seed"),
        (("demo", "--batch", "3"), "leakage demo takes --seed and --out; received --batch"),
    ],
)
def test_options_of_an_audit_are_refused_elsewhere(words: tuple[str, ...], expected: str) -> None:
    code, _, error = leakage(*words)
    assert code == 2
    assert expected in error


@pytest.mark.parametrize(
    "words",
    [
        ("--share", "update", "--steps", "2", "--rate", "0.05"),
        ("--share", "last_layer", "--knows", ""),
        ("--rate", "0.05", "--sweep", "prune:30%", "--trainings", "1", "--epochs", "1", "--evaluations", "5"),
    ],
)
def test_what_has_an_effect_is_taken(place: Path, words: tuple[str, ...]) -> None:
    code, _, error = leakage(
        *("audit", "model.py:make_model", "--data", "records.npz", *FAST[:4]),
        *("--attacks", "label_inference", *words),
    )
    assert code == 0, error


def test_a_sweep_adds_what_ended_the_attacks_and_what_it_cost(place: Path) -> None:
    code, said, _ = leakage(
        *("audit", "model.py:make_model", "--data", "records.npz", *FAST),
        *("--sweep", "gaussian:10,prune:30%", "--trainings", "1"),
    )
    assert code == 0
    text = re.sub(r"\s+", " ", said)
    assert (
        "The attacks together took 4 of 4 items without a defence and 0 of 4 items with Gaussian noise of 10"
        in text
    )
    assert "Test accuracy" in text
    assert "Only an accountant bounds" in text
    report = Report.from_json((place / "leakage-report" / "report.json").read_text(encoding="utf-8"))
    assert [one.words for one in report.trials] == ["no defence", "Gaussian noise of 10", "30 % pruned"]


def test_bounded_is_said_of_a_private_message_where_delta_and_prior_are_given(place: Path) -> None:
    code, said, _ = leakage(
        *("audit", "model.py:make_model", "--data", "records.npz", *FAST),
        *("--defence", "private:1.1:0.5", "--delta", "1e-5", "--prior", "1e-4"),
        *("--sweep", "gaussian:10", "--trainings", "0"),
    )
    assert code == 0, said
    text = re.sub(r"\s+", " ", said)
    assert "BOUNDED: no record of 4 came back" in text
    assert "δ = 1e-05) no attack whatever" in text
    assert "guessed without the message with a chance of 0.0001" in text


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("audit",), "An audit needs a model; received none"),
        (("adit", "model.py:make_model"), "'adit' is nothing to do about leakage. Did you mean 'audit'"),
        (("list", "model.py:make_model"), "A model is for audit; received 'model.py:make_model' with 'list'"),
        (("audit", "model.py:make_model"), "received no --data"),
        (("audit", "model.py", "--data", "digits"), "a function of a Python file .* received 'model.py'"),
        (("audit", "models.py:make", "--data", "digits"), "models.py must be a Python file .* no such file"),
        (("audit", "model.py:make", "--data", "digits"), "must define the function make; .* make_model"),
        (("audit", "model.py:failing", "--data", "digits"), "it raised RuntimeError: no weights here"),
        (("audit", "model.py:needing", "--data", "digits"), "it raised TypeError"),
        (("audit", "model.py:wrong", "--data", "digits"), "must return a torch.nn.Module; it returned int"),
        (("audit", "model.py:make_model", "--data", "digitz"), "received 'digitz'.* Did you mean 'digits'"),
        (("audit", "model.py:make_model", "--data", "digits", "--labels", "y"), "has labels of its own"),
        (
            ("audit", "model.py:make_model", "--data", "digits", "--share", "all"),
            "'all' is not a registered message",
        ),
        (
            ("audit", "model.py:make_model", "--data", "digits", "--defence", "gausian:1"),
            "'gausian' is not a defence. Did you mean 'gaussian'",
        ),
        (
            ("audit", "model.py:make_model", "--data", "digits", "--sweep", "noise"),
            "'noise' is not a defence",
        ),
        (
            ("audit", "model.py:make_model", "--data", "digits", "--attacks", "magic"),
            "'magic' is not a registered",
        ),
        (
            ("audit", "model.py:make_model", "--data", "digits", "--bounds", "0"),
            "two numbers .* received '0'",
        ),
        (
            ("audit", "model.py:make_model", "--data", "digits", "--batch", "0"),
            "'batch' must be a whole number",
        ),
        (("audit", "model.py:make_model", "--data", "digits", "--seconds", "0"), "'seconds' must be"),
        (
            ("audit", "model.py:make_model", "--data", "digits", "--knows", "all"),
            "'knows' takes .* received 'all'",
        ),
        (
            ("audit", "model.py:make_model", "--data", "digits", "--delta", "1e-5", "--prior", "1e-4"),
            "by the defence 'private'; received no defence",
        ),
        (("audit", "model.py:training", "--data", "digits"), "[Dd]ropout"),
        (
            ("audit", "model.py:make_model", "--data", "digits", "--out", "model.py"),
            "A report needs a folder; model.py is a file",
        ),
    ],
)
def test_bad_input_is_one_message_and_code_two(place: Path, words: tuple[str, ...], expected: str) -> None:
    code, said, error = leakage(*words)
    assert code == 2
    assert re.search(expected, error), error
    assert not (place / "leakage-report").exists()
    assert not said


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        (
            {"items": np.array(["a b", "c d"]), "labels": [0, 1]},
            (),
            "(numbers of one shape|Text must be named)",
        ),
        ({"items": np.zeros((3, 4)), "labels": ["0", "", "1"]}, (), "1 of 3 have none"),
        ({"items": np.zeros((3, 4))}, (), "--labels must be one of the columns"),
        (
            {"items": np.zeros((3, 4)), "labels": np.arange(2)},
            (),
            r"each of the 3 items; the array 'labels' of bad.npz holds int64 of the axes \(2,\)",
        ),
        (
            {"items": np.zeros((3, 4)), "kind": np.arange(4)},
            ("--labels", "kind"),
            r"the array 'kind' of bad.npz holds int64 of the axes \(4,\)",
        ),
        (
            {"items": np.zeros((3, 4)), "y": np.zeros((2, 4))},
            (),
            r"the array 'y' .* float64 of the axes \(2, 4\)",
        ),
        ({"items": np.zeros((3, 4))}, ("--labels", "none.npy"), "none.npy cannot be read"),
        (
            {"items": np.zeros((3, 4))},
            ("--labels", "two.npy"),
            r"each of the 3 items; two.npy holds int64 of the axes \(2,\)",
        ),
    ],
)
def test_data_that_cannot_be_audited_are_named(
    place: Path, content: dict[str, object], options: tuple[str, ...], expected: str
) -> None:
    np.save("two.npy", np.arange(2))
    np.savez("bad.npz", **content)  # type: ignore[arg-type]
    code, _, error = leakage("audit", "model.py:make_model", "--data", "bad.npz", *options)
    assert code == 2
    assert re.search(expected, error), error


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            "body,label\n" + "a film that is long and dull,0\nit is a joy from end to end,1\n" * 3,
            "the column 'body' holds about 7 words an item. Run it through the model's tokenizer",
        ),
        (
            "age,job,town,label\n39,clerk,Bern,0\n51,cook,Rome,1\n",
            "these hold words: 'job', 'town'. Encode them as for training",
        ),
    ],
)
def test_a_table_that_no_model_takes_names_its_columns_and_what_to_do(
    place: Path, content: str, expected: str
) -> None:
    (place / "rows.csv").write_text(content)
    code, _, error = leakage("audit", "model.py:make_model", "--data", "rows.csv")
    assert code == 2
    assert expected in " ".join(error.split())
    assert "--text" not in error
    assert "--features" not in error


def test_images_of_several_sizes_are_named_with_these(place: Path) -> None:
    for number, (high, wide) in enumerate([(28, 28), (29, 28), (28, 28)]):
        (place / "mixed" / str(number % 2)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((high, wide), 9, np.uint8)).save(
            place / "mixed" / str(number % 2) / f"{number}.png"
        )
    code, _, error = leakage("audit", "model.py:make_model", "--data", "mixed")
    assert code == 2
    assert "those of mixed have 2: 28 × 28, 29 × 28. Resize or cut them first." in " ".join(error.split())


def test_a_report_is_void_where_an_attack_finds_what_is_not_there(place: Path) -> None:
    """The attack of another package holds the private file, and so "recovers" records of other messages."""
    (place / "cheating.py").write_text(CHEATING)
    about = place / "cheating-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: cheating\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[nextlabel.attack]\ncheating = cheating:Cheating\n")
    done = subprocess.run(
        [
            *NEXTLABEL,
            "audit",
            "model.py:make_model",
            "--data",
            "records.npz",
            *FAST[:4],
            "--attacks",
            "cheating",
            *("--sweep", "prune:30%", "--trainings", "0"),
        ],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(place)},
    )
    assert done.returncode == 1, done.stderr
    assert done.stdout.lstrip().startswith("VOID: a control failed")
    assert [name for name in VERDICTS if name in done.stdout] == []
    assert "Traceback" not in done.stderr


def context_of(words: Sequence[str]) -> Any:
    """What the real command line makes of words after ``nextlabel``, before anything runs."""
    found = get_command(app).get_command(None, words[0])  # type: ignore[attr-defined]
    return found.make_context(words[0], list(words[1:]))


def parsed(command: str) -> dict[str, Any]:
    """The parameters that a command gives, by name."""
    program, *words = shlex.split(command)
    assert program == "nextlabel"
    given: dict[str, Any] = context_of(words).params
    return given


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--share", "last-layer", "--batch", "2", "--reduction", "sum", "--bounds", "-1,2", "--rate", "0.25"),
        ("--knows", "batch,bounds", "--defence", "gaussian:1e-3", "--defence", "prune:30%", "--seed", "4"),
        ("--knows", "", "--share", "update", "--steps", "2", "--out", "elsewhere/of mine", "--records", "6"),
        ("--defence", "private:1.1:0.5", "--delta", "1e-5", "--prior", "1e-4", "--seconds", "1e-3"),
        ("--sweep", "prune:30%", "--trainings", "0", "--epochs", "1", "--attacks", "span_test,relu_sparsity"),
        ("--loss", "squared_error", "--labels", "the targets.npy"),
    ],
)
def test_a_written_command_is_parsed_as_the_one_that_it_repeats(words: tuple[str, ...]) -> None:
    asked = ("leakage", "audit", "model.py:make_model", "--data", "records.npz", *words)
    command = written_command(context_of(asked), "nextlabel leakage")
    assert parsed(command) == context_of(asked).params
    assert len(shlex.split(command)) == 1 + len(asked)


def test_what_is_a_default_is_not_written() -> None:
    plain = ("leakage", "audit", "model.py:make_model", "--data", "digits")
    asked = (*plain, "--loss", "cross_entropy", "--seed", "0", "--seconds", "120")
    assert written_command(context_of(asked), "nextlabel leakage") == shlex.join(("nextlabel", *plain))


def test_the_command_on_the_page_repeats_the_audit(place: Path) -> None:
    own = ("--batch", "2", "--share", "last-layer", "--defence", "gaussian:1e-3", "--out", "of mine")
    asked = ("audit", "model.py:make_model", "--data", "records.npz", *FAST, *own)
    code, _, error = leakage(*asked)
    assert code == 0, error
    page = (place / "of mine" / "report.html").read_text(encoding="utf-8")
    command = unescape(page[page.rindex("Again: <code>") + 13 : page.rindex("</code>")])
    assert parsed(command) == context_of(("leakage", *asked)).params
    kept = place / "of mine" / "report.json"
    first = Report.from_json(kept.read_text(encoding="utf-8"))
    kept.unlink()
    code, _, error = leakage(*shlex.split(command)[2:])
    assert code == 0, error
    assert Report.from_json(kept.read_text(encoding="utf-8")).fingerprint == first.fingerprint


def test_the_commands_of_the_demonstration_are_its_scenes() -> None:
    from nextlabel.cli.leakage_demo import SCENES

    for scene in SCENES:
        found = parsed(scene.command(3))
        assert (found["seed"], str(found["out"]), found["data"]) == (3, scene.name, scene.data)
        assert found["share"] == scene.options.get("share", "full")
        assert found["seconds"] == scene.options["seconds"]
        assert tuple(one for one in found["attacks"].split(",") if one) == scene.options.get("attacks", ())
        assert tuple(one for one in found["sweep"].split(",") if one) == scene.swept
        assert found["epochs"] == scene.epochs or not scene.swept


def test_labels_are_read_from_columns_names_and_files(place: Path) -> None:
    data = digits()
    items, labels = data.pool.take(np.arange(60)), data.labels[:60]
    np.save("items.npy", items)
    np.save("labels.npy", labels)
    parity = np.where(labels % 2 == 0, "even", "odd")
    np.savez("named.npz", items=items, parity=parity)
    numbered = read_audited("records.npz", None, seed=0)
    apart = read_audited("items.npy", "labels.npy", seed=0)
    named = read_audited("named.npz", "parity", seed=0)
    for one, expected in ((numbered, labels), (apart, labels), (named, labels % 2)):
        np.testing.assert_array_equal(np.asarray(one.labels), expected)
    for one in (numbered, apart, named):
        np.testing.assert_array_equal(one.items, items)
    assert "alphabetical order: 0 even, 1 odd." in " ".join(named.remarks)


def prices(count: int = 40) -> tuple[Any, Any]:
    """Items of five columns, and targets of which most are negative and none is whole."""
    rng = np.random.default_rng(2)
    return rng.normal(size=(count, 5)), np.round(rng.normal(-1.0, 2.0, size=count), 3) + 0.0005


def written(name: str, items: Any, targets: Sequence[Any]) -> None:
    """A table of items and targets, as a spreadsheet would hold it."""
    lines = [",".join([*map(repr, row), str(one)]) for row, one in zip(items.tolist(), targets, strict=True)]
    Path(name).write_text("\n".join(["a,b,c,d,e,price", *lines]) + "\n", encoding="utf-8")


def test_targets_of_a_regression_are_read_as_written_from_every_file(place: Path) -> None:
    items, targets = prices()
    written("priced.csv", items, targets.tolist())
    np.savez("priced.npz", items=items, price=targets)
    np.savez("worded.npz", items=items, price=[str(one) for one in targets])
    np.savez("labelled.npz", items=items, labels=targets)
    np.savez("columned.npz", items=items, y=targets[:, None])
    np.save("items.npy", items)
    np.save("targets.npy", targets)
    for data, labels in (
        ("priced.csv", "price"),
        ("priced.npz", "price"),
        ("worded.npz", "price"),
        ("labelled.npz", None),
        ("labelled.npz", "labels"),
        ("columned.npz", None),
        ("items.npy", "targets.npy"),
        ("priced.npz", "targets.npy"),
    ):
        found = read_audited(data, labels, seed=0, loss="squared_error")
        assert found.labels is not None
        assert found.labels.dtype == np.float64
        np.testing.assert_array_equal(found.labels.ravel(), targets)
        np.testing.assert_allclose(found.items, items, rtol=1e-7)
        assert not any("alphabetical" in one for one in found.remarks)


def test_the_ways_of_giving_targets_make_one_report(place: Path) -> None:
    items, targets = prices()
    items = items.astype(np.float32).astype(np.float64)  # a table is read in single precision
    written("priced.csv", items, targets.tolist())
    np.savez("priced.npz", items=items.astype(np.float32), price=targets)
    np.save("targets.npy", targets)
    reports = []
    for data, labels in (("priced.csv", "price"), ("priced.npz", "price"), ("priced.npz", "targets.npy")):
        code, said, error = leakage(
            *("audit", "model.py:pricing", "--data", data, "--labels", labels, "--loss", "squared_error"),
            *FAST,
        )
        assert code == 0, error
        assert "alphabetical" not in said
        page = Path("leakage-report/report.json").read_text(encoding="utf-8")
        reports.append(Report.from_json(page))
    assert len({one.fingerprint for one in reports}) == 1
    assert reports[0].setting["loss"] == "squared_error"


@pytest.mark.parametrize("cell", ["high", "", "nan", "inf", "1_5", "1;5"])
@pytest.mark.parametrize("suffix", ["csv", "npz"])
def test_a_target_that_is_no_number_is_refused(place: Path, cell: str, suffix: str) -> None:
    items, targets = prices()
    cells = [str(one) for one in targets]
    cells[6] = cell
    written("priced.csv", items, cells)
    np.savez("priced.npz", items=items, price=cells)
    code, said, error = leakage(
        *("audit", "model.py:pricing", "--data", f"priced.{suffix}", "--labels", "price"),
        *("--loss", "squared_error", *FAST),
    )
    assert code == 2
    assert re.search(
        rf"must be a finite number; that of item 7 of 40 in the column 'price' of .*\.{suffix} is '{cell}'\.",
        error,
    ), error
    assert "alphabetical" not in said


def test_a_file_of_targets_that_are_not_finite_is_refused(place: Path) -> None:
    items, targets = prices()
    targets[3] = np.inf
    np.save("items.npy", items)
    np.save("targets.npy", targets)
    with pytest.raises(ParameterError, match=r"that of item 4 of 40 in targets\.npy is 'inf'"):
        read_audited("items.npy", "targets.npy", seed=0, loss="squared_error")


def test_the_classes_of_a_data_set_are_targets_where_they_are_numbers(place: Path) -> None:
    found = read_audited("digits", None, seed=0, loss="squared_error")
    assert found.labels is not None
    assert found.labels.dtype == np.float64
    np.testing.assert_array_equal(found.labels, digits().labels)


def test_whole_classes_with_a_point_are_the_same_from_a_file_as_from_a_column(place: Path) -> None:
    classes = np.array([2.0, 0.0, 1.0])
    np.savez("whole.npz", items=np.zeros((3, 4)) + np.arange(3)[:, None], labels=classes)
    np.save("classes.npy", classes)
    for labels in (None, "labels", "classes.npy"):
        found = read_audited("whole.npz", labels, seed=0).labels
        assert found is not None
        assert found.dtype == np.int64
        assert found.tolist() == [2, 0, 1]


def test_an_embedding_of_a_regression_is_refused_without_a_word_on_its_labels(place: Path) -> None:
    items, targets = prices()
    written("priced.csv", items, targets.tolist())
    code, said, error = leakage(
        *("audit", "model.py:pricing", "--data", "priced.csv", "--labels", "price"),
        *("--share", "embedding", "--loss", "squared_error", *FAST),
    )
    assert code == 2
    assert "A gradient embedding is that of cross-entropy" in error
    assert "received loss='squared_error'" in error
    assert "--loss squared_error" not in said


def test_numbers_that_are_no_classes_are_named_and_a_regression_offered(place: Path) -> None:
    np.savez("halves.npz", items=np.zeros((3, 4)) + np.arange(3)[:, None], labels=[-0.5, 1.5, 0.25])
    said = " ".join(read_audited("halves.npz", None, seed=0).remarks)
    assert "alphabetical order: 0 -0.5, 1 0.25, 2 1.5. They are numbers, but not whole" in said
    assert said.endswith("they are read with --loss squared_error.")


def test_labels_of_texts_are_rows_of_token_ids(place: Path) -> None:
    tokens = np.random.default_rng(0).integers(9, size=(12, 5))
    asked = np.roll(tokens, -1, axis=1)
    asked[:, -1] = -100
    np.save("asked.npy", asked)
    for name in ("labels", "label", "y", "wanted"):
        np.savez("texts.npz", **{"items": tokens, name: asked})  # type: ignore[arg-type]
        found = read_audited("texts.npz", "wanted" if name == "wanted" else None, seed=0)
        np.testing.assert_array_equal(np.asarray(found.labels), asked)
        np.testing.assert_array_equal(found.items, tokens)
    np.savez("bare.npz", items=tokens)
    np.testing.assert_array_equal(np.asarray(read_audited("bare.npz", "asked.npy", seed=0).labels), asked)
    np.savez("short.npz", items=tokens, labels=asked[:7])
    with pytest.raises(
        ParameterError,
        match=r"each of the 12 items; the array .labels. of short.npz holds int64 of the axes \(7, 5\)",
    ):
        read_audited("short.npz", None, seed=0)


def test_an_archive_that_is_none_is_named_by_the_reader(place: Path) -> None:
    (place / "broken.npz").write_bytes(b"no archive")
    with pytest.raises(NextlabelError, match=r"broken\.npz"):
        read_audited("broken.npz", None, seed=0)


def test_of_very_many_items_a_draw_takes_part_and_pixels_are_scaled(place: Path) -> None:
    pixels = np.arange(2_500 * 4, dtype=np.uint64).astype(np.uint8).reshape(2_500, 2, 2)
    np.savez("many.npz", items=pixels, labels=np.arange(2_500) % 3)
    found, again, other = (read_audited("many.npz", None, seed=seed) for seed in (0, 0, 1))
    assert found.items.shape == (2_000, 2, 2)
    assert found.items.dtype == np.float32
    assert found.items.max() == 1.0
    assert " ".join(found.remarks) == (
        "2,000 of 2,500 items take part, drawn by the seed. Pixels were divided by 255."
    )
    np.testing.assert_array_equal(found.items, again.items)
    assert (found.items != other.items).any()
    assert found.labels is not None


def test_the_list_names_every_message_defence_and_attack() -> None:
    code, said, _ = leakage("list")
    assert code == 0
    for kind in ("message", "defence", "attack"):
        for name in names(kind):
            assert (name.replace("_", "-") if kind == "message" else name) in said, name


def test_every_scene_of_the_demonstration_names_a_model_and_attacks_that_there_are() -> None:
    from nextlabel.cli.leakage_demo import SCENES, crops
    from nextlabel.leakage import demonstration

    for scene in SCENES:
        assert scene.function in demonstration.__all__
        assert set(scene.options.get("attacks", ())) <= set(names("attack"))
        assert resolve("message", scene.options.get("share", "full"))
    items, labels = crops(2)
    assert items.shape == (4, 32, 32, 3)
    assert labels.tolist() == [0, 1, 2, 3]
    assert 0 <= items.min() < items.max() <= 1


@pytest.mark.slow
def test_the_demonstration_writes_a_page_that_leads_to_every_report(tmp_path: Path) -> None:
    """Slow: two minutes of two cores."""
    from nextlabel.cli.leakage_demo import SCENES

    code, said, error = leakage("demo", "--out", str(tmp_path / "shown"))
    assert code == 0, error
    page = (tmp_path / "shown" / "index.html").read_text(encoding="utf-8")
    for scene in SCENES:
        assert f'href="{scene.name}/report.html"' in page
        report = Report.from_json(
            (tmp_path / "shown" / scene.name / "report.json").read_text(encoding="utf-8")
        )
        assert not report.is_void
        assert report.verdict == "EXACT"
    assert "The page that leads to all" in said
