"""A rulebook's entries in plain words: when one holds and what it demands or brings, in Swedish and English.

The same sentences stand in the terminal, on the pages for rule owners and in a comparison of two versions.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from sigill.policy.choices import DoorOpens, DoorWay, OpenDoor
from sigill.policy.effects import Sentence
from sigill.policy.lexicon import (
    CHANNEL,
    DECISION,
    DOCUMENT,
    DUTY,
    FORM,
    INITIATIVE,
    MEASURE,
    NOTICE,
    OPINION,
    RISK,
    ROLE,
    SERVICE,
    SIGN,
)
from sigill.policy.rulebook import (
    ChoiceRule,
    Condition,
    Daytime,
    Deadline,
    Derived,
    Extra,
    HiddenUnits,
    NotificationClause,
    OfClinic,
    RiskCondition,
    Rule,
    RuleEntry,
    Shown,
    StandingRule,
)
from sigill.policy.sentences import attestation_words
from sigill_contracts.vocabulary import Channel, Role

_ALL_STAFF = frozenset(Role) - {Role.SUPPORT_OPERATOR}
_RESPONSIBLE = Sentence("ansvarig hälso- och sjukvårdspersonal", "responsible health-care staff")
_WHERE_DECIDED: Mapping[str, Sentence] = {
    "imposing_unit": Sentence("enheten som beslutade om åtgärden", "the unit that imposed the measure"),
    "its_successor": Sentence("enheten som har tagit över den", "the unit that succeeded it"),
}
_TO = {
    "patient": Sentence("Patienten", "The patient"),
    "guardians": Sentence("Berörda vårdnadshavare", "The guardians concerned"),
    "representative": Sentence("Den legala ställföreträdaren", "The legal representative"),
    "asking_guardian": Sentence("Vårdnadshavaren som frågar", "The guardian who asks"),
    "operators": Sentence("Supporten", "The support desk"),
}
_ON_WORD = {
    "always": Sentence("alltid", "always"),
    "inform_patient": Sentence(
        "som beställningen säger, annars som regionen gör", "as the order says, else as the region does"
    ),
    "inform_guardians": Sentence(
        "som beställningen säger, annars som regionen gör", "as the order says, else as the region does"
    ),
    "written_confirmation": Sentence(
        "om invånaren har valt bekräftelse", "if the resident chose a confirmation"
    ),
    "not_inform_guardians": Sentence(
        "när beställningen säger att de inte ska informeras", "when the order says not to inform them"
    ),
}
_CAUSE = {
    "protected_patient": Sentence("Patienten har skyddad identitet", "The patient has protected identity"),
    "protected_guardian": Sentence(
        "Bara en vårdnadshavare har skyddad identitet", "Only a guardian has protected identity"
    ),
    "protection_ended": Sentence("Skyddad identitet upphör", "Protected identity ends"),
    "turned_13_locked": Sentence(
        "Barnet når åldern för egen inloggning, som är låst",
        "The child reaches the age of an own login, which is locked",
    ),
    "died": Sentence("Patienten avlider", "The patient dies"),
    "custody_changed": Sentence("Vårdnaden ändras", "Custody changes"),
}


def listed(words: Iterable[Sentence], *, sv: str = "eller", en: str = "or") -> Sentence:
    """Several words as one: `a, b or c`."""
    found = list(words)
    return Sentence(_joined([w.sv for w in found], sv), _joined([w.en for w in found], en))


def _joined(words: list[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}" if words else "–"


def conditions(when: Condition) -> tuple[Sentence, ...]:
    """When an entry holds; empty: always."""
    return tuple(_conditions(when))


def _conditions(when: Condition) -> Iterator[Sentence]:
    if when.initiative is not None:
        who = listed(INITIATIVE[i] for i in when.initiative)
        yield Sentence(f"på initiativ av {who.sv}", f"on the initiative of {who.en}")
    if when.channel is not None:
        how = listed(CHANNEL[c] for c in when.channel)
        yield Sentence(f"via {how.sv}", f"by {how.en}")
    if when.measure is not None:
        what = listed(MEASURE[m] for m in when.measure)
        yield Sentence(f"om åtgärden är {what.sv}", f"if the measure is: {what.en}")
    if when.measure_initiative is not None:
        who = listed(INITIATIVE[i] for i in when.measure_initiative)
        yield Sentence(
            f"om åtgärden kom på initiativ av {who.sv}", f"if the measure was asked for by {who.en}"
        )
    if when.decision is not None:
        yield DECISION[when.decision]
    if when.opinion is not None:
        yield OPINION[when.opinion]
    if when.patient_under is not None:
        yield Sentence(
            f"patienten är under {when.patient_under} år", f"the patient is under {when.patient_under}"
        )
    for flag, yes, no in _FLAGS:
        value = getattr(when, flag)
        if value is not None:
            yield yes if value else no


_FLAGS = (
    ("on_call", Sentence("på jourtid", "at on-call time"), Sentence("på dagtid", "in daytime")),
    (
        "whole",
        Sentence("hela journalen omfattas", "the whole record is concerned"),
        Sentence("bara vissa vårdenheter omfattas", "only certain units are concerned"),
    ),
    ("urgent", Sentence("brådskande", "urgent"), Sentence("inte brådskande", "not urgent")),
    (
        "confirms_call",
        Sentence("blanketten följer på ett samtal", "the form follows a call"),
        Sentence("inget samtal har gått före", "no call went before"),
    ),
    (
        "measure_reported",
        Sentence("åtgärden hörde till en anmälan", "the measure came with a report to an authority"),
        Sentence("utan anmälan", "without a report"),
    ),
    (
        "protected_family",
        Sentence(
            "barn eller vårdnadshavare har skyddad identitet", "child or guardian has protected identity"
        ),
        Sentence("ingen i familjen har skyddad identitet", "nobody in the family has protected identity"),
    ),
    (
        "other_guardians",
        Sentence("det finns vårdnadshavare som inte omfattas", "there are guardians it does not name"),
        Sentence("alla vårdnadshavare omfattas", "no guardian is left out"),
    ),
    (
        "all_guardians",
        Sentence("alla vårdnadshavare omfattas", "every guardian is concerned"),
        Sentence("inte alla vårdnadshavare omfattas", "not every guardian is concerned"),
    ),
)


def demands(entry: RuleEntry) -> tuple[tuple[str, Sentence], ...]:
    """What an entry asks and brings: the clause's key and its sentence, in a fixed order."""
    found: list[tuple[str, Sentence]] = []
    for key, say in _SAYS.items():
        value = getattr(entry, key)
        if value is not None:
            found.extend((key, sentence) for sentence in say(entry))
    return tuple(found)


