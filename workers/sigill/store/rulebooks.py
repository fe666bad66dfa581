"""
Drafts, releases and imports of rulebooks. All are history: what is saved again is another draft, and no release is taken back.

Guarantee: a release is word for word a draft whose author is not the one who approved it, by name and by login, and begins
on a later Swedish date than the one on which it was approved, so that whoever looks on its first day finds it. The
database checks it too.
"""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sigill.policy.calendar import swedish_date
from sigill.policy.rulebook import digest_of
from sigill.store import proposals
from sigill.store.queries import queries
from sigill.store.session import Reading, Row, Tx

_SQL = queries("rulebooks")
RELEASE = "release_rulebook"
"""The action of a proposal; its subject is the draft's number."""
COMMITTED_WITHIN = timedelta(minutes=5)
"""A release that may commit after the midnight on which it begins is not made: the statements' own time-outs are shorter."""


class NotReleased(Exception):
    """The draft is not, or no longer, what may be released."""


@dataclass(frozen=True, slots=True)
class StoredDraft:
    """A draft as somebody saved it. `text` is empty in lists."""

    draft_id: int
    region: str
    digest: str
    operator: str
    saved_at: datetime
    login: str | None = None
    text: str = ""


class TooMany(Exception):
    """More would be kept than anybody needs."""


class OtherText(Exception):
    """The store has another text of the region. `release_id` is its release's number, 0 for what was imported."""

    def __init__(self, region: str, release_id: int) -> None:
        super().__init__(region)
        self.region, self.release_id = region, release_id


@dataclass(frozen=True, slots=True)
class RulebookText:
    """A text that a region's rules may be read from. `release_id` 0: imported from a file, before every release."""

    region: str
    text: str
    digest: str
    release_id: int


@dataclass(frozen=True, slots=True)
class PlayedStory:
    """How a story went against a release. `failure` None: it passed."""

    story: str
    failure: str | None


@dataclass(frozen=True, slots=True)
class RulebookRelease:
    """A release. `begins_on` is a Swedish date; `text` is empty in lists."""

    release_id: int
    draft_id: int
    region: str
    digest: str
    begins_on: date
    first_owner: str
    second_owner: str
    sources: tuple[str, ...]
    stories: tuple[PlayedStory, ...]
    released_at: datetime
    text: str = ""

    @property
    def passed(self) -> int:
        """How many stories passed."""
        return sum(story.failure is None for story in self.stories)


def login_of(issuer: str | None, subject: str | None) -> str | None:
    """The digest that two logins are told apart by, of issuer and subject; None where there is no issuer."""
    if issuer is None or subject is None:
        return None
    return hashlib.sha256(f"{issuer}\0{subject}".encode()).hexdigest()


MOST_DRAFTS = 200
"""Of one owner in a day: history that nobody deletes, of up to a megabyte each."""


async def save(tx: Tx, region: str, text: str, operator: str, login: str | None) -> int:
    """Save a draft; return its number. Raises TooMany for an owner's 201st in a day."""
    if await tx.value(_SQL["drafts_since"], operator, tx.now - timedelta(days=1), MOST_DRAFTS) >= MOST_DRAFTS:
        raise TooMany(f"{MOST_DRAFTS} drafts in a day")
    digest = digest_of(text)
    return int(await tx.value(_SQL["save"], region, text, digest, operator, login, tx.now))


async def draft(tx: Reading, draft_id: int) -> StoredDraft | None:
    """Return a draft with its text."""
    rows = await tx.fetch(_SQL["draft"], draft_id)
    return _draft(rows[0], rows[0]["login"], rows[0]["text"]) if rows else None


async def drafts(tx: Reading, regions: Collection[str] | None = None, limit: int = 30) -> list[StoredDraft]:
    """Return the newest drafts of some regions (None: of all), without their texts."""
    return [_draft(row) for row in await tx.fetch(_SQL["drafts"], _listed(regions), limit)]


async def propose(tx: Tx, drafted: StoredDraft, operator: str, reason: str) -> int:
    """
    Hand a draft to a second owner; return the proposal's number.

    Raises NotReleased for a draft of somebody else, one that waits already, and one that has been released.
    """
    if drafted.operator != operator:
        raise NotReleased("its author hands a draft over")
    await tx.fetch(_SQL["lock"], drafted.region)
    if any(proposal.subject == str(drafted.draft_id) for proposal in await proposals.open_ones(tx, RELEASE)):
        raise NotReleased("the draft waits already")
    if await tx.value(_SQL["is_released"], drafted.draft_id):
        raise NotReleased("the draft has been released")
    return await proposals.propose(tx, RELEASE, str(drafted.draft_id), operator, reason)


