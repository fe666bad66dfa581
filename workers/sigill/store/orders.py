"""
Signed orders as they came, byte for byte, and every answer given to them.

Append only: the first answer is version 1, the newest holds. `pending_order` lists those whose newest answer is
`pending`, and is kept in the same transaction.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sigill.store.queries import queries
from sigill.store.session import Reading, Row, Tx
from sigill.store.values import person_of, surrogates, uuids
from sigill_contracts.vocabulary import Form, MeasureId, OrderId, Outcome, PersonId, RegionCode, UnitId

_SQL = queries("orders")
_COLUMNS = tuple(
    """
    registration order_id proven person_id region form unit urgent source event_id content_type digest original payload
    trust_report received_at topic partition record_offset traceparent registration_number known_from
    """.split()
)


def plain_number(registration: int) -> str:
    """The registration number (diarienummer) of an order that has none of its own, as people write it."""
    return f"SIGILL-{registration}"


def file_name(number: str) -> str:
    """A registration number as the name of a file or folder: `RS 2027/4F…` is `RS_2027_4F…`."""
    return re.sub(r"[^A-Z0-9-]", "_", number)


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """
    An order as it came. `payload` (the form) and `trust_report` are JSON; `received_at` is the broker's time (UTC).

    `proven`: its signatures hold and it was fresh, so that it alone owns `order_id`. `patient` None: nobody known.
    `original` and `payload` are None once the patient is erased.
    """

    registration: int
    order_id: OrderId | None
    proven: bool
    patient: PersonId | None
    region: RegionCode | None
    form: Form | None
    unit: UnitId | None
    urgent: bool
    source: str
    event_id: str
    content_type: str | None
    digest: bytes
    original: bytes | None
    payload: str | None
    trust_report: str
    received_at: datetime
    topic: str
    partition: int
    offset: int
    traceparent: str | None = None
    own_number: str | None = None
    """The registration number that follows from the order; None: the plain one."""

    @property
    def registration_number(self) -> str:
        """The number under which the order is registered (diarienummer), as people write it."""
        return self.own_number or plain_number(self.registration)


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """
    An answer to an order. `receipt` is the receipt's JSON; `until` the earliest deadline of a pending one (UTC).
    `first`: the order has had none before, so that it cannot have waited.
    """

    registration: int
    outcome: Outcome
    receipt: str | None
    judged_at: datetime
    codes: tuple[str, ...] = ()
    measures: tuple[MeasureId, ...] = ()
    until: datetime | None = None
    first: bool = False


@dataclass(frozen=True, slots=True)
class WaitingOrder:
    """An order that waits, to be judged anew. It was first seen at `order.received_at`."""

    order: StoredOrder
    codes: tuple[str, ...]
    until: datetime | None
    answers: int
    """How many answers it has had."""


@dataclass(frozen=True, slots=True)
class FoundOrder:
    """A line of the console's list."""

    registration: int
    order_id: OrderId | None
    proven: bool
    patient: PersonId | None
    region: RegionCode | None
    form: Form | None
    unit: UnitId | None
    urgent: bool
    received_at: datetime
    outcome: Outcome | None
    codes: tuple[str, ...]
    judged_at: datetime | None
    own_number: str | None = None

    @property
    def registration_number(self) -> str:
        """The number under which the order is registered (diarienummer), as people write it."""
        return self.own_number or plain_number(self.registration)


async def record(tx: Tx, orders: Sequence[StoredOrder]) -> None:
    """Add orders, each under the registration that `inbox.claim` drew."""
    if not orders:
        return
    await tx.copy(
        "signed_order",
        _COLUMNS,
        [
            (
                order.registration,
                order.order_id,
                order.proven,
                None if order.patient is None else int(order.patient),
                order.region,
                None if order.form is None else str(order.form),
                order.unit,
                order.urgent,
                order.source,
                order.event_id,
                order.content_type,
                order.digest,
                order.original,
                order.payload,
                order.trust_report,
                order.received_at,
                order.topic,
                order.partition,
                order.offset,
                order.traceparent,
                order.own_number,
                tx.now,
            )
            for order in orders
        ],
    )


async def answer(tx: Tx, answers: Sequence[StoredAnswer]) -> None:
    """Add answers, one an order and call; the order waits from now on exactly when its outcome is `pending`."""
    if not answers:
        return
    await tx.run(
        _SQL["answer"],
        [order_answer.registration for order_answer in answers],
        [str(order_answer.outcome) for order_answer in answers],
        [",".join(order_answer.codes) for order_answer in answers],
        [",".join(order_answer.measures) for order_answer in answers],
        [order_answer.receipt for order_answer in answers],
        [order_answer.judged_at for order_answer in answers],
        tx.now,
    )
    if waits := [order_answer for order_answer in answers if order_answer.outcome is Outcome.PENDING]:
        await tx.run(
            _SQL["keep_pending"],
            [pending.registration for pending in waits],
            [",".join(pending.codes) for pending in waits],
            [pending.until for pending in waits],
        )
    if ended := [
        order_answer.registration
        for order_answer in answers
        if order_answer.outcome is not Outcome.PENDING and not order_answer.first
    ]:
        await tx.run(_SQL["end_pending"], ended)


