"""The last tokens of sequences whose model has one table for input and output: seen as targets only."""

from collections.abc import Sequence

import numpy as np
import torch

from nextlabel.core.attack import Knowledge
from nextlabel.core.disclosure import Disclosure
from nextlabel.leakage.gradients import MessageGradient, relative_distance, tensors_of
from nextlabel.leakage.text.paddings import padded
from nextlabel.leakage.text.token_places import Place, Tokens, inputs_at_ends

__all__ = ["last_tokens"]

_ROUNDS = 6
_ENOUGH = 1e-3  # share of the message that is left when all last tokens are right


def last_tokens(
    knowledge: Knowledge,
    disclosure: Disclosure,
    head: Place,
    sequences: Sequence[tuple[int, ...]],
    padding: int,
) -> tuple[Tokens, float] | None:
    """The targets at the last position of sequences of a model that predicts the next token.

    Parameters
    ----------
    knowledge : Knowledge
    disclosure : Disclosure
    head : Place
        The layer that makes the logits.
    sequences : sequence of tuples of int
        All of the batch, without their last tokens.
    padding : int
        Fills up the shorter of them.

    Returns
    -------
    pair of an array of int64, axes (n,), and a float, or None
        The targets, and how far the gradient with them is from the message. None where the table is not in
        the message, or there are more sequences than features.

    Notes
    -----
    The gradient of the table is a sum over inputs and targets. What the sequences explain with their other
    targets is computed and taken away; the rest is, to first order, a row -w z for each last target and the
    input z of the last layer behind its sequence, which least squares read off. With these targets filled
    in, the rest of the rest corrects those that were wrong: a few gradients.
    """
    weight = knowledge.model.get_submodule(head.module).weight
    names = [own for own, one in knowledge.model.named_parameters() if one is weight]
    if not names or names[0] not in disclosure.arrays:
        return None
    inputs = inputs_at_ends(knowledge.model, head.module, sequences)
    if len(inputs) > inputs.shape[1]:
        return None
    lengths = np.array([len(one) for one in sequences])
    share = 1.0 if knowledge.reduction == "sum" else 1.0 / lengths.sum()
    gradient = MessageGradient(knowledge.model, knowledge.loss, "sum", list(disclosure.arrays))
    sent = tensors_of(disclosure)
    tokens = padded(sequences, lengths.max(), padding)
    targets = padded([one[1:] for one in sequences], lengths.max(), -100)
    best: tuple[Tokens, float] | None = None
    every, ends = np.arange(len(tokens)), lengths - 1
    for _ in range(_ROUNDS):
        found = {
            name: share * one
            for name, one in gradient(torch.as_tensor(tokens), torch.as_tensor(targets)).items()
        }
        left = relative_distance(found, sent)
        if (targets[every, ends] >= 0).all() and (best is None or left < best[1]):
            best = targets[every, ends], left
        if best is not None and left <= _ENOUGH:
            break
        rest = (sent[names[0]] - found[names[0]]).double().numpy()
        rows = np.linalg.lstsq(inputs.T, rest.T, rcond=None)[0]
        likely = rows.argmin(axis=1)
        is_wrong = (targets[every, ends] < 0) | (rows[every, likely] < -0.5 * share)
        if not is_wrong.any():
            break
        targets[every[is_wrong], ends[is_wrong]] = likely[is_wrong]
    return best
