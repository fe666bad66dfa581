"""The console's own words, in Swedish and English. The rules' and the orders' sentences stand in `workers.policy`."""

from collections.abc import Mapping

from contracts.vocabulary import Role
from workers.ops.worklist import TARGETS
from workers.policy.effects import Sentence, TimerKind
from workers.policy.sentences import (
    ACCESS,
    ATTESTATION,
    FORM,
    MEASURE,
    NOTICE,
    PENDING,
    REFUSAL,
    REMARK,
    SERVICE,
)

S = Sentence

OUTCOME = {
    "executed": S("Verkställd", "Executed"),
    "refused": S("Avvisad", "Refused"),
    "pending": S("Väntar", "Pending"),
    "duplicate": S("Dubblett", "Duplicate"),
    "dead_letter": S("Oläslig", "Dead letter"),
}
INITIATIVE = {
    "resident": S("Invånaren", "Resident"),
    "guardian": S("Vårdnadshavare", "Guardian"),
    "child": S("Barnet", "Child"),
    "representative": S("Legal företrädare", "Representative"),
    "care": S("Vården", "Care"),
    "register": S("Folkbokföringen", "Register"),
}
CHANNEL = {
    "ehr_form": S("Blankett i journalsystemet", "Form in the EHR"),
    "phone": S("Telefon", "Phone"),
    "paper": S("Papper", "Paper"),
}
ROLE: Mapping[str, Sentence] = {
    Role.TREATING_PHYSICIAN: S("Behandlande läkare", "Treating physician"),
    Role.PHYSICIAN: S("Läkare", "Physician"),
    Role.SENIOR_PHYSICIAN: S("Överläkare", "Senior physician"),
    Role.ON_CALL_PHYSICIAN: S("Bakjour", "On-call physician"),
    Role.HEAD_OF_UNIT: S("Verksamhetschef", "Head of unit"),
    Role.HEAD_DELEGATE: S("Av verksamhetschef utsedd", "Delegate of the head"),
    Role.LICENSED_STAFF: S("Annan legitimerad personal", "Other licensed staff"),
    Role.TREATING_STAFF: S("Behandlande personal", "Treating staff"),
    Role.SUPPORT_OPERATOR: S("Handläggare vid supporten", "Support operator"),
}
CONSOLE_ROLE = {
    "viewer": S("läser", "viewer"),
    "operator": S("handlägger", "operator"),
    "approver": S("godkänner", "approver"),
    "auditor": S("granskar", "auditor"),
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
    TimerKind.SUCCESSOR_NAMED: S("Efterträdande enhet angiven", "Succeeding unit named"),
    TimerKind.AGE_13_AHEAD: S("Fyller snart 13", "Turns 13 soon"),
    TimerKind.AGE_13: S("Fyller 13", "Turns 13"),
    TimerKind.AGE_16_AHEAD: S("Fyller snart 16", "Turns 16 soon"),
    TimerKind.AGE_16: S("Fyller 16", "Turns 16"),
    TimerKind.AGE_18: S("Fyller 18", "Turns 18"),
}
TASK = {
    "worklist": S("Att knappa in", "To key in"),
    "follow_up_decision": S("Uppföljande beslut", "Follow-up decision"),
    "signed_form": S("Underskriven blankett saknas", "Signed form is missing"),
    "unit_opinion": S("Enhet ska ta ställning", "A unit is to answer"),
    "unit_reminder": S("Påminn enheten", "Remind the unit"),
    "review": S("Omprövning", "Renewed decision"),
    "card_revoked_late": S("Kortet var spärrat", "The card was revoked"),
    "lock_at_13": S("Låst inloggning vid 13 år", "Locked login at 13"),
    "protected_patient": S("Patienten har skyddade uppgifter", "The patient has protected identity"),
    "protected_guardian": S("Vårdnadshavare har skyddade uppgifter", "A guardian has protected identity"),
    "protection_ended": S("Skyddade uppgifter har upphört", "Protected identity has ended"),
    "protected_county_unknown": S("Skyddat barn, okänt län", "Protected child, county unknown"),
    "standing_measures": S("Registrets egna åtgärder", "The register's own measures"),
    "died": S("Avliden", "Died"),
    "custody_changed": S("Vårdnaden har ändrats", "Custody has changed"),
}
LETTER = {
    "not_cloud_event": S("Kuvertet går inte att läsa", "The envelope cannot be read"),
    "unknown_type": S("Okänd händelsetyp", "Unknown type of event"),
    "unknown_content_type": S("Okänd innehållstyp", "Unknown content type"),
    "too_large": S("För stort", "Too large"),
    "no_value": S("Tomt meddelande", "No value"),
    "unreadable_signature": S("Underskriften går inte att läsa", "The signature cannot be read"),
    "unreadable_payload": S("Innehållet går inte att läsa", "The content cannot be read"),
    "unreadable_record": S("Får hanteringen att krascha", "Makes handling crash"),
}
CHECK = {
    "signature": S("Underskrift", "Signature"),
    "header": S("Underskriftens huvud", "Signature header"),
    "certificate_path": S("Certifikatkedja", "Certificate path"),
    "certificate_usage": S("Certifikatets ändamål", "Certificate usage"),
    "certificate_validity": S("Certifikatets giltighet", "Certificate validity"),
    "revocation": S("Spärrkontroll", "Revocation"),
    "age": S("Underskriftens ålder", "Age of the signature"),
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
OPINION = {"agree": S("instämmer", "agrees"), "keep": S("behåll", "keep")}
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
    "representative": S("Legal företrädare", "Representative"),
    "court_order": S("Förordnande", "Court order"),
    "releases": S("Häver", "Releases"),
    "follows_up": S("Följer upp", "Follows up"),
    "decision": S("Beslut", "Decision"),
    "opinion": S("Ställningstagande", "Opinion"),
    "attestations": S("Intyganden", "Attestations"),
    "motivation": S("Motivering", "Motivation"),
    "review_on": S("Omprövas", "Review on"),
    "inform": S("Får underrättas", "May be told"),
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
    "nobody": S("ingen", "nobody"),
    "gained": S("kan nu se", "can see now"),
    "lost": S("kan inte se längre", "cannot see any more"),
    "person": S("ingen får veta", "nobody is told"),
    "operators": S("handläggarna", "the operators"),
}
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
FOLLOW_UP_KINDS = ("follow_up_decision",)

WORDS: Mapping[str, Mapping[str, Sentence]] = {
    "outcome": OUTCOME,
    "initiative": INITIATIVE,
    "channel": CHANNEL,
    "role": ROLE,
    "console_role": CONSOLE_ROLE,
    "timer": TIMER,
    "task": TASK,
    "letter": LETTER,
    "check": CHECK,
    "verdict": VERDICT,
    "action": ACTION,
    "opinion": OPINION,
    "field": FIELD,
    "track": TRACK,
    "told": TOLD,
    "audit_fault": AUDIT_FAULT,
    "target": TARGETS,
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
