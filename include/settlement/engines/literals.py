"""Text constants and names in an engine's SQL: the one place where a value becomes part of a statement."""

from __future__ import annotations

import re

# What stands in a Hive constant as it is. Everything else could mean something on the way: to beeline (`;` ends a statement,
# `--` and `#` begin a comment, `!` a command), to variable substitution (`${…}`), or to Hive's own reader (quote, backslash).
_PLAIN = re.compile(r"[A-Za-z0-9 _.,:/=+()-]")


def hive_text(text: str) -> str:
    """A constant that Hive reads as exactly this text, by beeline and by thrift: one line of ASCII without `;` and `--`."""
    shown = "".join(char if _PLAIN.fullmatch(char) else _escaped(char) for char in text)
    return "'" + shown.replace("--", r"-\u002D") + "'"


def _escaped(char: str) -> str:
    # Hive's \u takes four digits: a UTF-16 unit, of which a character beyond the basic plane has two.
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[i]:02X}{units[i + 1]:02X}" for i in range(0, len(units), 2))


def sql_text(text: str) -> str:
    """A constant that DuckDB and Trino read as exactly this text."""
    return "'" + text.replace("'", "''") + "'"


def hive_name(name: str) -> str:
    """A name in Hive's quotes."""
    return "`" + name.replace("`", "``") + "`"
