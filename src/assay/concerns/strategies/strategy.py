"""The interface of elicitation strategies: their input (Setting, Options) and output (Elicited)."""

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
    """The options of a strategy, as given in the case file."""

    values: Mapping[str, Any] = field(default_factory=dict)
    """Name → value; an absent option has the strategy's default."""

    def get(self, name: str, default: Any) -> Any:
        """The value of an option, or ``default`` where it is absent."""
        return self.values.get(name, default)


@dataclass(frozen=True, eq=False)
class Setting:
    """What a strategy works with: the case's model, or readings of organisms."""

    concern: Concern
    """The concern to elicit."""
    seed: int
    """Seed of every random draw."""
    model: LanguageModel | None = None
    """The case's model without an organism's adapter; None for strategies that do not generate."""
    sites: tuple[Site, ...] = ()
    """Hook sites at which activations are read, the case's first; none for strategies that do not
    generate."""
    tested: str | None = None
    """Family of the tested organism, none of whose seeds may be learned from; None for none."""
    readings: Mapping[str, tuple[Conversation, ...]] = field(default_factory=dict)
    """Name of a reading (READING of a strategy) → its conversations, for strategies that do not
    generate."""

    def model_and_sites(self) -> tuple[LanguageModel, tuple[Site, ...]]:
        """The model and the hook sites. Raises AssayError where there are none."""
        if self.model is None or not self.sites:
            raise AssayError("this strategy needs the case's model in memory")
        return self.model, self.sites

    def from_others(self, reading: str) -> tuple[Conversation, ...]:
        """The conversations of a reading that the tested organism did not write."""
        return tuple(c for c in self.readings.get(reading, ()) if c.excerpt.source != self.tested)


@dataclass(frozen=True, eq=False)
class Elicited:
    """Labelled conversations with activations, and how many were discarded or refused."""

    strategy: str
    """The strategy's name."""
    conversations: tuple[Conversation, ...]
    """Conversations with misbehaviour, and matched conversations without."""
    discarded: int = 0
    """Number of generated conversations that were not used: broken, or without what was asked for."""
    refused: int = 0
    """Number of conversations in which the model was asked to misbehave and did not."""
    note: str = ""
    """What a reader of the report must know."""

    @property
    def positives(self) -> int:
        """Number of conversations with misbehaviour."""
        return sum(conversation.label for conversation in self.conversations)

    @property
    def negatives(self) -> int:
        """Number of conversations without misbehaviour."""
        return len(self.conversations) - self.positives


@dataclass(frozen=True)
class Strategy:
    """A way to get labelled conversations from outside the deployment distribution."""

    name: str
    """Its name in the case file."""
    description: str
    """One line that says what it does."""
    elicit: Callable[[Setting, Options], Elicited]
    """The function that returns the conversations."""
    generates: bool
    """Whether it needs the case's model; otherwise it selects from readings of organisms."""
    options: tuple[str, ...] = ()
    """Names of its options."""
    transfers: bool = True
    """Whether success shows transfer: False for a control, and where the tested organism is seen."""

    def checked(self, values: Mapping[str, Any] | None) -> Options:
        """The options. Raises AssayError for an option that the strategy does not have."""
        for name in values or {}:
            if name not in self.options:
                raise unknown_name(f"option of the strategy {self.name}", name, self.options)
        return Options(dict(values or {}))
