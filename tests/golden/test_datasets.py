"""Public sets hold what their publishers say; a set whose files are not here is skipped."""

import gzip
import hashlib
import io
import pickle
import struct
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import pytest

from nextlabel import build
from nextlabel.core.dataset import Dataset
from nextlabel.datasets.cifar import assembled, unpacked
from nextlabel.datasets.generators import diverging_sine, honeypot
from nextlabel.datasets.listing import Listing, PublishedFile
from nextlabel.datasets.places import find, folders, read
from nextlabel.datasets.tables import load
from nextlabel.datasets.uci import ALL, Table
from nextlabel.errors import DatasetMissing, DigestError, ParameterError


def here(name: str) -> Dataset:
    try:
        made = build("dataset", name)
    except DatasetMissing as missing:
        pytest.skip(str(missing))
    assert isinstance(made, Dataset)
    return made


def counts(dataset: Dataset, *, test: bool = False) -> dict[str, int]:
    """How many items of each class are outside, or inside, the official test part."""
    inside = np.zeros(len(dataset.labels), dtype=bool)
    inside[[] if dataset.test is None else dataset.test] = True
    found = np.bincount(dataset.labels[inside == test], minlength=len(dataset.task.classes))
    return dict(zip(dataset.task.classes, found.tolist(), strict=True))


def test_mnist_holds_the_published_numbers_of_each_digit() -> None:
    mnist = here("mnist")
    assert counts(mnist) == dict(
        zip("0123456789", [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949], strict=True)
    )
    assert min(counts(mnist, test=True).values()) == 892
    assert max(counts(mnist, test=True).values()) == 1135


def test_images_are_numbers_from_zero_to_one_and_shown_in_bytes() -> None:
    fashion = here("fashion_mnist")
    taken = fashion.pool.take(np.array([0, 69_999]))
    assert taken.dtype == np.float32
    assert taken.shape == (2, 28, 28)
    assert (taken.min(), taken.max()) == (0.0, 1.0)
    shown = fashion.pool.show("test-09999").content
    assert shown.dtype == np.uint8
    assert np.array_equal(shown / np.float32(255.0), taken[1])
    assert set(counts(fashion).values()) == {6000}


def test_the_subset_of_cifar10_has_1500_a_class_and_keeps_the_original_positions() -> None:
    subset = here("cifar10_15k")
    assert set(counts(subset).values()) == {1500}
    assert set(counts(subset, test=True).values()) == {1000}
    assert subset.pool.columns["filename"][0] == "leptodactylus_pentadactylus_s_000004.png"
    assert (subset.pool.ids[15_000], subset.pool.columns["filename"][15_000]) == (
        "test-00000",
        "domestic_cat_s_000907.png",
    )
    assert subset.task.classes[subset.labels[15_000]] == "cat"
    # The published means of the channels over all images; a class-balanced sample of 25,000 is near.
    means = subset.pool.take(np.arange(0, 25_000, 5)).mean(axis=(0, 1, 2))
    assert np.abs(means - [0.4914, 0.4822, 0.4465]).max() < 0.02


def test_trec_holds_the_published_numbers_of_each_type() -> None:
    trec = here("trec")
    assert trec.task.classes == ("ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM")  # codespell:ignore
    assert list(counts(trec).values()) == [86, 1162, 1250, 1223, 835, 896]
    assert list(counts(trec, test=True).values()) == [9, 138, 94, 65, 81, 113]
    assert trec.pool.show("test-0000").content == "How far is it from Denver to Aspen ?"
    assert len(set(trec.pool.columns["fine"][:5452])) == 47  # names; 50 together with the coarse ones


