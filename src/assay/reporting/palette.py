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
