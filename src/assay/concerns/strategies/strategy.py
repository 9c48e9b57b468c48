"""What every elicitation strategy is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assay.concerns.concern import Concern
from assay.concerns.conversations.excerpts import Conversation
from assay.errors import AssayError, unknown_name

if TYPE_CHECKING:
    from assay.models import LanguageModel, Site


@dataclass(frozen=True)
class Options:
    """A strategy's own settings, as the case file gives them."""

    values: Mapping[str, Any] = field(default_factory=dict)
    """Name → value; what is absent takes the strategy's default."""

    def get(self, name: str, default: Any) -> Any:
        """The value of an option."""
        return self.values.get(name, default)


@dataclass(frozen=True, eq=False)
class Setting:
    """Where a strategy works: the case's model, or what organisms left behind."""

    concern: Concern
    """What is to be elicited."""
    seed: int
    """Every random draw derives from it."""
    model: LanguageModel | None = None
    """The case's own model, without any organism's adapter; None where no strategy generates."""
    site: Site | None = None
    """Where activations are read."""
    tested: str | None = None
    """Family of the organism to be tested on: nothing is learned from any of its seeds."""
    readings: Mapping[str, tuple[Conversation, ...]] = field(default_factory=dict)
    """What strategies that do not generate choose from, by the reading's name (see each strategy)."""

    def model_and_site(self) -> tuple[LanguageModel, Site]:
        """Model and site. Raises AssayError where the strategy was called without them."""
        if self.model is None or self.site is None:
            raise AssayError("this strategy needs the case's model in memory")
        return self.model, self.site

    def from_others(self, reading: str) -> tuple[Conversation, ...]:
        """A reading's conversations without those of the tested organism."""
        return tuple(c for c in self.readings.get(reading, ()) if c.excerpt.source != self.tested)


@dataclass(frozen=True, eq=False)
class Elicited:
    """Labelled conversations with activations, and how many were discarded to get them."""

    strategy: str
    """The strategy's name."""
    conversations: tuple[Conversation, ...]
    """Those that misbehave and matched ones that do not."""
    discarded: int = 0
    """Conversations that were generated and not used: broken, or not what was asked for."""
    refused: int = 0
    """Conversations in which misbehaviour was asked for and did not happen."""
    note: str = ""
    """What a reader must know."""

    @property
    def positives(self) -> int:
        """Conversations that misbehave."""
        return sum(conversation.label for conversation in self.conversations)

    @property
    def negatives(self) -> int:
        """Conversations that do not."""
        return len(self.conversations) - self.positives


@dataclass(frozen=True)
class Strategy:
    """One way to get conversations from outside the deployment distribution."""

    name: str
    """As the case file names it."""
    description: str
    """What it does, in a line."""
    elicit: Callable[[Setting, Options], Elicited]
    """The function that does it."""
    generates: bool
    """Whether it needs the case's model in memory; else it chooses from readings."""
    options: tuple[str, ...] = ()
    """Names of the options that it knows."""
    transfers: bool = True
    """Whether success shows transfer: not for a control, nor where the tested organism is seen."""

    def checked(self, values: Mapping[str, Any] | None) -> Options:
        """Options. Raises AssayError for one that the strategy does not know."""
        for name in values or {}:
            if name not in self.options:
                raise unknown_name(f"option of the strategy {self.name}", name, self.options)
        return Options(dict(values or {}))
