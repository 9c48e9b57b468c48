"""Measure how good a dictionary is on held-out text, and what the attention sink holds there."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from assay.activations import Estimate, ResidualSums, left_out, median_norm
from assay.dictionaries.dictionary import Dictionary
from assay.dictionaries.fit_to_model import check_fit
from assay.dictionaries.formats.metadata import LoadedDictionary
from assay.dictionaries.quality_result import QualityResult, SplicedCrossEntropy
from assay.dictionaries.reconstruction import reconstruction_quality
from assay.dictionaries.splicing import CrossEntropyRecovered, cross_entropy_recovered
from assay.errors import AssayError
from assay.models import LanguageModel, Site, capture
from assay.progress import progress
from assay.randomness import numpy_generator
from assay.statistics import assign_groups, jackknife_interval
from assay.text import Crops

GROUPS = 32
"""Groups of documents for the jackknife."""
CROPS_PER_FORWARD = 32
"""Crops in one forward pass."""


def measure_quality(
    model: LanguageModel,
    site: Site | str,
    loaded: LoadedDictionary,
    crops: Crops,
    *,
    spliced_rows: int,
    seed: int,
) -> QualityResult:
    """Measure a dictionary on crops of held-out documents, all of one length.

    Reconstruction, L0, dead features and the sink are measured on all crops; reconstructions are
    spliced into the model on the first ``spliced_rows``. ``seed`` deals documents into the groups
    of the jackknife.
    Raises AssayError where the dictionary does not fit the site, and where the activations are not
    finite or do not vary.
    """
    site = Site.parse(str(site))
    check_fit(loaded, model, site)
    dictionary = loaded.dictionary
    reading = _HeldOutReading(model, site, crops, seed)
    quality = reconstruction_quality(dictionary, reading.batches())
    documents = len(np.unique(crops.documents))
    sink = reading.sums.finish(documents, len(crops))
    spliced = _splice(model, site, dictionary, crops.rows(0, spliced_rows), median=reading.median)
    measured, everything = quality.sums, quality.sums_with_sink
    nats = spliced.nats_per_token()
    return QualityResult(
        seed=seed,
        documents=documents,
        tokens=quality.rows,
        variance_explained=_varying(
            _jackknifed(
                lambda kept: 1 - measured.unexplained(kept), measured.documents, seed, "explained"
            )
        ),
        variance_explained_with_sink=_varying(
            _jackknifed(
                lambda kept: 1 - everything.unexplained(kept), everything.documents, seed, "sink"
            )
        ),
        l0=_varying(_jackknifed(measured.l0, measured.documents, seed, "l0")),
        dead_features=quality.dead_fraction,
        sink=sink,
        cross_entropy=SplicedCrossEntropy(
            recovered=_jackknifed(spliced.recovered, spliced.documents, seed, "recovered"),
            documents=len(spliced.documents),
            clean=nats["clean"],
            spliced=nats["spliced"],
            ablated=nats["ablated"],
        ),
    )


class _HeldOutReading:
    """Reads the crops once, for the reconstruction and for the sink."""

    def __init__(self, model: LanguageModel, site: Site, crops: Crops, seed: int) -> None:
        groups = assign_groups(crops.documents, GROUPS, numpy_generator(seed, "quality/groups"))
        self.model, self.site, self.crops = model, site, crops
        self.groups = torch.from_numpy(groups)
        length, width = crops.tokens.shape[1], model.site_width(site)
        self.sums = ResidualSums(int(groups.max()) + 1, length, width)
        self.median = 0.0

    def batches(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """(activations, which are left out, documents) of each forward pass, on the CPU."""
        rows, length = self.crops.tokens.shape
        positions = torch.arange(length)
        with progress("read held-out text", rows * length, "tokens") as advance:
            for start in range(0, rows, CROPS_PER_FORWARD):
                part = slice(start, start + CROPS_PER_FORWARD)
                tokens = self.crops.tokens[part]
                x = capture(self.model, tokens, [self.site])[self.site].cpu()
                # The first batch sets the scale for all, so that nothing depends on later text.
                self.median = self.median or median_norm(x)
                out = left_out(x, positions.expand(len(x), length), self.median)
                self.sums.add(x, self.groups[part], out)
                documents = torch.from_numpy(np.repeat(self.crops.documents[part], length))
                yield x.flatten(0, 1), out.flatten(), documents
                advance(tokens.numel())


def _splice(
    model: LanguageModel, site: Site, dictionary: Dictionary, crops: Crops, *, median: float
) -> CrossEntropyRecovered:
    positions = torch.arange(crops.tokens.shape[1])
    documents = torch.from_numpy(crops.documents)
    half = CROPS_PER_FORWARD // 2
    total = 3 * crops.tokens.numel()
    with progress("splice reconstructions", total, "tokens") as advance:
        batches = (
            (crops.tokens[start : start + half], documents[start : start + half])
            for start in range(0, len(crops), half)
        )
        result = cross_entropy_recovered(
            model,
            site,
            dictionary,
            batches,
            left_out=lambda x: left_out(x, positions.expand(x.shape[:2]), median),
        )
        advance(total)
    return result


def _jackknifed(
    statistic: Callable[[NDArray[np.bool_] | None], float], units: NDArray, seed: int, name: str
) -> Estimate | None:
    """The statistic of all documents with its interval; None where it is not finite."""
    groups = assign_groups(units, GROUPS, numpy_generator(seed, f"quality/{name}"))
    without = np.array([statistic(groups != group) for group in range(groups.max() + 1)])
    estimate = statistic(None)
    low, high = jackknife_interval(without, np.asarray(estimate))
    return Estimate.of(estimate, float(low), float(high))


def _varying(estimate: Estimate | None) -> Estimate:
    if estimate is None:
        raise AssayError("the held-out activations do not vary; there is nothing to reconstruct")
    return estimate
