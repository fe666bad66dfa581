"""
Everybody outside, for runs of faults: households in three regions, and a seeded choice of what they send.

Forms come from the scenarios' own cast, so that they are what the real rulebooks ask for. Every message is
remembered with what it is, by its digest, for the checker to find again on the topic.
"""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from uuid import uuid4

from sigill.devtools.authority import DevAuthority
from sigill.devtools.signing import sign_jws, sign_xades, tampered_jws
from sigill.policy.calendar import swedish_date
from sigill.policy.rulebook import Rulebooks
from sigill.scenario.cast import Numbers, ScenarioData
from sigill.scenario.format import OrderStep, PersonSpec, RegisterStep, Scenario, StaffSpec
from sigill.scenario.play import OrderToSign
from sigill.stream.records import binary_headers
from sigill_contracts.directory import StaffRecord
from sigill_contracts.envelope import Envelope
from sigill_contracts.keys import patient_key
from sigill_contracts.register import PersonRecord
from sigill_contracts.topics import ORDERS, PERSONS, STAFF, TopicSpec
from sigill_contracts.vocabulary import Channel, Form, IdType, Initiative, Role

AUDIENCE = "sigill/faults"
REGIONS = ("kronoberg", "jamtland-harjedalen", "vastra-gotaland")
SECRET = b"faults" * 8
MOTIVATION = "Hemlig bedömning nr"
"""How every motivation begins, to search logs for."""

Kind = Literal["order", "tampered", "garbage"]
Headers = tuple[tuple[str, bytes], ...]

_PROTECTING = (
    Form.SEAL_JOURNAL,
    Form.LOCK_LOGIN,
    Form.BLOCK_GUARDIANS,
    Form.SEAL_CHILD,
    Form.RESTRICT_GUARDIAN_ACCESS,
)
_OPENING = (
    Form.RELEASE_JOURNAL_SEAL,
    Form.RELEASE_LOGIN_LOCK,
    Form.RELEASE_GUARDIAN_BLOCK,
    Form.RELEASE_CHILD_SEAL,
    Form.RELEASE_GUARDIAN_RESTRICTION,
    Form.GRANT_GUARDIAN_ACCESS,
    Form.GRANT_MINOR_ACCESS,
    Form.REVOKE_GUARDIAN_ACCESS,
    Form.REVOKE_MINOR_ACCESS,
)


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it is published. `order_id` is set for forms, `kind` for what is on the orders topic."""

    topic: TopicSpec
    key: str
    value: bytes
    headers: Headers
    kind: Kind = "order"
    order_id: str = ""
    order: OrderToSign | None = None
    record: PersonRecord | StaffRecord | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the value, hex."""
        return hashlib.sha256(self.value).hexdigest()


@dataclass
class Household:
    """A child or a grown-up with the guardians, by their names in the cast."""

    cast: ScenarioData
    patient: str
    guardians: tuple[str, ...]
    orders: list[str] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)
    unordered: bool = False
    """Its messages raced each other, so the pure core cannot say what came of them."""


