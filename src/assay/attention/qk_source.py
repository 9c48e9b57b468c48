"""What a query–key dictionary is measured with: model, crops, and what was read of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.attention.attention_reading import AttentionSample
from assay.attention.layer_attention import AttentionLayer
from assay.attention.qk_settings import QKSettings
from assay.models import LanguageModel

if TYPE_CHECKING:
    from assay.text.crops import Crops


@dataclass(frozen=True, eq=False)
class QKSource:
    """What a query–key dictionary is measured with."""

    model: LanguageModel
    """The model."""
    attention: AttentionLayer
    """The attention of the layer."""
    training: AttentionSample
    """What the dictionaries learned from, on which baselines are fitted too."""
    held_out: AttentionSample
    """Held-out crops."""
    crops: Crops
    """The same crops as tokens, with their documents."""
    text: str
    """Name of the text."""
    settings: QKSettings
    """Settings of the training."""
    seed: int
    """Seed of every random draw."""
    inputs: Mapping[str, str]
    """Name → sha256 of the model and of the text."""
