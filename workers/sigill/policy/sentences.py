"""What is said to people, in Swedish and English. No name, no identity number, no motivation."""

from sigill.policy.effects import Sentence
from sigill.policy.rulebook import OwnAttestation
from sigill_contracts.vocabulary import (
    AccessReason,
    Attestation,
    DocumentKind,
    Form,
    MeasureKind,
    PendingCode,
    RefusalCode,
    Remark,
    Service,
    Template,
)

_R = RefusalCode

REFUSAL: dict[RefusalCode, Sentence] = {
    _R.SIGNATURE_INVALID: Sentence(
        "Underskriften stämmer inte med innehållet.", "The signature does not fit the content."
    ),
    _R.SIGNATURE_FORM_NOT_ACCEPTED: Sentence(
        "Underskriften är inte gjord på ett sätt som godtas.",
        "The signature is not made in a way that is accepted.",
    ),
    _R.CERTIFICATE_UNTRUSTED: Sentence(
        "Certifikatet kommer inte från en utfärdare som godtas.",
        "The certificate does not come from an issuer that is accepted.",
    ),
    _R.CERTIFICATE_EXPIRED: Sentence(
        "Certifikatet gällde inte när beställningen skrevs under.",
        "The certificate was not valid when the order was signed.",
    ),
    _R.CERTIFICATE_REVOKED: Sentence("Certifikatet är spärrat.", "The certificate has been revoked."),
    _R.REVOCATION_UNKNOWN: Sentence(
        "Det går inte att få veta om certifikatet är spärrat.",
        "Whether the certificate has been revoked cannot be known.",
    ),
    _R.CERTIFICATE_NOT_FOR_SIGNING: Sentence(
        "Certifikatet är inte till för underskrift av beslut.",
        "The certificate is not meant for signing decisions.",
    ),
    _R.ALGORITHM_NOT_ALLOWED: Sentence(
        "Underskriftens algoritm godtas inte.", "The algorithm of the signature is not accepted."
    ),
    _R.SIGNATURE_TOO_OLD: Sentence(
        "Underskriften är för gammal. Skriv under på nytt.", "The signature is too old. Sign anew."
    ),
    _R.SIGNED_IN_FUTURE: Sentence(
        "Underskriftens tid ligger i framtiden.", "The time of the signature lies ahead."
    ),
    _R.REPLAYED_WITH_CHANGES: Sentence(
        "En annan beställning har redan kommit med samma id. Skicka denna med ett nytt.",
        "Another order has already come under the same id. Send this one under a new one.",
    ),
    _R.WRONG_AUDIENCE: Sentence(
        "Beställningen är inte ställd till detta system.", "The order is not addressed to this system."
    ),
    _R.ENVELOPE_MISMATCH: Sentence(
        "Kuvertet stämmer inte med den underskrivna beställningen.",
        "The envelope does not fit the signed order.",
    ),
    _R.SIGNER_IS_NOT_DECIDER: Sentence(
        "Den som har skrivit under är inte den som har beslutat, eller på telefon och papper inte supporten.",
        "The signer is not the decider, nor, by phone or on paper, a support operator.",
    ),
    _R.DECIDER_UNKNOWN: Sentence(
        "Beslutsfattaren finns inte i personalkatalogen.", "The decider is not in the staff directory."
    ),
    _R.DECIDER_LACKS_ROLE: Sentence(
        "Beslutsfattaren har inte en roll som får besluta detta.",
        "The decider has no role that may decide this.",
    ),
    _R.DECIDER_NOT_ACTIVE: Sentence(
        "Beslutsfattarens uppdrag gällde inte när beslutet fattades.",
        "The decider's assignment was not in force at the decision.",
    ),
    _R.DECIDER_WRONG_UNIT: Sentence(
        "Beslutsfattaren har sitt uppdrag på en annan enhet.", "The decider's assignment is at another unit."
    ),
    _R.CONSULTATION_MISSING: Sentence(
        "Beslutet ska fattas i samråd, och samrådet saknas.",
        "The decision takes a consultation, which is missing.",
    ),
    _R.INITIATIVE_NOT_ALLOWED: Sentence(
        "Detta kan inte beställas på det initiativet.", "This cannot be ordered on that initiative."
    ),
    _R.FORM_NOT_OFFERED: Sentence(
        "Regionen erbjuder inte den blanketten.", "The region does not offer that form."
    ),
    _R.CHANNEL_NOT_ALLOWED: Sentence(
        "Detta kan inte beställas den vägen.", "This cannot be ordered through that channel."
    ),
    _R.ATTESTATION_MISSING: Sentence("Ett intygande saknas.", "An attestation is missing."),
    _R.END_DATE_REQUIRED: Sentence("Slutdatum krävs.", "An end date is required."),
    _R.END_DATE_TOO_LATE: Sentence(
        "Slutdatum ligger efter den dag då åtgärden senast upphör.",
        "The end date is after the last day that the measure can have.",
    ),
    _R.END_DATE_IN_PAST: Sentence("Slutdatum har passerat.", "The end date has passed."),
    _R.END_DATE_NOT_ALLOWED: Sentence("Slutdatum kan inte anges här.", "An end date cannot be given here."),
    _R.UNITS_REQUIRED: Sentence("Minst en enhet ska anges.", "At least one unit must be named."),
    _R.UNITS_NOT_ALLOWED: Sentence(
        "Åtgärden gäller hela journalen; enheter kan inte anges.",
        "The measure covers the whole record; units cannot be named.",
    ),
    _R.INFORMATION_DATES_NEED_UNITS: Sentence(
        "Datum för information kan bara anges tillsammans med enheter.",
        "Information dates can be given only together with units.",
    ),
    _R.AGE_NOT_ELIGIBLE: Sentence(
        "Patientens ålder medger inte detta.", "The patient's age does not allow this."
    ),
    _R.PATIENT_UNKNOWN: Sentence(
        "Patienten finns inte i befolkningsregistret.", "The patient is not in the population register."
    ),
    _R.PATIENT_DEAD: Sentence("Patienten är avliden.", "The patient has died."),
    _R.RESERVE_NUMBER: Sentence(
        "Med reservnummer kan åtkomst inte ges.", "Access cannot be given with a reserve number."
    ),
    _R.IDENTITY_UNCERTAIN: Sentence(
        "Patientens identitet är osäker.", "The patient's identity is uncertain."
    ),
    _R.PROTECTED_IDENTITY: Sentence(
        "Barnet eller vårdnadshavaren har skyddade personuppgifter.",
        "The child or the guardian has protected identity.",
    ),
    _R.NOT_A_GUARDIAN: Sentence(
        "Den angivna personen är inte vårdnadshavare.", "The person named is not a guardian."
    ),
    _R.RECIPIENT_SHUT_OUT: Sentence(
        "Journalkopia lämnas inte till en vårdnadshavare som är utestängd.",
        "A copy on paper is not given to a guardian who is shut out.",
    ),
    _R.REPRESENTATIVE_REQUIRED: Sentence(
        "En legal ställföreträdare (god man eller förvaltare) med uppdraget att sörja för person ska anges.",
        "A legal representative, appointed by court with the duty to care for the person, must be named.",
    ),
    _R.COURT_ORDER_REQUIRED: Sentence(
        "Domstolens förordnande ska visas.", "The court's appointment must be shown."
    ),
    _R.REFERENCE_MISSING: Sentence(
        "En handling i journalen ska anges.", "A document in the record must be named."
    ),
    _R.PRINCIPAL_CONSENT_REQUIRED: Sentence(
        "Huvudmannens samtycke och egenhändiga underskrift krävs.",
        "The principal's consent and signature by hand are required.",
    ),
    _R.NOTHING_TO_RELEASE: Sentence(
        "Det finns ingen sådan åtgärd att häva.", "There is no such measure to release."
    ),
    _R.MADE_ELSEWHERE: Sentence(
        "Åtgärden gjordes utanför Sigill och kan inte hävas med en beställning.",
        "The measure was made outside Sigill and cannot be released by an order.",
    ),
    _R.FOLLOW_UP_UNKNOWN: Sentence(
        "Det finns inget gällande att följa upp.", "There is nothing in force to follow up."
    ),
    _R.UNIT_NOT_INITIATOR: Sentence(
        "Bara en enhet som själv har begärt åtgärden får häva den.",
        "Only a unit that itself asked for the measure may lift it.",
    ),
    _R.MOTIVATION_REQUIRED: Sentence("Motivering krävs.", "A motivation is required."),
    _R.CALLER_NOT_IDENTIFIED: Sentence(
        "Den som ringde har inte uppgett vem den är.", "The caller is not identified."
    ),
    _R.FIELD_INVALID: Sentence(
        "Ett fält i blanketten är fel ifyllt.", "A field of the form is filled in wrongly."
    ),
}

