"""The console's own words, in Swedish and English. The rules' and the orders' sentences stand in `sigill.policy`."""

from collections.abc import Mapping
from typing import Any

from sigill.policy import lexicon
from sigill.policy.effects import Sentence, TimerKind
from sigill.policy.facts import RequestEnd
from sigill.policy.lexicon import (
    ACCESS,
    ATTESTATION,
    FORM,
    MEASURE,
    NOTICE,
    PENDING,
    REFUSAL,
    REMARK,
    SERVICE,
    TARGETS,
    headed,
)
from sigill_contracts.dead_letter import DeadLetterReason

S = Sentence


def _headings(words: Mapping[Any, Sentence]) -> dict[str, Sentence]:
    return {str(code): headed(text) for code, text in words.items()}


OUTCOME = {**_headings(lexicon.OUTCOME), "dead_letter": S("Oläslig", "Dead letter")}
INITIATIVE = _headings(lexicon.INITIATIVE)
CHANNEL = _headings(lexicon.CHANNEL)
ROLE: Mapping[str, Sentence] = _headings(lexicon.ROLE)
CONSOLE_ROLE = {
    "viewer": S("läser", "viewer"),
    "operator": S("handlägger", "operator"),
    "approver": S("godkänner", "approver"),
    "auditor": S("granskar", "auditor"),
    "protected_identity": S("ser skyddade personuppgifter", "sees protected identity"),
}
TIMER: Mapping[str, Sentence] = {
    TimerKind.MEASURE_STARTS: S("Åtgärd börjar gälla", "Measure begins"),
    TimerKind.MEASURE_ENDS: S("Åtgärd upphör", "Measure ends"),
    TimerKind.GRANT_EXPIRING: S("Påminnelse: medgivande löper ut", "Reminder: grant runs out"),
    TimerKind.SIGNED_FORM_DEADLINE: S("Underskriven blankett ska ha kommit", "Signed form is due"),
    TimerKind.FOLLOW_UP_DEADLINE: S("Uppföljande beslut ska ha kommit", "Follow-up decision is due"),
    TimerKind.REQUEST_REMINDER: S("Påminnelse till enhet", "Reminder to a unit"),
    TimerKind.PATIENT_UNKNOWN_DEADLINE: S("Okänd patient: tiden är ute", "Unknown patient: time is up"),
    TimerKind.REVIEW_DUE: S("Omprövning", "Renewed decision"),
    TimerKind.CUSTODY_CHANGES: S("Vårdnad börjar eller upphör", "Custody begins or ends"),
    TimerKind.EARLIER_MESSAGE_SETTLED: S("Oläsligt meddelande utrett", "Unreadable message settled"),
    TimerKind.MEASURE_ENDING: S("Påminnelse: åtgärd upphör snart", "Reminder: measure ends soon"),
    TimerKind.FOLLOW_UP_AHEAD: S(
        "Påminnelse: uppföljande beslut väntas", "Reminder: follow-up decision is soon due"
    ),
    TimerKind.ELSEWHERE_CHANGES: S(
        "Åtgärd utanför Sigill börjar eller upphör", "Measure made elsewhere begins or ends"
    ),
    TimerKind.SUCCESSOR_NAMED: S("Efterträdande enhet angiven", "Succeeding unit named"),
    TimerKind.AGE_13_AHEAD: S("Når snart åldern för egen inloggning", "Soon of age for an own login"),
    TimerKind.AGE_13: S("Når åldern för egen inloggning", "Of age for an own login"),
    TimerKind.AGE_16_AHEAD: S("Når snart åldern för egen journal", "Soon of age for the own record"),
    TimerKind.AGE_16: S("Når åldern för egen journal", "Of age for the own record"),
    TimerKind.AGE_18: S("Blir myndig", "Comes of age"),
}
TASK = {
    "worklist": S("Att knappa in", "To key in"),
    "follow_up_decision": S("Uppföljande beslut", "Follow-up decision"),
    "signed_form": S("Underskriven blankett saknas", "Signed form is missing"),
    "unit_opinion": S("Enhet ska ta ställning", "A unit is to answer"),
    "unit_reminder": S("Påminn enheten", "Remind the unit"),
    "review": S("Omprövning", "Renewed decision"),
    "measure_ending": S("Upphör snart, obesvarad", "Ends soon, unanswered"),
    "released_by_other_region": S("Hävd av en annan region", "Released by another region"),
    "card_revoked_late": S("Kortet var spärrat", "The card was revoked"),
    "lock_at_13": S("Låst inloggning när åldern är nådd", "Locked login, of age for an own"),
    "protected_patient": S("Patienten har skyddade uppgifter", "The patient has protected identity"),
    "protected_guardian": S("Vårdnadshavare har skyddade uppgifter", "A guardian has protected identity"),
    "protection_ended": S("Skyddade uppgifter har upphört", "Protected identity has ended"),
    "persons_separated": S("Två som var en i registret", "Two who were one in the register"),
    "protected_county_unknown": S("Skyddat barn, okänt län", "Protected child, county unknown"),
    "standing_measures": S("Registrets egna åtgärder", "The register's own measures"),
    "name_successor": S("Ange efterträdande enhet", "Name the succeeding unit"),
    "clinic_unknown": S("Kontrollera klinik", "Check the clinic"),
    "died": S("Avliden", "Died"),
    "custody_changed": S("Vårdnaden har ändrats", "Custody has changed"),
    "tell_in_person": S("Berätta personligen", "Tell in person"),
    "standard_reply": S("Svara vårdnadshavaren", "Answer the guardian"),
}
LETTER = _headings(lexicon.DEAD_LETTER)
_MENDED_THERE = S(
    "Omsändning hjälper inte: samma innehåll går inte att läsa nu heller. Avsändaren rättar och skickar en ny beställning; "
    "kassera sedan den här.",
    "Replaying does not help: the same bytes cannot be read now either. The sender mends it and sends a new order; then "
    "discard this one.",
)
_MENDED_HERE = S(
    "Sänd om när felet hos oss är åtgärdat; innehållet kan vara riktigt.",
    "Replay when the fault on our side is mended; the content may be right.",
)
LETTER_REPLAY = {
    str(code): _MENDED_HERE if code is DeadLetterReason.UNREADABLE_RECORD else _MENDED_THERE
    for code in lexicon.DEAD_LETTER
}
"""Whether a replay can help, by why a letter could not be read."""
LETTER_MEANS = {
    **{
        str(code): S(f"{text.sv[:1].upper()}{text.sv[1:]}.", f"{text.en[:1].upper()}{text.en[1:]}.")
        for code, text in lexicon.DEAD_LETTER.items()
    },
    **{str(code): text for code, text in lexicon.UNREADABLE.items()},
}
"""What a code means: what the message would have to be."""
CHECK = {
    "signature": S("Underskrift", "Signature"),
    "header": S("Uppgifter i underskriften", "Particulars of the signature"),
    "certificate_path": S("Certifikatkedja", "Certificate path"),
    "certificate_usage": S("Certifikatets ändamål", "Certificate usage"),
    "certificate_validity": S("Certifikatets giltighet", "Certificate validity"),
    "revocation": S("Spärrkontroll", "Revocation"),
    "age": S("Tid mellan underskrift och mottagande", "Time from signature to receipt"),
}
VERDICT = {
    "good": S("godkänd", "good"),
    "bad": S("underkänd", "bad"),
    "undetermined": S("går inte att avgöra", "undetermined"),
    "not_checked": S("inte prövad", "not checked"),
}
ACTION = {
    "imposed": S("införd", "imposed"),
    "confirmed": S("bekräftad", "confirmed"),
    "continued": S("fortsatt", "continued"),
    "extended": S("förlängd", "extended"),
    "narrowed": S("inskränkt", "narrowed"),
    "ended": S("upphörd", "ended"),
    "scheduled": S("planerad", "scheduled"),
}
REQUEST_END = {
    RequestEnd.AGREE: S("hävd: enheterna medgav", "lifted: the units agreed"),
    RequestEnd.KEEP: S("behållen", "kept"),
    RequestEnd.MOOT: S("det som begärdes hade upphört", "what was asked about had ended"),
    RequestEnd.HELD: S("hålls av skyddad identitet", "held by protected identity"),
    "open": S("inte besvarad", "not answered"),
}
OPINION = {str(code): text for code, text in lexicon.OPINION.items()}
FIELD = {
    "order_id": S("Beställnings-id", "Order id"),
    "audience": S("Ställd till", "Audience"),
    "region": S("Region", "Region"),
    "form": S("Blankett", "Form"),
    "patient": S("Patient", "Patient"),
    "initiative": S("Initiativ", "Initiative"),
    "decided_by": S("Beslutad av", "Decided by"),
    "consulted": S("Samråd", "Consulted"),
    "decided_at": S("Beslutad", "Decided at"),
    "urgent": S("Akut", "Urgent"),
    "channel": S("Kanal", "Channel"),
    "units": S("Enheter", "Units"),
    "recorded_from": S("Information från", "Recorded from"),
    "recorded_to": S("Information till", "Recorded to"),
    "valid_from": S("Gäller från", "Valid from"),
    "valid_through": S("Gäller till och med", "Valid through"),
    "guardians": S("Vårdnadshavare", "Guardians"),
    "representative": S("Legal ställföreträdare", "Legal representative"),
    "court_order": S("Förordnande", "Court order"),
    "releases": S("Häver", "Releases"),
    "follows_up": S("Följer upp", "Follows up"),
    "decision": S("Beslut", "Decision"),
    "opinion": S("Ställningstagande", "Opinion"),
    "attestations": S("Intyganden", "Attestations"),
    "own_attestations": S("Regionens egna intyganden", "The region's own attestations"),
    "motivation": S("Motivering", "Motivation"),
    "review_on": S("Omprövas", "Review on"),
    "references": S("Handlingar i journalen", "Documents in the record"),
    "inform": S("Får underrättas", "May be told"),
    "inform_patient": S("Får patienten underrättas", "May the patient be told"),
    "inform_guardians": S("Får vårdnadshavare underrättas", "May guardians be told"),
    "signature": S("Underskrift", "Signature"),
}
TRACK = {
    "access.receipts.v1": S("Kvitto", "Receipt"),
    "access.changes.v1": S("Ändrad åtkomst", "Changed access"),
    "access.state.v1": S("Nytt läge", "New state"),
    "access.notifications.v1": S("Underrättelse", "Notification"),
}
TOLD = {
    "yes": S("ja", "yes"),
    "no": S("nej", "no"),
    "patient": S("patienten", "the patient"),
    "guardians": S("vårdnadshavare", "guardians"),
    "written_confirmation": S("skriftlig bekräftelse", "a written confirmation"),
    "not_patient": S("inte patienten", "not the patient"),
    "not_guardians": S("inte vårdnadshavare", "not guardians"),
    "not_written_confirmation": S("ingen skriftlig bekräftelse", "no written confirmation"),
    "as_the_rules_say": S("som regionens regler säger", "as the region's rules say"),
    "gained": S("kan nu se", "can see now"),
    "lost": S("kan inte se längre", "cannot see any more"),
    "person": S("ingen får veta", "nobody is told"),
    "operators": S("handläggarna", "the operators"),
    "unit": S("enheten", "the unit"),
}
WHOLE = {
    "journal_seal": S("hela journalen", "the whole record"),
    "login_lock": S("patientens inloggning", "the patient's login"),
    "guardian_block": S("allt som vårdnadshavare når", "all that guardians reach"),
    "child_seal": S("barnets hela journal", "the child's whole record"),
    "guardian_restriction": S("allt som vårdnadshavare når", "all that guardians reach"),
    "guardian_grant": S(
        "barnets hela journal, för vårdnadshavare", "the child's whole record, for guardians"
    ),
    "minor_grant": S("den egna hela journalen", "one's own whole record"),
    "representative_grant": S("hela journalen, för företrädaren", "the whole record, for the representative"),
}
"""What a measure that names no units is about, by its kind."""
ENTRY = {
    **FIELD,
    "patient": S("Patientens nummer", "Patient's number"),
    "decided_by_unit": S("Enhet där det beslutades", "Unit of the decision"),
    "decided_by_hsa_id": S("Vem som beslutade", "Who decided"),
    "consulted_unit": S("Enhet för samråd", "Unit of who was consulted"),
    "consulted_hsa_id": S("Samråd med", "Consulted"),
    "units_named": S("Enheter", "Units"),
    "court_order_court": S("Förordnande", "Court order"),
    "inform_patient": S("Får patienten underrättas", "May the patient be told"),
    "inform_guardians": S("Får vårdnadshavare underrättas", "May guardians be told"),
    **{
        f"references_{kind}_id": S(f"Handling: {text.sv}", f"Document: {text.en}")
        for kind, text in lexicon.DOCUMENT.items()
    },
}
"""What a page of the console asks for, by the name of its entry."""
AUDIT_FAULT = {
    "changed": S("ändrad", "changed"),
    "removed": S("borttagen", "removed"),
    "inserted": S("inskjuten", "inserted"),
    "moved": S("flyttad", "moved"),
    "personal_changed": S("personuppgift ändrad", "personal part changed"),
    "personal_removed": S("personuppgift borttagen", "personal part removed"),
    "unpublished": S("stämmer inte med publicerat huvud", "differs from the published head"),
}
PROTECTED_KINDS = (
    "protected_patient",
    "protected_guardian",
    "protected_county_unknown",
    "standing_measures",
    "protection_ended",
    "lock_at_13",
)
FOLLOW_UP_KINDS = ("follow_up_decision", "review", "measure_ending")
"""What a unit is to decide and has not: of something urgent, on a day for a renewed decision, or before an end."""

