"""Four eyes: what one operator proposes, a second one approves or declines. The database checks it too."""

from dataclasses import dataclass
from datetime import datetime

from sigill.store.queries import queries
from sigill.store.session import Reading, Row, Tx

_SQL = queries("proposals")


class SameOperator(Exception):
    """A proposal is approved by another operator than the one who made it."""


class NotOpen(Exception):
    """There is no such proposal, or it is decided already."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an operator wants to do, and why."""

    proposal_id: int
    action: str
    subject: str
    operator: str
    reason: str
    made_at: datetime


async def propose(tx: Tx, action: str, subject: str, operator: str, reason: str) -> int:
    """Propose something; return the proposal's id."""
    return int(await tx.value(_SQL["propose"], action, subject, operator, reason, tx.now))


async def open_ones(tx: Reading, action: str | None = None) -> list[Proposal]:
    """Return what waits for a second operator, oldest first; None: every action."""
    return [_proposal(row) for row in await tx.fetch(_SQL["open"], action)]


async def open_one(tx: Reading, action: str, proposal_id: int | None) -> Proposal | None:
    """Return what waits under an id; None: nothing does."""
    return next(
        (waiting for waiting in await open_ones(tx, action) if waiting.proposal_id == proposal_id), None
    )


async def decide(
    tx: Tx, proposal_id: int, operator: str, *, approved: bool, action: str | None = None
) -> Proposal:
    """
    Approve or decline, at `tx.now`; return the proposal. Its own maker may decline it, not approve it.

    Raises SameOperator, or NotOpen (also when `action` is given and the proposal is of another).
    """
    rows = await tx.fetch(_SQL["by_id"], proposal_id)
    if not rows or action not in (None, rows[0]["action"]):
        raise NotOpen(f"proposal {proposal_id} is not open")
    proposal = _proposal(rows[0])
    if approved and operator == proposal.operator:
        raise SameOperator("a second operator approves")
    if await tx.value(_SQL["decide"], proposal_id, approved, operator, tx.now) is None:
        raise NotOpen(f"proposal {proposal_id} is not open")
    return proposal


def _proposal(row: Row) -> Proposal:
    return Proposal(
        row["proposal_id"],
        row["action"],
        row["subject"],
        row["operator"],
        row["reason"],
        row["known_from"],
    )
