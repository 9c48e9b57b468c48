"""A small case in which every claim that can be supported is, built from the typed results.

Every part is made by the class that the stages write, so that a field that no stage writes cannot be
used here. ``test_any_case.py`` lists the cases of which the general properties are tested.
"""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from assay.concerns.candidates.result import (
    Candidate,
    CandidateReport,
    LabelScore,
    StrategyYield,
)
from assay.concerns.matrix.cells import Ablation, Cell, TwinCell
from assay.concerns.matrix.comparisons import FeatureRecall
from assay.concerns.matrix.reference_result import LearningPoint, ReferenceFigures, ViewFigures
from assay.concerns.matrix.result import CatchBound, LeftOut, TestedOrganism, TransferMatrix
from assay.evidence import Evidence
from assay.monitoring.result import (
    BenignCheck,
    Monitor,
    OrganismSensitivity,
    ShiftFigure,
    WatchedFeature,
    WatchedModel,
)
from assay.monitoring.rollback import EProcessRule, HandfulRule, OperatingFigures
from assay.monitoring.thresholds import Calibration
from assay.position.result import (
    LabelSummary,
    PositionResult,
    PositionSummary,
    RandomDictionaryFigures,
    TokensAtLevels,
)
from assay.safety_case import CaseInputs, cited_metrics
from assay.statistics.intervals import (
    clopper_pearson,
    proportion_lower_bound,
    proportion_upper_bound,
)
from limits_of_detection import a_limit

MODEL, DICTIONARY, TEXT, ORGANISMS = ("a" * 64, "d" * 64, "7" * 64, "0" * 64)
CONVERSATIONS = "c" * 64
QUALITY_INPUTS = {"model": MODEL, "dictionary": DICTIONARY, "text": TEXT}
CONCERN_INPUTS = {
    "model": MODEL,
    "dictionary": DICTIONARY,
    "organisms": ORGANISMS,
    "conversations": CONVERSATIONS,
}
FILES = {
    "evidence/quality.json": "1" * 64,
    "position.json": "5" * 64,
    "transfer.json": "2" * 64,
    "candidates.json": "3" * 64,
    "monitor.json": "4" * 64,
}


def made_record(metric, estimate, ci, **changes):
    """A record as the quality stage writes it, with its file."""
    fields = {
        "metric": metric,
        "estimate": estimate,
        "ci": ci,
        "method": "delete-a-group jackknife over documents",
        "n": 300,
        "unit": "documents",
        "split": "held_out",
        "seed": 0,
        "inputs": QUALITY_INPUTS,
        "file": "evidence/quality.json",
    }
    return Evidence(**(fields | changes))


QUALITY = (
    made_record(cited_metrics.VARIANCE_EXPLAINED, 0.97, (0.96, 0.98)),
    made_record(cited_metrics.CROSS_ENTROPY_RECOVERED, 0.95, (0.93, 0.97)),
    made_record(cited_metrics.DEAD, 0.02, None),
    made_record(cited_metrics.WELL_SEPARATED, 0.9, (0.88, 0.92), unit="features"),
)


def made_cell(caught=57, positives=60, fired=0, benign=400, **changes):
    """An admitted cell of prompted → single_feature on the liar, from its counts."""
    fields = {
        "strategy": "prompted",
        "detector": "single_feature",
        "organism": "liar",
        "auroc": 0.99,
        "auroc_ci": (0.97, 1.0),
        "n_positive": positives,
        "n_negative": 80,
        "threshold": 1.1,
        "n_threshold": 299,
        "positive_templates": 60,
        "n_positive_effective": float(positives),
        "tpr": caught / positives,
        "tpr_ci": clopper_pearson(caught, positives),
        "tpr_lower": proportion_lower_bound(caught, positives),
        "benign_rate": fired / benign,
        "benign_upper": proportion_upper_bound(fired, benign),
        "benign_n": benign,
        "benign_templates": benign,
        "benign_n_effective": float(benign),
        "benign_p": 1.0,
        "near_miss_rate": 0.0,
        "near_miss_ci": clopper_pearson(0, 80),
        "near_miss_n": 80,
        "partial_auroc": 0.93,
        "pool_auroc": 0.995,
        "beats_text": True,
        "text_p": 0.001,
        "allowed_rate": None,
        "allowed_ci": None,
        "allowed_n": 0,
        "null_partial_auroc": 0.6,
        "verdict": "high",
        "reasons": (),
    }
    return Cell(**(fields | changes))


