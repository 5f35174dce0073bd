"""Parts of a campaign from what is written down, and what is said when they are gone."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextlabel import Campaign, arrays, build, classes
from nextlabel.campaign.parts import learner_part, pool_part, strategy_part
from nextlabel.core.spec import Spec
from nextlabel.errors import CampaignError, DatasetMissing, ParameterError, UnknownName
from nextlabel.learners.precomputed import Precomputed
from nextlabel.learners.sklearn import SklearnLearner
from nextlabel.stores.memory import MemoryStore

TASK = classes("low", "high")

FILE = """
import numpy as np
from nextlabel import arrays, build
from nextlabel.learners.sklearn import SklearnLearner

def pool(items=12):
    return arrays(np.arange(float(items))[:, None])

def digits():
    return build("dataset", "digits")

def learner(c=1.0):
    return SklearnLearner({"name": "logistic", "C": c})

def nothing():
    return None

def broken():
    raise OSError("no such disk")

number = 3
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "parts.py").write_text(FILE, encoding="utf-8")
    return str(tmp_path / "parts.py")


def test_a_finished_pool_is_taken_as_it_is() -> None:
    pool = arrays([[0.0], [1.0]])
    part = pool_part(pool, None)
    assert part.pool is pool
    assert part.spec is None


def test_a_data_set_stands_for_its_pool() -> None:
    part = pool_part("digits", None)
    assert len(part.pool.ids) == 1797
    assert part.spec == {"name": "digits"}
    assert list(pool_part(build("dataset", "digits"), None).pool.ids) == list(part.pool.ids)


def test_a_reader_is_named_with_its_parameters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "points.npy", np.zeros((3, 2)))
    monkeypatch.chdir(tmp_path)
    part = pool_part({"name": "npy", "path": "points.npy"}, tmp_path / "journals")
    assert len(part.pool.ids) == 3
    assert part.spec == {"name": "npy", "path": "../points.npy"}  # from the journal's folder
    again = pool_part(part.spec, tmp_path / "journals", from_journal=True)
    assert again.pool.fingerprint == part.pool.fingerprint
    assert again.spec == part.spec


def test_the_source_of_a_finished_pool_is_kept_from_the_journals_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "points.npy", np.zeros((3, 2)))
    monkeypatch.chdir(tmp_path)
    pool = build("reader", {"name": "npy", "path": "points.npy"})
    spec = pool_part(pool, tmp_path / "a" / "b").spec
    assert spec is not None
    assert spec["path"] == "../../points.npy"


def test_absolute_paths_stay(tmp_path: Path) -> None:
    np.savez(tmp_path / "signals.npz", proba=np.full((3, 2), 0.5))
    spec = {"name": "precomputed", "source": str(tmp_path / "signals.npz")}
    assert learner_part(spec, tmp_path / "journals").spec == spec


def test_a_learner_is_the_same_from_wherever_its_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez(tmp_path / "signals.npz", proba=np.full((3, 2), 0.5))
    base = tmp_path / "journals"
    monkeypatch.chdir(tmp_path)
    here = learner_part({"name": "precomputed", "source": "signals.npz"}, base)
    monkeypatch.chdir("/")
    again = learner_part(here.spec, base, from_journal=True)
    whole = learner_part(Precomputed(str(tmp_path / "signals.npz")), base)
    assert here.fingerprint == again.fingerprint == whole.fingerprint
    assert here.spec == again.spec == {"name": "precomputed", "source": "../signals.npz"}


def test_a_function_of_a_file_makes_a_pool_or_a_learner(file: str) -> None:
    assert len(pool_part(f"{file}:pool", None).pool.ids) == 12
    assert len(pool_part({"name": f"{file}:pool", "items": 5}, None).pool.ids) == 5
    assert len(pool_part(f"{file}:digits", None).pool.ids) == 1797
    part = learner_part(Spec(f"{file}:learner", {"c": 2.0}), None)
    assert part.learner == SklearnLearner({"name": "logistic", "C": 2.0})
    assert part.spec == {"name": f"{file}:learner", "c": 2.0}


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("gone.py:pool", r"gone\.py must be a Python file with the function pool; there is no such file"),
        ("parts.py:pond", r"parts\.py must define the function pond; it does not"),
        ("parts.py:number", r"parts\.py must define the function number; it does not"),
        (
            "parts.py:broken",
            r"parts\.py:broken must return a part .* it raised OSError: no such disk\. Repair",
        ),
        ("parts.py:nothing", "must have ids, take and fingerprint, .*; received NoneType"),
        ("odd.py:pool", r"odd\.py:pool must return .* it raised SyntaxError"),
    ],
)
def test_a_function_that_makes_no_pool_is_named(file: str, name: str, says: str) -> None:
    folder = Path(file).parent
    (folder / "odd.py").write_text("def (", encoding="utf-8")
    with pytest.raises(CampaignError, match=says):
        pool_part(name, folder, from_journal=True)


def test_a_setting_that_a_function_does_not_take_is_refused(file: str) -> None:
    with pytest.raises(CampaignError, match="raised TypeError: got an unexpected keyword argument 'size'"):
        pool_part({"name": f"{file}:pool", "size": 3}, None)


def test_an_error_of_ours_inside_a_function_is_passed_on(tmp_path: Path) -> None:
    text = "from nextlabel import build\n\ndef pool():\n    return build('reader', 'pond')\n"
    (tmp_path / "mine.py").write_text(text, encoding="utf-8")
    with pytest.raises(UnknownName, match="'pond' is not a registered reader"):
        pool_part(f"{tmp_path}/mine.py:pool", None)


