"""The command line. Each file holds one group of commands, which parse, call and print."""

from assay.cli.main import main as main
