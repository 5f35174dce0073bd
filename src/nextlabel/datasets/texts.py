"""Texts in files of lines or of rows: questions, reviews, news, messages."""

import csv
from collections.abc import Sequence
from io import StringIO

import numpy as np

from nextlabel.core.dataset import Dataset
from nextlabel.core.spec import Spec
from nextlabel.core.task import classes
from nextlabel.datasets.listing import Listing
from nextlabel.datasets.places import read
from nextlabel.datasets.published import (
    AG_NEWS,
    AG_NEWS_5K,
    BANKING77,
    RT_POLARITY,
    SMS_SPAM,
    SST2,
    TREC,
)
from nextlabel.readers.arrays import ArrayPool

__all__ = ["ag_news", "ag_news_5k", "banking77", "rt_polarity", "sms_spam", "sst2", "trec"]

_TOPICS = ("World", "Sports", "Business", "Sci/Tech")
_Labelled = tuple[str, str]  # a text and the name of its class


def trec() -> Dataset:
    """5,952 questions by the type of their answer, in six coarse classes.

    Returns
    -------
    Dataset
        Items are texts; the last 500 are the official test part; ids ``"train-0000"`` and on, then
        ``"test-0000"`` and on; the fine class is in the pool's column ``"fine"``.

    Raises
    ------
    DatasetMissing
        A file is not on this machine.
    DigestError
        A file is another one.

    References
    ----------
    Li, Roth. Learning question classifiers. COLING 2002.
    """
    parts = [_lines(TREC, name, "latin-1") for name in ("TREC.train", "TREC.test")]
    heads = [line.partition(" ")[0] for part in parts for line in part]
    train, test = ([(line.partition(" ")[2], line.partition(":")[0]) for line in part] for part in parts)
    return _dataset(TREC, train, test, columns={"fine": [head.partition(":")[2] for head in heads]})


def rt_polarity() -> Dataset:
    """10,662 sentences of film reviews, positive or negative.

    Returns
    -------
    Dataset
        Items are texts, the negative ones first; ids ``"neg-0000"`` and on, then ``"pos-0000"`` and on. There
        is no official split.

    Raises
    ------
    DatasetMissing
        A file is not on this machine.
    DigestError
        A file is another one.

    References
    ----------
    Pang, Lee. Seeing stars: exploiting class relationships for sentiment categorization with respect to
    rating scales. ACL 2005.
    """
    negative, positive = (_lines(RT_POLARITY, f"rt-polarity.{end}", "latin-1") for end in ("neg", "pos"))
    ids = [f"neg-{i:04d}" for i in range(len(negative))] + [f"pos-{i:04d}" for i in range(len(positive))]
    texts = [(text, "negative") for text in negative] + [(text, "positive") for text in positive]
    return _dataset(RT_POLARITY, texts, ids=ids)


def sst2() -> Dataset:
    """8,741 sentences of film reviews, positive or negative (Stanford Sentiment Treebank).

    Returns
    -------
    Dataset
        Items are texts; the last 1,821 are the official test part. The 872 sentences of the official
        development part are left out, so that nobody labels or tests on them unawares.

    Raises
    ------
    DatasetMissing
        A file is not on this machine.
    DigestError
        A file is another one.

    References
    ----------
    Socher et al. Recursive deep models for semantic compositionality over a sentiment treebank. EMNLP 2013.
    """
    names = {"0": "negative", "1": "positive"}
    train, test = (
        [(text, names[label]) for text, _, label in map(_at_tab, _lines(SST2, name, "utf-8"))]
        for name in ("train.tsv", "test.tsv")
    )
    return _dataset(SST2, train, test)


def sms_spam() -> Dataset:
    """5,574 short messages of mobile phones, spam or not.

    Returns
    -------
    Dataset
        Items are texts; 747 are spam. There is no official split.

    Raises
    ------
    DatasetMissing
        The file is not on this machine.
    DigestError
        The file is another one.

    References
    ----------
    Almeida, Gómez Hidalgo, Yamakami. Contributions to the study of SMS spam filtering. DocEng 2011.
    """
    rows = map(_at_tab, _lines(SMS_SPAM, "SMSSpamCollection", "utf-8"))
    return _dataset(SMS_SPAM, [(text, label) for label, _, text in rows])