PENDING: dict[PendingCode, Sentence] = {
    PendingCode.AWAITING_SIGNED_FORM: Sentence(
        "Åtgärden gäller från samtalet; den underskrivna blanketten ska följa.",
        "The measure holds from the call; the signed form must follow.",
    ),
    PendingCode.AWAITING_UNITS: Sentence(
        "Alla enheter som har beställt åtgärden ska ta ställning.",
        "Every unit that initiated the measure must answer.",
    ),
    PendingCode.AWAITING_REVOCATION_STATUS: Sentence(
        "Det går just nu inte att få veta om certifikatet är spärrat; det som öppnar väntar.",
        "Whether the certificate is revoked cannot be known now; what opens waits.",
    ),
    PendingCode.AWAITING_FOLLOW_UP_DECISION: Sentence(
        "Ett beslut om fortsättning ska följa.", "A follow-up decision must come."
    ),
    PendingCode.NOT_YET_VALID: Sentence(
        "Beställningen gäller från en senare dag.", "The order holds from a later day."
    ),
    PendingCode.CUSTODY_UNCONFIRMED: Sentence(
        "Registret kan inte bekräfta vårdnaden än.", "The register cannot confirm custody yet."
    ),
    PendingCode.AWAITING_EARLIER_MESSAGE: Sentence(
        "Ett tidigare meddelande om samma patient kunde inte läsas; det som öppnar väntar.",
        "An earlier message about the same patient could not be read; what opens waits.",
    ),
    PendingCode.PATIENT_NOT_YET_KNOWN: Sentence(
        "Patienten finns inte i registret än; skyddet väntar på uppgiften.",
        "The patient is not in the register yet; the protection waits for it.",
    ),
}

