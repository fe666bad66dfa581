"""
The systematic review of the access log (HSLF-FS 2016:40, 4 kap. 9 §): looks with no order near them, or at somebody protected.

It says of nobody that they did wrong. Whoever reviews looks too: each patient on the list gets a line of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sigill.operations.archive import Reader
from sigill.operations.extracts import CHAIN
from sigill.store import access_log, audit, persons
from sigill.store.access_log import ANYWHERE, AccessLogEntry, ReviewedLooks, UnitsOf
from sigill.store.session import Store
from sigill_contracts.vocabulary import PersonId

MOST_LINES = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """
    What is reviewed: looks from `since` until `before` (UTC, exclusive), by `actor` (None: anybody) but `besides`.

    `near`: how near a look an order about the patient must have come. `everything`: also looks that nothing singles out.
    """

    since: datetime
    before: datetime
    actor: str | None = None
    besides: Sequence[str] = ()
    near: timedelta = timedelta(days=30)
    everything: bool = False
    from_units_of: UnitsOf = ANYWHERE
    """Only looks from units of these regions, and from these units."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What was found; `keys`: each patient's newest pseudonymous key; `more`: the list goes on."""

    looks: Sequence[ReviewedLooks]
    keys: Mapping[PersonId, str]
    more: bool


async def review(auditors: Store, reader: Reader, now: datetime, asked: Asked) -> Reviewed:
    """Read, and log the reading, in one transaction at `now` (UTC). At most `MOST_LINES` lines."""
    async with auditors.transaction(now) as tx:
        found = await access_log.reviewed(
            tx,
            asked.since,
            asked.before,
            actor=asked.actor,
            besides=asked.besides,
            near=asked.near,
            everything=asked.everything,
            limit=MOST_LINES + 1,
            from_units_of=asked.from_units_of,
        )
        shown = found[:MOST_LINES]
        people = sorted({look.patient for look in shown}, key=int)
        looked = [
            AccessLogEntry(reader.name, reader.unit, person, reader.reason, access_log.REVIEW)
            for person in people
        ]
        await access_log.append(tx, looked, chain=CHAIN)
        body: dict[str, audit.Json] = {
            "lines": len(shown),
            "since": str(asked.since),
            "before": str(asked.before),
        }
        await audit.append(tx, [audit.AuditEntry(CHAIN, reader.name, "access_log_read", body)])
        keys = {who: pairs[0][1] for who, pairs in (await persons.identities_of(tx, people)).items()}
        return Reviewed(shown, {who: keys.get(who, "") for who in people}, len(found) > MOST_LINES)
