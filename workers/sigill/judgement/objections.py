"""Every reason why an order is refused: first who decided and signed, then clause by clause of the rulebook."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import lru_cache

from sigill.judgement.made_elsewhere import meant_by, where_to_turn
from sigill.judgement.order_case import OrderEvaluation
from sigill.policy.access import is_shut_out
from sigill.policy.calendar import age_begins, end_of, last_day_before, swedish_date
from sigill.policy.effects import RefusalReason, Sentence
from sigill.policy.facts import OF_ONES_OWN, Assignment, Measure, PatientFacts, Staff
from sigill.policy.hits import made_by_the_patient, may_act_alone, was_guardian
from sigill.policy.measures_in_force import was_marked
from sigill.policy.rulebook import AgeWindow, OfClinic, RuleEntry, attested_as
from sigill.policy.sentences import ATTESTATION, DOCUMENT, REFUSAL, attestation_words
from sigill.policy.units import clinic_of
from sigill_contracts.vocabulary import (
    IMPOSES,
    RELEASES,
    Attestation,
    Channel,
    Form,
    IdType,
    Initiative,
    MeasureKind,
    OrderId,
    PersonId,
    RefusalCode,
    Role,
)

SKEW = timedelta(minutes=5)
"""A decision may be dated so much after the signature: two clocks are never quite the same."""
LONGEST_FROM_DECISION = timedelta(days=30)
"""A decision is signed within this time, or its decider's role could be dated back."""

_GRANTS = frozenset(form for form, kind in IMPOSES.items() if kind.opens)
_NAMES_GUARDIANS = frozenset(
    {
        Form.BLOCK_GUARDIANS,
        Form.GRANT_GUARDIAN_ACCESS,
        Form.RESTRICT_GUARDIAN_ACCESS,
        Form.REQUEST_RELEASE,
        Form.GIVE_PAPER_COPY,
    }
)
_C = RefusalCode
_OF_WHAT_IS_THERE = frozenset({_C.NOTHING_TO_RELEASE, _C.MADE_ELSEWHERE})
_OF_THE_UNIT = frozenset({_C.DECIDER_WRONG_UNIT, _C.UNIT_NOT_INITIATOR})
_OF_THE_DECIDER = frozenset({_C.DECIDER_UNKNOWN, _C.DECIDER_LACKS_ROLE, _C.DECIDER_NOT_ACTIVE})
_WHERE = "decided_by.unit"


def objections(case: OrderEvaluation) -> tuple[RefusalReason, ...]:
    """Every reason, each code with its field once, in a fixed order."""
    found: dict[tuple[RefusalCode, str | None], RefusalReason] = {}
    for objection in (*_general(case), *_of_entries(case), *_of_keeping_regions(case)):
        found.setdefault((objection.code, objection.field), objection)
    asks = case.form.form is Form.REQUEST_RELEASE
    if asks and any(code in (_C.NOT_A_GUARDIAN, _C.FIELD_INVALID) for code, _ in found):
        # where it is not known who asks, or nobody may, nothing is looked for
        found = {key: o for key, o in found.items() if key[0] not in _OF_WHAT_IS_THERE}
    if any(code is _C.AGE_NOT_ELIGIBLE for code, _ in found):
        # where the age alone forbids it, an end that follows from an age says nothing more
        found = {key: o for key, o in found.items() if key[0] is not _C.END_DATE_TOO_LATE}
    codes = {code for code, _ in found}
    if codes & _OF_WHAT_IS_THERE:
        # the unit is asked only of measures that were found
        found = {key: o for key, o in found.items() if key[0] not in _OF_THE_UNIT}
    if codes & _OF_THE_DECIDER:
        found = {key: o for key, o in found.items() if key[1] != _WHERE}  # one cause, one code
    return tuple(found.values())


def objection(
    code: RefusalCode, field: str | None = None, rules: tuple[str, ...] = (), *, more: Sentence | None = None
) -> RefusalReason:
    """A reason with its standard sentence, and what in particular."""
    text = REFUSAL[code]
    if more is not None:
        text = Sentence(
            f"{text.sv.removesuffix('.')}: {more.sv}.", f"{text.en.removesuffix('.')}: {more.en}."
        )
    return RefusalReason(code, text, rules, field)


# --- what holds for every form


def _general(case: OrderEvaluation) -> Iterator[RefusalReason]:
    yield from _signer(case)
    yield from _times(case)
    yield from _initiative(case)
    yield from _fields(case)
    yield from _patient(case)
    yield from _follow_up(case)
    yield from _guardians(case)
    yield from _release(case)


