"""A realistic day, played on an embedded database and broker with really signed orders, reported as it goes."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any, Literal
from uuid import uuid4

from sigill.devtools.signing import sign_jws
from sigill.policy.calendar import STOCKHOLM
from sigill.policy.effects import Sentence
from sigill.policy.lexicon import SUPPRESSION
from sigill.policy.rulebook import Rulebooks
from sigill.policy.wording import label
from sigill.scenario.cast import Numbers
from sigill.scenario.format import PersonSpec, ScenarioStep, read_file
from sigill.scenario.live import LiveDriver, ScenarioEnvironment, Workers
from sigill.scenario.play import ScenarioRunner, SeenReceipt
from sigill.scenario.run import AUDIENCE
from sigill.scenario.wire import cloud_event
from sigill.store import audit, audit_check
from sigill_contracts.topics import ORDERS
from sigill_contracts.vocabulary import Form, IdType, OrderId, Outcome, Service, Suppression, Template

DAY = Path(__file__).with_name("day.yaml")
Kill = Literal["broker", "database", "workers"]


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice that an order brought. `kept_from` says why it goes to nobody; None: it is sent to `recipient`."""

    recipient: str
    label: Sentence
    kept_from: Sentence | None


@dataclass(frozen=True, slots=True)
class Chain:
    """What a verification of the audit chains found: entries read, and faults in chains and tables."""

    entries: int
    faults: int


@dataclass(frozen=True, slots=True)
class Happened:
    """One order of the day and what became of it."""

    at: datetime
    form: str
    patient: str
    what: str
    told: SeenReceipt
    milliseconds: float
    notices: tuple[Notice, ...] = ()
    held: str = ""
    """What was in force from the call on, before any signed form had come; empty: no call."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One line of somebody's access."""

    viewer: str
    service: str
    allowed: bool
    because: tuple[str, ...]


