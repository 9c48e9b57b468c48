"""Time `harvest` against the bare forward pass truncated at the same layer, taking turns.

Run with Assay's own environment: python benchmarks/harvest.py
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import torch
from machine import describe_machine
from results_file import write_section

from assay.activations import harvest
from assay.models import LanguageModel, Site, load_model
from assay.text import Crops, random_crops, read_corpus

HERE = Path(__file__).parent
TARGET = 0.9
CROPS_PER_FORWARD = 32


def bare_pass(model: LanguageModel, layers: int, crops: Crops) -> float:
    """Seconds for transformers' own decoder, cut to the first layers, without hooks or writing."""
    decoder = model.module.model
    whole, norm = decoder.layers, decoder.norm
    decoder.layers, decoder.norm = whole[:layers], torch.nn.Identity()
    begun = time.perf_counter()
    with torch.inference_mode():
        for start in range(0, len(crops), CROPS_PER_FORWARD):
            tokens = crops.tokens[start : start + CROPS_PER_FORWARD].to(model.device)
            decoder(tokens, use_cache=False)
    if model.device.type == "cuda":
        torch.cuda.synchronize(model.device)
    taken = time.perf_counter() - begun
    decoder.layers, decoder.norm = whole, norm
    return taken


def harvest_pass(model: LanguageModel, site: Site, crops: Crops) -> float:
    """Seconds for a whole harvest, shards written and synced to disk."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        harvest(model, site, crops, Path(folder) / "out", text="x", text_sha256="x", seed=0)
        return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--tokens", type=int, default=16_384, help="tokens a turn")
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--site", default="resid_post.15")
    options = parser.parse_args()
    model = load_model("smollm2-135m-instruct")
    site = Site.parse(options.site)
    documents = read_corpus("stdlib-code").documents
    crops = random_crops(
        model.tokenizer,
        documents,
        length=128,
        rows=options.tokens // 128,
        first_token=model.bos_token_id,
        seed=0,
    )
    bare_pass(model, site.layer + 1, crops.rows(0, CROPS_PER_FORWARD))
    pairs = []
    for _ in range(options.turns):
        bare = bare_pass(model, site.layer + 1, crops)
        pairs.append((bare, harvest_pass(model, site, crops)))
    ratios = sorted(bare / taken for bare, taken in pairs)
    rates = [sorted(options.tokens / pair[i] for pair in pairs) for i in (0, 1)]
    middle = options.turns // 2
    lines = [
        describe_machine() + ".",
        "",
        f"{options.site} of {model.name}, {options.tokens:,} tokens a turn, {options.turns} turns of "
        "each, alternating; shards written and synced to disk.",
        "",
        "| what | tokens/s, median | least–most |",
        "|---|---|---|",
        f"| bare truncated forward pass | {rates[0][middle]:,.0f} | {rates[0][0]:,.0f}–"
        f"{rates[0][-1]:,.0f} |",
        f"| harvest | {rates[1][middle]:,.0f} | {rates[1][0]:,.0f}–{rates[1][-1]:,.0f} |",
        "",
        f"Harvest at {ratios[middle]:.2f} of the bare pass ({ratios[0]:.2f}–{ratios[-1]:.2f}); "
        f"target {TARGET}: {'reached' if ratios[middle] >= TARGET else 'missed'}.",
    ]
    print("\n".join(lines))
    write_section(HERE / "RESULTS.md", "harvest", "Harvest", lines)
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    figures = {"pairs_seconds": pairs, "ratio_median": ratios[middle]}
    (results / "harvest.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
