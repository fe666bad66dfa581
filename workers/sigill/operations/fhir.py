"""
A patient's measures as FHIR `Consent` resources, R5 or R4: for a receiver that speaks FHIR and not ours.

One Consent a measure: what protects denies, what lets in permits. Those in R4 are of IHE's profile PCF Intermediate Consent. A reader of them alone cannot answer who sees what:
ages, custody and protected identity are no consents. The mapping is told in docs/interoperability.md.

Identity numbers stand in it, as the receiver must know of whom it speaks; names and motivations never do.
"""

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sigill.policy.calendar import STOCKHOLM
from sigill.policy.facts import Identity, Measure, PatientFacts
from sigill.policy.measure_specs import NAMES_GUARDIANS
from sigill.policy.rulebook import Rulebooks
from sigill.policy.sentences import MEASURE
from sigill_contracts.vocabulary import IdType, Initiative, MeasureKind, PersonId, UnitId

Json = str | int | bool | Sequence["Json"] | Mapping[str, "Json"]
Resource = dict[str, Json]
Part = Mapping[str, Json]

ID_SYSTEM: dict[IdType, str] = {
    IdType.PERSONNUMMER: "urn:oid:1.2.752.129.2.1.3.1",
    IdType.SAMORDNINGSNUMMER: "urn:oid:1.2.752.129.2.1.3.3",
    IdType.RESERVNUMMER: "urn:sigill:reservnummer",
}
HSA_SYSTEM = "urn:oid:1.2.752.129.2.1.4.1"
KIND_SYSTEM = "urn:sigill:measure-kind"
SERVICE_SYSTEM = "urn:sigill:service"
RULE_SYSTEM = "urn:sigill:rule"
MEASURE_SYSTEM = "urn:sigill:measure"
REGION_SYSTEM = "urn:sigill:region"
RULEBOOK_SYSTEM = "urn:sigill:rulebook"
PROFILE = "https://profiles.ihe.net/ITI/PCF/StructureDefinition/IHE.PCF.consentIntermediate"
"""IHE Privacy Consent on FHIR (ITI PCF), R4."""
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"


_NOT_FOR_THE_PATIENT: Resource = {
    "system": f"{_TERMINOLOGY}v3-ActCode",
    "code": "NOPAT",
    "display": "no disclosure to patient, family or caregivers without attending provider's authorization",
}
"""Of a measure that somebody must not be told of (X-23)."""


class Release(StrEnum):
    """Which FHIR."""

    R5 = "R5"
    R4 = "R4"


def bundle(
    facts: PatientFacts, books: Rulebooks, at: datetime, *, release: Release = Release.R5, ended: bool = False
) -> Resource:
    """
    A collection of the patient's measures as Consents, as of `at` (UTC); with `ended` those too that are over by then.

    Measures still to come are among them, with their period.
    """
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": _instant(at),
        "entry": [
            {"fullUrl": f"urn:uuid:{consent['id']}", "resource": consent}
            for consent in consents(facts, books, at, release=release, ended=ended)
        ],
    }


def consents(
    facts: PatientFacts, books: Rulebooks, at: datetime, *, release: Release = Release.R5, ended: bool = False
) -> list[Resource]:
    """The patient's measures as Consents, the oldest first."""
    birth = facts.patient.birth
    return [
        _consent(measure, facts, books, at, release)
        for measure in sorted(facts.measures, key=lambda m: (m.valid_from, m.measure_id))
        if ended or measure.not_over(at, birth)
    ]


def _consent(m: Measure, facts: PatientFacts, books: Rulebooks, at: datetime, release: Release) -> Resource:
    meta: Resource = {"profile": [PROFILE]} if release is Release.R4 else {}
    if m.silences:
        meta["security"] = [_NOT_FOR_THE_PATIENT]
    common: Resource = {
        "resourceType": "Consent",
        "id": m.measure_id,
        **({"meta": meta} if meta else {}),
        "language": "sv",
        "text": _narrative(m, facts),
        "identifier": [{"system": MEASURE_SYSTEM, "value": m.measure_id}],
        "status": "active" if m.not_over(at, facts.patient.birth) else "inactive",
        "category": [_of_kind(m), _code("http://loinc.org", "59284-0", "Consent Document")],
    }
    patient = _person(facts.patient.latest.identity)
    decision = "permit" if m.kind.opens else "deny"
    period, actors, parts = _period(m, facts), list(_viewers(m, facts)), _parts(m)
    let_out = [{"role": _role(), "reference": person} for person in _people(m.guardians_except, facts)]
    if release is Release.R5:
        basis = [_rule(rule, books) for rule in m.rules]
        provision: Resource = {
            "period": period,
            **({"actor": actors} if actors else {}),
            "action": [_code(f"{_TERMINOLOGY}consentaction", "access", "Access")],
            "code": [_code(SERVICE_SYSTEM, str(service), str(service)) for service in m.services],
            **parts,
            **({"provision": [{"actor": let_out}]} if let_out else {}),
        }
        return {
            **common,
            "subject": patient,
            "date": m.valid_from.astimezone(STOCKHOLM).date().isoformat(),
            "period": period,
            "grantor": [_who_wanted_it(m, patient)],
            "controller": [_organization(m)],
            "sourceReference": [_source(m)],
            **({"regulatoryBasis": basis} if basis else {}),
            "decision": decision,
            "provision": [provision],
        }
    return {
        **common,
        "scope": _code(f"{_TERMINOLOGY}consentscope", "patient-privacy", "Privacy Consent"),
        "patient": patient,
        "dateTime": _instant(m.valid_from),
        "performer": [_who_wanted_it(m, patient)],
        "organization": [_organization(m)],
        "sourceReference": _source(m),
        "policy": _policy(m),
        "provision": {
            # the profile has no codes; and who does not know the service must not read on
            "modifierExtension": [
                {"url": SERVICE_SYSTEM, "valueCode": str(service)} for service in m.services
            ],
            "type": decision,
            "period": period,
            **({"actor": actors} if actors else {}),
            **parts,
            **({"provision": [{"type": "permit", "actor": let_out}]} if let_out else {}),
        },
    }


