"""monitor.json: all that a deployment needs to watch a model, and what it may rely on."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from assay.concerns.aggregation import AGGREGATIONS
from assay.concerns.rules import Rule, parse_rule
from assay.errors import AssayError, unknown_name
from assay.files import sha256_of_json, write_json
from assay.models.sites import Site
from assay.monitoring.rollback import OperatingFigures, RollbackRule
from assay.monitoring.thresholds import Calibration
from assay.results import Figures, Result

MOST_FEATURES = 64
"""Features that one monitor watches at most: so many cost next to nothing."""
SHA256 = r"^[0-9a-f]{64}$"


class WatchedFeature(Figures):
    """One direction that is read on every watched token: u = direction · x + bias."""

    name: str = Field(min_length=1)
    """What rules and people call it; unique within the monitor."""
    feature: int | None = Field(default=None, ge=0)
    """Its index in the dictionary; None for a direction such as a difference in means."""
    direction: tuple[float, ...] = Field(min_length=1)
    """The encoder's row, d_model numbers."""
    bias: float
    """Added to the product; what the dictionary subtracts from its input is folded in."""
    threshold: float | None = None
    """JumpReLU: the activation is u where u exceeds it, else 0. None: u itself."""
    centre: float = 0.0
    """Aggregated activation that becomes 0 when standardised."""
    scale: float = Field(default=1.0, gt=0)
    """Aggregated activation, above the centre, that becomes 1."""


class Scoring(Figures):
    """How the activations of a conversation become its score."""

    site: str
    """Where the model is read, such as resid_post.15."""
    features: tuple[WatchedFeature, ...] = Field(json_schema_extra={"maxItems": MOST_FEATURES})
    """What is watched there, 64 at most."""
    aggregation: str
    """From the watched tokens to the conversation: max, mean, top_k_mean, ema, rolling_mean_max."""
    rule: str | None = None
    """Expression over standardised features; None: the largest of them, against one threshold."""
    norm_limit: float | None = Field(default=None, gt=0)
    """Tokens whose activation is longer (attention sinks) are left out, unless all are."""

    @model_validator(mode="after")
    def _is_possible(self) -> Scoring:
        if not 1 <= len(self.features) <= MOST_FEATURES:
            raise AssayError(
                f"a monitor watches 1 to {MOST_FEATURES} features, not {len(self.features)}"
            )
        names = self.names
        for name in names:
            if names.count(name) > 1:
                raise AssayError(f"two watched features are called '{name}'; names are unique")
        width = len(self.features[0].direction)
        for feature in self.features:
            if len(feature.direction) != width:
                raise AssayError(
                    f"watched feature '{feature.name}' has {len(feature.direction)} numbers, "
                    f"'{names[0]}' has {width}; all have the width of the site"
                )
        if self.aggregation not in AGGREGATIONS:
            raise unknown_name("aggregation", self.aggregation, AGGREGATIONS)
        Site.parse(self.site)
        self.parsed_rule()
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The features' names, in order."""
        return tuple(feature.name for feature in self.features)

    def parsed_rule(self) -> Rule | None:
        """The rule, ready to run, or None."""
        return None if self.rule is None else parse_rule(self.rule, self.names)


class ModelReference(Figures):
    """A model by name."""

    id: str
    """Catalogue name, hub id or folder."""
    adapter: str | None = None
    """PEFT folder, or None."""


class WatchedModel(ModelReference):
    """The model that was calibrated, and no other."""

    fingerprint: str = Field(pattern=SHA256)
    """Hash of its weights and adapter (LanguageModel.fingerprint)."""


class OrganismSensitivity(Figures):
    """What the monitor catches of one organism, that neither its choice nor its learning saw."""

    organism: str
    """The organism."""
    concern: str
    """The concern that it stands for."""
    fired: int
    """Misbehaving test conversations that fire, read whole, as the monitor reads them."""
    n: int = Field(ge=1)
    """Misbehaving test conversations."""
    n_effective: float
    """Their effective number, by templates."""
    lower: float
    """One-sided 95 % lower bound of the share that fires, on the effective number."""
    benign_fired: int
    """The organism's own benign test conversations that fire."""
    benign_n: int
    """The organism's own benign test conversations."""
    benign_p: float
    """Probability of at least so many firings at the budget's rate: small where it is exceeded."""

    @property
    def tpr(self) -> float:
        """Share of the misbehaving conversations that fires."""
        return self.fired / self.n


