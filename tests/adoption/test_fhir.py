"""Measures as FHIR Consents, valid by the models of a kept library, and meaning what the store means."""

import asyncio
import json
import os
import subprocess
import sys
from datetime import timedelta

import pytest
from fhir.resources.bundle import Bundle
from fhir.resources.consent import Consent
from fhir.resources.R4B.bundle import Bundle as BundleR4
from fhir.resources.R4B.consent import Consent as ConsentR4

from contracts.vocabulary import IdType
from tests.workers.conftest import START, Office
from tests.workers.town import ADULT, CHILD, FATHER, UNIT, person
from workers.cli.common import account
from workers.ops.fhir import Release, bundle, consents
from workers.policy.facts import Identity, PatientFacts
from workers.store import access_log, facts, persons

_LATER = START + timedelta(hours=1)


async def known(office: Office, number: str) -> PatientFacts:
    async with office.store.reading() as tx:
        who = await persons.resolve(tx, [Identity(IdType.PERSONNUMMER, number)])
        return (await facts.patient_facts(tx, who.values()))[next(iter(who.values()))]


@pytest.fixture
async def lived(office: Office) -> Office:
    town = office.town
    await office.hand_over(
        town.orders(
            START,
            units=[UNIT],
            recorded_from="2024-01-01",
            recorded_to="2024-06-30",
            valid_through="2025-12-31",
        ),
        town.orders(START, "block_guardians", patient=person(CHILD), guardians=[person(FATHER)]),
        town.orders(START, "block_guardians", patient=person(CHILD)),
    )
    return office


async def test_what_somebody_must_not_be_told_of_is_labelled_so(office: Office) -> None:
    inform = {"guardians": False}
    await office.hand_over(
        office.town.orders(START, "block_guardians", patient=person(CHILD), inform=inform),
        office.town.orders(START),
    )
    for release, model in ((Release.R5, Consent), (Release.R4, ConsentR4)):
        (secret,) = consents(await known(office, CHILD), office.desk.books, _LATER, release=release)
        read = model.model_validate_json(json.dumps(secret))
        assert [label.code for label in read.meta.security] == ["NOPAT"]
        (plain,) = consents(await known(office, ADULT), office.desk.books, _LATER, release=release)
        assert "meta" not in plain


@pytest.mark.parametrize("number", [ADULT, CHILD])
async def test_every_bundle_is_valid_in_both_releases(lived: Office, number: str) -> None:
    patient = await known(lived, number)
    for release, model in ((Release.R5, Bundle), (Release.R4, BundleR4)):
        made = bundle(patient, lived.desk.books, _LATER, release=release)
        read = model.model_validate_json(json.dumps(made))
        assert len(read.entry) == len(patient.measures)
    for one in consents(patient, lived.desk.books, _LATER):
        Consent.model_validate_json(json.dumps(one))
    for one in consents(patient, lived.desk.books, _LATER, release=Release.R4):
        ConsentR4.model_validate_json(json.dumps(one))


async def test_a_seal_denies_what_one_unit_recorded_in_some_months(lived: Office) -> None:
    [seal] = consents(await known(lived, ADULT), lived.desk.books, _LATER)
    read = Consent.model_validate_json(json.dumps(seal))
    assert (read.status, read.decision) == ("active", "deny")
    assert read.subject.identifier.value == ADULT
    assert read.subject.identifier.system == "urn:oid:1.2.752.129.2.1.3.1"
    [part] = read.provision
    [unit] = part.actor
    assert (unit.role.coding[0].code, unit.reference.identifier.value) == ("CST", UNIT)
    assert (str(part.dataPeriod.start), str(part.dataPeriod.end)) == ("2024-01-01", "2024-06-30")
    assert read.period.end.isoformat() == "2025-12-31T23:59:59+01:00"
    assert [basis.coding[0].code for basis in read.regulatoryBasis] == ["TL-01"]
    [old] = consents(await known(lived, ADULT), lived.desk.books, _LATER, release=Release.R4)
    assert ConsentR4.model_validate_json(json.dumps(old)).provision.type == "deny"
    assert old["policy"] == [{"uri": "urn:sigill:rule:TL-01"}]


async def test_one_guardian_is_named_and_all_guardians_are_a_class_of_people(lived: Office) -> None:
    made = consents(await known(lived, CHILD), lived.desk.books, _LATER)
    actors = [Consent.model_validate_json(json.dumps(one)).provision[0].actor[0] for one in made]
    named = {a.reference.identifier.value for a in actors if a.reference.identifier}
    classes = {a.role.coding[0].code for a in actors if not a.reference.identifier}
    assert (named, classes) == ({FATHER}, {"GUARD"})


async def test_what_is_over_is_left_out_or_inactive(lived: Office) -> None:
    patient = await known(lived, ADULT)
    after = START + timedelta(days=400)
    assert consents(patient, lived.desk.books, after) == []
    [seal] = consents(patient, lived.desk.books, after, ended=True)
    assert seal["status"] == "inactive"


async def test_no_motivation_and_no_name_is_in_it(lived: Office) -> None:
    for number in (ADULT, CHILD):
        made = json.dumps(bundle(await known(lived, number), lived.desk.books, _LATER), ensure_ascii=False)
        assert "Text." not in made


async def test_the_command_logs_the_look_and_prints_a_bundle(lived: Office, database: str) -> None:
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "workers.cli", "export", "fhir", "--reason", "hand-over", "--by", "anna"],
        input=f"{ADULT}\n",
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "SIGILL_DATABASE_URL": database},
    )
    assert Bundle.model_validate_json(done.stdout).type == "collection"
    patient = await known(lived, ADULT)
    async with lived.store.reading() as tx:
        [look] = await access_log.of_person(tx, patient.patient.person_id)
    assert (look.look.actor, look.look.reason, look.look.shown) == (
        account(),
        "hand-over (for anna)",
        "measures as FHIR R5",
    )
