"""What the API answers, on a real store."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from sigill.store import access_log, audit_check
from sigill_contracts.vocabulary import MeasureKind, RegionCode, UnitId
from tests.api.town import START, Issuer, Town, birthday_of, open_api, open_store

UNIT = UnitId("SE9999999999-U1")


async def ask(api: httpx.AsyncClient, **about: Any) -> dict[str, Any]:
    answer = await api.post("/v1/access/decisions", json={"service": "journal", "purpose": "test", **about})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def family(town: Town) -> None:
    await town.person("gun", "1985-01-01")
    await town.person("hans", "1984-01-01")
    await town.person("vera", "2016-05-05", ["gun", "hans"])


async def test_a_guardian_reads_until_the_child_turns_13_and_the_answer_says_until_when(
    town: Town, api: httpx.AsyncClient
) -> None:
    await family(town)
    answer = await ask(api, patient=town.ref("vera"), viewer=town.ref("gun"))
    assert (answer["allowed"], answer["codes"]) == (True, ["guardian_of_child_under_13"])
    assert answer["region"] == "kronoberg"
    later = await ask(
        api, patient=town.ref("vera"), viewer=town.ref("gun"), as_of=birthday_of("2016-05-05", 13).isoformat()
    )
    assert (later["allowed"], later["codes"]) == (False, ["guardian_of_13_or_older"])


async def test_a_changed_measure_is_seen_by_the_very_next_question(
    town: Town, api: httpx.AsyncClient
) -> None:
    """The copy in memory is warm each time, and never believed because it is young."""
    await family(town)
    about = {"patient": town.ref("vera"), "viewer": town.ref("gun")}
    for _ in range(3):
        assert (await ask(api, **about))["allowed"]
        block = await town.measure("vera", MeasureKind.GUARDIAN_BLOCK, guardians=(town.ids["gun"],))
        answer = await ask(api, **about)
        assert (answer["allowed"], answer["codes"]) == (False, ["guardian_block"])
        assert (await ask(api, patient=town.ref("vera"), viewer=town.ref("hans")))["allowed"]
        await town.release(block)


async def test_what_the_register_says_of_a_guardian_is_seen_by_the_very_next_question(
    town: Town, api: httpx.AsyncClient
) -> None:
    """The child's own rows are the same; the guardian's are not."""
    await family(town)
    about = {"patient": town.ref("vera"), "viewer": town.ref("gun")}
    assert (await ask(api, **about))["allowed"]
    await town.person("gun", "1985-01-01", protected=True, at=START)
    answer = await ask(api, **about)
    assert (answer["allowed"], answer["codes"]) == (False, ["protected_identity"])


async def test_a_new_custody_and_a_new_unit_are_seen_by_the_very_next_question(
    town: Town, api: httpx.AsyncClient
) -> None:
    await family(town)
    await town.person("sten", "1980-01-01")
    about = {"patient": town.ref("vera"), "viewer": town.ref("sten"), "unit": UNIT}
    before = await ask(api, **about)
    assert (before["codes"], before["region"]) == (["no_relation"], None)  # nobody knows the unit's region
    await town.person("vera", "2016-05-05", ["gun", "hans", "sten"], at=START)
    await town.unit(UNIT, RegionCode("vastra-gotaland"))
    after = await ask(api, **about)
    assert (after["allowed"], after["region"]) == (True, "vastra-gotaland")


async def test_one_deny_survives_every_combination(town: Town, api: httpx.AsyncClient) -> None:
    """A seal of the whole journal beats every grant, in single questions, in batches, and in the picture."""
    await town.person("gun", "1985-01-01")
    await town.person("rep", "1970-01-01")
    await town.person("ung", "2012-05-05", ["gun"])
    await town.measure(
        "ung", MeasureKind.GUARDIAN_GRANT, units=frozenset({UNIT}), guardians=(town.ids["gun"],)
    )
    await town.measure("ung", MeasureKind.MINOR_GRANT, units=frozenset({UNIT}))
    await town.measure("ung", MeasureKind.REPRESENTATIVE_GRANT, viewer=town.ids["rep"])
    viewers = ["gun", "ung", "rep"]
    lines = [
        {"patient": town.ref("ung"), "viewer": town.ref(viewer), "service": "journal", "unit": UNIT}
        for viewer in viewers
    ]

    async def all_at_once() -> list[bool]:
        answer = await api.post("/v1/access/decisions", json={"questions": lines * 300, "purpose": "test"})
        return [one["allowed"] for one in answer.json()["decisions"]]

    assert set(await all_at_once()) == {True}
    await town.measure("ung", MeasureKind.JOURNAL_SEAL)
    assert set(await all_at_once()) == {False}
    for line in lines:
        assert not (await ask(api, **line))["allowed"]
    picture = await api.get(f"/v1/persons/{town.key('ung')}/access", headers={"Sigill-Purpose": "test"})
    journal = [line for line in picture.json()["lines"] if line["service"] == "journal"]
    assert len(journal) >= 6
    assert not any(line["allowed"] for line in journal)


async def test_answers_keep_the_order_of_the_questions_and_of_the_callers(
    town: Town, api: httpx.AsyncClient
) -> None:
    """Many callers at once are taken together; each gets its own answers."""
    await family(town)
    await town.measure("vera", MeasureKind.GUARDIAN_BLOCK, guardians=(town.ids["gun"],))
    gun, hans = ({"patient": town.ref("vera"), "viewer": town.ref(who)} for who in ("gun", "hans"))
    answers = await asyncio.gather(*(ask(api, **(gun if n % 3 else hans)) for n in range(60)))
    assert [answer["allowed"] for answer in answers] == [n % 3 == 0 for n in range(60)]


async def test_a_thousand_are_taken_and_one_more_is_not(town: Town, api: httpx.AsyncClient) -> None:
    await family(town)
    line = {"patient": town.ref("vera"), "viewer": town.ref("gun"), "service": "journal"}
    full = await api.post("/v1/access/decisions", json={"questions": [line] * 1000, "purpose": "test"})
    assert len(full.json()["decisions"]) == 1000
    over = await api.post("/v1/access/decisions", json={"questions": [line] * 1001, "purpose": "test"})
    assert over.status_code == 422


async def test_the_past_is_answered_by_what_was_known_then(town: Town, api: httpx.AsyncClient) -> None:
    await family(town)
    about = {"patient": town.ref("vera"), "viewer": town.ref("gun")}
    town.clock.advance(timedelta(hours=1))
    await town.measure("vera", MeasureKind.GUARDIAN_BLOCK, valid_from=START - timedelta(days=1))
    at = START.isoformat()
    assert not (await ask(api, **about, as_of=at))["allowed"]
    assert (await ask(api, **about, as_of=at, known_at=at))["allowed"]
    before_anybody = (START - timedelta(days=1)).isoformat()
    assert (await ask(api, **about, known_at=before_anybody))["codes"] == ["no_relation"]


async def test_knowledge_of_the_future_is_refused(town: Town, api: httpx.AsyncClient) -> None:
    await family(town)
    later = (START + timedelta(days=1)).isoformat()
    body = {"patient": town.ref("vera"), "viewer": town.ref("gun"), "service": "journal", "purpose": "test"}
    answer = await api.post("/v1/access/decisions", json={**body, "known_at": later})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


async def test_an_explanation_names_rules_measures_and_their_ends_in_two_languages(
    town: Town, api: httpx.AsyncClient
) -> None:
    await family(town)
    block = await town.measure(
        "vera", MeasureKind.GUARDIAN_BLOCK, valid_to=START + timedelta(days=20), guardians=(town.ids["gun"],)
    )
    answer = await ask(api, patient=town.ref("vera"), viewer=town.ref("gun"), explain=True)
    (reason,) = answer["reasons"]
    assert reason["sv"] == "Vårdnadshavarens tillgång är blockerad."
    assert reason["rules"][0]["rule"] == "KR-17"
    assert reason["rules"][0]["sv"]
    (measure,) = reason["measures"]
    assert measure["measure_id"] == block.measure_id
    assert measure["order_ids"] == list(block.orders)
    assert measure["last_day"] == "2026-03-21"
    assert answer["valid_until"] == measure["ends_at"] == "2026-03-21T08:00:00Z"
    assert town.numbers["gun"].number not in str(answer)


async def test_strangers_and_unknown_patients_are_answered_alike(town: Town, api: httpx.AsyncClient) -> None:
    await family(town)
    await town.person("sten", "1980-01-01")
    nobody = {"id_type": "personnummer", "id": "19000101T999"}
    for about in (
        {"patient": town.ref("vera"), "viewer": town.ref("sten")},
        {"patient": town.ref("vera"), "viewer": nobody},
        {"patient": nobody, "viewer": town.ref("gun")},
    ):
        answer = await ask(api, **about)
        assert (answer["allowed"], answer["codes"]) == (False, ["no_relation"])


async def test_a_former_number_finds_its_person(town: Town, api: httpx.AsyncClient) -> None:
    await family(town)
    old = town.numbers.pop("vera")
    vera = town.ids["vera"]
    new = old.__class__(old.id_type, "20160505T777")
    from sigill.policy.calendar import BirthDate
    from sigill.policy.facts import Custody, PersonVersion
    from sigill.store import persons
    from tests.api.town import key_of

    assert (await ask(api, patient={"id_type": old.id_type, "id": old.number}, viewer=town.ref("gun")))[
        "allowed"
    ]
    async with town.store.transaction(town.clock.now()) as tx:
        await persons.lock(tx, [vera])
        version = PersonVersion(START, new, "07", custody=(Custody(town.ids["gun"]),))
        told = persons.RegisteredPerson(vera, version, BirthDate.parse("2016-05-05"), 900, (old,))
        await persons.record(tx, [told], key_of)
    for number in (old, new):
        assert (
            await ask(api, patient={"id_type": number.id_type, "id": number.number}, viewer=town.ref("gun"))
        )["allowed"]


async def test_every_look_is_logged_with_who_where_whom_and_why_before_the_answer_leaves(
    town: Town, api: httpx.AsyncClient
) -> None:
    await family(town)
    await ask(
        api,
        patient=town.ref("vera"),
        viewer=town.ref("gun"),
        purpose="support_call",
        asking_unit=UNIT,
        on_behalf_of="SE9999999999-S1",
    )
    await api.get(f"/v1/persons/{town.key('vera')}/access", headers={"Sigill-Purpose": "support call"})
    async with town.store.reading() as snapshot:
        looks = await access_log.of_person(snapshot, town.ids["vera"])
        faults = [*await access_log.verify(snapshot), *await audit_check.verify(snapshot)]
    assert [(look.look.actor, look.look.unit, look.look.reason) for look in looks] == [
        ("SE9999999999-S1 through journalen", UNIT, "support_call"),
        ("journalen", None, "support call"),
    ]
    assert "allowed (guardian_of_child_under_13)" in looks[0].look.shown
    assert faults == []


async def test_what_cannot_be_logged_is_not_answered(
    town: Town, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await family(town)

    async def full(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(access_log, "append", full)
    async with open_api(town.store, town.clock, issuer) as api:
        body = {
            "patient": town.ref("vera"),
            "viewer": town.ref("gun"),
            "service": "journal",
            "purpose": "test",
        }
        answer = await api.post("/v1/access/decisions", json=body)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert "allowed" not in answer.text


async def test_few_copies_answer_like_many(town: Town, issuer: Issuer) -> None:
    """What does not fit into memory is read again."""
    await town.person("gun", "1985-01-01")
    for n in range(6):
        await town.person(f"child{n}", "2016-05-05", ["gun"])
        if n % 2:
            await town.measure(f"child{n}", MeasureKind.CHILD_SEAL)
    async with open_api(town.store, town.clock, issuer, capacity=2) as api:
        for _ in range(2):
            for n in range(6):
                answer = await ask(api, patient=town.ref(f"child{n}"), viewer=town.ref("gun"))
                assert answer["allowed"] == (n % 2 == 0)


async def test_how_long_an_answer_may_be_kept(town: Town, api: httpx.AsyncClient) -> None:
    await family(town)
    body = {"patient": town.ref("vera"), "viewer": town.ref("gun"), "service": "journal", "purpose": "test"}
    plain = await api.post("/v1/access/decisions", json=body)
    assert plain.headers["cache-control"] == "private, no-cache"
    listens = await api.post("/v1/access/decisions", json=body, headers={"Prefer": "drop-on-change"})
    assert listens.headers["preference-applied"] == "drop-on-change"
    seconds = int(listens.headers["cache-control"].split("max-age=")[1].split(",")[0])
    from datetime import datetime

    until = datetime.fromisoformat(listens.json()["valid_until"])
    assert seconds == min(365 * 86400, int((until - START).total_seconds()))
    at = START.isoformat()
    fixed = await api.post("/v1/access/decisions", json={**body, "as_of": at, "known_at": at})
    assert "immutable" in fixed.headers["cache-control"]


async def test_a_picture_is_sent_again_only_when_it_is_another(town: Town, api: httpx.AsyncClient) -> None:
    await family(town)
    url, headers = f"/v1/persons/{town.key('vera')}/access", {"Sigill-Purpose": "test"}
    first = await api.get(url, headers=headers)
    town.clock.advance(timedelta(minutes=5))
    headers["If-None-Match"] = first.headers["etag"]
    assert (await api.get(url, headers=headers)).status_code == 304
    await town.measure("vera", MeasureKind.GUARDIAN_BLOCK, guardians=(town.ids["gun"],))
    again = await api.get(url, headers=headers)
    assert again.status_code == 200
    assert again.headers["etag"] != first.headers["etag"]
    by_number = await api.post("/v1/persons/access", json={"patient": town.ref("vera"), "purpose": "test"})
    assert by_number.json()["lines"] == again.json()["lines"]
    assert town.numbers["vera"].number not in again.text


async def test_the_timeline_says_what_a_guardian_sees_on_the_13th_birthday_and_why(
    town: Town, api: httpx.AsyncClient
) -> None:
    await family(town)
    await town.measure(
        "vera", MeasureKind.GUARDIAN_BLOCK, valid_to=START + timedelta(days=20), guardians=(town.ids["gun"],)
    )
    answer = await api.post(
        "/v1/access/timeline",
        json={
            "patient": town.ref("vera"),
            "viewer": town.ref("gun"),
            "service": "journal",
            "since": START.isoformat(),
            "purpose": "support_call",
        },
    )
    assert answer.status_code == 200, answer.text
    steps = answer.json()["steps"]
    told = [
        (step["swedish_date"], [c["turn"] for c in step["causes"]], step["changes"][0]["access"])
        for step in steps
    ]
    assert ("2026-03-21", ["measure_ends"], "gained") in told
    assert ("2029-05-05", ["birthday"], "lost") in told
    thirteenth = next(step for step in steps if step["swedish_date"] == "2029-05-05")
    assert thirteenth["causes"][0]["sv"] == "Patienten fyller 13 år."
    (change,) = thirteenth["changes"]
    assert change["relation"] == "guardian"
    assert [reason["code"] for reason in change["after"]] == ["guardian_of_13_or_older"]


async def test_nobody_has_no_picture(town: Town, api: httpx.AsyncClient) -> None:
    unknown = town.key("gun") if town.numbers else "v1." + "A" * 43
    answer = await api.get(f"/v1/persons/{unknown}/access", headers={"Sigill-Purpose": "test"})
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:sigill:problem:no-such-person")


async def test_the_readers_role_is_enough(town: Town, issuer: Issuer, database: str) -> None:
    """Answers and their log need no right to change anything."""
    await family(town)
    async with (
        open_store(database, role="sigill_reader") as store,
        open_api(store, town.clock, issuer) as api,
    ):
        assert (await ask(api, patient=town.ref("vera"), viewer=town.ref("gun")))["allowed"]
        picture = await api.post("/v1/persons/access", json={"patient": town.ref("vera"), "purpose": "test"})
        assert picture.status_code == 200
    async with town.store.reading() as snapshot:
        assert len(await access_log.of_person(snapshot, town.ids["vera"])) == 2


async def test_connections_that_died_are_made_again_and_nobody_notices(
    town: Town, issuer: Issuer, database: str
) -> None:
    await family(town)
    about = {"patient": town.ref("vera"), "viewer": town.ref("gun")}
    async with open_store(database) as store, open_api(store, town.clock, issuer) as api:
        assert (await ask(api, **about))["allowed"]
        async with town.store.looking() as admin:
            await admin.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert (await ask(api, **about))["allowed"]


async def test_a_form_asks_which_measure_the_rules_choose_and_what_another_would_leave_open(
    api: httpx.AsyncClient,
) -> None:
    asked = {
        "region": "vastra-gotaland",
        "age": 9,
        "risk": "one_guardian",
        "signs": ["e_id_controlled"],
        "forms": ["block_guardians"],
        "on": "2026-04-10",
    }
    answer = await api.post("/v1/choices", json=asked)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert [form["form"] for form in told["forms"]] == ["seal_child"]
    assert told["forms"][0]["by_phone"]
    assert "VGB-11" in [rule["rule"] for rule in told["rules"]]
    assert told["open_doors"] == []
    assert {(door["way"], door["service"], door["age"]) for door in told["considered_open_doors"]} == {
        ("patient_login", "e_services", 13),
        ("patient_login", "journal", 16),
    }


async def test_a_choice_of_no_region_is_a_problem_that_says_so(api: httpx.AsyncClient) -> None:
    answer = await api.post("/v1/choices", json={"region": "nowhere", "age": 9})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:sigill:problem:invalid")
    answer = await api.post("/v1/choices", json={"region": "kronoberg", "age": -1})
    assert answer.json()["errors"][0]["pointer"] == "/age"
