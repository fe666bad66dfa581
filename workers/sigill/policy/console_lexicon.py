"""The console's own words, in Swedish and English. The rules' and the orders' sentences stand in `sigill.policy`."""

from collections.abc import Mapping
from typing import Any

from sigill.policy import lexicon
from sigill.policy.cases import AskedAuthority, AuthorityAnswer
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
    "rule_owner": S("äger regler", "rule owner"),
    "protected_identity": S("ser skyddade personuppgifter", "sees protected identity"),
}
TIMER: Mapping[str, Sentence] = {
    TimerKind.MEASURE_STARTS: S("Åtgärd börjar gälla", "Measure begins"),
    TimerKind.MEASURE_ENDS: S("Åtgärd upphör", "Measure ends"),
    TimerKind.GRANT_EXPIRING: S("Påminnelse: medgivande löper ut", "Reminder: grant runs out"),
    TimerKind.SIGNED_FORM_DEADLINE: S("Underskriven blankett ska ha kommit", "Signed form is due"),
    TimerKind.FOLLOW_UP_DEADLINE: S("Uppföljande beslut ska ha kommit", "Follow-up decision is due"),
    TimerKind.REQUEST_REMINDER: S("Påminnelse till enhet", "Reminder to a unit"),
    TimerKind.ANSWER_BEGINS: S("Dagen för en enhets svar", "The day of a unit's answer"),
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
LETTER_CALL = {
    "ours": S("den som driver Sigill: felet är vårt", "whoever runs Sigill: the fault is ours"),
    "orders": S(
        "leverantören av journalsystemet som skickade beställningen",
        "the vendor of the record system that sent the order",
    ),
    "sources": S(
        "den som förvaltar källan (folkbokföringen eller katalogen); bara den kan skicka om",
        "whoever runs the source (the population register or the directory); only they can send it again",
    ),
}
"""Whom to call about a dead letter."""
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
    "time_stamp": S("Tidsstämpel", "Time stamp"),
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
    "given": S("Kopian utlämnad", "Copy handed out"),
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
CASE_STATE = {
    "open": S("öppet", "open"),
    "judged": S("prövas", "being judged"),
    "decided": S("avgjord; svar återstår", "decided; an answer remains"),
    "to_close": S("klar att avsluta", "ready to be closed"),
    "closed": S("avslutat", "closed"),
}
CASE_STEP = {
    "ask_authority": S(
        "Fråga polis eller socialtjänst om något skydd behöver stå kvar",
        "Ask police or social services whether any protection needs to stay",
    ),
    "await_authority": S("Invänta myndighetens svar", "Wait for the authority's answer"),
    "chase_authority": S("Påminn myndigheten", "Remind the authority"),
    "tell_units": S(
        "Underrätta enheterna: en myndighet säger att skyddet behöver stå kvar",
        "Tell the units: an authority says that the protection needs to stay",
    ),
    "await_unit": S("Invänta enhetens ställningstagande", "Wait for the unit's answer"),
    "remind_unit": S("Påminn enheten", "Remind the unit"),
    "name_successor": S("Ange en efterträdare till enheten", "Name the unit's successor"),
    "staff_order": S(
        "Pröva om personal ska beställa hävning: ingen enhet har beslutat åtgärden",
        "Judge whether staff are to order the release: no unit decided on the measure",
    ),
    "reply": S("Svara den som frågade", "Answer the one who asked"),
    "send_letter": S("Skicka regionens brev", "Send the region's letter"),
    "await_receipt": S("Invänta mottagningsbeviset", "Wait for the delivery receipt"),
    "chase_receipt": S(
        "Spåra brevet: inget mottagningsbevis har kommit", "Trace the letter: no delivery receipt has come"
    ),
    "await_form": S(
        "Invänta blanketten som följde med brevet", "Wait for the form that went with the letter"
    ),
    "close": S("Avsluta ärendet", "Close the case"),
}
CASE_ENTRY = {
    "opened": S("Ärendet öppnat", "Case opened"),
    "letter_sent": S("Brev skickat", "Letter sent"),
    "letter_received": S("Vad som blev av brevet", "What became of the letter"),
    "authority_asked": S("Myndighet tillfrågad", "Authority asked"),
    "authority_answered": S("Myndighetens svar", "Authority's answer"),
    "replied": S("Svar till den som frågade", "Reply to the one who asked"),
    "closed": S("Ärendet avslutat", "Case closed"),
    "withdrawn": S("Återtaget", "Withdrawn"),
}
AUTHORITY = {
    AskedAuthority.SOCIAL_SERVICES: S("socialtjänsten", "social services"),
    AskedAuthority.POLICE: S("polisen", "the police"),
    AskedAuthority.OTHER_AUTHORITY: S("annan myndighet", "another authority"),
}
AUTHORITY_ANSWER = {
    AuthorityAnswer.NOTHING_STAYS: S("inget skydd behöver stå kvar", "no protection needs to stay"),
    AuthorityAnswer.PROTECTION_STAYS: S("skyddet behöver stå kvar", "the protection needs to stay"),
    AuthorityAnswer.CANNOT_SAY: S("kan inte svara", "cannot say"),
}
LETTER_ARRIVAL = {
    "delivered": S("utlämnat till mottagaren", "handed out to the addressee"),
    "came_back": S("kom i retur", "came back"),
}
LETTER_OBJECTION = {
    "silenced": S(
        "En beställning säger att personen inte ska få veta något om åtgärden: brevet får inte gå dit.",
        "An order says that this person is not to be told of the measure: the letter must not go there.",
    ),
    "not_true": S(
        "Inget som ärendet gäller omfattar personen längre: brevet skulle säga något som inte stämmer.",
        "Nothing that the case is about concerns that person any more: the letter would say what is not so.",
    ),
    "not_concerned": S(
        "Personen är inte längre vårdnadshavare, eller har patienten eller personen avlidit: inget brev går.",
        "The person is no guardian any more, or patient or person has died: no letter goes.",
    ),
    "protected_identity": S(
        "Skyddade personuppgifter stänger ute vårdnadshavaren: inget om barnet går dit.",
        "Protected identity shuts the guardian out: nothing about the child goes there.",
    ),
    "minor": S(
        "En minderårig får aldrig brev: personalen berättar på plats.",
        "A minor never gets a letter: staff tell in person.",
    ),
}
REPLY = {
    "standard_reply": S("regionens standardsvar", "the region's standard reply"),
    "notice": S("Sigills underrättelse", "Sigill's notice"),
    "own_words": S("personalens egna ord", "staff's own words"),
    "nothing": S("inget svar ges", "no answer is given"),
}
CASE_FAULT = {
    "not_kept": S(
        "Blanketten som ärendet började med finns inte kvar, och ärendets texter är gallrade: inget mer kan antecknas.",
        "The form that the case began with is not kept any more, and its texts are disposed of: no more can be written.",
    ),
    "nothing_stands": S(
        "Inget som beställningen ledde till gäller längre: det finns inget ärende att öppna.",
        "Nothing that the order brought is in force any more: there is no case to open.",
    ),
    "posting_number": S(
        "Ange brevets sändningsnummer, eller mottagningsbevisets id i journalen.",
        "Give the letter's posting number, or the receipt's id in the record.",
    ),
    "letter": S(
        "Brevet passar inte ärendet, eller får inte gå till den personen just nu.",
        "The letter does not fit the case, or must not go to that person just now.",
    ),
    "is_closed": S("Ärendet är avslutat. Öppna det igen först.", "The case is closed. Open it again first."),
    "not_open": S(
        "Anteckningen finns inte, eller är redan besvarad eller återtagen. Ladda om sidan.",
        "There is no such entry, or it is answered or withdrawn already. Load the page again.",
    ),
    "code": S("Välj ett av alternativen.", "Choose one of the alternatives."),
    "day": S(
        "Ange dagen: inte senare än i dag, och inte före det som den svarar på.",
        "Give the day: not later than today, and not before what it answers.",
    ),
    "reference": S("Ange myndighetens ärendenummer.", "Give the authority's case number."),
    "name": S("Skriv vilket kontor eller vilken myndighet.", "Write which office or authority."),
    "not_an_asker": S("Den personen har inte frågat.", "That person has not asked."),
    "steps_left": S(
        "Något återstår att göra. Ärendet avslutas sist.", "Something is left to do. Closing comes last."
    ),
    "reason": S("Skriv en anledning.", "Write a reason."),
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
    "letter_call": LETTER_CALL,
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
    "case_state": CASE_STATE,
    "case_step": CASE_STEP,
    "case_entry": CASE_ENTRY,
    "case_fault": CASE_FAULT,
    "authority": {str(key): value for key, value in AUTHORITY.items()},
    "authority_answer": {str(key): value for key, value in AUTHORITY_ANSWER.items()},
    "reply": REPLY,
    "letter_arrival": LETTER_ARRIVAL,
    "letter_objection": LETTER_OBJECTION,
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