def _one(sv: str, en: str) -> tuple[Sentence, ...]:
    return (Sentence(sv, en),)


def _offered(entry: RuleEntry) -> Iterable[Sentence]:
    if entry.offered:
        return _one("Blanketten finns.", "The form is offered.")
    return _one("Blanketten finns inte.", "The form is not offered.")


def _initiatives(entry: RuleEntry) -> Iterable[Sentence]:
    who = listed(INITIATIVE[i] for i in entry.initiatives or ())
    return _one(f"Initiativ: {who.sv}.", f"Initiative: {who.en}.")


def _channels(entry: RuleEntry) -> Iterable[Sentence]:
    for channel in Channel:
        mode = getattr(entry.channels, channel.value)
        words = CHANNEL[channel]
        if mode == "always":
            yield Sentence(f"Kanal: {words.sv}.", f"Channel: {words.en}.")
        elif mode == "urgent":
            yield Sentence(f"Kanal: {words.sv}, bara brådskande.", f"Channel: {words.en}, urgent only.")
    shut = [CHANNEL[c] for c in Channel if getattr(entry.channels, c.value) is None]
    if shut:
        words = listed(shut)
        yield Sentence(f"Stängd kanal: {words.sv}.", f"Closed channel: {words.en}.")


def _deciders(entry: RuleEntry) -> Iterable[Sentence]:
    if entry.deciders == "nobody" or entry.deciders is None:
        return _one("Ingen beslutsfattare krävs.", "No decider is asked for.")
    who = _RESPONSIBLE if set(entry.deciders) == _ALL_STAFF else listed(ROLE[r] for r in entry.deciders)
    where = {
        "named_units": Sentence("", ""),
        "exactly_its_unit": Sentence(" vid just den enhet som omfattas", ", of exactly the unit concerned"),
        "region": Sentence(" i regionen", ", anywhere in the region"),
    }[entry.decider_at]
    return _one(f"Beslutas av {who.sv}{where.sv}.", f"Decided by {who.en}{where.en}.")


