"""Submodular functions and what they share with a query set or add to a private set."""

from typing import Literal

from nextlabel.maths.greedy import Objective
from nextlabel.maths.similarity import Directions, largest_cosines, total_cosines
from nextlabel.maths.submodular import FacilityLocation, GraphCut, LogDeterminant

__all__ = ["Function", "information_measure"]

Function = Literal["facility_location", "graph_cut", "log_det"]


def information_measure(
    function: Function,
    items: Directions,
    *,
    query: Directions | None = None,
    private: Directions | None = None,
    over_query: bool = False,
    eta: float = 1.0,
    nu: float = 1.0,
    lam: float = 0.5,
    jitter: float = 1e-6,
) -> Objective:
    """The set function f(A), I(A; Q), f(A | P) or I(A; Q | P), by which sets are given.

    Parameters
    ----------
    function : {"facility_location", "graph_cut", "log_det"}
        f.
    items : Directions
        The pool.
    query, private : Directions, optional
        Q and P.
    over_query : bool
        Whether the mutual information of facility location is summed over the query and the batch, not over
        the pool; read where there is no private set.
    eta, nu : float
        How much Q and P count, from 0; for log-determinants at most 1. Graph cut does not read `eta`.
    lam : float
        λ of graph cut, from 0.
    jitter : float
        Added to the diagonal for log-determinants, above 0.

    Returns
    -------
    Objective

    Notes
    -----
    With s the cosine clipped at 0, and i over the pool:

    * facility location: f = Σ_i max_{j∈A} s_ij;
      I(A; Q) = Σ_i min(max_{j∈A} s_ij, η·max_{q∈Q} s_iq), or over the query
      Σ_q max_{j∈A} s_qj + η·Σ_{j∈A} max_{q∈Q} s_qj; f(A | P) = Σ_i max(max_{j∈A} s_ij − ν·max_{p∈P} s_ip, 0);
      I(A; Q | P) = Σ_i max(min(max_{j∈A} s_ij, η·max_{q∈Q} s_iq) − ν·max_{p∈P} s_ip, 0);
    * graph cut: f = Σ_i Σ_{j∈A} s_ij − λ·Σ_{i,j∈A} s_ij; I(A; Q) = I(A; Q | P) = 2λ·Σ_{j∈A, q∈Q} s_jq;
      f(A | P) = f(A) − 2λν·Σ_{j∈A, p∈P} s_jp;
    * log-determinant: see `nextlabel.maths.submodular.LogDeterminant`.

    With η = ν = 1 all but the one over the query follow from f: I(A; Q) = f(A) + f(Q) − f(A∪Q),
    f(A | P) = f(A∪P) − f(P), I(A; Q | P) = f(A∪P) + f(Q∪P) − f(A∪Q∪P) − f(P).

    Time O(n²·d) in blocks for facility location with P or without Q and for graph cut without Q, O(n·q·d)
    for q query items else.

    References
    ----------
    Kothawade, Beck, Killamsetty, Iyer. SIMILAR: submodular information measures based active learning in
    realistic scenarios. NeurIPS 2021, arXiv 2107.00717. Table 1.

    Examples
    --------
    >>> import numpy as np
    >>> from nextlabel.maths.similarity import factor_directions
    >>> items, query = factor_directions(np.eye(3)), factor_directions(np.eye(3)[:1])
    >>> information_measure("graph_cut", items, query=query).gains(np.arange(3)).tolist()
    [1.0, 0.0, 0.0]
    """
    if function == "log_det":
        return LogDeterminant(items, jitter=jitter, private=private, query=query, nu=nu, eta=eta)
    if function == "graph_cut":
        return _graph_cut(items, query, private, lam, nu)
    floor = None if private is None else nu * largest_cosines(items, private)
    if query is None:
        return FacilityLocation(items, items, floor=floor)
    near = eta * largest_cosines(items, query)
    if over_query and private is None:
        return FacilityLocation(items, query, bonus=near)
    return FacilityLocation(items, items, floor=floor, ceiling=near)


def _graph_cut(
    items: Directions, query: Directions | None, private: Directions | None, lam: float, nu: float
) -> GraphCut:
    if query is not None:
        return GraphCut(items, 2.0 * lam * total_cosines(items, query), lam=0.0)
    worth = total_cosines(items, items)
    if private is not None:
        worth -= 2.0 * lam * nu * total_cosines(items, private)
    return GraphCut(items, worth, lam=lam)
