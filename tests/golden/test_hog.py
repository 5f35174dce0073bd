"""Images as histograms of gradients and colours: closed forms, kinds of pixels, refusals."""

import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel import arrays, classes
from nextlabel.core.rng import generator
from nextlabel.errors import LearnerError, MissingExtra, ParameterError
from nextlabel.learners.encode_images import Hog
from nextlabel.learners.encoder import Reader
from nextlabel.learners.sklearn import SklearnLearner

pytest.importorskip("skimage", reason="needs the extra: pip install 'nextlabel[app]'")

Images = NDArray[Any]
RNG = np.random.default_rng(7)
GREY = (RNG.random((3, 20, 24)) * 255).astype(np.uint8)
COLOUR = (RNG.random((3, 20, 24, 3)) * 255).astype(np.uint8)


def reader(items: Images, **settings: Any) -> Reader:
    made = Hog(**settings)
    return made.reader(made.learnt(lambda: iter([items])))


def rows(items: Images, of: Images | None = None, **settings: Any) -> NDArray[np.float32]:
    said: NDArray[np.float32] = reader(items if of is None else of, **settings).rows(items)
    return said


def unlike(*images: Images) -> Images:
    made = np.empty(len(images), dtype=object)
    made[:] = images
    return made


def test_an_upright_edge_has_gradients_in_the_first_orientation_alone() -> None:
    """One block of four cells, its edge between the left and the right ones.

    Gradients run along the rows, so all of them are in the bin of the orientation 0; every cell has the
    same. The block (g, g, g, g) has length 1 where each is 1/2; clipped at 0.2 all are equal, and become
    1/2 again.
    """
    image = np.zeros((1, 32, 32), np.uint8)
    image[:, :, 16:] = 255
    said = rows(image, size=32, cells=2)[0, :36].reshape(4, 9)
    np.testing.assert_allclose(said[:, 0], 0.5, atol=1e-6)
    assert not said[:, 1:].any()
    turned = rows(image.transpose(0, 2, 1), size=32, cells=2)[0, :36].reshape(4, 9)
    assert turned[:, 0].max() == 0.0
    assert np.sort(turned[0])[-2] == 0.0  # one bin again, that of the right angle


