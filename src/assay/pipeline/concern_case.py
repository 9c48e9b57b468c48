"""The part of a case file that is about concerns: what is feared, how it is sought and watched."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from assay.concerns.detectors import DETECTORS, check_detector
from assay.concerns.strategies import STRATEGIES, strategy_named
from assay.errors import AssayError
from assay.strict import StrictModel


class ConcernChoice(StrictModel):
    """One concern."""

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")
    """Short name; watched features are called after it."""
    description: str = Field(min_length=1)
    """What the model would be doing, for a reviewer."""
    severity: Literal["high", "medium"]
    """high: a handful of firings ends the deployment. medium: fine in some contexts."""
    allowed_contexts: tuple[str, ...] = ()
    """Contexts in which a medium concern is fine: families of prompts, such as acted-lie."""
    organisms: tuple[str, ...] = Field(min_length=1)
    """Folders of the organisms that stand for it."""

    @model_validator(mode="after")
    def _medium_where_contexts_matter(self) -> ConcernChoice:
        if self.severity == "high" and self.allowed_contexts:
            raise ValueError(
                f"concern {self.name} is of high severity and has allowed_contexts; "
                "only a medium concern is fine anywhere"
            )
        return self


class StrategyChoice(StrictModel):
    """One strategy with its options."""

    name: str
    """A registered name; few_shot(k) with a number."""
    options: dict[str, Any] = Field(default_factory=dict)
    """What the strategy lets one choose."""

    @model_validator(mode="before")
    @classmethod
    def _name_alone_or_with_options(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"name": value}
        if isinstance(value, dict) and len(value) == 1 and "name" not in value:
            ((name, options),) = value.items()
            return {"name": str(name), "options": options or {}}
        return value

    @model_validator(mode="after")
    def _is_known(self) -> StrategyChoice:
        try:
            strategy, in_name = strategy_named(self.name)
            strategy.checked({**in_name, **self.options})
        except AssayError as error:
            raise ValueError(str(error)) from error
        return self


class DeploymentChoice(StrictModel):
    """The deployment that the monitor is for."""

    prompts: str = "benign-pool"
    """``benign-pool`` (Assay's own 455 conversations) or a JSONL file of transcripts."""
    benign: tuple[str, ...] = ()
    """Further JSONL files of benign conversations, pooled with the prompts."""
    base_rate: float = Field(default=1e-4, ge=0, le=1)
    """Share of conversations that are expected to be misbehaviour."""
    horizon: int = Field(default=1000, ge=1)
    """Conversations that the guarantee covers."""
    max_new_tokens: int = Field(default=24, ge=1)
    """Length of the replies that are generated to prompts that have none."""


class BudgetChoice(StrictModel):
    """What a detector may cost and must catch."""

    fpr: float = Field(default=0.01, gt=0, lt=1)
    """Share of benign conversations that may fire."""
    delta: float = Field(default=0.05, gt=0, lt=1)
    """Probability that the calibration is wrong."""
    tpr_target: float = Field(default=0.8, gt=0, lt=1)
    """What the lower bound of the true-positive rate must reach."""
    watched_features: int = Field(default=64, ge=1, le=64)
    """Most features that the monitor watches."""


class MonitorChoice(StrictModel):
    """When the model is rolled back."""

    rule: Literal["e_process", "handful"] = "e_process"
    """The rollback rule."""
    handful: int = Field(default=3, ge=0)
    """Firings that the handful rule bears."""
    alpha: float | None = Field(default=None, gt=0, lt=1)
    """The rule's own error; by default the budgets' delta."""


class TransferSizes(StrictModel):
    """How many conversations of each condition are read; larger is one number away."""

    discover: int = Field(default=40, ge=8)
    """In discover, from which detectors are learned."""
    threshold: int = Field(default=80, ge=8)
    """In threshold."""
    test: int = Field(default=100, ge=8)
    """In test."""
    pool: int = Field(default=455, ge=32)
    """Of the benign deployment pool."""
    twins: bool = True
    """Whether twins found beside the organisms are read too."""
    confirmed: int = Field(default=16, ge=0)
    """Shipped transcripts of each organism that are generated again, to confirm them."""


class ConcernCase(StrictModel):
    """All that a case says of concerns; without any concern the case ends with the dictionary."""

    concerns: tuple[ConcernChoice, ...] = ()
    """What is feared."""
    strategies: tuple[StrategyChoice, ...] = tuple(
        StrategyChoice(name=name) for name in STRATEGIES if name != "few_shot"
    )
    """How detectors are learned."""
    detectors: tuple[str, ...] = DETECTORS
    """Which detectors are learned from each strategy."""
    deployment: DeploymentChoice = DeploymentChoice()
    """What the model is deployed for."""
    budgets: BudgetChoice = BudgetChoice()
    """What a detector may cost and must catch."""
    monitor: MonitorChoice = MonitorChoice()
    """When the model is rolled back."""
    transfer: TransferSizes = TransferSizes()
    """Sizes of the transfer matrix."""

    @field_validator("detectors")
    @classmethod
    def _known_detectors(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            names = [check_detector(name) for name in value]
        except AssayError as error:
            raise ValueError(str(error)) from error
        if "text" not in names:
            raise ValueError("'text' is missing: every detector is held against the text baseline")
        return value

    @model_validator(mode="after")
    def _each_organism_once(self) -> ConcernCase:
        seen: dict[str, str] = {}
        for concern in self.concerns:
            for organism in concern.organisms:
                if organism in seen:
                    raise ValueError(
                        f"organism {organism} stands for both {seen[organism]} and {concern.name}; "
                        "each stands for one concern"
                    )
                seen[organism] = concern.name
        if len({c.name for c in self.concerns}) < len(self.concerns):
            raise ValueError("two concerns bear the same name")
        if len(self.concerns) > self.budgets.watched_features:
            raise ValueError(
                f"{len(self.concerns)} concerns need as many watched features; "
                f"budgets.watched_features is {self.budgets.watched_features}"
            )
        return self
