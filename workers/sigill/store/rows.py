"""Rows of history as policy's values."""

from collections.abc import Iterable, Mapping
from datetime import date

from sigill.policy.calendar import BirthDate
from sigill.policy.facts import (
    Custody,
    EarlierOrder,
    Identity,
    Inform,
    Measure,
    PaperCopy,
    Person,
    PersonVersion,
    ReleaseRequest,
    RequestEnd,
    Silence,
    UnitAnswer,
)
from sigill.store.session import Row
from sigill.store.values import identity_of, person_of, text_or_none
from sigill_contracts.vocabulary import (
    Channel,
    Form,
    Initiative,
    MeasureId,
    MeasureKind,
    Opinion,
    OrderId,
    PersonId,
    RegionCode,
    Service,
    UnitId,
)

Same = Mapping[PersonId, PersonId]
"""Which surrogate became part of which person."""


def canonical(number: int, same: Same) -> PersonId:
    """Return the person that a surrogate is read as."""
    person_id = person_of(number)
    return same.get(person_id, person_id)


def measure(row: Row, same: Same) -> Measure:
    """Read a measure from the row of `measures`."""
    beside = text_or_none(row["beside"])
    guardians = row["guardians"]
    return Measure(
        measure_id=MeasureId(str(row["measure_id"])),
        patient=canonical(row["person_id"], same),
        kind=MeasureKind(row["kind"]),
        region=RegionCode(row["region"]),
        initiative=Initiative(row["initiative"]),
        orders=tuple(OrderId(str(order_id)) for order_id in row["orders"]),
        services=tuple(Service(service) for service in row["services"]),
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        ends_at_age=row["ends_at_age"],
        units=None if row["units"] is None else frozenset(UnitId(unit) for unit in row["units"]),
        recorded_from=row["recorded_from"],
        recorded_to=row["recorded_to"],
        guardians=None if guardians is None else tuple(dict.fromkeys(canonical(g, same) for g in guardians)),
        guardians_except=tuple(dict.fromkeys(canonical(g, same) for g in row["guardians_except"] or ())),
        viewer=None if row["viewer"] is None else canonical(row["viewer"], same),
        unit=None if row["unit"] is None else UnitId(row["unit"]),
        provisional=row["provisional"],
        awaits_follow_up=row["awaits_follow_up"],
        released=row["released"],
        end_before_release=row["end_before_release"],
        released_at=row["released_at"],
        urgent=row["urgent"],
        reported_to_authority=row["reported_to_authority"],
        review_on=row["review_on"],
        inform=inform(row),
        silences=silences(row),
        rules=tuple(row["rules"]),
        rulebook=row["rulebook"],
        beside=None if beside is None else MeasureId(beside),
        copies=copies(row["copies"], same),
        copies_refused=copies(row["copies_refused"], same),
        version=row["version"],
    )


def copies(kept: list[str] | None, same: Same) -> frozenset[PaperCopy]:
    """Read what was given on paper while a measure stood, or was not."""
    told = (copy.split(":") for copy in kept or ())
    return frozenset(
        PaperCopy(OrderId(order), canonical(int(to), same), date.fromisoformat(on)) for order, to, on in told
    )


def inform(row: Row) -> Inform:
    """Read who may be told."""
    return Inform(row["inform_guardians"], row["inform_patient"], row["inform_written"])


def silences(row: Row) -> frozenset[Silence]:
    """
    Read every "do not tell" about a measure.

    A row of before they were kept has none: there a `false` of an order is one, of the unit that decided. What the
    register imposes by itself is silent by default, which is no "do not tell".
    """
    kept = row["silences"]
    if kept is not None:
        return frozenset(_silence(text) for text in kept)
    if Initiative(row["initiative"]) is Initiative.REGISTER:
        return frozenset()
    unit = row["unit"] or ""
    said = (("guardians", row["inform_guardians"]), ("patient", row["inform_patient"]))
    return frozenset(_silence(f"{audience}:{unit}") for audience, told in said if told is False)


def _silence(text: str) -> Silence:
    audience, _, unit = text.partition(":")
    return Silence("patient" if audience == "patient" else "guardians", unit)


