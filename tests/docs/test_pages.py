"""Every Python block of the documentation runs, on small inputs of the kind that its page speaks of."""

from __future__ import annotations

import importlib
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from page_blocks import ROOT, Block, blocks_of, run_blocks

from assay.concerns import Conversation, Excerpt
from assay.dictionaries import BatchTopK, load_dictionary
from assay.files import sha256_of
from assay.models import load_model
from assay.monitoring import Scoring, WatchedFeature
from assay.text import Message, Transcript, random_crops, read_corpus

DOCS = ROOT / "docs"
OTHERS = ("extending.md",)
"""Pages with a test file of their own."""
SMALL = {
    '"out/smollm2"': '"{run}"',
    '"smollm2-135m-instruct"': '"{model}"',
    '"resid_post.15"': '"resid_post.1"',
    '"transfer.html"': '"{folder}/transfer.html"',
}
"""Names in the pages, and what stands for them here."""


@pytest.fixture(scope="module")
def model(tiny_model_folder):
    return load_model(str(tiny_model_folder), dtype="float32")


@pytest.fixture(scope="module")
def corpus(text_file):
    return read_corpus(str(text_file))


@pytest.fixture(scope="module")
def crops(model, corpus):
    return random_crops(
        model.tokenizer,
        corpus.documents,
        length=32,
        rows=240,
        first_token=model.tokenizer.bos_token_id,
        seed=0,
    )


@pytest.fixture
def run_page(tiny_run, tiny_model_folder, tmp_path):
    """Runs a page's blocks in order, with what its reader is taken to have."""
    run = tmp_path / "run"
    shutil.copytree(tiny_run.folder, run)

    def run_it(page, **given):
        blocks = []
        for block in blocks_of(DOCS / page):
            code = block.code
            for name, stands_for in SMALL.items():
                code = code.replace(
                    name, stands_for.format(run=run, model=tiny_model_folder, folder=tmp_path)
                )
            blocks.append(Block(block.page, block.line, code))
        return run_blocks(blocks, **given)

    return run_it


