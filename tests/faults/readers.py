"""What readers of the published topics hold in the end, beside the store: a copy of the states, the last word of changes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

import asyncpg

from sigill.policy.access import Line, access_matrix
from sigill.policy.facts import Identity
from sigill.scenario.pure import PureStage
from sigill_contracts.topics import RECEIPTS, STATE
from sigill_contracts.vocabulary import IdType, PersonId
from tests.faults.checker import Verdict
from tests.faults.outside import Household
from tests.faults.topics import Found

_PEOPLE = """
SELECT i.key, i.person_id, v.protected, v.birth_earliest
  FROM (SELECT DISTINCT ON (number, id_type) * FROM person_identity ORDER BY number, id_type, remap DESC) AS i
  JOIN LATERAL (SELECT * FROM person_version v WHERE v.person_id = i.person_id
                 ORDER BY sequence DESC LIMIT 1) AS v ON true
"""
_MEASURES = """
SELECT m.measure_id, m.person_id, m.kind, m.region, m.initiative, m.services, m.units, m.recorded_from,
       m.recorded_to, v.valid_from, v.valid_to, v.ends_at_age, v.released
  FROM measure m
  JOIN LATERAL (SELECT * FROM measure_version v WHERE v.measure_id = m.measure_id
                 ORDER BY version DESC LIMIT 1) AS v ON true
"""
_OUTCOMES = """
SELECT s.order_id, o.outcome, o.codes
  FROM signed_order s
  JOIN LATERAL (SELECT * FROM order_outcome o WHERE o.registration = s.registration
                 ORDER BY version DESC LIMIT 1) AS o ON true
 WHERE s.proven
"""

Copy = dict[str, dict[str, Any]]


def copy_of(states: Iterable[Found]) -> Copy:
    """What a reader of the state topic keeps of each key: the highest version; a tombstone ends it."""
    kept: Copy = {}
    for record in states:
        if record.value is None:
            kept.pop(record.key, None)
            continue
        state = json.loads(record.value)
        if state["version"] >= kept.get(record.key, state)["version"]:
            kept[record.key] = state
    return kept


async def check_readers(
    verdict: Verdict,
    conn: asyncpg.Connection[asyncpg.Record],
    topics: Mapping[str, list[Found]],
    now: datetime,
) -> None:
    """A copy of the states has the store's measures; the last receipt of each order has the store's outcome."""
    copy = copy_of(topics[STATE.name])
    people = {r["key"]: r for r in await conn.fetch(_PEOPLE)}
    measures = await conn.fetch(_MEASURES)
    verdict.figures["measures in the readers' copy"] = sum(len(s["measures"]) for s in copy.values())
    verdict.expect_none("readers apart from the store", apart(copy, people, measures, now))
    outcomes = {str(r["order_id"]): (r["outcome"], tuple(r["codes"])) for r in await conn.fetch(_OUTCOMES)}
    verdict.expect_none(
        "orders whose last receipt is not the store's", last_words(topics[RECEIPTS.name], outcomes)
    )


def apart(
    copy: Copy,
    people: Mapping[str, Mapping[str, Any]],
    measures: Iterable[Mapping[str, Any]],
    now: datetime,
) -> list[str]:
    """
    What a copy of the states has otherwise than the store. A measure that is over may have left the copy.

    `people` are rows by key (`person_id`, `protected`, `birth_earliest`), `measures` each in its newest version.
    """
    stored: dict[int, dict[str, Mapping[str, Any]]] = {}
    for row in measures:
        stored.setdefault(row["person_id"], {})[str(row["measure_id"])] = row
    newest: dict[int, dict[str, Any]] = {}
    wrong: list[str] = []
    for key, state in copy.items():
        if (person := people.get(key)) is None:
            wrong.append(f"{key}: nobody in the store")
            continue
        before = newest.get(person["person_id"])
        if before is None or state["version"] > before["version"]:
            newest[person["person_id"]] = state
    births = {row["person_id"]: row["birth_earliest"] for row in people.values()}
    protected = {row["person_id"]: row["protected"] for row in people.values()}
    for person_id, state in newest.items():
        own = stored.get(person_id, {})
        told = {m["measure_id"]: m for m in state["measures"]}
        where = f"{state['key']} version {state['version']}"
        if state["patient"]["protected"] != protected[person_id]:
            wrong.append(f"{where}: protected is {state['patient']['protected']}")
        for measure_id, row in own.items():
            if measure_id not in told and _stands(row, births[person_id], now):
                wrong.append(f"{where}: {row['kind']} {measure_id} is in the store only")
        for measure_id, measure in told.items():
            if measure_id not in own:
                wrong.append(f"{where}: {measure['kind']} {measure_id} is in the copy only")
            elif _as_told(measure) != _as_stored(own[measure_id]):
                wrong.append(f"{where}: {measure['kind']} {measure_id} differs")
    unheard = {p for p, own in stored.items() if any(_stands(row, births[p], now) for row in own.values())}
    wrong += [f"person {p}: no reader has heard of the measures" for p in sorted(unheard - newest.keys())]
    return wrong


def _stands(row: Mapping[str, Any], born: date, now: datetime) -> bool:
    """Whether a measure is certainly not over."""
    if row["valid_to"] is not None and row["valid_to"] <= now:
        return False
    age = row["ends_at_age"]
    return age is None or now.year - born.year < age


def _as_told(m: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        m["kind"],
        m["region"],
        m["initiative"],
        tuple(sorted(m["services"])),
        None if m.get("units") is None else tuple(sorted(m["units"])),
        _day(m.get("recorded_from")),
        _day(m.get("recorded_to")),
        datetime.fromisoformat(m["valid_from"]),
        None if m.get("valid_to") is None else datetime.fromisoformat(m["valid_to"]),
        m.get("ends_at_age"),
        m.get("ended_early", False),
    )


def _as_stored(r: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        r["kind"],
        r["region"],
        r["initiative"],
        tuple(sorted(r["services"])),
        None if r["units"] is None else tuple(sorted(r["units"])),
        r["recorded_from"],
        r["recorded_to"],
        r["valid_from"],
        r["valid_to"],
        r["ends_at_age"],
        r["released"],
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def last_words(receipts: Iterable[Found], outcomes: Mapping[str, tuple[str, tuple[str, ...]]]) -> list[str]:
    """The orders of which the receipts' topic says something else, in the end, than the store."""
    heard: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    seen: set[str] = set()
    for record in receipts:
        body = json.loads(record.value or b"{}")
        if record.event not in seen and body["outcome"] not in ("duplicate", "unreadable"):
            heard.setdefault(body["order_id"], []).append((body["outcome"], tuple(body["codes"])))
        seen.add(record.event)
    # other bytes under a used id, and forgeries, are refused under the same order id
    mute = ("replayed_with_changes",)
    wrong = []
    for order_id, outcome in outcomes.items():
        said = [word for word in heard.get(order_id, []) if word[1] != mute]
        if not said or said[-1] != outcome:
            wrong.append(f"{order_id}: {said[-1:]} instead of {outcome}")
    return wrong