REMARK: dict[Remark, Sentence] = {
    Remark.OVERRIDDEN: Sentence(
        "Ett medgivande har ingen verkan så länge en begränsning gäller.",
        "A grant has no effect while a restriction is in force.",
    ),
    Remark.OTHERS_AFFECTED: Sentence(
        "Även en annan vårdnadshavare förlorar något.", "Another guardian loses something too."
    ),
    Remark.SEAL_MAY_BE_MEANT: Sentence(
        "Alla vårdnadshavare omfattas: kanske avses försegling.",
        "All guardians are concerned: a seal may be meant.",
    ),
    Remark.MADE_ELSEWHERE: Sentence(
        "En åtgärd som gjordes utanför Sigill gäller fortfarande.",
        "A measure that was made outside Sigill is still in force.",
    ),
    Remark.STILL_HOLDS: Sentence("Andra åtgärder gäller fortfarande.", "Other measures are still in force."),
    Remark.WIDENED_TO_ALL_GUARDIANS: Sentence(
        "Akut gäller åtgärden alla vårdnadshavare.", "An urgent measure covers all guardians."
    ),
    Remark.LOGIN_UNTOUCHED: Sentence(
        "Inloggningen i e-tjänsterna berörs inte.", "The login to the e-services is untouched."
    ),
    Remark.LONG_DURATION: Sentence(
        "Åtgärden är tillfällig men gäller i mer än tolv månader.",
        "The measure is temporary and yet runs for more than twelve months.",
    ),
    Remark.RESUMED_AFTER_END: Sentence(
        "Beslutet fattades i tid men kom efter åtgärdens slut. Åtgärden gäller igen från det att beslutet kom; "
        "däremellan gällde den inte.",
        "The decision was made in time and came after the measure's end. The measure holds again from when the "
        "decision came; in between it did not.",
    ),
    Remark.CALL_NOT_FOUND: Sentence(
        "Samtalet som blanketten anger finns inte. Blanketten har prövats för sig och bekräftar inget samtal.",
        "The call that the form names is not known. The form was judged by itself and confirms no call.",
    ),
    Remark.ALREADY_IN_FORCE: Sentence(
        "Det som beställs gäller redan. Ingen ny åtgärd har lagts till.",
        "What is ordered is in force already. No new measure was added.",
    ),
    Remark.DECIDED_BEFORE_RELEASE: Sentence(
        "Beslutet fattades före en hävning av samma sak men kom efter den. Det har verkställts: pröva om det ska gälla.",
        "The decision was made before a release of the same thing and came after it. It was carried out: judge "
        "whether it is to hold.",
    ),
    Remark.LATER_VERSION: Sentence(
        "Samtalet togs emot enligt en tidigare version av reglerna. Den version som blanketten följer avgör vad som ingår.",
        "The call was taken under an earlier version of the rules. The version that the form follows says what it brings.",
    ),
    Remark.CLINIC_UNKNOWN: Sentence(
        "Katalogen säger inte vilken klinik beslutsfattarens enhet hör till; åtgärden gäller och kontrolleras.",
        "The directory does not say which clinic the decider's unit belongs to; the measure holds, and is checked.",
    ),
}

