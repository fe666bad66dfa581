"""
What was signed, read as a form: every field at fault named, no value ever repeated.

A fault's text goes into a receipt, which the sender reads; a value could be an identity number.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from pydantic import ValidationError

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
    "timezone_aware": Sentence("Tidpunkten saknar tidszon.", "The moment has no time zone."),
}
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
            field_name(fault["loc"]): _WHY.get(fault["type"], _OTHERWISE)
            for fault in error.errors(include_url=False, include_context=False, include_input=False)
        }
        raise FormInvalid(_objections(found.items())) from None
    # JSON can write U+0000 in one way only, so that almost no form need be walked through
    if b"\\u0000" in payload and (unfit := tuple(_unfit(form.model_dump(mode="json"), ()))):
        raise FormInvalid(_objections((field_name(place), _OTHERWISE) for place in unfit))
    if numbers is not None and (wrong := tuple(_impossible_numbers(form, numbers))):
        raise FormInvalid(_objections(wrong))
    return form


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
