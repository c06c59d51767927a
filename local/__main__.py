"""`python -m local up|down|status|settle|airflow`: the Airflow of a work folder, and the main job through it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from local.airflow import Airflow
from local.api import Refused, Unreachable
from local.house import airflow_of
from local.month import RunFailed, settle


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local", description="A whole Airflow on this machine.")
    parser.add_argument("command", choices=["up", "down", "status", "settle", "airflow"])
    parser.add_argument("--work", type=Path, required=True, help="work folder: landing, warehouse, airflow")
    parser.add_argument("--month", help="settle: the month YYYY-MM")
    parser.add_argument("--approved-by", default="approver", help="settle: the user who answers the approval")
    parser.add_argument("--on-services", action="store_true", help="settle: on PostgreSQL, S3, EMR and Hive of this machine")
    parser.add_argument("--port", type=int, help="of the UI; default: 8080, or a free one")
    asked, rest = parser.parse_known_args()
    if rest and asked.command != "airflow":
        parser.error(f"unknown: {' '.join(rest)}")
    out = Console(highlight=False, soft_wrap=True)
    airflow = airflow_of(asked.work, port=asked.port)
    try:
        if asked.command == "settle" and asked.on_services:
            from local.on_services import (  # with the clients of servers, which take a second to load
                landed_on_services,
                published,
            )

            with landed_on_services(asked.work) as settings:
                airflow = airflow_of(asked.work, settings, asked.port)
                _run(airflow, asked.work, asked.month, asked.approved_by, out)
                out.print(f"{asked.month} is closed. Open the month: {published(asked.work, asked.month)}")
        elif asked.command == "settle":
            _settle(airflow, asked.work, asked.month, asked.approved_by, out)
        elif asked.command == "up":
            airflow.up()
            _show(airflow, out)
        elif asked.command == "airflow":
            out.print(airflow.cli(*rest), markup=False)
        elif asked.command == "down":
            airflow.down()
            out.print("Airflow is stopped; what waited goes on after the next `make up`.")
        else:
            for component, runs in airflow.running().items():
                out.print(f"{component:14} {'runs' if runs else 'is stopped'}")
    except (RuntimeError, RunFailed, Refused, Unreachable, TimeoutError) as error:
        Console(stderr=True, soft_wrap=True, highlight=False).print(f"error: {error}", style="red", markup=False)
        return 1
    return 0


def _run(airflow: Airflow, work: Path, month: str, approver: str, out: Console) -> None:
    out.print("Starting Airflow: scheduler, DAG processor, triggerer, API server …")
    try:
        airflow.up()
        settle(airflow, work / "landing", month, approver, out)
    finally:
        airflow.down()


def _settle(airflow: Airflow, work: Path, month: str, approver: str, out: Console) -> None:
    _run(airflow, work, month, approver, out)
    published = work / "warehouse" / "published" / f"month={month}"
    out.print(f"\n{month} is closed and Airflow is stopped. Open the month and the partners' files:")
    for page in sorted(published.glob("version=*/index.html")):
        out.print(f"  {page}")
        out.print(f"  {page.parent}/partner=<id>/  usage.csv, statement.xlsx, manifest.json")
    out.print("Next:")
    out.print(f"  make up WORK={work}      Airflow's UI with these runs, their logs and the approval; make down stops it")
    out.print(f"  settlement totals --warehouse {work}/warehouse --month {month}")
    out.print(f"  settlement serve --local --warehouse {work}/warehouse      sums at any grain over HTTP, with a token to try it")
    out.print(f"  settlement ledger verify --warehouse {work}/warehouse")


def _show(airflow: Airflow, out: Console) -> None:
    out.print(f"Airflow runs at {airflow.url} — users and passwords:")
    for user, password in airflow.passwords().items():
        if user != "settlement-service":
            out.print(f"  {user:10} {password}", markup=False)
    out.print("Stop it with `make down`.")


if __name__ == "__main__":
    sys.exit(main())
