"""`assay position`: an audit on its own, of a dictionary or of activations that a user brings."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import AssayError
from assay.files import disk_error, read_json, write_json
from assay.models.sites import Site
from assay.pipeline import names
from assay.pipeline.case import CausalSizes
from assay.pipeline.opened import evidence_inputs
from assay.pipeline.position import POSITION, audit_to_folder, position_evidence
from assay.pipeline.texts import SplitText

if TYPE_CHECKING:
    from assay.dictionaries import LoadedDictionary
    from assay.models import LanguageModel
    from assay.position import PositionAudit
    from assay.text import Corpus, Crops

HTML = "position.html"
SUPPLIED = "supplied"
"""The split of text that the user supplies: whether it is held out is for the user to know."""


def audit_dictionary(
    model_name: str,
    dictionary: Path,
    text: str,
    out: Path,
    rows: int,
    length: int,
    sizes: CausalSizes | None,
    site_name: str | None,
    *,
    adapter: str | None,
    dtype: str | None,
    seed: int,
) -> dict[str, Any]:
    """Audit a dictionary on a whole text: ``position.json`` and ``position.html`` in ``out``.

    ``sizes`` None leaves the causal design out. Returns the content of position.json.
    Raises AssayError for bad input, with nothing written.
    """
    from assay.dictionaries import check_fit, load_dictionary
    from assay.models import load_model
    from assay.text import read_corpus

    loaded = load_dictionary(dictionary)
    name = site_name or loaded.metadata.site
    if name is None:
        raise AssayError(f"{dictionary} does not say its site; give --site, such as resid_post.15")
    site = Site.parse(name)
    corpus = read_corpus(text)
    model = load_model(model_name, adapter=adapter, dtype=dtype)
    model.check_site(site)
    check_fit(loaded, model, site)
    crops = SplitText(corpus, 1.0, seed).held_out_crops(model, rows, length)
    with _published(out, (POSITION, HTML)) as folder:
        audit = audit_to_folder(model, loaded, site, crops, sizes, seed, folder)
        _draw(folder, audit, model, loaded, site, crops, corpus)
    result: dict[str, Any] = read_json(out / POSITION)
    return result


def audit_supplied(activations: Path, out: Path, seed: int) -> dict[str, Any]:
    """Audit ``activations[documents, positions, features]`` of a safetensors file, observationally.

    Returns the content of position.json. Raises AssayError for bad input, with nothing written.
    """
    from assay.position import audit_activations, position_json
    from assay.reporting.page import Page, write_page

    audit = audit_activations(activations, seed=seed)
    result = position_json(audit)
    page = Page(
        title=activations.name,
        facts=[
            ("activations", str(activations)),
            ("documents", f"{audit.observational.rows:,} rows of {audit.observational.length}"),
            ("seed", str(seed)),
        ],
        evidence=[],
        headline=[],
        position=result,
    )
    with _published(out, (POSITION, HTML)) as folder:
        write_json(folder / POSITION, result)
        write_page(folder / HTML, page)
    return result


def _draw(
    folder: Path,
    audit: PositionAudit,
    model: LanguageModel,
    loaded: LoadedDictionary,
    site: Site,
    crops: Crops,
    corpus: Corpus,
) -> None:
    from assay.dictionaries import DecodedContexts
    from assay.reporting.feature_table import examples_of_page
    from assay.reporting.page import Page, write_page

    inputs = evidence_inputs(model, corpus, loaded)
    page = Page(
        title=f"{site} of {model.name}",
        facts=[
            ("model", model.name),
            ("site", str(site)),
            (
                "dictionary",
                f"{loaded.dictionary.architecture}, {loaded.dictionary.width:,} features",
            ),
            ("text", f"{corpus.name}: {len(corpus.documents):,} documents"),
            ("read", f"{len(crops):,} random crops of {crops.tokens.shape[1]} tokens"),
            ("left out", audit.left_out),
            ("seed", str(audit.seed)),
        ],
        evidence=position_evidence(audit, inputs, SUPPLIED),
        headline=[names.WELL_SEPARATED, names.WELL_SEPARATED_WEIGHTED],
        position=read_json(folder / POSITION),
        examples=examples_of_page(DecodedContexts.read(folder)),
        notes=[corpus.note] if corpus.note else [],
    )
    write_page(folder / HTML, page)


@contextlib.contextmanager
def _published(out: Path, files: tuple[str, ...]) -> Iterator[Path]:
    """Yield a folder to work in; when all went well, its ``files`` are moved into ``out``."""
    with tempfile.TemporaryDirectory(prefix="assay-audit-") as working:
        yield Path(working)
        try:
            for name in files:
                _move(Path(working) / name, out / name)
        except OSError as error:
            raise disk_error(error, out) from error


def _move(source: Path, target: Path) -> None:
    """Put a file in its place atomically, also across file systems."""
    import shutil

    from assay.files import atomic_file

    with atomic_file(target) as aside:
        shutil.copyfile(source, aside)
