"""The images of a release, built on this machine without a registry: Debian's Python by mmdebstrap, the rest by podman."""
