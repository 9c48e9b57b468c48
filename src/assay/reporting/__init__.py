"""The self-contained HTML page and its plots."""
