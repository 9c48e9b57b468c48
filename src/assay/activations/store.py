"""Activations on disk: bf16 safetensors shards beside a JSON manifest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from assay.errors import AssayError
from assay.files import read_json, read_safetensors
from assay.strict import describe

if TYPE_CHECKING:
    # The manifest is read by light code, which must not load torch.
    from torch import Tensor

MANIFEST = "manifest.json"
FORMAT = "assay-activations-1"


class Manifest(BaseModel):
    """What a store holds and which inputs it was harvested from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str = FORMAT
    """Version of this layout."""
    model: str
    """Name of the model."""
    model_fingerprint: str
    """sha256 over the model's weights."""
    site: str
    """Hook site."""
    width: int
    """Width of the hook site: numbers in an activation."""
    length: int
    """Tokens in one crop."""
    crops: int
    """Number of crops; each is from a single document."""
    crops_per_forward: int
    """Crops in one forward pass."""
    crops_per_shard: int
    """Crops in each shard but the last."""
    first_token: int | None
    """The constant token at position 0, None where there is none."""
    median_norm: float
    """Median norm of the tokens, averaged over shards; a token is massive relative to it."""
    left_out: str
    """Which tokens readers leave out by default, in words."""
    text: str
    """Name of the corpus or file."""
    text_sha256: str
    """sha256 of the text."""
    document_ids: tuple[str, ...]
    """Names of the documents; ``documents`` of the rows are indices into them."""
    seed: int
    """Seed of the crops."""
    dtype: str = "bfloat16"
    """Type of the stored activations."""


@dataclass(frozen=True)
class ActivationStore:
    """A folder of shards. Each row keeps its position, token, document and crop start."""

    folder: Path
    """The folder that holds the shards and the manifest."""
    manifest: Manifest
    """The manifest."""

    @property
    def shards(self) -> list[Path]:
        """Files of the shards, in the order of the harvest."""
        count = -(-self.manifest.crops // self.manifest.crops_per_shard)
        return [self.folder / shard_name(number) for number in range(count)]

    @property
    def rows(self) -> int:
        """Number of stored tokens, including the attention sink."""
        return self.manifest.crops * self.manifest.length

    def read_shard(self, number: int) -> dict[str, Tensor]:
        """Tensors by name: activations bf16 [rows, width]; positions, tokens, documents and starts
        int32 [rows].

        Raises AssayError where the file is damaged, has another width, or holds non-finite values.
        """
        path = self.shards[number]
        tensors = read_safetensors(path)
        activations = tensors["activations"]
        if activations.shape[1] != self.manifest.width:
            raise AssayError(
                f"{path} holds activations of width {activations.shape[1]}, but the manifest says "
                f"{self.manifest.width}; harvest again"
            )
        if not bool(activations.isfinite().all()):
            raise AssayError(f"{path} holds NaN or infinite activations; harvest again in float32")
        return tensors


def shard_name(number: int) -> str:
    """File name of a shard."""
    return f"shard-{number:05d}.safetensors"


def open_store(folder: Path) -> ActivationStore:
    """Open a store that ``harvest`` wrote.

    Raises AssayError where the store is missing or incomplete.
    """
    try:
        manifest = Manifest.model_validate(read_json(folder / MANIFEST))
    except ValidationError as error:
        raise AssayError(
            f"{folder / MANIFEST} is not a manifest of activations: {describe(error)}"
        ) from error
    if manifest.format != FORMAT:
        raise AssayError(
            f"{folder} has the format '{manifest.format}'; this Assay reads '{FORMAT}'"
        )
    store = ActivationStore(folder, manifest)
    missing = [path.name for path in store.shards if not path.is_file()]
    if missing:
        raise AssayError(f"{folder} lacks {', '.join(missing[:3])}; harvest again into this folder")
    return store
