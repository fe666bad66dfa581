"""
What the rules say of an urgent order by phone before it is signed: judged by the pure core, from what is known now.

Nothing is written and nothing promised: intake judges the order itself, from what is known then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sigill.judgement.orders import judge
from sigill.policy.earlier_orders import orders_named
from sigill.policy.effects import Judgement
from sigill.policy.facts import EarlierOrder, OrderFacts, PatientFacts, ReleaseRequest
from sigill.policy.rulebook import Rulebooks
from sigill.processing.loading import people_in, staff_in, units_in, with_people
from sigill.processing.person_refs import identity_of
from sigill.store import facts, persons, staff
from sigill.store.session import Store
from sigill_contracts.order import SignedForm
from sigill_contracts.vocabulary import HsaId, OrderId, PersonId


@dataclass(frozen=True, slots=True)
class CheckedOrder:
    """
    What would become of an order. `patient` is None where the number is nobody's.

    `people` are all whom the form names and the store knows: patient, guardians, representative.
    """

    judgement: Judgement
    patient: PersonId | None
    people: frozenset[PersonId]


async def check_order(
    store: Store, books: Rulebooks, form: SignedForm, signer: HsaId | None, now: datetime
) -> CheckedOrder:
    """Say what would become of a form that `signer` signed at `now` (UTC), whose signature is good."""
    signers = () if signer is None else (signer,)
    async with store.reading() as tx:
        identities = await persons.resolve(tx, people_in([form]))
        patient = identities.get(identity_of(form.patient))
        everybody = set(identities.values())
        merged = await persons.merged(tx, everybody)
        found = await facts.patient_facts(tx, everybody, units=units_in([form]), same=merged)
        known: PatientFacts | None = None
        orders: Mapping[OrderId, EarlierOrder] = {}
        requests: tuple[ReleaseRequest, ...] = ()
        if patient is not None:
            orders, requests = (await facts.order_context(tx, {patient}, merged, named=orders_named([form])))[
                patient
            ]
            known = found.get(patient)
        if known is not None:
            people = {of_one.patient.person_id: of_one.patient for of_one in found.values()}
            known = with_people(known, people, everybody)
            patient = known.patient.person_id
        employed = await staff.load(tx, staff_in([form], signers))
    own = OrderId(str(form.order_id))
    judgement = judge(
        form,
        OrderFacts(
            known=known,
            at=now,
            identities=identities,
            staff=employed,
            signers=signers,
            signed_at=now,
            orders={order_id: earlier for order_id, earlier in orders.items() if order_id != own},
            requests=requests,
        ),
        books,
    )
    return CheckedOrder(judgement, patient, frozenset(merged.get(person, person) for person in everybody))