async def release(
    tx: Tx,
    proposal_id: int,
    operator: str,
    login: str | None,
    *,
    begins_on: date,
    sources: Sequence[str],
    stories: Sequence[PlayedStory],
    tried_beside: int | None = None,
) -> RulebookRelease:
    """
    Release the draft of a proposal, by a second owner, at `tx.now`.

    `tried_beside` is the newest release of any region that the draft was tried beside (None: nobody asks). Raises
    `proposals.SameOperator` (also for two names of one login), `proposals.NotOpen`, or NotReleased when the first day is not
    later than today, or another release has been made since.
    """
    proposal = await proposals.decide(tx, proposal_id, operator, approved=True, action=RELEASE)
    found = await draft(tx, int(proposal.subject))
    if found is None:
        raise proposals.NotOpen(f"proposal {proposal_id} has no draft")
    if operator.upper() == found.operator.upper() or (login is not None and login == found.login):
        raise proposals.SameOperator("a second owner approves")
    if begins_on <= swedish_date(tx.now + COMMITTED_WITHIN):
        raise NotReleased(f"{begins_on} is not later than today")
    await tx.fetch(_SQL["lock"], found.region)
    await lock_all(tx)
    if tried_beside is not None and await newest_release(tx) != tried_beside:
        raise NotReleased("another release has been made since the draft was tried")
    told = json.dumps(
        [{"story": played.story, "failure": played.failure} for played in stories], ensure_ascii=False
    )
    number = await tx.value(
        _SQL["release"],
        found.draft_id,
        proposal_id,
        found.region,
        found.digest,
        begins_on,
        found.operator,
        operator,
        login,
        list(sources),
        told,
        tx.now,
    )
    return RulebookRelease(
        int(number),
        found.draft_id,
        found.region,
        found.digest,
        begins_on,
        found.operator,
        operator,
        tuple(sources),
        tuple(stories),
        tx.now,
        found.text,
    )


async def lock_all(tx: Tx) -> None:
    """Let one release or import at a time on: each was tried beside all the others. Regions are locked before."""
    await tx.fetch(_SQL["lock"], "")


async def newest_release(tx: Reading) -> int:
    """Return the number of the newest release of any region; 0: there is none."""
    return int(await tx.value(_SQL["newest_release"]))


async def releases(
    tx: Reading, regions: Collection[str] | None = None, limit: int = 30
) -> list[RulebookRelease]:
    """Return the newest releases of some regions (None: of all), without their texts."""
    return [_release(row) for row in await tx.fetch(_SQL["releases"], _listed(regions), limit)]


async def release_of(tx: Reading, release_id: int) -> RulebookRelease | None:
    """Return a release with its text."""
    rows = await tx.fetch(_SQL["release_text"], release_id)
    return _release(rows[0], rows[0]["text"]) if rows else None


MOST_STORIES = 200
"""Of a region, in the store."""
LONGEST_STORY = 20_000
"""Bytes of a story's UTF-8; the database checks it too."""


async def save_story(tx: Tx, region: str, name: str, text: str, operator: str) -> None:
    """Keep a story of a region, in place of the one of the same name; an empty text takes it away. Raises TooMany."""
    known = await stories(tx, region)
    if name not in known and len(known) >= MOST_STORIES:
        raise TooMany(f"{MOST_STORIES} stories of {region}")
    await tx.run(_SQL["save_story"], region, name, text, operator, tx.now)


async def stories(tx: Reading, region: str) -> dict[str, str]:
    """Return the stories of a region by name."""
    return {row["name"]: row["text"] for row in await tx.fetch(_SQL["stories"], region, MOST_STORIES)}


async def import_rulebook(tx: Tx, region: str, text: str, operator: str) -> bool:
    """
    Keep the text that a region begins with in the store; return False where it is there already, imported or released.

    Raises OtherText: what changes a region's rules is a release.
    """
    digest = digest_of(text)
    await tx.fetch(_SQL["lock"], region)
    known = await tx.fetch(_SQL["newest"], region)
    if known and known[0]["digest"] != digest:
        raise OtherText(region, known[0]["release_id"])
    if not known:
        await tx.run(_SQL["import"], region, text, digest, operator, tx.now)
    return not known


async def lengths(tx: Reading) -> tuple[int, int]:
    """Return how many imports and releases there are: another pair says that something has come."""
    [row] = await tx.fetch(_SQL["lengths"])
    return row["imports"], row["releases"]


async def history(tx: Reading) -> list[RulebookText]:
    """Return every text that rules may be read from: imports, then the releases after them, in their order."""
    return [
        RulebookText(row["region"], row["text"], row["digest"], row["release_id"])
        for row in await tx.fetch(_SQL["history"])
    ]


def _listed(regions: Collection[str] | None) -> list[str] | None:
    return None if regions is None else sorted(regions)


def _draft(row: Row, login: str | None = None, text: str = "") -> StoredDraft:
    return StoredDraft(
        row["draft_id"], row["region"], row["digest"], row["operator"], row["known_from"], login, text
    )


def _release(row: Row, text: str = "") -> RulebookRelease:
    return RulebookRelease(
        row["release_id"],
        row["draft_id"],
        row["region"],
        row["digest"],
        row["begins_on"],
        row["first_owner"],
        row["second_owner"],
        tuple(row["sources"]),
        tuple(PlayedStory(played["story"], played["failure"]) for played in json.loads(row["stories"])),
        row["known_from"],
        text,
    )
