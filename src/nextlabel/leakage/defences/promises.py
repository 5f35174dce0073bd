"""What bounds an audit's messages: an accountant, where clipping and noise are there for it to count."""

from collections.abc import Sequence

from nextlabel.core import registry
from nextlabel.core.defence import Defence
from nextlabel.errors import ParameterError
from nextlabel.leakage.defences.bounds import gaussian_bound, gaussian_delta
from nextlabel.leakage.defences.noises import Private
from nextlabel.leakage.verdicts import Accountant

__all__ = ["promised"]

_ROUNDING = 1e-6  # a share: an ε that was solved for may be that much too small


def promised(
    defences: Sequence[Defence],
    accountant: Accountant | None = None,
    *,
    delta: float | None = None,
    prior: float | None = None,
) -> Accountant | None:
    """What a privacy accountant says of messages so defended: as it is given, or computed from their noise.

    Parameters
    ----------
    defences : sequence of Defence
        Applied to each message in turn.
    accountant : Accountant, optional
        Given by the caller. Its numbers may be larger than need be, as of one that counts further messages;
        numbers that are smaller than the noise allows are refused.
    delta, prior : float, optional
        Both or neither: δ, and κ as in `nextlabel.leakage.defences.bounds.reconstruction_bound`.

    Returns
    -------
    Accountant or None
        None where nothing is asked.

    Raises
    ------
    ParameterError
        No defence ``private`` among them, so that nothing is clipped and there is nothing to count; one of
        delta and prior without the other, or beside an accountant; a number outside its range; an accountant
        that promises more than the noise keeps.

    Notes
    -----
    The computed bound is that of one message, which each record of an audit is in: nothing is gained from
    sampling, and further messages of the same records are not counted. What other defences do before the
    clipping or after the noise changes none of it. Of several ``private`` defences the one of the most noise
    counts, since the rest work on single records before it or on what is already noised. Time about 0.1 s.

    Examples
    --------
    >>> round(promised([Private(1.0)], delta=1e-5, prior=1e-4).chance, 4)
    0.0033
    """
    if accountant is None and delta is None and prior is None:
        return None
    noises = [one.noise for one in defences if isinstance(one, Private)]
    if not noises:
        applied = ", ".join(map(str, defences)) or "no defence"
        message = (
            "A bound needs messages that are clipped and noised, by the defence 'private'; received "
            f"{applied}. Give for example private:1.1:0.5, or leave the bound out: the report then says "
            "NOT SHOWN."
        )
        raise ParameterError(message)
    if accountant is not None:
        if delta is not None or prior is not None:
            message = (
                "A bound comes from an accountant, or is computed from delta and prior; received "
                f"an accountant, delta={delta!r} and prior={prior!r}. Leave one or the other out."
            )
            raise ParameterError(message)
        _check_kept(accountant, max(noises))
        return accountant
    if delta is None or prior is None:
        message = (
            f"A bound needs both delta and prior; received delta={delta!r} and prior={prior!r}. Give for "
            "example delta=1e-5 and prior=1e-4: the chance that a record is guessed without the message."
        )
        raise ParameterError(message)
    found: Accountant = registry.resolve("inspection", "bound")(max(noises), delta=delta, prior=prior)
    return found


def _check_kept(accountant: Accountant, noise: float) -> None:
    """Refuse numbers that are too good for a single message of so much noise, whoever computed them."""
    advice = "Leave the accountant out, and give delta and prior: the bound is then computed from the noise."
    least = gaussian_delta(noise, accountant.epsilon)
    if not accountant.delta >= least * (1.0 - _ROUNDING):
        message = (
            f"An accountant's numbers must hold for the noise {noise:g}, with which ε = "
            f"{accountant.epsilon:.3g} holds from δ = {least:.3g} on; received δ = "
            f"{accountant.delta:.3g}. {advice}"
        )
        raise ParameterError(message)
    # where only the prior is known of a belief, this is the smallest chance that holds
    chance = gaussian_bound(noise, accountant.prior)
    if not accountant.chance >= chance * (1.0 - _ROUNDING):
        message = (
            f"An accountant's numbers must hold for the noise {noise:g}, with which what is guessed with a "
            f"probability of {accountant.prior:.3g} is reconstructed with one of up to {chance:.3g}; "
            f"received {accountant.chance:.3g}. {advice}"
        )
        raise ParameterError(message)