@pytest.mark.parametrize(
    ("name", "pool", "test"),
    [
        ("rt_polarity", {"negative": 5331, "positive": 5331}, {"negative": 0, "positive": 0}),
        ("sst2", {"negative": 3310, "positive": 3610}, {"negative": 912, "positive": 909}),
        ("sms_spam", {"ham": 4827, "spam": 747}, {"ham": 0, "spam": 0}),
    ],
)
def test_texts_of_two_classes_hold_the_published_numbers(
    name: str, pool: dict[str, int], test: dict[str, int]
) -> None:
    dataset = here(name)
    assert (counts(dataset), counts(dataset, test=True)) == (pool, test)


def test_banking77_has_forty_questions_of_each_intent_to_test_on() -> None:
    banking = here("banking77")
    assert (min(counts(banking).values()), max(counts(banking).values())) == (35, 187)
    assert set(counts(banking, test=True).values()) == {40}
    assert banking.pool.show("train-00000").content == "I am still waiting on my card?"


def test_news_of_the_sample_and_of_the_test_part_look_alike() -> None:
    news = here("ag_news_5k")
    assert counts(news, test=True) == {"World": 1900, "Sports": 1900, "Business": 1900, "Sci/Tech": 1900}
    assert sum(counts(news).values()) == 5000
    assert news.pool.show("train-0000").content.startswith("BEA buzzing about Beehive BURLINGAME, CALIF.--")
    assert news.pool.show("test-0000").content.startswith("Fears for T N pension after talks Unions")


def test_newsgroups_are_split_by_date_and_name_no_group_in_their_headers() -> None:
    posts = here("20newsgroups")
    assert (sum(counts(posts).values()), sum(counts(posts, test=True).values())) == (11_314, 7_532)
    assert min(counts(posts).values()) == 377
    text = posts.pool.show("test/alt.atheism/53068").content
    assert text.startswith("From: decay@cbnewsj.cb.att.com")
    assert "\nNewsgroups:" not in text.partition("\n\n")[0]


def test_letter_is_balanced_nearly_and_the_first_row_is_a_t_less_z() -> None:
    letter = here("letter")
    assert counts(letter)["U"] == 813
    assert counts(letter)["H"] == 734
    assert letter.pool.take(np.array([0])).tolist() == [[2, 4, 4, 3, 2, 7, 8, 2, 9, 11, 7, 7, 1, 8, 5, 6]]
    assert letter.task.classes[letter.labels[0]] == "Z"


def test_the_test_part_of_optdigits_is_the_set_that_scikit_learn_bundles() -> None:
    optdigits, bundled = here("optdigits"), build("dataset", "digits")
    assert optdigits.test is not None
    pixels = bundled.pool.take(np.arange(1797)).reshape(1797, 64) * 16.0
    assert np.array_equal(optdigits.pool.take(optdigits.test), pixels)
    assert np.array_equal(optdigits.labels[optdigits.test], bundled.labels)


def test_splice_leaves_the_name_of_an_instance_out_of_its_features() -> None:
    splice = here("splice")
    assert counts(splice) == {"EI": 767, "IE": 768, "N": 1655}
    row = splice.pool.show("splice-00000").content
    assert len(row) == 60
    assert "".join(row.values()).startswith("CCAGCTGCATCACAGGAGGCC")
    assert splice.pool.columns["Instance_name"][0] == "ATRINS-DONOR-521"


def test_vowels_are_split_by_speaker() -> None:
    vowel = here("vowel")
    assert vowel.test is not None
    speakers = vowel.pool.take(np.arange(990))[:, 0]
    assert len(vowel.test) == 462
    assert not set(speakers[vowel.test]) & set(np.delete(speakers, vowel.test))


def a_table(
    folder: Path, text: str, *, nominal: tuple[str, ...] = (), aside: str = "", last: int = 0
) -> Table:
    """A table of our own, as a published file in a folder of data sets."""
    (folder / "uci").mkdir()
    packed = gzip.compress(text.encode())
    (folder / "uci" / "toys.csv.gz").write_bytes(packed)
    digest = hashlib.sha256(packed).hexdigest()
    return Table("toys", 3, 2, "kind", len(packed), digest, "toys", nominal=nominal, aside=aside, last=last)


