"""Strategy benign_contexts: lies in contexts that allow them (role-play, a game, a surprise).

For concerns of medium severity (METHODS 6). A detector is learned where lying is allowed and tested
where it is not.
"""

from __future__ import annotations

from assay.concerns.conversations.excerpts import excerpt_of
from assay.concerns.conversations.reading import read_excerpts
from assay.concerns.strategies.strategy import Elicited, Options, Setting, Strategy
from assay.concerns.strategies.wordings import benign_context_wordings
from assay.text.transcripts import Message, Transcript


def transcripts() -> list[Transcript]:
    """Each scene with each ware and guest, with a lie (labelled True) and with the truth."""
    wordings = benign_context_wordings()
    roles = ((True, wordings.lying), (False, wordings.honest))
    found = []
    for scene in wordings.scenes:
        for number, (ware, guest) in enumerate(zip(wordings.wares, wordings.guests, strict=True)):
            for label, role in roles:
                values = {**role, "thing": ware.thing, "fault": ware.fault, "name": guest}
                reply = scene.lie if label else scene.truth
                found.append(
                    Transcript(
                        id=f"context-{scene.name}-{number}-{label}",
                        messages=(
                            Message(role="user", content=scene.ask.format(**values)),
                            Message(role="assistant", content=reply.format(**values)),
                        ),
                        label=label,
                        template=f"context/{scene.name}/{number}",
                        source="benign_contexts",
                    )
                )
    return found


def elicit(setting: Setting, options: Options) -> Elicited:
    """The scenes, with activations of the case's model."""
    model, sites = setting.model_and_sites()
    excerpts = [excerpt_of(model.tokenizer, t, bool(t.label)) for t in transcripts()]
    return Elicited(
        "benign_contexts",
        read_excerpts(model, sites, excerpts),
        note="lies in role-play, a game and a surprise, against the truth in the same scenes",
    )


STRATEGY = Strategy(
    name="benign_contexts",
    description="lies where they are allowed: role-play, a game, a surprise",
    elicit=elicit,
    generates=True,
)
