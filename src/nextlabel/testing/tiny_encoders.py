"""Encoders of a few kilobytes with drawn weights, to try what needs an encoder without fetching one."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["WORDS", "tiny_image_encoder", "tiny_text_encoder"]

WORDS: Sequence[str] = ("a", "the", "red", "blue", "cat", "dog", "##s")
"""What the tiny text encoder knows beside its five marks; other words are all one."""

_SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
_MARKS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def tiny_text_encoder(folder: Path, words: Sequence[str] = WORDS) -> Path:
    """Write a BERT of two layers with vectors of 16 numbers, and its tokenizer.

    Parameters
    ----------
    folder : path
        Made when it is not there.
    words : sequence of str
        In lower case.

    Returns
    -------
    path
        The folder.
    """
    transformers = _quiet()
    folder.mkdir(parents=True, exist_ok=True)
    known = (*_MARKS, *words)
    (folder / "vocab.txt").write_text("\n".join(known), encoding="utf-8")
    config = transformers.BertConfig(vocab_size=len(known), max_position_embeddings=64, **_SMALL)
    _written(transformers.BertModel(config), folder)
    transformers.BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


def tiny_image_encoder(folder: Path) -> Path:
    """Write a ViT of two layers that reads 16 × 16 pixels, with vectors of 16 numbers.

    Parameters
    ----------
    folder : path
        Made when it is not there.

    Returns
    -------
    path
        The folder.
    """
    transformers = _quiet()
    folder.mkdir(parents=True, exist_ok=True)
    _written(transformers.ViTModel(transformers.ViTConfig(image_size=16, patch_size=4, **_SMALL)), folder)
    reads = {"size": {"height": 16, "width": 16}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (folder / "preprocessor_config.json").write_text(
        json.dumps({"image_processor_type": "ViTImageProcessor", **reads}), encoding="utf-8"
    )
    return folder


def _written(model: Any, folder: Path) -> None:
    """The model with weights that are the same whoever makes them, saved."""
    from importlib import import_module

    torch: Any = import_module("torch")
    draws = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weights in model.parameters():
            weights.copy_(torch.randn(weights.shape, generator=draws) * 0.1)
    model.save_pretrained(folder)


def _quiet() -> Any:
    from importlib import import_module

    transformers: Any = import_module("transformers")
    transformers.logging.disable_progress_bar()
    return transformers
