"""From activations to a conversation's score: the watched features alone, in one small product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from assay.concerns.aggregation import aggregate
from assay.errors import AssayError
from assay.monitoring.result import Monitor, Scoring
from assay.monitoring.watched_tokens import (
    BATCH_SIZE,
    WatchedConversation,
    capture_watched,
    tokenize_watched,
)

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import NDArray
    from torch import Tensor

    from assay.models import LanguageModel
    from assay.text import Transcript


@dataclass(frozen=True)
class ConversationScore:
    """What a conversation comes to."""

    values: Mapping[str, float]
    """Feature name → standardised aggregated activation."""
    score: float
    """The largest of the values; for a rule 1.0 where it holds, else 0.0."""
    fires: bool
    """Whether the score is above the monitor's threshold, or the rule holds."""


@dataclass(frozen=True, eq=False)
class FeatureReader:
    """The watched features as one matrix: threshold inference, never the whole dictionary."""

    weight: Float[Tensor, "d_model features"]
    """float32 directions, one column a feature."""
    bias: Float[Tensor, " features"]
    """float32, added to the product."""
    threshold: Float[Tensor, " features"]
    """Activations not above it are 0; −∞ where the feature is linear."""

    @classmethod
    def of(cls, scoring: Scoring, device: str | object = "cpu") -> FeatureReader:
        """The reader of a monitor's features, on a device."""
        import torch

        features = scoring.features
        thresholds = [-np.inf if f.threshold is None else f.threshold for f in features]

        def tensor(value: object) -> Tensor:
            return torch.tensor(value, dtype=torch.float32, device=device)  # type: ignore[arg-type]

        rows = tensor([feature.direction for feature in features])
        bias = tensor([feature.bias for feature in features])
        return cls(rows.T.contiguous(), bias, tensor(thresholds))

    def read(self, activations: Float[Tensor, "... d_model"]) -> Float[Tensor, "... features"]:
        """u = x W + b in float32; u where it exceeds the threshold, else 0; NaN stays NaN.

        Raises AssayError where the width of the activations is not that of the directions.
        """
        import torch

        if activations.shape[-1] != len(self.weight):
            raise AssayError(
                f"the monitor's directions have width {len(self.weight)}, the activations "
                f"{activations.shape[-1]}; the site or the model is another"
            )
        with torch.no_grad():
            u = activations.float() @ self.weight + self.bias
            return torch.where(u <= self.threshold, 0.0, u)


def watched_values(
    scoring: Scoring,
    activations: Float[Tensor, "tokens d_model"],
    reader: FeatureReader | None = None,
) -> Float[NDArray, "tokens features"]:
    """The watched features' activations on each token, not yet standardised.

    ``reader`` saves making the matrix again. Raises AssayError for activations of another width.
    """
    reader = reader or FeatureReader.of(scoring, activations.device)
    read = reader.read(activations)
    return np.asarray(read.cpu().numpy(), dtype=np.float64)


def standardised_values(
    scoring: Scoring,
    activations: Float[Tensor, "tokens d_model"],
    reader: FeatureReader | None = None,
) -> Float[NDArray, " features"]:
    """The conversation's features: aggregated over its watched tokens, centred and scaled.

    Raises AssayError for activations that are not finite, or of another width.
    """
    if not bool(activations.isfinite().all()):
        raise AssayError("NaN or infinite activations; the conversation cannot be scored")
    values = watched_values(scoring, activations, reader)
    if scoring.norm_limit is not None:
        usual = (activations.float().norm(dim=-1) <= scoring.norm_limit).cpu().numpy()
        values = values[usual] if usual.any() else values
    centre = np.array([feature.centre for feature in scoring.features])
    scale = np.array([feature.scale for feature in scoring.features])
    return np.asarray((aggregate(values, scoring.aggregation) - centre) / scale)


def family_scores(
    scoring: Scoring, values: Float[NDArray, "conversations features"]
) -> Float[NDArray, " conversations"]:
    """Each conversation's score: its largest standardised feature; under a rule 1.0 or 0.0."""
    rule = scoring.parsed_rule()
    if rule is None:
        return np.asarray(values.max(axis=1))
    columns = dict(zip(scoring.names, values.T, strict=True))
    return np.asarray(rule.holds(columns), dtype=np.float64)


def conversation_score(
    monitor: Monitor, activations: Float[Tensor, "tokens d_model"]
) -> ConversationScore:
    """The score of a conversation from the activations of its watched tokens."""
    return _decide(monitor, standardised_values(monitor, activations))


def score_transcripts(
    model: LanguageModel,
    monitor: Monitor,
    transcripts: Sequence[Transcript],
    batch_size: int = BATCH_SIZE,
) -> list[ConversationScore]:
    """The score of each transcript, in their order.

    Raises AssayError, naming the transcript's id, for one without an assistant's message, one that
    is too long for the model, or activations that are not finite.
    """
    watched = tokenize_watched(model, transcripts)
    return score_conversations(model, monitor, watched, batch_size, what="scoring conversations")


def score_conversations(
    model: LanguageModel,
    monitor: Monitor,
    conversations: Sequence[WatchedConversation],
    batch_size: int = BATCH_SIZE,
    *,
    what: str | None = None,
) -> list[ConversationScore]:
    """The same for conversations that are tokens already. ``what`` names the progress bar."""
    values = read_values(model, monitor, conversations, batch_size, what=what)
    return [_decide(monitor, row) for row in values]


def read_values(
    model: LanguageModel,
    scoring: Scoring,
    conversations: Sequence[WatchedConversation],
    batch_size: int = BATCH_SIZE,
    *,
    what: str | None = None,
) -> Float[NDArray, "conversations features"]:
    """The standardised features of each conversation, in their order; ``what`` names the bar."""
    from assay.models import Site

    reader = FeatureReader.of(scoring, model.device)
    values = np.empty((len(conversations), len(scoring.features)))
    captured = capture_watched(
        model, Site.parse(scoring.site), conversations, batch_size, what=what
    )
    for i, activations in captured:
        try:
            values[i] = standardised_values(scoring, activations, reader)
        except AssayError as error:
            raise AssayError(f"transcript '{conversations[i].id}': {error}") from error
    return values


def _decide(monitor: Monitor, values: Float[NDArray, " features"]) -> ConversationScore:
    score = float(family_scores(monitor, values[None])[0])
    threshold = 0.0 if monitor.fires_above is None else monitor.fires_above
    named = dict(zip(monitor.names, map(float, values), strict=True))
    return ConversationScore(values=named, score=score, fires=score > threshold)
