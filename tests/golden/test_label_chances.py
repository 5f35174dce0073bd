"""The chance that labels are right without a message: against enumeration, and against blind guesses."""

from collections import Counter
from itertools import permutations

import numpy as np
import pytest

from nextlabel.core.disclosure import Array
from nextlabel.leakage.chances import chance_of_labels

ALPHA = 1e-3


def unused() -> np.random.Generator:
    """Randomness that the call must not need."""
    return None  # type: ignore[return-value]


def overlap_of(labels: Array, claims: Array, sizes: list[int]) -> int:
    ends = np.cumsum(sizes)
    parts = [labels[end - size : end] for end, size in zip(ends, sizes, strict=True)]
    held = np.array([np.bincount(part, minlength=claims.shape[1]) for part in parts])
    return int(np.minimum(held, claims).sum())


def enumerated(population: list[int], claims: Array, sizes: list[int]) -> Array:
    """The law of the overlap over all orders of the items, axes (overlap,)."""
    items = np.repeat(np.arange(len(population)), population)
    found = Counter(overlap_of(np.array(one), claims, sizes) for one in permutations(items))
    law = np.zeros(sum(sizes) + 1)
    law[list(found)] = list(found.values())
    return np.asarray(law / law.sum())


@pytest.mark.parametrize(
    ("population", "claim"),
    [([3, 2, 2], [2, 1, 1]), ([3, 2, 2], [0, 4, 0]), ([5, 1, 1], [2, 1, 1]), ([4, 0, 3], [1, 2, 1])],
)
def test_the_chance_of_one_message_is_that_of_drawing_from_the_items(
    population: list[int], claim: list[int]
) -> None:
    law = enumerated(population, np.array([claim]), [4])
    for overlap in range(5):
        found = chance_of_labels([claim], [4], overlap, np.array(population), unused())
        assert found == pytest.approx(law[overlap:].sum(), abs=1e-12)


def test_the_chance_that_all_are_right_is_exact_for_several_messages() -> None:
    claims, sizes = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 0]]), [2, 2, 1]
    law = enumerated([2, 2, 3], claims, sizes)
    found = chance_of_labels(claims.tolist(), sizes, 5, np.array([2, 2, 3]), unused())
    assert found == pytest.approx(law[5], abs=1e-12)
    assert chance_of_labels(claims.tolist(), sizes, 5, np.array([1, 2, 4]), unused()) == 0.0


def test_the_chance_of_several_messages_is_that_of_drawing_from_the_items(seed: int) -> None:
    """50,000 draws of a share p: five standard deviations, or of 50 hits; a false alarm 6e-7."""
    claims, sizes = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1]]), [2, 2, 2]
    law = enumerated([2, 2, 4], claims, sizes)
    for overlap in range(1, 6):
        true = law[overlap:].sum()
        found = chance_of_labels(claims.tolist(), sizes, overlap, np.array([2, 2, 4]), rng_of(seed))
        # at least 2,000 draws are made, so that 50 hits are passed at once where the chance is not small
        spread = np.sqrt(true * (1 - true) / min(50_000, max(2_000, 50 / true)))
        assert found == pytest.approx(true, abs=5 * spread + 1 / 2_000)


def test_a_small_bound_is_at_least_the_chance_and_needs_no_draws() -> None:
    """Twenty labels of 2,000 items in ten classes, fifteen right: the chance is about 9e-12."""
    claims = np.eye(10, dtype=int)[np.arange(20) % 10].tolist()
    found = chance_of_labels(claims, [1] * 20, 15, np.full(10, 200), unused())
    independent = sum(
        np.prod([(20 - k) / (k + 1) for k in range(hits)]) * 0.1**hits * 0.9 ** (20 - hits)
        for hits in range(15, 21)
    )
    assert independent <= found <= 1.12 * independent


def test_counts_of_all_items_and_one_class_alone_are_no_news() -> None:
    assert chance_of_labels([[20] * 10], [200], 200, np.full(10, 20), unused()) == pytest.approx(1.0)
    assert chance_of_labels([[1, 0]] * 20, [1] * 20, 20, np.array([40, 0]), unused()) == pytest.approx(1.0)
    assert chance_of_labels([], [], 0, np.array([1, 1]), unused()) == 1.0
    assert chance_of_labels([[1, 0]], [1], 0, np.array([1, 1]), unused()) == 1.0


def rng_of(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


SETTINGS = [(100, 30, 3), (60, 20, 3), (100, 25, 4), (200, 50, 4), (100, 50, 2), (100, 100, 1), (40, 1, 20)]


def blind_audits(seed: int, n: int, batch: int, messages: int, audits: int) -> list[tuple[Array, int]]:
    """Equal counts claimed of messages that nobody looked at: the claims, and how many are right."""
    rng = np.random.default_rng([seed, n, batch])
    sizes, made = [batch] * messages, []
    for _ in range(audits):
        claims = np.full((messages, 10), batch // 10)
        for row in claims:
            row[rng.permutation(10)[: batch - row.sum()]] += 1
        drawn = rng.permutation(np.arange(n) % 10)[: batch * messages]
        made.append((claims, overlap_of(drawn, claims, sizes)))
    return made


def independent(claims: Array, size: int, overlap: int) -> float:
    """The broken twin: labels as if each were drawn anew from equal classes, simulated."""
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(size, [0.1] * 10, size=(2_000, len(claims)))
    return float((np.minimum(drawn, claims).sum((1, 2)) >= overlap).mean())


@pytest.mark.parametrize(("n", "batch", "messages"), SETTINGS)
def test_blind_guesses_are_seldom_given_a_small_chance(seed: int, n: int, batch: int, messages: int) -> None:
    """Of 100 blind audits none has a chance below 1e-8, and at most 18 one of 1 in 20.

    A chance of at most p is given with at most probability p. Below 1e-8: 100·1e-8 = 1e-6 a false alarm. Of
    100 at 0.05, more than 18: binomial tail 7e-7.
    """
    sizes = [batch] * messages
    chances = [
        chance_of_labels(claims.tolist(), sizes, overlap, np.full(10, n // 10), rng_of(seed))
        for claims, overlap in blind_audits(seed, n, batch, messages, 100)
    ]
    assert min(chances) > 1e-8
    assert sum(one <= 0.05 for one in chances) <= 18


@pytest.mark.parametrize(("n", "batch", "messages"), [(100, 100, 1), (100, 90, 1), (200, 160, 1)])
def test_the_test_of_blind_guesses_rejects_labels_taken_as_independent(
    seed: int, n: int, batch: int, messages: int
) -> None:
    chances = [
        independent(claims, batch, overlap) for claims, overlap in blind_audits(seed, n, batch, messages, 100)
    ]
    assert sum(one <= 0.05 for one in chances) > 18


@pytest.mark.slow
@pytest.mark.parametrize(("n", "batch", "messages"), SETTINGS)
def test_blind_guesses_pass_the_limit_as_seldom_as_it_says(
    seed: int, n: int, batch: int, messages: int
) -> None:
    """Of 1,000 blind audits at most 9 pass 1e-3: the binomial tail beyond that is 1.1e-7."""
    sizes = [batch] * messages
    passed = sum(
        chance_of_labels(claims.tolist(), sizes, overlap, np.full(10, n // 10), rng_of(k)) <= ALPHA
        for k, (claims, overlap) in enumerate(blind_audits(seed, n, batch, messages, 1_000))
    )
    assert passed <= 9
