"""The causal audit: the same tokens at several positions, and how each feature changes with them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from assay.dictionaries.dictionary import Dictionary
from assay.errors import AssayError
from assay.models.language_model import LanguageModel
from assay.models.sites import Site
from assay.position.crossed.contents_and_fillers import choose_texts
from assay.position.crossed.cross_entropy_guard import (
    FIRST_TOKENS,
    LARGEST_CHANGE,
    OffsetCheck,
    check_offsets,
)
from assay.position.crossed.design_cells import Cell, filler_cells, shifted_cells
from assay.position.crossed.noise_and_sink import (
    SinkDistance,
    distance_to_sink,
    first_contents,
    noise_floor,
)
from assay.position.crossed.separation import Separation, separation_of
from assay.position.crossed.shares import CrossedShares
from assay.position.crossed.sizes import DEFAULT_SIZES, CrossedSizes
from assay.position.crossed.table_run import CrossedRunner
from assay.position.crossed.treatments import Treatment, offset_grid, treatment_of
from assay.position.result import Label
from assay.text.crops import Crops


@dataclass(frozen=True)
class CausalAudit:
    """The crossed design as it was run, and its figures."""

    treatment: Treatment
    """How the content was moved."""
    offsets: tuple[int, ...]
    """The offsets that were used."""
    fillers: int
    """Fillers of each offset; 0 where no text was inserted."""
    shares: CrossedShares
    """Shares of each feature, with intervals."""
    labels: list[Label]
    """Label of each feature."""
    separation: Separation
    """Which features are well separated, also without each part of the data."""
    random_separation: Separation | None
    """The same for a random dictionary that read the same activations; None where there was none."""
    checks: list[OffsetCheck]
    """Cross-entropy at each offset that was tried."""
    noise_floor: float | None
    """Median S_int under a constant shift of all position ids. On rotary models the shift changes
    nothing, so that this is the interaction that rounding alone produces. None for other models, or
    where all features are rare."""
    sink_distance: SinkDistance | None
    """Second treatment on rotary models, never the label."""
    contents: int
    """Contents that entered."""
    dropped: int
    """Contents left out because a token was massive in some cell."""
    content_length: int
    """Tokens of a content; those from the ninth on are scored."""
    fillers_from_other_documents: bool
    """Whether no document gave both a content and a filler."""

    @property
    def guard(self) -> str:
        """Which tokens were scored and which offsets were left out, in words."""
        out = [str(check.offset) for check in self.checks if not check.used and check.offset]
        left = f"offsets {', '.join(out)} left out" if out else "no offset left out"
        scored = f"only content tokens after the first {FIRST_TOKENS} are scored"
        if self.treatment.inserts_text:
            rule = (
                "the text before a content changes its cross-entropy, which is context; an offset is "
                f"left out when it raises it by > {LARGEST_CHANGE} nats more than the other offsets "
                "do, beyond what the choice of fillers explains"
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
    *,
    sizes: CrossedSizes = DEFAULT_SIZES,
    jackknife_groups: int = 32,
    seed: int = 0,
    beside: Dictionary | None = None,
) -> CausalAudit:
    """Run the crossed design with the treatment that fits the model's position scheme.

    ``beside`` is a random dictionary, audited in the same forward passes.
    Raises AssayError where no treatment is known, the offsets exceed the trained length, there
    are too few crops, or fewer than two offsets leave the model's predictions unchanged.
    """
    treatment = treatment_of(model)
    fillers = sizes.fillers if treatment.inserts_text else 0
    length = min(crops.tokens.shape[1], (sizes.content_length or 1 << 62) + 1)
    offsets = offset_grid(model, length, sizes.offsets, sizes.largest_offset)
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
    runner = CrossedRunner(
        model,
        dictionary,
        site,
        batch=sizes.batch,
        jackknife_groups=jackknife_groups,
        seed=seed,
    )
    run = runner.run(texts, cells, "causal position audit", beside)
    shares = run.shares
    floor, distance = None, None
    if model.position_scheme == "rotary":
        some = first_contents(texts, sizes.beside_contents)
        floor = noise_floor(runner, some, offsets)
        distance = distance_to_sink(runner, some, sizes.offsets, model.context_length)
    return CausalAudit(
        treatment=treatment,
        offsets=used,
        fillers=fillers,
        shares=shares,
        labels=shares.labels(),
        separation=separation_of(run.sums),
        random_separation=None if run.beside is None else separation_of(run.beside),
        checks=checks,
        noise_floor=floor,
        sink_distance=distance,
        contents=run.contents,
        dropped=run.dropped,
        content_length=texts.contents.shape[1],
        fillers_from_other_documents=texts.fillers_from_other_documents,
    )


def _usable(
    cells: list[Cell], offsets: tuple[int, ...], checks: list[OffsetCheck]
) -> tuple[list[Cell], tuple[int, ...]]:
    """The cells of the offsets that the check keeps, renumbered, and those offsets."""
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
