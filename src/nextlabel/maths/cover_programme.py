"""Whether so few balls can leave so few items outside: the linear programme, and the mixed-integer one.

Minimise Σ o subject to Σ_j∈N(i) u_j + o_i ≥ 1 for each item i that is to be covered, and Σ u ≤ b, where u_j
says that a ball stands at j and o_i that item i is left outside. This reduced form is equivalent to the one
with assignments, and far smaller. Only u need be whole: o then is by itself. HiGHS behind our names.
"""

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from nextlabel.maths.axes import Positions
from nextlabel.maths.partial_cover import BallGraph

__all__ = ["Undecided", "choice", "relaxed"]

_SHORTEST = 1e-2  # seconds; what the solver is given at least
_FIRST_WILL_DO = 1e9  # a relative gap so large that the first solution found ends the search


@final
class Undecided(Exception):
    """The time or the nodes were too few to decide; caught within the library."""


def relaxed(
    graph: BallGraph, is_open: NDArray[np.bool_], balls: int, *, seconds: float | None = None
) -> tuple[float, NDArray[np.float64]]:
    """What the linear programme says: a proven bound of the items left outside, and how much of each ball.

    Parameters
    ----------
    graph : BallGraph
        Who lies within whose ball.
    is_open : array of bool, axes (n,)
        What is to be covered.
    balls : int
        How many, at most; between 1 and n.
    seconds : float, optional
        The time limit.

    Returns
    -------
    bound : float
        No choice of balls leaves fewer open items outside. Zero where the time was too short to say more.
    shares : array of float64, axes (n,)
        How much of a ball stands at each item in the fractional optimum; none where the time was too short.

    Notes
    -----
    The bound does not rest on the solver's word: for any y in [0, 1] no choice leaves fewer outside than
    Σ_i y_i less the b largest of Σ_i∈N(j) y_i, and the solver's dual serves as y. Memory about 40 bytes a
    pair of the graph, beside that of the solver.

    Examples
    --------
    A path of five items, each reaching its neighbours:

    >>> path = BallGraph(np.array([0, 2, 5, 8, 11, 13]), np.array([0, 1, 0, 1, 2, 1, 2, 3, 2, 3, 4, 3, 4]))
    >>> round(relaxed(path, np.ones(5, bool), 1)[0], 9)
    2.0
    """
    from scipy.optimize import linprog
    from scipy.sparse import vstack

    rows = np.flatnonzero(is_open)
    cover, budget = _matrices(graph, rows)
    found = linprog(
        _cost(graph, rows),
        A_ub=vstack([-cover, budget], format="csc"),
        b_ub=np.append(-np.ones(len(rows)), balls),
        bounds=(0.0, 1.0),
        method="highs",
        options={} if seconds is None else {"time_limit": max(seconds, _SHORTEST)},
    )
    if found.status != 0:
        return 0.0, np.zeros(graph.n)
    dual = np.clip(-found.ineqlin.marginals[:-1], 0.0, 1.0)
    reached = graph.weighed(rows, dual)
    largest = np.partition(reached, graph.n - balls)[graph.n - balls :]
    return float(dual.sum() - largest.sum()), np.asarray(found.x[: graph.n])


def choice(
    graph: BallGraph,
    is_open: NDArray[np.bool_],
    balls: int,
    outside: int,
    *,
    seconds: float | None = None,
    nodes: int | None = None,
) -> Positions | None:
    """Balls that leave at most so many open items outside, or None where the solver proves that none do.

    Parameters
    ----------
    graph : BallGraph
        Who lies within whose ball.
    is_open : array of bool, axes (n,)
        What is to be covered.
    balls : int
        How many, at most.
    outside : int
        How many open items may be left outside.
    seconds : float, optional
        The time limit; the answer to a question that takes longer depends on the machine.
    nodes : int, optional
        How many nodes of the search tree may be solved, from 0: a limit that does not depend on the machine.

    Returns
    -------
    array of int64 or None

    Raises
    ------
    Undecided
        A limit was reached first.

    Examples
    --------
    >>> path = BallGraph(np.array([0, 2, 5, 8, 11, 13]), np.array([0, 1, 0, 1, 2, 1, 2, 3, 2, 3, 4, 3, 4]))
    >>> choice(path, np.ones(5, bool), 1, 1) is None, choice(path, np.ones(5, bool), 2, 0).tolist()
    (True, [1, 3])
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    rows = np.flatnonzero(is_open)
    cover, budget = _matrices(graph, rows)
    cost = _cost(graph, rows)
    options: dict[str, Any] = {"mip_rel_gap": _FIRST_WILL_DO}
    if seconds is not None:
        options["time_limit"] = max(seconds, _SHORTEST)
    if nodes is not None:
        options["node_limit"] = nodes
    found = milp(
        cost,
        integrality=1.0 - cost,
        bounds=Bounds(0.0, 1.0),
        constraints=[
            LinearConstraint(cover, 1.0, np.inf),
            LinearConstraint(budget, 0.0, balls),
            LinearConstraint(cost[None], 0.0, outside),
        ],
        options=options,
    )
    if found.x is not None:
        return np.flatnonzero(found.x[: graph.n] > 0.5)
    if found.status == 2:
        return None
    raise Undecided


def _cost(graph: BallGraph, rows: Positions) -> NDArray[np.float64]:
    return np.repeat([0.0, 1.0], [graph.n, len(rows)])


def _matrices(graph: BallGraph, rows: Positions) -> tuple[Any, Any]:
    """The cover constraints over (u, o), and the sum of u."""
    from scipy.sparse import csr_array, eye_array, hstack

    sizes = graph.starts[rows + 1] - graph.starts[rows]
    starts = np.append(0, np.cumsum(sizes))
    columns = np.concatenate([graph.row(int(row)) for row in rows])
    reach = csr_array((np.ones(len(columns)), columns, starts), shape=(len(rows), graph.n))
    cover = hstack([reach, eye_array(len(rows))], format="csc")
    return cover, csr_array(1.0 - _cost(graph, rows)[None])
