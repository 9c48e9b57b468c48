"""The inputs of a case's run: found from its case file, and checked before any stage runs."""

from __future__ import annotations

from dataclasses import dataclass

from assay.concerns.concern import Concern
from assay.concerns.conversations.concern_organisms import (
    check_bases,
    check_contexts,
    organisms_of,
)
from assay.concerns.deployment import check_enough
from assay.concerns.strategies import own_transcripts
from assay.errors import AssayError
from assay.models import Site
from assay.pipeline.case import Case
from assay.pipeline.inputs import (
    DeploymentInput,
    ModelInput,
    OrganismInput,
    StrategyFileInput,
    TextInput,
    UnreadInput,
)


@dataclass(frozen=True, eq=False)
class RunInputs:
    """The inputs of a case: model, texts, organisms and benign conversations."""

    case: Case
    """The case file's settings."""
    model: ModelInput
    """The model."""
    text: TextInput
    """The text whose held-out documents are measured on."""
    training_text: TextInput
    """The text whose training documents the dictionary is trained on."""
    organisms: tuple[OrganismInput, ...]
    """Organisms of the concerns, each followed by its twins."""
    deployment: DeploymentInput
    """Benign conversations that the matrix reads."""
    unread: UnreadInput
    """Benign conversations that the matrix leaves unread."""
    strategy_files: tuple[StrategyFileInput, ...]
    """Files of labelled conversations that detectors are learned from."""

    def check_model(self) -> None:
        """Load the model.

        Raises AssayError where it does not fit the site, the organisms or audit.length.
        """
        model = self.model.open()
        model.check_site(Site.parse(self.case.dictionary.site))
        check_bases([each.organism for each in self.organisms], model.base_sha256)
        longest = model.context_length
        if longest is not None and self.case.audit.length > longest:
            raise AssayError(
                f"audit.length is {self.case.audit.length}, but the model was trained on {longest} "
                "positions"
            )


def inputs_of(case: Case) -> RunInputs:
    """The inputs of a case, checked as far as possible without the model.

    Raises AssayError for unknown names, missing files and too few conversations, before any stage
    runs.
    """
    concerns = {
        Concern(c.name, c.description, c.severity, c.allowed_contexts): c.organisms
        for c in case.concerns
    }
    organisms = organisms_of(concerns, twins=case.transfer.twins)
    deployment = DeploymentInput(case.deployment, case.transfer.pool, case.seed)
    unread = UnreadInput(case.deployment, case.transfer.pool, case.seed)
    files = [StrategyFileInput(c) for c in case.strategies if c.name == own_transcripts.NAME]
    for file in files:
        file.open()
    if organisms:
        pool = deployment.open()
        check_enough([*pool, *unread.open()], case.budgets)
        check_contexts(organisms, pool)
    train = case.dictionary.train
    training = train.text if train is not None and train.text is not None else case.text
    text = TextInput(case.text, case.audit.held_out, case.seed)
    return RunInputs(
        case=case,
        model=ModelInput(case.model.id, case.model.adapter, case.model.dtype),
        text=text,
        training_text=(
            text if training == case.text else TextInput(training, case.audit.held_out, case.seed)
        ),
        organisms=tuple(OrganismInput(organism) for organism in organisms),
        deployment=deployment,
        unread=unread,
        strategy_files=tuple(files),
    )
