"""Continue prompts, with or without a key-value cache; active edits act."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

import torch
from transformers import DynamicCache

from assay.errors import AssayError
from assay.files import sha256_of_json
from assay.models.cross_entropy import next_token_logits
from assay.models.forward import decoder_inputs, run_decoder
from assay.models.tokenizing import is_text, token_rows
from assay.randomness import torch_generator

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor

    from assay.models.language_model import LanguageModel

FEWEST_SHARING = 4
"""Least number of prompts in a batch whose shared beginning is run once."""
LEAST_SHARED = 8
"""Least number of shared tokens that are run once."""


@overload
def generate(
    model: LanguageModel,
    prompts: Sequence[str],
    *,
    max_new_tokens: int,
    temperature: float = 0.0,
    seed: int = 0,
    use_cache: bool = True,
    batch_size: int = 16,
) -> list[str]: ...


@overload
def generate(
    model: LanguageModel,
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    temperature: float = 0.0,
    seed: int = 0,
    use_cache: bool = True,
    batch_size: int = 16,
) -> list[list[int]]: ...


def generate(
    model: LanguageModel,
    prompts: Sequence[str] | Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    temperature: float = 0.0,
    seed: int = 0,
    use_cache: bool = True,
    batch_size: int = 16,
) -> list[str] | list[list[int]]:
    """What follows each prompt, in the order of the prompts: token ids, or text for text.

    Prompts are lists of token ids, or texts; a single text is a list of one. Texts are tokenized by
    the model's tokenizer as they stand, without chat template, and begin with its
    beginning-of-sequence token where it has one; each continuation is decoded by itself, special
    tokens included.

    A continuation ends before the end-of-sequence token, which is left out, or after
    ``max_new_tokens``. Temperature 0 takes the likeliest token; above 0 tokens are drawn, for each
    prompt from a random generator of its own, so that a continuation does not depend on the other
    prompts (a prompt given twice is drawn twice, differently). Prompts run ``batch_size`` at a time,
    sorted by length, padded and masked; what all prompts of a batch begin with (a system message)
    is run once. Active edits act; see ``edit``. Without the cache every token costs a whole forward
    pass, and the result is the same up to float rounding.
    Raises AssayError for an empty prompt, an unknown token, or numbers out of range.
    """
    rows = token_rows(model, prompts)
    check_request(rows, max_new_tokens, temperature, batch_size)
    generators = row_generators(rows, seed) if temperature > 0 else [None] * len(rows)
    order = sorted(range(len(rows)), key=lambda row: (-len(rows[row]), row))
    continuations: list[list[int]] = [[] for _ in rows]
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        batch = Batch.of(model, [list(rows[row]) for row in chosen], use_cache)
        sampler = Sampler(temperature, [generators[row] for row in chosen])
        for row, tokens in zip(chosen, run(model, batch, sampler, max_new_tokens), strict=True):
            continuations[row] = tokens
    if is_text(prompts):
        return [str(model.tokenizer.decode(tokens)) for tokens in continuations]
    return continuations


def check_request(
    prompts: Sequence[Sequence[int]], max_new_tokens: int, temperature: float, batch_size: int
) -> None:
    """Raise AssayError for what cannot be generated."""
    for row, prompt in enumerate(prompts):
        if len(prompt) == 0:
            raise AssayError(f"prompt {row} is empty; a prompt has at least one token")
    if max_new_tokens < 1 or batch_size < 1:
        raise AssayError(
            f"max_new_tokens is {max_new_tokens} and batch_size {batch_size}; both are at least 1"
        )
    if not 0 <= temperature < float("inf"):
        raise AssayError(f"temperature is {temperature}; it must be 0 or above, and finite")


def row_generators(prompts: Sequence[Sequence[int]], seed: int) -> list[torch.Generator | None]:
    """One random generator for each prompt, named by its tokens and by how often they came before."""
    times: Counter[str] = Counter()
    generators: list[torch.Generator | None] = []
    for prompt in prompts:
        name = sha256_of_json([int(token) for token in prompt])
        generators.append(torch_generator(seed, f"generate/{name}/{times[name]}"))
        times[name] += 1
    return generators


@dataclass
class Batch:
    """Rows that are generated in the same forward passes."""

    tokens: Int[Tensor, "rows position"]
    """int64 ids: the beginning that all prompts share, padding, the rest of each, its continuation."""
    mask: Int[Tensor, "rows position"]
    """1 at tokens, 0 at padding."""
    cache: Any
    """Keys and values of all but the newest tokens, or None to run everything each time."""

    @classmethod
    def of(cls, model: LanguageModel, prompts: list[list[int]], use_cache: bool) -> Batch:
        """Pad prompts to the longest, behind what all of them begin with, which is run once.

        Where a layer has a sliding window nothing may stand between a prompt's tokens: prompts of
        different lengths are padded at their start and share nothing.
        """
        padding = [max(map(len, prompts)) - len(prompt) for prompt in prompts]
        may_share = use_cache and not (any(padding) and model.has_sliding_windows)
        shared = shared_beginning(prompts) if may_share else 0
        tokens = torch.tensor(
            [
                [*p[:shared], *[0] * pad, *p[shared:]]
                for p, pad in zip(prompts, padding, strict=True)
            ]
        )
        mask = torch.ones_like(tokens)
        for row, pad in enumerate(padding):
            mask[row, shared : shared + pad] = 0
        batch = cls(tokens.to(model.device), mask.to(model.device), None)
        if use_cache:
            batch.cache = batch._filled_cache(model, shared)
        return batch

    def _filled_cache(self, model: LanguageModel, shared: int) -> Any:
        """A cache that holds the first ``shared`` tokens, the same for every row."""
        cache = DynamicCache()
        if shared:
            inputs = decoder_inputs(model, self.tokens[:1, :shared])
            run_decoder(model, inputs | {"past_key_values": cache, "use_cache": True})
            cache.batch_repeat_interleave(len(self.tokens))
        return cache

    def next_hidden(self, model: LanguageModel) -> Float[Tensor, "rows d_model"]:
        """The decoder's output at the newest token of each row."""
        inputs = decoder_inputs(model, self.tokens, self.mask)
        if self.cache is not None:
            done = self.cache.get_seq_length()
            inputs |= {"past_key_values": self.cache, "use_cache": True}
            inputs["input_ids"] = inputs["input_ids"][:, done:]
            if "position_ids" in inputs:
                inputs["position_ids"] = inputs["position_ids"][:, done:]
        return run_decoder(model, inputs)[:, -1]

    def append(self, chosen: Int[Tensor, " rows"]) -> None:
        """Put one new token at the end of each row."""
        self.tokens = torch.cat([self.tokens, chosen[:, None]], dim=1)
        self.mask = torch.cat([self.mask, torch.ones_like(chosen)[:, None]], dim=1)

    def keep(self, rows: list[int]) -> None:
        """Drop all other rows."""
        index = torch.tensor(rows, device=self.tokens.device)
        self.tokens, self.mask = self.tokens[index], self.mask[index]
        if self.cache is not None:
            self.cache.batch_select_indices(index)


