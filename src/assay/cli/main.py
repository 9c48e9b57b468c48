"""The command line: a thin face that parses, calls and prints."""

from __future__ import annotations

import sys
import warnings
from typing import Annotated

import typer

from assay.cli import cases, concerns, dictionaries, listings, organisms, studies
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
    *(cases.run, dictionaries.harvest, dictionaries.train, dictionaries.position),
    *(concerns.find, concerns.transfer, concerns.calibrate, concerns.watch),
    *(cases.plan, cases.verify, cases.report, listings.doctor),
):
    app.command()(command)
app.add_typer(listings.models_app, name="models")
app.add_typer(listings.data_app, name="data")
app.add_typer(organisms.organisms_app, name="organisms")
app.add_typer(studies.study_app, name="study")


@app.callback()
def options(
    debug: Annotated[bool, typer.Option(help="Show a traceback when something fails.")] = False,
) -> None:
    """Take the options that stand before the command."""
    # main() takes --debug out wherever it stands; here it is only shown in the help.


def main() -> None:
    """Run the command line; errors of the user's are one line and exit status 2."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    if not debug:
        # What libraries will change one day is for developers, not for a terminal in use.
        warnings.filterwarnings("ignore", category=FutureWarning)
    try:
        sys.exit(app(arguments, standalone_mode=False) or 0)
    except AssayError as error:
        if debug:
            raise
        print(f"assay: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("assay: interrupted; the same command goes on from here", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        if debug:
            raise
        if hasattr(error, "show") and hasattr(error, "exit_code"):  # misuse of the command line
            error.show()
            sys.exit(error.exit_code)
        kind = type(error).__name__
        print(f"assay: failed ({kind}: {error}); --debug shows where", file=sys.stderr)
        sys.exit(1)
