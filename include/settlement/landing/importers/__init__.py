"""Listening histories as landing data: every real play once, in a month of choice, under a catalogue made around it."""

from settlement.landing.importers.run import Format, Imported, ImportOptions, import_listens

__all__ = ["Format", "ImportOptions", "Imported", "import_listens"]
