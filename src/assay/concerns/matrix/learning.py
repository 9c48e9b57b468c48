"""Every detector of every strategy, learned at equal data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from assay.concerns.budgets import Budgets
from assay.concerns.conversations.window_names import WINDOWS, Window
from assay.concerns.detectors import CONTROLS, DETECTORS, Examples, fit_detector
from assay.concerns.matrix.measuring import Fitted
from assay.concerns.strategies import Elicited, StrategyChoice, strategy_named
from assay.dictionaries import Dictionary
from assay.errors import AssayError
from assay.randomness import seed_for


@dataclass(frozen=True)
class TransferSettings:
    """What the matrix is made of."""

    strategies: tuple[StrategyChoice, ...]
    """How detectors are learned."""
    detectors: tuple[str, ...] = field(default_factory=lambda: tuple(DETECTORS))
    """Which detectors are learned from each strategy; 'text' among them."""
    budgets: Budgets = field(default_factory=Budgets)
    """What a detector may cost and must catch."""
    seed: int = 0
    """Every random draw derives from it."""
    windows: tuple[Window, ...] = WINDOWS
    """Which tokens are read. The first decides verdicts; the reference detectors read all of them."""


@dataclass(frozen=True, eq=False)
class Learned:
    """Every detector and both controls of one strategy, learned from the same examples."""

    strategy: str
    """The strategy."""
    fitted: list[Fitted]
    """The detectors; none where the examples are too few."""
    examples: Examples | None
    """What they were learned from."""
    why_not: str | None
    """Why nothing was learned."""


class Fits:
    """Fits detectors; those of a strategy that does not depend on the organism are fitted once."""

    def __init__(
        self, generated: Mapping[str, Elicited], dictionary: Dictionary, settings: TransferSettings
    ) -> None:
        self.generated = generated
        self.dictionary = dictionary
        self.settings = settings
        self._once: dict[str, Learned] = {}

    def of(self, elicited: Elicited) -> Learned:
        """Every detector and both controls, at equal data; or none, and why."""
        if elicited.strategy in self._once:
            return self._once[elicited.strategy]
        settings = self.settings
        found = learn_all(elicited, settings.detectors, self.dictionary, settings.seed)
        if strategy_named(elicited.strategy)[0].generates:
            self._once[elicited.strategy] = found
        return found


def fit_all(
    elicited: Elicited, names: Sequence[str], dictionary: Dictionary, seed: int
) -> tuple[list[Fitted], str | None]:
    """Every detector and both controls, at equal data; or none, and why."""
    learned = learn_all(elicited, names, dictionary, seed)
    return learned.fitted, learned.why_not


def learn_all(
    elicited: Elicited, names: Sequence[str], dictionary: Dictionary, seed: int
) -> Learned:
    """``fit_all`` with the examples that the detectors were learned from."""
    try:
        examples = Examples.of(elicited.conversations, dictionary)
    except AssayError as error:
        return Learned(elicited.strategy, [], None, str(error))
    # The controls of one strategy are not those of another.
    of_controls = seed_for(seed, f"concerns/controls/{elicited.strategy}")
    fitted = [
        Fitted(
            elicited.strategy,
            fit_detector(name, examples, dictionary, of_controls if name in CONTROLS else seed),
        )
        for name in (*names, *CONTROLS)
    ]
    return Learned(elicited.strategy, fitted, examples, None)
