"""The pools that the benchmarks select from: made here, seeded, the same on every machine.

`rectified_mixture`: features as the last hidden layer of a trained network has them. A Gaussian mixture
with one component a class and a spectrum that decays as 1/sqrt(k), rotated, rectified (half of the values
become zero); probabilities are the softmax of the distances to the class means, scaled so that most items are
confident, as after training to 99 %.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def rectified_mixture(
    n: int, *, features: int = 512, classes: int = 10, sharpness: float = 12.0, seed: int = 0
) -> tuple[Floats, Floats]:
    """Class probabilities (n, c) and embedding (n, d), both float32."""
    rng = np.random.default_rng(seed)
    spectrum = (1.0 / np.sqrt(np.arange(1, features + 1))).astype(np.float32)
    rotation = np.linalg.qr(rng.standard_normal((features, features)))[0].astype(np.float32)
    means = rng.standard_normal((classes, features)).astype(np.float32) * spectrum * 1.5
    proba = np.empty((n, classes), np.float32)
    embedding = np.empty((n, features), np.float32)
    for start in range(0, n, 50_000):
        rows = slice(start, min(start + 50_000, n))
        m = rows.stop - start
        label = rng.integers(classes, size=m)
        latent = rng.standard_normal((m, features), dtype=np.float32) * spectrum + means[label]
        embedding[rows] = np.maximum(latent @ rotation, 0.0)
        square = (latent**2).sum(1)[:, None] - 2.0 * latent @ means.T + (means**2).sum(1)
        logits = -sharpness * square / np.float32(np.median(square))
        logits -= logits.max(axis=1, keepdims=True)
        np.exp(logits, out=logits)
        proba[rows] = logits / logits.sum(axis=1, keepdims=True)
    return proba, embedding


def residual_of(proba: Floats) -> Floats:
    """Probability minus the one-hot of the most probable class, float32."""
    residual = proba.copy()
    items = np.arange(len(proba))
    predicted = proba.argmax(axis=1)
    residual[items, predicted] = 0.0
    residual[items, predicted] = -residual.sum(axis=1)
    return residual


def tight_clusters(
    n: int, *, features: int = 8, clusters: int = 300, classes: int = 10, seed: int = 0
) -> tuple[Floats, Floats]:
    """Residual (n, c) and embedding (n, d) of items in tight clusters: the hard case for lazy bounds."""
    rng = np.random.default_rng(seed)
    of = rng.integers(clusters, size=n)
    embedding = rng.standard_normal((clusters, features))[of] + 0.01 * rng.standard_normal((n, features))
    proba = rng.dirichlet(np.full(classes, 0.3), size=clusters)[of]
    proba += 0.001 * rng.random((n, classes))
    proba /= proba.sum(axis=1, keepdims=True)
    return residual_of(proba.astype(np.float32)), embedding.astype(np.float32)


def random_draws(
    n: int, draws: int, classes: int, *, seed: int = 0, dtype: type = np.float32
) -> NDArray[np.floating]:
    """Class probabilities (n, m, c) under draws that agree on easy items and differ on hard ones."""
    rng = np.random.default_rng(seed)
    base = rng.standard_normal((n, 1, classes)) * 3.0
    logits = base + rng.gamma(1.0, 1.0, size=(n, 1, 1)) * rng.standard_normal((n, draws, classes))
    logits -= logits.max(axis=2, keepdims=True)
    proba = np.exp(logits)
    proba /= proba.sum(axis=2, keepdims=True)
    return proba.astype(dtype)


def dropout_draws(n: int, draws: int, classes: int, *, rate: float = 0.5, seed: int = 0) -> Floats:
    """Class probabilities (n, m, c) of a linear layer on a rectified mixture under Monte-Carlo dropout.

    Each draw keeps the same features for all items, as one mask in front of the last layer does.
    """
    proba, embedding = rectified_mixture(n, features=128, classes=classes, seed=seed)
    weights = np.linalg.lstsq(embedding, np.log(proba + 1e-6), rcond=None)[0]
    masks = (np.random.default_rng(seed).random((draws, 128)) >= rate) / (1.0 - rate)
    logits = np.einsum("nd,md,dc->nmc", embedding, masks, weights, optimize=True)
    logits -= logits.max(axis=2, keepdims=True)
    dropped = np.exp(logits)
    dropped /= dropped.sum(axis=2, keepdims=True)
    return dropped.astype(np.float32)