def _deciders_bound_to(entry: RuleEntry) -> Iterable[Sentence]:
    words = [
        Sentence(b.sv or f"kliniken {b.clinic}", b.en or f"the clinic {b.clinic}")
        if isinstance(b, OfClinic)
        else _WHERE_DECIDED[b]
        for b in entry.deciders_bound_to or ()
    ]
    where = listed(words)
    if entry.bound_to_clinic_alone:
        return _one(
            f"Beslutas vid {where.sv}; nekas bara en enhet som man vet hör till en annan klinik.",
            f"Decided at {where.en}; refused only for a unit known to be another clinic's.",
        )
    return _one(
        f"Öppning av det som vården har beslutat: vid {where.sv}.",
        f"Opening what care imposed: at {where.en}.",
    )


def _consulted(entry: RuleEntry) -> Iterable[Sentence]:
    asked = entry.consulted
    who = listed(ROLE[r] for r in asked.any_of) if asked else Sentence("", "")
    or_self = asked is not None and asked.or_decider
    return _one(
        f"I samråd med {who.sv}{', om beslutsfattaren inte själv är det' if or_self else ''}.",
        f"In consultation with {who.en}{', unless the decider is one' if or_self else ''}.",
    )


def _attestations(entry: RuleEntry) -> Iterable[Sentence]:
    what = listed((attestation_words(a) for a in entry.attestations or ()), sv="och", en="and")
    return _one(f"Intygas: {what.sv}.", f"Attested: {what.en}.")


def _one_attestation(entry: RuleEntry) -> Iterable[Sentence]:
    what = listed(attestation_words(a) for a in entry.one_attestation_of or ())
    return _one(f"Minst ett intygas: {what.sv}.", f"At least one is attested: {what.en}.")


def _references(entry: RuleEntry) -> Iterable[Sentence]:
    what = listed((DOCUMENT[kind] for kind in entry.references or ()), sv="och", en="and")
    return _one(
        f"Blanketten anger handlingar i journalen: {what.sv}.",
        f"The form names documents in the record: {what.en}.",
    )


def _units(entry: RuleEntry) -> Iterable[Sentence]:
    if entry.units == "required":
        return _one("Vårdenhet måste anges.", "Units must be named.")
    return _one("Vårdenhet får inte anges: hela omfattas.", "Units may not be named: all is covered.")


def _recorded(entry: RuleEntry) -> Iterable[Sentence]:
    if entry.recorded_dates == "never":
        return _one("Datum för registrering får inte anges.", "Recording dates may not be given.")
    return _one(
        "Datum för registrering bara tillsammans med vårdenhet.", "Recording dates only together with units."
    )


def _end_date(entry: RuleEntry) -> Iterable[Sentence]:
    asked = entry.end_date
    if asked is None:
        return ()
    if asked.never:
        return _one("Slutdatum får inte anges.", "An end date may not be given.")
    if asked.required and asked.or_review_on:
        return _one(
            "Slutdatum eller dag för förnyat beslut krävs.",
            "An end date or a date for a renewed decision is required.",
        )
    return _one("Slutdatum krävs.", "An end date is required.") if asked.required else ()


def _age(entry: RuleEntry) -> Iterable[Sentence]:
    window = entry.age
    if window is None:
        return ()
    match window.since, window.until:
        case int(since), int(until):
            sentence = Sentence(
                f"Patienten är {since}–{until - 1} år.", f"The patient is {since}–{until - 1}."
            )
        case int(since), None:
            sentence = Sentence(f"Patienten har fyllt {since}.", f"The patient has turned {since}.")
        case None, int(until):
            sentence = Sentence(f"Patienten är under {until} år.", f"The patient is under {until}.")
        case _:
            return ()
    if window.ahead_days:
        ahead = Sentence(
            f" Får beställas {window.ahead_days} dagar före.",
            f" May be ordered {window.ahead_days} days ahead.",
        )
        sentence = Sentence(sentence.sv + ahead.sv, sentence.en + ahead.en)
    return (sentence,)


