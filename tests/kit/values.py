"""Invented people, measures and orders, as values, for tests that need no story."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

from sigill.policy.calendar import STOCKHOLM, BirthDate, midnight
from sigill.policy.facts import (
    Assignment,
    Custody,
    Identity,
    Measure,
    OrderFacts,
    PatientFacts,
    Person,
    PersonVersion,
    Staff,
)
from sigill_contracts.order import SignedForm
from sigill_contracts.vocabulary import (
    HsaId,
    IdType,
    Initiative,
    MeasureId,
    MeasureKind,
    OrderId,
    PersonId,
    RegionCode,
    Role,
    Service,
    UnitId,
)

CHILD, GUN, HANS, BO = PersonId("child"), PersonId("gun"), PersonId("hans"), PersonId("bo")
BARN, HUD = UnitId("SE9999999999-U1"), UnitId("SE9999999999-U2")
COUNTY = {"kronoberg": "07", "jamtland-harjedalen": "23", "vastra-gotaland": "14"}
_NUMBERS = {CHILD: "209901019801", GUN: "198001019812", HANS: "198101019819", BO: "197001019810"}
_HSA = HsaId("SE9999999999-P1")


def local(text: str) -> datetime:
    """An instant written in Swedish local time."""
    return datetime.fromisoformat(text).replace(tzinfo=STOCKHOLM).astimezone(UTC)


def person(who: PersonId, born: str, region: str = "kronoberg", **more: Any) -> Person:
    """Somebody as the register has known them from birth."""
    identity = Identity(more.pop("id_type", IdType.PERSONNUMMER), _NUMBERS[who])
    version = PersonVersion(datetime(1900, 1, 1, tzinfo=UTC), identity, COUNTY[region], **more)
    return Person(who, "", BirthDate.parse(born), (version,))


def family(born: str, region: str = "kronoberg", **more: Any) -> PatientFacts:
    """A child with two guardians, and a man who is none; `more` is about the child."""
    child = person(CHILD, born, region, custody=(Custody(GUN), Custody(HANS)), **more)
    others = {who: person(who, "1980-01-01", region) for who in (GUN, HANS, BO)}
    return PatientFacts(
        child, {CHILD: child, **others}, (), {BARN: RegionCode(region), HUD: RegionCode(region)}
    )


def measure(kind: MeasureKind, since: str, **more: Any) -> Measure:
    """A measure in force from a local time on."""
    given: dict[str, Any] = {
        "measure_id": MeasureId(f"{kind}-{since}"),
        "patient": CHILD,
        "kind": kind,
        "region": RegionCode("kronoberg"),
        "initiative": Initiative.CARE,
        "orders": (OrderId(str(uuid4())),),
        "services": (Service.JOURNAL,),
        "valid_from": local(since),
        "unit": BARN,
    }
    return Measure(**{**given, **more})


def after(facts: PatientFacts, *measures: Measure) -> PatientFacts:
    """The facts with measures added."""
    return replace(facts, measures=(*facts.measures, *measures))


def order(form: str, region: str, at: datetime, **more: Any) -> SignedForm:
    """An order about the child, decided at an instant by somebody of every role."""
    given: dict[str, Any] = {
        "order_id": str(uuid4()),
        "audience": "sigill/test",
        "region": region,
        "form": form,
        "patient": {"id_type": "personnummer", "id": _NUMBERS[CHILD]},
        "initiative": "care",
        "decided_by": {"hsa_id": _HSA, "role": "head_of_unit", "unit": BARN},
        "consulted": [],
        "decided_at": at.isoformat(),
        "urgent": False,
        "channel": "ehr_form",
        "motivation": "Bedömning enligt rutinen.",
    }
    given.update(more)
    for key in ("guardians", "representative"):
        if given.get(key):
            named = [{"id_type": "personnummer", "id": _NUMBERS[w]} for w in given[key]]
            given[key] = named if key == "guardians" else named[0]
    return SignedForm.model_validate_json(json.dumps(given))


def known(facts: PatientFacts | None, region: str, at: datetime, **more: Any) -> OrderFacts:
    """What judging an order reads: everybody known, the decider of every role, signed now."""
    everything = frozenset(Role) - {Role.SUPPORT_OPERATOR}
    staff = Staff(_HSA, (Assignment(BARN, RegionCode(region), everything),))
    return OrderFacts(
        **{
            "known": facts,
            "at": at,
            "identities": {Identity(IdType.PERSONNUMMER, n): who for who, n in _NUMBERS.items()},
            "staff": {_HSA: staff},
            "signers": (_HSA,),
            "signed_at": at,
            **more,
        }
    )


def day(text: str) -> datetime:
    """The instant at which a Swedish date begins."""
    return midnight(date.fromisoformat(text))
