"""position.json: the figures, labels and summary of a position audit. Loads no heavy library."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import ConfigDict, Field

from assay.frames import DataFrame, frame_of
from assay.results import Figures, Result

Label = Literal["content", "position", "semi-local", "additive", "undetermined", "too rare"]
"""What a feature is called; ``labels`` has the rule."""
Level = Literal["all", "no_sink", "no_first_8"]
"""``all`` tokens; ``no_sink``, without position 0 and massive tokens; ``no_first_8``, also without
positions 0–7."""
Interval = tuple[float | None, float | None]
"""Lower and upper end of a 95 % interval; None where an end is not known."""


class Part(Figures):
    """A part of position.json; the docstrings of its fields are published with the schema."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class LevelFigures(Part):
    """Variance of one feature that its position explains, at one level; None where unknown."""

    eta2: float | None
    """Correlation ratio η², biased upwards by chance."""
    eta2_null: float | None
    """What η² is on average when position explains nothing."""
    eta2_split_half: float | None
    """Split-half η², unbiased: the default figure."""
    ci: Interval
    """95 % interval of eta2_split_half, jackknife over groups of documents."""
    epsilon2: float | None
    """ε², corrected for the number of positions."""


class FeatureLevels(Part):
    """One feature's figures at each level."""

    all: LevelFigures
    """Over all tokens."""
    no_sink: LevelFigures
    """Without position 0 and massive tokens."""
    no_first_8: LevelFigures
    """Without positions 0–7 and massive tokens."""


class CausalShares(Part):
    """Shares of one feature's variance in the crossed design, with 95 % intervals."""

    s_pos: float | None
    """Share of position alone."""
    s_pos_low: float | None
    """Lower end of its interval."""
    s_pos_high: float | None
    """Upper end of its interval."""
    s_ctx: float | None
    """Share of content alone."""
    s_ctx_low: float | None
    """Lower end of its interval."""
    s_ctx_high: float | None
    """Upper end of its interval."""
    s_int: float | None
    """Share of the interaction of position and content."""
    s_int_low: float | None
    """Lower end of its interval."""
    s_int_high: float | None
    """Upper end of its interval."""
    t_pos: float | None
    """Total index of position, S_pos + S_int."""
    t_pos_low: float | None
    """Lower end of its interval."""
    t_pos_high: float | None
    """Upper end of its interval."""
    filler_share: float | None
    """Share of all variance that goes with the filler text, which is context; None without fillers."""


class FeatureFigures(Part):
    """Everything about one feature. None stands for what is not known."""

    feature: int = Field(ge=0)
    """Index of the feature in its dictionary."""
    firing_rate: float | None
    """Share of the level's tokens on which it fires."""
    firing_documents: int = Field(ge=0)
    """Documents in which it fires."""
    levels: FeatureLevels
    """Variance explained by position, at each level."""
    p: float | None
    """Permutation p by circular shifts of documents; None where it cannot be tested."""
    q: float | None
    """Benjamini-Hochberg q of p."""
    indicator: float | None
    """Split-half η² of whether it fires."""
    magnitude: float | None
    """Split-half η² of the magnitude given that it fires; None: too rare."""
    selectivity: float | None
    """1 − H(bin | fires)/log 8 over eight position bins, Miller-Madow corrected; None: too rare."""
    head: int | None = Field(ge=0)
    """Attention head to which it belongs; None where the site has no heads."""
    causal: CausalShares | None
    """Shares in the crossed design; None where it was not run, or the feature is too rare."""
    label: Label | None
    """Its label; None where the crossed design was not run."""


class LabelSummary(Part):
    """Labels over a set of features; *well separated* means content or position."""

    features: int = Field(ge=0)
    """Features in the set, rare ones included."""
    not_too_rare: int | None = Field(ge=0)
    """Features that fire often enough, among which the shares below are taken; None without labels."""
    labels: dict[Label, float]
    """Share of all features with each label; empty without labels."""
    well_separated: float | None = Field(ge=0, le=1)
    """Share of well-separated features; None where all are too rare."""
    well_separated_ci: tuple[float, float] | None
    """95 % interval of it over documents and fillers, each feature labelled anew without them."""
    well_separated_weighted: float | None
    """Share of the decoder-norm-weighted activation that well-separated features carry."""
    well_separated_weighted_ci: tuple[float, float] | None
    """95 % interval of it: jackknife over groups of documents, labels held fixed."""
    well_separated_unit: Literal["documents and fillers (jackknife, features labelled anew)"] = (
        "documents and fillers (jackknife, features labelled anew)"
    )
    """What the interval of well_separated counts."""
    well_separated_weighted_unit: Literal[
        "documents (delete-a-group jackknife, labels held fixed)"
    ] = "documents (delete-a-group jackknife, labels held fixed)"
    """What the interval of well_separated_weighted resamples."""


class PositionSummary(LabelSummary):
    """Labels over the whole dictionary, and over each attention head."""

    by_head: dict[int, LabelSummary] | None
    """One summary a head; None where the site has no heads, or without labels."""


class TokensAtLevels(Part):
    """Number of tokens at each level."""

    all: int
    """All tokens."""
    no_sink: int
    """Without position 0 and massive tokens."""
    no_first_8: int
    """Without positions 0–7 and massive tokens."""


