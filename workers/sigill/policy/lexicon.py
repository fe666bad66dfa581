"""
The one lexicon: every code that people are shown, in Swedish and English. No code has two texts.

Sentences that belong to judgements and notices stand in `sentences`; they are had from here, with the words for the
rest. Words are written as inside a sentence; `headed` makes a heading of one. A test holds that no code lacks words.
"""

from collections.abc import Mapping

from sigill.policy.effects import Sentence
from sigill.policy.measure_specs import ADMIN_JOURNALEN, PERSONALVERKTYGET
from sigill.policy.sentences import (
    ACCESS,
    ATTESTATION,
    DOCUMENT,
    FORM,
    MEASURE,
    NOTICE,
    PENDING,
    REFUSAL,
    REMARK,
    SERVICE,
)
from sigill_contracts.base import MAX_MESSAGE_BYTES
from sigill_contracts.dead_letter import DeadLetterReason
from sigill_contracts.topics import ORDERS
from sigill_contracts.vocabulary import (
    Channel,
    ContinueDecision,
    Duty,
    IdType,
    Initiative,
    Opinion,
    Outcome,
    RiskFrom,
    RiskSign,
    Role,
    Suppression,
)

ROLE: Mapping[Role, Sentence] = {
    Role.TREATING_PHYSICIAN: Sentence("behandlande läkare", "treating physician"),
    Role.PHYSICIAN: Sentence("läkare", "physician"),
    Role.SENIOR_PHYSICIAN: Sentence("överläkare", "senior physician"),
    Role.ON_CALL_PHYSICIAN: Sentence("bakjour", "on-call physician"),
    Role.HEAD_OF_UNIT: Sentence("verksamhetschef", "head of unit"),
    Role.HEAD_DELEGATE: Sentence("av verksamhetschefen utsedd", "delegate of the head of unit"),
    Role.LICENSED_STAFF: Sentence("annan legitimerad personal", "other licensed staff"),
    Role.TREATING_STAFF: Sentence("behandlande personal", "treating staff"),
    Role.SUPPORT_OPERATOR: Sentence("handläggare vid supporten", "support operator"),
}
INITIATIVE: Mapping[Initiative, Sentence] = {
    Initiative.RESIDENT: Sentence("invånaren", "the resident"),
    Initiative.GUARDIAN: Sentence("vårdnadshavaren", "the guardian"),
    Initiative.CHILD: Sentence("barnet", "the child"),
    Initiative.REPRESENTATIVE: Sentence("den legala ställföreträdaren", "the legal representative"),
    Initiative.CARE: Sentence("vården", "care"),
    Initiative.REGISTER: Sentence("folkbokföringen", "the population register"),
}
CHANNEL: Mapping[Channel, Sentence] = {
    Channel.EHR_FORM: Sentence("underskriven blankett i journalsystemet", "signed form in the EHR"),
    Channel.PHONE: Sentence("telefon till supporten", "phone to the support desk"),
    Channel.PAPER: Sentence("papper via supporten", "paper through the support desk"),
}
DUTY: Mapping[Duty, Sentence] = {
    Duty.PERSON: Sentence("sörja för person", "care for the person"),
    Duty.PROPERTY: Sentence("förvalta egendom", "manage property"),
    Duty.RIGHTS: Sentence("bevaka rätt", "guard rights"),
}
DECISION: Mapping[ContinueDecision, Sentence] = {
    ContinueDecision.KEEP: Sentence("åtgärden står kvar", "the measure stays"),
    ContinueDecision.RELEASE: Sentence("åtgärden hävs", "the measure is released"),
}
OPINION: Mapping[Opinion, Sentence] = {
    Opinion.AGREE: Sentence("enheten går med på upplåsning", "the unit agrees to unlock"),
    Opinion.KEEP: Sentence("enheten vill behålla skyddet", "the unit keeps the protection"),
}
OUTCOME: Mapping[Outcome, Sentence] = {
    Outcome.EXECUTED: Sentence("verkställd", "executed"),
    Outcome.REFUSED: Sentence("avvisad", "refused"),
    Outcome.PENDING: Sentence("väntar", "pending"),
    Outcome.DUPLICATE: Sentence("dubblett", "duplicate"),
    Outcome.UNREADABLE: Sentence("oläslig", "unreadable"),
}
ID_TYPE: Mapping[IdType, Sentence] = {
    IdType.PERSONNUMMER: Sentence("personnummer", "personal identity number"),
    IdType.SAMORDNINGSNUMMER: Sentence("samordningsnummer", "coordination number"),
    IdType.RESERVNUMMER: Sentence("reservnummer", "reserve number"),
}
SUPPRESSION: Mapping[Suppression, Sentence] = {
    Suppression.NOT_TRUE: Sentence(
        "det är inte vad som händer med mottagarens åtkomst",
        "it is not what happens to the recipient's access",
    ),
    Suppression.DAY_HAS_PASSED: Sentence("dagen har passerat", "its day has passed"),
    Suppression.PATIENT_DEAD: Sentence("patienten har avlidit", "the patient has died"),
    Suppression.RECIPIENT_DEAD: Sentence("mottagaren har avlidit", "the recipient has died"),
    Suppression.NOT_CONCERNED: Sentence(
        "mottagaren är inte längre vårdnadshavare", "the recipient is no longer a guardian"
    ),
    Suppression.PROTECTED_IDENTITY: Sentence(
        "barnet eller vårdnadshavaren har skyddade personuppgifter",
        "child or guardian has protected identity",
    ),
    Suppression.NOT_TO_BE_INFORMED: Sentence(
        "ett beslut säger att mottagaren inte ska underrättas", "a decision says not to tell the recipient"
    ),
    Suppression.NOT_TOLD_BY_DEFAULT: Sentence(
        "beställningen säger inget, och regionens regler underrättar inte",
        "the order leaves it out, and the region's rules do not tell",
    ),
    Suppression.GUARDIANS_READ_INBOX: Sentence(
        "barnet har ingen egen inloggning: personal berättar", "the child has no login of its own: staff tell"
    ),
    Suppression.RECIPIENT_UNKNOWN: Sentence("mottagaren är okänd", "the recipient is unknown"),
}
RISK: Mapping[RiskFrom, Sentence] = {
    RiskFrom.ONE_GUARDIAN: Sentence("en vårdnadshavare", "one guardian"),
    RiskFrom.ALL_GUARDIANS: Sentence(
        "alla vårdnadshavare, säkert eller kanske", "all guardians, surely or maybe"
    ),
    RiskFrom.SOMEBODY_ELSE: Sentence("någon annan", "somebody else"),
}
SIGN: Mapping[RiskSign, Sentence] = {
    RiskSign.TELLS_OF_HARM: Sentence(
        "patienten berättar om hot, våld eller övergrepp", "the patient tells of threat, violence or abuse"
    ),
    RiskSign.E_ID_CONTROLLED: Sentence(
        "någon annan har, eller kan kontrollera, patientens e-legitimation",
        "somebody else has, or may control, the patient's e-ID",
    ),
    RiskSign.PUNISHED_FOR_CARE: Sentence(
        "patienten kan straffas för sina vårdkontakter", "the patient may be punished for contacts with care"
    ),
    RiskSign.RECORD_DEMANDED: Sentence(
        "någon kräver att få se journalen", "somebody demands to be shown the record"
    ),
    RiskSign.FORCED_LOGIN: Sentence(
        "patienten tvingas logga in, eller kontot missbrukas",
        "the patient is forced to log in, or the account is misused",
    ),
    RiskSign.PROTECTED_PATIENT: Sentence(
        "patienten har skyddade personuppgifter", "the patient has protected identity"
    ),
    RiskSign.PROTECTED_GUARDIAN: Sentence(
        "en vårdnadshavare har skyddade personuppgifter", "a guardian has protected identity"
    ),
}
DEAD_LETTER: Mapping[DeadLetterReason, Sentence] = {
    DeadLetterReason.NOT_CLOUD_EVENT: Sentence("kuvertet går inte att läsa", "the envelope cannot be read"),
    DeadLetterReason.UNKNOWN_TYPE: Sentence("okänd händelsetyp", "unknown type of event"),
    DeadLetterReason.UNKNOWN_CONTENT_TYPE: Sentence("okänd innehållstyp", "unknown content type"),
    DeadLetterReason.TOO_LARGE: Sentence("för stort", "too large"),
    DeadLetterReason.NO_VALUE: Sentence("tomt meddelande", "no value"),
    DeadLetterReason.UNREADABLE_SIGNATURE: Sentence(
        "underskriften går inte att läsa", "the signature cannot be read"
    ),
    DeadLetterReason.UNREADABLE_PAYLOAD: Sentence(
        "innehållet går inte att läsa", "the content cannot be read"
    ),
    DeadLetterReason.UNREADABLE_RECORD: Sentence("får hanteringen att krascha", "makes handling crash"),
    DeadLetterReason.CONTRADICTS_ITSELF: Sentence("säger emot sig självt", "contradicts itself"),
    DeadLetterReason.GOES_BACKWARD: Sentence(
        "är äldre än det som redan är känt", "is older than what is known already"
    ),
    DeadLetterReason.PARTLY_READ: Sentence(
        "lästes bara delvis; det läsbara gäller", "was read in part only; what could be read counts"
    ),
}
UNREADABLE: Mapping[DeadLetterReason, Sentence] = {
    DeadLetterReason.NOT_CLOUD_EVENT: Sentence(
        "Kuvertet är ingen CloudEvents 1.0-händelse: specversion, id, source och type behövs, var och en med ett värde.",
        "The envelope is no CloudEvents 1.0 event: specversion, id, source and type are needed, each with one value.",
    ),
    DeadLetterReason.UNKNOWN_TYPE: Sentence(
        f"Händelsens type ska vara {ORDERS.event_type}.", f"The event's type must be {ORDERS.event_type}."
    ),
    DeadLetterReason.UNKNOWN_CONTENT_TYPE: Sentence(
        f"Innehållstypen (content-type) ska vara en av {', '.join(ORDERS.content_types)}.",
        f"The content type must be one of {', '.join(ORDERS.content_types)}.",
    ),
    DeadLetterReason.TOO_LARGE: Sentence(
        f"Meddelandet är större än {MAX_MESSAGE_BYTES // 1024} KiB.",
        f"The message is larger than {MAX_MESSAGE_BYTES // 1024} KiB.",
    ),
    DeadLetterReason.NO_VALUE: Sentence("Meddelandet har inget innehåll.", "The message has no value."),
    DeadLetterReason.UNREADABLE_SIGNATURE: Sentence(
        "Innehållet är varken en JWS eller ett underskrivet XML-dokument som går att läsa.",
        "The content is neither a JWS nor a signed XML document that can be read.",
    ),
    DeadLetterReason.UNREADABLE_PAYLOAD: Sentence(
        "Det underskrivna innehållet är inte JSON i UTF-8 med varje namn en gång.",
        "What was signed is not JSON in UTF-8 with each name once.",
    ),
}
"""What a receipt says to the sender of a message that could not be read: enough to mend it."""
NOTHING_DONE = Sentence(
    "Ingenting har gjorts. Meddelandet ligger bland de olästa (dead letters).",
    "Nothing was done. The message lies among the dead letters.",
)


