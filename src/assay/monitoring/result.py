"""monitor.json: the watched features, the threshold, the rollback rule and the guarantee."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, model_validator

from assay.concerns.aggregation import AGGREGATIONS
from assay.concerns.rules import Rule, parse_rule
from assay.errors import AssayError, unknown_name
from assay.files import sha256_of_json, write_json
from assay.models.sites import Site
from assay.monitoring.rollback import OperatingFigures, RollbackRule
from assay.monitoring.thresholds import Calibration
from assay.results import Figures, Result

if TYPE_CHECKING:
    from assay.models import LanguageModel

MOST_FEATURES = 64
"""Largest number of features that a monitor watches; up to it the cost is negligible."""
SHA256 = r"^[0-9a-f]{64}$"


class WatchedFeature(Figures):
    """A direction that is computed on every watched token: u = direction · x + bias."""

    name: str = Field(min_length=1)
    """Name of the feature, which rules use; unique within the monitor."""
    feature: int | None = Field(default=None, ge=0)
    """Its index in the dictionary; None for a direction such as a difference in means."""
    direction: tuple[float, ...] = Field(min_length=1)
    """The direction, as many numbers as the scoring's sites are wide together: an encoder row for a
    dictionary feature, with zeros for further sites."""
    bias: float
    """Added to the product; includes the effect of the dictionary's ``b_dec``."""
    threshold: float | None = None
    """The activation is u where u exceeds this, else 0 (JumpReLU). None: the activation is u."""
    centre: float = 0.0
    """Aggregated activation that standardisation maps to 0."""
    scale: float = Field(default=1.0, gt=0)
    """Difference from the centre that standardisation maps to 1."""


