"""Comp-sum losses, from the sum-exponential to one minus the probability, and their robust form."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax

from nextlabel.errors import LearnerError
from nextlabel.learners.losses import Loss, outputs_of
from nextlabel.maths.parameters import checked_choice, checked_number, checked_whole, settle

__all__ = ["AdversarialCompSum", "CompSum"]


@final
@dataclass(frozen=True)
class CompSum(Loss):
    """A function of the softmax probability of the label: between hard on outliers and deaf to them.

    Parameters
    ----------
    tau : float
        From 0 up: 0 is the sum-exponential loss, 1 the cross-entropy, between 1 and 2 the generalised
        cross-entropy, which noisy labels harm less, 2 one minus the probability of the label.

    Raises
    ------
    ParameterError
        A tau below 0.

    Notes
    -----
    With q the probability of the label, (q^(tau − 1) − 1) / (1 − tau), by log q and expm1, which is
    continuous at tau = 1, there −log q. For tau below 1 the loss of an item grows as a power of 1/q: it
    is no longer finite in float32 beyond log-odds of 88 / (1 − tau), and the training then says so.

    For tau below 2, the outputs that minimise it have softmax probabilities in proportion to
    p^(1 / (2 − tau)), p those of the classes; `logits` are the outputs times 2 − tau. From 2 up the
    minimum is at certainty for the likeliest class: `is_probabilistic` is then false.

    References
    ----------
    Mao, Mohri, Zhong. Cross-entropy loss functions: theoretical analysis and applications. ICML 2023.
    Section 2.
    Zhang, Sabuncu. Generalized cross entropy loss for training deep neural networks with noisy labels.
    NeurIPS 2018. Section 3.2.

    Examples
    --------
    >>> CompSum(tau=2.0).per_item(torch.zeros(1, 4), torch.tensor([2]))
    tensor([0.7500])
    """

    tau: float = 1.0

    def __post_init__(self) -> None:
        settle(self, {"tau": _checked_tau(self.tau, "CompSum")})

    @property
    def is_probabilistic(self) -> bool:
        """Whether tau is below 2."""
        return self.tau < 2

    def per_item(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """The function of the label's probability."""
        log_q = log_softmax(outputs, 1).gather(1, labels[:, None])[:, 0]
        return -log_q if self.tau == 1 else torch.expm1((self.tau - 1) * log_q) / (1 - self.tau)

    def logits(self, outputs: Tensor) -> Tensor:
        """The outputs times 2 − tau; from tau = 2 up, as they are."""
        return outputs * (2 - self.tau) if self.tau < 2 else outputs


