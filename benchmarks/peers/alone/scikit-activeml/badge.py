"""The second pick is drawn by min(‖g‖², D²), as if the origin were a centre; k-means++ draws it by D²."""

from typing import Any

import numpy as np
from skactiveml.base import SkactivemlClassifier
from skactiveml.pool import Badge

EMBEDDING = np.array([[0.4, 0.4], [0.4, -0.9], [0.8, 1.6]])
PROBA = np.array([[0.0, 0.1, 0.9], [0.6, 0.4, 0.0], [0.9, 0.1, 0.0]])


class Given(SkactivemlClassifier):
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "Given":
        return self

    def predict_proba(self, X: Any) -> Any:
        rows = X[:, 0].astype(int)
        return PROBA[rows], EMBEDDING[rows]


numbers, unlabelled = np.arange(3.0)[:, None], np.full(3, np.nan)
model = Given(classes=[0, 1, 2])
picks, utilities = Badge(random_state=0).query(
    numbers, unlabelled, model, fit_clf=False, batch_size=2, return_utilities=True
)
residual = PROBA - np.eye(3)[PROBA.argmax(axis=1)]
gradients = np.einsum("nc,nd->ncd", residual, EMBEDDING).reshape(3, -1)
squares = ((gradients - gradients[picks[0]]) ** 2).sum(axis=1)
print("the first pick:       ", picks[0])
print("the second is drawn by", utilities[1].round(3))
print("D² would draw it by   ", (squares / squares.sum()).round(3))
