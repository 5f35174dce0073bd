"""What the weight gradients of a language model's layers span, and which vectors of tokens lie in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from nextlabel.core.disclosure import Disclosure
from nextlabel.leakage.text.token_places import Place, Reading, Tokens, inputs_at
from nextlabel.maths.axes import Floats
from nextlabel.maths.column_space import ColumnSpace, column_space

__all__ = ["SpanLayer", "bag_of_words", "gradient_of", "span_layers", "trusted", "words_to_try"]


_BALANCED = 0.05  # independent columns have a sum as long as all of them together
_CLEAR = 10.0  # times what noise makes of no signal: the weakest direction is then known to a tenth


@final
@dataclass(frozen=True, eq=False)
class SpanLayer:
    """A place of a model, and the space of what went into it."""

    place: Place
    space: ColumnSpace


def gradient_of(
    place: Place, model: Any, disclosure: Disclosure, rounded: Mapping[str, float] | None = None
) -> Floats:
    """The weight gradients of a place side by side, columns of one noise; axes (d, m).

    Parameters
    ----------
    place : Place
    model : torch.nn.Module
    disclosure : Disclosure
    rounded : mapping of str to float, optional
        What rounding added to an entry of each array besides a share of it, as to one read off an update.

    Notes
    -----
    Queries and keys have gradients a hundred times smaller than values, and see tokens that values hardly
    see; the first token of a causal model is seen by keys and values only. Rounding is a share of each
    gradient: scaled to one size they are equally noisy. Where more was added, they are scaled to the size
    of which that would be the share.
    """
    parts = []
    for weight in place.weights:
        sent = disclosure[weight]
        added = 0.0 if rounded is None else rounded[weight] / float(np.finfo(sent.dtype).eps)
        array = sent.astype(np.float64)
        module = model.get_submodule(weight.removesuffix(".weight"))
        parts.append(_levelled(array if type(module).__name__ == "Conv1D" else array.T, added))
    return np.asarray(np.concatenate(parts, axis=1))


def _levelled(gradient: Floats, added: float) -> Floats:
    """Columns of one noise, and one column less where they add up to zero.

    What is added to the inputs of layer normalisations has a gradient that sums to zero over features.
    """
    sizes = np.sqrt((gradient**2).mean(axis=0))
    kept = sizes > 0
    scales = np.hypot(sizes, added)[kept]
    level: Floats = gradient[:, kept] / scales
    length = np.linalg.norm(gradient)
    if length == 0.0 or np.linalg.norm(gradient.sum(axis=1)) > _BALANCED * length:
        return level
    direction = scales / np.linalg.norm(scales)
    direction[0] -= 1.0  # a reflection that moves the direction into the first column, which is left out
    direction /= np.linalg.norm(direction)
    return np.asarray((level - 2.0 * np.outer(level @ direction, direction))[:, 1:])


def span_layers(
    model: Any,
    found: Reading,
    disclosure: Disclosure,
    length: int,
    vocabulary: int,
    rng: np.random.Generator,
    rounded: Mapping[str, float] | None = None,
) -> list[SpanLayer]:
    """The spaces of all places whose weights are in a message, in the order of execution.

    Parameters
    ----------
    model : torch.nn.Module
    found : Reading
    disclosure : Disclosure
    length, vocabulary : int
        Of a sequence, and how many tokens there are.
    rng : numpy.random.Generator
        Draws the sequences that show which dimensions a layer uses.
    rounded : mapping of str to float, optional
        As in `gradient_of`.
    """
    places = [place for place in found.places if all(name in disclosure.arrays for name in place.weights)]
    if not places:
        return []
    gradients = [gradient_of(place, model, disclosure, rounded) for place in places]
    widths = [len(gradient) for gradient in gradients]
    drawn = _sequences(-(-3 * max(widths) // (2 * length)) + 8, length, vocabulary, rng)
    shown = inputs_at(model, [place.module for place in places], drawn, is_last=False)
    sent = [disclosure[name].dtype for place in places for name in place.weights]
    return [
        SpanLayer(
            place,
            column_space(
                gradient,
                values.reshape(-1, values.shape[-1])[: 2 * width],
                precision=max(float(np.finfo(one).eps) for one in sent),
            ),
        )
        for place, gradient, values, width in zip(places, gradients, shown, widths, strict=True)
    ]


def _sequences(count: int, length: int, vocabulary: int, rng: np.random.Generator) -> Tokens:
    """Sequences in which no token comes again before all the others have come.

    Of a vocabulary with fewer tokens than a layer has features, what one token sends into it lies outside
    the span of what the others do: twice as many vectors as features then hold each token at least once.
    """
    rounds = -(-count * length // vocabulary)
    drawn = np.concatenate([rng.permutation(vocabulary) for _ in range(rounds)]).astype(np.int64)
    return drawn[: count * length].reshape(count, length)


def trusted(layers: Sequence[SpanLayer]) -> list[SpanLayer]:
    """The first layer, and later ones whose space leaves room and is that of all tokens.

    Notes
    -----
    As many contexts as there are, or more, go into a later layer as tokens at positions into the first; a
    layer of lower rank saw some of them only, as the last block of a classifier does, which reads the last
    token. Where noise covers a part of every space, the later layer counts in which that many directions
    stand clearest.
    """
    first, *later = layers
    rank = first.space.rank
    whole = [one for one in later if one.space.rank >= rank and not one.space.is_exhausted]
    clear = [one for one in whole if one.space.clarity(rank) >= _CLEAR]
    return [first, *(clear or sorted(whole, key=lambda one: -one.space.clarity(rank))[:1])]


def bag_of_words(table: str, disclosure: Disclosure) -> Tokens | None:
    """The tokens whose rows of the embedding gradient are not zero; None where that tells nothing.

    Notes
    -----
    It tells nothing where the table is frozen, or is the output layer too, or where zeros were made by
    pruning or rounding: single entries of other rows are zero then.
    """
    if f"{table}.weight" not in disclosure.arrays:
        return None
    rows = disclosure[f"{table}.weight"] != 0
    present = rows.any(axis=1)
    if present.all() or not present.any() or rows[present].mean() < 0.99:
        return None
    return np.flatnonzero(present).astype(np.int64)


def words_to_try(model: Any, table: str, disclosure: Disclosure) -> Tokens:
    """The tokens that may be in the texts of a message: all of them, unless the bag of words tells them.

    Notes
    -----
    A row that the table holds still, as that of padding is, has no gradient, whether it was looked up or not.
    """
    of_tokens, bag = model.get_submodule(table), bag_of_words(table, disclosure)
    if bag is None:
        return np.arange(of_tokens.num_embeddings)
    held = of_tokens.padding_idx
    return bag if held is None else np.union1d(bag, [held])
