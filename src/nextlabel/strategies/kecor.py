"""Kernel coding rate: the batch that tells most about all it could tell (Luo et al., 2023)."""

from dataclasses import dataclass
from typing import Literal, final, get_args
from warnings import warn

import numpy as np
from numpy.typing import NDArray

from nextlabel.core.signals import Signals
from nextlabel.core.strategy import Picks, Strategy
from nextlabel.maths.axes import Embeddings, Positions, Scores, Sizes, checked, checked_batch
from nextlabel.maths.coding_rate import greedy_log_determinant
from nextlabel.maths.distances import checked_points
from nextlabel.maths.histograms import histogram_entropy
from nextlabel.maths.information import entropy
from nextlabel.maths.parameters import checked_choice, checked_number, settle
from nextlabel.maths.ranking import top

__all__ = ["KECOR", "EntropyMode", "EntropySource", "KernelFeatures", "NoFullRank", "kecor"]

EntropyMode = Literal["diagonal", "additive"]
KernelFeatures = Literal["tangent", "embedding", "descriptor", "logits"]
EntropySource = Literal["proba", "class_histogram"]


@final
class NoFullRank(RuntimeWarning):
    """The kernel ran out of rank before the batch was full; the rest are the items of largest entropy."""


def kecor(
    features: Embeddings,
    batch: int,
    *,
    rng: np.random.Generator,
    entropies: Scores | None = None,
    labelled: Embeddings | None = None,
    sigma: float = 0.1,
    eta: float = 0.1,
    entropy_mode: EntropyMode = "diagonal",
) -> Positions:
    """Positions picked one by one, each adding most to the coding rate of the batch under a posterior kernel.

    Parameters
    ----------
    features : array of float, axes (n, r)
        Features of the unlabelled items; their inner products are the kernel.
    batch : int
        How many, between 1 and n.
    rng : numpy.random.Generator
        Breaks ties: of equal gains, the item first in one permutation wins.
    entropies : array of float, axes (n,), optional
        How mixed the predicted classes of each item are, in nats, from 0; 0 when left out.
    labelled : array of float, axes (l, r), optional
        Features of the labelled items, on which the kernel is conditioned.
    sigma : float
        Standard deviation of the noise of a label, from 0.
    eta : float
        Weight of the entropies, from 0.
    entropy_mode : {"diagonal", "additive"}
        Entropies as a noise of each item on the diagonal of the kernel, or added to the rate.

    Returns
    -------
    array of int64, axes (b,)
        Distinct, in the order picked.

    Raises
    ------
    SignalError
        Wrong axes, unequal sizes, values that are not finite or overflow float64 when squared, or an
        entropy below 0.
    BatchSizeError
        The batch is below 1 or above n.
    ParameterError
        A parameter out of its range.

    Warns
    -----
    NoFullRank
        The kernel of the picks has no full rank; the rest of the batch are the items of largest entropy.

    Notes
    -----
    See `KECOR`; cost as `nextlabel.maths.coding_rate.greedy_log_determinant`.

    References
    ----------
    Luo, Chen, Fang, Zhang, Baktashmotlagh, Huang. KECOR: kernel coding rate maximization for active 3D
    object detection. ICCV 2023.

    Examples
    --------
    The longest row, and the one that says something else:

    >>> rows = np.array([[3.0, 0.0], [2.9, 0.1], [0.0, 1.0]])
    >>> kecor(rows, 2, rng=np.random.default_rng(0)).tolist()
    [0, 2]
    """
    return _most_telling(features, entropies, batch, labelled, _checked(sigma, eta, entropy_mode), rng)[0]