async def in_order_of_writing(
    conn: asyncpg.Connection[asyncpg.Record], changes: Iterable[Found]
) -> list[Found]:
    """
    Changes in the order in which they were written: a patient with a new number has lines under two keys.

    Those that the database forgot come first.
    """
    rows = await conn.fetch("SELECT event_id, min(id) AS id FROM outbox GROUP BY event_id")
    written = {str(r["event_id"]): r["id"] for r in rows}
    return sorted(changes, key=lambda record: written.get(record.event, 0))


def check_changes(
    verdict: Verdict, stage: PureStage, changes: list[Found], households: Iterable[Household]
) -> None:
    """
    Whoever keeps the last word of each line of `access.changes.v1` has the access that the replay gives now.

    Lines of single units are left out: a unit has one only while a measure names it. So are households that the replay
    leaves out.
    """
    left_out = {
        stage.identities.get(Identity(ref.id_type, ref.id))
        for h in households
        if h.unordered
        for ref in (h.cast.people[h.patient].ref, *h.cast.people[h.patient].former)
    }
    words: dict[tuple[PersonId, Line], dict[str, Any]] = {}
    seen: set[str] = set()
    for record in changes:
        if record.event in seen:
            continue
        seen.add(record.event)
        body = json.loads(record.value or b"{}")
        patient, viewer = _known(stage, body["patient"]), _known(stage, body["viewer"])
        if (
            body.get("unit") is None
            and patient is not None
            and viewer is not None
            and patient not in left_out
        ):
            words[patient, (viewer, body["service"], None)] = body
    wrong = []
    for patient in {patient for patient, _ in words}:
        picture = access_matrix(stage.facts(patient), stage.now, stage.books)
        for (whom, line), word in words.items():
            if whom != patient or line not in picture:
                continue
            now = picture[line]
            if now.allowed != (word["access"] == "gained"):
                last = f"{word['access']} at {word['at']} by {word['cause']}, {word['because']}"
                wrong.append(f"{patient} {line}: last heard {last}; now {now.allowed}, {list(now.codes)}")
    verdict.figures["lines of access that changed"] = len(words)
    verdict.expect_none("readers of changes apart from the rules", wrong, young=True)


def _known(stage: PureStage, ref: Mapping[str, str]) -> PersonId | None:
    return stage.identities.get(Identity(IdType(ref["id_type"]), ref["id"]))
