"""The list for the diary (diarium): each form in, each decision out and each entry of a case, with number, date, kind, unit and outcome."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from sigill.policy.calendar import midnight, swedish_date
from sigill.store.console import Binding
from sigill.store.orders import plain_number
from sigill.store.queries import queries
from sigill.store.session import Reading
from sigill.store.values import person_of
from sigill_contracts.vocabulary import PersonId

_SQL = queries("diary")
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class DiaryEntry:
    """
    One line of the diary: a form in, a decision out, or what was written down in a case, with its kind as `outcome`. `form`, `region`, `unit` None: nothing under the number could be read, or it is `hidden`.

    `patient` is whom it is proven to be about; None: nobody is.
    """

    at: datetime
    way: Literal["in", "out"]
    number: str
    region: str | None
    form: str | None
    unit: str | None
    outcome: str | None
    registration: int
    patient: PersonId | None
    hidden: bool = False
    """About somebody with protected identity, whom whoever looks may not be shown."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The line as a file has it: Swedish date, in or out, number, region, form, unit, outcome."""
        rest = (self.region, self.form, self.unit, self.outcome)
        return (swedish_date(self.at).isoformat(), self.way, self.number, *(value or "" for value in rest))


def without(page: Sequence[DiaryEntry], hidden: Collection[int]) -> list[DiaryEntry]:
    """Return the lines with region, form and unit of the registrations in `hidden` left out."""
    return [
        replace(entry, region=None, form=None, unit=None, hidden=True)
        if entry.registration in hidden
        else entry
        for entry in page
    ]


DIARY_COLUMNS = ("date", "way", "number", "region", "form", "unit", "outcome")


async def entries(
    tx: Reading, first: date, last: date, bound: Binding, *, limit: int, offset: int = 0
) -> list[DiaryEntry]:
    """Return a page of what came in and went out on the Swedish dates `first` through `last`, in order of time."""
    rows = await tx.fetch(
        _SQL["entries"], midnight(first), midnight(last + timedelta(days=1)), *bound.columns, limit, offset
    )
    return [
        DiaryEntry(
            row["at"],
            row["way"],
            row["registration_number"] or plain_number(row["registration"]),
            row["region"],
            row["form"],
            row["unit"],
            row["outcome"],
            row["registration"],
            None if row["person_id"] is None else person_of(row["person_id"]),
        )
        for row in rows
    ]


async def all_pages(tx: Reading, first: date, last: date, bound: Binding) -> AsyncIterator[list[DiaryEntry]]:
    """Go through all of them, a day and a page at a time."""
    day = first
    while day <= last:
        offset = 0
        while page := await entries(tx, day, day, bound, limit=_PAGE, offset=offset):
            yield page
            if len(page) < _PAGE:
                break
            offset += _PAGE
        day += timedelta(days=1)
