"""A full disk, a broken one, a closed folder: said, nothing acknowledged that is not kept, and recovered."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from nextlabel import Campaign
from nextlabel.testing.serving import Serving

ITEMS = 500

# calls of the system that fail, while there is a certain file, as those of a disk that is breaking do
BREAKING = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int breaks(int file, const char *call) {
    const char *flag = getenv("BREAKING_FLAG"), *calls = getenv("BREAKING_CALLS");
    char link[64], name[4096];
    ssize_t size;
    if (!flag || !calls || !strstr(calls, call) || access(flag, F_OK)) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    if ((size = readlink(link, name, sizeof name - 1)) < 0) return 0;
    name[size] = 0;
    if (!strstr(name, "items.db") || strstr(name, ".models/")) return 0;
    errno = EIO;
    return 1;
}
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
int fsync(int file) { return breaks(file, "sync") ? -1 : REAL(fsync)(file); }
int fdatasync(int file) { return breaks(file, "sync") ? -1 : REAL(fdatasync)(file); }
ssize_t pwrite(int file, const void *from, size_t size, off_t at) {
    return breaks(file, "write") ? -1 : REAL(pwrite)(file, from, size, at);
}
ssize_t pwrite64(int file, const void *from, size_t size, off64_t at) {
    return breaks(file, "write") ? -1 : REAL(pwrite64)(file, from, size, at);
}
ssize_t write(int file, const void *from, size_t size) {
    return breaks(file, "write") ? -1 : REAL(write)(file, from, size);
}
"""


def mounted(folder: Path, *options: str) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)]
    with suppress(OSError):
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    return False


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    if sys.platform != "linux" or os.geteuid() != 0 or not mounted(tmp_path, "size=1m"):
        pytest.skip("needs the right to mount a small file system: run as root on Linux")
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def served(folder: Path) -> Serving:
    file = folder / "items.csv"
    file.write_text("key,body\n" + "".join(f"i{one},text {one}\n" for one in range(ITEMS)))
    return Serving(file, "--text", "body", "--id", "key", "--labels", "a,b", "--control", "0")


def close_folder(folder: Path) -> None:
    """Let nobody make a file there; to root rights say nothing, but a flag of the file system does."""
    if os.geteuid() != 0:
        folder.chmod(0o555)
        return
    command = ["chattr", "+i", str(folder)]
    if shutil.which("chattr") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs a user other than root, or a file system with the flag of chattr +i")


def open_folder(folder: Path) -> None:
    if os.geteuid() != 0:
        folder.chmod(0o755)
    else:
        subprocess.run(["chattr", "-i", str(folder)], check=True)


def caller(serving: Serving) -> httpx.Client:
    key = serving.journal.with_name(f"{serving.journal.name}.key").read_text().strip()
    headers = {"Authorization": f"Bearer {key}", "X-Nextlabel": "1", "X-Nextlabel-Person": "ann"}
    return httpx.Client(base_url=serving.base, headers=headers, timeout=30)


def send(ann: httpx.Client, id: str, request: str) -> httpx.Response:
    action = {"kind": "answer", "request": request, "id": id, "label": "a"}
    return ann.post("/api/actions", json={"actions": [action], "want": 0})


def until(holds: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(0.1)
    raise AssertionError("it does not hold in time")


def check_refused_and_recovered(
    ann: httpx.Client, serving: Serving, kept: list[str], mend: Callable[[], None]
) -> None:
    """What is refused is said with a banner; after mending, the same request is kept."""
    waiting = uuid4().hex
    for number in range(100, ITEMS):
        answer = send(ann, f"i{number}", waiting)
        if answer.status_code != 200:
            break
        kept.append(f"i{number}")
        waiting = uuid4().hex
    error = answer.json()["error"]
    assert (answer.status_code, error["kind"]) == (507, "storage")
    assert "nothing was written" in error["message"]
    about = ann.get("/api/campaign")
    assert about.status_code == 200  # reading goes on
    mend()
    done = send(ann, f"i{number}", waiting)
    assert done.status_code == 200, done.text
    assert done.json()["progress"]["banner"] is None
    kept.append(f"i{number}")
    with Campaign.open(serving.journal, only_answers=True) as campaign:
        assert list(campaign.state.kept) == kept


def test_a_full_disk_is_said_and_labelling_goes_on_when_there_is_room(small: Path) -> None:
    with served(small) as serving, caller(serving) as ann:
        kept = [f"i{number}" for number in range(3)]
        for id in kept:
            assert send(ann, id, uuid4().hex).status_code == 200
        until(lambda: ann.get("/api/status").json()["training"]["state"] in ("idle", "failed"))
        ballast = serving.journal.with_name("ballast")
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while file.write(b"\0" * 4096):
                pass
        check_refused_and_recovered(ann, serving, kept, ballast.unlink)


def test_a_read_only_folder_is_said_and_labelling_goes_on_when_it_is_open(tmp_path: Path) -> None:
    with served(tmp_path) as serving, caller(serving) as ann:
        assert send(ann, "i0", uuid4().hex).status_code == 200
        close_folder(tmp_path)
        try:
            check_refused_and_recovered(ann, serving, ["i0"], lambda: open_folder(tmp_path))
        finally:
            open_folder(tmp_path)


@pytest.fixture
def breaking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """While this file is there, the disk of what is started from now on gives input/output errors."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("needs Linux and a C compiler: apt-get install gcc")
    source, library, flag = (tmp_path / name for name in ("breaking.c", "breaking.so", "broken"))
    source.write_text(BREAKING)
    command = [compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    subprocess.run(command, check=True)
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("BREAKING_FLAG", str(flag))
    return flag


@pytest.mark.parametrize("calls", ["sync", "write", "sync write"])
def test_a_disk_that_breaks_is_said_and_labelling_goes_on_when_it_is_mended(
    tmp_path: Path, breaking: Path, monkeypatch: pytest.MonkeyPatch, calls: str
) -> None:
    monkeypatch.setenv("BREAKING_CALLS", calls)
    with served(tmp_path) as serving, caller(serving) as ann:
        assert send(ann, "i0", uuid4().hex).status_code == 200
        breaking.touch()
        check_refused_and_recovered(ann, serving, ["i0"], breaking.unlink)
