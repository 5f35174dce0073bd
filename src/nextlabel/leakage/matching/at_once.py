"""A function of many points: of all at once, or of one after another where torch cannot map it."""

from collections.abc import Callable
from typing import Final, final

import torch
from torch import Tensor

__all__ = ["ONE_BY_ONE", "AtOnce", "one_by_one"]

ONE_BY_ONE: Final = "one_by_one"
"""The detail of a recovery under which it is said why its starts went one after another."""

_REFUSALS = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


@final
class AtOnce:
    """Gradients and values at many points, from whatever works: all together first, then one by one.

    Parameters
    ----------
    together : callable
        Takes points, axes (r, d), and returns their gradients and values, axes (r, d) and (r,).
    alone : callable
        Takes one point, axes (d,), and returns its gradient and value, by the same formula.

    Attributes
    ----------
    refusal : str
        Why points are taken one after another; empty as long as they are not.

    Notes
    -----
    A model whose course depends on values (``if float(x.mean()) > 0``) has a gradient at each point and none
    at many together. What broke off once is not tried again. Where a point alone breaks off as well, that
    error is raised.

    Examples
    --------
    >>> def alone(point):
    ...     return 2 * point, (point**2).sum()
    >>> at_once = AtOnce(torch.func.vmap(lambda point: alone(point) if point.any() else None), alone)
    >>> at_once(torch.tensor([[1.0, 2.0], [3.0, 0.0]]))
    (tensor([[2., 4.],
            [6., 0.]]), tensor([5., 9.]))
    >>> at_once.refusal.split(":")[0]
    'RuntimeError'
    """

    def __init__(
        self,
        together: Callable[[Tensor], tuple[Tensor, Tensor]],
        alone: Callable[[Tensor], tuple[Tensor, Tensor]],
    ) -> None:
        self._together, self._alone = together, alone
        self.refusal = ""

    def __call__(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Gradients and values, in the order of the points.

        Parameters
        ----------
        points : Tensor, axes (r, d)
            At least one.
        """
        if not self.refusal:
            try:
                return self._together(points)
            except _REFUSALS as refusal:
                found = self._each(points)
                self.refusal = f"{type(refusal).__name__}: {refusal}"
                return found
        return self._each(points)

    def _each(self, points: Tensor) -> tuple[Tensor, Tensor]:
        gradients, values = zip(*map(self._alone, points), strict=True)
        return torch.stack(gradients), torch.stack(values)


def one_by_one(refusal: str) -> dict[str, str]:
    """What a recovery says of starts that went one after another; nothing of others.

    Parameters
    ----------
    refusal : str
        Why they did; empty where they did not.

    Examples
    --------
    >>> one_by_one("RuntimeError: vmap"), one_by_one("")
    ({'one_by_one': 'RuntimeError: vmap'}, {})
    """
    return {ONE_BY_ONE: refusal} if refusal else {}
