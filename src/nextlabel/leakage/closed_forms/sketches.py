"""From sketches back to gradient embeddings, where a known matrix lets them be solved for."""

import numpy as np

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Array, Disclosure
from nextlabel.leakage.closed_forms.dense_layers import Dense

__all__ = ["unsketched"]


def unsketched(disclosure: Disclosure, knowledge: Knowledge, layer: Dense) -> Array | str:
    """Gradient embeddings from their products with a known matrix.

    Parameters
    ----------
    disclosure : Disclosure
        Of kind ``"embedding"``, with a ``"sketch"``, axes (b, r).
    knowledge : Knowledge
        For the matrix, axes (r, k·d).
    layer : Dense
        The last layer, of k classes and d features.

    Returns
    -------
    array of float or str
        Embeddings, axes (b, k, d), in the message's type; or why there are none.

    Notes
    -----
    Least squares, which is exact where the matrix has full column rank. Time O(r·(k·d)²).
    """
    sent, matrix = disclosure.arrays.get("sketch"), knowledge.sketch
    if sent is None or sent.ndim != 2:
        return "The message holds neither embeddings, axes (b, k, d), nor sketches of them, axes (b, r)."
    if matrix is None:
        return "The message is a sketch of embeddings, and the matrix is not known."
    size = layer.weight.size
    if matrix.shape != (sent.shape[1], size):
        return f"The matrix must have the axes ({sent.shape[1]}, {size}); it has {matrix.shape}."
    if np.linalg.matrix_rank(matrix) < size:
        return (
            f"A sketch of {sent.shape[1]} numbers does not fix an embedding of {size} by linear equations, "
            f"as many embeddings have it. The {layer.weight.shape[1]} features behind it may be fixed all "
            "the same, by equations that are not linear and are not tried: this is no proof that it hides "
            "anything."
        )
    solved = np.linalg.lstsq(matrix.astype(np.float64), sent.T.astype(np.float64), rcond=None)[0]
    return np.asarray(solved.T.reshape(len(sent), *layer.weight.shape), sent.dtype)
