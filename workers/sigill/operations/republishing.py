"""
Publishing again what a topic lost: a deleted topic, a truncated log, a cluster that was made anew.

Each event goes out as it did, under its own id, in its order and marked (`ce_republished`), so that whoever has it drops
it. Three kinds stay back: a state that a newer one has overtaken, a notice that must not be told (again) now, and letters,
which nobody drops by an id.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sigill.policy.calendar import swedish_date
from sigill.policy.facts import Identity, PatientFacts
from sigill.policy.notification_channels import CHANNEL_SPECS
from sigill.policy.repeated_notices import why_not_again
from sigill.processing.person_refs import identity_of
from sigill.runtime.clock import Clock
from sigill.runtime.logging import mask
from sigill.store import audit, facts, outbox, persons
from sigill.store.audit import AuditEntry, Json
from sigill.store.outbox import Unpublished
from sigill.store.session import Reading, Store, Tx
from sigill_contracts.notification import Notification
from sigill_contracts.topics import CHANGES, NOTIFICATIONS, RECEIPTS, STATE
from sigill_contracts.vocabulary import NotificationChannel, PersonId

CHAIN = "ops"
BATCH = 500
"""Events of one transaction: so many patients wait for it at most."""
OVERTAKEN = "newer_state"
LETTER = "letter"
_DECIDED = (RECEIPTS.name, CHANGES.name, STATE.name)


@dataclass(frozen=True, slots=True)
class RepublishSelection:
    """
    What a topic lost: events of `topics`, written from `since` (inclusive) to `until` (exclusive; UTC).

    `person` None: everybody's, and what is about nobody.
    """

    topics: tuple[str, ...]
    since: datetime
    until: datetime
    person: PersonId | None = None


@dataclass(slots=True)
class RepublishCounts:
    """How many events of each topic go out again, and how many stay back, by why."""

    sent: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)


async def republish(
    store: Store, clock: Clock, operator: str, lost: RepublishSelection, reason: str, *, dry_run: bool
) -> RepublishCounts:
    """
    Publish again what was lost, a batch a transaction, each with its entry in the audit chain.

    A dry run writes nothing. Interrupted and begun again, it publishes the first batches once more, under the same ids.
    """
    found = RepublishCounts()
    behind = 0
    while True:
        async with store.transaction(clock.now()) as tx:
            keys = None if lost.person is None else await _keys_of(tx, lost.person)
            batch = await outbox.published(
                tx, lost.topics, lost.since, lost.until, keys=keys, behind=behind, limit=BATCH
            )
            if not batch:
                return found
            behind = batch[-1].id
            chosen = await _chosen(tx, batch, found, lock=not dry_run)
            found.sent.update(event.aggregatetype for event in chosen)
            if chosen and not dry_run:
                number = await outbox.republish(tx, [event.id for event in chosen])
                await audit.append(tx, [_entry(operator, lost, reason, number)])


async def _chosen(
    tx: Tx, batch: Sequence[Unpublished], found: RepublishCounts, *, lock: bool
) -> list[Unpublished]:
    """Those of a batch that may go out again; counts the others. Their patients are locked, so that it stays so."""
    keys = {event.aggregateid for event in batch}
    owners = await persons.resolve_keys(tx, keys)
    same = await persons.merged(tx, owners.values())
    if lock:
        await persons.lock(tx, {*owners.values(), *same, *same.values()})
    states = await outbox.newest(tx, STATE.name, keys)
    notices = {
        event.id: Notification.model_validate_json(event.payload)
        for event in batch
        if event.aggregatetype == NOTIFICATIONS.name and event.payload is not None
    }
    judge = await _Judge.of(tx, {e.aggregateid for e in batch if e.id in notices}, owners, notices.values())
    chosen = []
    for event in batch:
        why = None
        if event.aggregatetype == STATE.name and states[event.aggregateid][0] != event.id:
            why = OVERTAKEN
        elif event.id in notices:
            why = judge.why_not(event, notices[event.id])
        if why is None:
            chosen.append(event)
        else:
            found.left[why] += 1
    return chosen


@dataclass(frozen=True, slots=True)
class _Judge:
    """What the judgement of notices needs to know."""

    now: datetime
    owners: Mapping[str, PersonId]
    standings: Mapping[PersonId, PatientFacts]
    decided: Mapping[str, datetime]
    recipients: Mapping[Identity, PersonId]
    same: Mapping[PersonId, PersonId]

    @classmethod
    async def of(
        cls, tx: Tx, keys: Collection[str], owners: Mapping[str, PersonId], told: Collection[Notification]
    ) -> "_Judge":
        decided: dict[str, datetime] = {}
        for topic in _DECIDED:
            for key, (_, at) in (await outbox.newest(tx, topic, keys)).items():
                decided[key] = max(at, decided.get(key, at))
        named = [identity_of(n.recipient.person) for n in told if n.recipient.person is not None]
        recipients = await persons.resolve(tx, named)
        patients = {owners[key] for key in keys if key in owners}
        return cls(
            tx.now,
            owners,
            await facts.patient_facts(tx, patients),
            decided,
            recipients,
            await persons.merged(tx, {*recipients.values(), *patients}),
        )

    def why_not(self, event: Unpublished, notice: Notification) -> str | None:
        """Why a notice stays back. One that says that nobody is told, and one to operators, reaches nobody else."""
        if notice.suppressed is not None or notice.recipient.kind == "operators":
            return None
        if not CHANNEL_SPECS[NotificationChannel(notice.channel)].shows_repeat:
            return LETTER
        patient = self.owners.get(event.aggregateid)
        standing = None if patient is None else self.standings.get(patient)
        changed = self.decided.get(event.aggregateid, event.created_at) > event.created_at
        if notice.recipient.person is None:  # to a unit, about the patient
            about_whom = None if standing is None else standing.patient.person_id
            return why_not_again(standing, about_whom, self.now, changed=changed)
        to = self.recipients.get(identity_of(notice.recipient.person))
        about = notice.parameters
        ends = [] if about is None else [day for day in (about.period_through,) if day is not None]
        if about is not None and about.day is not None:
            ends.append(about.day - timedelta(days=1))  # it speaks of a day to come
        elif about is not None and about.age is not None:
            ends.append(swedish_date(event.created_at))  # a birthday's notice belongs to its day
        return why_not_again(
            standing,
            None if to is None else self.same.get(to, to),
            self.now,
            changed=changed,
            last_day=min(ends, default=None),
        )


async def _keys_of(tx: Reading, person: PersonId) -> set[str]:
    """Every pseudonymous key that the person's events can stand under, former ones among them."""
    same = await persons.merged(tx, [person])
    known = await persons.identities_of(tx, persons.spellings({same.get(person, person)}, same))
    return {key for pairs in known.values() for _, key in pairs}


def _entry(operator: str, lost: RepublishSelection, reason: str, number: int) -> AuditEntry:
    body: dict[str, Json] = {
        "topics": lost.topics,
        "since": lost.since.isoformat(),
        "until": lost.until.isoformat(),
        "number": number,
    }
    if lost.person is None:
        # with nobody whose personal part could hold it
        return AuditEntry(CHAIN, operator, "outbox_republished", {**body, "reason": mask(reason)})
    return AuditEntry(CHAIN, operator, "outbox_republished", body, lost.person, {"reason": reason})
