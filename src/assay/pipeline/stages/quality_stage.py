"""Quality: how well the dictionary reconstructs held-out text, and what the page says of the run."""

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
from assay.pipeline.stage import Made, Stage


@dataclass(frozen=True, eq=False)
class QualityStage(Stage[QualityResult]):
    """The dictionary's figures on held-out documents."""

    NAME: ClassVar[str] = QUALITY
    VERSION: ClassVar[int] = 3

    model: ModelInput
    """The model."""
    text: TextInput
    """The text whose held-out side is read."""
    training_text: TextInput
    """The text on whose other side a dictionary of this run was trained."""
    dictionary: DictionarySource
    """The dictionary."""
    site: str
    """Where activations are read."""
    rows: int
    """Crops of the audit, of which these are the first."""
    length: int
    """Tokens of a crop."""
    quality_rows: int
    """Crops on which the sink and the reconstruction are measured."""
    spliced_rows: int
    """Crops on which the reconstruction is spliced in."""
    seed: int
    """Seed of the draw and of the jackknife's groups."""

    def run(self, folder: Path, made: Made) -> None:
        """Write ``quality.json``, ``evidence.json`` and ``facts.json``."""
        model, text = self.model.open(), self.text.open()
        loaded = made.load(self.dictionary)
        site = Site.parse(self.site)
        # Crops come in random order, so that the first are a random sample of the audit's.
        crops = text.held_out_crops(model, self.rows, self.length).rows(0, self.quality_rows)
        result = measure_quality(
            model, site, loaded, crops, spliced_rows=self.spliced_rows, seed=self.seed
        )
        result.write(folder)
        inputs = dictionary_inputs(model, loaded) | {"text": text.corpus.sha256}
        write_evidence(folder / "evidence.json", quality_evidence(result, inputs))
        RunFacts.of(model, site, loaded, text, self.training_text.open()).write(folder)

    def load(self, folder: Path) -> QualityResult:
        """The figures."""
        return QualityResult.read(folder)

    def facts(self, folder: Path) -> RunFacts:
        """What the page says of model, text and dictionary."""
        return RunFacts.read(folder)

    def seconds(self) -> float:
        """Three spliced passes to the logits, and one up to the site."""
        model, site = self.model.open(), Site.parse(self.site)
        spliced = 3 * cost.forward_seconds(model, self.spliced_rows * self.length)
        return spliced + cost.forward_seconds(model, self.quality_rows * self.length, site)
