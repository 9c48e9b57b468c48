"""The stages of a case, one file each."""
