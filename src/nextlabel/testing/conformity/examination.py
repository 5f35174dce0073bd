"""One implementation under examination, and what can come of a promise."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import final

from nextlabel.testing.conformity import questions as ask
from nextlabel.testing.conformity.answers import Answer, Asked, Fault, Pick, inadmissible
from nextlabel.testing.conformity.shrinking import Look, smallest
from nextlabel.testing.laws import Definition, Question, Sizes

__all__ = ["SEEDS", "Broken", "Examination", "Found", "Kept", "NotAsked"]

SEEDS = 3
"""How many seeds are tried where one answer could be right by luck."""


@final
@dataclass(frozen=True)
class Kept:
    """A promise that no input broke."""

    says: str


@final
@dataclass(frozen=True)
class NotAsked:
    """A promise that does not concern the method, or cannot be tested."""

    says: str


@final
@dataclass(frozen=True)
class Broken:
    """A broken promise, with the smallest input found that shows it."""

    says: str
    question: Question | None = None
    seed: int = 0


Found = Kept | NotAsked | Broken
"""What an examination finds of a promise."""


@final
@dataclass(frozen=True)
class Examination:
    """One implementation held against one definition.

    Parameters
    ----------
    pick : callable
        The implementation.
    definition : Definition
        What it should do.
    seed : int
        Chooses the inputs.
    draws : int
        How many seeds are tried for a law.
    memory : callable, optional
        The bytes declared, from sizes.

    Attributes
    ----------
    plain : list of Question
        Small ones, by rule or by the definition's own.
    questions : list of Question
        These, and further ones that the definition has.
    follows : bool
        Whether all of them are answered by the definition.
    """

    pick: Pick
    definition: Definition
    seed: int
    draws: int
    memory: Callable[[Sizes], float] | None
    plain: list[Question] = field(init=False)
    questions: list[Question] = field(init=False)
    follows: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "plain", ask.questions(self.definition, self.seed))
        further = ask.further(self.definition, self.seed)
        object.__setattr__(self, "questions", [*self.plain, *further])
        object.__setattr__(self, "follows", self._follows())

    def _follows(self) -> bool:
        """Whether plain questions are answered by the definition; if not, harder ones ask for form alone."""
        if self.definition.questions is not None or self.definition.often < 1.0:
            return False  # there are no harder ones
        pairs = [(question, self.seed + place) for question in self.questions for place in range(SEEDS)]
        return all(self.wrong(question, seed) is None for question, seed in pairs)

    @property
    def asked(self) -> Asked:
        """The implementation, errors caught."""
        return Asked(self.pick)

    @property
    def is_general(self) -> bool:
        """Whether harder questions are held against the definition too.

        Not where it answers its own questions alone, nor where plain ones are answered wrongly already.
        """
        return self.follows

    def answer(self, question: Question, seed: int | None = None) -> Answer | Fault:
        """The picks, or what is wrong with their form."""
        return self.asked(question, self.seed if seed is None else seed)

    def wrong(self, question: Question, seed: int, *, by_definition: bool = True) -> Fault | None:
        """What is wrong with the answer to a question: its form, or its picks by the definition."""
        answer = self.answer(question, seed)
        if isinstance(answer, Fault):
            return answer
        return inadmissible(self.definition, question, answer) if by_definition else None

    def broken(self, question: Question, look: Look, fault: Fault, seed: int | None = None) -> Broken:
        """The fault, at the smallest input that shows it; smaller ones need not suit every method."""
        if self.definition.questions is None:
            question, fault = smallest(question, look, fault)
        return Broken(fault.says, question, self.seed if seed is None else seed)

    def first_wrong(
        self, questions: "list[Question]", seeds: int = 1, *, by_definition: bool = True
    ) -> Broken | None:
        """The first question that is answered wrongly, made smaller."""
        for question in questions:
            for seed in range(self.seed, self.seed + seeds):

                def look(one: Question, seed: int = seed) -> Fault | None:
                    return self.wrong(one, seed, by_definition=by_definition)

                fault = look(question)
                if fault is not None:
                    return self.broken(question, look, fault, seed)
        return None