def _narrative(m: Measure, facts: PatientFacts) -> Part:
    """For people: what, since when and until when; nobody's name or number."""
    words = f"{MEASURE[m.kind].sv}, från och med {m.valid_from.astimezone(STOCKHOLM).date().isoformat()}"
    if last := m.last_day(facts.patient.birth):
        words += f", till och med {last.isoformat()}"
    div = f'<div xmlns="http://www.w3.org/1999/xhtml" lang="sv" xml:lang="sv">{html.escape(words)}.</div>'
    return {"status": "generated", "div": div}


def _parts(m: Measure) -> Resource:
    """Which information it is about: what some units recorded, in a period. Without either, all of it."""
    days: Resource = {}
    if m.recorded_from:
        days["start"] = m.recorded_from.isoformat()
    if m.recorded_to:
        days["end"] = m.recorded_to.isoformat()
    authors: list[Part] = [
        {"meaning": "authoredby", "reference": _unit(unit)} for unit in sorted(m.units or ())
    ]
    return {**({"dataPeriod": days} if days else {}), **({"data": authors} if authors else {})}


def _viewers(m: Measure, facts: PatientFacts) -> Iterator[Part]:
    """Who is let in or kept out. Without one among the actors it is about every viewer."""
    if m.kind is MeasureKind.MINOR_GRANT:
        yield {"role": _role(), "reference": _person(facts.patient.latest.identity)}
    elif m.viewer is not None:
        yield from ({"role": _role(), "reference": person} for person in _people([m.viewer], facts))
    elif m.kind in NAMES_GUARDIANS and m.guardians is not None:
        yield from ({"role": _role(), "reference": person} for person in _people(m.guardians, facts))
    elif m.kind in NAMES_GUARDIANS:
        # whoever has custody, now or later: no list of people says that
        guardian = {"system": f"{_TERMINOLOGY}v3-RoleClass", "code": "GUARD", "display": "guardian"}
        yield {
            "role": _role(guardian),
            "reference": {"type": "RelatedPerson", "display": "Samtliga vårdnadshavare"},
        }


def _role(*also: Part) -> Part:
    recipient = {
        "system": f"{_TERMINOLOGY}v3-ParticipationType",
        "code": "IRCP",
        "display": "information recipient",
    }
    return {"coding": [recipient, *also]}


def _who_wanted_it(m: Measure, patient: Part) -> Part:
    """On whose initiative it is: the patient, a guardian or representative, the unit, or the register."""
    match m.initiative:
        case Initiative.RESIDENT | Initiative.CHILD:
            return patient
        case Initiative.GUARDIAN:
            return {"type": "RelatedPerson", "display": "Vårdnadshavare"}
        case Initiative.REPRESENTATIVE:
            return {"type": "RelatedPerson", "display": "Ställföreträdare"}
        case Initiative.REGISTER:
            return {"type": "Organization", "display": "Folkbokföringen"}
        case Initiative.CARE:
            return _organization(m)


def _organization(m: Measure) -> Part:
    """The unit that decided; where none did, the region whose rules it follows."""
    if m.unit:
        return _unit(m.unit)
    return {"type": "Organization", "identifier": {"system": REGION_SYSTEM, "value": m.region}}


def _people(people: Iterable[PersonId], facts: PatientFacts) -> Iterator[Part]:
    """Those of them whom the facts know, by their newest number."""
    for who in people:
        person = facts.person(who)
        if person is not None:
            yield _person(person.latest.identity)


def _person(identity: Identity) -> Part:
    return {"identifier": {"system": ID_SYSTEM[identity.id_type], "value": identity.number}}


def _unit(unit: UnitId) -> Part:
    return {"type": "Organization", "identifier": {"system": HSA_SYSTEM, "value": unit}}


def _source(m: Measure) -> Part:
    """The signed order that it began with, or the register that brought it."""
    if not m.orders:
        return {"type": "DocumentReference", "display": "Folkbokföringen"}
    return {
        "type": "DocumentReference",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{m.orders[0]}"},
    }


def _of_kind(m: Measure) -> Part:
    return {**_code(KIND_SYSTEM, str(m.kind), MEASURE[m.kind].en), "text": MEASURE[m.kind].sv}


def _rule(rule: str, books: Rulebooks) -> Part:
    known = books.rules.get(rule)
    return {
        "coding": [{"system": RULE_SYSTEM, "code": rule}],
        **({"text": known.sv} if known else {}),
    }


def _policy(m: Measure) -> list[Part]:
    """The rules it rests on; the rulebook where it cites none."""
    if m.rules:
        return [{"uri": f"{RULE_SYSTEM}:{rule}"} for rule in m.rules]
    return [{"uri": ":".join((RULEBOOK_SYSTEM, *(m.rulebook or m.region).split()))}]


def _period(m: Measure, facts: PatientFacts) -> Part:
    """From the first to the last second in force: the end of a FHIR period is inclusive."""
    end = m.ends_at(facts.patient.birth)
    last = None if end is None else max(end - timedelta(seconds=1), m.valid_from)
    return {"start": _instant(m.valid_from), **({"end": _instant(last)} if last else {})}


def _instant(moment: datetime) -> str:
    return moment.astimezone(STOCKHOLM).isoformat(timespec="seconds")


def _code(system: str, code: str, display: str) -> Part:
    return {"coding": [{"system": system, "code": code, "display": display}]}
