"""The page on other libraries: what it says of what was found, without installing any of them."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(str(ROOT))
    patch.setattr(os, "environ", dict(os.environ))  # the package asks for one thread; not for the whole suite
    from benchmarks.peers.__main__ import FOUND, PAGE, main, pinned
    from benchmarks.peers.environments import PEERS, NotInstalled, Peer, _run
    from benchmarks.peers.page import page


def promise(name: str, outcome: str, **more: str) -> dict[str, str]:
    return {"promise": name, "outcome": outcome, "says": f"{name} was seen", "smallest": ""} | more


def found(*promises: dict[str, str], note: str = "") -> dict[str, Any]:
    methods = [{"method": "Badge", "definition": "badge", "note": note, "promises": list(promises)}]
    return {
        "package": "some-peer",
        "version": "1.2.3",
        "date": "2026-11-21",
        "python": "3.11.7",
        "numpy": "2.4.6",
        "scipy": "1.17.1",
        "note": "How it is asked.",
        "methods": methods,
    }


def test_a_broken_promise_stands_with_its_smallest_input() -> None:
    text = page([found(promise("law", "broken", smallest="pick(\n    batch=1,\n)"), promise("seed", "kept"))])
    assert "## some-peer 1.2.3" in text
    assert "Run on 2026-11-21 with Python 3.11.7, NumPy 2.4.6, SciPy 1.17.1. How it is asked." in text
    assert "| `Badge` | `badge` | 1 | law | none |" in text
    assert "Seen: law was seen.\n\n```text\npick(\n    batch=1,\n)\n```" in text


def test_a_documented_departure_is_not_called_broken() -> None:
    text = page([found(promise("ties", "broken", documented="its pages say so"))])
    assert "| `Badge` | `badge` | 0 | none | ties |" in text
    assert "*ties*, by its documentation: its pages say so." in text
    assert "**ties**" not in text


def test_a_script_stands_with_what_it_printed() -> None:
    script = {"path": "benchmarks/peers/alone/baal/batch_bald.py", "prints": "first by BALD: 0"}
    text = page([found(promise("law", "kept")) | {"alone": [script]}])
    assert f"```text\n{(ROOT / script['path']).read_text('utf-8')}```\n\nprints\n\n```text\nfirst by" in text


def test_a_method_that_keeps_all_has_no_section_of_its_own() -> None:
    assert "### " not in page([found(promise("law", "kept"), promise("memory", "not asked"))])
    assert "### `Badge`\n\nAsked otherwise." in page([found(promise("law", "kept"), note="Asked otherwise.")])


def test_a_peer_that_does_not_install_says_so() -> None:
    text = page(
        [
            {
                "package": "p",
                "version": "1",
                "date": "2026-11-21",
                "missing": "could not be installed: no wheel",
            }
        ]
    )
    assert "## p 1\n\nOn 2026-11-21 it could not be installed: no wheel." in text


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.package)
def test_every_peer_has_exact_pins_and_an_adapter(peer: Peer) -> None:
    lines = peer.pins.read_text("utf-8").splitlines()
    assert all(line.startswith("#") or line.count("==") == 1 for line in lines)
    assert pinned(peer)
    assert (ROOT / "benchmarks" / "peers" / "adapters" / f"{peer.adapter}.py").is_file()


def test_the_page_is_what_was_found() -> None:
    kept = json.loads(FOUND.read_text("utf-8"))
    assert [*kept] == [peer.package for peer in PEERS]
    assert PAGE.read_text("utf-8") == page(list(kept.values()))
    assert all(kept[peer.package]["version"] == pinned(peer) for peer in PEERS)


def test_an_unknown_peer_is_refused_with_the_names(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["scikit"])
    assert "expected names of scikit-activeml, small-text," in capsys.readouterr().err


def test_an_installation_that_fails_says_why() -> None:
    failing = "import sys; print('x\\nERROR: no such version', file=sys.stderr); sys.exit(1)"
    with pytest.raises(NotInstalled, match="ERROR: no such version"):
        _run([sys.executable, "-c", failing])
