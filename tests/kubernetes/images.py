"""Which image the audits of these tests run: the release's own where there is one, else a plain one with the same package."""

from __future__ import annotations

import os
from pathlib import Path

from local.kubernetes import images


def audit_image(scratch: Path) -> tuple[str, Path]:
    """The image's name and its archive.

    The release's image is plugged in by two variables: `SETTLEMENT_TEST_AUDIT_IMAGE` is its name and tag,
    `SETTLEMENT_TEST_AUDIT_ARCHIVE` the archive that `make image` has written.
    """
    name, archive = os.environ.get("SETTLEMENT_TEST_AUDIT_IMAGE"), os.environ.get("SETTLEMENT_TEST_AUDIT_ARCHIVE")
    if name and archive:
        return name, Path(archive)
    return images.AUDIT, images.plain_audit(scratch)