def _court_order(entry: RuleEntry) -> Iterable[Sentence]:
    if entry.court_order == "any":
        return _one(
            "Domstolens förordnande krävs, vilket uppdrag det än gäller.",
            "The court's appointment is required, whatever the duty.",
        )
    duty = DUTY[entry.court_order] if entry.court_order else Sentence("", "")
    return _one(
        f"Domstolens förordnande med uppdraget att {duty.sv} krävs.",
        f"The court's appointment with the duty to {duty.en} is required.",
    )


def _release_kinds(entry: RuleEntry) -> Iterable[Sentence]:
    what = listed(MEASURE[m] for m in entry.may_release or ())
    return _one(f"Begäran kan gälla {what.sv}.", f"The request may be about: {what.en}.")


def _services(entry: RuleEntry) -> Iterable[Sentence]:
    what = listed((SERVICE[s] for s in entry.services or ()), sv="och", en="and")
    return _one(f"Gäller {what.sv}.", f"Concerns: {what.en}.")


def _ends_at_age(entry: RuleEntry) -> Iterable[Sentence]:
    age = entry.ends_at_age
    return _one(f"Upphör senast på {age}-årsdagen.", f"Ends at the latest on birthday {age}.")


def _runs(entry: RuleEntry) -> Iterable[Sentence]:
    years = entry.runs.years if entry.runs else 0
    return _one(
        f"Gäller högst {years} år från och med underskriftens dag.",
        f"Runs for at most {years} year{'s' if years != 1 else ''} from the day of signature.",
    )


def _imposed(extra: Extra) -> Sentence:
    words = MEASURE[extra.kind]
    end = (
        Sentence(" och hävs tillsammans med den", ", released together with it")
        if extra.goes_with_it
        else Sentence(" och hävs för sig", ", released by itself")
    )
    return Sentence(f"Medför också {words.sv}{end.sv}.", f"Also brings: {words.en}{end.en}.")


def _also(entry: RuleEntry) -> Iterable[Sentence]:
    return tuple(_imposed(extra) for extra in entry.also_imposes or ())


def _ends_running(entry: RuleEntry) -> Iterable[Sentence]:
    what = listed((MEASURE[m] for m in entry.ends_running or ()), sv="och", en="and")
    return _one(f"Avslutar pågående {what.sv} för gott.", f"Ends for good what runs of: {what.en}.")


def _hours(hours: int) -> Sentence:
    return Sentence(f"{hours} timmar", f"{hours} hours")


def _replaces(entry: RuleEntry) -> Iterable[Sentence]:
    return _one(
        "Ersätter de förseglingar på samma initiativ som den täcker, helt och lika länge.",
        "Takes the place of the seals on the same initiative that it covers, wholly and as long.",
    )


def _other_regions(entry: RuleEntry) -> Iterable[Sentence]:
    return _one(
        "Kan häva en annan regions åtgärd som den anger, när samråd med den regionen intygas och allt annat som den "
        "regionen kräver är uppfyllt; inte invånarens egen eller registrets.",
        "May release another region's measure that it names, when talks with that region are attested and all else that "
        "that region demands is met; not the resident's own or the register's.",
    )


def _any_of(entry: RuleEntry) -> Iterable[Sentence]:
    ways = [[said for _, said in demands(alternative)] for alternative in entry.alternatives]
    sv = " eller ".join(" ".join(w.sv for w in way).removesuffix(".") for way in ways)
    en = " or ".join(" ".join(w.en for w in way).removesuffix(".") for way in ways)
    return _one(f"Något av detta räcker: {sv}.", f"One of these is enough: {en}.")


def _signed_form(entry: RuleEntry) -> Iterable[Sentence]:
    if not isinstance(entry.signed_form, Deadline):
        return _one(
            "Verkställs vid samtalet; ingen underskriven blankett krävs efteråt.",
            "Carried out on the call; no signed form need follow.",
        )
    within = _hours(entry.signed_form.within_hours)
    return _one(
        f"Verkställs vid samtalet; underskriven blankett ska följa inom {within.sv}, annars larmas supporten och skyddet står kvar.",
        f"Carried out on the call; the signed form must follow within {within.en}, else support is alerted and the protection stays.",
    )


