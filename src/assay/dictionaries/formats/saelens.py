"""SAELens folders: ``cfg.json`` and ``sae_weights.safetensors``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from assay.dictionaries.batch_topk import BatchTopK
from assay.dictionaries.dictionary import Dictionary
from assay.dictionaries.formats.folder_format import FolderFormat
from assay.dictionaries.formats.metadata import DictionaryMetadata, LoadedDictionary
from assay.dictionaries.formats.weights import (
    Weights,
    bias_of_plain_input,
    fill,
    read_settings,
    refuse,
    setting,
)
from assay.dictionaries.jumprelu import JumpReLU
from assay.dictionaries.matryoshka import Matryoshka
from assay.dictionaries.relu_l1 import ReluL1
from assay.dictionaries.topk import TopK
from assay.errors import AssayError
from assay.files import read_safetensors, sha256_of
from assay.models.sites import Site

SETTINGS = "cfg.json"
WEIGHTS = "sae_weights.safetensors"
READABLE = ("standard", "topk", "jumprelu", "batchtopk", "matryoshka_batchtopk")
"""SAELens's architectures that have an equivalent in Assay."""
UNSUPPORTED = {
    "transcoder": "it predicts another site's activations; only autoencoders are read",
    "skip_transcoder": "it predicts another site's activations; only autoencoders are read",
    "jumprelu_transcoder": "it predicts another site's activations; only autoencoders are read",
    "jumprelu_skip_transcoder": "it predicts another site's activations",
    "gated": "its gate and magnitude differ, which no architecture here can hold",
    "abstopk": "its codes may be negative, which no architecture here can hold",
    "matching_pursuit": "its codes come from a loop over residuals",
    "temporal": "its codes depend on earlier tokens",
}
NORMALISATIONS = {
    "expected_average_only_in": "its factor is not in the folder; fold it into the weights with "
    "SAELens (fold_activation_norm_scaling_factor) and save again",
    "constant_norm_rescale": "every row is divided by its own norm, which cannot be folded",
    "layer_norm": "every row is divided by its own spread, which cannot be folded",
    "covariance_whitening": "its matrix is not in the folder; fold it with SAELens and save again",
}


PROCESSING = {
    "center_writing_weights": "it takes the mean off what is written to the residual stream, so that "
    "the dictionary reads other activations than the model's own",
    "fold_value_biases": "it moves the biases of the values, so that z is not the model's own",
    "refactor_factored_attn_matrices": "it rotates queries, keys and values",
}
"""Weight processing by TransformerLens that changes activations, and how."""
HARMLESS_PROCESSING = (
    *("fold_ln", "center_unembed", "dtype", "torch_dtype", "device", "move_to_device"),
    *("n_devices", "revision", "trust_remote_code", "default_padding_side", "checkpoint_index"),
)
"""Settings of the model that leave the activations at hook sites as they are."""


def read_saelens(folder: Path) -> LoadedDictionary:
    """Read a SAELens autoencoder.

    SAELens saves BatchTopK and Matryoshka as JumpReLU with a constant threshold; they are read as
    JumpReLU.
    Raises AssayError, with the reason, for what cannot be honoured exactly.
    """
    path = folder / SETTINGS
    config = _modern(read_settings(path))
    architecture = config.get("architecture", "standard")
    _check(config, architecture, path)
    weights = Weights(read_safetensors(folder / WEIGHTS), folder / WEIGHTS)
    dictionary = _dictionary(config, architecture, weights, path)
    described = config.get("metadata") or config
    metadata = DictionaryMetadata(
        source="saelens",
        model=described.get("model_name"),
        site=_site(described.get("hook_name"), described.get("hook_head_index")),
        hashes={"weights": sha256_of(folder / WEIGHTS)},
    )
    return LoadedDictionary(dictionary, metadata)


def _modern(config: dict[str, Any]) -> dict[str, Any]:
    """Settings of versions before 6 under their present names."""
    config = dict(config)
    for old, new in (
        ("hook_point", "hook_name"),
        ("hook_point_head_index", "hook_head_index"),
        ("activation_fn_str", "activation_fn"),
    ):
        if old in config and new not in config:
            config[new] = config[old]
    if config.get("activation_fn") == "topk" and config.get("activation_fn_kwargs", {}).get("k"):
        config["architecture"], config["k"] = "topk", config["activation_fn_kwargs"]["k"]
    if isinstance(config.get("normalize_activations"), bool):
        folded = not config["normalize_activations"]
        config["normalize_activations"] = "none" if folded else "expected_average_only_in"
    return config


def _check(config: dict[str, Any], architecture: str, path: Path) -> None:
    if architecture not in READABLE:
        reason = UNSUPPORTED.get(architecture, f"read are {', '.join(READABLE)}")
        raise refuse(path, f"architecture '{architecture}'", reason)
    if config.get("d_out", config["d_in"]) != config["d_in"]:
        raise refuse(path, "a transcoder", "it predicts another site's activations")
    _check_processing(config, path)
    normalisation = config.get("normalize_activations") or "none"
    if normalisation != "none":
        reason = NORMALISATIONS.get(normalisation, "its meaning is not known")
        raise refuse(path, f"normalize_activations '{normalisation}'", reason)
    activation = config.get("activation_fn", "relu")
    if architecture == "standard" and activation != "relu":
        raise refuse(path, f"activation function '{activation}'", "only relu is")


