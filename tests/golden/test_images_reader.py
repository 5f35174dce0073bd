"""Folders of images as a pool: what is seen, what is refused, and when."""

import io
import os
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nextlabel.errors import ReaderError
from nextlabel.readers.images import images

RED = (254, 0, 0)
NOISE = np.random.default_rng(0).integers(0, 256, (8, 6, 3), np.uint8)


def save(path: Path, pixels: object = NOISE, **settings: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(np.asarray(pixels))
    image.save(path, **settings)  # type: ignore[arg-type]
    return path


def test_ids_are_paths_and_folders_a_column(tmp_path: Path) -> None:
    for name in ("b.png", "cat/2.png", "cat/old/1.png", "dog/A.PNG"):
        save(tmp_path / name)
    pool = images(tmp_path)
    assert list(pool.ids) == ["b.png", "cat/2.png", "cat/old/1.png", "dog/A.PNG"]
    assert pool.columns == {"folder": ["", "cat", "cat", "dog"]}


def test_pixels_are_given_from_zero_to_one(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    pool = images(tmp_path)
    taken = pool.take(np.array([0, 0]))
    assert taken.dtype == np.float32
    assert taken.shape == (2, 8, 6, 3)
    assert np.array_equal(taken[1], NOISE.astype(np.float32) / 255)
    shown = pool.show("a.png")
    assert shown.medium == "image"
    assert np.array_equal(shown.content, NOISE)


def test_a_size_that_all_have_is_stated_in_the_source(tmp_path: Path) -> None:
    save(tmp_path / "a.png", np.zeros((4, 6), np.uint8))
    save(tmp_path / "b.png", np.full((4, 6), 255, np.uint8))
    pool = images(tmp_path)
    assert pool.take(np.array([1])).shape == (1, 4, 6)
    assert pool.source is not None
    assert pool.source.params == {"path": str(tmp_path), "size": [4, 6], "grey": True}
    assert images(tmp_path, size=(2, 5)).take(np.array([1])).tolist() == [[[1.0] * 5] * 2]


def test_images_of_several_sizes_keep_theirs_unless_one_is_said(tmp_path: Path) -> None:
    save(tmp_path / "a.png", np.zeros((4, 6), np.uint8))
    save(tmp_path / "b.png", np.full((9, 3), 255, np.uint8))
    save(tmp_path / "c.png", np.full((300, 600), 255, np.uint8))
    pool = images(tmp_path)
    assert pool.source is not None
    assert pool.source.params == {"path": str(tmp_path), "grey": True}
    taken = pool.take(np.array([2, 1]))
    assert taken.dtype.kind == "O"
    assert taken.shape == (2,)
    assert [(one.shape, one.dtype, int(one.min())) for one in taken] == [
        ((128, 256), np.uint8, 255),  # no side above 256 pixels
        ((9, 3), np.uint8, 255),
    ]
    assert images(tmp_path, grey=False).take(np.array([0]))[0].shape == (4, 6, 3)
    assert pool.show("c.png").content.shape == (300, 600)
    assert images(tmp_path, size=(2, 5)).take(np.array([1])).tolist() == [[[1.0] * 5] * 2]


def test_one_image_in_colour_makes_all_so_unless_said(tmp_path: Path) -> None:
    save(tmp_path / "a.png", np.full((2, 2), 51, np.uint8))
    save(tmp_path / "b.png", np.full((2, 2, 3), RED, np.uint8))
    assert images(tmp_path).take(np.array([0]))[0, 0, 0].tolist() == pytest.approx([0.2] * 3)
    assert images(tmp_path, grey=True).take(np.array([0, 1])).shape == (2, 2, 2)
    assert images(tmp_path).fingerprint != images(tmp_path, grey=True).fingerprint


def test_a_picture_taken_on_its_side_is_turned(tmp_path: Path) -> None:
    pixels = np.zeros((2, 4, 3), np.uint8)
    pixels[:, 2:] = 255  # bright on the right; turned clockwise, at the foot
    exif = Image.Exif()
    exif[0x0112] = 6
    save(tmp_path / "a.png", pixels, exif=exif)
    pool = images(tmp_path)
    assert pool.size == (4, 2)
    assert pool.take(np.array([0]))[0, :, 0, 0].tolist() == [0, 0, 1, 1]
    assert pool.show("a.png").content[:, 0, 0].tolist() == [0, 0, 255, 255]


@pytest.mark.parametrize(
    ("mode", "colour", "seen"),
    [
        ("1", 1, 255),
        ("L", 7, 7),
        ("LA", (7, 0), 255),
        ("LA", (7, 255), 7),
        ("I;16", 0x1234, 0x12),
        ("RGB", RED, RED),
        ("RGBA", (*RED, 0), (255, 255, 255)),
        ("RGBA", (*RED, 255), RED),
        ("P", 0, (0, 0, 0)),
    ],
)
def test_every_kind_of_png_is_seen_as_a_person_sees_it(
    tmp_path: Path, mode: str, colour: int | tuple[int, ...], seen: int | tuple[int, ...]
) -> None:
    save(tmp_path / "a.png", Image.new(mode, (2, 2), colour))
    assert images(tmp_path).show("a.png").content[0, 0].tolist() == np.array(seen).tolist()


def test_cmyk_and_the_first_of_several_frames_are_seen(tmp_path: Path) -> None:
    save(tmp_path / "a.jpg", Image.new("CMYK", (8, 8), (0, 255, 255, 0)), quality=95)
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, "white")]
    frames[0].save(tmp_path / "b.gif", save_all=True, append_images=frames[1:])
    pool = images(tmp_path)
    for name in pool.ids:
        assert np.abs(pool.show(name).content.astype(int) - RED).max() <= 3  # a JPEG is not exact


