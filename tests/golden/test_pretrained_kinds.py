"""Encoders of other families: of texts and images at once, with a decoder, of convolutions."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nextlabel import classes
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


def by_hand(folder: Path, text: str) -> NDArray[Any]:
    """The last layer of one text by itself, without padding: axes (tokens, d)."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        inputs = tokenizer([text], return_tensors="pt", truncation=True, max_length=64)
        states: NDArray[Any] = model(**inputs).last_hidden_state[0].numpy()
    return states


def test_an_encoder_of_several_parts_gives_what_it_was_made_to_give(tmp_path: Path, bert: Path) -> None:
    """CLIP: the text and image features of its joint space, and with a pooling those of its halves."""
    half = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = transformers.CLIPConfig(
        text_config={**half, "vocab_size": VOCABULARY, "max_position_embeddings": 64, "eos_token_id": 3},
        vision_config={**half, "image_size": 16, "patch_size": 8},
        projection_dim=7,
    )
    torch.manual_seed(1)
    transformers.CLIPModel(config).save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(bert / name, tmp_path)
    processor = {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 16}}
    (tmp_path / "preprocessor_config.json").write_text(
        json.dumps({**processor, "crop_size": {"height": 16, "width": 16}})
    )
    settings = Pretrained(str(tmp_path))
    assert own(settings, TEXTS[:5]).shape == (5, 7)
    assert own(settings, PIXELS).shape == (12, 7)
    assert own(Pretrained(str(tmp_path), pooling="mean"), TEXTS[:5]).shape == (5, 16)
    assert own(Pretrained(str(tmp_path), pooling="cls"), PIXELS).shape == (12, 16)


def test_of_an_encoder_and_decoder_the_encoder_is_read(tmp_path: Path, bert: Path) -> None:
    config = transformers.T5Config(
        vocab_size=VOCABULARY, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2
    )
    transformers.T5Model(config).save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(bert / name, tmp_path)
    assert own(Pretrained(str(tmp_path)), TEXTS[:5]).shape == (5, 16)


def test_a_network_of_convolutions_is_averaged_over_places(tmp_path: Path) -> None:
    config = transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 12], depths=[1, 1])
    model = transformers.ResNetModel(config).eval()
    model.save_pretrained(tmp_path)
    processor = {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 224}}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(processor))
    read = transformers.AutoImageProcessor.from_pretrained(tmp_path, backend="pil")(
        images=list(PIXELS[:2]), return_tensors="pt"
    )
    with torch.no_grad():
        expected = model(**read).pooler_output.flatten(1).numpy()
    np.testing.assert_allclose(own(Pretrained(str(tmp_path)), PIXELS[:2]), expected, atol=1e-4)


def test_a_decoder_without_padding_is_read(tmp_path: Path, bert: Path) -> None:
    config = transformers.GPT2Config(vocab_size=VOCABULARY, n_embd=16, n_layer=1, n_head=2, n_positions=64)
    transformers.GPT2Model(config).save_pretrained(tmp_path)
    shutil.copy(bert / "tokenizer.json", tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "[SEP]"})
    )
    said = own(Pretrained(str(tmp_path), pooling="mean"), TEXTS[:5])
    np.testing.assert_allclose(said[0], by_hand(tmp_path, TEXTS[0]).mean(axis=0), atol=1e-5)
