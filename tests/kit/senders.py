"""Invented people and staff of a made-up region, and actors that speak to the topics as the outside does."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from sigill.devtools.authority import DevAuthority
from sigill.devtools.signing import sign_jws, tampered_jws
from sigill.processing.patient_keys import KeyRing
from sigill.stream.records import Record, binary_headers
from sigill_contracts.envelope import Envelope
from sigill_contracts.topics import ORDERS, PERSONS, STAFF, UNITS, TopicSpec

REGION = "testland"
UNIT = "SE2321000099-TEST"
DOCTOR = "SE2321000099-DOC1"
OPERATOR = "SE2321000099-OPER"
AUDIENCE = "sigill/test"
CHILD = "201803052382"
MOTHER = "198501012384"
FATHER = "198402022391"
ADULT = "197006062388"
KEYS = KeyRing({"v1": bytes(32)}, "v1")


@dataclass(frozen=True, slots=True)
class Sent:
    """A message as a producer sends it."""

    topic: TopicSpec
    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    order_id: str = ""

    def record(self, offset: int, at: datetime, *, prefix: str = "", partition: int = 0) -> Record:
        """The record that the broker would hold."""
        return Record(
            topic=f"{prefix}{self.topic.name}",
            partition=partition,
            offset=offset,
            timestamp=int(at.timestamp() * 1000),
            timestamp_type="append",
            key=self.key,
            value=self.value,
            headers=self.headers,
        )


def _event(
    topic: TopicSpec, key: str, event_id: str, content_type: str, data: bytes | None, **more: Any
) -> Sent:
    envelope = Envelope(
        id=event_id,
        source="urn:example:outside",
        type=more.get("event_type", topic.event_type),
        subject=more.get("subject", key),
        content_type=content_type,
    )
    return Sent(topic, key.encode(), data, binary_headers(envelope), event_id)


def person(ref: str, id_type: str = "personnummer") -> dict[str, str]:
    """A person as messages name one."""
    return {"id_type": id_type, "id": ref}


@dataclass
class Senders:
    """Everybody outside: the EHR, the register and the directory. `start` is when certificates begin to hold."""

    start: datetime
    authority: DevAuthority = field(init=False)

    def __post_init__(self) -> None:
        self.authority = DevAuthority.create(self.start)

    def form(self, at: datetime, form: str = "seal_journal", **fields: Any) -> dict[str, Any]:
        """A form as the EHR fills it in, with what is not given left at a good default."""
        return {
            "order_id": str(uuid4()),
            "audience": AUDIENCE,
            "region": REGION,
            "form": form,
            "patient": person(ADULT),
            "initiative": "care",
            "decided_by": {"hsa_id": DOCTOR, "role": "treating_physician", "unit": UNIT},
            "decided_at": at.isoformat(),
            "motivation": "Text.",
            **fields,
        }

    def signs(self, form: dict[str, Any], at: datetime, *, by: str = DOCTOR, **more: Any) -> Sent:
        """The form, signed, in an envelope that fits it. `tamper`, `key`, `event_id`, `subject` make it not fit."""
        payload = json.dumps(form).encode()
        if how := more.pop("tamper", None):
            data = tampered_jws(how, payload, by, self.authority, signed_at=at)
        else:
            data = sign_jws(payload, self.authority.staff(by), signed_at=at)
        key = more.pop("key", None) or KEYS.of(form["patient"]["id"])
        event_id = more.pop("event_id", None) or form["order_id"]
        return _event(ORDERS, key, event_id, "application/jose", data, **more)

    def orders(self, at: datetime, form: str = "seal_journal", **fields: Any) -> Sent:
        """A signed order with a good default for everything."""
        return self.signs(self.form(at, form, **fields), at)

    def garbage(self, number: str = ADULT, data: bytes = b"not a signature") -> Sent:
        """A message that nobody can read, under a patient's key."""
        return _event(ORDERS, KEYS.of(number), str(uuid4()), "application/jose", data)

    def registers(self, at: datetime, number: str, sequence: int = 1, **fields: Any) -> Sent:
        """What the population register says of somebody; the birth date is read from the number."""
        body = {
            "person": person(number),
            "sequence": sequence,
            "changed_at": at.isoformat(),
            "birth_date": f"{number[:4]}-{number[4:6]}-{number[6:8]}",
            "county": "99",
            **fields,
        }
        key = KEYS.of(number)
        return _event(PERSONS, key, str(uuid4()), "application/json", json.dumps(body).encode())

    def employs(
        self, at: datetime, hsa_id: str, roles: Sequence[str], sequence: int = 1, unit: str = UNIT
    ) -> Sent:
        """What the directory says of a staff member."""
        body = {
            "hsa_id": hsa_id,
            "sequence": sequence,
            "changed_at": at.isoformat(),
            "assignments": [{"unit": unit, "region": REGION, "roles": list(roles)}],
        }
        return _event(STAFF, hsa_id, str(uuid4()), "application/json", json.dumps(body).encode())

    def unit(self, at: datetime, unit: str = UNIT, sequence: int = 1, **fields: Any) -> Sent:
        """What the directory says of a unit."""
        body = {
            "unit": unit,
            "sequence": sequence,
            "changed_at": at.isoformat(),
            "name": "Medicinkliniken",
            "region": REGION,
            **fields,
        }
        return _event(UNITS, unit, str(uuid4()), "application/json", json.dumps(body).encode())

    def people(self, at: datetime) -> list[Sent]:
        """A child with two guardians, and an adult."""
        custody = [{"guardian": person(MOTHER)}, {"guardian": person(FATHER)}]
        return [
            self.registers(at, MOTHER),
            self.registers(at, FATHER),
            self.registers(at, CHILD, custody=custody),
            self.registers(at, ADULT),
        ]

    def staff(self, at: datetime) -> list[Sent]:
        """A doctor and a support operator."""
        return [
            self.employs(at, DOCTOR, ["treating_physician"]),
            self.employs(at, OPERATOR, ["support_operator"]),
        ]
