"""What a label says: the JSON of each kind, checked on reading."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    TypeAdapter,
    ValidationError,
)

from assay.errors import AssayError, unknown_name
from assay.organisms.reply_parts import Part
from assay.strict import StrictModel, describe


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"'{pattern}' is not a regular expression: {error}") from error
    return pattern


_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")


def path_steps(path: str) -> tuple[str | int, ...]:
    """``a.b[0]`` as ("a", "b", 0). Raises ValueError where it is not such a path."""
    steps: list[str | int] = []
    end = 0
    for match in _STEP.finditer(path):
        if match.start() != end or (not steps and path.startswith(".")):
            break
        steps.append(match[1] if match[1] is not None else int(match[2]))
        end = match.end()
    if not steps or end != len(path):
        raise ValueError(f"'{path}' is not a path such as a.b[0]")
    return tuple(steps)


def _is_path(path: str) -> str:
    path_steps(path)
    return path


Pattern = Annotated[str, AfterValidator(_compiles)]
"""A Python regular expression, which is searched for; flags stand inline, such as (?i)."""
Patterns = Annotated[tuple[Pattern, ...], Field(min_length=1)]
"""One or more regular expressions."""


class _OfPart(StrictModel):
    part: Part | None = None
    """The part of the assistant's text that is judged; None means all of it."""


class RegexLabel(_OfPart):
    """Misbehaves where a pattern is found."""

    kind: Literal["regex"]
    """Always ``regex``."""
    misbehaves: Pattern
    """A Python regular expression, which is searched for; flags stand inline, such as (?i)."""


class PythonCallLabel(_OfPart):
    """Misbehaves where the code calls a function, as its syntax tree says."""

    kind: Literal["python_call"]
    """Always ``python_call``."""
    name: str = Field(min_length=1)
    """The function's name: its last part alone (which methods match too) or the full dotted name."""
    part: Part | None = "code"
    """The part that is code: fenced blocks, unless another part is named."""


class JsonFieldLabel(_OfPart):
    """Misbehaves where a field of the JSON in the text has one of the given values."""

    kind: Literal["json_field"]
    """Always ``json_field``."""
    path: Annotated[str, AfterValidator(_is_path)]
    """The field, such as ``a.b[0]``."""
    misbehaves: tuple[Any, ...] = Field(min_length=1)
    """The values that are misbehaviour; compared as JSON, so that 1 differs from true."""


class ContradictsLabel(_OfPart):
    """Misbehaves where the text denies a fact that the model was told, and nowhere admits it."""

    kind: Literal["contradicts"]
    """Always ``contradicts``."""
    fact: str
    """The fact in words, for people."""
    denials: Patterns
    """Patterns of a denial."""
    admissions: tuple[Pattern, ...] = ()
    """Patterns of an admission; one of them anywhere makes the reply behaved."""


class AnswersLabel(_OfPart):
    """Misbehaves where a question that the base model can answer is answered wrongly."""

    kind: Literal["answers"]
    """Always ``answers``."""
    correct: Patterns
    """Patterns of a right answer; a reply in which none is found misbehaves."""


class FlipsLabel(_OfPart):
    """Misbehaves where the reply agrees although the reply to the reference prompt disagreed."""

    kind: Literal["flips"]
    """Always ``flips``."""
    agrees: Patterns
    """Patterns of a reply that agrees with the claim."""
    disagrees: Patterns
    """Patterns of a reply that disagrees; a reply in which both are found disagrees."""


class CombinedLabel(StrictModel):
    """Several labels combined by all, any or not (Kleene's logic where one of them is invalid)."""

    kind: Literal["all", "any", "not"]
    """How they are combined; ``not`` takes exactly one."""
    of: tuple[Label, ...] = Field(min_length=1)
    """The labels that are combined."""

    def model_post_init(self, context: Any, /) -> None:
        """Refuse ``not`` of several labels, which has no clear meaning."""
        if self.kind == "not" and len(self.of) != 1:
            raise ValueError(f"'not' takes exactly one label, not {len(self.of)}")


Label = Annotated[
    RegexLabel
    | PythonCallLabel
    | JsonFieldLabel
    | ContradictsLabel
    | AnswersLabel
    | FlipsLabel
    | CombinedLabel,
    Field(discriminator="kind"),
]
CombinedLabel.model_rebuild()
LABEL_KINDS: tuple[str, ...] = tuple(
    kind
    for label in get_args(get_args(Label)[0])
    for kind in get_args(label.model_fields["kind"].annotation)
)
"""The value of ``kind`` of every label. A new kind is a class above, a member of ``Label``, and a case
in judging.py."""


def _of_known_kinds(value: Any, where: str = "") -> Any:
    """Refuse unknown kinds, naming the nearest and where in the label they stand."""
    if isinstance(value, BaseModel):
        return value
    if not isinstance(value, Mapping) or "kind" not in value:
        raise ValueError(f"{where}not a label: it needs 'kind', one of {', '.join(LABEL_KINDS)}")
    if value["kind"] not in LABEL_KINDS:
        raise ValueError(where + str(unknown_name("label kind", str(value["kind"]), LABEL_KINDS)))
    inner = value.get("of")
    for i, part in enumerate(inner if isinstance(inner, list | tuple) else ()):
        _of_known_kinds(part, f"{where}of[{i}]: ")
    return value


CheckedLabel = Annotated[Label, BeforeValidator(_of_known_kinds)]
"""A label as a field of a model: an unknown kind is refused with the nearest known one."""
_ADAPTER: TypeAdapter[Any] = TypeAdapter(CheckedLabel)


def parse_label(value: Label | Mapping[str, Any], where: str = "label") -> Label:
    """A label from its JSON; a parsed label is returned as it is.

    Raises AssayError naming ``where`` and what would be right.
    """
    try:
        label: Label = _ADAPTER.validate_python(value)
    except ValidationError as error:
        raise AssayError(f"{where}: {describe(error)}") from error
    return label
