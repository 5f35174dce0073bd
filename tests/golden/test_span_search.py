"""The search for sequences in the spaces of a message: candidates, prefixes, sentences, and its ends."""

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from nextlabel.core.disclosure import Disclosure
from nextlabel.leakage.messages import full
from nextlabel.leakage.text.span_layers import SpanLayer, span_layers, trusted
from nextlabel.leakage.text.span_search import Search
from nextlabel.leakage.text.token_places import inputs_at, reading

transformers = pytest.importorskip("transformers")

from nextlabel.leakage.text.language_models import tiny_decoder, tiny_encoder  # noqa: E402

Tokens = NDArray[np.int64]

WORDS, LENGTH = 60, 4
TOKENS = np.array([[7, 3, 9, 5], [7, 3, 2, 11], [20, 4, 9, 33]])
EVERY = np.arange(WORDS)
NEVER = float("inf")


def spaces(tokens: Tokens, *, is_causal: bool = True, noise: float = 0.0) -> tuple[Any, list[SpanLayer]]:
    """A model, and the spaces of the gradient of these sequences, with noise as a share of each array's."""
    torch.manual_seed(0)
    if is_causal:
        model = tiny_decoder(WORDS, width=64, classes=3)
        message = full(model, tokens, np.arange(len(tokens)) % 3)
    else:
        model = tiny_encoder(WORDS, width=64)
        asked = np.where(np.arange(LENGTH) == 2, tokens, -100)
        message = full(model, tokens, asked, loss="language_model")
    found = reading(model, LENGTH, WORDS)
    assert found.is_causal is is_causal
    rng = np.random.default_rng(1)
    arrays = {
        name: one + noise * one.std() * rng.normal(size=one.shape) for name, one in message.arrays.items()
    }
    sent = Disclosure("full", arrays, len(tokens))
    layers = span_layers(model, found, sent, LENGTH, WORDS, np.random.default_rng(0))
    return model, trusted(layers)


def search(tokens: Tokens = TOKENS, *, is_causal: bool = True, noise: float = 0.0, **changes: Any) -> Search:
    model, layers = spaces(tokens, is_causal=is_causal, noise=noise)
    given: dict[str, Any] = {"words": EVERY, "evaluations": 10_000, "deadline": NEVER, "has_positions": True}
    given |= changes
    return Search(model, layers, LENGTH, **given)


def rows(tokens: Tokens) -> list[tuple[int, ...]]:
    return sorted(tuple(int(token) for token in row) for row in tokens)


def by_position(tokens: Tokens) -> list[Tokens]:
    return [np.unique(tokens[:, position]) for position in range(tokens.shape[1])]


@pytest.mark.parametrize("noise", [0.0, 1e-4, 0.03])
def test_the_candidates_of_a_position_are_the_tokens_that_stood_there(noise: float) -> None:
    # with the most noise, those that stood there lie half as far off as is allowed, and others little farther
    found = search(noise=noise).candidates()
    assert [one.tolist() for one in found] == [one.tolist() for one in by_position(TOKENS)]
    assert all(one.dtype == np.int64 for one in found)


def test_only_the_words_to_try_are_candidates() -> None:
    found = search(words=np.array([9, 3, 50])).candidates()
    assert [one.tolist() for one in found] == [[], [3], [9], []]


def test_words_beyond_four_thousand_are_tried_too() -> None:
    found = search(words=np.append(np.full(4100, 1), [7, 20])).candidates()
    assert [one.tolist() for one in found] == [[7, 20], [], [], []]


def test_prefixes_grow_to_the_sequences_that_were_sent() -> None:
    one = search()
    sequences, is_whole = one.grown(by_position(TOKENS))
    assert sorted(sequences) == rows(TOKENS)
    assert is_whole
    # 2 first tokens; 2 prefixes and 2 tokens, 2 and 2, 3 and 3
    assert one.used == 2 + 4 + 4 + 9


def test_a_prefix_that_nothing_extends_is_a_sequence_that_ends() -> None:
    fitting = by_position(TOKENS)
    fitting[2] = np.array([9])
    sequences, is_whole = search().grown(fitting)
    # 7 3 9 and 20 4 9 have a next token, and what begins as 7 3 2 does not
    assert sorted(sequences) == [(7, 3, 9, 5), (20, 4, 9, 33)]
    assert is_whole
    fitting[3] = np.array([33, 1])
    sequences, _ = search().grown(fitting)
    assert sorted(sequences) == [(7, 3, 9), (20, 4, 9, 33)]
    assert search().grown([np.array([1]), *fitting[1:]]) == ([], True)


@pytest.mark.parametrize("ranks", [(3, 2), (2, 3)], ids=str)
def test_no_more_prefixes_are_kept_than_a_space_has_directions(ranks: tuple[int, int]) -> None:
    # spaces in which noise hides everything let every token pass; the nearest three are kept
    one = search()
    one.layers = [
        replace(
            layer,
            space=replace(
                layer.space,
                basis=layer.space.basis[:, :rank],
                values=np.full(64, 1e-9),
                rank=rank,
                noise=1.0,
            ),
        )
        for layer, rank in zip(one.layers[:2], ranks, strict=True)
    ]
    scores = one._scores(EVERY[:5, None], is_last=True)
    assert (scores <= 1.0).all()
    sequences, is_whole = one.grown([EVERY[:5]])
    assert is_whole
    assert sequences == [(int(token),) for token in sorted(np.argsort(scores)[:3])]
    one.used = 0
    sequences, _ = one.grown([EVERY[:5]] * LENGTH)
    assert [len(row) for row in sequences].count(LENGTH) == 3
    assert one.used == 5 + 3 * 15


