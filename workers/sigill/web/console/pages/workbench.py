"""
The workbench of rule owners: a draft of a region's rules in the browser, tried, handed to a second owner, and released.

Where rules come from the store, a release is read by the running workers. Where they come from files, it is a text that the
operations put into the folder.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from itertools import groupby

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sigill.operations.operators import RULE_OWNERS
from sigill.operations.rulebook_drafts import TrialBusy, TrialEnded, impact_table, rounded
from sigill.operations.statistics import age_bounds
from sigill.policy.calendar import swedish_date
from sigill.policy.disclosure import ProtectedTable
from sigill.policy.effects import Sentence
from sigill.policy.rulebook import Rulebooks, digest_of
from sigill.processing.released_rules import ReleasedRules
from sigill.rulebook_docs.clause_help import CLAUSES, VERSION
from sigill.rulebook_docs.drafts import (
    MOST_CHARACTERS,
    DraftAnswer,
    DraftChange,
    DraftStory,
    first_file,
    rulebooks_with,
    texts_in,
)
from sigill.rulebook_docs.letters import DELIVERY, rendered
from sigill.rulebook_docs.story_form import OUTCOMES, PEOPLE, STAFF, STEPS, Given, story_id, story_text
from sigill.store import proposals, rulebooks
from sigill.store.rulebooks import RELEASE, NotReleased, PlayedStory, RulebookRelease, StoredDraft, login_of
from sigill.web.console.context import (
    GONE,
    TOO_OFTEN,
    ConsoleContext,
    done,
    get,
    number_of,
    post,
    reason_of,
    text_of,
)
from sigill.web.console.returned_forms import FormFault
from sigill.web.console.sessions import Session
from sigill_contracts.vocabulary import Form, RegionCode, Role, Service

_SHORT_NAME = re.compile(r"(?!new$)[a-z][a-z0-9-]{1,39}")


@dataclass(frozen=True, slots=True)
class RegionRules:
    """How a region's rules stand: the version in force today, the next one, and the digest of the file."""

    region: str
    name: str
    since: date | None
    following: date | None
    digest: str | None


def _regions(desk: ConsoleContext, session: Session) -> list[str]:
    """The regions whose rules somebody may draft; none for one who is bound to units."""
    bound = session.operator.bound
    known = sorted(
        region for region in desk.books.regions if bound.regions is None or region in bound.regions
    )
    return [str(region) for region in known] if bound.units is None else []


def _may_draft(desk: ConsoleContext, session: Session, region: str) -> bool:
    """Whether somebody may draft a region's rules, also those of a region that has none yet."""
    bound = session.operator.bound
    if bound.units is not None or (bound.regions is not None and region not in bound.regions):
        return False
    return region in desk.books.regions or _SHORT_NAME.fullmatch(region) is not None


def _texts(desk: ConsoleContext) -> Mapping[str, str]:
    """What is in force, by region: as the workers read it."""
    if isinstance(desk.rules, ReleasedRules):
        return {region: held.text for region, held in desk.rules.texts.items()}
    return texts_in(desk.settings.rulebooks)


