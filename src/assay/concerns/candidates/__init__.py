"""Candidate features: ranked, labelled, and scored on held-out examples."""
