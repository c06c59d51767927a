"""The `settlement` command: what people and scripts call; every command is a thin layer over the package."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from settlement.cli import audit, dsr, export, inputs, landing, ledger, preview, report, restate, run, serve, tables, totals
from settlement.errors import SettlementError, of_system

app = typer.Typer(
    name="settlement",
    help="Royalty settlement: from landed plays and payments to partner statements.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("generate")(inputs.generate)
app.command("import")(inputs.import_listens)
app.command("run")(run.run)
app.command("preview")(preview.preview)
app.command("totals")(totals.totals)
app.command("export")(export.export)
app.command("report")(report.report)
app.command("serve")(serve.serve)
app.add_typer(restate.app, name="restate")
app.add_typer(landing.app, name="landing")
app.add_typer(tables.app, name="tables")
app.add_typer(ledger.app, name="ledger")
app.add_typer(audit.app, name="audit")
app.add_typer(dsr.app, name="dsr")


def main() -> None:
    """Entry point: an error that is meant for people is printed as such, and the exit code is 1."""
    try:
        app()
    except (SettlementError, OSError) as error:
        shown = error if isinstance(error, SettlementError) else of_system(error)
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"error: {shown}", markup=False, style="red")
        sys.exit(1)
