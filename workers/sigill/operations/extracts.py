"""
Papers about one patient: who looked (the patient's own right), and the whole file (for a court or a supervisor).

Guarantees: the paper's own making stands in the access log, and in the paper. Every moment is told as Swedish time. A
paper says for whom it is; one for the patient holds no code, measure, order or free text, and no look that would tell what
somebody must not be told (X-23): whoever collects a child's extract may be the guardian who is shut out.
"""

import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sigill.operations.archive import Reader, case_entry_json
from sigill.operations.spreadsheets import SheetWriter
from sigill.policy.calendar import STOCKHOLM
from sigill.policy.cases import CODES, CaseEntry
from sigill.policy.console_lexicon import word
from sigill.policy.facts import Identity, Measure, PatientFacts, ReleaseRequest
from sigill.processing.person_refs import numbers_to_show
from sigill.processing.trust_report import TrustReport
from sigill.store import (
    access_log,
    audit,
    audit_check,
    cases,
    console,
    facts,
    orders,
    persons,
    requests,
    tasks,
)
from sigill.store.access_log import AccessLogEntry, AccessLogFault, LoggedAccess
from sigill.store.audit import ChainHead, Recorded
from sigill.store.audit_check import AuditFault
from sigill.store.console import OrderSearch
from sigill.store.orders import StoredAnswer, StoredOrder
from sigill.store.session import Reading, Store
from sigill_contracts.receipt import Receipt
from sigill_contracts.vocabulary import IdType, OrderId, PersonId, UnitId

CHAIN = "access-log-extracts"
RIGHT = "registerutdrag enligt patientdatalagen 8 kap. 5 §"
"""The reason that stands in the access log when a patient asks who has looked."""


class ForWhom(StrEnum):
    """Who is to read an extract."""

    PATIENT = "patient"
    """The patient, or whoever collects it in the patient's name: after a harm test (menprövning)."""
    AUDITOR = "auditor"
    """Everything, for whoever checks the log. Never handed out."""


VERSIONS: Mapping[ForWhom, str] = {
    ForWhom.PATIENT: "Version för patienten, efter menprövning",
    ForWhom.AUDITOR: "Fullständig version, för granskning; lämnas inte ut till patienten eller någon annan",
}
"""What each paper says of itself."""


@dataclass(frozen=True, slots=True)
class Extract:
    """
    Who looked at a patient, in order of time. `numbers` are the patient's own, newest first; of somebody with
    protected identity one alone, whoever reads it (`numbers_to_show`).

    `left_out`: how many looks are not in it because of X-23. Whoever makes the paper may know; the paper does not say it.
    """

    numbers: tuple[str, ...]
    made_at: datetime
    looks: tuple[LoggedAccess, ...]
    for_whom: ForWhom = ForWhom.AUDITOR
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Decided:
    """An order of the patient: the form, who signed and what was found, and every answer. Erased parts are None."""

    order: StoredOrder
    number: str
    form: Mapping[str, object] | None
    trust: TrustReport
    answers: tuple[StoredAnswer, ...]
    receipts: tuple[Mapping[str, object] | None, ...]


@dataclass(frozen=True, slots=True)
class CaseFile:
    """Everything that was decided, done and seen about a patient, and whether the chains that prove it are whole."""

    numbers: tuple[str, ...]
    made_at: datetime
    made_by: Reader
    orders: tuple[Decided, ...]
    measures: tuple[Measure, ...]
    facts: PatientFacts | None
    entries: tuple[Recorded, ...]
    looks: tuple[LoggedAccess, ...]
    cases: tuple[tuple[str, tuple[CaseEntry, ...]], ...]
    """What operators wrote down about requests to release, by registration number; withdrawn entries too."""
    heads: tuple[ChainHead, ...]
    faults: tuple[AuditFault, ...]
    look_faults: tuple[AccessLogFault, ...]
    published: int
    """How many signed heads from outside the database the chains were compared with."""


async def whose(tx: Reading, text: str) -> PersonId | None:
    """Return whose a pseudonymous key or an identity number (12 digits, with or without a hyphen) is."""
    asked = text.strip()
    if found := await persons.resolve_keys(tx, [asked]):
        return found[asked]
    known = await persons.resolve(tx, [Identity(kind, _digits(asked)) for kind in IdType])
    return next(iter(known.values()), None)


def _digits(text: str) -> str:
    return text.strip().replace("-", "").replace("+", "").replace(" ", "")


