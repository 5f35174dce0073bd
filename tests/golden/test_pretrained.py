"""Encoders trained elsewhere: tiny ones made here, read from files, computed once, never run as code."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel import arrays, build, classes
from nextlabel.core.progress import reporting
from nextlabel.core.rng import generator
from nextlabel.errors import LearnerError
from nextlabel.learners import encode_pretrained
from nextlabel.learners.encode_pretrained import Pretrained
from nextlabel.learners.sklearn import SklearnLearner
from nextlabel.testing.tiny_encoders import WORDS, tiny_image_encoder, tiny_text_encoder

torch = pytest.importorskip("torch", reason="needs the extra: pip install 'nextlabel[huggingface]'")
transformers: Any = pytest.importorskip(
    "transformers", reason="needs the extra: pip install 'nextlabel[huggingface]'"
)

TEXTS = np.array(
    ["a red cat", "the blue dogs", "", "cats", *(" a dog" * n for n in range(1, 37))], dtype=object
)
PIXELS = (np.random.default_rng(3).random((12, 9, 11, 3)) * 255).astype(np.uint8)
VOCABULARY = 5 + len(WORDS)
TASK = classes("x", "y")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NEXTLABEL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_text_encoder(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="session")
def vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_image_encoder(tmp_path_factory.mktemp("vit"))


def own(settings: Pretrained, items: NDArray[Any]) -> NDArray[np.float32]:
    """The vectors as the model gives them, without centring."""
    network = settings._network()
    said: NDArray[np.float32] = encode_pretrained._Vectors(settings, network.digest).of(items)
    return said


def rows(settings: Pretrained, items: NDArray[Any], of: NDArray[Any] | None = None) -> NDArray[np.float32]:
    learnt = settings.learnt(lambda: iter([items if of is None else of]))
    said: NDArray[np.float32] = settings.reader(learnt).rows(items)
    return said


def by_hand(folder: Path, text: str) -> NDArray[Any]:
    """The last layer of one text by itself, without padding: axes (tokens, d)."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        inputs = tokenizer([text], return_tensors="pt", truncation=True, max_length=64)
        states: NDArray[Any] = model(**inputs).last_hidden_state[0].numpy()
    return states


@pytest.mark.parametrize("pooling", [None, "mean", "cls"])
def test_the_vector_of_a_text_is_the_mean_or_the_first_of_its_tokens(pooling: str | None, bert: Path) -> None:
    """Padding adds 1e-7 to attention at most; a token counted too many would add hundredths."""
    said = own(Pretrained(str(bert), pooling=pooling), TEXTS)
    for text, vector in zip(TEXTS[[0, 1, 2, 20, 39]], said[[0, 1, 2, 20, 39]], strict=True):
        states = by_hand(bert, text)
        expected = states[0] if pooling == "cls" else states.mean(axis=0)
        np.testing.assert_allclose(vector, expected, atol=1e-5)


def test_the_vector_of_an_image_is_the_first_where_the_model_learns_one(vit: Path) -> None:
    model = transformers.AutoModel.from_pretrained(vit).eval()
    processor = transformers.AutoImageProcessor.from_pretrained(vit, backend="pil")
    from PIL import Image

    with torch.no_grad():
        read = processor(images=[Image.fromarray(one) for one in PIXELS], return_tensors="pt")
        states = model(**read).last_hidden_state.numpy()
    np.testing.assert_allclose(own(Pretrained(str(vit)), PIXELS), states[:, 0], atol=1e-5)
    np.testing.assert_allclose(
        own(Pretrained(str(vit), pooling="mean"), PIXELS), states.mean(axis=1), atol=1e-5
    )


def test_the_same_image_in_shares_of_white_has_the_same_vector(vit: Path) -> None:
    settings = Pretrained(str(vit))
    np.testing.assert_array_equal(own(settings, PIXELS), own(settings, PIXELS / np.float32(255)))


