"""Submodular measures: the item with which the batch has the largest value of the set function comes next."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextlabel.testing.laws import Definition, Question, Sizes, Weights, first_of

__all__ = [
    "DEFINITION",
    "FUNCTIONS",
    "MEASURES",
    "cosines",
    "defined",
    "facility_location",
    "graph_cut",
    "log_det",
    "memory",
    "value_of",
]

_Matrix = NDArray[np.float64]
_DEFAULTS: Mapping[str, Any] = {
    "function": "facility_location", "measure": "plain", "similarity": "embedding", "query_classes": None,
    "private_classes": None, "mutual": "flqmi", "eta": 1.0, "nu": 1.0, "lam": 0.5, "jitter": 1e-6,
}  # fmt: skip


def cosines(features: _Matrix) -> _Matrix:
    """Cosine of every row with every other; 0 where either is zero."""
    lengths = np.linalg.norm(features, axis=1)
    units = features / np.where(lengths > 0.0, lengths, 1.0)[:, None]
    return np.asarray(units @ units.T)


def facility_location(s: _Matrix, pool: int, batch: Sequence[int], q: Sequence[int], p: Sequence[int],
                      options: Mapping[str, Any]) -> float:  # fmt: skip
    """How near the nearest of the batch is to each item of the pool, between what P and Q allow."""
    if q and not p and options["measure"] == "mutual_information" and options["mutual"] == "flqmi":
        to_query = sum(max((s[one, j] for j in batch), default=0.0) for one in q)
        return float(to_query + options["eta"] * sum(max(s[one, j] for one in q) for j in batch))
    total = 0.0
    for i in range(pool):
        near = max((s[i, j] for j in batch), default=0.0)
        if q:
            near = min(near, options["eta"] * max(s[i, one] for one in q))
        total += max(near - (options["nu"] * max(s[i, one] for one in p) if p else 0.0), 0.0)
    return float(total)


def graph_cut(s: _Matrix, pool: int, batch: Sequence[int], q: Sequence[int], p: Sequence[int],
              options: Mapping[str, Any]) -> float:  # fmt: skip
    """What the batch has in common with the pool, less λ times what it has in common with itself and P."""
    lam = options["lam"]
    if q:
        return float(2 * lam * s[np.ix_(batch, q)].sum())
    own = s[:pool, batch].sum() - lam * s[np.ix_(batch, batch)].sum()
    return float(own - 2 * lam * options["nu"] * s[np.ix_(batch, p)].sum())


def log_det(s: _Matrix, pool: int, batch: Sequence[int], q: Sequence[int], p: Sequence[int],
            options: Mapping[str, Any]) -> float:  # fmt: skip
    """Log-determinant of the batch's kernel given P, less the same given P and Q."""
    scale = np.ones((3, 3)) - np.eye(3)
    scale *= np.outer(v := np.array([1.0, options["nu"], options["eta"]]), v)
    scale += np.eye(3)
    group = np.zeros(len(s), int)
    group[list(p)], group[list(q)] = 1, 2
    kernel = s * scale[np.ix_(group, group)] + options["jitter"] * np.eye(len(s))

    def volume(*sets: Sequence[int]) -> float:
        rows = [one for some in sets for one in some]
        return float(np.linalg.slogdet(kernel[np.ix_(rows, rows)])[1]) if rows else 0.0

    value = volume(batch, p) - volume(p)
    return value - (volume(batch, p, q) - volume(p, q)) if q else value


FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "facility_location": facility_location, "graph_cut": graph_cut, "log_det": log_det,
}  # fmt: skip


def value_of(question: Question, **options: Any) -> Callable[[Sequence[int]], float]:
    """The set function of a question: from the positions of a batch to its value."""
    options = {**_DEFAULTS, **options}
    seen, n = question.labelled or {}, question.n
    rows = {
        name: np.concatenate([np.asarray(question.signals[name], float), *([seen[name]] if seen else [])])
        for name in (["embedding", "residual"] if options["similarity"] == "gradient" else ["embedding"])
    }
    features = rows["embedding"]
    if "residual" in rows:
        features = np.array([np.outer(a, x).ravel() for a, x in zip(rows["residual"], features, strict=True)])
    s = cosines(features)
    if options["function"] != "log_det":
        s = np.maximum(s, 0.0)
    count = len(features) - n
    labels = [-1] * count if question.labels is None else list(question.labels)
    named, private = options["query_classes"] or (), options["private_classes"]
    q = [n + k for k in range(count) if labels[k] in named]
    p = [n + k for k in range(count) if (n + k not in q if private is None else labels[k] in private)]
    q = q if "mutual" in options["measure"] else []
    p = p if "conditional" in options["measure"] else []
    return lambda batch: FUNCTIONS[options["function"]](s, n, list(batch), q, p, options)


def defined(**options: Any) -> Definition:
    """The definition of the method with these parameters."""

    def weights(question: Question, picked: Sequence[int]) -> Weights:
        value = value_of(question, **options)
        chosen = list(picked)
        gains = [-np.inf if j in chosen else value([*chosen, j]) - value(chosen) for j in range(question.n)]
        # a logarithm of what is as small as the jitter magnifies its rounding
        slack = 1e-9 * question.n * (100 if options.get("function") == "log_det" else 1)
        return first_of(gains, chosen, slack=slack)

    needs = frozenset({"embedding", "residual"} if options.get("similarity") == "gradient" else {"embedding"})
    return Definition(
        "submodular",
        needs,
        needs if options.get("measure", "plain") != "plain" else frozenset(),
        weights=weights,
        is_law=False,
        reads_labels=options.get("query_classes") is not None or options.get("private_classes") is not None,
        is_scale_free=True,
        parameters=options,
    )


DEFINITION = defined()

_TOWARDS: Mapping[str, Any] = {"query_classes": [1]}
_BETWEEN: Mapping[str, Any] = {"query_classes": [1], "private_classes": [0, 2], "eta": 0.8, "nu": 0.6}

MEASURES: Mapping[str, Definition] = {
    "flqmi": defined(measure="mutual_information", **_TOWARDS),
    "flvmi": defined(measure="mutual_information", mutual="flvmi", **_TOWARDS),
    "flcg": defined(measure="conditional_gain"),
    "flcmi": defined(measure="conditional_mutual_information", **_BETWEEN),
    "gc": defined(function="graph_cut"),
    "gcmi": defined(function="graph_cut", measure="mutual_information", **_TOWARDS),
    "gccg": defined(function="graph_cut", measure="conditional_gain"),
    "logdet": defined(function="log_det"),
    "logdetmi": defined(function="log_det", measure="mutual_information", **_TOWARDS),
    "logdetcg": defined(function="log_det", measure="conditional_gain"),
    "logdetcmi": defined(function="log_det", measure="conditional_mutual_information", **_BETWEEN),
}
"""Other functions and measures than the default, by the names they have in the literature."""


def memory(sizes: Sizes) -> float:
    """Bytes that nextlabel's implementation may use beside its inputs, by default."""
    return 16.0 * sizes["n"] * sizes["d"] + 120.0 * sizes["n"] + 2 * 2.0**25 + 4e6