TOYS = "colour,weight,name,kind\nred,1.5,a,car\n?,?,b,car\nblue,3,c,ball\ndamaged,row\n"


def test_names_stay_texts_and_what_is_missing_is_none_or_nan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTLABEL_DATA", str(tmp_path))
    toys = load(a_table(tmp_path, TOYS, nominal=("colour",), aside="name"))
    rows = toys.pool.take(np.arange(3))
    assert rows[:, 0].tolist() == ["red", None, "blue"]
    assert rows[[0, 2], 1].tolist() == [1.5, 3.0]
    assert np.isnan(rows[1, 1])
    assert toys.task.classes == ("ball", "car")
    assert toys.labels.tolist() == [1, 1, 0]
    assert toys.pool.columns == {"name": ("a", "b", "c")}
    assert toys.pool.show("toys-00002").content == {"colour": "blue", "weight": 3.0}
    assert toys.test is None


def test_a_table_of_numbers_is_an_array_of_numbers_and_may_end_with_its_test_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTLABEL_DATA", str(tmp_path))
    toys = load(a_table(tmp_path, "a,kind\n1,x\n2,y\n2.5,x\n", last=1))
    assert toys.pool.take(np.arange(3)).dtype == np.float64
    assert toys.test is not None
    assert toys.test.tolist() == [2]


def test_digits_that_are_names_stay_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTLABEL_DATA", str(tmp_path))
    toys = load(a_table(tmp_path, "a,kind\n1,x\n2,y\n2,x\n", nominal=ALL))
    assert toys.pool.take(np.arange(3)).tolist() == [["1"], ["2"], ["2"]]


LISTING = Listing(
    name="toys",
    items=1,
    classes=1,
    medium="text",
    description="a text",
    licence="none",
    citation="none",
    folder="toys",
    files=(PublishedFile("one.txt", 3, md5=hashlib.md5(b"one", usedforsecurity=False).hexdigest()),),
)


def test_a_file_is_looked_for_in_the_named_folder_and_then_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTLABEL_DATA", str(tmp_path / "named"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    named, cached = (folder / "toys" / "one.txt" for folder in folders())
    assert find(LISTING, LISTING.files[0]) is None
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"one")
    assert (find(LISTING, LISTING.files[0]), read(LISTING, "one.txt")) == (cached, b"one")
    named.parent.mkdir(parents=True)
    named.write_bytes(b"one")
    assert find(LISTING, LISTING.files[0]) == named
    monkeypatch.delenv("NEXTLABEL_DATA")
    assert find(LISTING, LISTING.files[0]) == cached


def test_a_missing_file_is_named_with_its_folders_and_the_way_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTLABEL_DATA", str(tmp_path))
    with pytest.raises(
        DatasetMissing, match=rf"'mnist' needs the file train-images.*{tmp_path}/mnist and .*"
    ) as one:
        build("dataset", "mnist")
    assert str(one.value).endswith("Fetch it with: nextlabel data fetch mnist.")
    with pytest.raises(
        DatasetMissing, match=r"No public address .* that holds uci/letter\.csv\.gz\. Our copy .*arff"
    ):
        build("dataset", "letter")


def test_another_file_under_the_same_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTLABEL_DATA", str(tmp_path))
    (tmp_path / "toys").mkdir()
    (tmp_path / "toys" / "one.txt").write_bytes(b"two!")
    said = (
        rf"one.txt must have 3 bytes and the digest {LISTING.files[0].md5}; {tmp_path}\S+ has 4 bytes and \w+"
    )
    with pytest.raises(DigestError, match=said):
        read(LISTING, "one.txt")


def test_a_published_file_has_a_digest() -> None:
    with pytest.raises(ParameterError, match=r"needs a SHA-256 or an MD5 .* 'one\.txt' has neither"):
        PublishedFile("one.txt", 3)


