"""qk.json: what a query–key dictionary explains of each head's attention, and what its features mix."""

from __future__ import annotations

from typing import ClassVar, Literal

from assay.results import Figures, Result

Interval = tuple[float, float]
View = Literal["uniform", "mean pattern", "PCA 16", "PCA 32", "mean squared error", "patterns"]
VIEWS: tuple[View, ...] = (
    *("uniform", "mean pattern", "PCA 16", "PCA 32"),
    *("mean squared error", "patterns"),
)
"""What approximates a pattern: nothing, its mean over crops, queries and keys projected on that many
principal components of each head (not sparse), the dictionary that was trained to reconstruct queries
and keys, and the one that was trained on the patterns."""


class PatternFigures(Figures):
    """How far one approximation is from a head's attention patterns, on held-out crops."""

    view: View
    """The approximation."""
    kl: float
    """KL(true ‖ approximation), nats, mean over queries from position 1 on."""
    kl_ci: Interval | None
    """95 %, Student's t over documents; None for fewer than two."""
    kl0: float
    """The same with the first key (the sink) left out of both and both renormalised."""
    kl0_ci: Interval | None
    """95 %, over documents."""


class PositionShares(Figures):
    """How much of one side of a head comes from features whose variance position explains.

    Features are weighted by their mean activation times the norm of their part of the head. A feature
    counts only where its whole interval lies there.
    """

    near_zero: float
    """Below SMALL: position explains next to nothing."""
    between: float
    """Position and content are mixed."""
    near_one: float
    """Above 1 − SMALL: position explains nearly everything."""
    undetermined: float
    """Its interval holds a limit, or it fires too rarely to say."""


class QKHead(Figures):
    """One query head."""

    head: int
    """Its index."""
    key_head: int
    """The key head that serves it."""
    sink: float
    """Mean probability that it gives to the first key."""
    views: tuple[PatternFigures, ...]
    """Every approximation."""
    kl0_difference: float
    """KL0 of the dictionary of patterns less that of mean squared error, on the same crops."""
    kl0_difference_ci: Interval | None
    """95 %, over documents."""
    same_key: float
    """Share of the queries whose most attended key is the same with the dictionary of patterns."""
    same_key_ci: Interval | None
    """95 %, over documents."""
    query_positions: PositionShares
    """Position in its queries' features."""
    key_positions: PositionShares
    """Position in its keys' features."""

    def of(self, view: View) -> PatternFigures:
        """The figures of one approximation."""
        return next(figures for figures in self.views if figures.view == view)


class OutputFigures(Figures):
    """What the model's output loses where the layer's patterns are replaced by approximations."""

    view: View
    """The approximation, of all heads at once."""
    kl: float
    """KL(intact ‖ replaced) of the next token's distribution, nats a token."""
    kl_ci: Interval | None
    """95 %, over documents."""
    recovered: float | None
    """1 − KL / KL of the mean pattern; None for the mean pattern itself."""


class FeatureSide(Figures):
    """The features of queries or of keys."""

    side: Literal["query", "key"]
    """Which."""
    active: float
    """Features that are active on a token, mean."""
    dead: int
    """Features that never fire on the held-out crops."""
    variance_by_position: tuple[float | None, ...]
    """For each feature the share of its variance that position explains (split-half, from position 1
    on); None where it never varies."""
    variance_ci: tuple[Interval | None, ...]
    """95 % of each, jackknife over documents."""
    near_zero: int
    """Features whose whole interval lies below SMALL."""
    between: int
    """Features whose whole interval lies between SMALL and 1 − SMALL."""
    near_one: int
    """Features whose whole interval lies above 1 − SMALL."""
    undetermined: int
    """All other features that fire."""


class PairFigures(Figures):
    """A query feature and a key feature in one head."""

    head: int
    """The query head."""
    query_feature: int
    """The query feature."""
    key_feature: int
    """The key feature."""
    strength: float
    """E[z] · E[y] · max |κ|: mean activations where they fire, times the kernel's largest value."""
    kernel: tuple[float, ...]
    """κ(Δ), what the pair adds to a score at activations of 1, for each distance Δ from 0 on."""
    flat: float
    """Share of the kernel's energy in its mean over distances: near 1 distance does not matter."""
    query_contexts: tuple[tuple[str, str, str], ...]
    """Where the query feature is most active: (text before, token, text after)."""
    key_contexts: tuple[tuple[str, str, str], ...]
    """The same of the key feature."""


class QKResult(Result):
    """A query–key dictionary of one layer, measured on held-out crops."""

    FILE: ClassVar[str] = "qk.json"
    MADE_BY: ClassVar[str] = "assay qk MODEL --layer L --text TEXT --out DIR"

    version: Literal[1] = 1
    """Version of the layout."""
    model: str
    """The model."""
    layer: int
    """Index of the layer."""
    position_scheme: str
    """How positions enter the model."""
    text: str
    """The text."""
    split: Literal["held out"] = "held out"
    """The documents that every figure was measured on."""
    width: int
    """Features of each side."""
    k: int
    """Features that may be active on a token."""
    steps: int
    """Training steps of each dictionary."""
    trained_tokens: int
    """Tokens that were learned from."""
    crops: int
    """Held-out crops."""
    length: int
    """Tokens of a crop."""
    documents: int
    """Documents that they are from."""
    seed: int
    """Seed of every random draw."""
    heads: tuple[QKHead, ...]
    """Every query head."""
    output: tuple[OutputFigures, ...]
    """What the model's output loses."""
    output_crops: int
    """Crops on which the output was measured."""
    sides: tuple[FeatureSide, ...]
    """The features of queries and of keys."""
    pairs: tuple[PairFigures, ...]
    """The strongest pairs of each head."""
    pairs_for_90: int
    """How many of all (query feature, key feature, head) triples hold 90 % of the sum of their
    strengths."""
    triples: int
    """How many triples there are."""
    inputs: dict[str, str]
    """Name → sha256 of the model and of the text."""

    @property
    def better_heads(self) -> int:
        """Heads on which the dictionary of patterns has the smaller KL0, beyond its interval."""
        return sum(
            head.kl0_difference_ci is not None and head.kl0_difference_ci[1] < 0
            for head in self.heads
        )

    def mean(self, view: View, figure: Literal["kl", "kl0"]) -> float:
        """Mean of a figure over heads."""
        return sum(getattr(head.of(view), figure) for head in self.heads) / len(self.heads)
