"""What stages read from outside the case: each known by the content of all that is read of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from assay.concerns.conversations.concern_organisms import ConcernOrganism
from assay.concerns.deployment import Deployment, benign_conversations, unread_conversations
from assay.dictionaries import LoadedDictionary, load_dictionary
from assay.errors import AssayError
from assay.files import sha256_of, sha256_of_json
from assay.models import LanguageModel, load_model, model_fingerprint
from assay.models.loading import cpu_multiplies_bf16
from assay.organisms.folder import MANIFEST, PROMPTS, TRANSCRIPTS, VERIFICATION
from assay.pipeline.stage import Input
from assay.text import Corpus, Transcript, read_corpus
from assay.text.split_text import SplitText


@dataclass(frozen=True, eq=False)
class ModelInput(Input[LanguageModel]):
    """The case's model; loaded once, when a stage first needs it."""

    id: str
    """A catalogue name, a folder, or a hub id."""
    adapter: str | None
    """A PEFT folder laid over it."""
    dtype: str | None
    """Arithmetic of the forward pass; None: what suits checkpoint and machine."""

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the weights and the adapter, without loading where it is on record."""
        return model_fingerprint(self.id, self.adapter) or self._model.fingerprint

    @cached_property
    def content_sha256(self) -> str:
        """Hash of the weights, the adapter and the arithmetic."""
        machine = "gpu" if torch.cuda.is_available() else f"cpu, bf16 {cpu_multiplies_bf16()}"
        return sha256_of_json([self.fingerprint, self.dtype or f"default on {machine}"])

    @cached_property
    def _model(self) -> LanguageModel:
        return load_model(self.id, adapter=self.adapter, dtype=self.dtype)

    def open(self) -> LanguageModel:
        """The model. Raises what ``load_model`` raises."""
        return self._model

    def with_adapter(self, adapter: Path) -> LanguageModel:
        """The same model with an organism's adapter over it, loaded anew."""
        return load_model(self.id, adapter=adapter, dtype=self.dtype)


@dataclass(frozen=True, eq=False)
class TextInput(Input[SplitText]):
    """A corpus, and the side of it that is held out."""

    name: str
    """Corpus by name, several joined by '+', or a file."""
    held_out: float
    """Share of the documents on the held-out side."""
    seed: int
    """Seed of the split and of the crops."""

    @cached_property
    def corpus(self) -> Corpus:
        """The whole text."""
        return read_corpus(self.name)

    @cached_property
    def content_sha256(self) -> str:
        """Hash of the text, the split and the seed."""
        return sha256_of_json([self.corpus.sha256, self.held_out, self.seed])

    def open(self) -> SplitText:
        """The text with its two sides."""
        return SplitText(self.corpus, self.held_out, self.seed)


@dataclass(frozen=True, eq=False)
class DictionaryInput(Input[LoadedDictionary]):
    """A dictionary that exists already."""

    path: Path
    """A folder written by Assay, SAELens, sparsify or dictionary_learning."""

    @cached_property
    def content_sha256(self) -> str:
        """Hash over the names and bytes of the folder's files."""
        if not self.path.is_dir():
            raise AssayError(f"dictionary folder {self.path} does not exist")
        files = sorted(path for path in self.path.rglob("*") if path.is_file())
        rows = [[str(path.relative_to(self.path)), sha256_of(path)] for path in files]
        return sha256_of_json(rows)

    def open(self) -> LoadedDictionary:
        """The dictionary. Raises what ``load_dictionary`` raises."""
        return load_dictionary(self.path)


@dataclass(frozen=True, eq=False)
class OrganismInput(Input[ConcernOrganism]):
    """An organism or twin of the case."""

    organism: ConcernOrganism
    """The organism, its folder read."""

    @cached_property
    def content_sha256(self) -> str:
        """Hash of its name and of every file of it that is read."""
        folder = self.organism.organism.folder
        # The verification decides who counts as admitted, the configuration how the adapter acts.
        files = [folder / name for name in (TRANSCRIPTS, PROMPTS, VERIFICATION, MANIFEST)]
        files.append(self.organism.organism.adapter / "adapter_config.json")
        hashes = [sha256_of(path) if path.is_file() else "none" for path in files]
        return sha256_of_json([self.organism.name, self.organism.organism.manifest.sha256, *hashes])

    def open(self) -> ConcernOrganism:
        """The organism."""
        return self.organism


@dataclass(frozen=True, eq=False)
class DeploymentInput(Input[list[Transcript]]):
    """The deployment's benign conversations, as they are before any reply is generated."""

    deployment: Deployment
    """Which conversations."""
    most: int
    """Prompts that are drawn from the pool, at most."""
    seed: int
    """Seed of the draw."""

    @cached_property
    def content_sha256(self) -> str:
        """Hash of the conversations."""
        rows = [transcript.model_dump(mode="json") for transcript in self.open()]
        return sha256_of_json(rows)

    def open(self) -> list[Transcript]:
        """The conversations."""
        return benign_conversations(self.deployment, self.most, self.seed)


@dataclass(frozen=True, eq=False)
class UnreadInput(DeploymentInput):
    """The deployment's benign conversations that the transfer matrix leaves unread."""

    def open(self) -> list[Transcript]:
        """The conversations."""
        return unread_conversations(self.deployment, self.most, self.seed)


def organisms_sha256(organisms: Sequence[OrganismInput]) -> str:
    """One hash over organisms, with the concerns that they stand for."""
    return sha256_of_json([[o.organism.concern.name, o.content_sha256] for o in organisms])
