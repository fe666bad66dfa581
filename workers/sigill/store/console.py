"""
What the operators' console lists. Every page and every count is bounded, however much there is.

Guarantee: a count is exact up to `MOST`, and says so beyond it; a part is never presented as the whole.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sigill.policy.effects import TimerKind
from sigill.store import persons, tasks
from sigill.store.orders import FoundOrder, found_order
from sigill.store.queries import queries
from sigill.store.session import Reading, Tx
from sigill.store.tasks import StoredTask
from sigill.store.timers import StoredTimer
from sigill.store.values import person_of, surrogates, uuid_or_none
from sigill_contracts.vocabulary import Form, MeasureId, OrderId, Outcome, PersonId, RegionCode, UnitId

_SQL = queries("console")
MOST = 10_000
"""How far is counted."""


@dataclass(frozen=True, slots=True)
class Binding:
    """The regions and the units (HSA-ids) that somebody is bound to; None: to none, everything is theirs."""

    regions: frozenset[str] | None = None
    units: frozenset[str] | None = None

    def covers(self, region: str | None, unit: str | None) -> bool:
        """Whether what belongs to a region and a unit is within it; what is known of neither is outside."""
        return (self.regions is None or region in self.regions) and (self.units is None or unit in self.units)

    def covers_one(self, region: str | None, units: Iterable[str | None]) -> bool:
        """Whether what belongs to a region and to several units is within it: one unit is enough."""
        return any(self.covers(region, unit) for unit in (None, *units))

    @property
    def columns(self) -> tuple[list[str] | None, list[str] | None]:
        """Regions and units as queries take them."""
        return (
            None if self.regions is None else sorted(self.regions),
            None if self.units is None else sorted(self.units),
        )


EVERYTHING = Binding()


@dataclass(frozen=True, slots=True)
class OrderSearch:
    """What is searched for; None is no condition. Moments are UTC, `before` exclusive."""

    patient: PersonId | None = None
    region: RegionCode | None = None
    unit: UnitId | None = None
    form: Form | None = None
    order_id: OrderId | None = None
    since: datetime | None = None
    before: datetime | None = None
    outcome: Outcome | None = None
    bound: Binding = EVERYTHING


@dataclass(frozen=True, slots=True)
class Total:
    """How many there are: `number` exactly, or more than that with `more`."""

    number: int
    more: bool = False


@dataclass(frozen=True, slots=True)
class Tally:
    """How many things wait, how many of them are past their time, and the earliest deadline (UTC)."""

    number: int
    overdue: int
    due: datetime | None


@dataclass(frozen=True, slots=True)
class SentEvent:
    """An event that went with a decision; `published_at` None: it waits for the relay. Times are UTC."""

    id: int
    event_id: UUID
    topic: str
    type: str
    payload: bytes | None
    created_at: datetime
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class Consumed:
    """How far a consumer group has come in a partition; `next_offset` None: nowhere yet."""

    group: str
    topic: str
    partition: int
    next_offset: int | None
    assigned_at: datetime


async def find_orders(
    tx: Reading, wanted: OrderSearch, *, below: int | None = None, limit: int = 100
) -> list[FoundOrder]:
    """Return a page of orders, newest first; `below` is the last registration of the page before."""
    await tx.fresh_plans()
    arguments = [*await _conditions(tx, wanted), below, limit]
    if wanted.outcome is None:
        found = await tx.fetch(_SQL["orders"], *arguments, *wanted.bound.columns)
    else:
        found = await tx.fetch(
            _SQL["orders_of_outcome"], *arguments, str(wanted.outcome), *wanted.bound.columns
        )
    return [found_order(row) for row in found]


async def count_orders(tx: Reading, wanted: OrderSearch) -> Total:
    """Say how many orders there are."""
    await tx.fresh_plans()
    arguments = [*await _conditions(tx, wanted), MOST + 1]
    if wanted.outcome is None:
        return _total(await tx.value(_SQL["count_orders"], *arguments, *wanted.bound.columns))
    return _total(
        await tx.value(
            _SQL["count_orders_of_outcome"], *arguments, str(wanted.outcome), *wanted.bound.columns
        )
    )


async def pending_page(
    tx: Reading,
    code: str | None = None,
    region: RegionCode | None = None,
    *,
    bound: Binding = EVERYTHING,
    limit: int = 100,
    offset: int = 0,
) -> list[tuple[FoundOrder, datetime | None]]:
    """Return orders that wait for `code` (None: for anything) with their deadlines (UTC), the earliest first."""
    rows = await tx.fetch(_SQL["pending_page"], code, region, limit, offset, *bound.columns)
    return [(found_order(row), row["judged_at"]) for row in rows]


async def count_pending(
    tx: Reading,
    now: datetime,
    code: str | None = None,
    region: RegionCode | None = None,
    *,
    bound: Binding = EVERYTHING,
) -> Tally:
    """Say how many orders wait for `code`."""
    row = (await tx.fetch(_SQL["count_pending"], code, region, now, *bound.columns))[0]
    return Tally(row["count"], row["overdue"], row["until"])


@dataclass(frozen=True, slots=True)
class Waits:
    """How many orders of a region wait for one thing, and how many of them past their deadline."""

    region: RegionCode | None
    code: str
    orders: int
    overdue: int
    until: datetime | None


async def waiting(tx: Reading, now: datetime) -> list[Waits]:
    """Say how many orders wait at `now` (UTC), by region and what for."""
    return [
        Waits(row["region"], row["code"], row["orders"], row["overdue"], row["until"])
        for row in await tx.fetch(_SQL["waiting"], now)
    ]


async def events_of(
    tx: Reading, registration: int, keys: Iterable[str], ids: Iterable[UUID] = ()
) -> list[SentEvent]:
    """Return what was written together with the answers to an order: under the patient's keys, or with these ids."""
    moments = [row["known_from"] for row in await tx.fetch(_SQL["answer_moments"], registration)]
    return [
        SentEvent(
            row["id"],
            row["event_id"],
            row["aggregatetype"],
            row["type"],
            row["payload"],
            row["created_at"],
            row["published_at"],
        )
        for row in await tx.fetch(_SQL["events_at"], moments, sorted(set(keys)), sorted(set(ids)))
    ]


