"""Choices out of a byte string: cheap to draw in one go, and plainer as the bytes shrink."""

from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


class Dice:
    """Consumes a byte per choice; when the bytes are used up every choice is the first one."""

    def __init__(self, data: bytes) -> None:
        self._bytes = iter(data)

    def below(self, count: int) -> int:
        """A number from 0 to count − 1, count up to 256."""
        return next(self._bytes, 0) % count

    def pick(self, items: Sequence[Item]) -> Item:
        """One of the items, the first being the plainest."""
        return items[self.below(len(items))]

    def one_in(self, count: int) -> bool:
        """True about once in `count` times, never on a zero byte."""
        return self.below(count) == count - 1
