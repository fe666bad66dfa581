"""
The examples of what goes out, made by playing the examples of what comes in.

    python -m tests.kit.played_examples            write them
    python -m tests.kit.played_examples --check    fail when a shipped file differs from what the program answers

The signed orders of `contracts/examples` are handed to the real handlers, on a real database, at fixed times; what lies
in the outbox afterwards is what a reader gets. Nothing is made up: every id is made from what caused it.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from cryptography import x509
from pydantic import SecretStr

from sigill.consumer.dead_letter_limit import DeadLetterLimit
from sigill.consumer.runner import ConsumerRunner, Handler
from sigill.devtools.sign_examples import form_of, signed_at
from sigill.directory.consumer import Directory
from sigill.intake.consumer import Intake
from sigill.intake.revocation_cache import revocation_cache
from sigill.intake.revocation_sources import RevocationSources
from sigill.intake.verification import OrderVerifier
from sigill.processing.citations import PolicyContext
from sigill.processing.patient_keys import KeyRing
from sigill.register.consumer import Register
from sigill.rulebook_docs.files import load
from sigill.runtime.clock import FixedClock
from sigill.runtime.health import Health
from sigill.runtime.metrics import Metrics
from sigill.runtime.settings import Settings
from sigill.store import outbox
from sigill.store.session import Store
from sigill.stream.connection import Connection
from sigill.stream.records import Partition, Record, binary_headers
from sigill.transitions.scheduler import Transitions
from sigill.trust import RevocationSnapshot, TrustPolicy
from sigill.trust.evidence import RevocationList
from sigill_contracts.envelope import Envelope
from sigill_contracts.examples import (
    EXAMPLE_SECRET,
    EXAMPLES,
    FOLDER,
    REVOCATION_LISTS,
    SUPPORT_OPERATOR,
    Example,
    examples_of,
)
from sigill_contracts.topics import (
    CHANGES,
    INCOMING,
    NOTIFICATIONS,
    ORDERS,
    PERSONS,
    RECEIPTS,
    STAFF,
    STATE,
    UNITS,
    TopicSpec,
)
from tests.kit.services import Services

AUDIENCE = "sigill/production"
SOURCE = "urn:sigill:production"
EHR = "urn:example:ehr"
BEGINNING = datetime(2026, 3, 1, 6, tzinfo=UTC)
KEYS = KeyRing({"v1": EXAMPLE_SECRET}, "v1")
UNREADABLE = "0192f0c1-7a10-7c3e-9d52-3f1e5a4b0012"
"""`ce_id` of the message that cannot be read."""

_CHILDRENS_CLINIC, _MEDICINE = "SE2321000065-T100", "SE2321000065-T200"
_PERSONS: tuple[tuple[str, Sequence[str]], ...] = (
    ("198503142385", ()),
    ("195408082393", ()),
    ("197201302382", ()),
    ("201202292387", ("198503142385",)),
)
"""Who is not among the examples of the register, with those who have custody."""
_STAFF = (
    ("SE2321000065-T102", "head_of_unit", _CHILDRENS_CLINIC),
    ("SE2321000065-T201", "physician", _MEDICINE),
    ("SE2321000065-T202", "on_call_physician", _MEDICINE),
    (SUPPORT_OPERATOR, "support_operator", _MEDICINE),
)


@dataclass
class World:
    """The workers, handed records as a consumer would. Times are the records' own."""

    store: Store
    clock: FixedClock
    desk: PolicyContext
    offsets: dict[str, int] = field(default_factory=dict)
    workers: dict[str, ConsumerRunner[Any]] = field(default_factory=dict)
    answers: dict[str, list[bytes]] = field(default_factory=dict)
    """What went out, in order, by topic."""

    @classmethod
    @asynccontextmanager
    async def opened(cls, database: str) -> AsyncIterator["World"]:
        """A world on an empty, migrated database."""
        store = await Store.open(
            Settings(database_url=SecretStr(database), database_schema="sigill", database_pool_max=4)
        )
        try:
            world = cls(store, FixedClock(BEGINNING), PolicyContext.of(load()[0], SOURCE))
            await world._begin()
            yield world
        finally:
            await store.close()

    async def _begin(self) -> None:
        metrics = Metrics()
        lists = [RevocationList.read(path.read_bytes()) for path in sorted(REVOCATION_LISTS.glob("*.crl"))]
        evidence = revocation_cache(RevocationSources(ask_ocsp=False), self.clock)
        evidence.snapshot = RevocationSnapshot.of(lists)
        root = x509.load_pem_x509_certificate((FOLDER / "root.crt").read_bytes())
        door = OrderVerifier(AUDIENCE, KEYS, TrustPolicy(anchors=(root,)), 262_144)
        handlers: list[tuple[TopicSpec, Handler[Any]]] = [
            (ORDERS, Intake(self.desk, door, evidence, metrics, "intake")),
            (PERSONS, Register(self.desk, KEYS, metrics, "register")),
            (STAFF, Directory(metrics, "directory")),
            (UNITS, Directory(metrics, "directory")),
        ]
        for topic, handler in handlers:
            worker = ConsumerRunner(
                name=topic.read_by[0],
                group=topic.read_by[0],
                topics=(topic.name,),
                connection=Connection("localhost:1"),
                store=self.store,
                handler=handler,
                clock=self.clock,
                metrics=metrics,
                health=Health(),
                limit=DeadLetterLimit(0.9, 50),
            )
            self.workers[topic.name] = worker
            await worker._assigned(frozenset({Partition(topic.name, 0)}))

    async def take(
        self, topic: TopicSpec, key: str, event: str, content_type: str, value: bytes, at: datetime
    ) -> None:
        """Hand one message over that the broker received at a moment, and keep what it brings."""
        self.clock.set(at)
        envelope = Envelope(
            id=event, source=EHR, type=str(topic.event_type), subject=key, content_type=content_type
        )
        offset = self.offsets.get(topic.name, 0)
        self.offsets[topic.name] = offset + 1
        stamp = int(at.timestamp() * 1000)
        record = Record(topic.name, 0, offset, stamp, "append", key.encode(), value, binary_headers(envelope))
        await self.workers[topic.name].take({record.place: [record]})
        await self._collect()

    async def tell(self, topic: TopicSpec, key: str, body: dict[str, Any]) -> None:
        """Hand a message of the register or the directory over, now."""
        event = str(uuid5(NAMESPACE_URL, f"{topic.name}:{key}:{body['sequence']}"))
        value = json.dumps(body).encode()
        await self.take(topic, key, event, "application/json", value, self.clock.now())

    async def send(self, name: str, after: timedelta = timedelta(seconds=1)) -> None:
        """Hand a signed example over, `after` it was signed."""
        example = next(one for one in examples_of(ORDERS) if one.name == name)
        form = form_of(example)
        value = example.signed.read_bytes().rstrip(b"\n")
        key = KEYS.of(form.patient.id)
        await self.take(ORDERS, key, str(form.order_id), "application/jose", value, signed_at(form) + after)

    async def run_until(self, at: datetime) -> None:
        """Let what is due by a moment happen."""
        self.clock.set(at)
        await Transitions(self.store, self.desk, self.clock, Metrics(), Health()).run_due(at)
        await self._collect()

    async def _collect(self) -> None:
        async with self.store.reading() as tx:
            events = await outbox.unpublished(tx, range(outbox.SHARDS), 10_000)
        self.answers = {}
        for event in sorted(events, key=lambda event: event.id):
            if event.payload is not None:
                self.answers.setdefault(event.aggregatetype, []).append(event.payload)

    def first(self, topic: TopicSpec, fits: Callable[[Any], bool]) -> dict[str, Any]:
        """The first message of a topic that fits. Raises LookupError when none does."""
        assert topic.model is not None
        for body in self.answers.get(topic.name, []):
            if fits(topic.model.model_validate_json(body)):
                return dict(json.loads(body))
        raise LookupError(f"{topic.name}: nothing like it among {len(self.answers.get(topic.name, []))}")


