"""Deliver: write an approved month's partner reports under the publish root, whole and once.

Killed anywhere: `_SUCCESS` is missing, so nobody takes the folder for complete. Run again: the same bytes fill the gaps;
other content under a name that exists is refused.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from settlement.errors import PublishRefused
from settlement.landing.contract import SUCCESS
from settlement.reports.model import PartnerReport
from settlement.steps.context import Context
from settlement.steps.reported import reported
from settlement.storage import Location, list_files, put, rename, scratch_folder, sync_dir, sync_file
from settlement.warehouse import Partition, hash_json, new_build_id


@dataclass(frozen=True)
class Delivery:
    """What was published: the folder, one report a partner, and the hash over all files."""

    folder: Location
    reports: Sequence[PartnerReport]
    hash: str


def deliver(context: Context, partition: Partition) -> Delivery:
    """Render the month's reports and put them under the publish root, still without markers.

    Raises:
        PublishRefused: a file of that name holds something else.
    """
    from settlement.reports.render import render_month  # a quarter of a step's start, which the other steps spare

    target = context.warehouse.published / partition.path
    with staged(context.warehouse.published, f"{partition.key}-{partition.version}") as aside:
        with reported(context, partition) as (con, report):
            reports = render_month(con, report, aside)
        files = put_once(aside, target, "published files are never overwritten; settle a new version")
    return Delivery(target, reports, hash_json(files))


@contextmanager
def staged(root: Location, name: str) -> Iterator[Path]:
    """A new hidden folder to write into, on the disk where the files will lie if they will lie on one; it is gone afterwards."""
    aside = (root if isinstance(root, Path) else scratch_folder()) / f".{name}-{new_build_id()}"
    aside.mkdir(parents=True)
    try:
        yield aside
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def put_once(aside: Path, target: Location, hint: str) -> list[dict[str, Any]]:
    """Bring every file of a folder to the same place below `target`, where the same bytes may lie already; no marker.

    Args:
        aside: a folder of `staged`; what `target` lacks is moved out of it.
        target: made when it isn't there.
        hint: what to do about other content.

    Returns:
        Key (relative), size and SHA-256 of every file, sorted by key.

    Raises:
        PublishRefused: a file of that name holds something else, or the target is complete without it; nothing was moved.
    """
    files = list_files(aside, [aside])
    keys = [file["key"] for file in files]
    _refuse_other_content(aside, target, keys, hint)
    _move(aside, target, keys)
    return files


def _refuse_other_content(aside: Path, target: Location, keys: Sequence[str], hint: str) -> None:
    complete = (target / SUCCESS).exists()
    for key in keys:
        old = target / key
        if old.exists() and old.read_bytes() != (aside / key).read_bytes():
            raise PublishRefused(f"{old} is published with other content", hint)
        if complete and not old.exists():
            raise PublishRefused(f"{target} is published without {key}", "published folders are never added to")


def _move(aside: Path, target: Location, keys: Sequence[str]) -> None:
    for key in keys:
        new = target / key
        if new.exists():
            continue
        if isinstance(new, Path):
            new.parent.mkdir(parents=True, exist_ok=True)
            sync_file(aside / key)
            rename(aside / key, new)
        else:
            put(aside / key, new)


def is_complete(context: Context, partition: Partition) -> bool:
    """Whether the month's folder carries its marker."""
    return (context.warehouse.published / partition.path / SUCCESS).exists()


def complete(delivery: Delivery) -> None:
    """Put the markers, which come last of all: each partner's, then the month's."""
    for report in delivery.reports:
        mark(delivery.folder / f"partner={report.partner_id}")
    mark(delivery.folder)


def mark(folder: Location) -> None:
    """Put the marker that says the folder is complete."""
    (folder / SUCCESS).touch()
    if isinstance(folder, Path):
        sync_dir(folder)
