"""
The console's pages before anything is unmasked, its addresses, its answers to what is wrong, and what it logs.

A number is asked for in a form's body; it must come back in no address, no header, no page and no log.
"""

import io
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from sigill.runtime.logging import configure_logging
from sigill.stream.connection import Connection
from sigill.stream.topics import apply_topics
from sigill_contracts.topics import TOPICS
from tests.kit.console import MOTIVATION, World, furnish, world
from tests.kit.senders import ADULT, CHILD, FATHER, MOTHER, Senders
from tests.kit.services import Services
from tests.kit.worker_harness import START
from tests.privacy.needles import Needles

PAGES = "/ /orders /waiting /worklist /dead-letters /transitions /audit /person /rulebook".split()
NUMBERS = {ADULT, CHILD, MOTHER, FATHER}
UNKNOWN = "199001012385"


@pytest.fixture
async def here(
    services: Services, connection: Connection, tmp_path: Path, topic_prefix: str
) -> AsyncIterator[World]:
    await apply_topics(connection, TOPICS, prefix=topic_prefix)
    async with (
        services.database() as dsn,
        world(dsn, Senders(START), connection, tmp_path, prefix=topic_prefix) as made,
    ):
        await furnish(made)
        yield made


async def test_nothing_is_told_before_it_is_unmasked(here: World) -> None:
    search = Needles(numbers={*NUMBERS, UNKNOWN}, motivations={MOTIVATION}).compiled()
    logged = io.StringIO()
    configure_logging("json", "debug", logged)
    async with here.client() as browser:
        seen = {path: await browser.get(path) for path in PAGES}
        links = {
            link
            for answer in seen.values()
            for link in re.findall(r'(?:href|action|hx-get|hx-post)="(/[^"#]*)"', answer.text)
        }
        details = [
            link for link in sorted(links) if re.fullmatch(r"/(orders|dead-letters|worklist)/\d+", link)
        ]
        assert len(details) >= 8
        seen |= {path: await browser.get(path) for path in details[:30]}
        for path, answer in seen.items():
            assert answer.status_code == 200, path
            search.through("pages", answer.content)
            search.through("addresses", str(answer.url).encode())
        for link in links:
            search.through("addresses", link.encode())

        wrong: list[tuple[httpx.Response, str]] = []
        for number in (ADULT, UNKNOWN, f"{ADULT[:8]}-{ADULT[8:]}", f"{ADULT}0"):
            # a page that shows the person may say who it is; how one gets there may not
            asked = [
                await browser.post("/person/search", number=number, reason="privacy"),
                await browser.post("/orders/search", number=number, reason="privacy"),
                await browser.post("/audit/person", number=number, reason="privacy"),
            ]
            for answer in asked:
                for step in (*answer.history, answer):
                    search.through("addresses", str(step.url).encode())
                    for name, value in step.headers.items():
                        search.through("headers", f"{name}: {value}".encode())
            wrong += (
                [(answer, number) for answer in asked]
                if number != ADULT and not number.startswith(ADULT[:8] + "-")
                else []
            )
        forged = await browser.http.post("/person/search", data={"number": ADULT, "reason": MOTIVATION})
        search.through("answers to what is wrong", forged.content)
        for path in (f"/person/{ADULT}", f"/orders/by-id/{ADULT}", f"/orders/{ADULT}", f"/nowhere/{ADULT}"):
            typed = await browser.get(path)
            assert typed.status_code == 404, path
            # the way back to an address that somebody typed says that address, and nothing else does
            search.through("answers to what is wrong", typed.content.replace(f'value="{path}"'.encode(), b""))
        for answer, number in wrong:
            # the field comes back with what was typed there, and nothing else says it
            field = f'value="{number}"'.encode()
            search.through("answers to what is wrong", answer.content.replace(field, b""))
    configure_logging()
    for line in logged.getvalue().encode().splitlines():
        search.through("log lines", line)
    print(dict(search.looked))
    assert search.looked["pages"] >= 17
    assert search.looked["addresses"] > 40
    assert search.looked["headers"] > 60
    assert search.looked["answers to what is wrong"] >= 10
    assert search.looked["log lines"] >= 1
    assert search.found == []