def conversations(count, seed=0, width=8):
    generator = np.random.default_rng(seed)
    found = []
    for i in range(count):
        label = bool(i % 2)
        excerpt = Excerpt(str(i), (0, 1), 0, ((0, 2),), "", label, str(i // 4), "made")
        x = torch.tensor(generator.standard_normal((2, width)) + 3 * label, dtype=torch.float32)
        found.append(Conversation(excerpt, x, (0, 1)))
    return found


def said(count):
    """Transcripts of random words, each with its id."""
    generator = np.random.default_rng(0)
    words = ["".join(chr(97 + c) for c in generator.integers(0, 26, 4)) for _ in range(200)]
    return [
        Transcript(
            id=f"t{i}",
            messages=(
                Message(role="user", content=words[i % 200]),
                Message(role="assistant", content=" ".join(generator.choice(words, 3))),
            ),
        )
        for i in range(count)
    ]


def test_the_page_on_activations(run_page, model, crops, corpus, tmp_path):
    made = run_page(
        "activations.md", model=model, crops=crops, folder=tmp_path / "a", corpus=corpus
    )
    assert made["store"].manifest.site == "resid_post.1"
    assert made["batch"].activations.shape == (2048, model.d_model)


def test_the_page_on_models(run_page, model):
    made = run_page("models.md")
    assert made["found"]["resid_post.1"].shape[2] == model.d_model
    assert isinstance(made["continuation"][0], str)


def test_the_page_on_dictionaries(run_page, tmp_path):
    generator = torch.Generator().manual_seed(0)
    batches = [torch.randn(64, 16, generator=generator) for _ in range(4)]
    made = run_page(
        "dictionaries.md",
        batches=batches,
        x=batches[0],
        features=torch.tensor([3, 5]),
        folder=tmp_path / "d",
    )
    assert made["watched"].shape == (64, 2)
    assert load_dictionary(tmp_path / "d").dictionary.width == 4608


def test_the_page_on_the_position_audit(run_page, model, crops, tiny_run, tmp_path):
    generator = np.random.default_rng(0)
    made = run_page(
        "position.md",
        model=model,
        dictionary=load_dictionary(tiny_run.dictionary_folder).dictionary,
        crops=crops,
        folder=tmp_path / "p",
        activations=np.maximum(generator.standard_normal((40, 12, 5)), 0),
        table=np.maximum(generator.standard_normal((40, 4, 5)), 0),
    )
    assert len(made["result"].features) == 64
    assert len(made["caused"].t_pos) == 5


def test_the_page_on_statistics(run_page):
    made = run_page("statistics.md", scores=np.random.default_rng(0).random(400))
    assert made["found"].guaranteed


def test_the_page_on_concerns(run_page):
    made = run_page(
        "concerns.md",
        conversations=conversations(40),
        others=conversations(12, seed=1),
        dictionary=BatchTopK(8, 16, 2),
        values={"intent": 0.9, "fiction": 0.1},
    )
    assert len(made["scores"]) == 12


def test_the_page_on_monitoring(run_page, model, tmp_path):
    generator = np.random.default_rng(0)
    watched = WatchedFeature(name="f0", direction=tuple(generator.normal(size=32)), bias=0.0)
    (tmp_path / "out").mkdir()
    file = tmp_path / "today.jsonl"
    file.write_text("".join(t.model_dump_json() + "\n" for t in said(12)), encoding="utf-8")
    made = run_page(
        "monitoring.md",
        model=model,
        scoring=Scoring(site="resid_post.1", features=(watched,), aggregation="mean"),
        benign_transcripts=said(300),
        sensitivities=(),
        out_dir=tmp_path / "out",
        transcripts_file=file,
    )
    assert made["outcome"].seen == 12


def test_the_page_on_the_safety_case(run_page, tiny_run, tmp_path):
    folder = tmp_path / "run"
    results = [folder / "transfer.json", folder / "position.json"]
    files = [*folder.glob("evidence/*.json"), *results]
    records = []
    for file in files[: -len(results)]:
        made = importlib.import_module("assay.evidence").read_evidence(file)
        named = f"evidence/{file.name}"
        records += [record.model_copy(update={"file": named}) for record in made]
    made = run_page(
        "safety_case.md",
        fingerprint=tiny_run.safety_case.model,
        folder=folder,
        records=tuple(records),
        hashes={str(file.relative_to(folder)): sha256_of(file) for file in files},
    )
    assert made["case"].case == "smollm2"


def test_the_page_on_the_case_file(run_page, tiny_run):
    made = run_page("case.md")
    assert made["run"].result == tiny_run.result


def test_the_page_on_the_report(run_page, tmp_path):
    run_page("report.md")
    assert "<html" in (tmp_path / "transfer.html").read_text(encoding="utf-8")


def test_every_page_with_python_is_run_here():
    with_python = {page.name for page in DOCS.glob("*.md") if blocks_of(page)}
    text = Path(__file__).read_text(encoding="utf-8")
    run_here = set(re.findall(r'run_page\(\s*"([\w.]+)"', text))
    assert with_python == run_here | set(OTHERS)


PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_each_name_in_assay_that_a_page_mentions_exists(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for name in re.findall(r"`(assay(?:\.\w+)+)", text):
        if name not in ("assay.plugins", "assay.json"):  # an entry point group, and a file
            assert resolves(name), f"{page.name} mentions {name}, which does not exist"


def resolves(name):
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_each_link_to_a_file_leads_to_one(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[\w-]+)?\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_links_within_the_page_on_extending_lead_to_a_heading():
    text = (DOCS / "extending.md").read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).strip().replace(" ", "-")
        for line in text.splitlines()
        if line.startswith("#")
    }
    for anchor in re.findall(r"\]\(#([\w-]+)\)", text):
        assert anchor in headings
