"""The page for orders by phone: whom it names, to whom, and what it says before anything is signed."""

import re
from uuid import UUID

import pytest

from sigill.bootstrap import load_rulebooks
from sigill.store import persons
from sigill.store.console import Binding
from sigill.stream.connection import Connection
from sigill_contracts.topics import ORDERS
from sigill_contracts.vocabulary import PersonId
from tests.console.test_acts import ORDER, PHONE, looks, phone_order, read_all, registrations
from tests.console.test_hidden import OTHERS, bound_to
from tests.console.test_traces_of_looks import looks_at
from tests.kit.console import ALL, MOTIVATION, World
from tests.kit.senders import ADULT, CHILD, FATHER, KEYS, MOTHER, OPERATOR, REGION, UNIT

BLOCK = "/phone?region=kronoberg&form=block_guardians"
FORBIDDEN = "cannot be chosen for this patient"
NOBODYS = "199001012384"
VERDICTS = ("would be refused", "The rules say yes", "The order would wait")


async def family(here: World) -> dict[str, PersonId]:
    """A mother by name, a father with protected identity, and a region in which guardians are blocked by phone."""
    now = here.clock.now()
    await here.harness.hand_over(
        here.senders.registers(now, MOTHER, 2, name={"given": "Anna", "family": "Prov"}),
        here.senders.registers(now, FATHER, 2, name={"given": "Erik", "family": "Prov"}, secrecy_mark=True),
    )
    here.judges_by(load_rulebooks())
    numbers = (MOTHER, FATHER, ADULT)
    async with here.harness.store.reading() as tx:
        known = await persons.resolve_keys(tx, [KEYS.of(number) for number in numbers])
    return {number: known[KEYS.of(number)] for number in numbers}


def block(**fields: object) -> dict[str, object]:
    return phone_order(
        **{"region": "kronoberg", "form": "block_guardians", "patient": CHILD, "order_id": ORDER, **fields}
    )


@pytest.mark.parametrize("path", ["/phone/check", "/phone", "/phone/look", "/phone/change"])
async def test_a_pseudonym_never_becomes_somebodys_number(fresh: World, path: str) -> None:
    people = await family(fresh)
    sends = path in ("/phone/check", "/phone")
    async with fresh.client(roles=OTHERS) as client:
        for more in ({}, {"family": "yes"}):
            for number in (ADULT, FATHER):
                ref = f"P-{people[number]}"
                for written in (ref, f"P-{people[MOTHER]},{ref}"):
                    page = await client.post(path, BLOCK, **block(guardians=written, **more))
                    assert page.status_code == (422 if sends else 200), (written, more)
                    assert (FORBIDDEN in page.text) is sends
                    assert not re.search(f"{MOTHER}|{FATHER}|{ADULT}|Erik", page.text), (written, more)
                    assert f'type="checkbox" name="guardians" value="{ref}"' not in page.text
            for name in ("representative", "patient"):
                for ref in (f"P-{people[MOTHER]}", "P-12345678"):
                    page = await client.post(path, BLOCK, **block(**{name: ref}, **more))
                    assert page.status_code == (422 if sends else 200), (name, ref)
                    assert not re.search(f"{MOTHER}|{FATHER}|{ADULT}", page.text)
                    assert not sends or f'id="{name}-fault"' in page.text or f'href="#{name}"' in page.text
        before = len(await looks(fresh))
        own = await client.post(path, BLOCK, **block(guardians=f"P-{people[MOTHER]}"))
        assert own.status_code == 200
        assert MOTHER not in own.text
        assert path == "/phone" or "Anna Prov" in own.text
    seen = (await looks(fresh))[: len(await looks(fresh)) - before]
    assert (
        OPERATOR,
        f"phone order {ORDER}",
        "the patient's guardians by name",
    ) in seen  # typed without a look, too


async def test_only_the_chosen_guardian_is_signed_for(fresh: World, connection: Connection) -> None:
    people = await family(fresh)
    async with fresh.client(roles=OTHERS) as client:
        refused = await client.post("/phone", BLOCK, **block(guardians=f"P-{people[FATHER]}"))
        assert refused.status_code == 422
        sent = await client.post("/phone", BLOCK, **block(guardians=f"P-{people[MOTHER]}"))
        assert sent.url.path == f"/orders/by-id/{ORDER}"
    (record,) = await read_all(connection, f"{fresh.prefix}{ORDERS.name}", 1)
    assert record.key == KEYS.of(CHILD).encode()


async def test_an_order_is_corrected_with_its_own_guardians_alone(fresh: World) -> None:
    books = fresh.desk.books
    people = await family(fresh)
    fresh.judges_by(books)
    now = fresh.clock.now()
    refused = fresh.senders.form(now, channel="phone", urgent=False, motivation=MOTIVATION)
    await fresh.harness.hand_over(fresh.senders.signs(refused, now, by=OPERATOR))
    (one,) = await registrations(fresh)
    async with fresh.client(roles=OTHERS) as client:
        for number in (MOTHER, FATHER):
            ref = f"P-{people[number]}"
            page = await client.post(
                f"/orders/{one}/correct", f"/orders/{one}", reason="Again",
                **block(guardians=ref, representative=ref, family="yes"),
            )  # fmt: skip
            assert page.status_code == 200
            assert not re.search(rf"{number}|{ref}\b|{CHILD}", page.text)