@pytest.mark.parametrize("kind", ["bert", "vit"])
def test_a_vector_does_not_depend_on_those_beside_it(
    kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whatever is computed together: pieces have one shape, filled up where they are short.

    Up to rounding: with several threads a matrix product may be split at other rows. Allowed are 64 roundings
    of float32 at the size of the largest entry; items of one pool differ by far more, which is asserted too.
    """
    settings = Pretrained(str(request.getfixturevalue(kind)), chunk=4, device="cpu")
    items = TEXTS if kind == "bert" else PIXELS
    together = own(settings, items)
    monkeypatch.setenv("NEXTLABEL_CACHE", str(tmp_path / "another"))
    turned = [own(settings, items[place : place + 1])[0] for place in range(len(items))[::-1]][::-1]
    allowed = 64 * float(np.finfo(np.float32).eps) * float(np.abs(together).max())
    np.testing.assert_allclose(turned, together, rtol=0, atol=allowed)
    assert np.abs(np.diff(together, axis=0)).max() > 1000 * allowed


def test_the_model_is_given_pieces_of_one_size() -> None:
    """Filled up with their last item: a matrix product may be rounded otherwise where it has fewer rows."""
    from nextlabel.learners.huggingface import Network

    made = list(Network(Pretrained("/", chunk=4))._chunks(list(range(10))))
    assert [places for places, _ in made] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert [filled for _, filled in made] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 9, 9]]


def test_vectors_are_centred_and_of_mean_squared_length_nine(bert: Path) -> None:
    said = rows(Pretrained(str(bert)), TEXTS).astype(np.float64)
    np.testing.assert_allclose(said.mean(axis=0), 0.0, atol=1e-5)
    assert (said**2).sum(axis=1).mean() == pytest.approx(9.0, rel=1e-5)
    plain = own(Pretrained(str(bert)), TEXTS)
    between = np.linalg.norm(plain[0] - plain[1]) / np.linalg.norm(plain[2] - plain[3])
    assert np.linalg.norm(said[0] - said[1]) / np.linalg.norm(said[2] - said[3]) == pytest.approx(
        between, rel=1e-4
    )


def test_equal_items_are_zeros(bert: Path) -> None:
    same = np.array(["a cat"] * 3, dtype=object)
    assert np.abs(rows(Pretrained(str(bert)), same)).max() < 1e-5


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    from nextlabel.learners.huggingface import Network

    computed: list[int] = []
    plain = Network.vectors

    def count(network: Any, contents: Any) -> Any:
        computed.append(len(contents))
        return plain(network, contents)

    monkeypatch.setattr(Network, "vectors", count)
    return computed


def test_every_vector_is_computed_once(bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    computed = counted(monkeypatch)
    settings = Pretrained(str(bert))
    rows(settings, np.concatenate([TEXTS, TEXTS]))
    rows(settings, TEXTS)
    assert computed == [len(TEXTS)]
    rows(settings, np.array([*TEXTS, "a new dog"], dtype=object))
    assert computed == [len(TEXTS), 1]
    own(Pretrained(str(bert), chunk=3), TEXTS)  # how many at once, and where, is not in the key
    assert computed == [len(TEXTS), 1]
    own(Pretrained(str(bert), longest=16), TEXTS)
    own(Pretrained(str(bert), pooling="cls"), TEXTS)
    assert computed == [len(TEXTS), 1, len(TEXTS), len(TEXTS)]


def test_images_of_the_same_bytes_and_other_shapes_are_others(vit: Path) -> None:
    wide, high = PIXELS[0], PIXELS[0].reshape(11, 9, 3)
    both = np.empty(2, dtype=object)
    both[:] = [wide, high]
    said = own(Pretrained(str(vit)), both)
    assert np.abs(said[0] - said[1]).max() > 1e-3


def test_a_cache_that_was_damaged_is_computed_again(bert: Path, cache: Path) -> None:
    before = own(Pretrained(str(bert)), TEXTS)
    (file,) = (cache / "vectors").iterdir()
    file.write_bytes(b"torn" * 5000)
    np.testing.assert_array_equal(own(Pretrained(str(bert)), TEXTS), before)


ENCODES = """
import os, sys
import numpy as np
from nextlabel import arrays, classes
from nextlabel.core.progress import reporting
from nextlabel.core.rng import generator
from nextlabel.learners import encode_pretrained
from nextlabel.learners.sklearn import SklearnLearner
encode_pretrained.Pretrained.piece = 8
pool = arrays(np.array([f"a {'dog ' * (n % 7)}cat {n}" for n in range(40)], dtype=object))
def heard(what, done, of):
    if done == 24:
        os.kill(os.getpid(), 9)
with reporting(heard):
    SklearnLearner(features={"name": "encoder", "path": sys.argv[1]}).fit(
        pool, np.array([0, 1]), np.array([0, 1]), np.arange(2, 40), generator(0), task=classes("x", "y"))
"""


def test_what_a_killed_process_has_encoded_is_not_encoded_again(
    bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed when 24 of 40 are reported: these are kept."""
    ended = subprocess.run([sys.executable, "-c", ENCODES, str(bert)], check=False, capture_output=True)
    assert ended.returncode == -9, ended.stderr
    computed = counted(monkeypatch)
    items = np.array([f"a {'dog ' * (n % 7)}cat {n}" for n in range(40)], dtype=object)
    own(Pretrained(str(bert)), items)
    assert computed == [16]


def test_progress_is_told_while_items_are_encoded(bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pretrained, "piece", 16)
    heard: list[tuple[str, int, int]] = []
    with reporting(lambda *said: heard.append(said)):
        fit(bert, TEXTS)
    assert heard[:3] == [("features 'encoder'", done, 40) for done in (16, 32, 40)]


def fit(folder: Path, items: NDArray[Any], previous: Any = None, **settings: Any) -> Any:
    learner = SklearnLearner(features={"name": "encoder", "path": str(folder), **settings})
    n = len(items)
    return learner.fit(
        arrays(items),
        np.arange(4),
        np.array([0, 1, 0, 1]),
        np.arange(4, n),
        generator(0),
        task=TASK,
        previous=previous,
    )


def test_there_is_an_embedding_before_any_label(bert: Path) -> None:
    learner = build("learner", {"name": "sklearn", "features": {"name": "encoder", "path": str(bert)}})
    assert learner.provides_without_labels == {"embedding"}
    none = np.array([], np.int64)
    pool = arrays(TEXTS)
    model = learner.fit(pool, none, none, np.arange(40), generator(0), task=TASK)
    said = model.signals(pool, np.arange(40), {"embedding"}, generator(0))
    np.testing.assert_array_equal(said["embedding"], rows(Pretrained(str(bert)), TEXTS))


def test_a_saved_model_needs_the_encoder_for_new_items_alone(bert: Path, tmp_path: Path, cache: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(bert, moved)
    model = fit(moved, TEXTS)
    learner = SklearnLearner(features={"name": "encoder", "path": str(moved)})
    model.save(tmp_path / "model")
    shutil.rmtree(moved)
    loaded = learner.load(tmp_path / "model")
    assert loaded.fingerprint == model.fingerprint
    pool = arrays(TEXTS)
    for one in (loaded, model):
        said = one.signals(pool, np.arange(40), {"proba"}, generator(0))["proba"]
        assert said.shape == (40, 2)
    with pytest.raises(LearnerError, match=r"which is neither\. Check the path, or write may_download=True"):
        loaded.signals(arrays(np.array(["new"], dtype=object)), np.array([0]), {"proba"}, generator(0))


def test_an_encoder_whose_files_have_changed_is_refused(bert: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(bert, moved)
    settings = Pretrained(str(moved))
    learnt = settings.learnt(lambda: iter([TEXTS]))
    (moved / "config.json").write_text((moved / "config.json").read_text().replace("gelu", "relu"))
    with pytest.raises(LearnerError, match=r"must be the one that the features were learnt with"):
        settings.reader(learnt).rows(np.array(["new"], dtype=object))
    assert not np.array_equal(rows(settings, TEXTS), settings.reader(learnt).rows(TEXTS))


def test_the_models_digest_reads_every_file_but_hidden_ones(bert: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(bert, moved)
    (moved / ".cache").mkdir()
    (moved / ".cache" / "lock").write_text("1")
    digest = Pretrained(str(moved))._network().digest
    assert digest == Pretrained(str(bert))._network().digest
    (moved / "vocab.txt").rename(moved / "words.txt")
    assert Pretrained(str(moved))._network().digest != digest


def test_texts_are_cut_at_the_models_own_limit(bert: Path) -> None:
    long = np.array(["a " * 500, "a " * 500 + "red"], dtype=object)
    said = own(Pretrained(str(bert), longest=500), long)
    np.testing.assert_array_equal(said[0], said[1])


def test_no_texts_are_no_rows(bert: Path) -> None:
    settings = Pretrained(str(bert))
    reader = settings.reader(settings.learnt(lambda: iter([TEXTS])))
    assert reader.rows(TEXTS[:0]).shape == (0, 16)