SUCCESSOR_WANTED = Sentence(
    "Enheten som beslutade om åtgärden är stängd och ingen efterträdare är känd: två handläggare anger vilken enhet som "
    "har tagit över.",
    "The unit that decided on the measure is closed and no successor is known: two operators name the unit that took "
    "over.",
)

ATTESTATION: dict[Attestation, Sentence] = {
    Attestation.OWN_WILL: Sentence("personens egen vilja", "the person's own will"),
    Attestation.NO_THREAT: Sentence("att inget hot finns", "that there is no threat"),
    Attestation.NO_COERCION: Sentence("att inget tvång ligger bakom", "that no coercion lies behind"),
    Attestation.PHYSICAL_MEETING: Sentence("fysiskt möte", "a physical meeting"),
    Attestation.IDENTITY_VERIFIED: Sentence("styrkt identitet", "verified identity"),
    Attestation.INFORMED_OF_CONSEQUENCES: Sentence(
        "information om vad det innebär", "being informed of what it means"
    ),
    Attestation.CALLED_BACK: Sentence("motringning", "a call back"),
    Attestation.HARM_ASSESSMENT: Sentence("menprövning", "a harm assessment"),
    Attestation.MATURITY_ASSESSED: Sentence("bedömd mognad", "an assessment of maturity"),
    Attestation.CONSULTED_CHILD: Sentence("samråd med barnet", "talks with the child"),
    Attestation.CONSULTED_GUARDIAN: Sentence("samråd med vårdnadshavare", "talks with the guardian"),
    Attestation.PRINCIPAL_CONSENT: Sentence("huvudmannens samtycke", "the principal's consent"),
    Attestation.PRINCIPAL_SIGNED: Sentence("huvudmannens underskrift", "the principal's signature"),
    Attestation.REPORTED_TO_AUTHORITY: Sentence("anmälan till myndighet", "a report to an authority"),
    Attestation.OTHER_REGION_CONSULTED: Sentence(
        "samråd med den region som införde åtgärden", "talks with the region that imposed the measure"
    ),
    Attestation.AUTHORITY_CONFIRMED: Sentence(
        "avstämt med polis eller socialtjänst", "confirmation by police or social services"
    ),
}

DOCUMENT: dict[DocumentKind, Sentence] = {
    DocumentKind.COURT_ORDER: Sentence("domstolens beslut", "the court's order"),
    DocumentKind.HAND_SIGNED_FORM: Sentence(
        "blanketten med egenhändig underskrift", "the form signed by hand"
    ),
    DocumentKind.REPORT: Sentence("anmälan", "the report"),
    DocumentKind.DELIVERY_RECEIPT: Sentence(
        "mottagningsbeviset för brevet", "the receipt of the letter's delivery"
    ),
}

MEASURE: dict[MeasureKind, Sentence] = {
    MeasureKind.JOURNAL_SEAL: Sentence("försegling av journalen", "seal of the journal"),
    MeasureKind.LOGIN_LOCK: Sentence("låsning av inloggningen", "lock of the login"),
    MeasureKind.GUARDIAN_BLOCK: Sentence("blockering av vårdnadshavare", "block of guardians"),
    MeasureKind.CHILD_SEAL: Sentence(
        "försegling av barnets konto och journal", "seal of the child's account and journal"
    ),
    MeasureKind.GUARDIAN_RESTRICTION: Sentence("undantag för vårdnadshavare", "restriction of a guardian"),
    MeasureKind.GUARDIAN_GRANT: Sentence("direktåtkomst för vårdnadshavare", "a guardian's access"),
    MeasureKind.MINOR_GRANT: Sentence("direktåtkomst för minderårig", "a minor's own access"),
    MeasureKind.REPRESENTATIVE_GRANT: Sentence(
        "åtkomst för legal ställföreträdare", "a legal representative's access"
    ),
}

