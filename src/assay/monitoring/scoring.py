"""Score conversations from activations: only the watched features, in one small matrix product."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from assay.concerns.aggregation import aggregate_turns
from assay.concerns.conversations.excerpts import Excerpt, excerpt_of
from assay.concerns.conversations.reading import stream_watched
from assay.errors import AssayError
from assay.monitoring.result import Monitor, Scoring

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import NDArray
    from torch import Tensor

    from assay.models import LanguageModel
    from assay.text import Transcript


@dataclass(frozen=True)
class ConversationScore:
    """A conversation's score and whether it fires."""

    values: Mapping[str, float]
    """Feature name → its standardised aggregated activation."""
    score: float
    """The largest of the values; with a rule 1.0 where the rule fires, else 0.0."""
    fires: bool
    """Whether the score is above the monitor's threshold, or the rule fires."""


@dataclass(frozen=True, eq=False)
class FeatureReader:
    """The watched features as one matrix, for threshold inference without the whole dictionary."""

    weight: Float[Tensor, "width features"]
    """Directions, float32, a column for each feature."""
    bias: Float[Tensor, " features"]
    """Biases, float32, added to the product."""
    threshold: Float[Tensor, " features"]
    """Thresholds, float32; activations not above them are 0. −∞ where the feature is linear."""

    @classmethod
    def of(cls, scoring: Scoring, device: str | object = "cpu") -> FeatureReader:
        """The reader of a scoring's features, on a device."""
        features = scoring.features
        thresholds = [-np.inf if f.threshold is None else f.threshold for f in features]

        def tensor(value: object) -> Tensor:
            return torch.tensor(value, dtype=torch.float32, device=device)  # type: ignore[arg-type]

        rows = tensor([feature.direction for feature in features])
        bias = tensor([feature.bias for feature in features])
        return cls(rows.T.contiguous(), bias, tensor(thresholds))

    def read(self, activations: Float[Tensor, "... width"]) -> Float[Tensor, "... features"]:
        """u = x W + b in float32 where it exceeds the threshold, else 0; NaN stays NaN.

        Raises AssayError where activations and directions have different widths.
        """
        if activations.shape[-1] != len(self.weight):
            raise AssayError(
                f"the monitor's directions have width {len(self.weight)}, the activations "
                f"{activations.shape[-1]}; the sites or the model are not the monitor's"
            )
        with torch.no_grad():
            u = activations.float() @ self.weight + self.bias
            return torch.where(u <= self.threshold, 0.0, u)


def watched_values(
    scoring: Scoring,
    activations: Float[Tensor, "tokens width"],
    reader: FeatureReader | None = None,
) -> Float[NDArray, "tokens features"]:
    """The watched features' activations on each token, not standardised, float64.

    ``reader`` avoids building the matrix again. Raises AssayError for activations of another width.
    """
    reader = reader or FeatureReader.of(scoring, activations.device)
    read = reader.read(activations)
    return np.asarray(read.cpu().numpy(), dtype=np.float64)


