"""The field's words: forms, measures, roles, services and every code that crosses the wall.

The Swedish term stands once, beside its English one. Codes are stable: consumers match on them.
"""

from enum import StrEnum
from typing import NewType

HsaId = NewType("HsaId", str)
"""A staff member's or a unit's id in the national catalogue (HSA-id)."""
UnitId = NewType("UnitId", str)
"""A care unit's HSA-id (vårdenhet)."""
PersonId = NewType("PersonId", str)
"""Sigill's own id of a person; it survives a changed identity number and says nothing about the person."""
OrderId = NewType("OrderId", str)
"""An order's UUID, unique in the EHR."""
MeasureId = NewType("MeasureId", str)
"""A measure's UUID, made from the order that imposed it."""
RegionCode = NewType("RegionCode", str)
"""A region's short name, as in the form: `kronoberg`. Which exist is said by the rulebooks, not by the code."""
RuleId = NewType("RuleId", str)
"""A rule of a region's document: `KR-17`."""


class IdType(StrEnum):
    """What kind of identity number names a person."""

    PERSONNUMMER = "personnummer"
    SAMORDNINGSNUMMER = "samordningsnummer"
    RESERVNUMMER = "reservnummer"


class Form(StrEnum):
    """Order types (blankett)."""

    SEAL_JOURNAL = "seal_journal"
    """Försegling av journalen."""
    RELEASE_JOURNAL_SEAL = "release_journal_seal"
    """Bryta eller häva försegling."""
    LOCK_LOGIN = "lock_login"
    """Låsa 1177-konto."""
    RELEASE_LOGIN_LOCK = "release_login_lock"
    """Häva låsning."""
    BLOCK_GUARDIANS = "block_guardians"
    """Blockera vårdnadshavares tillgång."""
    RELEASE_GUARDIAN_BLOCK = "release_guardian_block"
    """Bryta blockering."""
    SEAL_CHILD = "seal_child"
    """Försegling av barns konto och journal."""
    RELEASE_CHILD_SEAL = "release_child_seal"
    """Upplåsning."""
    CONTINUE_MEASURE = "continue_measure"
    """Fortsatt försegling."""
    EXTEND_MEASURE = "extend_measure"
    """Förlängning."""
    GRANT_GUARDIAN_ACCESS = "grant_guardian_access"
    """Direktåtkomst för vårdnadshavare, barn 13–15."""
    REVOKE_GUARDIAN_ACCESS = "revoke_guardian_access"
    """Ta bort direktåtkomst, vårdnadshavare."""
    GRANT_MINOR_ACCESS = "grant_minor_access"
    """Direktåtkomst för minderårig 13–15."""
    REVOKE_MINOR_ACCESS = "revoke_minor_access"
    """Ta bort direktåtkomst, minderårig."""
    RESTRICT_GUARDIAN_ACCESS = "restrict_guardian_access"
    """Undantag, vårdnadshavare till barn under 13."""
    RELEASE_GUARDIAN_RESTRICTION = "release_guardian_restriction"
    """Undantag upphör."""
    APPOINT_REPRESENTATIVE = "appoint_representative"
    """Ombud i journal, legal ställföreträdare."""
    REVOKE_REPRESENTATIVE = "revoke_representative"
    """Ta bort ombud."""
    UNIT_OPINION = "unit_opinion"
    """Ställningstagande till upplåsning."""
    REQUEST_RELEASE = "request_release"
    """Begäran om upplåsning."""
    GIVE_PAPER_COPY = "give_paper_copy"
    """Journalkopia på papper efter menprövning, medan en åtgärd gäller."""


class MeasureKind(StrEnum):
    """What is in force for a patient (åtgärd)."""

    JOURNAL_SEAL = "journal_seal"
    LOGIN_LOCK = "login_lock"
    GUARDIAN_BLOCK = "guardian_block"
    CHILD_SEAL = "child_seal"
    GUARDIAN_RESTRICTION = "guardian_restriction"
    GUARDIAN_GRANT = "guardian_grant"
    MINOR_GRANT = "minor_grant"
    REPRESENTATIVE_GRANT = "representative_grant"

    @property
    def opens(self) -> bool:
        """Whether the measure lets somebody in; every other kind protects."""
        return self in _GRANTS


