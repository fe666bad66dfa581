"""The real stage: orders are signed, published to real topics, taken by real worker processes, written to PostgreSQL."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sigill.devtools.authority import DevAuthority
from sigill.devtools.signing import sign_jws, tampered_jws
from sigill.embedded.processes import Leash
from sigill.policy.access import AccessQuestion, decide
from sigill.policy.facts import Identity
from sigill.policy.rulebook import Rulebooks
from sigill.policy.sentences import ACCESS
from sigill.processing.protection import rules_evaluated
from sigill.runtime.clock import write_clock
from sigill.scenario.play import OrderToSign, SeenChange, SeenDecision, SeenNotification, SeenReceipt
from sigill.scenario.wire import TopicClient, cloud_event
from sigill.store import facts as store_facts
from sigill.store import inbox, outbox, persons, protection, tasks, timers
from sigill.store.session import Reading, Store
from sigill_contracts.directory import StaffRecord, UnitRecord
from sigill_contracts.elsewhere import ElsewhereRecord
from sigill_contracts.keys import patient_key
from sigill_contracts.order import PersonRef
from sigill_contracts.register import PersonRecord
from sigill_contracts.topics import ELSEWHERE, ORDERS, PERSONS, STAFF, UNITS, TopicSpec, group_of
from sigill_contracts.vocabulary import OrderId, Outcome, Service, UnitId

_PATIENCE = 30.0
_NOBODY = "SE9999999999-NOBODY"


@dataclass
class ScenarioEnvironment:
    """What a run stands on: database, topics, keys and the throw-away authority."""

    store: Store
    wire: TopicClient
    books: Rulebooks
    authority: DevAuthority
    secret: bytes
    key_version: str
    clock_file: Path
    environment: dict[str, str]
    group_prefix: str = "sigill"


class Workers:
    """
    A worker process of a run, killed and started again as the story says. `names` are the workers in it.

    It ends with this process, whatever ends that: else a killed run leaves workers that ask a dead broker for ever.
    """

    def __init__(self, environment: dict[str, str], log: Path, names: tuple[str, ...] = ("all",)) -> None:
        self._environment, self._log, self._names = environment, log, names
        self._process: subprocess.Popen[bytes] | None = None
        self._leash: Leash | None = None

    def start(self) -> None:
        """Start the workers in one process."""
        self._let_go()
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(  # noqa: S603 (this program, by names of its own)
                [sys.executable, "-m", "sigill.cli", "worker", *self._names],
                env={**os.environ, **self._environment},
                stdout=out,
                stderr=out,
            )
        self._leash = Leash(self._process.pid, None)

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL: nothing is finished, nothing is said."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._let_go()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL for what does not stop."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
        self._let_go()

    def _let_go(self) -> None:
        """Drop the leash of a process that has ended: its number may soon be another's."""
        if self._leash is not None:
            self._leash.drop()
            self._leash = None

    def check(self) -> None:
        """Raises RuntimeError with the end of the log when the workers have died."""
        if self._process is not None and self._process.poll() is not None:
            tail = self._log.read_text("utf-8", "replace")[-2000:]
            raise RuntimeError(f"the workers stopped with {self._process.returncode}:\n{tail}")