class DemoDay:
    """The day on a running program."""

    def __init__(self, ground: ScenarioEnvironment, workers: Workers, books: Rulebooks) -> None:
        (self.story,) = read_file(DAY)
        self.ground, self.workers = ground, workers
        self.stage = LiveDriver(ground, workers, patience=120)
        self.numbers = Numbers()
        self.play = ScenarioRunner(self.story, self.stage, books, self.numbers, AUDIENCE)
        self._seen = 0

    async def begin(self) -> None:
        """Publish register and directory messages about everybody."""
        await self.stage.begin()
        await self.play.prepare()
        self._seen = len(self.ground.wire.notifications)

    async def happen(
        self, told: Callable[[Happened], None], interrupt: Callable[[], None] | None = None
    ) -> None:
        """Let the day pass. `interrupt` is called once, in its middle."""
        orders = [i for i, step in enumerate(self.story.steps) if step.order is not None]
        middle = orders[len(orders) // 2]
        for index, step in enumerate(self.story.steps):
            if index == middle:
                told(await self._unreadable())
                if interrupt is not None:
                    interrupt()
            if step.order is None:
                await self.play.step(step)
            else:
                told(await self._order(step))

    async def _order(self, step: ScenarioStep) -> Happened:
        order = step.order
        if order is None:
            raise ValueError("no order")
        began = monotonic()
        answer = await self.play.order(order)
        took = (monotonic() - began) * 1000
        first = next(s.order for s in self.story.steps if s.order and s.order.id == order.id)
        words = [
            "by phone" if order.channel == "phone" else "",
            "the same bytes again" if order.resend else "",
            f"forged: {order.tamper}" if order.tamper else "",
            "the signed form"
            if order.follows_up and order.form == first.form and order.id.endswith("f")
            else "",
        ]
        form = (order.form or first.form or Form.SEAL_JOURNAL).value
        patient = order.patient or first.patient or ""
        notices = await self._notices()
        held = ""
        if order.channel == "phone" and answer.outcome == Outcome.PENDING and order.guardians:
            held = await self._held(patient, tuple(order.guardians))
        what = " ".join(w for w in words if w)
        return Happened(self.play.clock, form, patient, what, answer, took, notices, held)

    async def _notices(self) -> tuple[Notice, ...]:
        """The notices published since the last time."""
        await self.stage.notifications()  # waits until everything is published
        published = self.ground.wire.notifications
        new, self._seen = published[self._seen :], len(published)
        return tuple(self._notice(message) for message in new)

    def _notice(self, message: dict[str, Any]) -> Notice:
        person = message["recipient"]["person"]
        names = {actor.ref.id: name for name, actor in self.play.cast.people.items()}
        kind = {"operators": "the support desk", "unit": "the unit"}.get(
            message["recipient"]["kind"], "nobody"
        )
        return Notice(
            names[person["id"]] if person else kind,
            label(Template(message["template"])),
            SUPPRESSION[Suppression(message["suppressed"])] if message["suppressed"] else None,
        )

    async def _held(self, child: str, guardians: tuple[str, ...]) -> str:
        """Say who is shut out of a child's record although only a call has been made."""
        seen = await self.access(child, guardians, self.play.clock)
        shut = [s.viewer for s in seen if s.service.startswith(Service.JOURNAL) and not s.allowed]
        return f"{', '.join(shut)} no longer reads {child}'s record, from the call on" if shut else ""

    async def chain(self) -> Chain:
        """Verify every audit chain, and every table of history against it."""
        async with self.ground.store.reading() as tx:
            faults = [*await audit_check.verify(tx), *await audit_check.verify_rows(tx)]
            return Chain(sum(head.position for head in await audit.heads(tx)), len(faults))

    async def _unreadable(self) -> Happened:
        """Bytes that nobody can read: they go to the dead letters as they are, and nothing stops."""
        began = monotonic()
        event_id = str(uuid4())
        key = self.stage.key_of(self.play.cast.people["Sven"].ref.id)
        headers = cloud_event(ORDERS, event_id, "/scenario/ehr", key, self.play.clock, "application/jose")
        answer = await self.stage.publish_raw(event_id, key, b"\x00\xffnot a signature", headers)
        return Happened(self.play.clock, "?", "?", "unreadable bytes", answer, (monotonic() - began) * 1000)

    async def access(self, child: str, viewers: tuple[str, ...], at: datetime) -> tuple[Seen, ...]:
        """Who sees what of a child now."""
        lines = []
        place = self.play.cast.places["barnklinik"]
        for viewer in viewers:
            for service in (Service.JOURNAL, Service.E_SERVICES):
                unit = self.play.cast.units["barnklinik"] if service is Service.JOURNAL else None
                people = self.play.cast.people
                answer = await self.stage.ask(
                    people[viewer].ref, people[child].ref, service, unit, None, at, None
                )
                what = service.value if unit is None else f"{service.value}, {place.name}"
                lines.append(Seen(viewer, what, answer.allowed, answer.codes))
        return tuple(lines)

    async def rate(self, count: int) -> float:
        """Orders a second from publishing to the last receipt: each a real signature of its own patient's."""
        names = [f"resident-{i}" for i in range(count)]
        for name in names:
            self.play.cast.add(name, PersonSpec(born="1980-01-01", id_type=IdType.RESERVNUMMER))
        clock = self.play.clock
        await self.stage.tell_register([self.play.cast.record(name, clock) for name in names])
        prepared = [self._simple(name, clock) for name in names]
        began = monotonic()
        await self.stage.publish_many(prepared)
        return count / (monotonic() - began)

    def _simple(self, name: str, clock: datetime) -> tuple[OrderId, str, bytes]:
        step = ScenarioStep.model_validate(
            {
                "order": {
                    "id": f"rate-{name}",
                    "form": "lock_login",
                    "patient": name,
                    "initiative": "care",
                    "decided_by": "Dahl",
                }
            }
        ).order
        if step is None:
            raise ValueError("no order")
        form, signer = self.play.cast.form(step, clock)
        holder = self.ground.authority.staff(self.play.cast.staff[signer or "Dahl"].hsa_id)
        signed = sign_jws(json.dumps(form).encode(), holder, signed_at=clock)
        return OrderId(form["order_id"]), self.stage.key_of(form["patient"]["id"]), signed


def local(at: datetime) -> str:
    """Clock time in Sweden."""
    return f"{at.astimezone(STOCKHOLM):%H:%M}"
