"""What an accountant's promise says of reconstruction: the largest chance, for any attack whatever."""

from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri

from nextlabel.maths.parameters import checked_number, checked_whole, settle

__all__ = ["Bound", "gaussian_bound", "gaussian_delta", "reconstruction_bound"]

_TELLING = 0.9  # a chance above is as good as certain


def reconstruction_bound(epsilon: float, delta: float, prior: float) -> float:
    """The largest probability with which any attack reconstructs an item from a private message.

    Parameters
    ----------
    epsilon : float
        Of (ε, δ)-differential privacy against the removal of one item, 0 or more.
    delta : float
        From 0 to 1.
    prior : float
        κ, from 0 to 1: the probability with which the best single guess, made without the message, counts as
        a reconstruction of an item drawn from what the attacker believes.

    Returns
    -------
    float
        At most 1; ``prior`` where epsilon and delta are 0.

    Raises
    ------
    ParameterError
        A number outside its range.

    Notes
    -----
    min(1, e^ε·κ + δ). Let M be the mechanism, D the other items, z the item, drawn from the belief π, and S_z
    the set of messages after which the attack's answer counts as a reconstruction of z. By privacy, for each
    z, P[M(D ∪ z) ∈ S_z] ≤ e^ε·P[M(D) ∈ S_z] + δ. Averaged over z, the right side asks how often an answer
    made from M(D), which does not depend on z, is near z: at most κ, whatever the answer. The attacker may
    know all of D, the model and the mechanism, and have any time.

    It bounds one stated notion of success and one stated belief: where an item can nearly be guessed
    beforehand, κ is large and the bound says little. It says nothing of the label, or of properties of the
    item, unless success is defined by them.

    References
    ----------
    Balle, Cherubin, Hayes. Reconstructing training data with informed adversaries. IEEE S&P 2022.
    The argument with δ is ours, one line more.

    Examples
    --------
    >>> reconstruction_bound(0.0, 0.0, prior=0.01)
    0.01
    >>> round(reconstruction_bound(1.0, 1e-5, prior=0.01), 4)
    0.0272
    """
    epsilon = checked_number(epsilon, "epsilon", least=0, is_finite=False, advice="Give for example 1.0.")
    delta = checked_number(delta, "delta", least=0, most=1, advice="Give for example 1e-5.")
    prior = _checked_prior(prior)
    if prior == 0:
        return delta
    if epsilon >= -np.log(prior):  # e^ε may be beyond the largest number
        return 1.0
    return min(1.0, prior * float(np.exp(epsilon)) + delta)


def gaussian_bound(noise: float, prior: float, *, steps: int = 1) -> float:
    """The largest probability of reconstruction from whole-batch messages with normal noise: a tighter bound.

    Parameters
    ----------
    noise : float
        The standard deviation of the noise, in units of the length to which each item's gradient is clipped;
        above 0.
    prior : float
        κ, as in `reconstruction_bound`.
    steps : int
        How many such messages the same item is in, from 1. All items are in each: nothing is drawn.

    Returns
    -------
    float
        Never above `reconstruction_bound` at an ε and δ that hold for the same messages.

    Raises
    ------
    ParameterError
        A number outside its range.

    Notes
    -----
    Φ(Φ⁻¹(κ) + √steps/noise). With and without the item a message is normal with the same covariance and with
    means that lie at most one clipping length apart. Of all events that have probability p without the item,
    the half-space across that line has the largest probability with it (Neyman and Pearson):
    Φ(Φ⁻¹(p) + 1/noise), which is concave in p, so that the average over items is at most its value at κ. Of
    several messages the distances add up as squares, also where each depends on those before it.

    References
    ----------
    Dong, Roth, Su. Gaussian differential privacy. JRSS B 84, 2022: how they compose.
    Hayes, Mahloujifar, Balle. Bounding training data reconstruction in DP-SGD. NeurIPS 2023.

    Examples
    --------
    >>> round(gaussian_bound(1.0, prior=0.01), 4)
    0.0924
    """
    noise = checked_number(noise, "noise", above=0, advice="Give for example 1.0.")
    steps = checked_whole(steps, "steps", least=1)
    return float(ndtr(ndtri(_checked_prior(prior)) + np.sqrt(steps) / noise))


