"""`assay position`: the audit of a dictionary, or of activations that the user supplies."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from assay.dictionaries import DecodedContexts, LoadedDictionary, check_fit, load_dictionary
from assay.errors import AssayError
from assay.files import atomic_file, disk_error
from assay.models import LanguageModel, Site, load_model
from assay.pipeline.dictionary_source import dictionary_inputs
from assay.pipeline.stages.position_stage import audit_with_contexts
from assay.position import (
    SEPARATED_ACTIVATION,
    SEPARATED_FEATURES,
    CrossedSizes,
    PositionResult,
    audit_activations,
    position_evidence,
)
from assay.reporting import Fact, Page, write_page
from assay.text import Corpus, Crops, read_corpus
from assay.text.split_text import SplitText

HTML = "position.html"
SUPPLIED = "supplied"
"""Name of the split of a text that the user supplies, which may not be held out."""


@dataclass(frozen=True)
class AuditRequest:
    """The arguments of `assay position`."""

    model: str
    """A catalogue name, a folder, or a hub id."""
    dictionary: Path
    """The dictionary's folder."""
    text: str
    """Corpus by name, or a file."""
    rows: int
    """Number of random crops."""
    length: int
    """Tokens of a crop."""
    causal: CrossedSizes | None
    """Sizes of the causal design; None leaves it out."""
    site: str | None
    """Hook site; None: the site that the dictionary states."""
    adapter: str | None
    """A PEFT folder laid over the model."""
    dtype: str | None
    """Dtype of the forward pass."""
    seed: int
    """Seed of every random draw."""


def audit_dictionary(request: AuditRequest, out: Path) -> PositionResult:
    """Audit a dictionary on a whole text: ``position.json`` and ``position.html`` in ``out``.

    Raises AssayError for bad input, with nothing written.
    """
    loaded = load_dictionary(request.dictionary)
    name = request.site or loaded.metadata.site
    if name is None:
        raise AssayError(
            f"{request.dictionary} does not state its site; give --site, such as resid_post.15"
        )
    site = Site.parse(name)
    corpus = read_corpus(request.text)
    model = load_model(request.model, adapter=request.adapter, dtype=request.dtype)
    model.check_site(site)
    check_fit(loaded, model, site)
    text = SplitText(corpus, 1.0, request.seed)
    crops = text.held_out_crops(model, request.rows, request.length)
    with _published(out, (PositionResult.FILE, HTML)) as folder:
        result, contexts = audit_with_contexts(
            model, loaded, site, crops, causal=request.causal, seed=request.seed
        )
        result.write(folder)
        page = _page(model, loaded, result, corpus, crops=crops, contexts=contexts)
        write_page(folder / HTML, page)
    return result


def audit_supplied(activations: Path, out: Path, seed: int) -> PositionResult:
    """Audit ``activations[documents, positions, features]`` of a safetensors file, observationally.

    Raises AssayError for bad input, with nothing written.
    """
    audit = audit_activations(activations, seed=seed)
    result = audit.result()
    page = Page(
        title=activations.name,
        facts=[
            Fact("activations", str(activations)),
            Fact("documents", f"{audit.observational.rows:,} rows of {audit.observational.length}"),
            Fact("seed", str(seed)),
        ],
        evidence=[],
        headline=[],
        position=result,
    )
    with _published(out, (PositionResult.FILE, HTML)) as folder:
        result.write(folder)
        write_page(folder / HTML, page)
    return result


def _page(
    model: LanguageModel,
    loaded: LoadedDictionary,
    result: PositionResult,
    corpus: Corpus,
    *,
    crops: Crops,
    contexts: DecodedContexts,
) -> Page:
    inputs = dictionary_inputs(model, loaded) | {"text": corpus.sha256}
    dictionary = loaded.dictionary
    return Page(
        title=f"{result.site} of {model.name}",
        facts=[
            Fact("model", model.name),
            Fact("site", str(result.site)),
            Fact("dictionary", f"{dictionary.architecture}, {dictionary.width:,} features"),
            Fact("text", f"{corpus.name}: {len(corpus.documents):,} documents"),
            Fact("read", f"{len(crops):,} random crops of {crops.tokens.shape[1]} tokens"),
            Fact("left out", result.left_out),
            Fact("seed", str(result.seed)),
        ],
        evidence=position_evidence(result, inputs, SUPPLIED),
        headline=[SEPARATED_FEATURES, SEPARATED_ACTIVATION],
        position=result,
        contexts=contexts,
        notes=[corpus.note] if corpus.note else [],
    )


@contextlib.contextmanager
def _published(out: Path, files: tuple[str, ...]) -> Iterator[Path]:
    """Yield a temporary folder; on success copy its ``files`` into ``out``."""
    with tempfile.TemporaryDirectory(prefix="assay-audit-") as working:
        yield Path(working)
        try:
            for name in files:
                # Atomic also where the temporary folder is on another file system.
                with atomic_file(out / name) as aside:
                    shutil.copyfile(Path(working) / name, aside)
        except OSError as error:
            raise disk_error(error, out) from error