def _follow_up(entry: RuleEntry) -> Iterable[Sentence]:
    within = _hours(entry.follow_up.within_hours if entry.follow_up else 0)
    return _one(
        f"Beslut om fortsättning bevakas efter {within.sv}.",
        f"A decision on continuing is watched for after {within.en}.",
    )


def _told(clause: NotificationClause) -> Sentence:
    who, on = _TO[clause.to], _ON_WORD[clause.told]
    what = NOTICE[clause.template]
    extra = Sentence(f" {clause.sv}" if clause.sv else "", f" {clause.en}" if clause.en else "")
    return Sentence(
        f"{who.sv} får besked, {on.sv}: ”{what.sv}{extra.sv}”",
        f"{who.en}: told, {on.en}: “{what.en}{extra.en}”",
    )


def _tells(entry: RuleEntry) -> Iterable[Sentence]:
    return tuple(_told(clause) for clause in entry.tells or ())


def _note(entry: RuleEntry) -> Iterable[Sentence]:
    if entry.note is None:
        return ()
    ticked = entry.note.choice
    choice = f" ”{ticked.all_guardians}” / ”{ticked.one_guardian}”." if ticked else ""
    more = choice + (f" {' '.join(entry.note.duties)}" if entry.note.duties else "")
    return _one(
        f"Antecknas under sökordet ”{entry.note.keyword}”.{more}",
        f"Filed under the keyword “{entry.note.keyword}”.{more}",
    )


_FIXED: dict[str, Sentence] = {
    "motivation": Sentence("Motivering krävs.", "A motivation is required."),
    "caller": Sentence("Den som ringer ska ange vem den är.", "The caller must say who it is."),
    "protected_identity": Sentence(
        "Ges inte när barnet eller vårdnadshavaren har skyddad identitet.",
        "Not given while child or guardian has protected identity.",
    ),
    "reserve_number": Sentence(
        "Ges inte till eller för reservnummer.", "Not given to or for a reserve number."
    ),
    "same_initiative": Sentence(
        "Vården häver det som vården beslutat, invånaren det som invånaren begärt.",
        "Care releases what care imposed, the resident what the resident asked for.",
    ),
    "unanimity": Sentence("Alla initierande enheter måste vara eniga.", "Every initiating unit must agree."),
    "initiating_unit_only": Sentence("Bara en initierande enhet.", "An initiating unit only."),
    "widens_to_all_guardians": Sentence(
        "Omfattar alla vårdnadshavare, även om bara en anges.", "Covers every guardian, even if one is named."
    ),
}


def _fixed(key: str) -> Callable[[RuleEntry], Iterable[Sentence]]:
    return lambda entry: (_FIXED[key],) if getattr(entry, key) else ()


def _remark(entry: RuleEntry) -> Iterable[Sentence]:
    if entry.remark is None:
        return ()
    return _one(f"Kvittensen anmärker: {entry.remark.sv}", f"The receipt remarks: {entry.remark.en}")


def _long(entry: RuleEntry) -> Iterable[Sentence]:
    months = entry.long_after_months
    return _one(
        f"Kvittensen anmärker ett slutdatum bortom {months} månader.",
        f"The receipt remarks an end date beyond {months} months.",
    )


def _derived(entry: RuleEntry) -> Iterable[Sentence]:
    return (derived_words(entry.derived),) if entry.derived else ()


def derived_words(derived: Derived) -> Sentence:
    """What is Sigill's choice and not the document's words, with the reason (X-30)."""
    return Sentence(f"Sigills val: {derived.sv}", f"Sigill's choice: {derived.en}")


def rule_words(rule: Rule) -> Sentence:
    """A rule as it is shown anywhere: its owner's words, and what of it is Sigill's choice (X-30)."""
    if rule.derived is None:
        return Sentence(rule.sv, rule.en)
    choice = derived_words(rule.derived)
    return Sentence(f"{rule.sv} {choice.sv}", f"{rule.en} {choice.en}")