WORDS: Mapping[str, Mapping[str, Sentence]] = {
    "outcome": OUTCOME,
    "initiative": INITIATIVE,
    "channel": CHANNEL,
    "role": ROLE,
    "console_role": CONSOLE_ROLE,
    "timer": TIMER,
    "task": TASK,
    "letter": LETTER,
    "letter_means": LETTER_MEANS,
    "letter_replay": LETTER_REPLAY,
    "check": CHECK,
    "verdict": VERDICT,
    "action": ACTION,
    "opinion": OPINION,
    "request_end": {str(key): value for key, value in REQUEST_END.items()},
    "field": FIELD,
    "suppression": {str(code): text for code, text in lexicon.SUPPRESSION.items()},
    "decision": {str(code): text for code, text in lexicon.DECISION.items()},
    "duty": {str(code): text for code, text in lexicon.DUTY.items()},
    "track": TRACK,
    "told": TOLD,
    "audit_fault": AUDIT_FAULT,
    "whole": WHOLE,
    "entry": ENTRY,
    "document": _headings(lexicon.DOCUMENT),
    "code": {str(key): value for words in (REMARK, PENDING, REFUSAL) for key, value in words.items()},
    "target": TARGETS,
    "risk": {str(code): text for code, text in lexicon.RISK.items()},
    "sign": _headings(lexicon.SIGN),
    "form": {str(key): value for key, value in FORM.items()},
    "measure": {str(key): value for key, value in MEASURE.items()},
    "service": {str(key): value for key, value in SERVICE.items()},
    "pending": {str(key): value for key, value in PENDING.items()},
    "refusal": {str(key): value for key, value in REFUSAL.items()},
    "remark": {str(key): value for key, value in REMARK.items()},
    "access": {str(key): value for key, value in ACCESS.items()},
    "attestation": {str(key): value for key, value in ATTESTATION.items()},
    "notice": {str(key): value for key, value in NOTICE.items()},
}


def word(kind: str, value: str, language: str) -> str:
    """A code in the reader's language; a code that has no word yet is shown as it is."""
    found = WORDS[kind].get(value)
    if found is None:
        return value.replace("_", " ")
    return found.sv if language == "sv" else found.en