_GRANTS = frozenset({MeasureKind.GUARDIAN_GRANT, MeasureKind.MINOR_GRANT, MeasureKind.REPRESENTATIVE_GRANT})


class MadeBy(StrEnum):
    """Who made a measure outside Sigill."""

    RESIDENT = "resident"
    """The patient, in the service itself (invånaren förseglar själv)."""
    REGION = "region"
    """A region that seals by other means than Sigill."""


IMPOSES: dict[Form, MeasureKind] = {
    Form.SEAL_JOURNAL: MeasureKind.JOURNAL_SEAL,
    Form.LOCK_LOGIN: MeasureKind.LOGIN_LOCK,
    Form.BLOCK_GUARDIANS: MeasureKind.GUARDIAN_BLOCK,
    Form.SEAL_CHILD: MeasureKind.CHILD_SEAL,
    Form.RESTRICT_GUARDIAN_ACCESS: MeasureKind.GUARDIAN_RESTRICTION,
    Form.GRANT_GUARDIAN_ACCESS: MeasureKind.GUARDIAN_GRANT,
    Form.GRANT_MINOR_ACCESS: MeasureKind.MINOR_GRANT,
    Form.APPOINT_REPRESENTATIVE: MeasureKind.REPRESENTATIVE_GRANT,
}
"""The measure that a form imposes. What else a region adds to it is said by its rulebook."""

RELEASES: dict[Form, MeasureKind] = {
    Form.RELEASE_JOURNAL_SEAL: MeasureKind.JOURNAL_SEAL,
    Form.RELEASE_LOGIN_LOCK: MeasureKind.LOGIN_LOCK,
    Form.RELEASE_GUARDIAN_BLOCK: MeasureKind.GUARDIAN_BLOCK,
    Form.RELEASE_CHILD_SEAL: MeasureKind.CHILD_SEAL,
    Form.RELEASE_GUARDIAN_RESTRICTION: MeasureKind.GUARDIAN_RESTRICTION,
    Form.REVOKE_GUARDIAN_ACCESS: MeasureKind.GUARDIAN_GRANT,
    Form.REVOKE_MINOR_ACCESS: MeasureKind.MINOR_GRANT,
    Form.REVOKE_REPRESENTATIVE: MeasureKind.REPRESENTATIVE_GRANT,
}
"""The measure that a form ends."""

PROTECTIVE_FORMS = frozenset(
    {form for form, kind in IMPOSES.items() if not kind.opens}
    | {form for form, kind in RELEASES.items() if kind.opens}
    | {Form.EXTEND_MEASURE}
)
"""Forms that only ever show less. In doubt these are applied and flagged; every other form waits."""


class Service(StrEnum):
    """What somebody wants to reach."""

    JOURNAL = "journal"
    """1177 Journalen."""
    E_SERVICES = "e_services"
    """Övriga e-tjänster på 1177."""
    PAPER_COPY = "paper_copy"
    """Journalkopia; always after a harm assessment by people."""


class Role(StrEnum):
    """What a staff member is at a unit (uppdrag)."""

    TREATING_PHYSICIAN = "treating_physician"
    """Behandlande läkare."""
    PHYSICIAN = "physician"
    """Läkare."""
    SENIOR_PHYSICIAN = "senior_physician"
    """Överläkare."""
    ON_CALL_PHYSICIAN = "on_call_physician"
    """Bakjour."""
    HEAD_OF_UNIT = "head_of_unit"
    """Verksamhetschef."""
    HEAD_DELEGATE = "head_delegate"
    """Av verksamhetschefen utsedd."""
    LICENSED_STAFF = "licensed_staff"
    """Annan legitimerad hälso- och sjukvårdspersonal."""
    TREATING_STAFF = "treating_staff"
    """Behandlande hälso- och sjukvårdspersonal."""
    SUPPORT_OPERATOR = "support_operator"
    """Handläggare vid supporten."""


