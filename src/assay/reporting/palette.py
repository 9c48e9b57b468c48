"""Colours of the page and its plots: one table, distinguishable without red against green."""

INK = "#1c2733"
MUTED = "#5d6b7a"
RULE = "#dfe5ea"

LEVEL_COLOURS = {"all": "#b3422e", "no_sink": "#2b6cb0", "no_first_8": "#7b8794"}

LABEL_COLOURS = {
    "content": "#2b6cb0",
    "position": "#b3422e",
    "semi-local": "#c98a1b",
    "additive": "#7a4fa3",
    "undetermined": "#9aa5b1",
    "too rare": "#d3dae1",
    "not labelled": "#e8ecf0",
}

SHARE_COLOURS = {
    "T_pos, position in all": "#2b6cb0",
    "S_int, mixed with content": "#c98a1b",
    "S_pos, position alone": "#b3422e",
}

STATUS_COLOURS = {
    "supported": "#2b6cb0",
    "weak": "#e0ab4a",
    "open": "#5d6b7a",
    "defeated": "#b3422e",
}

VERDICT_COLOURS = {
    "high": "#2b6cb0",
    "medium": "#7a4fa3",
    "rejected": "#d3dae1",
    "control": "#e8ecf0",
    "detects the trigger": "#b3422e",
}

DETECTOR_COLOURS = {
    "single_feature": "#2b6cb0",
    "sparse_features": "#7a4fa3",
    "rule": "#0f8b8d",
    "difference_in_means": "#c98a1b",
    "logistic_regression": "#b3422e",
    "novelty": "#8a6d3b",
    "text": "#1c2733",
    "random_direction": "#9aa5b1",
    "shuffled_labels": "#c3ccd4",
}
"""Any further detector is drawn in the colour of the controls."""

VIEW_COLOURS = {"own": "#b3422e", "reader": "#2b6cb0", "text": "#1c2733"}
VIEW_NAMES = {"own": "the model's own state", "reader": "a reader", "text": "the text alone"}
"""What a reference detector sees, in the words of the page."""

AUROC_COLOURS = ("#b3422e", "#f5f7f9", "#2b6cb0")
"""Of 0, of guessing, and of 1."""
NO_AUROC = "#eef1f4"
"""Of cells without an AUROC: those of twins, which never misbehave, and those without positives."""

NOT_LABELLED = "not labelled"
"""What stands where a feature has no label."""
LIGHT = ("weak", "too rare", NOT_LABELLED, "rejected", "control")
"""Names whose badge is so light that its text is dark."""

HIGHLIGHT_LEVELS = 9
"""Steps of the colour behind a token, from faint to the feature's peak."""
