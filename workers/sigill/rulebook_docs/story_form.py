"""
A story as a form has it: a few rows of people, staff and steps, made into the text that `sigill scenario run` plays.

Nothing is checked here but that there is something to write: who plays the text says what is wrong in it.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import date

import yaml

PEOPLE, STAFF, STEPS = 5, 3, 8
"""Rows of the form."""
OUTCOMES = ("executed", "refused", "pending")
Given = Callable[[str], str]
"""What somebody wrote in a field of the form; empty where it was left empty."""


def story_id(region: str, title: str) -> str:
    """The id of a story that is written in the form: the same title in the same region is the same story."""
    return f"W-{hashlib.sha256(f'{region} {title}'.encode()).hexdigest()[:10]}"


def story_text(region: str, given: Given) -> str:
    """The text of a story as its form was filled in. Rows without a name, or without a kind of step, are left out."""
    title = given("title")
    story: dict[str, object] = {
        "scenario": title,
        "id": story_id(region, title),
        "cites": _listed(given("cites")),
        "region": region,
        "start": given("start"),
        "units": _listed(given("units")),
        "people": dict(_people(given)),
    }
    if staff := dict(_staff(given)):
        story["staff"] = staff
    story["steps"] = list(_steps(given))
    return yaml.safe_dump(story, allow_unicode=True, sort_keys=False, width=120)


def _people(given: Given) -> Iterator[tuple[str, Mapping[str, object]]]:
    for row in range(PEOPLE):
        if name := given(f"person{row}"):
            guardians = _listed(given(f"guardians{row}"))
            marked = {"protected": True} if given(f"protected{row}") else {}
            yield (
                name,
                {
                    "born": _day(given(f"born{row}")),
                    **({"guardians": guardians} if guardians else {}),
                    **marked,
                },
            )


def _staff(given: Given) -> Iterator[tuple[str, Mapping[str, object]]]:
    for row in range(STAFF):
        if name := given(f"staff{row}"):
            yield name, {"unit": given(f"unit{row}"), "roles": _listed(given(f"role{row}"))}


def _steps(given: Given) -> Iterator[Mapping[str, object]]:
    for row in range(STEPS):

        def said(field: str, row: int = row) -> str:
            return given(f"{field}{row}")

        match said("kind"):
            case "order":
                order: dict[str, object] = {
                    "id": f"o{row + 1}",
                    "form": said("form"),
                    "patient": said("patient"),
                }
                if decider := said("by"):
                    order["decided_by"] = decider
                if guardians := _listed(said("concerns")):
                    order["guardians"] = guardians
                expected: dict[str, object] = {"outcome": said("outcome")} if said("outcome") else {}
                if codes := _listed(said("codes")):
                    expected["codes"] = codes
                yield {"order": order, **({"expect": expected} if expected else {})}
            case "access":
                asked = {"viewer": said("by"), "patient": said("patient"), "service": said("service")}
                allowed: dict[str, object] = {"allowed": said("allowed") == "yes"}
                if codes := _listed(said("codes")):
                    allowed["because"] = codes
                yield {"access": asked, "expect": allowed}
            case "at":
                yield {"at": said("moment")}
            case "measures":
                yield {"expect_measures": {"patient": said("patient"), "active": _listed(said("codes"))}}
            case _:
                continue


def _day(text: str) -> date | str:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return text


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
