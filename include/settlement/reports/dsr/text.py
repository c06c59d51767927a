"""Text of cells: made fit for one line, escaped, and taken apart again."""

from __future__ import annotations

import re
from typing import Final

# The standard has no escape for line breaks, and other control characters mean nothing in a title: each becomes a
# space. The tab stays, it can be escaped. Signs that steer the direction of text are no control characters.
_CONTROL: Final = re.compile("\r\n|[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_SPECIAL: Final = re.compile(r"[\\|\t]")
_TOKEN: Final = re.compile(r"\\([\\|\t])|([\t|])|([^\\\t|]+)|(\\)")


class BadEscape(ValueError):
    """A backslash that escapes nothing; `index` is the cell's place in the line, from 0."""

    def __init__(self, index: int) -> None:
        super().__init__("a backslash stands before none of backslash, | and tab")
        self.index = index


def clean(text: str) -> str:
    """Text as a cell carries it: line breaks and other control characters are spaces, none at either end.

    A lone half of a surrogate pair, which UTF-8 can't carry, becomes U+FFFD. Everything else stays as it is.
    """
    if text.isprintable():
        return text.strip()
    return _SURROGATE.sub("\ufffd", _CONTROL.sub(" ", text)).strip()


def escape(text: str) -> str:
    """`|`, tab and backslash with a backslash before them."""
    return _SPECIAL.sub(r"\\\g<0>", text) if "|" in text or "\\" in text or "\t" in text else text


Raw = str | list[str]
"""A cell's text; several where a | that isn't escaped parts them."""


def split_line(line: str) -> list[Raw]:
    """A line without its end as cells, unescaped.

    Raises:
        BadEscape: a backslash that escapes nothing.
    """
    if "\\" not in line:
        cells: list[Raw] = [*line.split("\t")]
        return cells if "|" not in line else [cell.split("|") if "|" in cell else cell for cell in line.split("\t")]
    values = [[""]]
    for escaped, delimiter, plain, bare in _TOKEN.findall(line):
        if bare:
            raise BadEscape(len(values) - 1)
        if delimiter == "\t":
            values.append([""])
        elif delimiter:
            values[-1].append("")
        else:
            values[-1][-1] += escaped or plain
    return [cell if cell[1:] else cell[0] for cell in values]