class TreatmentFigures(Part):
    """How the contents were moved, and the sizes of the crossed design as it was run."""

    words: str
    """The treatment in words."""
    offsets: tuple[int, ...]
    """Offsets that were used, in tokens."""
    fillers: int
    """Fillers of each offset; 0 where no text was inserted."""
    fillers_from_other_documents: bool
    """Whether no document gave both a content and a filler."""
    contents: int
    """Contents that entered."""
    contents_dropped_as_massive: int
    """Contents left out because a token was massive in some cell."""
    content_length: int
    """Tokens of a content."""
    rows: int
    """Rows of the table: scored tokens of all contents."""
    documents: int
    """Distinct documents among the contents."""


class RandomDictionaryFigures(Part):
    """Random unit directions in the place of the dictionary's, firing as often as its features."""

    draws: int
    """Random dictionaries."""
    features: int
    """Features of all of them."""
    well_separated: float | None
    """Share of their features, of those not too rare, that are content or position; mean over draws."""
    well_separated_ci: tuple[float, float] | None
    """95 % interval of it, over documents, fillers and draws."""
    difference: float | None
    """Share of well-separated features of the trained dictionary, less theirs."""
    interval: tuple[float, float] | None
    """95 % interval of the difference, trained less random, over documents, fillers and draws."""
    too_rare: float
    """Share of their features that fire in too few documents."""


class SinkDistanceFigures(Part):
    """A second treatment on rotary models: only the distance to the first token changes."""

    offsets: tuple[int, ...]
    """Distances, in tokens."""
    documents: int
    """Distinct documents."""
    features: int
    """Features that are not too rare."""
    labels: dict[Label, float]
    """Share of all features that would get each label from this treatment."""
    median_t_pos: float | None
    """Median T_pos of the features that are not too rare."""
    median_s_int: float | None
    """Median S_int of them."""
    share_s_int_at_least_05: float | None
    """Share of them with S_int ≥ .05."""


class OffsetFigures(Part):
    """Change in cross-entropy at one offset, in nats, against the same contents unmoved."""

    offset: int
    """Offset in tokens."""
    first_8: float | None
    """Mean change over content tokens 1–8."""
    rest: float | None
    """Mean change over the other tokens, which are the ones scored."""
    rest_against_others: float | None
    """``rest`` less its mean over the offsets, where text was inserted; else ``rest``."""
    uncertainty: float | None
    """Half-width of the 95 % interval of rest_against_others over the fillers compared."""
    used: bool
    """Whether the design keeps the offset."""


class NamedFigure(Part):
    """A figure that is reported beside the labels, for a reader."""

    name: str
    """What it is."""
    value: float | None
    """Its value."""
    note: str
    """How to read it."""


class PositionResult(Result):
    """How much of each feature is position, and what it is therefore called."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    FILE: ClassVar[str] = "position.json"
    MADE_BY: ClassVar[str] = "assay position MODEL DICTIONARY --text TEXT --out DIR"

    version: Literal[3] = 3
    """Version of this layout."""
    model: str | None
    """Name of the model; None for activations that a user supplied."""
    site: str | None
    """Name of the site, or None."""
    dictionary: str | None
    """Name of the dictionary, or None."""
    documents: int = Field(ge=1)
    """Distinct documents of the observational pass."""
    rows: int = Field(ge=1)
    """Crops of the observational pass."""
    length: int = Field(ge=2)
    """Tokens of a crop."""
    unit: Literal["documents"] = "documents"
    """What is counted and resampled."""
    seed: int
    """Seed of every random draw."""
    first_token: int | None
    """Constant token at position 0, or None."""
    left_out: str
    """Which tokens the levels no_sink and no_first_8 leave out."""
    left_out_rate: float | None
    """Share of tokens that no_sink leaves out."""
    level: Level
    """Level to which p, q, indicator, magnitude, selectivity and the firing figures refer."""
    tokens: TokensAtLevels
    """Tokens at each level."""
    summary: PositionSummary
    """Labels over the dictionary."""
    label_reason: str | None
    """Why there are no labels; None where there are."""
    treatment: TreatmentFigures | None
    """How contents were moved; None where the crossed design was not run."""
    random_dictionary: RandomDictionaryFigures | None
    """A random dictionary of the same L0, audited alike: what the trained dictionary must beat; None
    where the crossed design was not run."""
    noise_floor: float | None
    """Median S_int under a constant shift of all position ids, on rotary models: rounding alone."""
    sink_distance: SinkDistanceFigures | None
    """Second treatment on rotary models; never the label."""
    cross_entropy_by_offset: tuple[OffsetFigures, ...] | None
    """Whether the model still reads the contents as before, at each offset that was tried."""
    guard: str | None
    """Which tokens were scored and which offsets were left out, in words."""
    beside: tuple[NamedFigure, ...]
    """Figures to read beside the labels."""
    features: tuple[FeatureFigures, ...]
    """One row for each feature, in the order of the dictionary."""

    def to_frame(self) -> DataFrame:
        """The features as a pandas table, one row each, in the order of the dictionary.

        Columns are named after the fields: ``label``, ``levels.no_sink.eta2_split_half``,
        ``causal.t_pos`` … Raises AssayError without pandas.
        """
        return frame_of(self.features, FeatureFigures)
