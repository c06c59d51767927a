"""Small worlds: valid landings of one or two months in which everything that can collide does, drawn cheaply.

`worlds()` draws a `World`; `write` and `write_reference` put it on disk, `in_memory` gives the same bytes without one;
`permuted` is the same content in other files and another order, `other_rates` the same under other rates;
`describe` shows a world to a person.
A world is built from a few short byte strings, so that drawing one takes little and a failing one shrinks well:
zero bytes are always the plainest choice, and a play or payment whose bytes are all zero isn't there at all.
"""

from .strategy import build_world, other_rates, worlds
from .world import CsvLine, PlayLine, Snapshot, World, describe
from .writing import in_memory, permuted, reference_files, write, write_reference

__all__ = [
    "CsvLine",
    "PlayLine",
    "Snapshot",
    "World",
    "build_world",
    "describe",
    "in_memory",
    "other_rates",
    "permuted",
    "reference_files",
    "worlds",
    "write",
    "write_reference",
]
