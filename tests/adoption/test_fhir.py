"""Measures as FHIR Consents, valid by the models of a kept library, and meaning what the store means."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.bundle import Bundle
from fhir.resources.consent import Consent
from fhir.resources.R4B.bundle import Bundle as BundleR4
from fhir.resources.R4B.consent import Consent as ConsentR4

from sigill.cli.common import account
from sigill.operations.fhir import PROFILE, Release, bundle, consents
from sigill.policy.facts import Identity, PatientFacts
from sigill.store import access_log, facts, persons
from sigill_contracts.vocabulary import IdType, Initiative
from tests.kit.senders import ADULT, CHILD, FATHER, UNIT, person
from tests.kit.worker_harness import START, WorkerHarness

_LATER = START + timedelta(hours=1)


async def known(harness: WorkerHarness, number: str) -> PatientFacts:
    async with harness.store.reading() as tx:
        who = await persons.resolve(tx, [Identity(IdType.PERSONNUMMER, number)])
        return (await facts.patient_facts(tx, who.values()))[next(iter(who.values()))]


@pytest.fixture
async def lived(harness: WorkerHarness) -> WorkerHarness:
    senders = harness.senders
    await harness.hand_over(
        senders.orders(
            START,
            units=[UNIT],
            recorded_from="2024-01-01",
            recorded_to="2024-06-30",
            valid_through="2025-12-31",
        ),
        senders.orders(START, "block_guardians", patient=person(CHILD), guardians=[person(FATHER)]),
        senders.orders(START, "block_guardians", patient=person(CHILD)),
    )
    return harness


async def test_what_somebody_must_not_be_told_of_is_labelled_so(harness: WorkerHarness) -> None:
    inform = {"guardians": False}
    await harness.hand_over(
        harness.senders.orders(START, "block_guardians", patient=person(CHILD), inform=inform),
        harness.senders.orders(START),
    )
    for release, model in ((Release.R5, Consent), (Release.R4, ConsentR4)):
        (secret,) = consents(await known(harness, CHILD), harness.desk.books, _LATER, release=release)
        read = model.model_validate_json(json.dumps(secret))
        assert [label.code for label in read.meta.security] == ["NOPAT"]
        (plain,) = consents(await known(harness, ADULT), harness.desk.books, _LATER, release=release)
        assert "security" not in plain.get("meta", {})


@pytest.mark.parametrize("number", [ADULT, CHILD])
async def test_every_bundle_is_valid_in_both_releases(lived: WorkerHarness, number: str) -> None:
    patient = await known(lived, number)
    for release, model in ((Release.R5, Bundle), (Release.R4, BundleR4)):
        made = bundle(patient, lived.desk.books, _LATER, release=release)
        read = model.model_validate_json(json.dumps(made))
        assert len(read.entry) == len(patient.measures)
    for one in consents(patient, lived.desk.books, _LATER):
        Consent.model_validate_json(json.dumps(one))
    for one in consents(patient, lived.desk.books, _LATER, release=Release.R4):
        ConsentR4.model_validate_json(json.dumps(one))


async def test_a_seal_denies_what_one_unit_recorded_in_some_months(lived: WorkerHarness) -> None:
    [seal] = consents(await known(lived, ADULT), lived.desk.books, _LATER)
    read = Consent.model_validate_json(json.dumps(seal))
    assert (read.status, read.decision) == ("active", "deny")
    assert read.subject.identifier.value == ADULT
    assert read.subject.identifier.system == "urn:oid:1.2.752.129.2.1.3.1"
    [part] = read.provision
    [author] = part.data
    assert (author.meaning, author.reference.identifier.value) == ("authoredby", UNIT)
    assert part.actor is None  # about every viewer; and the unit is not among those let in or kept out
    assert (str(part.dataPeriod.start), str(part.dataPeriod.end)) == ("2024-01-01", "2024-06-30")
    assert read.period.end.isoformat() == "2025-12-31T23:59:59+01:00"
    assert [basis.coding[0].code for basis in read.regulatoryBasis] == ["TL-01"]
    [old] = consents(await known(lived, ADULT), lived.desk.books, _LATER, release=Release.R4)
    assert ConsentR4.model_validate_json(json.dumps(old)).provision.type == "deny"
    assert old["policy"] == [{"uri": "urn:sigill:rule:TL-01"}]


async def test_one_guardian_is_named_and_all_guardians_are_a_class_of_people(lived: WorkerHarness) -> None:
    made = consents(await known(lived, CHILD), lived.desk.books, _LATER)
    actors = [Consent.model_validate_json(json.dumps(one)).provision[0].actor[0] for one in made]
    named = {a.reference.identifier.value for a in actors if a.reference.identifier}
    classes = {a.role.coding[1].code for a in actors if not a.reference.identifier}
    assert {a.role.coding[0].code for a in actors} == {"IRCP"}
    assert (named, classes) == ({FATHER}, {"GUARD"})


async def test_who_is_let_out_of_a_block_of_all_is_an_exception_to_it(harness: WorkerHarness) -> None:
    await harness.hand_over(harness.senders.orders(START, "block_guardians", patient=person(CHILD)))
    patient = await known(harness, CHILD)
    [block] = patient.measures
    father = next(one for one, who in patient.people.items() if who.latest.identity.number == FATHER)
    patient = patient.with_measures([replace(block, guardians_except=(father,))])
    [made] = consents(patient, harness.desk.books, _LATER)
    [but] = Consent.model_validate_json(json.dumps(made)).provision[0].provision
    assert but.actor[0].reference.identifier.value == FATHER
    [made] = consents(patient, harness.desk.books, _LATER, release=Release.R4)
    [old] = ConsentR4.model_validate_json(json.dumps(made)).provision.provision
    assert (old.type, old.actor[0].reference.identifier.value) == ("permit", FATHER)


async def test_what_is_over_is_left_out_or_inactive(lived: WorkerHarness) -> None:
    patient = await known(lived, ADULT)
    after = START + timedelta(days=400)
    assert consents(patient, lived.desk.books, after) == []
    [seal] = consents(patient, lived.desk.books, after, ended=True)
    assert seal["status"] == "inactive"


async def test_no_motivation_and_no_name_is_in_it(lived: WorkerHarness) -> None:
    for number in (ADULT, CHILD):
        made = json.dumps(bundle(await known(lived, number), lived.desk.books, _LATER), ensure_ascii=False)
        assert "Text." not in made


async def test_the_command_logs_the_look_and_prints_a_bundle(lived: WorkerHarness, database: str) -> None:
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "sigill.cli", "export", "fhir", "--reason", "hand-over", "--by", "anna"],
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


_ABSENT, _ONE, _SOME = "0..0", "1..1", "1..*"
PCF: dict[str, str] = {
    "status": _ONE,
    "scope": _ONE,
    "category": _SOME,
    "patient": _ONE,
    "dateTime": _ONE,
    "performer": _SOME,
    "organization": _SOME,
    "sourceReference": _ONE,
    "policy": _SOME,
    "policyRule": _ABSENT,
    "verification": _ABSENT,
    "provision.type": _ONE,
    "provision.action": _ABSENT,
    "provision.class": _ABSENT,
    "provision.code": _ABSENT,
    "provision.securityLabel": _ABSENT,
    "provision.provision": _ABSENT,
}
"""How often the profile IHE.PCF.consentIntermediate wants an element (IHE ITI PCF, foundation and intermediate)."""


def pcf_faults(consent: dict[str, Any]) -> list[str]:
    """What of the profile a Consent does not keep."""
    found = []
    for path, wanted in PCF.items():
        value: Any = consent
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        count = 0 if value is None else len(value) if isinstance(value, list) else 1
        if not {_ABSENT: count == 0, _ONE: count == 1, _SOME: count >= 1}[wanted]:
            found.append(f"{path}: {count} of {wanted}")
    scope = consent["scope"]["coding"][0]
    if (scope["system"], scope["code"]) != (
        "http://terminology.hl7.org/CodeSystem/consentscope",
        "patient-privacy",
    ):
        found.append("scope")
    found += [
        "policy.uri" for policy in consent.get("policy", []) if set(policy) != {"uri"} or " " in policy["uri"]
    ]
    for actor in consent["provision"].get("actor", []):
        codes = {(one["system"], one["code"]) for one in actor["role"]["coding"]}
        if ("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP") not in codes:
            found.append("provision.actor.role")
    found += [
        "provision.data"
        for data in consent["provision"].get("data", [])
        if data["meaning"] != "authoredby" or data["reference"]["type"] != "Organization"
    ]
    if consent["meta"]["profile"] != [PROFILE]:
        found.append("meta.profile")
    return found


async def test_every_r4_consent_keeps_ihes_profile(lived: WorkerHarness) -> None:
    senders = lived.senders
    await lived.hand_over(senders.registers(START, CHILD, secrecy_mark=True, sequence=50))
    seen = set()
    for number in (ADULT, CHILD):
        facts_of = await known(lived, number)
        for one in consents(facts_of, lived.desk.books, _LATER, release=Release.R4, ended=True):
            assert pcf_faults(json.loads(json.dumps(one))) == [], one["category"]
            ConsentR4.model_validate_json(json.dumps(one))
            seen.add(facts_of.patient.person_id)
            text = str(one["text"]["div"])
            assert text.startswith('<div xmlns="http://www.w3.org/1999/xhtml"')
            assert number not in text
            assert {one["url"] for one in one["provision"]["modifierExtension"]} == {"urn:sigill:service"}
    assert len(seen) == 2


async def test_what_a_consent_lacks_is_seen(lived: WorkerHarness) -> None:
    [seal] = consents(await known(lived, ADULT), lived.desk.books, _LATER, release=Release.R4)
    for name in ("dateTime", "performer", "organization", "policy", "sourceReference"):
        less = {key: value for key, value in seal.items() if key != name}
        assert pcf_faults(less), name


@pytest.mark.parametrize("initiative", list(Initiative))
async def test_whose_initiative_it_was_is_who_consented(lived: WorkerHarness, initiative: Initiative) -> None:
    patient = await known(lived, ADULT)
    measure = replace(patient.measures[0], initiative=initiative, unit=None, orders=(), rules=())
    other = replace(patient, measures=(measure,))
    for release, model, name in ((Release.R4, ConsentR4, "performer"), (Release.R5, Consent, "grantor")):
        [one] = consents(other, lived.desk.books, _LATER, release=release)
        read = model.model_validate_json(json.dumps(one))
        [who] = getattr(read, name)
        assert bool(who.identifier and who.identifier.value == ADULT) is (
            initiative in (Initiative.RESIDENT, Initiative.CHILD)
        )
        if release is Release.R4:
            assert pcf_faults(json.loads(json.dumps(one))) == []


VALIDATOR = Path(__file__).parent / "fhir_validator"


def _hapi(release: Release, files: Sequence[Path]) -> tuple[int, str]:
    """HAPI's exit status and findings for some files."""
    said = " ".join((release.value, *map(str, files)))
    command = ["mvn", "-q", "-B", "-f", str(VALIDATOR / "pom.xml"), "compile", "exec:exec", f"-Dsaid={said}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.recipes
@pytest.mark.parametrize("release", list(Release))
async def test_hapis_validator_finds_no_error(lived: WorkerHarness, tmp_path: Path, release: Release) -> None:
    senders = lived.senders
    await lived.hand_over(senders.registers(START, CHILD, secrecy_mark=True, sequence=50))
    made = [
        bundle(await known(lived, number), lived.desk.books, _LATER, release=release)
        for number in (ADULT, CHILD)
    ]
    broken = json.loads(json.dumps(made[0]))
    broken["entry"][0]["resource"]["status"] = "gällande"
    files = [tmp_path / f"{name}.json" for name in ("adult", "child", "broken")]
    for file, contents in zip(files, (*made, broken), strict=True):
        file.write_text(json.dumps(contents))
    status, found = await asyncio.to_thread(_hapi, release, files)
    errors = [line for line in found.splitlines() if " ERROR " in line]
    assert status != 0, "the broken one passed"
    assert {line.split()[0] for line in errors} == {str(files[2])}, found[-3000:]
    assert "status" in errors[0]
