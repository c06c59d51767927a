"""Airflow's own UI in Debian's Chromium, as one user."""

from __future__ import annotations

import os
import re
import shutil
import urllib.parse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Locator, Page, expect, sync_playwright

from local.airflow import Airflow

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_SLOW = 60_000  # milliseconds: two cores serve the page, the scheduler and the tasks
SCREENSHOTS = Path(os.environ.get("SCREENSHOTS", ".work/screenshots"))


@contextmanager
def signed_in(airflow: Airflow, user: str) -> Iterator[Page]:
    """A page of Airflow's UI, signed in.

    Raises:
        FileNotFoundError: there is no Chromium: `make setup-browser` installs it.
    """
    executable = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if executable is None:
        raise FileNotFoundError("no Chromium on this machine: run `make setup-browser`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.set_default_timeout(_SLOW)
        expect.set_options(timeout=_SLOW)
        page.goto(airflow.url)
        page.fill("input[name=username]", user)
        page.fill("input[name=password]", airflow.passwords()[user])
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "login" not in url)
        try:
            yield page
        finally:
            browser.close()


def open_task(page: Page, airflow: Airflow, dag: str, run: str, task: str, tab: str = "") -> Locator:
    """Go to a task instance, its logs or another tab; returns the heading."""
    quoted = urllib.parse.quote(run, safe="")
    page.goto(f"{airflow.url}/dags/{dag}/runs/{quoted}/tasks/{task}{tab}")
    heading = page.get_by_role("heading", name=task, exact=True)
    expect(heading).to_be_visible()
    return heading


def open_settlement(page: Page, airflow: Airflow) -> Page:
    """Go to the settlement page by Airflow's navigation; it opens beside."""
    page.goto(airflow.url)
    page.get_by_role("button", name="Browse").click()
    with page.context.expect_page() as opened:
        page.get_by_role("menuitem", name="Settlement").click()
    return opened.value


def clear(page: Page, affected: int) -> None:
    """Clear the open task; so many tasks are affected: 1 is it alone, more are those after it too."""
    page.get_by_label("Press shift+c to clear").click()
    dialog = page.locator("[role=dialog][aria-modal=true]")
    shown = dialog.get_by_text(f"Affected Tasks: {affected}", exact=True)
    proposed = dialog.get_by_text(re.compile(r"Affected Tasks: [2-9]"))
    expect(proposed).to_be_visible()  # the dialog proposes the tasks after it too, once it has counted them
    if affected == 1:
        dialog.get_by_role("button", name="Downstream").click()
    expect(shown).to_be_visible()
    dialog.get_by_role("button", name="Confirm").click()
    expect(dialog).to_be_hidden()


def clear_runs(page: Page, airflow: Airflow, dag: str, runs: Sequence[str]) -> None:
    """Clear whole runs, chosen in the list of the DAG's runs."""
    page.goto(f"{airflow.url}/dags/{dag}/runs")
    for run in runs:
        page.locator("tbody tr").filter(has_text=run).locator("label").first.click()
    expect(page.get_by_text(f"{len(runs)} Selected")).to_be_visible()
    page.get_by_role("button", name="Clear Dag Runs").click()
    dialog = page.locator("[role=dialog][aria-modal=true]")
    dialog.get_by_role("button", name="Confirm").click()
    expect(dialog).to_be_hidden()


def shot(page: Page, name: str) -> Path:
    """A screenshot of what the page shows now."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    path = SCREENSHOTS / f"{name}.png"
    page.screenshot(path=path)
    return path
