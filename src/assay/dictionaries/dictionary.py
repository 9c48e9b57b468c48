"""What every dictionary is, whatever its architecture."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

import torch
from torch import Tensor, nn

from assay.dictionaries.codes import SparseCodes
from assay.dictionaries.gradients import ActivationGradients
from assay.dictionaries.kernels import bag_sums
from assay.dictionaries.selected_entries import Entries
from assay.dictionaries.selector import Selector
from assay.dictionaries.training_config import TrainingConfig
from assay.errors import AssayError

if TYPE_CHECKING:
    from jaxtyping import Float, Int

ROWS_AT_ONCE = 2048
"""Rows whose pre-activations are held at a time while encoding."""
SHARED = ("W_enc", "b_enc", "W_dec", "b_dec")
"""Parameters that every architecture has."""


class Dictionary(nn.Module):
    """A sparse dictionary: activations x in R^d, codes z >= 0 in R^m, decoder rows d_a in R^d.

    Pre-activations are u = W_enc (x − b_dec) + b_enc; an architecture says which of them become
    codes. Reconstructions are Σ_a z_a d_a + b_dec.

    Subclasses are the architectures, one file each, registered in ``architecture_registry.py``.
    """

    architecture: ClassVar[str]
    """The name under which the architecture is registered."""
    saelens_architecture: ClassVar[str | None] = None
    """SAELens's name for an architecture with the same codes at inference; None where it has none,
    so that SAELens refuses the folder."""
    unit_decoder: ClassVar[bool] = True
    """Whether training keeps every decoder row at norm 1."""
    every_entry_fires: ClassVar[bool] = True
    """Whether every entry that training selects has z > 0."""

    W_enc: nn.Parameter
    """Encoder, [width, d_in]: one contiguous row per feature."""
    b_enc: nn.Parameter
    """Encoder bias, [width]."""
    W_dec: nn.Parameter
    """Decoder directions, [width, d_in]: one row per feature."""
    b_dec: nn.Parameter
    """Decoder bias, [d_in], subtracted from the input and added to the output."""
    prefixes: tuple[int, ...]
    """Sizes of the nested prefixes that each reconstruct; the width alone for most."""
    training_figures: dict[str, Any]
    """What training recorded, as JSON values; empty where the dictionary was not trained here."""

    def __init__(self, d_in: int, width: int) -> None:
        super().__init__()
        if d_in < 1 or width < 1:
            raise AssayError(f"a dictionary of {width} features on width {d_in}: both must be >= 1")
        self.W_enc = nn.Parameter(torch.zeros(width, d_in))
        self.b_enc = nn.Parameter(torch.zeros(width))
        self.W_dec = nn.Parameter(torch.zeros(width, d_in))
        self.b_dec = nn.Parameter(torch.zeros(d_in))
        self.prefixes = (width,)
        self.training_figures = {}

    @classmethod
    def from_config(cls, d_in: int, config: TrainingConfig) -> Self:
        """A dictionary of zeros, to be trained with these settings."""
        return cls(d_in, config.width)

    @property
    def d_in(self) -> int:
        """Width of the activations, d."""
        return self.W_dec.shape[1]

    @property
    def width(self) -> int:
        """Number of features, m."""
        return self.W_dec.shape[0]

    @property
    def options(self) -> dict[str, Any]:
        """The architecture's own settings as JSON values: constructor arguments by name."""
        return {}

    def pre_activations(
        self, x: Float[Tensor, "rows d_in"], features: Int[Tensor, " watched"] | None = None
    ) -> Float[Tensor, "rows watched"]:
        """u = W_enc (x − b_dec) + b_enc in float32, of all features or of a few alone.

        Raises AssayError where the width of ``x`` or a feature does not fit the dictionary.
        """
        self._check_width(x)
        weight: Tensor = self.W_enc
        bias: Tensor = self.b_enc
        with torch.no_grad():
            if features is not None:
                self._check_features(features)
                weight, bias = weight[features], bias[features]
            return torch.addmm(bias, x.to(self.b_dec.dtype) - self.b_dec, weight.T)

    @abstractmethod
    def select(self, u: Float[Tensor, "rows width"]) -> SparseCodes:
        """The codes that these pre-activations become at inference."""

    def encode(self, x: Float[Tensor, "rows d_in"]) -> SparseCodes:
        """Codes of each row, as at inference (threshold inference where the family has it).

        Raises AssayError where the width of ``x`` does not fit.
        """
        self._check_width(x)
        parts = [self.select(self.pre_activations(some)) for some in x.split(ROWS_AT_ONCE)]
        return SparseCodes.concatenate(parts, self.width)

    @abstractmethod
    def encode_features(
        self, x: Float[Tensor, "rows d_in"], features: Int[Tensor, " watched"]
    ) -> Float[Tensor, "rows watched"]:
        """Activations of a few features alone, by one small product without the other features.

        Raises AssayError for an architecture whose features depend on their rivals (TopK).
        """

    def decode(self, codes: SparseCodes) -> Float[Tensor, "rows d_in"]:
        """Reconstruction from codes, Σ_a z_a d_a + b_dec."""
        with torch.no_grad():
            sums = bag_sums(self.W_dec, codes.features, codes.values, codes.offsets[:-1])
            return sums + self.b_dec

    def forward(self, x: Float[Tensor, "rows d_in"]) -> Float[Tensor, "rows d_in"]:
        """decode(encode(x))."""
        return self.decode(self.encode(x))

    @abstractmethod
    def training_entries(self, selector: Selector, config: TrainingConfig) -> Entries:
        """The entries that a training step keeps, in row order."""

    def codes_of(self, entries: Entries) -> Float[Tensor, " nnz"]:
        """z of entries that ``training_entries`` selected."""
        return entries.values

    def activation_gradients(
        self, entries: Entries, z: Tensor, dz: Tensor, *, rows: int, config: TrainingConfig
    ) -> ActivationGradients:
        """∂L/∂u of each entry from ∂L/∂z, and the sparsity penalty of a batch of ``rows`` rows.

        ``z`` and ``dz`` hold the code and ∂L/∂z of each entry, float32 [nnz].
        """
        return ActivationGradients(dz)

    def begin(self, u: Float[Tensor, "rows width"], config: TrainingConfig) -> None:
        """Initialise the architecture's own parameters from the first batch's pre-activations."""
        return None

    def after_step(self, entries: Entries, step: int) -> None:
        """Restore constraints after a step, and update what gradients do not (a threshold, say)."""
        if self.unit_decoder:
            decoder = self.W_dec.data
            norms = torch.linalg.vector_norm(decoder, dim=1, keepdim=True)
            decoder.div_(norms.clamp(min=torch.finfo(decoder.dtype).tiny))

    def rescale(self, factor: float) -> None:
        """Make the dictionary act on factor·x as it did on x: codes are multiplied likewise."""
        with torch.no_grad():
            self.b_enc.mul_(factor)
            self.b_dec.mul_(factor)

    def extra_tensors(self) -> dict[str, Tensor]:
        """Parameters and buffers beyond W_enc, b_enc, W_dec and b_dec, as a folder keeps them."""
        return {name: value for name, value in self.state_dict().items() if name not in SHARED}

    def load_extra_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """Copy what ``extra_tensors`` gave back into the dictionary; called without gradients."""
        self.load_state_dict(dict(tensors), strict=False)

    def _check_width(self, x: Tensor) -> None:
        if x.dim() != 2 or x.shape[1] != self.d_in:
            raise AssayError(
                f"activations of shape {list(x.shape)} do not fit this dictionary; "
                f"expected [rows, {self.d_in}]"
            )

    def _check_features(self, features: Tensor) -> None:
        if len(features) and not 0 <= int(features.min()) <= int(features.max()) < self.width:
            raise AssayError(f"a feature is out of range; valid: 0 to {self.width - 1}")
