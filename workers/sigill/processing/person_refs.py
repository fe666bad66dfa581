"""How a person of the facts is named in a message. Identity numbers stand in payloads only."""

from sigill.policy.facts import Identity, PatientFacts, Person
from sigill_contracts.order import PersonRef
from sigill_contracts.vocabulary import PersonId


def ref_of(identity: Identity) -> PersonRef:
    """An identity as messages write it."""
    return PersonRef(id_type=identity.id_type, id=identity.number)


def identity_of(ref: PersonRef) -> Identity:
    """A message's person as the facts know it."""
    return Identity(ref.id_type, ref.id)


def numbers_to_show(person: Person, asked: str | None = None) -> tuple[Identity, ...]:
    """
    A person's numbers as they may be shown or leave the store, the present one first.

    Of somebody who has, or ever had, protected identity one alone: a fictitious identity (fingerade personuppgifter) must
    never be linked to the number that it replaced, not after a mark has ended either. It is the present one, or the
    former one that `asked` (12 digits) gave: whoever knows a former number must not learn the present one.
    """
    present = person.latest.identity
    if not any(version.protected for version in person.versions):
        return (present, *person.former)
    return (next((identity for identity in person.former if identity.number == asked), present),)


def named(person: Person) -> PersonRef:
    """A person by the newest number."""
    return ref_of(person.latest.identity)


def named_in(facts: PatientFacts, person_id: PersonId) -> PersonRef | None:
    """Somebody of the facts by the newest number; None for somebody whom the facts do not hold."""
    person = facts.person(person_id)
    return None if person is None else named(person)


def all_named_in(facts: PatientFacts, people: tuple[PersonId, ...] | None) -> tuple[PersonRef, ...] | None:
    """Several of them, in order; None stays None: everybody of the kind."""
    if people is None:
        return None
    return tuple(ref for ref in (named_in(facts, person) for person in people) if ref is not None)
