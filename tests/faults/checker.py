"""
What must be true after any run, looked at from outside: topics and tables are read plainly, and nothing of the store's
code is used. Ids of answers, chains and orders are worked out here a second time, from what the design says of them.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import asyncpg
import rfc8785

from sigill_contracts.dead_letter import ORIGINAL_OFFSET, ORIGINAL_PARTITION
from sigill_contracts.topics import (
    AUDIT_HEADS,
    CHANGES,
    NOTIFICATIONS,
    ORDERS,
    PERSONS,
    RECEIPTS,
    STAFF,
    STATE,
)
from tests.faults.outside import Message
from tests.faults.topics import Found

_EVENTS = uuid5(NAMESPACE_URL, "urn:se:sigill:events")
DEAD = f"{ORDERS.name}.dlq"
PUBLISHED = (RECEIPTS.name, CHANGES.name, STATE.name, NOTIFICATIONS.name, AUDIT_HEADS.name, DEAD)
SHOWN = 6


@dataclass
class Verdict:
    """Figures and faults of one check of a run."""

    figures: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    young: bool = True
    """Whether checks count that few schedules have been played with yet; else they are figures."""

    def expect_none(self, what: str, wrong: Iterable[object], *, young: bool = False) -> None:
        """Record a figure that must be zero, with the first few examples when it is not."""
        found = list(wrong)
        self.figures[what] = len(found)
        if found and (self.young or not young):
            self.faults.append(f"{what}: {len(found)}, such as {[str(f) for f in found[:SHOWN]]}")


@dataclass(frozen=True, slots=True)
class _Expected:
    """
    The one answer that a record on the orders topic must have: its cause, which its id follows from.

    `arrival` is the cause of what is said of the record when it is read once more. What lay at the same place of a log
    before, with the same bytes, `may` have been taken for that.
    """

    cause: str
    key: str
    outcomes: frozenset[str]
    place: tuple[int, int, int]
    arrival: str
    may: bool = False


_ANY_FIRST = frozenset({"executed", "refused", "pending"})
_REFUSED, _REPEATED, _UNREADABLE = frozenset({"refused"}), frozenset({"duplicate"}), frozenset({"unreadable"})
_FINAL = frozenset({"executed", "refused"})


def expected_answers(records: Iterable[Found], known: Mapping[str, Message], prefix: str) -> list[_Expected]:
    """
    Walk through the orders topic as the one truth, and say which answer each record must have had.

    The first proven record with an order id is judged; the same bytes again are a repeat; other bytes are refused. The
    sender of what cannot be read hears that. The records come in the order in which they are to be taken: log by log,
    stretch by stretch. Those that nobody had taken when their log was lost have no answer.
    """
    first: dict[str, str] = {}
    turned_away: set[str] = set()
    answers: dict[str, _Expected] = {}
    before: dict[tuple[int, int, str], int] = {}
    for record in records:
        if not record.taken:
            continue
        digest = record.digest
        message = known[digest]
        arrival = f"arrival:{prefix}{record.topic}:{record.partition}:{record.offset}:{digest}"
        cause = arrival
        if message.kind == "garbage":
            outcomes = _UNREADABLE
        elif message.kind == "order" and message.order_id not in first:
            first[message.order_id] = digest
            cause, outcomes = f"order:{message.order_id}:{digest}", _ANY_FIRST
        elif (message.kind == "order" and first[message.order_id] == digest) or digest in turned_away:
            outcomes = _REPEATED
        else:
            turned_away.add(digest)
            outcomes = _REFUSED
        place = (record.log, record.partition, record.offset)
        may = before.setdefault((record.partition, record.offset, digest), record.log) != record.log
        answers.setdefault(cause, _Expected(cause, record.key, outcomes, place, arrival, may))
    return list(answers.values())


def check_answers(
    verdict: Verdict, topics: Mapping[str, list[Found]], expected: list[_Expected], *, reread: bool = False
) -> None:
    """
    Each record its one answer, each order one that is final at most, a patient's answers in the order of the orders.

    `reread`: a log was made anew or cut, so that its records may have been read a second time, and be called repeats.
    """
    receipts = _first_of_each(topics[RECEIPTS.name])
    verdict.figures["orders published"] = len(expected)
    verdict.figures["receipts"] = len(receipts)
    bodies = {r.event: json.loads(r.value or b"{}") for r in receipts}
    # what is judged has an id of its answer, the rest one of its record
    said = {(b["outcome"], f"receipt:{b['outcome']}:{','.join(b['codes'])}") for b in bodies.values()}
    said |= {(outcome, "receipt") for outcome in ("duplicate", "unreadable")}
    found: dict[_Expected, list[str]] = {}
    for e in expected:
        ids = {(outcome, str(uuid5(_EVENTS, f"{e.cause}|{what}|0"))) for outcome, what in said}
        said_of = {
            event: outcome for outcome, event in ids if bodies.get(event, {}).get("outcome") == outcome
        }
        fitting = [event for event, outcome in said_of.items() if outcome in e.outcomes]
        # a record that lies where another did may be called a repeat beside: those are looked at below
        found[e] = fitting or list(said_of)
    verdict.expect_none("orders lost (no answer)", [e.place for e in expected if not found[e] and not e.may])
    verdict.expect_none("records with two answers", [e.place for e, ids in found.items() if len(ids) > 1])
    wanted = {event: e for e, ids in found.items() for event in ids}
    answers = {event: bodies[event] for event in wanted}
    verdict.expect_none(
        "answers of another kind",
        [
            f"{wanted[r].place}: {a['outcome']} instead of {sorted(wanted[r].outcomes)}"
            for r, a in answers.items()
            if a["outcome"] not in wanted[r].outcomes
        ],
    )
    # beside the first answers there are only those of orders that waited, and of records that were read once more
    waited = {a["order_id"] for a in answers.values() if a["outcome"] == "pending"}
    once_more = {str(uuid5(_EVENTS, f"{e.arrival}|receipt|0")) for e in expected} if reread else set()
    again = [r for r in receipts if r.event in once_more and bodies[r.event]["outcome"] == "duplicate"]
    verdict.figures["records read once more"] = len([r for r in again if r.event not in wanted])
    later = [r for r in receipts if r.event not in wanted and r not in again]
    verdict.figures["later answers to orders that waited"] = len(later)
    verdict.expect_none(
        "answers doubled or to nothing",
        [r.event for r in later if bodies[r.event]["order_id"] not in waited],
    )
    finals: dict[str, list[str]] = defaultdict(list)
    for event, b in bodies.items():
        if b["outcome"] in _FINAL and not (event in wanted and wanted[event].cause == wanted[event].arrival):
            finals[b["order_id"]].append(f"{b['outcome']} {b['codes']} {event in wanted}")
    verdict.expect_none(
        "orders with two final answers",
        [f"{o}: {ends}" for o, ends in finals.items() if len(ends) > 1],
        young=True,
    )
    rank = {event: (e.key, n) for n, e in enumerate(expected) for event in found[e]}
    verdict.expect_none("answers out of order", _out_of_order(receipts, rank))


def _out_of_order(receipts: list[Found], rank: Mapping[str, tuple[str, int]]) -> list[str]:
    last: dict[str, int] = {}
    wrong = []
    for receipt in receipts:
        if receipt.event not in rank:
            continue
        key, n = rank[receipt.event]
        if n < last.get(key, -1):
            wrong.append(f"{receipt.partition}/{receipt.offset}")
        last[key] = max(n, last.get(key, -1))
    return wrong


def check_dead_letters(
    verdict: Verdict, topics: Mapping[str, list[Found]], known: Mapping[str, Message]
) -> None:
    """Every unreadable message at its place, with its bytes, and nothing else."""
    garbage = {
        (r.partition, r.offset, digest)
        for r in topics[ORDERS.name]
        if r.taken and known[digest := r.digest].kind == "garbage"
    }
    # an event published again has the same place, and stands here once
    dead = {
        (
            int.from_bytes(r.headers[ORIGINAL_PARTITION], "big"),
            int.from_bytes(r.headers[ORIGINAL_OFFSET], "big"),
            r.digest,
        )
        for r in topics[DEAD]
    }
    verdict.figures["dead letters"] = len(dead)
    verdict.expect_none("unreadable messages without a dead letter", garbage - dead)
    verdict.expect_none("dead letters of nothing, or with other bytes", dead - garbage)


def _first_of_each(records: Iterable[Found]) -> list[Found]:
    """Without repeats of an event, as a reader would."""
    seen: dict[str, Found] = {}
    for record in records:
        seen.setdefault(record.event, record)
    return list(seen.values())


@dataclass
class Forgotten:
    """
    What the store published before the database went back, and need not know: `events` by topic and id, and all that lay
    on the topics then, of which `ends` are the ends.
    """

    events: set[tuple[str, str]] = field(default_factory=set)
    ends: dict[tuple[str, int], int] = field(default_factory=dict)

    def __contains__(self, record: Found) -> bool:
        """Whether it was published by then."""
        end = self.ends.get((record.topic, record.partition), 0)
        return (record.topic, record.event) in self.events or record.offset < end


NOTHING = Forgotten()


async def check_outbox(
    verdict: Verdict,
    conn: asyncpg.Connection[asyncpg.Record],
    topics: Mapping[str, list[Found]],
    forgotten: Forgotten = NOTHING,
) -> None:
    """Outbox and topics are the same events, with the same bytes, in the same order for each key."""
    rows = await conn.fetch(
        "SELECT id, event_id, aggregatetype, aggregateid, payload, published_at FROM outbox ORDER BY id"
    )
    verdict.figures["events"] = len(rows)
    verdict.expect_none("events unpublished", [r["id"] for r in rows if r["published_at"] is None])
    # the head of a chain that has not grown is said again under the same id
    repeated = (DEAD, AUDIT_HEADS.name)
    counted = Counter((r["aggregatetype"], r["event_id"]) for r in rows if r["aggregatetype"] not in repeated)
    verdict.expect_none("events doubled in the outbox", [e for e, n in counted.items() if n > 1])

    on_topics = {name: topics[name] for name in PUBLISHED}
    unique = {name: _first_of_each(found) for name, found in on_topics.items() if name != DEAD}
    verdict.figures["events published again"] = sum(
        len(on_topics[name]) - len(found) for name, found in unique.items()
    )
    there = {(name, r.event): r for name, found in unique.items() for r in found}
    told: dict[tuple[str, str], asyncpg.Record] = {}
    for row in rows:
        if row["aggregatetype"] != DEAD:
            told.setdefault((row["aggregatetype"], str(row["event_id"])), row)
    verdict.expect_none("events lost on the way out", told.keys() - there.keys())
    unknown = there.keys() - told.keys()
    verdict.expect_none("events from nowhere", [e for e in unknown if there[e] not in forgotten])
    verdict.figures["events that the store forgot"] = sum(there[e] in forgotten for e in unknown)
    verdict.expect_none(
        "events with other bytes",
        [
            e
            for e in told.keys() & there.keys()
            if e[0] not in repeated and bytes(told[e]["payload"] or b"") != (there[e].value or b"")
        ],
    )
    check_bodies(verdict, topics)
    order = {e: r["id"] for e, r in told.items()}
    wrong = []
    for name, found in unique.items():
        last: dict[str, int] = defaultdict(int)
        for record in found:
            number = order.get((name, record.event))
            if number is None:
                continue
            if number < last[record.key]:
                wrong.append(f"{name} {record.partition}/{record.offset}")
            last[record.key] = max(number, last[record.key])
    verdict.expect_none("events out of order", wrong)
    check_compacted(verdict, topics[STATE.name], told)


def check_bodies(verdict: Verdict, topics: Mapping[str, list[Found]]) -> None:
    """No event id stands on a topic with two bodies. Of the audit's heads each is signed anew when it is said again."""
    bodies: dict[tuple[str, str], set[bytes]] = defaultdict(set)
    for name in PUBLISHED:
        if name not in (DEAD, AUDIT_HEADS.name):
            for record in topics[name]:
                bodies[name, record.event].add(record.value or b"")
    verdict.expect_none("event ids with two bodies", [e for e, said in bodies.items() if len(said) > 1])


