"""The stages of a case, one whole file each."""
