"""manifest.json: proof of what a partner was given: every file's hash, the control totals, what they were made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from settlement.reports.model import FileRecord, Partner, ReportContext, Royalty

FILE = "manifest.json"
AVAILABLE = {"csv": "usage.csv", "xlsx": "statement.xlsx"}
"""Report formats that exist, and the file each yields."""


def write_manifest(context: ReportContext, partner: Partner, files: Sequence[FileRecord], folder: Path) -> FileRecord:
    """Write the partner's manifest; it holds no run id, path, engine or clock, so the same content has the same bytes.

    Amounts in micro-won are strings: they outgrow the 2^53 up to which every JSON reader keeps an integer exact.
    """
    content = {
        "month": context.month,
        "version": context.version,
        "partner": {"partner_id": partner.partner_id, "name": partner.name, "kind": partner.kind, "dpid": partner.dpid},
        "files": {f.name: {"sha256": f.sha256, "bytes": f.size, "rows": f.rows} for f in files},
        "not_available": [name for name in partner.formats if name not in AVAILABLE],
        "control_totals": {
            "all": _totals(partner.royalties),
            "by_product_and_right_type": [
                {"product_id": r.product_id, "right_type": r.right_type, **_totals([r])}
                for r in sorted(partner.royalties, key=lambda r: (r.product_id, r.right_type))
            ],
        },
        "inputs_hash": context.inputs_hash,
        "rules_hash": context.rules_hash,
        "rows_hashes": dict(context.rows_hashes),
    }
    data = (json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_bytes(data)
    return FileRecord(FILE, hashlib.sha256(data).hexdigest(), len(data), len(files))


def _totals(royalties: Iterable[Royalty]) -> dict[str, Any]:
    rows = list(royalties)
    return {
        "lines": sum(r.lines for r in rows),
        "plays": sum(r.plays for r in rows),
        "royalty_uwon": str(sum(r.royalty_uwon for r in rows)),
        "royalty_krw": sum(r.royalty_krw for r in rows),
    }
