"""Every form of every region in the small record system of `sigill dev up`: its fields, filled in, sent and answered."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import httpx
from lxml import html

from sigill.bootstrap import load_rulebooks
from sigill.policy.calendar import swedish_date
from sigill.policy.form_fields import form_fields
from sigill.runtime.clock import SystemClock
from sigill_contracts.vocabulary import Form, RefusalCode
from tests.cli.test_dev_up import PATIENCE, up

ASKED = {"region": "kronoberg", "form": "seal_journal", "patient": "Ulla Ek", "tamper": ""}
CHILD, ADULT = "Tuva Lind", "Ulla Ek"
NOT_THE_PAGE_S = frozenset(
    {
        RefusalCode.INITIATIVE_NOT_ALLOWED,
        RefusalCode.DECIDER_LACKS_ROLE,
        RefusalCode.AGE_NOT_ELIGIBLE,
        RefusalCode.NOTHING_TO_RELEASE,
        RefusalCode.FOLLOW_UP_UNKNOWN,
    }
)
"""What the rules may say to whom and to what an order is about; every other refusal would be of a form badly filled in."""


def filled_in(order: html.HtmlElement, end: str) -> dict[str, str | list[str]]:
    """A value for every field that a page shows, as somebody would choose it who takes what comes first."""
    entries: dict[str, str | list[str]] = {"tamper": ""}
    for field in order.xpath(".//input | .//select[@name != 'tamper']"):
        name, kind = field.get("name"), field.get("type")
        if field.tag == "select":
            chosen = [v for one in field.xpath("./option") if (v := one.get("value", one.text))]
            if chosen and field.get("disabled") is None:
                entries[name] = chosen[0]
        elif kind == "checkbox" and name != "urgent":
            entries[name] = [*entries.get(name, []), field.get("value")]
        elif kind == "hidden":
            entries[name] = field.get("value")
        elif kind == "date" and name not in ("valid_from", "recorded_from", "recorded_to"):
            entries[name] = end
        elif kind is None:
            entries[name] = "A trial"
    return entries


def answered(client: httpx.Client, region: str) -> html.HtmlElement:
    """The live half of the page, when every order that it shows has its receipt."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        text = client.get("/live", params={"region": region, "patient": CHILD}).text
        if "No receipt yet" not in text:
            return html.fromstring(text)
        time.sleep(0.2)
    raise AssertionError(text)


def test_every_form_of_every_region_shows_its_fields_and_is_not_refused_for_how_it_was_filled_in() -> None:
    today = swedish_date(SystemClock().now())
    end = (today + timedelta(days=90)).isoformat()
    books = load_rulebooks()
    faults: list[object] = []
    with up() as (_, address), httpx.Client(base_url=address, timeout=PATIENCE) as client:
        client.get("/language/en")
        regions = html.fromstring(client.get("/").text).xpath("//select[@name='region']/option/@value")
        assert set(regions) == {code for code, book in books.regions.items() if not book.national}
        for region in regions:
            version = books.version(region, today)
            assert version is not None
            page = html.fromstring(client.get("/", params={"region": region}).text)
            forms = [Form(code) for code in page.xpath("//select[@name='form']/option/@value")]
            assert forms == [form for form in Form if version.offers(form)]
            allowed = {}
            for form in forms:
                patient = CHILD if "guardian" in form or "child" in form else ADULT
                asked = {"region": region, "form": form.value, "patient": patient}
                shown = client.get("/", params=asked)
                assert shown.status_code == 200, (region, form, shown.text)
                (order,) = html.fromstring(shown.text).xpath("//form[@action='/send']")
                names = set(order.xpath(".//@name")) - {"region", "form", "tamper"}
                wanted = {field.name for field in form_fields(version, form)}
                assert names == wanted, (region, form)
                # which way in is right may depend on who took the initiative
                either = {RefusalCode.CHANNEL_NOT_ALLOWED} if "channel" in names else set()
                allowed[form] = NOT_THE_PAGE_S | either
                words = order.text_content()
                assert not re.search(r"[a-z]+_[a-z_]+|\bNone\b", words), (region, form, words)
                sent = client.post("/send", data=filled_in(order, end))
                assert sent.status_code == 303, (region, form, sent.text)
            articles = answered(client, region).xpath("//article")[: len(forms)]
            for form, article in zip(forms, reversed(articles), strict=True):
                (outcome,) = set(article.xpath("./p[1]/b/@class"))
                codes = set(article.xpath(".//li/small/text()"))
                if outcome not in ("executed", "pending", "refused"):
                    faults.append((region, form, outcome))
                elif outcome == "refused" and codes - allowed[form]:
                    faults.append((region, form, sorted(codes - allowed[form])))
        wrong = client.post(
            "/send", data={**ASKED, "recorded_from": "2026-02-02", "recorded_to": "2026-02-01"}
        )
    assert faults == []
    assert wrong.status_code == 422
    told = html.fromstring(wrong.text).xpath("//ul[@role='alert']/li/text()")
    assert told == ["Initiative is missing.", "Recorded through is filled in wrongly."]
    assert html.fromstring(wrong.text).xpath("//input[@name='attestations'][@checked]") == [], (
        "none was ticked"
    )