async def _numbers(
    tx: Reading, person: PersonId, standing: PatientFacts | None, asked: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """
    The numbers that a paper about the person may show, newest first, and those that it may not, nowhere in it.

    `asked`: the number or pseudonymous key that the paper was asked for by; None: it was found otherwise.
    """
    pairs = (await persons.identities_of(tx, [person])).get(person, ())
    known = tuple(identity.number for identity, _ in pairs)
    if standing is None:
        return known, ()
    asked_for = next(
        (i.number for i, key in pairs if asked in (key, i.number) or _digits(asked or "") == i.number), None
    )
    shown = tuple(dict.fromkeys(identity.number for identity in numbers_to_show(standing.patient, asked_for)))
    return shown, tuple(number for number in known if number not in shown)


HIDDEN = "************"
"""What stands where a number would link somebody with protected identity to another one."""


def _hide(text: str, numbers: Iterable[str]) -> str:
    """A text without the numbers, with or without century and separator; a digest that has the same digits is left."""
    for number in numbers:
        spelt = rf"(?:{number[:2]})?{number[2:8]}[-+ ]?{number[8:]}"
        text = re.sub(rf"(?<![0-9A-Fa-f]){spelt}(?![0-9A-Fa-f])", HIDDEN, text)
    return text


async def extract(
    auditors: Store,
    person: PersonId,
    reader: Reader,
    now: datetime,
    *,
    for_whom: ForWhom,
    looked_from: datetime | None = None,
    looked_before: datetime | None = None,
    asked: str | None = None,
) -> Extract:
    """
    Make the extract of the access log (UTC; `looked_before` exclusive); the making is its last line.

    One for the patient takes a harm test first: whoever calls has its outcome, and puts it into the reader's reason.
    `asked` is the number or key that it was asked for by: of somebody with protected identity no other number is in it.
    """
    async with auditors.transaction(now) as tx:
        look = AccessLogEntry(
            reader.name, reader.unit, person, reader.reason, f"extract of the access log for the {for_whom}"
        )
        await access_log.append(tx, [look], chain=CHAIN)
        found = await access_log.of_person(tx, person, looked_from=looked_from, looked_before=looked_before)
        standing = (await facts.patient_facts(tx, [person])).get(person)
        numbers, unlinked = await _numbers(tx, person, standing, asked)
    made = Extract(numbers, now, tuple(_looked(look, unlinked) for look in found))
    if for_whom is ForWhom.AUDITOR:
        return made
    async with auditors.reading() as tx:
        requested = (await requests.by_patient(tx, [person])).get(person, ())
        hidden = secrets_of(standing.measures if standing else (), requested)
        registered = await orders.numbers_of(tx, hidden.orders)
        to_do = {f"task {task.task_id}" for task in await tasks.of_orders(tx, list(hidden.orders))}
    return for_patient(made, hidden, registered | to_do | set(hidden.orders))


def _looked(one: LoggedAccess, unlinked: Iterable[str]) -> LoggedAccess:
    """A look without numbers that operators typed into its reason and that may not stand in the paper."""
    look = one.look
    told = replace(look, reason=_hide(look.reason, unlinked), shown=_hide(look.shown, unlinked))
    return replace(one, look=told)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What an extract for the patient may not betray: the orders that somebody must not know of, and their units."""

    orders: frozenset[OrderId] = frozenset()
    units: frozenset[UnitId] = frozenset()


def secrets_of(measures: Sequence[Measure], asked: Iterable[ReleaseRequest]) -> Secrets:
    """
    Everything that a "do not tell" binds (X-23), of whatever audience: a child's guardian collects the child's extract.

    A "do not tell" outlives its measure, so ended ones count too, and what came beside or goes on after one.
    """
    lineages = {m.lineage for m in measures if m.silences}
    hidden = [m for m in measures if m.lineage in lineages]
    ids = {m.measure_id for m in hidden}
    bound = [
        request
        for request in asked
        if ids.intersection(request.measures) or False in (request.inform.guardians, request.inform.patient)
    ]
    units = {unit for m in hidden for unit in (m.unit, *(m.units or ()), *(s.unit for s in m.silences))}
    units.update(unit for request in bound for unit in request.units)
    return Secrets(
        frozenset((*(order for m in hidden for order in m.orders), *(request.order_id for request in bound))),
        frozenset(UnitId(unit) for unit in units if unit),
    )


def for_patient(made: Extract, hidden: Secrets, numbers: Set[str]) -> Extract:
    """
    The version for the patient: when, who and which unit; neither the reason that somebody typed nor what was shown.

    Of the numbers the newest alone: an old one and a new one together lead to somebody who hides. Without the looks
    from a unit behind what must not be told, and those at its orders, at what they gave to do, and while one was entered by
    phone (`numbers`: how a look or its reason names them, by registration number, order id or as `task 12`).
    """
    one_of = _any_of(numbers)
    told = [
        LoggedAccess(logged.look_id, logged.at, replace(logged.look, reason="", shown=""))
        for logged in made.looks
        if logged.look.unit not in hidden.units
        and not one_of.search(f"{logged.look.shown}\n{logged.look.reason}")
    ]
    return replace(
        made,
        numbers=made.numbers[:1],
        looks=tuple(told),
        for_whom=ForWhom.PATIENT,
        left_out=len(made.looks) - len(told),
    )


def _any_of(numbers: Iterable[str]) -> re.Pattern[str]:
    """One of some numbers, whole, in a text. A region's own series may have spaces in it (`RS 2027/4F…`)."""
    whole = "|".join(re.escape(number) for number in sorted(numbers))
    return re.compile(rf"(?<![\w-])(?:{whole})(?![\w-])" if whole else r"(?!)")


async def case_file(
    auditors: Store,
    person: PersonId,
    reader: Reader,
    now: datetime,
    published: tuple[ChainHead, ...] = (),
    *,
    asked: str | None = None,
) -> CaseFile:
    """
    Gather the file of a patient; the gathering is its last line of the access log.

    `asked` is the number or key that it was asked for by. Of somebody with protected identity no other number stands in
    it: a form or a receipt that names one has asterisks there, and the signed original is proven by its digest.
    """
    async with auditors.transaction(now) as tx:
        look = AccessLogEntry(reader.name, reader.unit, person, reader.reason, "the patient's whole file")
        await access_log.append(tx, [look], chain=CHAIN)
    async with auditors.reading() as tx:
        standing = (await facts.patient_facts(tx, [person])).get(person)
        entries = tuple(await audit.of_person(tx, person))
        chains = {entry.chain for entry in entries}
        numbers, unlinked = await _numbers(tx, person, standing, asked)
        return CaseFile(
            numbers=numbers,
            made_at=now,
            made_by=replace(reader, reason=_hide(reader.reason, unlinked)),
            orders=tuple(await _decided(tx, person, unlinked)),
            measures=standing.measures if standing else (),
            facts=standing,
            entries=entries,
            looks=tuple(_looked(look, unlinked) for look in await access_log.of_person(tx, person)),
            cases=await _cases(tx, person, unlinked),
            heads=tuple(head for head in await audit.heads(tx) if head.chain in chains),
            faults=tuple(await audit_check.verify(tx, published)),
            look_faults=tuple(await access_log.verify(tx)),
            published=len(published),
        )


async def _cases(
    tx: Reading, person: PersonId, unlinked: Sequence[str]
) -> tuple[tuple[str, tuple[CaseEntry, ...]], ...]:
    same = await persons.merged(tx, [person])
    keys = await cases.of_persons(tx, persons.spellings({same.get(person, person), person}, same))
    written = await cases.entries(tx, [key.order_id for key in keys])
    numbers = {
        order.registration: order.registration_number
        for order in await orders.by_registration(tx, [key.registration for key in keys])
    }
    return tuple(
        (numbers[key.registration], tuple(_unlinked(entry, unlinked) for entry in written[key.order_id]))
        for key in keys
        if key.order_id in written
    )


def _unlinked(entry: CaseEntry, numbers: Sequence[str]) -> CaseEntry:
    """An entry without numbers that operators typed into its texts and that may not stand in the paper."""
    name, reference, remark = (
        None if text is None else _hide(text, numbers) for text in (entry.name, entry.reference, entry.remark)
    )
    return replace(entry, name=name, reference=reference, remark=remark)


async def _decided(tx: Reading, person: PersonId, unlinked: Sequence[str]) -> list[Decided]:
    numbers: list[int] = []
    below: int | None = None
    while page := await console.find_orders(tx, OrderSearch(patient=person), below=below, limit=200):
        numbers += [line.registration for line in page]
        below = page[-1].registration
    answers = await orders.answers_to(tx, numbers)
    return [
        Decided(
            order=order,
            number=order.registration_number,
            form=None if order.payload is None else json.loads(_hide(order.payload, unlinked)),
            trust=TrustReport.model_validate_json(order.trust_report),
            answers=answers.get(order.registration, ()),
            receipts=tuple(
                None
                if given.receipt is None
                else _whole(Receipt.model_validate_json(given.receipt), unlinked)
                for given in answers.get(order.registration, ())
            ),
        )
        for order in await orders.by_registration(tx, numbers)
    ]


def _whole(receipt: Receipt, unlinked: Sequence[str]) -> Mapping[str, object]:
    """A receipt with every member, as JSON has it, without the numbers that the paper may not show."""
    shown: Mapping[str, object] = json.loads(_hide(receipt.model_dump_json(), unlinked))
    return shown


def extract_html(made: Extract) -> str:
    """The extract as a page of its own, to print; it says for whom it is."""
    return _PAPERS.get_template("extract.html").render(made=made, full=made.for_whom is ForWhom.AUDITOR)


def extract_csv(made: Extract) -> str:
    """
    The extract as CSV, a heading and a line a look; times are Swedish, with their offset. The last column says for whom it
    is, on each line.
    """
    out = io.StringIO()
    writer = SheetWriter(out)
    full = made.for_whom is ForWhom.AUDITOR
    writer.line(("tid", "vem", "enhet", *(("anledning", "vad") if full else ()), "version"))
    for logged in made.looks:
        cells = (
            logged.look.actor,
            logged.look.unit or "",
            *((logged.look.reason, logged.look.shown) if full else ()),
        )
        writer.line((_local(logged.at).isoformat(timespec="seconds"), *cells, VERSIONS[made.for_whom]))
    return out.getvalue()


def extract_json(made: Extract) -> str:
    """The extract as one JSON document."""
    return json.dumps(
        {
            "version": made.for_whom,
            "says": VERSIONS[made.for_whom],
            "made_at": made.made_at.isoformat(),
            "numbers": made.numbers,
            "looks": [_look_json(look, made.for_whom) for look in made.looks],
        },
        ensure_ascii=False,
        indent=2,
    )


def case_html(made: CaseFile) -> str:
    """The file as one page that needs nothing else, to print, sign and hand over."""
    return _PAPERS.get_template("case.html").render(made=made)


def case_json(made: CaseFile) -> str:
    """The file as one JSON document: orders with their receipts, audit entries with their hashes, and looks."""
    patient = None if made.facts is None else made.facts.patient.person_id
    return json.dumps(
        {
            "version": ForWhom.AUDITOR,
            "says": VERSIONS[ForWhom.AUDITOR],
            "made_at": made.made_at.isoformat(),
            "made_by": made.made_by.name,
            "numbers": made.numbers,
            "orders": [_order_json(order) for order in made.orders],
            "audit": [_entry_json(entry) for entry in made.entries],
            "looks": [_look_json(look, ForWhom.AUDITOR) for look in made.looks],
            "cases": [
                {
                    "registration_number": number,
                    "entries": [case_entry_json(entry, patient) for entry in entries],
                }
                for number, entries in made.cases
            ],
            "heads": [
                {"chain": h.chain, "position": h.position, "sha256": h.row_hash.hex()} for h in made.heads
            ],
            "faults": [
                *({"chain": f.chain, "position": f.position, "kind": f.kind} for f in made.faults),
                *({"look": f.look_id, "kind": f.kind} for f in made.look_faults),
            ],
            "compared_with_published_heads": made.published,
        },
        ensure_ascii=False,
        indent=2,
    )


def _order_json(one: Decided) -> dict[str, object]:
    return {
        "registration_number": one.number,
        "order_id": one.order.order_id,
        "proven": one.order.proven,
        "received_at": one.order.received_at.isoformat(),
        "sha256": one.order.digest.hex(),
        "form": one.form,
        "validation_report": one.trust.model_dump(mode="json"),
        "receipts": list(one.receipts),
    }


def _entry_json(one: Recorded) -> dict[str, object]:
    return {
        "chain": one.chain,
        "position": one.position,
        "recorded_at": one.recorded_at.isoformat(),
        "actor": one.actor,
        "action": one.action,
        "body": json.loads(one.body),
        "sha256": one.row_hash.hex(),
    }


def _look_json(one: LoggedAccess, for_whom: ForWhom) -> dict[str, str | None]:
    told = {"at": one.at.isoformat(), "who": one.look.actor, "unit": one.look.unit}
    if for_whom is ForWhom.AUDITOR:
        told |= {"reason": one.look.reason, "shown": one.look.shown}
    return told


def _local(at: datetime) -> datetime:
    return at.astimezone(STOCKHOLM)


def _moment(at: datetime | str | None) -> str:
    if at is None:
        return ""
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    return f"{_local(moment):%Y-%m-%d %H:%M:%S}"


def _sv(kind: str, value: object) -> str:
    return word(kind, str(value), "sv")


def _ends(measure: Measure, standing: PatientFacts | None) -> str:
    last = measure.last_day(standing.patient.birth) if standing else None
    return "tills vidare" if last is None else f"till och med {last.isoformat()}"


def _said(entry: CaseEntry) -> str:
    """What the code of a case's entry means."""
    codes = CODES.get(entry.kind)
    return "" if codes is None or entry.code is None else _sv(_CODE_WORDS[codes.__name__], entry.code)


_CODE_WORDS = {
    "AskedAuthority": "authority",
    "AuthorityAnswer": "authority_answer",
    "Reply": "reply",
    "LetterArrival": "letter_arrival",
}


def order_entries(made: CaseFile, order_id: OrderId | None) -> list[Recorded]:
    """Return the audit entries that name an order, in order of time."""
    return [e for e in made.entries if order_id and json.loads(e.body).get("order_id") == order_id]


_PAPERS = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "papers"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_PAPERS.filters.update(moment=_moment)
_PAPERS.globals.update(
    versions=VERSIONS, sv=_sv, ends=_ends, said=_said, entries_of=order_entries, RIGHT=RIGHT
)
