"""The case file, and its stages: cached, resumable, atomic."""