async def waiting(
    tx: Reading,
    *,
    persons: Iterable[PersonId] | None = None,
    codes: Iterable[str] | None = None,
    after: int = 0,
    limit: int = 1000,
) -> list[WaitingOrder]:
    """
    Return orders that wait, in order of arrival, registered after `after`; None is no condition.

    Of `persons` given, without the signed bytes, which the workers that ask so must not read; else with them.
    """
    wanted = None if codes is None else [str(code) for code in codes]
    if persons is None:
        rows = await tx.fetch(_SQL["waiting"], wanted, after, limit)
    else:
        rows = await tx.fetch(_SQL["waiting_of"], surrogates(persons), wanted, after, limit)
    return [
        WaitingOrder(
            # whose the number turned out to be since
            replace(_order(row), patient=None if waits is None else person_of(waits)),
            tuple(row["codes"]),
            row["until"],
            row["version"],
        )
        for row in rows
        for waits in [row["waiting_person"]]
    ]


async def waiting_persons(
    tx: Reading, persons: Iterable[PersonId], codes: Iterable[str]
) -> frozenset[PersonId]:
    """Return those of the persons about whom an order waits for any of the codes."""
    rows = await tx.fetch(_SQL["waiting_persons"], surrogates(persons), [str(code) for code in codes])
    return frozenset(person_of(row["person_id"]) for row in rows)


async def carried_out_unproven(
    tx: Reading, *, since: datetime, unless_task: str, after: int = 0, limit: int = 1000
) -> list[StoredOrder]:
    """
    Return protective orders received since `since` (UTC) that were carried out while the card's status was unknown,
    in order of arrival; not those of which a task of kind `unless_task` tells already.
    """
    rows = await tx.fetch(_SQL["carried_out_unproven"], since, unless_task, after, limit)
    return [_order(row) for row in rows]


async def registrations(tx: Reading, order_ids: Iterable[OrderId]) -> dict[OrderId, int]:
    """Return the registrations of proven orders; unknown ids are missing."""
    rows = await tx.fetch(_SQL["registrations"], uuids(set(order_ids)))
    return {OrderId(str(row["order_id"])): row["registration"] for row in rows}


async def numbers_of(tx: Reading, order_ids: Iterable[OrderId]) -> set[str]:
    """Return the registration numbers of everything that came under these order ids."""
    rows = await tx.fetch(_SQL["numbers"], uuids(set(order_ids)))
    return {row["registration_number"] or plain_number(row["registration"]) for row in rows}


async def numbered(tx: Reading, number: str) -> list[int]:
    """Return the registrations of the orders that are registered under a number; none, one, or in theory two."""
    number = number.strip().upper()
    plain = number.removeprefix("SIGILL-") if number.startswith("SIGILL-") else ""
    registration = int(plain) if plain.isascii() and plain.isdecimal() and len(plain) < 19 else None
    return sorted(row["registration"] for row in await tx.fetch(_SQL["numbered"], number, registration))


async def load(tx: Reading, order_ids: Iterable[OrderId]) -> list[StoredOrder]:
    """Return everything that came under these order ids, unproven and changed messages too, as it arrived."""
    return [_order(row) for row in await tx.fetch(_SQL["load"], uuids(set(order_ids)))]


async def by_registration(tx: Reading, numbers: Iterable[int]) -> list[StoredOrder]:
    """Return orders by registration, in order of arrival."""
    return [_order(row) for row in await tx.fetch(_SQL["by_registration"], sorted(numbers))]


async def answers_to(tx: Reading, numbers: Iterable[int]) -> dict[int, tuple[StoredAnswer, ...]]:
    """Return every answer to the orders by registration, the first one first."""
    found: dict[int, tuple[StoredAnswer, ...]] = {}
    for row in await tx.fetch(_SQL["answers"], sorted(numbers)):
        given = StoredAnswer(
            registration=row["registration"],
            outcome=Outcome(row["outcome"]),
            receipt=row["receipt"],
            judged_at=row["judged_at"],
            codes=tuple(row["codes"]),
            measures=tuple(MeasureId(str(measure_id)) for measure_id in row["measures"]),
        )
        found[given.registration] = (*found.get(given.registration, ()), given)
    return found


def found_order(row: Row) -> FoundOrder:
    """The order of a row that a list has read."""
    return FoundOrder(
        registration=row["registration"],
        order_id=_order_id(row),
        proven=row["proven"],
        patient=None if row["person_id"] is None else person_of(row["person_id"]),
        region=row["region"],
        form=None if row["form"] is None else Form(row["form"]),
        unit=row["unit"],
        urgent=row["urgent"],
        received_at=row["received_at"],
        outcome=None if row["outcome"] is None else Outcome(row["outcome"]),
        codes=tuple(row["codes"] or ()),
        judged_at=row["judged_at"],
        own_number=row["registration_number"],
    )


def _order_id(row: Row) -> OrderId | None:
    return None if row["order_id"] is None else OrderId(str(row["order_id"]))


def _order(row: Row) -> StoredOrder:
    return StoredOrder(
        registration=row["registration"],
        order_id=_order_id(row),
        proven=row["proven"],
        patient=None if row["person_id"] is None else person_of(row["person_id"]),
        region=row["region"],
        form=None if row["form"] is None else Form(row["form"]),
        unit=row["unit"],
        urgent=row["urgent"],
        source=row["source"],
        event_id=row["event_id"],
        content_type=row["content_type"],
        digest=row["digest"],
        original=row["original"],
        payload=row["payload"],
        trust_report=row["trust_report"],
        received_at=row["received_at"],
        topic=row["topic"],
        partition=row["partition"],
        offset=row["record_offset"],
        traceparent=row["traceparent"],
        own_number=row["registration_number"],
    )