def test_gradients_do_not_see_brightness_nor_contrast() -> None:
    """At the size that they are brought to nothing is rounded: one has half the gradients of the other."""
    strong = (np.random.default_rng(1).integers(0, 64, (2, 64, 64)) * 4).astype(np.uint8)
    np.testing.assert_allclose(rows(40 + strong // 2)[:, :324], rows(strong)[:, :324], atol=1e-5)


def test_a_red_image_is_red_everywhere() -> None:
    """Sixteen means (1, 0, 0); hue in the first of 8 bins, saturation and brightness in the last of 4."""
    red = np.zeros((1, 12, 12, 3), np.uint8)
    red[..., 0] = 255
    said = rows(red)[0]
    assert not said[:324].any()
    np.testing.assert_array_equal(said[324:372].reshape(16, 3), [[1.0, 0.0, 0.0]] * 16)
    np.testing.assert_array_equal(said[372:], [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1])


def test_half_red_half_blue_are_two_roots_of_a_half() -> None:
    """Of 32 rows, one on each side of the border is mixed and may be of another hue."""
    halves = np.zeros((1, 64, 64, 3), np.uint8)
    halves[:, :32, :, 0] = 255
    halves[:, 32:, :, 2] = 255
    shares = np.square(rows(halves)[0][372:380])
    assert shares.sum() == pytest.approx(1.0)
    assert ((shares[[0, 5]] >= 15 / 32 - 1e-6) & (shares[[0, 5]] <= 16 / 32 + 1e-6)).all()


def test_colour_can_be_left_out() -> None:
    assert rows(COLOUR).shape == (3, 388)
    assert rows(COLOUR, uses_colour=False).shape == (3, 340)


@pytest.mark.parametrize("images", [GREY, COLOUR])
@pytest.mark.parametrize(
    "other",
    [
        lambda images: images / np.float32(255),
        lambda images: images / 255,
        lambda images: images.astype(np.uint16) << 8,
        lambda images: images.astype(np.int64),
        lambda images: images * 3.0,
    ],
    ids=["shares", "shares in double", "sixteen bits", "whole numbers", "other numbers"],
)
def test_the_same_image_in_other_numbers_has_the_same_features(images: Images, other: Any) -> None:
    """Numbers beyond shares have black and white learnt of them; these images have both, at least nearly."""
    whole = images.copy()
    whole[0].flat[:2] = 0, 255
    np.testing.assert_array_equal(rows(other(whole)), rows(whole))


def test_black_and_white_images_are_bytes_of_two_values() -> None:
    ink = GREY > 128
    np.testing.assert_array_equal(rows(ink), rows(ink.astype(np.uint8) * np.uint8(255)))


def test_a_last_axis_of_one_is_grey_and_a_fourth_channel_is_left_out() -> None:
    np.testing.assert_array_equal(rows(GREY[..., None]), rows(GREY))
    four = np.concatenate([COLOUR, COLOUR[..., :1]], axis=3)
    np.testing.assert_array_equal(rows(four), rows(COLOUR))


def test_images_of_unlike_sizes_are_features_of_one_length() -> None:
    mixed = unlike(COLOUR[0], COLOUR[1][:9, :7], COLOUR[2])
    said = rows(mixed)
    np.testing.assert_array_equal(said[[0, 2]], rows(COLOUR)[[0, 2]])
    assert said.shape == (3, 388)


def test_grey_among_coloured_has_grey_colours_and_coloured_among_grey_its_brightness() -> None:
    mixed = unlike(COLOUR[0], GREY[0])
    as_colour = np.repeat(GREY[:1, :, :, None], 3, axis=3)
    np.testing.assert_array_equal(rows(mixed)[1], rows(as_colour, of=mixed)[0])
    assert rows(COLOUR, of=GREY).shape == (3, 340)


def test_an_image_that_does_not_vary_is_its_brightness_and_no_images_are_no_rows() -> None:
    flat = np.full((1, 16, 16), 51, np.uint8)
    np.testing.assert_array_equal(rows(flat)[0], np.array([0.0] * 324 + [0.2] * 16, np.float32))
    assert reader(GREY).rows(GREY[:0]).shape == (0, 340)
    assert reader(COLOUR).rows(COLOUR[:0]).shape == (0, 388)


def test_an_image_does_not_depend_on_those_beside_it() -> None:
    said = reader(COLOUR)
    np.testing.assert_array_equal(
        np.concatenate([said.rows(COLOUR[[k]]) for k in range(3)]), said.rows(COLOUR)
    )


def test_pixels_beyond_those_learnt_of_are_black_and_white() -> None:
    known = np.linspace(0, 16, 2 * 64).reshape(2, 8, 8)
    np.testing.assert_array_equal(
        rows(known * 5 - 30, of=known), rows((known * 5 - 30).clip(0, 16), of=known)
    )


def test_shares_of_white_are_rounded_to_the_nearest_byte() -> None:
    nearly = np.full((1, 8, 8), 127.6 / 255)
    np.testing.assert_array_equal(rows(nearly), rows(np.full((1, 8, 8), 128, np.uint8)))


def test_colour_and_white_are_looked_for_in_every_piece() -> None:
    grey, coloured = unlike(GREY[0]), unlike(COLOUR[0])
    assert Hog().learnt(lambda: iter([grey, coloured]))["colour"]
    dark, light = GREY / 100, GREY / 10
    assert Hog().learnt(lambda: iter([dark, light]))["ends"].tolist() == [0.0, light.max()]
    shares = GREY / 255
    assert Hog().learnt(lambda: iter([shares, light]))["ends"].tolist() == [0.0, 1.0]  # as the first say


def test_a_learner_reads_images_without_labels_and_with() -> None:
    pool = arrays(np.concatenate([COLOUR, 255 - COLOUR]))
    learner = SklearnLearner(features="hog")
    none = np.array([], np.int64)
    opening = learner.fit(pool, none, none, np.arange(6), generator(0), task=classes("a", "b"))
    said = opening.signals(pool, np.arange(6), {"embedding"}, generator(0))
    np.testing.assert_array_equal(said["embedding"], rows(pool.items))
    model = learner.fit(
        pool, np.array([0, 3]), np.array([0, 1]), np.array([1, 2]), generator(0), task=classes("a", "b")
    )
    proba = model.signals(pool, np.array([0, 3]), {"proba"}, generator(0))["proba"]
    assert proba.argmax(axis=1).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 30, "cells": 4}, "multiple of the cells, twice as much at least; received 30 and 4"),
        ({"size": 8, "cells": 8}, "received 8 and 8"),
        ({"size": 4}, "'size' must be .* 8"),
        ({"cells": 1}, "'cells' must be .* 2"),
        ({"orientations": 1}, "'orientations' must be .* 2"),
        ({"uses_colour": 1}, "'uses_colour' must be"),
    ],
)
def test_settings_outside_their_range_are_refused(settings: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Hog(**settings)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (
            np.array(["a text"], dtype=object),
            r"images, axes \(h, w\) or \(h, w, 3\); received an item of shape \(\)",
        ),
        (np.ones((2, 5)), r"received an item of shape \(5,\) and type float64"),
        (np.ones((2, 5, 5, 2)), r"received an item of shape \(5, 5, 2\)"),
        (np.ones((2, 0, 5)), r"received an item of shape \(0, 5\)"),
        (np.array([[["a", "b"]]]), "type <U1"),
        (unlike(GREY[0], np.ones(3)), r"received an item of shape \(3,\)"),
    ],
)
def test_what_is_no_image_is_refused(items: Images, message: str) -> None:
    with pytest.raises(LearnerError, match=f"features='hog' takes {message}|{message}"):
        rows(items)


def test_pixels_that_are_not_finite_are_refused() -> None:
    holes = np.zeros((2, 5, 5))
    holes[1, 2, 2:4] = np.nan, np.inf
    with pytest.raises(LearnerError, match="must be finite; 2 of 25 of one are nan or infinite"):
        rows(holes)


@pytest.mark.parametrize(("module", "extra"), [("skimage.feature", "app"), ("PIL.Image", "data")])
def test_a_library_that_is_not_there_is_named(
    module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    library = module.partition(".")[0]
    with pytest.raises(
        MissingExtra, match=rf"features='hog' needs the library '{library}'.*'nextlabel\[{extra}\]'"
    ) as raised:
        rows(GREY)
    assert raised.value.extra == extra