def _active(staff: Staff | None, roles: frozenset[Role], region: str, day: date) -> bool:
    return staff is not None and any(
        a.region == region and a.holds_on(day) and a.roles & roles for a in staff.assignments
    )


def _signer(case: OrderEvaluation) -> Iterator[RefusalReason]:
    form = case.form
    if form.channel in (Channel.PHONE, Channel.PAPER):
        operators = frozenset({Role.SUPPORT_OPERATOR})
        day = case.signed_on
        if not any(_active(case.facts.staff.get(s), operators, form.region, day) for s in case.facts.signers):
            yield objection(_C.SIGNER_IS_NOT_DECIDER, "signature")
    elif form.decided_by is not None and form.decided_by.hsa_id not in case.facts.signers:
        yield objection(_C.SIGNER_IS_NOT_DECIDER, "signature")
    elif form.decided_by is None and not any(
        _active(case.facts.staff.get(s), frozenset(Role), form.region, case.signed_on)
        for s in case.facts.signers
    ):
        yield objection(_C.DECIDER_UNKNOWN, "decided_by")
    if form.decided_by is None and case.by_phone:
        rules = tuple(rule for e in case.entries if e.caller for rule in e.cites)
        yield objection(_C.CALLER_NOT_IDENTIFIED, "decided_by", rules)


def _times(case: OrderEvaluation) -> Iterator[RefusalReason]:
    signed_at = case.facts.signed_at
    if signed_at is None:
        return
    if case.form.decided_at > signed_at + SKEW:
        late = int((case.form.decided_at - signed_at).total_seconds())
        after = Sentence(
            f"beslutet är daterat {late} s efter underskriften; decided_at är när beslutet fattades",
            f"the decision is dated {late} s after the signature; decided_at is when it was decided",
        )
        yield objection(_C.FIELD_INVALID, "decided_at", more=after)
    if signed_at - case.form.decided_at > LONGEST_FROM_DECISION:
        days = (signed_at - case.form.decided_at).days
        before = Sentence(
            f"beslutet är daterat {days} dagar före underskriften; högst {LONGEST_FROM_DECISION.days} godtas",
            f"the decision is dated {days} days before the signature; at most {LONGEST_FROM_DECISION.days} are accepted",
        )
        yield objection(_C.SIGNATURE_TOO_OLD, "decided_at", more=before)


def _initiative(case: OrderEvaluation) -> Iterator[RefusalReason]:
    """
    What no rulebook switches off: a block of guardians is care's measure, and nobody too young to have an account of
    the own asks for anything as `resident` or `child` (X-03).
    """
    form = case.form
    if form.form is Form.BLOCK_GUARDIANS and form.initiative is not Initiative.CARE:
        yield objection(_C.INITIATIVE_NOT_ALLOWED, "initiative")
    elif (
        form.initiative in OF_ONES_OWN
        and case.known is not None
        and not may_act_alone(case.known, case.version.ages, _asks_at(case))
    ):
        yield objection(_C.INITIATIVE_NOT_ALLOWED, "initiative", ("X-03",))


def _asks_at(case: OrderEvaluation) -> datetime:
    """
    When somebody is old enough to ask: at the decision (UTC), however late it is processed.

    A grant signed ahead of the birthday on which it begins is asked for on that day (AMB-15).
    """
    return case.starts_at if case.form.form in _GRANTS and case.form.valid_from else case.form.decided_at


def _fields(case: OrderEvaluation) -> Iterator[RefusalReason]:
    form = case.form
    if (
        form.form is Form.REQUEST_RELEASE
        and form.initiative is Initiative.GUARDIAN
        and form.guardians is None
    ):
        yield objection(_C.FIELD_INVALID, "guardians", ("X-01",))
    if form.form is Form.UNIT_OPINION and form.opinion is None:
        yield objection(_C.FIELD_INVALID, "opinion")
    if form.given is not None and form.form is not Form.GIVE_PAPER_COPY:
        yield objection(_C.FIELD_INVALID, "given")
    if form.valid_from and form.form is Form.GIVE_PAPER_COPY:
        yield objection(_C.FIELD_INVALID, "valid_from")
    if form.valid_from and form.valid_through and form.valid_through < form.valid_from:
        yield objection(_C.FIELD_INVALID, "valid_through")
    dated = form.recorded_from is not None or form.recorded_to is not None
    if dated and form.form not in (Form.SEAL_JOURNAL, Form.CONTINUE_MEASURE):
        yield objection(_C.FIELD_INVALID, "recorded_from")
    if form.valid_through and form.valid_through < swedish_date(case.at):
        yield objection(_C.END_DATE_IN_PAST, "valid_through")
    if form.valid_through and (
        form.form in RELEASES or form.form in (Form.REQUEST_RELEASE, Form.UNIT_OPINION, Form.GIVE_PAPER_COPY)
    ):
        yield objection(_C.END_DATE_NOT_ALLOWED, "valid_through")
    if form.form is Form.EXTEND_MEASURE and form.valid_through is None and not _ends_by_itself(case):
        yield objection(_C.END_DATE_REQUIRED, "valid_through")


