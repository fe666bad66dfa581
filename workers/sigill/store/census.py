"""
Residents counted by what access depends on, in a few statements for millions.

Guarantee: within a snapshot each living resident is in exactly one group, or among the `singular` ones. Left over: who
they are; a group says how many.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from sigill.policy.calendar import BirthDate
from sigill.store.queries import queries
from sigill.store.session import Reading
from sigill.store.values import ID_TYPES, person_of
from sigill_contracts.vocabulary import IdType, PersonId, RegionCode

if TYPE_CHECKING:
    from sigill.store.session import Row

_SQL = queries("census")


@dataclass(frozen=True, slots=True)
class Kin:
    """What access depends on of a guardian."""

    has_e_id: bool
    protected: bool
    reserve_number: bool
    dead: bool


@dataclass(frozen=True, slots=True)
class Group:
    """So many residents of whom everything that access depends on is the same. `region` is empty for a county without."""

    region: RegionCode
    birth: BirthDate
    id_type: IdType
    protected: bool
    has_e_id: bool
    guardians: tuple[Kin, ...]
    residents: int


async def prepare(tx: Reading) -> None:
    """Give the open snapshot the time and memory that a count over everybody takes."""
    await tx.conn.execute(_SQL["settings"])


async def singular(tx: Reading, since: datetime) -> list[PersonId]:
    """
    Return who must be looked at one by one from `since` (UTC) on.

    Those with measures, those known by two surrogates, and those about or around whom the register says something that
    holds from a later moment.
    """
    return [person_of(row["person_id"]) for row in await tx.fetch(_SQL["singular"], since)]


async def groups(
    tx: Reading,
    counties: Mapping[str, RegionCode],
    on: date,
    births: Sequence[tuple[date, date]],
    *,
    left_out: Collection[PersonId],
    by_age: bool = False,
    only: Collection[str] | None = None,
) -> list[Group]:
    """
    Count the living residents who may be born in any of the periods, both ends inclusive.

    Custody is taken as it stands on `on` (a Swedish date). `counties` says which county belongs to which region; `only`
    are the counties to count (None: all, and those without). `by_age` makes one group of births of the same whole years
    of age on `on`; its birth date is one of theirs, and 29 February stands apart.
    """
    rows = await tx.fetch(
        _SQL["groups"],
        [int(person_id) for person_id in left_out],
        list(counties),
        [str(region) for region in counties.values()],
        [first for first, _ in births],
        [last for _, last in births],
        on,
        on if by_age else None,
        None if only is None else list(only),
    )
    return [_group(row) for row in rows]


async def grown(
    tx: Reading,
    counties: Mapping[str, RegionCode],
    on: date,
    before: date,
    *,
    left_out: Collection[PersonId],
    only: Collection[str] | None = None,
) -> list[Group]:
    """Count the living residents who are surely born before a date, by whole years of age on `on`, without guardians."""
    rows = await tx.fetch(
        _SQL["grown"],
        [int(person_id) for person_id in left_out],
        list(counties),
        [str(region) for region in counties.values()],
        before,
        on,
        None if only is None else list(only),
    )
    return [_group(row) for row in rows]


def _group(row: Row) -> Group:
    return Group(
        region=RegionCode(row["region"]),
        birth=BirthDate(row["birth_earliest"], row["birth_latest"]),
        id_type=ID_TYPES[row["id_type"] - 1],
        protected=row["protected"],
        has_e_id=row["has_e_id"],
        guardians=tuple(_kin(flags) for flags in row["guardians"].split(",") if flags),
        residents=row["residents"],
    )


def _kin(flags: str) -> Kin:
    return Kin(*(flag == "1" for flag in flags))
