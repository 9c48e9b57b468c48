"""`assay qk` from a model and a text to figures and a page, and what it refuses."""

from __future__ import annotations

import re

import numpy as np
import pytest

from assay.attention import QKResult, QKSettings, load_qk
from assay.attention.document_intervals import interval_over
from assay.errors import AssayError
from assay.pipeline.qk_command import QKRequest, explain_attention
from assay.reporting import render_qk_page

SMALL = QKSettings(width=16, k=4, warm_steps=12, steps=6, crops=4)


def request_of(model, text, **changes):
    fields = {
        "model": str(model),
        "layer": 1,
        "text": str(text),
        "tokens": 1600,
        "length": 24,
        "rows": 20,
        "settings": SMALL,
        "adapter": None,
        "dtype": "float32",
        "seed": 0,
    }
    return QKRequest(**(fields | changes))


@pytest.fixture(scope="module")
def explained(tmp_path_factory, tiny_model_folder, text_file):
    out = tmp_path_factory.mktemp("qk") / "out"
    return out, explain_attention(request_of(tiny_model_folder, text_file), out)


def test_every_head_has_every_figure_with_its_interval(explained):
    out, result = explained
    assert QKResult.read(out) == result
    assert len(result.heads) == 4
    for head in result.heads:
        for figures in head.views:
            assert figures.kl_ci[0] <= figures.kl <= figures.kl_ci[1]
            assert figures.kl0_ci[0] <= figures.kl0 <= figures.kl0_ci[1]
        assert head.of("uniform").kl > 0
        for shares in (head.query_positions, head.key_positions):
            total = shares.near_zero + shares.between + shares.near_one + shares.undetermined
            assert total == pytest.approx(1.0)
    assert [figures.view for figures in result.output] == [
        "mean pattern",
        "mean squared error",
        "patterns",
    ]
    assert result.output[0].recovered is None
    for side in result.sides:
        assert side.active <= SMALL.k
        counted = side.near_zero + side.between + side.near_one + side.undetermined + side.dead
        assert counted == SMALL.width == len(side.variance_by_position)
    assert 1 <= result.pairs_for_90 <= result.triples == 4 * SMALL.width**2
    assert load_qk(out).layer == 1


def test_the_page_shows_every_head_and_escapes_what_the_text_says(explained):
    out, result = explained
    html = (out / "qk.html").read_text(encoding="utf-8")
    assert html == render_qk_page(result)
    assert html.count('class="pair"') == len(result.pairs)
    assert all(f'id="head-{head.head}"' in html for head in result.heads)
    assert "<script" not in html
    hostile = result.pairs[0].model_copy(update={"query_contexts": (("<b>", "<script>", "x"),)})
    again = render_qk_page(result.model_copy(update={"pairs": (hostile, *result.pairs[1:])}))
    assert "&lt;script&gt;" in again
    assert "<script" not in again
    assert len(re.findall("<polyline", again)) == len(result.pairs)


def test_the_same_request_gives_the_same_bytes(explained, tmp_path, tiny_model_folder, text_file):
    out, _ = explained
    explain_attention(request_of(tiny_model_folder, text_file), tmp_path / "again")
    for name in ("qk.json", "qk.html", "qk.safetensors"):
        assert (out / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_bad_input_leaves_nothing(tmp_path, tiny_model_folder, text_file):
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("x")
    cases = [
        ({}, full, "exists and is not empty"),
        ({"layer": 9}, tmp_path / "a", "layers 0 to 2, not 9"),
        ({"length": 20_000}, tmp_path / "b", "too short"),
        (
            {"settings": SMALL.model_copy(update={"crops": 4000})},
            tmp_path / "c",
            "a step takes 4000",
        ),
    ]
    for changes, out, message in cases:
        with pytest.raises(AssayError, match=message):
            explain_attention(request_of(tiny_model_folder, text_file, **changes), out)
        assert out == full or not out.exists()
    assert [path.name for path in full.iterdir()] == ["mine.txt"]


def test_crops_of_one_document_are_one_unit():
    values = np.array([1.0, 3.0, 2.0, 2.0, 5.0, 7.0])
    documents = np.array([0, 0, 1, 1, 2, 2])
    low, high = interval_over(values, documents)
    assert low < np.mean([2.0, 2.0, 6.0]) < high
    repeated = interval_over(np.tile(values, 50), np.tile(documents, 50))
    assert repeated == pytest.approx((low, high))
    assert interval_over(values, np.zeros(6)) is None
