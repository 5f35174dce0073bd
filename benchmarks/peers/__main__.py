"""Ask the conformance suite about other libraries, each in an environment of its own, and write the page.

``python -m benchmarks.peers`` does all; names of packages choose some, and the page keeps what it says of the
others.
"""

import argparse
import datetime
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.peers.environments import PEERS, ROOT, NotInstalled, Peer, default_folder, made, run
from benchmarks.peers.page import page

FOUND = ROOT / "docs" / "reference" / "peers.json"
PAGE = FOUND.with_suffix(".md")


def main(arguments: list[str]) -> int:
    known = {peer.package: peer for peer in PEERS}
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAMES", help=f"of {', '.join(known)}; all when left out")
    parser.add_argument(
        "--folder", type=Path, default=default_folder(), help="for the environments: %(default)s"
    )
    parser.add_argument("--page-only", action="store_true", help="write the page from what was found before")
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.names if name not in known]
    if unknown:
        parser.error(f"expected names of {', '.join(known)}; received {', '.join(unknown)}")
    found: dict[str, Any] = json.loads(FOUND.read_text("utf-8")) if FOUND.exists() else {}
    for name in () if chosen.page_only else chosen.names or known:
        found[name] = asked(known[name], chosen.folder)
        FOUND.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(page([found[name] for name in known if name in found]), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


def asked(peer: Peer, folder: Path) -> dict[str, Any]:
    """What the suite says of one peer today; or why there is nothing to say."""
    print(f"{peer.package} ...", flush=True)
    today = {"package": peer.package, "date": datetime.datetime.now(datetime.UTC).date().isoformat()}
    with tempfile.TemporaryDirectory() as kept:
        target = Path(kept) / "found.json"
        try:
            run(made(peer.package, folder), "benchmarks.peers.inside", peer.adapter, str(target))
        except NotInstalled as error:
            return today | {"version": pinned(peer), "missing": f"could not be installed: {error}"}
        except subprocess.CalledProcessError as error:
            return today | {
                "version": pinned(peer),
                "missing": f"could not be asked: it ended with {error.returncode}",
            }
        said: dict[str, Any] = json.loads(target.read_text("utf-8"))
        return today | said


def pinned(peer: Peer) -> str:
    """The version that was to be installed."""
    pins = dict(line.split("==") for line in peer.pins.read_text("utf-8").splitlines() if "==" in line)
    return pins[peer.package]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
