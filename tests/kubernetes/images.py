"""Which image the audits of these tests run: the release's own where there is one, else a plain one with the same package."""

from __future__ import annotations

import os
from pathlib import Path

from local.kubernetes import images
from local.kubernetes.cluster import Cluster


def audit_image(cluster: Cluster, scratch: Path) -> str:
    """The image's name; it is in the cluster.

    The release's image is plugged in by two variables: `SETTLEMENT_TEST_AUDIT_IMAGE` is its name and tag,
    `SETTLEMENT_TEST_AUDIT_ARCHIVE` the archive that `make image` has written.
    """
    name, archive = os.environ.get("SETTLEMENT_TEST_AUDIT_IMAGE"), os.environ.get("SETTLEMENT_TEST_AUDIT_ARCHIVE")
    if name and archive:
        cluster.load(Path(archive))
        return name
    plain = images.plain_audit_name()
    if not cluster.has(plain):
        cluster.load(images.plain_audit(scratch))
    return plain
