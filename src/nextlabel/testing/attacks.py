"""The promises of an attack, as code that any package can run on its own classes.

`check` runs all of them on one attack and two messages. Each entry of `PROMISES` is one of them, and raises
`BrokenPromise` with what was expected, what was seen and, where it helps, what to do. An attack that cannot
keep a promise says so on its class: ``exceptions = {"clock": "the reason"}``.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch

from nextlabel.core.attack import COSTS, Attack, Knowledge, Recovery
from nextlabel.core.disclosure import Disclosure
from nextlabel.core.registry import build
from nextlabel.core.rng import generator
from nextlabel.testing.attack_examples import EXAMPLES, FAILURES, SETTINGS, Example
from nextlabel.testing.documentation import check_docstring, weakness
from nextlabel.testing.processes import elsewhere
from nextlabel.testing.promises import Promises, random_states_kept, require, require_round_trip
from nextlabel.testing.reach import arrays_within

__all__ = ["PROMISES", "Tried", "answers", "check", "difference", "tried"]

_KINDS = ("full", "last_layer", "embedding", "update")
_WORDS = ("items", "labels", "counts", "features", "words")
_KNOWN = {one.name for one in dataclasses.fields(Knowledge)}


@final
@dataclass(frozen=True)
class Tried:
    """An attack, a message that it solves and one that it cannot.

    Parameters
    ----------
    attack : Attack
        The attack in question.
    example, failure : callable
        Each makes a message and what the attacker knows.
    """

    attack: Attack
    example: Example
    failure: Example

    @property
    def exceptions(self) -> Mapping[str, str]:
        """Those of the attack."""
        return self.attack.exceptions

    @property
    def called(self) -> str:
        """The attack's class."""
        return type(self.attack).__name__


PROMISES: Promises[Tried] = Promises()
"""Every promise by its name, in the order in which `check` tries them."""


def tried(name: str) -> Tried:
    """A registered attack with its settings and messages for the contract.

    Parameters
    ----------
    name : str
        A registered name.

    Raises
    ------
    BrokenPromise
        `EXAMPLES` or `FAILURES` has no row for it.
    """
    for table, where in ((EXAMPLES, "EXAMPLES"), (FAILURES, "FAILURES")):
        require(
            name in table,
            f"the attack {name!r} has no row in nextlabel.testing.attack_examples.{where}. Add a message "
            f"that it {'solves' if table is EXAMPLES else 'cannot solve'}.",
        )
    return Tried(build("attack", {"name": name, **SETTINGS.get(name, {})}), EXAMPLES[name], FAILURES[name])


def check(attack: Attack, example: Example, failure: Example, *, seed: int = 0) -> None:
    """Run every promise on an attack.

    Parameters
    ----------
    attack : Attack
        An object of the class in question, with settings that end within a second on both messages.
    example, failure : callable
        Each makes a message and what the attacker knows: one that the attack solves, one that it cannot.
    seed : int
        Zero or larger.

    Raises
    ------
    BrokenPromise
        A promise is broken; or one is kept that the class declares as an exception; or an exception
        names no promise.

    Notes
    -----
    About fifteen runs of the attack; one promise starts a second Python process.
    """
    PROMISES.check(Tried(attack, example, failure), seed=seed)


def answers(seed: int, threads: int, *given: Any) -> list[Recovery]:
    """What attacks recover, one after the other; made to be called in another process.

    Parameters
    ----------
    seed : int
        Of the generator that each is given.
    threads : int
        Of torch: sums in another order differ in their last digits.
    *given : Attack, Disclosure, Knowledge, Attack, ...
        Each attack, followed by its message and by what it knows.
    """
    torch.set_num_threads(threads)
    triples = zip(given[::3], given[1::3], given[2::3], strict=True)
    return [
        attack.recover(disclosure, knowledge, generator(seed)) for attack, disclosure, knowledge in triples
    ]


def difference(one: Recovery, other: Recovery, *, tolerance: float) -> str:
    """The first field in which two answers differ; empty where there is none.

    Parameters
    ----------
    one, other : Recovery
        Traces and details are not compared.
    tolerance : float
        Of arrays and residuals, as a share of the largest magnitude.

    Examples
    --------
    >>> difference(Recovery("failed"), Recovery("refused"), tolerance=0.0)
    "outcome: 'failed' and 'refused'"
    """
    for name in ("outcome", "reason", "evaluations", "is_cut"):
        if getattr(one, name) != getattr(other, name):
            return f"{name}: {getattr(one, name)!r} and {getattr(other, name)!r}"
    for name in (*_WORDS, "residual"):
        if not _is_close(getattr(one, name), getattr(other, name), tolerance):
            return name
    return ""