def test_what_makes_no_learner_is_refused(file: str) -> None:
    with pytest.raises(CampaignError, match="must make a learner; it makes ArrayPool"):
        learner_part(f"{file}:pool", None)


def test_a_name_that_is_no_pool_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(
        UnknownName, match=r"reader \(arrays, .*npy.*\), by a data set \(.*digits.*received 'pond'"
    ):
        pool_part("pond", None)


@pytest.mark.parametrize("what", [3, None, [[0.0]]])
def test_what_is_no_pool_is_refused(what: Any) -> None:
    with pytest.raises(CampaignError, match=f"received {type(what).__name__}"):
        pool_part(what, None)


def test_equal_learners_have_equal_fingerprints() -> None:
    one, two = (learner_part(SklearnLearner(), None), learner_part("sklearn", None))
    other = learner_part({"name": "sklearn", "estimator": "mlp"}, None)
    assert one.fingerprint == two.fingerprint != other.fingerprint
    assert one.spec is not None
    assert one.spec["name"] == "sklearn"


def test_a_learner_that_cannot_be_written_is_told_by_its_print_without_addresses() -> None:
    from sklearn.linear_model import LogisticRegression

    part = learner_part(SklearnLearner(LogisticRegression(C=3.0)), None)
    assert part.spec is None
    assert part.fingerprint == learner_part(SklearnLearner(LogisticRegression(C=3.0)), None).fingerprint


def test_a_strategy_is_called_as_it_is_registered_unless_it_is_named() -> None:
    assert strategy_part("badge").name == "badge"
    assert strategy_part({"name": "stochastic", "of": "margin"}).name == "stochastic"
    assert strategy_part("badge", "mine").name == "mine"
    with pytest.raises(UnknownName, match=r"'bagde' is not a registered strategy\. Did you mean 'badge'"):
        strategy_part("bagde")


def created(**parts: Any) -> MemoryStore:
    """A store with a new campaign, of parts that can be written down unless others are given."""
    store = MemoryStore()
    given = {"pool": "digits", "learner": "sklearn", "strategy": "margin"} | parts
    Campaign.create("pets.db", task=TASK, seed=0, store=store, **given)
    return store


def test_all_parts_are_made_again_from_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the model is kept beside the path, whatever the store
    campaign = Campaign.open("pets.db", store=created(opening="coreset"))
    assert len(campaign.pool.ids) == 1797
    campaign.ask(2)
    assert campaign.journal()[-1]["strategy"]["name"] == "coreset"


def test_what_cannot_be_made_again_is_named() -> None:
    learner = Precomputed({"proba": np.full((3, 2), 0.5)})
    store = created(pool=arrays(np.zeros((3, 1))), learner=learner)
    with pytest.raises(
        CampaignError,
        match=r"needs its pool and its learner, which could not be written in the journal \(the learner was "
        r"Precomputed\(.* Give: Campaign\.open\(path, pool=\.\.\., learner=\.\.\.\), as in",
    ):
        Campaign.open("pets.db", store=store)
    with pytest.raises(
        CampaignError, match=r"needs its learner, which .*Campaign\.open\(path, learner=\.\.\.\)"
    ):
        Campaign.open("pets.db", arrays(np.zeros((3, 1))), store=store)
    assert Campaign.open("pets.db", arrays(np.zeros((3, 1))), learner, store=store).state.round == 0


def test_a_file_that_is_gone_is_named_with_what_to_do(tmp_path: Path) -> None:
    np.save(tmp_path / "points.npy", np.zeros((3, 2)))
    pool = {"name": "npy", "path": str(tmp_path / "points.npy")}
    with Campaign.create(tmp_path / "pets.db", pool, "sklearn", "margin", TASK, 0):
        pass
    (tmp_path / "points.npy").unlink()
    says = (
        r"The pool of this campaign is made from .*points\.npy.* fails: .*points\.npy.* or give pool=\.\.\."
    )
    with pytest.raises(CampaignError, match=says):
        Campaign.open(tmp_path / "pets.db")


def test_a_folder_moved_with_its_data_opens(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    (old / "parts.py").write_text(FILE, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        Campaign.create("old/line.db", "old/parts.py:pool", "old/parts.py:learner", "margin", TASK, 0).close()
    old.rename(new)
    with Campaign.open(new / "line.db") as campaign:
        assert campaign.state.created.learner == {"name": "parts.py:learner"}
        campaign.tell({"0": "low", "11": "high"})
        assert len(campaign.ask(3).ids) == 3


def test_a_missing_data_set_says_itself_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "parts.py").write_text(FILE, encoding="utf-8")
    with Campaign.create(tmp_path / "pets.db", f"{tmp_path}/parts.py:pool", "sklearn", "margin", TASK, 0):
        pass
    (tmp_path / "parts.py").write_text(
        "from nextlabel.errors import DatasetMissing\n"
        "def pool():\n    raise DatasetMissing('Fetch it with: nextlabel data fetch pets.')\n",
        encoding="utf-8",
    )
    with pytest.raises(DatasetMissing, match=re.escape("Fetch it with: nextlabel data fetch pets.")):
        Campaign.open(tmp_path / "pets.db")


def test_a_setting_that_a_part_does_not_have_is_refused() -> None:
    with pytest.raises(ParameterError, match="'sklearn' has no parameter 'estimators'"):
        created(learner={"name": "sklearn", "estimators": "mlp"})
