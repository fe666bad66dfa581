"""
Orders of which nobody could say whether the signer's card was revoked: asked again when more is known.

Those that wait are judged anew, or refused when the card has turned out revoked. Protective ones were carried out at
once: of those whose card turns out revoked the operators are told, once, and the protection stays.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from sigill.intake.refusal_texts import signature_objections
from sigill.intake.revocation_cache import MARGIN, TrustRevocationCache
from sigill.intake.verification import OrderVerifier
from sigill.judgement.transitions import card_revoked_late
from sigill.processing.citations import PolicyProvider
from sigill.processing.event_ids import reevaluation_cause
from sigill.processing.loading import unit_of_work_about
from sigill.processing.persist import persist
from sigill.processing.reevaluation import received_again, reevaluate_pending
from sigill.processing.trust_report import TrustReport
from sigill.processing.unit_of_work import UnitOfWork
from sigill.runtime.clock import Clock, stopwatch
from sigill.store import orders, persons
from sigill.store.orders import StoredOrder, WaitingOrder
from sigill.store.session import Store, Tx, passing
from sigill.stream.records import media_type
from sigill.trust import RevocationSnapshot, UnreadableSignature, Verdict, verify
from sigill_contracts.order import SignedForm
from sigill_contracts.receipt import Receipt
from sigill_contracts.vocabulary import PendingCode, PersonId, RefusalCode, RegionCode

log = structlog.get_logger("sigill.recheck")

WAITED_FOR = (PendingCode.AWAITING_REVOCATION_STATUS,)
ALERT = "card_revoked_late"
"""The kind of task that tells operators of a card that has turned out revoked."""
LIMIT = 500
"""Orders looked at in one go."""
ASK_SECONDS = 60.0
"""Between two tries to ask OCSP about what is still unknown, when nothing else has changed."""
CHAIN = "intake-recheck"


@dataclass(slots=True)
class Recheck:
    """Looks again whenever the evidence is another one than last time, and now and then asks OCSP itself."""

    store: Store
    desk: PolicyProvider
    verifier: OrderVerifier
    revocation: TrustRevocationCache
    clock: Clock
    _asked: RevocationSnapshot | None = None
    _asked_at: float | None = None
    _good: set[int] = field(default_factory=set)

    async def keep_looking(self, stop: asyncio.Event, every: float = 1.0) -> None:
        """Look when there is reason to until told to stop; a database that is down is asked again."""
        while not stop.is_set():
            if self._has_reason():
                try:
                    await self.look(self.clock.now())
                    self._asked, self._asked_at = self.revocation.snapshot, stopwatch()
                except Exception as error:
                    if not passing(error):
                        raise
            try:
                await asyncio.wait_for(stop.wait(), every)
            except TimeoutError:
                continue

    def _has_reason(self) -> bool:
        if self.revocation.snapshot is not self._asked or self._asked_at is None:
            return True
        return stopwatch() - self._asked_at >= ASK_SECONDS

    async def look(self, now: datetime) -> int:
        """Verify again what waits and what was carried out unproven. Returns of how many orders more is known."""
        waiting = await self._waiting(now)
        return waiting + await self._carried_out(now)

    async def _waiting(self, now: datetime) -> int:
        after = known = 0
        while True:
            async with self.store.reading() as tx:
                found = await orders.waiting(
                    tx, codes=[str(code) for code in WAITED_FOR], after=after, limit=LIMIT
                )
            verdicts = await self._verify([pending.order for pending in found])
            decided = {number: verdict for number, verdict in verdicts.items() if not verdict.undetermined}
            patients = {pending.order.patient for pending in found if pending.order.registration in decided}
            if decided:
                known += await self._settle(now, decided, {who for who in patients if who is not None})
            if len(found) < LIMIT:
                break
            after = found[-1].order.registration
        if known:
            log.info("revocation known", rows=known)
        return known

    async def _carried_out(self, now: datetime) -> int:
        since = now - self.verifier.trust.longest_age - MARGIN
        after = alerted = 0
        while True:
            async with self.store.reading() as tx:
                found = await orders.carried_out_unproven(
                    tx, since=since, unless_task=ALERT, after=after, limit=LIMIT
                )
            verdicts = await self._verify([order for order in found if order.registration not in self._good])
            revoked = {n for n, v in verdicts.items() if RefusalCode.CERTIFICATE_REVOKED in v.refusals}
            self._good |= {n for n, v in verdicts.items() if v.proven}
            if revoked:
                alerted += await self._alert(now, [order for order in found if order.registration in revoked])
            if len(found) < LIMIT:
                break
            after = found[-1].registration
        return alerted

    async def _verify(self, asked: Sequence[StoredOrder]) -> dict[int, Verdict]:
        """Verify orders again by registration, OCSP asked where it may help; erased ones are left out."""
        held = [order for order in asked if order.original and order.payload and order.patient is not None]
        evidence = self.revocation.snapshot
        verdicts = await asyncio.to_thread(self._verdicts, held, evidence)
        questions = [question for verdict in verdicts.values() for question in verdict.questions]
        if questions:
            await self.revocation.ask(questions)
            if self.revocation.snapshot is not evidence:
                open_ones = [order for order in held if verdicts[order.registration].undetermined]
                verdicts |= await asyncio.to_thread(self._verdicts, open_ones, self.revocation.snapshot)
        return verdicts

    def _verdicts(self, asked: Sequence[StoredOrder], evidence: RevocationSnapshot) -> dict[int, Verdict]:
        verdicts: dict[int, Verdict] = {}
        for order in asked:
            try:
                verdicts[order.registration] = verify(
                    order.original or b"",
                    media_type(order.content_type),
                    policy=self.verifier.trust,
                    evidence=evidence,
                    arrived_at=order.received_at,
                )
            except (
                UnreadableSignature
            ):  # it was readable when it came: a stricter program must not undo what was done
                verdicts[order.registration] = Verdict(None, undetermined=True)
        return verdicts

    async def _settle(
        self, now: datetime, decided: dict[int, Verdict], patients: Collection[PersonId]
    ) -> int:
        """Judge anew, or refuse, what waits still now that its patients are held."""
        async with self.store.transaction(now) as tx:
            await persons.lock(tx, patients)
            found = await orders.waiting(
                tx, persons=patients, codes=[str(code) for code in WAITED_FOR], limit=LIMIT
            )
            still = [pending for pending in found if pending.order.registration in decided]
            if not still:
                return 0
            unit_of_work = await unit_of_work_about(tx, self.desk, patients, chain=CHAIN)
            for pending in still:
                await self._settle_one(tx, unit_of_work, pending, decided[pending.order.registration])
            await persist(tx, unit_of_work)
        return len(still)

    async def _settle_one(
        self, tx: Tx, unit_of_work: UnitOfWork, one: WaitingOrder, verdict: Verdict
    ) -> None:

        patient = one.order.patient
        assert patient is not None, "an order of nobody is not verified again"
        trigger = f"revocation:{tx.now.isoformat()}"
        if not verdict.refusals:
            await reevaluate_pending(
                tx,
                unit_of_work,
                [patient],
                WAITED_FOR,
                trigger=trigger,
                resolved=WAITED_FOR,
                only=[one.order.registration],
            )
            return
        last = (await orders.answers_to(tx, [one.order.registration]))[one.order.registration][-1]
        filed = received_again(
            one,
            SignedForm.model_validate_json(one.order.payload or ""),
            TrustReport.model_validate_json(one.order.trust_report),
            Receipt.model_validate_json(last.receipt or ""),
            trigger,
            WAITED_FOR,
            unit_of_work,
        )
        unit_of_work.refuse(filed, tuple(signature_objections(verdict.reasons)))

    async def _alert(self, now: datetime, revoked: Sequence[StoredOrder]) -> int:
        """Tell the operators of orders whose card was revoked. Returns how many they had not been told of."""
        patients = {order.patient for order in revoked if order.patient is not None}
        async with self.store.transaction(now) as tx:
            await persons.lock(tx, patients)
            # another intake may have told them while we waited
            since = now - self.verifier.trust.longest_age - MARGIN
            before = min(order.registration for order in revoked) - 1
            left = await orders.carried_out_unproven(tx, since=since, unless_task=ALERT, after=before)
            untold = {order.registration for order in left}
            told = [order for order in revoked if order.registration in untold]
            if not told:
                return 0
            unit_of_work = await unit_of_work_about(tx, self.desk, patients, chain=CHAIN)
            for order in told:
                assert order.patient is not None, "an order of nobody is not verified again"
                assert order.order_id is not None, "a proven order has one"
                if unit_of_work.standing(order.patient).facts is None:
                    continue
                unit_of_work.follow(
                    order.patient,
                    card_revoked_late(order.order_id, order.region or RegionCode(""), tx.now),
                    cause=reevaluation_cause(order.order_id, "card_revoked"),
                    order_id=order.order_id,
                )
            await persist(tx, unit_of_work)
        log.warning("a card that signed what was carried out was revoked", rows=len(told))
        return len(told)
