"""The records of evidence that the case looks up, by metric: every name in one place."""

from __future__ import annotations

# Each name is the one that the stage writes; a test compares them.
VARIANCE_EXPLAINED = "variance explained without the sink"
"""Share of the activations' variance that the dictionary reconstructs; written by quality."""
CROSS_ENTROPY_RECOVERED = "cross-entropy recovered"
"""Share of the cross-entropy lost by ablating the site that the reconstruction restores; quality."""
DEAD = "dead features"
"""Share of features that fired on no held-out token; written by quality."""
WELL_SEPARATED = "well-separated features"
"""Share of the features that are content or position alone; written by position."""
