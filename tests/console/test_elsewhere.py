"""The console's page of a person lists what was made elsewhere, and says which source is silent."""

import json
from datetime import timedelta
from uuid import uuid4

from sigill.policy.rulebook import Rulebooks, SourceRule
from sigill.store import persons
from sigill_contracts.topics import ELSEWHERE
from tests.kit.console import BOOKS, START, World
from tests.kit.senders import ADULT, KEYS, _event, person

RULE = SourceRule(limit_minutes=30, silent="close", sv="Seglingstjänsten", en="The sealing service")
READING = Rulebooks(
    {
        code: region.model_copy(update={"sources": {"1177": RULE}}) if region.national else region
        for code, region in BOOKS.regions.items()
    }
)


WORDS = {
    "sv": (
        "Gjort på annat håll",
        "av invånaren själv",
        "källan är tyst",
        "Seglingstjänsten",
        "ingen första dag",
    ),
    "en": ("Made elsewhere", "by the resident", "source silent", "The sealing service", "no first day"),
}


async def test_what_was_made_elsewhere_is_on_the_page(fresh: World) -> None:
    read = START - timedelta(hours=1)
    measure = {
        "reference": "seal-77",
        "sequence": 1,
        "changed_at": read.isoformat(),
        "patient": person(ADULT),
        "kind": "journal_seal",
        "made_by": "resident",
        "valid_through": "2026-12-31",
    }
    body = json.dumps({"source": "1177", "read_up_to": read.isoformat(), "measure": measure}).encode()
    await fresh.harness.hand_over(_event(ELSEWHERE, "1177/seal-77", str(uuid4()), "application/json", body))
    async with fresh.store.reading() as tx:
        who = (await persons.resolve_keys(tx, [KEYS.of(ADULT)]))[KEYS.of(ADULT)]
    for reading, books in ((False, BOOKS), (True, READING)):
        fresh.judges_by(books)
        for language, words in WORDS.items():
            async with fresh.client(language=language) as client:
                await client.post(f"/person/{who}/reason", f"/person/{who}", reason="support call")
                page = (await client.get(f"/person/{who}")).text
            assert (words[2] in page, words[3] in page) == (reading, reading)
            for word in (words[0], words[1], words[4], "seal-77", "2025-03-10 09:00", "2027-01-01 00:00"):
                assert word in page
            assert ADULT not in page
