"""A second, plain reading of the settlement rules, so that a misreading in the SQL has something to disagree with.

Written from rules.md and data.md alone, in the standard library alone; it shares no line with the package it checks.
Every part names, in its docstring, where the rules left a choice open and which one it took.
"""

from .exports import COLUMNS, KEYS, Exports, Row, Value, render
from .faults import BadInputError
from .restating import Restatement
from .settling import settle, settle_folders

__all__ = [
    "COLUMNS",
    "KEYS",
    "BadInputError",
    "Exports",
    "Restatement",
    "Row",
    "Value",
    "render",
    "settle",
    "settle_folders",
]