def _ends_by_itself(case: OrderEvaluation) -> bool:
    """Whether every measure that a form follows protects to an age: a day left out means that one (VGB-09)."""
    return bool(case.targets) and all(m.ends_at_age is not None and not m.kind.opens for m in case.targets)


def _patient(case: OrderEvaluation) -> Iterator[RefusalReason]:
    if case.form.form in _GRANTS and _is_reserve_number(case):
        yield objection(_C.RESERVE_NUMBER, "patient", (*_rules(case, "reserve_number"), "X-31"))
    if case.known is None:
        return
    now = case.known.patient.at(case.at)
    if case.known.patient.has_died(case.at):
        yield objection(_C.PATIENT_DEAD, "patient")
    if now.identity_uncertain and not case.protective:
        yield objection(_C.IDENTITY_UNCERTAIN, "patient")
    if _gives_a_guardian_access(case) and _is_protected(case, case.known):
        yield objection(_C.PROTECTED_IDENTITY, "patient", (*_rules(case, "protected_identity"), "X-11"))


def _is_reserve_number(case: OrderEvaluation) -> bool:
    """Whether the patient, or somebody whom a grant lets in, has a reserve number: no login is possible with one."""
    form = case.form
    named = (*(form.guardians or ()), *((form.representative,) if form.representative else ()))
    current = case.known.patient.at(case.at).identity.id_type if case.known else form.patient.id_type
    return IdType.RESERVNUMMER in {current, *(ref.id_type for ref in named)}


def _gives_a_guardian_access(case: OrderEvaluation) -> bool:
    """Whether an order lets a guardian in, or in for longer."""
    if case.form.form is Form.GRANT_GUARDIAN_ACCESS:
        return True
    goes_on = case.form.form in (Form.EXTEND_MEASURE, Form.CONTINUE_MEASURE)
    return goes_on and any(m.kind is MeasureKind.GUARDIAN_GRANT for m in case.targets)


def _is_protected(case: OrderEvaluation, known: PatientFacts) -> bool:
    """
    Whether the register protects the child, or a guardian whom the order lets in, or has since the decision.

    A mark that has come and gone has ended what was decided before it: a new form is needed.
    """
    since = min(case.form.decided_at, case.at)
    let_in = {*case.concerned, *(g for m in case.targets for g in m.guardians or ())}
    people = [known.patient, *(p for g in let_in if (p := known.person(g)))]
    return any(was_marked(person, since, case.at) for person in people)


def _follow_up(case: OrderEvaluation) -> Iterator[RefusalReason]:
    form = case.form
    match form.form:
        case Form.CONTINUE_MEASURE | Form.EXTEND_MEASURE | Form.GIVE_PAPER_COPY:
            if case.known is not None and not case.targets:
                yield _nothing_to_follow(case)
        case Form.UNIT_OPINION:
            yield from _opinion(case)
        case _:
            stands_alone = form.form in IMPOSES and not IMPOSES[form.form].opens
            if (
                form.follows_up is not None
                and not stands_alone
                and str(form.follows_up) not in case.facts.orders
            ):
                yield objection(_C.FOLLOW_UP_UNKNOWN, "follows_up")


def _nothing_to_follow(case: OrderEvaluation) -> RefusalReason:
    """No measure, one that had ended when it was decided, or one that is the patient's own (X-03, X-12)."""
    named = case.lineage_of(OrderId(str(case.form.follows_up)), None)
    if any(made_by_the_patient(m) and not case.is_over(m) for m in named):
        return objection(_C.NOTHING_TO_RELEASE, "follows_up", ("X-03",), more=OWN_WAY)
    more = _ENDED if named else None
    return objection(_C.FOLLOW_UP_UNKNOWN, "follows_up", ("X-12",) if named else (), more=more)


_ENDED = Sentence(
    "åtgärden finns men hade upphört när beslutet fattades",
    "the measure exists but had ended when the decision was made",
)
_SETTLED = Sentence(
    "begäran finns men är avgjord, eller det som den gällde har upphört",
    "the request exists but is settled, or what it was about has ended",
)
OWN_WAY = Sentence(
    "det som invånaren själv har förseglat eller låst öppnas på invånarens eget initiativ, med blanketten "
    "”Bryta försegling” eller ”Häva låsning”",
    "what the resident has sealed or locked is opened on the resident's own initiative, by the form to break a seal "
    "or to lift a lock",
)