async def test_a_hidden_guardian_is_not_chosen_but_said_by_the_caller(fresh: World) -> None:
    people = await family(fresh)
    async with fresh.client(roles=OTHERS) as client:
        page = (await client.post("/phone/look", BLOCK, find="family", **block())).text
        assert "Guardian with protected identity: cannot be chosen here" in page
        assert f"P-{people[FATHER]}" not in page
        assert f'value="P-{people[MOTHER]}"' in page
    async with fresh.client(roles=tuple(ALL)) as client:
        page = (await client.post("/phone/look", BLOCK, find="family", **block())).text
        assert f'value="P-{people[FATHER]}"' in page
        chosen = await client.post("/phone/check", BLOCK, **block(guardians=f"P-{people[FATHER]}"))
        assert chosen.status_code == 200
        assert not re.search(f"{FATHER}|Erik", chosen.text)


async def test_no_verdict_tells_whose_guardian_somebody_hidden_is(fresh: World) -> None:
    await family(fresh)
    now = fresh.clock.now()
    await fresh.harness.hand_over(fresh.senders.registers(now, ADULT, 2, secrecy_mark=True))
    async with fresh.client(roles=OTHERS) as client:
        for number in (FATHER, ADULT):
            for name in ("guardians", "representative"):
                before = len(await looks_at(fresh, number))
                page = await client.post("/phone/check", BLOCK, **block(**{name: number}))
                assert page.status_code == 200
                assert "Hidden: somebody here has protected identity" in page.text
                assert not [one for one in VERDICTS if one in page.text]
                lines = [one.look for one in await looks_at(fresh, number)]
                assert len(lines) == before + 1, (number, name)
                asked = ("nothing: protected identity", f"phone order {ORDER}")
                assert asked in [(one.shown, one.reason) for one in lines]
        assert await looks_at(fresh, CHILD) == []  # nothing of the child was shown
        told = await client.post("/phone/check", BLOCK, **block(guardians=MOTHER))
        assert [one for one in VERDICTS if one in told.text]
        while fresh.desk.searches.allowed(OPERATOR):
            pass
        often = await client.post("/phone/check", BLOCK, **block(guardians=MOTHER))
    assert often.status_code == 429
    assert "Too many tries" in often.text
    assert f'value="{MOTHER}"' in often.text  # what was written is not lost
    assert not [one for one in VERDICTS if one in often.text]


async def test_an_order_that_would_wait_with_nothing_in_force_is_no_yes(fresh: World) -> None:
    async with fresh.client() as client:
        page = await client.post("/phone/check", PHONE, **phone_order(patient=NOBODYS))
        assert page.status_code == 200
        assert "The order would wait: nothing is in force yet" in page.text
        assert "The rules say yes" not in page.text
        assert "notice good" not in page.text
        held = await client.post("/phone/check", PHONE, **phone_order())
        assert "The rules say yes" in held.text  # it waits for its form, and the seal is in force
        assert "nothing is in force yet" not in held.text
    async with fresh.client(language="sv") as client:
        page = await client.post("/phone/check", PHONE, **phone_order(patient=NOBODYS))
        assert "Beställningen skulle vänta: ingenting gäller ännu" in page.text
        looked = await client.post("/phone/look", PHONE, find="family", **phone_order(patient=NOBODYS))
        assert "Beställningen kan skickas ändå" in looked.text
        # a patient was looked up before the number was changed: nobody's number stops no order
        again = await client.post("/phone/check", PHONE, family="yes", **phone_order(patient=NOBODYS))
        assert again.status_code == 422
        assert 'name="family"' not in again.text


@pytest.mark.parametrize("given", [{}, {"order_id": ""}, {"order_id": "Mormor ringde om Zebrafinken"}])
async def test_a_page_is_one_order_whatever_id_it_is_sent_with(fresh: World, given: dict[str, str]) -> None:
    async with fresh.client() as client:
        page = await client.post("/phone/check", PHONE, family="yes", **phone_order(patient=CHILD, **given))
        assert page.status_code == 200
        (drawn,) = re.findall(r'name="order_id" value="([^"]*)"', page.text)
        assert str(UUID(drawn)) == drawn
        assert {why for _, why, _ in await looks(fresh)} == {f"phone order {drawn}"}
        for _ in range(2):
            sent = await client.post("/phone", PHONE, **phone_order(patient=CHILD, order_id=drawn))
            assert sent.url.path == f"/orders/by-id/{drawn}"


async def test_a_bound_login_enters_for_its_own_regions_and_units_alone(fresh: World) -> None:
    paths = ("/phone/look", "/phone/change", "/phone/check", "/phone")
    async with bound_to(fresh, Binding(frozenset({"elsewhere"})), ALL) as client:
        for path in paths:
            page = await client.post(path, find="family", family="yes", **phone_order(patient=CHILD))
            assert page.status_code == 403, path
        assert (await client.get(PHONE)).status_code == 403
    assert await looks(fresh) == []  # nobody was looked at on the way to the refusal
    nobody = dict.fromkeys(("decided_by_hsa_id", "decided_by_role", "decided_by_unit"), "")
    for units in ({UNIT}, {"SE2321000099-ELSE"}):
        async with bound_to(fresh, Binding(frozenset({REGION}), frozenset(units)), ALL) as client:
            for path in ("/phone/check", "/phone"):
                undecided = await client.post(path, PHONE, **phone_order(**nobody))
                assert undecided.status_code == 422, path
                assert 'href="#decided_by_unit"' in undecided.text
            checked = await client.post("/phone/check", PHONE, **phone_order())
            assert checked.status_code == (200 if UNIT in units else 403)
