"""What of encoders trained elsewhere is refused: code, pickles, the network, other items and files."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel import classes
from nextlabel.errors import LearnerError, MissingExtra, ParameterError
from nextlabel.learners import encode_pretrained
from nextlabel.learners.encode_pretrained import Pretrained
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


def test_weights_in_a_pickle_are_read_only_when_asked(bert: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(bert, moved)
    model = transformers.AutoModel.from_pretrained(bert)
    (moved / "model.safetensors").unlink()
    torch.save(model.state_dict(), moved / "pytorch_model.bin")
    with pytest.raises(LearnerError, match="must hold a model whose weights are in a safetensors file"):
        own(Pretrained(str(moved)), TEXTS)
    np.testing.assert_allclose(
        own(Pretrained(str(moved), may_unpickle=True), TEXTS), own(Pretrained(str(bert)), TEXTS), atol=1e-6
    )


def test_code_beside_a_model_is_never_run(bert: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(bert, moved)
    config = json.loads((moved / "config.json").read_text())
    config |= {"model_type": "trap", "auto_map": {"AutoModel": "trap.Trap", "AutoConfig": "trap.TrapConfig"}}
    (moved / "config.json").write_text(json.dumps(config))
    (moved / "trap.py").write_text(f"import pathlib\npathlib.Path({str(tmp_path / 'sprung')!r}).touch()\n")
    with pytest.raises(LearnerError, match="must hold"):
        own(Pretrained(str(moved)), TEXTS)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("may_download", [False, True])
def test_no_address_is_looked_up_unless_that_is_allowed(
    may_download: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def refuse(*address: Any, **_: Any) -> None:
        asked.append(address)
        raise OSError("no network in this test")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(LearnerError, match="which is neither"):
        Pretrained("nobody/nothing", may_download=may_download).learnt(lambda: iter([TEXTS]))
    assert bool(asked) == may_download


@pytest.mark.parametrize("named", ["nobody/nothing", "no such folder", "../up"])
def test_a_model_that_is_not_there_is_not_fetched(named: str) -> None:
    with pytest.raises(
        LearnerError, match=rf"received '{named}', which is neither.*or write may_download=True once"
    ):
        Pretrained(named).learnt(lambda: iter([TEXTS]))


def test_a_name_is_looked_up_in_the_cache_of_the_hub(bert: Path, tmp_path: Path) -> None:
    made = "nextlabel.learners.encode_pretrained import Pretrained"
    script = f"from {made}; print(Pretrained('some/model')._network().digest)"
    there = tmp_path / "hub" / "models--some--model"
    shutil.copytree(bert, there / "snapshots" / "0123")
    (there / "refs").mkdir()
    (there / "refs" / "main").write_text("0123")
    told = {**os.environ, "HF_HUB_CACHE": str(tmp_path / "hub")}
    done = subprocess.run(
        [sys.executable, "-c", script], env=told, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == Pretrained(str(bert))._network().digest


@pytest.mark.parametrize(
    ("kind", "items", "message"),
    [
        (
            "bert",
            np.ones((2, 3)),
            r"features='encoder' takes images, axes \(h, w\) or \(h, w, 3\); received an",
        ),
        ("vit", TEXTS, "must hold a tokenizer, which an encoder of texts has"),
        ("bert", PIXELS, "must hold an image processor, which an encoder of images has"),
        ("vit", PIXELS * 1.0, "bytes, or numbers from 0 .black. to 1 .white.; received 0 to 254"),
    ],
)
def test_items_that_the_encoder_does_not_read_are_refused(
    kind: str, items: NDArray[Any], message: str, request: pytest.FixtureRequest
) -> None:
    with pytest.raises(LearnerError, match=message):
        own(Pretrained(str(request.getfixturevalue(kind))), items)


def test_vectors_that_are_not_finite_are_refused(bert: Path, tmp_path: Path) -> None:
    model = transformers.AutoModel.from_pretrained(bert)
    with torch.no_grad():
        model.embeddings.word_embeddings.weight[5] = float("inf")
    shutil.copytree(bert, tmp_path / "moved")
    model.save_pretrained(tmp_path / "moved")
    with pytest.raises(LearnerError, match="must be finite; some are nan or infinite"):
        own(Pretrained(str(tmp_path / "moved")), TEXTS)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"path": ""}, "'path' must be a folder with a model, or the name of one; received ''"),
        ({"path": 3}, "received 3"),
        ({"path": "m", "pooling": "max"}, "'pooling' must be"),
        ({"path": "m", "chunk": 0}, "'chunk' must be"),
        ({"path": "m", "longest": 4}, "'longest' must be"),
        ({"path": "m", "may_download": 1}, "'may_download' must be"),
        ({"path": "m", "may_unpickle": "yes"}, "'may_unpickle' must be"),
    ],
)
def test_settings_outside_their_range_are_refused(settings: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Pretrained(**settings)


@pytest.mark.parametrize("module", ["torch", "transformers"])
def test_a_library_that_is_not_there_is_named(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=rf"needs the library '{module}'.*'nextlabel\[huggingface\]'"):
        Pretrained("m").learnt(lambda: iter([TEXTS]))
