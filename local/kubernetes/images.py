"""The images of the cluster itself, and a plain one for audits where no release's image is at hand."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from local.kubernetes.archive import write_image, write_layer
from local.services.install import aside, of_content, run, say
from local.services.service import ROOT, ServiceError, cache

PAUSE = "localhost/settlement-pause:1"  # holds a pod's network; also what proves that pods run
_AUDIT = "localhost/settlement-audit-plain"
_SUITE = "bookworm"
_USER = "10001:10001"
_CODE = ("include/settlement", "include/sql", "include/reference")
_LEFT_OUT = ("__pycache__", "tests", "test")


def pause() -> Path:
    """The archive of `PAUSE`: Debian's catatonit and nothing else."""
    found = shutil.which("catatonit")
    if found is None:
        raise ServiceError("catatonit is needed: Debian's package of that name didn't bring it")
    kept = _images() / f"pause-{of_content(Path(found))}"
    with aside(kept) as made:
        if made is not None:
            layer = made / "layer.tar"
            write_layer(layer, [(Path(found), "catatonit")])
            write_image(made / "image.tar", PAUSE, [layer], {"Entrypoint": ["/catatonit", "-P"], "User": _USER})
            layer.unlink()
    return kept / "image.tar"


def plain_audit_name() -> str:
    """The name of the image that `plain_audit` writes: its tag changes with this checkout's package and its libraries."""
    files = sorted(
        path for top in _CODE for path in (ROOT / top).rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )
    return f"{_AUDIT}:{of_content(*files, ROOT / 'requirements.txt', ROOT / 'pyproject.toml')}"


def plain_audit(folder: Path) -> Path:
    """An image's archive, written into a folder: this checkout's package on Debian's Python, with its locked libraries.

    It stands in for the release's own image, which `make image` builds; see `tests/kubernetes/images.py`.
    """
    layers = [_base(), _libraries(), folder / "code.tar"]
    write_layer(layers[-1], [(ROOT / path, f"app/{path}") for path in _CODE], _LEFT_OUT)
    config = {
        "Entrypoint": ["python3", "-m", "settlement.steps"],
        "Env": ["PYTHONPATH=/app/include:/app/libraries", "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1"],
        "User": _USER,
        "WorkingDir": "/app",
    }
    write_image(folder / "image.tar", plain_audit_name(), layers, config)
    layers[-1].unlink()
    return folder / "image.tar"


def _images() -> Path:
    return cache() / "images"


def _base() -> Path:
    """A layer with Debian's Python 3.11 and certificates."""
    kept = _images() / f"python-{_SUITE}"
    with aside(kept) as made:
        if made is not None:
            say(f"Debian {_SUITE} with Python, as a layer …")
            cut = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("man", "doc", "locale")]
            packages = "--include=python3,ca-certificates"
            run(["mmdebstrap", "--quiet", "--variant=minbase", "--mode=root", packages, *cut, _SUITE, made / "layer.tar"])
    return kept / "layer.tar"


def _libraries() -> Path:
    """A layer with the libraries that `pyproject.toml` names, in the versions of the lock file."""
    lock, project = ROOT / "requirements.txt", ROOT / "pyproject.toml"
    kept = _images() / f"libraries-{of_content(lock, project)}"
    with aside(kept) as made, tempfile.TemporaryDirectory(prefix="settlement-libraries-") as scratch:
        if made is not None:
            say("The package's libraries, as a layer …")
            uv: list[str | Path] = [ROOT / ".venv" / "bin" / "uv", "pip"]
            chosen = Path(scratch) / "chosen.txt"
            named: list[str | Path] = [
                "--constraints",
                lock,
                "--no-emit-index-url",
                "--no-header",
                "--quiet",
                "--python-version",
                "3.11",
            ]
            run([*uv, "compile", project, "--output-file", chosen, "--generate-hashes", *named])
            run([*uv, "install", "--quiet", "--require-hashes", "--target", f"{scratch}/site", "-r", chosen], cwd=ROOT)
            write_layer(made / "layer.tar", [(Path(scratch) / "site", "app/libraries")], _LEFT_OUT)
    return kept / "layer.tar"
