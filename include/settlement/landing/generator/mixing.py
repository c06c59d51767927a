"""Chance that depends on the seed alone: the same key gives the same draw, in any order, process or run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]
Texts = NDArray[np.object_]

MILLION = 1_000_000
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def draw(seed: int, purpose: str, *keys: int | str) -> int:
    """One 64-bit draw for a purpose and its keys."""
    text = "\x1f".join(map(str, (seed, purpose, *keys)))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def mix(seed: int, purpose: str, keys: Ints) -> Hashes:
    """A 64-bit draw per key (splitmix64 behind the purpose's own offset)."""
    state = keys.astype(np.uint64) * _GOLDEN + np.uint64(draw(seed, purpose))
    state = (state ^ (state >> np.uint64(30))) * _FIRST
    state = (state ^ (state >> np.uint64(27))) * _SECOND
    return state ^ (state >> np.uint64(31))


def modulo(hashes: Hashes, bound: int) -> Ints:
    """Draws brought to 0 … bound − 1."""
    return (hashes % np.uint64(bound)).astype(np.int64)


def chance(seed: int, purpose: str, keys: Ints, ppm: int) -> NDArray[np.bool_]:
    """True for about ppm of a million keys."""
    return modulo(mix(seed, purpose, keys), MILLION) < ppm


def choose(seed: int, purpose: str, keys: Ints, weights: Sequence[int]) -> Ints:
    """An index into `weights` per key, each as often as its weight says."""
    bounds = np.cumsum(np.asarray(weights, dtype=np.int64))
    return np.searchsorted(bounds, modulo(mix(seed, purpose, keys), int(bounds[-1])), side="right").astype(np.int64)


def stream(seed: int, purpose: str, *keys: int) -> np.random.Generator:
    """A random stream of its own for a purpose and its keys."""
    return np.random.Generator(np.random.SFC64(draw(seed, purpose, *keys)))


@dataclass(frozen=True)
class Ranks:
    """Ranks 0 … n − 1 drawn with weight 1 / (rank + offset): Zipf for offset 1, flatter above. Integers throughout,
    so that every processor draws the same ranks."""

    bounds: Ints

    @classmethod
    def zipf(cls, count: int, offset: int) -> Ranks:
        return cls(np.cumsum(10**12 // (np.arange(count, dtype=np.int64) + offset)))

    def of(self, hashes: Hashes) -> Ints:
        """The rank that each hash draws."""
        return np.searchsorted(self.bounds, modulo(hashes, int(self.bounds[-1])), side="right").astype(np.int64)

    def sample(self, rng: np.random.Generator, count: int) -> Ints:
        """`count` ranks from a stream."""
        drawn = rng.integers(0, int(self.bounds[-1]), count)
        return np.searchsorted(self.bounds, drawn, side="right").astype(np.int64)


def spread(total: int, weights: Sequence[int]) -> list[int]:
    """Cut a total into whole parts in proportion to the weights; the parts sum to the total."""
    bounds, whole, reached = [0], sum(weights), 0
    for weight in weights:
        reached += weight
        bounds.append(total * reached // whole)
    return [after - before for before, after in pairwise(bounds)]
