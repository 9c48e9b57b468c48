"""Strategy perturbed.bias_vector: a difference-in-means vector steers the answers (Rimsky et al.

2024).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from assay.concerns.conversations.excerpts import excerpt_of
from assay.concerns.conversations.reading import read_excerpts
from assay.concerns.feature_codes import mean_activations
from assay.concerns.strategies.contrast_pairs import pairs
from assay.concerns.strategies.questions import ask, draw_questions, read_answers
from assay.concerns.strategies.strategy import Elicited, Options, Setting, Strategy
from assay.models import Site, edit

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from assay.models import LanguageModel

STRENGTH = 0.5
"""Norm of the added vector, as a fraction of the median norm of watched activations."""


def earlier_site(site: Site) -> Site:
    """Where the vector is added: the residual stream at half the layer of the site that is read.

    At the same site, every detector would only detect the vector itself.
    """
    return Site(kind="resid_post", layer=max(0, site.layer // 2))


def contrast_direction(model: LanguageModel, site: Site) -> tuple[Float[Tensor, " d_model"], float]:
    """Difference of the contrast pairs' mean activations (unit length), and the median norm."""
    excerpts = [excerpt_of(model.tokenizer, t, bool(t.label)) for t in pairs()]
    conversations = read_excerpts(model, [site], excerpts)
    means = torch.tensor(mean_activations(conversations))
    labels = torch.tensor([c.label for c in conversations])
    direction = means[labels].mean(dim=0) - means[~labels].mean(dim=0)
    norms = torch.cat([c.activations.norm(dim=1) for c in conversations])
    return (direction / direction.norm()).float(), float(norms.median())


def elicit_steered(
    setting: Setting, name: str, direction: Float[Tensor, " d_model"], *, norm: float, count: int
) -> Elicited:
    """Answers with the vector added at every token but the first, and answers without it.

    ``norm`` is the norm of the added vector, ``count`` the number of questions.
    """
    model, sites = setting.model_and_sites()
    vector = direction * norm
    questions = draw_questions(count, setting.seed, name)

    def add(activations: Tensor, places: Tensor) -> Tensor:
        shifted: Tensor = activations + vector.to(activations) * (places > 0).unsqueeze(-1)
        return shifted

    plain = ask(model, questions, [None], f"{name}-plain")
    with edit(model, earlier_site(sites[0]), add, with_places=True):
        changed = ask(model, questions, [None], f"{name}-steered")
        kept = [answer for answer in changed if not answer.is_broken]
        positives = read_answers(model, sites, kept, True)
    good = [answer for answer in plain if not answer.is_broken]
    return Elicited(
        name,
        (*positives, *read_answers(model, sites, good, False)),
        discarded=len(plain) + len(changed) - len(good) - len(kept),
        note="labelled by whether the vector was added, not by the answer; norm "
        f"{STRENGTH:g} of the median activation, added at {earlier_site(sites[0])}",
    )


def elicit(setting: Setting, options: Options) -> Elicited:
    """Answers steered by the contrast pairs' difference in means."""
    model, sites = setting.model_and_sites()
    direction, median = contrast_direction(model, earlier_site(sites[0]))
    norm = float(options.get("strength", STRENGTH)) * median
    count = int(options.get("questions", 32))
    return elicit_steered(setting, "perturbed.bias_vector", direction, norm=norm, count=count)


STRATEGY = Strategy(
    name="perturbed.bias_vector",
    description="a difference-in-means vector of contrast pairs added while the model answers",
    elicit=elicit,
    generates=True,
    options=("questions", "strength"),
)
