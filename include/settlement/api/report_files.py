"""What reports on request have written below `on_demand/` of the warehouse."""

from __future__ import annotations

import re
from collections.abc import Iterator

from settlement.api.house import Statement
from settlement.landing.contract import SUCCESS
from settlement.steps.on_demand import FOLDER, Asked
from settlement.storage import Location
from settlement.warehouse import Warehouse

_VERSION = re.compile(r"version=([0-9]{1,6})")


def written(warehouse: Warehouse, asked: Asked) -> list[Statement]:
    """The partner's folders that are complete, by month and version: a month that was restated since may have several."""
    root = warehouse.root / FOLDER / asked.path
    return [
        Statement(month, version, asked.partner_id, folder)
        for month in asked.months
        for version, folder in sorted(_versions(root / f"month={month}"), key=lambda found: found[0])
    ]


def _versions(folder: Location) -> Iterator[tuple[int, Location]]:
    for path in folder.iterdir() if folder.exists() else ():
        match = _VERSION.fullmatch(path.name)
        if match and (path / SUCCESS).exists():
            yield int(match[1]), path
