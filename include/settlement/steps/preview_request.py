"""On request: what a month would come to, as files for whoever asks. Publishes nothing, reserves no version.

Killed anywhere: `_SUCCESS` is missing, so nobody takes the folder for complete. Tried again: the same bytes fill the gaps;
what was settled in between makes other bytes, and they are refused. Cleared: a folder of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from settlement.errors import SettlementError
from settlement.landing.contract import SUCCESS
from settlement.settings import reference_dir, settings
from settlement.steps.deliver import mark, put_once, staged
from settlement.steps.on_demand import FOLDER
from settlement.steps.place import Place
from settlement.steps.preview import Preview, preview
from settlement.steps.preview_files import write_changes, write_page
from settlement.steps.tasks import Outcome
from settlement.storage import Location

PAGE, CHANGES, TOTALS = "preview.html", "changes.csv", "totals.json"
_NOT_IN_A_FOLDER = re.compile(r"[^A-Za-z0-9._=-]+")


@dataclass(frozen=True)
class Asked:
    """What somebody asks for: a month, by a run, whose task was cleared so many times (or any number that rises with it)."""

    month: str
    run_id: str
    attempt: int

    @property
    def path(self) -> str:
        """The folder of its files, below `on_demand/` of the warehouse."""
        return f"preview/month={self.month}/{_NOT_IN_A_FOLDER.sub('-', self.run_id)}/attempt={self.attempt}"


@dataclass(frozen=True)
class Previewed(Outcome):
    """What was computed, and the folder with page, changes, totals and marker."""

    folder: str


def request(place: Place, asked: Asked, requested_by: str, progress: Callable[[str], None] = lambda _: None) -> Previewed:
    """Settle the month aside by the SQL and reference rows of this process and put what it comes to under `on_demand/`.

    Raises:
        SettlementError: what is missing or wrong, as a settlement would say it.
        PublishRefused: an earlier try of the same attempt came to something else.
    """

    def step(what: str, done: int, of: int) -> None:
        progress(f"{done + 1} of {of}: {what}")

    rules = settings().reference or reference_dir()
    found = preview(place.warehouse, place.ledger, asked.month, None, rules, asked.run_id, requested_by, step)
    root = place.warehouse.root / FOLDER
    folder = root / asked.path
    with staged(root, "asked") as aside:
        write_page(found, aside / PAGE)
        write_changes(found, aside / CHANGES)
        (aside / TOTALS).write_text(json.dumps(_totals(found), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        put_once(aside, folder, "what is settled has changed since the first try: clear the task, and it begins anew")
    mark(folder)
    return _told(asked, folder)


def look_for(place: Place, asked: Asked) -> Previewed:
    """The preview as somebody else has written it, in a pod.

    Raises:
        SettlementError: the folder is incomplete, or not there.
    """
    folder = place.warehouse.root / FOLDER / asked.path
    if not (folder / SUCCESS).exists():
        raise SettlementError(f"the preview of {asked.month} was made, and {folder} isn't complete", "clear the task")
    return _told(asked, folder)


def _totals(found: Preview) -> dict[str, object]:
    """What the sentence needs, and programs: amounts in whole won."""
    return {
        "month": found.month,
        "against": found.against.version if found.against else None,
        "royalties_that_change": len(found.deltas),
        "figures": [{"name": f.name, "old_krw": f.old_krw, "new_krw": f.new_krw} for f in found.figures],
        "warnings": [str(warned) for warned in found.warnings],
    }


def _told(asked: Asked, folder: Location) -> Previewed:
    totals = json.loads((folder / TOTALS).read_text(encoding="utf-8"))
    paid = next(figure["new_krw"] for figure in totals["figures"] if figure["name"] == "paid")
    against = f"version {totals['against']}" if totals["against"] else "nothing that was settled before"
    sentence = (
        f"{asked.month} would come to {paid:,} won paid; against {against} {totals['royalties_that_change']:,} royalties change; "
        f"nothing was published; {PAGE} and {CHANGES} are in {folder}"
    )
    return Previewed("previewed", sentence, str(folder))
