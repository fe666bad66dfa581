"""The same history through the pure core, in memory and without a fault, and what differs from the store."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from sigill.policy.facts import Identity
from sigill.policy.rulebook import Rulebooks
from sigill.scenario.pure import PureStage
from sigill_contracts.directory import StaffRecord
from sigill_contracts.register import PersonRecord
from tests.faults.outside import Household, Message
from tests.faults.topics import Found


@dataclass
class Chapter:
    """One stretch of time: the clock moves to `at`, then the register tells, then the orders come."""

    at: datetime
    told: list[Message] = field(default_factory=list)
    orders: set[str] = field(default_factory=set)
    """Digests of what was sent to the orders topic."""


async def replay(
    books: Rulebooks,
    chapters: Sequence[Chapter],
    on_topic: Sequence[Found],
    known: Mapping[str, Message],
) -> PureStage:
    """Play the history. Orders are taken in the order in which they lie on their topic."""
    stage = PureStage(books, now=chapters[0].at)
    places = [r.digest for r in on_topic]
    first: set[str] = set()
    for chapter in chapters:
        await stage.move_clock(chapter.at)
        for message in chapter.told:
            if isinstance(message.record, StaffRecord):
                await stage.tell_directory([message.record])
            elif isinstance(message.record, PersonRecord):
                await stage.tell_register([message.record])
        for digest in places:
            if digest not in chapter.orders or digest in first:
                continue
            message = known[digest]
            if message.order is None:
                continue
            first.add(digest)
            if message.kind == "order" and message.order_id in stage.orders:
                continue  # other bytes under a used id change nothing
            await stage.send(message.order)
    return stage


_MEASURES = """
SELECT i.number, m.kind, m.region, m.initiative, m.services, m.units, v.valid_from, v.valid_to, v.orders,
       v.provisional, v.released, v.awaits_follow_up, v.version
  FROM measure m
  JOIN LATERAL (SELECT * FROM measure_version v WHERE v.measure_id = m.measure_id
                 ORDER BY version DESC LIMIT 1) AS v ON true
  JOIN person_identity i ON i.person_id = m.person_id
"""


async def differing(
    stage: PureStage, conn: asyncpg.Connection[asyncpg.Record], households: Sequence[Household]
) -> list[str]:
    """The households whose measures are not those of the replay, by their name, with what differs."""
    rows = await conn.fetch(_MEASURES)
    stored: dict[str, set[tuple[object, ...]]] = {}
    for r in rows:
        stored.setdefault(r["number"], set()).add(
            (
                r["kind"],
                r["region"],
                r["initiative"],
                tuple(sorted(r["services"])),
                None if r["units"] is None else tuple(sorted(r["units"])),
                r["valid_from"],
                r["valid_to"],
                tuple(str(o) for o in r["orders"]),
                r["provisional"],
                r["released"],
                r["awaits_follow_up"],
            )
        )
    found = []
    for household in households:
        if household.unordered:
            continue
        ref = household.cast.people[household.patient].ref
        person = stage.identities.get(Identity(ref.id_type, ref.id))
        wanted: set[tuple[object, ...]] = set()
        if person is not None:
            for m in stage.facts(person).measures:
                wanted.add(
                    (
                        m.kind.value,
                        m.region,
                        m.initiative.value,
                        tuple(sorted(str(s) for s in m.services)),
                        None if m.units is None else tuple(sorted(m.units)),
                        m.valid_from,
                        m.valid_to,
                        tuple(m.orders),
                        m.provisional,
                        m.released,
                        m.awaits_follow_up,
                    )
                )
        have = stored.get(ref.id, set())
        if wanted != have:
            missing, extra = wanted - have, have - wanted
            found.append(f"{household.patient}: not in the store {missing}; only in the store {extra}")
    return found


def shuffled(messages: list[Message], choice: random.Random) -> list[Message]:
    """Reorder across patients; those of one key keep their order."""
    queues: dict[str, list[Message]] = {}
    for message in messages:
        queues.setdefault(message.key, []).append(message)
    mixed: list[Message] = []
    while queues:
        key = choice.choice(sorted(queues))
        mixed.append(queues[key].pop(0))
        if not queues[key]:
            del queues[key]
    return mixed
