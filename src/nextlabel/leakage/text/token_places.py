"""Where a language model reads its tokens: the linear layers of its blocks, and what goes into them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nextlabel.core.attack import Knowledge
from nextlabel.leakage.batches import logits_of
from nextlabel.maths.axes import Floats

__all__ = [
    "Lookup",
    "Place",
    "Reading",
    "Tokens",
    "first_linear",
    "inputs_at",
    "inputs_at_ends",
    "is_linear",
    "lookup_of",
    "makes_logits_at_ends",
    "reading",
    "table_of",
    "token_table",
    "why_no_table",
]

Tokens = NDArray[np.int64]

_CHUNK = 4096  # sequences a forward pass
_SAME = 1e-4  # relative: float32 sums in another order


@final
@dataclass(frozen=True)
class Place:
    """Linear layers that read one and the same tensor of axes (b, t, d).

    Parameters
    ----------
    module : str
        The first of the layers.
    weights : tuple of str
        The names of their weights.
    is_mixed : bool
        Whether what is read at one position depends on tokens at other positions.
    """

    module: str
    weights: tuple[str, ...]
    is_mixed: bool


@final
@dataclass(frozen=True)
class Reading:
    """How a model reads sequences of tokens.

    Parameters
    ----------
    places : tuple of Place
        In the order of execution.
    is_causal : bool
        Whether what is read at a position depends on no later token.
    has_positions : bool
        Whether the first place tells the positions of a token apart.
    """

    places: tuple[Place, ...]
    is_causal: bool
    has_positions: bool


@final
@dataclass(frozen=True)
class Lookup:
    """How a model looks up its tokens.

    Parameters
    ----------
    table : str
        The name of the embedding.
    shift : int
        What the model adds to each token id before.
    added : tuple of int
        Rows that it looks up besides, whatever the tokens: of a prefix, or of an end.
    """

    table: str
    shift: int = 0
    added: tuple[int, ...] = ()


@final
class _Reached(Exception):
    """The last layer that is asked for has been reached."""


def is_linear(module: nn.Module) -> bool:
    """Whether a module is linear in its input, of any library: its weight is a matrix and it has no children.

    Examples
    --------
    >>> is_linear(nn.Linear(2, 3)), is_linear(nn.Embedding(2, 3))
    (True, False)
    """
    return isinstance(module, nn.Linear) or type(module).__name__ == "Conv1D"


def token_table(
    model: nn.Module, length: int, kinds: tuple[type[nn.Module], ...] = (nn.Embedding,)
) -> str | None:
    """The name of the embedding that reads the token ids; None where a model takes no token ids.

    Parameters
    ----------
    model : torch.nn.Module
    length : int
        Tokens of a sequence.
    kinds : tuple of type
        What counts as one.

    Examples
    --------
    >>> token_table(nn.Sequential(nn.Embedding(7, 2), nn.Linear(2, 3)), 5)
    '0'
    """
    probe = (torch.arange(length)[None] + 1) % 2  # neither positions nor types of tokens begin with a one
    names = [name for name, module in model.named_modules() if isinstance(module, kinds)]
    if not names:
        return None
    with _watched(model, names, ends=False) as seen, torch.no_grad():
        model(probe)
    return next((name for name, value in seen.items() if torch.equal(value, probe)), None)


def table_of(knowledge: Knowledge, kinds: tuple[type[nn.Module], ...] = (nn.Embedding,)) -> str | None:
    """The `token_table` of the model that an attacker knows; None where its items are no sequences."""
    shape = knowledge.item_shape
    return token_table(knowledge.model, shape[0], kinds) if len(shape) == 1 else None


def lookup_of(knowledge: Knowledge, kinds: tuple[type[nn.Module], ...] = (nn.Embedding,)) -> Lookup | None:
    """The table that reads the token ids, be they shifted by a constant or with constant tokens beside them.

    Parameters
    ----------
    knowledge : Knowledge
    kinds : tuple of type
        What counts as a table.

    Returns
    -------
    Lookup or None
        None where a model takes no token ids, or looks them up in another way: see `why_no_table`.

    Notes
    -----
    Seen from four sequences of two tokens; they go through the whole model once. The tokens are 0 and 1, and
    2 and 3 where the model takes no sequence of these alone: one of them may be what fills texts up.

    Examples
    --------
    >>> lookup_of(Knowledge(nn.Sequential(nn.Embedding(7, 2), nn.Flatten()), (5,), 3))
    Lookup(table='0', shift=0, added=())
    """
    names = [name for name, module in knowledge.model.named_modules() if isinstance(module, kinds)]
    if len(knowledge.item_shape) != 1 or not names:
        return None
    known = table_of(knowledge, kinds)
    if known is not None:
        return Lookup(known)
    turns = torch.arange(knowledge.item_shape[0]) % 2
    probes = torch.stack([torch.zeros_like(turns), torch.ones_like(turns), turns, 1 - turns])
    for probe in (probes, probes + 2):
        with _watched(knowledge.model, names, ends=False) as seen, torch.no_grad(), suppress(Exception):
            knowledge.model(probe)
            found = (_lookup(name, value, probe) for name, value in seen.items())
            return next((one for one in found if one is not None), None)
    return None


def why_no_table(knowledge: Knowledge, kinds: tuple[type[nn.Module], ...] = (nn.Embedding,)) -> str:
    """Why an attack on text finds no table that is given the token ids.

    Parameters
    ----------
    knowledge : Knowledge
    kinds : tuple of type
        What counts as a table.

    Examples
    --------
    >>> why_no_table(Knowledge(nn.Linear(3, 2), (3,), 2))
    'the model has no table of tokens'
    """
    if not any(isinstance(module, kinds) for module in knowledge.model.modules()):
        return "the model has no table of tokens"
    if len(knowledge.item_shape) != 1:
        return f"items of shape {tuple(knowledge.item_shape)} are no sequences of token ids"
    return (
        "the model changes token ids before it looks them up, or looks them up in several steps or tables; "
        "this attack does not follow that, which says nothing of what the message gives away"
    )


def _lookup(name: str, value: Tensor, probes: Tensor) -> Lookup | None:
    """How a table is given the probes: what varies is they themselves, side by side, and a constant."""
    if value.ndim != 2 or len(value) != len(probes):
        return None
    varies = (value != value[:1]).any(dim=0)
    (places,) = torch.nonzero(varies, as_tuple=True)
    if len(places) != probes.shape[1]:
        return None
    shifts = {int(one) for one in (value[:, varies] - probes).ravel().tolist()}
    if len(shifts) != 1:
        return None
    return Lookup(name, shifts.pop(), tuple(sorted({int(one) for one in value[0, ~varies].tolist()})))


def reading(model: nn.Module, length: int, vocabulary: int) -> Reading:
    """How a model reads its tokens, seen from two sequences that differ in one token.

    Parameters
    ----------
    model : torch.nn.Module
        Takes token ids, axes (b, t).
    length : int
        Tokens of a sequence.
    vocabulary : int
        How many tokens there are.

    Returns
    -------
    Reading

    Notes
    -----
    Layers are found as they are executed, whatever the model calls them. A layer that is executed twice, as
    in models that share their blocks, counts where it is executed first.
    """
    changed = length // 2
    plain = (vocabulary // 2 + np.arange(length)) % vocabulary
    other = plain.copy()
    other[changed] = (vocabulary // 2 - 1) % vocabulary
    alike = np.full(length, vocabulary // 2 % vocabulary)
    seen = _first_inputs(model, np.stack([plain, other, alike]))
    places: dict[int, Place] = {}
    is_causal, has_positions = True, False
    for name, value in seen.items():
        if value.ndim != 3 or value.shape[1] != length:
            continue
        differs = _differing(value[0], value[1])
        before, after = differs[:changed].any(), differs[changed + 1 :].any()
        known = places.get(id(value))
        if known is not None:
            places[id(value)] = Place(known.module, (*known.weights, f"{name}.weight"), known.is_mixed)
            continue
        places[id(value)] = Place(name, (f"{name}.weight",), bool(before or after))
        is_causal = is_causal and not before
        if len(places) == 1:
            has_positions = bool(_differing(value[2], value[2][:1].expand_as(value[2])).any())
    return Reading(tuple(places.values()), is_causal, has_positions)


def inputs_at(model: nn.Module, modules: Sequence[str], tokens: Tokens, *, is_last: bool) -> list[Floats]:
    """What goes into layers, of sequences of tokens.

    Parameters
    ----------
    model : torch.nn.Module
        Takes token ids, axes (b, t).
    modules : sequence of str
        Names of layers.
    tokens : array of int64, axes (b, t)
    is_last : bool
        Whether only the last position is wanted.

    Returns
    -------
    list of arrays of float64, axes (b, t, d), or (b, d) of the last position
        One for each layer; the model runs no further than the last of them.
    """
    parts: list[list[Floats]] = [[] for _ in modules]
    for start in range(0, len(tokens), _CHUNK):
        with _watched(model, modules) as seen, torch.no_grad(), suppress(_Reached):
            model(torch.as_tensor(tokens[start : start + _CHUNK]))
        for part, module in zip(parts, modules, strict=True):
            value = seen[module][:, -1] if is_last else seen[module]
            part.append(value.double().numpy())
    return [np.concatenate(part) for part in parts]


def inputs_at_ends(model: nn.Module, module: str, sequences: Sequence[tuple[int, ...]]) -> Floats:
    """What goes into a layer at the last token of each sequence, of any lengths; axes (n, d).

    Parameters
    ----------
    model : torch.nn.Module
    module : str
        The name of the layer.
    sequences : sequence of tuples of int
        One at least.
    """
    lengths = np.array([len(one) for one in sequences])
    parts, order = [], []
    for length in sorted(set(lengths.tolist())):
        alike = np.flatnonzero(lengths == length)
        tokens = np.array([one for one in sequences if len(one) == length], dtype=np.int64)
        parts.append(inputs_at(model, [module], tokens, is_last=True)[0])
        order.append(alike)
    made: Floats = np.concatenate(parts)[np.argsort(np.concatenate(order))]
    return made


def makes_logits_at_ends(model: nn.Module, place: Place, length: int, padding: int | None) -> bool:
    """Whether what a model says of a sequence is what a layer says at its last token.

    Parameters
    ----------
    model : torch.nn.Module
        Takes token ids, axes (b, t).
    place : Place
        The layer, and its like, that is asked; False where the layer that makes the logits reads something
        else, as the mean of all tokens.
    length : int
        Tokens of a sequence.
    padding : int or None
        The token that fills texts up, which ends none.
    """
    tokens = torch.zeros(1, length, dtype=torch.int64)
    tokens[:, -1] = 2 if padding == 1 else 1
    made: list[Tensor] = []
    handles = [
        model.get_submodule(name.removesuffix(".weight")).register_forward_hook(
            lambda module, given, said: made.append(said)
        )
        for name in place.weights
    ]
    try:
        with torch.no_grad():
            logits = logits_of(model(tokens))
    finally:
        for handle in handles:
            handle.remove()
    ends = [one[:, -1] for one in made if one.ndim == 3]
    return any(one.shape == logits.shape and torch.allclose(one, logits, rtol=_SAME) for one in ends)


def first_linear(model: nn.Module, tokens: Tokens) -> str | None:
    """The name of the linear layer that is executed first; None where there is none.

    Parameters
    ----------
    model : torch.nn.Module
        Takes token ids, axes (b, t).
    tokens : array of int64, axes (b, t)
    """
    return next(iter(_first_inputs(model, tokens)), None)


def _first_inputs(model: nn.Module, tokens: Tokens) -> dict[str, Tensor]:
    names = [name for name, module in model.named_modules() if is_linear(module)]
    with _watched(model, names, ends=False) as seen, torch.no_grad():
        model(torch.as_tensor(tokens))
    return seen


@contextmanager
def _watched(model: nn.Module, names: Sequence[str], *, ends: bool = True) -> Iterator[dict[str, Tensor]]:
    """What goes into layers when they are executed first; the pass may end when all have been."""
    seen: dict[str, Tensor] = {}

    def keep(name: str, inputs: tuple[Any, ...]) -> None:
        seen.setdefault(name, inputs[0])
        if ends and len(seen) == len(names):
            raise _Reached

    handles = [
        model.get_submodule(name).register_forward_pre_hook(lambda _, inputs, name=name: keep(name, inputs))
        for name in names
    ]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _differing(one: Tensor, other: Tensor) -> NDArray[np.bool_]:
    """At which positions two sequences of vectors differ."""
    apart = (one - other).norm(dim=1)
    return np.asarray((apart > _SAME * one.norm(dim=1)).numpy())
