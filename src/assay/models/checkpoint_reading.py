"""Read a checkpoint's configuration, weights and tokenizer: safetensors only, and none of its code."""

from __future__ import annotations

import re
import socket
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from huggingface_hub.constants import ENDPOINT
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from assay.errors import AssayError
from assay.models.locating import Checkpoint
from assay.models.quiet import quiet_transformers

TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "tokenizer_config.json")


def read_config(checkpoint: Checkpoint) -> Any:
    """The checkpoint's configuration. Raises AssayError where it cannot be read."""
    with one_line_errors(checkpoint), quiet_transformers():
        return AutoConfig.from_pretrained(checkpoint.location, **source_options(checkpoint))


_OF_A_LAYER = re.compile(r"\.(?:layers|h|blocks)\.\d+\.(?!.*(?:inv_freq|masked_bias|attn\.bias)$)")
"""A weight inside a block; some checkpoints hold buffers there that are computed and not read."""


def read_weights(checkpoint: Checkpoint, config: Any, dtype: torch.dtype) -> Any:
    """The model with its weights, from safetensors only.

    Raises AssayError where tensors are missing, truncated or of the wrong shape (no weight keeps a
    random initial value), where the checkpoint holds more layers than its configuration says, and for
    quantised weights.
    """
    _refuse_quantised(checkpoint, config)
    with one_line_errors(checkpoint), quiet_transformers():
        module, report = AutoModelForCausalLM.from_pretrained(
            checkpoint.location,
            config=config,
            dtype=dtype,
            use_safetensors=True,
            output_loading_info=True,
            **source_options(checkpoint),
        )
    wrong = sorted(report["missing_keys"]) + sorted(map(str, report["mismatched_keys"]))
    if wrong:
        raise AssayError(
            f"the checkpoint of {checkpoint.name} does not fit its configuration: "
            f"{len(wrong)} tensors are missing or misshapen, such as {wrong[0]}"
        )
    unread = sorted(key for key in map(str, report["unexpected_keys"]) if _OF_A_LAYER.search(key))
    if unread:
        raise AssayError(
            f"the checkpoint of {checkpoint.name} holds layers that its configuration does not have: "
            f"{len(unread)} tensors would go unread, such as {unread[0]}"
        )
    return module


def _refuse_quantised(checkpoint: Checkpoint, config: Any) -> None:
    settings = getattr(config, "quantization_config", None)
    if settings is None:
        return
    found = settings if isinstance(settings, dict) else vars(settings)
    method = found.get("quant_method") or "unknown method"
    raise AssayError(
        f"the weights of {checkpoint.name} are quantised ({getattr(method, 'value', method)}), and "
        "activations of rounded weights are not the model's: give the checkpoint in full precision"
    )


def read_tokenizer(checkpoint: Checkpoint) -> Any:
    """The checkpoint's tokenizer, or None where it has none. Raises AssayError for a broken one."""
    folder = checkpoint.folder
    if folder is not None and not any((folder / name).is_file() for name in TOKENIZER_FILES):
        return None
    try:
        with quiet_transformers():
            return AutoTokenizer.from_pretrained(checkpoint.location, **source_options(checkpoint))
    except OSError:
        if folder is None:  # the hub's repository has none
            return None
        raise
    except Exception as error:  # a damaged tokenizer.json raises nothing more specific
        raise AssayError(
            f"the tokenizer of {checkpoint.name} cannot be read: {first_line(error)}"
        ) from error


def source_options(checkpoint: Checkpoint) -> dict[str, bool]:
    """Options of transformers: run none of its code; ask the hub only where it can be reached."""
    only_here = checkpoint.folder is not None or not hub_has_address()
    return {"trust_remote_code": False, "local_files_only": only_here}


def hub_has_address() -> bool:
    """Whether the hub's host name resolves, or a proxy may resolve it.

    Without this check an offline machine waits half a minute for retries, even for models that are
    in its cache.
    """
    if urllib.request.getproxies():
        return True
    try:
        socket.getaddrinfo(urllib.parse.urlsplit(ENDPOINT).hostname, None)
    except OSError:
        return False
    return True


@contextmanager
def one_line_errors(checkpoint: Checkpoint) -> Iterator[None]:
    """Turn what transformers raises for a checkpoint that it cannot read into an AssayError."""
    try:
        yield
    except SafetensorError as error:
        raise AssayError(
            f"the weights of {checkpoint.name} are truncated or damaged ({first_line(error)}); "
            "fetch them again"
        ) from error
    except (OSError, ValueError) as error:
        raise AssayError(why_unreadable(checkpoint, error)) from error


def why_unreadable(checkpoint: Checkpoint, error: Exception) -> str:
    """One line on why a checkpoint could not be read."""
    folder = checkpoint.folder
    if folder is None:
        return (
            f"cannot load '{checkpoint.name}': it is not a folder and not a catalogue name, "
            "and the model hub cannot be reached or has no such model"
        )
    if not (folder / "config.json").is_file():
        return f"{folder} is not a model folder: it has no config.json"
    if not any(folder.glob("*.safetensors")):
        pickles = " (pickled weights are never read)" if any(folder.glob("*.bin")) else ""
        return f"{folder} has no weights in safetensors format{pickles}"
    return f"cannot load the model in {folder}: {first_line(error)}"


def first_line(error: Exception) -> str:
    """The first line of an error's text, or its type where it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
