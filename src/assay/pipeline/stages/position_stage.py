"""Stage position: the position audit, and in the same pass the contexts in which features fire."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from assay.dictionaries import (
    ContextCollector,
    DecodedContexts,
    LoadedDictionary,
    check_fit,
    decode_contexts,
)
from assay.evidence import write_evidence
from assay.models import LanguageModel, Site
from assay.pipeline import cost
from assay.pipeline.dictionary_source import DictionarySource, dictionary_inputs
from assay.pipeline.inputs import ModelInput, TextInput
from assay.pipeline.stage import Artefacts, Stage
from assay.position import (
    CrossedSizes,
    PositionResult,
    audit_position,
    position_evidence,
    sort_by_document,
)
from assay.text import Crops

HELD_OUT = "held_out"
"""The split of the figures."""


@dataclass(frozen=True, eq=False)
class PositionStage(Stage[PositionResult]):
    """The position audit of every feature, with the features' contexts."""

    NAME: ClassVar[str] = "position"
    VERSION: ClassVar[int] = 4

    model: ModelInput
    """The case's model."""
    text: TextInput
    """The text whose held-out documents are read."""
    dictionary: DictionarySource
    """The dictionary."""
    site: str
    """Hook site at which activations are read."""
    rows: int
    """Number of random crops."""
    length: int
    """Tokens in a crop."""
    causal: CrossedSizes | None
    """Sizes of the causal design; None leaves it out."""
    seed: int
    """Seed of every random draw."""

    def run(self, folder: Path, artefacts: Artefacts) -> None:
        """Write ``position.json``, ``contexts.json`` and ``evidence.json``."""
        model, text = self.model.open(), self.text.open()
        loaded = artefacts.load(self.dictionary)
        crops = text.held_out_crops(model, self.rows, self.length)
        result, contexts = audit_with_contexts(
            model, loaded, Site.parse(self.site), crops, causal=self.causal, seed=self.seed
        )
        result.write(folder)
        contexts.write(folder)
        inputs = dictionary_inputs(model, loaded) | {"text": text.corpus.sha256}
        write_evidence(folder / "evidence.json", position_evidence(result, inputs, HELD_OUT))

    def load(self, folder: Path) -> PositionResult:
        """The position audit."""
        return PositionResult.read(folder)

    def contexts(self, folder: Path) -> DecodedContexts:
        """The contexts in which each feature fires, as text."""
        return DecodedContexts.read(folder)

    def seconds(self) -> float:
        """Estimate for a pass over the crops up to the site, and the causal design."""
        tokens = self.rows * self.length
        if self.causal is not None:
            length = self.causal.content_length or self.length
            cells = self.causal.contents * self.causal.offsets * self.causal.fillers
            tokens += cells * length
        return cost.forward_seconds(self.model.open(), tokens, Site.parse(self.site))


def audit_with_contexts(
    model: LanguageModel,
    loaded: LoadedDictionary,
    site: Site,
    crops: Crops,
    *,
    causal: CrossedSizes | None,
    seed: int,
) -> tuple[PositionResult, DecodedContexts]:
    """The position audit, and from the same pass the contexts in which each feature fires most.

    Raises AssayError where the dictionary does not fit the model and the site.
    """
    check_fit(loaded, model, site)
    crops = sort_by_document(crops)
    collector = ContextCollector(loaded.dictionary.width, crops.tokens.shape[1])
    audit = audit_position(
        model,
        loaded.dictionary,
        site,
        crops,
        causal=causal,
        seed=seed,
        observe=collector.add,
    )
    contexts = decode_contexts(model, site, loaded.dictionary, collector.finish(), crops)
    return audit.result(), contexts
