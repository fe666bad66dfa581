"""`sigill dlq`: dead letters in a terminal. The same acts as the console's, in the same audit chain."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from sigill.cli.common import settings
from sigill.cli.context import (
    agreed,
    clock_of,
    hidden_people,
    operator,
    refuse_hidden,
    run,
    sending_of,
    store_of,
    told,
)
from sigill.operations.dead_letter_replay import CHAIN, EarlierOpen, NotOursToSend, look, redrive, settle
from sigill.processing.patient_keys import shaped_like_a_key
from sigill.runtime.files import write_private
from sigill.runtime.logging import mask
from sigill.store import access_log, audit, dead_letters, holds, persons, proposals
from sigill.store.access_log import LOOKS, AccessLogEntry
from sigill.store.audit import AuditEntry
from sigill.store.dead_letters import DISCARD, DeadLetter, LetterFilter
from sigill.store.holds import Hold
from sigill.store.session import Store, Tx

app = typer.Typer(help="Dead letters: list, show, replay, discard.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="One JSON document.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command("list")
def list_letters(
    topic: Annotated[str | None, typer.Option(help="Only of this topic.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Those dealt with too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 100,
    as_json: Json = False,
) -> None:
    """The newest first; says how many there are in all."""
    chosen = settings()

    async def work() -> tuple[list[dict[str, object]], int]:
        async with store_of(chosen) as store, store.reading() as tx:
            found = await dead_letters.page(tx, topic=topic, dealt_with=everything, limit=limit)
            total, _ = await dead_letters.count_letters(tx, LetterFilter(topic))
            keys = {key for letter in found if (key := shaped_like_a_key(letter.record.key))}
            whose = await persons.resolve_keys(tx, keys)
            hidden = await hidden_people(tx, whose.values())
            secret = {key for key, person in whose.items() if person in hidden}
            lines = [_line(letter) for letter in found]
            return [{**line, "key": None if line["key"] in secret else line["key"]} for line in lines], total

    found, total = run(work)
    if as_json:
        told({"open": total, "letters": found})
        return
    for line in found:
        print(
            "\t".join(str(line[name] or "-") for name in ("id", "since", "topic", "key", "reason", "state"))
        )
    print(f"{len(found)} shown; {total} open", file=sys.stderr)


@app.command()
def show(
    letter_id: Annotated[int, typer.Argument(metavar="ID")],
    reason: Annotated[
        str | None, typer.Option(help="Why the content is read; without it, it stays masked.")
    ] = None,
    save: Annotated[Path | None, typer.Option(help="Write the bytes to a file; needs --reason.")] = None,
    as_json: Json = False,
) -> None:
    """One letter: where it lay and why it could not be read. Reading the content is an audited act."""
    if save is not None and not reason:
        raise typer.BadParameter("--save needs --reason")
    chosen = settings()

    async def work() -> DeadLetter | None:
        async with store_of(chosen) as store:
            async with store.reading() as tx:
                found = (await dead_letters.by_ids(tx, [letter_id])).get(letter_id)
            if found is None:
                return None
            await _refuse_hidden(store, [letter_id])
            if reason:
                async with store.transaction(clock_of(chosen).now()) as tx:
                    await _opened(tx, found, reason)
            return found

    letter = run(work)
    if letter is None:
        print(f"there is no dead letter {letter_id}", file=sys.stderr)
        raise typer.Exit(1)
    if save is not None:
        write_private(save, letter.record.value or b"")
    line = _line(letter)
    line["headers"] = [
        [_shown(name, reason), _shown((value or b"").decode("utf-8", "backslashreplace"), reason)]
        for name, value in letter.record.headers
    ]
    line["bytes"] = len(letter.record.value or b"")
    if reason and save is None:
        line["content"] = (letter.record.value or b"").decode("utf-8", "backslashreplace")
    if as_json:
        told(line)
        return
    for name, value in line.items():
        if name == "headers":
            for header, text in letter_headers(value):
                print(f"header {header}\t{text}")
        else:
            print(f"{name}\t{printable(str(value)) if value is not None else '-'}")


@app.command()
def replay(
    letters: Annotated[list[int], typer.Argument(metavar="ID...")],
    yes: Yes = False,
    dry_run: Annotated[bool, typer.Option(help="Say what would be sent, and end.")] = False,
) -> None:
    """
    Send letters to their topics again, from the stored bytes, the oldest first; older ones of a sequence go along.

    Exit codes: 0 all sent and marked, 1 some are still as they were, 2 no terminal and no --yes.
    """
    chosen = settings()

    async def before() -> list[int]:
        async with store_of(chosen) as store:
            async with store.reading() as tx:
                found = sorted({*letters, *await dead_letters.open_before(tx, letters)})
            await _refuse_hidden(store, found)
            return found

    ids = run(before)
    listed = ", ".join(f"#{letter}" for letter in ids)
    if dry_run:
        print(f"would replay {listed}", file=sys.stderr)
        return
    agreed(f"Replay {listed}?", yes)

    async def work() -> int:
        async with store_of(chosen) as store, sending_of(chosen) as sending:
            try:
                done = await redrive(store, sending, clock_of(chosen), operator(), ids, chosen.topic)
            except NotOursToSend as theirs:
                print(f"{', '.join(f'#{id_}' for id_ in theirs.ids)}: {theirs}", file=sys.stderr)
                return len(ids)
            except EarlierOpen as earlier:
                print(f"older letters came meanwhile: {earlier.ids}", file=sys.stderr)
                return len(ids)
            print(f"{done.sent} sent and marked, {done.left} as they were", file=sys.stderr)
            return done.left

    if run(work):
        raise typer.Exit(1)


@app.command()
def discard(
    letter: Annotated[int, typer.Argument(metavar="ID")],
    reason: Annotated[str | None, typer.Option(help="Why; proposes the discard.")] = None,
    approve: Annotated[
        bool, typer.Option("--approve", help="Approve what another operator proposed.")
    ] = False,
    decline: Annotated[bool, typer.Option("--decline", help="Decline it.")] = False,
    yes: Yes = False,
) -> None:
    """
    Propose to discard a letter (`--reason`), or decide what another operator proposed (`--approve`, `--decline`).

    Exit codes: 0 done, 1 not possible (said why), 2 wrong use, or no terminal and no --yes.
    """
    if sum((bool(reason), approve, decline)) != 1:
        raise typer.BadParameter("give one of --reason, --approve, --decline")
    verb = "Propose to discard" if reason else "Discard" if approve else "Decline to discard"
    agreed(f"{verb} #{letter}?", yes)
    chosen = settings()

    async def work() -> str | None:
        async with store_of(chosen) as store:
            await _refuse_hidden(store, [letter])
            async with store.transaction(clock_of(chosen).now()) as tx:
                if reason:
                    return await _propose(tx, letter, reason)
                return await _decide(tx, letter, approve)

    if (why := run(work)) is not None:
        print(why, file=sys.stderr)
        raise typer.Exit(1)


@app.command("holds")
def list_holds(as_json: Json = False) -> None:
    """The sources whose opening orders wait, since too much of theirs could not be read; protective ones pass."""
    chosen = settings()

    async def work() -> list[Hold]:
        async with store_of(chosen) as store, store.reading() as tx:
            return await holds.standing(tx)

    found = run(work)
    if as_json:
        told({"holds": [{**asdict(hold), "source": mask(hold.source)} for hold in found]})
        return
    for hold in found:
        source = printable(mask(hold.source)) or "(none named)"
        print(f"{hold.hold_id}\t{hold.held_at}\t{hold.topic}\t{source}\t{hold.unreadable} unreadable")
    print(f"{len(found)} held", file=sys.stderr)


@app.command("looked")
def looked(
    hold: Annotated[int, typer.Argument(metavar="HOLD", help="As `sigill dlq holds` numbers it.")],
    reason: Annotated[str, typer.Option(help="What you found, and why its orders may go on.")],
    yes: Yes = False,
) -> None:
    """
    End a hold after looking at the letters: the source's opening orders go on, those that waited too.

    Exit codes: 0 done, 1 it does not stand, 2 no terminal and no --yes.
    """
    agreed(f"Let the opening orders of hold {hold} go on?", yes)
    chosen = settings()

    async def work() -> bool:
        async with store_of(chosen) as store, store.transaction(clock_of(chosen).now()) as tx:
            return await look(tx, hold, operator(), reason)

    if not run(work):
        print(f"there is no hold {hold}", file=sys.stderr)
        raise typer.Exit(1)


async def _refuse_hidden(store: Store, ids: Sequence[int]) -> None:
    """End the process when a letter's key, headers or content name somebody who may not be shown to the account."""
    async with store.reading() as tx:
        records = [letter.record for letter in (await dead_letters.by_ids(tx, ids)).values()]
        keys = {key for record in records if (key := shaped_like_a_key(record.key))}
        whose = await persons.resolve_keys(tx, keys)
    texts = [
        text
        for record in records
        for text in (record.value, record.key, *(part for header in record.headers for part in header))
    ]
    await refuse_hidden(store, whose.values(), texts)


