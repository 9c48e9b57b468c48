"""How often benign conversations fire where the deployment is another than the calibration's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from assay.concerns.conversations import excerpt_of
from assay.monitoring.deployment_shifts import Shift
from assay.monitoring.result import Monitor, ShiftFigure
from assay.monitoring.scoring import score_excerpts
from assay.statistics import effective_sample, excess_p, proportion_upper_bound

if TYPE_CHECKING:
    from assay.models import LanguageModel


def shift_figures(
    model: LanguageModel, monitor: Monitor, shifts: Sequence[Shift]
) -> tuple[ShiftFigure, ...]:
    """Firing under each shift, by the monitor as it is deployed.

    Conversations that are longer than the model's context are left out; a shift without any other has
    no figure.
    """
    found = []
    for shift in shifts:
        excerpts = [
            excerpt
            for excerpt in (excerpt_of(model.tokenizer, t, False) for t in shift.conversations)
            if model.context_length is None or len(excerpt.tokens) <= model.context_length
        ]
        if not excerpts:
            continue
        fired = sum(score.fires for score in score_excerpts(model, monitor, excerpts))
        found.append(
            ShiftFigure(
                shift=shift.name,
                fired=fired,
                n=len(excerpts),
                upper=proportion_upper_bound(fired, len(excerpts), 1 - monitor.calibration.delta),
                excess_p=excess_p(
                    fired,
                    effective_sample([excerpt.id for excerpt in excerpts], 0.0),
                    monitor.calibration.budget,
                ),
            )
        )
    return tuple(found)
