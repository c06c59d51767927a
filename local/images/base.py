"""What images are built on: Debian with Python 3.11 and certificates, and more where it is needed; no package manager in it."""

from __future__ import annotations

from pathlib import Path

from local.services.install import aside, of_content, program, run, say
from local.services.service import cache

_SUITE = "bookworm"
_PYTHON = ("python3", "ca-certificates", "libstdc++6")
_PACKAGES = {
    "python": _PYTHON,
    "python-git": (*_PYTHON, "git", "openssh-client"),
    "python-binutils": (*_PYTHON, "binutils"),  # of no image: what is built with it is copied out
}
# What nobody reads in a container.
_LEFT_OUT = (
    "/usr/share/doc/*",
    "/usr/share/info/*",
    "/usr/share/locale/*",
    "/usr/share/man/*",
    "/usr/lib/*/gconv/*",
)
_KEPT = "/usr/share/doc/*/copyright"
# Debian's installation needs Perl's modules once, to merge /usr; what stays has its own in perl-base.
_REMOVE = 'rm -rf "$1"/usr/share/perl "$1"/usr/lib/*/perl "$1"/var/cache/debconf/*-old'


def images() -> Path:
    """Where images and what they are made of are kept: `$SETTLEMENT_CACHE/images`, by default below ~/.cache/settlement."""
    return cache().parent / "images"


def base(name: str) -> Path:
    """The root file system `python`, `python-git` or `python-binutils` as a tar; made when it isn't in the cache.

    Raises:
        ServiceError: mmdebstrap can't be had, or fails: the end of what it said.
    """
    kept = images() / f"{name}-{of_content(Path(__file__))}"
    with aside(kept) as made:
        if made is not None:
            say(f"Debian {_SUITE}: {' '.join(_PACKAGES[name])} …")
            options = [f"--dpkgopt=path-exclude={left_out}" for left_out in _LEFT_OUT] + [f"--dpkgopt=path-include={_KEPT}"]
            options.append(f"--customize-hook={_REMOVE}")
            packages = f"--include={','.join(_PACKAGES[name])}"
            bootstrap = [program("mmdebstrap", "mmdebstrap"), "--quiet", "--variant=essential", "--mode=root", packages]
            run([*bootstrap, *options, _SUITE, made / "root.tar"])
    return kept / "root.tar"
