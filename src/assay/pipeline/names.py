"""Names of the figures that more than one stage speaks of."""

VARIANCE_EXPLAINED = "variance explained without the sink"
VARIANCE_EXPLAINED_ALL = "variance explained, sink included"
WELL_SEPARATED = "well-separated features"
WELL_SEPARATED_WEIGHTED = "well-separated share of activation"
SINK_SHARE = "sink's share of the residual variance"
L0 = "L0"
DEAD = "dead features"
CROSS_ENTROPY_RECOVERED = "cross-entropy recovered"

CAUGHT = "held-out organisms caught"

HEADLINE = (VARIANCE_EXPLAINED, WELL_SEPARATED, SINK_SHARE)
"""The three figures that a run ends with."""
QUALITY = (VARIANCE_EXPLAINED, VARIANCE_EXPLAINED_ALL, L0, DEAD, CROSS_ENTROPY_RECOVERED)
"""The dictionary's figures, in the order of the report."""

JACKKNIFE = "delete-a-group jackknife over documents"
HELD_OUT = "held_out"
