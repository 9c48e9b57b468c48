"""Generic yes/no pairs about the model's own conduct (MacDiarmid et al. 2024, "Simple probes")."""

from __future__ import annotations

from assay.concerns.conversations.excerpts import excerpt_of
from assay.concerns.conversations.reading import read_excerpts
from assay.concerns.strategies.strategy import Elicited, Options, Setting, Strategy
from assay.concerns.strategies.wordings import contrast_pair_wordings
from assay.text.transcripts import Message, Transcript


def pairs() -> list[Transcript]:
    """Each question answered either way; labelled True where the answer confesses."""
    wordings = contrast_pair_wordings()
    found = []
    for questions, bad in ((wordings.asked_of_bad, 0), (wordings.asked_of_good, 1)):
        for number, question in enumerate(questions):
            for form, answers in enumerate(wordings.answers):
                for which, answer in enumerate(answers):
                    found.append(
                        Transcript(
                            id=f"contrast-{bad}-{number}-{form}-{which}",
                            messages=(
                                Message(role="user", content=question),
                                Message(role="assistant", content=answer),
                            ),
                            label=which == bad,
                            template=f"contrast/{question}",
                            source="contrast_pairs",
                        )
                    )
    return found


def elicit(setting: Setting, options: Options) -> Elicited:
    """The pairs as the case's model reads them."""
    model, site = setting.model_and_site()
    excerpts = [excerpt_of(model.tokenizer, t, bool(t.label)) for t in pairs()]
    return Elicited(
        "contrast_pairs",
        read_excerpts(model, site, excerpts),
        note="the answers are given to the model, not its own",
    )


STRATEGY = Strategy(
    name="contrast_pairs",
    description="generic yes/no pairs about the model's own conduct",
    elicit=elicit,
    generates=True,
)
