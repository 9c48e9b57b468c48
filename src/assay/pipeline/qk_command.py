"""`assay qk`: the query–key dictionary of one layer, trained, measured and drawn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assay.attention import (
    QKResult,
    QKSettings,
    attention_layer,
    measure_qk,
    read_attention,
    train_qk,
)
from assay.attention.qk_source import QKSource
from assay.errors import AssayError
from assay.files import atomic_folder
from assay.models import load_model
from assay.reporting import write_qk_page
from assay.text import read_corpus
from assay.text.split_text import SplitText

HTML = "qk.html"
HELD_OUT = 0.5
"""Share of the documents on which every figure is measured."""


@dataclass(frozen=True)
class QKRequest:
    """The arguments of `assay qk`."""

    model: str
    """A catalogue name, a folder, or a hub id."""
    layer: int
    """Index of the layer."""
    text: str
    """Corpus by name, several joined by '+', or a file."""
    tokens: int
    """Tokens to learn from."""
    length: int
    """Tokens of a crop."""
    rows: int
    """Held-out crops to measure on."""
    settings: QKSettings
    """Settings of the training."""
    adapter: str | None
    """A PEFT folder laid over the model."""
    dtype: str | None
    """Dtype of the forward pass."""
    seed: int
    """Seed of every random draw."""


def explain_attention(request: QKRequest, out: Path) -> QKResult:
    """Train and measure; writes ``qk.json``, ``qk.html`` and the dictionary into ``out``.

    Raises AssayError for bad input, with nothing written: a folder that holds something, a layer or a
    family whose attention is not known, and a text that is too short.
    """
    if out.exists() and any(out.iterdir()):
        raise AssayError(f"{out} exists and is not empty; name another folder for the dictionary")
    corpus = read_corpus(request.text)
    model = load_model(request.model, adapter=request.adapter, dtype=request.dtype)
    attention = attention_layer(model, request.layer)
    text = SplitText(corpus, HELD_OUT, request.seed)
    training = text.training_crops(model, request.tokens, request.length)
    held_out = text.held_out_crops(model, request.rows, request.length)
    learned_from = read_attention(model, attention, training.tokens, "training text")
    sample = read_attention(model, attention, held_out.tokens, "held-out text")
    learned, baseline = train_qk(attention, learned_from, request.settings, request.seed)
    source = QKSource(
        model=model,
        attention=attention,
        training=learned_from,
        held_out=sample,
        crops=held_out,
        text=corpus.name,
        settings=request.settings,
        seed=request.seed,
        inputs={"model": model.fingerprint, "text": corpus.sha256},
    )
    result = measure_qk(source, learned, baseline)
    with atomic_folder(out) as folder:
        learned.save(folder)
        result.write(folder)
        write_qk_page(folder / HTML, result)
    return result
