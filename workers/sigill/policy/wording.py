"""
What a notice says, in Swedish and English, to the one who reads it: "Du" to the patient, "Ditt barn" to a guardian.

Every sentence is chosen by what happens to the reader's own access. No person's name, no identity number, no motivation.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sigill.policy.effects import Sentence
from sigill.policy.sentences import NOTICE
from sigill_contracts.vocabulary import MeasureKind, Service, Template

NOTHING = Sentence("", "")


class Audience(StrEnum):
    """Whom a notice addresses."""

    SELF = "self"
    """The patient, about its own access."""
    GUARDIAN = "guardian"
    REPRESENTATIVE = "representative"
    CHILD = "child"
    """The patient, about what holds for its guardians."""


@dataclass(frozen=True, slots=True)
class NoticeFacts:
    """
    What a text is made of. `through` and `day` are Swedish dates: the last day in force, the day spoken of.

    `services` are those that the notice opens, ends or keeps shut for the reader; `partial`: for some units only.
    """

    services: tuple[Service, ...] = ()
    partial: bool = False
    units: tuple[str, ...] = ()
    """Names of the units, for a reader who may see them."""
    kinds: tuple[MeasureKind, ...] = ()
    through: date | None = None
    day: date | None = None
    age: int | None = None
    record_from: int = 0
    reads: bool = False
    """The reader can read the record that the notice is about."""
    errands: bool = False
    """The reader reaches the e-services that the notice is about."""
    renewable: bool = False
    takes_over: bool = False
    """The child logs in by itself from that day on."""
    more: Sentence = NOTHING


def label(template: Template) -> Sentence:
    """What a template is about, for a list of notices and a rulebook's page."""
    return NOTICE[template]


def notice(template: Template, audience: Audience, told: NoticeFacts) -> Sentence:
    """The text of a notice to one reader."""
    sentences = [*_TEXTS[template](audience, told), told.more]
    return Sentence(
        " ".join(s.sv for s in sentences if s.sv),
        " ".join(s.en for s in sentences if s.en),
    )


def to_do(template: Template, support: str, *, renewable: bool) -> Sentence | None:
    """What the reader may do, as a parameter of its own; None: nothing."""
    whom = support or "vården"
    whom_en = support or "your care unit"
    if template is Template.GRANT_EXPIRING and renewable:
        return Sentence(f"Be {whom} om förnyelse i god tid.", f"Ask {whom_en} for a renewal in good time.")
    if template in _WITH_QUESTIONS:
        return Sentence(
            f"Vänd dig till {whom} om du har frågor.", f"Turn to {whom_en} if you have questions."
        )
    return None


_WITH_QUESTIONS = frozenset(
    {Template.MEASURE_IMPOSED, Template.MEASURE_CONTINUED, Template.RELEASE_REFUSED, Template.GRANT_REVOKED}
)
_ASK = Sentence("Vänd dig till vården om du har frågor.", "Turn to your care unit if you have questions.")
_JOURNAL: Mapping[Audience, Sentence] = {
    Audience.SELF: Sentence("din journal", "your record"),
    Audience.CHILD: Sentence("din journal", "your record"),
    Audience.GUARDIAN: Sentence("ditt barns journal", "your child's record"),
    Audience.REPRESENTATIVE: Sentence(
        "journalen för den som du är legal ställföreträdare för",
        "the record of the person whom you legally represent",
    ),
}
_E_SERVICES: Mapping[Audience, Sentence] = {
    Audience.SELF: Sentence("e-tjänsterna", "the e-services"),
    Audience.CHILD: Sentence("dina e-tjänster", "your e-services"),
    Audience.GUARDIAN: Sentence("e-tjänsterna för ditt barn", "the e-services for your child"),
    Audience.REPRESENTATIVE: Sentence(
        "e-tjänsterna för den som du är legal ställföreträdare för",
        "the e-services of the person whom you legally represent",
    ),
}


def _what(audience: Audience, told: NoticeFacts) -> Sentence:
    """The record, the e-services, or both, as the reader calls them."""
    words: list[Sentence] = []
    services = told.services or (Service.JOURNAL,)
    if Service.JOURNAL in services:
        journal = _JOURNAL[audience]
        where = f" ({', '.join(told.units)})" if told.units else ""
        words.append(
            Sentence(f"delar av {journal.sv}{where}", f"parts of {journal.en}{where}")
            if told.partial
            else journal
        )
    if Service.E_SERVICES in services:
        words.append(_E_SERVICES[audience])
    if not words:
        words.append(_JOURNAL[audience])
    return Sentence(" och ".join(w.sv for w in words), " and ".join(w.en for w in words))


def _period(told: NoticeFacts) -> Sentence:
    if told.through is None:
        return Sentence("tills vidare", "until further notice")
    return Sentence(f"till och med {told.through}", f"through {told.through}")


