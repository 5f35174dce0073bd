"""Words of one text whose embeddings are averaged or added up before the first linear layer reads them."""

from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.optimize import nnls
from scipy.special import gammaln

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Disclosure
from nextlabel.leakage.closed_forms.single_inputs import single_input
from nextlabel.leakage.messages import as_gradient
from nextlabel.leakage.text.single_steps import why_no_gradient
from nextlabel.leakage.text.token_places import Tokens, first_linear, inputs_at
from nextlabel.maths.axes import Floats

__all__ = ["averaged_counts"]

_PROBES = 4
_SAME = 1e-4  # relative: float32 sums in another order
_NEAR = 1e-3  # of the features' length: what the words named may leave of them
_WHOLE = 0.1  # how far a number of times may be from a whole number
_CHANCE = 1e-3  # expected number of texts that would come as near without being the one


def averaged_counts(knowledge: Knowledge, disclosure: Disclosure, vocabulary: int) -> Tokens | None:
    """How often each token is in the one text of a message, from the features that enter the first layer.

    Parameters
    ----------
    knowledge : Knowledge
        Of a model that takes token ids, axes (b, t).
    disclosure : Disclosure
    vocabulary : int
        How many tokens there are.

    Returns
    -------
    array of int64, axes (v,), or None
        None of several texts, of a model whose first linear layer reads anything but the mean of what single
        tokens come to, and where no numbers of times explain the features, or too many could.

    Notes
    -----
    The gradient of a linear layer by one item is an outer product, of which one factor is what entered: the
    mean, over the tokens of the text, of what the model makes of a text of that token alone. Non-negative
    least squares find the shares, which must be whole numbers of the length: with few words, also where there
    are more tokens than features. With d features that are told to a thousandth of their length, chance would
    bring one of N texts as near N·1000^-d times; that must be less than 0.001. Without a bias the length of
    the features is not known, and follows from that of the text. No row of a table needs to be shared. Time
    O(v·d) for each word.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from nextlabel.leakage.messages import full
    >>> model = nn.Sequential(nn.EmbeddingBag(50, 16), nn.Linear(16, 3))
    >>> model[0].weight.requires_grad_(False).shape
    torch.Size([50, 16])
    >>> message = full(model, np.array([[7, 3, 7, 9]]), np.array([1]))
    >>> times = averaged_counts(Knowledge(model, (4,), 3), message, 50)
    >>> np.flatnonzero(times), times[times > 0]
    (array([3, 7, 9]), array([1, 2, 1]))
    """
    items = disclosure.items if knowledge.batch is None else knowledge.batch
    (length,) = knowledge.item_shape
    if items != 1 or why_no_gradient(disclosure, knowledge):
        return None
    probes = np.random.default_rng(0).integers(vocabulary, size=(_PROBES, length))
    name = first_linear(knowledge.model, probes)
    gradient = as_gradient(disclosure, knowledge)
    if name is None or f"{name}.weight" not in gradient.arrays:
        return None
    lone = _lone(knowledge, name, length, vocabulary)
    weight = gradient[f"{name}.weight"].astype(np.float64)
    if lone is None or weight.ndim != 2 or weight.shape[1] != lone.rows.shape[1] or not weight.any():
        return None
    texts = gammaln(vocabulary + length) - gammaln(length + 1) - gammaln(vocabulary)
    if texts + lone.rows.shape[1] * np.log(_NEAR) > np.log(_CHANCE):
        return None
    bias = gradient.arrays.get(f"{name}.bias")
    if bias is not None and bias.any():
        features, _ = single_input(weight, bias.astype(np.float64))
        return _counts(lone, features, length, is_scaled=True)
    direction = np.linalg.svd(weight, full_matrices=False)[2][0]
    found = (_counts(lone, sign * direction, length, is_scaled=False) for sign in (1.0, -1.0))
    return next((one for one in found if one is not None), None)


@final
@dataclass(frozen=True, eq=False)
class _Lone:
    """What each token sends into a layer by itself.

    Attributes
    ----------
    rows : array, axes (v, d)
        Of a text of that token alone; zeros for tokens that fill texts up.
    is_filled : bool
        Whether a token sends nothing: then fewer tokens than the length may be told.
    is_left_out : bool
        Whether the mean is over the other tokens alone: then shares do not tell how many there are.
    """

    rows: Floats
    is_filled: bool
    is_left_out: bool


def _lone(knowledge: Knowledge, name: str, length: int, vocabulary: int) -> _Lone | None:
    """None where texts do not send the mean of what their tokens send alone."""
    tokens = np.repeat(np.arange(vocabulary)[:, None], length, axis=1)
    (rows,) = inputs_at(knowledge.model, [name], tokens, is_last=False)
    if rows.ndim != 2 or len(rows) != vocabulary:
        return None
    is_told = np.isfinite(rows).all(axis=1) & rows.any(axis=1)  # a mean over no token is zero, or no number
    told, blank = np.flatnonzero(is_told), np.flatnonzero(~is_told)
    if not len(told):
        return None
    rows[blank] = 0.0
    probes = np.random.default_rng(0).choice(told, size=(_PROBES, length))
    if not _is_same(_sent(knowledge, name, probes), rows[probes].mean(axis=1)):
        return None
    if not len(blank) or length < 2:
        return _Lone(rows, bool(len(blank)), False)
    probes[:, length // 2 :] = blank[0]
    half = _sent(knowledge, name, probes)
    kept = rows[probes[:, : length // 2]].mean(axis=1)
    is_left_out = _is_same(half, kept)
    if not is_left_out and not _is_same(half, kept * (length // 2) / length):
        return None
    return _Lone(rows, True, is_left_out)


def _sent(knowledge: Knowledge, name: str, texts: Tokens) -> Floats:
    (seen,) = inputs_at(knowledge.model, [name], texts, is_last=False)
    return seen


def _is_same(seen: Floats, wanted: Floats) -> bool:
    if seen.shape != wanted.shape:
        return False
    return bool((np.linalg.norm(seen - wanted, axis=1) <= _SAME * np.linalg.norm(wanted, axis=1)).all())


def _counts(lone: _Lone, features: Floats, length: int, *, is_scaled: bool) -> Tokens | None:
    """Whole numbers of times whose mean the features are, up to their length unless that is known."""
    shares = nnls(lone.rows.T, features)[0]
    if not shares.any():
        return None
    is_total_told = not lone.is_filled or (is_scaled and not lone.is_left_out)
    if is_total_told:
        times = [shares * length if is_scaled else shares * length / shares.sum()]
    else:  # the fewest tokens that explain the shares
        times = [shares * total / shares.sum() for total in range(1, length + 1)]
    found = next((one for one in times if np.abs(one - np.rint(one)).max() <= _WHOLE), None)
    if found is None:
        return None
    whole = np.rint(found)
    if not whole.any() or whole.sum() > length or (not lone.is_filled and whole.sum() != length):
        return None
    made = whole @ lone.rows / (whole.sum() if lone.is_left_out else length)
    scale = 1.0 if is_scaled else float(made @ features) / float(made @ made)
    is_near = np.linalg.norm(scale * made - features) <= _NEAR * np.linalg.norm(features)
    return whole.astype(np.int64) if is_near else None