class Initiative(StrEnum):
    """Who wants it (initiativ). `register` never comes in a form: it marks standing measures of the register."""

    RESIDENT = "resident"
    GUARDIAN = "guardian"
    CHILD = "child"
    REPRESENTATIVE = "representative"
    CARE = "care"
    REGISTER = "register"


class NotificationChannel(StrEnum):
    """How a notification had best reach its recipient."""

    INBOX = "1177"
    LETTER = "letter"
    PHONE = "phone"
    SMS = "sms"
    IN_PERSON = "in_person"
    """No message at all: the unit tells."""
    CONSOLE = "console"
    """The region's operators, or a unit."""


class Channel(StrEnum):
    """How the order came in."""

    EHR_FORM = "ehr_form"
    PHONE = "phone"
    PAPER = "paper"


class Attestation(StrEnum):
    """What the decider vouches for (intygande)."""

    OWN_WILL = "own_will"
    NO_THREAT = "no_threat"
    NO_COERCION = "no_coercion"
    PHYSICAL_MEETING = "physical_meeting"
    IDENTITY_VERIFIED = "identity_verified"
    INFORMED_OF_CONSEQUENCES = "informed_of_consequences"
    CALLED_BACK = "called_back"
    HARM_ASSESSMENT = "harm_assessment"
    """Menprövning."""
    MATURITY_ASSESSED = "maturity_assessed"
    CONSULTED_CHILD = "consulted_child"
    CONSULTED_GUARDIAN = "consulted_guardian"
    PRINCIPAL_CONSENT = "principal_consent"
    PRINCIPAL_SIGNED = "principal_signed"
    REPORTED_TO_AUTHORITY = "reported_to_authority"
    """Anmält till polis eller socialtjänst."""
    AUTHORITY_CONFIRMED = "authority_confirmed"
    OTHER_REGION_CONSULTED = "other_region_consulted"
    """Samråd med den region som införde åtgärden."""


class DocumentKind(StrEnum):
    """What a document in the record is, which a form names (handling)."""

    COURT_ORDER = "court_order"
    """Tingsrättens beslut."""
    HAND_SIGNED_FORM = "hand_signed_form"
    """Undertecknad pappersblankett, inskannad."""
    REPORT = "report"
    """Anmälan."""
    DELIVERY_RECEIPT = "delivery_receipt"
    """Mottagningsbevis för ett rekommenderat brev; `id` är sändningsnumret."""


class Duty(StrEnum):
    """What a court-appointed representative is to do (uppdrag enligt förordnandet)."""

    PERSON = "person"
    """Sörja för person."""
    PROPERTY = "property"
    """Förvalta egendom."""
    RIGHTS = "rights"
    """Bevaka rätt."""


class Opinion(StrEnum):
    """An initiating unit's answer to a request to release (ställningstagande)."""

    AGREE = "agree"
    KEEP = "keep"


class ContinueDecision(StrEnum):
    """What the decision that follows an urgent measure says."""

    KEEP = "keep"
    RELEASE = "release"


class Outcome(StrEnum):
    """What became of an order."""

    EXECUTED = "executed"
    REFUSED = "refused"
    PENDING = "pending"
    DUPLICATE = "duplicate"
    UNREADABLE = "unreadable"
    """A dead letter whose sender could be read: nothing was done."""