class Python2Pickler(pickle._Pickler):
    """Writes texts and bytes as Python 2 did, in which the archive was made."""

    dispatch = pickle._Pickler.dispatch.copy()

    def save_string(self, value: bytes | str) -> None:
        written = value.encode("latin-1") if isinstance(value, str) else value
        self.write(pickle.BINSTRING + struct.pack("<i", len(written)) + written)  # type: ignore[attr-defined]
        self.memoize(value)  # type: ignore[attr-defined]

    dispatch[bytes] = dispatch[str] = save_string  # type: ignore[assignment]


def an_archive(**batches: object) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as members:
        for name, batch in batches.items():
            pickled = io.BytesIO()
            Python2Pickler(pickled, protocol=2, fix_imports=False).dump(batch)
            content = pickled.getvalue().replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
            head = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            head.size = len(content)
            members.addfile(head, io.BytesIO(content))
    return packed.getvalue()


def a_batch(value: int) -> dict[str, object]:
    return {"data": np.full((2, 3072), value, np.uint8), "labels": [0, 9], "filenames": ["a.png", "b.png"]}


NAMES = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]


def test_the_batches_of_cifar10_come_in_their_order() -> None:
    archive = an_archive(**{name: a_batch(value) for value, name in reversed(list(enumerate(NAMES)))})
    batches = unpacked(archive)
    assert [int(batch["data"][0, 0]) for batch in batches] == [0, 1, 2, 3, 4, 5]
    assert batches[5]["labels"] == [0, 9]
    photographs = assembled(batches)
    assert photographs.pool.ids[-3:] == ["train-00009", "test-00000", "test-00001"]
    assert photographs.labels.tolist() == [0, 9] * 6
    assert photographs.test is not None
    assert photographs.test.tolist() == [10, 11]
    assert photographs.pool.columns["filename"][:2] == ["a.png", "b.png"]


def test_the_planes_of_colour_become_the_last_axis() -> None:
    batch = a_batch(0)
    planes = np.zeros((2, 3, 32, 32), np.uint8)
    planes[1, 2, 5, 7] = 255  # the blue of row 5, column 7
    batch["data"] = planes.reshape(2, 3072)
    items = assembled([batch, a_batch(0)]).pool.take(np.array([1]))
    assert np.argwhere(items).tolist() == [[0, 5, 7, 2]]


def test_an_archive_without_a_batch_is_refused() -> None:
    with pytest.raises(DigestError, match="it lacks data_batch_2, data_batch_3"):
        unpacked(an_archive(data_batch_1=a_batch(0)))


def test_a_pickle_that_asks_for_more_than_arrays_is_refused() -> None:
    with pytest.raises(DigestError, match=r"lists and texts; it asks for subprocess\.Popen"):
        unpacked(an_archive(data_batch_1=subprocess.Popen))


@pytest.mark.parametrize(("made", "items"), [(honeypot, 600), (diverging_sine, 200)])
def test_made_points_fill_the_unit_square_and_follow_the_seed(made: object, items: int) -> None:
    assert callable(made)
    one, same, other = made(seed=1), made(seed=1), made(seed=2)
    points = one.pool.take(np.arange(items))
    assert points.shape == (items, 2)
    assert (points.min(axis=0).tolist(), points.max(axis=0).tolist()) == ([0.0, 0.0], [1.0, 1.0])
    assert one.pool.fingerprint == same.pool.fingerprint != other.pool.fingerprint
    assert one.pool.source.params == {"seed": 1}
    assert set(counts(one).values()) == {items // 2}


@pytest.mark.parametrize("name", ["honeypot", "diverging_sine"])
def test_a_seed_below_zero_is_refused(name: str) -> None:
    with pytest.raises(ParameterError, match="received -1"):
        build("dataset", {"name": name, "seed": -1})
