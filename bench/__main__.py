"""`python -m bench`: ratios on small data. `python -m bench user-centric`: what user-centric settlement costs a month of 16
million plays. `python -m bench large`: a month of 100 million plays. `python -m bench engines`: stages of a month on three
engines, `engines-day` of large days. `python -m bench requests`: what a day asks of S3. `python -m bench api`: answers of the
query API. `python -m bench pods`: audits in pods, and the images."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.measure import in_process, machine, timed, zcat_seconds
from settlement.landing.contract import KINDS
from settlement.pipeline import days_of
from settlement.settings import reference_dir

MONTH = "2026-03"
LARGE_PLAYS = 100_000_000
USER_CENTRIC_PLAYS = 16_000_000
ENGINE_PLAYS = 1_000_000
ENGINE_DAY_PLAYS = [1_000_000, 10_000_000]
AUDIT_PLAYS = 200_000
API_ROWS = [10_000, 1_000_000]


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def settlement(*arguments: str) -> None:
    """Run the command in a process of its own; its output is kept away unless it fails."""
    done = subprocess.run([sys.executable, "-m", "settlement", *arguments], check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)


def generate(out: Path, plays: int, tracks: int, user_centric: int = 0) -> None:
    settlement(
        "generate", "--out", str(out), "--months", MONTH, "--plays", str(plays), "--tracks", str(tracks), "--seed", "1",
        "--user-centric", str(user_centric),
    )  # fmt: skip


def run(landing: Path, warehouse: Path) -> None:
    settlement(
        "run", "--landing", str(landing), "--months", MONTH, "--warehouse", str(warehouse),
        "--requested-by", "bench", "--approved-by", "bench-approver",
    )  # fmt: skip


def landed(landing: Path, day: str) -> list[Path]:
    return sorted(path for kind in KINDS for path in (landing / kind / f"dt={day}").glob("*.gz"))


def usage(scratch: Path) -> None:
    """Landing → published usage of one day against `zcat` of the same files."""
    landing, days = scratch / "usage", days_of(MONTH)
    generate(landing, 400_000 * len(days), tracks=20_000)
    zcat = zcat_seconds(landed(landing, days[-1]))
    for name, earlier, aim in (("without look-back", [], 6), ("with the 30-day look-back", days[:-1], 10)):
        found = in_process("bench.one_day", str(landing), str(scratch / "usage-warehouse"), days[-1], ",".join(earlier))
        ratio = found.seconds / zcat
        say(f"usage {name}: {found.seconds:.2f} s, zcat {zcat:.2f} s: {ratio:.1f} × (aim {aim} ×), peak {found.peak_mib} MiB")
        shutil.rmtree(scratch / "usage-warehouse")
    shutil.rmtree(landing)


def lines(scratch: Path) -> None:
    """A month's lines against one query written by hand."""
    landing, warehouse = scratch / "lines", scratch / "lines-warehouse"
    generate(landing, 2_000_000, tracks=50_000)
    run(landing, warehouse)
    command = [sys.executable, "-m", "bench.lines", str(landing), str(warehouse), MONTH]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    ours, by_hand = float(out[0]), float(out[1])
    alike = "equal rows_hash" if out[2] == "True" else "DIFFERENT rows_hash"
    say(f"lines of a month: {ours:.2f} s, by hand {by_hand:.2f} s: {ours / by_hand:.2f} × (aim 1.3 ×), {alike}")
    shutil.rmtree(landing)
    shutil.rmtree(warehouse)
    if out[2] != "True":
        raise SystemExit("the two sides differ")