def _opinion(case: OrderEvaluation) -> Iterator[RefusalReason]:
    request = case.request
    if request is None or request.region != case.form.region:
        yield objection(_C.FOLLOW_UP_UNKNOWN, "follows_up")
    elif request.closed is not None or (case.known is not None and not case.targets):
        yield objection(_C.FOLLOW_UP_UNKNOWN, "follows_up", ("X-04",), more=_SETTLED)
    elif case.form.decided_by is not None and not case.answers_for and not case.awaited_successors:
        bound = any(case.opens(m) and case.bonds_of(m) for m in case.targets)
        code, clause = (
            (_C.DECIDER_WRONG_UNIT, "deciders_bound_to") if bound else (_C.UNIT_NOT_INITIATOR, "unanimity")
        )
        yield objection(code, _WHERE, _rules(case, clause))


def _guardians(case: OrderEvaluation) -> Iterator[RefusalReason]:
    """Somebody named as guardian must be one; where custody is not known the order waits or is applied, below."""
    form = case.form
    if form.form not in _NAMES_GUARDIANS or form.guardians is None or case.known is None:
        return
    asks = form.form is Form.REQUEST_RELEASE
    if case.custody_unclear and not asks:
        for index, ref in enumerate(form.guardians if form.form is Form.GIVE_PAPER_COPY else ()):
            who = case.who(ref)
            if who is None and form.given is False:
                # applied at once, and there is nobody to note it of
                yield objection(_C.NOT_A_GUARDIAN, f"guardians.{index}")
            elif who is not None and _may_not_have(case, case.known, who):
                yield _shut_out(case, index)
        return
    guardians = case.known.patient.guardians_at(form.decided_at) if asks else case.custodians
    if form.form in IMPOSES and case.known.patient.has_come_of_age(case.starts_at):
        guardians = case.ever_custodians  # the age is the cause, and is said by its own code
    for index, ref in enumerate(form.guardians):
        who = case.who(ref)
        if case.custody_unclear and (who is None or not was_guardian(who, case.known)):
            continue  # nobody knows; whose custody has ended is known
        if who not in guardians:
            yield objection(_C.NOT_A_GUARDIAN, f"guardians.{index}")
        elif form.form is Form.GIVE_PAPER_COPY and who is not None and _may_not_have(case, case.known, who):
            yield _shut_out(case, index)


def _shut_out(case: OrderEvaluation, index: int) -> RefusalReason:
    return objection(_C.RECIPIENT_SHUT_OUT, f"guardians.{index}", _rules(case, "offered"))


def _may_not_have(case: OrderEvaluation, known: PatientFacts, guardian: PersonId) -> bool:
    """Whether a copy was given to a guardian who is shut out, or was when it was decided to give it (JH-22)."""
    moments = (case.form.decided_at, case.at)
    return case.form.given is not False and any(
        is_shut_out(guardian, at, known, case.books) for at in moments
    )


def _release(case: OrderEvaluation) -> Iterator[RefusalReason]:
    if case.known is None:
        return
    if case.form.form is Form.REQUEST_RELEASE and not case.targets:
        if case.candidates:
            yield objection(_C.PROTECTED_IDENTITY, "releases", ("X-05", "X-10"))
        else:
            yield _not_here(case)
    if case.form.form not in RELEASES:
        return
    free = [m for m in case.candidates if m.measure_id not in case.held_by_state]
    if not case.candidates:
        yield _not_here(case)
    elif not free:
        yield objection(_C.PROTECTED_IDENTITY, "releases", ("X-10",))
    elif _finds_only_the_patients_own(case, free):
        yield objection(_C.NOTHING_TO_RELEASE, "releases", ("X-03",), more=OWN_WAY)
    elif theirs := _made_by_the_patient_elsewhere(case, free):
        yield objection(_C.NOTHING_TO_RELEASE, "releases", ("X-03",), more=_opened_there(theirs))
    elif not case.permitted or (case.form.releases is not None and len(case.permitted) < len(free)):
        rules = _rules(case, "same_initiative")
        yield objection(_C.INITIATIVE_NOT_ALLOWED, "initiative", rules)