@dataclass
class LiveDriver:
    """One story's view of the running program."""

    ground: ScenarioEnvironment
    workers: Workers
    now: datetime | None = None
    patience: float = _PATIENCE
    """Seconds until something that must come is given up."""
    _sent: dict[str, tuple[str, bytes, list[tuple[str, bytes]]]] = field(default_factory=dict)
    _changes_from: int = 0
    _notices_from: int = 0
    _people: set[Identity] = field(default_factory=set)

    async def begin(self) -> None:
        """Forget what earlier stories published."""
        await self._drained()
        self._changes_from = len(self.ground.wire.changes)
        self._notices_from = len(self.ground.wire.notifications)

    def key_of(self, number: str) -> str:
        """The pseudonymous key of a number."""
        return patient_key(number, self.ground.secret, self.ground.key_version)

    # --- the clock

    async def move_clock(self, now: datetime) -> None:
        if self.now is not None:
            # another story has been here, later by its own clock: what began then has not begun in this one
            async with self.ground.store.transaction(now) as tx:
                await protection.forget(tx, self.now)
            # day by day: what is told on a day is told on that day, as it would be
            while (day := await self._next_day(self.now, now)) is not None:
                await self._set_clock(day)
        await self._set_clock(now)

    async def _next_day(self, after: datetime, until: datetime) -> datetime | None:
        """When the last thing of the next day falls due on which something of this story's people does."""
        async with self.ground.store.reading() as tx:
            who = await persons.resolve(tx, self._people)
            return await timers.next_day_of(tx, who.values(), after, until)

    async def _set_clock(self, now: datetime) -> None:
        self.now = now
        write_clock(self.ground.clock_file, now)
        await self._nothing_due()

    async def _nothing_due(self) -> None:
        now = self._clock()

        async def nothing_due(tx: Reading) -> bool:
            stats = await timers.stats(tx, now)
            return stats.overdue == 0 and await rules_evaluated(tx, self.ground.books, now)

        await self._until(nothing_due, "the due timers, and the rules that began")

    # --- what comes in

    async def tell_register(self, records: Iterable[PersonRecord]) -> None:
        told = tuple(records)
        self._people.update(_identity(r.person) for r in told)
        await self._publish_all(
            PERSONS, [(self.key_of(r.person.id), r.model_dump_json().encode()) for r in told], "register"
        )

    async def tell_directory(self, records: Iterable[StaffRecord]) -> None:
        await self._publish_all(
            STAFF, [(r.hsa_id, r.model_dump_json().encode()) for r in records], "directory"
        )

    async def tell_units(self, records: Iterable[UnitRecord]) -> None:
        await self._publish_all(UNITS, [(r.unit, r.model_dump_json().encode()) for r in records], "directory")
        await self._nothing_due()

    async def tell_elsewhere(self, record: ElsewhereRecord) -> None:
        key = record.source if record.measure is None else f"{record.source}/{record.measure.reference}"
        await self._publish_all(ELSEWHERE, [(key, record.model_dump_json().encode())], "register")
        await self._nothing_due()

    async def _publish_all(self, spec: TopicSpec, messages: list[tuple[str, bytes]], worker: str) -> None:
        sent = []
        for key, value in messages:
            headers = cloud_event(
                spec, str(uuid4()), f"/scenario/{worker}", key, self._clock(), "application/json"
            )
            sent.append(await self.ground.wire.publish(spec, key, value, headers, self._clock()))
        await self._taken(sent, worker)

    def _clock(self) -> datetime:
        if self.now is None:
            raise RuntimeError("the clock has not been set")
        return self.now

    async def send(self, order: OrderToSign) -> SeenReceipt:
        payload = json.dumps(order.form, ensure_ascii=False).encode()
        signer = order.signer or _NOBODY
        if order.tamper in (None, "unknown_signer"):
            signed = sign_jws(payload, self.ground.authority.staff(signer), signed_at=order.signed_at)
        else:
            signed = tampered_jws(
                order.tamper,  # type: ignore[arg-type]
                payload,
                signer,
                self.ground.authority,
                signed_at=order.signed_at,
            )
        order_id = order.form["order_id"]
        self._people.add(_identity(PersonRef.model_validate_json(json.dumps(order.form["patient"]))))
        key = self.key_of(order.form["patient"]["id"])
        headers = cloud_event(ORDERS, order_id, "/scenario/ehr", key, self._clock(), "application/jose")
        self._sent.setdefault(order_id, (key, signed, headers))
        return await self._answered(order_id, key, signed, headers)

    async def send_again(self, order_id: UUID) -> SeenReceipt:
        key, signed, headers = self._sent[str(order_id)]
        return await self._answered(str(order_id), key, signed, headers)

    async def publish_raw(
        self, event_id: str, key: str, value: bytes, headers: list[tuple[str, bytes]]
    ) -> SeenReceipt:
        """Publish bytes as they are, and wait for what becomes of them."""
        return await self._answered(event_id, key, value, headers)

    async def publish_many(self, orders: list[tuple[OrderId, str, bytes]]) -> None:
        """Publish signed orders at once, and wait for every receipt."""
        wire, at = self.ground.wire, self._clock()
        await asyncio.gather(
            *(
                wire.publish(
                    ORDERS,
                    key,
                    signed,
                    cloud_event(ORDERS, order_id, "/scenario/ehr", key, at, "application/jose"),
                    at,
                )
                for order_id, key, signed in orders
            )
        )
        await wire.until(lambda: all(wire.receipts.get(o) for o, _, _ in orders), "every receipt", 120)

    async def _answered(
        self, order_id: str, key: str, signed: bytes, headers: list[tuple[str, bytes]]
    ) -> SeenReceipt:
        wire = self.ground.wire
        before = len(wire.receipts[order_id])
        await wire.publish(ORDERS, key, signed, headers, self._clock())

        def come() -> bool:
            return len(wire.receipts[order_id]) > before or order_id in wire.dead

        try:
            await wire.until(come, "a receipt", self.patience)
        except TimeoutError:
            self.workers.check()
            raise
        if order_id in wire.dead and len(wire.receipts[order_id]) == before:
            return SeenReceipt("dead_letter")
        return _told(wire.receipts[order_id][-1])

    # --- what comes out

    async def newest_receipt(self, order_id: UUID) -> SeenReceipt | None:
        await self._drained()
        found = self.ground.wire.receipts.get(str(order_id))
        return _told(found[-1]) if found else None

    async def changes(self) -> tuple[SeenChange, ...]:
        await self._drained()
        return tuple(_changed(c) for c in self.ground.wire.changes[self._changes_from :])

    async def notifications(self) -> tuple[SeenNotification, ...]:
        await self._drained()
        own = set(self._sent)
        return tuple(
            _notified(n)
            for n in self.ground.wire.notifications[self._notices_from :]
            if not n["suppressed"]
            and (n["order_id"] is None or n["order_id"] in own or n["recipient"]["person"])
        )

    async def ask(
        self,
        viewer: PersonRef,
        patient: PersonRef,
        service: Service,
        unit: str | None,
        recorded_on: date | None,
        at: datetime,
        known_at: datetime | None,
        information_type: str | None = None,
    ) -> SeenDecision:
        async with self.ground.store.reading() as tx:
            who = await persons.resolve(tx, [_identity(viewer), _identity(patient)])
            person = who.get(_identity(patient))
            units = [UnitId(unit)] if unit else []
            known = await store_facts.patient_facts(
                tx, [person] if person else [], known_at=known_at, units=units
            )
        facts = known.get(person) if person else None
        if facts is None:
            return SeenDecision(False, ("no_relation",), "the patient is not known")
        asked = UnitId(unit) if unit else None
        question = AccessQuestion(
            who.get(_identity(viewer)), service, at, asked, recorded_on, information_type
        )
        decision = decide(question, facts, self.ground.books)
        why = "; ".join(f"{r.code}: {ACCESS[r.code].en} {list(r.rules)}" for r in decision.reasons)
        return SeenDecision(decision.allowed, tuple(str(c) for c in decision.codes), why)

    async def measures(self, patient: PersonRef, at: datetime) -> set[str]:
        async with self.ground.store.reading() as tx:
            who = await persons.resolve(tx, [_identity(patient)])
            known = await store_facts.patient_facts(tx, who.values())
        return {m.kind.value for facts in known.values() for m in facts.in_force(at)}

    async def tasks(self, patient: PersonRef) -> set[str]:
        async with self.ground.store.reading() as tx:
            who = await persons.resolve(tx, [_identity(patient)])
            found = [
                task for person in who.values() for task in await tasks.page(tx, patient=person, limit=10_000)
            ]
        return {task.kind for task in found}

    async def restart(self, workers: tuple[str, ...]) -> None:
        self.workers.kill()
        self.workers.start()

    # --- waiting

    async def _until(self, met: Callable[[Reading], Awaitable[bool]], what: str) -> None:
        deadline = time.monotonic() + self.patience
        wait = 0.002
        while True:
            async with self.ground.store.reading() as tx:
                if await met(tx):
                    return
            self.workers.check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {self.patience:.0f} s for {what}")
            await asyncio.sleep(wait)
            wait = min(wait * 1.5, 0.05)

    async def _taken(self, sent: list[tuple[str, int, int]], worker: str) -> None:
        wanted: dict[tuple[str, int], int] = {}
        for topic, partition, offset in sent:
            place = (self.ground.environment.get("SIGILL_KAFKA_TOPIC_PREFIX", "") + topic, partition)
            wanted[place] = max(wanted.get(place, 0), offset + 1)

        async def all_taken(tx: Reading) -> bool:
            stored = await inbox.stored(tx, group_of(worker, self.ground.group_prefix))
            return all((stored.get(place, (0, None))[1] or 0) >= offset for place, offset in wanted.items())

        await self._until(all_taken, f"the {worker} messages to be taken")

    async def _drained(self) -> None:
        async def nothing_pending(tx: Reading) -> bool:
            return (await outbox.stats(tx)).pending == 0

        await self._until(nothing_pending, "the outbox to be empty")
        await self.ground.wire.caught_up()