@final
@dataclass(frozen=True)
class AdversarialCompSum(Loss):
    """A comp-sum loss that also keeps margins from moving when an item is moved a little.

    Parameters
    ----------
    tau : float
        As for `CompSum`.
    rho : float
        Above 0: the outputs are divided by it.
    nu : float
        From 0 up: what the movement of margins weighs.
    gamma : float
        From 0 up: how far an item is moved, in the units of the items.
    steps : int
        Of the search for the worst move, from 1 up.
    norm : str
        ``"l2"``, the Euclidean length of the move, or ``"linf"``, the largest change of a number.

    Raises
    ------
    ParameterError
        A setting outside its range.

    Notes
    -----
    With Δ(x) the differences between the output of the label and every output, the loss is that of
    `CompSum` on the outputs divided by rho, plus nu · sup ‖Δ(x') − Δ(x)‖₂ over all x' within gamma of x.

    The supremum is searched by projected gradient ascent from a random start, drawn from torch's
    generator; each step goes gamma far along the gradient, normalised for each item, and back to the
    ball. What is found is a lower bound; on a linear network with ``"l2"`` it converges to gamma times
    the largest singular value of the differences of weights. The margins that move are those of prediction:
    the network is in evaluation mode for this term, so that neither dropout nor batch statistics count as
    movement, and the running statistics of batch norm see no moved item.

    With nu = 0 or gamma = 0 nothing is searched and nothing is drawn. Cost: steps + 2 further passes
    forward, steps + 1 backward.

    References
    ----------
    Mao, Mohri, Zhong. Cross-entropy loss functions: theoretical analysis and applications. ICML 2023.
    Section 5.

    Examples
    --------
    Moved by 0.5, the outputs of this network change by 0 and 1:

    >>> layer = nn.Linear(1, 2, bias=False)
    >>> _ = layer.load_state_dict({"weight": torch.tensor([[0.0], [2.0]])})
    >>> item, label = torch.zeros(1, 1), torch.tensor([0])
    >>> first, both = (AdversarialCompSum(nu=nu, gamma=0.5).on_network(layer, item, label) for nu in (0, 1))
    >>> round((both - first).item(), 4)
    1.0
    """

    tau: float = 1.0
    rho: float = 1.0
    nu: float = 1.0
    gamma: float = 0.1
    steps: int = 10
    norm: str = "l2"

    def __post_init__(self) -> None:
        of = "AdversarialCompSum"
        off = "Give 0 to leave the term out."
        settle(
            self,
            {
                "tau": _checked_tau(self.tau, of),
                "rho": checked_number(self.rho, "rho", above=0, of=of, advice="Give 1 for outputs as are."),
                "nu": checked_number(self.nu, "nu", least=0, of=of, advice=off),
                "gamma": checked_number(self.gamma, "gamma", least=0, of=of, advice=off),
                "steps": checked_whole(self.steps, "steps", least=1, of=of),
                "norm": checked_choice(self.norm, "norm", ("l2", "linf"), of=of),
            },
        )

    @property
    def is_probabilistic(self) -> bool:
        """Whether tau is below 2."""
        return self.tau < 2

    def per_item(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """The first term: what outputs alone can say."""
        return CompSum(self.tau).per_item(outputs / self.rho, labels)

    def on_network(self, network: nn.Module, items: Tensor, labels: Tensor) -> Tensor:
        """Both terms.

        Raises
        ------
        LearnerError
            Items that are whole numbers, which cannot be moved a little.
        """
        first = self.per_item(outputs_of(network, items), labels)
        if not self.nu or not self.gamma:
            return first
        if not items.is_floating_point():
            message = (
                f"An adversarial loss moves items a little and needs numbers; received {items.dtype}, whole "
                "numbers that stand for something. Give the items as float32, or gamma=0."
            )
            raise LearnerError(message)
        with _evaluating(network):
            worst = self._worst(network, items, labels)
            moved = _margins(outputs_of(network, worst), labels) - _margins(
                outputs_of(network, items), labels
            )
        movement: Tensor = torch.linalg.vector_norm(moved, dim=1)
        return first + self.nu * movement

    def logits(self, outputs: Tensor) -> Tensor:
        """Those of the comp-sum loss of the outputs divided by rho."""
        return CompSum(self.tau).logits(outputs / self.rho)

    def _worst(self, network: nn.Module, items: Tensor, labels: Tensor) -> Tensor:
        """Of the moved items that the search visits, those whose margins moved furthest; detached."""
        with torch.no_grad():
            still = _margins(outputs_of(network, items), labels)
        move = self._onto_sphere(torch.randn_like(items))
        best, furthest = move, torch.full((len(items),), -1.0, device=items.device, dtype=still.dtype)
        for step in range(self.steps + 1):
            move = move.detach().requires_grad_(step < self.steps)
            lengths = torch.linalg.vector_norm(
                _margins(outputs_of(network, items + move), labels) - still, dim=1
            )
            is_further = lengths.detach() > furthest
            furthest = torch.where(is_further, lengths.detach(), furthest)
            best = torch.where(_like_items(is_further, items), move.detach(), best)
            if step < self.steps:
                (slope,) = torch.autograd.grad(lengths.sum(), move)
                move = self._into_ball(move.detach() + self._onto_sphere(slope))
        return items + best

    def _onto_sphere(self, along: Tensor) -> Tensor:
        """A move of full size along a direction, the longest that the ball allows; none along nothing."""
        if self.norm == "linf":
            return self.gamma * along.sign()
        return self.gamma * along / _lengths(along).clamp_min(torch.finfo(along.dtype).tiny)

    def _into_ball(self, move: Tensor) -> Tensor:
        if self.norm == "linf":
            return move.clamp(-self.gamma, self.gamma)
        return move * (self.gamma / _lengths(move).clamp_min(self.gamma))


def _checked_tau(tau: object, of: str) -> float:
    return checked_number(tau, "tau", least=0, of=of, advice="Give 1 for the cross-entropy.")


def _margins(outputs: Tensor, labels: Tensor) -> Tensor:
    """By how much the output of the label is above each, axes (n, c); 0 at the label."""
    margins: Tensor = outputs.gather(1, labels[:, None]) - outputs
    return margins


def _lengths(moves: Tensor) -> Tensor:
    return _like_items(torch.linalg.vector_norm(moves.flatten(1), dim=1), moves)


def _like_items(values: Tensor, items: Tensor) -> Tensor:
    """One value an item, with as many axes as items have."""
    return values.reshape(-1, *[1] * (items.ndim - 1))


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """The network in evaluation mode, and afterwards every module in the mode it was in."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, is_training in modes:
            module.training = is_training
