"""How a dictionary is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from assay.errors import AssayError, unknown_name

MOST_DEAD_TOKENS = 10_000_000
"""A feature silent for so many tokens is dead however long the run (Gao et al. 2024)."""
SELECTION_DTYPES = ("auto", "float32", "bfloat16")
AT_LEAST_1 = ("width", "k", "checkpoint_interval", "steps", "auxiliary_features")
ABOVE_0 = ("learning_rate", "gradient_clip", "bandwidth")
AT_LEAST_0 = (
    "warmup_steps",
    "auxiliary_coefficient",
    "dead_after_tokens",
    "selection_margin",
    "l0_coefficient",
    "l1_coefficient",
)


@dataclass(frozen=True)
class TrainingConfig:
    """Settings of one training run. Losses and coefficients are in scaled units, see ``scale``.

    Raises AssayError for a value out of range.
    """

    width: int
    """Number of features, m."""
    k: int = 32
    """Features active on a row: exactly (TopK), on average (BatchTopK, Matryoshka), or as the
    target of the L0 penalty (JumpReLU). ReLU-L1 does not use it."""
    architecture: str = "batch_topk"
    """A registered architecture: topk, batch_topk, jumprelu, matryoshka or relu_l1."""
    steps: int | None = None
    """Training steps; None takes ``len(batches)``."""
    learning_rate: float | None = None
    """Peak learning rate of Adam; None is 2e-4 / √(width / 2¹⁴) (Gao et al. 2024)."""
    warmup_steps: int | None = None
    """Steps of linear warm-up; None is 1 000 or a tenth of the run, whichever is less."""
    decay_share: float = 0.2
    """Share of the run, at its end, over which the learning rate falls linearly to 0."""
    gradient_clip: float = 1.0
    """Largest norm of all gradients together."""
    auxiliary_features: int | None = None
    """Dead features that predict the residual, k_aux; None is half the activations' width."""
    auxiliary_coefficient: float = 1 / 32
    """Weight of the auxiliary loss; 0 turns it off."""
    dead_after_tokens: int | None = None
    """Tokens without firing after which a feature is dead; None is 10 million or a fifth of the
    run's tokens, whichever is less."""
    scale: bool = True
    """Train on activations scaled so that, on the first batch, the mean squared distance from
    their mean is 1. The scale is folded into the finished dictionary."""
    selection_dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Precision in which candidates are selected; those of bfloat16 are rescored in float32. "auto"
    is bfloat16 where the hardware multiplies it natively. JumpReLU and ReLU-L1, whose sets have no
    fixed size, always select in float32."""
    selection_margin: int = 6
    """Candidates a row beyond k in bfloat16; widened when the rounding seen asks for it."""
    prefixes: tuple[int, ...] | None = None
    """Matryoshka: sizes of the nested prefixes; None is width/16, /8, /4, /2 and the width."""
    bandwidth: float = 0.02
    """JumpReLU: width ε of the straight-through window, in scaled units."""
    l0_coefficient: float = 1.0
    """JumpReLU: λ of the penalty λ (L0 / k − 1)²."""
    l1_coefficient: float = 0.1
    """ReLU-L1: λ of the penalty λ Σ z_a ‖d_a‖, in scaled units."""
    seed: int = 0
    """Seed of the initial directions."""
    checkpoint: Path | None = None
    """File that holds the state of the run; where it exists, the run resumes from it."""
    checkpoint_interval: int = 100
    """Steps between checkpoints."""

    def __post_init__(self) -> None:
        if self.selection_dtype not in SELECTION_DTYPES:
            raise unknown_name("selection dtype", self.selection_dtype, SELECTION_DTYPES)
        self._check("at least 1", lambda value: value >= 1, *AT_LEAST_1)
        self._check("above 0", lambda value: value > 0, *ABOVE_0)
        self._check("at least 0", lambda value: value >= 0, *AT_LEAST_0)
        if not 0 <= self.decay_share <= 1:
            raise AssayError(f"decay_share = {self.decay_share} is out of range; 0 to 1")
        if self.k > self.width:
            raise AssayError(f"k = {self.k} exceeds the width, {self.width}")

    def _check(self, right: str, holds: Callable[[float], bool], *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            if value is not None and not holds(value):
                raise AssayError(f"{name} = {value} is out of range; {right}")

    def auxiliary_count(self, d_in: int) -> int:
        """k_aux for activations of width ``d_in``."""
        return self.auxiliary_features or max(1, d_in // 2)

    def dead_after(self, run_tokens: int) -> int:
        """Tokens of silence after which a feature is dead, in a run of ``run_tokens`` tokens."""
        if self.dead_after_tokens is not None:
            return self.dead_after_tokens
        return min(MOST_DEAD_TOKENS, max(1, run_tokens // 5))

    def rate_at(self, step: int, steps: int) -> float:
        """Learning rate of a step, counted from 0."""
        peak = self.learning_rate or 2e-4 / (self.width / 2**14) ** 0.5
        warmup = min(1000, steps // 10) if self.warmup_steps is None else self.warmup_steps
        decay = max(1, round(self.decay_share * steps))
        rising = min(1.0, (step + 1) / (warmup + 1))
        falling = min(1.0, (steps - step) / decay)
        return peak * min(rising, falling)

    def as_json(self) -> dict[str, Any]:
        """The settings that decide the result, as JSON values."""
        values = asdict(self)
        del values["checkpoint"], values["checkpoint_interval"]
        values["prefixes"] = list(self.prefixes) if self.prefixes else None
        return values
