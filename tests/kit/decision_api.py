"""A town on a real store: invented people, measures, a token issuer, and the API in front of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from sigill.operations.decision_service import DecisionService
from sigill.policy.calendar import BirthDate, midnight
from sigill.policy.facts import Custody, Identity, Measure, PersonVersion
from sigill.policy.rulebook import Rulebooks
from sigill.processing.citations import PolicyContext
from sigill.runtime.clock import FixedClock
from sigill.runtime.settings import Settings, load_settings
from sigill.runtime.worker_specs import DatabaseRole
from sigill.store import measures, persons, staff
from sigill.store.session import Store
from sigill.web.api.routes import create_app
from sigill.web.api.server import serve
from sigill.web.http.authentication import Guards, Keys, Tokens
from sigill_contracts.keys import patient_key
from sigill_contracts.vocabulary import (
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

BOOKS = Rulebooks.of(
    *(path.read_text("utf-8") for path in sorted(Path("workers/sigill/rulebooks").glob("*.yaml")))
)
RULES = PolicyContext.of(BOOKS, "urn:sigill:test")
START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
ISSUER, AUDIENCE = "https://issuer.invalid", "sigill-decisions"
SECRET = bytes(range(32))
KRONOBERG = RegionCode("kronoberg")
BODY = {
    "patient": {"id_type": "personnummer", "id": "20160505T001"},
    "viewer": {"id_type": "personnummer", "id": "19850101T001"},
    "service": "journal",
    "purpose": "test",
}
"""A question to the API."""


def key_of(number: str) -> str:
    return patient_key(number, SECRET)


@dataclass
class StoredPopulation:
    """Writes what registers and orders would, straight through the store's own functions."""

    store: Store
    clock: FixedClock = field(default_factory=lambda: FixedClock(START))
    numbers: dict[str, Identity] = field(default_factory=dict)
    ids: dict[str, PersonId] = field(default_factory=dict)
    _serial: Any = field(default_factory=lambda: count(1000))
    _sequence: Any = field(default_factory=lambda: count(1))
    _measure: Any = field(default_factory=lambda: count(1))

    async def person(
        self,
        name: str,
        born: str,
        guardians: Sequence[str] = (),
        *,
        custody: Iterable[Custody] = (),
        at: datetime | None = None,
        id_type: IdType = IdType.PERSONNUMMER,
        **told: Any,
    ) -> Identity:
        """Tell of a person, or tell anew."""
        identity = self.numbers.get(name)
        if identity is None:
            # a serial of letters cannot be anybody's
            identity = Identity(id_type, f"{born.replace('-', ''):0<8}T{next(self._serial) % 1000:03d}")
        parts = tuple(custody) or tuple(Custody(self.ids[guardian]) for guardian in guardians)
        async with self.store.transaction(self.clock.now()) as tx:
            person_id = (await persons.ensure(tx, [identity], key_of))[identity]
            await persons.lock(tx, [person_id])
            version = PersonVersion(
                at or self.clock.now() - timedelta(days=4000),
                identity,
                custody=parts,
                **{"county": "07", **told},
            )
            await persons.record(
                tx,
                [persons.RegisteredPerson(person_id, version, BirthDate.parse(born), next(self._sequence))],
                key_of,
            )
        self.numbers[name], self.ids[name] = identity, person_id
        return identity

    async def measure(self, patient: str, kind: MeasureKind, **made: Any) -> Measure:
        """Impose a measure, in force from now unless it says otherwise."""
        serial = next(self._measure)
        measure = Measure(
            measure_id=MeasureId(str(UUID(int=serial))),
            patient=self.ids[patient],
            kind=kind,
            region=KRONOBERG,
            initiative=Initiative.CARE,
            orders=(OrderId(str(UUID(int=10_000 + serial))),),
            **{
                "services": (Service.JOURNAL, Service.E_SERVICES),
                "valid_from": self.clock.now(),
                "rules": ("KR-17",),
                **made,
            },
        )
        await self.write(measure)
        return measure

    async def release(self, measure: Measure) -> Measure:
        """End a measure now."""
        ended = replace(
            measure, version=measure.version + 1, valid_to=self.clock.now(), released=True, ends_at_age=None
        )
        await self.write(ended)
        return ended

    async def write(self, measure: Measure) -> None:
        async with self.store.transaction(self.clock.now()) as tx:
            await persons.lock(tx, [measure.patient])
            await measures.append(tx, [measure])

    async def unit(self, unit: UnitId, region: RegionCode) -> None:
        """Tell of a unit, by somebody who works there."""
        from sigill_contracts.directory import Assignment, StaffRecord

        record = StaffRecord(
            hsa_id=f"SE9999999999-S{next(self._serial)}",
            assignments=(Assignment(unit=unit, region=region, roles=(Role.PHYSICIAN,)),),
            changed_at=self.clock.now(),
            sequence=next(self._sequence),
        )
        async with self.store.transaction(self.clock.now()) as tx:
            await staff.record(tx, record)

    def ref(self, name: str) -> dict[str, str]:
        identity = self.numbers[name]
        return {"id_type": identity.id_type.value, "id": identity.number}

    def key(self, name: str) -> str:
        return key_of(self.numbers[name].number)


class Issuer:
    """A token issuer with a key of its own."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256", {"kid": "k1", "use": "sig", "alg": "ES256"})

    @property
    def jwks(self) -> bytes:
        return json.dumps(KeySet([self.key]).as_dict(private=False)).encode()

    def token(self, *scopes: str, now: datetime = START, key: ECKey | None = None, **claims: Any) -> str:
        made = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "journalen",
            "iat": int(now.timestamp()),
            "exp": int(now.timestamp()) + 864_000,
            "scope": " ".join(scopes),
            **claims,
        }
        signer = key or self.key
        header = {"alg": "ES256", "kid": signer.kid or "k1", "typ": "at+jwt"}
        return jwt.encode(header, {k: v for k, v in made.items() if v is not None}, signer)


@asynccontextmanager
async def open_store(dsn: str, role: DatabaseRole | None = None, **settings: Any) -> AsyncIterator[Store]:
    given = {"database_url": dsn, "database_pool_max": 6, "database_tls": "disable", **settings}
    store = await Store.open(load_settings(**given), role=role)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def open_api(
    store: Store, clock: FixedClock, issuer: Issuer, **desk: Any
) -> AsyncIterator[httpx.AsyncClient]:
    async with DecisionService(store, RULES, clock, instance="test", **desk) as opened:
        tokens = Tokens(Keys(lambda: issuer.jwks), issuer=ISSUER, audience=AUDIENCE, clock=clock)
        app = create_app(opened, Guards([tokens]))
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            client.headers["Authorization"] = f"Bearer {issuer.token('access:decide', 'access:explain')}"
            yield client


@asynccontextmanager
async def listening(settings: Settings, population: StoredPopulation) -> AsyncIterator[int]:
    """The API over a town on a port of its own, which is given."""
    stop, told = asyncio.Event(), asyncio.get_running_loop().create_future()
    server = asyncio.create_task(
        serve(settings, population.store, RULES, population.clock, stop, listening=told.set_result)
    )
    try:
        yield await asyncio.wait_for(told, 20)
    finally:
        stop.set()
        await asyncio.wait_for(server, 30)


def birthday_of(born: str, age: int) -> datetime:
    from datetime import date

    day = date.fromisoformat(born)
    return midnight(day.replace(year=day.year + age))
