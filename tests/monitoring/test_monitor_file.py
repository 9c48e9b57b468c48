"""monitor.json: what is written is what is read, and what does not fit is refused."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from small_monitors import (
    small_monitor,
    small_scoring,
    small_settings,
    transcripts,
)

from assay.errors import AssayError
from assay.monitoring import (
    BenignValues,
    ModelReference,
    Monitor,
    Scoring,
    calibrate,
    monitor_of,
    score_transcripts,
    standardise,
    watched_excerpts,
)
from assay.monitoring.scoring import read_values

SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "monitor.schema.json"


def changed(folder, monitor, **changes):
    path = monitor.write(folder)
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return folder


def test_a_monitor_reads_back_as_it_was_written(tmp_path, monitor):
    monitor.write(tmp_path)
    again = Monitor.read(tmp_path)
    assert again == monitor
    assert again.sha256 == monitor.sha256


def test_the_published_schema_is_the_one_of_the_code_and_holds_for_a_monitor(tmp_path, monitor):
    schema = Monitor.schema_of_file()
    assert json.loads(SCHEMA.read_text()) == schema
    jsonschema.Draft202012Validator.check_schema(schema)
    value = json.loads(monitor.write(tmp_path).read_text())
    jsonschema.validate(value, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value | {"features": value["features"] * 30}, schema)


def test_more_than_64_features_are_refused():
    assert len(small_scoring(8, features=64).features) == 64
    with pytest.raises(AssayError, match="1 to 64 features, not 65"):
        small_scoring(8, features=65)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rule": "f0 > 1 and f9 > 2"}, "column 12.*f9"),
        ({"aggregation": "maximum"}, "unknown aggregation 'maximum'"),
        ({"site": "residual.3"}, "unknown site"),
        ({"norm_limit": 0}, "norm_limit"),
        ({"horizont": 3}, "horizont: Extra inputs"),
        ({"version": 1}, "has version 1.*assay calibrate CASE.yaml"),
        ({"rule": "f0 > 1"}, "both"),
        ({"base_rate": 2}, "base_rate"),
        ({"rollback": {"rule": "fistful"}}, "rollback"),
    ],
)
def test_a_monitor_that_does_not_fit_is_refused_with_its_path(tmp_path, monitor, changes, message):
    with pytest.raises(AssayError, match=message) as caught:
        Monitor.read(changed(tmp_path, monitor, **changes))
    assert str(caught.value).startswith(str(tmp_path / "monitor.json"))
    assert "\n" not in str(caught.value)


def test_features_of_unlike_width_or_alike_name_are_refused():
    first, second, _ = small_scoring(8).features
    short = second.model_copy(update={"direction": (1.0,)})
    with pytest.raises(AssayError, match="'f1' has 1 numbers, 'f0' has 8"):
        Scoring(site="resid_post.1", features=(first, short), aggregation="max")
    with pytest.raises(AssayError, match="two watched features are called 'f0'"):
        Scoring(site="resid_post.1", features=(first, first), aggregation="max")


def test_a_folder_without_a_monitor_says_how_to_get_one(tmp_path):
    with pytest.raises(AssayError, match="assay calibrate"):
        Monitor.read(tmp_path)


def test_the_guarantee_states_the_sum_of_both_errors_and_its_condition(watched_model, monitor):
    assert "0.1 plus the rule's 0.1, 0.2 in total" in monitor.guarantee
    assert "exchangeable with the calibration conversations" in monitor.guarantee
    assert "over any number of conversations" in monitor.guarantee
    assert f"{monitor.calibration.rate_bound:.3g} of benign conversations" in monitor.guarantee
    handful = small_monitor(watched_model, rule="handful", handful=9, horizon=20, sensitivities=())
    assert "within 20 conversations" in handful.guarantee
    assert "nothing is guaranteed after these" in handful.guarantee
    assert "unknown" in handful.guarantee
    assert handful.ppv is None


def test_the_e_process_of_a_monitor_tests_the_bound_and_not_the_estimate(monitor):
    calibration = monitor.calibration
    assert monitor.rollback.p0 == calibration.rate_bound > calibration.above / calibration.n


def test_a_calibrated_monitor_fires_in_as_many_of_its_benign_conversations_as_it_says(
    watched_model, monitor
):
    scores = score_transcripts(watched_model, monitor, transcripts(60, seed=9))
    fired = monitor.calibration.above + monitor.check.fired
    assert sum(score.fires for score in scores) == fired
    assert monitor.calibration.n + monitor.check.n == 60
    assert monitor.calibration.above == monitor.calibration.allowed > 0


def test_a_rule_is_calibrated_by_how_often_it_fires(watched_model):
    loose = small_scoring(watched_model.d_model, rule="f0 > -100")
    with pytest.raises(AssayError, match="fires in 40 of 40 benign conversations"):
        small_monitor(watched_model, loose)
    strict = small_scoring(watched_model.d_model, rule="f0 > 100 and not f1 > 3")
    monitor = small_monitor(watched_model, strict)
    assert monitor.fires_above is None
    assert monitor.calibration.above == 0
    assert not any(s.fires for s in score_transcripts(watched_model, monitor, transcripts(5)))


def test_too_few_benign_transcripts_say_how_many_are_needed(watched_model):
    with pytest.raises(AssayError, match="5 benign conversations are too few.*299 are needed"):
        calibrate(
            watched_model,
            small_scoring(watched_model.d_model),
            transcripts(5),
            small_settings(fpr=0.01, delta=0.05),
        )


def test_the_fallback_model_and_the_operating_figures_are_in_the_file(watched_model):
    monitor = small_monitor(watched_model, fallback=ModelReference(id="weaker"))
    assert monitor.fallback.id == "weaker"
    assert monitor.operating.false_rollback_probability <= 0.1
    assert monitor.ppv == pytest.approx(
        0.8 * 0.01 / (0.8 * 0.01 + monitor.calibration.rate_bound * 0.99)
    )


def test_standardised_features_have_mean_zero_and_deviation_one(watched_model):
    scoring = small_scoring(watched_model.d_model)
    conversations = watched_excerpts(watched_model, transcripts(40))
    fitted = standardise(scoring, read_values(watched_model, scoring, conversations))
    values = read_values(watched_model, fitted, conversations)
    assert values.mean(axis=0) == pytest.approx([0] * 3, abs=1e-9)
    assert values.std(axis=0, ddof=1) == pytest.approx([1] * 3)
    again = standardise(fitted, values)
    assert [f.scale for f in again.features] == pytest.approx([f.scale for f in fitted.features])


def test_a_feature_that_never_varies_keeps_its_scale():
    scoring = small_scoring(8, features=1)
    fitted = standardise(scoring, [[0.1]] * 30)
    assert fitted.features[0].scale == 1.0
    with pytest.raises(AssayError, match="at least 2"):
        standardise(scoring, [[0.1]])


def test_a_monitor_of_values_needs_no_model(monitor):
    rows = [[float(i), -1.0, 0.5] for i in range(14)]
    values = BenignValues(np.array(rows), tuple(f"source-{i}" for i in range(14)), None)
    made = monitor_of(
        small_scoring(8), values, small_settings(), monitor.model, sensitivities=(), inputs={}
    )
    assert (made.check, made.longest) == (None, None)
    assert made.calibration.threshold == 13.0 - made.calibration.allowed