async def _propose(tx: Tx, letter: int, reason: str) -> str | None:
    found = (await dead_letters.by_ids(tx, [letter])).get(letter)
    if found is None or found.action is not None:
        return f"#{letter} is not open"
    await dead_letters.propose_discard(tx, letter, operator(), reason)
    await _note(tx, "discard_proposed", dead_letter=letter)
    print(f"#{letter}: a second operator must approve", file=sys.stderr)
    return None


async def _decide(tx: Tx, letter: int, approve: bool) -> str | None:
    waiting = [
        proposal for proposal in await proposals.open_ones(tx, DISCARD) if proposal.subject == str(letter)
    ]
    if not waiting:
        return f"nobody has proposed to discard #{letter}"
    try:
        if not approve:
            await proposals.decide(tx, waiting[0].proposal_id, operator(), approved=False, action=DISCARD)
            await _note(tx, "discard_declined", proposal=waiting[0].proposal_id)
            return None
        await dead_letters.discard(tx, waiting[0].proposal_id, operator())
    except proposals.SameOperator:
        return "the one who proposed cannot approve as well"
    except proposals.NotOpen as why:  # another decided it meanwhile
        return str(why)
    await settle(tx, [letter])
    await _note(tx, "discard_approved", dead_letter=letter, proposal=waiting[0].proposal_id)
    return None


