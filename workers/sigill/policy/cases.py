"""
What people write down about a case (ärende): why it was opened, authorities asked and what they said, letters, replies, the
closing.

Values only. Entries are never changed: one that was wrong is withdrawn, and a new one takes its place. What follows from
them stands in `sigill.judgement.request_cases`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sigill_contracts.vocabulary import PersonId


class CaseEntryKind(StrEnum):
    """What an entry of a case tells."""

    OPENED = "opened"
    """Somebody opened a case with an order that is no request to release (JH-11: the resident calls about an own seal)."""
    AUTHORITY_ASKED = "authority_asked"
    AUTHORITY_ANSWERED = "authority_answered"
    REPLIED = "replied"
    LETTER_SENT = "letter_sent"
    """A letter of the region's went; `code` is its name, `reference` the posting number (sändningsnummer)."""
    LETTER_RECEIVED = "letter_received"
    """Its delivery receipt (mottagningsbevis) came, or the letter itself came back."""
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    """Another entry was wrong, or a case is opened again: it does not count any more."""


class AskedAuthority(StrEnum):
    """An authority that is asked whether protection must stay (VGB-13)."""

    SOCIAL_SERVICES = "social_services"
    """Socialtjänsten."""
    POLICE = "police"
    OTHER_AUTHORITY = "other_authority"


class AuthorityAnswer(StrEnum):
    """What an authority says."""

    NOTHING_STAYS = "nothing_stays"
    """No protection needs to stay."""
    PROTECTION_STAYS = "protection_stays"
    CANNOT_SAY = "cannot_say"


class Reply(StrEnum):
    """How somebody who asked was answered."""

    STANDARD_REPLY = "standard_reply"
    """The region's own text, which says neither who, why nor since when (VGB-17)."""
    NOTICE = "notice"
    """What Sigill itself wrote when the request ended."""
    OWN_WORDS = "own_words"
    """Staff told it themselves (VGB-16)."""
    NOTHING = "nothing"
    """No answer is given."""


class LetterArrival(StrEnum):
    """What became of a letter that is sent against a receipt."""

    DELIVERED = "delivered"
    """Handed out to the addressee in person; `reference` names the receipt in the record."""
    CAME_BACK = "came_back"


CODES: dict[CaseEntryKind, type[StrEnum]] = {
    CaseEntryKind.AUTHORITY_ASKED: AskedAuthority,
    CaseEntryKind.AUTHORITY_ANSWERED: AuthorityAnswer,
    CaseEntryKind.REPLIED: Reply,
    CaseEntryKind.LETTER_RECEIVED: LetterArrival,
}
"""What the code of an entry is one of, by its kind."""


@dataclass(frozen=True, slots=True)
class CaseEntry:
    """
    An entry of a case. `day` is the Swedish date on which it happened, `at` (UTC) when `by` wrote it down.

    `code` is one of `CODES`, or a letter's name; `about` the entry that is answered or withdrawn; `asker` who is replied to, or
    written to. `name` (which office), `reference` (the authority's case number, the posting number, the receipt's id) and
    `remark` are free text, None once their keeping has ended.
    """

    entry_id: int
    kind: CaseEntryKind
    day: date
    by: str
    at: datetime
    code: str | None = None
    about: int | None = None
    asker: PersonId | None = None
    name: str | None = None
    reference: str | None = None
    remark: str | None = None


@dataclass(frozen=True, slots=True)
class Enquiry:
    """A question to an authority, and its answer; None: there is none yet."""

    asked: CaseEntry
    answered: CaseEntry | None = None


@dataclass(frozen=True, slots=True)
class SentLetter:
    """A letter that went, and what became of it; None: nothing is known yet, or nothing comes back of such a letter."""

    sent: CaseEntry
    arrival: CaseEntry | None = None

    @property
    def came_back(self) -> bool:
        """Whether it came back, so that nobody has got it."""
        return self.arrival is not None and self.arrival.code == LetterArrival.CAME_BACK


def standing(entries: Iterable[CaseEntry]) -> tuple[CaseEntry, ...]:
    """The entries that count, in the order written: neither withdrawn, nor a withdrawal, nor about one that was."""
    listed = tuple(entries)
    gone = {entry.about for entry in listed if entry.kind is CaseEntryKind.WITHDRAWN}
    return tuple(
        entry
        for entry in listed
        if entry.kind is not CaseEntryKind.WITHDRAWN
        and entry.entry_id not in gone
        and entry.about not in gone
    )


def enquiries(entries: Iterable[CaseEntry]) -> tuple[Enquiry, ...]:
    """The questions to authorities that count, each with its last answer."""
    counting = standing(entries)
    answers = {entry.about: entry for entry in counting if entry.kind is CaseEntryKind.AUTHORITY_ANSWERED}
    asked = (entry for entry in counting if entry.kind is CaseEntryKind.AUTHORITY_ASKED)
    return tuple(Enquiry(entry, answers.get(entry.entry_id)) for entry in asked)


def letters_sent(entries: Iterable[CaseEntry]) -> tuple[SentLetter, ...]:
    """The letters that count, each with what became of it last."""
    counting = standing(entries)
    arrivals = {entry.about: entry for entry in counting if entry.kind is CaseEntryKind.LETTER_RECEIVED}
    sent = (entry for entry in counting if entry.kind is CaseEntryKind.LETTER_SENT)
    return tuple(SentLetter(letter, arrivals.get(letter.entry_id)) for letter in sent)


def closing(entries: Iterable[CaseEntry]) -> CaseEntry | None:
    """The entry that closed the case; None: it is open."""
    found = [entry for entry in standing(entries) if entry.kind is CaseEntryKind.CLOSED]
    return found[-1] if found else None


def replies(entries: Iterable[CaseEntry]) -> dict[PersonId, CaseEntry]:
    """How each asker was last answered, as people wrote it down."""
    return {
        entry.asker: entry
        for entry in standing(entries)
        if entry.kind is CaseEntryKind.REPLIED and entry.asker is not None
    }
