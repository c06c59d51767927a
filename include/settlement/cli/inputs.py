"""Commands that produce landing data: `settlement generate` and `settlement import`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from settlement.landing import generator, importers
from settlement.landing.generator import default_options, parse_months
from settlement.settings import reference_dir

Reference = Annotated[
    Path | None, typer.Option(help="Folder of the reference data; default: the one that comes with the package.")
]
Seed = Annotated[int, typer.Option(min=0, help="The same seed gives the same landing, byte for byte.")]


def generate(  # noqa: PLR0913, PLR0917  # the options of the command
    out: Annotated[Path, typer.Option(help="Landing root to write: a new or empty folder.")],
    months: Annotated[str, typer.Option(help="YYYY-MM, or YYYY-MM..YYYY-MM.")],
    plays: Annotated[int, typer.Option(min=1, help="Plays over the whole range.")],
    seed: Seed = 1,
    tracks: Annotated[int | None, typer.Option(min=1, help="Recordings; default: plays / 40, 200 to 200,000.")] = None,
    partners: Annotated[
        int | None, typer.Option(min=5, help="Partners, with three societies; default: tracks / 50, 11 to 300.")
    ] = None,
    users: Annotated[
        int | None, typer.Option(min=1, help="Listeners; default: one per 100 plays a month, 40 to 1,000,000.")
    ] = None,
    user_centric: Annotated[
        int, typer.Option(min=0, max=100, help="Percent of the labels whose subscription plays are settled user-centric.")
    ] = 25,
    reference: Reference = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; default: one a CPU, or one if small.")] = None,
) -> None:
    """Write synthetic landing data: plays with every defect the rules know, payments, other revenue, catalogues."""
    options = default_options(parse_months(months), plays, seed, reference or reference_dir(), tracks)
    options = replace(
        options, partners=partners or options.partners, users=users or options.users, user_centric_ppm=user_centric * 10_000
    )
    with _bar("Writing days") as advance:
        written = generator.generate(options, out, jobs=jobs, progress=advance)
    typer.echo(
        f"Wrote {written.plays:,} plays, {written.payments:,} payments, {written.other_revenue:,} other revenue rows "
        f"and {written.days} catalogue snapshots of {options.tracks:,} tracks to {out}."
    )
    _next(out, months)


def import_listens(  # the options of the command
    files: Annotated[list[Path], typer.Argument(help="Exports of listening histories, plain or gzipped.")],
    month: Annotated[str, typer.Option(help="The month to fill: YYYY-MM.")],
    out: Annotated[Path, typer.Option(help="Landing root to write: a new or empty folder.")],
    form: Annotated[importers.Format, typer.Option("--format", help="Format of the files.")] = "auto",
    seed: Seed = 1,
    reference: Reference = None,
) -> None:
    """Write landing data of one month from real listening histories: every play once, catalogue and payments made up.

    Formats: Spotify account export (StreamingHistory*.json, Streaming_History_Audio_*.json), ListenBrainz (JSONL; it
    doesn't say how long was listened: the recording's duration counts, else 210 seconds), CSV (user,
    ended_at_utc_min, artist, track, ms_played, src_row_id).
    """
    options = importers.ImportOptions(parse_months(month), reference or reference_dir(), form, seed)
    with _bar("Reading, then writing days") as advance:
        written = importers.import_listens(files, out, options, progress=advance)
    typer.echo(
        f"Wrote {written.plays:,} plays of {written.tracks:,} tracks by {written.listeners:,} listeners, "
        f"{written.payments:,} payments and {written.other_revenue:,} other revenue rows to {out}."
    )
    _next(out, month)


@contextmanager
def _bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr, gone at the end; yields the function that moves it on: plays of a day, plays in all."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(label, total=None)
        yield lambda count, total: progress.update(task, total=total, advance=count)


def _next(out: Path, months: str) -> None:
    typer.echo(f"Next: settlement run --landing {out} --months {months} --warehouse WAREHOUSE")
