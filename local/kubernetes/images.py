"""The image of the cluster itself; those of the house are built by `local.images`."""

from __future__ import annotations

import shutil
from pathlib import Path

from local.images.base import images
from local.kubernetes.archive import write_image, write_layer
from local.services.install import aside, of_content
from local.services.service import ServiceError

PAUSE = "localhost/settlement-pause:1"  # holds a pod's network; also what proves that pods run
_USER = "10001:10001"


def pause() -> Path:
    """The archive of `PAUSE`: Debian's catatonit and nothing else."""
    found = shutil.which("catatonit")
    if found is None:
        raise ServiceError("catatonit is needed: Debian's package of that name didn't bring it")
    kept = images() / f"pause-{of_content(Path(found))}"
    with aside(kept) as made:
        if made is not None:
            layer = made / "layer.tar"
            write_layer(layer, [(Path(found), "catatonit")])
            write_image(made / "image.tar", PAUSE, [layer], {"Entrypoint": ["/catatonit", "-P"], "User": _USER})
            layer.unlink()
    return kept / "image.tar"
