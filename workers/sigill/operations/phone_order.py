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
from sigill.stream.records import binary_headers
from sigill_contracts.envelope import Envelope
from sigill_contracts.order import CourtOrder, DocumentRef, Inform, PersonRef, SignedForm, StaffRef
from sigill_contracts.topics import ORDERS
from sigill_contracts.vocabulary import (
    Attestation,
    Channel,
    ContinueDecision,
    DocumentKind,
    Duty,
    Form,
    Initiative,
    Opinion,
    Role,
)

SOURCE = "urn:sigill:console"
_Word = TypeVar("_Word", Form, Initiative, ContinueDecision, Opinion)
_Many = TypeVar("_Many", Attestation, Duty)


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
        "consulted": tuple(ref for ref in (reading.staff("consulted"),) if ref is not None),
        "decided_at": now,
        "urgent": reading.ticked("urgent"),
        "channel": Channel.PHONE,
        "units": tuple(reading.words("units")) or None,
        "recorded_from": reading.day("recorded_from"),
        "recorded_to": reading.day("recorded_to"),
        "valid_from": reading.day("valid_from"),
        "valid_through": reading.day("valid_through"),
        "guardians": reading.people("guardians"),
        "representative": reading.person("representative"),
        "court_order": reading.court_order(),
        "releases": reading.ids("releases"),
        "follows_up": next(iter(reading.ids("follows_up") or ()), None),
        "decision": reading.one_of("decision", ContinueDecision, needed=False),
        "opinion": reading.one_of("opinion", Opinion, needed=False),
        "given": reading.yes_or_no("given"),
        "attestations": tuple(reading.many_of("attestations", Attestation)),
        "own_attestations": tuple(word for word in reading.words("attestations") if ":" in word) or None,
        "motivation": reading.text("motivation", needed=False) or None,
        "review_on": reading.day("review_on"),
        "references": reading.references(),
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
        wrong = {
            str(problem["loc"][0]) if problem["loc"] else "form"
            for problem in error.errors(include_input=False)
        }
        raise NotFilledIn([EntryFault(name, _UNFIT) for name in sorted(wrong)]) from None


def entries_of(form: SignedForm) -> dict[str, str]:
    """The entries that make such a form again, for an order that is corrected; its id is not among them."""
    found: dict[str, str] = {
        "region": form.region,
        "form": form.form,
        "patient": form.patient.id,
        "initiative": form.initiative,
        "urgent": "yes" if form.urgent else "",
        "units": " ".join(form.units or ()),
        "guardians": " ".join(guardian.id for guardian in form.guardians or ()),
        "representative": form.representative.id if form.representative else "",
        "releases": " ".join(str(measure_id) for measure_id in form.releases or ()),
        "follows_up": str(form.follows_up or ""),
        "decision": form.decision or "",
        "opinion": form.opinion or "",
        "attestations": " ".join((*form.attestations, *(form.own_attestations or ()))),
        "motivation": form.motivation or "",
    }
    for name in ("recorded_from", "recorded_to", "valid_from", "valid_through", "review_on"):
        day: date | None = getattr(form, name)
        found[name] = day.isoformat() if day else ""
    for name, one in (("decided_by", form.decided_by), ("consulted", next(iter(form.consulted), None))):
        if one is not None:
            found |= {f"{name}_hsa_id": one.hsa_id, f"{name}_role": one.role, f"{name}_unit": one.unit}
    said = {
        "inform_guardians": form.inform.guardians,
        "inform_patient": form.inform.patient,
        "given": form.given,
    }
    found |= {name: {True: "yes", False: "no", None: ""}[told] for name, told in said.items()}
    for reference in form.references or ():
        found[f"references_{reference.kind}_id"] = reference.id
        found[f"references_{reference.kind}_sha256"] = reference.sha256
    if form.court_order is not None:
        given = form.court_order
        found |= {
            "court_order_court": given.court,
            "court_order_reference": given.reference,
            "court_order_date": given.date.isoformat(),
            "court_order_duties": " ".join(given.duties),
            "court_order_valid_through": given.valid_through.isoformat() if given.valid_through else "",
        }
    return {name: str(value) for name, value in found.items() if value}


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
    return OutgoingRecord(topic, key.encode("ascii"), signed, binary_headers(envelope))


_NEEDED = Sentence("Fyll i fältet.", "Fill in the field.")
_UNFIT = Sentence("Fältet är inte rätt ifyllt.", "The value of the field is not valid.")
_ID = Sentence(
    "Ange beställningens id, eller välj bland patientens åtgärder.",
    "Give the order's id, or choose among the patient's measures.",
)
_COURT = Sentence(
    "Ange domstol, målnummer, dag och uppdrag.", "Give the court, its case number, the day and the duties."
)
_DOCUMENT = Sentence(
    "Ange handlingens id och dess SHA-256 (64 siffror och bokstäver a–f).",
    "Give the document's id and its SHA-256 (64 digits and letters a-f).",
)
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

    def one_of(self, name: str, kind: type[_Word], *, needed: bool = True) -> _Word | None:
        value = self._raw(name)
        try:
            return kind(value)
        except ValueError:
            if needed or value:
                self.faults.append(EntryFault(name, _NEEDED))
            return None

    def ids(self, name: str) -> tuple[UUID, ...] | None:
        """Ids of orders."""
        try:
            return tuple(UUID(word) for word in self.words(name)) or None
        except ValueError:
            self.faults.append(EntryFault(name, _ID))
            return None

    def court_order(self) -> CourtOrder | None:
        """The court's appointment; None where nothing of it is filled in."""
        parts = [self._raw(f"court_order_{part}") for part in ("court", "reference", "date", "duties")]
        if not any(parts):
            return None
        court, reference, day, _ = parts
        try:
            return CourtOrder(
                court=court,
                reference=reference,
                date=date.fromisoformat(day),
                duties=tuple(self.many_of("court_order_duties", Duty)),
                valid_through=self.day("court_order_valid_through"),
            )
        except ValueError:
            self.faults.append(EntryFault("court_order_court", _COURT))
            return None

    def references(self) -> tuple[DocumentRef, ...] | None:
        """Documents in the record, one of a kind: `references_<kind>_id` and `references_<kind>_sha256`."""
        found: list[DocumentRef] = []
        for kind in DocumentKind:
            name = f"references_{kind}"
            document, digest = self._raw(f"{name}_id"), self._raw(f"{name}_sha256")
            if not (document or digest):
                continue
            try:
                found.append(DocumentRef(kind=kind, id=document, sha256=digest))
            except ValueError:
                self.faults.append(EntryFault(f"{name}_id", _DOCUMENT))
        return tuple(found) or None

    def many_of(self, name: str, kind: type[_Many]) -> list[_Many]:
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
        return tuple(ref for ref in found if ref is not None) or None

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