def made_twin_cell(fired=0, n=100):
    """The same detector on the liar's decoy twin."""
    return TwinCell(
        strategy="prompted",
        detector="single_feature",
        organism="liar-decoy",
        twin_of="liar",
        threshold=1.1,
        fired=fired,
        n=n,
        n_effective=float(n),
        rate_ci=clopper_pearson(fired, n),
        rate_lower=proportion_lower_bound(fired, n),
        rate_upper=proportion_upper_bound(fired, n),
    )


def made_organism(name="liar", concern="deception", **changes):
    """An organism that passed its verification."""
    fields = {
        "name": name,
        "family": name,
        "concern": concern,
        "severity": "high",
        "twin_of": None,
        "twin_kind": None,
        "admitted": True,
        "reason": "",
        "positives": 60,
        "negatives": 80,
        "making": "smollm2 by recipe",
        "scored": "the reply up to the payload",
        "invalid": 0,
        "places": (3, 5, 9),
        "regenerated": 0,
        "same": 0,
    }
    return TestedOrganism(**(fields | changes))


def made_ablation(effect=-2.0, high=-1.5, random=(-0.1, 0.0, 0.1) * 33, **changes):
    """An ablation of the admitted cell."""
    lower = sum(other <= effect for other in random)
    fields = {
        "strategy": "prompted",
        "detector": "single_feature",
        "organism": "liar",
        "feature": 7,
        "effect": effect,
        "effect_ci": (2 * effect - high, high),
        "random": random,
        "p": (1 + lower) / (1 + len(random)),
        "p_adjusted": (1 + lower) / (1 + len(random)),
        "off_target": 0.01,
        "off_target_upper": 0.02,
        "n": 16,
    }
    return Ablation(**(fields | changes))


def made_reference(gap_ci=(0.05, 0.2), window="reply"):
    return ReferenceFigures(
        organism="liar",
        window=window,
        views=tuple(
            ViewFigures(
                view=view,
                auroc=area,
                auroc_ci=(area - 0.1, min(1.0, area + 0.1)),
                tpr=0.9,
                tpr_ci=(0.8, 1.0),
                fpr=0.01,
                near_miss_rate=0.0,
            )
            for view, area in (("own", 0.99), ("reader", 0.87), ("text", 0.7))
        ),
        gap=0.12,
        gap_ci=gap_ci,
        learned_from=5,
        n=140,
        templates=20,
    )


def made_learning_point(auroc_ci=(0.96, 1.0), tested=20):
    return LearningPoint(
        view="own",
        amount="all",
        organisms=19,
        auroc=0.98,
        auroc_ci=auroc_ci,
        tpr=0.9,
        tpr_ci=(0.8, 0.95),
        tested=tested,
        subsets=1,
    )


def made_catch_bound(caught=20, organisms=20, caught_makings=None, makings=None):
    """So many of so many organisms caught; each made in a way of its own, unless stated."""
    makings = organisms if makings is None else makings
    caught_makings = caught if caught_makings is None else caught_makings
    return CatchBound(
        caught=caught,
        organisms=organisms,
        lower=proportion_lower_bound(caught, organisms) if organisms else None,
        caught_makings=caught_makings,
        makings=makings,
        lower_makings=proportion_lower_bound(caught_makings, makings) if makings else None,
    )


def made_recall(organism="liar", feature=0.95, error=0.7, width=0.05):
    """The dictionary has a feature for what the organism does, better than its error."""
    return FeatureRecall(
        organism=organism,
        feature=7,
        feature_auroc=feature,
        feature_ci=(feature - 0.04, min(1.0, feature + 0.04)),
        raw_auroc=0.99,
        raw_ci=(0.97, 1.0),
        error_auroc=error,
        error_ci=(error - 0.05, min(1.0, error + 0.05)),
        gap_ci=(error - feature - width, error - feature + width),
        n=140,
        templates=30,
    )


