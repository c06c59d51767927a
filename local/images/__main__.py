"""`python -m local.images TARGET …`: build images of this checkout; prints a line for each: its archive and its name."""

from __future__ import annotations

import argparse
import sys

from local.images.build import TARGETS, build
from local.services.service import ServiceError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.images", description="The images of this checkout, as archives.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"{', '.join(TARGETS)}; default: all of them")
    asked = parser.parse_args()
    unknown = [target for target in asked.targets if target not in TARGETS]
    if unknown:
        parser.error(f"no image is called {unknown[0]}: there are {', '.join(TARGETS)}")
    try:
        for target in asked.targets or TARGETS:
            image = build(target)
            sys.stdout.write(f"{image.archive} {image.name}\n")
    except ServiceError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