def _check_processing(config: dict[str, Any], path: Path) -> None:
    """Refuse weight processing of the model that changes what a dictionary reads."""
    described = {**config, **(config.get("metadata") or {})}
    for name, value in (described.get("model_from_pretrained_kwargs") or {}).items():
        if not value or name in HARMLESS_PROCESSING:
            continue
        reason = PROCESSING.get(name, "what it does to the model's activations is not known")
        raise refuse(path, f"model_from_pretrained_kwargs '{name}: {value}'", reason)


def _dictionary(
    config: dict[str, Any], architecture: str, weights: Weights, path: Path
) -> Dictionary:
    d_in, width = int(setting(config, "d_in", path)), int(setting(config, "d_sae", path))
    W_enc = weights.take("W_enc", d_in, width).T.contiguous()
    b_enc, b_dec = weights.take("b_enc", width), weights.take("b_dec", d_in)
    W_dec = weights.take("W_dec", width, d_in)
    if "scaling_factor" in weights.tensors:
        factor = weights.take("scaling_factor", width)
        if not torch.allclose(factor, torch.ones_like(factor)):
            raise refuse(path, "a finetuning scaling factor", "fold it into W_dec and save again")
    if not config.get("apply_b_dec_to_input", True):
        b_enc = bias_of_plain_input(W_enc, b_enc, b_dec)
    trained = architecture in ("batchtopk", "matryoshka_batchtopk")
    if config.get("rescale_acts_by_decoder_norm", trained):
        # SAELens measures and selects codes in units of their decoder row's norm.
        norms = torch.linalg.vector_norm(W_dec, dim=1)
        W_enc, b_enc = W_enc * norms.unsqueeze(1), b_enc * norms
        # A row of norm 0 adds nothing and is never selected: its code is 0.
        W_dec = W_dec / norms.where(norms > 0, 1.0).unsqueeze(1)
    common = {"W_enc": W_enc, "b_enc": b_enc, "W_dec": W_dec, "b_dec": b_dec}
    if architecture == "standard":
        return fill(ReluL1(d_in, width), **common)
    if architecture == "jumprelu":
        # Their codes are ReLU'd as well, so that a negative threshold acts as 0.
        threshold = weights.take("threshold", width).clamp(min=0)
        return fill(JumpReLU(d_in, width), threshold=threshold, **common)
    k = float(setting(config, "k", path))
    if k != int(k):
        raise refuse(path, f"k = {k}", "only whole numbers are")
    if architecture == "topk":
        return fill(TopK(d_in, width, k=int(k)), **common)
    threshold = weights.take("topk_threshold").clamp(min=0)
    if architecture == "batchtopk":
        return fill(BatchTopK(d_in, width, k=int(k)), threshold=threshold, **common)
    prefixes = setting(config, "matryoshka_widths", path)
    dictionary = Matryoshka(d_in, width, k=int(k), prefixes=prefixes)
    return fill(dictionary, threshold=threshold, **common)


def _site(hook: str | None, head: int | None) -> str | None:
    if hook is None:
        return None
    try:
        site = str(Site.parse(hook))
    except AssayError:
        return hook
    return site if head is None else f"{site}.h{head}"


def saelens_settings(dictionary: Dictionary, metadata: DictionaryMetadata) -> dict[str, Any]:
    """The ``cfg.json`` with which SAELens loads this dictionary.

    SAELens refuses an architecture for which it has no name.
    """
    architecture = dictionary.saelens_architecture or dictionary.architecture
    hook, head = hook_name(metadata.site)
    config: dict[str, Any] = {
        "architecture": architecture,
        "d_in": dictionary.d_in,
        "d_sae": dictionary.width,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": True,
        "normalize_activations": "none",
        "reshape_activations": "hook_z" if hook is not None and "hook_z" in hook else "none",
        "metadata": {
            # Their reader takes settings without a version for those of an old release.
            "sae_lens_version": "6.0.0",
            "model_name": metadata.model,
            "hook_name": hook,
            "hook_head_index": head,
            "prepend_bos": metadata.first_token is not None,
        },
    }
    if architecture == "topk":
        config |= {"k": dictionary.options["k"], "rescale_acts_by_decoder_norm": False}
    return config


def saelens_tensors(dictionary: Dictionary) -> dict[str, Tensor]:
    """The tensors of ``sae_weights.safetensors``."""
    tensors: dict[str, Tensor] = {
        "W_enc": dictionary.W_enc.T,
        "b_enc": dictionary.b_enc,
        "W_dec": dictionary.W_dec,
        "b_dec": dictionary.b_dec,
    }
    tensors |= dictionary.extra_tensors()
    return {name: tensor.detach().float().cpu().contiguous() for name, tensor in tensors.items()}


def hook_name(site: str | None) -> tuple[str | None, int | None]:
    """TransformerLens's name of a site, and its head."""
    if site is None:
        return None, None
    try:
        parsed = Site.parse(site)
    except AssayError:
        return site, None
    within = "attn." if parsed.kind in ("q", "k", "v", "z") else ""
    return f"blocks.{parsed.layer}.{within}hook_{parsed.kind}", parsed.head


SAELENS = FolderFormat(files=(SETTINGS, WEIGHTS), read=read_saelens)
"""SAELens's folders."""