ENTERED = {
    Channel.PHONE: Sentence(
        "En telefonbeställning har lagts in i ditt namn. Stämmer det inte, ring supporten genast.",
        "An order by phone was entered in your name. If that is not so, ring the support desk at once.",
    ),
    Channel.PAPER: Sentence(
        "En beställning på papper har lagts in i ditt namn. Stämmer det inte, ring supporten genast.",
        "An order on paper was entered in your name. If that is not so, ring the support desk at once.",
    ),
}
"""What the decider is told of an order that a support desk entered, by its channel."""


def entered_at_unit(channel: Channel, decided_by: str, registration: str) -> Sentence:
    """
    What the decider's unit is told of it. `decided_by` is an HSA-id; of the patient it says nothing: whoever asks about the
    registration number is told by the support desk.
    """
    how = (
        Sentence("per telefon", "by phone") if channel is Channel.PHONE else Sentence("på papper", "on paper")
    )
    return Sentence(
        f"Supporten har lagt in en beställning {how.sv} i namnet på {decided_by} vid er enhet, nummer {registration}. Fråga "
        "den som namnges, och ring supporten genast om den inte stämmer.",
        f"The support desk has entered an order {how.en} in the name of {decided_by} at your unit, number {registration}. Ask "
        "whoever is named, and ring the support desk at once if it is not so.",
    )


def headed(words: Sentence) -> Sentence:
    """The words as a heading, or at the beginning of a sentence."""
    return Sentence(words.sv[:1].upper() + words.sv[1:], words.en[:1].upper() + words.en[1:])


__all__ = [
    "ACCESS",
    "ATTESTATION",
    "CHANNEL",
    "DEAD_LETTER",
    "DECISION",
    "DOCUMENT",
    "DUTY",
    "ENTERED",
    "FORM",
    "ID_TYPE",
    "INITIATIVE",
    "MEASURE",
    "NOTHING_DONE",
    "NOTICE",
    "OPINION",
    "OUTCOME",
    "PENDING",
    "REFUSAL",
    "REMARK",
    "RISK",
    "ROLE",
    "SERVICE",
    "SIGN",
    "SUPPRESSION",
    "UNREADABLE",
    "entered_at_unit",
    "headed",
]


TARGETS: dict[str, Sentence] = {
    ADMIN_JOURNALEN: Sentence("Admin Journalen", "Admin Journalen"),
    PERSONALVERKTYGET: Sentence("Personalverktyget", "Personalverktyget"),
}
