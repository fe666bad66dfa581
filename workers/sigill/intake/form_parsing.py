"""
What was signed, read as a form: every field at fault named, no value ever repeated.

A fault's text goes into a receipt, which the sender reads; a value could be an identity number.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import islice

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from sigill.policy.calendar import swedish_date
from sigill.policy.effects import RefusalReason, Sentence
from sigill.policy.identity_numbers import NUMBER_FAULT, NumberRules
from sigill_contracts.order import PersonRef, SignedForm
from sigill_contracts.vocabulary import RefusalCode

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_WHY: dict[str, Sentence] = {
    "missing": Sentence("Fältet saknas.", "The field is missing."),
    "extra_forbidden": Sentence("Fältet finns inte i blanketten.", "The form has no such field."),
    "enum": Sentence("Värdet hör inte till dem som får anges.", "The value is not one of those allowed."),
    "string_too_long": Sentence("Texten är för lång.", "The text is too long."),
    "string_too_short": Sentence("Texten är för kort.", "The text is too short."),
    "too_long": Sentence("Listan är för lång.", "The list is too long."),
    "too_short": Sentence("Listan får inte vara tom.", "The list must not be empty."),
    "timezone_aware": Sentence(
        "Tidpunkten saknar tidszon: skriv den som 2026-03-01T09:30:00+01:00.",
        "The moment has no time zone: write it as 2026-03-01T09:30:00+01:00.",
    ),
    "bool": Sentence("Skriv true eller false, utan citattecken.", "Write true or false, without quotes."),
    "date": Sentence("Skriv dagen som ÅÅÅÅ-MM-DD.", "Write the day as YYYY-MM-DD."),
    "datetime": Sentence(
        "Skriv tidpunkten med tidszon, som 2026-03-01T09:30:00+01:00.",
        "Write the moment with its time zone, as 2026-03-01T09:30:00+01:00.",
    ),
    "uuid": Sentence(
        "Skriv id:t som ett UUID: 8-4-4-4-12 hexadecimala siffror.",
        "Write the id as a UUID: 8-4-4-4-12 hexadecimal digits.",
    ),
    "string": Sentence("Här ska en text stå, inom citattecken.", "A text is expected here, in quotes."),
    "tuple": Sentence(
        "Här ska en lista stå, inom [ ]. Utelämna fältet när det inte finns något att säga.",
        "A list is expected here, in [ ]. Leave the field out where there is nothing to say.",
    ),
    "model": Sentence(
        "Här ska ett objekt stå, inom { }. Utelämna fältet när det inte finns något att säga.",
        "An object is expected here, in { }. Leave the field out where there is nothing to say.",
    ),
}
"""By pydantic's name of the fault, or by what was expected: the first word of that name."""
_HSA_ID = Sentence(
    "Ett HSA-id består av 3–64 bokstäver, siffror och bindestreck.",
    "An HSA-id has 3–64 letters, digits and hyphens.",
)
_SHAPE: dict[str, Sentence] = {
    "id": Sentence(
        "Skriv numret utan bindestreck och blanksteg, tolv siffror: ÅÅÅÅMMDDNNNN.",
        "Write the number without hyphen and spaces, twelve digits: YYYYMMDDNNNN.",
    ),
    "hsa_id": _HSA_ID,
    "unit": _HSA_ID,
    "units": _HSA_ID,
    "region": Sentence(
        "Skriv regionens kortnamn med små bokstäver, som kronoberg.",
        "Write the region's short name in small letters, as kronoberg.",
    ),
    "sha256": Sentence("Skriv 64 hexadecimala siffror.", "Write 64 hexadecimal digits."),
    "own_attestations": Sentence(
        "Skriv regionens kortnamn, kolon och ordet.", "Write the region's short name, a colon and the word."
    ),
    "valid_from": Sentence(
        "Dagen ligger vid tidens slut: det som öppnar kan inte börja då.",
        "The day lies at the end of time: what opens cannot begin then.",
    ),
    "recorded_to": Sentence("recorded_to ligger före recorded_from.", "recorded_to is before recorded_from."),
    "decided_at": _WHY["datetime"],
}
"""By the field, where a text has another shape than the field asks for, or its value cannot be meant."""
_OTHERWISE = Sentence("Värdet har fel form.", "The value does not have the right form.")
_MORE = Sentence("Fler fält har fel.", "More fields are at fault.")
MOST_FAULTS = 100
"""Fields at fault that one answer names."""


