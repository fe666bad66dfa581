"""
Dead letters, by sequence: the messages under one key that could not be read, the oldest first.

Replay sends the stored bytes to their own topic, waits for the acknowledgement, and only then marks them: whatever
dies between, the letter is still here, and the inbox knows a message that came twice. Nothing is edited (a signed
order cannot be), nothing is deleted. Discarding takes a reason and a second operator.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

import structlog
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from sigill.operations.dead_letter_replay import EarlierOpen, NotOursToSend, redrive, settle
from sigill.operations.operators import APPROVERS, LOOKERS, OPERATORS
from sigill.operations.protected_identity import named_in
from sigill.policy.effects import Sentence
from sigill.processing.patient_keys import shaped_like_a_key
from sigill.runtime.logging import mask
from sigill.store import dead_letters, persons, proposals
from sigill.store.console import EVERYTHING
from sigill.store.dead_letters import DISCARD, DeadLetter, LetterFilter
from sigill.store.session import Reading
from sigill.stream.connection import BrokerDown, StreamStopped
from sigill.web.console.context import (
    DONE_BEFORE,
    GONE,
    OUTSIDE,
    ConsoleContext,
    done,
    get,
    number_of,
    numbers_of,
    offset_of,
    post,
    reason_of,
    text_of,
)
from sigill.web.console.returned_forms import FormFault
from sigill.web.console.sessions import Session
from sigill_contracts.dead_letter import DeadLetterReason
from sigill_contracts.topics import INCOMING, ORDERS
from sigill_contracts.vocabulary import PersonId

log = structlog.get_logger("sigill.console")
PAGE = 50
MOST_AT_ONCE = 1000
PEEK = 4096
"""Bytes shown of a decoded message; the whole of it can be taken as a file."""


@dataclass(frozen=True, slots=True)
class ShownSequence:
    """A sequence as listed. `key` is shortened, and None when it is none of ours: it could be anything."""

    topic: str
    key: str | None
    letters: tuple[DeadLetter, ...]
    ids: tuple[int, ...]
    hidden: bool = False
    """Of somebody with protected identity, whom whoever looks may not be shown."""
    ours: bool = True
    """Whether its letters can be sent again from here."""
    taken_by: tuple[str, ...] = ()


async def letters(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """The open letters by cause and source, their sequences, and what waits for a second operator."""
    offset, counts_only, wanted = offset_of(request), not _reads(session), _wanted(request)
    async with desk.store.reading() as tx:
        causes = [] if counts_only else await dead_letters.causes(tx)
        sequences = (
            [] if counts_only else await dead_letters.letter_sequences(tx, wanted, limit=PAGE, offset=offset)
        )
        total, groups = await dead_letters.count_letters(tx, wanted)
        ids = [letter for sequence in sequences for letter in sequence.ids[:MOST_IN_LIST]]
        found = await dead_letters.by_ids(tx, ids)
        taken = await dead_letters.claims(tx, [letter for sequence in sequences for letter in sequence.ids])
        waiting = [] if counts_only else await proposals.open_ones(tx, DISCARD)
        proposed = await dead_letters.by_ids(tx, [int(proposal.subject) for proposal in waiting])
        keys = {key for sequence in sequences if (key := shaped_like_a_key(sequence.key))}
        whose = await persons.resolve_keys(tx, keys)
        secret = await desk.hidden(session, whose.values(), tx)
        withheld = {number for number, item in proposed.items() if await _hidden(desk, tx, session, item)}
    shown = [
        ShownSequence(
            sequence.topic,
            _short(sequence.key),
            tuple(found[letter] for letter in sequence.ids[:MOST_IN_LIST]),
            sequence.ids,
            whose.get(shaped_like_a_key(sequence.key) or "") in secret,
            sequence.topic == ORDERS.name,
            tuple(sorted({taken[letter] for letter in sequence.ids if letter in taken})),
        )
        for sequence in sequences
    ]
    return desk.page(
        request,
        "letters.html",
        session,
        causes=[
            (
                cause,
                None if cause.source is None else _printable(mask(cause.source))[:LONGEST_SOURCE],
                call_of(cause.topic, cause.reason),
                urlencode({"topic": cause.topic, "reason": cause.reason, "source": cause.mark}),
                wanted == LetterFilter(cause.topic, cause.reason, cause.mark),
            )
            for cause in causes
        ],
        wanted=wanted,
        here=_address(wanted),
        sequences=shown,
        counts_only=counts_only,
        total=total,
        groups=groups,
        offset=offset,
        page=PAGE,
        proposals=[(proposal, proposed.get(int(proposal.subject))) for proposal in waiting],
        proposed={int(proposal.subject) for proposal in waiting},
        withheld=withheld,
    )


def _wanted(request: Request) -> LetterFilter:
    """Which letters are asked for: topic, reason and a source's mark, which name nobody and may stand in an address."""
    query = request.query_params
    topic, reason, mark = query.get("topic"), query.get("reason"), query.get("source")
    return LetterFilter(
        topic if topic in {spec.name for spec in INCOMING} else None,
        reason if reason in set(DeadLetterReason) else None,
        mark if mark is not None and _A_MARK.fullmatch(mark) else None,
    )


