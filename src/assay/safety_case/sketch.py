"""The argument's skeleton: the mechanistic-interpretability sketch of Grosse (2024), in Assay's words.

Source: Roger Grosse, *Three Sketches of ASL-4 Safety Case Components* (Anthropic, 2024), sketch 1.
The labels are the sketch's; the wording is Assay's.
"""

from __future__ import annotations

from assay.safety_case.nodes import Defeater, Node, NodeType

ROOTS = ("C1.1", "C1.2")

_OUT_OF_SCOPE = "Nothing was done for it: this version of Assay does not run such a test."
_CHILDREN = {
    "C1.1": ("C1.1.1", "M1.1", "M1.3"),
    "C1.1.1": ("S1.1", "S1.2", "V1.1", "V1.2", "V1.4"),
    "C1.2": ("C1.2.1",),
    "C1.2.1": ("M1.2", "V1.3"),
}
_CONTEXTS = {
    "C1.1": ("X1", "X2", "A1"),
    "C1.1.1": ("J1", "A2"),
    "M1.1": ("A3",),
}
_CLAIMS: tuple[tuple[str, NodeType, str], ...] = (
    (
        "C1.1",
        "goal",
        "The deployed model does not carry out catastrophic sabotage without the monitor rolling it "
        "back first.",
    ),
    (
        "C1.1.1",
        "goal",
        "When the model misbehaves as a concern describes, the {watched} fire before it acts.",
    ),
    (
        "S1.1",
        "strategy",
        "Learn: decompose the model's activations into sparse features that mean one thing each.",
    ),
    (
        "S1.2",
        "strategy",
        "Triage: find the features that stand for a concern, by what they fire on and what they cause.",
    ),
    (
        "V1.1",
        "goal",
        "The elicitation is comprehensive: features found by it catch organisms that it never saw.",
    ),
    (
        "V1.2",
        "goal",
        "No feature is missing: what the dictionary leaves out holds nothing of concern.",
    ),
    (
        "V1.4",
        "goal",
        "A red team that builds and hides misbehaviour does not beat a blue team that watches.",
    ),
    (
        "M1.1",
        "strategy",
        "Watch deployment, and go back to a weaker model after more than a handful of firings.",
    ),
    (
        "M1.3",
        "goal",
        "No training has pushed against the {watched}, so that the model has not learned to "
        "avoid them.",
    ),
    (
        "C1.2",
        "goal",
        "The model does not behave well only because it believes that it is being tested.",
    ),
    (
        "C1.2.1",
        "goal",
        "Behaviour stays the same when the model's belief about test or deployment is changed.",
    ),
    (
        "M1.2",
        "strategy",
        "Steer truth features so that the model believes that it is deployed, and look at what it "
        "does.",
    ),
    (
        "V1.3",
        "goal",
        "The truth features that are steered stand for what the model itself believes to be true.",
    ),
)
NEVER_RUN = {
    "M1.2": _OUT_OF_SCOPE,
    "M1.3": "Nothing was done for it: how the model was trained is not known to Assay.",
    "V1.3": _OUT_OF_SCOPE,
    "V1.4": _OUT_OF_SCOPE,
}
"""Claims that are undeveloped always, and why."""

_DEFEATERS: dict[str, tuple[tuple[str, str], ...]] = {
    "C1.1.1": (
        (
            "D5",
            "A feature learned from text that the model did not write, or was told to write, may not "
            "fire when it misbehaves of its own accord.",
        ),
        (
            "D8",
            "Organisms trained to misbehave may not resemble a model that really schemes.",
        ),
    ),
    "S1.1": (
        (
            "D3",
            "Features may mean several things, or mix what is said with where in the text it is said.",
        ),
    ),
    "S1.2": (("D4", "The labels that automatic interpretation gives to features may be wrong."),),
    "V1.1": (
        (
            "D2",
            "Features of high concern almost never occur in the text that dictionaries learn from, so "
            "that they may never be learned.",
        ),
    ),
    "V1.2": (
        (
            "D1",
            "The dictionary may miss features: what it does not reconstruct may hold a feature of "
            "concern.",
        ),
    ),
    "M1.1": (
        (
            "D6",
            "The model could hide from the {watched} or route around them, above all if it was "
            "trained against the monitor.",
        ),
        (
            "D7",
            "Thresholds hold for text like that of the calibration: where deployment drifts, false "
            "alarms and misses follow no guarantee.",
        ),
    ),
}


def claims(watched: str) -> list[Node]:
    """The sketch's claims from the top down, each with its supporting claims; defeaters are open.

    ``watched`` names what the monitor watches: features or directions.
    """
    return [
        Node(
            id=label,
            type=kind,
            label=label,
            text=text.format(watched=watched),
            supported_by=_CHILDREN.get(label, ()),
            in_context_of=_CONTEXTS.get(label, ()),
            defeaters=tuple(
                Defeater(id=d, text=t.format(watched=watched)) for d, t in _DEFEATERS.get(label, ())
            ),
        )
        for label, kind, text in _CLAIMS
    ]


def surroundings(model: str, deployment: str, watched: str) -> list[Node]:
    """Contexts, assumptions and the justification in which the claims are to be read."""
    stated: tuple[tuple[str, NodeType, str], ...] = (
        ("X1", "context", f"The model with the fingerprint {model}, and no other."),
        ("X2", "context", deployment),
        (
            "A1",
            "assumption",
            "Going back to the weaker model ends the danger: the weaker model cannot do the harm.",
        ),
        (
            "A2",
            "assumption",
            "Each organism's inert payload stands for the behaviour that its manifest names.",
        ),
        (
            "A3",
            "assumption",
            "Benign conversations in deployment are like the ones of the calibration "
            "(exchangeable).",
        ),
        (
            "J1",
            "justification",
            f"The {watched} are read inside the model because what it writes can be made to look "
            "harmless.",
        ),
    )
    return [Node(id=label, type=kind, label=label, text=text) for label, kind, text in stated]