async def consumed(tx: Reading) -> list[Consumed]:
    """Return how far each consumer group has come, by the account that moves with the effects."""
    return [
        Consumed(
            row["consumer_group"], row["topic"], row["partition"], row["next_offset"], row["assigned_at"]
        )
        for row in await tx.fetch(_SQL["consumed"])
    ]


async def worklist_page(
    tx: Reading,
    target: str | None = None,
    region: RegionCode | None = None,
    *,
    bound: Binding = EVERYTHING,
    taken_by: str | None = None,
    free: bool = False,
    limit: int = 50,
    offset: int = 0,
) -> list[StoredTask]:
    """
    Return open work-list tasks by patient, who has waited longest first.

    `taken_by`: those that this operator has taken; `free`: those that nobody has.
    """
    columns = bound.columns
    rows = await tx.fetch(_SQL["worklist_page"], target, region, limit, offset, *columns, taken_by, free)
    return [tasks.task_of(row) for row in rows]


async def worklist_claims(
    tx: Reading, operator: str, target: str | None = None, bound: Binding = EVERYTHING
) -> tuple[int, int]:
    """Return how many open work-list tasks an operator has taken, and how many nobody has."""
    row = (await tx.fetch(_SQL["worklist_claims"], operator, target, *bound.columns))[0]
    return row["mine"], row["free"]


async def worklist_done(tx: Reading, bound: Binding = EVERYTHING, limit: int = 20) -> list[StoredTask]:
    """Return the work-list tasks that were ticked off last."""
    return [tasks.task_of(row) for row in await tx.fetch(_SQL["worklist_done"], limit, *bound.columns)]


async def tasks_page(
    tx: Reading,
    kinds: Sequence[str] | None = None,
    but: Sequence[str] | None = None,
    *,
    bound: Binding = EVERYTHING,
    limit: int = 50,
    offset: int = 0,
) -> list[StoredTask]:
    """Return open tasks of `kinds`, or of any kind `but` some, the earliest deadline first."""
    return [
        tasks.task_of(row)
        for row in await tx.fetch(_SQL["tasks_page"], kinds, but, limit, offset, *bound.columns)
    ]


async def count_tasks(
    tx: Reading,
    now: datetime,
    kinds: Sequence[str] | None = None,
    but: Sequence[str] | None = None,
    *,
    bound: Binding = EVERYTHING,
) -> Tally:
    """Say how many such tasks are open."""
    row = (await tx.fetch(_SQL["count_tasks"], kinds, but, now, *bound.columns))[0]
    return Tally(row["tasks"], row["overdue"], row["due"])


