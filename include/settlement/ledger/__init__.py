"""What was built, published, approved, by whom and from what: append-only and hash-chained."""

from settlement.ledger.ledger import Ledger
from settlement.ledger.records import Build, Head, Record

__all__ = ["Build", "Head", "Ledger", "Record"]
