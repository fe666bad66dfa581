"""
What people must do: the operators' tasks, and the work-list of what is to be keyed into the national systems.

One open task per kind and subject, however often it is asked for. A task that was ended can be opened anew.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sigill.policy.effects import AddTask, CloseTask, Sentence
from sigill.store.queries import queries
from sigill.store.session import Reading, Row, Tx
from sigill.store.values import person_of, uuids
from sigill_contracts.vocabulary import MeasureId, OrderId, PersonId, RegionCode, UnitId

_SQL = queries("tasks")


@dataclass(frozen=True, slots=True)
class StoredTask:
    """A task as it stands. `done_by` is the operator who ticked it off, `claimed_by` who has taken it; UTC."""

    task_id: int
    kind: str
    subject: str
    region: RegionCode
    text: Sentence
    opened_at: datetime
    state: Literal["open", "done", "closed"]
    patient: PersonId | None = None
    due_at: datetime | None = None
    rules: tuple[str, ...] = ()
    order_id: OrderId | None = None
    measure_id: MeasureId | None = None
    unit: UnitId | None = None
    target: str | None = None
    key_in: str | None = None
    ended_at: datetime | None = None
    done_by: str | None = None
    remark: str | None = None
    claimed_by: str | None = None
    claimed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TaskStats:
    """Open tasks of a region and kind. With `target`: applied here, not yet there. `oldest` and `due` are UTC."""

    region: RegionCode
    kind: str
    target: str | None
    tasks: int
    oldest: datetime
    due: datetime | None


async def add(tx: Tx, tasks: Sequence[tuple[PersonId | None, AddTask]]) -> None:
    """Open tasks, each with the patient it is about; one that is open already only gets an earlier deadline."""
    if not tasks:
        return
    asked = [task for _, task in tasks]
    await tx.run(
        _SQL["add"],
        [task.kind for task in asked],
        [task.subject for task in asked],
        [task.region for task in asked],
        [None if person_id is None else int(person_id) for person_id, _ in tasks],
        [task.text.sv for task in asked],
        [task.text.en for task in asked],
        [",".join(task.rules) for task in asked],
        [task.due_at for task in asked],
        [task.order_id for task in asked],
        [task.measure_id for task in asked],
        [task.unit for task in asked],
        [task.target for task in asked],
        [task.key_in for task in asked],
        tx.now,
    )


async def close(tx: Tx, tasks: Sequence[CloseTask]) -> int:
    """Close tasks that need nobody any more; return how many were open."""
    if not tasks:
        return 0
    return await tx.run(
        _SQL["close"], [task.kind for task in tasks], [task.subject for task in tasks], tx.now
    )


async def tick_off(
    tx: Tx, task_id: int, operator: str, remark: str | None = None, *, whoever_has_it: bool = False
) -> bool:
    """
    Note that `operator` did it, at `tx.now`; False: it was not open any more, or another operator has taken it.

    `whoever_has_it`: also one that another has taken, for what a national system has done by itself.
    """
    return await tx.value(_SQL["tick_off"], task_id, operator, tx.now, remark, whoever_has_it) is not None


async def claim(tx: Tx, task_ids: Sequence[int], operator: str, *, from_others: bool = False) -> list[int]:
    """Take open tasks that nobody has, or `from_others` too, at `tx.now`; return those that were taken."""
    rows = await tx.fetch(_SQL["claim"], list(task_ids), operator, tx.now, from_others)
    return [row["task_id"] for row in rows]


async def unclaim(tx: Tx, task_ids: Sequence[int], operator: str) -> list[int]:
    """Give back tasks that the operator has taken; return those that were given back."""
    return [row["task_id"] for row in await tx.fetch(_SQL["unclaim"], list(task_ids), operator)]


async def reopen(tx: Tx, task_id: int, remark: str) -> bool:
    """Undo a tick; False: it was not ticked off, or has been opened anew since."""
    return await tx.value(_SQL["reopen"], task_id, remark) is not None


async def page(
    tx: Reading,
    *,
    region: RegionCode | None = None,
    kinds: Iterable[str] | None = None,
    target: str | None = None,
    patient: PersonId | None = None,
    limit: int = 50,
    offset: int = 0,
) -> list[StoredTask]:
    """Return open tasks, the earliest deadline first; None is no condition."""
    rows = await tx.fetch(
        _SQL["page"],
        region,
        None if kinds is None else list(kinds),
        target,
        None if patient is None else int(patient),
        limit,
        offset,
    )
    return [task_of(row) for row in rows]


async def by_ids(tx: Reading, task_ids: Iterable[int]) -> dict[int, StoredTask]:
    """Return tasks in whatever state."""
    return {row["task_id"]: task_of(row) for row in await tx.fetch(_SQL["by_ids"], sorted(task_ids))}


async def of_orders(tx: Reading, order_ids: Iterable[OrderId]) -> list[StoredTask]:
    """Return the tasks that orders brought, in whatever state."""
    return [task_of(row) for row in await tx.fetch(_SQL["of_orders"], uuids(set(order_ids)))]


async def stats(
    tx: Reading, regions: Iterable[str] | None = None, units: Iterable[str] | None = None
) -> list[TaskStats]:
    """Return how many tasks are open, by region, kind and target; of some regions and units, None: of all."""
    return [
        TaskStats(row["region"], row["kind"], row["target"], row["tasks"], row["oldest"], row["due"])
        for row in await tx.fetch(
            _SQL["stats"],
            None if regions is None else sorted(regions),
            None if units is None else sorted(units),
        )
    ]


def task_of(row: Row) -> StoredTask:
    """Read a task from its row."""
    order_id, measure_id = row["order_id"], row["measure_id"]
    return StoredTask(
        task_id=row["task_id"],
        kind=row["kind"],
        subject=row["subject"],
        region=RegionCode(row["region"]),
        text=Sentence(row["text_sv"], row["text_en"]),
        opened_at=row["opened_at"],
        state=row["state"],
        patient=None if row["person_id"] is None else person_of(row["person_id"]),
        due_at=row["due_at"],
        rules=tuple(row["rules"]),
        order_id=None if order_id is None else OrderId(str(order_id)),
        measure_id=None if measure_id is None else MeasureId(str(measure_id)),
        unit=row["unit"],
        target=row["target"],
        key_in=row["key_in"],
        ended_at=row["ended_at"],
        done_by=row["done_by"],
        remark=row["remark"],
        claimed_by=row["claimed_by"],
        claimed_at=row["claimed_at"],
    )
