"""The command line: one file a group of commands, each a thin face that parses, calls and prints."""

from assay.cli.main import main as main