def _not_here(case: OrderEvaluation) -> RefusalReason:
    """Nothing of ours is to be released: it was made elsewhere, it is another region's, or there is none."""
    if outside := meant_by(case):
        return objection(_C.MADE_ELSEWHERE, "releases", more=where_to_turn(outside))
    if case.form.form is Form.REQUEST_RELEASE:
        more = OWN_WAY if case.only_the_patients_own else None
        cited = ("X-03",) if case.only_the_patients_own else ("X-01",)
        return objection(_C.NOTHING_TO_RELEASE, "releases", cited, more=more)
    if case.after_talks is not None and case.named_elsewhere:
        if all(m.measure_id in case.held_by_state for m in case.named_elsewhere):
            return objection(_C.PROTECTED_IDENTITY, "releases", ("X-10",))
        if theirs := _made_by_the_patient_elsewhere(case, case.named_elsewhere):
            return objection(_C.NOTHING_TO_RELEASE, "releases", ("X-03",), more=_opened_there(theirs))
        more = ATTESTATION[Attestation.OTHER_REGION_CONSULTED]
        return objection(_C.ATTESTATION_MISSING, "attestations", case.after_talks.cites, more=more)
    return objection(_C.NOTHING_TO_RELEASE, "releases", more=_other_regions(case))


def _other_regions(case: OrderEvaluation) -> Sentence | None:
    """Which other regions have such a measure in force: it is released by the region that imposed it."""
    kind = RELEASES[case.form.form]
    elsewhere = case.of_other_regions(kind)
    others = sorted({m.region for m in elsewhere})
    if not others:
        return None
    named = ", ".join(others)
    if case.after_talks is not None and any(_after_talks_with(m) for m in elsewhere):
        return Sentence(
            f"en annan region har en sådan åtgärd ({named}); efter samråd med den anges åtgärdens beställning i `releases` "
            "och samrådet som intyg",
            f"another region has such a measure ({named}); after talks with it, name the measure's order in `releases` and "
            "attest the talks",
        )
    return Sentence(
        f"en annan region har en sådan åtgärd och häver den själv ({named})",
        f"another region has such a measure and releases it itself ({named})",
    )


def _after_talks_with(m: Measure) -> bool:
    """Whether another region's measure can be ended after talks: neither the register's (X-10) nor the patient's (X-03)."""
    return m.initiative is not Initiative.REGISTER and not made_by_the_patient(m)


def _made_by_the_patient_elsewhere(case: OrderEvaluation, found: Iterable[Measure]) -> tuple[Measure, ...]:
    """What the patient made in another region, of what an order on the patient's own initiative would end (X-03)."""
    if case.form.initiative not in OF_ONES_OWN:
        return ()
    return tuple(m for m in found if m.region != case.form.region and made_by_the_patient(m))


def _opened_there(theirs: Iterable[Measure]) -> Sentence:
    named = ", ".join(sorted({m.region for m in theirs}))
    return Sentence(
        f"det som invånaren själv har förseglat eller låst öppnas i den region där det gjordes ({named}), på dess sätt",
        f"what the resident has sealed or locked is opened in the region where it was made ({named}), in its way",
    )


def _finds_only_the_patients_own(case: OrderEvaluation, free: list[Measure]) -> bool:
    """
    Whether a release that names nothing, on an initiative that the form offers, finds only what the patient made (X-03).

    A release that names such a measure has found it, and is answered that the initiative is the wrong one (KR-05).
    """
    return (
        case.form.releases is None
        and not case.permitted
        and all(made_by_the_patient(m) for m in free)
        and all(e.initiatives is None or case.form.initiative in e.initiatives for e in case.entries)
    )


def _rules(case: OrderEvaluation, clause: str) -> tuple[str, ...]:
    entries = case.version.matching(case.form.form)
    return tuple(dict.fromkeys(r for e in entries if getattr(e, clause) is not None for r in e.cites))


# --- clause by clause


def _of_entries(case: OrderEvaluation) -> Iterator[RefusalReason]:
    for entry in case.entries:
        for check in _checks_of(entry.given):
            yield from check(case, entry)


def _of_keeping_regions(case: OrderEvaluation) -> Iterator[RefusalReason]:
    """
    What the region that keeps a measure demands of its release, also where another region releases it (IN-12).

    The talks with that region take the place of its unit; they take the place of nothing else.
    """
    for code in sorted({m.region for m in case.targets} - {case.form.region}):
        region = case.books.book_of(code, case.decided_on)
        version = region.in_force(case.decided_on) if region is not None else None
        if region is None or version is None:
            continue
        as_there = case.form.model_copy(update={"region": code})
        there = OrderEvaluation(as_there, case.facts, region, version, case.books)
        for entry in there.entries:
            for clause, check in _CLAUSES.items():
                if clause in entry.given & _KEPT_ELSEWHERE:
                    for reason in check(case, entry):
                        yield replace(reason, text=_as_asked_in(code, reason.text))


