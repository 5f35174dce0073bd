"""Whether what was measured may have steered what followed: what the journal can show of it."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, final

from nextlabel.core.spec import Spec
from nextlabel.core.store import Entry
from nextlabel.evaluation.quality import QUALITY

__all__ = ["steered"]


def steered(entries: Iterable[Entry]) -> str:
    """Whether a person chose another strategy or learner after a look; what follows is indicative then.

    Parameters
    ----------
    entries : iterable of Entry
        A journal from its beginning.

    Returns
    -------
    str
        What was changed, in words; empty where nothing was.

    Notes
    -----
    A choice that a look may have led to lets control labels into the path of models, and the proof that all
    bands hold together with it. What ``"auto"`` changes does not count: it reads counts of the labels that
    models are trained on, never control labels. Nor does a batch drawn at random while a model is fitted.
    A strategy that had picked before the first look is not taken for a change when it picks again.
    """
    kinds = {"strategy": _Path(), "learner": _Path()}
    kinds["strategy"].usual.add(_written({"name": "random"}))
    has_looked = False
    for entry in entries:
        if entry["event"] == "created":
            kinds["strategy"].usual |= {_written(entry["strategy"]), _written(entry["opening"])}
        elif entry["event"] == "measured" and entry["what"] == QUALITY:
            has_looked = True
        elif entry["event"] == "noted" and entry.get("author") == "auto":
            kinds["strategy"].forgive(entry["text"])
        elif entry["event"] == "asked" and "active" in entry["arms"]:
            kinds["strategy"].take(_written(entry["strategy"]), has_looked=has_looked)
            kinds["learner"].take(entry["learner"], has_looked=has_looked)
    return " and the ".join(name for name, path in kinds.items() if path.changed)


@final
class _Path:
    """What picked so far, and what came newly after a look."""

    def __init__(self) -> None:
        self.usual: set[str] = set()
        self.changed: set[str] = set()

    def take(self, one: str, *, has_looked: bool) -> None:
        if one not in self.usual:
            (self.changed if has_looked else self.usual).add(one)

    def forgive(self, remark: str) -> None:
        """What ``"auto"`` says of the query that came with the remark."""
        named = {one for one in self.changed if remark.startswith(f"auto: {one}")}
        self.changed -= named
        self.usual |= named


def _written(spec: Any) -> str:
    if isinstance(spec, Mapping) and "name" in spec:
        return Spec.read(spec).to_json()
    return json.dumps(spec, sort_keys=True, default=dict)
