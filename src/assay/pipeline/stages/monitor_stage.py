"""Stage monitor: the best detector of each concern, calibrated on benign conversations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from assay.concerns.budgets import Budgets
from assay.concerns.conversations.reading import stream_watched
from assay.concerns.deployment import Deployment
from assay.concerns.strategies import StrategyChoice
from assay.errors import AssayError
from assay.models import LanguageModel, Site
from assay.monitoring import (
    ModelReference,
    Monitor,
    MonitorSettings,
    Rollback,
    WatchedActivations,
    WatchedModel,
    WatchSource,
    benign_values,
    choose_watched,
    left_out_sensitivities,
    monitor_of,
    shift_figures,
    watched_excerpts,
)
from assay.monitoring.benign_division import divide_benign
from assay.pipeline import cost
from assay.pipeline.case import ModelChoice
from assay.pipeline.dictionary_source import DictionarySource
from assay.pipeline.inputs import ModelInput
from assay.pipeline.stage import Artefacts, Stage
from assay.pipeline.stages.deployment_stage import READ_TOKENS, DeploymentStage, UnreadStage
from assay.pipeline.stages.elicitation_stage import ElicitationStage
from assay.pipeline.stages.pool_stage import PoolStage
from assay.pipeline.stages.reading_stage import ReadingStage
from assay.pipeline.stages.shifts_stage import ShiftsStage
from assay.pipeline.stages.transfer_stage import TransferStage
from assay.text import Transcript


@dataclass(frozen=True, eq=False)
class MonitorStage(Stage[Monitor]):
    """The calibrated monitor."""

    NAME: ClassVar[str] = "monitor"
    VERSION: ClassVar[int] = 12

    case: str
    """The case's name."""
    model: ModelInput
    """The watched model."""
    choice: ModelChoice
    """The model and the fallback model as the case names them."""
    transfer: TransferStage
    """The transfer matrix, whose figures choose the detectors."""
    elicitation: ElicitationStage
    """Conversations of the strategies that generate."""
    readings: tuple[ReadingStage, ...]
    """Readings of organisms and twins."""
    deployment: DeploymentStage
    """The benign conversations that the matrix reads."""
    pool: PoolStage
    """The benign conversations as the case's model reads them."""
    unread: UnreadStage
    """The benign conversations that the matrix leaves unread: the calibration's."""
    shifts: ShiftsStage
    """Benign conversations of other deployments."""
    dictionary: DictionarySource
    """The dictionary."""
    sites: tuple[str, ...]
    """Hook sites at which activations are read, the case's first."""
    strategies: tuple[StrategyChoice, ...]
    """The strategies whose conversations detectors are learned from."""
    deployed: Deployment
    """The deployment: benign conversations, base rate and horizon."""
    budgets: Budgets
    """The false-positive budget and the true-positive target."""
    rollback: Rollback
    """The rollback rule."""
    seed: int
    """Seed of every random draw."""

    def run(self, folder: Path, artefacts: Artefacts) -> None:
        """Write ``monitor.json``.

        Raises AssayError where no detector could be learned, and for too few benign conversations.
        """
        model, settings = self.model.open(), self._settings()
        sites = [Site.parse(site) for site in self.sites]
        chosen = divide_benign(
            artefacts.load(self.deployment), artefacts.load(self.unread), settings.budgets
        )
        scaling = read_benign(model, sites, chosen.scaling)
        benign = read_benign(model, sites, chosen.calibrated)
        matrix, loaded = artefacts.load(self.transfer), artefacts.load(self.dictionary)
        source = WatchSource(
            matrix=matrix,
            readings=[artefacts.load(reading) for reading in self.readings],
            generated=artefacts.load(self.elicitation),
            strategies=self.strategies,
            loaded=loaded,
            pool=artefacts.load(self.pool),
            scaling=scaling,
            seed=self.seed,
        )
        scoring = choose_watched(source)
        if scoring is None:
            raise AssayError(
                "no detector could be learned for any concern, so there is nothing to watch; "
                "see 'missing' in transfer.json"
            )
        replies = self.unread.replies(artefacts.folder(self.unread))
        monitor = monitor_of(
            scoring,
            benign_values(scoring, benign),
            settings,
            WatchedModel.of(model, self.choice.adapter),
            sensitivities=left_out_sensitivities(source, benign, settings),
            inputs={
                **matrix.inputs,
                "calibration": self.unread.sha256(artefacts.folder(self.unread)),
                "shifts": self.shifts.sha256(artefacts.folder(self.shifts)),
            },
            dictionary_sha256=loaded.metadata.weights_sha256,
            note=f" {chosen.in_words}{replies.in_words}",
        )
        shifts = shift_figures(model, monitor, artefacts.load(self.shifts))
        monitor.model_copy(update={"shifts": shifts}).write(folder)

    def load(self, folder: Path) -> Monitor:
        """The monitor."""
        return Monitor.read(folder)

    def seconds(self) -> float:
        """Reading the benign conversations."""
        conversations = self.deployment.conversations.most + len(self.unread.conversations.open())
        tokens = conversations * (READ_TOKENS + self.deployed.max_new_tokens)
        return cost.forward_seconds(self.model.open(), tokens, cost.deepest(self.sites))

    def _settings(self) -> MonitorSettings:
        fallback = self.choice.fallback
        return MonitorSettings(
            case=self.case,
            budgets=self.budgets,
            deployment=self.deployed,
            rollback=self.rollback,
            fallback=ModelReference(id=fallback.id, adapter=fallback.adapter) if fallback else None,
            seed=self.seed,
        )


def read_benign(
    model: LanguageModel, sites: Sequence[Site], pool: Sequence[Transcript]
) -> list[WatchedActivations]:
    """The activations of the watched tokens of benign conversations at all sites, in order."""
    excerpts = watched_excerpts(model, pool)
    captured = {
        i: activations.float().cpu().clone()
        for i, activations in stream_watched(model, sites, excerpts, what="benign conversations")
    }
    return [
        WatchedActivations(captured[i], excerpt.turn_rows, excerpt.template)
        for i, excerpt in enumerate(excerpts)
    ]
