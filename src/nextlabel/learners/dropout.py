"""Monte-Carlo dropout in which draw j is the same thinned network for every item of the pool.

The layers before the first dropout are computed once per chunk, for any network: no tracing, no splitting.
"""

from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn

from nextlabel.errors import LearnerError

__all__ = ["FixedMasks", "check_dropout"]

_UNITS = (nn.Dropout,)
_CHANNELS: dict[type[nn.Module], int] = {nn.Dropout1d: 3, nn.Dropout2d: 4, nn.Dropout3d: 5}
_OTHERS = (nn.AlphaDropout, nn.FeatureAlphaDropout)


def check_dropout(network: nn.Module) -> None:
    """Raise where a network has no dropout that can be drawn from.

    Raises
    ------
    LearnerError
        No dropout layer with a rate above 0, or one whose draws are not defined here.

    Examples
    --------
    >>> check_dropout(nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)))
    """
    modules = dict(network.named_modules())
    other = next((name for name, module in modules.items() if isinstance(module, _OTHERS)), None)
    if other is not None:
        message = (
            f"Draws are made with Dropout, Dropout1d, Dropout2d or Dropout3d; the module {other!r} is a "
            f"{type(modules[other]).__name__}. Use one of these instead, or draws=0."
        )
        raise LearnerError(message)
    if not any(_is_drawn(module) for module in modules.values()):
        layers = sorted({type(module).__name__ for module in modules.values() if not list(module.children())})
        message = (
            f"Draws need a dropout layer with a rate above 0; {type(network).__name__} has none (it has "
            f"{', '.join(layers)}; dropout called as a function inside forward cannot be seen). "
            "Add torch.nn.Dropout layers, use an ensemble, or draws=0."
        )
        raise LearnerError(message)


@final
@dataclass
class _Call:
    """One call of a module before the first dropout: what it returned, or that it must be run again."""

    output: Any = None
    is_run_again: bool = True
    is_copied: bool = True


