"""What the desk may say to somebody who asks why a record is not shown."""

import re

from tests.console.test_acts import looks
from tests.kit.console import Client, World
from tests.kit.senders import ADULT, CHILD, FATHER, MOTHER, OPERATOR, UNIT, person

REASON = "rings about the record"
ONE_REPLY = "The information is not shown to you at 1177 at present."


async def card(client: Client, patient: str, caller: str) -> tuple[str, str, str, str]:
    """The caller's part of the page: what not to tell, what to say, the next step, the caller's own answers."""
    page = await client.post("/person/search", "/person", number=patient, caller=caller, reason=REASON)
    assert caller not in page.text
    assert caller not in str(page.url)
    found = re.search(r'<section class="card viewer caller".*?</section>', page.text, re.DOTALL)
    assert found is not None
    assert page.text.index(found[0]) < page.text.index('id="picture"')
    parts = re.split(r"<b>(?:Do not tell|Berätta inte om|Say:|Säg:|Next step:|Nästa steg:)</b>", found[0])
    step, _, answers = parts[3].partition("<ul")
    return parts[1], parts[2], step, answers


async def test_a_blocked_guardian_hears_one_reply_and_the_desk_sees_why(fresh: World) -> None:
    now = fresh.clock.now()
    await fresh.harness.hand_over(
        fresh.senders.orders(now, "block_guardians", patient=person(CHILD), guardians=[person(MOTHER)])
    )
    async with fresh.client() as client:
        avoid, say, step, answers = await card(client, CHILD, MOTHER)
        assert "the block, and which guardian" in avoid
        assert "why, or since when" in avoid
        assert ONE_REPLY in say
        assert not re.search("block|seal|lock|guardian|unit", say)
        assert UNIT in step
        assert "do not name it to the caller" in step
        assert "does not see" in answers
        assert "The guardian is blocked." in answers

        # a number that nobody has, and one without custody, learn nothing at all
        for stranger in (ADULT, "199001012384"):
            avoid, say, step, answers = await card(client, CHILD, stranger)
            assert "the patient at all" in avoid
            assert "I cannot give any information about anybody else" in say
            assert UNIT not in step
            assert answers == ""

        # without a caller, the last one is not left standing
        page = await client.post("/person/search", "/person", number=CHILD, reason=REASON)
        assert 'id="caller"' not in page.text
        faulty = await client.post("/person/search", "/person", number=CHILD, caller="1985", reason=REASON)
        assert faulty.status_code == 422
        assert 'id="caller"' not in faulty.text
    said = [shown for actor, reason, shown in await looks(fresh) if (actor, reason) == (OPERATOR, REASON)]
    assert "said" not in said[0]  # the newest comes first: the one without a caller
    assert said[1].endswith("what may be said to unknown")
    assert all(re.search(r"what may be said to P-\d+$", shown) for shown in said[2:])
    assert len(said) == 4


async def test_a_guardian_without_a_hindrance_is_told_so_in_swedish(fresh: World) -> None:
    async with fresh.client(language="sv") as client:
        avoid, say, _, answers = await card(client, CHILD, FATHER)
        assert "vad någon annan ser" in avoid
        assert "Jag ser inget hinder för dig just nu." in say
        assert "ser inte" not in answers


async def test_a_patient_hears_of_the_own_seal_and_not_of_one_that_says_do_not_tell(fresh: World) -> None:
    now = fresh.clock.now()
    await fresh.harness.hand_over(
        fresh.senders.orders(now, initiative="resident"),
        fresh.senders.orders(now, patient=person(FATHER), initiative="resident", inform={"patient": False}),
    )
    async with fresh.client() as client:
        avoid, say, step, _ = await card(client, ADULT, ADULT)
        assert "the seal" not in avoid
        assert "The journal is sealed." in say
        assert "Refer the caller to the unit" in step
        avoid, say, step, _ = await card(client, FATHER, FATHER)
        assert "the seal" in avoid
        assert ONE_REPLY in say
        assert "do not name it" in step
