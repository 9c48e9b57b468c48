"""One forward pass of the decoder: masks and positions are explicit, nothing is unembedded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from assay.errors import AssayError

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor

    from assay.models.language_model import LanguageModel


def decoder_inputs(
    model: LanguageModel,
    tokens: Int[Tensor, "batch position"],
    attention_mask: Int[Tensor, "batch position"] | None = None,
    position_ids: Int[Tensor, "batch position"] | None = None,
    *,
    first_position: int = 0,
) -> dict[str, Any]:
    """Arguments for one run of the decoder.

    The mask is always explicit: without one, transformers takes position ids that are not
    contiguous for packed sequences, and the content cannot attend to what came before the gap.
    Positions count from ``first_position`` by default, over the tokens that the mask keeps.
    Raises AssayError for tokens, masks or positions that the model cannot take.
    """
    check_tokens(model, tokens)
    tokens = tokens.to(model.device)
    if attention_mask is None:
        attention_mask = torch.ones_like(tokens)
    if attention_mask.shape != tokens.shape:
        raise AssayError(
            f"attention_mask has shape {tuple(attention_mask.shape)}, the tokens have "
            f"{tuple(tokens.shape)}; one entry a token is needed"
        )
    attention_mask = attention_mask.to(model.device, torch.int64)
    if position_ids is None:
        position_ids = (attention_mask.cumsum(-1) - 1).clamp(min=0) + first_position
    if position_ids.shape[-1] != tokens.shape[1]:
        raise AssayError(
            f"position_ids has shape {tuple(position_ids.shape)}, the tokens have "
            f"{tuple(tokens.shape)}; one entry a token is needed"
        )
    position_ids = position_ids.to(model.device).expand(tokens.shape)
    check_positions(model, position_ids)
    inputs: dict[str, Any] = {
        "input_ids": tokens,
        "use_cache": False,
        "attention_mask": attention_mask,
    }
    if model.position_scheme not in ("alibi", "none"):
        inputs["position_ids"] = position_ids
    return inputs


def check_tokens(model: LanguageModel, tokens: Int[Tensor, "batch position"]) -> None:
    """Raise AssayError unless the tokens are a non-empty batch of ids that the model knows."""
    if tokens.dim() != 2 or tokens.numel() == 0 or tokens.is_floating_point():
        raise AssayError(
            f"tokens must be whole numbers of shape [batch, position], not empty; got shape "
            f"{tuple(tokens.shape)} of {tokens.dtype}"
        )
    low, high = (int(bound) for bound in tokens.aminmax())
    if low < 0 or high >= model.vocabulary_size:
        raise AssayError(
            f"token id {low if low < 0 else high} is unknown to {model.name}; "
            f"valid: 0 to {model.vocabulary_size - 1}"
        )


def check_positions(model: LanguageModel, position_ids: Int[Tensor, "batch position"]) -> None:
    """Raise AssayError where a table of learned positions has no such row."""
    if model.position_scheme != "learned_absolute" or model.context_length is None:
        return
    low, high = (int(bound) for bound in position_ids.aminmax())
    if low < 0 or high >= model.context_length:
        raise AssayError(
            f"position {low if low < 0 else high} is outside the learned positions of "
            f"{model.name}; valid: 0 to {model.context_length - 1}"
        )


def run_decoder(
    model: LanguageModel, inputs: dict[str, Any]
) -> Float[Tensor, "batch position d_model"]:
    """The decoder's output after its final norm, without gradients and with dropout off."""
    with torch.no_grad(), evaluating(model.module):
        hidden: Tensor = model.decoder(**inputs).last_hidden_state
    return hidden


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Dropout off inside the block; every submodule's mode is put back after it."""
    training = [child for child in module.modules() if child.training] if module.training else []
    for child in training:
        child.training = False
    try:
        yield
    finally:
        for child in training:
            child.training = True
