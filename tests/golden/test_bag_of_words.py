"""Words read off the rows of a table of tokens: which are named, which are not, and what is said of them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor, nn

from nextlabel.core.attack import Knowledge, Recovery
from nextlabel.core.defence import Defence
from nextlabel.core.disclosure import Disclosure
from nextlabel.leakage import audit
from nextlabel.leakage.attacks.bag_of_words import BagOfWords
from nextlabel.leakage.defences.catalogue import parse
from nextlabel.leakage.messages import full, update
from nextlabel.leakage.text.word_rows import occurrences, without_decay, written_rows
from nextlabel.leakage.text.word_scores import WordGuess

WORDS, LENGTH = 200, 5
TEXT = np.array([[53, 170, 61, 127, 102]])


class Texts(nn.Module):
    """Embeddings, read as the names say, and four classes."""

    def __init__(self, how: str = "mean", padding: int | None = None, words: int = WORDS) -> None:
        super().__init__()
        self.table, self.how = nn.Embedding(words, 16, padding_idx=padding), how
        self.middle = nn.Linear(16 * (LENGTH if how == "flat" else 1), 16)
        self.memory = nn.GRU(16, 16, batch_first=True)
        self.head = nn.Linear(16, 4)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits."""
        seen = self.table(tokens)
        if self.how == "memory":
            made = self.memory(seen)[0][:, -1]
        else:
            made = torch.tanh(self.middle(seen.flatten(1) if self.how == "flat" else seen.mean(1)))
        found: Tensor = self.head(made)
        return found