async def count_requests(tx: Reading, bound: Binding = EVERYTHING) -> int:
    """Say how many requests to release are open; bound to units: those that one of them is to answer."""
    return int(await tx.value(_SQL["count_requests"], *bound.columns))


async def requests_page(
    tx: Reading, bound: Binding = EVERYTHING, *, limit: int = 1000
) -> list[tuple[OrderId, PersonId]]:
    """Return open requests to release and their patients, oldest first."""
    found = await tx.fetch(_SQL["requests_page"], *bound.columns, limit)
    return [(OrderId(str(row["order_id"])), person_of(row["person_id"])) for row in found]


async def timers_between(
    tx: Reading,
    first: datetime,
    end: datetime,
    regions: Iterable[str] | None = None,
    *,
    limit: int = 100,
    offset: int = 0,
) -> list[StoredTimer]:
    """Return what falls due from `first` until `end` (UTC, exclusive), in order of time; None: in every region."""
    return [
        StoredTimer(
            row["timer_id"],
            TimerKind(row["kind"]),
            row["due_at"],
            person_of(row["person_id"]),
            RegionCode(row["region"]),
            None if row["measure_id"] is None else MeasureId(str(row["measure_id"])),
            None if row["order_id"] is None else OrderId(str(row["order_id"])),
        )
        for row in await tx.fetch(
            _SQL["timers_of_day"], first, end, limit, offset, None if regions is None else sorted(regions)
        )
    ]


async def count_timers(
    tx: Reading, first: datetime, end: datetime, regions: Iterable[str] | None = None
) -> int:
    """Say how many fall due from `first` until `end` (UTC, exclusive); None: in every region."""
    return int(await tx.value(_SQL["count_timers"], first, end, None if regions is None else sorted(regions)))


# --- sessions


@dataclass(frozen=True, slots=True)
class SessionOwner:
    """Whose a session is. `issuer`, `subject`, `acr` and `sid` (the issuer's own name of the session): of the login."""

    operator: str
    hsa_id: str | None
    unit: str | None
    roles: tuple[str, ...]
    issuer: str | None = None
    subject: str | None = None
    acr: str | None = None
    sid: str | None = None
    bound: Binding = EVERYTHING


async def claim_question(
    tx: Tx, token_hash: bytes, confirmed_before: datetime, asked_before: datetime
) -> bool:
    """Say, to one caller alone, that the issuer is to be asked about a session; both moments are UTC and inclusive."""
    return await tx.run(_SQL["claim_question"], token_hash, confirmed_before, asked_before, tx.now) == 1


async def confirm_session(
    tx: Tx,
    token_hash: bytes,
    roles: Iterable[str],
    unit: str | None,
    bound: Binding,
    tokens: bytes | None,
) -> None:
    """Note at `tx.now` that the issuer lets a session go on, with these roles, bound to these regions and units."""
    await tx.run(_SQL["confirm_session"], token_hash, sorted(roles), unit, tokens, tx.now, *bound.columns)


async def end_sessions_of(
    tx: Tx, issuer: str, subject: str | None, sid: str | None, begun_by: datetime
) -> list[str]:
    """
    End the session that an issuer calls `sid`, or without one all of a subject; return the operators' names.

    Only what began until `begun_by` is meant, by the issuer's own clock where it said when a session began.

    The subject's other sessions are asked about at their next request: an issuer may tell of one of several alone.
    """
    ended = [
        row["operator"] for row in await tx.fetch(_SQL["end_sessions_of"], issuer, subject, sid, begun_by)
    ]
    if subject is not None:
        await tx.run(_SQL["doubt_sessions_of"], issuer, subject, begun_by)
    return ended


# --- rows


async def _conditions(tx: Reading, wanted: OrderSearch) -> list[object]:
    spellings: list[int] | None = None
    if wanted.patient is not None:
        same = await persons.merged(tx, [wanted.patient])
        person = same.get(wanted.patient, wanted.patient)
        spellings = surrogates(persons.spellings({person, wanted.patient}, same))
    return [
        spellings,
        wanted.region,
        wanted.unit,
        None if wanted.form is None else str(wanted.form),
        uuid_or_none(wanted.order_id),
        wanted.since,
        wanted.before,
    ]


def _total(number: int) -> Total:
    return Total(min(number, MOST), number > MOST)