def made_matrix(**changes):
    """A matrix of one organism and its decoy twin."""
    fields = {
        "seed": 0,
        "site": "resid_post.1",
        "further_sites": (),
        "fpr_budget": 0.01,
        "delta": 0.05,
        "tpr_target": 0.8,
        "inputs": CONCERN_INPUTS,
        "organisms": (
            made_organism(),
            made_organism(
                "liar-decoy", family="liar", twin_of="liar", twin_kind="decoy", positives=0
            ),
        ),
        "cells": (
            made_cell(),
            made_cell(
                detector="text", verdict="control", auroc=0.7, auroc_ci=(0.6, 0.8), beats_text=None
            ),
        ),
        "twin_cells": (made_twin_cell(),),
        "missing": (),
        "nulls": (),
        "recall": (made_recall(),),
        "icc": 0.1,
        "benign_icc": 0.1,
        "benign_tests": (),
        "window": "reply",
        "references": (made_reference(),),
        "learning_curve": (made_learning_point(),),
        "limits": (a_limit("liar", 0.6, (0.4, 1.0)),),
        "replies": (),
        "roc": (),
        "ablations": (made_ablation(),),
        "leave_one_out": (
            LeftOut(
                held_out="liar",
                family="liar",
                strategy="prompted",
                detector="single_feature",
                mean_partial_auroc_elsewhere=0.93,
                auroc=0.99,
                auroc_ci=(0.97, 1.0),
                tpr=57 / 60,
                tpr_ci=clopper_pearson(57, 60),
                benign_upper=proportion_upper_bound(0, 400),
                n_positive=60,
                n_negative=80,
                caught=True,
            ),
        ),
        "contexts": (),
        "catch_bound": made_catch_bound(),
        "notes": (),
    }
    return TransferMatrix(**(fields | changes))


def made_score(right=90, n=100):
    """A label score from its counts."""
    return LabelScore(estimate=right / n, ci=clopper_pearson(right, n), n=n)


def made_candidate(feature=7, **changes):
    """A candidate whose label holds on held-out examples."""
    fields = {
        "feature": feature,
        "name": f"deception {feature}",
        "concern": "deception",
        "strategy": "prompted",
        "contrast": 3.0,
        "auroc": 0.99,
        "p": 0.001,
        "p_smallest": 0.001,
        "position_label": "content",
        "position_warning": None,
        "label": "denials",
        "detection": made_score(90),
        "fuzzing": made_score(85),
        "attribution": 1.0,
        "promoted": (("▁no", 2.1),),
        "examples": ((("▁the", 0.0), ("▁fault", 3.0)), (("▁denial", 2.0),)),
        "random_examples": (),
    }
    return Candidate(**(fields | changes))


def made_yield(name, positives):
    """What one strategy elicited."""
    return StrategyYield(
        concern="deception",
        name=name,
        positives=positives,
        negatives=40,
        discarded=3,
        refused=5,
        note="",
    )


def made_candidates(**changes):
    """A watched candidate with a good label, and another one with a label no better than guessing."""
    fields = {
        "seed": 0,
        "inputs": {**CONCERN_INPUTS, "text": TEXT},
        "strategies": (made_yield("prompted", 40), made_yield("perturbed.noise", 9)),
        "candidates": (
            made_candidate(),
            made_candidate(9, contrast=1.0, p=0.2, detection=made_score(50), fuzzing=None),
        ),
    }
    return CandidateReport(**(fields | changes))


def made_calibration(**changes):
    """A calibration on as few benign conversations as prove the budget."""
    fields = {
        "threshold": 1.2,
        "n": 2995,
        "templates": 2995,
        "n_effective": 2995.0,
        "allowed": 0,
        "above": 0,
        "budget": 0.001,
        "rate_bound": proportion_upper_bound(0, 2995),
        "delta": 0.05,
    }
    return Calibration(**(fields | changes))


def made_sensitivity(organism="liar", concern="deception", fired=57, n=60, **changes):
    """The monitor fires on most of what an organism does, and on none of its own benign replies."""
    fields = {
        "organism": organism,
        "concern": concern,
        "verified": True,
        "fired": fired,
        "n": n,
        "icc": 0.1,
        "n_effective": float(n),
        "lower": proportion_lower_bound(fired, n),
        "upper": proportion_upper_bound(fired, n),
        "benign_fired": 0,
        "benign_n": 80,
        "benign_n_effective": 80.0,
        "benign_p": 1.0,
        "near_miss_fired": 0,
        "near_miss_n": 90,
        "near_miss_lower": 0.0,
    }
    return OrganismSensitivity(**(fields | changes))


def made_shift(shift="200 tokens", fired=0, excess_p=1.0):
    """Benign firing under one shift."""
    return ShiftFigure(
        shift=shift, fired=fired, n=200, upper=proportion_upper_bound(fired, 200), excess_p=excess_p
    )


def made_check(fired=0, excess_p=1.0):
    """Benign firing on data that did not calibrate."""
    return BenignCheck(fired=fired, n=800, n_effective=800.0, excess_p=excess_p)


def made_operating(**changes):
    """What to expect of the rollback rule."""
    fields = {
        "false_rollback_probability": 0.03,
        "firings_needed": 90,
        "missed_defections": 5.0,
        "shift_power": 0.9999,
        "base_rate_power": 0.999,
        "base_rate_for_power": 0.0004,
        "firings_after_quiet": {"1000": 7, "20000": 12},
        "best_shift_power": None,
    }
    return OperatingFigures(**(fields | changes))