def _first(text: str) -> str:
    return text[:1].upper() + text[1:]


def _errands(audience: Audience, told: NoticeFacts) -> Sentence:
    """What a guardian can still do, where the record alone is shut (JH: e-tjänsten Journalen)."""
    if audience is Audience.GUARDIAN and told.errands and Service.E_SERVICES not in told.services:
        return Sentence(
            "Du kan fortfarande sköta barnets ärenden i e-tjänsterna på 1177.",
            "You can still do the child's errands in the e-services at 1177.",
        )
    return Sentence("", "")


def _shut(audience: Audience, told: NoticeFacts, *, still: bool) -> Iterable[Sentence]:
    what, period = _what(audience, told), _period(told)
    again = Sentence("fortsatt ", "still ") if still else Sentence("", "")
    if audience is Audience.SELF:
        yield _own_shut(told, what, period, again)
    elif audience is Audience.CHILD:
        yield Sentence(
            f"{_first(what.sv)} på 1177 är {again.sv}stängd för vårdnadshavare, {period.sv}.",
            f"{_first(what.en)} at 1177 is {again.en}closed to guardians, {period.en}.",
        )
    elif still:
        yield Sentence(
            f"Du når fortsatt inte {what.sv} på 1177. Det gäller {period.sv}.",
            f"You still do not reach {what.en} at 1177. This holds {period.en}.",
        )
    else:
        yield Sentence(
            f"Du når inte längre {what.sv} på 1177. Det gäller {period.sv}.",
            f"You no longer reach {what.en} at 1177. This holds {period.en}.",
        )
    yield _errands(audience, told)
    yield _ASK


def _own_shut(told: NoticeFacts, what: Sentence, period: Sentence, again: Sentence) -> Sentence:
    if MeasureKind.CHILD_SEAL in told.kinds:
        return Sentence(
            f"Ditt konto och din journal på 1177 är {again.sv}förseglade {period.sv}.",
            f"Your account and your record at 1177 are {again.en}sealed {period.en}.",
        )
    if told.kinds == (MeasureKind.LOGIN_LOCK,):
        return Sentence(
            f"Din inloggning i e-tjänsterna på 1177 är {again.sv}låst {period.sv}.",
            f"Your login to the e-services at 1177 is {again.en}locked {period.en}.",
        )
    sealed = "förseglade" if told.partial else "förseglad"
    are = "are" if told.partial else "is"
    return Sentence(
        f"{_first(what.sv)} på 1177 är {again.sv}{sealed} {period.sv}: {'de' if told.partial else 'den'} går inte att "
        "läsa på nätet.",
        f"{_first(what.en)} at 1177 {are} {again.en}sealed {period.en} and cannot be read online.",
    )


def _imposed(audience: Audience, told: NoticeFacts) -> Iterable[Sentence]:
    return _shut(audience, told, still=False)


def _continued(audience: Audience, told: NoticeFacts) -> Iterable[Sentence]:
    return _shut(audience, told, still=True)


def _refused(audience: Audience, told: NoticeFacts) -> Iterable[Sentence]:
    yield Sentence("En begäran om upplåsning har prövats.", "A request to unlock has been judged.")
    yield from _shut(audience, told, still=True)


def _released(audience: Audience, told: NoticeFacts) -> Iterable[Sentence]:
    what = _what(audience, told)
    yield Sentence(f"Du når nu {what.sv} på 1177.", f"You now reach {what.en} at 1177.")


def _given(audience: Audience, told: NoticeFacts) -> Iterable[Sentence]:
    what = _what(audience, told)
    end = _period(told)
    yield Sentence(
        f"Du kan nu läsa {what.sv} på 1177. Det gäller {end.sv}.",
        f"You can now read {what.en} at 1177. This holds {end.en}.",
    )
    if told.renewable:
        yield Sentence(
            "Åtkomsten behöver förnyas aktivt om den ska fortsätta därefter.",
            "Access must be actively renewed to go on after that.",
        )


def _expiring(audience: Audience, told: NoticeFacts) -> Iterable[Sentence]:
    what = _what(audience, told)
    yield Sentence(
        f"Från och med {told.day} kan du inte längre läsa {what.sv} på 1177.",
        f"From {told.day} you can no longer read {what.en} at 1177.",
    )
    if told.renewable:
        yield Sentence(
            "Åtkomsten behöver förnyas aktivt om den ska fortsätta.",
            "Access must be actively renewed to go on.",
        )


def _ended(audience: Audience, told: NoticeFacts) -> Iterable[Sentence]:
    what = _what(audience, told)
    if audience is Audience.CHILD:
        yield Sentence(
            "En vårdnadshavare kan inte längre läsa din journal på 1177.",
            "A guardian can no longer read your record at 1177.",
        )
    else:
        yield Sentence(
            f"Du kan inte längre läsa {what.sv} på 1177.", f"You can no longer read {what.en} at 1177."
        )