class RefusalCode(StrEnum):
    """Why an order was refused. A refusal carries every code that applies."""

    SIGNATURE_INVALID = "signature_invalid"
    SIGNATURE_FORM_NOT_ACCEPTED = "signature_form_not_accepted"
    CERTIFICATE_UNTRUSTED = "certificate_untrusted"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_REVOKED = "certificate_revoked"
    REVOCATION_UNKNOWN = "revocation_unknown"
    CERTIFICATE_NOT_FOR_SIGNING = "certificate_not_for_signing"
    ALGORITHM_NOT_ALLOWED = "algorithm_not_allowed"
    SIGNATURE_TOO_OLD = "signature_too_old"
    SIGNED_IN_FUTURE = "signed_in_future"
    REPLAYED_WITH_CHANGES = "replayed_with_changes"
    WRONG_AUDIENCE = "wrong_audience"
    ENVELOPE_MISMATCH = "envelope_mismatch"
    SIGNER_IS_NOT_DECIDER = "signer_is_not_decider"
    DECIDER_UNKNOWN = "decider_unknown"
    DECIDER_LACKS_ROLE = "decider_lacks_role"
    DECIDER_NOT_ACTIVE = "decider_not_active"
    DECIDER_WRONG_UNIT = "decider_wrong_unit"
    CONSULTATION_MISSING = "consultation_missing"
    INITIATIVE_NOT_ALLOWED = "initiative_not_allowed"
    FORM_NOT_OFFERED = "form_not_offered"
    CHANNEL_NOT_ALLOWED = "channel_not_allowed"
    ATTESTATION_MISSING = "attestation_missing"
    END_DATE_REQUIRED = "end_date_required"
    END_DATE_TOO_LATE = "end_date_too_late"
    END_DATE_IN_PAST = "end_date_in_past"
    END_DATE_NOT_ALLOWED = "end_date_not_allowed"
    UNITS_REQUIRED = "units_required"
    UNITS_NOT_ALLOWED = "units_not_allowed"
    INFORMATION_DATES_NEED_UNITS = "information_dates_need_units"
    AGE_NOT_ELIGIBLE = "age_not_eligible"
    PATIENT_UNKNOWN = "patient_unknown"
    PATIENT_DEAD = "patient_dead"
    RESERVE_NUMBER = "reserve_number"
    IDENTITY_UNCERTAIN = "identity_uncertain"
    PROTECTED_IDENTITY = "protected_identity"
    NOT_A_GUARDIAN = "not_a_guardian"
    RECIPIENT_SHUT_OUT = "recipient_shut_out"
    """A copy on paper is never given to a guardian who is shut out."""
    REPRESENTATIVE_REQUIRED = "representative_required"
    COURT_ORDER_REQUIRED = "court_order_required"
    REFERENCE_MISSING = "reference_missing"
    """The region's rules want a document in the record to be named, and the form names none of that kind."""
    PRINCIPAL_CONSENT_REQUIRED = "principal_consent_required"
    NOTHING_TO_RELEASE = "nothing_to_release"
    MADE_ELSEWHERE = "made_elsewhere"
    """What the order would release was made outside Sigill; the text says where to turn."""
    FOLLOW_UP_UNKNOWN = "follow_up_unknown"
    UNIT_NOT_INITIATOR = "unit_not_initiator"
    MOTIVATION_REQUIRED = "motivation_required"
    CALLER_NOT_IDENTIFIED = "caller_not_identified"
    FIELD_INVALID = "field_invalid"


class PendingCode(StrEnum):
    """What an order waits for."""

    AWAITING_SIGNED_FORM = "awaiting_signed_form"
    AWAITING_UNITS = "awaiting_units"
    AWAITING_REVOCATION_STATUS = "awaiting_revocation_status"
    AWAITING_FOLLOW_UP_DECISION = "awaiting_follow_up_decision"
    NOT_YET_VALID = "not_yet_valid"
    CUSTODY_UNCONFIRMED = "custody_unconfirmed"
    AWAITING_EARLIER_MESSAGE = "awaiting_earlier_message"
    PATIENT_NOT_YET_KNOWN = "patient_not_yet_known"


