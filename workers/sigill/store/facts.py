"""
All that policy needs about a set of patients, as of any moment of knowledge.

A handful of statements for the whole batch, each by key: one patient costs the same among a hundred thousand
residents and among ten million.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from sigill.policy.earlier_orders import is_needed
from sigill.policy.facts import (
    Custody,
    EarlierOrder,
    Identity,
    Measure,
    PatientFacts,
    Person,
    ReleaseRequest,
    UnitAnswer,
)
from sigill.policy.needed_measures import is_needed_since
from sigill.store import elsewhere, persons, rows, staff
from sigill.store import units as stored_units
from sigill.store.queries import queries
from sigill.store.session import Reading, Row
from sigill.store.values import identity_of, person_of, surrogates, uuids
from sigill_contracts.vocabulary import MeasureKind, OrderId, PersonId, RegionCode, UnitId

_SQL = queries("facts")
_MEASURES = queries("measures")
_GRANTS = [str(kind) for kind in MeasureKind if kind.opens]


async def patient_facts(
    tx: Reading,
    person_ids: Iterable[PersonId],
    *,
    known_at: datetime | None = None,
    units: Sequence[UnitId] | None = None,
    same: Mapping[PersonId, PersonId] | None = None,
    since: datetime | None = None,
) -> dict[PersonId, PatientFacts]:
    """
    Return what was known of each patient at `known_at` (UTC, inclusive; None: now), by the asked id.

    Guardians (custody ended too), representatives and viewers are among `people`. Whoever was not known then, or is
    erased, is missing. `units` limits `unit_regions` to those and the measures' own units; None: every unit. What the
    directory says of those units, and of their successors, stands in `PatientFacts.units`.
    A surrogate that became part of another person is answered as that person. `same` is what `persons.merged` says of
    the patients, and perhaps of others, for whoever knows it already.
    `since` (UTC) leaves out the measures that no answer about access then or later depends on
    (`needed_measures.is_needed_since`), by what is known now; None: every measure. For decisions alone.
    """
    if since is not None and known_at is not None:
        raise ValueError("what was needed is not known of the past")
    asked = set(person_ids)
    if not asked:
        return {}
    same = dict(await persons.merged(tx, asked, known_at=known_at) if same is None else same)
    wanted = {same.get(person_id, person_id) for person_id in asked}

    spelled = surrogates(persons.spellings(wanted, same))
    if since is None:
        measure_rows = await tx.fetch(_MEASURES["of_patients"], spelled, known_at)
    else:
        measure_rows = await tx.fetch(_MEASURES["needed_of_patients"], spelled, since, _GRANTS)
    custody_rows = await tx.fetch(_SQL["custody"], surrogates(wanted), known_at)
    others = _others(measure_rows, custody_rows)
    if others:
        same |= await persons.merged(tx, others, known_at=known_at)

    measures = [rows.measure(row, same) for row in measure_rows]
    if since is not None:
        measures = [m for m in measures if is_needed_since(m, since)]
    custody = rows.custody_by_child(custody_rows, same)
    outside = await elsewhere.measures(tx, surrogates(persons.spellings(wanted, same)), same, known_at)
    read_up_to = MappingProxyType(await elsewhere.sources(tx))
    people = await _people(tx, wanted | {same.get(other, other) for other in others}, custody, known_at)
    regions = await _unit_regions(tx, measures, units, known_at)
    theirs = {u for found in outside.values() for row in found for u in row.measure.units or ()}
    told = await stored_units.load(tx, {*_units_of(measures), *theirs, *(units or ())}, known_at=known_at)

    of_patient: dict[PersonId, list[Measure]] = {}
    for measure in measures:
        of_patient.setdefault(measure.patient, []).append(measure)
    found: dict[PersonId, PatientFacts] = {}
    for person_id in asked:
        patient = people.get(same.get(person_id, person_id))
        if patient is None:
            continue
        own = tuple(of_patient.get(patient.person_id, ()))
        found[person_id] = PatientFacts(
            patient,
            _around(patient, own, people),
            own,
            MappingProxyType(regions),
            MappingProxyType(told),
            tuple(outside.get(patient.person_id, ())),
            read_up_to,
        )
    return found


async def order_context(
    tx: Reading,
    person_ids: Iterable[PersonId],
    same: Mapping[PersonId, PersonId] | None = None,
    *,
    named: Collection[OrderId] | None = None,
) -> dict[PersonId, tuple[Mapping[OrderId, EarlierOrder], tuple[ReleaseRequest, ...]]]:
    """
    Return, for every asked patient, its earlier proven orders by id and its requests to release, oldest first.

    `named` limits the orders to those that are needed where these are named (`earlier_orders.is_needed`); None: all of them.
    `same` as for `patient_facts`.
    """
    asked = set(person_ids)
    if not asked:
        return {}
    same = await persons.merged(tx, asked) if same is None else same
    wanted = {same.get(person_id, person_id) for person_id in asked}
    numbers = surrogates(persons.spellings(wanted, same))
    orders = await _orders(tx, numbers, same, named)
    requests: dict[PersonId, list[ReleaseRequest]] = {}
    for request in await load_requests(tx, numbers, same):
        requests.setdefault(request.patient, []).append(request)
    return {
        person_id: (
            MappingProxyType(orders.get(same.get(person_id, person_id), {})),
            tuple(requests.get(same.get(person_id, person_id), ())),
        )
        for person_id in asked
    }


async def orders_named(
    tx: Reading, person_ids: Iterable[PersonId], named: Collection[OrderId]
) -> dict[PersonId, Mapping[OrderId, EarlierOrder]]:
    """Return, for every asked patient, its earlier proven orders that are needed where `named` are named, oldest first."""
    asked = set(person_ids)
    same = await persons.merged(tx, asked)
    wanted = {same.get(person_id, person_id) for person_id in asked}
    found = await _orders(tx, surrogates(persons.spellings(wanted, same)), same, named)
    return {person_id: found.get(same.get(person_id, person_id), {}) for person_id in asked}


async def _orders(
    tx: Reading, numbers: list[int], same: rows.Same, named: Collection[OrderId] | None
) -> dict[PersonId, dict[OrderId, EarlierOrder]]:
    if named is None:
        found = await tx.fetch(_SQL["orders"], numbers)
    elif named and numbers:
        found = await tx.fetch(_SQL["orders_named"], numbers, uuids(named))
    else:
        found = []
    orders: dict[PersonId, dict[OrderId, EarlierOrder]] = {}
    for row in found:
        order = rows.earlier_order(row)
        if named is None or is_needed(order, named):
            orders.setdefault(rows.canonical(row["person_id"], same), {})[order.order_id] = order
    return orders


async def load_requests(tx: Reading, numbers: list[int], same: rows.Same) -> list[ReleaseRequest]:
    """
    Return the requests to release of the surrogates, oldest first, each with every unit's newest answer.

    Whoever asked stands there as the person that remains, whatever `same` knows of them.
    """
    found = await tx.fetch(_SQL["requests"], numbers)
    if not found:
        return []
    askers = {person_of(number) for row in found for number in row["asked_by"]}
    if askers:
        same = {**same, **await persons.merged(tx, askers)}
    answers: dict[object, tuple[UnitAnswer, ...]] = {}
    for row in await tx.fetch(_SQL["answers"], [row["order_id"] for row in found]):
        answers[row["request"]] = (*answers.get(row["request"], ()), rows.unit_answer(row))
    return [rows.release_request(row, answers.get(row["order_id"], ()), same) for row in found]


def _others(measure_rows: Iterable[Row], custody_rows: Iterable[Row]) -> set[PersonId]:
    numbers = {row["guardian_id"] for row in custody_rows}
    for row in measure_rows:
        numbers.add(row["viewer"])
        numbers.update((*(row["guardians"] or ()), *(row["guardians_except"] or ())))
    return {person_of(number) for number in numbers if number is not None}


async def _people(
    tx: Reading,
    person_ids: set[PersonId],
    custody: Mapping[int, Mapping[int, tuple[Custody, ...]]],
    known_at: datetime | None,
) -> dict[PersonId, Person]:
    numbers = surrogates(person_ids)
    versions: dict[int, list[Row]] = {}
    for row in await tx.fetch(_SQL["versions"], numbers, known_at):
        versions.setdefault(row["person_id"], []).append(row)
    identities: dict[int, list[tuple[Identity, str]]] = {}
    for row in await tx.fetch(_SQL["identities"], numbers, known_at):
        pair = (identity_of(row["id_type"], row["number"]), row["key"])
        identities.setdefault(row["person_id"], []).append(pair)

    people = {}
    for number, told in versions.items():
        found = rows.person(person_of(number), told, identities.get(number, []), custody.get(number, {}))
        if found is not None:
            people[found.person_id] = found
    return people


async def _unit_regions(
    tx: Reading, measures: Iterable[Measure], units: Sequence[UnitId] | None, known_at: datetime | None
) -> dict[UnitId, RegionCode]:
    if units is None:
        return await staff.unit_regions(tx, known_at=known_at)
    named = _units_of(measures) | set(units)
    return await staff.unit_regions(tx, named, known_at=known_at) if named else {}


def _units_of(measures: Iterable[Measure]) -> set[UnitId]:
    return {unit for measure in measures for unit in (*(measure.units or ()), measure.unit) if unit}


def _around(
    patient: Person, measures: tuple[Measure, ...], people: Mapping[PersonId, Person]
) -> Mapping[PersonId, Person]:
    ids = {patient.person_id}
    ids.update(part.guardian for version in patient.versions for part in version.custody if part.guardian)
    for measure in measures:
        ids.update((*(measure.guardians or ()), *measure.guardians_except))
        if measure.viewer is not None:
            ids.add(measure.viewer)
    return MappingProxyType({person_id: people[person_id] for person_id in ids if person_id in people})