def gaussian_delta(noise: float, epsilon: float) -> float:
    """The smallest δ at which one whole-batch message with normal noise is (ε, δ)-private.

    Parameters
    ----------
    noise : float
        As in `gaussian_bound`.
    epsilon : float
        0 or more.

    Returns
    -------
    float
        From 0 to 1. No smaller one holds: who says so is wrong.

    Raises
    ------
    ParameterError
        A number outside its range.

    Notes
    -----
    Φ(1/(2·noise) − ε·noise) − e^ε·Φ(−1/(2·noise) − ε·noise), for gradients that differ by the whole length to
    which they are clipped.

    References
    ----------
    Balle, Wang. Improving the Gaussian mechanism for differential privacy. ICML 2018. Theorem 8.

    Examples
    --------
    >>> round(gaussian_delta(1.0, 1.0), 4)
    0.1269
    """
    noise = checked_number(noise, "noise", above=0, advice="Give for example 1.0.")
    epsilon = checked_number(epsilon, "epsilon", least=0, is_finite=False, advice="Give for example 1.0.")
    if not np.isfinite(epsilon):
        return 0.0
    half, moved = 0.5 / noise, epsilon * noise
    # as logarithms, since e^ε is soon beyond the largest number
    return max(0.0, float(ndtr(half - moved) - np.exp(epsilon + log_ndtr(-half - moved))))


@final
@dataclass(frozen=True)
class Bound:
    """What an accountant promises of a message, and what follows for reconstruction.

    Parameters
    ----------
    epsilon, delta : float
        Of differential privacy against the removal of one item.
    prior : float
        κ, from 0 to 1: how often the best guess without the message would count as a reconstruction.
    noise : float, optional
        Where the messages have normal noise and each item is in all of them: as `gaussian_bound` takes it.
    steps : int
        How many messages those are.

    Raises
    ------
    ParameterError
        A number outside its range.

    Notes
    -----
    The chance is `reconstruction_bound`, or `gaussian_bound` where the noise is said and that is smaller. ε
    and δ are one point of what the noise promises, and little noise has no δ that is small and ε as well.
    What is above 0.9 counts as 1: it holds, and tells nothing.

    Examples
    --------
    >>> round(Bound(1.0, 1e-5, prior=0.01).chance, 4)
    0.0272
    >>> round(Bound(4.73, 1e-5, prior=0.01, noise=1.0).chance, 4)
    0.0924
    """

    epsilon: float
    delta: float
    prior: float
    noise: float | None = None
    steps: int = 1

    def __post_init__(self) -> None:
        reconstruction_bound(self.epsilon, self.delta, self.prior)
        if self.noise is not None:
            gaussian_bound(self.noise, self.prior, steps=self.steps)
        settle(self, {name: float(getattr(self, name)) for name in ("epsilon", "delta", "prior")})

    @property
    def chance(self) -> float:
        """The largest probability of a reconstruction, for any attack."""
        general = reconstruction_bound(self.epsilon, self.delta, self.prior)
        if self.noise is None:
            return general
        own = gaussian_bound(self.noise, self.prior, steps=self.steps)
        return min(general, own if own <= _TELLING else 1.0)

    @property
    def sentence(self) -> str:
        """The bound in words, with what it rests on."""
        law = "" if self.noise is None else ", and by the law of the noise"
        return (
            f"By differential privacy with ε = {self.epsilon:.3g} and δ = {self.delta:.2g}{law}, no attack "
            f"whatever reconstructs an item with a probability above {self.chance:.3g}, if without the "
            f"message the best guess would do so with {self.prior:.3g}. For another belief about the data "
            "the number is another."
        )


def _checked_prior(prior: float) -> float:
    return checked_number(prior, "prior", least=0, most=1, advice="Give the chance of a guess, as 0.01.")
