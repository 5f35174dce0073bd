"""Whether a model answers each item by itself and in one way, as evaluation mode should have it do."""

from contextlib import ExitStack
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Array
from nextlabel.errors import DisclosureError
from nextlabel.leakage.batches import evaluating, forked, inputs_of, logits_of
from nextlabel.leakage.blank_items import blank_item
from nextlabel.leakage.model_copies import copied

__all__ = ["check_evaluation", "check_modes"]

_PASSES = 8  # of a few units, one draw may leave all as they are
_RARE = 64  # passes of a model that drew something, and gave the same: it may drop one unit in a hundred
_ITEMS = 8  # that are run together, and the first of them alone
_CLOSE = 1e-4  # as a share of the largest output: what another order of sums may make
_APART = 1e-2  # as such a share, beside other items: fast kernels for batches keep few digits
_UNITS = 16  # rounding units of a model of few bits: the same, where it is more
_ADVICE: Final = "Call model.eval() before the message is made and before it is attacked."
_ALONE: Final = (
    "Use running statistics (track_running_stats=True), or layers that normalise each item alone, such as "
    "GroupNorm, and make the message with that model."
)


def check_modes(knowledge: Knowledge) -> None:
    """Refuse a model that does not answer each item by itself, in the same way each time.

    Parameters
    ----------
    knowledge : Knowledge
        For the model, which is left as it is, and the shape of an item.

    Raises
    ------
    DisclosureError
        As `check_evaluation`; layers in training mode that draw, or that read the batch, by name; or other
        outputs in training mode than in evaluation mode, as of a function that asks ``self.training``.

    Notes
    -----
    Dropout draws, and batch normalisation mixes items and reads them: no attack can repeat either. A model in
    which nothing is in training mode is run three times, on two items at most; any other one is copied and
    run nine times more, torch's random state being put back.

    Examples
    --------
    >>> check_modes(Knowledge(nn.Linear(2, 3).train(), (2,), 3))
    """
    model = knowledge.model
    _check_statistics(model)
    of_batch = nn.modules.batchnorm._BatchNorm
    restless = (of_batch, nn.modules.dropout._DropoutNd, nn.RReLU)
    training = [(name, module) for name, module in model.named_modules() if module.training]
    found = [
        f"{name or 'the model'} ({type(module).__name__})"
        for name, module in training
        if isinstance(module, restless)
        or (isinstance(module, nn.MultiheadAttention | nn.RNNBase) and module.dropout)
    ]
    if found:
        message = (
            "A message is attacked at a model in evaluation mode; in training mode are: "
            f"{', '.join(found)}. {_ADVICE}"
        )
        raise DisclosureError(message)
    if training and _is_restless(knowledge):
        message = (
            f"A message is attacked at a model in evaluation mode; {type(model).__name__} is in training "
            "mode, and gives other outputs for the same items than in evaluation mode, as where a function "
            f"draws or reads the batch. {_ADVICE}"
        )
        raise DisclosureError(message)
    check_evaluation(model, _items(knowledge))


def check_evaluation(model: nn.Module, items: Array) -> None:
    """Refuse a model that draws, or that mixes the items of a batch, also in evaluation mode.

    Parameters
    ----------
    model : torch.nn.Module
        Left in the modes and with the weights it has.
    items : array, first axis n
        As the model takes them; where it does not, nothing is said. The first eight are run.

    Raises
    ------
    DisclosureError
        Batch normalisation without running statistics, by name; other outputs for the same items, with the
        module that drew where torch's generator tells; or other outputs for an item alone than beside others.

    Notes
    -----
    Two passes over the items and one over the first alone. A model that moves torch's generator and gives the
    same outputs is run up to 64 times: what is dropped once in a hundred times would else be missed. Torch's
    random state is put back.

    Examples
    --------
    >>> check_evaluation(nn.BatchNorm1d(3), np.ones((2, 3), np.float32))
    """
    _check_statistics(model)
    inputs = inputs_of(model, items[:_ITEMS])
    with evaluating(model), torch.no_grad(), forked(inputs):
        settled, alone = _said(model, inputs), _said(model, inputs[:1])
        if settled is None or not settled.isfinite().all():  # what is wrong with it is said elsewhere
            return
        if _draws(model, inputs, settled):
            message = (
                "A message is attacked at a model that answers the same items in the same way; also in "
                f"evaluation mode {type(model).__name__} draws anew at each call{_place(model, inputs)}. "
                "Draw in training mode only, for dropout as functional.dropout(x, p, self.training), and "
                "make the message with that model in evaluation mode."
            )
            raise DisclosureError(message)
    is_by_item = settled.ndim > 0 and len(settled) == len(inputs)
    if is_by_item and not _is_same(alone, settled[:1], _APART):
        message = (
            "A message is attacked at a model that answers each item by itself; also in evaluation mode "
            f"{type(model).__name__} answers an item otherwise beside other items than alone, as where a "
            f"function normalises by the batch. {_ALONE}"
        )
        raise DisclosureError(message)


