"""The command ``assay``: its sub-commands, its errors and its exit status."""

from __future__ import annotations

import sys
import warnings
from typing import Annotated

import typer

from assay.cli import (
    attention,
    cases,
    concerns,
    demos,
    dictionaries,
    fits,
    journals,
    listings,
    organisms,
    studies,
)
from assay.errors import AssayError

app = typer.Typer(
    name="assay",
    help="Find, validate and watch features of concern inside language models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (
    demos.demo,
    *(cases.run, dictionaries.harvest, dictionaries.train, dictionaries.position),
    attention.qk,
    *(concerns.find, concerns.transfer, concerns.calibrate, concerns.watch),
    fits.fit,
    *(cases.plan, cases.verify, cases.report, listings.doctor),
):
    app.command()(command)
app.add_typer(listings.models_app, name="models")
app.add_typer(listings.data_app, name="data")
app.add_typer(organisms.organisms_app, name="organisms")
app.add_typer(journals.journal_app, name="journal")
app.add_typer(studies.study_app, name="study")


@app.callback()
def options(
    debug: Annotated[bool, typer.Option(help="Show a traceback when something fails.")] = False,
) -> None:
    """Declare the options that come before the command."""
    # main() removes --debug from any place in the arguments; it is declared here only for the help.


def main() -> None:
    """Run the command line.

    Bad input prints one line and exits with status 2; other failures exit with 1.
    """
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    if not debug:
        # Notices of future changes in libraries are for developers, not for users of the command.
        warnings.filterwarnings("ignore", category=FutureWarning)
    try:
        sys.exit(app(arguments, standalone_mode=False) or 0)
    except AssayError as error:
        if debug:
            raise
        print(f"assay: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("assay: interrupted; the same command resumes from here", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        if debug:
            raise
        if hasattr(error, "show") and hasattr(error, "exit_code"):  # misuse of the command line
            error.show()
            sys.exit(error.exit_code)
        kind = type(error).__name__
        print(f"assay: failed ({kind}: {error}); --debug shows the traceback", file=sys.stderr)
        sys.exit(1)
