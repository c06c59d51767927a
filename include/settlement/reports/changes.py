"""What a version of a month changes against another one, in words that the steps compute and the pages show; whole won."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A total of the statements before and now; `old_krw` is none where there was nothing before."""

    name: str
    old_krw: int | None
    new_krw: int

    @property
    def delta_krw(self) -> int | None:
        """Now minus before."""
        return None if self.old_krw is None else self.new_krw - self.old_krw


@dataclass(frozen=True)
class Delta:
    """A royalty that changes: of a partner, product and right type. Partner 0 is suspense."""

    partner_id: int
    name: str
    product_id: str
    right_type: str
    old_krw: int
    new_krw: int

    @property
    def delta_krw(self) -> int:
        """Now minus before."""
        return self.new_krw - self.old_krw


@dataclass(frozen=True)
class Warned:
    """A check of the audits that warned: how many rows it found, on how many days or months, and the first of these."""

    check: str
    meaning: str
    rows: int
    partitions: int
    first: str

    def __str__(self) -> str:
        where = self.first if self.partitions == 1 else f"{self.partitions} days, first {self.first}"
        return f"{self.check}: {self.meaning}: {self.rows:,} rows ({where})"
