"""Benign conversations that share templates, and repeated ones, are no further evidence."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from small_monitors import small_monitor, small_scoring, small_settings, transcripts

from assay.concerns import Budgets
from assay.errors import AssayError
from assay.monitoring import BenignValues, calibrate, calibrate_benign, calibrate_threshold
from assay.monitoring.benign_division import divide_benign
from assay.randomness import numpy_generator
from assay.statistics import clopper_pearson


def planted(generator, sizes, icc):
    """Normal scores with an intraclass correlation, and the template of each."""
    templates = np.repeat(np.arange(len(sizes)), sizes)
    shared = generator.normal(size=len(sizes))[templates]
    own = generator.normal(size=len(templates))
    scores = np.sqrt(icc) * shared + np.sqrt(1 - icc) * own
    return scores, [f"template-{i}" for i in templates]


def test_the_promise_holds_where_conversations_share_templates_and_breaks_without_them():
    generator = numpy_generator(0, "clustered calibrations")
    broken, broken_alone = 0, 0
    for _ in range(400):
        scores, templates = planted(generator, [12] * 60, 0.5)
        found = calibrate_threshold(scores, 0.05, 0.05, sources=templates)
        assert found.n_effective < 600
        broken += norm.sf(found.threshold) > 0.05
        broken_alone += norm.sf(calibrate_threshold(scores, 0.05, 0.05).threshold) > 0.05
    assert clopper_pearson(int(broken), 400)[0] <= 0.05
    assert clopper_pearson(int(broken_alone), 400)[0] > 0.05


def test_conversations_that_share_nothing_lose_nothing():
    scores = numpy_generator(0, "alone").random(600)
    alone = calibrate_threshold(scores, 0.01, 0.05, sources=[str(i) for i in range(600)])
    assert alone == calibrate_threshold(scores, 0.01, 0.05)
    assert (alone.n, alone.templates, alone.n_effective) == (600, 600, 600.0)


def test_299_conversations_from_25_templates_are_too_few_and_the_message_says_why():
    scores = numpy_generator(0, "few templates").random(300)
    templates = [str(i % 25) for i in range(300)]
    with pytest.raises(AssayError, match=r"300 .* from 25 templates, .* as 143 .* 299 are needed"):
        calibrate_threshold(scores, 0.01, 0.05, sources=templates)


def test_a_repeated_conversation_counts_once(watched_model):
    rows = transcripts(60, seed=9)
    again = [t.model_copy(update={"id": f"again-{t.id}"}) for t in rows]
    scoring = small_scoring(watched_model.d_model)
    once = small_monitor(watched_model, scoring, sensitivities=())
    twice = calibrate(watched_model, scoring, [*rows, *again], small_settings())
    assert twice.calibration == once.calibration


def test_a_third_of_the_templates_checks_the_rate_and_none_of_it_set_the_threshold():
    scores, templates = planted(numpy_generator(1, "check"), [3] * 300, 0.2)
    benign = BenignValues(scores[:, None], tuple(templates), None)
    settings = small_settings(fpr=0.05, delta=0.05)
    scoring = small_scoring(8, features=1)
    calibration, check = calibrate_benign(scoring, benign, settings)
    assert (check.n, calibration.n) == (300, 600)
    assert calibration.templates == 200
    assert check.n_effective < 300
    assert check.fired == int((scores > calibration.threshold).sum()) - calibration.above
    assert check.excess_p > 0.05


def test_where_the_guarantee_needs_all_conversations_nothing_is_checked():
    scores = numpy_generator(2, "all needed").random(320)
    benign = BenignValues(scores[:, None], tuple(map(str, range(320))), None)
    calibration, check = calibrate_benign(
        small_scoring(8, features=1), benign, small_settings(fpr=0.01, delta=0.05)
    )
    assert check is None
    assert calibration.n == 320


def test_the_check_notices_a_threshold_that_other_templates_exceed():
    """Planted: the spared templates are of another kind, which fires."""
    scores = numpy_generator(3, "other kind").normal(size=900)
    templates = [str(i) for i in range(900)]
    benign = BenignValues(scores[:, None], tuple(templates), None)
    settings = small_settings(fpr=0.05, delta=0.05)
    scoring = small_scoring(8, features=1)
    from assay.monitoring.benign_calibration import spared_for_check

    spared = spared_for_check(scores, templates, settings.budgets, settings.seed)
    moved = BenignValues((scores + 1.5 * spared)[:, None], tuple(templates), None)
    assert calibrate_benign(scoring, benign, settings)[1].excess_p > 0.05
    assert calibrate_benign(scoring, moved, settings)[1].excess_p < 1e-6


def test_the_threshold_is_set_on_conversations_that_the_matrix_did_not_read_where_they_suffice():
    budgets = Budgets(fpr=0.05, delta=0.05)
    read, unread = transcripts(100, seed=1), transcripts(80, seed=2)
    found = divide_benign(read, unread, budgets)
    assert (found.calibrated, found.seen) == (tuple(unread), False)
    assert set(found.scaling) <= set(read)
    few = divide_benign(read, unread[:20], budgets)
    assert few.seen
    assert "served in the matrix" in few.in_words
    assert len(few.calibrated) + len(few.scaling) == 120
    assert not set(few.calibrated) & set(few.scaling)


def test_no_conversation_of_a_template_that_the_matrix_read_sets_the_threshold():
    read, unread = transcripts(10, seed=1), transcripts(80, seed=2)
    read[0] = read[0].model_copy(update={"template": "shared"})
    unread[0] = unread[0].model_copy(update={"template": "shared"})
    found = divide_benign(read, unread, Budgets(fpr=0.05, delta=0.05))
    assert (found.calibrated, found.seen) == (tuple(unread[1:]), False)
