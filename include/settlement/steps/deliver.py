"""Deliver: write an approved month's partner reports under the publish root, whole and once.

Killed anywhere: `_SUCCESS` is missing, so nobody takes the folder for complete. Run again: the same bytes fill the gaps;
other content under a name that exists is refused.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from settlement.errors import PublishRefused
from settlement.landing.contract import SUCCESS
from settlement.reports import PartnerReport, render_month
from settlement.steps.context import Context
from settlement.steps.reported import reported
from settlement.warehouse import Partition, hash_json, list_files, new_build_id, rename, sync_dir, sync_file


@dataclass(frozen=True)
class Delivery:
    """What was published: the folder, one report a partner, and the hash over all files."""

    folder: Path
    reports: Sequence[PartnerReport]
    hash: str


def deliver(context: Context, partition: Partition) -> Delivery:
    """Render the month's reports and put them under the publish root, still without markers.

    Raises:
        PublishRefused: a file of that name holds something else.
    """
    target = context.warehouse.published / partition.path
    aside = context.warehouse.published / f".{partition.key}-{partition.version}-{new_build_id()}"
    aside.mkdir(parents=True)
    try:
        with reported(context, partition) as (con, report):
            reports = render_month(con, report, aside)
        files = list_files(aside, [aside])
        _refuse_other_content(aside, target, [file["key"] for file in files])
        _move(aside, target, [file["key"] for file in files])
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return Delivery(target, reports, hash_json(files))


def _refuse_other_content(aside: Path, target: Path, keys: Sequence[str]) -> None:
    complete = (target / SUCCESS).exists()
    for key in keys:
        old = target / key
        if old.exists() and old.read_bytes() != (aside / key).read_bytes():
            raise PublishRefused(
                f"{old} is published with other content", "published files are never overwritten; settle a new version"
            )
        if complete and not old.exists():
            raise PublishRefused(f"{target} is published without {key}", "published folders are never added to")


def _move(aside: Path, target: Path, keys: Sequence[str]) -> None:
    for key in keys:
        new = target / key
        if not new.exists():
            new.parent.mkdir(parents=True, exist_ok=True)
            sync_file(aside / key)
            rename(aside / key, new)


def is_complete(context: Context, partition: Partition) -> bool:
    """Whether the month's folder carries its marker."""
    return (context.warehouse.published / partition.path / SUCCESS).exists()


def complete(delivery: Delivery) -> None:
    """Put the markers, which come last of all: each partner's, then the month's."""
    for folder in [*sorted(delivery.folder.glob("partner=*")), delivery.folder]:
        mark(folder)


def mark(folder: Path) -> None:
    """Put the marker that says the folder is complete."""
    (folder / SUCCESS).touch()
    sync_dir(folder)
