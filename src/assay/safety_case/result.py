"""safety_case.json: the argument from claims to figures, as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from assay.errors import AssayError, unknown_name
from assay.results import Result
from assay.safety_case.nodes import Node

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class SafetyCase(Result):
    """An argument from claims to figures that a reviewer can check."""

    FILE: ClassVar[str] = "safety_case.json"
    MADE_BY: ClassVar[str] = "assay run CASE.yaml"

    version: Literal[3] = 3
    """Version of the layout."""
    case: str = Field(min_length=1)
    """Name of the case."""
    model: Sha256
    """Fingerprint of the model that the case is about, and of no other."""
    seed: int
    """The run's seed, which every cited figure of the monitor states."""
    concerns: tuple[str, ...]
    """The case's concerns, by name."""
    not_run: dict[str, str]
    """Stage → why it was not run."""
    created_from: dict[str, Sha256]
    """Path, relative to the case's output folder → sha256 of the files that it was built from; the
    file of every solution's figure is among them."""
    roots: tuple[str, ...] = Field(min_length=1)
    """Ids of the top claims."""
    nodes: tuple[Node, ...] = Field(min_length=1)
    """All nodes, each before the nodes that support it."""

    @model_validator(mode="after")
    def _is_an_argument_without_gaps(self) -> SafetyCase:
        ids = [node.id for node in self.nodes]
        doubts = [defeater.id for node in self.nodes for defeater in node.defeaters]
        for kind, names in (("nodes", ids), ("defeaters", doubts)):
            for name in names:
                if names.count(name) > 1:
                    raise AssayError(f"two {kind} of the safety case have the id '{name}'")
        for root in self.roots:
            _check_known(root, ids, "the roots")
        for node in self.nodes:
            for other in (*node.supported_by, *node.in_context_of):
                _check_known(other, ids, f"node {node.id}")
        unreached = set(ids) - set(reached(self))
        if unreached:
            raise AssayError(f"no root of the safety case leads to {', '.join(sorted(unreached))}")
        return self

    @model_validator(mode="after")
    def _cites_only_files_with_a_hash(self) -> SafetyCase:
        for name, sha256 in {"the model": self.model, **self.created_from}.items():
            if not sha256.strip("0"):
                raise AssayError(f"the sha256 of {name} is all zeros, which is the hash of nothing")
        for node in self.nodes:
            if node.evidence is not None and node.evidence.file not in self.created_from:
                raise AssayError(
                    f"solution {node.id} cites {node.evidence.file}, and created_from has no hash of "
                    "that file"
                )
        return self

    def node(self, name: str) -> Node:
        """The node of that id. Raises AssayError with the valid ids for any other."""
        _check_known(name, [node.id for node in self.nodes], f"case {self.case}")
        return next(node for node in self.nodes if node.id == name)


def reached(case: SafetyCase) -> list[str]:
    """Ids that the roots lead to, each after all the nodes that support it.

    Raises AssayError where a claim supports itself.
    """
    by_id = {node.id: node for node in case.nodes}
    done: dict[str, None] = {}

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise AssayError(f"the argument is circular: {' → '.join((*above, name))}")
        if name in done:
            return
        node = by_id[name]
        for other in (*node.in_context_of, *node.supported_by):
            visit(other, (*above, name))
        done[name] = None

    for root in case.roots:
        visit(root, ())
    return list(done)


def _check_known(name: str, ids: Sequence[str], where: str) -> None:
    if name not in ids:
        raise unknown_name("node", name, ids, where)
