"""The safety case: which claims does the evidence support, how strongly, and what is open?"""

from assay.safety_case.building import build_case
from assay.safety_case.export import (
    SAFETY_CASE,
    case_tree,
    read_case,
    safety_case_schema,
    write_case,
)
from assay.safety_case.inputs import CaseInputs, Sourced, Summary, read_summary
from assay.safety_case.monitor_solutions import TRUE_POSITIVE_RATE, threshold_hash
from assay.safety_case.nodes import Defeater, Node, NodeEvidence, SafetyCase
from assay.safety_case.status import recheck, settle

__all__ = [
    "SAFETY_CASE",
    "TRUE_POSITIVE_RATE",
    "CaseInputs",
    "Defeater",
    "Node",
    "NodeEvidence",
    "SafetyCase",
    "Sourced",
    "Summary",
    "build_case",
    "case_tree",
    "read_case",
    "read_summary",
    "recheck",
    "safety_case_schema",
    "settle",
    "threshold_hash",
    "write_case",
]
