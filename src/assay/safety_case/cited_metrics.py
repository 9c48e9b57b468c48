"""The metrics of the quality and position stages that the case cites, under the rooms' own names."""

from assay.dictionaries.quality_records import CROSS_ENTROPY_RECOVERED, DEAD, VARIANCE_EXPLAINED
from assay.position.separation_evidence import SEPARATED_FEATURES as WELL_SEPARATED

__all__ = ["CROSS_ENTROPY_RECOVERED", "DEAD", "VARIANCE_EXPLAINED", "WELL_SEPARATED"]
