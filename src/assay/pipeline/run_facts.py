"""What the page says of the run: model, text and dictionary as they were, and the case's sizes."""

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
"""The figures of the dictionary that a run ends with, and that the page shows large."""


class CaseFacts(StrictModel):
    """What the report needs of the case file."""

    case: str
    """The case's name."""
    adapter: str | None
    """The PEFT folder laid over the model."""
    training: Training | None
    """How the dictionary was trained; None where it existed."""
    rows: int
    """Crops that figures were measured on."""
    length: int
    """Tokens of a crop."""
    causal: bool
    """Whether the causal design was run."""
    concerns: tuple[ConcernChoice, ...]
    """What is feared."""
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
    """What was true of model, text and dictionary when the figures were measured."""

    FILE: ClassVar[str] = "facts.json"
    MADE_BY: ClassVar[str] = "assay run CASE.yaml"

    version: Literal[1] = 1
    """Version of the layout."""
    model: str
    """The model's name."""
    layers: int
    """Its number of layers."""
    position_scheme: str
    """How positions enter it."""
    site: str
    """Where activations were read."""
    site_width: int
    """Their width."""
    first_token: int | None
    """The constant token at position 0 of every crop."""
    architecture: str
    """The dictionary's architecture."""
    width: int
    """Its number of features."""
    dictionary_position: str
    """How position was special-cased in its training."""
    dictionary_source: str
    """Where it came from."""
    tokens_left_out: str | None
    """Which tokens its training left out; None where its folder does not say."""
    of_this_model: bool
    """Whether it was trained on this model, as far as its folder says."""
    text: str
    """The corpus's name."""
    text_note: str
    """What its readers must know of it."""
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
        """The facts of an opened model, dictionary and text."""
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
        """What was run, as the page shows it."""
        adapter = f" with adapter {case.adapter}" if case.adapter else ""
        scheme = self.position_scheme.replace("_", " ")
        trained = self.dictionary_source if case.training is None else _trained(case.training)
        left_out = self.tokens_left_out or "unknown: the dictionary's folder does not say"
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
                "This dictionary was trained within this run, on as many tokens as stated. Its "
                "figures describe this dictionary, not the best that could be had for the model."
            )
        if not self.of_this_model:
            notes.append("The dictionary was trained on another model than this one.")
        if not case.causal:
            notes.append("The causal design was not run, so no feature is labelled.")
        elif SEPARATED_FEATURES not in measured:
            notes.append("Every feature fires in too few documents to be labelled.")
        if CROSS_ENTROPY_RECOVERED not in measured:
            notes.append(
                "No cross-entropy recovered: replacing the site by its mean costs this model "
                "nothing, so there is nothing to recover a share of."
            )
        return notes


def _trained(training: Training) -> str:
    steps = training.steps
    passes = steps * training.batch_size / training.tokens
    return (
        f"k = {training.k}, {steps:,} steps of {training.batch_size:,} on {training.tokens:,} "
        f"harvested tokens ({passes:.1f} passes)"
    )
