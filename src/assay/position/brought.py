"""Activations that a user brings: audited at the observational level, without labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import AssayError
from assay.files import read_safetensors
from assay.position.audit import PositionAudit
from assay.position.observational import variance_explained

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

ACTIVATIONS = "activations"
"""Name of the tensor in a file, [documents, positions, features]."""
DOCUMENTS = "documents"
"""Name of an optional tensor, [documents]: which document each row is cut from."""


def audit_activations(
    activations: ArrayLike | Path | str,
    *,
    documents: ArrayLike | None = None,
    permutations: int = 64,
    jackknife_groups: int = 16,
    level: str = "all",
    seed: int = 0,
    dictionary_name: str | None = None,
) -> PositionAudit:
    """Audit ``activations[documents, positions, features]``, or a safetensors file that holds them.

    A file has the tensor ``activations`` and may have ``documents``. Only the observational level
    is possible: no model is there to move the content. Raises AssayError where the file or the
    shapes are wrong, or a value is not finite.
    """
    values: Any = activations
    if isinstance(activations, str | Path):
        dictionary_name = dictionary_name or Path(activations).name
        values, found = _read(Path(activations))
        documents = found if documents is None else documents
    observational = variance_explained(
        values,
        groups=documents,
        permutations=permutations,
        level=level,
        jackknife_groups=jackknife_groups,
        seed=seed,
    )
    return PositionAudit(
        model=None,
        site=None,
        dictionary=dictionary_name,
        observational=observational,
        causal=None,
        label_reason="activations without a model are audited at the observational level only",
        summary=None,
        by_head=None,
        heads=None,
        left_out="position 0",
        left_out_rate=1 / observational.length,
        first_token=None,
        seed=seed,
    )


def _read(path: Path) -> tuple[Any, Any]:
    tensors = read_safetensors(path)
    if ACTIVATIONS not in tensors:
        raise AssayError(
            f"{path} holds {', '.join(sorted(tensors)) or 'nothing'}, but no tensor named "
            f"'{ACTIVATIONS}' [documents, positions, features]"
        )
    return tensors[ACTIVATIONS], tensors.get(DOCUMENTS)
