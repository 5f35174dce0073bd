"""How far strategies ask for the same items: of what each has chosen, not of what was drawn for all."""

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

from nextlabel.campaign.control import mixed
from nextlabel.experiment.arms import control_items
from nextlabel.experiment.curves import Results, Run

__all__ = ["overlap"]

_DRAWS = "random"


def overlap(results: Results) -> dict[str, float]:
    """Jaccard's index of the ids asked for, mean over seeds, for each pair ``"a, b"`` of strategies.

    Parameters
    ----------
    results : Results
        Of the protocol are read `drawn`, `control` and `reserve`, and what the strategies are.

    Returns
    -------
    dict of str to float
        From 0 to 1; 1 where neither chose anything.

    Notes
    -----
    Left out are a drawn start, control items, and a first batch unless both strategies picked it. Without a
    start set, a strategy that could not pick its first batch has the draw that random has, in its order;
    where random did not run, one that another has too.
    """
    without_start = results.protocol.get("drawn") == 0
    runs = {name: results.of(name) for name in results.strategies}
    drawn = _opening_drawn(results) if without_start else frozenset()
    found = {}
    for one, two in itertools.combinations(results.strategies, 2):
        begin = int(not without_start or one in drawn or two in drawn)
        pairs = zip(runs[one], runs[two], strict=True)
        shares = [
            _jaccard(_chosen(a, results.protocol, begin), _chosen(b, results.protocol, begin))
            for a, b in pairs
        ]
        found[f"{one}, {two}"] = math.fsum(shares) / len(shares)
    return found


def _opening_drawn(results: Results) -> frozenset[str]:
    """The strategies whose first batch was drawn for them."""
    specs = results.protocol.get("strategies") or {}
    first = {name: tuple(run.queried[0] for run in results.of(name)) for name in results.strategies}
    draws = {first[name] for name in first if _name(specs.get(name, name)) == _DRAWS}
    if not draws:
        draws = {batch for batch in first.values() if list(first.values()).count(batch) > 1}
    return frozenset(name for name, batch in first.items() if batch in draws)


def _name(spec: Any) -> Any:
    return spec.get("name") if isinstance(spec, Mapping) else spec


def _chosen(run: Run, protocol: Mapping[str, Any], begin: int) -> frozenset[str]:
    batches = list(_active(run, protocol))[begin:]
    return frozenset(one for batch in batches for one in batch)


def _active(run: Run, protocol: Mapping[str, Any]) -> Iterator[list[str]]:
    """Each batch without its control items, whose number and places follow from the protocol."""
    share, held = float(protocol.get("control") or 0.0), int(protocol.get("reserve") or 0)
    is_start = protocol.get("drawn") != 0
    control = labels = 0
    for number, batch in enumerate(run.queried):
        size = len(batch)
        few = 0
        if held and not (is_start and number == 0):
            few = control_items(share, labels - control, control, size, held)
        arms = mixed([True] * (size - few), [False] * few, run.seed, max(number - is_start, 0))
        yield [one for one, is_active in zip(batch, arms, strict=True) if is_active]
        control += few
        labels += size


def _jaccard(one: frozenset[str], two: frozenset[str]) -> float:
    return len(one & two) / len(one | two) if one or two else 1.0