@final
class FixedMasks:
    """Forward passes of a network in which a draw's masks are the same for all items and chunks.

    Parameters
    ----------
    network : torch.nn.Module
        In evaluation mode.
    rng : numpy.random.Generator
        Draws the masks, at their first use: each draw's in the order of its layers, draws in order.

    Raises
    ------
    LearnerError
        While running: no dropout was executed, or one whose first axis is not the items.

    Notes
    -----
    Within the scope the forward of every module is intercepted. The first pass over a chunk keeps what
    each module returned before the first dropout; later passes over the chunk return that instead of
    computing it again, and run only what depends on masks. Kept outputs are copied when handed out,
    as the code that follows may write into them, except between the layers of a plain
    `torch.nn.Sequential`, where only the next layer, which is not run, would read them.

    Masks keep a unit with probability 1 − rate and divide it by that, for a whole channel in
    `Dropout1d`, `Dropout2d` and `Dropout3d`. Only dropout *modules* are seen, not functions called inside
    `forward`, which do nothing in evaluation mode: attention weights, recurrent layers.

    Memory: one mask of the shape of an item for each draw and dropout layer, and what the modules before
    the first dropout return for one chunk.

    References
    ----------
    Gal, Ghahramani. Dropout as a Bayesian approximation. ICML 2016.
    Kirsch, van Amersfoort, Gal. BatchBALD. NeurIPS 2019: joint scores need masks shared by all items.

    Examples
    --------
    >>> network = nn.Sequential(nn.Dropout(0.5), nn.Linear(3, 2)).eval()
    >>> with FixedMasks(network, np.random.default_rng(0)) as masks, torch.no_grad():
    ...     masks.begin(2)
    ...     first = masks.run(torch.ones(2, 3), 0)
    >>> torch.equal(first[0], first[1])
    True
    """

    def __init__(self, network: nn.Module, rng: np.random.Generator) -> None:
        self._network = network
        self._rng = rng
        self._masks: dict[tuple[int, int], Tensor] = {}
        self._begun: list[tuple[nn.Module, int]] = []
        self._tape: list[_Call] = []
        self._is_recording = False
        self._cursor = 0
        self._items = 0
        self._draw: int | None = None
        self._dropouts = 0

    def __enter__(self) -> "FixedMasks":
        # the fused path of transformers runs none of its modules, dropout included
        self._had_fast_path = torch.backends.mha.get_fastpath_enabled()
        torch.backends.mha.set_fastpath_enabled(False)
        self._own = {
            module: vars(module)["forward"] for module in self._network.modules() if "forward" in vars(module)
        }
        for module in self._network.modules():
            step = self._drop if _is_drawn(module) else self._call
            module.forward = partial(step, module, module.forward)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for module in self._network.modules():
            if module in self._own:
                module.forward = self._own[module]
            else:
                del module.forward
        torch.backends.mha.set_fastpath_enabled(self._had_fast_path)

    def begin(self, items: int) -> None:
        """Begin a chunk of so many items: forget what was kept of the last."""
        self._items = items
        self._tape = []
        self._is_recording = True

    def run(self, items: Tensor, draw: int | None) -> Any:
        """The network's output for the chunk under one draw, or without dropout where it is None.

        Parameters
        ----------
        items : Tensor, first axis n
            The same for every call since `begin`.
        draw : int or None
            Which draw.
        """
        self._draw, self._cursor, self._dropouts, self._begun = draw, 0, 0, []
        output = self._network(items)
        self._is_recording = False
        if not self._dropouts:
            message = (
                f"Draws need a dropout layer that is executed; {type(self._network).__name__} has dropout "
                "modules and runs none of them. Call them in forward, use an ensemble, or draws=0."
            )
            raise LearnerError(message)
        return output

    def _call(self, module: nn.Module, forward: Any, *args: Any, **kwargs: Any) -> Any:
        if self._is_recording:
            return self._recorded(module, forward, *args, **kwargs)
        if self._cursor < len(self._tape):
            call = self._tape[self._cursor]
            self._cursor += 1
            if not call.is_run_again:
                return deepcopy(call.output) if call.is_copied else call.output
        return forward(*args, **kwargs)

    def _recorded(self, module: nn.Module, forward: Any, *args: Any, **kwargs: Any) -> Any:
        place = len(self._tape)
        self._tape.append(_Call())
        self._begun.append((module, place))
        output = forward(*args, **kwargs)
        if self._is_recording:  # no dropout inside: what this call contains need not be run again
            self._begun.pop()
            self._tape[place:] = [_Call(deepcopy(output), is_run_again=False)]
            if self._begun:
                parent, start = self._begun[-1]
                if type(parent).forward is nn.Sequential.forward and place - 1 > start:
                    self._tape[place - 1].is_copied = False  # its only reader will not be run
        return output

    def _drop(self, module: nn.Module, forward: Any, values: Tensor) -> Tensor:
        if self._is_recording:
            self._is_recording = False
            self._cursor = len(self._tape)
        number = self._dropouts
        self._dropouts += 1
        if self._draw is None:
            return values
        shape = self._mask_shape(module, values)
        key = (self._draw, number)
        if key not in self._masks:
            rate = float(module.p)  # type: ignore[arg-type]
            kept = self._rng.random(shape, np.float32) >= rate
            scaled = kept / np.float32(1.0 - rate) if rate < 1.0 else np.zeros(shape, np.float32)
            self._masks[key] = torch.as_tensor(scaled, dtype=values.dtype, device=values.device)
        return values * self._masks[key]

    def _mask_shape(self, module: nn.Module, values: Tensor) -> tuple[int, ...]:
        axes = next((axes for kind, axes in _CHANNELS.items() if isinstance(module, kind)), values.ndim)
        if values.ndim != axes or len(values) != self._items:
            expected = f"{axes} axes, the first of them" if axes != values.ndim else "a first axis of"
            message = (
                f"{type(module).__name__} must receive {expected} the {self._items} items, so that all share "
                f"a mask; received shape {tuple(values.shape)}. Keep the items first, one row for each."
            )
            raise LearnerError(message)
        if isinstance(module, _UNITS):
            return tuple(values.shape[1:])
        return (values.shape[1], *(1,) * (values.ndim - 2))


def _is_drawn(module: nn.Module) -> bool:
    return isinstance(module, (*_UNITS, *_CHANNELS)) and float(module.p) > 0.0  # type: ignore[arg-type]
