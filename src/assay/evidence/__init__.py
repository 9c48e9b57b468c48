"""Evidence: the record of a measured figure, which every stage writes and every reader reads."""

from assay.evidence.record import Evidence, read_evidence, write_evidence

__all__ = ["Evidence", "read_evidence", "write_evidence"]
