"""Builders of invented people and rows."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sigill.policy.calendar import BirthDate
from sigill.policy.facts import Custody, Identity, Measure, PersonVersion
from sigill.runtime.settings import load_settings
from sigill.runtime.worker_specs import DatabaseRole
from sigill.store import facts, inbox, orders, persons
from sigill.store.persons import RegisteredPerson
from sigill.store.session import Store, Tx
from sigill_contracts.keys import patient_key
from sigill_contracts.vocabulary import (
    Form,
    IdType,
    Initiative,
    MeasureId,
    MeasureKind,
    OrderId,
    Outcome,
    PersonId,
    RegionCode,
    Service,
)

T0 = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
CHILD, MOTHER, FATHER, ADULT = (
    Identity(IdType.PERSONNUMMER, number)
    for number in ("201803052382", "198501012384", "198402022391", "197006062388")
)


def key_of(number: str) -> str:
    return patient_key(number, bytes(32))


async def store_on(dsn: str, role: DatabaseRole | None = None, **given: Any) -> Store:
    settings = load_settings(
        database_url=dsn, database_schema="sigill", database_tls="disable", database_pool_min=1, **given
    )
    return await Store.open(settings, role=role)


async def someone(tx: Tx, identity: Identity = CHILD) -> PersonId:
    """A person whom nobody has told of, locked."""
    found = (await persons.ensure(tx, [identity], key_of))[identity]
    await persons.lock(tx, [found])
    return found


def told(
    person_id: PersonId,
    identity: Identity,
    sequence: int,
    valid_from: datetime,
    *,
    custody: tuple[Custody, ...] = (),
    birth: str = "2018-03-05",
    identities: tuple[Identity, ...] = (),
    **more: Any,
) -> RegisteredPerson:
    version = PersonVersion(valid_from, identity, custody=custody, **more)
    return RegisteredPerson(person_id, version, BirthDate.parse(birth), sequence, identities)


def seal(patient: PersonId, **more: Any) -> Measure:
    plain = Measure(
        measure_id=MeasureId(str(uuid4())),
        patient=patient,
        kind=MeasureKind.JOURNAL_SEAL,
        region=RegionCode("kronoberg"),
        initiative=Initiative.CARE,
        orders=(OrderId(str(uuid4())),),
        services=(Service.JOURNAL,),
        valid_from=T0,
        rules=("KR-17",),
        rulebook="kronoberg 2025",
    )
    return replace(plain, **more)


def arrival(
    event_id: str, order_id: str | None, text: bytes = b"signed", source: str = "ehr"
) -> inbox.Arrival:
    from hashlib import sha256

    return inbox.Arrival(
        source, event_id, None if order_id is None else OrderId(order_id), sha256(text).digest()
    )


def signed(
    registration: int, order_id: str | None, patient: PersonId | None, **more: Any
) -> orders.StoredOrder:
    plain = orders.StoredOrder(
        registration=registration,
        order_id=None if order_id is None else OrderId(order_id),
        proven=order_id is not None,
        patient=patient,
        region=RegionCode("kronoberg"),
        form=Form.SEAL_JOURNAL,
        unit=None,
        urgent=False,
        source="ehr",
        event_id=f"e{registration}",
        content_type="application/jose",
        digest=bytes(32),
        original=b"signed bytes",
        payload='{"form": "seal_journal"}',
        trust_report="{}",
        received_at=T0,
        topic="ehr.orders.v1",
        partition=0,
        offset=registration,
    )
    return replace(plain, **more)


def answered(registration: int, outcome: Outcome, **more: Any) -> orders.StoredAnswer:
    plain = orders.StoredAnswer(registration, outcome, f'{{"n": {registration}}}', T0)
    return replace(plain, **more)


async def ids(tx: Tx, *identities: Identity) -> list[PersonId]:
    """Persons in the order asked for, made where nobody has the number."""
    found = await persons.ensure(tx, identities, key_of)
    return [found[identity] for identity in identities]


def uuids(count: int) -> Iterable[UUID]:
    return (uuid4() for _ in range(count))


async def measures_of(store: Store, patient: PersonId) -> list[Measure]:
    async with store.reading() as tx:
        return list((await facts.patient_facts(tx, [patient]))[patient].measures)
