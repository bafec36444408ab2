"""The command line: every page's answer from a shell.

Standard output holds the answer (with ``--json`` one JSON value and nothing else), standard error everything
else. Exit status 2: the request is wrong. Exit status 1: it could not be carried out.
"""

from __future__ import annotations

import gc
import sys
from typing import NoReturn

import typer

from recdemo.cli import answers, data, runs, training, visits
from recdemo.cli.tables import err
from recdemo.core.errors import CheckpointError, DataError, RequestError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="Neural recommenders, side by side, explained. Films are named by MovieLens-1M id; "
    "'python -m recdemo films matrix' finds one.",
    pretty_exceptions_enable=False,
)
app.add_typer(answers.app)
app.add_typer(visits.app)
app.add_typer(training.app)
app.add_typer(runs.app, name="runs")
app.add_typer(data.app, name="data")

_BRIEF = {
    command.name or getattr(command.callback, "__name__", "")
    for part in (answers, visits)
    for command in part.app.registered_commands
}


def main() -> NoReturn:
    """Run, turning every expected failure into one line on standard error and an exit status."""
    if sys.argv[1:] and sys.argv[1] in _BRIEF:
        gc.disable()  # to look for garbage in all that torch and pandas bring took a fifth of an answer's time
    try:
        app(standalone_mode=True)
    except RequestError as error:
        _fail(str(error), 2)
    except OSError as error:
        _fail(f"{error.filename or ''} {error.strerror or error}".strip(), 1)
    except (CheckpointError, DataError) as error:
        _fail(str(error), 1)
    raise SystemExit(0)


def _fail(message: str, status: int) -> NoReturn:
    # A name of a file that is none in any alphabet has halves of characters, which no console takes.
    message = message.encode(errors="replace").decode()
    err.print(f"Error: {message}", style="red", markup=False, highlight=False, soft_wrap=True)
    raise SystemExit(status)