async def people_and_places(world: World) -> None:
    """What directory and register tell before the first order: the examples, and whom the orders name beside them."""
    for example in (*examples_of(UNITS), *examples_of(STAFF)):
        body = json.loads(example.text())
        await world.tell(example.topic, body.get("unit") or body["hsa_id"], body)
    changed_at = "2026-01-12T04:00:00Z"
    for hsa_id, role, unit in _STAFF:
        assignment = {"unit": unit, "region": "kronoberg", "roles": [role]}
        body = {"hsa_id": hsa_id, "sequence": 1, "changed_at": changed_at, "assignments": [assignment]}
        await world.tell(STAFF, hsa_id, body)
    records = [json.loads(example.text()) for example in reversed(examples_of(PERSONS))]
    for number, guardians in _PERSONS:
        records.append(
            {
                "person": {"id_type": "personnummer", "id": number},
                "sequence": 1,
                "changed_at": changed_at,
                "birth_date": f"{number[:4]}-{number[4:6]}-{number[6:8]}",
                "county": "07",
                "custody": [
                    {"guardian": {"id_type": "personnummer", "id": guardian}} for guardian in guardians
                ],
            }
        )
    for body in records:
        await world.tell(PERSONS, KEYS.of(body["person"]["id"]), body)


async def play(world: World) -> dict[str, str]:
    """Play everything; returns the text of each file by its name."""
    await people_and_places(world)
    found: dict[str, dict[str, Any]] = {}

    await world.send("block-one-guardian")
    order = _order_of("block-one-guardian")
    found["receipt.executed"] = world.first(RECEIPTS, lambda r: str(r.order_id) == order)
    found["access-change.lost-by-order"] = world.first(
        CHANGES, lambda c: "guardian_block" in c.because and c.service == "journal"
    )
    found["notification.suppressed"] = world.first(NOTIFICATIONS, lambda n: n.suppressed is not None)
    found["patient-state.child-with-a-blocked-guardian"] = world.first(
        STATE, lambda s: s.measures and s.patient.ref.id == "201611032382"
    )
    await world.send("block-one-guardian", after=timedelta(minutes=3))
    found["receipt.duplicate"] = world.first(RECEIPTS, lambda r: r.outcome == "duplicate")

    await world.send("seal-unit-and-dates")
    order = _order_of("seal-unit-and-dates")
    found["notification.told"] = world.first(
        NOTIFICATIONS, lambda n: str(n.order_id) == order and n.suppressed is None
    )
    await world.send("block-with-two-mistakes")
    found["receipt.refused"] = world.first(RECEIPTS, lambda r: r.outcome == "refused")
    await world.take(
        ORDERS,
        KEYS.of(
            "197201302382"
        ),  # of whom nothing else is ordered: what opens for this patient would wait now
        UNREADABLE,
        "application/jose",
        b"neither a JWS nor signed XML",
        datetime(2026, 3, 2, 10, 20, 4, tzinfo=UTC),
    )
    found["receipt.unreadable"] = world.first(RECEIPTS, lambda r: r.outcome == "unreadable")

    await world.send("urgent-by-phone", after=timedelta(minutes=3))
    order = _order_of("urgent-by-phone")
    found["receipt.pending"] = world.first(
        RECEIPTS, lambda r: r.outcome == "pending" and str(r.order_id) == order
    )
    await world.send("grant-guardian-access")
    order = _order_of("grant-guardian-access")
    found["access-change.gained-by-grant"] = world.first(CHANGES, lambda c: str(c.order_id) == order)
    await world.send("appoint-representative")
    await world.send("request-release")
    order = _order_of("request-release")
    await world.run_until(datetime(2026, 3, 9, 6, tzinfo=UTC))
    found["notification.task-for-operators"] = world.first(
        NOTIFICATIONS, lambda n: n.template == "signed_form_overdue"
    )
    await world.send("release-block")
    found["receipt.settled"] = world.first(
        RECEIPTS, lambda r: str(r.order_id) == order and r.settled_sv is not None
    )
    await world.run_until(datetime(2028, 2, 29, 6, tzinfo=UTC))
    found["access-change.lost-by-birthday"] = world.first(
        CHANGES, lambda c: c.cause == "birthday" and c.patient.id == "201202292387" and c.access == "lost"
    )
    return {
        f"{name}.json": json.dumps(body, ensure_ascii=False, indent=2) + "\n" for name, body in found.items()
    }