def _as_asked_in(region: str, text: Sentence) -> Sentence:
    return Sentence(
        f"{text.sv} Så kräver den region som har infört åtgärden ({region}).",
        f"{text.en} The region that imposed the measure ({region}) demands it.",
    )


@lru_cache(maxsize=4096)
def _checks_of(
    given: frozenset[str],
) -> tuple[Callable[[OrderEvaluation, RuleEntry], Iterator[RefusalReason]], ...]:
    return tuple(check for clause, check in _CLAUSES.items() if clause in given)


def _initiatives(case: OrderEvaluation, entry: RuleEntry) -> Iterator[RefusalReason]:
    if entry.initiatives is not None and case.form.initiative not in entry.initiatives:
        yield objection(_C.INITIATIVE_NOT_ALLOWED, "initiative", entry.cites)


def _channels(case: OrderEvaluation, entry: RuleEntry) -> Iterator[RefusalReason]:
    allowed = getattr(entry.channels, case.form.channel.value)
    if allowed is None or (allowed == "urgent" and not case.form.urgent):
        yield objection(_C.CHANNEL_NOT_ALLOWED, "channel", entry.cites)


def _deciders(case: OrderEvaluation, entry: RuleEntry) -> Iterator[RefusalReason]:
    if entry.deciders == "nobody" or entry.deciders is None:
        return
    claimed = case.form.decided_by
    if claimed is None:
        if not case.by_phone:
            yield objection(_C.DECIDER_UNKNOWN, "decided_by", entry.cites)
        return
    staff = next((s for h, s in case.facts.staff.items() if h == claimed.hsa_id), None)
    if staff is None:
        yield objection(_C.DECIDER_UNKNOWN, "decided_by.hsa_id", entry.cites)
        return
    code = _fault_of(case, entry, staff, frozenset(entry.deciders))
    if code is not None:
        yield objection(code, "decided_by", entry.cites)


def _fault_of(
    case: OrderEvaluation, entry: RuleEntry, staff: Staff, roles: frozenset[Role]
) -> RefusalCode | None:
    """One cause, one code: never the role, not at that time, or not at that unit."""
    having = [a for a in staff.assignments if a.roles & roles]
    if not having:
        return _C.DECIDER_LACKS_ROLE
    fitting = [a for a in having if _unit_fits(case, entry, a)]
    if any(a.holds_on(case.decided_on) for a in fitting):
        return None
    if any(a.holds_on(case.decided_on) for a in having) or not fitting:
        return _C.DECIDER_WRONG_UNIT
    return _C.DECIDER_NOT_ACTIVE


def _unit_fits(case: OrderEvaluation, entry: RuleEntry, assignment: Assignment) -> bool:
    form = case.form
    if assignment.region != form.region:
        return False
    if form.decided_by is not None and assignment.unit != form.decided_by.unit:
        return False
    if entry.decider_at == "exactly_its_unit":
        return form.units is None or set(form.units) == {assignment.unit}
    if entry.decider_at == "named_units" and form.units is not None and not case.protective:
        return assignment.unit in form.units  # a closing is never refused for the unit
    return True


def _bound_to(case: OrderEvaluation, entry: RuleEntry) -> Iterator[RefusalReason]:
    """The unit at which an opening is decided; a closing is bound only where the rule names the clinic alone."""
    unit = case.decider_unit
    if unit is None or case.form.form is Form.UNIT_OPINION:
        return
    closes = not any(case.opens(m) for m in case.targets)
    if closes and entry.bound_to_clinic_alone:
        known = clinic_of(case.units, unit)
        named = {bond.clinic for bond in entry.deciders_bound_to or () if isinstance(bond, OfClinic)}
        if known is not None and known not in named:
            yield objection(_C.DECIDER_WRONG_UNIT, _WHERE, entry.cites)
    elif case.out_of_reach and not case.awaited_successors:
        yield objection(_C.DECIDER_WRONG_UNIT, _WHERE, entry.cites)


def _consulted(case: OrderEvaluation, entry: RuleEntry) -> Iterator[RefusalReason]:
    asked = entry.consulted
    if asked is None:
        return
    form, roles = case.form, frozenset(asked.any_of)
    voices = [ref.hsa_id for ref in form.consulted]
    if asked.or_decider and form.decided_by is not None:
        voices.append(form.decided_by.hsa_id)
    staff = {str(h): s for h, s in case.facts.staff.items()}
    if not any(_active(staff.get(voice), roles, form.region, case.decided_on) for voice in voices):
        yield objection(_C.CONSULTATION_MISSING, "consulted", entry.cites)


