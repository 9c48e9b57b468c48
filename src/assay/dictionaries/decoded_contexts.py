"""Where each feature fires, in words: the file contexts.json. Importing it loads no torch.

Texts repeat, so they are kept once, in ``strings``, and named by their index in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from assay.files import atomic_file
from assay.results import Figures, Result

HIGHLIGHT_LEVELS = 9
"""Activations are kept as whole levels, 0 (not firing) to 9 (as strong as the feature's peak)."""


class DecodedContext(Figures):
    """One stretch of text around a peak of a feature."""

    tokens: tuple[int, ...]
    """The texts of its tokens, as indices into ``strings``."""
    levels: str
    """The feature's activation on each token: one digit a token, 0 to HIGHLIGHT_LEVELS."""
    position: int
    """Position of the peak in its crop."""
    activation: float
    """The feature's activation at the peak, to three decimals."""
    document: int
    """Name of the document, as an index into ``strings``."""
    start: int
    """Token of the document at which the crop begins."""


class FeatureContexts(Figures):
    """What is shown of one feature."""

    contexts: tuple[DecodedContext, ...]
    """Where it fires most strongly, strongest first; empty where it never fires."""
    promoted: tuple[tuple[int, float], ...]
    """Tokens that its direction promotes: index into ``strings`` and logit, to two decimals. Empty
    where the site does not write to the residual stream."""


class DecodedContexts(Result):
    """Contexts and promoted tokens of every feature, decoded, so that readers need no model."""

    FILE: ClassVar[str] = "contexts.json"
    MADE_BY: ClassVar[str] = "assay run CASE.yaml"

    version: Literal[1] = 1
    """Version of this layout."""
    strings: tuple[str, ...]
    """Every text that occurs, once."""
    features: tuple[FeatureContexts, ...]
    """By feature, in the dictionary's order."""

    def write(self, folder: Path | str) -> Path:
        """Write the file without line breaks or spaces: it holds a number for every token shown."""
        path = Path(folder) / self.FILE
        with atomic_file(path) as aside:
            aside.write_text(self.model_dump_json() + "\n", encoding="utf-8")
        return path
