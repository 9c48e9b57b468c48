"""A case with its model and texts opened: what the stages are functions of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assay.errors import AssayError
from assay.files import sha256_of, sha256_of_json
from assay.models.sites import Site
from assay.pipeline.case import Case
from assay.pipeline.case_organisms import CaseOrganism, case_organisms, check_bases, check_contexts
from assay.pipeline.deployment import deployment_conversations
from assay.pipeline.texts import SplitText

if TYPE_CHECKING:
    from assay.dictionaries import LoadedDictionary
    from assay.models import LanguageModel
    from assay.text import Corpus


@dataclass(frozen=True)
class OpenedCase:
    """Everything that a stage may read."""

    case: Case
    """The settings."""
    model: LanguageModel
    """The model, loaded."""
    site: Site
    """Where activations are read."""
    text: SplitText
    """The text on whose held-out side everything is measured."""
    training_text: SplitText
    """The text on whose other side the dictionary is trained."""
    organisms: tuple[CaseOrganism, ...] = ()
    """The organisms of the case's concerns, with their twins."""

    @property
    def inputs(self) -> dict[str, str | int | float]:
        """What decides every stage's artefact: model, site, text, split, seed, arithmetic."""
        return {
            "model": self.model.fingerprint,
            "dtype": str(next(self.model.module.parameters()).dtype),
            "site": str(self.site),
            "text": self.text.corpus.sha256,
            "held_out": self.text.held_out,
            "length": self.case.audit.length,
            "seed": self.case.seed,
        }


def open_case(case: Case) -> OpenedCase:
    """Load the model and read the texts. Raises AssayError where one of them is not to be had."""
    from assay.models import load_model
    from assay.text import read_corpus

    organisms = case_organisms(case)
    if organisms:
        # What is too little or unknown is refused now, not after an hour's work.
        check_contexts(organisms, deployment_conversations(case))
    corpus = read_corpus(case.text)
    train = case.dictionary.train
    other = train.text if train is not None and train.text is not None else case.text
    training_corpus = corpus if other == case.text else read_corpus(other)
    model = load_model(case.model.id, adapter=case.model.adapter, dtype=case.model.dtype)
    site = Site.parse(case.dictionary.site)
    model.check_site(site)
    check_bases(organisms, model.base_sha256)
    longest = model.context_length
    if longest is not None and case.audit.length > longest:
        raise AssayError(
            f"audit.length is {case.audit.length}, but the model was trained on {longest} positions"
        )
    return OpenedCase(
        case,
        model,
        site,
        SplitText(corpus, case.audit.held_out, case.seed),
        SplitText(training_corpus, case.audit.held_out, case.seed),
        tuple(organisms),
    )


def evidence_inputs(
    model: LanguageModel, corpus: Corpus, loaded: LoadedDictionary
) -> dict[str, str]:
    """What a figure was computed from, by hash: model, text and dictionary."""
    return {
        "model": model.fingerprint,
        "text": corpus.sha256,
        "dictionary": loaded.metadata.hashes["weights"],
    }


def folder_hash(folder: Path) -> str:
    """Hash over the names and bytes of a folder's files, for a dictionary that came from outside."""
    if not folder.is_dir():
        raise AssayError(f"dictionary folder {folder} does not exist")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return sha256_of_json([[str(path.relative_to(folder)), sha256_of(path)] for path in files])
