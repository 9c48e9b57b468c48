"""sparsify folders: ``<run>/<hookpoint>/cfg.json`` and ``sae.safetensors``."""

from __future__ import annotations

import re
from pathlib import Path

from assay.dictionaries.formats.folder_format import FolderFormat
from assay.dictionaries.formats.metadata import DictionaryMetadata, LoadedDictionary
from assay.dictionaries.formats.weights import Weights, fill, read_settings, refuse, setting
from assay.dictionaries.topk import TopK
from assay.files import read_safetensors, sha256_of

SETTINGS = "cfg.json"
WEIGHTS = "sae.safetensors"
_HOOKPOINT = re.compile(r"(?:^|\.)(?:layers|h)\.(?P<layer>\d+)(?:\.(?P<part>mlp))?$")


def read_sparsify(folder: Path) -> LoadedDictionary:
    """Read a sparsify sparse coder, which is a TopK dictionary.

    Raises AssayError, with the reason, for transcoders, skip connections, signed codes and GroupMax.
    """
    path = folder / SETTINGS
    config = read_settings(path)
    if config.get("transcode"):
        raise refuse(path, "a transcoder", "it predicts another site's activations")
    if config.get("skip_connection"):
        raise refuse(path, "a skip connection", "no architecture here has one")
    if config.get("signed"):
        raise refuse(path, "signed codes", "codes that may be negative cannot be held here")
    activation = config.get("activation", "topk")
    if activation != "topk":
        raise refuse(path, f"activation '{activation}'", "only topk is")
    d_in = int(setting(config, "d_in", path))
    # 0 stands for the expansion factor.
    width = int(config.get("num_latents") or d_in * setting(config, "expansion_factor", path))
    weights = Weights(read_safetensors(folder / WEIGHTS), folder / WEIGHTS)
    dictionary = fill(
        TopK(d_in, width, k=int(setting(config, "k", path))),
        W_enc=weights.take("encoder.weight", width, d_in),
        b_enc=weights.take("encoder.bias", width),
        W_dec=weights.take("W_dec", width, d_in),
        b_dec=weights.take("b_dec", d_in),
    )
    metadata = DictionaryMetadata(
        source="sparsify",
        site=_site(folder.resolve().name),
        hashes={"weights": sha256_of(folder / WEIGHTS)},
    )
    return LoadedDictionary(dictionary, metadata)


def _site(hookpoint: str) -> str:
    """A hookpoint is a module, and the activations are its output."""
    match = _HOOKPOINT.search(hookpoint)
    if match is None:
        return hookpoint
    kind = "mlp_out" if match["part"] else "resid_post"
    return f"{kind}.{match['layer']}"


SPARSIFY = FolderFormat(files=(SETTINGS, WEIGHTS), read=read_sparsify)
"""sparsify's folders."""
