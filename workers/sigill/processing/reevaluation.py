"""
Re-evaluation of pending orders: the register has told of the patient, a deadline has passed, an operator has dealt with
the unreadable message before it. An order that still waits for the same is not answered again.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from types import MappingProxyType

from sigill.judgement.orders import takes_effect_when_received
from sigill.policy.earlier_orders import orders_named
from sigill.processing.event_ids import reevaluation_cause
from sigill.processing.loading import staff_in, units_in, with_people
from sigill.processing.patient_context import with_orders
from sigill.processing.person_refs import identity_of
from sigill.processing.trust_report import TrustReport
from sigill.processing.unit_of_work import ReceivedOrder, UnitOfWork
from sigill.store import facts as stored
from sigill.store import growth, holds, orders, persons, staff, units
from sigill.store.orders import WaitingOrder
from sigill.store.session import Tx
from sigill_contracts.order import SignedForm
from sigill_contracts.receipt import Receipt
from sigill_contracts.topics import ORDERS
from sigill_contracts.vocabulary import HsaId, OrderId, Outcome, PendingCode, PersonId

LIMIT = 10_000


async def reevaluate_pending(
    tx: Tx,
    unit_of_work: UnitOfWork,
    patients: Iterable[PersonId],
    waits: Collection[PendingCode],
    *,
    trigger: str,
    resolved: Collection[PendingCode] = (),
    only: Collection[int] | None = None,
) -> list[Receipt]:
    """
    Judge the patients' orders that wait for any of `waits`, in order of arrival. Returns the newest receipts.

    The patients are in the sitting, and locked. `trigger` names what set it off, for the ids of what follows;
    `resolved` are the things that are known to be there now (`awaiting_revocation_status`,
    `awaiting_earlier_message`): what else they waited for still holds as it was found at the door, and orders of a source
    that is held, or that came ahead of a partition that is set aside, go on waiting for the latter. `only` limits it to
    orders with these registrations.
    """
    found = await orders.waiting(tx, persons=set(patients), codes=[str(code) for code in waits], limit=LIMIT)
    if only is not None:
        found = [pending for pending in found if pending.order.registration in only]
    if PendingCode.AWAITING_EARLIER_MESSAGE in resolved:
        held = await holds.held(tx, ORDERS.name, {holds.known_as(pending.order.source) for pending in found})
        ahead = growth.Overtaking(tuple(await growth.waits(tx)))
        found = [
            pending
            for pending in found
            if holds.known_as(pending.order.source) not in held
            and not ahead.is_ahead(pending.order.topic, pending.order.partition, pending.order.offset)
        ]
    if not found:
        return []
    forms = [
        SignedForm.model_validate_json(pending.order.payload) for pending in found if pending.order.payload
    ]
    reports = [
        TrustReport.model_validate_json(pending.order.trust_report)
        for pending in found
        if pending.order.payload
    ]
    waiting = [pending for pending in found if pending.order.payload]
    await _know(tx, unit_of_work, forms, reports)
    answers = await orders.answers_to(tx, [pending.order.registration for pending in waiting])
    receipts = []
    for pending, form, report in zip(waiting, forms, reports, strict=True):
        last = answers[pending.order.registration][-1].receipt
        if last is None or pending.order.patient is None:
            continue
        # the store does not know yet what this very transaction has answered, or settled
        standing = unit_of_work.standing(pending.order.patient)
        earlier = standing.orders.get(OrderId(str(form.order_id)))
        if earlier is not None and earlier.outcome != Outcome.PENDING:
            continue
        before = unit_of_work.answered.get(pending.order.registration)
        receipts.append(
            unit_of_work.judge(
                received_again(
                    pending,
                    form,
                    report,
                    before or Receipt.model_validate_json(last),
                    trigger,
                    resolved,
                    unit_of_work,
                )
            )
        )
    return receipts


def received_again(
    one: WaitingOrder,
    form: SignedForm,
    report: TrustReport,
    before: Receipt,
    trigger: str,
    resolved: Collection[PendingCode],
    unit_of_work: UnitOfWork,
) -> ReceivedOrder:
    """
    A waiting order before its judge again, with what was found out about it at the door.

    What it waits for is what `before` says, its newest receipt: the store may hold an older one.
    """
    order = one.order
    assert order.patient is not None
    standing = unit_of_work.standing(order.patient)
    patient = None if standing.facts is None else standing.facts.patient
    as_received = takes_effect_when_received(form.form, before.codes, patient)
    still = {code for code in before.codes if code not in {str(code) for code in resolved}}
    return ReceivedOrder(
        form=form,
        stored=order,
        cause=reevaluation_cause(str(form.order_id), trigger),
        key="" if patient is None else patient.key,
        signers=tuple(HsaId(signer.hsa_id) for signer in report.signers),
        signed_at=report.signed_at,
        revocation_unknown=PendingCode.AWAITING_REVOCATION_STATUS in still,
        after_dead_letter=PendingCode.AWAITING_EARLIER_MESSAGE in still,
        at=order.received_at if as_received else None,
        first_seen_at=order.received_at,
        before=before,
        traceparent=order.traceparent,
    )


async def _know(
    tx: Tx, unit_of_work: UnitOfWork, forms: Sequence[SignedForm], reports: Sequence[TrustReport]
) -> None:
    """Have everybody whom the orders name among the sitting's people and staff, and the earlier orders that they need."""
    refs = {
        ref
        for form in forms
        for ref in (form.patient, *(form.guardians or ()), form.representative)
        if ref is not None
    }
    known = await persons.resolve(tx, {identity_of(ref) for ref in refs})
    signers = [HsaId(signer.hsa_id) for report in reports for signer in report.signers]
    employed = await staff.load(tx, staff_in(forms, signers))
    unit_of_work.identities = MappingProxyType({**unit_of_work.identities, **known})
    unit_of_work.staff = MappingProxyType({**unit_of_work.staff, **employed})

    told = await units.load(tx, units_in(forms))
    people = await stored.patient_facts(tx, set(known.values()), units=())
    others = {found.patient.person_id: found.patient for found in people.values()}
    earlier = await stored.orders_named(tx, unit_of_work.standings, orders_named(forms))
    for patient, without in list(unit_of_work.standings.items()):
        standing = unit_of_work.standings[patient] = with_orders(without, earlier[patient])
        if standing.facts is not None:
            facts = with_people(standing.facts, others, set(known.values()))
            facts = replace(facts, units=MappingProxyType({**facts.units, **told}))
            unit_of_work.standings[patient] = replace(standing, facts=facts)
