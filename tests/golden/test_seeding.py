"""Exact k-means++ over outer products: distances, first centres, duplicates, exhaustion, refusals."""

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel.errors import BatchSizeError, ParameterError, SignalError
from nextlabel.maths import seeding
from nextlabel.maths.seeding import outer_product_seeds

Array = NDArray[Any]


@pytest.fixture(params=["plain", "compiled"])
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both forms answer the same questions: NumPy for small pools, the compiled kernel for large ones."""
    monkeypatch.setattr(seeding, "_PLAIN_WORK", 0 if request.param == "compiled" else 1 << 62)
    return str(request.param)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def factors(n: int, classes: int, features: int, dtype: Any = np.float64) -> tuple[Array, Array]:
    numbers = rng(n)
    return (
        numbers.standard_normal((n, classes)).astype(dtype),
        numbers.standard_normal((n, features)).astype(dtype),
    )


def products(residual: Array, embedding: Array) -> Array:
    vectors: Array = np.einsum("nc,nd->ncd", residual.astype(float), embedding.astype(float))
    return vectors.reshape(len(residual), -1)


def squares_when_picked(vectors: Array, picks: Array) -> list[float]:
    """The plain definition: squared norm of the first pick, then distance to the nearest pick before."""
    first = float((vectors[picks[0]] ** 2).sum())
    later = [
        float(((vectors[picks[:k]] - vectors[picks[k]]) ** 2).sum(1).min()) for k in range(1, len(picks))
    ]
    return [first, *later]


@pytest.mark.parametrize(("classes", "features"), [(1, 1), (2, 3), (10, 8), (3, 64)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_reported_squares_are_those_of_the_products_written_out(
    form: str, classes: int, features: int, dtype: Any
) -> None:
    residual, embedding = factors(700, classes, features, dtype)
    picks, squares = outer_product_seeds(residual, embedding, 60, rng=rng())
    assert picks.dtype == np.int64
    assert len(set(picks.tolist())) == 60
    expected = squares_when_picked(products(residual, embedding), picks)
    np.testing.assert_allclose(squares, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("clusters", [20, 300], ids=["one block of centres", "two blocks"])
def test_tight_clusters_are_refreshed_in_blocks_to_the_same_distances(
    form: str, clusters: int, bias: bool
) -> None:
    # bounds go stale at once when the last cluster is found
    numbers, n = rng(5), 6_000
    of = numbers.integers(clusters, size=n)
    embedding = numbers.standard_normal((clusters, 4))[of] + 1e-3 * numbers.standard_normal((n, 4))
    residual = numbers.standard_normal((clusters, 3))[of]
    picks, squares = outer_product_seeds(residual, embedding, 400, rng=rng(), bias=bias)
    extended = np.hstack([embedding, np.ones((n, 1))]) if bias else embedding
    expected = squares_when_picked(products(residual, extended), picks)
    np.testing.assert_allclose(squares, expected, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("features", [3, 33, 129])
def test_copies_of_picks_are_at_distance_zero_to_the_last_digit(form: str, features: int) -> None:
    # sums of the same products in another order differ in the last digit, and the difference is no distance
    kinds, copies = 40, 100
    residual = np.repeat(rng(1).standard_normal((kinds, 5)), copies, axis=0)
    embedding = np.repeat(rng(2).standard_normal((kinds, features)), copies, axis=0)
    for seed in range(5):
        picks, squares = outer_product_seeds(residual, embedding, 60, rng=rng(seed))
        assert sorted(picks[:kinds] // copies) == list(range(kinds))
        assert (squares[kinds:] == 0.0).all()


def test_a_short_factor_in_double_precision_keeps_what_single_precision_would_lose(form: str) -> None:
    # e^-60 squares to e^-120, which is zero in float32
    residual = np.array([[np.exp(-60.0)], [np.exp(-61.0)], [0.0], [0.0]])
    embedding = np.ones((4, 2), np.float32)
    picks, squares = outer_product_seeds(residual, embedding, 2, rng=rng())
    assert picks[0] == 0
    assert squares[0] == pytest.approx(2.0 * np.exp(-120.0))
    assert squares[1] > 0.0


def test_the_largest_norm_comes_first_and_a_tie_is_drawn(form: str) -> None:
    residual = np.array([[1.0], [3.0], [-3.0], [2.0]])
    firsts = {int(outer_product_seeds(residual, np.ones((4, 1)), 1, rng=rng(k))[0][0]) for k in range(40)}
    assert firsts == {1, 2}  # each of the two is missed by 40 fair draws with chance 2^-39


def test_a_bias_is_one_constant_feature_more(form: str) -> None:
    residual, embedding = factors(300, 3, 5)
    extended = np.hstack([embedding, np.ones((300, 1))])
    picks, squares = outer_product_seeds(residual, embedding, 20, rng=rng(), bias=True)
    np.testing.assert_allclose(squares, squares_when_picked(products(residual, extended), picks), rtol=1e-9)


def test_the_first_centre_may_be_drawn_in_proportion_or_uniformly(form: str) -> None:
    # squares 0, 1 and 9: never the first in proportion; each of the two others is missed by 200 draws with
    # chance below 1e-9, as is each of three by uniform draws
    residual = np.array([[0.0], [1.0], [3.0]])
    drawn = {
        first: {
            int(outer_product_seeds(residual, np.ones((3, 1)), 1, rng=rng(k), first=first)[0][0])
            for k in range(200)
        }
        for first in ("norm", "uniform")
    }
    assert drawn == {"norm": {1, 2}, "uniform": {0, 1, 2}}


@pytest.mark.parametrize("copies", [1, 7, 300])
def test_copies_of_three_items_give_one_of_each_first(form: str, copies: int) -> None:
    residual = np.repeat(np.array([[1.0, -1.0], [0.5, -0.5], [-0.3, 0.3]], np.float32), copies, axis=0)
    embedding = np.repeat(rng(3).standard_normal((3, 17)).astype(np.float32), copies, axis=0)
    for seed in range(20):
        picks, _ = outer_product_seeds(residual, embedding, 3, rng=rng(seed))
        assert sorted(picks // copies) == [0, 1, 2]


def test_an_exhausted_pool_is_filled_without_repeats(form: str) -> None:
    residual = np.repeat(np.array([[1.0], [2.0]]), 50, axis=0)
    picks, squares = outer_product_seeds(residual, np.ones((100, 4)), 100, rng=rng())
    assert sorted(picks.tolist()) == list(range(100))
    assert (squares[:2] > 0.0).all()
    assert (squares[2:] == 0.0).all()


def test_the_fill_of_an_exhausted_pool_depends_on_the_generator(form: str) -> None:
    residual = np.zeros((1_000, 2))
    picks = {tuple(outer_product_seeds(residual, np.ones((1_000, 1)), 3, rng=rng(k))[0]) for k in range(5)}
    assert len(picks) == 5  # two of five uniform triples agree with chance 1e-8


def test_one_item_alone_is_picked(form: str) -> None:
    picks, squares = outer_product_seeds(np.array([[-0.5, 0.5]]), np.array([[2.0]]), 1, rng=rng())
    assert picks.tolist() == [0]
    assert squares.tolist() == [2.0]


@pytest.mark.parametrize("scale", [1e-140, 1e-30, 1e30])
def test_the_picks_do_not_depend_on_the_scale(form: str, scale: float) -> None:
    residual, embedding = factors(400, 3, 6)
    scale = 2.0 ** round(np.log2(scale))  # a power of two scales without rounding
    plain, _ = outer_product_seeds(residual, embedding, 50, rng=rng())
    scaled, _ = outer_product_seeds(residual, embedding * scale, 50, rng=rng())
    assert plain.tolist() == scaled.tolist()


def test_memory_mapped_read_only_input_is_left_alone(form: str, tmp_path: Path) -> None:
    residual, embedding = factors(500, 4, 9, np.float32)
    np.save(tmp_path / "embedding.npy", embedding)
    mapped = np.load(tmp_path / "embedding.npy", mmap_mode="r")
    expected, _ = outer_product_seeds(residual, embedding, 20, rng=rng())
    picks, _ = outer_product_seeds(residual, mapped, 20, rng=rng())
    assert picks.tolist() == expected.tolist()
    assert (mapped == embedding).all()


def test_columns_in_another_order_of_memory_are_read_alike(form: str) -> None:
    residual, embedding = factors(500, 4, 9)
    expected, _ = outer_product_seeds(residual, embedding, 20, rng=rng())
    picks, _ = outer_product_seeds(np.asfortranarray(residual), np.asfortranarray(embedding), 20, rng=rng())
    assert picks.tolist() == expected.tolist()


def test_the_first_centre_in_proportion_to_the_square_of_nothing_is_uniform(form: str) -> None:
    picks, _ = outer_product_seeds(np.zeros((3, 1)), np.ones((3, 1)), 3, rng=rng(), first="norm")
    assert sorted(picks.tolist()) == [0, 1, 2]


def test_norms_that_overflow_are_refused(form: str) -> None:
    with pytest.raises(SignalError, match=r"must fit into float64; received values up to inf"):
        outer_product_seeds(np.ones((2, 1)), np.full((2, 1), 1e200), 1, rng=rng())


def test_an_unknown_first_centre_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"'first' must be .*; received 'biggest'"):
        outer_product_seeds(np.ones((2, 1)), np.ones((2, 1)), 1, rng=rng(), first="biggest")  # type: ignore[arg-type]


@pytest.mark.parametrize("batch", [0, 3])
def test_a_batch_out_of_range_is_refused(batch: int) -> None:
    with pytest.raises(BatchSizeError, match=rf"between 1 and the 2 items at hand; received {batch}"):
        outer_product_seeds(np.ones((2, 1)), np.ones((2, 1)), batch, rng=rng())


def test_factors_of_unequal_length_are_refused() -> None:
    with pytest.raises(SignalError, match=r"'residual' says 2, 'embedding' has shape \(3, 1\)"):
        outer_product_seeds(np.ones((2, 1)), np.ones((3, 1)), 1, rng=rng())


@pytest.mark.parametrize("name", ["residual", "embedding"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_named_with_its_row(form: str, name: str, value: float) -> None:
    both = dict(zip(["residual", "embedding"], factors(60, 2, 3), strict=True))
    both[name][17, 1] = value
    with pytest.raises(SignalError, match=rf"'{name}' must be finite; row 17 holds nan or infinity"):
        outer_product_seeds(both["residual"], both["embedding"], 5, rng=rng())


def test_the_memory_beside_the_inputs_is_that_of_a_few_numbers_an_item(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # 28 bytes an item, four residuals in float64, the tree of sums, the centres: far from one distance for
    # every item and pick
    monkeypatch.setattr(seeding, "_PLAIN_WORK", 0)
    n, batch, width = 200_000, 50, 36
    residual, embedding = factors(n, 4, 32, np.float32)
    outer_product_seeds(residual, embedding, batch, rng=rng())  # compiles
    tracemalloc.start()
    outer_product_seeds(residual, embedding, batch, rng=rng())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < (30 + 4 * 8) * n + 8 * batch * width + 500_000


class AlmostOne(np.random.Generator):
    """Draws the largest number below one, every time."""

    def random(self, size: Any = None, *args: Any, **kwargs: Any) -> Any:
        largest = np.nextafter(1.0, 0.0)
        return largest if size is None else np.full(size, largest)


@pytest.mark.parametrize("n", [300, 1_000, 5_000])
def test_a_draw_at_the_very_end_of_the_weights_falls_on_an_item(form: str, n: int) -> None:
    # sums of sums round: the target may pass the end of the last block by a digit
    residual, embedding = factors(n, 3, 4)
    picks, squares = outer_product_seeds(residual, embedding, 100, rng=AlmostOne(np.random.PCG64(0)))
    assert len(set(picks.tolist())) == 100
    assert (squares > 0.0).all()


@pytest.mark.parametrize("bias", ["no", None, 1.0])
def test_a_bias_that_is_neither_yes_nor_no_is_refused(bias: Any) -> None:
    with pytest.raises(ParameterError, match=f"'bias' must be True or False; received {bias!r}"):
        outer_product_seeds(np.ones((2, 1)), np.ones((2, 1)), 1, rng=rng(), bias=bias)
