"""Pictures reach the browser under an address that no other picture has, and who enters is who they are."""

import os
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from nextlabel import Campaign, classes
from nextlabel.campaign.ordering import Ordered
from nextlabel.core.pool import Pool
from nextlabel.readers.arrays import arrays
from nextlabel.readers.images import images
from nextlabel.server.app import make_app
from nextlabel.server.chronicle import Chronicle
from nextlabel.server.desk import Desk
from nextlabel.server.media import image_file, media_address, picture
from nextlabel.server.people import People, roles
from nextlabel.server.settings import Settings
from nextlabel.server.training import Training
from nextlabel.stores.sqlite import SQLiteStore

RED, BLUE = (250, 0, 0), (0, 0, 250)
ANN_AND_BOB = "ann:annotator,bob:owner"


def photos(folder: Path, colour: Any = RED, number: int = 3) -> Path:
    folder.mkdir()
    for one in range(number):
        Image.new("RGB", (20 + one, 10), colour).save(folder / f"{one}.png")
    return folder


def served(
    folder: Path, pool: Pool, people: str = "", *, is_local: bool = True
) -> tuple[TestClient, dict[str, str]]:
    """A browser at the page of a campaign, with nobody in it yet; the tokens."""
    path = folder / "a.db"
    learner = {"name": "sklearn", "estimator": "logistic"}
    Campaign.create(path, pool, learner, "random", classes("no", "yes"), 0).close()
    known, tokens = People.beside(path, roles(people), is_local=is_local)
    campaign = Campaign.open(path, only_answers=True)
    chronicle = Chronicle(SQLiteStore(path, read_only=True))
    desk = Desk(campaign, pool, chronicle, Training(path, 20), known, Settings(), time.time)
    return TestClient(make_app(desk), "http://127.0.0.1", headers={"X-Nextlabel": "1"}), {
        "": known.token,
        **tokens,
    }


def test_another_picture_has_another_address(tmp_path: Path) -> None:
    """Of another folder, of another item, and of the same file with another content, size and time kept."""
    first, second = images(photos(tmp_path / "a")), images(photos(tmp_path / "b"))
    made = [media_address(pool, place) for pool in (first, second) for place in range(3)]
    file = tmp_path / "a" / "0.png"
    times, content = file.stat(), bytearray(file.read_bytes())
    content[-1] ^= 1
    time.sleep(0.02)  # the system counts time of files in steps
    file.write_bytes(content)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert len({*made, media_address(first, 0)}) == 7
    assert media_address(second, 1) == made[4]


def test_pictures_without_files_are_told_apart_by_what_they_hold() -> None:
    one, other = (arrays(np.full((2, 4, 4), shade, np.float32)) for shade in (0.1, 0.9))
    assert len({media_address(pool, place) for pool in (one, other) for place in (0, 1)}) == 4
    assert image_file(one, 0) is None
    assert Image.open(BytesIO(picture(other, 0)[0])).getpixel((1, 1)) == round(0.9 * 255)


def test_a_pool_in_another_order_shows_the_same_pictures(tmp_path: Path) -> None:
    pool = images(photos(tmp_path / "a"))
    turned = Ordered(pool, pool.ids[::-1], np.array([2, 1, 0]))
    assert image_file(turned, 0) == image_file(pool, 2) == (tmp_path / "a" / "2.png").resolve()
    assert media_address(turned, 0).partition("?")[2] == media_address(pool, 2).partition("?")[2]


def test_a_browser_keeps_only_what_is_sealed(tmp_path: Path) -> None:
    pool = images(photos(tmp_path / "a"))
    browser, tokens = served(tmp_path, pool)
    with browser as ann:
        ann.get(f"/enter?token={tokens['']}")
        sealed = ann.get(media_address(pool, 0))
        assert (sealed.status_code, sealed.headers["content-type"]) == (200, "image/png")
        assert sealed.headers["cache-control"] == "private, max-age=31536000, immutable"
        assert ann.get("/media/0").headers["cache-control"] == "no-store"
        assert ann.get("/media/9?seal=x").status_code == 404


def test_a_page_of_another_campaign_gets_no_picture_of_this_one(tmp_path: Path) -> None:
    """An open tab keeps its addresses while another folder is served at the same port."""
    before, now = images(photos(tmp_path / "a")), images(photos(tmp_path / "b", BLUE))
    browser, tokens = served(tmp_path, now)
    with browser as ann:
        ann.get(f"/enter?token={tokens['']}")
        refused = ann.get(media_address(before, 1))
    assert (refused.status_code, refused.json()["error"]["kind"]) == (409, "image")
    assert "The picture of item 2 is not the one that this page means" in refused.text
    assert refused.headers["cache-control"] == "no-store"


def test_a_picture_that_cannot_be_drawn_says_why(tmp_path: Path) -> None:
    pool = images(photos(tmp_path / "a"))
    file = tmp_path / "a" / "1.png"
    file.write_bytes(file.read_bytes()[:40])
    browser, tokens = served(tmp_path, pool)
    with browser as ann:
        ann.get(f"/enter?token={tokens['']}")
        refused = ann.get(media_address(pool, 1))
        assert (refused.status_code, refused.json()["error"]["kind"]) == (422, "image")
        assert "received '1.png'" in refused.text
        assert ann.get(media_address(pool, 2)).status_code == 200


def who(browser: TestClient) -> tuple[str, str]:
    said = browser.get("/api/campaign").json()
    return said["person"], said["role"]


@pytest.mark.parametrize(("first", "then"), [("ann", ("bob", "owner")), ("bob", ("ann", "annotator"))])
def test_from_elsewhere_a_token_says_who_it_is_whoever_was_there(
    tmp_path: Path, first: str, then: tuple[str, str]
) -> None:
    pool = images(photos(tmp_path / "a"))
    browser, tokens = served(tmp_path, pool, ANN_AND_BOB, is_local=False)
    with browser as shared:
        shared.get(f"/enter?token={tokens[first]}")
        assert who(shared)[0] == first
        shared.get(f"/enter?token={tokens[then[0]]}")
        assert who(shared) == then


def test_on_this_machine_who_has_said_a_name_keeps_it(tmp_path: Path) -> None:
    browser, tokens = served(tmp_path, images(photos(tmp_path / "a")))
    with browser as ann:
        ann.get(f"/enter?token={tokens['']}")
        ann.post("/api/name", json={"name": "Ann"})
        ann.get(f"/enter?token={tokens['']}")
        assert who(ann) == ("Ann", "owner")


def test_wrong_tokens_never_keep_the_right_one_out(tmp_path: Path) -> None:
    browser, tokens = served(tmp_path, images(photos(tmp_path / "a")), ANN_AND_BOB, is_local=False)
    with browser as anybody:
        tried = [anybody.get("/enter?token=x").status_code for _ in range(12)]
        assert tried == [401] * 10 + [429] * 2
        wrong = anybody.get("/api/campaign", headers={"Authorization": "Bearer x"})
        assert (wrong.status_code, wrong.json()["error"]["kind"]) == (429, "token")
        right = anybody.get("/api/campaign", headers={"Authorization": f"Bearer {tokens['ann']}"})
        assert right.json()["person"] == "ann"
        anybody.get(f"/enter?token={tokens['bob']}")
        assert who(anybody) == ("bob", "owner")
