"""Encoders of the transformers library, read from files on this machine."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from hashlib import blake2b, file_digest
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
import transformers
from torch import Tensor

from nextlabel.errors import LearnerError
from nextlabel.learners.devices import torch_device
from nextlabel.learners.encode_pretrained import Pretrained
from nextlabel.learners.pictures import pictures
from nextlabel.maths.axes import Array

__all__ = ["Network"]

_STEP = 32  # tokens: texts are padded to a multiple of it
_BY = "features='encoder'"


@final
class Network:
    """An encoder, loaded when it is first asked.

    Parameters
    ----------
    settings : Pretrained

    Raises
    ------
    LearnerError
        There is no such model on this machine, or it cannot be read.
    """

    def __init__(self, settings: Pretrained) -> None:
        self._settings = settings
        self._folder = _folder(settings)

    @cached_property
    def digest(self) -> str:
        """A digest of all files of the model; reads them once, half a second a gigabyte."""
        digest = blake2b(digest_size=16)
        for one in sorted(self._folder.rglob("*")):
            name = one.relative_to(self._folder)
            if one.is_file() and not any(part.startswith(".") for part in name.parts):
                with one.open("rb") as file:
                    digest.update(f"{name.as_posix()}\0".encode() + file_digest(file, "blake2b").digest())
        return digest.hexdigest()

    def vectors(self, contents: Sequence[Any]) -> list[Array]:
        """A vector for each text, or for each array of pixels, float32, axes (d,)."""
        is_text = isinstance(contents[0], str)
        made: list[Array | None] = [None] * len(contents)
        with torch.inference_mode():
            for places, inputs in self._texts(contents) if is_text else self._images(contents):
                for place, vector in zip(places, self._pooled(inputs, is_text), strict=False):
                    made[place] = vector
        return [one for one in made if one is not None]

    def _pooled(self, inputs: dict[str, Tensor], is_text: bool) -> Array:
        sent = {name: one.to(self._device) for name, one in inputs.items()}
        own = getattr(self._model, "get_text_features" if is_text else "get_image_features", None)
        if own is not None and self._settings.pooling is None:
            said = own(**sent)
            pooled = said if isinstance(said, Tensor) else said.pooler_output
        else:
            pooled = _pooled(self._part(is_text)(**sent).last_hidden_state, sent, self._takes_first(is_text))
        vectors: Array = pooled.float().cpu().numpy()
        if not np.isfinite(vectors).all():
            message = (
                f"Vectors of the encoder {self._settings.path!r} must be finite; some are nan or infinite. "
                "Use another encoder."
            )
            raise LearnerError(message)
        return vectors

    def _part(self, is_text: bool) -> Any:
        """The half of the model that reads such items."""
        model = self._model
        half = getattr(model, "text_model" if is_text else "vision_model", None)
        if half is not None:
            return half
        return model.get_encoder() if getattr(model.config, "is_encoder_decoder", False) else model

    def _takes_first(self, is_text: bool) -> bool:
        if self._settings.pooling is not None:
            return self._settings.pooling == "cls"
        return not is_text and any(name.endswith("cls_token") for name, _ in self._model.named_parameters())

    def _texts(self, contents: Sequence[str]) -> Iterator[tuple[list[int], dict[str, Tensor]]]:
        """Chunks of texts of about one length, filled up with copies of the last."""
        tokenizer = self._tokenizer
        longest = min(self._settings.longest, tokenizer.model_max_length, self._places)
        lengths = [
            len(one) for one in tokenizer(list(contents), truncation=True, max_length=longest)["input_ids"]
        ]
        steps = [min(-(-length // _STEP) * _STEP, longest) for length in lengths]
        for width in sorted(set(steps)):
            alike = [place for place, step in enumerate(steps) if step == width]
            for places, filled in self._chunks(alike):
                texts = [contents[place] for place in filled]
                inputs = tokenizer(
                    texts, truncation=True, max_length=width, padding="max_length", return_tensors="pt"
                )
                yield places, dict(inputs)

    def _images(self, contents: Sequence[Array]) -> Iterator[tuple[list[int], dict[str, Tensor]]]:
        for one in contents:
            if one.dtype not in (np.uint8, np.uint16) and (one.min() < 0.0 or one.max() > 1.0):
                message = (
                    f"Images for an encoder must be bytes, or numbers from 0 (black) to 1 (white); received "
                    f"{one.min():g} to {one.max():g}. Divide them by what white is."
                )
                raise LearnerError(message)
        for places, filled in self._chunks(list(range(len(contents)))):
            read = [one.convert("RGB") for one in pictures([contents[place] for place in filled], by=_BY)]
            yield places, {"pixel_values": self._processor(images=read, return_tensors="pt")["pixel_values"]}

    def _chunks(self, places: list[int]) -> Iterator[tuple[list[int], list[int]]]:
        chunk = self._settings.chunk
        for start in range(0, len(places), chunk):
            some = places[start : start + chunk]
            yield some, some + some[-1:] * (chunk - len(some))

    @cached_property
    def _device(self) -> torch.device:
        return torch_device(self._settings.device)

    @cached_property
    def _model(self) -> Any:
        weights = not self._settings.may_unpickle
        with self._reading("a model whose weights are in a safetensors file"):
            model = transformers.AutoModel.from_pretrained(
                self._folder,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True if weights else None,
                dtype=torch.float32,
            )
        return model.eval().to(self._device)

    @cached_property
    def _tokenizer(self) -> Any:
        with self._reading("a tokenizer, which an encoder of texts has,"):
            made = transformers.AutoTokenizer.from_pretrained(
                self._folder, local_files_only=True, trust_remote_code=False
            )
        if made.pad_token is None:
            made.pad_token = made.eos_token
        return made

    @cached_property
    def _processor(self) -> Any:
        made: Any = transformers.AutoImageProcessor
        with self._reading("an image processor, which an encoder of images has,"):
            return made.from_pretrained(
                self._folder, local_files_only=True, trust_remote_code=False, backend="pil"
            )

    @property
    def _places(self) -> int:
        """How many tokens the model has places for."""
        config = getattr(self._model.config, "text_config", self._model.config)
        return int(getattr(config, "max_position_embeddings", None) or self._settings.longest)

    @contextmanager
    def _reading(self, what: str) -> Iterator[None]:
        try:
            with _quiet():
                yield
        except (OSError, ValueError, KeyError, ImportError, RuntimeError) as cause:
            message = (
                f"The folder {str(self._folder)!r} must hold {what} that transformers can read: {cause} "
                "Save the model there with save_pretrained, or name another one."
            )
            raise LearnerError(message) from cause


def _pooled(states: Tensor, sent: dict[str, Tensor], takes_first: bool) -> Tensor:
    """One vector an item of the last layer: (n, tokens, d), or (n, d, height, width)."""
    if states.ndim == 4:
        return states.mean(dim=(2, 3))
    if takes_first:
        return states[:, 0]
    mask = sent.get("attention_mask")
    if mask is None:
        return states.mean(dim=1)
    weights = mask[:, :, None].to(states.dtype)
    return (states * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1.0)


def _folder(settings: Pretrained) -> Path:
    """Where the files of the model are."""
    named = Path(settings.path).expanduser()
    if named.is_dir():
        return named
    from huggingface_hub import snapshot_download

    wanted = ["*.json", "*.txt", "*.model", "*.safetensors", *(["*.bin"] if settings.may_unpickle else [])]
    try:
        return Path(
            snapshot_download(
                settings.path, local_files_only=not settings.may_download, allow_patterns=wanted
            )
        )
    except Exception as cause:  # the hub's library raises errors of many kinds, of names and of the network
        message = (
            f"An encoder is a folder, or the name of a model in the cache of the Hugging Face library; "
            f"received {settings.path!r}, which is neither. Check the path, or write may_download=True once "
            f"to fetch it ({type(cause).__name__})."
        )
        raise LearnerError(message) from cause


@contextmanager
def _quiet() -> Iterator[None]:
    """No bars and no remarks of the library while it loads."""
    log: Any = transformers.logging
    before, had_bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(before)
        if had_bars:
            log.enable_progress_bar()