def standardised_values(
    scoring: Scoring,
    activations: Float[Tensor, "tokens width"],
    turns: Sequence[slice] | None = None,
    reader: FeatureReader | None = None,
) -> Float[NDArray, " features"]:
    """A conversation's features: aggregated over each turn, the largest turn, centred and scaled.

    ``turns`` are the rows of each assistant turn; None: all rows belong to a single turn. Activations
    at further sites stand beside those at the first, whose norm says which tokens are massive. Returns
    float64. Raises AssayError for activations that are not finite or have another width.
    """
    if not bool(activations.isfinite().all()):
        raise AssayError("NaN or infinite activations; the conversation cannot be scored")
    values = watched_values(scoring, activations, reader)
    kept = [np.arange(len(values))[rows] for rows in turns or [slice(None)]]
    if scoring.norm_limit is not None:
        first = activations[:, : scoring.width // len(scoring.sites)]
        usual = (first.float().norm(dim=-1) <= scoring.norm_limit).cpu().numpy()
        if usual.any():
            kept = [rows[usual[rows]] for rows in kept]
    ends = np.cumsum([len(rows) for rows in kept])
    slices = [
        slice(end - len(rows), end) for rows, end in zip(kept, ends, strict=True) if len(rows)
    ]
    score = aggregate_turns(values[np.concatenate(kept)], slices, scoring.aggregation)
    centre = np.array([feature.centre for feature in scoring.features])
    scale = np.array([feature.scale for feature in scoring.features])
    return np.asarray((score - centre) / scale)


def scores_of_values(
    scoring: Scoring, values: Float[NDArray, "conversations features"]
) -> Float[NDArray, " conversations"]:
    """The score of each conversation: its largest standardised feature; with a rule 1.0 or 0.0."""
    rule = scoring.parsed_rule()
    if rule is None:
        return np.asarray(values.max(axis=1))
    columns = dict(zip(scoring.names, values.T, strict=True))
    return np.asarray(rule.holds(columns), dtype=np.float64)


def conversation_score(
    monitor: Monitor,
    activations: Float[Tensor, "tokens width"],
    turns: Sequence[slice] | None = None,
) -> ConversationScore:
    """The score of a conversation from the activations of its watched tokens.

    ``turns`` are the rows of each assistant turn; None: all rows belong to a single turn. Raises
    AssayError for activations that are not finite or have another width.
    """
    return _decide(monitor, standardised_values(monitor, activations, turns))


def watched_excerpts(model: LanguageModel, transcripts: Sequence[Transcript]) -> list[Excerpt]:
    """The excerpts of whole transcripts, in which the monitor watches every assistant turn.

    Raises AssayError, naming the id, for a transcript without an assistant message, and for a
    transcript that is longer than the model's context.
    """
    return [watched_excerpt(model, transcript) for transcript in transcripts]


def watched_excerpt(model: LanguageModel, transcript: Transcript) -> Excerpt:
    """One of ``watched_excerpts``; raises what it raises."""
    longest = model.context_length
    if all(message.role != "assistant" for message in transcript.messages):
        raise AssayError(
            f"transcript '{transcript.id}' has no assistant message; a monitor watches what "
            "the assistant writes"
        )
    excerpt = excerpt_of(model.tokenizer, transcript, bool(transcript.label))
    if longest is not None and len(excerpt.tokens) > longest:
        raise AssayError(
            f"transcript '{transcript.id}' has {len(excerpt.tokens)} tokens; {model.name} "
            f"reads {longest}"
        )
    return excerpt


def score_transcripts(
    model: LanguageModel, monitor: Monitor, transcripts: Sequence[Transcript]
) -> list[ConversationScore]:
    """The score of each transcript, in order.

    Raises AssayError, naming the id, for a transcript without an assistant message, for one that is
    too long for the model, and for activations that are not finite.
    """
    excerpts = watched_excerpts(model, transcripts)
    return score_excerpts(model, monitor, excerpts, what="scoring conversations")


def score_excerpts(
    model: LanguageModel,
    monitor: Monitor,
    excerpts: Sequence[Excerpt],
    *,
    what: str | None = None,
) -> list[ConversationScore]:
    """The score of each excerpt, in order. ``what`` names the progress bar; None draws none."""
    return [_decide(monitor, row) for row in read_values(model, monitor, excerpts, what=what)]


def score_where_possible(
    model: LanguageModel, monitor: Monitor, excerpts: Sequence[Excerpt]
) -> list[ConversationScore | AssayError]:
    """The score of each excerpt, in order, or the error where its activations are not finite."""
    found: dict[int, ConversationScore | AssayError] = {
        i: row if isinstance(row, AssayError) else _decide(monitor, row)
        for i, row in _stream_values(model, monitor, excerpts, None)
    }
    return [found[i] for i in range(len(excerpts))]


def read_values(
    model: LanguageModel,
    scoring: Scoring,
    excerpts: Sequence[Excerpt],
    *,
    what: str | None = None,
) -> Float[NDArray, "conversations features"]:
    """The standardised features of each excerpt, in order, float64.

    ``what`` names the progress bar; None draws none. Raises AssayError, naming the id, for
    activations that are not finite.
    """
    values = np.empty((len(excerpts), len(scoring.features)))
    for i, row in _stream_values(model, scoring, excerpts, what):
        if isinstance(row, AssayError):
            raise row
        values[i] = row
    return values


def _stream_values(
    model: LanguageModel, scoring: Scoring, excerpts: Sequence[Excerpt], what: str | None
) -> Iterator[tuple[int, NDArray | AssayError]]:
    """Yield (index of the excerpt, its standardised features or the error), once for each,
    unordered."""
    reader = FeatureReader.of(scoring, model.device)
    for i, activations in stream_watched(model, scoring.sites, excerpts, what=what):
        try:
            yield i, standardised_values(scoring, activations, excerpts[i].turn_rows, reader)
        except AssayError as error:
            yield i, AssayError(f"transcript '{excerpts[i].id}': {error}")


def _decide(monitor: Monitor, values: Float[NDArray, " features"]) -> ConversationScore:
    score = float(scores_of_values(monitor, values[None])[0])
    threshold = 0.0 if monitor.fires_above is None else monitor.fires_above
    named = dict(zip(monitor.names, map(float, values), strict=True))
    return ConversationScore(values=named, score=score, fires=score > threshold)
