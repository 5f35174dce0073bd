"""What was found of each peer as a page."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nextlabel.testing.conformance import PROMISES

ROOT = Path(__file__).parents[2]
HEAD = """# Other libraries, held against the same definitions

Made by `python -m benchmarks.peers`; do not edit. Each library runs in an environment of its own, with the
exact versions of `benchmarks/peers/pins/`, through a small adapter of `benchmarks/peers/adapters/`. There the
[conformance suite](../how-to/check-an-implementation.md) asks its methods what it asks nextlabel's.

The promises are the suite's; no library has given them. A method may depart from one on purpose and serve its
users well: what a documentation says of it is noted. Below each broken promise stands the smallest input
found that shows it, as the keywords of the adapter's callable. To see for yourself:

```text
python -m benchmarks.peers scikit-activeml
```

What the promises say:
"""


def page(found: Sequence[dict[str, Any]]) -> str:
    """Markdown: a section for each library."""
    lines = [HEAD.rstrip(), ""]
    lines += [f"- {name}: {_sentence(promise)}" for name, promise in PROMISES.items()]
    for one in found:
        lines += ["", f"## {one['package']} {one['version']}", "", *_section(one)]
    return "\n".join(lines) + "\n"


def _sentence(promise: Any) -> str:
    return str(promise.__doc__ or "").partition("\n")[0]


def _section(one: dict[str, Any]) -> Iterator[str]:
    if "missing" in one:
        yield f"On {one['date']} it {one['missing']}."
        return
    versions = f"Python {one['python']}, NumPy {one['numpy']}, SciPy {one['scipy']}"
    yield f"Run on {one['date']} with {versions}. {one['note']}"
    yield ""
    yield "| method | definition | kept | broken | by its documentation |"
    yield "| --- | --- | --- | --- | --- |"
    for method in one["methods"]:
        yield _row(method)
    for script in one.get("alone", ()):
        yield from ("", f"By the library alone, `python {script['path']}` in its environment:", "")
        yield from ("```text", (ROOT / script["path"]).read_text("utf-8").rstrip(), "```", "")
        yield from ("prints", "", "```text", script["prints"], "```")
    for method in one["methods"]:
        yield from _broken(method)


def _row(method: dict[str, Any]) -> str:
    kept = [promise for promise in method["promises"] if promise["outcome"] == "kept"]
    documented = [promise["promise"] for promise in method["promises"] if "documented" in promise]
    broken = [one["promise"] for one in _fresh(method)]
    cells = (
        f"`{method['method']}`",
        f"`{method['definition']}`",
        str(len(kept)),
        _listed(broken),
        _listed(documented),
    )
    return f"| {' | '.join(cells)} |"


def _fresh(method: dict[str, Any]) -> list[dict[str, Any]]:
    """Broken promises of which the documentation says nothing."""
    return [one for one in method["promises"] if one["outcome"] == "broken" and "documented" not in one]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _broken(method: dict[str, Any]) -> Iterator[str]:
    documented = [one for one in method["promises"] if "documented" in one]
    broken = _fresh(method)
    if not (documented or broken or method["note"]):
        return
    yield from ("", f"### `{method['method']}`")
    if method["note"]:
        yield from ("", method["note"])
    for one in documented:
        yield from ("", f"*{one['promise']}*, by its documentation: {one['documented']}.")
    for one in broken:
        yield from ("", f"**{one['promise']}**: {_sentence(PROMISES[one['promise']])} Seen: {one['says']}.")
        if one["smallest"]:
            yield from ("", "```text", one["smallest"], "```")