async def _opened(tx: Tx, letter: DeadLetter, reason: str) -> None:
    """
    Log that a letter was looked into, as the console does: about the patient of its key where that is one of ours.

    With nobody whose personal part could hold it, the reason stands in the chain itself, numbers masked.
    """
    action, number = "dead_letter_opened", letter.dead_letter_id
    key = shaped_like_a_key(letter.record.key)
    person = (await persons.resolve_keys(tx, [key])).get(key) if key else None
    if person is None:
        await audit.append(
            tx, [AuditEntry(CHAIN, operator(), action, {"dead_letter": number, "reason": mask(reason)})]
        )
        return
    entry = AuditEntry(CHAIN, operator(), action, {"dead_letter": number}, person, {"reason": reason})
    await audit.append(tx, [entry])
    look = AccessLogEntry(operator(), None, person, reason, f"{action} {number}")
    await access_log.append(tx, [look], chain=LOOKS)


def _shown(text: str, reason: str | None) -> str:
    """A sender's text for a terminal: as it came for a reason, masked without; never what a terminal obeys."""
    return printable(text if reason else mask(text))


async def _note(tx: Tx, action: str, **body: int | bool) -> None:
    await audit.append(tx, [AuditEntry(CHAIN, operator(), action, body)])


def _line(letter: DeadLetter) -> dict[str, object]:
    record = letter.record
    return {
        "id": letter.dead_letter_id,
        "since": letter.since,
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "key": shaped_like_a_key(record.key),
        "reason": str(record.reason),
        "state": letter.action or "open",
    }


def printable(text: str) -> str:
    """A sender's text without what a terminal would obey."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)


def letter_headers(value: object) -> list[tuple[str, str]]:
    """Headers as pairs."""
    return [(str(name), str(text)) for name, text in value] if isinstance(value, list) else []
