"""Evidence: the record of a measured figure, which every stage writes and every reader reads."""

from assay.evidence.record import Evidence, evidence_frame, read_evidence, write_evidence

__all__ = ["Evidence", "evidence_frame", "read_evidence", "write_evidence"]