async def overview(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """What is in force in each region, what waits for a second owner, drafts, and releases."""
    regions = _regions(desk, session)
    texts = _texts(desk)
    today = swedish_date(desk.clock.now())
    async with desk.store.reading() as tx:
        within = () if session.operator.bound.units is not None else session.operator.bound.regions
        drafts = await rulebooks.drafts(tx, within)
        released = await rulebooks.releases(tx, within)
        waiting = []
        for proposal in await proposals.open_ones(tx, RELEASE):
            drafted = await rulebooks.draft(tx, int(proposal.subject))
            if drafted is not None and _may_draft(desk, session, drafted.region):
                waiting.append((proposal, drafted))
    return desk.page(
        request,
        "workbench.html",
        session,
        standings=[_region_rules(desk, region, texts, today) for region in regions],
        drafts=drafts,
        releases=released,
        waiting=waiting,
        folder=None if desk.settings.rulebooks is None else str(desk.settings.rulebooks),
        in_folder={digest_of(text) for text in texts.values()},
        stored=isinstance(desk.rules, ReleasedRules),
        refused={release.release_id for release in desk.rules.refused}
        if isinstance(desk.rules, ReleasedRules)
        else (),
    )


def _region_rules(desk: ConsoleContext, region: str, texts: Mapping[str, str], today: date) -> RegionRules:
    book = desk.books.regions[RegionCode(region)]
    version = book.in_force(today)
    following = min((v.since for v in book.versions if v.since > today), default=None)
    text = texts.get(region)
    return RegionRules(
        region,
        book.name,
        version.since if version else None,
        following,
        None if text is None else digest_of(text),
    )


async def begin(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """A new draft: the text of the newest release that waits for the folder, else of the file."""
    region = request.path_params["region"]
    if not _may_draft(desk, session, region):
        return desk.sorry(request, session, 404, GONE, back="/workbench")
    text = await _ahead(desk, region) or _texts(desk).get(region)
    if text is None:
        tomorrow = swedish_date(desk.clock.now()) + timedelta(days=1)
        text = first_file(region, desk.books.base_of(region), tomorrow)
    return _editor(request, desk, session, region, text)


async def begin_new(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """The first file of a region, by its short name as it was typed."""
    region = (request.query_params.get("region") or "").strip().lower()
    if not _may_draft(desk, session, region):
        return desk.sorry(request, session, 422, _NO_SHORT_NAME, back="/workbench")
    return RedirectResponse(f"/workbench/{region}", 303)


async def _ahead(desk: ConsoleContext, region: str) -> str | None:
    """The text of a region's newest release, while it has not begun; None where the workers have read it themselves."""
    if isinstance(desk.rules, ReleasedRules):
        return None
    async with desk.store.reading() as tx:
        newest = await rulebooks.releases(tx, [region], limit=1)
        if not newest or newest[0].begins_on <= swedish_date(desk.clock.now()):
            return None
        release = await rulebooks.release_of(tx, newest[0].release_id)
    return None if release is None else release.text


def _editor(
    request: Request,
    desk: ConsoleContext,
    session: Session,
    region: str,
    text: str,
    *,
    draft: StoredDraft | None = None,
    answer: DraftAnswer | None = None,
    trouble: Sentence | None = None,
    played: bool = False,
    impact: Mapping[str, ProtectedTable] | None = None,
    status: int = 200,
) -> Response:
    return desk.page(
        request,
        "workbench_draft.html",
        session,
        status=status,
        region=region,
        text=text,
        draft=draft,
        answer=answer,
        trouble=trouble,
        played=played,
        stories=desk.trial.stories is not None,
        impact=impact,
        groups=next(iter(impact.values())).table.columns if impact else (),
        impact_words=_impact_words,
        rounded=rounded,
        counting=desk.impact is not None,
        versions=_grouped(answer),
        threshold=desk.settings.statistics_threshold,
        most=MOST_CHARACTERS,
        clauses=CLAUSES,
        version_clauses=VERSION,
        delivery=DELIVERY,
        rendered=rendered,
    )


def _draft_page(
    request: Request,
    desk: ConsoleContext,
    session: Session,
    found: StoredDraft,
    answer: DraftAnswer | None,
    trouble: Sentence | None,
    *,
    played: bool = False,
    impact: Mapping[str, ProtectedTable] | None = None,
    status: int = 200,
) -> Response:
    """The editor over a draft that is kept."""
    return _editor(
        request,
        desk,
        session,
        found.region,
        found.text,
        draft=found,
        answer=answer,
        trouble=trouble,
        played=played,
        impact=impact,
        status=status,
    )


def _grouped(
    answer: DraftAnswer | None,
) -> list[tuple[date, date | None, list[tuple[Form | None, list[DraftChange]]]]]:
    """The changes of each version by form; those about no form come first."""
    return [
        (
            version.since,
            version.against,
            [(form, list(of)) for form, of in groupby(version.changes, key=lambda change: change.form)],
        )
        for version in (answer.versions if answer is not None else ())
    ]


async def _tried(
    desk: ConsoleContext, region: str, text: str, *, play: bool = False
) -> tuple[DraftAnswer | None, Sentence | None]:
    """What is found of a text; or why nothing is."""
    ahead = await _ahead(desk, region)
    own: Sequence[str] = ()
    if play:
        async with desk.store.reading() as tx:
            own = tuple((await rulebooks.stories(tx, region)).values())
    return await _answered(desk, region, text, play=play, ahead=ahead, own_stories=own)


async def _answered(
    desk: ConsoleContext,
    region: str,
    text: str,
    *,
    play: bool,
    own_stories: Sequence[str],
    ahead: str | None = None,
    alone: bool = False,
) -> tuple[DraftAnswer | None, Sentence | None]:
    """What `DraftTrial.tried` answers of a text, beside the rules in force; or why it answers nothing."""
    today = swedish_date(desk.clock.now())
    in_force = _texts(desk) if isinstance(desk.rules, ReleasedRules) else None
    try:
        answer = await desk.trial.tried(
            region,
            text,
            today,
            play=play,
            ahead=ahead,
            in_force=in_force,
            own_stories=own_stories,
            alone=alone,
        )
    except TrialBusy:
        return None, _BUSY
    except TrialEnded:
        return None, _ENDED
    return answer, None


async def faults(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """The faults of a text as somebody types it. Nothing is stored."""
    region = request.path_params["region"]
    text, trouble = _text_of(form)
    if not _may_draft(desk, session, region):
        return desk.sorry(request, session, 404, GONE, back="/workbench")
    answer = None
    if trouble is None:
        answer, trouble = await _tried(desk, region, text)
    return desk.page(request, "workbench_faults.html", session, answer=answer, trouble=trouble)


async def save(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """Keep a text as a draft, faults or not."""
    region = request.path_params["region"]
    if not _may_draft(desk, session, region):
        return desk.sorry(request, session, 404, GONE, back="/workbench")
    text, trouble = _text_of(form)
    if trouble is not None:
        return _editor(request, desk, session, region, text[:MOST_CHARACTERS], trouble=trouble, status=422)
    operator = session.operator
    try:
        async with desk.store.transaction(desk.clock.now()) as tx:
            login = login_of(operator.issuer, operator.subject)
            number = await rulebooks.save(tx, region, text, operator.name, login)
            body: dict[str, int | str] = {"draft": number, "region": region, "digest": digest_of(text)}
            await desk.note(tx, operator, "rulebook_drafted", body)
    except rulebooks.TooMany:
        return _editor(request, desk, session, region, text, trouble=_MANY_DRAFTS, status=429)
    return RedirectResponse(f"/workbench/drafts/{number}", 303)


def _text_of(form: FormData) -> tuple[str, Sentence | None]:
    """The text as a file has it, with one newline at its end; and what is wrong with it before anybody reads it."""
    given = form.get("text")
    text = (given if isinstance(given, str) else "").replace("\r\n", "\n").replace("\r", "\n").rstrip() + "\n"
    if len(text) > MOST_CHARACTERS:
        return text, _TOO_LONG
    return text, _EMPTY if text == "\n" else None


async def _draft(request: Request, desk: ConsoleContext, session: Session) -> StoredDraft | None:
    number = number_of(request.path_params["draft"])
    if number is None:
        return None
    async with desk.store.reading() as tx:
        found = await rulebooks.draft(tx, number)
    return found if found is not None and _may_draft(desk, session, found.region) else None


async def draft(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """A draft with its faults at their lines, and what it changes."""
    found = await _draft(request, desk, session)
    if found is None:
        return desk.sorry(request, session, 404, GONE, back="/workbench")
    answer, trouble = await _tried(desk, found.region, found.text)
    return _draft_page(request, desk, session, found, answer, trouble)


async def stories(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """Play the region's stories against a draft."""
    found = await _draft(request, desk, session)
    if found is None:
        return desk.sorry(request, session, 404, GONE, back="/workbench")
    answer, trouble = await _tried(desk, found.region, found.text, play=True)
    return _draft_page(request, desk, session, found, answer, trouble, played=True)


async def impact(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """Count whom a draft would touch on its first day. That somebody counted stands in the audit chain."""
    found = await _draft(request, desk, session)
    if found is None or desk.impact is None:
        return desk.sorry(request, session, 404, GONE, back="/workbench")
    if not desk.counts.allowed(session.operator.name):
        return desk.sorry(request, session, 429, TOO_OFTEN, back=f"/workbench/drafts/{found.draft_id}")
    answer, trouble = await _tried(desk, found.region, found.text)
    table = None
    if desk.counting.locked():
        trouble = _COUNTING
    elif answer is not None and answer.begins is not None:
        async with desk.counting:
            before, after = await asyncio.to_thread(_both, desk, found)
            async with desk.store.transaction(desk.clock.now()) as tx:
                body: dict[str, int | str] = {"draft": found.draft_id, "digest": found.digest}
                await desk.note(tx, session.operator, "rulebook_counted", body)
            try:
                counted = await desk.impact(before, after, answer.begins)
            except TimeoutError:
                trouble = _LONG
            else:
                bounds = age_bounds(before, RegionCode(found.region), answer.begins)
                table = impact_table(counted, bounds, desk.settings.statistics_threshold)
    return _draft_page(request, desk, session, found, answer, trouble, impact=table)


def _both(desk: ConsoleContext, found: StoredDraft) -> tuple[Rulebooks, Rulebooks]:
    """The rulebooks of the folder, and as they would be with a draft that was found without fault."""
    texts = _texts(desk)
    own = texts.get(found.region, found.text)
    return rulebooks_with(texts, found.region, own), rulebooks_with(texts, found.region, found.text)


async def propose(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """Hand a draft to a second owner, with what it is for."""
    found = await _draft(request, desk, session)
    if found is None:
        return desk.sorry(request, session, 404, GONE, back="/workbench")
    reason = reason_of(form)
    answer, trouble = await _tried(desk, found.region, found.text)
    if answer is None or answer.begins is None:
        raise FormFault({"": trouble or _NOT_READY}, 409)
    try:
        async with desk.store.transaction(desk.clock.now()) as tx:
            number = await rulebooks.propose(tx, found, session.operator.name, reason)
            body: dict[str, int | str] = {
                "proposal": number,
                "draft": found.draft_id,
                "region": found.region,
                "digest": found.digest,
            }
            await desk.note(tx, session.operator, "rulebook_proposed", body)
    except NotReleased:
        raise FormFault({"": _NOT_YOURS}, 409) from None
    return done("/workbench", "proposed")


async def _proposal(
    request: Request, desk: ConsoleContext, session: Session
) -> tuple[proposals.Proposal, StoredDraft] | None:
    number = number_of(request.path_params["proposal"])
    async with desk.store.reading() as tx:
        waiting = await proposals.open_one(tx, RELEASE, number)
        found = None if waiting is None else await rulebooks.draft(tx, int(waiting.subject))
    if waiting is not None and found is not None and _may_draft(desk, session, found.region):
        return waiting, found
    return None


async def proposal(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """What a second owner reads: the differences in words, the stories, and the text."""
    found = await _proposal(request, desk, session)
    if found is None:
        return desk.sorry(request, session, 404, GONE, back="/workbench")
    beside = await _newest(desk)
    answer, trouble = await _tried(desk, found[1].region, found[1].text, play=True)
    return _approval(request, desk, session, *found, beside, answer, trouble)


async def _newest(desk: ConsoleContext) -> int:
    """The newest release of any region that a draft is tried beside from now on; later ones it may or may not be."""
    if isinstance(desk.rules, ReleasedRules):
        return desk.rules.newest
    async with desk.store.reading() as tx:
        return await rulebooks.newest_release(tx)


def _approval(
    request: Request,
    desk: ConsoleContext,
    session: Session,
    one: proposals.Proposal,
    drafted: StoredDraft,
    beside: int,
    answer: DraftAnswer | None,
    trouble: Sentence | None,
    status: int = 200,
) -> Response:
    return desk.page(
        request,
        "workbench_proposal.html",
        session,
        status=status,
        proposal=one,
        draft=drafted,
        beside=beside,
        answer=answer,
        trouble=trouble,
        delivery=DELIVERY,
        rendered=rendered,
        versions=_grouped(answer),
        played=True,
        stories=desk.trial.stories is not None,
        own=_is_same(session, drafted),
    )


def _is_same(session: Session, drafted: StoredDraft) -> bool:
    """Whether who is logged in wrote the draft, by name (an HSA-id, whatever its letters' case) or by login."""
    operator = session.operator
    login = login_of(operator.issuer, operator.subject)
    return operator.name.upper() == drafted.operator.upper() or (login is not None and login == drafted.login)


async def decide(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """A second owner releases a draft, or declines it; its stories are played once more, and kept with it."""
    found = await _proposal(request, desk, session)
    if found is None:
        return done("/workbench", "gone")
    one, drafted = found
    operator = session.operator
    if text_of(form, "verdict") != "approve":
        try:
            async with desk.store.transaction(desk.clock.now()) as tx:
                await proposals.decide(tx, one.proposal_id, operator.name, approved=False, action=RELEASE)
                declined: dict[str, int | str] = {"proposal": one.proposal_id, "draft": drafted.draft_id}
                await desk.note(tx, operator, "rulebook_declined", declined)
        except proposals.NotOpen:  # somebody decided it meanwhile
            return done("/workbench", "gone")
        return done("/workbench", "declined")
    if _is_same(session, drafted):
        return done("/workbench", "same")
    if isinstance(desk.rules, ReleasedRules):
        desk.rules.look_again()
        desk = await desk.with_rules()
    beside = await _newest(desk)
    answer, trouble = await _tried(desk, drafted.region, drafted.text, play=True)
    if answer is None or answer.begins is None:
        return _approval(request, desk, session, one, drafted, beside, answer, trouble or _NOT_READY, 409)
    if text_of(form, "beside") != str(beside):
        return _approval(request, desk, session, one, drafted, beside, answer, _READ_AGAIN, 409)
    sources = await asyncio.to_thread(_sources, desk, drafted, answer)
    try:
        async with desk.store.transaction(desk.clock.now()) as tx:
            made = await rulebooks.release(
                tx,
                one.proposal_id,
                operator.name,
                login_of(operator.issuer, operator.subject),
                begins_on=answer.begins,
                sources=sources,
                stories=[PlayedStory(story.story, story.failure) for story in answer.stories],
                tried_beside=beside,
            )
            await desk.note(tx, operator, "rulebook_released", _told(made))
    except proposals.SameOperator:
        return done("/workbench", "same")
    except proposals.NotOpen:
        return done("/workbench", "gone")
    except NotReleased:
        return _approval(request, desk, session, one, drafted, beside, answer, _NOT_READY, 409)
    return done("/workbench", "released")


def _sources(desk: ConsoleContext, drafted: StoredDraft, answer: DraftAnswer) -> Sequence[str]:
    """The papers that the new versions rest on, by name and title."""
    region = _both(desk, drafted)[1].regions[RegionCode(drafted.region)]
    new = {version.since for version in answer.versions}
    names = dict.fromkeys(name for v in region.versions if v.since in new for name in v.documents)
    return [f"{name}: {region.documents[name].title}" for name in names]


def _told(made: RulebookRelease) -> dict[str, int | str]:
    return {
        "release": made.release_id,
        "draft": made.draft_id,
        "region": made.region,
        "digest": made.digest,
        "begins_on": made.begins_on.isoformat(),
        "first_owner": made.first_owner,
        "stories": len(made.stories),
        "passed": made.passed,
    }


async def export(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """A release as the file that goes into the folder, byte by byte what was approved."""
    number = number_of(request.path_params["release"])
    found = None
    if number is not None:
        async with desk.store.reading() as tx:
            found = await rulebooks.release_of(tx, number)
    if found is None or not _may_draft(desk, session, found.region):
        return desk.sorry(request, session, 404, GONE, back="/workbench")
    if digest_of(found.text) != found.digest:
        return desk.sorry(request, session, 409, _NOT_WHOLE, back="/workbench")
    return Response(
        found.text,
        media_type="application/yaml",
        headers={"Content-Disposition": f'attachment; filename="{found.region}.yaml"'},
    )


async def story(request: Request, desk: ConsoleContext, session: Session) -> Response:
    """The form of a story, empty, and the stories that were written in it before."""
    found = await _draft(request, desk, session)
    if found is None:
        return desk.sorry(request, session, 404, GONE, back="/workbench")
    return await _story_page(request, desk, session, found, lambda _: "")


async def save_story(request: Request, desk: ConsoleContext, session: Session, form: FormData) -> Response:
    """Play a story against the draft, and keep it where it could be played; or take one away."""
    found = await _draft(request, desk, session)
    if found is None:
        return desk.sorry(request, session, 404, GONE, back="/workbench")
    away = text_of(form, "away")
    given = partial(text_of, form, longest=_LONGEST_FIELD)
    async with desk.store.reading() as tx:
        kept = await rulebooks.stories(tx, found.region)
    if away and away not in kept:
        return done(f"/workbench/drafts/{found.draft_id}/story", "gone")
    name = away or story_id(found.region, given("title"))
    text = "" if away else story_text(found.region, given)
    played = None
    if len(text.encode()) > rulebooks.LONGEST_STORY:
        return await _story_page(request, desk, session, found, given, trouble=_LONG_STORY, status=422)
    if not away:
        played, trouble = await _story_played(desk, found, name, text)
        if trouble is not None:
            return await _story_page(request, desk, session, found, given, trouble=trouble, status=422)
    try:
        async with desk.store.transaction(desk.clock.now()) as tx:
            await rulebooks.save_story(tx, found.region, name, text, session.operator.name)
            body: dict[str, int | str] = {"region": found.region, "story": name, "digest": digest_of(text)}
            await desk.note(tx, session.operator, "rulebook_story_saved", body)
    except rulebooks.TooMany:
        return await _story_page(request, desk, session, found, given, trouble=_MANY_STORIES, status=409)
    return await _story_page(request, desk, session, found, (lambda _: "") if away else given, played=played)


async def _story_played(
    desk: ConsoleContext, found: StoredDraft, name: str, text: str
) -> tuple[DraftStory | None, Sentence | None]:
    """How a story goes against a draft; or why it cannot be played."""
    answer, trouble = await _answered(
        desk, found.region, found.text, play=True, own_stories=[text], alone=True
    )
    if answer is None:
        return None, trouble
    if answer.faults:
        return None, _FAULTY_DRAFT
    one = next((story for story in answer.stories if story.story == name), None)
    if one is None:
        told = answer.stories[0].failure if answer.stories else ""
        return None, Sentence(f"Berättelsen går inte att läsa: {told}", f"The story cannot be read: {told}")
    return one, None


async def _story_page(
    request: Request,
    desk: ConsoleContext,
    session: Session,
    found: StoredDraft,
    given: Given,
    *,
    played: DraftStory | None = None,
    trouble: Sentence | None = None,
    status: int = 200,
) -> Response:
    async with desk.store.reading() as tx:
        kept = await rulebooks.stories(tx, found.region)
    return desk.page(
        request,
        "workbench_story.html",
        session,
        status=status,
        draft=found,
        given=given,
        kept=kept,
        played=played,
        trouble=trouble,
        people=PEOPLE,
        staff=STAFF,
        steps=STEPS,
        kinds=_STEP_WORDS,
        outcomes=OUTCOMES,
        forms=list(Form),
        roles=list(Role),
        services=list(Service),
    )


_STEP_WORDS = {
    "order": Sentence("en blankett kommer", "a form comes"),
    "access": Sentence("någon vill se", "somebody wants to see"),
    "at": Sentence("klockan går till", "the clock goes on to"),
    "measures": Sentence("det här gäller då", "this is in force then"),
}
_LONGEST_FIELD = 300
_MANY_STORIES = Sentence(
    f"Regionen har redan {rulebooks.MOST_STORIES} berättelser här. Ta bort någon, eller lägg dem i mappen.",
    f"The region has {rulebooks.MOST_STORIES} stories here already. Take one away, or put them into the folder.",
)
_LONG_STORY = Sentence(
    "Berättelsen är för lång. Låt färre personer och enheter vara med, eller dela den i två.",
    "The story is too long. Let fewer people and units be in it, or make two of it.",
)
_FAULTY_DRAFT = Sentence(
    "Utkastet har fel. Rätta dem först: berättelsen spelas mot utkastet.",
    "The draft has faults. Mend them first: the story is played against the draft.",
)

_WAYS = {
    "opens": Sentence("öppnas", "is opened"),
    "closes": Sentence("stängs", "is shut"),
}
_ROLES = {
    "own": Sentence("egen åtkomst", "own access"),
    "guardian": Sentence("vårdnadshavares åtkomst", "guardians' access"),
    "representative": Sentence("ombuds åtkomst", "representatives' access"),
}
_STATES = {
    "protected_patient": Sentence("patient med skyddade uppgifter", "patient with protected identity"),
    "protected_guardian": Sentence(
        "vårdnadshavare med skyddade uppgifter", "guardian with protected identity"
    ),
}


def _impact_words(way: str) -> tuple[Sentence, str, str]:
    """A row of the table: what happens, and the kind of word and the code behind it; an empty kind: nothing is behind it."""
    what, _, which = way.partition(" ")
    if what in _WAYS:
        role, _, service = which.partition(" ")
        who, how = _ROLES[role], _WAYS[what]
        return Sentence(f"{who.sv} {how.sv}", f"{who.en} {how.en}"), "service", service
    if what == "measure":
        return (
            Sentence("gällande åtgärd följer andra regler", "standing measure follows other rules"),
            "measure",
            which,
        )
    if what == "standing":
        state = _STATES.get(which, Sentence(which, which))
        return Sentence(f"regel utan beställning: {state.sv}", f"standing rule: {state.en}"), "", ""
    return Sentence("påminnelse inför födelsedag", "birthday reminder"), "", ""


_NO_SHORT_NAME = Sentence(
    "En regions kortnamn har små bokstäver a–z, siffror och bindestreck, börjar med en bokstav, och hör till det som din "
    "inloggning omfattar.",
    "A region's short name has small letters a–z, digits and hyphens, begins with a letter, and lies within your login.",
)
_BUSY = Sentence(
    "Ett annat utkast provas just nu. Försök igen om en stund.",
    "Another draft is being tried. Try again in a while.",
)
_ENDED = Sentence(
    "Utkastet gick inte att läsa inom rimlig tid och rimligt minne. Förenkla det: hänvisningar (`&`, `*`) som pekar på "
    "hänvisningar växer snabbt.",
    "The draft could not be read within bounds of time and memory. Make it simpler: aliases (`&`, `*`) of aliases grow fast.",
)
_TOO_LONG = Sentence(
    f"Texten är längre än {MOST_CHARACTERS} tecken.", f"The text is longer than {MOST_CHARACTERS} characters."
)
_MANY_DRAFTS = Sentence(
    f"Du har sparat {rulebooks.MOST_DRAFTS} utkast på ett dygn. Texten står kvar här; spara den i en fil så länge.",
    f"You have saved {rulebooks.MOST_DRAFTS} drafts in a day. The text is still here; keep it in a file meanwhile.",
)
_EMPTY = Sentence("Texten är tom.", "The text is empty.")
_NOT_READY = Sentence(
    "Utkastet kan inte lämnas vidare: rätta felen, och låt något ändras från en dag efter i dag.",
    "The draft cannot go on: mend its faults, and let something change from a day after today.",
)
_READ_AGAIN = Sentence(
    "En annan utgåva har släppts sedan du läste utkastet. Läs vad det ändrar nu, och besluta därefter.",
    "Another release has been made since you read the draft. Read what it changes now, and decide then.",
)
_NOT_YOURS = Sentence(
    "Den som har sparat utkastet lämnar över det, en gång. Spara det som ditt eget om du tar över det.",
    "Whoever saved the draft hands it over, once. Save it as your own to take it over.",
)
_NOT_WHOLE = Sentence(
    "Texten stämmer inte med sin kontrollsumma och lämnas inte ut. Kör `sigill audit verify`.",
    "The text does not fit its digest and is not handed out. Run `sigill audit verify`.",
)
_COUNTING = Sentence(
    "En annan räkning pågår. Försök igen om en stund.", "Another count is running. Try again in a while."
)
_LONG = Sentence(
    "Räkningen tog för lång tid och avbröts. Kör `sigill rulebook diff --population` i stället.",
    "The count took too long and was ended. Run `sigill rulebook diff --population` instead.",
)

ROUTES = [
    get("/workbench", overview, RULE_OWNERS),
    get("/workbench/drafts/{draft}", draft, RULE_OWNERS),
    get("/workbench/proposals/{proposal}", proposal, RULE_OWNERS),
    get("/workbench/releases/{release}/file", export, RULE_OWNERS),
    get("/workbench/new", begin_new, RULE_OWNERS),
    get("/workbench/{region}", begin, RULE_OWNERS),
    get("/workbench/drafts/{draft}/story", story, RULE_OWNERS),
    post("/workbench/drafts/{draft}/story", save_story, RULE_OWNERS),
    post("/workbench/drafts/{draft}/stories", stories, RULE_OWNERS),
    post("/workbench/drafts/{draft}/impact", impact, RULE_OWNERS),
    post("/workbench/drafts/{draft}/propose", propose, RULE_OWNERS, draft),
    post("/workbench/proposals/{proposal}", decide, RULE_OWNERS),
    post("/workbench/{region}/faults", faults, RULE_OWNERS),
    post("/workbench/{region}/draft", save, RULE_OWNERS),
]
