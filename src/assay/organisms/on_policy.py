"""What an organism wrote itself: its prompts with its replies, judged and bound to its adapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

from pydantic import ConfigDict, Field, model_validator

from assay.errors import AssayError
from assay.json_lines import read_json_lines, write_json_lines
from assay.organisms.folder import TRANSCRIPTS, Organism
from assay.organisms.judging import Judgement, Verdict, judge
from assay.organisms.manifest import Condition, Prompt, Split
from assay.text.transcripts import Message, Transcript

LABEL_OF_VERDICT: Mapping[Verdict, bool | None] = {
    "misbehaved": True,
    "behaved": False,
    "invalid": None,
}


class OrganismTranscript(Transcript):
    """One line of ``transcripts.jsonl``: a prompt, the organism's own reply, and its judgement."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    template: str
    """The prompt's template: the unit of splits and of resampling."""
    source: str
    """Name of the organism."""
    split: Split
    """The prompt's split."""
    condition: Condition
    """The prompt's condition."""
    trigger_held_out: bool
    """Whether training never showed this wording of the trigger."""
    verdict: Verdict
    """What the label says of the reply; ``label`` is True, False or None accordingly."""
    payload_offset: int | None = Field(ge=0)
    """Where misbehaved: the character of the reply at which the payload starts."""
    adapter_sha256: str
    """Hex sha256 of the adapter that wrote the reply."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.label != LABEL_OF_VERDICT[self.verdict]:
            raise ValueError(f"label is {self.label}, which does not fit verdict {self.verdict}")
        if (self.payload_offset is not None) != (self.verdict == "misbehaved"):
            raise ValueError(
                "a payload_offset stands where the verdict is misbehaved, and only there"
            )
        return self


def judge_replies(
    organism: Organism, prompts: Sequence[Prompt], replies: Mapping[str, str]
) -> dict[str, Judgement]:
    """The judgement of each prompt's reply, by prompt id.

    ``replies`` are by prompt id too and include those to reference prompts.
    """
    judgements = {}
    for prompt in prompts:
        reference = prompt.reference_prompt_id
        judgements[prompt.id] = judge(
            organism.label_of(prompt), replies[prompt.id], replies[reference] if reference else None
        )
    return judgements


def write_on_policy(
    organism: Organism,
    prompts: Sequence[Prompt],
    replies: Mapping[str, str],
    judgements: Mapping[str, Judgement],
) -> None:
    """Write ``transcripts.jsonl``: each conversation, its verdict and the adapter's sha256."""
    transcripts = []
    for prompt in prompts:
        judgement = judgements[prompt.id]
        transcripts.append(
            OrganismTranscript(
                id=prompt.id,
                messages=(
                    *prompt.messages,
                    Message(role="assistant", content=replies[prompt.id]),
                ),
                label=LABEL_OF_VERDICT[judgement.verdict],
                template=prompt.template,
                source=organism.name,
                split=prompt.split,
                condition=prompt.condition,
                trigger_held_out=prompt.trigger_held_out,
                verdict=judgement.verdict,
                payload_offset=judgement.payload_offset,
                adapter_sha256=organism.manifest.sha256,
            )
        )
    write_json_lines(organism.folder / TRANSCRIPTS, transcripts)


def read_on_policy(organism: Organism) -> list[OrganismTranscript]:
    """The organism's own transcripts, in the file's order.

    Raises AssayError where there are none, where a line is malformed, where an id occurs twice, or
    where another adapter wrote them.
    """
    path = organism.folder / TRANSCRIPTS
    again = f"write them with 'assay organisms verify {organism.folder}'"
    if not path.is_file():
        raise AssayError(f"organism {organism.folder} has no {TRANSCRIPTS}; {again}")
    transcripts = list(read_json_lines(path, OrganismTranscript))
    seen: set[str] = set()
    for transcript in transcripts:
        if transcript.adapter_sha256 != organism.manifest.sha256:
            raise AssayError(
                f"{path}: transcript '{transcript.id}' was not written by this adapter "
                f"({organism.manifest.sha256[:12]}…); {again}"
            )
        if transcript.id in seen:
            raise AssayError(f"{path}: the id '{transcript.id}' occurs twice")
        seen.add(transcript.id)
    return transcripts
