"""Whether each kernel's time grows as its docstring says: ``python -m benchmarks.scaling``, for the night.

Each is timed at n, 2n and 4n; the exponent is the slope of log seconds over log n. A kernel whose exponent
exceeds the stated one by more than a quarter fails. One that grows more slowly than stated does not: fixed
costs, and distances that bounds make needless, pull exponents down.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import random_draws, rectified_mixture, residual_of
from benchmarks.measure import cpu_seconds
from nextlabel.maths.centres import greedy_centres
from nextlabel.maths.clustering import average_linkage
from nextlabel.maths.coverage import radius_graph
from nextlabel.maths.information import entropy, expected_entropy, mutual_information
from nextlabel.maths.predictions import mean_proba, residual_from_logits, softmax, spread, votes
from nextlabel.maths.ranking import top
from nextlabel.maths.seeding import outer_product_seeds
from nextlabel.strategies.margin import margin

LEEWAY = 0.25


@dataclass(frozen=True)
class Kernel:
    """A name, the smallest n, the stated exponent of n, and what makes a call for a given n."""

    name: str
    n: int
    stated: float
    make: Callable[[int], Callable[[], object]]


def pool(n: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return rectified_mixture(n, features=64)


def seeds(n: int) -> Callable[[], object]:
    proba, embedding = pool(n)
    residual = residual_of(proba)
    return lambda: outer_product_seeds(residual, embedding, 200, rng=np.random.default_rng(0))


def centres(n: int) -> Callable[[], object]:
    embedding = pool(n)[1]
    return lambda: greedy_centres(embedding, 200, centres=embedding[:1], rng=np.random.default_rng(0))


def of_proba(kernel: Callable[[NDArray[np.float32]], object]) -> Callable[[int], Callable[[], object]]:
    def make(n: int) -> Callable[[], object]:
        proba = pool(n)[0]
        return lambda: kernel(proba)

    return make


def of_draws(kernel: Callable[[NDArray[np.floating]], object]) -> Callable[[int], Callable[[], object]]:
    def make(n: int) -> Callable[[], object]:
        draws = random_draws(n, 20, 10)
        return lambda: kernel(draws)

    return make


def ranked(n: int) -> Callable[[], object]:
    scores = np.random.default_rng(0).random(n)
    return lambda: top(scores, 100, rng=np.random.default_rng(0))


def neighbours(n: int) -> Callable[[], object]:
    embedding = pool(n)[1]
    radius = 0.5 * float(np.median(np.linalg.norm(embedding[1:] - embedding[:-1], axis=1)))
    return lambda: radius_graph(embedding, radius)


def linked(n: int) -> Callable[[], object]:
    embedding = pool(n)[1]
    return lambda: average_linkage(embedding, rng=np.random.default_rng(0))


KERNELS = (
    Kernel("outer_product_seeds", 250_000, 1, seeds),
    Kernel("greedy_centres", 50_000, 1, centres),
    Kernel("entropy", 250_000, 1, of_proba(entropy)),
    Kernel("margin", 250_000, 1, of_proba(margin)),
    Kernel("softmax", 250_000, 1, of_proba(softmax)),
    Kernel("residual_from_logits", 250_000, 1, of_proba(residual_from_logits)),
    Kernel("mean_proba", 25_000, 1, of_draws(mean_proba)),
    Kernel("expected_entropy", 25_000, 1, of_draws(expected_entropy)),
    Kernel("mutual_information", 25_000, 1, of_draws(mutual_information)),
    Kernel("votes", 25_000, 1, of_draws(votes)),
    Kernel("spread", 25_000, 1, of_draws(spread)),
    Kernel("top", 1_000_000, 1, ranked),
    Kernel("radius_graph", 4_000, 2, neighbours),
    Kernel("average_linkage", 2_500, 2, linked),
)


def exponent(kernel: Kernel) -> float:
    sizes = [kernel.n, 2 * kernel.n, 4 * kernel.n]
    seconds = [min(cpu_seconds(kernel.make(n), 5)) for n in sizes]
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def main() -> int:
    failed = 0
    for kernel in KERNELS:
        found = exponent(kernel)
        kept = found <= kernel.stated + LEEWAY
        failed += not kept
        print(
            f"{kernel.name}: n^{found:.2f}, stated n^{kernel.stated:g}{'' if kept else ': NOT KEPT'}",
            flush=True,
        )
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
