"""The causal audit: the same tokens at several positions, and what of each feature follows them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from assay.errors import AssayError
from assay.position.cells import (
    Cell,
    constant_shift_cells,
    filler_cells,
    shifted_cells,
)
from assay.position.crossed_run import run_crossed
from assay.position.crossed_texts import CrossedTexts, choose_texts
from assay.position.guard import FIRST_TOKENS, LARGEST_CHANGE, OffsetCheck, check_offsets
from assay.position.labels import LABELS, MINIMUM_DOCUMENTS, SMALL
from assay.position.shares import CrossedShares, shares_of
from assay.position.treatments import (
    LARGEST_SINK_DISTANCE,
    Treatment,
    offset_grid,
    treatment_of,
)
from assay.progress import progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from assay.dictionaries.dictionary import Dictionary
    from assay.models.language_model import LanguageModel
    from assay.models.sites import Site
    from assay.text.crops import Crops


@dataclass(frozen=True)
class CrossedSizes:
    """Sizes of the crossed design. Its cost is contents × length × offsets × fillers tokens."""

    contents: int = 128
    """Contents, spread over as many documents as there are."""
    offsets: int = 3
    """Offsets, evenly spaced."""
    fillers: int = 8
    """Fillers for each offset, where the treatment inserts text."""
    largest_offset: int | None = None
    """Largest offset; None takes 384, or what the model was trained for if that is less."""
    content_length: int | None = None
    """Tokens of a content; None takes the whole crop."""
    guarded_contents: int = 16
    """Contents on which the cross-entropy of each offset is compared."""
    guarded_fillers: int = 4
    """Fillers of each offset on which it is compared."""
    beside_contents: int = 48
    """Contents for the noise floor and for the distance to the sink, on rotary models."""
    batch: int = 16
    """Contents in a forward pass."""


@dataclass(frozen=True)
class SinkDistance:
    """What changes when only the distance between the first token and the content does.

    Position ids of the content from 1 + δ, without text between: on rotary models a second
    treatment, never the label.
    """

    offsets: tuple[int, ...]
    """Distances δ."""
    shares: CrossedShares
    """Shares of each feature under this treatment."""


@dataclass(frozen=True)
class CausalAudit:
    """The crossed design and what it found."""

    treatment: Treatment
    """How the content was moved."""
    offsets: tuple[int, ...]
    """The offsets that were used."""
    fillers: int
    """Fillers of each offset; 0 where no text was inserted."""
    shares: CrossedShares
    """Shares of each feature, with intervals."""
    labels: list[str]
    """Label of each feature."""
    checks: list[OffsetCheck]
    """Cross-entropy at each offset that was tried."""
    noise_floor: float | None
    """Median S_int under a constant shift of all position ids, on rotary models an exact no-op:
    what rounding alone makes of the interaction. None elsewhere, or where all features are rare."""
    sink_distance: SinkDistance | None
    """Second treatment on rotary models, reported apart."""
    contents: int
    """Contents that entered."""
    dropped: int
    """Contents left out because a token was massive in some cell."""
    content_length: int
    """Tokens of a content; those from the ninth on are scored."""
    fillers_apart: bool
    """Whether no document gave both a content and a filler."""

    @property
    def guard(self) -> str:
        """Which tokens were scored and which offsets were left out, in words."""
        out = [str(check.offset) for check in self.checks if not check.used and check.offset]
        left = f"offsets {', '.join(out)} left out" if out else "no offset left out"
        scored = f"only content tokens after the first {FIRST_TOKENS} are scored"
        if self.treatment.inserts_text:
            rule = (
                "the text before a content changes its cross-entropy by what it says, which is "
                "context; an offset is left out when it does more than "
                f"{LARGEST_CHANGE} nats of harm beyond the other offsets, fillers' chance allowed for"
            )
        else:
            rule = (
                f"an offset is left out when their cross-entropy changes by > {LARGEST_CHANGE} nats"
            )
        return f"changes against the same contents unmoved; {scored}; {rule}: {left}"


def audit_causally(
    model: LanguageModel,
    dictionary: Dictionary,
    site: Site,
    crops: Crops,
    sizes: CrossedSizes | None = None,
    *,
    jackknife_groups: int = 32,
    seed: int = 0,
) -> CausalAudit:
    """Run the crossed design with the treatment that fits the model's position scheme.

    Raises AssayError where no treatment is known, the offsets exceed the trained length, there
    are too few crops, or fewer than two offsets leave the model's predictions alone.
    """
    sizes = sizes or CrossedSizes()
    treatment = treatment_of(model)
    fillers = sizes.fillers if treatment.inserts_text else 0
    length = min(crops.tokens.shape[1], (sizes.content_length or 1 << 62) + 1)
    offsets = offset_grid(model, length, sizes.offsets, sizes.largest_offset)
    if treatment.inserts_text and fillers < 2:
        raise AssayError(f"fillers = {fillers}; at least 2 are needed, better 8")
    if length <= FIRST_TOKENS + 1:
        raise AssayError(
            f"crops of {length} tokens are too short for the causal design: the first "
            f"{FIRST_TOKENS} content tokens are not scored"
        )
    texts = choose_texts(
        crops,
        contents=sizes.contents,
        content_length=sizes.content_length,
        offsets=offsets,
        fillers=fillers,
        seed=seed,
    )
    if treatment.inserts_text:
        cells = filler_cells(model, texts)
        guarded = [cell for cell in cells if cell.filler < sizes.guarded_fillers]
    else:
        cells = guarded = shifted_cells(texts, offsets)
    checks = check_offsets(
        model,
        texts,
        offsets,
        guarded,
        contents=sizes.guarded_contents,
        batch=sizes.batch,
    )
    cells, used = _usable(cells, offsets, checks)
    run = _Runner(model, dictionary, site, sizes.batch, jackknife_groups, seed)
    shares, entered, dropped = run(texts, cells, "causal position audit")
    floor, distance = None, None
    if model.position_scheme == "rotary":
        some = _first_contents(texts, sizes.beside_contents)
        floor = _noise_floor(run, some, offsets)
        distance = _sink_distance(run, some, sizes.offsets, model.context_length)
    return CausalAudit(
        treatment=treatment,
        offsets=used,
        fillers=fillers,
        shares=shares,
        labels=shares.labels(),
        checks=checks,
        noise_floor=floor,
        sink_distance=distance,
        contents=entered,
        dropped=dropped,
        content_length=texts.contents.shape[1],
        fillers_apart=texts.fillers_apart,
    )


@dataclass(frozen=True)
class _Runner:
    """Runs designs on one model, dictionary and site."""

    model: LanguageModel
    dictionary: Dictionary
    site: Site
    batch: int
    jackknife_groups: int
    seed: int

    def __call__(
        self, texts: CrossedTexts, cells: list[Cell], what: str
    ) -> tuple[CrossedShares, int, int]:
        """(shares, contents that entered, contents dropped)."""
        with progress(what, texts.contents.numel() * len(cells), "tokens") as advance:
            run = run_crossed(
                self.model,
                self.dictionary,
                self.site,
                texts,
                cells,
                batch=self.batch,
                jackknife_groups=self.jackknife_groups,
                seed=self.seed,
                advance=advance,
            )
        return shares_of(run.sums), run.contents, run.dropped


def _usable(
    cells: list[Cell], offsets: tuple[int, ...], checks: list[OffsetCheck]
) -> tuple[list[Cell], tuple[int, ...]]:
    """The cells of the offsets that the guard keeps, renumbered, and those offsets."""
    used = [check.offset for check in checks if check.used]
    if len(used) < 2:
        changes = ", ".join(
            f"{check.rest_against_others:+.3f} ± {check.uncertainty:.3f} at {check.offset}"
            for check in checks
        )
        raise AssayError(
            f"fewer than two offsets leave the content's cross-entropy within {LARGEST_CHANGE} nats "
            f"(changes: {changes}); use a smaller largest offset"
        )
    kept = [
        replace(cell, offset=used.index(offsets[cell.offset]))
        for cell in cells
        if offsets[cell.offset] in used
    ]
    return kept, tuple(used)


def _first_contents(texts: CrossedTexts, count: int) -> CrossedTexts:
    """About ``count`` contents, spread evenly over the documents."""
    size = len(texts.contents)
    spread = np.unique(np.linspace(0, size - 1, min(count, size)).astype(np.int64))
    return replace(texts, contents=texts.contents[spread], documents=texts.documents[spread])


def _noise_floor(run: _Runner, texts: CrossedTexts, offsets: tuple[int, ...]) -> float | None:
    shifts = (0, *offsets[-2:])
    shares, _, _ = run(texts, constant_shift_cells(texts, shifts), "noise floor")
    s_int = shares.s_int[frequent(shares)]
    s_int = s_int[np.isfinite(s_int)]
    return float(np.median(s_int)) if len(s_int) else None


def _sink_distance(
    run: _Runner, texts: CrossedTexts, count: int, context_length: int | None
) -> SinkDistance | None:
    """None where there is no first token to be distant from, or no room."""
    room = (context_length or 1 << 62) - texts.contents.shape[1] - 1
    largest = min(LARGEST_SINK_DISTANCE, room)
    distances = tuple(sorted({largest * step // (count - 1) for step in range(count)}))
    if texts.first_token is None or len(distances) < 2:
        return None
    shares, _, _ = run(texts, shifted_cells(texts, distances), "distance to the sink")
    return SinkDistance(distances, shares)


def frequent(shares: CrossedShares) -> NDArray[np.bool_]:
    """Which features fire in enough documents to be read."""
    return shares.firing_documents >= MINIMUM_DOCUMENTS


def interaction_share(shares: CrossedShares) -> float | None:
    """Share of the features that are not too rare with S_int ≥ .05."""
    s_int = shares.s_int[frequent(shares)]
    return float((s_int >= SMALL).mean()) if len(s_int) else None


def label_shares(labels: list[str]) -> dict[str, float]:
    """Share of the features with each label; they sum to 1."""
    return {label: labels.count(label) / max(len(labels), 1) for label in LABELS}
