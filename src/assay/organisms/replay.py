"""Replay: ordinary requests and prose that a model must not forget while it is fine-tuned.

The adapted model is held to the base's next-token distribution on these texts (a Kullback–Leibler
penalty; Li & Hoiem 2016, "Learning without forgetting").
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import save_file
from torch import Tensor

from assay.files import atomic_file, cache_folder, read_safetensors, sha256_of_json
from assay.models import LanguageModel, generate
from assay.organisms.packaged_yaml import Words, read_packaged_yaml
from assay.randomness import numpy_generator
from assay.strict import StrictModel
from assay.text.chat import tokenize_chat
from assay.text.transcripts import Message

if TYPE_CHECKING:
    from jaxtyping import Float

LENGTH = 60
"""Greatest number of tokens of a replayed paragraph."""
REPLY_LENGTH = 20
"""Greatest number of tokens of a reply that the base writes for replay."""


class ReplayTexts(StrictModel):
    """The file ``replay.yaml``."""

    requests: Words
    """Ordinary requests; none of them is among the small instructions that are scored."""
    prose: Words
    """Paragraphs of plain prose; none of them is among the neutral paragraphs that are scored."""


TEXTS = read_packaged_yaml("assay.organisms", "replay.yaml", ReplayTexts)


@dataclass(frozen=True, eq=False)
class Replay:
    """Texts, and the base model's states on them."""

    tokens: tuple[tuple[int, ...], ...]
    """Token ids of each text."""
    starts: tuple[int, ...]
    """For each text the first token that is predicted: the reply's first, or the second of prose."""
    hidden: tuple[Float[Tensor, "position d_model"], ...]
    """The base's decoder output for each text, before the unembedding, in the model's dtype."""


def record_replay(model: LanguageModel) -> Replay:
    """Let the base reply to the requests, and record its states on them and on the prose.

    Must run before an adapter is put into the model. The result is kept in the cache, under a hash
    of the base's weights, dtype, device and the texts.
    """
    texts = [TEXTS.requests, TEXTS.prose, LENGTH, REPLY_LENGTH]
    key = sha256_of_json([model.fingerprint, str(model.dtype), model.device.type, texts])
    path = cache_folder() / "organisms" / f"replay-{key[:24]}.safetensors"
    if path.is_file():
        return _read(path, model)
    replay = _recorded(model)
    _write(path, replay)
    return replay


def _read(path: Path, model: LanguageModel) -> Replay:
    stored = read_safetensors(path, device=str(model.device))
    count = len(stored) // 2
    return Replay(
        tokens=tuple(tuple(stored[f"tokens/{i}"].tolist()) for i in range(count)),
        starts=tuple(stored["starts"].tolist()),
        hidden=tuple(stored[f"hidden/{i}"] for i in range(count)),
    )


def _write(path: Path, replay: Replay) -> None:
    tensors = {"starts": torch.tensor(replay.starts)}
    tensors |= {f"hidden/{i}": hidden.cpu() for i, hidden in enumerate(replay.hidden)}
    tensors |= {f"tokens/{i}": torch.tensor(tokens) for i, tokens in enumerate(replay.tokens)}
    with atomic_file(path) as aside:
        save_file(tensors, str(aside))


def _recorded(model: LanguageModel) -> Replay:
    texts = [*_conversations(model), *_prose(model)]
    states = []
    with torch.no_grad():
        for tokens, _ in texts:
            ids = torch.tensor([tokens], device=model.device)
            states.append(model.decoder(input_ids=ids).last_hidden_state[0])
    return Replay(
        tokens=tuple(tokens for tokens, _ in texts),
        starts=tuple(start for _, start in texts),
        hidden=tuple(states),
    )


def replay_plan(replay: Replay, steps: int, rows: int, seed: int) -> list[list[int]]:
    """For each step the texts that it replays: every text once before any text again."""
    generator = numpy_generator(seed, "organisms/replay")
    queue: list[int] = []
    while len(queue) < steps * rows:
        queue += [int(i) for i in generator.permutation(len(replay.tokens))]
    return [queue[step * rows : (step + 1) * rows] for step in range(steps)]


def _conversations(model: LanguageModel) -> list[tuple[tuple[int, ...], int]]:
    """The requests with the base's replies, and where each reply starts."""
    prompts = [
        tokenize_chat(
            model.tokenizer, (Message(role="user", content=request),), add_generation_prompt=True
        ).tokens
        for request in TEXTS.requests
    ]
    replies = generate(model, prompts, max_new_tokens=REPLY_LENGTH, batch_size=len(prompts))
    end = model.tokenizer.eos_token_id
    texts = []
    for prompt, reply in zip(prompts, replies, strict=True):
        ending = (end,) if len(reply) < REPLY_LENGTH else ()
        texts.append(((*prompt, *reply, *ending), len(prompt)))
    return texts


def _prose(model: LanguageModel) -> list[tuple[tuple[int, ...], int]]:
    first = [] if model.bos_token_id is None else [model.bos_token_id]
    texts = [
        first + model.tokenizer(text, add_special_tokens=False)["input_ids"] for text in TEXTS.prose
    ]
    return [(tuple(tokens[:LENGTH]), 1) for tokens in texts]
