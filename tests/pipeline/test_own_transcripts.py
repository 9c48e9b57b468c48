"""The strategy transcripts: a user's own labelled conversations teach detectors of a case."""

from __future__ import annotations

import json

import pytest

from assay.concerns import StrategyChoice, elicit_from_model
from assay.errors import AssayError
from assay.models import Site, load_model
from assay.pipeline import Case
from assay.pipeline.run_inputs import inputs_of
from assay.pipeline.stages.elicitation_stage import ElicitationStage
from assay.pipeline.wiring import stages_of
from tiny_case import concerns, plant_organisms, tiny_settings


def rows(count=10, **changes):
    return [
        {
            "id": f"{label}-{number}",
            "messages": [
                {"role": "user", "content": f"ask {number}"},
                {"role": "assistant", "content": f"{'bad' if label else 'good'} {number}"},
            ],
            "label": label,
        }
        | changes
        for label in (True, False)
        for number in range(count)
    ]


def write(path, conversations):
    path.write_text("\n".join(json.dumps(row) for row in conversations))
    return path


@pytest.fixture
def case_of(tmp_path, tiny_model_folder, text_file):
    organisms = plant_organisms(tmp_path / "organisms", tiny_model_folder)
    base = tiny_settings(tiny_model_folder, text_file) | concerns(organisms)

    def build(file):
        strategies = [*base["strategies"], {"transcripts": {"file": str(file)}}]
        return Case.model_validate(base | {"strategies": strategies})

    return build


def test_they_are_read_by_the_cases_model_with_their_labels(tmp_path, tiny_model_folder):
    file = write(tmp_path / "own.jsonl", rows())
    choice = StrategyChoice(name="transcripts", options={"file": str(file)})
    model = load_model(str(tiny_model_folder), dtype="float32")
    found = elicit_from_model([choice], model, [Site.parse("resid_post.1")], 0)["transcripts"]
    assert (found.positives, found.negatives) == (10, 10)
    assert [c.excerpt.id for c in found.conversations] == [row["id"] for row in rows()]
    assert found.conversations[0].activations.shape[1] == model.d_model


def test_a_changed_file_makes_the_stage_new_and_an_unchanged_one_does_not(tmp_path, case_of):
    file = write(tmp_path / "own.jsonl", rows())

    def key():
        stages = stages_of(inputs_of(case_of(file)), ())
        return next(stage.key for stage in stages if isinstance(stage, ElicitationStage))

    first = key()
    assert key() == first
    write(file, rows(11))
    assert key() != first


@pytest.mark.parametrize(
    ("conversations", "message"),
    [
        (rows(label=None), "conversation 'True-0' has no label"),
        (rows(label=True), "0 conversations without"),
        (rows(7), "7 conversations with misbehaviour .* at least 8"),
        (rows(messages=[{"role": "user", "content": "x"}]), "has no assistant turn"),
    ],
)
def test_a_file_that_teaches_nothing_is_refused_before_any_stage_runs(
    tmp_path, case_of, conversations, message
):
    file = write(tmp_path / "own.jsonl", conversations)
    with pytest.raises(AssayError, match=message) as error:
        inputs_of(case_of(file))
    assert str(file) in str(error.value)


def test_a_missing_file_and_a_missing_option_are_refused(tmp_path, case_of):
    with pytest.raises(AssayError, match="does not exist"):
        inputs_of(case_of(tmp_path / "none.jsonl"))
    with pytest.raises(AssayError, match="needs a file of labelled conversations"):
        inputs_of(case_of(""))
