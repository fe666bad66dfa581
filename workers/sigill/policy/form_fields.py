"""Which fields a region's form has, read from its rulebook: pure, for a page that shows no others."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sigill.policy.effects import Sentence
from sigill.policy.rulebook import Condition, OwnAttestation, RuleEntry, Version, attested_as
from sigill_contracts.vocabulary import (
    IMPOSES,
    RELEASES,
    Attestation,
    Channel,
    ContinueDecision,
    DocumentKind,
    Form,
    Initiative,
    Opinion,
    Role,
)

Name = Literal[
    "patient",
    "initiative",
    "channel",
    "urgent",
    "decided_by",
    "consulted",
    "units",
    "recorded_from",
    "recorded_to",
    "guardians",
    "representative",
    "court_order",
    "releases",
    "follows_up",
    "decision",
    "opinion",
    "given",
    "valid_from",
    "valid_through",
    "review_on",
    "attestations",
    "references",
    "motivation",
    "inform_guardians",
    "inform_patient",
]
_ABOUT_GUARDIANS = frozenset(
    {
        Form.BLOCK_GUARDIANS,
        Form.RELEASE_GUARDIAN_BLOCK,
        Form.GRANT_GUARDIAN_ACCESS,
        Form.REVOKE_GUARDIAN_ACCESS,
        Form.RESTRICT_GUARDIAN_ACCESS,
        Form.RELEASE_GUARDIAN_RESTRICTION,
        Form.GIVE_PAPER_COPY,
    }
)
_ABOUT_A_REPRESENTATIVE = frozenset({Form.APPOINT_REPRESENTATIVE, Form.REVOKE_REPRESENTATIVE})
_OF_A_MEASURE = frozenset(
    {Form.CONTINUE_MEASURE, Form.EXTEND_MEASURE, Form.UNIT_OPINION, Form.GIVE_PAPER_COPY}
)


@dataclass(frozen=True, slots=True)
class FormField:
    """
    One field of a form. `options` are the codes it may hold (empty: free text, a date, a person or an order);
    `needed` says that every such form must fill it in; `cites` are the rules that ask for it.
    """

    name: Name
    needed: bool = False
    options: tuple[str, ...] = ()
    cites: tuple[str, ...] = ()


def form_fields(version: Version, form: Form) -> tuple[FormField, ...]:
    """The fields of a form under a version of a rulebook, in the order in which people fill them in."""
    return tuple(_fields(version.matching(form), form))


def own_attestation_words(version: Version, form: Form) -> dict[str, Sentence]:
    """
    What a rulebook's own attestations say, by the code that the form's field has for them. Read from the clauses and not
    from what the region declares: a clause that comes from the national base brings the base's own.
    """
    asked = (part for entry in version.matching(form) for part in (entry, *entry.alternatives))
    every = (a for part in asked for a in (*(part.attestations or ()), *(part.one_attestation_of or ())))
    return {a.code: Sentence(a.sv, a.en) for a in every if isinstance(a, OwnAttestation)}


def phone_forms(version: Version) -> tuple[Form, ...]:
    """The forms that a version of a rulebook lets be called in."""
    phone = Channel.PHONE.value
    return tuple(f for f in Form if version.offers(f) and phone in _channels(version.matching(f)))


def _fields(entries: tuple[RuleEntry, ...], form: Form) -> Iterable[FormField]:
    always = tuple(e for e in entries if e.when == Condition())
    asked = tuple(part for e in entries for part in (e, *e.alternatives))
    yield FormField("patient", needed=True)
    yield FormField(
        "initiative",
        True,
        _initiatives(entries, always),
        _cites(e for e in entries if e.initiatives is not None),
    )
    channels = _channels(entries)
    if len(channels) > 1:
        yield FormField("channel", True, channels, _cites(e for e in entries if e.channels is not None))
    deciders = _distinct(role for entry in asked for role in _roles(entry))
    if deciders:
        yield FormField("decided_by", True, deciders, _cites(e for e in entries if _roles(e)))
    if consulted := _distinct(role for entry in asked if entry.consulted for role in entry.consulted.any_of):
        yield FormField("consulted", False, consulted, _cites(e for e in entries if e.consulted))
    urgent = [e for e in entries if e.when.urgent is not None or (e.channels and _for_urgent(e))]
    if urgent:
        yield FormField("urgent", cites=_cites(urgent))
    yield from _scope(entries, always, asked, form)
    yield from _people(entries, form)
    yield from _earlier(entries, form)
    yield from _dates(entries, always, asked, form)
    every = (a for entry in asked for a in (*(entry.attestations or ()), *(entry.one_attestation_of or ())))
    wanted = tuple(dict.fromkeys(map(attested_as, every)))
    if wanted:
        order = [a.value for a in Attestation if a.value in wanted] + [a for a in wanted if ":" in a]
        yield FormField(
            "attestations",
            any(e.attestations for e in always),
            tuple(order),
            _cites(e for e in entries if e.attestations or e.one_attestation_of),
        )
    if papers := _distinct(kind for entry in asked for kind in entry.references or ()):
        yield FormField(
            "references",
            any(e.references for e in always),
            papers,
            _cites(e for e in entries if e.references),
        )
    if any(entry.motivation for entry in asked):
        yield FormField(
            "motivation", any(e.motivation for e in always), cites=_cites(e for e in entries if e.motivation)
        )
    for who in ("guardians", "patient"):
        telling = [e for e in entries if any(clause.to == who for clause in e.tells or ())]
        if telling:
            yield FormField(
                "inform_guardians" if who == "guardians" else "inform_patient",
                options=("yes", "no"),
                cites=_cites(telling),
            )


def _scope(
    entries: tuple[RuleEntry, ...],
    always: tuple[RuleEntry, ...],
    asked: tuple[RuleEntry, ...],
    form: Form,
) -> Iterable[FormField]:
    """Units, and dates of what was recorded there, unless the rules forbid units."""
    if any(e.units == "forbidden" for e in always):
        return
    named = [e for e in entries if e.units == "required" or e.recorded_dates == "with_units"]
    if not (named or any(entry.units == "required" for entry in asked) or form in IMPOSES):
        return
    yield FormField("units", any(e.units == "required" for e in always), cites=_cites(named))
    dated = [e for e in entries if e.recorded_dates is not None]
    if any(e.recorded_dates == "with_units" for e in dated):
        yield FormField("recorded_from", cites=_cites(dated))
        yield FormField("recorded_to", cites=_cites(dated))


def _people(entries: tuple[RuleEntry, ...], form: Form) -> Iterable[FormField]:
    """Whom the order is about, beside the patient."""
    if form in _ABOUT_GUARDIANS:
        yield FormField("guardians")
    if form in _ABOUT_A_REPRESENTATIVE:
        yield FormField("representative", needed=form is Form.APPOINT_REPRESENTATIVE)
        shown = [e for e in entries if e.court_order]
        if shown:
            yield FormField("court_order", needed=True, cites=_cites(shown))


def _earlier(entries: tuple[RuleEntry, ...], form: Form) -> Iterable[FormField]:
    """Orders that this one ends, confirms or answers."""
    if form in RELEASES:
        yield FormField("releases")
    calls = [e for e in entries if e.signed_form not in (None, "never")]
    if form in _OF_A_MEASURE or calls:
        yield FormField("follows_up", needed=form in _OF_A_MEASURE, cites=_cites(calls))
    if form is Form.CONTINUE_MEASURE:
        yield FormField("decision", True, tuple(ContinueDecision))
    if form is Form.UNIT_OPINION:
        yield FormField("opinion", True, tuple(Opinion))
    if form is Form.GIVE_PAPER_COPY:
        yield FormField("given", options=("yes", "no"))


def _dates(
    entries: tuple[RuleEntry, ...],
    always: tuple[RuleEntry, ...],
    asked: tuple[RuleEntry, ...],
    form: Form,
) -> Iterable[FormField]:
    lasting = form in IMPOSES or form in (Form.CONTINUE_MEASURE, Form.EXTEND_MEASURE)
    if form in IMPOSES:
        yield FormField("valid_from")
    ends = [e for e in entries if e.end_date]
    if lasting and not any(e.end_date and e.end_date.never for e in always):
        needed = any(e.end_date and e.end_date.required and not e.end_date.or_review_on for e in always)
        yield FormField("valid_through", needed, cites=_cites(ends))
    if any(entry.end_date and entry.end_date.or_review_on for entry in asked):
        yield FormField("review_on", cites=_cites(ends))


def _initiatives(entries: tuple[RuleEntry, ...], always: tuple[RuleEntry, ...]) -> tuple[str, ...]:
    """What some rule allows and no rule that always holds leaves out; all that a form may say where none speaks."""
    some = {i for e in entries for i in e.initiatives or ()} or set(Initiative) - {Initiative.REGISTER}
    for entry in always:
        if entry.initiatives is not None:
            some &= set(entry.initiatives)
    return tuple(i.value for i in Initiative if i in some)


def _channels(entries: tuple[RuleEntry, ...]) -> tuple[str, ...]:
    """The ways in that some rule opens; the record system's form where none speaks."""
    given = [e.channels for e in entries if e.channels is not None]
    open_ones = tuple(c.value for c in Channel if any(getattr(g, c.value) is not None for g in given))
    return open_ones or (Channel.EHR_FORM.value,)


def _for_urgent(entry: RuleEntry) -> bool:
    return entry.channels is not None and "urgent" in entry.channels.model_dump().values()


def _roles(asked: RuleEntry) -> tuple[Role, ...]:
    return () if asked.deciders is None or asked.deciders == "nobody" else asked.deciders


def _distinct(words: Iterable[Role] | Iterable[DocumentKind]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.value for word in words))


def _cites(entries: Iterable[RuleEntry]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(rule for e in entries for rule in e.cites))