@PROMISES.enter
def _vocabulary(of: Tried, seed: int) -> None:
    """What it reads, recovers, needs and costs are words that there are."""
    del seed
    require(of.attack.cost in COSTS, f"'cost' must be one of {', '.join(COSTS)}; it is {of.attack.cost!r}.")
    for said, words, what in (
        (of.attack.reads, _KINDS, "reads"),
        (of.attack.recovers, _WORDS, "recovers"),
        (of.attack.needs, sorted(_KNOWN), "needs"),
    ):
        require(isinstance(said, frozenset), f"'{what}' must be a frozenset; it is {said!r}.")
        require(said <= set(words), f"'{what}' may name {', '.join(words)}; it names {sorted(said)}.")
    require(bool(of.attack.reads and of.attack.recovers), "it reads or recovers nothing.")


@PROMISES.enter
def _solved_example(of: Tried, seed: int) -> None:
    """Its example is recovered, in arrays of the right form and without a number that is not finite."""
    found = _run(of, of.example(), seed)
    require(found.outcome == "recovered", f"its example ended as {found.outcome!r}: {found.reason}")


@PROMISES.enter
def _unsolved_failure(of: Tried, seed: int) -> None:
    """What it cannot solve it does not claim, and it says why."""
    found = _run(of, of.failure(), seed)
    require(found.outcome != "recovered", "it claims to have recovered what nobody can from this message.")
    require(bool(found.reason), f"it ended as {found.outcome!r} without a reason.")


@PROMISES.enter
def _refused_messages(of: Tried, seed: int) -> None:
    """A message it does not read, or needed knowledge that is not there, is refused with the reason."""
    disclosure, knowledge = of.example()
    for kind in {*_KINDS, "something else"} - of.attack.reads:
        other = Disclosure(kind, disclosure.arrays, disclosure.items)
        _refuses(of, other, knowledge, f"a message of kind {kind!r}", seed)
    for name in of.attack.needs:
        if getattr(knowledge, name) is not None:
            blind = dataclasses.replace(knowledge, **{name: None})  # type: ignore[arg-type]
            _refuses(of, disclosure, blind, f"knowledge without {name!r}", seed)


@PROMISES.enter
def _nothing_in_zeros(of: Tried, seed: int) -> None:
    """A message of zeros gives nothing."""
    disclosure, knowledge = of.example()
    zeros = {name: np.zeros_like(one) for name, one in disclosure.arrays.items()}
    found = _run(of, (Disclosure(disclosure.kind, zeros, disclosure.items), knowledge), seed)
    require(found.outcome != "recovered", "it claims to have recovered something from a message of zeros.")


@PROMISES.enter
def _any_numbers(of: Tried, seed: int) -> None:
    """Random numbers, very large and very small ones end in an outcome: nothing is raised."""
    disclosure, knowledge = of.example()
    rng = generator(seed, 1)
    for scale in (1.0, 1e12, 1e-12):
        arrays = {name: scale * rng.normal(size=one.shape) for name, one in disclosure.arrays.items()}
        _run(of, (Disclosure(disclosure.kind, arrays, disclosure.items), knowledge), seed)


@PROMISES.enter
def _determinism(of: Tried, seed: int) -> None:
    """Two runs at one seed give the same answer, bit for bit."""
    one, other = (_run(of, of.example(), seed) for _ in range(2))
    apart = difference(one, other, tolerance=0.0)
    require(not apart, f"two runs at one seed differ in {apart}. Draw from rng alone.")


@PROMISES.enter
def _isolation(of: Tried, seed: int) -> None:
    """Another process, which has nothing but the message and the knowledge, gives the same answer."""
    disclosure, knowledge = of.example()
    given = (seed, torch.get_num_threads(), of.attack, disclosure, knowledge)
    (here,), (there,) = answers(*given), elsewhere(answers, *given)
    apart = difference(here, there, tolerance=1e-6)
    require(not apart, f"a process that has the message and the knowledge only differs in {apart}.")


