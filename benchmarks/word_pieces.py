"""A vocabulary of about a thousand words and pieces, from what scikit-learn brings along."""

import re
import string
from collections import Counter

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
SIZE = 1000


def vocabulary() -> list[str]:
    """The pieces by their number: special ones, letters and digits alone and within words, frequent words."""
    texts = [load().DESCR for load in (load_digits, load_iris, load_wine, load_breast_cancer, load_diabetes)]
    words = Counter(re.findall(r"[a-z]{2,}", " ".join(texts).lower()))
    signs = list(string.ascii_lowercase + string.digits)
    pieces = [*SPECIAL, *signs, *(f"##{one}" for one in signs), ".", ",", "##s", "##ed", "##ing", "##er"]
    words.update(ENGLISH_STOP_WORDS)
    frequent = [word for word, _ in sorted(words.items(), key=lambda one: (-one[1], one[0]))]
    return list(dict.fromkeys([*pieces, *frequent]))[:SIZE]


def encoded(sentence: str, pieces: list[str]) -> NDArray[np.int64]:
    """A sentence as token ids between [CLS] and [SEP]: of each word the longest piece first."""
    numbers = {piece: number for number, piece in enumerate(pieces)}
    found = [numbers["[CLS]"]]
    for word in re.findall(r"[a-z0-9]+|[.,]", sentence.lower()):
        start = 0
        while start < len(word):
            end = len(word)
            while ("##" if start else "") + word[start:end] not in numbers:
                end -= 1
            found.append(numbers[("##" if start else "") + word[start:end]])
            start = end
    return np.array([*found, numbers["[SEP]"]], dtype=np.int64)
