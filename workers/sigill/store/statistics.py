"""Counts for the owner, of a period and a region. No row names anybody; small ones are left out by the caller."""

from dataclasses import dataclass
from datetime import date, datetime

from sigill.store.queries import queries
from sigill.store.session import Reading
from sigill_contracts.vocabulary import RegionCode

_SQL = queries("statistics")


@dataclass(frozen=True, slots=True)
class ImposedMeasure:
    """A measure that was imposed on a Swedish date; `unit` "" for the register's own, `born` None where unknown."""

    region: RegionCode
    kind: str
    unit: str
    initiative: str
    day: date
    born: date | None


@dataclass(frozen=True, slots=True)
class PeriodCounts:
    """What happened in a period. Seconds None: not over yet; an outcome or end None: open."""

    imposed: tuple[ImposedMeasure, ...]
    calls: tuple[float | None, ...]
    keyed_in: tuple[tuple[str, float | None], ...]
    requests: tuple[tuple[str | None, int], ...]
    forms: tuple[tuple[str, str, int], ...]
    refusals: tuple[tuple[str, int], ...]


async def counts(tx: Reading, first: datetime, end: datetime, region: RegionCode) -> PeriodCounts:
    """Count what happened from `first` until `end` (UTC, exclusive)."""
    imposed = await tx.fetch(_SQL["imposed"], first, end, region)
    calls = await tx.fetch(_SQL["calls"], first, end, region)
    keyed_in = await tx.fetch(_SQL["keyed_in"], first, end, region)
    requests = await tx.fetch(_SQL["requests"], first, end, region)
    forms = await tx.fetch(_SQL["forms"], first, end, region)
    refusals = await tx.fetch(_SQL["refusals"], first, end, region)
    return PeriodCounts(
        tuple(
            ImposedMeasure(
                RegionCode(row["region"]),
                row["kind"],
                row["unit"],
                row["initiative"],
                row["day"],
                row["born"],
            )
            for row in imposed
        ),
        tuple(row["seconds"] for row in calls),
        tuple((row["target"], row["seconds"]) for row in keyed_in),
        tuple((row["closed"], row["requests"]) for row in requests),
        tuple((row["form"], row["outcome"], row["orders"]) for row in forms),
        tuple((row["code"], row["orders"]) for row in refusals),
    )
