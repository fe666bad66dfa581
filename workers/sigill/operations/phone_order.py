"""
Urgent orders by phone: the operator's entries become a form, signed with the operator's key and put on the topic.

Nothing is written to the database here: intake judges the order like every other, and the page waits for its answer.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar
from uuid import UUID

from pydantic import ValidationError

from sigill.operations.operator_signing import OperatorSigner
from sigill.policy.calendar import swedish_date
from sigill.policy.effects import Sentence
from sigill.policy.identity_numbers import NumberError, NumberRules
from sigill.processing.patient_keys import KeyRing
from sigill.stream.producer import OutgoingRecord, StreamProducer
from sigill.stream.records import Event, write_binary
from sigill_contracts.envelope import Envelope
from sigill_contracts.order import Inform, PersonRef, SignedForm, StaffRef
from sigill_contracts.topics import ORDERS
from sigill_contracts.vocabulary import Attestation, Channel, Form, Initiative, Role

SOURCE = "urn:sigill:console"
_Word = TypeVar("_Word", Form, Initiative)


@dataclass(frozen=True, slots=True)
class EntryFault:
    """A field with a missing or invalid value, and how to correct it."""

    field: str
    text: Sentence


class NotFilledIn(Exception):
    """The entries do not make a form; `faults` says every reason at once."""

    def __init__(self, faults: Sequence[EntryFault]) -> None:
        self.faults = tuple(faults)
        super().__init__(f"{len(self.faults)} fields")


class Sending:
    """The console's one producer, used by one request at a time."""

    def __init__(self, producer: StreamProducer) -> None:
        self._producer = producer
        self._turn = asyncio.Lock()

    async def send(self, records: Sequence[OutgoingRecord]) -> None:
        """Send records and wait until the brokers have them. Raises what `StreamProducer.send_in_order` does."""
        async with self._turn:
            await self._producer.send_in_order(records)

    async def stop(self) -> None:
        """Close it."""
        await self._producer.stop()


def form_of(
    entries: Mapping[str, object],
    *,
    order_id: UUID,
    audience: str,
    now: datetime,
    numbers: NumberRules,
) -> SignedForm:
    """
    Make the form of what was entered; `now` (UTC) is the moment of the decision when none is given.

    Raises NotFilledIn.
    """
    reading = _Entries(entries, swedish_date(now), numbers)
    fields = {
        "order_id": order_id,
        "audience": audience,
        "region": reading.text("region"),
        "form": reading.one_of("form", Form),
        "patient": reading.person("patient", needed=True),
        "initiative": reading.one_of("initiative", Initiative),
        "decided_by": reading.staff("decided_by"),
        "consulted": tuple(one for one in (reading.staff("consulted"),) if one is not None),
        "decided_at": now,
        "urgent": reading.ticked("urgent"),
        "channel": Channel.PHONE,
        "units": tuple(reading.words("units")) or None,
        "valid_through": reading.day("valid_through"),
        "guardians": reading.people("guardians"),
        "attestations": tuple(reading.many_of("attestations", Attestation)),
        "own_attestations": tuple(one for one in reading.words("attestations") if ":" in one) or None,
        "motivation": reading.text("motivation", needed=False) or None,
        "review_on": reading.day("review_on"),
        "inform": Inform(
            guardians=reading.yes_or_no("inform_guardians"),
            patient=reading.yes_or_no("inform_patient"),
        ),
    }
    if reading.faults:
        raise NotFilledIn(reading.faults)
    try:
        return SignedForm.model_validate(fields)
    except ValidationError as error:
        wrong = {str(one["loc"][0]) if one["loc"] else "form" for one in error.errors(include_input=False)}
        raise NotFilledIn([EntryFault(name, _UNFIT) for name in sorted(wrong)]) from None


def record_of(
    form: SignedForm, signer: OperatorSigner, keys: KeyRing, topic: str, now: datetime
) -> OutgoingRecord:
    """Sign a form and dress it as the record that goes on `topic`."""
    key = keys.of(form.patient.id)
    envelope = Envelope(
        id=str(form.order_id),
        source=SOURCE,
        type=ORDERS.event_type or "",
        time=now,
        subject=key,
        content_type=ORDERS.content_types[0],
    )
    signed = signer.sign(form.model_dump_json().encode(), now)
    headers, value = write_binary(Event(envelope, signed))
    return OutgoingRecord(topic, key.encode("ascii"), value, headers)


_NEEDED = Sentence("Fyll i fältet.", "Fill in the field.")
_UNFIT = Sentence("Fältet är inte rätt ifyllt.", "The value of the field is not valid.")
_DAY = Sentence("Skriv datumet som ÅÅÅÅ-MM-DD.", "Write the date as YYYY-MM-DD.")
_STAFF = Sentence("Ange HSA-id, roll och enhet.", "Give HSA-id, role and unit.")


class _Entries:
    """Reads entries one by one and gathers what is wrong."""

    def __init__(self, entries: Mapping[str, object], today: date, numbers: NumberRules) -> None:
        self._entries = entries
        self._today = today
        self._numbers = numbers
        self.faults: list[EntryFault] = []

    def _raw(self, name: str) -> str:
        value = self._entries.get(name)
        return value.strip() if isinstance(value, str) else ""

    def text(self, name: str, *, needed: bool = True) -> str:
        value = self._raw(name)
        if needed and not value:
            self.faults.append(EntryFault(name, _NEEDED))
        return value

    def words(self, name: str) -> list[str]:
        return self._raw(name).replace(",", " ").split()

    def ticked(self, name: str) -> bool:
        return self._raw(name) == "yes"

    def yes_or_no(self, name: str) -> bool | None:
        """The answer to a question that may be left open."""
        return {"yes": True, "no": False}.get(self._raw(name))

    def one_of(self, name: str, kind: type[_Word]) -> _Word | None:
        try:
            return kind(self._raw(name))
        except ValueError:
            self.faults.append(EntryFault(name, _NEEDED))
            return None

    def many_of(self, name: str, kind: type[Attestation]) -> list[Attestation]:
        return [kind(word) for word in self.words(name) if word in set(kind)]

    def day(self, name: str) -> date | None:
        value = self._raw(name)
        if not value:
            return None
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.faults.append(EntryFault(name, _DAY))
            return None

    def person(self, name: str, *, needed: bool = False) -> PersonRef | None:
        value = self._raw(name)
        if not value:
            if needed:
                self.faults.append(EntryFault(name, _NEEDED))
            return None
        return self._identity(name, value)

    def people(self, name: str) -> tuple[PersonRef, ...] | None:
        found = [self._identity(name, word) for word in self.words(name)]
        return tuple(one for one in found if one is not None) or None

    def _identity(self, name: str, value: str) -> PersonRef | None:
        try:
            identity = self._numbers.read(value, on=self._today, region=self._raw("region") or None)
        except NumberError as error:
            self.faults.append(EntryFault(name, error.text))
            return None
        return PersonRef(id_type=identity.id_type, id=identity.number)

    def staff(self, name: str) -> StaffRef | None:
        hsa_id, role, unit = (self._raw(f"{name}_{part}") for part in ("hsa_id", "role", "unit"))
        if not (hsa_id or unit):
            return None
        try:
            return StaffRef(hsa_id=hsa_id, role=Role(role), unit=unit)
        except ValueError:
            self.faults.append(EntryFault(f"{name}_hsa_id", _STAFF))
            return None
