"""Build the stages of a case from its case file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assay.concerns.strategies import strategy_named
from assay.pipeline.case_lock import Amendment
from assay.pipeline.dictionary_source import DictionarySource
from assay.pipeline.inputs import (
    DictionaryInput,
    OrganismInput,
)
from assay.pipeline.run_facts import CaseFacts
from assay.pipeline.run_inputs import RunInputs
from assay.pipeline.stage import Stage
from assay.pipeline.stages.candidates_stage import CandidatesStage
from assay.pipeline.stages.deployment_stage import DeploymentStage, UnreadStage
from assay.pipeline.stages.dictionary_stage import DictionaryStage
from assay.pipeline.stages.elicitation_stage import ElicitationStage
from assay.pipeline.stages.harvest_stage import HarvestStage
from assay.pipeline.stages.monitor_stage import MonitorStage
from assay.pipeline.stages.pool_stage import PoolStage
from assay.pipeline.stages.position_stage import PositionStage
from assay.pipeline.stages.quality_stage import QualityStage
from assay.pipeline.stages.reading_stage import ReadingStage
from assay.pipeline.stages.report_stage import ReportStage
from assay.pipeline.stages.safety_case_stage import SafetyCaseStage
from assay.pipeline.stages.shifts_stage import ShiftsStage
from assay.pipeline.stages.transfer_stage import ConcernRule, TransferStage
from assay.randomness import seed_for

STAGES: tuple[type[Stage[Any]], ...] = (
    HarvestStage,
    DictionaryStage,
    QualityStage,
    PositionStage,
    DeploymentStage,
    ElicitationStage,
    ReadingStage,
    PoolStage,
    TransferStage,
    CandidatesStage,
    UnreadStage,
    ShiftsStage,
    MonitorStage,
    SafetyCaseStage,
    ReportStage,
)
"""Every stage class, in order."""
BESIDE = 4
"""Other organisms whose conversations an organism reads."""
STAGE_NAMES = tuple(stage.NAME for stage in STAGES)
"""Names that ``--until`` accepts."""


def stages_of(inputs: RunInputs, history: Sequence[Amendment] = ()) -> list[Stage[Any]]:
    """The stages, in order. A dictionary that exists already needs no harvest and no training.

    ``history`` has the changes of the analysis that the report must state.
    """
    case, audit = inputs.case, inputs.case.audit
    dictionary, before = _dictionary(inputs)
    quality = QualityStage(
        model=inputs.model,
        text=inputs.text,
        training_text=inputs.training_text,
        dictionary=dictionary,
        site=case.dictionary.site,
        rows=audit.rows,
        length=audit.length,
        quality_rows=audit.quality_rows,
        spliced_rows=audit.spliced_rows,
        seed=case.seed,
    )
    position = PositionStage(
        model=inputs.model,
        text=inputs.text,
        dictionary=dictionary,
        site=case.dictionary.site,
        rows=audit.rows,
        length=audit.length,
        causal=audit.causal,
        seed=case.seed,
    )
    stages = [*before, quality, position]
    transfer = candidates = monitor = safety_case = None
    if inputs.organisms:
        deployment, elicitation, readings = _readings(inputs, dictionary)
        transfer = _transfer(inputs, dictionary, deployment, elicitation, readings)
        candidates = _candidates(inputs, dictionary, position, elicitation, readings)
        monitor = _monitor(inputs, dictionary, deployment, transfer)
        safety_case = SafetyCaseStage(
            case=case.name,
            model=inputs.model,
            concerns=tuple(concern.name for concern in case.concerns),
            seed=case.seed,
            quality=quality,
            position=position,
            transfer=transfer,
            candidates=candidates,
            monitor=monitor,
        )
        stages += [deployment, elicitation, *readings, transfer.pool, transfer, candidates]
        stages += [monitor.unread, monitor.shifts, monitor, safety_case]
    report = ReportStage(
        facts=CaseFacts.of(case, history),
        quality=quality,
        position=position,
        transfer=transfer,
        candidates=candidates,
        monitor=monitor,
        safety_case=safety_case,
    )
    return [*stages, report]


def _dictionary(inputs: RunInputs) -> tuple[DictionarySource, list[Stage[Any]]]:
    """The dictionary, and the stages that train it (none for an existing folder)."""
    case, train = inputs.case, inputs.case.dictionary.train
    if train is None:
        return DictionaryInput(Path(str(case.dictionary.path))), []
    harvest = HarvestStage(
        model=inputs.model,
        text=inputs.training_text,
        site=case.dictionary.site,
        tokens=train.tokens,
        length=case.audit.length,
        seed=case.seed,
    )
    dictionary = DictionaryStage(
        harvest=harvest, config=train.config, batch_size=train.batch_size, seed=case.seed
    )
    return dictionary, [harvest, dictionary]


def _readings(
    inputs: RunInputs, dictionary: DictionarySource
) -> tuple[DeploymentStage, ElicitationStage, tuple[ReadingStage, ...]]:
    case = inputs.case
    deployment = DeploymentStage(
        model=inputs.model,
        conversations=inputs.deployment,
        max_new_tokens=case.deployment.max_new_tokens,
        seed=case.seed,
    )
    elicitation = ElicitationStage(
        model=inputs.model,
        sites=case.sites,
        strategies=tuple(c for c in case.strategies if strategy_named(c.name)[0].generates),
        files=inputs.strategy_files,
        seed=case.seed,
    )
    readings = tuple(
        ReadingStage(
            base=inputs.model,
            organism=each,
            beside=_beside(each, inputs.organisms, case.seed),
            deployment=deployment,
            dictionary=dictionary,
            sites=case.sites,
            sizes=case.transfer,
            seed=case.seed,
        )
        for each in inputs.organisms
    )
    return deployment, elicitation, readings


def _beside(
    each: OrganismInput, organisms: Sequence[OrganismInput], seed: int
) -> tuple[OrganismInput, ...]:
    """The other organisms that a reading depends on: for a twin its parent, else BESIDE others.

    They are of other families, and drawn by a number that depends on the two names alone: an
    organism that is added to the case leaves most readings as they are.
    """
    organism = each.organism
    if organism.parent is not None:
        return tuple(o for o in organisms if o.organism is organism.parent)
    others = [
        o for o in organisms if not o.organism.is_twin and o.organism.family != organism.family
    ]
    others.sort(key=lambda o: seed_for(seed, f"pipeline/beside/{organism.name}/{o.organism.name}"))
    return tuple(others[:BESIDE])


def _transfer(
    inputs: RunInputs,
    dictionary: DictionarySource,
    deployment: DeploymentStage,
    elicitation: ElicitationStage,
    readings: tuple[ReadingStage, ...],
) -> TransferStage:
    case = inputs.case
    return TransferStage(
        model=inputs.model,
        elicitation=elicitation,
        readings=readings,
        deployment=deployment,
        pool=PoolStage(
            model=inputs.model,
            deployment=deployment,
            sites=case.sites,
            seed=case.seed,
        ),
        dictionary=dictionary,
        sites=case.sites,
        concerns=tuple(
            ConcernRule(
                name=concern.name,
                severity=concern.severity,
                allowed_contexts=concern.allowed_contexts,
                organisms=_names_of(concern.name, inputs),
            )
            for concern in case.concerns
        ),
        strategies=case.strategies,
        detectors=case.detectors,
        budgets=case.budgets,
        windows=case.windows,
        sizes=case.transfer,
        seed=case.seed,
    )


def _names_of(concern: str, inputs: RunInputs) -> tuple[str, ...]:
    return tuple(o.organism.name for o in inputs.organisms if o.organism.concern.name == concern)


def _candidates(
    inputs: RunInputs,
    dictionary: DictionarySource,
    position: PositionStage,
    elicitation: ElicitationStage,
    readings: tuple[ReadingStage, ...],
) -> CandidatesStage:
    case = inputs.case
    return CandidatesStage(
        model=inputs.model,
        elicitation=elicitation,
        readings=readings,
        position=position,
        dictionary=dictionary,
        site=case.dictionary.site,
        concerns=tuple(f"{c.name}: {', '.join(_names_of(c.name, inputs))}" for c in case.concerns),
        strategies=case.strategies,
        seed=case.seed,
    )


def _monitor(
    inputs: RunInputs,
    dictionary: DictionarySource,
    deployment: DeploymentStage,
    transfer: TransferStage,
) -> MonitorStage:
    case = inputs.case
    length = case.deployment.max_new_tokens
    return MonitorStage(
        case=case.name,
        model=inputs.model,
        choice=case.model,
        transfer=transfer,
        elicitation=transfer.elicitation,
        readings=transfer.readings,
        deployment=deployment,
        pool=transfer.pool,
        unread=UnreadStage(
            model=inputs.model, conversations=inputs.unread, max_new_tokens=length, seed=case.seed
        ),
        shifts=ShiftsStage(model=inputs.model, max_new_tokens=length, seed=case.seed),
        dictionary=dictionary,
        sites=case.sites,
        strategies=case.strategies,
        deployed=case.deployment,
        budgets=case.budgets,
        rollback=case.monitor,
        seed=case.seed,
    )
