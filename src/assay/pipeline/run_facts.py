"""Facts of a run that the report shows: model, text, dictionary, and sizes of the case."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar, Literal

from assay.dictionaries import LoadedDictionary
from assay.dictionaries.quality_records import (
    CROSS_ENTROPY_RECOVERED,
    SINK_SHARE,
    VARIANCE_EXPLAINED,
)
from assay.models import LanguageModel, Site
from assay.pipeline.case import Case, ConcernChoice, Training
from assay.pipeline.case_lock import Amendment
from assay.position import SEPARATED_FEATURES
from assay.reporting import Fact
from assay.results import Result
from assay.strict import StrictModel
from assay.text.split_text import SplitText

HEADLINE = (VARIANCE_EXPLAINED, SEPARATED_FEATURES, SINK_SHARE)
"""Metrics of the dictionary's main figures, which run.json and the top of the report show."""


class CaseFacts(StrictModel):
    """The parts of the case file that the report shows."""

    case: str
    """The case's name."""
    adapter: str | None
    """The PEFT folder laid over the model, or None."""
    training: Training | None
    """Settings of the dictionary's training; None for an existing dictionary."""
    rows: int
    """Number of crops on which figures were measured."""
    length: int
    """Tokens of a crop."""
    causal: bool
    """Whether the causal design was run."""
    concerns: tuple[ConcernChoice, ...]
    """The concerns."""
    seed: int
    """Every random draw derives from it."""
    amendments: tuple[str, ...]
    """Changes of the analysis after the test split had been read, in words."""

    @classmethod
    def of(cls, case: Case, history: Sequence[Amendment] = ()) -> CaseFacts:
        """The facts of a case file, and of the changes of its analysis."""
        return cls(
            case=case.name,
            adapter=case.model.adapter,
            training=case.dictionary.train,
            rows=case.audit.rows,
            length=case.audit.length,
            causal=case.audit.causal is not None,
            concerns=case.concerns,
            seed=case.seed,
            amendments=tuple(str(amendment) for amendment in history),
        )


class RunFacts(Result):
    """facts.json: the model, text and dictionary on which the figures were measured."""

    FILE: ClassVar[str] = "facts.json"
    MADE_BY: ClassVar[str] = "assay run CASE.yaml"

    version: Literal[1] = 1
    """Version of the layout."""
    model: str
    """The model's name."""
    layers: int
    """Number of layers of the model."""
    position_scheme: str
    """Kind of position encoding of the model."""
    site: str
    """Hook site at which activations were read."""
    site_width: int
    """Width of the hook site."""
    first_token: int | None
    """Id of the constant token at position 0 of every crop; None where there is none."""
    architecture: str
    """The dictionary's architecture."""
    width: int
    """Number of features of the dictionary."""
    dictionary_position: str
    """How position was special-cased in the dictionary's training."""
    dictionary_source: str
    """Where the dictionary came from."""
    tokens_left_out: str | None
    """Tokens that its training left out; None where its folder does not state them."""
    of_this_model: bool
    """Whether it was trained on this model; True where its folder does not state the model."""
    text: str
    """The corpus's name."""
    text_note: str
    """What a reader must know about the corpus."""
    training_documents: int
    """Documents on the training side."""
    held_out_documents: int
    """Documents on the held-out side."""

    @classmethod
    def of(
        cls,
        model: LanguageModel,
        site: Site,
        loaded: LoadedDictionary,
        text: SplitText,
        training_text: SplitText,
    ) -> RunFacts:
        """The facts of a model, a dictionary and its texts."""
        known = loaded.metadata
        return cls(
            model=model.name,
            layers=model.n_layers,
            position_scheme=model.position_scheme,
            site=str(site),
            site_width=model.site_width(site),
            first_token=model.bos_token_id,
            architecture=loaded.dictionary.architecture,
            width=loaded.dictionary.width,
            dictionary_position=known.position,
            dictionary_source=known.source,
            tokens_left_out=known.tokens_left_out or None,
            of_this_model=known.model_fingerprint in (None, model.fingerprint),
            text=text.corpus.name,
            text_note=text.corpus.note,
            training_documents=len(training_text.sides[0]),
            held_out_documents=len(text.sides[1]),
        )

    def rows(self, case: CaseFacts) -> list[Fact]:
        """Rows of the report's table of what was run."""
        adapter = f" with adapter {case.adapter}" if case.adapter else ""
        scheme = self.position_scheme.replace("_", " ")
        trained = self.dictionary_source if case.training is None else _trained(case.training)
        left_out = self.tokens_left_out or "unknown: the dictionary's folder does not state it"
        return [
            Fact("model", f"{self.model}{adapter}: {self.layers} layers, {scheme} positions"),
            Fact("site", f"{self.site} ({self.site_width} wide)"),
            Fact("dictionary", f"{self.architecture}, {self.width:,} features; {trained}"),
            Fact("position in training", self.dictionary_position),
            Fact(
                "text",
                f"{self.text}: {self.training_documents:,} training documents, "
                f"{self.held_out_documents:,} held-out documents",
            ),
            Fact(
                "read for figures",
                f"{case.rows:,} random crops of {case.length} tokens of held-out documents, "
                f"first token {self.first_token}",
            ),
            Fact("left out", left_out),
            *(
                Fact(f"concern {concern.name}", f"{concern.description} ({concern.severity})")
                for concern in case.concerns
            ),
            Fact("seed", str(case.seed)),
        ]

    def notes(self, case: CaseFacts, measured: Collection[str]) -> list[str]:
        """What a reader must know; ``measured`` are the metrics that have a record of evidence."""
        notes = [
            f"The analysis was changed after the test split had been read: {amendment}"
            for amendment in case.amendments
        ]
        notes += [self.text_note] if self.text_note else []
        if case.training is not None:
            notes.append(
                "This dictionary was trained in this run, on the stated number of tokens. Its "
                "figures describe this dictionary, not the best possible dictionary of the model."
            )
        if not self.of_this_model:
            notes.append("The dictionary was trained on another model.")
        if not case.causal:
            notes.append("The causal design was not run, so no feature is labelled.")
        elif SEPARATED_FEATURES not in measured:
            notes.append("Every feature fires in too few documents to be labelled.")
        if CROSS_ENTROPY_RECOVERED not in measured:
            notes.append(
                "No cross-entropy recovered: replacing the site's activations by their mean costs this "
                "model nothing, so there is no loss to recover."
            )
        return notes


def _trained(training: Training) -> str:
    steps = training.steps
    passes = steps * training.batch_size / training.tokens
    return (
        f"k = {training.k}, {steps:,} steps of {training.batch_size:,} on {training.tokens:,} "
        f"harvested tokens ({passes:.1f} passes)"
    )
