"""The trailer of an answer: how many rows, what they add up to, and a hash over them. Without it an answer isn't complete.

The hash is the same in every format and on every engine: SHA-256 over the rows in order, each its columns as text joined by
U+001F and ended by U+001E, UTF-8; a missing figure is U+0000.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_FIELD, _ROW, _NOTHING = "\x1f", "\x1e", "\x00"
_WIDER, _WIDEST = pa.decimal128(38, 0), pa.decimal256(76, 0)  # sums of a batch of integers, of decimals, never leave them


@dataclass
class Tally:
    """Counts the rows of an answer as they pass.

    Args:
        additive: measures whose figures may be added up over the rows.
    """

    additive: Sequence[str]
    rows: int = 0
    totals: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.totals = dict.fromkeys(self.additive, 0)
        self._digest = hashlib.sha256()

    def add(self, batch: pa.RecordBatch) -> None:
        """Take up a batch."""
        if not batch.num_rows:
            return
        self.rows += batch.num_rows
        for name in self.additive:
            figures = batch.column(name)
            total = pc.sum(figures.cast(_WIDER if pa.types.is_integer(figures.type) else _WIDEST)).as_py()
            self.totals[name] += int(total or 0)
        self._digest.update(_text_of(batch))

    def trailer(self, publication: str) -> dict[str, Any]:
        """The trailer, when all rows have passed. Totals are text: they outgrow what readers of JSON keep exact."""
        totals = {name: str(total) for name, total in self.totals.items()}
        return {"complete": True, "rows": self.rows, "totals": totals, "sha256": self.sha256, "publication": publication}

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


def as_text(batch: pa.RecordBatch) -> list[pa.Array]:
    """Each column as text; numbers plain, without exponent or grouping."""
    return [column if pa.types.is_string(column.type) else column.cast(pa.string()) for column in batch.columns]


def together(texts: pa.Array, end: str) -> bytes:
    """Texts, at least one and none of them missing, one after the other, each with this end."""
    joined = pc.binary_join(pa.ListArray.from_arrays(pa.array([0, len(texts)], pa.int32()), texts), end)
    return bytes(joined[0].as_buffer()) + end.encode()


def _text_of(batch: pa.RecordBatch) -> bytes:
    columns = [column.fill_null(_NOTHING) for column in as_text(batch)]
    return together(pc.binary_join_element_wise(*columns, _FIELD), _ROW)
