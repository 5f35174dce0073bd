"""What fills texts up to one length: which token it is, and whether a model looks at it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from torch import nn

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Array
from nextlabel.leakage.text.token_places import Reading, Tokens, inputs_at, lookup_of
from nextlabel.leakage.text.word_scores import filler_in

__all__ = ["Filler", "filler_of", "ignores_padding", "padded", "padding_of", "stated_padding"]

_SAME = 1e-4  # relative: float32 sums in another order


def padding_of(model: nn.Module, table: str) -> int | None:
    """The token that fills texts up, as a model states it or by custom; None where nothing says it.

    Parameters
    ----------
    model : torch.nn.Module
    table : str
        The name of the embedding of tokens.

    Notes
    -----
    Where a model states none, see `stated_padding`, texts are filled up by custom with the token that ends
    them, which the configuration of a model of the transformers library names.

    Examples
    --------
    >>> padding_of(nn.Sequential(nn.Embedding(7, 2, padding_idx=3), nn.Linear(2, 3)), "0")
    3
    """
    stated = stated_padding(model, table)
    return _token(model, table, _configured(model, "eos_token_id")) if stated is None else stated


def stated_padding(model: nn.Module, table: str) -> int | None:
    """The token that fills texts up, as a model states it; None where it states none.

    Parameters
    ----------
    model : torch.nn.Module
    table : str
        The name of the embedding of tokens.

    Notes
    -----
    It is stated as the model's own ``padding``, as the row that the table holds still, or in the
    configuration of a model of the transformers library, whatever it is wrapped in.
    """
    held = getattr(model.get_submodule(table), "padding_idx", None)
    return _token(model, table, [getattr(model, "padding", None), held, *_configured(model, "pad_token_id")])


@final
@dataclass(frozen=True)
class Filler:
    """What fills texts up.

    Parameters
    ----------
    stated : int or None
        The token, as the model states it.
    custom : int or None
        As custom has it, where the model states none.
    shown : int or None
        As texts show it.
    texts : int
        How many end in the token shown.
    """

    stated: int | None = None
    custom: int | None = None
    shown: int | None = None
    texts: int = 0

    @property
    def token(self) -> int | None:
        """What is taken for it: what is stated, else what texts show, else what custom has."""
        return next((one for one in (self.stated, self.shown, self.custom) if one is not None), None)


def filler_of(knowledge: Knowledge, items: Array) -> Filler:
    """The token that fills texts up, as the model states it and as the texts show it.

    Parameters
    ----------
    knowledge : Knowledge
        For the model.
    items : array, first axis n
        All records given. Of what holds no whole numbers nothing fills up.
    """
    if not np.issubdtype(items.dtype, np.integer):
        return Filler()
    lookup = lookup_of(knowledge, (nn.Embedding, nn.EmbeddingBag))
    stated, custom = (
        None if lookup is None else say(knowledge.model, lookup.table) for say in (stated_padding, padding_of)
    )
    return Filler(stated, custom, *(filler_in(items) or ()))


def ignores_padding(model: nn.Module, read: Reading, length: int, vocabulary: int, padding: int) -> bool:
    """Whether padding behind a text changes nothing of what the model makes of its other tokens.

    Parameters
    ----------
    model : torch.nn.Module
        Takes token ids, axes (b, t).
    read : Reading
    length, vocabulary : int
        Of an item, and how many tokens there are.
    padding : int

    Returns
    -------
    bool
        False where the model takes no shorter texts, of which that could be seen.
    """
    if length < 2 or vocabulary < 2:
        return False
    kept = length - length // 2
    text = (padding + 1 + np.arange(kept) % (vocabulary - 1)) % vocabulary
    whole = np.append(text, np.full(length - kept, padding))
    modules = [place.module for place in read.places]
    try:
        alone = inputs_at(model, modules, text[None], is_last=False)
    except (RuntimeError, ValueError, IndexError):  # of a model that takes texts of one length only
        return False
    beside = inputs_at(model, modules, whole[None], is_last=False)
    return all(
        np.linalg.norm(one - other[:, :kept]) <= _SAME * np.linalg.norm(one)
        for one, other in zip(alone, beside, strict=True)
    )


def padded(sequences: Sequence[tuple[int, ...]], length: int, filler: int) -> Tokens:
    """Sequences as one array, axes (n, length), filled up at the end.

    Examples
    --------
    >>> padded([(5, 6), (7,)], 3, -1).tolist()
    [[5, 6, -1], [7, -1, -1]]
    """
    rows = np.full((len(sequences), length), filler, dtype=np.int64)
    for row, sequence in zip(rows, sequences, strict=True):
        row[: len(sequence)] = sequence
    return rows


def _configured(model: nn.Module, name: str) -> list[Any]:
    return [getattr(getattr(one, "config", None), name, None) for one in model.modules()]


def _token(model: nn.Module, table: str, said: Sequence[Any]) -> int | None:
    """The first that is a token: a configuration may name one that never comes."""
    words: Any = model.get_submodule(table).num_embeddings
    return next((one for one in said if isinstance(one, int) and 0 <= one < words), None)