class Remark(StrEnum):
    """What a receipt points out; never a reason to refuse."""

    OVERRIDDEN = "overridden"
    OTHERS_AFFECTED = "others_affected"
    SEAL_MAY_BE_MEANT = "seal_may_be_meant"
    STILL_HOLDS = "still_holds"
    WIDENED_TO_ALL_GUARDIANS = "widened_to_all_guardians"
    LOGIN_UNTOUCHED = "login_untouched"
    LONG_DURATION = "long_duration"
    RESUMED_AFTER_END = "resumed_after_end"
    """The extension was decided in time and came late: the measure goes on from when it came (X-12)."""
    CALL_NOT_FOUND = "call_not_found"
    """No such call is known: the form stands by itself (X-13)."""
    ALREADY_IN_FORCE = "already_in_force"
    """What the order asks for is in force already; nothing was added (X-13, X-14)."""
    DECIDED_BEFORE_RELEASE = "decided_before_release"
    """A release of the same thing came in between; carried out all the same (X-15)."""
    LATER_VERSION = "later_version"
    """The call was taken under an earlier version of the rules than its form (X-20)."""
    MADE_ELSEWHERE = "made_elsewhere"
    """A measure that was made outside Sigill goes on; it is released where it was made."""
    CLINIC_UNKNOWN = "clinic_unknown"
    """The rule names the clinic, and the directory does not say which one the decider's unit belongs to."""


class AccessReason(StrEnum):
    """
    Why somebody is let in or not.

    A code that names ages is given only where those are the region's ages; where they are others, the one of the same
    meaning without an age: `guardian_of_child` for `guardian_of_child_under_13`, `guardian_of_older_child` for
    `guardian_of_13_or_older`, `too_young_for_record` for `age_13_to_15`, `too_young_for_login` for `under_13_own_login`.
    """

    OWN_RECORD = "own_record"
    GUARDIAN_OF_CHILD_UNDER_13 = "guardian_of_child_under_13"
    GUARDIAN_GRANT = "guardian_grant"
    MINOR_GRANT = "minor_grant"
    REPRESENTATIVE_GRANT = "representative_grant"
    OWN_ACCOUNT = "own_account"
    GUARDIAN_PROXY = "guardian_proxy"
    NO_RELATION = "no_relation"
    AGE_13_TO_15 = "age_13_to_15"
    GUARDIAN_OF_13_OR_OLDER = "guardian_of_13_or_older"
    UNDER_13_OWN_LOGIN = "under_13_own_login"
    JOURNAL_SEAL = "journal_seal"
    CHILD_SEAL = "child_seal"
    LOGIN_LOCK = "login_lock"
    GUARDIAN_BLOCK = "guardian_block"
    GUARDIAN_RESTRICTION = "guardian_restriction"
    PROTECTED_IDENTITY = "protected_identity"
    RESERVE_NUMBER = "reserve_number"
    NO_E_ID = "no_e_id"
    NO_FULL_PERSONNUMMER = "no_full_personnummer"
    PATIENT_DEAD = "patient_dead"
    VIEWER_DEAD = "viewer_dead"
    GRANT_EXPIRED = "grant_expired"
    NOT_SHOWN = "not_shown"
    """The region shows such information to nobody online."""
    SEALED_ELSEWHERE = "sealed_elsewhere"
    """A measure that was made outside Sigill stands in the way: by the resident in the service, or by another region."""
    SOURCE_SILENT = "source_silent"
    """A source of such measures has not been read for longer than its limit: the answer may lack one."""
    PAPER_COPY_ASSESSED = "paper_copy_assessed"
    """A physician has assessed that the copy on paper may be given, for as long as the measure lasts."""
    PAPER_COPY_REFUSED = "paper_copy_refused"
    """A physician has assessed that the copy on paper is not given; so while the measure lasts, or until assessed again."""
    GUARDIAN_OF_CHILD = "guardian_of_child"
    GUARDIAN_OF_OLDER_CHILD = "guardian_of_older_child"
    TOO_YOUNG_FOR_RECORD = "too_young_for_record"
    TOO_YOUNG_FOR_LOGIN = "too_young_for_login"

    @property
    def without_age(self) -> "AccessReason":
        """
        The name of the same reason without an age: what a region of other ages answers.

        Compare by it to match a reason whatever the region's ages are.
        """
        return _WITHOUT_AGE.get(self, self)


