"""Concerns: elicitation, detectors, candidate features, rules, and whether any of it transfers."""