@final
@dataclass(frozen=True)
class KECOR(Strategy):
    """Prefers items whose features code much that is new; needs tangent and proba; costs up to O(n·r·b).

    Parameters
    ----------
    of : {"tangent", "embedding", "descriptor", "logits"}
        Whose inner products are the kernel, of unlabelled and labelled items.
    entropy : {"proba", "class_histogram"} or None
        Whose entropy says how mixed an item's predicted classes are: the class probabilities of an item that
        has one class, or the histogram of the objects found in it; None for no entropy at all.
    entropy_mode : {"diagonal", "additive"}
        Entropies as a noise of each item on the diagonal of the kernel, or added to the rate.
    sigma : float
        Standard deviation of the noise of a label, from 0.
    eta : float
        Weight of the entropies, from 0. Read where there are entropies.
    smoothing : float
        Added to every count, from 0. Read where the entropy is that of a histogram. The authors' code counts
        from 1.

    Raises
    ------
    ParameterError
        A parameter out of its range.

    Warns
    -----
    NoFullRank
        The kernel of the picks has no full rank; the rest of the batch are the items of largest entropy.

    Notes
    -----
    With K the kernel given the labelled items, as a Gaussian process observed with noise σ has it, and H
    the entropies, "diagonal" picks greedily for log det(K_SS + σ²·I + η·diag(H_S)), as the authors' code
    does; "additive" for ½·log det(K_SS + σ²·I) + η·Σ H_S, as the words of the paper have it. Scores are
    the pivots of the first, the ratio of the determinants with and without the pick; in the second
    ½·log of the pivot + η·H. There are none where the kernel ran out of rank, which takes σ = 0, or features
    so long that σ² is lost in the rounding of their squares.

    The scale of the features matters beside σ² and η·H: `tangent` comes with a mean square length of 1
    on the labelled items, other features as the model makes them.

    Departs from the paper in the default entropy: of class probabilities, which learners of one class an item
    have; ask for ``class_histogram`` where objects are detected.

    Time O(n·r·b) at worst, for r features, typically a tenth of that, and O((n + l)·r²) for l labelled items;
    memory O(n + r·(b + l)).

    Fails where the features are much longer for some items than for others, outliers among them: length
    alone wins then; and where they say little of the classes.

    References
    ----------
    Luo, Chen, Fang, Zhang, Baktashmotlagh, Huang. KECOR: kernel coding rate maximization for active 3D
    object detection. ICCV 2023.
    Holzmüller, Zaverkin, Kästner, Steinwart. A framework and benchmark for deep batch active learning for
    regression. JMLR 24, 2023. The posterior kernel and its greedy batch.

    Examples
    --------
    >>> from nextlabel import select
    >>> embedding, proba = [[3.0, 0.0], [2.9, 0.1], [0.0, 1.0]], [[0.5, 0.5]] * 3
    >>> seen = {"embedding": [[1.0, 0.0]]}
    >>> method = {"name": "kecor", "of": "embedding"}
    >>> select(method, embedding=embedding, proba=proba, labelled=seen, batch=1, seed=0)
    array([2])
    """

    of: KernelFeatures = "tangent"
    entropy: EntropySource | None = "proba"
    entropy_mode: EntropyMode = "diagonal"
    sigma: float = 0.1
    eta: float = 0.1
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        checked_choice(self.of, "of", get_args(KernelFeatures), of="KECOR")
        if self.entropy is not None:
            advice = "Choose one of these, or None for no entropy."
            checked_choice(self.entropy, "entropy", get_args(EntropySource), of="KECOR", advice=advice)
        sigma, eta, _ = _checked(self.sigma, self.eta, self.entropy_mode)
        advice = "Give 0 for none, or 1."
        smoothing = checked_number(self.smoothing, "smoothing", least=0, of="KECOR", advice=advice)
        settle(self, {"sigma": sigma, "eta": eta, "smoothing": smoothing})

    @property
    def needs(self) -> frozenset[str]:
        """The features, and what the entropies are of."""
        return frozenset({self.of} | ({self.entropy} if self.entropy else set()))

    @property
    def needs_labelled(self) -> frozenset[str]:
        """The features."""
        return frozenset({self.of})

    def pick(self, signals: Signals, batch: int, rng: np.random.Generator) -> Picks:
        """Each adding most to the coding rate of the batch."""
        features = signals[self.of]
        labelled = None if signals.labelled is None else signals.labelled[self.of]
        settings = (self.sigma, self.eta, self.entropy_mode)
        positions, scores = _most_telling(features, self._entropies(signals), batch, labelled, settings, rng)
        return Picks(positions, scores=scores)

    def _entropies(self, signals: Signals) -> Scores | None:
        if self.entropy is None:
            return None
        if self.entropy == "proba":
            return entropy(signals["proba"])
        return histogram_entropy(signals["class_histogram"], smoothing=self.smoothing)


def _most_telling(
    features: Embeddings,
    entropies: Scores | None,
    batch: int,
    labelled: Embeddings | None,
    settings: tuple[float, float, EntropyMode],
    rng: np.random.Generator,
) -> tuple[Positions, NDArray[np.float64] | None]:
    """The picks, and the gain of each, or None where some were filled in."""
    sigma, eta, mode = settings
    sizes: Sizes = {}
    features = checked_points(features, "n r", "features", sizes)
    n = len(features)
    mixed = np.zeros(n) if entropies is None else checked(entropies, "n", "entropies", sizes)
    mixed = mixed.astype(np.float64)
    batch = checked_batch(batch, n)
    labelled = None if labelled is None else checked_points(labelled, "l r", "labelled", sizes)
    is_noise = mode == "diagonal"
    positions, pivots = greedy_log_determinant(
        features,
        batch,
        noise=sigma**2 + eta * mixed * is_noise,
        bonus=None if is_noise else eta * mixed,
        labelled=labelled,
        label_noise=sigma,
        rng=rng,
    )
    if len(positions) == batch:
        return positions, pivots if is_noise else 0.5 * np.log(pivots) + eta * mixed[positions]
    message = (
        f"A kernel of rank {batch} was expected; that of these {n} items, given the labelled ones, has rank "
        f"{len(positions)} up to rounding. The other {batch - len(positions)} picks are those of largest "
        "entropy. Use a larger sigma, scale the features down, or ask for fewer."
    )
    warn(message, NoFullRank, stacklevel=4)
    left = mixed.copy()
    left[positions] = -np.inf
    return np.concatenate([positions, top(left, batch - len(positions), rng=rng)]), None


def _checked(sigma: float, eta: float, entropy_mode: EntropyMode) -> tuple[float, float, EntropyMode]:
    sigma = checked_number(sigma, "sigma", least=0, of="KECOR", advice="Try 0.1.")
    eta = checked_number(eta, "eta", least=0, of="KECOR", advice="Try 0.1, or 0 to leave entropies out.")
    return sigma, eta, checked_choice(entropy_mode, "entropy_mode", get_args(EntropyMode), of="KECOR")
