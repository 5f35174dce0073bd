"""Discriminative batches: the gradient, and how near the batch found is to the best of all."""

import time
from itertools import combinations, product

import numpy as np

from benchmarks.data import Floats
from benchmarks.measure import Row, shown
from nextlabel.maths.discriminative import BatchProblem
from nextlabel.maths.discriminative_search import best_batch
from nextlabel.maths.polytope import Polytope
from nextlabel.maths.predictions import softmax
from nextlabel.maths.softmax import with_ones

FEATURES, LABELLED, POOL, BATCH, PENALTY = 4, 12, 8, 2, 0.5
DRAWS = 40


def rows() -> list[Row]:
    return [_gradient(classes) for classes in (2, 5)] + [
        _against_all(classes, weight) for classes in (2, 3) for weight in (0.1, 1.0, 10.0)
    ]


def _gradient(classes: int) -> Row:
    rng = np.random.default_rng(0)
    worst = 0.0
    for _ in range(5):
        problem = _problem(rng, classes, 1.0)
        guesses = rng.dirichlet(np.ones(classes + 1), size=POOL)[:, :classes]
        gradient = problem.gradient(problem.state(guesses))[0]
        numeric = np.empty_like(gradient)
        for entry in np.ndindex(*gradient.shape):
            change = np.zeros_like(guesses)
            change[entry] = 1e-5
            rise = problem.state(guesses + change).value - problem.state(guesses - change).value
            numeric[entry] = rise / 2e-5
        worst = max(worst, float(np.abs(gradient - numeric).max() / np.abs(numeric).max()))
    return Row(
        f"Guo and Schuurmans' gradient, {classes} classes: relative error to central differences",
        f"{worst:.1e}",
        "",
        "",
        "at most 1e-6",
        worst <= 1e-6,
    )


def _against_all(classes: int, entropy_weight: float) -> Row:
    rng = np.random.default_rng(0)
    found, plain, seconds = [], [], 0.0
    for _ in range(DRAWS):
        problem = _problem(rng, classes, entropy_weight)
        proba = np.asarray(softmax(problem.candidates @ problem.state(np.zeros((POOL, classes))).matrix.T))
        before = time.process_time()
        value = best_batch(problem, proba, BATCH, cap=BATCH).value
        seconds += time.process_time() - before
        polytope = Polytope(POOL, classes, BATCH, BATCH)
        worths = np.array(
            [
                problem.state(polytope.corner(np.array(items), np.array(labels))).value
                for items in combinations(range(POOL), BATCH)
                for labels in product(range(classes), repeat=BATCH)
            ]
        )
        doubtful = np.argsort((proba * np.log(proba)).sum(axis=1))[:BATCH]
        of_entropy = problem.state(polytope.corner(doubtful, proba[doubtful].argmax(axis=1))).value
        found.append(1 + int((worths > value + 1e-9).sum()))
        plain.append(1 + int((worths > of_entropy + 1e-9).sum()))
    share = float(np.mean(np.array(found) <= 0.05 * len(worths)))
    return Row(
        f"discriminative batch of {BATCH} among {len(worths)} with {classes} classes, entropy weight "
        f"{entropy_weight:g}, {DRAWS} draws; plain: largest entropies",
        f"median place {np.median(found):g}, {share:.0%} in the best 5 %, {shown(seconds / DRAWS)} each",
        f"median place {np.median(plain):g}",
        "",
        "median place 1, 90 % in the best 5 %",
        share >= 0.9 and float(np.median(found)) == 1.0,
    )


def _problem(rng: np.random.Generator, classes: int, entropy_weight: float) -> BatchProblem:
    """Items of a random linear model; every class has a label."""
    while True:
        points: Floats = rng.normal(size=(LABELLED + POOL, FEATURES))
        scores = points @ rng.normal(size=(FEATURES, classes)) + rng.gumbel(size=(len(points), classes))
        labels = scores[:LABELLED].argmax(axis=1)
        if len(set(labels.tolist())) == classes:
            break
    seen, pool = with_ones(points[:LABELLED]), with_ones(points[LABELLED:])
    return BatchProblem(seen, np.eye(classes)[labels], pool, pool[:0], PENALTY, entropy_weight, 1.0, True)
