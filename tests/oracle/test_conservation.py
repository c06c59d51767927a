"""Random worlds with user-centric contracts and restatements: nothing is lost, and everything that can occur does."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.oracle import Restatement
from tests.oracle.conservation import number
from tests.oracle.hand import exports_of
from tests.worlds import Snapshot, World, worlds

RIGHT_TYPES = ("author", "performer", "producer")
SERVICES = ("sub_stream", "ad_stream", "download")


def user_centric_in(snapshot: Snapshot, start: date) -> Snapshot:
    """Every other partner is paid by user for everything, the first of them from `start` on."""
    paid_by_user = snapshot.partners[::2]
    contracts = tuple(
        (row[0], right_type, service, "user_centric", str(start) if row is paid_by_user[0] else "2013-05-01", "")
        for row in paid_by_user
        for right_type in RIGHT_TYPES
        for service in SERVICES
    )
    return replace(snapshot, contracts=contracts)


def test_money_is_conserved_over_user_centric_months_and_their_restatements() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(worlds(), st.integers(0, 27), st.booleans())
    def check(world: World, day: int, twice: bool) -> None:
        start = world.days[len(world.days) // 2]
        world = replace(world, snapshots=tuple((first, user_centric_in(drawn, start)) for first, drawn in world.snapshots))
        restatements = []
        if len(world.months) == 2:
            settled, posted = world.months
            newest = date.fromisoformat(f"{posted}-{day + 1:02}")
            restatements = [Restatement(settled, posted, newest), Restatement(settled, posted, world.days[-1])][: 1 + twice]
        exports = exports_of(world, *restatements)
        seen.update(str(row["kind"]) for row in exports["settlement_line"])
        seen.update("shadow" for row in exports["settlement_line"] if row["amount_uwon"] != row["pro_rata_uwon"])
        seen.update("twice" for row in exports["adjustment"] if number(row, "version_from") == 2)
        seen.update("suspense" for row in exports["adjustment"] if row["partner_id"] == 0)
        for column in ("adjustment", "recouped", "carried_in", "payable", "vat", "withheld"):
            seen.update(column for row in exports["statement"] if row[f"{column}_krw"])

    check()
    expected = "royalty unmatched rounding no_plays shadow twice suspense adjustment recouped carried_in payable vat withheld"
    assert not set(expected.split()) - seen.keys(), seen
