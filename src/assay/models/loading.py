"""Open a model: by catalogue name, folder or hub id, or one that is in memory already."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import AssayError
from assay.models import catalogue
from assay.models.architectures import Architecture, architecture_of
from assay.models.language_model import LanguageModel

if TYPE_CHECKING:
    import torch
    from torch import nn

DTYPES = ("float32", "bfloat16", "float16")


def load_model(
    name: str,
    *,
    adapter: str | Path | None = None,
    dtype: str | torch.dtype | None = None,
    device: str | torch.device | None = None,
) -> LanguageModel:
    """Load a causal language model, and a LoRA adapter over it, ready for inference.

    ``name`` is a catalogue name, a folder that transformers' ``save_pretrained`` wrote, or a hub
    id. ``adapter`` is a PEFT folder. ``dtype`` is "float32", "bfloat16" or "float16"; by default
    the checkpoint's own, except that a CPU without AVX512-BF16 gets float32. ``device`` is the
    first GPU by default, else the CPU. Only safetensors are read, and no code from checkpoints.
    Raises AssayError for a name that is none of the three, an unreachable hub, an unknown family,
    and files that are missing, damaged or do not fit.
    """
    import torch

    place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    folder, recorded = locate(name)
    config = read_config(folder, name)
    architecture = architecture_of(config.model_type)
    module = read_weights(folder, name, config, chosen_dtype(dtype, config, place)).to(place)
    tokenizer = read_tokenizer(folder)
    adapter_hash = None
    if adapter is not None:
        from assay.models.adapters import apply_adapter

        module, adapter_hash = apply_adapter(module, Path(adapter), name)
    return describe(name, module.eval(), tokenizer, architecture, recorded, adapter_hash)


def wrap_model(
    module: nn.Module,
    tokenizer: Any = None,
    *,
    name: str = "model in memory",
    architecture: Architecture | None = None,
) -> LanguageModel:
    """Describe a transformers causal language model that is in memory; nothing is copied.

    A PEFT model is opened up to the model under it, adapter layers in place. ``architecture``
    replaces the table's row for the model's family, for models of one's own that transformers
    does not have. The module's training mode is left as it is: reading turns dropout off for its
    own duration. Raises AssayError for an unknown family.
    """
    whole: Any = module
    if hasattr(whole, "peft_config") and hasattr(whole, "get_base_model"):
        whole = whole.get_base_model()
    row = architecture or architecture_of(whole.config.model_type)
    return describe(name, whole, tokenizer, row)


def describe(
    name: str,
    module: nn.Module,
    tokenizer: Any,
    architecture: Architecture,
    recorded_base_sha256: str | None = None,
    adapter_sha256: str | None = None,
) -> LanguageModel:
    """The model's sizes, from its configuration."""
    config: Any = module.config
    heads = config.num_attention_heads
    return LanguageModel(
        name=name,
        module=module,
        tokenizer=tokenizer,
        architecture=architecture,
        n_layers=config.num_hidden_layers,
        d_model=config.hidden_size,
        n_heads=heads,
        n_kv_heads=getattr(config, "num_key_value_heads", None) or heads,
        head_dim=getattr(config, "head_dim", None) or config.hidden_size // heads,
        context_length=getattr(config, "max_position_embeddings", None),
        vocabulary_size=config.vocab_size,
        recorded_base_sha256=recorded_base_sha256,
        adapter_sha256=adapter_sha256,
    )


def locate(name: str) -> tuple[str, str | None]:
    """Where transformers finds the model, and the hash of its weights where it is on record."""
    if name in catalogue.CATALOGUE:
        folder = catalogue.fetch(name)
        return str(folder), catalogue.recorded_weights_sha256(folder)
    if Path(name).is_dir():
        return name, None
    if name.count("/") == 1 and not name.startswith((".", "/", "~")) and " " not in name:
        return name, None
    raise AssayError(
        f"no model '{name}': it is not a folder, not a catalogue name "
        f"({', '.join(sorted(catalogue.CATALOGUE))}) and not a hub id such as owner/model"
    )


def read_config(folder: str, name: str) -> Any:
    """The checkpoint's configuration."""
    from transformers import AutoConfig

    with one_line_errors(name):
        return AutoConfig.from_pretrained(folder, trust_remote_code=False)


def read_weights(folder: str, name: str, config: Any, dtype: torch.dtype) -> Any:
    """The checkpoint's weights, every one of them present, from safetensors only."""
    from transformers import AutoModelForCausalLM

    with one_line_errors(name), quiet_transformers():
        module, report = AutoModelForCausalLM.from_pretrained(
            folder,
            config=config,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    wrong = sorted(report["missing_keys"]) + sorted(map(str, report["mismatched_keys"]))
    if wrong:
        raise AssayError(
            f"the checkpoint of {name} does not fit its configuration: "
            f"{len(wrong)} tensors are missing or misshapen, such as {wrong[0]}"
        )
    return module


def read_tokenizer(folder: str) -> Any:
    """The checkpoint's tokenizer, or None where it has none."""
    from transformers import AutoTokenizer

    try:
        with quiet_transformers():
            return AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except (OSError, ValueError, KeyError):
        return None


def chosen_dtype(dtype: str | torch.dtype | None, config: Any, place: torch.device) -> torch.dtype:
    """The dtype asked for, or the one that suits checkpoint and machine."""
    import torch

    if dtype is not None:
        wanted = str(dtype).removeprefix("torch.")
        if wanted not in DTYPES:
            raise AssayError(f"unknown dtype '{wanted}'; valid: {', '.join(DTYPES)}")
        return getattr(torch, wanted)
    stored = getattr(config, "dtype", None)
    if stored not in (torch.bfloat16, torch.float16):
        return torch.float32
    if place.type != "cpu":
        return stored
    # Half precision on a CPU pays only where the CPU multiplies bf16 itself.
    fast = stored == torch.bfloat16 and cpu_multiplies_bf16()
    return torch.bfloat16 if fast else torch.float32


def cpu_multiplies_bf16() -> bool:
    """Whether the CPU has AVX512-BF16 or AMX-BF16 instructions."""
    import torch

    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(supported and supported())


@contextmanager
def one_line_errors(name: str) -> Iterator[None]:
    """Turn what transformers raises for a checkpoint that it cannot read into an AssayError."""
    from safetensors import SafetensorError

    try:
        yield
    except SafetensorError as error:
        raise AssayError(
            f"the weights of {name} are truncated or damaged ({error}); fetch them again"
        ) from error
    except (OSError, ValueError) as error:
        raise AssayError(why_unreadable(name, error)) from error


def why_unreadable(name: str, error: Exception) -> str:
    """One line on why a checkpoint could not be read."""
    if not Path(name).is_dir():
        return (
            f"cannot load '{name}': it is not a folder and not a catalogue name, and the model hub "
            "cannot be reached or has no such model"
        )
    folder = Path(name)
    if not (folder / "config.json").is_file():
        return f"{folder} is not a model folder: it has no config.json"
    if not any(folder.glob("*.safetensors")):
        pickles = " (pickled weights are never read)" if any(folder.glob("*.bin")) else ""
        return f"{folder} has no weights in safetensors format{pickles}"
    first_line = (str(error).strip() or type(error).__name__).splitlines()[0]
    return f"cannot load the model in {folder}: {first_line}"


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """No progress bars and no remarks from transformers inside the block."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
