"""Assay finds, validates and watches features of concern inside language models."""

__version__ = "0.1.0"
