"""``nextlabel data`` as a person meets it."""

import hashlib
import os
import re
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import typer

from nextlabel import names
from nextlabel.cli.data import check, fetch
from nextlabel.datasets.listing import Listing, PublishedFile


def nextlabel(*words: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    places = {
        "NEXTLABEL_DATA": str(folder / "data"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "COLUMNS": "200",
    }
    return subprocess.run(
        [sys.executable, "-m", "nextlabel", "data", *words],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={**os.environ, **places, **more},
    )


def test_the_list_names_every_set_and_where_it_lies(tmp_path: Path) -> None:
    done = nextlabel(folder=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(names("dataset"))
    said = {line.split()[0]: re.split(r"\s{2,}", line.rstrip())[1:] for line in lines[1:]}
    assert said["digits"] == ["1,797", "10", "image", "UCI, CC BY 4.0", "comes with nextlabel"]
    assert said["mnist"][-1] == "not here; can be fetched"
    assert said["letter"] == ["20,000", "26", "row", "UCI, mostly CC BY 4.0", "not here"]


def test_a_set_without_a_checked_address_says_where_to_put_its_file(tmp_path: Path) -> None:
    done = nextlabel("fetch", "letter", folder=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert f"looked for in {tmp_path}/data/uci. No public address with a checked digest" in done.stderr


def test_a_set_that_comes_along_needs_no_fetching(tmp_path: Path) -> None:
    done = nextlabel("fetch", "digits", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "digits comes with nextlabel: there is nothing to fetch.\n")
    done = nextlabel("check", "digits", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "There are no files to check.\n")


def test_checking_a_damaged_file_says_so_and_ends_with_2(tmp_path: Path) -> None:
    (tmp_path / "data" / "uci").mkdir(parents=True)
    (tmp_path / "data" / "uci" / "iris.csv.gz").write_bytes(b"damaged")
    done = nextlabel("check", folder=tmp_path)
    assert done.returncode == 2
    assert done.stdout.startswith("iris: iris.csv.gz must have 875 bytes and the digest bbeb0922")
    done = nextlabel("check", "letter", folder=tmp_path)
    assert done.returncode == 2
    assert done.stdout.startswith("letter: The data set 'letter' needs the file letter.csv.gz")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("fetsh", "mnist"), "'fetsh' is nothing to do with data. Did you mean 'fetch'? Write one of: list,"),
        (("fetch",), "needs the name of a data set; received none"),
        (("fetch", "mnits"), "'mnits' is not a registered dataset. Did you mean 'mnist'?"),
        (("list", "mnist"), "Listing takes no name; received 'mnist'"),
        (("check", "mnist", "--to", "x"), "--to is for fetching; received it with 'check'"),
    ],
)
def test_wrong_words_are_one_message(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    done = nextlabel(*words, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_written_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"a file where a folder should be")
    done = nextlabel("fetch", "trec", folder=tmp_path)
    assert done.returncode == 2
    assert f"Not a directory: '{tmp_path}/data/trec'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_set_of_another_package_is_shown_but_its_files_are_not_ours(tmp_path: Path) -> None:
    record = tmp_path / "outside-1.0.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: outside\nVersion: 1.0\n")
    (record / "entry_points.txt").write_text("[nextlabel.dataset]\nfoxes = outside:foxes\n")
    outside = {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    done = nextlabel(folder=tmp_path, **outside)
    assert re.search(r"^foxes +in another package *$", done.stdout, re.MULTILINE), done.stdout + done.stderr
    done = nextlabel("fetch", "foxes", folder=tmp_path, **outside)
    assert done.returncode == 2
    assert "'foxes' is registered by another package (outside:foxes), which lists none" in done.stderr


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


def test_a_set_is_fetched_from_a_server_and_found_sound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one.txt").write_bytes(b"one")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        address = f"http://127.0.0.1:{server.server_address[1]}/one.txt"
        file = PublishedFile("one.txt", 3, hashlib.sha256(b"one").hexdigest(), address=address)
        listing = Listing("toys", 1, 1, "text", "One text", "MIT", "nobody", "toys", (file,))
        monkeypatch.setenv("NEXTLABEL_DATA", str(tmp_path / "data"))
        try:
            fetch(listing, None)
            fetch(listing, tmp_path / "elsewhere")
        finally:
            server.shutdown()
            thread.join()
    place, there = (tmp_path / folder / "toys" / "one.txt" for folder in ("data", "elsewhere"))
    assert (place.read_bytes(), there.read_bytes()) == (b"one", b"one")
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == ["One text. Licence: MIT. 3 bytes.", f"{place}: as published"]
    assert said[3:] == [f"{there}: as published", f"To use it, set NEXTLABEL_DATA={tmp_path}/elsewhere"]
    check([listing])
    assert capsys.readouterr().out == "toys: one.txt: as published\n"
    place.write_bytes(b"two")
    with pytest.raises(typer.Exit):
        check([listing])
