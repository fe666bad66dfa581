"""What holds for some patients, read from the store for a sitting, in a few statements for all of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from sigill.policy.earlier_orders import orders_named
from sigill.policy.facts import Identity, PatientFacts, Person, Staff
from sigill.processing.citations import PolicyProvider
from sigill.processing.patient_context import PatientContext
from sigill.processing.person_refs import identity_of
from sigill.processing.unit_of_work import UnitOfWork
from sigill.store import facts as stored
from sigill.store import persons
from sigill.store.session import Tx
from sigill_contracts.order import PersonRef, SignedForm
from sigill_contracts.vocabulary import HsaId, PersonId, UnitId


def people_in(forms: Iterable[SignedForm]) -> frozenset[Identity]:
    """Everybody whom some forms name: patients, guardians, representatives."""
    refs: set[PersonRef] = set()
    for form in forms:
        refs.add(form.patient)
        refs.update(form.guardians or ())
        if form.representative is not None:
            refs.add(form.representative)
    return frozenset(identity_of(ref) for ref in refs)


def staff_in(forms: Iterable[SignedForm], signers: Iterable[HsaId]) -> frozenset[HsaId]:
    """Every staff member whom some forms name, and those who signed them."""
    named = {HsaId(ref.hsa_id) for form in forms for ref in (form.decided_by, *form.consulted) if ref}
    return frozenset(named | set(signers))


def units_in(forms: Iterable[SignedForm]) -> list[UnitId]:
    """Every unit that some forms name."""
    found: set[str] = set()
    for form in forms:
        found.update(form.units or ())
        found.update(ref.unit for ref in (form.decided_by, *form.consulted) if ref)
    return sorted(UnitId(unit) for unit in found)


async def unit_of_work_about(
    tx: Tx,
    desk: PolicyProvider,
    patients: Collection[PersonId],
    *,
    chain: str,
    forms: Sequence[SignedForm] = (),
    identities: Mapping[Identity, PersonId] | None = None,
    staff: Mapping[HsaId, Staff] | None = None,
) -> UnitOfWork:
    """
    Read the standings of patients whom the transaction holds locked.

    Of the patients' earlier orders those that `forms` need: whoever judges another form adds what that one needs (`with_orders`).
    `identities` and `staff` are everybody whom `forms` name; each is among the people of every patient's facts, so
    that somebody who is let in for the first time is known too.
    """
    named = identities or {}
    everybody = set(patients) | set(named.values())
    merged = await persons.merged(tx, everybody)
    found = await stored.patient_facts(tx, everybody, units=units_in(forms), same=merged)
    contexts = await stored.order_context(tx, patients, merged, named=orders_named(forms))
    others = {known.patient.person_id: known.patient for known in found.values()}

    named_with = _named_with(forms, named)
    standings: dict[PersonId, PatientContext] = {}
    same: dict[PersonId, PersonId] = {}
    for asked in patients:
        known = found.get(asked)
        patient = asked if known is None else known.patient.person_id
        if patient != asked:
            same[asked] = patient
        orders, requests = contexts[asked]
        standings[patient] = PatientContext(
            facts=None if known is None else with_people(known, others, named_with.get(patient, ())),
            orders=orders,
            requests=requests,
        )
    if same:
        # a surrogate that became part of another person: that person is the one to hold
        await persons.lock(tx, same.values())
    return UnitOfWork(
        desk=await desk.context_for(tx, tx.now),
        at=tx.now,
        chain=chain,
        standings=standings,
        same=MappingProxyType(same),
        identities=MappingProxyType(dict(named)),
        staff=MappingProxyType(dict(staff or {})),
    )


def _named_with(
    forms: Sequence[SignedForm], identities: Mapping[Identity, PersonId]
) -> dict[PersonId, set[PersonId]]:
    """Everybody whom the forms about each patient name."""
    named: dict[PersonId, set[PersonId]] = {}
    for form in forms:
        patient = identities.get(identity_of(form.patient))
        if patient is not None:
            about = (identities.get(identity) for identity in people_in([form]))
            named.setdefault(patient, set()).update(person for person in about if person is not None)
    return named


def with_people(
    facts: PatientFacts, people: Mapping[PersonId, Person], named: Iterable[PersonId]
) -> PatientFacts:
    """The facts with further people among those around the patient."""
    new = {person: people[person] for person in named if person in people and person not in facts.people}
    return replace(facts, people=MappingProxyType({**facts.people, **new})) if new else facts
