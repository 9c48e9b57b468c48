"""How a dictionary is trained: the settings, without the training. Importing it loads no torch."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from assay.dictionaries.architecture_registry import ARCHITECTURES
from assay.dictionaries.nested_prefixes import checked_prefixes
from assay.errors import AssayError, unknown_name
from assay.strict import StrictModel

MOST_DEAD_TOKENS = 10_000_000
"""A feature that has been silent for this many tokens is dead, however long the run
(Gao et al. 2024)."""


class TrainingConfig(StrictModel):
    """Settings of one training run. Losses and coefficients are in scaled units, see ``scale``.

    Raises pydantic.ValidationError for a value out of range or an unknown key;
    ``assay.strict.describe`` puts it into one line.
    """

    width: int = Field(ge=1)
    """Number of features, m."""
    k: int = Field(default=32, ge=1)
    """Features active on a row: exactly (TopK), on average (BatchTopK, Matryoshka), or as the
    target of the L0 penalty (JumpReLU). ReLU-L1 does not use it."""
    architecture: str = "batch_topk"
    """A registered architecture: topk, batch_topk, jumprelu, matryoshka, relu_l1, or a plugin's."""
    steps: int | None = Field(default=None, ge=1)
    """Training steps; None takes ``len(batches)``."""
    learning_rate: float | None = Field(default=None, gt=0)
    """Peak learning rate of Adam; None is 2e-4 / √(width / 2¹⁴) (Gao et al. 2024)."""
    warmup_steps: int | None = Field(default=None, ge=0)
    """Steps of linear warm-up; None is 1 000 or a tenth of the run, whichever is less."""
    decay_share: float = Field(default=0.2, ge=0, le=1)
    """Share of the run, at its end, over which the learning rate falls linearly to 0."""
    gradient_clip: float = Field(default=1.0, gt=0)
    """Largest norm of all gradients taken as one vector."""
    auxiliary_features: int | None = Field(default=None, ge=1)
    """Dead features that predict the residual, k_aux; None is half the activations' width."""
    auxiliary_coefficient: float = Field(default=1 / 32, ge=0)
    """Weight of the auxiliary loss; 0 turns it off."""
    dead_after_tokens: int | None = Field(default=None, ge=0)
    """Tokens without firing after which a feature is dead; None is 10 million or a fifth of the
    run's tokens, whichever is less."""
    scale: bool = True
    """Train on activations scaled so that, on the first batch, the mean squared distance from
    their mean is 1. The scale is folded into the finished dictionary."""
    selection_dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Precision in which candidates are selected; those of bfloat16 are rescored in float32. "auto"
    is bfloat16 where the hardware multiplies it natively. JumpReLU and ReLU-L1, whose sets have no
    fixed size, always select in float32."""
    selection_margin: int = Field(default=6, ge=0)
    """Candidates a row beyond k in bfloat16; widened when the rounding errors seen require it."""
    prefixes: tuple[int, ...] | None = None
    """Matryoshka: sizes of the nested prefixes; None is width/16, /8, /4, /2 and the width."""
    bandwidth: float = Field(default=0.02, gt=0)
    """JumpReLU: width ε of the straight-through window, in scaled units."""
    l0_coefficient: float = Field(default=1.0, ge=0)
    """JumpReLU: λ of the penalty λ (L0 / k − 1)²."""
    l1_coefficient: float = Field(default=0.1, ge=0)
    """ReLU-L1: λ of the penalty λ Σ z_a ‖d_a‖, in scaled units."""

    @field_validator("architecture")
    @classmethod
    def _known_architecture(cls, value: str) -> str:
        if value not in ARCHITECTURES:
            raise ValueError(str(unknown_name("architecture", value, ARCHITECTURES)))
        return value

    @model_validator(mode="after")
    def _sizes_fit(self) -> TrainingConfig:
        if self.k > self.width:
            raise ValueError(f"k = {self.k} exceeds the width, {self.width}")
        if self.prefixes is not None:
            try:
                checked_prefixes(self.prefixes, self.width)
            except AssayError as error:
                raise ValueError(str(error)) from error
        return self

    def auxiliary_count(self, d_in: int) -> int:
        """k_aux for activations of width ``d_in``."""
        return self.auxiliary_features or max(1, d_in // 2)

    def dead_after(self, run_tokens: int) -> int:
        """Tokens of silence after which a feature is dead, in a run of ``run_tokens`` tokens."""
        if self.dead_after_tokens is not None:
            return self.dead_after_tokens
        return min(MOST_DEAD_TOKENS, max(1, run_tokens // 5))

    def rate_at(self, step: int, steps: int) -> float:
        """Learning rate of a step, counted from 0, in a run of ``steps`` steps."""
        peak = self.learning_rate or 2e-4 / (self.width / 2**14) ** 0.5
        warmup = min(1000, steps // 10) if self.warmup_steps is None else self.warmup_steps
        decay = max(1, round(self.decay_share * steps))
        rising = min(1.0, (step + 1) / (warmup + 1))
        falling = min(1.0, (steps - step) / decay)
        return peak * min(rising, falling)

    def as_json(self) -> dict[str, Any]:
        """These settings as JSON values; a subclass's own fields are left out."""
        return self.model_dump(mode="json", include=set(TrainingConfig.model_fields))