_WITHOUT_AGE = {
    AccessReason.GUARDIAN_OF_CHILD_UNDER_13: AccessReason.GUARDIAN_OF_CHILD,
    AccessReason.GUARDIAN_OF_13_OR_OLDER: AccessReason.GUARDIAN_OF_OLDER_CHILD,
    AccessReason.AGE_13_TO_15: AccessReason.TOO_YOUNG_FOR_RECORD,
    AccessReason.UNDER_13_OWN_LOGIN: AccessReason.TOO_YOUNG_FOR_LOGIN,
}


class RiskFrom(StrEnum):
    """Who a risk to the patient comes from, when a measure is chosen."""

    ONE_GUARDIAN = "one_guardian"
    """One guardian, and the others are none."""
    ALL_GUARDIANS = "all_guardians"
    """All guardians are, or may be, part of the risk."""
    SOMEBODY_ELSE = "somebody_else"
    """Somebody who is no guardian."""


class RiskSign(StrEnum):
    """What is known of a risk when a measure is chosen."""

    TELLS_OF_HARM = "tells_of_harm"
    """The patient tells of threat, violence or abuse."""
    E_ID_CONTROLLED = "e_id_controlled"
    """Somebody else holds, or may control, the patient's e-ID."""
    PUNISHED_FOR_CARE = "punished_for_care"
    """The patient may be punished for contacts with care, as where honour is at stake."""
    RECORD_DEMANDED = "record_demanded"
    """Somebody demands to be shown the record."""
    FORCED_LOGIN = "forced_login"
    """The patient is forced to log in, or the account is misused."""
    PROTECTED_PATIENT = "protected_patient"
    """The patient has protected identity (skyddade personuppgifter)."""
    PROTECTED_GUARDIAN = "protected_guardian"
    """A guardian has protected identity."""


class Suppression(StrEnum):
    """Why nobody is told what a notice would have said."""

    NOT_TRUE = "not_true_for_recipient"
    """It is not what happens to the recipient's access, just before and just after (X-21)."""
    DAY_HAS_PASSED = "day_has_passed"
    PATIENT_DEAD = "patient_has_died"
    RECIPIENT_DEAD = "recipient_has_died"
    NOT_CONCERNED = "not_concerned"
    """The recipient has no custody, or represents nobody, at the moment of writing (X-22)."""
    PROTECTED_IDENTITY = "protected_identity"
    NOT_TO_BE_INFORMED = "not_to_be_informed"
    """An order, opinion or request about the measure says "do not tell" (X-23)."""
    NOT_TOLD_BY_DEFAULT = "not_told_by_default"
    """The order leaves it out, and the region's rules do not tell (X-24)."""
    GUARDIANS_READ_INBOX = "guardians_read_inbox"
    """The recipient is too young for an account: guardians read what is sent there (X-27)."""
    RECIPIENT_UNKNOWN = "recipient_unknown"


class Template(StrEnum):
    """Notification templates, and the operators' tasks that go the same way."""

    MEASURE_IMPOSED = "measure_imposed"
    MEASURE_CONTINUED = "measure_continued"
    MEASURE_RELEASED = "measure_released"
    GRANT_GIVEN = "grant_given"
    GRANT_EXPIRING = "grant_expiring"
    GRANT_EXPIRED = "grant_expired"
    GRANT_REVOKED = "grant_revoked"
    AGE_13_AHEAD = "age_13_ahead"
    AGE_13 = "age_13"
    AGE_16_AHEAD = "age_16_ahead"
    AGE_16 = "age_16"
    AGE_18 = "age_18"
    FOLLOW_UP_OVERDUE = "follow_up_overdue"
    SIGNED_FORM_OVERDUE = "signed_form_overdue"
    CARD_REVOKED_LATE = "card_revoked_late"
    """To the operators: an order was carried out, and its signer's card turns out to have been revoked."""
    MEASURE_ENDING = "measure_ending"
    """To the unit that imposed it: a protective measure ends on a day that is near."""
    REVIEW_DUE = "review_due"
    """To the unit that imposed it: a renewed decision is due."""
    ORDER_ENTERED = "order_entered"
    """To the decider's unit: a support desk entered an order in the decider's name, by phone or from paper."""
    STANDARD_REPLY = "standard_reply"
    RELEASE_REFUSED = "release_refused"