def check_compacted(
    verdict: Verdict, states: list[Found], told: Mapping[tuple[str, str], asyncpg.Record]
) -> None:
    """What compaction would leave of each key is the newest that was said of it."""
    newest: dict[str, int] = {}
    for (topic, _), row in told.items():
        if topic == STATE.name:
            newest[row["aggregateid"]] = max(row["id"], newest.get(row["aggregateid"], 0))
    left = {record.key: record for record in states}
    stale = []
    for key, record in left.items():
        row = told.get((STATE.name, record.event))
        if row is None or row["id"] == newest[key]:
            continue
        stale.append(f"{record.partition}/{record.offset}")
    verdict.figures["patients on the state topic"] = len(left)
    verdict.expect_none("stale states left by compaction", stale)


async def check_store(
    verdict: Verdict,
    conn: asyncpg.Connection[asyncpg.Record],
    topics: Mapping[str, list[Found]],
    known: Mapping[str, Message],
    prefix: str,
    now: datetime,
) -> None:
    """Each order filed once, with one first outcome; offsets at the end; nothing in doubt."""
    rows = await conn.fetch(
        "SELECT topic, partition, record_offset, digest, original, registration FROM signed_order"
    )
    filed = Counter(bytes(r["digest"]).hex() for r in rows)
    signed = {
        r.digest: r.value or b"" for r in topics[ORDERS.name] if r.taken and known[r.digest].kind != "garbage"
    }
    verdict.expect_none("messages filed twice", [d for d, n in filed.items() if n > 1])
    verdict.expect_none("messages not filed", signed.keys() - filed.keys())
    verdict.expect_none("messages filed from nowhere", filed.keys() - signed.keys())
    verdict.expect_none(
        "messages filed with other bytes",
        [
            r["registration"]
            for r in rows
            if bytes(r["original"] or b"") != signed.get(bytes(r["digest"]).hex())
        ],
    )
    verdict.expect_none(
        "orders without exactly one first outcome",
        await conn.fetch(
            "SELECT registration FROM signed_order LEFT JOIN order_outcome o USING (registration) "
            "GROUP BY registration HAVING count(*) FILTER (WHERE o.version = 1) <> 1"
        ),
    )
    ends: dict[tuple[str, int], int] = {}
    present = max((record.log for record in topics[ORDERS.name]), default=0)
    for name in (ORDERS.name, PERSONS.name, STAFF.name):
        for record in topics[name]:
            if name == ORDERS.name and (record.log < present or record.lost):
                continue
            ends[prefix + name, record.partition] = record.offset + 1
    stored = {
        (r["topic"], r["partition"]): r["next_offset"]
        for r in await conn.fetch("SELECT topic, partition, next_offset FROM consumer_offset")
    }
    verdict.expect_none(
        "partitions not read to their end", [p for p, end in ends.items() if (stored.get(p) or 0) < end]
    )
    verdict.expect_none("transactions in doubt", await conn.fetch("SELECT gid FROM pg_prepared_xacts"))
    await _check_timers(verdict, conn, now)


