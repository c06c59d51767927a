"""The order of records within a block, and that what they refer to is there."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from settlement.reports.dsr.errors import CellError
from settlement.reports.dsr.profiles import Profile


class SeenIds:
    """Ids that may come once. Consecutive numbers, as our own writer gives them, take no memory; any other id does."""

    def __init__(self) -> None:
        self._start = self._next = 0
        self._others: set[str] = set()

    def add(self, text: str) -> bool:
        """Note an id; False when it was there before."""
        if text in self._others:
            return False
        if text.isascii() and text.isdigit() and len(text) < 19 and text == str(int(text)):
            number = int(text)
            if self._start == self._next:
                self._start = self._next = number
            if number == self._next:
                self._next += 1
                return True
            if self._start <= number < self._next:
                return False
        self._others.add(text)
        return True


class BlockCheck:
    """One block as its records come; `step` for each, then `end`.

    Both raise CellError: a record out of order, a reference that leads nowhere, an id that stands twice.
    """

    def __init__(self, profile: Profile, summary_ids: Collection[str], transactions: SeenIds) -> None:
        self._profile = profile
        self._summary_ids = summary_ids
        self._transactions = transactions
        self._previous = self._resource = ""
        self._releases: set[str] = set()
        self._resources: set[str] = set()
        self._head_release: object = None
        self._summary: object = None
        self._user_releases = False

    def step(self, record: str, cells: Mapping[str, object]) -> None:
        """Take the block's next record."""
        self._check_order(record)
        self._previous = record
        family = record[:2]
        if family == "RE":
            self._release(record, cells)
        elif family == "AS":
            self._resource = record
            self._once(self._resources, "ResourceReference", cells)
        elif family == "SU":
            self._usage(record, cells)
        elif family == "LI":
            self._licensor(cells)
        elif family == "RU":
            self._user_releases = True
            self._known_summary(cells)

    def end(self) -> None:
        """The block is over."""
        if self._previous not in self._profile.last:
            raise CellError(
                "RecordType", f"the block ends with {self._previous}: it is torn, {_names(self._profile.last)} is missing"
            )

    def _check_order(self, record: str) -> None:
        allowed = self._profile.follows[self._previous] if self._previous else self._profile.first
        if record not in allowed:
            where = f"after {self._previous}" if self._previous else "at the start of a block"
            raise CellError("RecordType", f"{record} can't stand {where}: {_names(allowed)} can")
        above = self._profile.under.get(record)
        if above is not None and above != self._resource:
            raise CellError("RecordType", f"{record} belongs to {above}, but the resource above is {self._resource}")

    def _release(self, record: str, cells: Mapping[str, object]) -> None:
        self._once(self._releases, "ReleaseReference", cells)
        if record == "RE01":
            self._head_release = cells["DspReleaseId"]
            return
        used = cells["UsedResources"]
        for reference in used if isinstance(used, tuple) else (used,):
            self._known(self._resources, "UsedResources", reference)

    def _usage(self, record: str, cells: Mapping[str, object]) -> None:
        transaction = str(cells["SalesTransactionId"])
        if not self._transactions.add(transaction):
            raise CellError("SalesTransactionId", f"{transaction!r} stands twice in the report")
        self._known_summary(cells)
        self._summary = cells.get("SummaryRecordId")
        if record == "SU03.01":
            release = cells["DspReleaseId"]
            # Where users upload, the release used is theirs (RU records), not the head release.
            if self._head_release is not None and not self._user_releases and release != self._head_release:
                raise CellError("DspReleaseId", f"{release!r} is not the block's release {self._head_release!r}")
            return
        release, resource = cells.get("TransactedRelease"), cells.get("TransactedResource")
        if bool(release) == bool(resource):
            raise CellError("TransactedResource", "either a release or a resource is transacted, not both or none")
        if release:
            self._known(self._releases, "TransactedRelease", release)
        else:
            self._known(self._resources, "TransactedResource", resource)

    def _licensor(self, cells: Mapping[str, object]) -> None:
        self._known_summary(cells)
        summary = cells.get("SummaryRecordId")
        if summary and self._summary and summary != self._summary:
            raise CellError("SummaryRecordId", f"{summary!r} is not {self._summary!r} of the SU record above")

    def _known_summary(self, cells: Mapping[str, object]) -> None:
        if summary := cells.get("SummaryRecordId"):
            self._known(self._summary_ids, "SummaryRecordId", summary)

    @staticmethod
    def _once(seen: set[str], cell: str, cells: Mapping[str, object]) -> None:
        reference = str(cells[cell])
        if reference in seen:
            raise CellError(cell, f"{reference!r} stands twice in the block")
        seen.add(reference)

    @staticmethod
    def _known(seen: Collection[str], cell: str, reference: object) -> None:
        if reference not in seen:
            raise CellError(cell, f"no record has the id {reference!r}")


def _names(records: Collection[str]) -> str:
    return " or ".join(sorted(records))
