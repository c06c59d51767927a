"""manifest.json: proof of what a partner was given: every file's hash, the control totals, what they were made from.

statement.pdf prints a hash of the manifest, and the manifest lists statement.pdf with its hash. To break that circle
the document carries the *control hash*: the hash of the manifest as it is without itself and without the PDF's entry.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from settlement.reports.model import FileRecord, Partner, ReportContext, Royalty

FILE = "manifest.json"
SIGNED = "statement.pdf"
"""The one file that the control hash leaves out, because it carries the hash."""


def manifest(context: ReportContext, partner: Partner, files: Iterable[FileRecord]) -> dict[str, Any]:
    """The partner's manifest; it holds no run id, path, engine or clock, so the same content has the same bytes.

    Amounts in micro-won are strings: they outgrow the 2^53 up to which every JSON reader keeps an integer exact.
    """
    content: dict[str, Any] = {
        "month": context.month,
        "version": context.version,
        "document_time": context.document_time,
        "partner": {
            "partner_id": partner.partner_id,
            "name": partner.name,
            "kind": partner.kind,
            "dpid": partner.dpid,
            "tax_kind": partner.statement.tax_kind,
        },
        "files": {f.name: {"sha256": f.sha256, "bytes": f.size, "rows": f.rows} for f in files},
        "control_totals": _control_totals(partner),
        "inputs_hash": context.inputs_hash,
        "rules_hash": context.rules_hash,
        "rows_hashes": dict(context.rows_hashes),
    }
    return content | {"control_hash": control_hash(content)}


def control_hash(content: Mapping[str, Any]) -> str:
    """Hex SHA-256 of a manifest without its key `control_hash` and without `statement.pdf` among its files.

    Hashed are the UTF-8 bytes of the rest in manifest.json's own form: keys sorted, two spaces, one line feed at the
    end, no escapes beyond JSON's. Anyone who has manifest.json can compute it again and compare it with the document.
    """
    rest = {key: value for key, value in content.items() if key != "control_hash"}
    rest["files"] = {name: file for name, file in content["files"].items() if name != SIGNED}
    return hashlib.sha256(_bytes(rest)).hexdigest()


def write_manifest(context: ReportContext, partner: Partner, files: Sequence[FileRecord], folder: Path) -> FileRecord:
    """Write the partner's manifest over all its `files`."""
    data = _bytes(manifest(context, partner, files))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_bytes(data)
    return FileRecord(FILE, hashlib.sha256(data).hexdigest(), len(data), len(files))


def _bytes(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def _control_totals(partner: Partner) -> dict[str, Any]:
    s = partner.statement
    return {
        "all": _totals(partner.royalties),
        "by_product_and_right_type": [
            {"product_id": r.product_id, "right_type": r.right_type, **_totals([r])}
            for r in sorted(partner.royalties, key=lambda r: (r.product_id, r.right_type))
        ],
        "statement": {
            "royalty_krw": s.royalty_krw,
            "adjustment_krw": s.adjustment_krw,
            "net_krw": s.net_krw,
            "recouped_krw": s.recouped_krw,
            "carried_in_krw": s.carried_in_krw,
            "due_krw": s.due_krw,
            "payable_krw": s.payable_krw,
            "carried_out_krw": s.carried_out_krw,
            "vat_krw": s.vat_krw,
            "withheld_krw": s.withheld_krw,
            "paid_krw": s.paid_krw,
        },
        "adjustments": {"rows": len(partner.adjustments), "delta_krw": s.adjustment_krw},
        "recoupments": {"rows": len(partner.recoupments), "recouped_krw": s.recouped_krw},
    }


def _totals(royalties: Iterable[Royalty]) -> dict[str, Any]:
    rows = list(royalties)
    return {
        "lines": sum(r.lines for r in rows),
        "plays": sum(r.plays for r in rows),
        "royalty_uwon": str(sum(r.royalty_uwon for r in rows)),
        "royalty_krw": sum(r.royalty_krw for r in rows),
    }
