"""Names of the figures that more than one stage speaks of."""

from assay.dictionaries.quality_records import CROSS_ENTROPY_RECOVERED as CROSS_ENTROPY_RECOVERED
from assay.dictionaries.quality_records import DEAD as DEAD
from assay.dictionaries.quality_records import HELD_OUT as HELD_OUT
from assay.dictionaries.quality_records import JACKKNIFE as JACKKNIFE
from assay.dictionaries.quality_records import L0 as L0
from assay.dictionaries.quality_records import QUALITY as QUALITY
from assay.dictionaries.quality_records import SINK_SHARE as SINK_SHARE
from assay.dictionaries.quality_records import VARIANCE_EXPLAINED as VARIANCE_EXPLAINED
from assay.dictionaries.quality_records import VARIANCE_EXPLAINED_ALL as VARIANCE_EXPLAINED_ALL

WELL_SEPARATED = "well-separated features"
WELL_SEPARATED_WEIGHTED = "well-separated share of activation"

CAUGHT = "held-out organisms caught"

HEADLINE = (VARIANCE_EXPLAINED, WELL_SEPARATED, SINK_SHARE)
"""The three figures that a run ends with."""