def banking77() -> Dataset:
    """13,083 questions to a bank, in 77 intents.

    Returns
    -------
    Dataset
        Items are texts; the last 3,080 are the official test part.

    Raises
    ------
    DatasetMissing
        A file is not on this machine.
    DigestError
        A file is another one.

    References
    ----------
    Casanueva, Temčinas, Gerz, Henderson, Vulić. Efficient intent detection with dual sentence encoders.
    NLP for ConvAI, 2020.
    """
    train, test = (
        [(text, label) for text, label in _rows(BANKING77, name)[1:]] for name in ("train.csv", "test.csv")
    )
    return _dataset(BANKING77, train, test)


def ag_news() -> Dataset:
    """127,600 news by topic, in four classes.

    Returns
    -------
    Dataset
        Items are texts, title and body with a space between them; the last 7,600 are the official test part.

    Raises
    ------
    DatasetMissing
        A file is not on this machine.
    DigestError
        A file is another one.

    References
    ----------
    Zhang, Zhao, LeCun. Character-level convolutional networks for text classification. NeurIPS 2015.
    """
    train, test = (_news(AG_NEWS, name) for name in ("train.csv", "test.csv"))
    return _dataset(AG_NEWS, train, test)


def ag_news_5k() -> Dataset:
    """12,600 news by topic, in four classes: a sample of 5,000 to label and the official test part.

    Returns
    -------
    Dataset
        Items are texts, title and body with a space between them; the last 7,600 are the official test part.

    Raises
    ------
    DatasetMissing
        A file is not on this machine.
    DigestError
        A file is another one.

    Notes
    -----
    The sample is another's; nobody has compared it with the official training part.

    References
    ----------
    Zhang, Zhao, LeCun. Character-level convolutional networks for text classification. NeurIPS 2015.
    """
    sample = [(text, _TOPICS[int(label)]) for text, label in _rows(AG_NEWS_5K, "train_sample_5000.csv")]
    return _dataset(AG_NEWS_5K, sample, _news(AG_NEWS_5K, "test.csv"))


def _dataset(
    listing: Listing,
    train: Sequence[_Labelled],
    test: Sequence[_Labelled] = (),
    *,
    ids: Sequence[str] | None = None,
    columns: dict[str, list[str]] | None = None,
) -> Dataset:
    """A data set of texts: those to label, then those to test on."""
    rows = [*train, *test]
    texts = np.empty(len(rows), dtype=object)
    texts[:] = [text for text, _ in rows]
    texts.flags.writeable = False
    width = len(str(max(len(train), len(test)) - 1))
    numbered = [f"train-{i:0{width}d}" for i in range(len(train))]
    numbered += [f"test-{i:0{width}d}" for i in range(len(test))]
    names = [name for _, name in rows]
    task = classes(_TOPICS if set(names) == set(_TOPICS) else sorted(set(names)))
    return Dataset(
        name=listing.name,
        description=listing.description,
        pool=ArrayPool(texts, list(ids or numbered), columns=columns or {}, source=Spec(listing.name)),
        labels=task.encode(names),
        task=task,
        test=np.arange(len(train), len(rows)) if test else None,
    )


def _lines(listing: Listing, name: str, encoding: str) -> list[str]:
    text = read(listing, name).decode(encoding)
    return [line.strip() for line in text.split("\n") if line.strip()]


def _at_tab(line: str) -> tuple[str, str, str]:
    return line.partition("\t")


def _rows(listing: Listing, name: str) -> list[list[str]]:
    return list(csv.reader(StringIO(read(listing, name).decode("utf-8"), newline="")))


def _news(listing: Listing, name: str) -> list[_Labelled]:
    return [(f"{title} {body}", _TOPICS[int(label) - 1]) for label, title, body in _rows(listing, name)]
