"""
A draft of a rulebook, tried in a process of its own: `python -m sigill.scenario.draft`, JSON in and out.

Guarantee: whatever the text is, this process reads the two folders that it is told of, writes no file, opens no connection,
and ends by itself: its memory and its time are bounded by the kernel before it reads a byte. What a story is played on is the
pure core (`PureStage`), the same functions that judge in the workers.
"""

import asyncio
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

from sigill.policy.rulebook import Rulebooks
from sigill.rulebook_docs.drafts import MOST_CHARACTERS, DraftAnswer, DraftRequest, DraftStory, answered
from sigill.scenario.format import (
    DeclaredNames,
    Scenario,
    UnreadableScenario,
    declared_by,
    files_of,
    read_stories,
    stories_in,
)
from sigill.scenario.play import Failed
from sigill.scenario.pure import play_pure

MEMORY = 1 << 30
"""Bytes of address space."""
SECONDS = 60
"""Of the processor's time."""
_MOST_BYTES = 40 * 8 * MOST_CHARACTERS
"""Of a request: the draft, and the release that waits for the folder or the rulebooks of all regions."""


def tried(asked: DraftRequest) -> DraftAnswer:
    """What is found of a draft, its region's stories played where some are given. Raises OSError."""
    answer, books = answered(asked)
    if books is None or answer.faults:
        return answer
    declared = declared_by(books)
    national = books.national.region == asked.region
    stories: list[Scenario] = []
    unread: list[str] = []
    for path in files_of([asked.stories]) if asked.stories is not None else ():
        # most of a reading's time goes into stories of other regions
        if not national and f"region: {asked.region}".encode() not in path.read_bytes():
            continue
        try:
            found = read_stories(path, declared)
        except UnreadableScenario:
            unread.append(path.name)
            continue
        stories += [file.story for file in found if national or file.story.region == asked.region]
        if any(file.unknown for file in found):
            unread.append(path.name)
    own, cannot = _own(asked, declared)
    played = _played([*(story for story in stories if story.id not in own), *own.values()], books)
    return answer.model_copy(update={"stories": (*played, *cannot), "unread": tuple(unread)})


def _own(asked: DraftRequest, declared: DeclaredNames) -> tuple[dict[str, Scenario], list[DraftStory]]:
    """The stories that came as texts, by id, and those of them that cannot be played, each with why."""
    own: dict[str, Scenario] = {}
    cannot: list[DraftStory] = []
    for text in asked.own_stories:
        try:
            [read] = stories_in(text, Path("story"), declared)
        except UnreadableScenario as error:
            cannot.append(DraftStory(story="story", title=text.partition("\n")[0], failure=str(error)))
            continue
        if read.unknown:
            failure = "\n".join(read.unknown)
            cannot.append(DraftStory(story=read.story.id, title=read.story.scenario, failure=failure))
        else:
            own[read.story.id] = read.story
    return own, cannot


def _played(stories: list[Scenario], books: Rulebooks) -> Iterator[DraftStory]:
    for story in stories:
        try:
            asyncio.run(play_pure(story, books))
            failure = None
        except Failed as failed:
            failure = str(failed)
        except (LookupError, ValueError, ArithmeticError, AssertionError) as error:
            # a story that speaks of what the draft no longer has; the text of such an error is for programmers
            failure = f"the story cannot be played: {type(error).__name__}"
        yield DraftStory(story=story.id, title=story.scenario, failure=failure)


def _bound() -> None:
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def main() -> None:
    """Answer the one request on stdin."""
    _bound()
    asked = DraftRequest.model_validate_json(sys.stdin.buffer.read(_MOST_BYTES))
    sys.stdout.write(tried(asked).model_dump_json())


if __name__ == "__main__":
    main()
