"""
An urgent order by phone: choose region and form, fill in that form's fields, read the answers through, sign.

The rules are asked before the signature, from what is known then; a refused order is opened again with its answers.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid4

import structlog
from pydantic import ValidationError
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from sigill.operations.operator_signing import NoKey
from sigill.operations.operators import OPERATORS
from sigill.operations.phone_check import check_order
from sigill.operations.phone_order import EntryFault, NotFilledIn, entries_of, form_of, record_of
from sigill.policy.calendar import swedish_date
from sigill.policy.effects import Amend, Impose, Sentence
from sigill.policy.facts import Measure, PatientFacts
from sigill.policy.form_fields import FormField, form_fields, own_attestation_words, phone_forms
from sigill.policy.identity_numbers import NUMBER_FAULT, NumberError, NumberFault
from sigill.policy.rulebook import Region, Version
from sigill.policy.units import Unit
from sigill.store import facts, orders, persons, staff, units
from sigill.store.persons import RegisteredName
from sigill.stream.connection import BrokerDown, StreamStopped
from sigill.web.console.context import (
    GONE,
    HIDDEN,
    OUTSIDE,
    TOO_OFTEN,
    ConsoleContext,
    done,
    get,
    number_of,
    post,
    reason_of,
    text_of,
)
from sigill.web.console.pages.orders import FormLine, lines_of, resolve, withheld
from sigill.web.console.pages.orders import order as order_page
from sigill.web.console.sessions import Session
from sigill_contracts.order import SignedForm
from sigill_contracts.topics import ORDERS
from sigill_contracts.vocabulary import (
    RELEASES,
    Channel,
    DocumentKind,
    Duty,
    Form,
    HsaId,
    Outcome,
    PersonId,
    RegionCode,
    Role,
)

log = structlog.get_logger("sigill.console")
REPEATED = ("attestations", "units", "guardians", "releases", "court_order_duties")
"""Fields with several values; the page sends each for itself."""
MOST_FOUND = 20
LOOKED_UP = ("decided_by_unit", "consulted_unit", "units_named")
"""Fields in which a unit is named, or looked for by a part of its name."""
_REF = re.compile(r"[Pp]-[0-9]+")
"""What the page calls a guardian whom it shows; it is never taken for a number."""


@dataclass(frozen=True, slots=True)
class FamilyMember:
    """A guardian of the patient as the page shows it: no name where the identity is protected."""

    ref: str
    """What the page calls the person: no number. Empty where the person cannot be chosen: hidden, or erased."""
    name: RegisteredName | None
    born: str
    protected: bool


@dataclass(frozen=True, slots=True)
class Family:
    """The patient whose number was typed in, the guardians, and the measures that the form may be about."""

    patient: FamilyMember
    guardians: tuple[FamilyMember, ...]
    measures: tuple[tuple[str, Measure], ...]


@dataclass(slots=True)
class LookedUp:
    """What was looked up for the page."""

    units: dict[str, Sequence[Unit]] = field(default_factory=dict)
    staff: Mapping[str, Sequence[tuple[HsaId, frozenset[Role]]]] = field(default_factory=dict)
    family: Family | None = None
    numbers: dict[str, str] = field(default_factory=dict)
    """The guardians' numbers by what the page calls them: those alone who were looked up and are not hidden."""
    faults: list[EntryFault] = field(default_factory=list)


