"""Commands on training runs that go on by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from recdemo.cli.options import Json
from recdemo.cli.tables import out, print_json, print_table

if TYPE_CHECKING:
    from recdemo.jobs.store import Run

RunArgument = Annotated[str, typer.Argument(help="Id of the run; 'runs' lists them.")]

app = typer.Typer(help="Training runs that go on by themselves, as the page Retrain starts them.")


@app.callback(invoke_without_command=True)
def list_runs(context: typer.Context, as_json: Json = False) -> None:
    """List the runs, oldest first: how far each is, and why one has failed."""
    from recdemo.jobs import store

    if context.invoked_subcommand:
        return
    found = store.all_runs()
    if as_json:
        print_json([run.as_dict() for run in found])
        return
    rows = [
        [run.id, run.title, run.state, ", ".join(filter(None, [run.progress, run.status.note]))]
        for run in found
    ]
    print_table(f"{len(rows)} runs in {store.root()}", ["id", "run", "state", "progress"], rows)


@app.command("cancel")
def cancel_run(run: RunArgument) -> None:
    """End a run; what it has learned until its last whole epoch stays for 'resume'."""
    from recdemo.jobs import control

    _print_run(control.cancel(run))


@app.command("resume")
def resume_run(run: RunArgument) -> None:
    """Go on with a run that was cancelled, was interrupted or has failed, from its last whole epoch."""
    from recdemo.jobs import control

    _print_run(control.resume(run))


@app.command("delete")
def delete_run(run: RunArgument) -> None:
    """Remove a run that has ended, and all that came of it; models kept from it stay."""
    from recdemo.jobs import control

    control.delete(run)


def _print_run(run: Run) -> None:
    out.print(f"{run.id}  {run.title}: {run.state}", highlight=False, markup=False, soft_wrap=True)
