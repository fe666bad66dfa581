"""What the API answers, on a real store."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from sigill.operations.decision_models import MOST_MEASURES
from sigill.store import access_log, audit_check, measures
from sigill_contracts.vocabulary import MeasureId, MeasureKind, RegionCode, UnitId
from tests.kit.decision_api import START, Issuer, StoredPopulation, birthday_of, open_api, open_store

UNIT = UnitId("SE9999999999-U1")


async def ask(api: httpx.AsyncClient, **about: Any) -> dict[str, Any]:
    answer = await api.post("/v1/access/decisions", json={"service": "journal", "purpose": "test", **about})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def family(population: StoredPopulation) -> None:
    await population.person("gun", "1985-01-01")
    await population.person("hans", "1984-01-01")
    await population.person("vera", "2016-05-05", ["gun", "hans"])


async def test_a_guardian_reads_until_the_child_turns_13_and_the_answer_says_until_when(
    population: StoredPopulation, api: httpx.AsyncClient
) -> None:
    await family(population)
    answer = await ask(api, patient=population.ref("vera"), viewer=population.ref("gun"))
    assert (answer["allowed"], answer["codes"]) == (True, ["guardian_of_child_under_13"])
    assert answer["region"] == "kronoberg"
    later = await ask(
        api,
        patient=population.ref("vera"),
        viewer=population.ref("gun"),
        as_of=birthday_of("2016-05-05", 13).isoformat(),
    )
    assert (later["allowed"], later["codes"]) == (False, ["guardian_of_13_or_older"])


async def test_a_changed_measure_is_seen_by_the_very_next_question(
    population: StoredPopulation, api: httpx.AsyncClient
) -> None:
    """The copy in memory is warm each time, and never believed because it is young."""
    await family(population)
    about = {"patient": population.ref("vera"), "viewer": population.ref("gun")}
    for _ in range(3):
        assert (await ask(api, **about))["allowed"]
        block = await population.measure(
            "vera", MeasureKind.GUARDIAN_BLOCK, guardians=(population.ids["gun"],)
        )
        answer = await ask(api, **about)
        assert (answer["allowed"], answer["codes"]) == (False, ["guardian_block"])
        assert (await ask(api, patient=population.ref("vera"), viewer=population.ref("hans")))["allowed"]
        await population.release(block)


async def test_what_the_register_says_of_a_guardian_is_seen_by_the_very_next_question(
    population: StoredPopulation, api: httpx.AsyncClient
) -> None:
    """The child's own rows are the same; the guardian's are not."""
    await family(population)
    about = {"patient": population.ref("vera"), "viewer": population.ref("gun")}
    assert (await ask(api, **about))["allowed"]
    await population.person("gun", "1985-01-01", protected=True, at=START)
    answer = await ask(api, **about)
    assert (answer["allowed"], answer["codes"]) == (False, ["protected_identity"])


async def test_a_new_custody_and_a_new_unit_are_seen_by_the_very_next_question(
    population: StoredPopulation, api: httpx.AsyncClient
) -> None:
    await family(population)
    await population.person("sten", "1980-01-01")
    about = {"patient": population.ref("vera"), "viewer": population.ref("sten"), "unit": UNIT}
    before = await ask(api, **about)
    assert (before["codes"], before["region"]) == (["no_relation"], None)  # nobody knows the unit's region
    await population.person("vera", "2016-05-05", ["gun", "hans", "sten"], at=START)
    await population.unit(UNIT, RegionCode("vastra-gotaland"))
    after = await ask(api, **about)
    assert (after["allowed"], after["region"]) == (True, "vastra-gotaland")


async def test_one_deny_survives_every_combination(
    population: StoredPopulation, api: httpx.AsyncClient
) -> None:
    """A seal of the whole journal beats every grant, in single questions, in batches, and in the picture."""
    await population.person("gun", "1985-01-01")
    await population.person("rep", "1970-01-01")
    await population.person("ung", "2012-05-05", ["gun"])
    await population.measure(
        "ung", MeasureKind.GUARDIAN_GRANT, units=frozenset({UNIT}), guardians=(population.ids["gun"],)
    )
    await population.measure("ung", MeasureKind.MINOR_GRANT, units=frozenset({UNIT}))
    await population.measure("ung", MeasureKind.REPRESENTATIVE_GRANT, viewer=population.ids["rep"])
    viewers = ["gun", "ung", "rep"]
    lines = [
        {
            "patient": population.ref("ung"),
            "viewer": population.ref(viewer),
            "service": "journal",
            "unit": UNIT,
        }
        for viewer in viewers
    ]

    async def all_at_once() -> list[bool]:
        answer = await api.post("/v1/access/decisions", json={"questions": lines * 300, "purpose": "test"})
        return [one["allowed"] for one in answer.json()["decisions"]]

    assert set(await all_at_once()) == {True}
    await population.measure("ung", MeasureKind.JOURNAL_SEAL)
    assert set(await all_at_once()) == {False}
    for line in lines:
        assert not (await ask(api, **line))["allowed"]
    picture = await api.get(f"/v1/persons/{population.key('ung')}/access", headers={"Sigill-Purpose": "test"})
    journal = [line for line in picture.json()["lines"] if line["service"] == "journal"]
    assert len(journal) >= 6
    assert not any(line["allowed"] for line in journal)


async def test_answers_keep_the_order_of_the_questions_and_of_the_callers(
    population: StoredPopulation, api: httpx.AsyncClient
) -> None:
    """Many callers at once are taken together; each gets its own answers."""
    await family(population)
    await population.measure("vera", MeasureKind.GUARDIAN_BLOCK, guardians=(population.ids["gun"],))
    gun, hans = (
        {"patient": population.ref("vera"), "viewer": population.ref(who)} for who in ("gun", "hans")
    )
    answers = await asyncio.gather(*(ask(api, **(gun if n % 3 else hans)) for n in range(60)))
    assert [answer["allowed"] for answer in answers] == [n % 3 == 0 for n in range(60)]


async def test_a_thousand_are_taken_and_one_more_is_not(
    population: StoredPopulation, api: httpx.AsyncClient
) -> None:
    await family(population)
    line = {"patient": population.ref("vera"), "viewer": population.ref("gun"), "service": "journal"}
    full = await api.post("/v1/access/decisions", json={"questions": [line] * 1000, "purpose": "test"})
    assert len(full.json()["decisions"]) == 1000
    over = await api.post("/v1/access/decisions", json={"questions": [line] * 1001, "purpose": "test"})
    assert over.status_code == 422


async def test_the_past_is_answered_by_what_was_known_then(
    population: StoredPopulation, api: httpx.AsyncClient
) -> None:
    await family(population)
    about = {"patient": population.ref("vera"), "viewer": population.ref("gun")}
    population.clock.advance(timedelta(hours=1))
    await population.measure("vera", MeasureKind.GUARDIAN_BLOCK, valid_from=START - timedelta(days=1))
    at = START.isoformat()
    assert not (await ask(api, **about, as_of=at))["allowed"]
    assert (await ask(api, **about, as_of=at, known_at=at))["allowed"]
    before_anybody = (START - timedelta(days=1)).isoformat()
    assert (await ask(api, **about, known_at=before_anybody))["codes"] == ["no_relation"]


async def test_knowledge_of_the_future_is_refused(
    population: StoredPopulation, api: httpx.AsyncClient
) -> None:
    await family(population)
    later = (START + timedelta(days=1)).isoformat()
    body = {
        "patient": population.ref("vera"),
        "viewer": population.ref("gun"),
        "service": "journal",
        "purpose": "test",
    }
    answer = await api.post("/v1/access/decisions", json={**body, "known_at": later})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


async def test_an_explanation_names_rules_measures_and_their_ends_in_two_languages(
    population: StoredPopulation, api: httpx.AsyncClient
) -> None:
    await family(population)
    block = await population.measure(
        "vera",
        MeasureKind.GUARDIAN_BLOCK,
        valid_to=START + timedelta(days=20),
        guardians=(population.ids["gun"],),
    )
    answer = await ask(api, patient=population.ref("vera"), viewer=population.ref("gun"), explain=True)
    (reason,) = answer["reasons"]
    assert reason["sv"] == "Vårdnadshavarens tillgång är blockerad."
    assert reason["rules"][0]["rule"] == "KR-17"
    assert reason["rules"][0]["sv"]
    (measure,) = reason["measures"]
    assert measure["measure_id"] == block.measure_id
    assert measure["order_ids"] == list(block.orders)
    assert measure["last_day"] == "2026-03-21"
    assert answer["valid_until"] == measure["ends_at"] == "2026-03-21T08:00:00Z"
    assert population.numbers["gun"].number not in str(answer)


async def test_strangers_and_unknown_patients_are_answered_alike(
    population: StoredPopulation, api: httpx.AsyncClient
) -> None:
    await family(population)
    await population.person("sten", "1980-01-01")
    nobody = {"id_type": "personnummer", "id": "19000101T999"}
    for about in (
        {"patient": population.ref("vera"), "viewer": population.ref("sten")},
        {"patient": population.ref("vera"), "viewer": nobody},
        {"patient": nobody, "viewer": population.ref("gun")},
    ):
        answer = await ask(api, **about)
        assert (answer["allowed"], answer["codes"]) == (False, ["no_relation"])


async def test_a_former_number_finds_its_person(population: StoredPopulation, api: httpx.AsyncClient) -> None:
    await family(population)
    old = population.numbers.pop("vera")
    vera = population.ids["vera"]
    new = old.__class__(old.id_type, "20160505T777")
    from sigill.policy.calendar import BirthDate
    from sigill.policy.facts import Custody, PersonVersion
    from sigill.store import persons
    from tests.kit.decision_api import key_of

    assert (await ask(api, patient={"id_type": old.id_type, "id": old.number}, viewer=population.ref("gun")))[
        "allowed"
    ]
    async with population.store.transaction(population.clock.now()) as tx:
        await persons.lock(tx, [vera])
        version = PersonVersion(START, new, "07", custody=(Custody(population.ids["gun"]),))
        told = persons.RegisteredPerson(vera, version, BirthDate.parse("2016-05-05"), 900, (old,))
        await persons.record(tx, [told], key_of)
    for number in (old, new):
        assert (
            await ask(
                api, patient={"id_type": number.id_type, "id": number.number}, viewer=population.ref("gun")
            )
        )["allowed"]


async def test_every_look_is_logged_with_who_where_whom_and_why_before_the_answer_leaves(
    population: StoredPopulation, api: httpx.AsyncClient
) -> None:
    await family(population)
    await ask(
        api,
        patient=population.ref("vera"),
        viewer=population.ref("gun"),
        purpose="support_call",
        asking_unit=UNIT,
        on_behalf_of="SE9999999999-S1",
    )
    await api.get(f"/v1/persons/{population.key('vera')}/access", headers={"Sigill-Purpose": "support call"})
    async with population.store.reading() as snapshot:
        looks = await access_log.of_person(snapshot, population.ids["vera"])
        faults = [*await access_log.verify(snapshot), *await audit_check.verify(snapshot)]
    assert [(look.look.actor, look.look.unit, look.look.reason) for look in looks] == [
        ("SE9999999999-S1 through journalen", UNIT, "support_call"),
        ("journalen", None, "support call"),
    ]
    assert "allowed (guardian_of_child_under_13)" in looks[0].look.shown
    assert faults == []


async def test_what_cannot_be_logged_is_not_answered(
    population: StoredPopulation, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await family(population)

    async def full(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(access_log, "append", full)
    async with open_api(population.store, population.clock, issuer) as api:
        body = {
            "patient": population.ref("vera"),
            "viewer": population.ref("gun"),
            "service": "journal",
            "purpose": "test",
        }
        answer = await api.post("/v1/access/decisions", json=body)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert "allowed" not in answer.text


async def test_few_copies_answer_like_many(population: StoredPopulation, issuer: Issuer) -> None:
    """What does not fit into memory is read again."""
    await population.person("gun", "1985-01-01")
    for n in range(6):
        await population.person(f"child{n}", "2016-05-05", ["gun"])
        if n % 2:
            await population.measure(f"child{n}", MeasureKind.CHILD_SEAL)
    async with open_api(population.store, population.clock, issuer, capacity=2) as api:
        for _ in range(2):
            for n in range(6):
                answer = await ask(api, patient=population.ref(f"child{n}"), viewer=population.ref("gun"))
                assert answer["allowed"] == (n % 2 == 0)


async def test_how_long_an_answer_may_be_kept(population: StoredPopulation, api: httpx.AsyncClient) -> None:
    await family(population)
    body = {
        "patient": population.ref("vera"),
        "viewer": population.ref("gun"),
        "service": "journal",
        "purpose": "test",
    }
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


async def test_a_picture_is_sent_again_only_when_it_is_another(
    population: StoredPopulation, api: httpx.AsyncClient
) -> None:
    await family(population)
    url, headers = f"/v1/persons/{population.key('vera')}/access", {"Sigill-Purpose": "test"}
    first = await api.get(url, headers=headers)
    population.clock.advance(timedelta(minutes=5))
    headers["If-None-Match"] = first.headers["etag"]
    assert (await api.get(url, headers=headers)).status_code == 304
    await population.measure("vera", MeasureKind.GUARDIAN_BLOCK, guardians=(population.ids["gun"],))
    again = await api.get(url, headers=headers)
    assert again.status_code == 200
    assert again.headers["etag"] != first.headers["etag"]
    by_number = await api.post(
        "/v1/persons/access", json={"patient": population.ref("vera"), "purpose": "test"}
    )
    assert by_number.json()["lines"] == again.json()["lines"]
    assert population.numbers["vera"].number not in again.text


async def test_the_timeline_says_what_a_guardian_sees_on_the_13th_birthday_and_why(
    population: StoredPopulation, api: httpx.AsyncClient
) -> None:
    await family(population)
    await population.measure(
        "vera",
        MeasureKind.GUARDIAN_BLOCK,
        valid_to=START + timedelta(days=20),
        guardians=(population.ids["gun"],),
    )
    answer = await api.post(
        "/v1/access/timeline",
        json={
            "patient": population.ref("vera"),
            "viewer": population.ref("gun"),
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


async def test_a_timeline_is_told_a_page_at_a_time_as_it_was_known_at_the_first(
    population: StoredPopulation, api: httpx.AsyncClient
) -> None:
    await family(population)
    blocked = await population.measure(
        "vera", MeasureKind.GUARDIAN_BLOCK, valid_to=START + timedelta(days=20)
    )
    asked = {"patient": population.ref("vera"), "since": START.isoformat(), "purpose": "support_call"}
    whole = (await api.post("/v1/access/timeline", json=asked)).json()
    assert whole["next"] is None
    first = (await api.post("/v1/access/timeline", json={**asked, "limit": 2})).json()
    assert first["steps"] == whole["steps"][-2:]
    assert population.numbers["vera"].number not in first["next"]
    population.clock.advance(timedelta(minutes=1))
    await population.release(blocked)  # nothing of which moves what is still to be told
    told, cursor = first["steps"], first["next"]
    while cursor is not None:
        page = (await api.post("/v1/access/timeline", json={**asked, "limit": 2, "cursor": cursor})).json()
        assert page["known_at"] == first["known_at"]
        told, cursor = page["steps"] + told, page["next"]
    assert told == whole["steps"]
    for wrong in ({"limit": 0}, {"limit": 501}, {"cursor": "x"}, {"cursor": "2026-03-01T08:00:00Z"}):
        answer = await api.post("/v1/access/timeline", json={**asked, **wrong})
        assert answer.json()["type"] == "urn:sigill:problem:invalid", wrong


async def test_the_measures_of_a_picture_are_told_a_page_at_a_time(
    population: StoredPopulation, api: httpx.AsyncClient
) -> None:
    await family(population)
    one = await population.measure("vera", MeasureKind.GUARDIAN_BLOCK)
    more = [
        replace(
            one,
            measure_id=MeasureId(str(UUID(int=5000 + number))),
            valid_from=START + timedelta(days=number),
        )
        for number in range(1, MOST_MEASURES + 3)
    ]
    async with population.store.transaction(population.clock.now()) as tx:
        await measures.append(tx, more)
    asked = {"patient": population.ref("vera"), "purpose": "test"}
    first = (await api.post("/v1/persons/access", json=asked)).json()
    assert len(first["measures"]) == MOST_MEASURES
    assert first["next"] == first["measures"][-1]["measure_id"]
    rest = await api.get(
        f"/v1/persons/{population.key('vera')}/access",
        params={"after": first["next"]},
        headers={"Sigill-Purpose": "test"},
    )
    assert (len(rest.json()["measures"]), rest.json()["next"]) == (3, None)
    begun = [one["valid_from"] for one in first["measures"] + rest.json()["measures"]]
    assert begun == sorted(begun, reverse=True)
    assert len(set(begun)) == MOST_MEASURES + 3


async def test_nobody_has_no_picture(population: StoredPopulation, api: httpx.AsyncClient) -> None:
    unknown = population.key("gun") if population.numbers else "v1." + "A" * 43
    answer = await api.get(f"/v1/persons/{unknown}/access", headers={"Sigill-Purpose": "test"})
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:sigill:problem:no-such-person")


async def test_the_readers_role_is_enough(
    population: StoredPopulation, issuer: Issuer, database: str
) -> None:
    """Answers and their log need no right to change anything."""
    await family(population)
    async with (
        open_store(database, role="sigill_reader") as store,
        open_api(store, population.clock, issuer) as api,
    ):
        assert (await ask(api, patient=population.ref("vera"), viewer=population.ref("gun")))["allowed"]
        picture = await api.post(
            "/v1/persons/access", json={"patient": population.ref("vera"), "purpose": "test"}
        )
        assert picture.status_code == 200
    async with population.store.reading() as snapshot:
        assert len(await access_log.of_person(snapshot, population.ids["vera"])) == 2


async def test_connections_that_died_are_made_again_and_nobody_notices(
    population: StoredPopulation, issuer: Issuer, database: str
) -> None:
    await family(population)
    about = {"patient": population.ref("vera"), "viewer": population.ref("gun")}
    async with open_store(database) as store, open_api(store, population.clock, issuer) as api:
        assert (await ask(api, **about))["allowed"]
        async with population.store.looking() as admin:
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