def dags(scratch: Path) -> None:
    """Import of every DAG file on top of Airflow itself."""
    command = [sys.executable, "-m", "bench.dags"]
    environment = {**os.environ, "AIRFLOW_HOME": str(scratch / "airflow"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment)  # compiles what is imported
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout.split()
    own, ours = float(out[-2]), float(out[-1])
    say(f"DAG import: {ours:.2f} s over {own:.2f} s of Airflow itself: {ours / own:.2f} × (aim 0.5 s over)")


def growth(scratch: Path) -> None:
    """One day of 1, 4 and 16 million plays."""
    day, first = days_of(MONTH)[1], 0.0
    for millions in (1, 4, 16):
        landing, warehouse = scratch / "growth", scratch / "growth-warehouse"
        # A month's plays fall on its days about evenly: of a month 31 times as large one day is kept.
        command = [sys.executable, "-m", "bench.day", str(landing), day, str(millions * 1_000_000)]
        subprocess.run(command, check=True)
        found = in_process("bench.one_day", str(landing), str(warehouse), day, "")
        first = first or found.seconds
        say(f"growth {millions:>2} M plays: {found.seconds:.1f} s ({found.seconds / first:.1f} ×), peak {found.peak_mib} MiB")
        shutil.rmtree(landing)
        shutil.rmtree(warehouse)


def user_centric(scratch: Path) -> None:
    """A month with half of the labels user-centric beside the same month all pro rata, from landing to statements."""
    first = 0.0
    for percent in (0, 50):
        landing, warehouse = scratch / "landing", scratch / "warehouse"
        generate(landing, USER_CENTRIC_PLAYS, tracks=100_000, user_centric=percent)
        found = in_process("bench.month", str(landing), str(warehouse), MONTH)
        first = first or found.seconds
        say(
            f"month of {USER_CENTRIC_PLAYS:,} plays, {percent} % of the labels user-centric: {found.seconds:.0f} s "
            f"({found.seconds / first:.2f} ×), peak {found.peak_mib} MiB"
        )
        shutil.rmtree(landing)
        shutil.rmtree(warehouse)


def large(scratch: Path) -> None:
    """A month of 100 million plays, from landing to statements."""
    landing, warehouse = scratch / "landing", scratch / "warehouse"
    seconds = timed(lambda: generate(landing, LARGE_PLAYS, tracks=200_000))
    say(f"generated {LARGE_PLAYS:,} plays in {seconds / 60:.1f} min")
    found = in_process("bench.month", str(landing), str(warehouse), MONTH)
    say(f"landing → statements: {found.seconds / 60:.1f} min (aim 10), peak {found.peak_mib} MiB (aim 8192)")


def engines(scratch: Path) -> None:
    """The stages of a month and its last day on DuckDB, Hive and Trino."""
    from bench.engines import measure, of_month  # servers' clients

    plays = int(sys.argv[2]) if sys.argv[2:] else ENGINE_PLAYS
    landing, warehouse = scratch / "landing", scratch / "warehouse"
    generate(landing, plays, tracks=50_000)
    run(landing, warehouse)
    say(f"a month of {plays:,} plays, its last day and the month:")
    for took in measure(warehouse, reference_dir(), of_month(MONTH), scratch):
        say(f"  {took}")


def engines_day(scratch: Path) -> None:
    """The stages of a day of many plays on DuckDB, Hive and Trino."""
    from bench.engines import measure, of_day  # servers' clients

    day = days_of(MONTH)[1]
    for plays in [int(text) for text in sys.argv[2:]] or ENGINE_DAY_PLAYS:
        landing, warehouse = scratch / "landing", scratch / "warehouse"
        subprocess.run([sys.executable, "-m", "bench.day", str(landing), day, str(plays)], check=True)
        in_process("bench.one_day", str(landing), str(warehouse), day, "")
        say(f"a day of {plays:,} plays:")
        for took in measure(warehouse, reference_dir(), of_day(day), scratch):
            say(f"  {took}")
        for made in scratch.iterdir():
            shutil.rmtree(made)


def requests(scratch: Path) -> None:
    """S3 requests of a day's tasks."""
    from bench.requests import measure  # servers' clients

    for asked in measure(scratch):
        say(f"  {asked}")


def api(scratch: Path) -> None:
    """Answers of the query API against DuckDB's own client."""
    from bench.api import measure  # the service and its clients

    measure(scratch, [int(rows) for rows in sys.argv[2:]] or API_ROWS, say)


def pods(scratch: Path) -> None:
    """An audit in a pod against one in a process, and what the images weigh."""
    from bench.pods import measure, sizes  # Airflow and a cluster

    measure(scratch, int(sys.argv[2]) if sys.argv[2:] else AUDIT_PLAYS, say)
    sizes(say)


_PARTS = {
    "engines": (engines,),
    "engines-day": (engines_day,),
    "requests": (requests,),
    "api": (api,),
    "pods": (pods,),
    "": (dags, lines, usage, growth),
    "user-centric": (user_centric,),
    "large": (large,),
}


def main() -> None:
    say(machine())
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        for part in _PARTS[sys.argv[1] if sys.argv[1:] else ""]:
            part(Path(folder))


if __name__ == "__main__":
    main()
