"""How many words of a text came back, whatever their order, and how many one names without any message."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from nextlabel.core.disclosure import Array
from nextlabel.leakage.scores import ItemScore

__all__ = ["WordCount", "WordGuess", "filled", "filler_in", "unfilled", "words_of"]

_PADDING = -1
_FILLED = 4  # texts that end in one token over and over: fewer may do so by chance


@final
@dataclass(frozen=True)
class WordCount:
    """The words that were named of a message.

    Parameters
    ----------
    named : int
        How many different ones.
    right : int
        How many of these the message has.
    of : int
        How many different words the message has.
    """

    named: int
    right: int
    of: int

    @classmethod
    def against(cls, words: Array, items: Array) -> "WordCount":
        """What words are worth beside the texts of a message, axes (w,) and (b, t).

        Examples
        --------
        >>> WordCount.against(np.array([3, 9, 14]), np.array([[3, 14, 15], [3, 3, 9]]))
        WordCount(named=3, right=3, of=4)
        """
        named, held = words_of(words), words_of(items)
        return cls(len(named), int(np.isin(named, held).sum()), len(held))

    def scores(self, words: Array, items: Array) -> tuple[ItemScore, ...]:
        """The score of each text: its words that were named, or the named ones that are its own, if fewer.

        Words of other texts of the message count against a text as wrong ones do: one set of the words of
        many texts shows none of them.

        Parameters
        ----------
        words : array of int, axes (w,)
        items : array of int, axes (b, t)

        Examples
        --------
        >>> words, items = np.array([3, 9, 14, 15]), np.array([[3, 14], [9, 15]])
        >>> [one.words for one in WordCount.against(words, items).scores(words, items)]
        [0.5, 0.5]
        """
        own = [words_of(one) for one in items]
        return tuple(
            ItemScore(words=float(np.isin(one, words).sum()) / max(self.named, len(one)) if len(one) else 0.0)
            for one in own
        )


@final
@dataclass(frozen=True)
class WordGuess:
    """How many words of a text one names without any message, from other texts.

    Parameters
    ----------
    commoner, alike : tuple of int
        Of each different word of the text, how many words are in more of the other texts, and how many, with
        itself, in as many. For a word of no other text ``alike`` is 0.
    nearest : float
        The largest share of the words that one other text has.
    """

    commoner: tuple[int, ...]
    alike: tuple[int, ...]
    nearest: float

    @classmethod
    def of(cls, true: Array, others: Array) -> "WordGuess":
        """What other texts tell of one, axes (t,) and (p, t).

        Examples
        --------
        >>> WordGuess.of(np.array([1, 2]), np.array([[1, 5], [1, 6], [2, 7]]))
        WordGuess(commoner=(0, 1), alike=(1, 4), nearest=0.5)
        """
        own = words_of(true)
        if not len(own):
            return cls((), (), 1.0)
        each = np.concatenate([words_of(one) for one in others])
        words, times = np.unique(each, return_counts=True)
        found = {int(word): int(time) for word, time in zip(words, times, strict=True)}
        mine = [found.get(int(one), 0) for one in own]
        has = np.stack([(np.asarray(others) == one).any(axis=1) for one in own])
        return cls(
            tuple(int((times > one).sum()) for one in mine),
            tuple(int((times == one).sum()) if one else 0 for one in mine),
            float(has.mean(axis=0).max()),
        )

    def share(self, named: int) -> float:
        """The score that a guess gets by the measure of `WordCount.scores`, the best of two ways.

        Parameters
        ----------
        named : int
            How many words may be named: the commonest of the other texts, equals in any order, as many of
            them as score best. The other way is to name those of the text that has most in common, and no
            others. Both are chosen with the truth at hand.

        Examples
        --------
        >>> WordGuess(commoner=(0, 1), alike=(1, 4), nearest=0.5).share(3)
        0.625
        """
        above, ties = np.array(self.commoner, dtype=float), np.array(self.alike, dtype=float)
        own = len(above)
        # between these numbers of words the expected hits rise linearly, and their share goes one way
        tried = np.concatenate([above, above + ties, [own]]).clip(min(own, named), named)
        hits = np.clip((tried[:, None] - above) / np.maximum(ties, 1.0), 0.0, 1.0) * (ties > 0)
        shares = hits.sum(axis=1) / np.maximum(np.maximum(tried, own), 1.0)
        return max(float(shares.max()), self.nearest)


def words_of(tokens: Array | Sequence[int]) -> Array:
    """The different tokens, rising; -1 is padding.

    Examples
    --------
    >>> words_of(np.array([[7, 3], [3, -1]]))
    array([3, 7])
    """
    found = np.unique(np.asarray(tokens))
    made: Array = found[found != _PADDING]
    return made


def unfilled(tokens: Array, padding: int | None) -> Array:
    """Tokens with -1 in place of the one that only fills texts up; as they are where there is none.

    Examples
    --------
    >>> unfilled(np.array([7, 3, 0, 0]), 0)
    array([ 7,  3, -1, -1])
    """
    return tokens if padding is None else np.where(tokens == padding, _PADDING, tokens)


def filled(tokens: Array, padding: int | None) -> Array:
    """Tokens with the one that only fills texts up in place of -1: the other way round.

    Examples
    --------
    >>> filled(np.array([7, 3, -1, -1]), 0)
    array([7, 3, 0, 0])
    """
    return tokens if padding is None else np.where(tokens == _PADDING, padding, tokens)


def filler_in(texts: Array) -> tuple[int, int] | None:
    """The token that fills texts up, to all appearance, and how many of them; None where none does.

    Parameters
    ----------
    texts : array of int, axes (n, t)

    Notes
    -----
    It stands at the ends of texts and nowhere else; four texts at least end in two of it or more, and not all
    in as many, as they would in what is put behind every text.

    Examples
    --------
    >>> filler_in(np.array([[7, 3, 0, 0], [5, 0, 0, 0], [9, 9, 9, 4], [8, 3, 0, 0], [2, 4, 0, 0]]))
    (0, 4)
    """
    if texts.ndim != 2 or texts.shape[1] < 2:
        return None
    tokens, counts = np.unique(texts[:, -1], return_counts=True)
    token = int(tokens[counts.argmax()])
    stands = texts == token
    ends = stands.sum(axis=1)
    is_elsewhere = bool((stands[:, :-1] & ~stands[:, 1:]).any())
    if is_elsewhere or int((ends > 1).sum()) < _FILLED or ends.min() == ends.max():
        return None
    return token, int((ends > 0).sum())