@PROMISES.enter
def _untouched_inputs(of: Tried, seed: int) -> None:
    """Message, knowledge, model, random states and torch's defaults stay as they were."""
    disclosure, knowledge = of.example()
    before = [(one, one.tobytes()) for one in arrays_within((disclosure, knowledge))]
    modes = {name: module.training for name, module in knowledge.model.named_modules()}
    named = dict(knowledge.model.named_parameters())
    wanted = {name: (one.requires_grad, one.dtype) for name, one in named.items()}
    settings = _settings()
    with random_states_kept("it"):
        of.attack.recover(disclosure, knowledge, generator(seed))
    require(all(one.tobytes() == kept for one, kept in before), "it wrote into its inputs. Work on a copy.")
    found = {name: (one.requires_grad, one.dtype) for name, one in knowledge.model.named_parameters()}
    require(found == wanted, "it changed which parameters require a gradient, or their precision.")
    left = [name for name, one in named.items() if one.grad is not None]
    require(not left, f"it left gradients in {', '.join(left)}. Differentiate with torch.autograd.grad.")
    require(
        {name: module.training for name, module in knowledge.model.named_modules()} == modes,
        "it changed the mode of the model. Put it back.",
    )
    require(_settings() == settings, f"torch's settings were {settings} and are {_settings()}.")


@PROMISES.enter
def _clock(of: Tried, seed: int) -> None:
    """With hardly any time it ends at once, with an outcome."""
    if of.attack.is_timed:
        hasty = dataclasses.replace(of.attack, seconds=1e-3)  # type: ignore[type-var]
        _run(Tried(hasty, of.example, of.failure), of.example(), seed)


@PROMISES.enter
def _round_trip(of: Tried, seed: int) -> None:
    """Its fields are its hyperparameters: spec, JSON and pickle each give an equal attack."""
    del seed
    require_round_trip("attack", of.attack)


@PROMISES.enter
def _documentation(of: Tried, seed: int) -> None:
    """A summary line, cost and weakness in the Notes, References, and Examples that run."""
    del seed
    check_docstring(type(of.attack))
    weakness(type(of.attack))


def _run(of: Tried, given: tuple[Disclosure, Knowledge], seed: int) -> Recovery:
    disclosure, knowledge = given
    found = of.attack.recover(disclosure, knowledge, generator(seed))
    require(isinstance(found, Recovery), f"it returned {type(found).__name__} instead of a Recovery.")
    for what in _WORDS:
        array = getattr(found, what)
        if array is None:
            continue
        require(what in of.attack.recovers, f"it gives {what}, which 'recovers' does not name.")
        require(isinstance(array, np.ndarray), f"{what} must be an array; it is {type(array).__name__}.")
        require(bool(np.isfinite(array).all()), f"{what} hold numbers that are not finite.")
    _require_forms(found, disclosure, knowledge)
    residual = found.residual
    require(residual is None or bool(residual >= 0), f"the residual must be 0 or more; it is {residual!r}.")
    try:
        json.dumps({"details": dict(found.details), "trace": list(found.trace)}, allow_nan=False)
    except (TypeError, ValueError) as cause:
        require(False, f"details and trace must be JSON values: {cause}")
    return found


def _require_forms(found: Recovery, disclosure: Disclosure, knowledge: Knowledge) -> None:
    if found.items is not None:
        shape = found.items.shape[1:]
        require(
            shape == knowledge.item_shape,
            f"items must have the axes (r, {', '.join(map(str, knowledge.item_shape))}); they have "
            f"{found.items.shape}.",
        )
    if found.labels is not None and found.labels.dtype.kind in "iu":
        within = bool((found.labels >= 0).all() and (found.labels < knowledge.classes).all())
        require(
            within or knowledge.loss == "language_model",
            f"labels must lie in 0..{knowledge.classes - 1}; they are {found.labels.tolist()}.",
        )
    if found.counts is not None:
        total = int(found.counts.sum())
        require(
            found.counts.shape == (knowledge.classes,) and total == disclosure.items,
            f"counts must be {knowledge.classes} that sum to {disclosure.items}; they are "
            f"{found.counts.tolist()}.",
        )


def _refuses(of: Tried, disclosure: Disclosure, knowledge: Knowledge, what: str, seed: int) -> None:
    found = _run(of, (disclosure, knowledge), seed)
    require(
        found.outcome == "refused" and bool(found.reason),
        f"{what} must end as 'refused' with a reason; it ended as {found.outcome!r}, {found.reason!r}.",
    )


def _is_close(here: Any, there: Any, tolerance: float) -> bool:
    if here is None or there is None:
        return here is there
    if np.shape(here) != np.shape(there):
        return False
    largest = np.abs(here).max(initial=0.0)
    return bool(np.allclose(here, there, rtol=0.0, atol=tolerance * largest))


def _settings() -> tuple[object, ...]:
    return torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled()