_A_MARK = re.compile(r"(?:[0-9a-f]{8})?")
LONGEST_SOURCE = 80


def _address(wanted: LetterFilter) -> str:
    asked = {"topic": wanted.topic, "reason": wanted.reason, "source": wanted.mark}
    given = {name: value for name, value in asked.items() if value is not None}
    return f"/dead-letters?{urlencode(given)}" if given else "/dead-letters"


def call_of(topic: str, reason: DeadLetterReason) -> str:
    """Whom to call about a letter, as the lexicon's `letter_call` names it."""
    if reason is DeadLetterReason.UNREADABLE_RECORD:
        return "ours"
    return "orders" if topic == ORDERS.name else "sources"


MOST_IN_LIST = 20
"""Letters of one sequence that the list shows; the others are counted."""


def _short(key: bytes | None) -> str | None:
    text = shaped_like_a_key(key)
    return None if text is None else f"{text[:12]}…"


async def letter(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """One letter: where it lay, why it could not be read, and its bytes once they are opened."""
    letter_id = number_of(request.path_params["letter"])
    async with desk.store.reading() as tx:
        one = (await dead_letters.by_ids(tx, [letter_id])).get(letter_id) if letter_id is not None else None
        if one is None or letter_id is None:
            return desk.sorry(request, session, 404, GONE, back="/dead-letters")
        hidden = await _hidden(desk, tx, session, one)
        before = await dead_letters.open_before(tx, [letter_id])
        waiting = [p for p in await proposals.open_ones(tx, DISCARD) if p.subject == str(letter_id)]
        taken_by = (await dead_letters.claims(tx, [letter_id])).get(letter_id)
    opened = session.reason(f"letter:{letter_id}", desk.clock.now())
    if not _reads(session):
        return desk.sorry(request, session, 403, OUTSIDE, back="/dead-letters")
    if hidden:
        return await desk.refuse_hidden(request, session, hidden, opened or "dead letter", "/dead-letters")
    return desk.page(
        request,
        "letter.html",
        session,
        letter=one,
        key=_short(one.record.key),
        before=before,
        proposals=waiting,
        opened=opened,
        headers=[
            (_printable(name if opened else mask(name)), _header(value, opened is not None))
            for name, value in one.record.headers
        ],
        decoded=_decoded(one.record.value) if opened else None,
        size=len(one.record.value or b""),
        peek=PEEK,
        kept=one.record.value is not None,
        ours=one.record.topic == ORDERS.name,
        call=call_of(one.record.topic, one.record.reason),
        helps=one.record.reason is DeadLetterReason.UNREADABLE_RECORD,
        source=next(
            (
                _printable(mask((value or b"").decode("utf-8", "backslashreplace")))[:LONGEST_SOURCE]
                for name, value in one.record.headers
                if name == "ce_source"
            ),
            None,
        ),
        taken_by=taken_by,
        runbook=desk.runbook("dead-letters"),
    )


def _reads(session: Session) -> bool:
    """Whether a session sees which letters there are: nothing of one says which region or unit it belongs to."""
    return session.operator.may(LOOKERS) and session.operator.bound == EVERYTHING


async def _hidden(
    desk: ConsoleContext, tx: Reading, session: Session, one: DeadLetter
) -> frozenset[PersonId]:
    """Who has protected identity of those that a letter is about or names, in its key, headers and content."""
    key = shaped_like_a_key(one.record.key)
    texts = (one.record.value, one.record.key, *(part for header in one.record.headers for part in header))
    people = {*await named_in(tx, texts), *(await persons.resolve_keys(tx, [key] if key else [])).values()}
    return await desk.hidden(session, people, tx)


async def _withheld(
    request: Request, desk: ConsoleContext, session: Session, ids: Iterable[int | None], reason: str
) -> Response | None:
    """Why some letters are not for this session, to read or to act on; None: they are, or there are none."""
    if not _reads(session):
        return desk.sorry(request, session, 403, OUTSIDE, back="/dead-letters")
    async with desk.store.reading() as tx:
        found = await dead_letters.by_ids(tx, {id_ for id_ in ids if id_ is not None})
        hidden = frozenset(
            [who for letter in found.values() for who in await _hidden(desk, tx, session, letter)]
        )
    return await desk.refuse_hidden(request, session, hidden, reason, "/dead-letters") if hidden else None


def _header(value: bytes | None, opened: bool) -> str:
    if value is None:
        return ""
    text = value.decode("utf-8", "backslashreplace")
    return _printable(text if opened else mask(text))


def _decoded(value: bytes | None) -> str:
    """The bytes as text where they are text, and as hexadecimal where they are not."""
    data = (value or b"")[:PEEK]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return "\n".join(f"{at:06x}  {data[at : at + 16].hex(' ')}" for at in range(0, len(data), 16))
    return _printable(text, also="\n\t")


def _printable(text: str, also: str = "") -> str:
    """A sender's text without what a page or a terminal would obey, such as a change of direction."""
    return "".join(
        sign if sign.isprintable() or sign in also else "\N{REPLACEMENT CHARACTER}" for sign in text
    )


async def open_letter(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """Show a letter's bytes for a while: an act of its own, with a reason."""
    letter_id = number_of(request.path_params["letter"])
    reason = reason_of(form)
    if (refused := await _withheld(request, desk, session, [letter_id], reason)) is not None:
        return refused
    if await _noted(desk, session, letter_id, "dead_letter_opened", reason) is None or letter_id is None:
        return desk.sorry(request, session, 404, GONE, back="/dead-letters")
    await desk.sessions.open(session, f"letter:{letter_id}", reason)
    return done(f"/dead-letters/{letter_id}", "unmasked")


async def raw_letter(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """A letter's bytes as a file: an act of its own, with a reason."""
    letter_id = number_of(request.path_params["letter"])
    reason = reason_of(form)
    if (refused := await _withheld(request, desk, session, [letter_id], reason)) is not None:
        return refused
    one = await _noted(desk, session, letter_id, "dead_letter_bytes_taken", reason)
    if one is None or one.record.value is None:
        return desk.sorry(request, session, 404, GONE, back="/dead-letters")
    return Response(
        one.record.value,
        media_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="dead-letter-{letter_id}.bin"'},
    )


async def _noted(
    desk: ConsoleContext, session: Session, letter_id: int | None, action: str, reason: str
) -> DeadLetter | None:
    """Log that a letter was looked into, about the patient of its key where that is one of ours."""
    if letter_id is None:
        return None
    async with desk.store.transaction(desk.clock.now()) as tx:
        one = (await dead_letters.by_ids(tx, [letter_id])).get(letter_id)
        if one is None:
            return None
        key = shaped_like_a_key(one.record.key)
        person = (await persons.resolve_keys(tx, [key])).get(key) if key else None
        # with nobody whose personal part could hold it, the reason stands in the chain itself, numbers masked
        body: dict[str, int | str] = {"dead_letter": letter_id}
        if person is None:
            body["reason"] = mask(reason)
        personal = {"reason": reason} if person else None
        await desk.note(tx, session.operator, action, body, person, personal)
        if person is not None:
            await desk.looked(tx, session.operator, person, reason, f"{action} {letter_id}")
    return one


async def replay(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """Send letters again: whole sequences from their oldest, never one before its elders."""
    ids = numbers_of(form, "letter")[:MOST_AT_ONCE]
    if (refused := await _withheld(request, desk, session, ids, "dead letter to be sent again")) is not None:
        return refused
    if not ids:
        raise FormFault({"": _NOTHING_CHOSEN})
    try:
        told = await redrive(
            desk.store, desk.sending, desk.clock, session.operator.name, ids, desk.settings.topic
        )
    except NotOursToSend:
        raise FormFault({"": _THEIRS}, 409) from None
    except EarlierOpen:
        raise FormFault({"": _EARLIER}, 409) from None
    except (BrokerDown, StreamStopped) as error:
        log.warning("replay failed", error=type(error).__name__)
        raise FormFault({"": _BROKER}, 503) from error
    return done(_address(_wanted(request)), "replayed" if told.left == 0 else "partly")


async def claim(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """Take letters, give them back, or take them over from somebody else: `what` says which."""
    ids, what = numbers_of(form, "letter")[:MOST_AT_ONCE], text_of(form, "what")
    back = f"/dead-letters/{ids[0]}" if text_of(form, "back") == "letter" and ids else "/dead-letters"
    if (refused := await _withheld(request, desk, session, ids, "dead letter to be taken")) is not None:
        return refused
    async with desk.store.transaction(desk.clock.now()) as tx:
        if what == "release":
            changed = await dead_letters.unclaim(tx, ids, session.operator.name)
        else:
            changed = await dead_letters.claim(
                tx, ids, session.operator.name, from_others=what == "take_over"
            )
        if changed:
            action = "dead_letters_given_back" if what == "release" else "dead_letters_taken"
            await desk.note(tx, session.operator, action, {"dead_letters": " ".join(map(str, changed))})
    if not changed:
        return done(back, "taken")
    return done(back, "given_back" if what == "release" else "claimed")


async def propose(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """Propose to discard a letter, with a reason."""
    letter_id = number_of(request.path_params["letter"])
    reason = reason_of(form)
    if (refused := await _withheld(request, desk, session, [letter_id], reason)) is not None:
        return refused
    async with desk.store.transaction(desk.clock.now()) as tx:
        found = (await dead_letters.by_ids(tx, [letter_id])).get(letter_id) if letter_id is not None else None
        if found is None or letter_id is None:
            return desk.sorry(request, session, 404, GONE, back="/dead-letters")
        if found.action is not None:
            raise FormFault({"": DONE_BEFORE}, 409)
        await dead_letters.propose_discard(tx, letter_id, session.operator.name, reason)
        await desk.note(tx, session.operator, "discard_proposed", {"dead_letter": letter_id})
    return done("/dead-letters", "proposed")


async def decide(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """A second operator approves or declines; then what waited for the letter is judged anew."""
    proposal = number_of(request.path_params["proposal"])
    approved = text_of(form, "verdict") == "approve"
    if proposal is None:
        return desk.sorry(request, session, 404, GONE, back="/dead-letters")
    async with desk.store.reading() as tx:
        waiting = await proposals.open_one(tx, DISCARD, proposal)
    subjects = [] if waiting is None else [int(waiting.subject)]
    if (refused := await _withheld(request, desk, session, subjects, "discard to be decided")) is not None:
        return refused
    try:
        async with desk.store.transaction(desk.clock.now()) as tx:
            if approved:
                letter_id = await dead_letters.discard(tx, proposal, session.operator.name)
                await settle(tx, [letter_id])
                body: dict[str, int | str] = {"dead_letter": letter_id, "proposal": proposal}
            else:
                await proposals.decide(tx, proposal, session.operator.name, approved=False, action=DISCARD)
                body = {"proposal": proposal}
            await desk.note(
                tx, session.operator, "discard_approved" if approved else "discard_declined", body
            )
    except proposals.SameOperator:
        return done(_address(_wanted(request)), "same")
    except proposals.NotOpen:
        return done(_address(_wanted(request)), "gone")
    return done(_address(_wanted(request)), "discarded" if approved else "declined")


_NOTHING_CHOSEN = Sentence("Inget valdes.", "Nothing was chosen.")
_THEIRS = Sentence(
    "Registrets och katalogens meddelanden skickas om av dem själva, inte härifrån.",
    "What the register or the directory sent is sent again by them, not from here.",
)
_EARLIER = Sentence(
    "Det finns äldre meddelanden om samma patient. Sänd om dem först, eller tillsammans.",
    "There are older messages about the same patient. Replay them first, or together.",
)
_BROKER = Sentence(
    "Kafka svarar inte. Inget har sänts eller markerats.",
    "Kafka does not answer. Nothing was sent or marked.",
)

ROUTES = [
    get("/dead-letters", letters),
    get("/dead-letters/{letter}", letter, LOOKERS),
    post("/dead-letters/replay", replay, OPERATORS, letters),
    post("/dead-letters/claim", claim, OPERATORS),
    post("/dead-letters/{letter}/open", open_letter, LOOKERS, letter),
    post("/dead-letters/{letter}/bytes", raw_letter, LOOKERS, letter),
    post("/dead-letters/{letter}/discard", propose, OPERATORS, letter),
    post("/dead-letters/proposals/{proposal}", decide, APPROVERS),
]
