"""What a stranger, a viewer, an EHR and staff can learn of one secretly blocked child, byte by byte (X-23)."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given

from sigill.client import LocalCopy
from sigill.policy.access import BRIEFLY, REFUSED, AccessQuestion, brief, decide, turns, viewers_of
from sigill.policy.facts import Custody, PatientFacts
from sigill.web.api import routes
from sigill_contracts.order import PersonRef
from sigill_contracts.vocabulary import MeasureKind, PersonId, Service
from tests.api.histories import KNOWN, histories, moments
from tests.api.test_local_copy import EVERYTHING, record_of
from tests.kit.decision_api import BOOKS, START, Issuer, StoredPopulation, birthday_of

NOBODY = {"id_type": "personnummer", "id": "19000101T999"}
NO_KEY = {"key": "v1." + "A" * 43}
ONLY_THESE = {"allowed", "as_of", "known_at", "valid_until"}
LISTENS = {"Prefer": "drop-on-change"}


@pytest.fixture
async def secret(population: StoredPopulation) -> StoredPopulation:
    """Vera, whose guardian gun is shut out for twenty days and must not know; sten is a stranger."""
    for name, born in (("gun", "1985-01-01"), ("hans", "1984-01-01"), ("sten", "1980-01-01")):
        await population.person(name, born)
    await population.person("vera", "2016-05-05", ["gun", "hans"])
    await population.measure(
        "vera",
        MeasureKind.GUARDIAN_BLOCK,
        guardians=(population.ids["gun"],),
        valid_to=START + timedelta(days=20),
    )
    return population


@pytest.fixture
def plain(api: httpx.AsyncClient, issuer: Issuer) -> httpx.AsyncClient:
    """An e-service that asks with `access:decide` alone."""
    api.headers["Authorization"] = f"Bearer {issuer.token('access:decide')}"
    return api


async def ask(api: httpx.AsyncClient, patient: Any, viewer: Any, **more: Any) -> httpx.Response:
    body = {"patient": patient, "viewer": viewer, "service": "journal", "purpose": "test", **more}
    return await api.post("/v1/access/decisions", json=body, headers=LISTENS)


async def test_every_denial_is_the_same_byte_by_byte_whoever_the_patient_is_or_is_not(
    secret: StoredPopulation, plain: httpx.AsyncClient
) -> None:
    """The blocked guardian, a stranger, and questions about nobody: one answer, one set of headers."""
    vera, gun, sten = (secret.ref(name) for name in ("vera", "gun", "sten"))
    answers = [
        await ask(plain, *pair, **more)
        for pair in ((vera, gun), (vera, sten), (vera, NOBODY), (NOBODY, gun), (NO_KEY, sten), (gun, sten))
        for more in ({}, {"unit": "SE9999999999-U1"}, {"service": "e_services"})
    ]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert len({tuple(sorted(answer.headers.items())) for answer in answers}) == 1
    told = answers[0].json()
    assert (told.keys(), told["allowed"], told["valid_until"]) == (ONLY_THESE, False, None)
    assert answers[0].headers["cache-control"] == "private, no-cache"
    assert not {"etag", "preference-applied", "age", "expires", "last-modified"} & answers[0].headers.keys()


async def test_a_yes_may_be_kept_for_a_constant_while_and_tells_nothing_of_the_patient(
    secret: StoredPopulation, plain: httpx.AsyncClient
) -> None:
    await secret.person("otto", "2014-11-30", ["hans"])
    answers = [await ask(plain, secret.ref(child), secret.ref("hans")) for child in ("vera", "otto")]
    assert answers[0].content == answers[1].content
    assert answers[0].headers == answers[1].headers
    told = answers[0].json()
    assert (told.keys(), told["allowed"]) == (ONLY_THESE, True)
    assert datetime.fromisoformat(told["valid_until"]) == START + BRIEFLY
    seconds = int(BRIEFLY.total_seconds())
    assert answers[0].headers["cache-control"] == f"private, max-age={seconds}, must-revalidate"


async def test_a_yes_ends_at_the_viewers_own_next_no_and_not_at_anothers(secret: StoredPopulation) -> None:
    birthday = birthday_of("2016-05-05", 13)
    facts_end = START + timedelta(days=20)
    facts = await _facts(secret, "vera")
    hans = secret.ids["hans"]
    own = brief(AccessQuestion(hans, Service.JOURNAL, birthday - timedelta(seconds=3)), facts, BOOKS)
    assert (own.allowed, own.valid_until) == (True, birthday)
    anothers = brief(AccessQuestion(hans, Service.JOURNAL, facts_end - timedelta(seconds=2)), facts, BOOKS)
    assert anothers.valid_until == facts_end + timedelta(seconds=3)
    gun = secret.ids["gun"]
    assert (
        brief(AccessQuestion(gun, Service.JOURNAL, facts_end - timedelta(seconds=2)), facts, BOOKS) == REFUSED
    )


async def test_the_api_ends_a_yes_at_the_last_second_of_custody(
    population: StoredPopulation, plain: httpx.AsyncClient
) -> None:
    await population.person("gun", "1985-01-01")
    custody = Custody(population.ids["gun"], to_date=date(2026, 3, 2))
    await population.person("vera", "2016-05-05", custody=(custody,))
    end = datetime.fromisoformat("2026-03-02T00:00:00+01:00")
    population.clock.advance(end - timedelta(seconds=2) - START)
    answer = await ask(plain, population.ref("vera"), population.ref("gun"))
    assert answer.json()["allowed"]
    assert datetime.fromisoformat(answer.json()["valid_until"]) == end
    assert "max-age=2," in answer.headers["cache-control"]


async def test_other_moments_codes_and_the_true_end_take_the_scope_and_the_refusal_is_the_same(
    secret: StoredPopulation, plain: httpx.AsyncClient, issuer: Issuer
) -> None:
    later = (START + timedelta(days=21)).isoformat()
    refusals = [
        await ask(plain, patient, secret.ref("gun"), **more)
        for patient in (secret.ref("vera"), NOBODY, NO_KEY)
        for more in (
            {"as_of": later},
            {"known_at": (START - timedelta(days=1)).isoformat()},
            {"known_at": later},
            {"as_of": START.isoformat(), "known_at": (START - timedelta(days=1)).isoformat()},
            {"explain": True},
        )
    ]
    assert {answer.status_code for answer in refusals} == {403}
    assert len({answer.content for answer in refusals}) == 1
    assert {answer.json()["type"] for answer in refusals} == {"urn:sigill:problem:not-allowed"}
    now = await ask(plain, secret.ref("vera"), secret.ref("hans"), as_of=START.isoformat())
    assert now.json()["allowed"]
    for scope in ("access:explain access:decide", "operator"):
        plain.headers["Authorization"] = f"Bearer {issuer.token(*scope.split())}"
        told = (await ask(plain, secret.ref("vera"), secret.ref("gun"))).json()
        assert told["codes"] == ["guardian_block"]
        assert datetime.fromisoformat(told["valid_until"]) == START + timedelta(days=20)
        assert (await ask(plain, secret.ref("vera"), secret.ref("gun"), as_of=later)).json()["allowed"]


async def test_one_no_in_a_batch_leaves_no_hint_how_long_it_may_be_kept(
    secret: StoredPopulation, plain: httpx.AsyncClient
) -> None:
    lines = [
        {"patient": secret.ref("vera"), "viewer": secret.ref(who), "service": "journal"}
        for who in ("hans", "gun")
    ]
    for asked, hint in ((lines[:1], "max-age=5"), (lines, "no-cache")):
        answer = await plain.post(
            "/v1/access/decisions", json={"questions": asked, "purpose": "test"}, headers=LISTENS
        )
        assert hint in answer.headers["cache-control"]
        assert all(one.keys() == ONLY_THESE for one in answer.json()["decisions"])
        assert "guardian" not in json.dumps(answer.json())


@EVERYTHING
@given(histories(), moments.filter(lambda m: m >= KNOWN))
def test_the_local_copy_passes_on_no_more_and_a_kept_yes_never_outlives_a_no(
    facts: PatientFacts, at: datetime
) -> None:
    copy = LocalCopy(BOOKS)
    assert copy.take(*record_of(facts))
    assert copy.brief("v1.nobody", "v1.nobody", Service.JOURNAL, at) == REFUSED
    for viewer in viewers_of(facts):
        identity = facts.people[viewer].latest.identity
        here = copy.brief(
            facts.patient.key, PersonRef(id_type=identity.id_type, id=identity.number), Service.JOURNAL, at
        )
        question = AccessQuestion(PersonId(viewer), Service.JOURNAL, at)
        assert here == brief(question, facts, BOOKS)
        if here == REFUSED:
            continue
        assert here.valid_until is not None
        assert at < here.valid_until <= at + BRIEFLY
        for moment, _, _ in turns(facts, BOOKS):
            if at <= moment < here.valid_until:
                assert decide(AccessQuestion(PersonId(viewer), Service.JOURNAL, moment), facts, BOOKS).allowed


async def _facts(population: StoredPopulation, name: str) -> PatientFacts:
    from sigill.store import facts

    async with population.store.reading() as tx:
        return (await facts.patient_facts(tx, [population.ids[name]]))[population.ids[name]]


async def test_each_no_leaves_at_the_end_of_a_step_and_a_yes_at_once(
    secret: StoredPopulation, plain: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some milliseconds told a known person from nobody, and one who was asked about lately from one who was not."""
    waits: list[float] = []

    def left(taken: float) -> float:
        waits.append(taken)
        return 0

    monkeypatch.setattr(routes, "left_of_step", left)
    await ask(plain, secret.ref("vera"), secret.ref("hans"))
    assert waits == []
    for patient, viewer in ((secret.ref("vera"), secret.ref("gun")), (NOBODY, secret.ref("gun"))):
        await ask(plain, patient, viewer)
    questions = [
        {"patient": p, "viewer": secret.ref("hans"), "service": "journal"}
        for p in (NOBODY, secret.ref("vera"))
    ]
    batch = {"questions": questions, "purpose": "test"}
    await plain.post("/v1/access/decisions", json=batch)
    assert len(waits) == 3


@pytest.mark.parametrize("taken", [0.0, 0.001, 0.049, 0.05, 0.0731, 12.3456])
def test_a_step_ends_within_its_own_length_whatever_was_taken(taken: float) -> None:
    left = routes.left_of_step(taken)
    assert 0 < left <= routes.DENIAL_STEP
    assert round((taken + left) / routes.DENIAL_STEP, 6).is_integer()
