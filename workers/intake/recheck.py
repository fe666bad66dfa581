"""
Orders that waited because nobody could say whether a certificate was revoked: asked again when new lists are known.

What has turned out to be revoked is refused; what is proven is judged anew; what is still unknown waits on.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime

import structlog

from contracts.order import SignedForm
from contracts.receipt import Receipt
from contracts.vocabulary import PendingCode
from workers.enact.anew import filed_again, judge_anew
from workers.enact.citations import Desk
from workers.enact.sitting import Sitting
from workers.enact.standings import sitting_about
from workers.enact.trust_report import TrustReport
from workers.enact.write import write
from workers.intake.evidence import RevocationLists
from workers.intake.texts import objection
from workers.intake.unwrap import Door
from workers.runtime.clock import Clock
from workers.store import orders, persons
from workers.store.orders import WaitingOrder
from workers.store.session import Store, Tx, passing
from workers.trust import Evidence, Unreadable, Verdict, verify

log = structlog.get_logger("sigill.recheck")

WAITED_FOR = (PendingCode.AWAITING_REVOCATION_STATUS,)
LIMIT = 500


@dataclass(slots=True)
class Recheck:
    """Looks again whenever the evidence is another one than last time."""

    store: Store
    desk: Desk
    door: Door
    lists: RevocationLists
    clock: Clock
    _asked: Evidence | None = None

    async def keep_looking(self, stop: asyncio.Event, every: float = 1.0) -> None:
        """Look after each change of the evidence until told to stop; a database that is down is asked again."""
        while not stop.is_set():
            evidence = self.lists.evidence
            if evidence is not self._asked:
                try:
                    await self.look(self.clock.now())
                    self._asked = evidence
                except Exception as error:
                    if not passing(error):
                        raise
            try:
                await asyncio.wait_for(stop.wait(), every)
            except TimeoutError:
                continue

    async def look(self, now: datetime) -> int:
        """Verify again what waits, and enact what follows. Returns how many orders wait no longer."""
        async with self.store.transaction(now) as tx:
            found = await orders.waiting(tx, codes=[str(code) for code in WAITED_FOR], limit=LIMIT)
            found = [one for one in found if one.order.original and one.order.payload and one.order.patient]
            verdicts = await asyncio.to_thread(self._verify, found)
            known = [(one, v) for one, v in zip(found, verdicts, strict=True) if v and not v.undetermined]
            if not known:
                return 0
            patients = {one.order.patient for one, _ in known if one.order.patient}
            await persons.lock(tx, patients)
            sitting = await sitting_about(tx, self.desk, patients, chain="intake-recheck")
            trigger = f"revocation:{now.isoformat()}"
            for one, verdict in known:
                await self._settle(tx, sitting, one, verdict, trigger)
            await write(tx, sitting)
        log.info("revocation known", rows=len(known))
        return len(known)

    def _verify(self, found: list[WaitingOrder]) -> list[Verdict | None]:
        evidence = self.lists.evidence
        verdicts: list[Verdict | None] = []
        for one in found:
            order = one.order
            media_type = (order.content_type or "").split(";", 1)[0].strip().lower()
            try:
                verdicts.append(
                    verify(
                        order.original or b"",
                        media_type,
                        policy=self.door.trust,
                        evidence=evidence,
                        arrived_at=order.received_at,
                    )
                )
            except Unreadable:
                verdicts.append(None)
        return verdicts

    async def _settle(
        self, tx: Tx, sitting: Sitting, one: WaitingOrder, verdict: Verdict, trigger: str
    ) -> None:

        patient = one.order.patient
        assert patient is not None
        if not verdict.refusals:
            await judge_anew(
                tx,
                sitting,
                [patient],
                WAITED_FOR,
                trigger=trigger,
                resolved=WAITED_FOR,
                only=[one.order.registration],
            )
            return
        last = (await orders.answers_to(tx, [one.order.registration]))[one.order.registration][-1]
        filed = filed_again(
            one,
            SignedForm.model_validate_json(one.order.payload or ""),
            TrustReport.model_validate_json(one.order.trust_report),
            Receipt.model_validate_json(last.receipt or ""),
            trigger,
            WAITED_FOR,
            sitting,
        )
        sitting.refuse(filed, tuple(objection(code) for code in verdict.refusals))