def with_a_clock_that_ends_at_once(*, is_causal: bool) -> Search:
    """A search whose time is over once the first thousand sequences are run."""
    one = search(is_causal=is_causal)

    def late(*_: object) -> None:
        one.deadline = time.monotonic() - 1.0

    one.model.register_forward_pre_hook(late)
    return one


def test_a_clock_that_ends_within_a_position_ends_the_search() -> None:
    one = with_a_clock_that_ends_at_once(is_causal=True)
    assert one.grown([np.full(1500, 7)]) == ([()], False)


def test_a_clock_that_ends_within_all_sentences_leaves_some_untried() -> None:
    one = with_a_clock_that_ends_at_once(is_causal=False)
    every = [np.append(fitting, np.arange(40, 46 - len(fitting))) for fitting in by_position(TOKENS)]
    every[0] = np.array([7, 40, 41, 42, 43, 44, 45, 20])
    found, is_whole = one.sentences(every, np.random.default_rng(0), lambda _: False)
    assert one.used == 8 * 6**3
    assert set(found) < set(rows(TOKENS))  # those that begin with 20 are beyond the first thousand
    assert not is_whole


@pytest.mark.parametrize(("evaluations", "is_whole"), [(19, True), (18, False), (5, False), (1, False)])
def test_no_more_sequences_are_run_than_are_allowed(evaluations: int, is_whole: bool) -> None:
    one = search(evaluations=evaluations)
    sequences, ended = one.grown(by_position(TOKENS))
    assert ended is is_whole
    assert one.used <= evaluations
    assert one.is_over is (one.used >= evaluations)
    if evaluations == 18:
        assert sorted(sequences) == rows(np.unique(TOKENS[:, :3], axis=0))


def test_the_clock_ends_a_search() -> None:
    one = search(deadline=time.monotonic() - 1.0)
    assert one.is_cut
    assert one.is_over
    assert one.grown(by_position(TOKENS)) == ([()], False)
    assert one.used == 0


def test_repeated_tokens_alone_are_no_context_where_positions_are_not_told_apart() -> None:
    tried = search(has_positions=False)
    tried.grown([np.array([7]), np.array([7, 3]), np.array([9]), np.array([5])])
    plain = search()
    plain.grown([np.array([7]), np.array([7, 3]), np.array([9]), np.array([5])])
    # 7 7 is not tried, so that one sequence fewer is run; 7 alone is, though it is one token
    assert tried.used == plain.used - 1


@pytest.mark.parametrize("evaluations", [10_000, 18])
def test_all_sentences_are_tried_where_there_are_few_enough(evaluations: int) -> None:
    # of 2 · 2 · 2 · 3 combinations, or of fewer than that by changing single tokens
    one = search(is_causal=False, evaluations=evaluations)
    found, is_whole = one.sentences(by_position(TOKENS), np.random.default_rng(0), lambda _: False)
    assert set(found) <= set(rows(TOKENS))
    assert is_whole is (evaluations > 24)
    if is_whole:
        assert found == rows(TOKENS)
        assert one.used == 24


def test_a_position_that_nothing_fits_leaves_no_sentence() -> None:
    one = search(is_causal=False)
    fitting = [*by_position(TOKENS)[:3], np.zeros(0, np.int64)]
    assert one.sentences(fitting, np.random.default_rng(0), lambda _: True) == ([], True)
    assert one.used == 0


def test_sentences_found_by_changing_tokens_are_those_that_were_sent() -> None:
    fitting = [np.unique(np.append(one, [40, 41, 42, 43, 44])) for one in by_position(TOKENS)]
    one = search(is_causal=False, evaluations=2_000)
    seen: list[list[tuple[int, ...]]] = []

    def is_done(found: list[tuple[int, ...]]) -> bool:
        seen.append(found)
        return len(found) == len(TOKENS)

    found, is_whole = one.sentences(fitting, np.random.default_rng(0), is_done)
    assert found == seen[-1]
    assert set(found) <= set(rows(TOKENS))
    assert len(found) >= 1
    assert is_whole is (len(found) == len(TOKENS))


def test_the_nearest_sentence_is_none_where_the_right_one_cannot_be_made() -> None:
    fitting = [*by_position(TOKENS)[:3], np.array([40, 41, 42])]
    one = search(is_causal=False, evaluations=20)  # fewer than there are combinations
    assert one.sentences(fitting, np.random.default_rng(0), lambda _: True) == ([], False)


def test_a_sequence_counts_as_its_worst_input() -> None:
    one = search()
    mixed = np.array([[7, 3, 9, 5], [7, 3, 9, 33]])
    ((own, other), (last, late)) = (one._scores(mixed, is_last=is_last) for is_last in (False, True))
    assert own <= 1.0 < other
    assert last <= 1.0 < late
    modules = [layer.place.module for layer in one.layers]
    by_hand = [
        layer.space.scores(values.reshape(-1, values.shape[-1]), 60).reshape(2, -1).max(1)
        for layer, values in zip(one.layers, inputs_at(one.model, modules, mixed, is_last=False), strict=True)
    ]
    assert one._scores(mixed, is_last=False) == pytest.approx(np.max(by_hand, axis=0))


def test_sequences_beyond_a_thousand_are_scored_in_pieces() -> None:
    one = search()
    many = np.repeat(TOKENS[:1], 1500, axis=0)
    many[1200] = [1, 2, 3, 4]
    scores = one._scores(many, is_last=False)
    assert one.used == 1500
    assert np.flatnonzero(scores > 1.0).tolist() == [1200]
    cut = search(deadline=time.monotonic() - 1.0)
    assert np.isinf(cut._scores(many, is_last=True)).sum() == 1500 - 1024
