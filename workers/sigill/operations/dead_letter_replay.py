"""
Replaying and settling dead letters, for the console and the command line.

Copy, acknowledge, then mark: the stored bytes go to their own topic, and only what the brokers have acknowledged is
marked. A crash between leaves the letter open; sent once more, the inbox knows it. Left over: until intake has read
the copy, nobody knows whether it can be read now; opening orders that waited are judged a minute after.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from sigill.operations.phone_order import Sending
from sigill.policy.effects import SetTimer, TimerKind
from sigill.processing.patient_keys import shaped_like_a_key
from sigill.runtime.clock import Clock
from sigill.store import audit, dead_letters, holds, persons, timers
from sigill.store.audit import AuditEntry
from sigill.store.dead_letters import DeadLetter
from sigill.store.session import Store, Tx
from sigill.stream.producer import OutgoingRecord, SendInDoubt
from sigill.stream.records import sendable
from sigill_contracts.topics import ORDERS
from sigill_contracts.vocabulary import PendingCode, PersonId, RegionCode

log = structlog.get_logger("sigill.redrive")
CHAIN = "console"
READ_WITHIN = timedelta(seconds=60)
"""How long intake is given to read a replayed message before those behind it are judged."""


class EarlierOpen(Exception):
    """Older letters of the same sequence are open: `ids`."""

    def __init__(self, ids: Sequence[int]) -> None:
        self.ids = tuple(ids)
        super().__init__(f"{len(ids)} older letters are open")


class NotOursToSend(Exception):
    """
    Letters of a topic that only its own source may write: `ids`.

    What the population register and the directory say is believed as it comes. An operator who could write there could
    say who is whose guardian; so the source sends it again, and the letter is discarded.
    """

    def __init__(self, ids: Sequence[int]) -> None:
        self.ids = tuple(ids)
        super().__init__("what the register or the directory sent is theirs to send again")


@dataclass(frozen=True, slots=True)
class Redriven:
    """How many letters were sent and marked, and how many of those asked for are still as they were."""

    sent: int
    left: int


async def redrive(
    store: Store,
    sending: Sending,
    clock: Clock,
    operator: str,
    ids: Sequence[int],
    topic_of: Callable[[str], str],
) -> Redriven:
    """
    Send letters again, the oldest first, from the stored bytes; `topic_of` says what a topic is called on this cluster.

    Raises NotOursToSend for any letter but of orders, EarlierOpen, and what sending raises when nothing was
    acknowledged: then nothing is marked.
    """
    async with store.transaction(clock.now()) as tx:
        await dead_letters.serialise_letters(tx, ids)
        if before := await dead_letters.open_before(tx, ids):
            raise EarlierOpen(before)
        found = (await dead_letters.by_ids(tx, ids)).values()
        if foreign := [letter.dead_letter_id for letter in found if letter.record.topic != ORDERS.name]:
            raise NotOursToSend(foreign)
        letters = [letter for letter in found if letter.action is None and letter.record.value is not None]
        sent = await _send(sending, letters, topic_of)
        await dead_letters.mark_replayed(tx, [letter.dead_letter_id for letter in sent], operator)
        await settle(tx, [letter.dead_letter_id for letter in sent], after=READ_WITHIN)
        entries = [
            AuditEntry(CHAIN, operator, "dead_letter_replayed", {"dead_letter": letter.dead_letter_id})
            for letter in sent
        ]
        await audit.append(tx, entries)
    log.info("dead letters replayed", rows=len(sent), asked=len(ids))
    return Redriven(len(sent), len(ids) - len(sent))


async def look(tx: Tx, hold_id: int, operator: str, reason: str) -> bool:
    """
    End a hold: the operator has looked. The source's orders that waited for it are judged within moments.

    False when it does not stand. What waits behind a letter of its own patient goes on waiting for that.
    """
    ended = await holds.end(tx, hold_id, operator, reason)
    if ended is None:
        return False
    people = await holds.waiting_people(tx, ended.source, str(PendingCode.AWAITING_EARLIER_MESSAGE))
    await timers.set(
        tx,
        [SetTimer(TimerKind.EARLIER_MESSAGE_SETTLED, tx.now, person, RegionCode("")) for person in people],
    )
    await audit.append(
        tx, [AuditEntry(CHAIN, operator, "hold_ended", {"hold": hold_id, "topic": ended.topic})]
    )
    return True


async def _send(
    sending: Sending, letters: Sequence[DeadLetter], topic_of: Callable[[str], str]
) -> list[DeadLetter]:
    records = [
        OutgoingRecord(
            topic_of(letter.record.topic),
            letter.record.key,
            letter.record.value,
            sendable(letter.record.headers),
        )
        for letter in letters
    ]
    try:
        await sending.send(records)
    except SendInDoubt as doubt:
        if not doubt.acknowledged:
            raise
        return [letter for place, letter in enumerate(letters) if place in doubt.acknowledged]
    return list(letters)


async def settle(tx: Tx, ids: Sequence[int], *, after: timedelta = timedelta(0)) -> None:
    """
    Have the orders that waited behind these letters judged anew, where no other letter is open under their key.

    A timer asks the workers to do it: operators write no measure.
    """
    letters = (await dead_letters.by_ids(tx, ids)).values()
    keys = {key for letter in letters if (key := shaped_like_a_key(letter.record.key)) is not None}
    free = keys - await dead_letters.open_keys(tx, ORDERS.name, keys) if keys else set()
    people: set[PersonId] = set((await persons.resolve_keys(tx, free)).values()) if free else set()
    due = tx.now + after
    await timers.set(
        tx,
        [
            SetTimer(TimerKind.EARLIER_MESSAGE_SETTLED, due, person, RegionCode(""))
            for person in sorted(people)
        ],
    )
