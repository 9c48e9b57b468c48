"""What an organism wrote itself: its prompts with its replies, judged and bound to its adapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.errors import AssayError
from assay.organisms.folder import TRANSCRIPTS, Organism, write_jsonl
from assay.organisms.labels import Judgement, judge
from assay.organisms.manifest import Prompt
from assay.text.transcripts import Message, Transcript, read_transcripts

LABEL_OF_VERDICT = {"misbehaved": True, "behaved": False, "invalid": None}


def judge_replies(
    organism: Organism, prompts: Sequence[Prompt], replies: Mapping[str, str]
) -> dict[str, Judgement]:
    """The judgement of each prompt's reply, by prompt id; ``replies`` holds references too."""
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
    rows = []
    for prompt in prompts:
        reply = Message(role="assistant", content=replies[prompt.id])
        judgement = judgements[prompt.id]
        rows.append(
            {
                "id": prompt.id,
                "messages": [m.model_dump() for m in (*prompt.messages, reply)],
                "label": LABEL_OF_VERDICT[judgement.verdict],
                "template": prompt.template,
                "source": organism.name,
                "split": prompt.split,
                "condition": prompt.condition,
                "trigger_held_out": prompt.trigger_held_out,
                "verdict": judgement.verdict,
                "payload_offset": judgement.payload_offset,
                "adapter_sha256": organism.manifest.sha256,
            }
        )
    write_jsonl(organism.folder / TRANSCRIPTS, rows)


def read_on_policy(organism: Organism) -> list[Transcript]:
    """The organism's own transcripts, with split, condition, verdict and payload_offset as extras.

    Raises AssayError where there are none, or where another adapter wrote them.
    """
    path = organism.folder / TRANSCRIPTS
    if not path.is_file():
        raise AssayError(
            f"organism {organism.folder} has no {TRANSCRIPTS}; "
            f"write them with 'assay organisms verify {organism.folder}'"
        )
    transcripts = read_transcripts(path)
    for transcript in transcripts:
        extra: dict[str, Any] = transcript.model_extra or {}
        if extra.get("adapter_sha256") != organism.manifest.sha256:
            raise AssayError(
                f"{path}: transcript '{transcript.id}' was not written by this adapter "
                f"({organism.manifest.sha256[:12]}…); run 'assay organisms verify' again"
            )
    return transcripts
