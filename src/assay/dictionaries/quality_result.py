"""How good a dictionary is on held-out text: the file quality.json. Importing it loads no torch."""

from __future__ import annotations

from typing import ClassVar, Literal

from assay.activations.residual_variance import Estimate, ResidualVariance
from assay.results import Figures, Result


class SplicedCrossEntropy(Figures):
    """What the model loses when reconstructions take the place of its activations."""

    recovered: Estimate | None
    """(ablated − spliced) / (ablated − clean): 1 where nothing is lost, 0 where the reconstruction
    is no better than the mean. None where ablation costs nothing: there is no loss to recover."""
    documents: int
    """Documents that were read."""
    clean: float
    """Nats a token of the untouched model."""
    spliced: float
    """Nats a token with the reconstruction in place of the activations."""
    ablated: float
    """Nats a token with the mean in place of the activations."""


class QualityResult(Result):
    """Quality of a dictionary on held-out documents; intervals by jackknife over documents."""

    FILE: ClassVar[str] = "quality.json"
    MADE_BY: ClassVar[str] = "assay run CASE.yaml"

    version: Literal[1] = 1
    """Version of this layout."""
    seed: int
    """Seed of the groups of documents."""
    documents: int
    """Distinct documents that were read."""
    tokens: int
    """Tokens on which the reconstruction was measured, those left out not counted."""
    variance_explained: Estimate
    """1 − Σ‖x − x̂‖² / Σ‖x − x̄‖² over the tokens that are not left out."""
    variance_explained_with_sink: Estimate
    """The same over all tokens: it measures mostly the few that are left out."""
    l0: Estimate
    """Mean number of features that fire on a token."""
    dead_features: float
    """Share of features that fired on none of the tokens."""
    sink: ResidualVariance
    """Where the variance of the raw activations lies."""
    cross_entropy: SplicedCrossEntropy
    """What the model loses with the reconstruction spliced in."""
