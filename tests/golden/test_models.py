"""Models beside the journal: whole or not there."""

import os
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

import numpy as np
import pytest

from nextlabel import Campaign, arrays, classes
from nextlabel.campaign.events import Created, Event, Fitted
from nextlabel.campaign.models import Models
from nextlabel.campaign.repeating import fitted_again
from nextlabel.campaign.state import State
from nextlabel.core.learner import Learner, Model
from nextlabel.core.pool import Pool
from nextlabel.core.signals import Signals
from nextlabel.core.task import Task
from nextlabel.errors import CampaignError, ParameterError
from nextlabel.maths.axes import Labels, Positions


@final
@dataclass(frozen=True)
class Words(Model):
    """A model that is a text, kept as a file or as a folder."""

    text: str
    is_folder: bool = False
    rival: Path | None = None

    @property
    def fingerprint(self) -> str:
        return f"words-{self.text}"

    def signals(
        self, pool: Pool, positions: Positions, names: Collection[str], rng: np.random.Generator
    ) -> Signals:
        return Signals({"proba": np.full((len(positions), 2), 0.5)})

    def save(self, path: Path) -> None:
        if self.rival is not None:  # another process saves the same model meanwhile
            Words(self.text, is_folder=True).save(self.rival)
        if self.is_folder:
            (path / "deep").mkdir(parents=True)
            path = path / "deep" / "words.txt"
        path.write_text(self.text, encoding="utf-8")


@final
@dataclass(frozen=True)
class Writer(Learner):
    """Fits words: the number of labels, and of the fits before it that it was given to go on from."""

    folder: bool = False
    remembers: bool = False
    fits: list[int] = field(default_factory=list, repr=False)

    @property
    def provides(self) -> frozenset[str]:
        return frozenset({"proba"})

    def fit(
        self,
        pool: Pool,
        labelled: Positions,
        labels: Labels,
        unlabelled: Positions,
        rng: np.random.Generator,
        *,
        task: Task,
        previous: Model | None = None,
    ) -> Model:
        before = previous.text if isinstance(previous, Words) else ""
        self.fits.append(len(labelled))
        return Words(f"{before}.{len(labelled)}", self.folder)

    def load(self, path: Path) -> Model:
        file = path / "deep" / "words.txt" if path.is_dir() else path
        return Words(file.read_text("utf-8"), path.is_dir())


@pytest.mark.parametrize("folder", [False, True])
def test_a_model_is_kept_under_its_fingerprint_and_found_there(tmp_path: Path, folder: bool) -> None:
    models = Models.beside(tmp_path / "pets.db")
    assert models.save(Words("a", folder)) == "words-a"
    assert [one.name for one in (tmp_path / "pets.db.models").iterdir()] == ["words-a"]
    assert models.load("words-a", Writer()) == Words("a", folder)
    assert models.load("words-b", Writer()) is None


@pytest.mark.parametrize("folder", [False, True])
def test_a_model_that_was_damaged_is_not_loaded_and_is_replaced(tmp_path: Path, folder: bool) -> None:
    models = Models(tmp_path)
    models.save(Words("a", folder))
    file = tmp_path / "words-a" / "deep" / "words.txt" if folder else tmp_path / "words-a"
    file.write_bytes(b"b")
    assert models.load("words-a", Writer()) is None  # whole, and another
    file.write_bytes(b"\xff")
    assert models.load("words-a", Writer()) is None  # unreadable
    models.save(Words("a", folder))
    assert models.load("words-a", Writer()) == Words("a", folder)
    assert len(list(tmp_path.iterdir())) == 1


def test_of_two_who_save_the_same_the_first_is_kept(tmp_path: Path) -> None:
    models = Models(tmp_path)
    models.save(Words("a", is_folder=True, rival=tmp_path / "words-a"))
    assert models.load("words-a", Writer()) == Words("a", is_folder=True)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_campaign_in_memory_keeps_no_files() -> None:
    models = Models.beside(None)
    assert models.save(Words("a")) == "words-a"
    assert models.load("words-a", Writer()) is None


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(CampaignError, match=r"must be kept in .*file, which cannot be written: File exists"):
        Models(tmp_path / "file").save(Words("a"))
    (tmp_path / "words-a" / "x").mkdir(parents=True)  # a folder, where the model is a file
    with pytest.raises(CampaignError, match="cannot be written: Is a directory"):
        Models(tmp_path).save(Words("a"))
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []


def campaign(path: Path | None, folder: bool = False, remembers: bool = False) -> Campaign:
    pool = arrays(np.arange(20.0)[:, None])
    return Campaign.create(path, pool, Writer(folder, remembers), "margin", classes("a", "b"), seed=0)


def remembering(path: Path) -> Campaign:
    """After four fits, each with a label more, of a learner that goes on from the model before."""
    made = campaign(path, remembers=True)
    for number in range(4):
        made.tell({str(number): "a"})
        assert made.fit().fingerprint == "words-" + ".1.2.3.4"[: 2 * number + 2]
    return made


@pytest.mark.parametrize("folder", [False, True])
def test_training_goes_on_from_the_model_before_in_any_process(tmp_path: Path, folder: bool) -> None:
    path = tmp_path / "pets.db"
    with campaign(path, folder) as first:
        first.tell({"0": "a"})
        assert first.fit().fingerprint == "words-.1"
        first.tell({"1": "a"})
        assert first.fit().fingerprint == "words-.1.2"
    with Campaign.open(path, arrays(np.arange(20.0)[:, None]), Writer(folder)) as again:
        again.tell({"2": "a", "3": "b"})
        assert again.fit().fingerprint == "words-.1.2.4"
        assert again.state.newest is not None
        assert again.state.newest.previous == "words-.1.2"


def test_a_lost_model_is_fitted_again_from_the_same_one_before(tmp_path: Path) -> None:
    path = tmp_path / "pets.db"
    with campaign(path) as first:
        for number in range(3):
            first.tell({str(number): "a"})
            first.fit()
        entries = len(first.journal())
    os.remove(f"{path}.models/words-.1.2.3")  # noqa: PTH107
    with Campaign.open(path, arrays(np.arange(20.0)[:, None]), Writer()) as again:
        assert again.fit().fingerprint == "words-.1.2.3"
        assert len(again.journal()) == entries


def test_a_lost_model_draws_from_the_round_of_its_first_fit(tmp_path: Path) -> None:
    path, pool = tmp_path / "pets.db", arrays(np.arange(20.0)[:, None])
    forest = {"name": "sklearn", "estimator": {"name": "random_forest", "n_estimators": 3}}
    with Campaign.create(path, pool, forest, "margin", classes("a", "b"), seed=0) as first:
        first.tell({str(number): "ab"[number % 2] for number in range(8)})
        first.ask(1)
        kept = first.fit().fingerprint
        first.tell({"8": "a"})
        assert first.fit().fingerprint != kept  # another round, other labels
        first.ask(2)
        kept = first.fit().fingerprint
        assert first.state.round == 2
    (Path(f"{path}.models") / kept).unlink()
    with Campaign.open(path, pool) as again:
        assert again.fit().fingerprint == kept


def test_where_the_one_before_is_lost_too_training_starts_afresh(tmp_path: Path) -> None:
    path = tmp_path / "pets.db"
    with campaign(path) as first:
        for number in range(2):
            first.tell({str(number): "a"})
            first.fit()
    for model in Path(f"{path}.models").iterdir():
        model.unlink()
    with Campaign.open(path, arrays(np.arange(20.0)[:, None]), Writer()) as again:
        assert again.fit().fingerprint == "words-.2"
        assert again.state.newest is not None
        assert (again.state.newest.model, again.state.newest.previous) == ("words-.2", None)


@pytest.mark.parametrize(
    ("left", "fits"),
    [([], [1, 2, 3, 4]), ([".1.2"], [3, 4]), ([".1.2.3"], [4])],
    ids=["none is left", "the last but two is left", "the last but one is left"],
)
def test_what_a_learner_remembers_is_fitted_again_from_what_is_left(
    tmp_path: Path, left: list[str], fits: list[int]
) -> None:
    path, pool = tmp_path / "pets.db", arrays(np.arange(20.0)[:, None])
    with remembering(path) as first:
        entries = len(first.journal())
    models = Models.beside(path)
    models.prune([])
    for text in left:
        models.save(Words(text))
    learner = Writer(remembers=True)
    with Campaign.open(path, pool, learner) as again:
        assert again.fit().fingerprint == "words-.1.2.3.4"
        assert learner.fits == fits
        assert len(again.journal()) == entries
    models.prune([])
    with Campaign.open(path, pool, learner) as again:
        again.retract(["0"])
        again.tell({"1": "b", "5": "a"})  # the fits before have not seen it
        assert again.fit().fingerprint == "words-.1.2.3.4.4"
        assert again.journal()[-1]["previous"] == "words-.1.2.3.4"
        learner.fits.clear()
        again.tell({"6": "b"})
        assert again.fit().fingerprint == "words-.1.2.3.4.4.5"
        assert learner.fits == [5]


