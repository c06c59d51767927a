"""What is wrong with a DSR file, and where."""

from __future__ import annotations

from typing import Any

from settlement.errors import SettlementError


class DsrError(SettlementError):
    """A DSR file breaks the standard: names the file, the line (1 = HEAD), the cell and the reason."""

    def __init__(self, file: str, reason: str, line: int | None = None, cell: str = "", hint: str = "") -> None:
        where = file if line is None else f"{file}, line {line}"
        super().__init__(f"{where}, {cell}: {reason}" if cell else f"{where}: {reason}", hint)
        self.file = file
        self.line = line
        self.cell = cell
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.file, self.reason, self.line, self.cell, self.hint)


class CellError(ValueError):
    """A cell's value is off; whoever reads or writes adds the file and the line."""

    def __init__(self, cell: str, reason: str) -> None:
        super().__init__(f"{cell}: {reason}")
        self.cell = cell
        self.reason = reason