def _no_longer_reached(told: NoticeFacts) -> Sentence:
    words = {
        Service.JOURNAL: Sentence("delar av barnets journal", "parts of the child's record")
        if told.partial
        else Sentence("barnets journal", "the child's record"),
        Service.E_SERVICES: Sentence("e-tjänsterna för barnet", "the e-services for the child"),
    }
    lost = [words[s] for s in (Service.JOURNAL, Service.E_SERVICES) if s in told.services]
    return Sentence(" och ".join(w.sv for w in lost), " and ".join(w.en for w in lost))


def _birthday_ahead(audience: Audience, told: NoticeFacts) -> Iterable[Sentence]:
    if audience is Audience.GUARDIAN:
        lost = _no_longer_reached(told)
        yield Sentence(
            f"Ditt barn fyller snart {told.age}. Från och med {told.day} når du inte längre {lost.sv} på 1177.",
            f"Your child turns {told.age} soon. From {told.day} you no longer reach {lost.en} at 1177.",
        )
        yield from _taken_over(told, "då", "then")
    else:
        yield Sentence(
            f"Du fyller snart {told.age}. Från och med {told.day} kan du läsa din journal på 1177.",
            f"You turn {told.age} soon. From {told.day} you can read your record at 1177.",
        )


def _taken_over(told: NoticeFacts, sv: str, en: str) -> Iterable[Sentence]:
    if told.takes_over:
        yield Sentence(
            f"Barnet loggar {sv} in självt i e-tjänsterna.",
            f"The child {en} logs in to the e-services itself.",
        )


def _login_birthday(audience: Audience, told: NoticeFacts) -> Iterable[Sentence]:
    if audience is Audience.GUARDIAN:
        lost = _no_longer_reached(told)
        yield Sentence(
            f"Ditt barn har fyllt {told.age}. Du når inte längre {lost.sv} på 1177.",
            f"Your child has turned {told.age}. You no longer reach {lost.en} at 1177.",
        )
        yield from _taken_over(told, "nu", "now")
        return
    yield Sentence(
        f"Du har fyllt {told.age} och kan logga in i e-tjänsterna på 1177.",
        f"You have turned {told.age} and can log in to the e-services at 1177.",
    )
    if not told.reads and told.age is not None and told.record_from > told.age:
        yield Sentence(
            f"Din journal visas från den dag du fyller {told.record_from}.",
            f"Your record is shown from the day you turn {told.record_from}.",
        )


def _record_birthday(audience: Audience, told: NoticeFacts) -> Iterable[Sentence]:
    yield Sentence(
        f"Du har fyllt {told.age} och kan läsa din journal på 1177.",
        f"You have turned {told.age} and can read your record at 1177.",
    )


def _of_age(audience: Audience, told: NoticeFacts) -> Iterable[Sentence]:
    yield Sentence(
        f"Du har fyllt {told.age} och har inte längre någon vårdnadshavare.",
        f"You have turned {told.age} and no longer have a guardian.",
    )
    if told.services:
        yield from _released(audience, told)


def _label_only(template: Template) -> "Callable[[Audience, NoticeFacts], Iterable[Sentence]]":
    return lambda audience, told: (NOTICE[template],)


_TEXTS: Mapping[Template, Callable[[Audience, NoticeFacts], Iterable[Sentence]]] = {
    Template.MEASURE_IMPOSED: _imposed,
    Template.MEASURE_CONTINUED: _continued,
    Template.MEASURE_RELEASED: _released,
    Template.GRANT_GIVEN: _given,
    Template.GRANT_EXPIRING: _expiring,
    Template.GRANT_EXPIRED: _ended,
    Template.GRANT_REVOKED: _ended,
    Template.AGE_13_AHEAD: _birthday_ahead,
    Template.AGE_13: _login_birthday,
    Template.AGE_16_AHEAD: _birthday_ahead,
    Template.AGE_16: _record_birthday,
    Template.AGE_18: _of_age,
    Template.STANDARD_REPLY: _label_only(Template.STANDARD_REPLY),
    Template.RELEASE_REFUSED: _refused,
    Template.FOLLOW_UP_OVERDUE: _label_only(Template.FOLLOW_UP_OVERDUE),
    Template.SIGNED_FORM_OVERDUE: _label_only(Template.SIGNED_FORM_OVERDUE),
    Template.CARD_REVOKED_LATE: _label_only(Template.CARD_REVOKED_LATE),
    Template.MEASURE_ENDING: _label_only(Template.MEASURE_ENDING),
    Template.REVIEW_DUE: _label_only(Template.REVIEW_DUE),
    Template.ORDER_ENTERED: _label_only(Template.ORDER_ENTERED),
}
"""How each template is worded. A test says that none is missing."""
