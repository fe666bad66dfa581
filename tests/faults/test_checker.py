"""The checker of the chaos runs, held against made-up outcomes: a sound one passes, each fault is named."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import pytest

from sigill.bootstrap import load_rulebooks
from sigill.devtools.authority import DevAuthority
from sigill.scenario.pure import PureStage
from sigill_contracts.dead_letter import ORIGINAL_OFFSET, ORIGINAL_PARTITION
from sigill_contracts.register import PersonRecord
from sigill_contracts.topics import CHANGES, ORDERS, RECEIPTS, STATE
from tests.faults import checker
from tests.faults.checker import DEAD, PUBLISHED, Verdict
from tests.faults.outside import Message, Outside
from tests.faults.readers import apart, check_changes, copy_of, last_words
from tests.faults.topics import Found

EVENTS = uuid5(NAMESPACE_URL, "urn:se:sigill:events")
PREFIX = "t."
NOW = datetime(2026, 2, 2, 8, tzinfo=UTC)


def event(text: str) -> str:
    return str(uuid5(EVENTS, text))


@dataclass
class Outcome:
    """A made-up run: what was sent, and what was published about it."""

    orders: list[Found] = field(default_factory=list)
    receipts: list[Found] = field(default_factory=list)
    dead: list[Found] = field(default_factory=list)
    known: dict[str, Message] = field(default_factory=dict)
    reread: bool = False

    def send(
        self, key: str, order_id: str, *, garbage: bool = False, offset: int | None = None, **more: Any
    ) -> Found:
        value = json.dumps([key, order_id, garbage]).encode()
        at = sum(r.log == more.get("log", 0) for r in self.orders) if offset is None else offset
        record = Found(ORDERS.name, 0, at, key, value, {}, **more)
        self.orders.append(record)
        message = Message(ORDERS, key, value, (), kind="garbage" if garbage else "order", order_id=order_id)
        self.known[message.digest] = message
        return record

    def answer(self, record: Found, outcome: str, *, first: bool, suffix: str = "") -> None:
        digest = record.digest
        order_id = self.known[digest].order_id
        arrival = f"arrival:{PREFIX}{ORDERS.name}:{record.partition}:{record.offset}:{digest}"
        cause = f"order:{order_id}:{digest}" if first else arrival
        what = "receipt" if outcome in ("duplicate", "unreadable") else f"receipt:{outcome}:"
        self._say(event(f"{cause}|{what}|0{suffix}"), record.key, outcome, order_id)

    def later(self, order_id: str, key: str, outcome: str) -> None:
        self._say(event(f"later {order_id} {outcome} {len(self.receipts)}"), key, outcome, order_id)

    def _say(self, ident: str, key: str, outcome: str, order_id: str) -> None:
        body = json.dumps({"outcome": outcome, "codes": [], "order_id": order_id}).encode()
        headers = {"ce_id": ident.encode()}
        self.receipts.append(Found(RECEIPTS.name, 0, len(self.receipts), key, body, headers))

    def bury(self, record: Found, value: bytes | None = None) -> None:
        headers = {
            ORIGINAL_PARTITION: record.partition.to_bytes(4, "big"),
            ORIGINAL_OFFSET: record.offset.to_bytes(8, "big"),
        }
        self.dead.append(Found(DEAD, 0, len(self.dead), record.key, value or record.value, headers))

    def verdict(self) -> Verdict:
        found = Verdict()
        topics: dict[str, list[Found]] = {name: [] for name in PUBLISHED}
        topics |= {ORDERS.name: self.orders, RECEIPTS.name: self.receipts, DEAD: self.dead}
        expected = checker.expected_answers(self.orders, self.known, PREFIX)
        checker.check_answers(found, topics, expected, reread=self.reread)
        checker.check_dead_letters(found, topics, self.known)
        checker.check_bodies(found, topics)
        return found


def sound() -> Outcome:
    """Two orders of one patient, one of another that waits and is settled, a repeat, and one that cannot be read."""
    made = Outcome()
    a, b = made.send("anna", "a"), made.send("anna", "b")
    made.answer(a, "executed", first=True)
    made.answer(b, "refused", first=True)
    c = made.send("bo", "c")
    made.answer(c, "pending", first=True)
    made.answer(made.send("anna", "a"), "duplicate", first=False)
    g = made.send("bo", "g", garbage=True)
    made.answer(g, "unreadable", first=False)
    made.bury(g)
    made.later("c", "bo", "executed")
    return made


def _lost(made: Outcome) -> None:
    made.receipts.pop(1)


def _doubled(made: Outcome) -> None:
    made.later("a", "anna", "executed")


def _doubled_repeat(made: Outcome) -> None:
    made.answer(made.orders[0], "duplicate", first=False)


def _two_final(made: Outcome) -> None:
    made.later("c", "bo", "refused")


def _reordered(made: Outcome) -> None:
    made.receipts[0], made.receipts[1] = made.receipts[1], made.receipts[0]


def _two_bodies(made: Outcome) -> None:
    body = json.dumps({"outcome": "executed", "codes": [], "order_id": "a", "at": "later"}).encode()
    made.receipts.append(replace(made.receipts[0], value=body, offset=99))


def _unburied(made: Outcome) -> None:
    made.dead.clear()


def _other_bytes(made: Outcome) -> None:
    made.dead.clear()
    made.bury(made.orders[-1], b"other bytes")


def _buried_order(made: Outcome) -> None:
    made.bury(made.orders[0])


def _repeat_judged(made: Outcome) -> None:
    made.receipts[3] = made.receipts[0]


def test_a_sound_outcome_passes() -> None:
    assert sound().verdict().faults == []


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (_lost, "orders lost (no answer)"),
        (_doubled, "answers doubled or to nothing"),
        (_doubled_repeat, "answers doubled or to nothing"),
        (_two_final, "orders with two final answers"),
        (_reordered, "answers out of order"),
        (_two_bodies, "event ids with two bodies"),
        (_unburied, "unreadable messages without a dead letter"),
        (_other_bytes, "dead letters of nothing, or with other bytes"),
        (_buried_order, "dead letters of nothing, or with other bytes"),
        (_repeat_judged, "orders lost (no answer)"),
    ],
)
def test_each_made_up_fault_is_named(spoil: Callable[[Outcome], None], named: str) -> None:
    made = sound()
    spoil(made)
    assert named in [fault.partition(": ")[0] for fault in made.verdict().faults]


def made_anew() -> Outcome:
    """The log is made anew, and the sender sends all of it once more and something new."""
    made = sound()
    made.reread = True
    made.answer(made.send("bo", "c", log=1), "duplicate", first=False)
    made.answer(made.send("anna", "a", log=1), "duplicate", first=False)
    made.answer(made.send("anna", "b", log=1), "duplicate", first=False)
    made.answer(made.send("anna", "d", log=1), "executed", first=True)
    return made


def test_what_a_log_that_was_made_anew_brings_again_is_a_repeat() -> None:
    made = made_anew()
    assert made.verdict().faults == []
    made.receipts.pop()
    assert [f.partition(": ")[0] for f in made.verdict().faults] == ["orders lost (no answer)"]


def test_a_skip_into_a_log_that_was_made_anew_is_found() -> None:
    """What reading on from the old offset does: the records before it have no answer."""
    made = made_anew()
    del made.receipts[-2]
    assert [f.partition(": ")[0] for f in made.verdict().faults] == ["orders lost (no answer)"]


def test_what_was_lost_before_it_was_taken_is_judged_when_it_is_sent_again() -> None:
    made = Outcome()
    made.send("anna", "a", taken=False)
    made.answer(made.send("anna", "a", log=1, offset=5), "executed", first=True)
    assert made.verdict().faults == []
    made.receipts.clear()
    assert [f.partition(": ")[0] for f in made.verdict().faults] == ["orders lost (no answer)"]


def test_what_was_lost_and_never_sent_again_has_no_answer() -> None:
    made = Outcome()
    lost = made.send("anna", "a", taken=False)
    assert made.verdict().faults == []
    made.answer(lost, "executed", first=True)
    assert [f.partition(": ")[0] for f in made.verdict().faults] == ["answers doubled or to nothing"]


def test_the_same_bytes_at_the_same_place_may_be_taken_for_the_same_log() -> None:
    made = Outcome()
    made.answer(made.send("anna", "a"), "executed", first=True)
    made.send("anna", "a", log=1)
    assert made.verdict().faults == []


# --- readers

MEASURE = str(UUID(int=1))
PERSON = {"person_id": 7, "protected": False, "birth_earliest": date(1990, 1, 1)}
STORED: dict[str, Any] = {
    "measure_id": UUID(int=1),
    "person_id": 7,
    "kind": "journal_seal",
    "region": "kronoberg",
    "initiative": "patient",
    "services": ["journal"],
    "units": None,
    "recorded_from": None,
    "recorded_to": None,
    "valid_from": NOW - timedelta(days=1),
    "valid_to": None,
    "ends_at_age": None,
    "released": False,
}


def state(version: int, *, protected: bool = False, **measure: Any) -> Found:
    told = {
        "measure_id": MEASURE,
        "kind": "journal_seal",
        "region": "kronoberg",
        "initiative": "patient",
        "services": ["journal"],
        "valid_from": (NOW - timedelta(days=1)).isoformat(),
        **measure,
    }
    body = {
        "key": "k",
        "version": version,
        "patient": {"protected": protected},
        "measures": [] if measure.get("measure_id", MEASURE) is None else [told],
    }
    return Found(STATE.name, 0, version, "k", json.dumps(body).encode(), {})


def differs(*states: Found, **stored: Any) -> list[str]:
    return apart(copy_of(states), {"k": PERSON}, [{**STORED, **stored}], NOW)


def test_a_copy_that_is_as_the_store_passes_and_keeps_the_highest_version() -> None:
    assert differs(state(2), state(1, protected=True)) == []
    over = {"valid_to": NOW, "released": True}
    assert differs(state(3, measure_id=None), **over) == [], "a measure that is over may have left"


@pytest.mark.parametrize(
    ("states", "says"),
    [
        ([state(1, measure_id=None)], "in the store only"),
        ([state(1, measure_id=str(UUID(int=9)))], "in the copy only"),
        ([state(1, valid_to=NOW.isoformat())], "differs"),
        ([state(1, units=["SE1"])], "differs"),
        ([state(1, protected=True)], "protected"),
        ([state(2, measure_id=None), state(1)], "in the store only"),
        ([], "no reader has heard"),
    ],
)
def test_a_copy_that_is_apart_from_the_store_is_named(states: list[Found], says: str) -> None:
    assert any(says in line for line in differs(*states)), differs(*states)


def test_the_last_receipt_is_the_stores_outcome() -> None:
    made = sound()
    stored = {"a": ("executed", ()), "b": ("refused", ()), "c": ("executed", ())}
    assert last_words(made.receipts, stored) == []
    assert len(last_words(made.receipts[:-1], stored)) == 1, (
        "the order that waited was settled and nobody was told"
    )
    assert len(last_words(made.receipts, {**stored, "d": ("executed", ())})) == 1


async def test_the_last_word_of_a_line_of_access_is_what_the_rules_say_now() -> None:
    books = load_rulebooks()
    begin, end = NOW - timedelta(days=4000), NOW + timedelta(days=4000)
    authority = DevAuthority.create(begin, not_before=begin, not_after=end)
    outside = Outside(books, authority, random.Random(3), NOW)
    outside.people(6)
    stage = PureStage(books, now=NOW)
    household = next(h for h in outside.households if not h.guardians and h.cast.people[h.patient].registered)
    record = outside.tells(household, household.patient, NOW).record
    assert isinstance(record, PersonRecord)
    await stage.tell_register([record])
    ref = record.person.model_dump(mode="json")
    for word, faults in (("gained", 0), ("lost", 1)):
        body = {
            "patient": ref,
            "viewer": ref,
            "service": "e_services",
            "access": word,
            "at": "",
            "cause": "",
            "because": [],
        }
        verdict = Verdict()
        change = Found(CHANGES.name, 0, 0, "k", json.dumps(body).encode(), {"ce_id": b"1"})
        check_changes(verdict, stage, [change], outside.households)
        assert verdict.figures["lines of access that changed"] == 1
        assert len(verdict.faults) == faults, word