_SAYS: dict[str, Callable[[RuleEntry], Iterable[Sentence]]] = {
    "offered": _offered,
    "initiatives": _initiatives,
    "channels": _channels,
    "deciders": _deciders,
    "deciders_bound_to": _deciders_bound_to,
    "consulted": _consulted,
    "attestations": _attestations,
    "one_attestation_of": _one_attestation,
    "references": _references,
    "any_of": _any_of,
    "motivation": _fixed("motivation"),
    "caller": _fixed("caller"),
    "court_order": _court_order,
    "age": _age,
    "units": _units,
    "recorded_dates": _recorded,
    "end_date": _end_date,
    "protected_identity": _fixed("protected_identity"),
    "reserve_number": _fixed("reserve_number"),
    "same_initiative": _fixed("same_initiative"),
    "may_release": _release_kinds,
    "unanimity": _fixed("unanimity"),
    "initiating_unit_only": _fixed("initiating_unit_only"),
    "services": _services,
    "widens_to_all_guardians": _fixed("widens_to_all_guardians"),
    "ends_at_age": _ends_at_age,
    "runs": _runs,
    "also_imposes": _also,
    "ends_running": _ends_running,
    "other_regions": _other_regions,
    "replaces": _replaces,
    "signed_form": _signed_form,
    "follow_up": _follow_up,
    "remark": _remark,
    "long_after_months": _long,
    "tells": _tells,
    "note": _note,
    "derived": _derived,
}
"""Each clause of an entry with its words. A test says that none is missing."""

CLAUSE_ORDER: Mapping[str, int] = {key: number for number, key in enumerate(_SAYS)}
"""The order in which a form's clauses are read: who asks and decides, then what is asked, then what follows."""


def standing_words(rule: StandingRule) -> Sentence:
    """What the register's own word brings, as one sentence."""
    event = _CAUSE[rule.state or rule.event or ""]
    under = (
        Sentence(f" (under {rule.patient_under} år)", f" (under {rule.patient_under})")
        if rule.patient_under is not None
        else Sentence("", "")
    )
    brings = [MEASURE[e.kind] for e in rule.imposes]
    what = listed(brings, sv="och", en="and") if brings else None
    over = [MEASURE[kind] for kind in rule.ends_running or ()]
    ends = listed(over, sv="och", en="and") if over else None
    sv = (
        f"{event.sv}{under.sv}:"
        + (f" {what.sv} läggs in." if what else "")
        + (f" Avslutar pågående {ends.sv} för gott." if ends else "")
        + (f" {rule.sv}" if rule.sv else "")
        + (f" {derived_words(rule.derived).sv}" if rule.derived else "")
    )
    en = (
        f"{event.en}{under.en}:"
        + (f" {what.en} is imposed." if what else "")
        + (f" Ends for good what runs of: {ends.en}." if ends else "")
        + (f" {rule.en}" if rule.en else "")
        + (f" {derived_words(rule.derived).en}" if rule.derived else "")
    )
    return Sentence(sv, en)


_DAYS = {
    "mon": Sentence("måndag", "Monday"),
    "tue": Sentence("tisdag", "Tuesday"),
    "wed": Sentence("onsdag", "Wednesday"),
    "thu": Sentence("torsdag", "Thursday"),
    "fri": Sentence("fredag", "Friday"),
    "sat": Sentence("lördag", "Saturday"),
    "sun": Sentence("söndag", "Sunday"),
}


def daytime_words(daytime: Daytime) -> Sentence:
    """Which hours are daytime, and which on-call time, as one sentence."""
    days = listed((_DAYS[day] for day in daytime.weekdays), sv="och", en="and")
    free = daytime.holidays != type(daytime.holidays)()
    return Sentence(
        f"Dagtid är {days.sv} kl. {daytime.from_}–{daytime.to}{', utom helgdagar' if free else ''}; all annan tid är jourtid.",
        f"Daytime is {days.en} {daytime.from_}–{daytime.to}{', holidays apart' if free else ''}; all other time is on-call time.",
    )