FORM: dict[Form, Sentence] = {
    Form.SEAL_JOURNAL: Sentence("Försegling av journalen", "Seal the journal"),
    Form.RELEASE_JOURNAL_SEAL: Sentence("Bryta försegling", "Break a seal"),
    Form.LOCK_LOGIN: Sentence("Låsa 1177-konto", "Lock the login"),
    Form.RELEASE_LOGIN_LOCK: Sentence("Häva låsning", "Lift a lock"),
    Form.BLOCK_GUARDIANS: Sentence("Blockera vårdnadshavares tillgång", "Block guardians"),
    Form.RELEASE_GUARDIAN_BLOCK: Sentence("Bryta blockering", "Break a block"),
    Form.SEAL_CHILD: Sentence("Försegling av barns konto och journal", "Seal a child's account and journal"),
    Form.RELEASE_CHILD_SEAL: Sentence("Upplåsning", "Unlock"),
    Form.CONTINUE_MEASURE: Sentence("Fortsatt försegling", "Continue a measure"),
    Form.EXTEND_MEASURE: Sentence("Förlängning", "Extend a measure"),
    Form.GRANT_GUARDIAN_ACCESS: Sentence("Direktåtkomst för vårdnadshavare", "Guardian's access"),
    Form.REVOKE_GUARDIAN_ACCESS: Sentence(
        "Ta bort direktåtkomst, vårdnadshavare", "Remove a guardian's access"
    ),
    Form.GRANT_MINOR_ACCESS: Sentence("Direktåtkomst för minderårig", "A minor's own access"),
    Form.REVOKE_MINOR_ACCESS: Sentence("Ta bort direktåtkomst, minderårig", "Remove a minor's access"),
    Form.RESTRICT_GUARDIAN_ACCESS: Sentence("Undantag för vårdnadshavare", "Restrict a guardian"),
    Form.RELEASE_GUARDIAN_RESTRICTION: Sentence("Undantag upphör", "End a restriction"),
    Form.APPOINT_REPRESENTATIVE: Sentence("Ombud i journal", "Appoint a representative"),
    Form.REVOKE_REPRESENTATIVE: Sentence("Ta bort ombud", "Remove a representative"),
    Form.UNIT_OPINION: Sentence("Ställningstagande till upplåsning", "A unit's opinion on unlocking"),
    Form.REQUEST_RELEASE: Sentence("Begäran om upplåsning", "Request to unlock"),
    Form.GIVE_PAPER_COPY: Sentence(
        "Journalkopia på papper under försegling", "A copy on paper during a seal"
    ),
}

SERVICE: dict[Service, Sentence] = {
    Service.JOURNAL: Sentence("1177 Journalen", "the online journal"),
    Service.E_SERVICES: Sentence("e-tjänsterna på 1177", "the e-services"),
    Service.PAPER_COPY: Sentence("journalkopia på papper", "a paper copy"),
}


def attestation_words(what: Attestation | OwnAttestation) -> Sentence:
    """An attestation in words: one of every region's, or one that a region declares."""
    return Sentence(what.sv, what.en) if isinstance(what, OwnAttestation) else ATTESTATION[what]


_A = AccessReason

