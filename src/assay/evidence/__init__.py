"""The one record that every stage writes and every reader reads."""

from assay.evidence.record import Evidence, read_evidence, write_evidence

__all__ = ["Evidence", "read_evidence", "write_evidence"]
