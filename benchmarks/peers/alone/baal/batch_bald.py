"""A batch of one by BatchBALD should be the first by BALD; it is the item that would come second."""

import numpy as np
from baal.active.heuristics import BALD, BatchBALD

certain, unsure = [[0.99, 0.01], [0.01, 0.99]], [[0.8, 0.2], [0.2, 0.8]]
draws = np.array([certain, unsure, [[0.5, 0.5], [0.5, 0.5]]])
predictions = draws.transpose(0, 2, 1)
print("first by BALD:                       ", int(BALD().get_ranks(predictions)[0][0]))
print("first by BatchBALD, num_samples of 1:", int(BatchBALD(num_samples=1).get_ranks(predictions)[0][0]))
