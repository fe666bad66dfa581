"""A source that has been silent for too long makes every answer say so, and shows nothing where its contract says so."""

from dataclasses import replace
from datetime import timedelta
from typing import Literal

import pytest

from sigill.policy.access import AccessQuestion, access_matrix, decide
from sigill.policy.calendar import BirthDate
from sigill.policy.elsewhere import next_silence
from sigill.policy.facts import Identity, PatientFacts, Person, PersonVersion
from sigill.policy.rulebook import Rulebooks, SourceRule
from sigill_contracts.vocabulary import AccessReason, IdType, PersonId, Service
from tests.kit.values import local
from tests.policy.test_properties import books

NOW = local("2026-03-06T08:00")
LIMIT = timedelta(minutes=30)
ALVA = PersonId("alva")
FACTS = PatientFacts(
    Person(
        ALVA,
        "",
        BirthDate.parse("1988-04-02"),
        (PersonVersion(local("1988-04-02T00:00"), Identity(IdType.PERSONNUMMER, "198804022381")),),
    )
)


def reading(silent: Literal["say", "close"]) -> Rulebooks:
    """The rulebooks with a source that must be read every thirty minutes."""
    rule = SourceRule(limit_minutes=30, silent=silent, sv="1177", en="1177")
    return Rulebooks(
        {
            code: region.model_copy(update={"sources": {"1177": rule}}) if region.national else region
            for code, region in books().regions.items()
        }
    )


@pytest.mark.parametrize(
    ("silent", "service", "allowed"),
    [
        ("say", Service.JOURNAL, True),
        ("close", Service.JOURNAL, False),
        ("close", Service.E_SERVICES, False),
        ("close", Service.PAPER_COPY, True),
    ],
)
@pytest.mark.parametrize("read_up_to", [None, NOW - LIMIT - timedelta(seconds=1)])
def test_a_source_silent_for_too_long_is_said(
    silent: Literal["say", "close"], service: Service, allowed: bool, read_up_to: object
) -> None:
    facts = replace(FACTS, read_up_to={} if read_up_to is None else {"1177": read_up_to})  # type: ignore[dict-item]
    decision = decide(AccessQuestion(ALVA, service, NOW), facts, reading(silent))
    assert decision.allowed is allowed
    assert AccessReason.SOURCE_SILENT in decision.codes


def test_a_source_read_within_its_limit_says_nothing_and_one_without_a_limit_neither() -> None:
    facts = replace(FACTS, read_up_to={"1177": NOW - LIMIT, "other": NOW - timedelta(days=900)})
    question = AccessQuestion(ALVA, Service.JOURNAL, NOW)
    assert decide(question, facts, reading("close")) == decide(question, facts, books())
    assert next_silence(facts, NOW - timedelta(seconds=1), reading("close")) == NOW


def test_silence_is_no_change_of_anybody_s_access() -> None:
    assert access_matrix(FACTS, NOW, reading("close")) == access_matrix(FACTS, NOW, books())


def test_sources_are_said_in_the_national_rulebook_alone() -> None:
    region = next(r for r in books().regions.values() if not r.national)
    with pytest.raises(ValueError, match="national rulebook alone"):
        type(region).model_validate(
            region.model_dump(by_alias=True)
            | {"sources": {"1177": {"limit_minutes": 5, "sv": "1177", "en": "1177"}}}
        )