class FormInvalid(ValueError):
    """What was signed is not a valid form. `objections` names each field at fault, once."""

    def __init__(self, objections: tuple[RefusalReason, ...]) -> None:
        super().__init__(f"{len(objections)} fields at fault")
        self.objections = objections


def read_form(payload: bytes, numbers: NumberRules | None = None) -> SignedForm:
    """
    Read a signed payload (UTF-8 JSON). Raises FormInvalid with all faults at once.

    `numbers` says what counts as an identity number; None: whatever has the message's shape.
    """
    try:
        form = SignedForm.model_validate_json(payload)
    except ValidationError as error:
        found = {
            field_name(fault["loc"]): _why(fault)
            for fault in error.errors(include_url=False, include_input=False)
        }
        raise FormInvalid(_objections(found.items())) from None
    # JSON can write U+0000 in one way only, so that almost no form need be walked through
    if b"\\u0000" in payload and (unfit := tuple(_unfit(form.model_dump(mode="json"), ()))):
        raise FormInvalid(_objections((field_name(place), _OTHERWISE) for place in unfit))
    if form.decided_at.year in (date.min.year, date.max.year):  # what was never set, or has no end
        raise FormInvalid(_objections([("decided_at", _WHY["datetime"])]))
    if numbers is not None and (wrong := tuple(_impossible_numbers(form, numbers))):
        raise FormInvalid(_objections(wrong))
    return form


def _why(fault: ErrorDetails) -> Sentence:
    """What to mend, in words of ours: of what pydantic says only a vocabulary's own words are repeated."""
    kind, field = fault["type"], next((p for p in reversed(fault["loc"]) if isinstance(p, str)), "")
    if kind == "enum":
        allowed = fault["ctx"]["expected"].replace("'", "").replace(" or ", ", ")
        return Sentence(f"Tillåtna värden: {allowed}.", f"Values allowed: {allowed}.")
    if kind in ("string_pattern_mismatch", "value_error"):
        return _SHAPE.get(field, _OTHERWISE)
    return _WHY.get(kind) or _WHY.get(kind.partition("_")[0], _OTHERWISE)


def _impossible_numbers(form: SignedForm, numbers: NumberRules) -> Iterator[tuple[str, Sentence]]:
    """Identity numbers that no register will ever report: the sender learns at once what to mend."""
    decided_on = swedish_date(form.decided_at)
    for field, person in people_named(form):
        if fault := numbers.fault_of(person.id_type, person.id, on=decided_on, region=form.region):
            yield field, NUMBER_FAULT[fault]


def people_named(form: SignedForm) -> Iterator[tuple[str, PersonRef]]:
    """Everybody whom a form names, with the dotted field of the number."""
    yield "patient.id", form.patient
    if form.representative is not None:
        yield "representative.id", form.representative
    for place, guardian in enumerate(form.guardians or ()):
        yield f"guardians.{place}.id", guardian


def _objections(faults: Iterable[tuple[str, Sentence]]) -> tuple[RefusalReason, ...]:
    """One for each field at fault, as far as an answer has room: it must not grow too large to be sent."""
    named = [
        RefusalReason(RefusalCode.FIELD_INVALID, text, field=name)
        for name, text in islice(faults, MOST_FAULTS + 1)
    ]
    if len(named) > MOST_FAULTS:
        named[-1] = RefusalReason(RefusalCode.FIELD_INVALID, _MORE)
    return tuple(named)


def _unfit(value: object, place: tuple[int | str, ...]) -> Iterator[tuple[int | str, ...]]:
    """Texts with characters that no text has: PostgreSQL cannot keep U+0000, and nobody can read it."""
    match value:
        case str() if "\x00" in value:
            yield place
        case dict():
            for name, part in value.items():
                yield from _unfit(part, (*place, name))
        case list():
            for index, part in enumerate(value):
                yield from _unfit(part, (*place, index))


def field_name(place: tuple[int | str, ...]) -> str:
    """
    Where in the form a fault is, dotted. A name that no field of ours could have is shown as `?`: it is the
    sender's text, and could be anything.
    """
    return (
        ".".join(str(part) if isinstance(part, int) or _NAME.fullmatch(part) else "?" for part in place)
        or "?"
    )