class Tied(nn.Module):
    """One table for what goes in and what comes out."""

    def __init__(self, *, by_name: bool) -> None:
        super().__init__()
        self.table, self.by_name = nn.Embedding(WORDS, 16), by_name
        if by_name:
            self.out = nn.Linear(16, WORDS, bias=False)
            self.out.weight = self.table.weight

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits of words."""
        made = self.table(tokens).mean(1)
        found: Tensor = made @ self.table.weight.T
        return found


def model_of(how: str = "mean", **more: Any) -> Texts:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Texts(how, **more).eval()


def recovered(message: Disclosure, model: nn.Module, length: int = LENGTH, **more: Any) -> Recovery:
    return BagOfWords().recover(message, Knowledge(model, (length,), 4, **more), np.random.default_rng(0))


def defended(message: Disclosure, defence: str, seed: int = 0) -> Disclosure:
    made: Defence = parse(defence)
    return made.apply(message, np.random.default_rng(seed))


@pytest.mark.parametrize("how", ["mean", "flat", "memory"])
def test_the_words_of_a_text_are_named_whatever_reads_them(how: str) -> None:
    model = model_of(how)
    found = recovered(full(model, TEXT, np.array([1])), model)
    assert found.outcome == "recovered"
    assert found.words is not None
    assert found.words.tolist() == sorted(TEXT[0])
    assert found.items is None
    assert found.details["times"] == [1] * LENGTH
    assert found.reason == "5 of 200 rows of the table of tokens are not zero"


def test_the_words_of_a_batch_come_as_one_set() -> None:
    model = model_of()
    texts = np.random.default_rng(0).integers(WORDS, size=(4, LENGTH))
    found = recovered(full(model, texts, np.arange(4)), model)
    assert found.words is not None
    assert found.words.tolist() == np.unique(texts).tolist()


def test_averaged_embeddings_tell_how_often_a_word_occurs() -> None:
    model = model_of()
    text = np.array([[9, 40, 9, 9, 2]])
    found = recovered(full(model, text, np.array([1])), model)
    assert found.words is not None
    assert dict(zip(found.words.tolist(), found.details["times"], strict=True)) == {2: 1, 9: 3, 40: 1}
    assert "times" not in recovered(full(model_of("flat"), text, np.array([1])), model_of("flat")).details
    assert occurrences(np.outer([1.5, 1.0], [1.0, 2.0]), items=1, length=4) is None


def test_a_text_of_one_token_comes_back_as_it_was() -> None:
    model = model_of()
    found = recovered(full(model, np.array([[7]]), np.array([1])), model, length=1)
    assert found.items is not None
    assert found.items.tolist() == [[7]]


@pytest.mark.parametrize(
    "table",
    [nn.Sequential(nn.Embedding(50, 8, sparse=True), nn.Flatten()), nn.EmbeddingBag(50, 32)],
    ids=["sparse", "bags"],
)
def test_sparse_gradients_and_bags_of_embeddings_are_read(table: nn.Module) -> None:
    model = nn.Sequential(table, nn.Linear(32, 3)).eval()
    text = np.array([[3, 14, 15, 9]])
    found = recovered(full(model, text, np.array([1])), model, length=4)
    assert found.words is not None
    assert found.words.tolist() == [3, 9, 14, 15]


def test_an_update_names_words_and_its_decay_hides_none() -> None:
    model = model_of()
    sent = update(model, TEXT, np.array([1]), steps=3, rate=0.5)
    table = model.table.weight.detach().numpy()
    decayed = {**sent.arrays, "table.weight": (sent["table.weight"] - np.float32(0.01) * table)}
    for arrays in (sent.arrays, decayed):
        found = recovered(Disclosure("update", arrays, 1), model, steps=3, rate=0.5)
        assert found.words is not None
        assert found.words.tolist() == sorted(TEXT[0])


def test_decay_is_taken_off_only_where_it_explains_most_rows() -> None:
    rng = np.random.default_rng(0)
    table, rows = rng.normal(size=(20, 4)), rng.normal(size=(20, 4))
    assert without_decay(rows, table, 1e-7) is rows
    assert without_decay(rows, np.zeros((20, 4)), 1e-7) is rows
    half = np.where(np.arange(20)[:, None] < 10, 0.1 * table, rows)
    assert without_decay(half, table, 1e-7) is half


def test_padding_of_the_table_is_not_named() -> None:
    model = model_of(padding=0)
    found = recovered(full(model, np.array([[3, 8, 0, 0, 0]]), np.array([1])), model)
    assert found.words is not None
    assert found.words.tolist() == [3, 8]
    assert found.details == {}  # the places of padding are unknown, so that no number of times fits


@pytest.mark.parametrize("defence", ["prune:30%", "prune:99.9%", "float16", "int8", "sign", "gaussian:1%"])
def test_coarse_thinned_and_noised_messages_name_no_false_word(defence: str) -> None:
    model = model_of()
    found = recovered(defended(full(model, TEXT, np.array([1])), defence), model)
    named = set() if found.words is None else set(found.words.tolist())
    assert named <= set(TEXT[0].tolist())
    assert named or found.outcome == "failed"
    if defence in ("prune:30%", "float16", "int8", "gaussian:1%"):
        assert len(named) == LENGTH


def test_pruned_rows_say_that_words_may_be_missing() -> None:
    rows = np.zeros((100, 16))
    rows[[3, 9]] = np.random.default_rng(0).normal(size=(2, 16))
    rows[9, ::3] = 0.0
    found = written_rows(rows, 5)
    assert (found.words.tolist(), found.is_clean) == ([3, 9], False)
    assert found.said.endswith("zeros within the rows show that others may have been taken away")
    rows[50, 2] = 1.0
    found = written_rows(rows, 5)
    assert found.words.tolist() == [3, 9]
    assert "1 of them left out since scattered entries look like them" in found.said


LAWS: dict[str, Callable[[np.random.Generator, tuple[int, int]], NDArray[np.float64]]] = {
    "normal": lambda rng, size: rng.normal(size=size),
    "laplace": lambda rng, size: rng.laplace(size=size),
    "pruned": lambda rng, size: (lambda one: np.where(np.abs(one) > 1.8, one, 0.0))(rng.normal(size=size)),
}


@pytest.mark.parametrize("law", list(LAWS))
def test_noise_alone_names_words_no_oftener_than_stated(law: str, seed: int) -> None:
    """Law: each table of noise alone names a word with a chance of at most 0.002, of expected false rows
    0.001 and of an interval missed 0.001. Statistic: of 400 tables those that name one, at most 9: more has
    a chance of 2.4e-8 by the binomial. Twin: a threshold of one expected row names one in most of them.
    """
    rng = np.random.default_rng(seed)
    tables = [LAWS[law](rng, (300, 12)) for _ in range(400)]
    assert sum(len(written_rows(one, 20).words) > 0 for one in tables) <= 9
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nextlabel.leakage.text.word_rows._CHANCE", 30.0)
        patch.setattr("nextlabel.leakage.text.word_rows._UNSURE", 0.5)
        assert sum(len(written_rows(one, 100).words) > 0 for one in tables) > 9


@pytest.mark.parametrize(("words", "width"), [(10_000, 2), (300, 2), (50, 3), (50, 4)])
def test_full_rows_of_few_features_beside_empty_ones_are_named(words: int, width: int) -> None:
    rows = np.zeros((words, width))
    rows[:7] = np.random.default_rng(0).normal(size=(7, width))
    found = written_rows(rows, 7)
    assert (found.words.tolist(), found.is_clean) == (list(range(7)), True)
    rows[9, 0] = 1.0  # a row filled in part: others may be full by chance
    assert written_rows(rows, 7).words.tolist() == []


@pytest.mark.parametrize("true", [0, 7])
@pytest.mark.parametrize(
    ("words", "width", "is_rare"), [(200, 2, True), (40, 2, False), (40, 3, True), (30, 1, False)]
)
def test_scattered_entries_fill_rows_no_oftener_than_stated(
    words: int, width: int, is_rare: bool, true: int
) -> None:
    """By enumeration, beside rows of tokens: of entries scattered with any chance, false rows are expected
    0.001 at most where all rows are full or empty, and 0.001 that the share of empty rows misleads. Twin:
    of few rows or one feature, full rows that always count are more false ones.
    """
    others, false = words - true, np.arange(1, words - true)
    named = []
    for full_rows in false:
        rows = np.zeros((words, width))
        rows[: true + full_rows] = 1.0
        named.append(len(written_rows(rows, words).words) > 0)
    chance = np.geomspace(1e-4, 0.5, 100)[:, None]
    law = stats.binom.pmf(false, others, chance**width)  # of rows full, the others not, and then all empty
    law *= ((1.0 - chance) ** width / (1.0 - chance**width)) ** (others - false)
    assert (law * false * np.array(named)).sum(axis=1).max() <= 0.002
    assert is_rare is bool((law * false).sum(axis=1).max() <= 0.002)


@pytest.mark.parametrize(
    ("rows", "most", "said"),
    [
        (np.zeros((9, 3)), 2, "the gradient of the table of tokens is zero: it says nothing"),
        (np.ones((9, 3)), 5, "no row is zero, and up to 5 tokens are in the message, of 9: too many"),
        (1.0 + 0.01 * np.eye(300, 8), 5, "the rows lean to one side"),
        (np.random.default_rng(0).standard_cauchy((300, 8)), 5, "the rows differ by more than noise"),
        (np.random.default_rng(0).normal(size=(300, 8)), 5, "and 0 rows stand out of noise, of 5 tokens"),
        (np.eye(40, 8), 5, "of 40 rows 8 are not zero, with no more entries each than pruning"),
    ],
    ids=["zeros", "few words", "leaning", "heavy tails", "noise", "scattered"],
)
def test_rows_that_tell_nothing_are_refused_with_the_reason(
    rows: NDArray[np.float64], most: int, said: str
) -> None:
    found = written_rows(rows, most)
    assert len(found.words) == 0
    assert said in found.said


def test_more_rows_than_tokens_are_not_claimed() -> None:
    rows = np.random.default_rng(0).normal(size=(300, 8))
    rows[:6] *= 100.0
    assert written_rows(rows, 6).words.tolist() == list(range(6))
    assert "6 rows stand out of noise, of 5 tokens" in written_rows(rows, 5).said


def test_tied_frozen_and_other_models_are_refused_with_the_reason() -> None:
    tied = Tied(by_name=True).eval()
    found = recovered(full(tied, TEXT, np.array([1])), tied)
    assert found.outcome == "refused"
    assert "the table of tokens is the output layer too" in found.reason
    hidden = Tied(by_name=False).eval()
    found = recovered(full(hidden, TEXT, np.array([1])), hidden)
    assert (found.outcome, found.words) == ("failed", None)
    frozen = model_of()
    frozen.table.weight.requires_grad_(False)
    found = recovered(full(frozen, TEXT, np.array([1])), frozen)
    assert found.reason == "the table of tokens is frozen, or its gradient is not shared"
    plain = nn.Linear(5, 4).eval()
    found = recovered(full(plain, np.ones((1, 5), np.float32), np.array([1])), plain)
    assert (found.outcome, found.words) == ("refused", None)


def records(count: int = 60) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rng = np.random.default_rng(0)
    return rng.integers(WORDS, size=(count, LENGTH)), rng.permutation(count) % 4


def test_a_report_says_which_words_came_back_and_makes_no_sentence_of_them() -> None:
    texts, labels = records()
    report = audit(model_of(), texts, labels, attacks=["label_inference", "bag_of_words"], records=12)
    assert (report.verdict, report.is_void) == ("RECOGNISABLE", False)
    lead, said, *_ = report.sentences()
    assert "What came back of them is which words they have." in lead
    (best, *_) = report.exhibits
    named = ", ".join(str(one) for one in sorted(set(texts[best.position].tolist())))
    assert f"Of record {best.position}, for example: {{{named}}}. Their order this attack does not" in said
    (words,) = (one for one in report.summaries if one.attack == "bag_of_words")
    assert words.words_named == words.words_right == words.words_of
    assert {one.score.words for one in report.standings if one.score} == {1.0}
    assert all((one.baseline.words or 0.0) < 0.8 for one in report.standings)
    page = report.html()
    assert f"{{{named}}}" in page
    assert "100 % of words" in page


def test_words_of_another_message_show_no_record() -> None:
    texts, labels = records()
    model = model_of()

    class Foreign(Defence):
        name, strength, sentence = "foreign", None, "The message of another record is sent."

        def apply(self, disclosure: Disclosure, rng: np.random.Generator) -> Disclosure:
            return full(model, rng.integers(WORDS, size=(1, LENGTH)), np.array([1]))

    report = audit(model, texts, labels, attacks=["bag_of_words"], records=20, defences=[Foreign()])
    assert (report.verdict, report.is_void) == ("NOT SHOWN", False)


def test_the_words_of_two_texts_show_those_that_half_of_them_belong_to() -> None:
    rng = np.random.default_rng(0)
    texts, labels = rng.integers(5000, size=(60, LENGTH)), np.arange(60) % 4
    texts[::3, 1:3] = texts[::3, :1]  # three words, beside five of which fewer than half are theirs
    report = audit(model_of(words=5000), texts, labels, attacks=["bag_of_words"], batch=2, records=12)
    assert (report.verdict, report.is_void) == ("RECOGNISABLE", False)
    assert "What came back of them is the words of their batch." in report.sentences()[0]
    (words,) = (one for one in report.sentences() if one.startswith("Words: "))
    assert words.endswith("Their order and which of them are in one record this attack does not tell.")
    pairs = texts[[one.position for one in report.standings]].reshape(-1, 2, LENGTH)
    each = [(len(np.unique(text)), len(np.unique(pair))) for pair in pairs for text in pair]
    shown = [2 * own >= of for own, of in each]
    assert set(shown) == {True, False}
    assert [one.verdict == "RECOGNISABLE" for one in report.standings] == shown


@pytest.mark.parametrize(("batch", "words"), [(4, WORDS), (20, WORDS), (4, 10)])
def test_one_set_of_the_words_of_many_texts_shows_none_of_them(batch: int, words: int) -> None:
    texts, labels = records()
    settings: dict[str, Any] = {"attacks": ["bag_of_words"], "batch": batch, "records": 40}
    report = audit(model_of(words=words), texts % words, labels, **settings)
    assert (report.verdict, report.is_void) == ("NOT SHOWN", False)
    assert {one.why for one in report.outcomes} <= {"words of the batch, of no one record", "gave no item"}
    if words == WORDS:
        (summary,) = report.summaries
        said = f"Words: {summary.words_of} of the {summary.words_of} different words in the texts"
        assert any(one.startswith(said) for one in report.sentences())


def test_a_guess_of_words_is_measured_as_what_came_back_is() -> None:
    one = WordGuess(commoner=(0, 4), alike=(1, 1), nearest=0.0)
    assert [one.share(named) for named in (0, 1, 2, 5, 50)] == [0.0, 0.5, 0.5, 0.5, 0.5]
    last = WordGuess(commoner=(2, 2), alike=(2, 2), nearest=0.0)
    assert [last.share(named) for named in (2, 3, 4, 9)] == pytest.approx([0.0, 1 / 3, 0.5, 0.5])
    assert WordGuess((), (), 1.0).share(3) == 1.0


def test_texts_of_one_token_are_exact() -> None:
    rng = np.random.default_rng(0)
    texts = rng.permutation(WORDS)[:60, None]
    report = audit(model_of(), texts, np.arange(60) % 4, attacks=["bag_of_words"], records=12)
    assert report.verdict == "EXACT"


def test_few_words_of_one_text_that_are_right_are_no_wrong_claim() -> None:
    texts = np.random.default_rng(0).choice(WORDS, size=(40, LENGTH))
    labels = np.arange(40) % 4
    report = audit(
        model_of("memory"),
        texts,
        labels,
        attacks=["bag_of_words"],
        records=6,
        defences="gaussian:1e-2",
        controls=False,
    )
    (summary,) = report.summaries
    assert 0 < summary.words_right == summary.words_named < summary.words_of
    assert {one.why for one in report.outcomes if one.outcome == "recovered"} <= {"some of its words", ""}
    assert "some of its words" in {one.why for one in report.outcomes}
    assert "came back, too few of them" in report.sentences()[0]
