"""Fetching from a real server on this machine: what is kept, what is refused, what is left behind."""

import hashlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from nextlabel.datasets.fetching import fetch
from nextlabel.datasets.listing import Listing, PublishedFile
from nextlabel.errors import DatasetMissing, DigestError

CONTENT = bytes(range(256)) * 1000  # four pieces
OTHER = CONTENT[:-1] + b"x"


class Publisher(BaseHTTPRequestHandler):
    """Answers by the last word of the path."""

    def do_GET(self) -> None:
        last = self.path.rpartition("/")[2]
        if last == "gone":
            self.send_error(404)
            return
        if last == "moved":
            self.send_response(302)
            self.send_header("Location", "/sound")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT) + (10 if last == "longer" else 0)))
        self.end_headers()
        if last == "slow":
            self.wfile.write(CONTENT[:10])
            time.sleep(1.0)
            return
        sent = {"other": OTHER, "broken": CONTENT[:1000], "longer": CONTENT + b"0123456789"}
        self.wfile.write(sent.get(last, CONTENT))

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the tests print for themselves."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Publisher) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def listed(*addresses: str | None, content: bytes = CONTENT, md5: bool = False) -> Listing:
    kind = {"md5": hashlib.md5(content, usedforsecurity=False).hexdigest()} if md5 else {}
    kind = kind or {"sha256": hashlib.sha256(content).hexdigest()}
    files = tuple(
        PublishedFile(f"part-{number}.bin", len(content), address=address, **kind)
        for number, address in enumerate(addresses)
    )
    return Listing("toys", 1, 1, "text", "a text", "none", "none", "toys", files)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("md5", [False, True])
def test_what_has_the_digest_is_kept_and_counted(address: str, tmp_path: Path, md5: bool) -> None:
    told: list[tuple[str, int]] = []
    listing = listed(f"{address}/sound", f"{address}/moved", md5=md5)
    places = fetch(listing, tmp_path, report=lambda file, count: told.append((file.name, count)))
    assert places == (tmp_path / "toys" / "part-0.bin", tmp_path / "toys" / "part-1.bin")
    assert [place.read_bytes() for place in places] == [CONTENT, CONTENT]
    assert left(tmp_path) == ["part-0.bin", "part-1.bin"]
    assert (told[-1], told[0][0]) == (("part-1.bin", len(CONTENT)), "part-0.bin")
    assert places[0].stat().st_mode & 0o777 == 0o644


def test_what_is_there_is_not_fetched_again(address: str, tmp_path: Path) -> None:
    fetch(listed(f"{address}/sound"), tmp_path)
    assert fetch(listed(f"{address}/gone"), tmp_path) == (tmp_path / "toys" / "part-0.bin",)
    assert fetch(listed(None), tmp_path) == (tmp_path / "toys" / "part-0.bin",)


@pytest.mark.parametrize(
    ("word", "error", "said"),
    [
        (
            "other",
            DigestError,
            rf"must have the digest \w+; \S+/other sent {hashlib.sha256(OTHER).hexdigest()}",
        ),
        ("longer", DigestError, r"must have 256,000 bytes; \S+/longer sends more"),
        ("gone", DatasetMissing, r"must come from \S+/gone; the answer is: HTTP Error 404: Not Found"),
        ("broken", DatasetMissing, r"must (come from|have 256,000 bytes;) \S+/broken"),
        ("slow", DatasetMissing, r"must come from \S+/slow; the answer is: timed out"),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_is_left(
    address: str, tmp_path: Path, word: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        fetch(listed(f"{address}/{word}"), tmp_path, seconds=0.3)
    assert left(tmp_path) == []


def test_a_set_whose_second_file_fails_keeps_the_first(address: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetMissing, match="HTTP Error 404"):
        fetch(listed(f"{address}/sound", f"{address}/gone"), tmp_path)
    assert left(tmp_path) == ["part-0.bin"]


def test_without_an_address_nothing_is_fetched_at_all(address: str, tmp_path: Path) -> None:
    said = (
        rf"needs the file part-1.bin, looked for in {tmp_path}/toys\. No public address with a checked digest"
    )
    with pytest.raises(DatasetMissing, match=said):
        fetch(listed(f"{address}/sound", None), tmp_path)
    assert left(tmp_path) == []


def test_another_file_that_lies_there_is_not_overwritten(address: str, tmp_path: Path) -> None:
    (tmp_path / "toys").mkdir()
    (tmp_path / "toys" / "part-0.bin").write_bytes(b"mine")
    with pytest.raises(
        DigestError, match=r"part-0\.bin has 4 bytes and \w+, so it is damaged or another file"
    ):
        fetch(listed(f"{address}/sound"), tmp_path)
    assert (tmp_path / "toys" / "part-0.bin").read_bytes() == b"mine"


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/nobody", "nowhere://here/x", "no address"])
def test_nobody_there_is_said_with_the_address(address: str, tmp_path: Path) -> None:
    with pytest.raises(
        DatasetMissing, match=rf"must come from {address}; the answer is: .+ Look at the network"
    ):
        fetch(listed(address), tmp_path, seconds=0.3)
    assert left(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_an_error_of_the_system(address: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="file"):
        fetch(listed(f"{address}/sound"), tmp_path / "file")


FETCHING = (
    "import resource, signal, sys\n"
    "from pathlib import Path\n"
    "from nextlabel.datasets.fetching import fetch\n"
    "from nextlabel.datasets.listing import Listing, PublishedFile\n"
    "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[5]), resource.RLIM_INFINITY))\n"
    "file = PublishedFile('part-0.bin', int(sys.argv[3]), sys.argv[4], address=sys.argv[2])\n"
    "fetch(Listing('toys', 1, 1, 'text', '', '', '', 'toys', (file,)), Path(sys.argv[1]))\n"
)


def fetching(folder: Path, address: str, largest: int) -> list[str]:
    """The command of a process that fetches, and may write files of at most so many bytes."""
    digest = hashlib.sha256(CONTENT).hexdigest()
    return [sys.executable, "-c", FETCHING, str(folder), address, str(len(CONTENT)), digest, str(largest)]


@pytest.mark.skipif(sys.platform == "win32", reason="limits and signals of POSIX")
def test_a_disk_that_fills_up_leaves_nothing(address: str, tmp_path: Path) -> None:
    """A limit on the size of files stands in for the end of the disk."""
    command = fetching(tmp_path, f"{address}/sound", 100_000)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "OSError: [Errno 27] File too large" in done.stderr
    assert left(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="limits and signals of POSIX")
def test_a_fetch_that_is_killed_leaves_nothing_under_the_name(address: str, tmp_path: Path) -> None:
    with subprocess.Popen(fetching(tmp_path, f"{address}/slow", 1_000_000)) as process:
        while process.poll() is None and not left(tmp_path):
            time.sleep(0.01)
        process.kill()
    assert process.returncode == -9
    assert [name.endswith(".part") for name in left(tmp_path)] == [True]
    assert fetch(listed(f"{address}/sound"), tmp_path)[0].read_bytes() == CONTENT
