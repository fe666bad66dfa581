"""
The pictures of README and docs, taken of the running programs: `python -m tests.kit.pictures` (`make pictures`).

With `--sheets FOLDER` it takes every page of the console, in both languages, light and dark, wide and narrow, and lays
them out on contact sheets to be looked at. Needs a Chromium.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import os
import re
import subprocess
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, Page, async_playwright
from rich.console import Console
from rich.text import Text

from sigill.stream.connection import Connection
from sigill.stream.topics import apply_topics
from sigill_contracts.topics import TOPICS
from tests.kit.browser import CHROMIUM, addresses, choices_of_phone, impact_page, page_of
from tests.kit.console import World, furnish, world
from tests.kit.senders import CHILD, FATHER, Senders
from tests.kit.services import Services
from tests.kit.testland import write_rulebooks
from tests.kit.worker_harness import START

HERE = Path(__file__).parents[2] / "docs" / "img"
COLOURS = 48
"""Of a picture: pages have few, and a palette makes them small."""
LINES_OF_DEMO = 46
PATIENCE = 120_000
"""Milliseconds."""
LOOKS = (("sv", "light", 1440), ("en", "dark", 1440), ("sv", "dark", 390), ("en", "light", 390))


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sheets", type=Path, help="every page of the console, on contact sheets in a folder"
    )
    parser.add_argument("--only", choices=("console", "trial", "demo"), help="one of the programs alone")
    asked = parser.parse_args()
    if asked.sheets is not None:
        asked.sheets.mkdir(parents=True, exist_ok=True)
        asyncio.run(_sheets(asked.sheets))
        return
    if asked.only in (None, "console"):
        asyncio.run(_console())
    if asked.only in (None, "trial"):
        asyncio.run(_trial())
    if asked.only in (None, "demo"):
        _demo()


@contextlib.asynccontextmanager
async def _furnished() -> AsyncIterator[tuple[World, Browser]]:
    """A console with something of everything, and a browser."""
    services, senders = Services(), Senders(START)
    prefix = f"p{uuid.uuid4().hex[:8]}."
    try:
        connection = Connection(services.kafka().bootstrap, client_id="pictures")
        await apply_topics(connection, TOPICS, prefix=prefix)
        with tempfile.TemporaryDirectory() as keys:
            books = write_rulebooks(Path(keys) / "books")
            async with (
                services.database() as dsn,
                world(dsn, senders, connection, Path(keys), prefix=prefix, rulebooks=books) as here,
                async_playwright() as playwright,
            ):
                await furnish(here)
                browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
                yield here, browser
                await browser.close()
    finally:
        await services.close()
        services.stop()


@contextlib.asynccontextmanager
async def _page(
    browser: Browser, here: World, language: str, scheme: str, width: int, height: int = 900
) -> AsyncIterator[Page]:
    async with page_of(browser, here, language, scheme, width=width, height=height) as page:
        page.set_default_timeout(PATIENCE)
        yield page


async def _console() -> None:
    """A caller without a right to ask, in English and Swedish, and the work-list."""
    async with _furnished() as (here, browser):
        for language, name, reason in (
            ("en", "console", "Guardian rings"),
            ("sv", "konsolen", "Vårdnadshavare ringer"),
        ):
            async with _page(browser, here, language, "light", 1200, 760) as page:
                await _look(page, here, reason)
                _kept(await page.screenshot(), name)
        async with _page(browser, here, "sv", "light", 1200, 560) as page:
            await page.goto(f"{here.base}/worklist")
            _kept(await page.screenshot(), "att-knappa-in")


async def _look(page: Page, here: World, reason: str) -> None:
    await page.goto(f"{here.base}/person")
    await page.fill("#search-number", CHILD)
    await page.fill("#search-caller", FATHER)
    await page.fill("#search-reason", reason)
    await page.click("main button.main")
    await page.wait_for_selector("#picture")


async def _trial() -> None:
    """The small record system after an order and a refused one."""
    with _running("dev", "up", "--port", "0") as process:
        assert process.stdout is not None
        address = (await asyncio.to_thread(process.stdout.readline)).split()[-1]
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = await browser.new_page(viewport={"width": 1200, "height": 900})
            page.set_default_timeout(PATIENCE)
            asked = "region=kronoberg&form=lock_login&patient=Ulla+Ek"
            await page.goto(f"{address}language/en?{asked}")
            for tamper, outcome in (("", "executed"), ("signature", "refused")):
                await page.goto(f"{address}?{asked}")
                await page.select_option("[name=initiative]", "resident")
                for box in await page.locator("[name=attestations]").all():
                    await box.check()
                await page.select_option("[name=tamper]", tamper)
                await page.locator("form[action='/send'] button").first.click()
                await page.locator(f"article .{outcome}").first.wait_for()
            await page.evaluate("scrollTo(0, 0)")
            _kept(await page.screenshot(), "trial")
            await browser.close()


def _demo() -> None:
    """How the demo begins, as a terminal of eighty columns shows it."""
    environment = {**os.environ, "COLUMNS": "80", "FORCE_COLOR": "1", "TERM": "xterm-256color"}
    with _running("demo", "--burst", "0", environment=environment) as process:
        said, _ = process.communicate(timeout=600)
    shown = Console(width=80, record=True, file=io.StringIO(), force_terminal=True)
    lines = said.splitlines()
    shown.print(Text.from_ansi("\n".join(lines[:LINES_OF_DEMO])), overflow="ignore", no_wrap=True)
    drawn = shown.export_svg(title="sigill demo", unique_id="demo")
    # the picture is complete in itself: no font is fetched from elsewhere
    drawn = re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL)
    (HERE / "demo.svg").write_text(re.sub(r"[ \t]+$", "", drawn, flags=re.MULTILINE), "utf-8")


@contextlib.contextmanager
def _running(*words: str, environment: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "sigill.cli", *words]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(120)


def _kept(png: bytes, name: str) -> None:
    image = Image.open(io.BytesIO(png)).convert("RGB")
    small = image.quantize(COLOURS, dither=Image.Dither.NONE)
    small.save(HERE / f"{name}.png", optimize=True)


async def _sheets(folder: Path) -> None:
    """Every page by every look, four pages on a sheet where they are wide and eight where they are narrow."""
    async with _furnished() as (here, browser):
        pages = await addresses(here)
        for language, scheme, width in LOOKS:
            taken = []
            async with _page(browser, here, language, scheme, width) as page:
                for address in pages.values():
                    await page.goto(address)
                    taken.append(await _picture(page, width))
                for show in (impact_page, choices_of_phone):
                    await show(page, here)
                    taken.append(await _picture(page, width))
                await _look(page, here, "Vårdnadshavare ringer")
                taken.append(await _picture(page, width))
            across = 4 if width > 900 else 8
            for place in range(0, len(taken), across):
                sheet = Image.new("RGB", (across * 600 if width > 900 else across * 390, 1100), "grey")
                for at, one in enumerate(taken[place : place + across]):
                    sheet.paste(one, (at * sheet.width // across, 0))
                sheet.save(folder / f"{language}-{scheme}-{width}-{place // across:02}.png")


async def _picture(page: Page, width: int) -> Image.Image:
    full = Image.open(io.BytesIO(await page.screenshot(full_page=True))).convert("RGB")
    scale = 590 / width if width > 900 else 380 / width
    small = full.resize((int(full.width * scale), int(full.height * scale)), Image.Resampling.LANCZOS)
    return small.crop((0, 0, small.width, min(small.height, 1095)))


if __name__ == "__main__":
    main()
