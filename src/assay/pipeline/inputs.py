"""Inputs that stages read from outside the case, each identified by a hash of its content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from assay.concerns.conversations.concern_organisms import ConcernOrganism
from assay.concerns.deployment import Deployment, benign_conversations, unread_conversations
from assay.concerns.strategies import StrategyChoice
from assay.concerns.strategies.own_transcripts import labelled_transcripts
from assay.concerns.strategies.strategy import Options
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
    """The case's model, loaded when a stage first needs it."""

    id: str
    """A catalogue name, a folder, or a hub id."""
    adapter: str | None
    """A PEFT folder laid over it."""
    dtype: str | None
    """Dtype of the forward pass; None: the one that suits the checkpoint and the machine."""

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the weights and the adapter; loads the model only where no hash is recorded."""
        return model_fingerprint(self.id, self.adapter) or self._model.fingerprint

    @cached_property
    def content_sha256(self) -> str:
        """Hash of the weights, the adapter, the dtype and the kind of machine."""
        machine = "gpu" if torch.cuda.is_available() else f"cpu, bf16 {cpu_multiplies_bf16()}"
        return sha256_of_json([self.fingerprint, self.dtype or f"default on {machine}"])

    @cached_property
    def _model(self) -> LanguageModel:
        return load_model(self.id, adapter=self.adapter, dtype=self.dtype)

    def open(self) -> LanguageModel:
        """The model. Raises what ``load_model`` raises."""
        return self._model

    def with_adapter(self, adapter: Path) -> LanguageModel:
        """The same model with an organism's adapter, loaded again.

        Raises what ``load_model`` raises.
        """
        return load_model(self.id, adapter=adapter, dtype=self.dtype)


@dataclass(frozen=True, eq=False)
class TextInput(Input[SplitText]):
    """A corpus with its split into training and held-out documents."""

    name: str
    """Corpus by name, several joined by '+', or a file."""
    held_out: float
    """Share of the documents that are held out."""
    seed: int
    """Seed of the split and of the crops."""

    @cached_property
    def corpus(self) -> Corpus:
        """The whole corpus."""
        return read_corpus(self.name)

    @cached_property
    def content_sha256(self) -> str:
        """Hash of the text, the split and the seed."""
        return sha256_of_json([self.corpus.sha256, self.held_out, self.seed])

    def open(self) -> SplitText:
        """The text with its training side and its held-out side."""
        return SplitText(self.corpus, self.held_out, self.seed)


@dataclass(frozen=True, eq=False)
class DictionaryInput(Input[LoadedDictionary]):
    """An existing dictionary."""

    path: Path
    """A folder written by Assay, SAELens, sparsify or dictionary_learning."""

    @cached_property
    def content_sha256(self) -> str:
        """Hash of the names and bytes of the folder's files."""
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
    """The organism, read from its folder."""

    @cached_property
    def content_sha256(self) -> str:
        """Hash of its name and of every file of its folder that stages read."""
        folder = self.organism.organism.folder
        # The verification decides whether it is admitted; the configuration changes the adapter.
        files = [folder / name for name in (TRANSCRIPTS, PROMPTS, VERIFICATION, MANIFEST)]
        files.append(self.organism.organism.adapter / "adapter_config.json")
        hashes = [sha256_of(path) if path.is_file() else "none" for path in files]
        return sha256_of_json([self.organism.name, self.organism.organism.manifest.sha256, *hashes])

    def open(self) -> ConcernOrganism:
        """The organism."""
        return self.organism


@dataclass(frozen=True, eq=False)
class DeploymentInput(Input[list[Transcript]]):
    """The deployment's benign conversations, before replies are generated."""

    deployment: Deployment
    """The deployment, which names the conversations."""
    most: int
    """Largest number of prompts that are drawn from the pool."""
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


@dataclass(frozen=True, eq=False)
class StrategyFileInput(Input[list[Transcript]]):
    """The file of the strategy ``transcripts``: labelled conversations."""

    choice: StrategyChoice
    """The strategy with its options, among them the file."""

    @cached_property
    def content_sha256(self) -> str:
        """Hash of the conversations."""
        return sha256_of_json([transcript.model_dump(mode="json") for transcript in self.open()])

    def open(self) -> list[Transcript]:
        """The conversations. Raises what ``labelled_transcripts`` raises."""
        return labelled_transcripts(Options(self.choice.options))


def organisms_sha256(organisms: Sequence[OrganismInput]) -> str:
    """A hash over organisms and the concerns that they stand for."""
    return sha256_of_json([[o.organism.concern.name, o.content_sha256] for o in organisms])