ACCESS: dict[AccessReason, Sentence] = {
    _A.OWN_RECORD: Sentence("Det är den egna journalen.", "It is the person's own record."),
    _A.GUARDIAN_OF_CHILD_UNDER_13: Sentence(
        "Vårdnadshavare läser journalen tills barnet når åldern då det upphör.",
        "A guardian reads the record until the child reaches the age at which that ends.",
    ),
    _A.GUARDIAN_GRANT: Sentence(
        "Vårdnadshavaren har fått åtkomst till enhetens journal.",
        "The guardian was given access to the unit's record.",
    ),
    _A.MINOR_GRANT: Sentence(
        "Den unga har fått åtkomst till enhetens journal.",
        "The young person was given access to the unit's record.",
    ),
    _A.REPRESENTATIVE_GRANT: Sentence(
        "Den legala ställföreträdaren har fått åtkomst.", "The legal representative was given access."
    ),
    _A.OWN_ACCOUNT: Sentence("Det är det egna kontot.", "It is the person's own account."),
    _A.GUARDIAN_PROXY: Sentence(
        "Vårdnadshavare är ombud tills barnet når åldern för egen inloggning.",
        "A guardian is proxy until the child reaches the age of an own login.",
    ),
    _A.NO_RELATION: Sentence(
        "Ingen känd relation ger rätt till åtkomst.", "No known relation gives a right of access."
    ),
    _A.AGE_13_TO_15: Sentence(
        "Den som inte har nått åldern för att läsa sin journal når den inte; vid särskilda skäl, kontakta dem som "
        "ansvarar för vården.",
        "Those who have not reached the age of reading their record do not reach it; with special reasons, contact "
        "those responsible for the care.",
    ),
    _A.GUARDIAN_OF_13_OR_OLDER: Sentence(
        "Barnet har nått åldern då vårdnadshavares åtkomst upphör.",
        "The child has reached the age at which guardians' access ends.",
    ),
    _A.UNDER_13_OWN_LOGIN: Sentence(
        "Barnet har inte nått åldern för egen inloggning.",
        "The child has not reached the age of an own login.",
    ),
    _A.JOURNAL_SEAL: Sentence("Journalen är förseglad.", "The journal is sealed."),
    _A.CHILD_SEAL: Sentence(
        "Barnets konto och journal är förseglade.", "The child's account and journal are sealed."
    ),
    _A.LOGIN_LOCK: Sentence("Inloggningen är låst.", "The login is locked."),
    _A.GUARDIAN_BLOCK: Sentence("Vårdnadshavarens tillgång är blockerad.", "The guardian is blocked."),
    _A.GUARDIAN_RESTRICTION: Sentence(
        "Enhetens journal visas inte för vårdnadshavaren.", "The unit's record is not shown to the guardian."
    ),
    _A.PROTECTED_IDENTITY: Sentence(
        "Barnet eller vårdnadshavaren har skyddade personuppgifter.",
        "The child or the guardian has protected identity.",
    ),
    _A.RESERVE_NUMBER: Sentence(
        "Med reservnummer visas ingen journal på nätet.", "With a reserve number no record is shown online."
    ),
    _A.NO_E_ID: Sentence("E-legitimation saknas.", "There is no e-ID."),
    _A.NO_FULL_PERSONNUMMER: Sentence("Fullständigt personnummer saknas.", "There is no full personnummer."),
    _A.PATIENT_DEAD: Sentence("Patienten är avliden.", "The patient has died."),
    _A.VIEWER_DEAD: Sentence("Den som frågar är avliden.", "The viewer has died."),
    _A.GRANT_EXPIRED: Sentence("Medgivandet har löpt ut.", "The grant has run out."),
    _A.PAPER_COPY_ASSESSED: Sentence(
        "En läkare har menprövat att journalkopian får lämnas, så länge åtgärden gäller.",
        "A physician has assessed that the copy on paper may be given, while the measure lasts.",
    ),
    _A.PAPER_COPY_REFUSED: Sentence(
        "En läkare har menprövat att journalkopian inte lämnas, så länge åtgärden gäller eller tills det prövas på nytt.",
        "A physician has assessed that the copy on paper is not given, while the measure lasts or until assessed again.",
    ),
    _A.SEALED_ELSEWHERE: Sentence(
        "En åtgärd som gjordes utanför Sigill, av invånaren i tjänsten eller av en annan region, hindrar.",
        "A measure that was made outside Sigill, by the resident in the service or by another region, stands in the way.",
    ),
    _A.SOURCE_SILENT: Sentence(
        "En källa till åtgärder som gjorts utanför Sigill har inte gått att läsa på för länge.",
        "A source of measures made outside Sigill has not been read for too long.",
    ),
    _A.NOT_SHOWN: Sentence(
        "Regionen visar inte sådan information på nätet; den kan begäras på papper.",
        "The region does not show such information online; it may be asked for on paper.",
    ),
}
ACCESS |= {
    code.without_age: ACCESS[code]
    for code in (
        _A.GUARDIAN_OF_CHILD_UNDER_13,
        _A.GUARDIAN_OF_13_OR_OLDER,
        _A.AGE_13_TO_15,
        _A.UNDER_13_OWN_LOGIN,
    )
}

_T = Template

