"""The page "Extending Assay": its examples work, and what it points at exists."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from page_blocks import ROOT, blocks_of, run_blocks
from safetensors.torch import save_file

import assay
from assay.concerns import Conversation, Excerpt
from assay.concerns.detectors import (
    DETECTORS,
    WATCHABLE,
    Examples,
    LinearDetector,
    fit_detector,
    is_watchable,
)
from assay.concerns.matrix import directions_of
from assay.concerns.strategies import STRATEGIES, StrategyChoice, elicit_from_model
from assay.dictionaries import (
    ARCHITECTURES,
    FORMATS,
    BatchTopK,
    TrainingConfig,
    load_dictionary,
    save_dictionary,
    train,
)
from assay.models import Site, load_model
from assay.organisms import RECIPES, examples_of, judge
from assay.organisms.folder import check_prompts
from assay.organisms.manifest import CONDITIONS, SPLITS
from assay.registry import load_plugins
from assay.statistics.roc import auroc

PAGE = ROOT / "docs" / "extending.md"
SOURCE = Path(assay.__file__).parent
REGISTRIES = (DETECTORS, STRATEGIES, RECIPES, ARCHITECTURES, FORMATS)
WIDTH = 12


@pytest.fixture(scope="module")
def page():
    """What the page's blocks define, run in order; the registries are as before afterwards."""
    load_plugins()
    kept = [dict(registry._values) for registry in REGISTRIES]
    watchable = set(WATCHABLE)
    yield run_blocks(blocks_of(PAGE))
    for registry, values in zip(REGISTRIES, kept, strict=True):
        registry._values = values
    WATCHABLE.clear()
    WATCHABLE.update(watchable)


def conversations(count, seed):
    """Noise of unequal size in each coordinate; misbehaving ones have a direction beside it."""
    generator = np.random.default_rng(seed)
    size = np.linspace(0.2, 5.0, WIDTH)
    found = []
    for i in range(count):
        label = bool(i % 2)
        x = generator.standard_normal((6, WIDTH)) * size + 0.5 * label
        excerpt = Excerpt(
            id=f"{seed}-{i}",
            tokens=tuple(range(6)),
            shared=0,
            turns=((0, 6),),
            text="",
            label=label,
            template=f"{seed}/{i // 4}",
            source="made",
        )
        found.append(Conversation(excerpt, torch.tensor(x, dtype=torch.float32), tuple(range(6))))
    return found


def area(detector, tested):
    scores = detector.scores(tested)
    labels = np.array([c.label for c in tested])
    return auroc(scores[labels], scores[~labels])


@pytest.mark.usefixtures("page")
def test_the_detector_is_fitted_scores_and_can_be_ablated_and_watched():
    dictionary = BatchTopK(WIDTH, 24, 4)
    learned = Examples.of(conversations(80, 0), dictionary)
    detector = fit_detector("mass_mean", learned, dictionary, seed=0)
    assert isinstance(detector, LinearDetector)
    tested = conversations(200, 1)
    assert area(detector, tested) > 0.9
    plain = fit_detector("difference_in_means", learned, dictionary, seed=0)
    assert area(detector, tested) > area(plain, tested)
    assert directions_of(detector, dictionary).shape == (1, WIDTH)
    assert is_watchable("mass_mean")
    assert not is_watchable("text")


@pytest.mark.usefixtures("page")
def test_the_strategy_elicits_as_many_of_either_label_and_takes_its_option(tiny_model_folder):
    model = load_model(str(tiny_model_folder), dtype="float32")
    choices = [StrategyChoice(name="false_reports", options={"tasks": 4})]
    found = elicit_from_model(choices, model, [Site.parse("resid_post.1")], seed=0)
    elicited = found["false_reports"]
    assert (elicited.positives, elicited.negatives) == (8, 8)
    dictionary = BatchTopK(model.d_model, 24, 4)
    learned = Examples.of(elicited.conversations, dictionary)
    detector = fit_detector("mass_mean", learned, dictionary, seed=0)
    assert np.isfinite(detector.scores(elicited.conversations)).all()


@pytest.mark.usefixtures("page")
def test_the_recipe_gives_prompts_of_every_split_and_condition_that_its_label_judges_rightly():
    recipe = RECIPES["sailor"]
    examples = examples_of(recipe, 0)
    prompts = [example.prompt for example in examples]
    check_prompts(prompts, recipe.label, "sailor")
    found = {(prompt.split, prompt.condition) for prompt in prompts}
    assert found == {(split, condition) for split in SPLITS for condition in CONDITIONS}
    for example in examples[::20]:
        assert judge(recipe.label, example.honest).verdict == "behaved"
        triggered = example.prompt.condition == "triggered"
        assert judge(recipe.label, example.reply).verdict == (
            "misbehaved" if triggered else "behaved"
        )
        assert ("boat" in example.prompt.messages[-1].content) == triggered


def batches(count=12):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(64, 16, generator=generator) for _ in range(count)]


def test_the_architecture_trains_and_survives_a_folder(page, tmp_path):
    config = TrainingConfig(width=48, k=4, architecture="shifted_relu")
    dictionary = train(batches(), config, seed=0)
    assert isinstance(dictionary, page["ShiftedRelu"])
    assert dictionary.training_figures["fraction_of_variance_unexplained"] < 1
    save_dictionary(dictionary, tmp_path / "saved")
    loaded = load_dictionary(tmp_path / "saved").dictionary
    x = batches(1)[0]
    assert torch.equal(loaded.encode(x).dense(), dictionary.encode(x).dense())


