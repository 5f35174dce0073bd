"""Texts or images as the vectors of a model that somebody has trained before."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from nextlabel.errors import LearnerError, ParameterError
from nextlabel.learners.encoder import Encoder, Passes, Reader
from nextlabel.learners.extras import needed
from nextlabel.learners.pictures import pixel_arrays
from nextlabel.learners.vector_cache import VectorCache, cache_folder
from nextlabel.maths.axes import Array
from nextlabel.maths.parameters import checked_choice, checked_flag, checked_whole, settle

if TYPE_CHECKING:
    from nextlabel.learners.huggingface import Network

__all__ = ["Pretrained"]

_BY = "features='encoder'"
_LENGTH = 3.0


@final
@dataclass(frozen=True)
class Pretrained(Encoder):
    """What a text or image encoder of the transformers library says of an item, before any label.

    Parameters
    ----------
    path : str
        A folder that holds the model, or the name of one that is in the cache of the Hugging Face library.
    pooling : str, optional
        ``"mean"`` of the last layer over tokens, parts or places, or ``"cls"``, its first vector. When left
        out: what the model itself gives as features of a text or image, for models made to give them
        (CLIP); the first vector, for image models that learn one for the whole (ViT); else the mean.
    chunk : int
        Items that the model reads at once.
    longest : int
        Tokens of a text that are read, the rest is left out; the model's own limit where that is less.
    device : str
        ``"auto"`` for a GPU where there is one, or a name that torch knows.
    may_download : bool
        Whether the model may be fetched from the Hugging Face hub when it is not on this machine.
    may_unpickle : bool
        Whether weights that are not in a safetensors file may be read. Such files can hold code: say yes
        for those you trust.

    Raises
    ------
    ParameterError
        A setting outside its range.

    Notes
    -----
    Needs the extra ``huggingface``. Code that comes with a model is never run.

    Every vector is computed once and kept on the disk, in the folder that ``NEXTLABEL_CACHE`` names or
    in the user's cache, under a digest of the model's files, of the settings and of the item; what was
    interrupted goes on where it stopped. Items are read in pieces of equal shape, texts padded to a
    multiple of 32 tokens, so that on a CPU a vector depends on the items beside it by rounding at most.

    Vectors are taken less their mean over the items learnt of, and divided by one number, so that their mean
    squared length is 9: directions that all items share say nothing of them, and the penalty of a
    classifier means the same for every model. Columns are not scaled one by one.

    Cost: one pass of the model over the items; 16 ms of a core for a text of 30 words and an encoder of six
    layers of 384. Memory: the model, a chunk, and the features.

    References
    ----------
    Wolf et al. Transformers: state-of-the-art natural language processing. EMNLP 2020, demonstrations.
    """

    path: str
    pooling: str | None = None
    chunk: int = 8
    longest: int = 256
    device: str = "auto"
    may_download: bool = False
    may_unpickle: bool = False

    piece: ClassVar[int] = 256

    def __post_init__(self) -> None:
        if not isinstance(self.path, str | Path) or not str(self.path):
            message = (
                f"'path' must be a folder with a model, or the name of one; received {self.path!r}. "
                "Give for example {'name': 'encoder', 'path': 'models/minilm'}."
            )
            raise ParameterError(message)
        pooling = self.pooling
        settle(
            self,
            {
                "path": str(self.path),
                "pooling": None if pooling is None else checked_choice(pooling, "pooling", ("mean", "cls")),
                "chunk": checked_whole(self.chunk, "chunk", least=1, advice="Give 8."),
                "longest": checked_whole(self.longest, "longest", least=8, advice="Give 256."),
                "may_download": checked_flag(self.may_download, "may_download"),
                "may_unpickle": checked_flag(self.may_unpickle, "may_unpickle"),
            },
        )

    def require(self, items: Array) -> None:
        """Load the model, and encode with it."""
        self.learnt(lambda: iter([items]))

    def learnt(self, passes: Passes) -> dict[str, Array]:
        """The mean, the number to divide by, and which model it is."""
        network = self._network()
        vectors = _Vectors(self, network.digest)
        count, total, squares = 0, np.zeros(()), 0.0
        for items in passes():
            rows = vectors.of(items).astype(np.float64)
            count, total, squares = (
                count + len(rows),
                total + rows.sum(axis=0),
                squares + float((rows**2).sum()),
            )
        mean = total / count
        spread = max(squares / count - float(mean @ mean), 0.0)
        size = np.sqrt(spread) / _LENGTH
        return {
            "mean": mean.astype(np.float32),
            "size": np.array(size if spread > 1e-12 * squares / count else 1.0),
            "model": np.frombuffer(network.digest.encode(), np.uint8),
        }

    def reader(self, learnt: Mapping[str, Array]) -> Reader:
        """Encodes with this model, which is loaded when an item comes that is not in the cache."""
        vectors = _Vectors(self, learnt["model"].tobytes().decode())
        return _Centred(vectors, learnt["mean"], float(learnt["size"]))

    def _network(self) -> "Network":
        needed("torch", "huggingface", by=_BY)
        needed("transformers", "huggingface", by=_BY)
        from nextlabel.learners.huggingface import Network

        return Network(self)


@final
class _Vectors:
    """Vectors of items: those that are kept, others computed and kept."""

    def __init__(self, settings: Pretrained, model: str) -> None:
        self._settings, self._model = settings, model
        told = {key: value for key, value in asdict(settings).items() if key in ("pooling", "longest")}
        digest = blake2b(f"1 {model} {json.dumps(told, sort_keys=True)}".encode(), digest_size=16)
        self._cache = VectorCache(cache_folder() / f"{digest.hexdigest()}.db")

    def of(self, items: Array) -> Array:
        """As the model gives them, float32, axes (n, d)."""
        contents = _contents(items)
        keys = [_key(one) for one in contents]
        found = self._cache.found(keys)
        lacking = {key: one for key, one in zip(keys, contents, strict=True) if key not in found}
        if lacking:
            made = dict(zip(lacking, self._network.vectors(list(lacking.values())), strict=True))
            self._cache.keep(made)
            found |= made
        return np.stack([found[key] for key in keys])

    @cached_property
    def _network(self) -> "Network":
        network = self._settings._network()
        if network.digest != self._model:
            message = (
                f"The encoder in {self._settings.path!r} must be the one that the features were learnt with; "
                "its files are others now. Put the former files back, or fit anew."
            )
            raise LearnerError(message)
        return network


@final
@dataclass(frozen=True, eq=False)
class _Centred(Reader):
    vectors: _Vectors
    mean: Array
    size: float

    def rows(self, items: Array) -> Array:
        """Vectors less the mean, by the size."""
        if not len(items):
            return np.empty((0, len(self.mean)), np.float32)
        return np.asarray((self.vectors.of(items) - self.mean) / np.float32(self.size))


def _contents(items: Array) -> list[Any]:
    """Texts as they are, images as arrays of pixels."""
    listed = items.tolist() if items.ndim == 1 and items.dtype.kind in "OU" else []
    if listed and all(isinstance(one, str) for one in listed):
        return listed
    return pixel_arrays(items, by=_BY)


def _key(content: Any) -> bytes:
    return blake2b(b"".join(_bytes(content)), digest_size=16).digest()


def _bytes(content: Any) -> Iterator[bytes]:
    if isinstance(content, str):
        yield content.encode("utf-8", "surrogatepass")
    else:
        yield f"{content.dtype.str}{content.shape}".encode()
        yield np.ascontiguousarray(content).tobytes()
