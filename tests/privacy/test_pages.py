"""What a region signs for: the pages name every table, topic, time and disposal decision, in both languages."""

import re
from pathlib import Path

import pytest

from sigill.runtime.settings import Retention
from sigill_contracts.topics import DAY_MS, FOREVER, TOPICS

ROOT = Path(__file__).parents[2]
PAGES = ("docs/privacy.md", "docs/dataskydd.md")
WORDS = {
    "docs/privacy.md": ("{} days", "always", "**Region**", "For the impact assessment"),
    "docs/dataskydd.md": ("{} dygn", "alltid", "**Region**", "Dataskydd"),
}


def _rows(page: str) -> list[str]:
    return [line for line in (ROOT / page).read_text("utf-8").splitlines() if line.startswith("| ")]


@pytest.mark.parametrize("page", PAGES)
def test_every_table_of_the_store_stands_in_one_row(page: str) -> None:
    schema = (ROOT / "infra/schema.sql").read_text("utf-8")
    tables = set(re.findall(r"CREATE TABLE (?:@schema@\.)?(\w+) ", schema)) - {"outbox_rest", "access_log"}
    tables.add("access_log_whole")  # what migration 0053 calls the table; the view over it holds nothing
    first = [set(re.findall(r"`(\w+)`", row.split("|")[1])) for row in _rows(page)]
    named = [table for cell in first for table in cell & tables]
    assert sorted(named) == sorted(tables), (
        "a new table takes its place in `What is kept where`, in both languages"
    )


@pytest.mark.parametrize("page", PAGES)
def test_every_topic_stands_with_its_time(page: str) -> None:
    days, always, *_ = WORDS[page]
    rows = [row.split("|") for row in _rows(page)]
    for spec in TOPICS:
        (kept,) = [cells[2] for cells in rows if f"`{spec.name}`" in cells[1]]
        wanted = always if spec.retention_ms == FOREVER else days.format(spec.retention_ms // DAY_MS)
        assert kept.strip().startswith(wanted), spec.name


@pytest.mark.parametrize("page", PAGES)
def test_every_kind_stands_with_its_time_and_its_decision(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    for name, one in Retention.model_fields.items():
        if name.endswith("_retention_days"):
            assert f"`SIGILL_{name.upper()}` ({one.default})" in text
        elif name.endswith("_disposal"):
            assert f"`SIGILL_{name.upper()}`" in text


@pytest.mark.parametrize("page", PAGES)
def test_the_law_that_a_region_answers_for_is_named(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    for source in (
        "2 kap. 6 §", "2 kap. 4 §", "5 kap. 5 §", "8 kap. 5 §", "3 kap. 17 §", "HSLF-FS 2016:40", "12 kap. 3 §",
        "25 kap. 1 §", "arkivlagen 10 §", "2025:1506", "art. 15", "art. 16", "art. 28", "art. 30", "art. 33",
    ):  # fmt: skip
        assert source in text, source
    assert text.count("**Region**") + text.count("**region**") >= 8


def test_both_languages_say_the_same_things() -> None:
    english, swedish = ((ROOT / page).read_text("utf-8") for page in PAGES)
    english = english[english.index("## For the impact assessment") :]
    codes = re.compile(r"`[a-z_]+`|art\. \d+|\d+ kap\. \d+ §|Sigill[A-Z]\w+")
    assert set(codes.findall(english)) - set(codes.findall(swedish)) == set()
    both = {code for code in codes.findall(swedish) if code not in english}
    assert both <= set(codes.findall((ROOT / PAGES[0]).read_text("utf-8")))