def test_a_chain_that_begins_at_a_file_that_is_gone_for_good_begins_anew() -> None:
    """A fit that went on from a model that no entry tells of: nothing is known of that one."""

    def fitted_on(name: str, previous: str | None) -> Fitted:
        return Fitted(0.0, name, "", 0, 1, 1, previous)

    def fit(state: State, fitted: Fitted, previous: Model | None) -> Model:
        return Words(("" if previous is None else previous.fingerprint) + fitted.model)

    created = Created(
        0.0, 0, {"kind": "class", "classes": ("a", "b")}, ("0",), "", None, None, "", None, None, "random",
        0.0, (), "0",
    )  # fmt: skip
    events: list[Event] = [created, fitted_on("b", "a"), fitted_on("c", "b")]
    made = fitted_again(events, "c", lambda name: None, fit)
    assert made == Words("words-bc")
    assert fitted_again(events, "d", lambda name: None, fit) is None


def test_a_model_of_another_learner_is_neither_used_nor_gone_on_from(tmp_path: Path) -> None:
    path = tmp_path / "pets.db"
    with campaign(path) as first:
        first.tell({"0": "a"})
        first.fit()
    with Campaign.open(path, arrays(np.arange(20.0)[:, None]), "sklearn") as other:
        other.ask(1)
        entry = [one for one in other.journal() if one["event"] == "fitted"][-1]
    assert entry["model"] != "words-.1"
    assert entry["previous"] is None


def test_models_but_some_are_deleted(tmp_path: Path) -> None:
    models = Models(tmp_path / "models")
    assert models.prune([]) == 0
    for text in "abcd":
        models.save(Words(text, is_folder=text in "bd"))
    (tmp_path / "models" / ".half.part").write_text("being written", encoding="utf-8")
    (tmp_path / "models" / "stopping.json").write_text("of others", encoding="utf-8")
    assert models.prune(["words-a", "words-b", "words-e"]) == 2
    assert {one.name for one in (tmp_path / "models").iterdir()} == {
        "words-a",
        "words-b",
        ".half.part",
        "stopping.json",
    }
    assert models.has("words-a")
    assert not models.has("words-c")
    assert Models(None).has("anything")
    assert Models(None).prune([]) == 0


def test_the_last_few_models_are_kept(tmp_path: Path) -> None:
    pool = arrays(np.arange(20, dtype=np.float64)[:, None])
    with Campaign.create(tmp_path / "a.db", pool, Writer(), "margin", classes("a", "b"), 0) as campaign:
        fitted = []
        for place in range(6):
            campaign.tell({str(place): "a"})
            fitted.append(campaign.fit().fingerprint)
        assert {one.name for one in (tmp_path / "a.db.models").iterdir()} == set(fitted[-3:])
        assert campaign.state.fits == tuple(fitted[-3:])
        assert campaign.models.folder == tmp_path / "a.db.models"
        newest = campaign.newest()
        assert newest is not None
        assert newest.fingerprint == fitted[-1]
        campaign.tell({"10": "a"})
        newest = campaign.newest()
        assert newest is not None
        assert newest.fingerprint == fitted[-1]
        older = campaign.model(fitted[-2])
        assert older is not None
        assert older.fingerprint == fitted[-2]
        assert campaign.model(fitted[0]) is None
        campaign.revise(["a", "b", "c"])
        assert campaign.newest() is None
    nowhere = Campaign.create(None, pool, Writer(), "margin", classes("a", "b"), 0)
    nowhere.tell({"0": "a"})
    model = nowhere.fit()
    assert nowhere.model(model.fingerprint) is model
    assert nowhere.model("words-x") is None
    with pytest.raises(ParameterError, match="model's 'fingerprint' must be text; received 3"):
        nowhere.model(3)  # type: ignore[arg-type]