@pytest.mark.parametrize("name", ["a.bmp", "a.gif", "a.jpeg", "a.pgm", "a.ppm", "a.tif", "a.tiff", "a.webp"])
def test_every_format_is_read(tmp_path: Path, name: str) -> None:
    save(tmp_path / name, np.full((4, 4), 255, np.uint8))
    assert images(tmp_path).take(np.array([0])).min() == 1


def test_other_and_hidden_files_are_passed_over(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    save(tmp_path / ".cache" / "b.png")
    (tmp_path / "._a.png").write_bytes(b"x")
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    (tmp_path / "drawing.svg").write_text("<svg/>", encoding="utf-8")
    assert list(images(tmp_path).ids) == ["a.png"]


def test_a_damaged_header_is_refused_at_once(tmp_path: Path) -> None:
    whole = save(tmp_path / "a.png").read_bytes()
    save(tmp_path / "cat" / "b.png")
    (tmp_path / "cat" / "b.png").write_bytes(whole[:40] + b"?" + whole[41:])
    with pytest.raises(ReaderError, match=r"file 2: 'cat/b\.png': .*Repair the image"):
        images(tmp_path)


@pytest.mark.parametrize("content", [b"", b"<svg onload='x()'/>", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_image_is_refused_at_once(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ReaderError, match=r"file 1: 'a\.png': it is not an image of the kinds BMP, GIF"):
        images(tmp_path)


def test_a_png_cut_short_is_refused_at_once(tmp_path: Path) -> None:
    whole = save(tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(whole[:-30])
    with pytest.raises(ReaderError, match=r"file 1: 'a\.png': "):
        images(tmp_path)


def test_an_image_broken_or_gone_later_is_named(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    file = save(tmp_path / "b.jpg", np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    file.write_bytes(file.read_bytes()[:2000])
    pool = images(tmp_path)
    attempts: list[Callable[[], object]] = [lambda: pool.take(np.array([0, 1])), lambda: pool.show("b.jpg")]
    for attempt in attempts:
        with pytest.raises(ReaderError, match=r"received 'b\.jpg' in .*truncated"):
            attempt()
    file.unlink()
    attempts = [lambda: pool.take(np.array([1])), lambda: pool.fingerprint]
    for attempt in attempts:
        with pytest.raises(ReaderError, match=r"received 'b\.jpg' in .*there is no such file"):
            attempt()


@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (10_000, 8_000)])
def test_an_image_too_large_for_the_memory_is_refused_undecoded(
    tmp_path: Path, width: int, height: int
) -> None:
    whole = bytearray(save(tmp_path / "a.png").read_bytes())
    whole[16:24] = struct.pack(">2I", width, height)  # a header may say anything
    whole[29:33] = struct.pack(">I", zlib.crc32(whole[12:29]))
    (tmp_path / "a.png").write_bytes(whole)
    with pytest.raises(ReaderError, match=r"file 1: 'a\.png': it has more than 67,108,864 pixels"):
        images(tmp_path)


@pytest.mark.parametrize("folder", [False, True])
def test_a_link_that_leads_out_is_refused(tmp_path: Path, folder: bool) -> None:
    save(tmp_path / "photos" / "a.png")
    secret = save(tmp_path / "secret" / "b.png")
    (tmp_path / "photos" / "link.png").symlink_to(secret.parent if folder else secret)
    with pytest.raises(
        ReaderError, match=r"'link\.png': it leads out of the folder\. Name a file in the folder"
    ):
        images(tmp_path / "photos")


def test_a_link_that_stays_within_is_an_image_and_a_loop_is_none(tmp_path: Path) -> None:
    file = save(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to(file)
    (tmp_path / "again").symlink_to(tmp_path)
    assert list(images(tmp_path).ids) == ["a.png", "b.png"]


@pytest.mark.parametrize("target", ["nowhere.png", "link.png"])
def test_a_link_that_leads_nowhere_is_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "link.png").symlink_to(tmp_path / target)
    with pytest.raises(
        ReaderError, match=r"'link\.png': (there is no such file|it is no path of a file \(Symlink loop)"
    ):
        images(tmp_path)


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = save(tmp_path / "a.png")
    try:
        file.rename(tmp_path / "tea\udce9.png")
    except OSError:
        pytest.skip("this file system takes only names in UTF-8")
    with pytest.raises(ReaderError, match=r"'tea\\udce9\.png': the name is no text"):
        images(tmp_path)


@pytest.mark.parametrize("size", [(0, 3), (3,), (3, 4, 3), (2.5, 3)])
def test_a_size_that_is_none_is_refused(tmp_path: Path, size: tuple[int, ...]) -> None:
    save(tmp_path / "a.png")
    with pytest.raises(ReaderError, match=re.escape(f"height and width; received {size!r}")):
        images(tmp_path, size=size)


def test_a_size_too_large_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    with pytest.raises(ReaderError, match=r"received the size \(10000, 10000\)"):
        images(tmp_path, size=(10_000, 10_000))


def test_images_that_cannot_be_read_are_left_out_where_that_is_said(tmp_path: Path) -> None:
    for name in ("a.png", "cat/b.png", "d.png"):
        save(tmp_path / name)
    (tmp_path / "cat" / "b.png").write_bytes(b"<svg onload='alert(1)'/>")
    (tmp_path / "c.png").symlink_to("/etc/passwd")
    with pytest.raises(ReaderError, match="received 2 of") as raised:
        images(tmp_path)
    assert [(one.line, one.what) for one in raised.value.faults] == [(2, "path"), (3, "image")]
    pool = images(tmp_path, skip_faulty=True)
    assert list(pool.ids) == ["a.png", "d.png"]
    assert [one.line for one in pool.faults] == [2, 3]
    assert pool.columns == {"folder": ["", ""]}
    assert pool.source is not None
    assert pool.source.params["skip_faulty"] is True


@pytest.mark.parametrize("kind", ["JPEG", "GIF", "BMP", "WEBP"])
def test_what_a_file_is_its_content_says(tmp_path: Path, kind: str) -> None:
    save(tmp_path / "a.png", np.full((8, 8, 3), 255, np.uint8), format=kind)
    assert images(tmp_path).take(np.array([0])).min() == 1


@pytest.mark.parametrize("kind", ["ICNS", "EPS", "PDF", "PCX", "TGA"])
def test_other_formats_are_refused_whatever_they_are_called(tmp_path: Path, kind: str) -> None:
    save(tmp_path / "a.png", np.full((16, 16, 3), 255, np.uint8), format=kind)
    with pytest.raises(ReaderError, match=r"'a\.png': it is not an image of the kinds BMP, GIF, JPEG, PNG"):
        images(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with a name")
def test_a_pipe_named_as_an_image_does_not_hold_the_reader_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(ReaderError, match=r"'a\.png': it is no file"):
        images(tmp_path)


def read_again(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


@pytest.mark.parametrize(
    ("name", "mode", "colour", "mime", "seen"),
    [
        ("a.jpg", "RGB", RED, "image/jpeg", RED),
        ("a.jpg", "CMYK", (0, 255, 255, 0), "image/jpeg", RED),
        ("a.png", "RGBA", (*RED, 0), "image/png", (255, 255, 255)),
        ("a.png", "I;16", 0x1234, "image/png", 0x12),
        ("a.png", "P", 0, "image/png", (0, 0, 0)),
        ("a.gif", "RGB", RED, "image/png", RED),
        ("a.tif", "RGB", RED, "image/png", RED),
        ("a.webp", "RGB", RED, "image/jpeg", RED),
    ],
)
def test_a_picture_for_a_page_is_written_anew(
    tmp_path: Path, name: str, mode: str, colour: Any, mime: str, seen: Any
) -> None:
    save(tmp_path / name, Image.new(mode, (40, 20), colour))
    content, said = images(tmp_path).picture(0, 30)
    image = read_again(content)
    assert (said, image.size) == (mime, (30, 15))
    near = np.abs(np.array(image.getpixel((3, 3)), int) - np.array(seen, int))
    assert near.max() <= (6 if mime == "image/jpeg" else 0)  # a JPEG is not exact


def test_a_picture_for_a_page_is_turned_and_says_nothing_of_its_file(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "SECRET place"
    for name, settings in (("a.jpg", {"comment": b"SECRET"}), ("b.png", {})):
        save(
            tmp_path / name, np.zeros((20, 40, 3), np.uint8), exif=exif, icc_profile=b"SECRET" * 9, **settings
        )
    pool = images(tmp_path)
    for position in (0, 1):
        assert b"SECRET" in pool.path(position).read_bytes()
        content, _ = pool.picture(position, 400)
        assert b"SECRET" not in content
        assert read_again(content).size == (20, 40)
        assert not read_again(content).getexif()


def test_a_long_thin_picture_keeps_a_pixel(tmp_path: Path) -> None:
    save(tmp_path / "a.png", np.zeros((1, 3000), np.uint8))
    assert read_again(images(tmp_path).picture(0, 100)[0]).size == (100, 1)


def test_a_file_that_has_become_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "photos" / "a.png")
    pool = images(tmp_path / "photos")
    save(tmp_path / "secret.png")
    (tmp_path / "photos" / "a.png").unlink()
    (tmp_path / "photos" / "a.png").symlink_to(tmp_path / "secret.png")
    attempts: list[Callable[[], object]] = [
        lambda: pool.path(0),
        lambda: pool.picture(0, 10),
        lambda: pool.show("a.png"),
        lambda: pool.take(np.array([0])),
        lambda: pool.fingerprint,
    ]
    for attempt in attempts:
        with pytest.raises(ReaderError, match=r"received 'a\.png' in .*: it leads out of the folder"):
            attempt()