NOTICE: dict[Template, Sentence] = {
    _T.MEASURE_IMPOSED: Sentence("Åtkomsten på 1177 har begränsats.", "Access at 1177 has been limited."),
    _T.MEASURE_CONTINUED: Sentence(
        "Begränsningen av åtkomsten på 1177 gäller fortsatt.", "The limit on access at 1177 goes on."
    ),
    _T.MEASURE_RELEASED: Sentence("Åtkomsten på 1177 är öppen igen.", "Access at 1177 is open again."),
    _T.GRANT_GIVEN: Sentence("Åtkomst på 1177 har öppnats.", "Access at 1177 has been opened."),
    _T.GRANT_EXPIRING: Sentence("Åtkomsten på 1177 upphör snart.", "Access at 1177 ends soon."),
    _T.GRANT_EXPIRED: Sentence("Åtkomsten på 1177 har upphört.", "Access at 1177 has ended."),
    _T.GRANT_REVOKED: Sentence("Åtkomsten på 1177 har tagits bort.", "Access at 1177 has been removed."),
    _T.AGE_13_AHEAD: Sentence(
        "Barnet når snart åldern för egen inloggning.", "The child soon reaches the age of an own login."
    ),
    _T.AGE_13: Sentence(
        "Barnet har nått åldern för egen inloggning.", "The child has reached the age of an own login."
    ),
    _T.AGE_16_AHEAD: Sentence(
        "Den unga når snart åldern för att läsa sin journal.",
        "The young person soon reaches the age of reading the own record.",
    ),
    _T.AGE_16: Sentence(
        "Den unga har nått åldern för att läsa sin journal.",
        "The young person has reached the age of reading the own record.",
    ),
    _T.AGE_18: Sentence("Den unga har blivit myndig.", "The young person has come of age."),
    _T.FOLLOW_UP_OVERDUE: Sentence(
        "Ett beslut om fortsättning har inte kommit i tid. Skyddet gäller tills beslut fattas.",
        "A follow-up decision did not come in time. The protection stays until one is made.",
    ),
    _T.SIGNED_FORM_OVERDUE: Sentence(
        "Den underskrivna blanketten efter en telefonbeställning saknas. Skyddet gäller tills vidare.",
        "The signed form after a phone order is missing. The protection stays.",
    ),
    _T.MEASURE_ENDING: Sentence(
        "En åtgärd som er enhet har beslutat om upphör snart. Pröva om den ska förlängas.",
        "A measure that your unit decided on ends soon. Judge whether it is to be extended.",
    ),
    _T.REVIEW_DUE: Sentence(
        "Ett förnyat beslut ska fattas om en åtgärd som er enhet har beslutat om.",
        "A renewed decision is due on a measure that your unit decided on.",
    ),
    _T.ORDER_ENTERED: Sentence(
        "Supporten har lagt in en beställning i namnet på en beslutsfattare vid er enhet.",
        "The support desk has entered an order in the name of a decider at your unit.",
    ),
    _T.CARD_REVOKED_LATE: Sentence(
        "En beställning har utförts, och kortet som den skrevs under med visar sig ha varit spärrat. Skyddet gäller "
        "tills ett nytt beslut fattas. Ta reda på vem som skrev under.",
        "An order was carried out, and the card that signed it turns out to have been revoked. The protection stays "
        "until a new decision is made. Find out who signed.",
    ),
    _T.STANDARD_REPLY: Sentence(
        "Regionens standardsvar till en vårdnadshavare som frågar.",
        "The region's standard reply to a guardian who asks.",
    ),
    _T.RELEASE_REFUSED: Sentence(
        "Begäran om upplåsning har prövats. Begränsningen gäller fortsatt.",
        "The request to unlock has been judged. The limit goes on.",
    ),
}
"""What each template is about; what is said to whom stands in `sigill.policy.wording`."""

TELL_IN_PERSON: dict[str, Sentence] = {
    "patient": Sentence(
        "Berätta för patienten själv om åtgärden: ingen brevlåda är säker. Se också till att ingen annan hör det.",
        "Tell the patient in person of the measure: no inbox is safe. See to it that nobody else hears it.",
    ),
    "guardian": Sentence(
        "Vårdnadshavaren har begärt upplåsning och ska inte underrättas skriftligt: avgör om och hur det berättas.",
        "The guardian has asked to unlock and must not be written to: decide whether and how to tell.",
    ),
}

STANDARD_REPLY_TASK = Sentence(
    "En vårdnadshavare har begärt upplåsning, och regionen har inget standardsvar: svara vårdnadshavaren.",
    "A guardian has asked to unlock, and the region has no standard reply: answer the guardian.",
)
