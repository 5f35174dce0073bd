"""What clipped and noised messages promise: epsilon at a delta, by Opacus' accountants."""

import warnings

from opacus.accountants import PRVAccountant, RDPAccountant

from nextlabel.leakage.defences.bounds import Bound
from nextlabel.maths.parameters import checked_choice, checked_number, checked_whole

__all__ = ["bound", "epsilon"]

# of Rényi divergence; small ones for much noise, large ones for little. Any list gives a valid bound.
_ORDERS = [1.001, 1.003, 1.01, 1.03, *(1 + tenth / 10 for tenth in range(1, 100)), *range(11, 64)]
_ORDERS += [2.0**power for power in range(6, 15)]


def epsilon(
    noise: float, *, delta: float, steps: int = 1, sample_rate: float = 1.0, accountant: str = "rdp"
) -> float:
    """The ε of differential privacy of clipped and noised messages, against the removal of one item.

    Parameters
    ----------
    noise : float
        The standard deviation of the noise in units of the length to which each item's gradient is clipped;
        above 0.
    delta : float
        Between 0 and 1; far below one over the number of items, or it means nothing.
    steps : int
        How many messages are sent of the same items.
    sample_rate : float
        The probability with which each item, drawn by itself (Poisson), is in a message: above 0, at most 1.
        1 where every message speaks of all items.
    accountant : {"rdp", "prv"}
        By Rényi divergence, always an upper bound; or by the privacy loss's own law, tighter, an upper bound
        up to the error 0.01 that it is computed with, and only below a rate of 1.

    Returns
    -------
    float
        Not negative.

    Raises
    ------
    ParameterError
        A number outside its range, or "prv" at a rate of 1.

    Notes
    -----
    A batch of fixed size that is drawn without replacement is not drawn by Poisson's rule: for it give a rate
    of 1, which holds for any way of drawing. Time about 0.1 s.

    References
    ----------
    Mironov, Talwar, Zhang. Rényi differential privacy of the sampled Gaussian mechanism. arXiv 1908.10530.
    Gopi, Lee, Wutschitz. Numerical composition of differential privacy. NeurIPS 2021.
    Computed by Opacus: Yousefpour et al. Opacus: user-friendly differential privacy library in PyTorch.
    arXiv 2109.12298.

    Examples
    --------
    >>> round(epsilon(1.0, delta=1e-5), 2)
    4.73
    """
    noise = checked_number(noise, "noise", above=0, advice="Give for example 1.0.")
    delta = checked_number(delta, "delta", above=0, below=1, advice="Give for example 1e-5.")
    steps = checked_whole(steps, "steps", least=1)
    rate = checked_number(sample_rate, "sample_rate", above=0, most=1, advice="Give 1.0 for whole batches.")
    options = ("rdp", "prv") if rate < 1 else ("rdp",)
    checked_choice(accountant, "accountant", options, advice="At a sample_rate of 1 there is 'rdp' only.")
    with warnings.catch_warnings():
        # that the best order is at the end of the list: another might be tighter, this one holds
        warnings.filterwarnings("ignore", message="Optimal order is")
        if accountant == "prv":
            law = PRVAccountant()
            law.history = [(noise, rate, steps)]
            return max(0.0, float(law.get_epsilon(delta)))
        renyi = RDPAccountant()
        renyi.history = [(noise, rate, steps)]
        return max(0.0, float(renyi.get_privacy_spent(delta=delta, alphas=_ORDERS)[0]))


def bound(noise: float, *, delta: float, prior: float, steps: int = 1, sample_rate: float = 1.0) -> Bound:
    """What such messages promise, and what follows for reconstruction.

    Parameters
    ----------
    noise, delta, steps, sample_rate
        As in `epsilon`.
    prior : float
        As in `nextlabel.leakage.defences.bounds.reconstruction_bound`.

    Raises
    ------
    ParameterError
        A number outside its range.

    Examples
    --------
    >>> round(bound(1.0, delta=1e-5, prior=1e-4).chance, 4)
    0.0033
    """
    found = epsilon(noise, delta=delta, steps=steps, sample_rate=sample_rate)
    # of items that are drawn less is known of a message than that law says
    own = noise if sample_rate == 1 else None
    return Bound(found, delta, prior, noise=own, steps=steps)