async def _check_timers(verdict: Verdict, conn: asyncpg.Connection[asyncpg.Record], now: datetime) -> None:
    verdict.figures["timers fired"] = await conn.fetchval("SELECT count(*) FROM timer WHERE state = 'done'")
    verdict.expect_none(
        "timers lost (due, not fired)",
        await conn.fetch("SELECT timer_id FROM timer WHERE state = 'set' AND due_at <= $1", now),
    )
    verdict.expect_none(
        "timers fired before their time",
        await conn.fetch("SELECT timer_id FROM timer WHERE state = 'done' AND fired_at < due_at"),
    )
    causes = Counter(
        (json.loads(r["body"]).get("cause"), r["person_id"], tuple(json.loads(r["body"]).get("measures", ())))
        for r in await conn.fetch(
            "SELECT e.body, p.person_id FROM audit_entry e JOIN audit_personal p USING (chain, position) "
            "WHERE e.action = 'transition'"
        )
    )
    twice = [c for c, n in causes.items() if n > 1 and str(c[0]).startswith("timer:")]
    verdict.expect_none("timers fired twice", twice)


async def check_audit(
    verdict: Verdict,
    conn: asyncpg.Connection[asyncpg.Record],
    topics: Mapping[str, list[Found]],
    forgotten: Forgotten = NOTHING,
) -> None:
    """Every chain computed anew from its rows, and held against the published heads."""
    rows = await conn.fetch("SELECT * FROM audit_entry ORDER BY chain, position")
    hashes: dict[tuple[str, int], str] = {}
    broken = []
    before, chain, place = bytes(32), None, 0
    for row in rows:
        if row["chain"] != chain:
            before, chain, place = bytes(32), row["chain"], 0
        place += 1
        entry = {
            "action": row["action"],
            "actor": row["actor"],
            "at": row["recorded_at"].astimezone(UTC).isoformat(timespec="microseconds"),
            "body": json.loads(row["body"]),
            "chain": row["chain"],
            "personal": row["personal_digest"].hex() if row["personal_digest"] else None,
        }
        own = hashlib.sha256(bytes(before) + rfc8785.dumps(entry)).digest()
        if (
            own != bytes(row["row_hash"])
            or bytes(row["prev_hash"]) != bytes(before)
            or row["position"] != place
        ):
            broken.append(f"{row['chain']} {row['position']}")
        before = row["row_hash"]
        hashes[row["chain"], row["position"]] = bytes(row["row_hash"]).hex()
    verdict.figures["audit entries"] = len(rows)
    verdict.expect_none("audit links broken", broken)
    heads = [_payload(record) for record in topics[AUDIT_HEADS.name] if record not in forgotten]
    verdict.figures["audit heads published"] = len(topics[AUDIT_HEADS.name])
    verdict.expect_none(
        "published heads that do not hold",
        [h for h in heads if hashes.get((h["chain"], h["count"])) != h["head"]],
    )
    causes = Counter(json.loads(row["body"])["cause"] for row in rows if row["action"] == "order")
    verdict.expect_none("orders audited twice", [c for c, n in causes.items() if n > 1])
    first = await conn.fetchval("SELECT count(*) FROM order_outcome WHERE version = 1")
    audited = sum(c.startswith(("order:", "arrival:")) for c in causes)
    if audited != first:
        verdict.faults.append(f"audit: {audited} entries about orders for {first} first outcomes")


def _payload(record: Found) -> dict[str, Any]:
    middle = (record.value or b"").split(b".")[1]
    loaded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(middle + b"=" * (-len(middle) % 4)))
    return loaded


def event_uuid(text: str) -> UUID:
    """An event id as the design makes it, from cause and kind."""
    return uuid5(_EVENTS, text)
