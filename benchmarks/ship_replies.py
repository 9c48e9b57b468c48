"""Write the replies that are shipped: `python benchmarks/ship_replies.py MODEL [MAX_NEW_TOKENS]`.

Replies of a catalogue model to Assay's benign conversations and to those of the shift suite, so that
a case on this model needs to generate only a sample of them. Resumes where it was interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from assay.files import write_json
from assay.models import load_model
from assay.monitoring.deployment_shifts import shifted_conversations
from assay.organisms import deployment_pool
from assay.organisms.chatterbot_conversations import chatterbot_pool
from assay.organisms.replies import BATCH_SIZE, replies_to
from assay.organisms.shipped_replies import (
    FOLDER,
    ShippedReplies,
    ShippedReply,
    messages_sha256,
)
from assay.text import Message, Transcript

ROOT = Path(__file__).resolve().parents[1] / "src" / "assay" / "organisms" / FOLDER
LENGTH = 24
"""Greatest length of a reply, in tokens, unless another is given."""
AT_ONCE = 2 * BATCH_SIZE
"""Conversations that are written before what was written is saved."""


def main(name: str, length: int) -> None:
    model = load_model(name)
    path = ROOT / f"{name}.json"
    replies: dict[str, ShippedReply] = {}
    if path.is_file():
        known = ShippedReplies.model_validate_json(path.read_text(encoding="utf-8"))
        replies = dict(known.replies) if known.fingerprint == model.fingerprint else {}

    def is_done(each: Transcript, most: int) -> bool:
        found = replies.get(each.id)
        return (
            found is not None
            and found.max_new_tokens == most
            and found.messages_sha256 == messages_sha256(each.messages)
        )

    def answer(conversations: Sequence[Transcript], most: int) -> list[Transcript]:
        waiting = [each for each in conversations if not is_done(each, most)]
        for start in range(0, len(waiting), AT_ONCE):
            batch = waiting[start : start + AT_ONCE]
            written = replies_to(model, [t.messages for t in batch], most, "replies to ship")
            for each, reply in zip(batch, written, strict=True):
                replies[each.id] = ShippedReply(
                    messages_sha256=messages_sha256(each.messages), max_new_tokens=most, reply=reply
                )
            whole = ShippedReplies(model=name, fingerprint=model.fingerprint, replies=replies)
            write_json(path, whole.model_dump(mode="json"))
            print(len(replies), "replies", flush=True)
        return [
            each.model_copy(
                update={
                    "messages": (
                        *each.messages,
                        Message(role="assistant", content=replies[each.id].reply or " "),
                    )
                }
            )
            for each in conversations
        ]

    answer([*chatterbot_pool(), *deployment_pool()], length)
    shifted_conversations(answer, length)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else LENGTH)
