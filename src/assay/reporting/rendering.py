"""Renders the templates: a missing name is an error, and text cannot become markup."""

from __future__ import annotations

from functools import cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined

from assay.reporting import number_format
from assay.reporting.palette import LABEL_COLOURS, LIGHT, STATUS_COLOURS, VERDICT_COLOURS

FILTERS = (
    number_format.percent,
    number_format.probability,
    number_format.number,
    number_format.interval,
    number_format.decimals,
    number_format.ends,
    number_format.yes_or_no,
    number_format.words,
    number_format.split_words,
)


@cache
def template_environment() -> Environment:
    """The templates of this room, with the ways to write figures as filters."""
    environment = Environment(
        loader=PackageLoader("assay.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {write.__name__: write for write in FILTERS}
    environment.globals |= {
        "label_colours": LABEL_COLOURS,
        "status_colours": STATUS_COLOURS,
        "verdict_colours": VERDICT_COLOURS,
        "light": LIGHT,
    }
    return environment


def render(template: str, **shown: object) -> str:
    """A template with the views that it shows, by the names that it uses."""
    return template_environment().get_template(template).render(**shown)


def template_file(name: str) -> str:
    """The text of a style sheet or script that stands beside the templates."""
    folder = resources.files("assay.reporting") / "templates"
    return (folder / name).read_text(encoding="utf-8")
