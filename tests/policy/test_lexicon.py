"""One lexicon: every code that people are shown has words in Swedish and English, and no code has two texts."""

from collections.abc import Mapping
from enum import StrEnum

import pytest

from sigill.intake.refusal_texts import signature_objections
from sigill.judgement.notices import CLAIMS
from sigill.judgement.objections import objection
from sigill.policy import lexicon, wording
from sigill.policy.console_lexicon import WORDS
from sigill.policy.effects import Sentence, TimerKind
from sigill.policy.wording import Audience
from sigill.trust import RefusalDetail
from sigill_contracts.dead_letter import DeadLetterReason
from sigill_contracts.vocabulary import (
    AccessReason,
    Attestation,
    Channel,
    ContinueDecision,
    DocumentKind,
    Duty,
    Form,
    IdType,
    Initiative,
    MeasureKind,
    Opinion,
    Outcome,
    PendingCode,
    RefusalCode,
    Remark,
    Role,
    Service,
    Suppression,
    Template,
)

SHOWN: tuple[tuple[type[StrEnum], Mapping[StrEnum, Sentence]], ...] = (
    (RefusalCode, lexicon.REFUSAL),
    (PendingCode, lexicon.PENDING),
    (Remark, lexicon.REMARK),
    (AccessReason, lexicon.ACCESS),
    (Template, lexicon.NOTICE),
    (MeasureKind, lexicon.MEASURE),
    (Form, lexicon.FORM),
    (Service, lexicon.SERVICE),
    (Attestation, lexicon.ATTESTATION),
    (Role, lexicon.ROLE),
    (Initiative, lexicon.INITIATIVE),
    (Channel, lexicon.CHANNEL),
    (DocumentKind, lexicon.DOCUMENT),
    (Duty, lexicon.DUTY),
    (ContinueDecision, lexicon.DECISION),
    (Opinion, lexicon.OPINION),
    (Outcome, lexicon.OUTCOME),
    (IdType, lexicon.ID_TYPE),
    (Suppression, lexicon.SUPPRESSION),
    (DeadLetterReason, lexicon.DEAD_LETTER),
)
IN_CONSOLE: tuple[tuple[str, type[StrEnum]], ...] = (
    ("refusal", RefusalCode),
    ("pending", PendingCode),
    ("remark", Remark),
    ("access", AccessReason),
    ("notice", Template),
    ("measure", MeasureKind),
    ("form", Form),
    ("service", Service),
    ("attestation", Attestation),
    ("role", Role),
    ("initiative", Initiative),
    ("channel", Channel),
    ("outcome", Outcome),
    ("opinion", Opinion),
    ("decision", ContinueDecision),
    ("duty", Duty),
    ("suppression", Suppression),
    ("letter", DeadLetterReason),
    ("timer", TimerKind),
)


@pytest.mark.parametrize(("codes", "words"), SHOWN, ids=[codes.__name__ for codes, _ in SHOWN])
def test_every_code_has_words_in_both_languages(
    codes: type[StrEnum], words: Mapping[StrEnum, Sentence]
) -> None:
    assert set(words) == set(codes)
    assert [code for code in codes if not words[code].sv.strip() or not words[code].en.strip()] == []


@pytest.mark.parametrize(("kind", "codes"), IN_CONSOLE, ids=[kind for kind, _ in IN_CONSOLE])
def test_the_console_has_words_for_every_code(kind: str, codes: type[StrEnum]) -> None:
    assert {str(code) for code in codes} - set(WORDS[kind]) == set()


@pytest.mark.parametrize("code", RefusalCode)
def test_the_door_says_what_the_rules_say(code: RefusalCode) -> None:
    [said] = signature_objections([RefusalDetail(code)])
    assert said.text == objection(code).text


@pytest.mark.parametrize(("kind", "codes"), IN_CONSOLE, ids=[kind for kind, _ in IN_CONSOLE])
def test_the_console_says_what_the_lexicon_says(kind: str, codes: type[StrEnum]) -> None:
    """But for the capital letter of a heading."""
    words = next((w for c, w in SHOWN if c is codes), None)
    if words is None:
        return  # timers are the console's alone
    for code in codes:
        said, wanted = WORDS[kind][str(code)], words[code]
        assert (said.sv.casefold(), said.en.casefold()) == (wanted.sv.casefold(), wanted.en.casefold())


@pytest.mark.parametrize("template", Template)
def test_every_template_says_what_it_claims_and_is_worded_for_whom_it_is_told(template: Template) -> None:
    for audience in CLAIMS[template]:
        told = wording.NoticeFacts(services=(Service.JOURNAL,), age=13)
        text = wording.notice(template, audience, told)
        assert text.sv.endswith(".")
        assert text.en.endswith(".")


def test_each_reader_is_addressed_as_that_person() -> None:
    told = wording.NoticeFacts(services=(Service.JOURNAL, Service.E_SERVICES), age=13)
    for template, audiences in CLAIMS.items():
        if Audience.GUARDIAN in audiences and template is not Template.STANDARD_REPLY:
            assert "barn" in wording.notice(template, Audience.GUARDIAN, told).sv, template
        if Audience.SELF in audiences:
            assert "barn" not in wording.notice(template, Audience.SELF, told).sv, template


def test_a_guardian_whose_child_keeps_the_e_services_is_told_what_can_still_be_done() -> None:
    told = wording.NoticeFacts(services=(Service.JOURNAL,), errands=True)
    text = wording.notice(Template.MEASURE_IMPOSED, Audience.GUARDIAN, told)
    assert "Du kan fortfarande sköta barnets ärenden i e-tjänsterna på 1177." in text.sv
    both = wording.NoticeFacts(services=(Service.JOURNAL, Service.E_SERVICES), errands=False)
    assert "fortfarande" not in wording.notice(Template.MEASURE_IMPOSED, Audience.GUARDIAN, both).sv


@pytest.mark.parametrize("renewable", [True, False])
def test_renewal_is_spoken_of_only_where_there_is_one(renewable: bool) -> None:
    told = wording.NoticeFacts(services=(Service.JOURNAL,), renewable=renewable)
    assert ("förnyas" in wording.notice(Template.GRANT_EXPIRING, Audience.GUARDIAN, told).sv) is renewable
