"""Downloads say what the journal says, without a second copy of the campaign."""

import shutil
from pathlib import Path

import pytest

from nextlabel import Campaign, classes
from nextlabel.campaign.export import FORMATS, Export, write_export
from nextlabel.campaign.rebuilding import rebuilt_pool
from nextlabel.errors import RequestError
from nextlabel.readers.csv import csv
from nextlabel.server.downloads import download
from nextlabel.server.people import Person

ANN = Person("ann", "owner")
PLAIN = [name for name, one in FORMATS.items() if not one.needs_model]


def begun(folder: Path) -> Path:
    file = folder / "items.csv"
    file.write_text("key,body\n" + "".join(f"i{one},text {one}\n" for one in range(12)))
    pool = {"name": "csv", "path": str(file), "text": "body", "id": "key"}
    learner = {"name": "sklearn", "estimator": "logistic", "features": "tfidf"}
    with Campaign.create(folder / "a.db", pool, learner, "random", classes("no", "yes"), 0) as campaign:
        campaign.tell({"i1": "no", "i2": "yes"}, annotator="ann", seconds=4.0)
        campaign.skip(["i3"], "blurred", annotator="bea")
        campaign.tell({"i1": "yes"}, annotator="bea")
        campaign.note("odd", ["i2"], author="ann")
        campaign.undo("bea")
    return folder / "a.db"


@pytest.mark.parametrize("name", PLAIN)
def test_a_download_is_what_the_whole_campaign_would_write(tmp_path: Path, name: str) -> None:
    path = begun(tmp_path)
    with Campaign.open(path) as campaign:
        whole = Export(campaign.state, campaign.journal(), pool=campaign.pool, positive="yes")
        expected = tmp_path / f"whole{FORMATS[name].suffix}"
        write_export(name, expected, whole)
        made, called, _ = download(path, campaign.state, campaign.pool, None, ANN, name, "yes")
        # what is said later belongs to a later state
        campaign.tell({"i7": "no"}, annotator="ann")
        late, _, _ = download(path, whole.state, campaign.pool, None, ANN, name, "yes")
    assert called == f"a-{name}{FORMATS[name].suffix}"
    assert made.read_bytes() == expected.read_bytes() == late.read_bytes()
    for one in (made, late):
        shutil.rmtree(one.parent)


def test_what_cannot_be_downloaded_says_why(tmp_path: Path) -> None:
    path = begun(tmp_path)
    with Campaign.open(path, only_answers=True) as campaign:
        state = campaign.state
    pool = rebuilt_pool(state, tmp_path)
    with pytest.raises(RequestError, match=r"must be one of .*; received '\.\./x'"):
        download(path, state, pool, None, ANN, "../x")
    file = tmp_path / "more.csv"
    file.write_text("key,body\ni0,text 0\n")
    with pytest.raises(RequestError, match="more are being taken in") as refused:
        download(path, state, csv(file, text="body", id="key"), None, ANN, "csv")
    assert refused.value.status == 409
