"""The page in Debian's Chromium, as somebody with a role: opened, looked at by axe, pictured."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock
from playwright.sync_api import Browser, Page

from tests.integration.api_server import Server

ROOT = Path(__file__).resolve().parents[2]
_AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
_SLOW = 60_000  # milliseconds: two cores serve the page and other tests
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


def built() -> None:
    """The page is built from what is in web/ now: `make` sees whether it has to be."""
    lock = ROOT / ".work/page.lock"
    lock.parent.mkdir(exist_ok=True)
    with FileLock(lock):  # files of tests may run beside each other
        subprocess.run(["make", "page"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


@dataclass
class Person:
    """Somebody at the page; `errors` are what the browser complained about, which fails at the end."""

    page: Page
    server: Server
    errors: list[str] = field(default_factory=list)

    def opens(self, link: str = "") -> None:
        """Go to a place of the page: what follows `#/`."""
        self.page.goto(f"{self.server.address}/#/{link}")

    def rows(self) -> list[list[str]]:
        """Rows of the grid that are drawn, each its cells as text; a total is not among them."""
        self.page.locator(".ag-row[row-index='0'] [role=gridcell]").first.wait_for()
        return self.page.locator(".ag-grid-scrolling-rows, .ag-center-cols-container").first.evaluate(
            """place => [...place.querySelectorAll('.ag-row')]
                .sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)
                .map(row => [...row.querySelectorAll('[role=gridcell]')].map(cell => cell.textContent.trim()))"""
        )

    def total(self) -> list[str]:
        """Cells of the row of totals."""
        return self.page.locator(".ag-row-pinned [role=gridcell]").all_inner_texts()

    def violations(self) -> list[str]:
        """What axe finds that is serious or critical."""
        # The page's policy lets no script in: axe comes by the protocol of the browser.
        self.page.evaluate(_AXE.read_text("utf-8"))
        found: list[dict[str, Any]] = self.page.evaluate("async () => (await axe.run()).violations")
        return [
            f"{rule['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
            for rule in found
            if rule["impact"] in ("serious", "critical")
            for node in rule["nodes"]
        ]


@contextmanager
def person(browser: Browser, server: Server, role: str = "operator", **how: Any) -> Iterator[Person]:
    """Somebody who opened the page by an address that signs them in; `how` is Playwright's, of a new context."""
    context = browser.new_context(**{"viewport": DESK, "locale": "ko-KR", **how})
    page = context.new_page()
    page.set_default_timeout(_SLOW)
    somebody = Person(page, server)
    page.on("console", lambda message: somebody.errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: somebody.errors.append(str(error)))
    try:
        page.goto(f"{server.address}/#token={server.tokens[role]}")
        yield somebody
    finally:
        context.close()
