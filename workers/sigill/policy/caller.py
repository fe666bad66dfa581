"""
What may be said on the phone to somebody who asks why a record is not shown.

Whoever rings may be the one that a measure protects from. So a measure is never told to anybody but the patient, and to the
patient only where it is the patient's own or the order says so; everybody else gets one reply that is true of all of them
(VGB-17, X-23). Who decided, why and since when is never said.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sigill.policy.access import AccessQuestion, Decision, decide, units_of
from sigill.policy.calendar import swedish_date
from sigill.policy.effects import Sentence
from sigill.policy.facts import Measure, PatientFacts
from sigill.policy.rulebook import Rulebooks
from sigill.policy.sentences import ACCESS
from sigill.policy.units import answering
from sigill_contracts.vocabulary import AccessReason, Initiative, MeasureKind, PersonId, Service, UnitId

_A = AccessReason

_PLAIN = (
    _A.GUARDIAN_OF_13_OR_OLDER, _A.AGE_13_TO_15, _A.UNDER_13_OWN_LOGIN, _A.NOT_SHOWN, _A.RESERVE_NUMBER, _A.NO_E_ID,
    _A.NO_FULL_PERSONNUMMER, _A.GRANT_EXPIRED, _A.GUARDIAN_OF_OLDER_CHILD, _A.TOO_YOUNG_FOR_RECORD,
    _A.TOO_YOUNG_FOR_LOGIN,
)  # fmt: skip
"""Reasons that hold for everybody in the same place, or that the caller knows: they betray no measure."""
_OWN = (_A.JOURNAL_SEAL, _A.LOGIN_LOCK)
"""Measures that a patient may be told of."""

_NOT_SHOWN_TO_YOU = Sentence(
    "Uppgifterna visas inte för dig på 1177 just nu. Jag kan inte säga mer än så i telefon. Vänd dig direkt till vården, "
    "på telefon eller besök; de kan vägleda dig. Så är det tills vidare, och prövas på nytt om något ändras.",
    "The information is not shown to you at 1177 at present. I cannot say more than that on the phone. Turn to care "
    "directly, by phone or a visit; they can guide you. It stands until further notice, and is looked at anew if anything "
    "changes.",
)
_NOBODY_ELSES = Sentence(
    "Jag kan inte lämna uppgifter om någon annan, inte heller om personen finns hos oss.",
    "I cannot give any information about anybody else, not even whether we know the person.",
)
_NO_HINDRANCE = Sentence(
    "Jag ser inget hinder för dig just nu. Logga ut, logga in igen och försök på nytt.",
    "I see nothing in your way at present. Log out, log in again and try once more.",
)
_LATER = Sentence(
    "Tjänsten kan inte visa uppgifterna just nu. Försök igen om en stund.",
    "The service cannot show the information just now. Try again in a while.",
)

_WHO_AND_WHY = Sentence(
    "vem som har beslutat eller begärt något, varför eller sedan när",
    "who decided or asked for anything, why, or since when",
)
_OTHERS = Sentence("vad någon annan ser eller inte ser", "what anybody else sees or does not see")
_EVERYTHING = Sentence(
    "patienten över huvud taget: varken vård, kontaktvägar, vårdnad eller om det finns en journal",
    "the patient at all: neither care, contact details, custody nor whether there is a record",
)
_AVOID: dict[AccessReason, Sentence] = {
    _A.JOURNAL_SEAL: Sentence("förseglingen, och vilken enhet den gäller", "the seal, and which unit it is about"),
    _A.CHILD_SEAL: Sentence("förseglingen av barnets konto", "the seal of the child's account"),
    _A.LOGIN_LOCK: Sentence("att inloggningen är låst", "that the login is locked"),
    _A.GUARDIAN_BLOCK: Sentence(
        "blockeringen, och vilken vårdnadshavare den gäller", "the block, and which guardian it is about"
    ),
    _A.GUARDIAN_RESTRICTION: Sentence(
        "undantaget, och vilken enhet det gäller", "the restriction, and which unit it is about"
    ),
    _A.PROTECTED_IDENTITY: Sentence(
        "skyddade personuppgifter, adress, ort, skola eller mottagning",
        "protected identity, address, town, school or clinic",
    ),
    _A.SEALED_ELSEWHERE: Sentence(
        "åtgärder av patienten själv eller av en annan region", "measures of the patient or of another region"
    ),
    _A.PATIENT_DEAD: Sentence("att patienten är avliden", "that the patient has died"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CallerAnswer:
    """
    What an operator may say, in this order.

    `avoid` continues "do not tell"; `say` are whole sentences to read out. `turn_to` are the units that decided, at
    which it can be looked at anew, for a closed one its successor; `nameable` says whether the caller may hear their names.
    `lines` are the answers about the caller itself; none for a stranger, about whom there is nothing to show.
    """

    role: str
    """`patient`, `guardian`, `representative` or `stranger`."""
    avoid: tuple[Sentence, ...]
    say: tuple[Sentence, ...]
    turn_to: tuple[UnitId, ...] = ()
    nameable: bool = False
    lines: tuple[tuple[Service, UnitId | None, Decision], ...] = ()


def answer_caller(
    caller: PersonId | None, facts: PatientFacts, at: datetime, books: Rulebooks
) -> CallerAnswer:
    """
    Say what may be said at an instant (aware) to a caller who asks about a patient; None: somebody whom nobody knows.

    The caller's identity is taken as proven. Whoever is neither the patient nor has custody nor represents the patient at
    that instant is a stranger, a former guardian too.
    """
    role = _role(caller, facts, at)
    if caller is None or role == "stranger":
        return CallerAnswer("stranger", (_EVERYTHING,), (_NOBODY_ELSES,))
    asked = [(Service.JOURNAL, unit) for unit in units_of(facts)]
    lines = tuple(
        (service, unit, decide(AccessQuestion(caller, service, at, unit), facts, books))
        for service, unit in (*asked, (Service.E_SERVICES, None))
    )
    denied = [decision for _, _, decision in lines if not decision.allowed]
    codes = dict.fromkeys(code for decision in denied for code in decision.codes)
    if _A.VIEWER_DEAD in codes:  # it is not the caller who rings
        return CallerAnswer("stranger", (_EVERYTHING,), (_NOBODY_ELSES,))
    barring = _measures(denied, facts)
    tellable = role == "patient" and all(_own_to_know(m) for m in barring)
    may = {*_PLAIN, *(_OWN if tellable else ())}
    avoid = tuple(_AVOID[code] for code in codes if code in _AVOID and code not in may)
    units = dict.fromkeys(
        answering(facts.units, unit, swedish_date(at))
        for m in barring
        for unit in ((m.unit,) if m.unit else sorted(m.units or ()))
    )
    return CallerAnswer(
        role,
        (*avoid, _WHO_AND_WHY, _OTHERS),
        tuple(_said(denied, may)),
        tuple(units),
        nameable=tellable,
        lines=lines,
    )


def _role(caller: PersonId | None, facts: PatientFacts, at: datetime) -> str:
    if caller == facts.patient.person_id:
        return "patient"
    if caller in facts.patient.guardians_at(at):
        return "guardian"
    represented = any(
        m.kind is MeasureKind.REPRESENTATIVE_GRANT and m.viewer == caller for m in facts.in_force(at)
    )
    return "representative" if represented else "stranger"


def _measures(denied: Iterable[Decision], facts: PatientFacts) -> list[Measure]:
    named = {measure for decision in denied for reason in decision.reasons for measure in reason.measures}
    return [m for m in facts.all_measures if m.measure_id in named and not m.kind.opens]


def _own_to_know(m: Measure) -> bool:
    """Whether a patient may hear of a measure: the own, unless it says "do not tell"; care's where it says "tell"."""
    silent = m.inform.patient is False or any(silence.audience == "patient" for silence in m.silences)
    asked_for = m.initiative is Initiative.RESIDENT and m.beside is None
    return not silent and (asked_for or m.inform.patient is True)


def _said(denied: list[Decision], may: set[AccessReason]) -> Iterable[Sentence]:
    """The reasons that may be said, where they explain every refusal by themselves; else the one reply to all."""
    if not denied:
        return (_NO_HINDRANCE,)
    if any(not may.intersection(decision.codes) for decision in denied):
        silent = all(set(decision.codes) <= {_A.SOURCE_SILENT, *may} for decision in denied)
        return (_LATER if silent else _NOT_SHOWN_TO_YOU,)
    codes = dict.fromkeys(code for decision in denied for code in decision.codes if code in may)
    return tuple(ACCESS[code] for code in codes)
