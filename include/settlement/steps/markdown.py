"""Somebody's text inside our Markdown."""

from __future__ import annotations

import string


def plain(text: str) -> str:
    """The text as it is, whatever it is made of: no link, no markup, no cell of its own."""
    return "".join(f"\\{c}" if c in string.punctuation else c for c in " ".join(text.split()))
