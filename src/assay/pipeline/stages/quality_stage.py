"""Stage quality: how well the dictionary reconstructs held-out text, and facts for the report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from assay.dictionaries import QualityResult, measure_quality, quality_evidence
from assay.evidence import write_evidence
from assay.models import Site
from assay.pipeline import cost
from assay.pipeline.dictionary_source import DictionarySource, dictionary_inputs
from assay.pipeline.inputs import ModelInput, TextInput
from assay.pipeline.result import QUALITY
from assay.pipeline.run_facts import RunFacts
from assay.pipeline.stage import Artefacts, Stage


@dataclass(frozen=True, eq=False)
class QualityStage(Stage[QualityResult]):
    """The dictionary's quality figures on held-out documents."""

    NAME: ClassVar[str] = QUALITY
    VERSION: ClassVar[int] = 3

    model: ModelInput
    """The case's model."""
    text: TextInput
    """The text whose held-out documents are read."""
    training_text: TextInput
    """The text whose training documents a dictionary of this run was trained on."""
    dictionary: DictionarySource
    """The dictionary."""
    site: str
    """Hook site at which activations are read."""
    rows: int
    """Number of crops of the position audit; the quality crops are the first of them."""
    length: int
    """Tokens in a crop."""
    quality_rows: int
    """Number of crops on which the attention sink and the reconstruction are measured."""
    spliced_rows: int
    """Number of crops on which the reconstruction is spliced into the model."""
    seed: int
    """Seed of the crops and of the jackknife's groups."""

    def run(self, folder: Path, artefacts: Artefacts) -> None:
        """Write ``quality.json``, ``evidence.json`` and ``facts.json``."""
        model, text = self.model.open(), self.text.open()
        loaded = artefacts.load(self.dictionary)
        site = Site.parse(self.site)
        # Crops are in random order, so the first ones are a random sample of the audit's crops.
        crops = text.held_out_crops(model, self.rows, self.length).rows(0, self.quality_rows)
        result = measure_quality(
            model, site, loaded, crops, spliced_rows=self.spliced_rows, seed=self.seed
        )
        result.write(folder)
        inputs = dictionary_inputs(model, loaded) | {"text": text.corpus.sha256}
        write_evidence(folder / "evidence.json", quality_evidence(result, inputs))
        RunFacts.of(model, site, loaded, text, self.training_text.open()).write(folder)

    def load(self, folder: Path) -> QualityResult:
        """The quality figures."""
        return QualityResult.read(folder)

    def facts(self, folder: Path) -> RunFacts:
        """The facts of model, text and dictionary, for the report."""
        return RunFacts.read(folder)

    def seconds(self) -> float:
        """Estimate for three spliced passes to the logits and a pass up to the site."""
        model, site = self.model.open(), Site.parse(self.site)
        spliced = 3 * cost.forward_seconds(model, self.spliced_rows * self.length)
        return spliced + cost.forward_seconds(model, self.quality_rows * self.length, site)
