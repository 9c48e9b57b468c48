"""The quality stage: what the sink holds and how well the dictionary reconstructs held-out text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from assay.evidence import Evidence, write_evidence
from assay.files import write_json
from assay.pipeline import names
from assay.pipeline.opened import OpenedCase, evidence_inputs
from assay.progress import progress
from assay.randomness import numpy_generator
from assay.statistics import deal_into_groups, jackknife_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from assay.activations.sink import ResidualVariance
    from assay.dictionaries import CrossEntropyRecovered, Dictionary, DictionaryQuality
    from assay.text import Crops

GROUPS = 32
"""Groups of documents for the jackknife."""
CROPS_PER_FORWARD = 32


def measure_quality(opened: OpenedCase, dictionary_folder: Path, folder: Path) -> None:
    """Write ``evidence.json`` and ``sink.json`` into ``folder``.

    Raises AssayError where the dictionary does not fit the site.
    """
    from assay.dictionaries import load_dictionary
    from assay.pipeline.fitting import check_fit

    loaded = load_dictionary(dictionary_folder)
    check_fit(loaded, opened.model, opened.site)
    audit = opened.case.audit
    # Crops come in random order, so that the first ones are a random sample of the audit's.
    crops = opened.text.held_out_crops(opened.model, audit.rows, audit.length)
    crops = crops.rows(0, audit.quality_rows)
    groups = deal_into_groups(
        crops.documents, GROUPS, numpy_generator(opened.case.seed, "quality/groups")
    )
    reading = HeldOutReading(opened, loaded.dictionary, crops, groups)
    quality, sink = reading.measure()
    spliced = _splice(opened, loaded.dictionary, crops.rows(0, audit.spliced_rows), reading.median)
    inputs = evidence_inputs(opened.model, opened.text.corpus, loaded)
    records = _records(opened.case.seed, inputs, crops, quality, sink, spliced)
    write_evidence(folder / "evidence.json", records)
    write_json(folder / "sink.json", asdict(sink))


class HeldOutReading:
    """Reads the crops once and feeds both measurements."""

    def __init__(
        self, opened: OpenedCase, dictionary: Dictionary, crops: Crops, groups: NDArray
    ) -> None:
        from assay.activations.sink import ResidualSums

        length = crops.tokens.shape[1]
        self.opened, self.dictionary, self.crops = opened, dictionary, crops
        self.groups = torch.from_numpy(groups)
        self.sums = ResidualSums(int(groups.max()) + 1, length, dictionary.d_in)
        self.median = 0.0

    def measure(self) -> tuple[DictionaryQuality, ResidualVariance]:
        """Both, in one pass."""
        from assay.dictionaries import reconstruction_quality

        quality = reconstruction_quality(self.dictionary, self._batches())
        documents = len(np.unique(self.crops.documents))
        return quality, self.sums.finish(documents, len(self.crops))

    def _batches(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        from assay.activations.sink import left_out, median_norm
        from assay.models import capture

        rows, length = self.crops.tokens.shape
        positions = torch.arange(length)
        with progress("read held-out text", rows * length, "tokens") as advance:
            for start in range(0, rows, CROPS_PER_FORWARD):
                part = slice(start, start + CROPS_PER_FORWARD)
                tokens = self.crops.tokens[part]
                x = capture(self.opened.model, tokens, [self.opened.site])[self.opened.site].cpu()
                # The first batch sets the scale for all, so that nothing depends on later text.
                self.median = self.median or median_norm(x)
                out = left_out(x, positions.expand(len(x), length), self.median)
                self.sums.add(x, self.groups[part], out)
                documents = torch.from_numpy(np.repeat(self.crops.documents[part], length))
                yield x.flatten(0, 1), out.flatten(), documents
                advance(tokens.numel())


def _splice(
    opened: OpenedCase, dictionary: Dictionary, crops: Crops, median: float
) -> CrossEntropyRecovered:
    from assay.activations.sink import left_out
    from assay.dictionaries import cross_entropy_recovered

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
            opened.model,
            opened.site,
            dictionary,
            batches,
            lambda x: left_out(x, positions.expand(x.shape[:2]), median),
        )
        advance(total)
    return result


def _records(
    seed: int,
    inputs: dict[str, str],
    crops: Crops,
    quality: DictionaryQuality,
    sink: ResidualVariance,
    spliced: CrossEntropyRecovered,
) -> list[Evidence]:
    documents = len(np.unique(crops.documents))

    def record(
        metric: str, estimate: float, ci: tuple[float, float] | None, n: int, note: str = ""
    ) -> Evidence:
        return Evidence(
            metric=metric,
            estimate=estimate,
            ci=ci,
            method=names.JACKKNIFE if ci else "counted",
            n=n,
            unit="documents",
            split=names.HELD_OUT,
            seed=seed,
            inputs=inputs,
            note=note,
        )

    def jackknifed(
        statistic: Callable[[NDArray | None], float], units: NDArray, name: str
    ) -> tuple[float, tuple[float, float] | None]:
        groups = deal_into_groups(units, GROUPS, numpy_generator(seed, f"quality/{name}"))
        without = np.array([statistic(groups != group) for group in range(groups.max() + 1)])
        estimate = statistic(None)
        low, high = jackknife_interval(without, np.asarray(estimate))
        return estimate, (float(low), float(high)) if np.isfinite([low, high]).all() else None

    measured, everything = quality.sums, quality.sums_with_sink
    explained = jackknifed(lambda k: 1 - measured.unexplained(k), measured.documents, "explained")
    with_sink = jackknifed(lambda k: 1 - everything.unexplained(k), everything.documents, "sink")
    active = jackknifed(measured.l0, measured.documents, "l0")
    recovered = jackknifed(spliced.recovered, spliced.documents, "recovered")
    nats = ", ".join(f"{name} {value:.2f}" for name, value in spliced.nats_per_token().items())
    records = [
        record(names.VARIANCE_EXPLAINED, *explained, documents, "1 − fraction unexplained."),
        record(
            names.VARIANCE_EXPLAINED_ALL,
            *with_sink,
            documents,
            "Measures mostly the few tokens that training left out.",
        ),
        record(names.L0, *active, documents, "Features active on a token."),
        record(
            names.DEAD,
            quality.dead_fraction,
            None,
            documents,
            f"Share of features that fired on none of {quality.rows:,} held-out tokens.",
        ),
        record(
            names.SINK_SHARE,
            sink.sink_share[0],
            (sink.sink_share[1], sink.sink_share[2]),
            documents,
            "Position 0 and massive tokens, of the raw activations' variance.",
        ),
    ]
    # Where ablating the site costs the model nothing, there is nothing to recover a share of.
    if np.isfinite(recovered[0]):
        note = f"Against mean-ablation; nats a token: {nats}."
        units = len(spliced.documents)
        records.append(record(names.CROSS_ENTROPY_RECOVERED, *recovered, units, note))
    return records
