"""The real stage of the stories, where everybody has a name, every order a motivation of its own, and all are noted."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from uuid import uuid4

from sigill.devtools.signing import sign_jws
from sigill.scenario.live import LiveDriver
from sigill.scenario.play import OrderToSign, SeenReceipt
from sigill.scenario.wire import cloud_event
from sigill_contracts.register import Name, PersonRecord
from sigill_contracts.topics import ORDERS
from tests.privacy.needles import Needles

_ORDERS, _PEOPLE = count(1), count(1)


@dataclass
class NotingStage(LiveDriver):
    """Plays a story with recognisable words in every place where the field has words about people."""

    needles: Needles = field(default_factory=Needles)

    async def tell_register(self, records: Iterable[PersonRecord]) -> None:
        named = []
        for record in records:
            number = next(_PEOPLE)
            name = Name(given=f"Zölvëig{number}qx", family=f"Kråkbärslöv{number}zy")
            self.needles.numbers |= {record.person.id, *(ref.id for ref in record.former_ids)}
            self.needles.numbers |= {one.guardian.id for one in record.custody if one.guardian}
            self.needles.names |= {name.given, name.family}
            named.append(record.model_copy(update={"name": name}))
        await super().tell_register(named)

    async def send(self, order: OrderToSign) -> SeenReceipt:
        motivation = f"Ordväxling nr {next(_ORDERS)}: tjädertupp möter gråspett"
        self.needles.motivations.add(motivation)
        self.needles.numbers.add(order.form["patient"]["id"])
        for ref in (*(order.form.get("guardians") or ()), order.form.get("representative")):
            if ref:
                self.needles.numbers.add(ref["id"])
        order.form["motivation"] = motivation
        return await super().send(order)

    async def send_unreadable(self, number: str) -> SeenReceipt:
        """Bytes that nobody can read, with a number and a name in them, under the patient's own key."""
        self.needles.numbers.add(number)
        self.needles.names.add("Oläslige Rödvinge")
        event_id = str(uuid4())
        key = self.key_of(number)
        headers = cloud_event(ORDERS, event_id, "/scenario/ehr", key, self._clock(), "application/jose")
        value = f'{{"patient": "{number}", "name": "Oläslige Rödvinge"'.encode()
        return await self.publish_raw(event_id, key, value, headers)

    async def send_unfitting(self, number: str, signer: str) -> SeenReceipt:
        """A well signed form that is no form: an unknown field, a number in a wrong place, too long a text."""
        self.needles.numbers.add(number)
        motivation = "Felställd ordväxling: pärluggla på gärdsgård"
        self.needles.motivations.add(motivation)
        event_id = str(uuid4())
        key = self.key_of(number)
        form = {
            "order_id": event_id,
            "patient": {"id_type": "personnummer", "id": number},
            number: motivation,
            "motivation": [motivation],
            "form": number,
        }
        signed = sign_jws(
            json.dumps(form).encode(), self.ground.authority.staff(signer), signed_at=self._clock()
        )
        headers = cloud_event(ORDERS, event_id, "/scenario/ehr", key, self._clock(), "application/jose")
        return await self.publish_raw(event_id, key, signed, headers)