def person(
    person_id: PersonId,
    rows: list[Row],
    identities: list[tuple[Identity, str]],
    custody: Mapping[int, tuple[Custody, ...]],
) -> Person | None:
    """
    Read a person from its versions (by sequence), its numbers (newest first) and its custody by sequence.

    None without versions: the person is erased, or was unknown then. A later message that holds from an earlier
    moment replaces what it overtakes; once the register has told of a person, what had been guessed goes.
    """
    if told := [row for row in rows if row["sequence"] >= 0]:
        rows = told
    kept: list[Row] = []
    county: str | None = None
    counties: dict[int, str | None] = {}
    for row in rows:
        county = counties[row["sequence"]] = row["county"] or county
        while kept and kept[-1]["valid_from"] >= row["valid_from"]:
            kept.pop()
        kept.append(row)
    if not kept:
        return None
    last = kept[-1]
    now = identity_of(last["id_type"], last["number"])
    keys = dict(identities)
    return Person(
        person_id=person_id,
        key=keys.get(now) or next(iter(keys.values()), ""),
        birth=BirthDate(last["birth_earliest"], last["birth_latest"]),
        versions=tuple(
            _version(row, custody.get(row["sequence"], ()), counties[row["sequence"]]) for row in kept
        ),
        former=tuple(identity for identity in keys if identity != now),
        registered=bool(told),
    )


def _version(row: Row, custody: tuple[Custody, ...], last_county: str | None) -> PersonVersion:
    return PersonVersion(
        valid_from=row["valid_from"],
        identity=identity_of(row["id_type"], row["number"]),
        county=row["county"],
        protected=row["protected"],
        has_e_id=row["has_e_id"],
        custody=custody,
        died_on=row["died_on"],
        emigrated_on=row["emigrated_on"],
        identity_uncertain=row["identity_uncertain"],
        last_county=last_county,
    )


def custody_by_child(rows: Iterable[Row], same: Same) -> dict[int, dict[int, tuple[Custody, ...]]]:
    """Read custody rows: child → sequence → custody, guardians in the register's order."""
    found: dict[int, dict[int, tuple[Custody, ...]]] = {}
    for row in rows:
        guardian = row["guardian_id"]
        part = Custody(
            None if guardian is None else canonical(guardian, same), row["from_date"], row["to_date"]
        )
        of_child = found.setdefault(row["child_id"], {})
        of_child[row["sequence"]] = (*of_child.get(row["sequence"], ()), part)
    return found


def earlier_order(row: Row) -> EarlierOrder:
    """Read what a later order may need to know of an earlier one."""
    return EarlierOrder(
        order_id=OrderId(str(row["order_id"])),
        region=RegionCode(row["region"]),
        form=Form(row["form"]),
        outcome=row["outcome"],
        waits_for=tuple(row["codes"]) if row["outcome"] == "pending" else (),
        urgent=row["urgent"],
        measures=tuple(MeasureId(str(measure_id)) for measure_id in row["measures"]),
        channel=None if row["channel"] is None else Channel(row["channel"]),
        follows_up=None if row["follows_up"] is None else OrderId(row["follows_up"].lower()),
    )


def release_request(row: Row, answers: tuple[UnitAnswer, ...], same: Same) -> ReleaseRequest:
    """Read a request to release with its ledger."""
    return ReleaseRequest(
        order_id=OrderId(str(row["order_id"])),
        patient=canonical(row["person_id"], same),
        region=RegionCode(row["region"]),
        initiative=Initiative(row["initiative"]),
        measures=tuple(MeasureId(str(measure_id)) for measure_id in row["measures"]),
        units=tuple(UnitId(unit) for unit in row["units"]),
        asked_by=tuple(dict.fromkeys(canonical(number, same) for number in row["asked_by"])),
        inform=inform(row),
        opened_at=row["opened_at"],
        opens_from=row["opens_from"],
        answers=answers,
        closed=None if row["closed"] is None else RequestEnd(row["closed"]),
        replied=row["replied"],
    )


def unit_answer(row: Row) -> UnitAnswer:
    """Read a unit's answer."""
    return UnitAnswer(
        UnitId(row["unit"]),
        Opinion(row["opinion"]),
        OrderId(str(row["order_id"])),
        row["given_at"],
        row["opens_from"],
    )
