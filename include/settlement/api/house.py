"""What the ledger and the published folders say of months: versions, approvals, statements and their files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from settlement.api.airflow_api import Approval
from settlement.api.identity import Scope
from settlement.api.problems import NotFound
from settlement.api.publication import Published, Told
from settlement.landing.contract import SUCCESS
from settlement.pipeline import MONTH_STAGES
from settlement.storage import Location
from settlement.warehouse import Partition, Warehouse

_PARTNER = re.compile(r"partner=([0-9]{1,18})")
_MANIFEST = "manifest.json"


def months(published: Published, told: list[Told], scope: Scope) -> list[dict[str, Any]]:
    """Every month with its state, newest first. A partner sees the closed ones alone, and nothing of who did what."""
    keys = {p.key[:7] for _, p in published.heads} if scope.is_all else set(published.closed)
    return [_month(published, told, key, scope) for key in sorted(keys, reverse=True)]


def with_approvals(found: list[dict[str, Any]], approvals: list[Approval]) -> list[dict[str, Any]]:
    """The months, each with what people are asked about its newest version in Airflow, and what they answered."""
    newest: dict[str, Approval] = {}
    for approval in sorted(approvals, key=lambda one: one.version):
        newest[approval.month] = approval
    return [{**month, "approval": newest[month["month"]].short()} if month["month"] in newest else month for month in found]


def _month(published: Published, told: list[Told], month: str, scope: Scope) -> dict[str, Any]:
    closed = published.closed.get(month)
    found = {"month": month, "state": "closed" if closed is not None else "open", "closed_version": closed}
    if not scope.is_all:
        return found
    days = sum(1 for stage, p in published.heads if stage == "daily" and p.key[:7] == month)
    numbers = {p.version for stage, p in published.heads if stage in MONTH_STAGES and p.key == month}
    numbers |= {fact.partition.version for fact in told if fact.partition.key == month and fact.partition.version}
    return {**found, "days": days, "versions": [_version(published, told, Partition(month, n)) for n in sorted(numbers)]}


def _version(published: Published, told: list[Told], partition: Partition) -> dict[str, Any]:
    facts = {fact.kind: fact for fact in told if fact.partition == partition}
    approved, posted, reserved = facts.get("approved"), facts.get("posted"), facts.get("reserved")
    return {
        "version": partition.version,
        "stages": [stage for stage in MONTH_STAGES if (stage, partition) in published.heads],
        "requested_by": reserved.body.get("requested_by", "") if reserved else "",
        "approved_by": approved.body.get("approved_by", "") if approved else "",
        "approved_at": approved.at if approved else "",
        "closed_at": facts["closed"].at if "closed" in facts else "",
        "restates": reserved.body.get("restates") if reserved else None,
        "posted_month": posted.body.get("posted_month", "") if posted else "",
    }


@dataclass(frozen=True)
class Statement:
    """A partner's published folder of a closed month."""

    month: str
    version: int
    partner_id: int
    folder: Location

    def files(self) -> list[dict[str, Any]]:
        """Name, size and SHA-256 of its files, as its manifest has them; the manifest itself is another one."""
        listed = json.loads((self.folder / _MANIFEST).read_bytes())["files"]
        return [{"name": name, "bytes": entry["bytes"], "sha256": entry["sha256"]} for name, entry in sorted(listed.items())]

    def file(self, name: str) -> Location:
        """A file by its name.

        Raises:
            NotFound: the manifest doesn't list it.
        """
        if name != _MANIFEST and name not in {entry["name"] for entry in self.files()}:
            raise NotFound(f"the statement has no file {name[:80]!r}", "the statement lists its files")
        return self.folder / name


def statements(warehouse: Warehouse, published: Published, month: str, scope: Scope) -> list[Statement]:
    """The published statements of a closed month that somebody may see, by partner.

    Raises:
        NotFound: the month isn't closed, or its folder isn't complete.
    """
    version = published.closed.get(month)
    folder = warehouse.published / Partition(month, version or 0).path
    if version is None or not (folder / SUCCESS).exists():
        raise NotFound(f"{month[:20]} has no published statements", "GET /v1/months lists the closed months")
    return sorted(_of_folder(folder, month, version, scope), key=lambda statement: statement.partner_id)


def _of_folder(folder: Location, month: str, version: int, scope: Scope) -> Iterator[Statement]:
    for path in folder.iterdir():
        match = _PARTNER.fullmatch(path.name)
        if match and scope.may_see(int(match[1])):
            yield Statement(month, version, int(match[1]), path)


def statement(warehouse: Warehouse, published: Published, month: str, partner_id: int, scope: Scope) -> Statement:
    """One partner's statement; raises NotFound also when it is somebody else's."""
    found = [s for s in statements(warehouse, published, month, scope) if s.partner_id == partner_id]
    if not found:
        raise NotFound(f"{month} has no statement of partner {partner_id}", "GET /v1/statements lists those that you may see")
    return found[0]


def link(place: Location, seconds: int, name: str) -> str | None:
    """A link to a file in a bucket that is good for some seconds; None for a file of this machine.

    Args:
        name: under which browsers keep it.
    """
    if isinstance(place, Path):
        return None
    signed: str = place.fs.sign(place.path, expiration=seconds, ResponseContentDisposition=f'attachment; filename="{name}"')
    return signed