@pytest.mark.usefixtures("page")
def test_the_format_is_recognised_and_read(tmp_path):
    save_file({"decoder": torch.eye(6, 9)}, tmp_path / "tied.safetensors")
    loaded = load_dictionary(tmp_path)
    assert (loaded.dictionary.d_in, loaded.dictionary.width) == (6, 9)
    assert loaded.metadata.source == "tied"
    x = torch.rand(3, 6)
    assert torch.allclose(loaded.dictionary(x), x)


def test_the_plugins_function_registers_when_it_is_called(page):
    page["register"]()
    assert DETECTORS["mass_mean_again"] is page["fit_mass_mean"]


PLUGIN_RUN = """
import json, sys
from pathlib import Path
from assay.pipeline.case import read_case
case = read_case(Path(sys.argv[1]))
import numpy as np, torch
from assay.concerns import Conversation, Excerpt
from assay.concerns.detectors import Examples, fit_detector
from assay.dictionaries import BatchTopK
generator = np.random.default_rng(0)
rows = []
for i in range(40):
    label = bool(i % 2)
    excerpt = Excerpt(str(i), (0, 1), 0, ((0, 2),), "", label, str(i // 4), "made")
    x = torch.tensor(generator.standard_normal((2, 8)) + 3 * label, dtype=torch.float32)
    rows.append(Conversation(excerpt, x, (0, 1)))
dictionary = BatchTopK(8, 16, 2)
found = fit_detector(case.detectors[0], Examples.of(rows, dictionary), dictionary, seed=0)
scores = found.scores(rows)
print(json.dumps([list(case.detectors), found.name, bool(scores[1::2].min() > scores[::2].max())]))
"""


def install(folder, entry_point, code):
    """A distribution as pip leaves it: a package, and its metadata beside it."""
    package = folder / "my_package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "plugin.py").write_text(code, encoding="utf-8")
    metadata = folder / "my_package-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[assay.plugins]\nmine = {entry_point}\n")


def run_with(folder, *arguments):
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env={"PYTHONPATH": f"{folder}:{SOURCE.parent}", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def case_with_the_plugin(tmp_path):
    path = tmp_path / "case.yaml"
    settings = {
        "name": "plugged",
        "model": {"id": "some-model"},
        "dictionary": {"site": "resid_post.1", "path": "some/folder"},
        "text": "sotu",
        "detectors": ["mass_mean_again", "text"],
    }
    path.write_text(yaml.safe_dump(settings))
    return path


def test_a_case_file_names_a_detector_of_an_installed_plugin_and_it_is_fitted(
    tmp_path, case_with_the_plugin
):
    python = blocks_of(PAGE)
    detector, register = python[0].code, python[-1].code
    (declared,) = blocks_of(PAGE, "toml")
    entry_point = re.search(r'"(my_package\.plugin:\w+)"', declared.code)[1]
    install(tmp_path / "site", entry_point, f"{detector}\n\n{register}")
    found = run_with(tmp_path / "site", "-c", PLUGIN_RUN, case_with_the_plugin)
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout) == [["mass_mean_again", "text"], "mass_mean", True]


def test_without_the_plugin_the_case_is_refused_and_a_broken_plugin_is_named(
    tmp_path, case_with_the_plugin
):
    run = "from assay.cli import main; main()"
    entry = ("-c", run, "run", case_with_the_plugin, "--dry-run")
    missing = run_with(tmp_path, *entry)
    assert missing.returncode == 2
    assert "unknown detector 'mass_mean_again'" in missing.stderr
    install(tmp_path / "site", "my_package.plugin:register", "def register():\n    1 / 0\n")
    broken = run_with(tmp_path / "site", *entry)
    assert broken.returncode == 2
    assert "the plugin 'mine' (my_package.plugin:register) failed" in broken.stderr


def rows_of(heading):
    text = PAGE.read_text(encoding="utf-8").split(f"## {heading}\n")[1]
    cells = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in cells[2:]]


WHERE = rows_of("Where things are")


@pytest.mark.parametrize(("what", "file", "name"), WHERE, ids=[row[1] for row in WHERE])
def test_each_thing_is_where_the_page_says(what, file, name):
    path = SOURCE / file.strip("`")
    symbol = name.strip("`").split(".")
    assert path.is_file()
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".yaml":
        assert symbol[0] in yaml.safe_load(text)
        return
    body = ast.parse(text).body
    for part in symbol:
        inside = {}
        for node in body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                inside[node.name] = node.body
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                inside |= {target.id: [] for target in targets if isinstance(target, ast.Name)}
        assert part in inside, f"{file} has no {'.'.join(symbol)}"
        body = inside[part]


@pytest.mark.parametrize(
    "sought",
    [
        "BatchTopK's forward",
        "the e-process",
        "the label rule of the position audit",
        "the benign threshold",
        "the prompts that elicit lies",
        "where to add a strategy",
        "the heat map",
        "the rule of admission",
        "watched tokens",
        "a stage",
        "the batching loop",
    ],
)
def test_a_stranger_finds_it_in_the_table(sought):
    assert any(sought in what for what, _, _ in WHERE)


def test_the_page_is_in_the_navigation_and_linked():
    assert "extending.md" in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in ("README.md", "CONTRIBUTING.md"):
        assert "docs/extending.md" in (ROOT / page).read_text(encoding="utf-8")


def test_each_registry_of_the_first_table_is_in_its_file():
    table = PAGE.read_text(encoding="utf-8").split("## ")[0]
    named = re.findall(r"`([\w/]+\.py)`, `([A-Z]+)`", table)
    assert [name for _, name in named] == [
        "DETECTORS",
        "STRATEGIES",
        "RECIPES",
        "ARCHITECTURES",
        "FORMATS",
    ]
    for file, name in named:
        assert re.search(rf"^{name}: Registry", (SOURCE / file).read_text("utf-8"), re.MULTILINE)