def _check_statistics(model: nn.Module) -> None:
    found = [
        f"{name or 'the model'} ({type(module).__name__})"
        for name, module in model.named_modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm)
        and module.running_mean is None
        and module.running_var is None
    ]
    if found:
        message = (
            "A message is attacked at a model that answers each item by itself; also in evaluation mode "
            "these layers use statistics of the batch, since they keep no running ones: "
            f"{', '.join(found)}. {_ALONE}"
        )
        raise DisclosureError(message)


def _items(knowledge: Knowledge) -> Array:
    items = np.repeat(blank_item(knowledge), 2, axis=0)
    if items.dtype.kind == "f":  # of zeros a function that draws may leave zeros
        items = np.random.default_rng(0).uniform(0.25, 1.0, items.shape).astype(np.float32)
    return items


def _state(inputs: Tensor) -> bytes:
    found = torch.get_rng_state().numpy().tobytes()
    if inputs.device.type != "cuda":
        return found
    return found + torch.cuda.get_rng_state(inputs.device).numpy().tobytes()


def _draws(model: nn.Module, inputs: Tensor, settled: Tensor) -> bool:
    before = _state(inputs)
    if not _is_same(_said(model, inputs), settled):
        return True
    passes = range(0 if _state(inputs) == before else _RARE)
    return any(not _is_same(_said(model, inputs), settled) for _ in passes)


def _place(model: nn.Module, inputs: Tensor) -> str:
    """The innermost module within which torch's generator moved; empty where it did not."""
    names = {module: name or "the model" for name, module in model.named_modules()}
    begun: dict[nn.Module, bytes] = {}
    moved: list[nn.Module] = []

    def before(module: nn.Module, given: Any) -> None:
        begun[module] = _state(inputs)

    def after(module: nn.Module, given: Any, said: Any) -> None:
        if begun[module] != _state(inputs):
            moved.append(module)

    with ExitStack() as hooks:
        for module in names:
            hooks.callback(module.register_forward_pre_hook(before).remove)
            hooks.callback(module.register_forward_hook(after).remove)
        _said(model, inputs)
    inner = next((one for one in moved if one is not model), None)  # who ends first is the innermost
    return "" if inner is None else f", within {names[inner]!r} ({type(inner).__name__})"


def _is_restless(knowledge: Knowledge) -> bool:
    model = copied(knowledge.model)  # running it may change its buffers
    inputs = inputs_of(model, _items(knowledge))
    with torch.no_grad(), forked(inputs):
        with evaluating(model):
            settled = _said(model, inputs)
        if settled is None or not settled.isfinite().all():  # what is wrong with it is said elsewhere
            return False
        return any(not _is_same(_said(model, inputs), settled) for _ in range(_PASSES))


def _said(model: Any, inputs: Tensor) -> Tensor | None:
    try:
        found = logits_of(model(inputs.clone()))  # a model may change in place what it is given
    except Exception:  # a model may raise anything
        return None
    return found if isinstance(found, Tensor) else None


def _is_same(found: Tensor | None, settled: Tensor, close: float = _CLOSE) -> bool:
    if found is None or found.shape != settled.shape:
        return False
    if settled.is_floating_point():
        close = max(close, _UNITS * torch.finfo(settled.dtype).eps)
    return bool((found - settled).abs().max() <= close * settled.abs().max())
