"""Candidate networks compared before any label, by how differently their untrained units answer to items."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nextlabel.core.pool import Pool
from nextlabel.core.progress import report
from nextlabel.errors import LearnerError, ParameterError, PoolError
from nextlabel.learners.architecture_ranks import Ranked, Scored, ranked
from nextlabel.learners.border import as_spec
from nextlabel.learners.devices import torch_device
from nextlabel.learners.features import encoder, features_of
from nextlabel.learners.fresh import fresh_network, network_maker, network_name
from nextlabel.learners.randomness import seeded
from nextlabel.learners.torch_model import as_tensor
from nextlabel.maths.activation_overlap import code_overlap, overlap_score, twins
from nextlabel.maths.axes import Array
from nextlabel.maths.parameters import checked_whole

__all__ = ["activation_overlap", "ranked_networks", "scored_networks"]

_CLASSES = 10
"""Outputs of the candidates: the last layer has no unit that counts."""
_TRIED = 4  # times the items wanted: so many are looked at for some that differ


def ranked_networks(pool: Pool, networks: Sequence[Any], **settings: Any) -> list[Ranked]:
    """Candidates with as many units by their score, and which of them the draws tell from the first.

    Parameters
    ----------
    pool : Pool
    networks : sequence of str, mapping or callable
    **settings
        As for `scored_networks`.

    Returns
    -------
    list of Ranked
        See `ranked`: most units first, and of equally many the highest score.

    Raises
    ------
    ParameterError
        The same network twice.
    NextlabelError
        As `scored_networks`.

    Examples
    --------
    >>> from nextlabel import arrays
    >>> pool = arrays(np.random.default_rng(0).normal(size=(40, 5)))
    >>> networks = [{"name": "mlp", "hidden": hidden} for hidden in ([20] * 10, [200])]
    >>> first, second = ranked_networks(pool, networks, items=20, device="cpu")
    >>> first.scored.network, second.is_behind
    ('{"name": "mlp", "hidden": [200]}', True)
    """
    _check_different([as_spec(one) for one in networks])
    return ranked(scored_networks(pool, networks, **settings))


def scored_networks(
    pool: Pool,
    networks: Sequence[Any],
    *,
    features: Any = None,
    items: int = 128,
    draws: int = 5,
    seed: int = 0,
    device: str = "auto",
) -> list[Scored]:
    """The activation-overlap scores of untrained networks on items of a pool; no label is read.

    Parameters
    ----------
    pool : Pool
    networks : sequence of str, mapping or callable
        As `TorchLearner` takes them.
    features : str or mapping, optional
        What items are turned into first, as for `TorchLearner`; learnt of the items of all draws.
    items : int
        In a draw, all different; from 2 up. As many as there are where there are fewer.
    draws : int
        Of items and of weights, from 2 up.
    seed : int
    device : str

    Returns
    -------
    list of Scored
        In the order of the networks.

    Raises
    ------
    LearnerError
        A network without rectified units, or one that does not take these items; items that are no
        numbers, or images of several sizes.
    PoolError
        Fewer than two different items.
    UnknownName, ParameterError
        As for `TorchLearner`; no network at all, fewer than two items or draws.

    Notes
    -----
    Every draw has its own items and its own seed of weights, the same for all candidates. Dropout is off;
    batch norm uses the statistics of the items, since an untrained network has no others. Cost: for each
    network and draw a pass forward, and O(items² · units). Memory: the activations of the items.

    References
    ----------
    Mellor, Turner, Storkey, Crowley. Neural architecture search without training. ICML 2021.

    Examples
    --------
    >>> from nextlabel import arrays
    >>> pool = arrays(np.random.default_rng(0).normal(size=(40, 5)))
    >>> narrow, wide = scored_networks(
    ...     pool, [{"name": "mlp", "hidden": [h]} for h in (40, 80)], items=20, device="cpu"
    ... )
    >>> narrow.units, wide.units, narrow.scores < wide.scores
    (40, 80, True)
    """
    if not networks:
        raise ParameterError("Networks to compare must be given; received none. Give two or more.")
    items = checked_whole(items, "items", least=2)
    seed = checked_whole(seed, "seed", least=0)
    draws = checked_whole(draws, "draws", least=2, advice="One draw says nothing of its own chance.")
    sources = [as_spec(one) for one in networks]
    for source in sources:
        network_maker(source)
    where = torch_device(device)
    batches = list(_batches(pool, as_spec(features), items, draws, seed))
    found = []
    for number, source in enumerate(sources):
        overlaps = []
        for draw, batch in enumerate(batches):
            with seeded(np.random.default_rng([seed, draw, 1]), where):
                network = fresh_network(source, tuple(batch.shape[1:]), _CLASSES, where)
            overlaps.append(activation_overlap(network, batch.to(where), called=network_name(source)))
            report("architectures", number * draws + draw + 1, len(sources) * draws)
        units = int(overlaps[0][0, 0])
        found.append(
            Scored(
                _written(source),
                units,
                len(batches[0]),
                tuple(overlap_score(one) for one in overlaps),
                tuple(twins(one) for one in overlaps),
            )
        )
    return found


def _check_different(sources: Sequence[Any]) -> None:
    """Refuse a candidate that is written twice: it would be told apart from itself by nothing."""
    for place, source in enumerate(sources):
        if source in sources[:place]:
            message = (
                f"Networks to compare must differ; received {_written(source)} twice. Name each once; "
                "another draw of its weights is what 'draws' is for."
            )
            raise ParameterError(message)


def activation_overlap(network: nn.Module, items: Tensor, *, called: str = "") -> Array:
    """In how many rectified units every two items agree, over all layers.

    Parameters
    ----------
    network : torch.nn.Module
        Its modes are left as they were; running statistics of batch norm may move.
    items : tensor, axes (n, ...)
        On the device of the network.
    called : str
        How errors call the network.

    Returns
    -------
    array of int64, axes (n, n)

    Raises
    ------
    LearnerError
        No `torch.nn.ReLU` is executed, or one whose first axis is not the items.

    Notes
    -----
    A unit is lit where what goes into a `torch.nn.ReLU` is above 0; one that is executed twice counts twice.
    Functions called inside `forward` are not seen.

    Examples
    --------
    >>> layer = nn.Linear(1, 1, bias=False)
    >>> _ = layer.load_state_dict({"weight": torch.ones(1, 1)})
    >>> activation_overlap(nn.Sequential(layer, nn.ReLU()), torch.tensor([[-1.0], [1.0], [2.0]])).tolist()
    [[1, 0, 0], [0, 1, 1], [0, 1, 1]]
    """
    called = called or type(network).__name__
    total = np.zeros((len(items), len(items)), np.int64)

    def note(module: nn.Module, given: tuple[Any, ...]) -> None:
        before = given[0]
        if before.shape[0] != len(items):
            message = (
                f"Rectified units are compared between items, the first axis; in {called} a ReLU receives "
                f"axes {tuple(before.shape)} for {len(items)} items. Use a network that keeps items apart."
            )
            raise LearnerError(message)
        np.add(total, code_overlap((before > 0).flatten(1).cpu().numpy()), out=total)

    with _looking(network, note), torch.no_grad():
        network(items)
    if not total[0, 0]:
        layers = sorted({type(one).__name__ for one in network.modules() if not list(one.children())})
        message = (
            f"The score is of rectified units, and {called} executes no torch.nn.ReLU (it has "
            f"{', '.join(layers) or 'no layers'}). Leave this network out, or build it with torch.nn.ReLU."
        )
        raise LearnerError(message)
    return total


@contextmanager
def _looking(network: nn.Module, note: Callable[[nn.Module, tuple[Any, ...]], None]) -> Iterator[None]:
    """Every ReLU tells what goes into it; dropout is off and batch norm reads its batch."""
    modes = [(module, module.training) for module in network.modules()]
    handles = [one.register_forward_pre_hook(note) for one in network.modules() if isinstance(one, nn.ReLU)]
    network.eval()
    for module, _ in modes:
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.train()
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
        for module, is_training in modes:
            module.training = is_training


def _batches(pool: Pool, features: Any, items: int, draws: int, seed: int) -> Iterator[Tensor]:
    """For each draw some items as a network reads them, all different; equally many in every draw."""
    n = len(pool.ids)
    looked = [
        np.random.default_rng([seed, draw, 0]).permutation(n)[: _TRIED * items] for draw in range(draws)
    ]
    source: Any = pool
    if features is not None:
        encoder(features)
        where = np.unique(np.concatenate(looked)).astype(np.int64)
        source = features_of(features, pool, np.empty(0, np.int64), where).dense_on(pool)
    read = [as_tensor(_of_one_size(source.take(one))) for one in looked]
    different = [_different(one) for one in read]
    fewest = min(len(one) for one in different)
    if fewest < 2:
        message = (
            f"Networks are compared by items that differ; at least two are needed, and of {len(looked[0]):,} "
            f"looked at {fewest} did. Give a pool of different items."
        )
        raise PoolError(message)
    for rows, those in zip(read, different, strict=True):
        yield rows[those[: min(items, fewest)]]


def _different(items: Tensor) -> list[int]:
    """The first of every kind of item."""
    seen = dict[bytes, int]()
    for place, row in enumerate(items.numpy()):
        seen.setdefault(row.tobytes(), place)
    return list(seen.values())


def _of_one_size(items: Array) -> Array:
    if items.dtype.kind == "O" and items.ndim == 1 and all(isinstance(one, np.ndarray) for one in items):
        message = (
            "A network takes images of one size; received several: "
            f"{', '.join(map(str, sorted({one.shape for one in items})[:3]))}, and so on. Scale them to one "
            "size: images(folder, size=(32, 32)) in Python, --size 32 on the command line."
        )
        raise LearnerError(message)
    return items


def _written(source: Any) -> str:
    if not hasattr(source, "to_json"):
        return network_name(source)
    written: str = source.to_json() if source.params else source.name
    return written