class ShiftFigure(Figures):
    """Benign firing under one shift of the deployment."""

    shift: str
    """What was changed: length, language, system prompt, turns."""
    fired: int
    """Benign conversations that fire."""
    n: int = Field(ge=1)
    """Benign conversations read under the shift."""
    upper: float
    """One-sided upper bound of their rate, at the calibration's confidence."""
    excess_p: float
    """Probability of at least so many firings at the budget's rate."""


class BenignCheck(Figures):
    """Benign firing on conversations that the calibration did not use."""

    fired: int
    """Conversations that fire."""
    n: int = Field(ge=1)
    """Conversations."""
    n_effective: float
    """Their effective number, by templates."""
    excess_p: float
    """Probability of at least so many firings at the budget's rate."""


class Monitor(Scoring, Result):
    """A calibrated monitor."""

    FILE: ClassVar[str] = "monitor.json"
    MADE_BY: ClassVar[str] = "assay calibrate CASE.yaml"

    version: Literal[3] = 3
    """Version of the layout."""
    case: str
    """Name of the case that it belongs to."""
    model: WatchedModel
    """What it watches."""
    fallback: ModelReference | None = None
    """The weaker model to go back to, or None where the case names none."""
    dictionary_sha256: str | None = Field(default=None, pattern=SHA256)
    """Hash of the dictionary that the features come from, or None where there is none."""
    calibration: Calibration
    """The threshold and the bound of the benign rate."""
    rollback: RollbackRule
    """When to go back, with its constants."""
    horizon: int = Field(ge=1)
    """Conversations over which the operating figures hold."""
    base_rate: float = Field(ge=0, le=1)
    """Share of deployment conversations that the case expects to be misbehaviour."""
    tpr_target: float = Field(gt=0, lt=1)
    """What the case asks the lower bound of the true-positive rate to reach."""
    tpr: float | None = Field(ge=0, le=1)
    """Share of the worst organism's misbehaving conversations that fire; None where not measured."""
    tpr_low: float | None = Field(ge=0, le=1)
    """Its lower confidence bound."""
    tpr_n: int | None = Field(default=None, ge=1)
    """Misbehaving conversations that it rests on."""
    ppv: float | None = Field(ge=0, le=1)
    """Probability that a firing is true, from the TPR, the bound of the benign rate, the base rate."""
    operating: OperatingFigures
    """What to expect of the rollback rule."""
    guarantee: str
    """What is promised, and on what condition, in words."""
    sensitivities: tuple[OrganismSensitivity, ...]
    """What is caught of each organism, left out in turn; of several seeds the worst. Empty where no
    organism was read. ``tpr``, ``tpr_low`` and ``tpr_n`` are those of the worst organism."""
    organisms_caught: int = Field(ge=0)
    """Organisms whose lower bound reaches the target and whose own benign rate is not exceeded."""
    organisms_lower: float | None
    """95 % lower bound of the share of new organisms that are caught so; None without organisms."""
    check: BenignCheck | None
    """Benign firing on other data than the calibration's; None where none was spared."""
    longest: int | None
    """Watched tokens of the longest turn of the benign conversations: beyond it nothing is promised;
    None where lengths were not given."""
    most_turns: int | None = None
    """Most assistant turns of a benign conversation: beyond it nothing is promised."""
    shifts: tuple[ShiftFigure, ...]
    """Benign firing where the deployment is another: length, language, system prompt, turns."""
    inputs: dict[str, str]
    """Name → sha256 of what it was made from: model, dictionary, organisms, conversations."""

    @model_validator(mode="after")
    def _threshold_or_rule(self) -> Monitor:
        if (self.rule is None) == (self.calibration.threshold is None):
            raise AssayError(
                "a monitor has either a rule or a threshold on the largest feature; this one has "
                + ("neither" if self.rule is None else "both")
            )
        return self

    @property
    def fires_above(self) -> float | None:
        """A conversation fires when its score is greater; None where a rule decides."""
        return self.calibration.threshold

    @property
    def sha256(self) -> str:
        """Hash of the whole monitor, to which its journal is bound."""
        return sha256_of_json(self.model_dump(mode="json"))

    @property
    def deciding_sha256(self) -> str:
        """Hash of all that decides when the monitor fires and when it rolls back."""
        deciding = self.model_dump(
            mode="json",
            include={"site", "features", "aggregation", "rule", "norm_limit", "rollback"},
        )
        return sha256_of_json({**deciding, "threshold": self.calibration.threshold})

    def write(self, folder: Path) -> Path:
        """Write ``monitor.json`` into a folder, atomically; the long rows come last."""
        value = self.model_dump(mode="json")
        features = value.pop("features")
        write_json(folder / self.FILE, {**value, "features": features})
        return folder / self.FILE
