"""Which image the audits of these tests run: the one of this checkout, as `make image` builds it."""

from __future__ import annotations

from local.images.build import build
from local.kubernetes.cluster import Cluster


def audit_image(cluster: Cluster) -> str:
    """The image's name; it is in the cluster. Brought anew each time: the name tells the release, not every line of code."""
    image = build("audit")
    cluster.load(image.archive)
    return image.name
