"""What is known about a dictionary beside its weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from assay.dictionaries.dictionary import Dictionary


@dataclass(frozen=True)
class DictionaryMetadata:
    """Where a dictionary came from and on which activations it acts. None means not known."""

    source: str = "assay"
    """The library that wrote it: assay, saelens, sparsify or dictionary_learning."""
    model: str | None = None
    """Name of the model whose activations it was trained on."""
    site: str | None = None
    """Hook site, such as resid_post.15; another library's own name where it has no equivalent."""
    first_token: int | None = None
    """Token id that began every training text."""
    tokens_left_out: str | None = None
    """In words, which tokens training did not see (the attention sink)."""
    position: str = "none"
    """How position was special-cased."""
    training: dict[str, Any] = field(default_factory=dict)
    """Settings and figures of the training run, as JSON values."""
    hashes: dict[str, str] = field(default_factory=dict)
    """Hex sha256 by name: ``weights`` (of the weights file, set on writing and reading), and what
    the writer bound it to, such as ``model`` or ``activations``."""

    @property
    def weights_sha256(self) -> str | None:
        """Hash of the weights file; None for a dictionary that was never on disk."""
        return self.hashes.get("weights")

    @property
    def model_fingerprint(self) -> str | None:
        """Fingerprint of the model that it was trained on; None where the folder does not say."""
        return self.hashes.get("model")

    @property
    def text_sha256(self) -> str | None:
        """Hash of the text that it was trained on; None where the folder does not say."""
        return self.hashes.get("text")


@dataclass(frozen=True)
class LoadedDictionary:
    """A dictionary read from disk."""

    dictionary: Dictionary
    """Ready to encode, gradients off."""
    metadata: DictionaryMetadata
    """What the folder says about it."""
