"""
Requests to release (begäran om upplåsning) and the ledger of the units' answers. Append only.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sigill.policy.effects import RecordAnswer
from sigill.policy.facts import Identity, ReleaseRequest, RequestEnd, UnitAnswer
from sigill.store import persons, rows
from sigill.store.facts import load_requests
from sigill.store.queries import queries
from sigill.store.session import Reading, Tx
from sigill.store.values import person_of, surrogates, uuids
from sigill_contracts.vocabulary import IdType, OrderId, PersonId, RegionCode

_SQL = queries("requests")


async def open_all(tx: Tx, requests: Sequence[ReleaseRequest]) -> None:
    """Open requests; one without `opened_at` is opened at `tx.now`. Answers go by `answer`."""
    if not requests:
        return
    await tx.run(
        _SQL["open"],
        uuids(request.order_id for request in requests),
        [int(request.patient) for request in requests],
        [request.region for request in requests],
        [str(request.initiative) for request in requests],
        [",".join(request.measures) for request in requests],
        [",".join(request.units) for request in requests],
        [",".join(request.asked_by) for request in requests],
        [request.inform.guardians for request in requests],
        [request.inform.patient for request in requests],
        [request.inform.written_confirmation for request in requests],
        [request.opened_at for request in requests],
        tx.now,
        [request.opens_from for request in requests],
    )
    await close(tx, {request.order_id: request.closed for request in requests if request.closed})
    await reply(tx, [request.order_id for request in requests if request.replied])


async def answer(tx: Tx, answers: Sequence[RecordAnswer]) -> None:
    """Write answers into the ledger, in this order; `closes` ends the request with that opinion."""
    if not answers:
        return
    await tx.run(
        _SQL["answer"],
        uuids(given.request for given in answers),
        [given.answer.unit for given in answers],
        [str(given.answer.opinion) for given in answers],
        uuids(given.answer.order_id for given in answers),
        [given.answer.given_at for given in answers],
        tx.now,
        [given.answer.opens_from for given in answers],
    )
    await close(tx, {given.request: given.closes for given in answers if given.closes})


async def close(tx: Tx, opinions: dict[OrderId, RequestEnd]) -> None:
    """Close requests, each with how it ended."""
    if opinions:
        count = len(opinions)
        decided = [str(opinion) for opinion in opinions.values()]
        await tx.run(_SQL["event"], uuids(opinions), ["closed"] * count, decided, tx.now)


async def reply(tx: Tx, requests: Sequence[OrderId]) -> None:
    """Note that the standard reply has gone out."""
    if requests:
        count = len(requests)
        await tx.run(_SQL["event"], uuids(requests), ["replied"] * count, [None] * count, tx.now)


async def by_patient(
    tx: Reading, person_ids: Iterable[PersonId]
) -> dict[PersonId, tuple[ReleaseRequest, ...]]:
    """
    Return the requests of each patient, oldest first, with every unit's newest answer; who asked as the person that remains.
    """
    asked = set(person_ids)
    same = await persons.merged(tx, asked)
    found: dict[PersonId, tuple[ReleaseRequest, ...]] = {}
    for request in await load_requests(tx, surrogates(asked | set(same)), same):
        found[request.patient] = (*found.get(request.patient, ()), request)
    return {person_id: found.get(same.get(person_id, person_id), ()) for person_id in asked}


async def ledger(tx: Reading, requests: Iterable[OrderId]) -> dict[OrderId, tuple[UnitAnswer, ...]]:
    """Return every answer ever given to each request, in the order given, changed ones too."""
    found: dict[OrderId, tuple[UnitAnswer, ...]] = {}
    for row in await tx.fetch(_SQL["ledger"], uuids(set(requests))):
        request = OrderId(str(row["request"]))
        found[request] = (*found.get(request, ()), rows.unit_answer(row))
    return found


async def naming(
    tx: Reading, known_by: Iterable[PersonId], numbers: Collection[Identity]
) -> frozenset[OrderId]:
    """Return the open requests about persons, or by them as guardian or representative, whose order names a number."""
    found = await tx.fetch(
        _SQL["naming"], surrogates(known_by), [str(n.id_type) for n in numbers], [n.number for n in numbers]
    )
    return frozenset(OrderId(str(row["order_id"])) for row in found)


async def patients_asked_for(tx: Reading, known_by: Iterable[PersonId]) -> frozenset[PersonId]:
    """Return the patients about whom open requests are that open for persons as guardians, whoever has custody now."""
    found = await tx.fetch(_SQL["asked_by"], surrogates(known_by))
    return frozenset(person_of(row["person_id"]) for row in found)


@dataclass(frozen=True, slots=True)
class NamedInRelease:
    """
    Whom a release names, or an answer to a request together with that request.

    `patients` has two numbers where the answer and the request name the patient differently, and none where the form is gone.
    """

    patients: frozenset[Identity]
    guardians: frozenset[Identity]


async def named_in_releases(tx: Reading, order_ids: Iterable[OrderId]) -> dict[OrderId, NamedInRelease]:
    """Return the numbers that orders to release, and answers to requests, name; other orders are missing."""
    rows = await tx.fetch(_SQL["released_by"], uuids(set(order_ids)))
    return {
        OrderId(str(row["order_id"])): NamedInRelease(
            _numbers(f"[{row['patient'] or ''}]", f"[{row['asked_of'] or ''}]"),
            _numbers(row["guardians"], row["asked_by"]),
        )
        for row in rows
    }


def _numbers(*lists: str | None) -> frozenset[Identity]:
    named = [person for text in lists if text is not None for person in json.loads(text) or ()]
    return frozenset(Identity(IdType(person["id_type"]), person["id"]) for person in named)


async def open_requests(
    tx: Reading, region: RegionCode | None = None, *, limit: int = 1000
) -> list[tuple[OrderId, PersonId]]:
    """Return requests that nothing has closed and their patients, oldest first; None: of every region."""
    found = await tx.fetch(_SQL["open_requests"], region, limit)
    return [(OrderId(str(row["order_id"])), person_of(row["person_id"])) for row in found]