@dataclass
class Outside:
    """The EHR, the register and the directory. The same seed gives the same people and the same wishes."""

    books: Rulebooks
    authority: DevAuthority
    choice: random.Random
    start: datetime
    households: list[Household] = field(default_factory=list)
    known: dict[str, Message] = field(default_factory=dict)
    casts: list[ScenarioData] = field(default_factory=list)
    _numbers: Numbers = field(default_factory=Numbers)
    _serial: int = 0

    def people(self, count: int) -> None:
        """Make households: children of every age, and grown-ups."""
        for region in REGIONS:
            story = Scenario(
                scenario="faults",
                id="F",
                cites=("F-1",),
                region=region,
                start=self.start,
                people={},
                steps=(),
            )
            cast = ScenarioData(story, self.books, self._numbers, AUDIENCE)
            for role in Role:
                cast.staff[role.value] = cast._employee(role.value, StaffSpec(unit="enhet", roles=(role,)))
            self.casts.append(cast)
        for number in range(count):
            cast = self.casts[number % len(self.casts)]
            self._household(cast, number)
        self._hire()

    def _hire(self) -> None:
        """Those whom a form's defaults call for are in the directory from the start."""
        for household in self.households:
            for form in (*_PROTECTING, *_OPENING):
                self._form(
                    household, OrderStep(id=str(uuid4()), form=form, patient=household.patient), self.start
                )

    def _household(self, cast: ScenarioData, number: int) -> None:
        today = swedish_date(self.start)
        adult = self.choice.random() < 0.3
        age = self.choice.uniform(20, 80) if adult else self.choice.uniform(8, 17.5)
        patient = f"p{number}"
        guardians = () if adult else (f"g{number}a", f"g{number}b")[: self.choice.choice((1, 2, 2))]
        for name in guardians:
            born = today - timedelta(days=self.choice.randint(30 * 365, 50 * 365))
            cast.add(name, PersonSpec(born=born))
        born = today - timedelta(days=int(age * 365.25))
        registered = self.choice.random() > 0.05
        cast.add(patient, PersonSpec(born=born, guardians=guardians, registered=registered))
        self.households.append(Household(cast, patient, guardians))

    # What the directory and the register tell at the beginning

    def first(self, at: datetime) -> list[Message]:
        """Staff, then everybody whom the register knows."""
        told = [self.staff(cast, name, at) for cast in self.casts for name in cast.staff]
        for household in self.households:
            told += [
                self.tells(household, name, at)
                for name in (*household.guardians, household.patient)
                if household.cast.people[name].registered
            ]
        return told

    def staff(self, cast: ScenarioData, name: str, at: datetime) -> Message:
        """The directory's message about one of the staff."""
        record = cast.assignments(name, at)
        return self._plain(STAFF, record.hsa_id, record)

    def tells(self, household: Household, name: str, at: datetime) -> Message:
        """The register's message about somebody."""
        record = household.cast.record(name, at)
        return self._plain(PERSONS, self.key(record.person.id), record)

    def _plain(self, topic: TopicSpec, key: str, record: PersonRecord | StaffRecord) -> Message:
        value = record.model_dump_json().encode()
        headers = _headers(topic, str(uuid4()), key, "application/json", value)
        return Message(topic, key, value, headers, record=record)

    def key(self, number: str) -> str:
        """The pseudonymous key of a number."""
        return patient_key(number, SECRET, "v1")

    # What happens

    def register_changes(self, household: Household, at: datetime) -> list[Message]:
        """Something changes in the register: protection, custody, a new number, somebody known at last."""
        cast, patient = household.cast, household.patient
        actor = cast.people[patient]
        what = self.choice.choice(("protected", "custody", "number", "county", "registered"))
        step: RegisterStep
        match what:
            case "protected":
                step = RegisterStep(person=patient, protected=not actor.protected)
            case "custody" if (
                household.guardians
                and all(e is None for e in actor.guardians.values())
                and len(actor.guardians) > 1
            ):
                step = RegisterStep(person=patient, custody_ended=self.choice.choice(household.guardians))
            case "number" if not actor.former:
                step = RegisterStep(person=patient, id_changed_to=IdType.SAMORDNINGSNUMMER)
            case _:
                step = RegisterStep(person=patient, e_id=not actor.e_id)
        cast.change(step, swedish_date(at))
        return [self.tells(household, patient, at)]

    def orders(self, household: Household, at: datetime) -> list[Message]:
        """One to three messages about a patient: orders, repeats, the same id with other bytes, forgeries."""
        messages: list[Message] = []
        for _ in range(self.choice.choice((1, 1, 2, 3))):
            messages += self._wish(household, at)
        return messages

    def _wish(self, household: Household, at: datetime) -> list[Message]:
        roll = self.choice.random()
        before = [m for m in household.sent if m.kind == "order"]
        if roll < 0.12 and household.sent:
            return [self.choice.choice(household.sent)]
        if roll < 0.17 and before:
            return [self.keep(household, self._other_bytes(self.choice.choice(before), at))]
        if roll < 0.22:
            return [self.keep(household, self._tampered(household, at))]
        if roll < 0.30 and (message := self._confirmed(household, at)):
            return message
        return [self.keep(household, self.order(household, at))]

    def keep(self, household: Household, message: Message) -> Message:
        """Remember a message, for repeats and for the checker."""
        household.sent.append(message)
        self.known[message.digest] = message
        return message

    def order(self, household: Household, at: datetime, form: Form | None = None) -> Message:
        """A signed order with the defaults that its region's rules ask for."""
        wanted = form or self.choice.choice(_PROTECTING if self.choice.random() < 0.55 else _OPENING)
        step_id = str(uuid4())
        given: dict[str, object] = {"id": step_id, "form": wanted, "patient": household.patient}
        if household.guardians and wanted is Form.GRANT_GUARDIAN_ACCESS:
            given["guardians"] = household.guardians
        if self.choice.random() < 0.2:
            given["initiative"] = Initiative.CARE
            given["urgent"] = True
        step = OrderStep.model_validate(given)
        body, signer = self._form(household, step, at)
        return self._signed(household, body, signer, at)

    def _confirmed(self, household: Household, at: datetime) -> list[Message]:
        """A phone call, and the signed form that confirms it."""
        form = self.choice.choice((Form.SEAL_JOURNAL, Form.BLOCK_GUARDIANS, Form.SEAL_CHILD))
        phone = OrderStep(
            id=str(uuid4()),
            form=form,
            patient=household.patient,
            channel=Channel.PHONE,
            urgent=True,
            initiative=Initiative.CARE,
        )
        body, signer = self._form(household, phone, at)
        call = self.keep(household, self._signed(household, body, signer, at))
        later = OrderStep(
            id=str(uuid4()),
            form=form,
            patient=household.patient,
            initiative=Initiative.CARE,
            follows_up=phone.id,
        )
        body, signer = self._form(household, later, at)
        return [call, self.keep(household, self._signed(household, body, signer, at))]

    def _form(
        self, household: Household, step: OrderStep, at: datetime
    ) -> tuple[dict[str, object], str | None]:
        self._serial += 1
        body, signer = household.cast.form(step, at)
        body["motivation"] = f"{MOTIVATION} {self._serial}."
        household.orders.append(step.id)
        return body, household.cast.hsa_id_of(signer)

    def _signed(
        self, household: Household, body: dict[str, object], signer: str | None, at: datetime
    ) -> Message:
        assert signer is not None
        holder = self.authority.staff(signer)
        if self.choice.random() < 0.1:
            content_type, signed = "application/xml", sign_xades(body, holder, at)
        else:
            content_type = "application/jose"
            signed = sign_jws(json.dumps(body, ensure_ascii=False).encode(), holder, signed_at=at)
        return self._order_message(household, body, signer, signed, at, content_type=content_type)

    def _order_message(
        self,
        household: Household,
        body: dict[str, object],
        signer: str,
        signed: bytes,
        at: datetime,
        *,
        content_type: str = "application/jose",
        tamper: str | None = None,
    ) -> Message:
        key = self.key(household.cast.people[household.patient].ref.id)
        order_id = str(body["order_id"])
        return Message(
            ORDERS,
            key,
            signed,
            _headers(ORDERS, order_id, key, content_type, signed),
            kind="tampered" if tamper else "order",
            order_id=order_id,
            order=OrderToSign(body, signer, at, tamper),
        )

    def _other_bytes(self, message: Message, at: datetime) -> Message:
        """The same order id with another text, signed by the same hand."""
        assert message.order is not None
        self._serial += 1
        body = {**message.order.form, "motivation": f"{MOTIVATION} {self._serial}, ändrad."}
        signer = str(message.order.signer)
        signed = sign_jws(
            json.dumps(body, ensure_ascii=False).encode(), self.authority.staff(signer), signed_at=at
        )
        return Message(
            ORDERS,
            message.key,
            signed,
            _headers(ORDERS, message.order_id, message.key, "application/jose", signed),
            order_id=message.order_id,
            order=OrderToSign(body, signer, at, None),
        )

    def _tampered(self, household: Household, at: datetime) -> Message:
        step = OrderStep(id=str(uuid4()), form=Form.SEAL_JOURNAL, patient=household.patient)
        body, signer = self._form(household, step, at)
        assert signer is not None
        how = self.choice.choice(("payload", "signature", "untrusted_issuer", "expired_certificate"))
        signed = tampered_jws(how, json.dumps(body).encode(), signer, self.authority, signed_at=at)
        return self._order_message(household, body, signer, signed, at, tamper=how)

    def garbage(self, household: Household, value: bytes | None = None) -> Message:
        """A message that nobody can read, under a patient's key."""
        key = self.key(household.cast.people[household.patient].ref.id)
        value = self.choice.randbytes(200) if value is None else value
        headers = _headers(ORDERS, str(uuid4()), key, "application/jose", value)
        household.unordered = True
        return self.keep(household, Message(ORDERS, key, value, headers, kind="garbage"))


def _headers(topic: TopicSpec, event_id: str, key: str, content_type: str, data: bytes) -> Headers:
    envelope = Envelope(
        id=event_id,
        source="urn:example:outside",
        type=topic.event_type or "",
        subject=key,
        content_type=content_type,
    )
    return tuple(binary_headers(envelope))
