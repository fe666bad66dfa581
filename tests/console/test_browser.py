"""The console in a real Chromium: every page without an accessibility fault, every act by keyboard alone."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from sigill.store import dead_letters, tasks
from tests.console.test_case_letters import letter_of, own_seal
from tests.kit.browser import STORY_FORM, addresses, choices_of_phone, impact_page, page_of
from tests.kit.console import MOTIVATION, SECOND, World, furnish
from tests.kit.senders import ADULT, CHILD, FATHER, MOTHER, OPERATOR, UNIT

pytestmark = pytest.mark.browser


@asynccontextmanager
async def opened(
    browser: Browser, world: World, language: str = "en", scheme: str = "light", name: str = OPERATOR
) -> AsyncIterator[Page]:
    """A page of a logged-in operator. Whatever the browser complains of fails the test."""
    async with page_of(browser, world, language, scheme, name=name) as page:
        page.set_default_timeout(15_000)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None
        )
        yield page
        assert complaints == []


async def press_to(page: Page, name: str | re.Pattern[str], role: str = "button", most: int = 120) -> None:
    """Go by Tab, and by nothing else, to the control of that name."""
    target = page.get_by_role(role, name=name).first  # type: ignore[arg-type]
    for _ in range(most):
        await page.keyboard.press("Tab")
        if await target.evaluate("(one) => one === document.activeElement"):
            return
    raise AssertionError(f"{role} {name} cannot be reached by keyboard")


async def write(page: Page, label: str, text: str) -> None:
    """Tab to a field and type."""
    target = page.get_by_label(label).first
    for _ in range(120):
        if await target.evaluate("(one) => one === document.activeElement"):
            break
        await page.keyboard.press("Tab")
    else:
        raise AssertionError(f"{label} cannot be reached by keyboard")
    await page.keyboard.type(text)


@pytest.mark.parametrize(
    ("language", "scheme", "width"),
    [("sv", "light", 390), ("en", "dark", 1440), ("sv", "dark", 1440), ("en", "light", 390)],
)
async def test_axe_finds_nothing_on_any_page(
    chromium: Browser, furnished: World, language: str, scheme: str, width: int
) -> None:
    pages = await addresses(furnished)
    found: dict[str, list[str]] = {}
    async with opened(chromium, furnished, language, scheme) as page:
        await page.set_viewport_size({"width": width, "height": 900})
        for path, address in pages.items():
            if path == STORY_FORM and (language, width) != ("sv", 390):
                continue
            answer = await page.goto(address)
            assert answer is not None
            assert answer.status == (404 if path == "/nowhere" else 200), path
            results = await Axe().run(
                page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]}
            )
            faults = [
                f"{one['id']}: {[node['target'] for node in one['nodes']][:2]}"
                for one in results.response["violations"]
            ]
            if faults:
                found[path] = faults
            top, wide = await page.evaluate(
                "[document.querySelector('main h1').getBoundingClientRect().top,"
                " document.documentElement.scrollWidth > innerWidth]"
            )
            assert top < 200, f"{path} begins with something else than its content"
            assert not wide, path
            text = await page.content()
            assert not [number for number in (ADULT, CHILD, MOTHER, FATHER, MOTIVATION) if number in text]
    assert found == {}


@pytest.mark.parametrize(
    ("language", "scheme", "width"), [("sv", "light", 390), ("en", "dark", 1440), ("sv", "dark", 390)]
)
async def test_whom_a_draft_would_touch_and_the_phone_s_choices_have_no_fault_and_fit_the_window(
    chromium: Browser, furnished: World, language: str, scheme: str, width: int
) -> None:
    """Pages that a button makes, and no address."""
    async with opened(chromium, furnished, language, scheme) as page:
        await page.set_viewport_size({"width": width, "height": 900})
        for show, shown in ((impact_page, "#impact"), (choices_of_phone, "fieldset.picks")):
            await show(page, furnished)
            await expect(page.locator(shown).first).to_be_visible()
            results = await Axe().run(
                page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]}
            )
            assert results.response["violations"] == [], shown
            assert not await page.evaluate("document.documentElement.scrollWidth > innerWidth"), shown
            sizes = await page.locator("input[type=radio], input[type=checkbox]").evaluate_all(
                "all => all.map(one => one.getBoundingClientRect()).map(at => [at.width, at.height])"
            )
            assert all(width == height < 24 for width, height in sizes), "a choice stands beside its words"


@pytest.mark.parametrize("width", [390, 1440])
async def test_a_case_and_its_letter_have_no_fault_and_fit_the_window(
    chromium: Browser, fresh: World, width: int
) -> None:
    number = await own_seal(fresh)
    async with fresh.client() as client:
        await client.post(f"/cases/{number}/begin", f"/orders/{number}", reason="calls")
        letter = await letter_of(client, f"/cases/{number}", "break-seal")
    async with opened(chromium, fresh) as page:
        await page.set_viewport_size({"width": width, "height": 900})
        for path in (f"/cases/{number}", letter):
            await page.goto(fresh.base + path)
            results = await Axe().run(
                page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}
            )
            assert results.response["violations"] == [], path
            assert not await page.evaluate("document.documentElement.scrollWidth > innerWidth"), path


async def test_the_pictures_and_the_narrow_window_have_no_fault_either(
    chromium: Browser, furnished: World
) -> None:
    async with opened(chromium, furnished) as page:
        await page.set_viewport_size({"width": 360, "height": 800})
        await page.goto(f"{furnished.base}/person")
        await write(page, "Personnummer, co-ordination number or reserve number", CHILD)
        await write(page, "Reason", "Guardian asks")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#picture")
        results = await Axe().run(page)
        assert results.response["violations"] == []
        # WCAG 1.4.10: nothing is cut off sideways at 320 CSS pixels, wide tables scroll in themselves
        for path in ("/", "/orders", "/waiting", "/worklist", "/dead-letters", "/phone", "/transitions"):
            await page.set_viewport_size({"width": 320, "height": 800})
            await page.goto(furnished.base + path)
            wide = await page.evaluate(
                "[...document.querySelectorAll('main *, header *, nav *')]"
                ".filter(one => one.getBoundingClientRect().right > innerWidth && !one.closest('.scroll, .calendar, .hidden'))"
                ".map(one => one.outerHTML.slice(0, 80))"
            )
            assert wide == [], path
            assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path


async def test_the_first_tab_skips_to_the_content(chromium: Browser, furnished: World) -> None:
    async with opened(chromium, furnished) as page:
        await page.goto(furnished.base)
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.className") == "skip"
        await page.keyboard.press("Enter")
        assert await page.evaluate("document.activeElement.id") == "main"


async def test_the_slider_moves_through_time_by_arrow_keys(chromium: Browser, fresh: World) -> None:
    async with opened(chromium, fresh) as page:
        await page.goto(f"{fresh.base}/person")
        await write(page, "Personnummer, co-ordination number or reserve number", CHILD)
        await write(page, "Reason", "Guardian asks")
        await page.keyboard.press("Enter")
        await expect(page.locator("#picture h2").first).to_contain_text("2025-03-10 10:00")
        await expect(
            page.get_by_text(
                "A guardian reads the record until the child reaches the age at which that ends."
            ).first
        ).to_be_visible()
        await press_to(page, re.compile("Move through time"), "slider")
        for _ in range(20):
            await page.keyboard.press("ArrowRight")
        await expect(
            page.get_by_text("The child has reached the age at which guardians' access ends.").first
        ).to_be_visible()
        assert CHILD not in page.url


async def test_new_orders_appear_by_themselves_and_the_refreshing_can_be_paused(
    chromium: Browser, fresh: World
) -> None:
    async with opened(chromium, fresh) as page:
        await page.goto(f"{fresh.base}/orders")
        await expect(page.get_by_text("No orders.")).to_be_visible()
        await fresh.harness.hand_over(fresh.senders.orders(fresh.clock.now()))
        await expect(page.get_by_role("link", name=re.compile("SIGILL-"))).to_be_visible(timeout=15_000)
        await press_to(page, "Show new ones live", "checkbox")
        await page.keyboard.press("Space")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.wait_for_timeout(6_000)
        assert asked == []


async def test_unmasking_and_searching_by_keyboard(chromium: Browser, fresh: World) -> None:
    await fresh.harness.hand_over(fresh.senders.orders(fresh.clock.now(), motivation=MOTIVATION))
    async with opened(chromium, fresh) as page:
        await page.goto(f"{fresh.base}/orders")
        await write(page, "Patient’s number", ADULT)
        await write(page, "Reason", "Clinic calls")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/orders?patient=*")
        await press_to(page, re.compile("SIGILL-"), "link")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#form")
        await write(page, "Reason to show numbers and motivation", "Clinic calls")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text(MOTIVATION)).to_be_visible()
        assert ADULT not in page.url


async def test_the_bytes_are_downloaded_by_keyboard(chromium: Browser, fresh: World) -> None:
    sent = fresh.senders.orders(fresh.clock.now())
    await fresh.harness.hand_over(sent)
    async with opened(chromium, fresh) as page:
        await page.goto(f"{fresh.base}/orders/1")
        await write(page, "Reason to download", "To the auditors")
        async with page.expect_download() as download:
            await page.keyboard.press("Enter")
        path = await (await download.value).path()
        assert path.read_bytes() == sent.value


async def test_a_task_is_ticked_off_by_keyboard(chromium: Browser, fresh: World) -> None:
    await fresh.harness.hand_over(fresh.senders.orders(fresh.clock.now()))
    async with opened(chromium, fresh) as page:
        await page.goto(f"{fresh.base}/worklist")
        await press_to(page, re.compile("Key in:"), "link")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#keyed")
        await press_to(page, re.compile("tick off"))
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status")).to_have_text("Ticked off.")
    async with fresh.store.reading() as tx:
        assert await tasks.stats(tx) == []


async def test_a_poison_message_is_inspected_and_replayed_by_keyboard(
    chromium: Browser, fresh: World
) -> None:
    ids = await fresh.lose(b"poison", count=2)
    async with opened(chromium, fresh) as page:
        await page.goto(f"{fresh.base}/dead-letters")
        await press_to(page, f"#{ids[1]}", "link")
        await page.keyboard.press("Enter")
        await write(page, "Reason to read", "Looking for the fault")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("poison", exact=True)).to_be_visible()
        await page.goto(f"{fresh.base}/dead-letters")
        await press_to(page, re.compile("whole sequence"), "checkbox")
        await page.keyboard.press("Space")
        await press_to(page, "Replay the chosen")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status")).to_contain_text("acknowledged by Kafka")
    async with fresh.store.reading() as tx:
        assert {one.action for one in (await dead_letters.by_ids(tx, ids)).values()} == {"replayed"}


async def test_a_discard_is_proposed_and_approved_by_two_by_keyboard(chromium: Browser, fresh: World) -> None:
    (one,) = await fresh.lose()
    async with opened(chromium, fresh) as page:
        await page.goto(f"{fresh.base}/dead-letters/{one}")
        await write(page, "Reason", "")
        await press_to(page, "Propose to discard")
        await page.get_by_label("Reason (required)", exact=True).focus()
        await page.keyboard.type("A test message")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status")).to_contain_text("A second operator must approve")
        assert await page.get_by_role("button", name=re.compile("Approve")).count() == 0
    async with opened(chromium, fresh, name=SECOND) as page:
        await page.goto(f"{fresh.base}/dead-letters")
        await press_to(page, re.compile("Approve the discard"))
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status")).to_contain_text("two people")
    async with fresh.store.reading() as tx:
        assert (await dead_letters.by_ids(tx, [one]))[one].approver == SECOND


async def test_a_phone_order_is_entered_by_keyboard(chromium: Browser, fresh: World) -> None:
    async with opened(chromium, fresh) as page:
        await page.goto(f"{fresh.base}/phone")
        await press_to(page, re.compile("Seal the journal"), "link")
        await page.keyboard.press("Enter")
        await write(page, "Patient’s number, twelve digits", ADULT)
        await write(page, "Who took the initiative", "Care")
        await write(page, "Unit", UNIT)
        await press_to(page, "Look up Unit")
        await page.keyboard.press("Enter")
        await press_to(page, re.compile("Treating physician"), "radio")
        await page.keyboard.press("Space")
        await press_to(page, "Check the answers")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="The rules say yes", exact=False)).to_be_visible()
        await press_to(page, "Sign and send")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/orders/by-id/*")
        await expect(page.get_by_role("heading", name="The order is on its way")).to_be_visible()


async def test_language_and_theme_are_chosen_by_keyboard_and_kept(
    chromium: Browser, furnished: World
) -> None:
    async with opened(chromium, furnished) as page:
        await page.goto(f"{furnished.base}/waiting")
        await page.locator("details.account summary").focus()
        await page.keyboard.press("Enter")
        await press_to(page, "Language", "combobox")
        await page.keyboard.type("Svenska")
        await page.keyboard.press("Tab")
        await page.keyboard.type("Dark")
        await press_to(page, "Switch")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Väntar på någon")).to_be_visible()
        assert await page.evaluate("document.documentElement.dataset.theme") == "dark"


async def test_the_chains_are_verified_by_keyboard(chromium: Browser, fresh: World) -> None:
    await furnish(fresh)
    async with opened(chromium, fresh) as page:
        await page.goto(f"{fresh.base}/audit")
        await press_to(page, "Verify every chain")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status")).to_contain_text("Every chain is whole")


async def test_shortcuts_lead_to_pages_rest_in_fields_and_can_be_switched_off(
    chromium: Browser, furnished: World
) -> None:
    async with opened(chromium, furnished) as page:
        await page.goto(f"{furnished.base}/")
        await page.keyboard.press("?")
        help_of_keys = page.get_by_role("dialog", name="Keyboard shortcuts")
        await expect(help_of_keys).to_be_visible()
        results = await Axe().run(page)
        assert results.response["violations"] == []
        await page.keyboard.press("Escape")
        await page.keyboard.press("/")
        assert await page.evaluate("document.activeElement.id") == "find"
        await page.keyboard.type("g/w?")
        assert await page.input_value("#find") == "g/w?", "a field takes every key"
        await page.evaluate("document.activeElement.blur()")
        await page.keyboard.press("g")
        await page.keyboard.press("d")
        await page.wait_for_url("**/dead-letters")
        await page.keyboard.press("j")
        assert await page.evaluate("document.activeElement.closest('main') !== null")
        await press_to(page, "Keyboard shortcuts")
        await page.keyboard.press("Enter")
        await page.get_by_label("Shortcuts are on").uncheck()
        await page.keyboard.press("Escape")
        await page.reload()
        await page.keyboard.press("?")
        await expect(help_of_keys).to_be_hidden()