def _identity(ref: PersonRef) -> Identity:
    return Identity(ref.id_type, ref.id)


def _told(receipt: dict[str, Any]) -> SeenReceipt:
    if receipt["outcome"] == Outcome.UNREADABLE:
        return SeenReceipt(
            "dead_letter"
        )  # what a story calls it, whether its sender could be answered or not
    why = (*receipt["refusals"], *receipt["waits"])
    return SeenReceipt(
        outcome=receipt["outcome"],
        codes=tuple(receipt["codes"]),
        ends_on=date.fromisoformat(receipt["ends_on"]) if receipt["ends_on"] else None,
        remarks=tuple(r["code"] for r in receipt["remarks"]),
        why="; ".join(f"{reason['code']}: {reason['en']}" for reason in why),
        why_sv=" ".join(reason["sv"] for reason in why),
    )


def _changed(change: dict[str, Any]) -> SeenChange:
    return SeenChange(
        viewer=PersonRef.model_validate_json(json.dumps(change["viewer"])),
        patient=PersonRef.model_validate_json(json.dumps(change["patient"])),
        service=change["service"],
        unit=change["unit"],
        access=change["access"],
        at=datetime.fromisoformat(change["at"]),
        because=tuple(change["because"]),
    )


def _notified(notice: dict[str, Any]) -> SeenNotification:
    recipient = notice["recipient"]
    person = recipient["person"]
    return SeenNotification(
        PersonRef.model_validate_json(json.dumps(person)) if person else None,
        notice["template"],
        recipient.get("unit"),
    )