def _attestations(case: OrderEvaluation, entry: RuleEntry) -> Iterator[RefusalReason]:
    missing = [a for a in entry.attestations or () if attested_as(a) not in case.attested]
    if missing:
        words = [attestation_words(a) for a in missing]
        more = Sentence(", ".join(word.sv for word in words), ", ".join(word.en for word in words))
        yield objection(entry.otherwise or _C.ATTESTATION_MISSING, "attestations", entry.cites, more=more)


def _one_attestation(case: OrderEvaluation, entry: RuleEntry) -> Iterator[RefusalReason]:
    wanted = entry.one_attestation_of or ()
    if wanted and not case.attested.intersection(map(attested_as, wanted)):
        words = [attestation_words(a) for a in wanted]
        more = Sentence(" eller ".join(word.sv for word in words), " or ".join(word.en for word in words))
        yield objection(entry.otherwise or _C.ATTESTATION_MISSING, "attestations", entry.cites, more=more)


def _references(case: OrderEvaluation, entry: RuleEntry) -> Iterator[RefusalReason]:
    named = {reference.kind for reference in case.form.references or ()}
    if missing := [kind for kind in entry.references or () if kind not in named]:
        more = Sentence(
            ", ".join(DOCUMENT[kind].sv for kind in missing), ", ".join(DOCUMENT[kind].en for kind in missing)
        )
        yield objection(_C.REFERENCE_MISSING, "references", entry.cites, more=more)


def _any_of(case: OrderEvaluation, entry: RuleEntry) -> Iterator[RefusalReason]:
    """One of several sets of clauses holds; else what is told is what the nearest of them misses."""
    tried = [
        [reason for name, clause in _CLAUSES.items() if name in part.given for reason in clause(case, part)]
        for part in entry.alternatives
    ]
    yield from min(tried, key=len, default=[])


def _units(case: OrderEvaluation, entry: RuleEntry) -> Iterator[RefusalReason]:
    if entry.units == "required" and case.form.units is None:
        yield objection(_C.UNITS_REQUIRED, "units", entry.cites)
    if entry.units == "forbidden" and case.form.units is not None:
        yield objection(_C.UNITS_NOT_ALLOWED, "units", entry.cites)


def _recorded(case: OrderEvaluation, entry: RuleEntry) -> Iterator[RefusalReason]:
    form = case.form
    if form.recorded_from is None and form.recorded_to is None:
        return
    if entry.recorded_dates == "never":
        yield objection(_C.FIELD_INVALID, "recorded_from", entry.cites)
    elif form.units is None:
        yield objection(_C.INFORMATION_DATES_NEED_UNITS, "recorded_from", entry.cites)


def _end_date(case: OrderEvaluation, entry: RuleEntry) -> Iterator[RefusalReason]:
    form, asked = case.form, entry.end_date
    if asked is None:
        return
    if asked.never and form.valid_through is not None:
        yield objection(_C.END_DATE_NOT_ALLOWED, "valid_through", entry.cites)
    excused = asked.or_review_on and form.review_on is not None
    if asked.required and form.valid_through is None and not excused:
        yield objection(_C.END_DATE_REQUIRED, "valid_through", entry.cites)


def _runs(case: OrderEvaluation, entry: RuleEntry) -> Iterator[RefusalReason]:
    if case.form.valid_through and case.latest_end and case.form.valid_through > case.latest_end:
        yield objection(_C.END_DATE_TOO_LATE, "valid_through", entry.cites)


def _ends_at_age(case: OrderEvaluation, entry: RuleEntry) -> Iterator[RefusalReason]:
    if case.form.form is Form.EXTEND_MEASURE or case.known is None or entry.ends_at_age is None:
        return
    yield from _past_age(case, entry.ends_at_age, entry.cites, IMPOSES[case.form.form].opens)


def _past_age(
    case: OrderEvaluation, age: int, rules: tuple[str, ...], opens: bool
) -> Iterator[RefusalReason]:
    through = case.form.valid_through
    if through is None or case.known is None:
        return
    leap = case.version.ages.leap_day_on_28th
    end = age_begins(case.known.patient.birth, age, latest=not opens, leap_day_on_28th=leap)
    if end > case.starts_at and through > last_day_before(end):
        yield objection(_C.END_DATE_TOO_LATE, "valid_through", rules)