def outgoing() -> tuple[Example, ...]:
    """The examples that are made by playing."""
    return tuple(example for example in EXAMPLES if example.topic not in INCOMING)


async def played() -> dict[str, str]:
    """Play on a database of its own; returns the text of each file by its name."""
    services = Services()
    try:
        async with services.database() as database, World.opened(database) as world:
            return await play(world)
    finally:
        await services.close()
        services.stop()


def differing(texts: dict[str, str]) -> list[str]:
    """The names of the shipped files that are not what was played, and of those that nobody plays."""
    shipped = {example.path.name: example for example in outgoing()}
    return sorted(
        name
        for name in texts.keys() | shipped.keys()
        if name not in texts or name not in shipped or shipped[name].text() != texts[name]
    )


def _order_of(name: str) -> str:
    example = next(one for one in examples_of(ORDERS) if one.name == name)
    return str(form_of(example).order_id)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.kit.played_examples")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file differs")
    asked = parser.parse_args(arguments)
    texts = asyncio.run(played())
    for name in differing(texts):
        if asked.check:
            sys.stderr.write(f"{FOLDER / name}: is not what the program answers\n")
        elif name in texts:
            (FOLDER / name).write_text(texts[name], encoding="utf-8")
            sys.stdout.write(f"{FOLDER / name}\n")
    if asked.check and differing(texts):
        sys.stderr.write("run `python -m tests.kit.played_examples` and commit what it writes\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
