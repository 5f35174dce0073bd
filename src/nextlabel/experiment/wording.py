"""Figures and protocols in words, the same in every part of a report."""

import math
from collections.abc import Mapping
from typing import Any

from nextlabel.maths.intervals import Interval

__all__ = ["at_most", "facts", "percent", "points", "probability", "span", "spelled", "width"]


def points(gain: float) -> str:
    """A difference of accuracies in points, with its sign.

    Examples
    --------
    >>> points(-0.0123)
    '−1.2'
    """
    return f"{100 * gain:+.1f}".replace("-", "−")


def span(interval: Interval) -> str:
    """An interval of differences, in points.

    Examples
    --------
    >>> span(Interval(-0.01, 0.025))
    '−1.0 to 2.5'
    """
    return f"{100 * interval.low:.1f} to {100 * interval.high:.1f}".replace("-", "−")


def width(rope: float) -> str:
    """A region of practical equivalence in words.

    Examples
    --------
    >>> width(0.01), width(0.005)
    ('1 point', '0.5 points')
    """
    return f"{100 * rope:g} point{'' if rope == 0.01 else 's'}"


def percent(share: float) -> str:
    """A share as a percentage.

    Examples
    --------
    >>> percent(0.8155)
    '81.5 %'
    """
    return f"{100 * share:.1f} %"


def probability(value: float) -> str:
    """A p-value, no more exact than it is.

    Examples
    --------
    >>> probability(0.0432), probability(1e-9)
    ('0.043', '< 0.001')
    """
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def at_most(labels: float, budget: int) -> str:
    """A number of labels; more than the budget cannot be told apart.

    Examples
    --------
    >>> at_most(120.4, 300), at_most(float("inf"), 300)
    ('120', '> 300')
    """
    return f"> {budget}" if math.isinf(labels) else f"{labels:.0f}"


def spelled(spec: Any) -> str:
    """A spec for people: the name, and in brackets the settings that say something.

    Examples
    --------
    >>> spelled({"name": "stochastic", "of": {"name": "bald"}, "beta": 1.0})
    'stochastic (of bald, beta 1.0)'
    >>> spelled({"name": "mixture", "of": [{"name": "badge"}, {"name": "random"}]})
    'mixture (of [badge, random])'
    """
    if isinstance(spec, list | tuple):
        return f"[{', '.join(map(spelled, spec))}]"
    if not isinstance(spec, Mapping) or "name" not in spec:
        return str(spec)
    settings = [
        f"{key} {spelled(value)}" for key, value in spec.items() if key != "name" and value is not None
    ]
    return f"{spec['name']} ({', '.join(settings)})" if settings else str(spec["name"])


def facts(protocol: Mapping[str, Any]) -> dict[str, str]:
    """How an experiment was done, term by term; what the protocol does not hold is left out.

    Parameters
    ----------
    protocol : mapping of str to JSON value
        As `nextlabel.experiment.runner.Experiment.protocol` writes it.

    Returns
    -------
    dict of str to str
    """
    found = {
        "Data": _said(protocol, "{description} (fingerprint {fingerprint})"),
        "Split": _split(protocol),
        "Labels": _labels(protocol),
        "Held equal": f"split, start set, initial weights and data order of a seed{_training(protocol)}",
        "Seeds": _seeds(protocol.get("seeds")),
        "Learner": spelled(protocol.get("learner") or ""),
        "Strategies": ", ".join(
            f"{name}: {spelled(spec)}" for name, spec in (protocol.get("strategies") or {}).items()
        ),
        "Learners of their own": "; ".join(
            f"{name}: {spelled(spec)}" for name, spec in (protocol.get("learners") or {}).items()
        ),
        "Not run": "; ".join(
            f"{name}: {reason}" for name, reason in (protocol.get("left_out") or {}).items()
        ),
        "Versions": ", ".join(
            f"{name} {number}" for name, number in (protocol.get("versions") or {}).items()
        ),
        "Code": str(protocol.get("code") or ""),
    }
    return {term: fact for term, fact in found.items() if fact}


def _training(protocol: Mapping[str, Any]) -> str:
    going = {
        _goes_on(one) for one in (protocol.get("learner"), *(protocol.get("learners") or {}).values()) if one
    }
    if not going:
        return ""
    if len(going) > 1:
        return (
            "; trained from scratch each round, or where continues is True from the weights of the one before"
        )
    if True in going:
        return "; each round goes on from the weights of the one before"
    return "; trained from scratch each round"


def _goes_on(learner: Any) -> bool:
    """Whether it, or what it wraps, begins a round with the weights of the one before."""
    if not isinstance(learner, Mapping):
        return False
    return bool(learner.get("continues")) or any(map(_goes_on, learner.values()))


def _said(protocol: Mapping[str, Any], sentence: str) -> str:
    try:
        return sentence.format(**protocol)
    except KeyError:
        return ""


def _split(protocol: Mapping[str, Any]) -> str:
    if not {"items", "test", "official_test"} <= set(protocol):
        return ""
    kind = "the official test items" if protocol["official_test"] else "drawn anew for each seed"
    rest = protocol["items"] - protocol["test"]
    pool = protocol.get("pool") or rest
    cut = f", cut to {pool} for each seed" if pool < rest else ""
    return f"{protocol['test']} items measure accuracy{_measured(protocol)}, {kind}; {rest} are the pool{cut}"


def _measured(protocol: Mapping[str, Any]) -> str:
    """Where not as usual: by which signal, and at which checkpoints."""
    by = f" by {protocol['measures']}" if "measures" in protocol else ""
    every = int(protocol.get("measure_every") or 1)
    return by + (f" after every {every} batches and at the end" if every > 1 else "")


def _labels(protocol: Mapping[str, Any]) -> str:
    if protocol.get("per_class"):
        begin = "{start} drawn at random to start, {per_class} of each class at least"
    elif protocol.get("drawn") == 0:
        begin = (
            "none drawn to start: the first batch is picked by strategies that can without a trained model, "
            "and drawn at random for the others"
        )
    else:
        begin = "{start} drawn at random to start"
    among = ", each picked among {candidates} items drawn at random" if protocol.get("candidates") else ""
    return _said(
        protocol, f"{begin}, then batches of {{batch}} up to {{budget}}{among}; answered from the data set"
    )


def _seeds(seeds: Any) -> str:
    if isinstance(seeds, int):
        seeds = list(range(seeds))
    listed = list(seeds or [])
    if len(listed) > 2 and listed == list(range(listed[0], listed[-1] + 1)):
        return f"{listed[0]} to {listed[-1]}"
    return ", ".join(map(str, listed))