def _extension(case: OrderEvaluation, entry: RuleEntry) -> Iterator[RefusalReason]:
    """An extension goes on from the end that is, and never past the end that an age gives."""
    if case.form.form is not Form.EXTEND_MEASURE or case.form.valid_through is None:
        return
    for m in case.targets:
        if case.has_aged_out(m):
            yield objection(_C.AGE_NOT_ELIGIBLE, "patient", entry.cites)
            continue
        if m.ends_at_age is not None:
            yield from _past_age(case, m.ends_at_age, entry.cites, m.kind.opens)
        if _does_not_extend(case, m):
            yield objection(_C.FIELD_INVALID, "valid_through", entry.cites)


def _does_not_extend(case: OrderEvaluation, m: Measure) -> bool:
    through = case.form.valid_through
    if case.is_over(m):
        return False  # it comes after the end, and says how long from now on
    return through is not None and m.valid_to is not None and end_of(through) <= m.valid_to


def _age(case: OrderEvaluation, entry: RuleEntry) -> Iterator[RefusalReason]:
    window = entry.age
    if window is None or case.known is None:
        return
    patient, start = case.known.patient, case.starts_at
    opens = not case.protective
    young = window.since is not None and not patient.reached(window.since, start, surely=opens)
    old = window.until is not None and patient.reached(window.until, start, surely=not opens)
    early = False
    if (
        window.since is not None
        and start > case.at
        and not patient.reached(window.since, case.at, surely=opens)
    ):
        begins = age_begins(patient.birth, window.since, latest=opens)
        early = begins - case.at > timedelta(days=window.ahead_days)
    if young or old or early:
        yield objection(_C.AGE_NOT_ELIGIBLE, "patient", entry.cites, more=_bounds(window))


def _bounds(window: AgeWindow) -> Sentence:
    """The ages between which an order may be given."""
    match window.since, window.until:
        case int() as since, int() as until:
            return Sentence(
                f"från {since} år till dagen före {until}-årsdagen",
                f"from {since} years to the day before the {until}th birthday",
            )
        case int() as since, None:
            return Sentence(f"från {since} år", f"from {since} years")
        case _, until:
            return Sentence(f"till dagen före {until}-årsdagen", f"to the day before the {until}th birthday")


def _motivation(case: OrderEvaluation, entry: RuleEntry) -> Iterator[RefusalReason]:
    if not (case.form.motivation or "").strip():
        yield objection(_C.MOTIVATION_REQUIRED, "motivation", entry.cites)


def _court_order(case: OrderEvaluation, entry: RuleEntry) -> Iterator[RefusalReason]:
    form = case.form
    if form.representative is None:
        yield objection(_C.REPRESENTATIVE_REQUIRED, "representative", entry.cites)
    if form.court_order is None:
        yield objection(_C.COURT_ORDER_REQUIRED, "court_order", entry.cites)
    elif entry.court_order != "any" and entry.court_order not in form.court_order.duties:
        yield objection(_C.REPRESENTATIVE_REQUIRED, "court_order.duties", entry.cites)
    elif (end := form.court_order.valid_through) is not None:
        if end < swedish_date(case.at):
            yield objection(_C.END_DATE_IN_PAST, "court_order.valid_through", entry.cites)
        elif form.valid_through is not None and form.valid_through > end:
            yield objection(_C.END_DATE_TOO_LATE, "valid_through", entry.cites)


def _initiating_unit(case: OrderEvaluation, entry: RuleEntry) -> Iterator[RefusalReason]:
    if case.decider_unit is None or not case.initiating_units or case.awaited_successors:
        return
    if not case.speaks_for(case.initiating_units):
        yield objection(_C.UNIT_NOT_INITIATOR, _WHERE, entry.cites)


_CLAUSES: dict[str, Callable[[OrderEvaluation, RuleEntry], Iterator[RefusalReason]]] = {
    "initiatives": _initiatives,
    "channels": _channels,
    "deciders": _deciders,
    "deciders_bound_to": _bound_to,
    "consulted": _consulted,
    "attestations": _attestations,
    "one_attestation_of": _one_attestation,
    "references": _references,
    "any_of": _any_of,
    "units": _units,
    "recorded_dates": _recorded,
    "end_date": _end_date,
    "runs": _runs,
    "ends_at_age": _ends_at_age,
    "offered": _extension,
    "age": _age,
    "motivation": _motivation,
    "court_order": _court_order,
    "initiating_unit_only": _initiating_unit,
}
"""What each clause of an entry asks. Clauses that are not here say what follows, not what is asked."""

_KEPT_ELSEWHERE = frozenset(
    {
        "initiatives",
        "channels",
        "deciders",
        "consulted",
        "attestations",
        "one_attestation_of",
        "references",
        "any_of",
        "motivation",
    }
)
"""What a region demands of whoever releases its measures; not at which of its units, nor when the form is offered here."""
