"""Texts as weighted words: TF-IDF, and its truncated singular value decomposition as the dense form."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any, final

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils.extmath import randomized_svd

from nextlabel.errors import LearnerError, ParameterError
from nextlabel.learners.encoder import Encoder, Passes, Reader
from nextlabel.maths.axes import Array
from nextlabel.maths.parameters import checked_choice, checked_flag, checked_whole, settle

__all__ = ["Tfidf"]


@final
@dataclass(frozen=True)
class Tfidf(Encoder):
    """Words and pairs of words, weighted by how rare they are; the dense form has few dimensions.

    Parameters
    ----------
    words : sequence of int
        The shortest and longest run of words, or of characters, that is a term.
    least_texts : int
        Terms in fewer texts than this are left out.
    most_terms : int
        So many of the most frequent terms are kept.
    dimensions : int
        Of the dense form.
    is_sublinear : bool
        Whether a term that comes t times in a text counts 1 + log t instead of t.
    unit : str
        ``"word"``, or ``"char_wb"``: runs of characters within words, for languages without spaces
        or texts with many slips.

    Raises
    ------
    ParameterError
        A setting outside its range.

    Notes
    -----
    Each text is a sparse row of unit length, which a classifier reads. The dense form is its projection
    on the first right singular vectors of the rows learnt of, not scaled to unit length again: of all
    forms with so few dimensions it keeps the inner products of the rows best, so that distances and gradient
    embeddings are near those of the classifier. A text of unknown words is zeros.

    Time of learning: one pass over the texts, and O(dimensions · non-zeros) for the decomposition, by a
    randomised method whose start is derived from a digest of the settings and of these texts, and of
    nothing else. Memory: the sparse rows while learning, then O(most_terms · dimensions).

    References
    ----------
    Spärck Jones. A statistical interpretation of term specificity and its application in retrieval.
    Journal of Documentation 28, 1972.
    Deerwester, Dumais, Furnas, Landauer, Harshman. Indexing by latent semantic analysis. Journal of
    the American Society for Information Science 41, 1990.
    Halko, Martinsson, Tropp. Finding structure with randomness. SIAM Review 53, 2011.

    Examples
    --------
    >>> texts = np.array(["a red cat", "a red dog", "a red bird", "the cat"], dtype=object)
    >>> made = Tfidf(dimensions=2)
    >>> reader = made.reader(made.learnt(lambda: iter([texts])))
    >>> reader.rows(texts[:1]).toarray().round(3).tolist(), reader.dense(reader.rows(texts)).shape
    ([[0.777, 0.629]], (4, 2))
    """

    words: Sequence[int] = (1, 2)
    least_texts: int = 2
    most_terms: int = 50_000
    dimensions: int = 100
    is_sublinear: bool = True
    unit: str = "word"

    def __post_init__(self) -> None:
        words = tuple(self.words) if isinstance(self.words, list | tuple) else ()
        if len(words) != 2 or not all(type(one) is int for one in words) or not 1 <= words[0] <= words[1]:
            message = (
                "'words' must be the shortest and the longest run, two whole numbers from 1 up; received "
                f"{self.words!r}. Give for example [1, 2]."
            )
            raise ParameterError(message)
        settle(
            self,
            {
                "words": words,
                "least_texts": checked_whole(self.least_texts, "least_texts", least=1),
                "most_terms": checked_whole(self.most_terms, "most_terms", least=1, advice="Give 50000."),
                "dimensions": checked_whole(self.dimensions, "dimensions", least=1, advice="Give 100."),
                "is_sublinear": checked_flag(self.is_sublinear, "is_sublinear"),
                "unit": checked_choice(self.unit, "unit", ("word", "char_wb")),
            },
        )

    def require(self, items: Array) -> None:
        """Refuse what is no text."""
        _texts(items)

    def learnt(self, passes: Passes) -> dict[str, Array]:
        """Terms, their weights, and the singular vectors."""
        made = self._vectorizer()
        digest = blake2b(json.dumps(asdict(self), sort_keys=True).encode(), digest_size=4)

        def read() -> Iterator[str]:
            for items in passes():
                for text in _texts(items):
                    said = text.encode("utf-8", "surrogatepass")
                    digest.update(len(said).to_bytes(8, "big") + said)
                    yield text

        try:
            rows = made.fit_transform(read())
        except ValueError as cause:
            message = (
                f"Texts must share terms; there are none in {self.least_texts} texts or more: {cause} "
                "Lower 'least_texts', or give more items."
            )
            raise LearnerError(message) from cause
        few = min(self.dimensions, *rows.shape)
        start = int.from_bytes(digest.digest(), "big")
        vectors = randomized_svd(rows, n_components=few, n_iter=5, random_state=start)[2]
        terms = json.dumps(made.get_feature_names_out().tolist()).encode()
        return {
            "terms": np.frombuffer(terms, np.uint8),
            "weights": np.asarray(made.idf_, np.float64),
            "vectors": np.ascontiguousarray(vectors.T, dtype=np.float32),
        }

    def reader(self, learnt: Mapping[str, Array]) -> Reader:
        """Weighs with these terms."""
        return _Weighed(self.portable(learnt), learnt["vectors"])

    def portable(self, learnt: Mapping[str, Array]) -> Any:
        """A `TfidfVectorizer` with these terms and weights."""
        made = self._vectorizer(json.loads(learnt["terms"].tobytes()))
        made.idf_ = learnt["weights"]
        return made

    def _vectorizer(self, vocabulary: Sequence[str] | None = None) -> Any:
        return TfidfVectorizer(
            analyzer=self.unit,
            ngram_range=(self.words[0], self.words[1]),
            min_df=self.least_texts,
            max_features=self.most_terms,
            sublinear_tf=self.is_sublinear,
            vocabulary=vocabulary,
        )


@final
@dataclass(frozen=True, eq=False)
class _Weighed(Reader):
    vectorizer: Any
    vectors: Array

    def rows(self, items: Array) -> Any:
        """Sparse rows of unit length."""
        return self.vectorizer.transform(_texts(items))

    def dense(self, rows: Any) -> Array:
        """Their projection on the singular vectors."""
        return np.asarray(rows @ self.vectors, dtype=np.float32)


def _texts(items: Array) -> list[str]:
    if items.ndim != 1 or items.dtype.kind not in "OU":
        raise _refused(items, str(items.dtype))
    for one in items.tolist():
        if not isinstance(one, str):
            raise _refused(items, type(one).__name__)
    texts: list[str] = items.tolist()
    return texts


def _refused(items: Array, found: str) -> LearnerError:
    return LearnerError(
        "features='tfidf' takes texts, axes (n,); received items of shape "
        f"{items.shape[1:]} and type {found}. Use features='table' for rows, 'scale' for numbers."
    )