async def phone_form(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """The forms that can be called in, by region; with `region` and `form`, the empty form."""
    region, form = request.query_params.get("region", ""), request.query_params.get("form", "")
    if not _in_region(session, region):
        return desk.sorry(request, session, 403, OUTSIDE, back="/phone")
    if _fields_of(desk, region, form):
        entries = {"region": region, "form": form, "urgent": "yes"}
        return await _show(request, desk, session, entries, ())
    return _choose(request, desk, session)


def _choose(request: Request, desk: ConsoleContext, session: Session) -> Response:
    today = swedish_date(desk.clock.now())
    offered: list[tuple[Region, tuple[Form, ...]]] = []
    for _, region in sorted(desk.books.regions.items()):
        version = region.in_force(today)
        covered = not region.national and _in_region(session, region.region)
        if covered and version is not None and (forms := phone_forms(version)):
            offered.append((region, forms))
    return desk.page(request, "phone.html", session, offered=offered, ready=_ready(desk, session))


def _in_region(session: Session, region: str) -> bool:
    """Whether a login covers a region; no region is everybody's."""
    bound = session.operator.bound
    return not region or bound.regions is None or region in bound.regions


def _covered(session: Session, order: SignedForm) -> bool:
    """Whether a login covers an order's region and the unit that decided; bound to units, one that names no unit is outside."""
    unit = None if order.decided_by is None else order.decided_by.unit
    return session.operator.bound.covers(order.region, unit)


def _fields_of(desk: ConsoleContext, region: str, form: str) -> tuple[FormField, ...]:
    """The fields of a form that can be called in today; none for any other."""
    version = _by_phone(desk, region, form)
    return form_fields(version, Form(form)) if version else ()


def _by_phone(desk: ConsoleContext, region: str, form: str) -> Version | None:
    """The version of a region's rulebook that lets a form be called in today; None: none does."""
    found = desk.books.regions.get(RegionCode(region))
    version = found.in_force(swedish_date(desk.clock.now())) if found and not found.national else None
    return version if version and form in set(phone_forms(version)) else None


async def phone_look(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """Look up units, staff or the patient's guardians for the page, and keep what was written."""
    entries = _entries(form)
    return await _show(request, desk, session, entries, (), find=text_of(form, "find"))


async def phone_change(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """Back from the answers to the fields."""
    return await _show(request, desk, session, _entries(form), ())


async def phone_check(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """
    The answers once more, with what the rules say of them now; nothing is signed yet.

    The verdict tells of everybody whom the form names, such as whether somebody is this child's guardian: asking is
    counted like a search, and where one of them is hidden there is no verdict, and a line for each who is.
    """
    entries, now = _entries(form), desk.clock.now()
    if not _in_region(session, entries.get("region", "")):
        return desk.sorry(request, session, 403, OUTSIDE, back="/phone")
    found = await _looked_up(desk, session, entries, "")
    try:
        order = await _form_of(desk, session, entries, found)
    except NotFilledIn as wrong:
        return await _show(request, desk, session, entries, wrong.faults, found=found, status=422)
    if not _covered(session, order):
        return desk.sorry(request, session, 403, OUTSIDE, back="/phone")
    if not desk.searches.allowed(session.operator.name):
        often = (EntryFault("", TOO_OFTEN),)
        return await _show(request, desk, session, entries, often, found=found, status=429)
    hsa_id = session.operator.hsa_id
    signer = None if hsa_id is None else HsaId(hsa_id)
    checked = await check_order(desk.store, desk.books, order, signer, now)
    hidden = await desk.hidden(session, checked.people)
    # a line of the patient's must not say that somebody near them is protected: nothing of the patient is shown then
    looked_at = hidden or {person for person in (checked.patient,) if person is not None}
    shown = "nothing: protected identity" if hidden else "what the rules say before signing"
    async with desk.store.transaction(now) as tx:
        for person in sorted(looked_at):
            await desk.looked(tx, session.operator, person, _errand(entries), shown)
    judged = checked.judgement
    measures = [effect.measure for effect in judged.effects if isinstance(effect, Impose)]
    in_force = any(isinstance(effect, Impose | Amend) for effect in judged.effects)
    return desk.page(
        request,
        "phone_check.html",
        session,
        entries=entries,
        region=desk.books.regions[RegionCode(order.region)],
        form=order.form,
        lines=[
            _by_name(line, entries, found.family)
            for line in lines_of(order.model_dump_json(), unmasked=True, names=desk.watch.unit_names)
            if line.field not in ("order_id", "audience", "channel", "region", "form")
        ],
        judged=judged,
        hidden=HIDDEN if hidden else None,
        refused=judged.outcome is Outcome.REFUSED and not hidden,
        waits_idle=judged.outcome is Outcome.PENDING and not in_force and not hidden,
        measures=measures,
        patient=checked.patient,
        cite=desk.citations.of,
        ready=_ready(desk, session),
    )


def _errand(entries: Mapping[str, str]) -> str:
    """Why somebody is looked at from this page."""
    return f"phone order {_order_id(entries)}"


async def phone_send(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """
    Sign what was entered with the operator's key and put it on the topic, like every other order.

    The order's id is drawn with the page, so that the same page sent twice is the same order.
    """
    entries = _entries(form)
    if desk.signers is None:
        return desk.sorry(request, session, 404, _NO_KEYS)
    if not _in_region(session, entries.get("region", "")):
        return desk.sorry(request, session, 403, OUTSIDE, back="/phone")
    now, found = desk.clock.now(), LookedUp()
    if _chosen(entries):
        await _family(desk, session, entries, found)
    try:
        order = await _form_of(desk, session, entries, found)
        if not _covered(session, order):
            return desk.sorry(request, session, 403, OUTSIDE, back="/phone")
        signer = desk.signers.of(session.operator)
        record = record_of(order, signer, desk.keys, desk.settings.topic(ORDERS.name), now)
    except NotFilledIn as wrong:
        return await _show(request, desk, session, entries, wrong.faults, status=422)
    except NoKey as missing:
        log.warning("no signing key", operator=session.operator.name, why=str(missing))
        return await _show(request, desk, session, entries, (EntryFault("", _NO_KEY),), status=409)
    try:
        await desk.sending.send([record])
    except (BrokerDown, StreamStopped) as error:
        log.warning("phone order not sent", error=type(error).__name__)
        return await _show(request, desk, session, entries, (EntryFault("", _NOT_SENT),), status=503)
    async with desk.store.transaction(now) as tx:
        body = {"order_id": str(order.order_id), "form": str(order.form), "region": order.region}
        await desk.note(tx, session.operator, "phone_order_sent", body)
    return done(f"/orders/by-id/{order.order_id}", "sent")


async def phone_correct(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """Open the page with the answers of a refused phone order, under a new id: an act of its own, with a reason."""
    registration = number_of(request.path_params["registration"])
    reason = reason_of(form)
    async with desk.store.reading() as tx:
        found = await orders.by_registration(tx, [registration]) if registration is not None else []
        answers = await orders.answers_to(tx, [order.registration for order in found])
    one = found[0] if found else None
    try:
        before = SignedForm.model_validate_json(one.payload or "") if one is not None else None
    except ValidationError:
        before = None
    last = answers.get(one.registration, ())[-1:] if one is not None else ()
    if (
        one is None
        or before is None
        or before.channel is not Channel.PHONE
        or not last
        or last[0].outcome != Outcome.REFUSED
    ):
        return desk.sorry(request, session, 404, GONE, back="/orders")
    if (refused := await withheld(request, desk, session, one, reason)) is not None:
        return refused
    person = one.patient or await resolve(desk, before.patient.id)
    async with desk.store.transaction(desk.clock.now()) as tx:
        body = {"order_id": one.order_id, "registration": one.registration}
        personal = {"reason": reason} if person else None
        await desk.note(tx, session.operator, "phone_order_corrected", body, person, personal)
        if person is not None:
            shown = f"phone_order_corrected {one.registration_number}"
            await desk.looked(tx, session.operator, person, reason, shown)
    return await _show(request, desk, session, entries_of(before), (), corrects=one.registration_number)


def _by_name(line: FormLine, entries: Mapping[str, str], family: Family | None) -> FormLine:
    """Guardians as they were entered: who was chosen by name is shown by it, and nobody's number is put in its place."""
    if line.field != "guardians":
        return line
    guardians = () if family is None else family.guardians
    names = {
        guardian.ref: f"{guardian.name.given} {guardian.name.family}"
        for guardian in guardians
        if guardian.name
    }
    return replace(line, values=tuple(names.get(word, word) for word in _words(entries, "guardians")))


def _words(entries: Mapping[str, str], name: str) -> list[str]:
    """The several values of an entry."""
    return entries.get(name, "").replace(",", " ").split()


def _chosen(entries: Mapping[str, str]) -> list[str]:
    """The guardians who were chosen on the page, by what it calls them."""
    return [word for word in _words(entries, "guardians") if _REF.fullmatch(word)]


def _entries(form: FormData) -> dict[str, str]:
    """What was written, a word's several values with a space between; a chosen staff member as id, role and unit."""
    entries: dict[str, str] = {name: value for name, value in form.items() if isinstance(value, str)}
    entries |= {name: " ".join(str(value) for value in form.getlist(name)) for name in REPEATED}
    entries.pop("csrf", None)
    entries.pop("once", None)
    entries.pop("find", None)
    entries["units"] = " ".join(dict.fromkeys(entries["units"].replace(",", " ").split()))
    for who in ("decided_by", "consulted"):
        chosen, _, role = entries.pop(f"{who}_staff", "").partition(" ")
        if chosen:
            entries[f"{who}_hsa_id"], entries[f"{who}_role"] = chosen, role
        if unit := entries.pop(f"{who}_unit_chosen", ""):
            entries[f"{who}_unit"] = unit
    entries["order_id"] = str(_order_id(entries))
    return entries


async def _form_of(
    desk: ConsoleContext, session: Session, entries: Mapping[str, str], found: LookedUp
) -> SignedForm:
    """
    The form of the entries, of fields that the form has; raises NotFilledIn with everything that is wrong.

    A guardian chosen on the page is one of the patient's whom this session may be shown, or a fault: the same fault
    for a stranger and for somebody hidden, so that it tells of neither.
    """
    fields = {
        form_field.name: form_field
        for form_field in _fields_of(desk, entries.get("region", ""), entries.get("form", ""))
    }
    wrong = list(found.faults)
    if not fields:
        wrong.append(EntryFault("form", _NOT_BY_PHONE))
    given = {**entries, "units": f"{entries.get('units', '')} {entries.get('units_named', '')}".strip()}
    if any(word not in found.numbers for word in _chosen(entries)):
        wrong.append(EntryFault("guardians", _NOT_OF_FAMILY))
    given["guardians"] = " ".join(
        found.numbers.get(word, "" if _REF.fullmatch(word) else word) for word in _words(entries, "guardians")
    )
    wrong.extend(
        EntryFault(name, NUMBER_FAULT[NumberFault.NOT_A_NUMBER])
        for name in ("patient", "representative")
        if _REF.fullmatch(given.get(name, "").strip())
    )
    if session.operator.bound.units is not None and not given.get("decided_by_unit", "").strip():
        wrong.append(EntryFault("decided_by_unit", _NEEDED))
    wrong.extend(
        EntryFault(form_field.name, _NEEDED)
        for form_field in fields.values()
        if form_field.needed and form_field.name in _PLAIN and not given.get(form_field.name, "").strip()
    )
    try:
        order = form_of(
            given,
            order_id=_order_id(entries),
            audience=desk.settings.audience,
            now=desk.clock.now(),
            numbers=desk.numbers,
        )
    except NotFilledIn as more:
        wrong += more.faults
    if wrong:
        raise NotFilledIn(list({fault.field: fault for fault in reversed(wrong)}.values())[::-1])
    return order


_PLAIN = frozenset({"units", "attestations", "valid_through", "motivation", "representative", "follows_up"})
"""Fields that the rules may demand of every such form and that no form of ours demands by itself."""


async def _looked_up(desk: ConsoleContext, session: Session, entries: dict[str, str], find: str) -> LookedUp:
    """
    Look up what the page asks for (`find`), and what is named in another way than by HSA-id.

    A unit that only one name fits is put into the entries; where several do, they are shown to choose from.
    """
    found = LookedUp()
    known, today = desk.watch.unit_names, swedish_date(desk.clock.now())
    async with desk.store.reading() as tx:
        for name in LOOKED_UP:
            text = entries.get(name, "").strip()
            if not text or text.upper() in known or _is_id(text):
                continue
            hits = await units.page(tx, containing=text[:100], limit=MOST_FOUND)
            hits = [unit for unit in hits if not unit.is_closed(today)]
            found.units[name] = hits
            if len(hits) == 1 and name != "units_named":
                entries[name] = hits[0].unit
            elif name == "units_named" and len(hits) == 1:
                entries["units"] = f"{entries['units']} {hits[0].unit}".strip()
                entries[name] = ""
            else:
                found.faults.append(EntryFault(name, _WHICH if hits else _NO_UNIT))
        fields = {
            form_field.name: form_field
            for form_field in _fields_of(desk, entries.get("region", ""), entries.get("form", ""))
        }
        by_unit: dict[str, Sequence[tuple[HsaId, frozenset[Role]]]] = {}
        for who in ("decided_by", "consulted"):
            unit, roles = entries.get(f"{who}_unit", "").strip(), fields.get(who)
            if roles is not None and unit and (find == who or not entries.get(f"{who}_hsa_id", "").strip()):
                by_unit[who] = await staff.at_unit(tx, unit, map(Role, roles.options), today)
        found.staff = by_unit
    if find == "family" or entries.get("family") == "yes" or _chosen(entries):
        await _family(desk, session, entries, found)
    return found


async def _family(desk: ConsoleContext, session: Session, entries: dict[str, str], found: LookedUp) -> None:
    """The patient and the guardians by name: a look, in the access log, for the order of this page."""
    entries.pop("family", None)
    if not desk.searches.allowed(session.operator.name):
        found.faults.append(EntryFault("patient", TOO_OFTEN))
        return
    try:
        who = await resolve(desk, entries.get("patient", ""))
    except NumberError as error:
        found.faults.append(EntryFault("patient", error.text))
        return
    now, bound = desk.clock.now(), session.operator.bound
    async with desk.store.reading() as tx:
        known = (await facts.patient_facts(tx, [who])).get(who) if who is not None else None
        people = (who, *known.patient.guardians_at(now)) if who is not None and known is not None else ()
        named = await persons.names(tx, people)
    if known is None or who is None:
        found.faults.append(EntryFault("patient", _NOBODY))
        return
    hidden = await desk.hidden(session, people)
    if who in hidden:
        async with desk.store.transaction(now) as tx:
            await desk.looked(tx, session.operator, who, _errand(entries), "nothing: protected identity")
        found.faults.append(EntryFault("patient", HIDDEN))
        return
    async with desk.store.transaction(now) as tx:
        await desk.looked(tx, session.operator, who, _errand(entries), "the patient's guardians by name")
    entries["family"] = "yes"
    guardians = known.patient.guardians_at(now)
    found.numbers = {
        f"P-{guardian}": person.latest.identity.number
        for guardian in guardians
        if guardian not in hidden and (person := known.person(guardian)) is not None
    }
    form = entries.get("form", "")
    of_form = RELEASES.get(Form(form)) if form in set(Form) else None
    found.family = Family(
        patient=_family_member(known, who, named, hidden),
        guardians=tuple(_family_member(known, guardian, named, hidden) for guardian in guardians),
        measures=tuple(
            (str(measure.orders[0]), measure)
            for measure in known.measures
            if measure.orders
            and measure.region == entries.get("region")
            and bound.covers_one(measure.region, (measure.unit, *sorted(measure.units or ())))
            and measure.not_over(now, known.patient.birth)
            and of_form in (None, measure.kind)
        ),
    )


def _family_member(
    known: PatientFacts,
    who: PersonId,
    named: Mapping[PersonId, RegisteredName],
    hidden: frozenset[PersonId],
) -> FamilyMember:
    person = known.person(who)
    if person is None:
        return FamilyMember("", None, "", protected=False)
    protected = person.latest.protected or who in hidden
    return FamilyMember(
        "" if who in hidden else f"P-{who}",
        None if protected else named.get(who),
        "" if who in hidden else person.birth.earliest.isoformat(),
        protected,
    )


def _is_id(text: str) -> bool:
    """Whether a text looks like an HSA-id, of a unit that the directory may not have told of."""
    return text.isascii() and "-" in text and " " not in text and any(sign.isdigit() for sign in text)


def _order_id(entries: Mapping[str, str]) -> UUID:
    try:
        return UUID(entries.get("order_id", ""))
    except ValueError:
        return uuid4()


async def _show(
    request: Request,
    desk: ConsoleContext,
    session: Session,
    entries: dict[str, str],
    faults: Sequence[EntryFault],
    *,
    find: str = "",
    found: LookedUp | None = None,
    corrects: str | None = None,
    status: int = 200,
) -> Response:
    """The fields of the entries' form, with what was written; the forms to choose from where there is no such form."""
    if not _in_region(session, entries.get("region", "")):
        return desk.sorry(request, session, 403, OUTSIDE, back="/phone")
    fields = _fields_of(desk, entries.get("region", ""), entries.get("form", ""))
    if not fields:
        return desk.sorry(request, session, 422, _NOT_BY_PHONE, back="/phone")
    entries = {**entries, "order_id": str(_order_id(entries))}
    version = _by_phone(desk, entries["region"], entries["form"])
    if found is None:
        found = await _looked_up(desk, session, entries, find)
    every = [*faults, *found.faults]
    return desk.page(
        request,
        "phone_fields.html",
        session,
        status,
        entries=entries,
        faults={fault.field: fault.text for fault in reversed(every)},
        fields=[form_field for form_field in fields if form_field.name not in ("channel", "urgent")],
        has_urgent=any(form_field.name == "urgent" for form_field in fields),
        region=desk.books.regions[RegionCode(entries["region"])],
        own_words=own_attestation_words(version, Form(entries["form"])) if version else {},
        form=Form(entries["form"]),
        found=found,
        looked_for=find,
        corrects=corrects,
        cite=desk.citations.of,
        documents=list(DocumentKind),
        duties=list(Duty),
        unit_names=desk.watch.unit_names,
        ready=_ready(desk, session),
    )


def _ready(desk: ConsoleContext, session: Session) -> bool:
    if desk.signers is None:
        return False
    try:
        desk.signers.of(session.operator)
    except NoKey:
        return False
    return True


_NEEDED = Sentence("Fyll i fältet.", "Fill in the field.")
_NO_KEYS = Sentence(
    "Telefonbeställningar är inte påslagna: inga nycklar är angivna.",
    "Phone orders are not switched on: no keys are configured.",
)
_NO_KEY = Sentence(
    "Det finns ingen underskriftsnyckel för dig. Inget har skickats.",
    "There is no signing key for you. Nothing was sent.",
)
_NOT_SENT = Sentence(
    "Kafka svarar inte, så det är osäkert om beställningen kom fram. Skicka igen: samma id räknas bara en gång.",
    "Kafka does not answer, so it is unsure whether the order arrived. Send again: the same id counts once only.",
)
_NOT_BY_PHONE = Sentence(
    "Den blanketten kan inte beställas per telefon i den regionen. Välj region och blankett igen.",
    "That form cannot be ordered by phone in that region. Choose region and form again.",
)
_WHICH = Sentence("Flera enheter stämmer. Välj en av dem.", "Several units fit. Choose one of them.")
_NO_UNIT = Sentence(
    "Katalogen har ingen öppen enhet med det namnet. Skriv en del av namnet, eller HSA-id.",
    "The directory has no open unit of that name. Write a part of the name, or the HSA-id.",
)
_NOT_OF_FAMILY = Sentence(
    "Någon som är vald går inte att välja för den här patienten. Hämta patienten och välj igen, eller skriv numret.",
    "Somebody chosen cannot be chosen for this patient. Look up the patient and choose again, or write the number.",
)
_NOBODY = Sentence(
    "Registret känner ingen med det numret. Beställningen kan skickas ändå; den prövas när registret har svarat.",
    "The register knows nobody of that number. The order can be sent all the same; it is judged when the register has "
    "answered.",
)
ROUTES = [
    get("/phone", phone_form, OPERATORS),
    post("/phone/look", phone_look, OPERATORS),
    post("/phone/check", phone_check, OPERATORS),
    post("/phone/change", phone_change, OPERATORS),
    post("/phone", phone_send, OPERATORS),
    post("/orders/{registration}/correct", phone_correct, OPERATORS, order_page),
]
