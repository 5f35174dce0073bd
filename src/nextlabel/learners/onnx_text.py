"""TF-IDF as an ONNX graph, word for word."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from nextlabel.errors import LearnerError
from nextlabel.learners.encode_text import Tfidf

__all__ = ["spellings", "text_graph"]

_WORD = r"[\p{L}\p{N}_]{2,}"
"""Python's ``\\w\\w+`` in the language of onnxruntime's tokenizer, where ``\\w`` is ASCII alone."""

_PAD = "\0"


def text_graph(encoder: Tfidf, vectorizer: Any) -> Any:
    """A graph from ``text``, strings, axes (n,), to ``features``, float, axes (n, number of terms).

    Parameters
    ----------
    encoder : Tfidf
        The settings.
    vectorizer : TfidfVectorizer
        The terms and their weights.

    Raises
    ------
    LearnerError
        Terms that are runs of characters.

    Notes
    -----
    Departs from skl2onnx's own converter of the vectorizer: that one takes log(1 + t) for 1 + log t where
    `is_sublinear`, takes words of ASCII letters alone and needs a locale of the operating system to lower
    them. Here ASCII letters are lowered by the runtime, in the locale ``C`` that every system has, and words
    with other letters are among the terms three times: in small letters, capitalised, and in capitals. Words
    that mix them otherwise are not found.
    """
    if encoder.unit != "word":
        message = (
            f"An ONNX file reads whole words; these features have unit={encoder.unit!r}. Use the "
            "scikit-learn file instead (model.write_portable)."
        )
        raise LearnerError(message)
    from onnx import TensorProto, helper

    weights = np.asarray(vectorizer.idf_, np.float32)
    constants: dict[str, Any] = {"idf": weights, "one": np.float32(1.0), "least": np.float32(1e-30)}
    nodes = [
        helper.make_node(
            "StringNormalizer",
            ["text"],
            ["lower"],
            case_change_action="LOWER",
            is_case_sensitive=1,
            locale="C",
        ),
        helper.make_node(
            "Tokenizer",
            ["lower"],
            ["tokens"],
            domain="com.microsoft",
            pad_value=_PAD,
            mark=0,
            mincharnum=1,
            tokenexp=_WORD,
        ),
        helper.make_node("TfIdfVectorizer", ["tokens"], ["counts"], **_terms(encoder.words, vectorizer)),
        *(_sublinear(helper) if encoder.is_sublinear else [helper.make_node("Identity", ["counts"], ["tf"])]),
        helper.make_node("Mul", ["tf", "idf"], ["weighted"]),
        helper.make_node("ReduceL2", ["weighted"], ["length"], axes=[1], keepdims=1),
        helper.make_node("Max", ["length", "least"], ["divisor"]),
        helper.make_node("Div", ["weighted", "divisor"], ["features"]),
    ]
    return helper.make_graph(
        nodes,
        "features",
        [helper.make_tensor_value_info("text", TensorProto.STRING, [None])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, len(weights)])],
        [_constant(name, value) for name, value in constants.items()],
    )


def spellings(word: str) -> list[str]:
    """The ways in which a word of small letters is written, its ASCII letters small in each.

    Examples
    --------
    >>> spellings("naive"), spellings("école")
    (['naive'], ['École', 'école'])
    """
    if word.isascii():
        return [word]
    ways = {word, word.capitalize(), word.title(), word.upper()}
    return sorted({_ascii_lower(one) for one in ways if one.lower() == word})


def _ascii_lower(word: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in word)


def _terms(words: Sequence[int], vectorizer: Any) -> dict[str, Any]:
    """Terms by how many words they have, each with the column that it counts in."""
    terms = [(tuple(term.split(" ")), column) for term, column in vectorizer.vocabulary_.items()]
    pool: list[str] = []
    columns: list[int] = []
    starts: list[int] = []
    for length in range(1, words[1] + 1):
        starts.append(len(pool))
        for term, column in terms:
            if len(term) == length:
                for written in _written(term):
                    pool.extend(written)
                    columns.append(column)
    return {
        "mode": "TF",
        "min_gram_length": words[0],
        "max_gram_length": words[1],
        "max_skip_count": 0,
        "ngram_counts": starts,
        "ngram_indexes": columns,
        "pool_strings": pool,
    }


def _written(term: Sequence[str]) -> Iterator[tuple[str, ...]]:
    return product(*(spellings(word) for word in term))


def _sublinear(helper: Any) -> list[Any]:
    """1 + log t of the terms that are there, 0 of the others."""
    return [
        helper.make_node("Max", ["counts", "one"], ["at_least_one"]),
        helper.make_node("Log", ["at_least_one"], ["log"]),
        helper.make_node("Min", ["counts", "one"], ["is_there"]),
        helper.make_node("Add", ["log", "is_there"], ["tf"]),
    ]


def _constant(name: str, value: Any) -> Any:
    from onnx import numpy_helper

    return numpy_helper.from_array(np.asarray(value, np.float32), name)