def shared_beginning(prompts: list[list[int]]) -> int:
    """How many tokens all prompts begin with, leaving at least one of each; 0 where few are shared."""
    if len(prompts) < FEWEST_SHARING:
        return 0
    first, last = min(prompts), max(prompts)
    shared = next(
        (i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b),
        min(len(first), len(last)),
    )
    shared = min(shared, min(map(len, prompts)) - 1)
    return shared if shared >= LEAST_SHARED else 0


@dataclass
class Sampler:
    """How the next token of each row is chosen."""

    temperature: float
    """0 takes the likeliest token."""
    generators: list[torch.Generator | None]
    """One for each row; unused at temperature 0."""

    def choose(self, logits: Float[Tensor, "rows vocabulary"]) -> Int[Tensor, " rows"]:
        """One token for each row: inverse transform sampling, with one uniform number a row."""
        if self.temperature == 0:
            return logits.argmax(dim=-1)
        cumulative = (logits.double() / self.temperature).softmax(dim=-1).cumsum(dim=-1)
        uniform = [torch.rand((), generator=g, dtype=torch.float64) for g in self.generators]
        threshold = torch.stack(uniform).to(logits.device)[:, None] * cumulative[:, -1:]
        chosen = torch.searchsorted(cumulative, threshold, right=True)[:, 0]
        return chosen.clamp(max=logits.shape[-1] - 1)

    def keep(self, rows: list[int]) -> None:
        """Drop all other rows."""
        self.generators = [self.generators[row] for row in rows]


def run(
    model: LanguageModel, batch: Batch, sampler: Sampler, max_new_tokens: int
) -> list[list[int]]:
    """Generate until every row has ended; rows leave the batch as they end."""
    ends = end_tokens(model)
    continuations: list[list[int]] = [[] for _ in range(len(batch.tokens))]
    running = list(range(len(batch.tokens)))
    for step in range(max_new_tokens):
        chosen = sampler.choose(next_token_logits(model, batch.next_hidden(model)))
        batch.append(chosen)
        staying = [i for i, token in enumerate(chosen.tolist()) if token not in ends]
        for i in staying:
            continuations[running[i]].append(int(chosen[i]))
        if not staying or step == max_new_tokens - 1:
            break
        if len(staying) < len(running):
            batch.keep(staying)
            sampler.keep(staying)
            running = [running[i] for i in staying]
    return continuations


def end_tokens(model: LanguageModel) -> frozenset[int]:
    """Ids that end a text: those of the generation configuration and of the tokenizer."""
    configured = getattr(model.module, "generation_config", None)
    ids = getattr(configured, "eos_token_id", None)
    ends = {ids} if isinstance(ids, int) else set(ids or ())
    if model.tokenizer is not None and model.tokenizer.eos_token_id is not None:
        ends.add(model.tokenizer.eos_token_id)
    return frozenset(ends)