def shown_words(rule: Shown) -> Sentence:
    """What a region shows to nobody online, as one sentence."""
    what: list[Sentence] = []
    if rule.except_information:
        headings = listed((Sentence(i.sv, i.en) for i in rule.except_information), sv="och", en="and")
        what.append(Sentence(f"uppgifter under {headings.sv}", f"information under {headings.en}"))
    if rule.except_units:
        what.append(_hidden_units(rule.except_units))
    if rule.since:
        what.append(
            Sentence(f"uppgifter från tiden före {rule.since}", f"information from before {rule.since}")
        )
    under = rule.patient_under
    about = (
        Sentence(f" (patienter under {under} år)", f" (patients under {under})")
        if under
        else Sentence("", "")
    )
    hidden = listed(what, sv="som är", en="that are")
    until = rule.except_units.until if rule.except_units else None
    end = Sentence(f" före den {until}", f" before {until}") if until else Sentence("", "")
    derived = derived_words(rule.derived) if rule.derived else None
    return Sentence(
        f"Visas inte på nätet{end.sv}{about.sv}: {hidden.sv}.{f' {derived.sv}' if derived else ''}",
        f"Not shown online{end.en}{about.en}: {hidden.en}.{f' {derived.en}' if derived else ''}",
    )


def _hidden_units(units: HiddenUnits) -> Sentence:
    names = [*units.ids, *(f"”{word}”" for word in units.named), *units.clinics]
    return Sentence(
        f"uppgifter från enheterna {', '.join(names)}", f"information from the units {', '.join(names)}"
    )


# --- choices


def choice_when(when: RiskCondition) -> Sentence:
    """When a choice holds, as the beginning of a sentence."""
    said = []
    if when.risk is not None:
        who = listed(RISK[risk] for risk in when.risk)
        said.append(Sentence(f"risken kommer från {who.sv}", f"the risk comes from {who.en}"))
    if when.signs is not None:
        said.append(listed(SIGN[sign] for sign in when.signs))
    if when.patient_from is not None:
        said.append(
            Sentence(
                f"patienten har fyllt {when.patient_from}", f"the patient has turned {when.patient_from}"
            )
        )
    if when.patient_under is not None:
        said.append(
            Sentence(f"patienten är under {when.patient_under}", f"the patient is under {when.patient_under}")
        )
    if not said:
        return Sentence("Annars", "Else")
    words = listed(said, sv="och", en="and")
    return Sentence(f"Om {words.sv}", f"If {words.en}")


def choice_words(choice: ChoiceRule) -> Sentence:
    """What a choice advises: its forms, then the region's own words."""
    forms = listed((FORM[form] for form in choice.forms), sv="och", en="and")
    sv = [f"Blankett: {forms.sv}."] if choice.forms else []
    en = [f"Form: {forms.en}."] if choice.forms else []
    return Sentence(" ".join(filter(None, (*sv, choice.sv))), " ".join(filter(None, (*en, choice.en))))


_WAY = {
    DoorWay.GUARDIAN_LOGIN: Sentence(
        "den vårdnadshavare som är en risk når {}", "the guardian who is a risk reaches {}"
    ),
    DoorWay.PATIENT_LOGIN: Sentence(
        "den som kommer åt patientens inloggning når {}", "whoever gets at the patient's login reaches {}"
    ),
}
_OPENS = {
    DoorOpens.NOW: Sentence("Öppet", "Open"),
    DoorOpens.AT_AGE: Sentence("Öppnas när patienten fyller {}", "Opens when the patient turns {}"),
    DoorOpens.BY_GRANT: Sentence(
        "Öppet om åtkomst har getts, eller ges", "Open where access was, or is, granted"
    ),
    DoorOpens.AFTER_PROTECTION: Sentence(
        "Öppnas när de skyddade personuppgifterna upphör", "Opens when the protected identity ends"
    ),
}


def door_words(door: OpenDoor) -> Sentence:
    """What stays open, for whom and when, as a warning."""
    when, who, what = _OPENS[door.opens], _WAY[door.way], SERVICE[door.service]
    return Sentence(
        f"{when.sv.format(door.age)}: {who.sv.format(what.sv)}.",
        f"{when.en.format(door.age)}: {who.en.format(what.en)}.",
    )


NO_CHOICE = Sentence(
    "Regionens regler säger inte vilken åtgärd som ska väljas här. Bedöm risken, och rådgör vid tvekan.",
    "The region's rules do not say which measure to choose here. Assess the risk, and ask for advice when in doubt.",
)
NO_DOOR = Sentence(
    "Ingen väg som Sigill känner till står öppen för risken.",
    "No way that Sigill knows of stays open to the risk.",
)