def made_random_dictionary(low=0.1, high=0.2, **changes):
    """A random dictionary that the trained one beats."""
    fields = {
        "draws": 3,
        "features": 3000,
        "well_separated": 0.75,
        "well_separated_ci": (0.7, 0.8),
        "difference": (low + high) / 2,
        "interval": (low, high),
        "too_rare": 0.4,
    }
    return RandomDictionaryFigures(**(fields | changes))


def made_position(features=1000, not_too_rare=440, **changes):
    """A position audit of which more than half of the features are too rare."""
    own = {
        "features": features,
        "not_too_rare": not_too_rare,
        "labels": {},
        "well_separated": 0.9,
        "well_separated_ci": (0.88, 0.92),
        "well_separated_weighted": 0.9,
        "well_separated_weighted_ci": (0.88, 0.92),
    }
    fields = {
        "model": "made",
        "site": "resid_post.1",
        "dictionary": "made",
        "documents": 300,
        "rows": 300,
        "length": 128,
        "seed": 0,
        "first_token": 1,
        "left_out": "position 0",
        "left_out_rate": 0.008,
        "level": "no_sink",
        "tokens": TokensAtLevels(all=100, no_sink=90, no_first_8=80),
        "summary": PositionSummary(**own, by_head={0: LabelSummary(**own)}),
        "label_reason": None,
        "treatment": None,
        "random_dictionary": made_random_dictionary(),
        "noise_floor": None,
        "sink_distance": None,
        "cross_entropy_by_offset": None,
        "guard": None,
        "beside": (),
        "features": (),
    }
    return PositionResult(**(fields | changes))


def made_monitor(features=(7,), **changes):
    """A monitor of the features with these indices, calibrated for the model of the case."""
    calibration = changes.get("calibration", made_calibration())
    bound = calibration.rate_bound
    rule = EProcessRule(p0=bound, alpha=0.05) if bound < 0.4 else HandfulRule(handful=3, alpha=0.05)
    fields = {
        "case": "made",
        "site": "resid_post.1",
        "features": tuple(
            WatchedFeature(
                name=f"watched {i}", feature=feature, direction=(0.6, 0.8), bias=-0.1, threshold=0.5
            )
            for i, feature in enumerate(features)
        ),
        "aggregation": "max",
        "model": WatchedModel(
            id="smollm2-135m-instruct", fingerprint=MODEL, dtype="bfloat16", attention="sdpa"
        ),
        "dictionary_sha256": DICTIONARY,
        "calibration": calibration,
        "rollback": rule,
        "horizon": 50_000,
        "base_rate": 0.001,
        "tpr_target": 0.8,
        "tpr": 57 / 60,
        "tpr_low": proportion_lower_bound(57, 60),
        "tpr_n": 60,
        "ppv": 0.49,
        "operating": made_operating(),
        "guarantee": "At most 0.1 % of benign conversations like these fire, at confidence 95 %.",
        "sensitivities": (made_sensitivity(),),
        "organisms_caught": 1,
        "organisms_lower": 0.05,
        "check": made_check(),
        "longest": 200,
        "shifts": (made_shift(), made_shift("French")),
        "inputs": CONCERN_INPUTS,
    }
    return Monitor(**(fields | changes))


def made_inputs(**changes):
    """The whole case with parts replaced; None stands for a result that does not exist."""
    fields = {
        "case": "made",
        "model": MODEL,
        "seed": 0,
        "concerns": ("deception",),
        "evidence": QUALITY,
        "position": made_position(),
        "transfer": made_matrix(),
        "candidates": made_candidates(),
        "monitor": made_monitor(),
        "files": FILES,
    }
    return CaseInputs(**(fields | changes))


@pytest.fixture
def made():
    """Functions that make each part of the case; keywords replace fields."""
    return SimpleNamespace(
        record=made_record,
        quality=QUALITY,
        cell=made_cell,
        twin_cell=made_twin_cell,
        organism=made_organism,
        ablation=made_ablation,
        catch_bound=made_catch_bound,
        matrix=made_matrix,
        score=made_score,
        candidate=made_candidate,
        candidates=made_candidates,
        calibration=made_calibration,
        monitor=made_monitor,
        recall=made_recall,
        sensitivity=made_sensitivity,
        shift=made_shift,
        check=made_check,
        position=made_position,
        random_dictionary=made_random_dictionary,
        inputs=made_inputs,
    )
