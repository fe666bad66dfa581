"""A real Chromium at the console: where it is, every page that there is, and a page of an operator who has logged in."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Page

from sigill.store import console, proposals
from sigill.store.rulebooks import RELEASE
from tests.kit.console import World, counted
from tests.kit.senders import CHILD, OPERATOR, UNIT

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
STORY_FORM = "/workbench/drafts/{draft}/story"
"""Has some hundred fields, which cost axe as much as four other pages."""
PAGES = (
    "/", "/orders", "/orders?state=refused", "/orders/{first}", "/orders/{last}", "/person", "/person/1",
    "/waiting", "/waiting?list=follow_up", "/waiting?list=units", "/waiting?list=protected", "/waiting?list=orders",
    "/waiting?list=other", "/worklist", "/worklist/{task}", "/dead-letters", "/dead-letters/1", "/transitions",
    "/transitions/2025-03-10", "/rulebook?region=testland", "/audit", "/audit/review", "/ahead", "/units", "/choices",
    "/diary?day=2025-03-10", "/statistics", "/letters", "/phone", "/phone?region=testland&form=seal_journal", "/cases",
    "/workbench", "/workbench/testland", "/workbench/drafts/{draft}", STORY_FORM,
    "/workbench/proposals/{proposal}", "/letters?region=testland&letter=hello", "/units/{unit}", "/login", "/nowhere",
)  # fmt: skip


async def addresses(here: World) -> dict[str, str]:
    """Where each page of a furnished world is."""
    async with here.store.reading() as tx:
        numbers = sorted(one.registration for one in await console.find_orders(tx, console.OrderSearch()))
        task = (await console.worklist_page(tx))[0].task_id
        (waiting,) = await proposals.open_ones(tx, RELEASE)
    places = {
        "first": numbers[0], "last": numbers[-1], "task": task, "unit": UNIT, "draft": waiting.subject,
        "proposal": waiting.proposal_id,
    }  # fmt: skip
    return {path: here.base + path.format(**places) for path in PAGES}


async def impact_page(page: Page, here: World) -> None:
    """Whom a draft would touch, counted."""
    here.desk.impact = counted
    places = await addresses(here)
    await page.goto(places["/workbench/drafts/{draft}"])
    await page.locator("form[action$='/impact'] button").click()
    await page.wait_for_selector("#impact")


async def choices_of_phone(page: Page, here: World) -> None:
    """A phone order's form after its look-ups: units and staff to choose among, and the child's guardians."""
    await page.goto(f"{here.base}/phone?region=testland&form=seal_journal")
    await page.fill("#patient", CHILD)
    await page.fill("#decided_by_unit", UNIT)
    await page.locator("button[name='find'][value='family']").click()
    await page.wait_for_selector(".chosen")
    await page.locator("button[name='find'][value='decided_by_unit']").click()
    await page.wait_for_selector("fieldset.picks")


@asynccontextmanager
async def page_of(
    browser: Browser,
    here: World,
    language: str = "en",
    scheme: str = "light",
    *,
    width: int = 1280,
    height: int = 900,
    name: str = OPERATOR,
) -> AsyncIterator[Page]:
    """A page of an operator who has logged in."""
    context = await browser.new_context(color_scheme=scheme, viewport={"width": width, "height": height})  # type: ignore[arg-type]
    await context.add_cookies(
        [
            {"name": here.desk.cookie, "value": await here.logged_in(name), "url": here.base},
            {"name": "sigill_language", "value": language, "url": here.base},
        ]
    )
    try:
        yield await context.new_page()
    finally:
        await context.close()
