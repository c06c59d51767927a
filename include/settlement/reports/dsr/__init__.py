"""DDEX DSR flat files: what a partner used and earned in a month, written and read back strictly."""

from settlement.reports.dsr.errors import DsrError
from settlement.reports.dsr.partner import write_dsr
from settlement.reports.dsr.reader import Record, file_sets, read_dsr
from settlement.reports.dsr.sender import UNREGISTERED, Sender, own_sender

__all__ = ["UNREGISTERED", "DsrError", "Record", "Sender", "file_sets", "own_sender", "read_dsr", "write_dsr"]