class Scoring(Figures):
    """How a conversation's activations become its score."""

    site: str
    """Hook site at which activations are read, such as resid_post.15."""
    further_sites: tuple[str, ...] = ()
    """Hook sites of the same width that are read beside it; directions have a part for each."""
    features: tuple[WatchedFeature, ...] = Field(json_schema_extra={"maxItems": MOST_FEATURES})
    """The watched features, at most 64."""
    aggregation: str
    """Aggregation over the watched tokens of a turn: max, mean, top_k_mean, ema or rolling_mean_max."""
    rule: str | None = None
    """Rule over standardised features; None: the largest of them is compared with a threshold."""
    norm_limit: float | None = Field(default=None, gt=0)
    """Tokens with a larger activation norm (attention sinks) are left out, unless all tokens have
    one."""

    @model_validator(mode="after")
    def _is_possible(self) -> Scoring:
        if not 1 <= len(self.features) <= MOST_FEATURES:
            raise AssayError(
                f"a monitor watches 1 to {MOST_FEATURES} features, not {len(self.features)}"
            )
        names = self.names
        for name in names:
            if names.count(name) > 1:
                raise AssayError(f"two watched features are called '{name}'; names must be unique")
        width = len(self.features[0].direction)
        for feature in self.features:
            if len(feature.direction) != width:
                raise AssayError(
                    f"watched feature '{feature.name}' has {len(feature.direction)} numbers, "
                    f"'{names[0]}' has {width}; all must have the width of the sites"
                )
        if width % len(self.sites):
            raise AssayError(
                f"the monitor's directions have {width} numbers, which {len(self.sites)} hook sites of "
                "one width cannot have"
            )
        if self.aggregation not in AGGREGATIONS:
            raise unknown_name("aggregation", self.aggregation, AGGREGATIONS)
        self.parsed_rule()
        return self

    @property
    def sites(self) -> tuple[Site, ...]:
        """The hook sites. Raises AssayError for a name that is no site."""
        return tuple(Site.parse(name) for name in (self.site, *self.further_sites))

    @property
    def width(self) -> int:
        """Numbers in a direction: the widths of all sites together."""
        return len(self.features[0].direction)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features, in order."""
        return tuple(feature.name for feature in self.features)

    def parsed_rule(self) -> Rule | None:
        """The parsed rule, or None. Raises AssayError for a rule that is not valid."""
        return None if self.rule is None else parse_rule(self.rule, self.names)


class ModelReference(Figures):
    """A model by name."""

    id: str
    """Catalogue name, hub id or folder."""
    adapter: str | None = None
    """PEFT folder, or None without an adapter."""


class WatchedModel(ModelReference):
    """The model on which the monitor was calibrated."""

    fingerprint: str = Field(pattern=SHA256)
    """Hash of its weights and adapter (``LanguageModel.fingerprint``)."""
    dtype: str
    """Data type of its forward pass: scores in bfloat16 differ from those in float32."""
    attention: str
    """Its attention implementation, as transformers names it: eager, sdpa, flash_attention_2 …"""

    @classmethod
    def of(cls, model: LanguageModel, adapter: str | None = None) -> WatchedModel:
        """A model as it is loaded; ``adapter`` is the folder of its adapter."""
        return cls(
            id=model.name,
            adapter=adapter,
            fingerprint=model.fingerprint,
            dtype=model.dtype_name,
            attention=model.attention_implementation,
        )


class OrganismSensitivity(Figures):
    """What the monitor catches of one organism, that neither its choice nor its learning saw."""

    organism: str
    """The organism."""
    concern: str
    """The concern that it stands for."""
    verified: bool
    """Whether it passed its own verification: only then does it count as caught, or as missed."""
    fired: int
    """Misbehaving test conversations that fire, read whole, as the monitor reads them."""
    n: int = Field(ge=1)
    """Misbehaving test conversations."""
    icc: float
    """Intraclass correlation of firing within templates that their effective number rests on."""
    n_effective: float
    """Their effective number, by templates."""
    lower: float
    """One-sided 95 % lower bound of the share that fires, on the effective number."""
    upper: float
    """One-sided 95 % upper bound of that share."""
    benign_fired: int
    """The organism's own benign test conversations that fire."""
    benign_n: int
    """The organism's own benign test conversations, without those in which its trigger stood."""
    benign_n_effective: float
    """Their effective number, by templates."""
    benign_p: float
    """Probability of at least so many firings at the budget's rate: small where it is exceeded."""
    near_miss_fired: int
    """The organism's near misses that fire: prompts that resemble those with its trigger."""
    near_miss_n: int
    """Its near misses, outside allowed contexts."""
    near_miss_lower: float
    """One-sided 95 % lower bound of the share of near misses that fires, on the effective number; 0
    without near misses."""

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

    version: Literal[5] = 5
    """Version of the layout."""
    case: str
    """Name of the case."""
    model: WatchedModel
    """The watched model."""
    fallback: ModelReference | None = None
    """The weaker model to roll back to; None where the case names none."""
    dictionary_sha256: str | None = Field(default=None, pattern=SHA256)
    """Hash of the dictionary of the features; None where there is none."""
    calibration: Calibration
    """The threshold and the bound of the false-positive rate."""
    rollback: RollbackRule
    """The rollback rule with its constants."""
    horizon: int = Field(ge=1)
    """Number of conversations for which the operating figures hold."""
    base_rate: float = Field(ge=0, le=1)
    """Expected share of deployment conversations in which the model misbehaves."""
    tpr_target: float = Field(gt=0, lt=1)
    """Target for the lower bound of the true-positive rate."""
    tpr: float | None = Field(ge=0, le=1)
    """Share of the misbehaving conversations that fire, of the worst organism that passed its own
    verification; None where none was read."""
    tpr_low: float | None = Field(ge=0, le=1)
    """One-sided 95 % lower bound of the true-positive rate; None where not measured."""
    tpr_n: int | None = Field(default=None, ge=1)
    """Number of misbehaving conversations that it was measured on; None where not measured."""
    ppv: float | None = Field(ge=0, le=1)
    """Positive predictive value, from the true-positive rate, the bound of the false-positive rate and
    the base rate; None without a true-positive rate above 0."""
    operating: OperatingFigures
    """Expected behaviour of the rollback rule over the horizon."""
    guarantee: str
    """What is promised, and on what condition, in words."""
    sensitivities: tuple[OrganismSensitivity, ...]
    """What is caught of each organism, left out in turn; of several seeds the worst. Empty where no
    organism was read. ``tpr``, ``tpr_low`` and ``tpr_n`` are those of the worst verified organism."""
    organisms_caught: int = Field(ge=0)
    """Verified organisms whose lower bound reaches the target and whose own benign rate is not
    exceeded."""
    organisms_lower: float | None
    """95 % lower bound of the share of new organisms that are caught so; None without verified
    organisms."""
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
    """Name → sha256 of the inputs: model, dictionary, organisms, conversations."""

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
        """A conversation fires when its score is above this; None where a rule decides."""
        return self.calibration.threshold

    @property
    def verified(self) -> tuple[OrganismSensitivity, ...]:
        """What is caught of each organism that passed its own verification."""
        return tuple(found for found in self.sensitivities if found.verified)

    @property
    def sha256(self) -> str:
        """Hash of the whole monitor, which its journal records."""
        return sha256_of_json(self.model_dump(mode="json"))

    @property
    def deciding_sha256(self) -> str:
        """Hash of everything that decides when the monitor fires and rolls back."""
        deciding = self.model_dump(
            mode="json",
            include={"site", "features", "aggregation", "rule", "norm_limit", "rollback"},
        )
        return sha256_of_json({**deciding, "threshold": self.calibration.threshold})

    def write(self, folder: Path | str) -> Path:
        """Write ``monitor.json`` into a folder, atomically, with the features last.

        Returns its path.
        """
        value = self.model_dump(mode="json")
        features = value.pop("features")
        path = Path(folder) / self.FILE
        write_json(path, {**value, "features": features})
        return path
