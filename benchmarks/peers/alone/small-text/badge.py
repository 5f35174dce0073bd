"""The predicted class is not subtracted: factors of all gradients are −p, not p minus the one-hot."""

import numpy as np
from small_text.integrations.pytorch.query_strategies import BADGE

embedding = np.array([[1.0], [1.0], [1.0]])
proba = np.array([[0.8, 0.1, 0.1], [0.4, 0.3, 0.3], [0.1, 0.8, 0.1]])
residual = proba - np.eye(3)[proba.argmax(axis=1)]
print("its gradients:      ", BADGE(3).get_badge_embeddings(embedding, proba).round(2).tolist())
print("p minus the one-hot:", residual.round(2).tolist())
