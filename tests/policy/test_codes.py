"""Every code that a reader may meet is shown by a story, or stands here with the place that shows it instead."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import pytest

from sigill.cli.rulebook import STORIES
from sigill.policy.effects import Impose
from sigill.scenario.cast import Numbers
from sigill.scenario.format import files_of, read_file
from sigill.scenario.play import OrderToSign, ScenarioRunner, SeenDecision, SeenReceipt
from sigill.scenario.pure import PureStage
from sigill_contracts.order import PersonRef
from sigill_contracts.vocabulary import (
    AccessReason,
    MeasureKind,
    PendingCode,
    RefusalCode,
    Remark,
    Service,
    Template,
)
from tests.policy.test_properties import books

ELSEWHERE = {
    # the door before the rules: tests/workers/test_message_unwrapping.py, tests/trust
    RefusalCode.REVOCATION_UNKNOWN,
    RefusalCode.SIGNED_IN_FUTURE,
    RefusalCode.WRONG_AUDIENCE,
    RefusalCode.ENVELOPE_MISMATCH,
    RefusalCode.SIGNATURE_FORM_NOT_ACCEPTED,
    PendingCode.AWAITING_REVOCATION_STATUS,
    # what is told of who entered an order, not of what it does: tests/workers/test_receipt_readers.py
    Template.ORDER_ENTERED,
    # what only evidence that comes later can tell: tests/workers/test_reevaluation.py
    Template.CARD_REVOKED_LATE,
    # a source of the national rulebook that nobody reads: tests/policy/test_elsewhere.py
    AccessReason.SOURCE_SILENT,
    # reasons under ages that no shipped rulebook has: tests/policy/test_made_up_ages.py
    AccessReason.GUARDIAN_OF_CHILD,
    AccessReason.GUARDIAN_OF_OLDER_CHILD,
    AccessReason.TOO_YOUNG_FOR_LOGIN,
    AccessReason.TOO_YOUNG_FOR_RECORD,
    # documents that a form must name; in no shipped rulebook: tests/policy/test_references.py
    RefusalCode.REFERENCE_MISSING,
    # what a region of other ages is answered; none is shipped: tests/policy/test_made_up_ages.py
    AccessReason.GUARDIAN_OF_CHILD,
    AccessReason.GUARDIAN_OF_OLDER_CHILD,
    AccessReason.TOO_YOUNG_FOR_RECORD,
    AccessReason.TOO_YOUNG_FOR_LOGIN,
    # a co-ordination number of uncertain identity, and a parked patient: tests/policy/test_orders.py
    RefusalCode.IDENTITY_UNCERTAIN,
    PendingCode.AWAITING_EARLIER_MESSAGE,
}


class Noting(PureStage):
    """The in-memory stage, noting every code that comes by."""

    def __init__(self) -> None:
        super().__init__(books())
        self.codes: set[str] = set()
        self.kinds: set[str] = set()

    async def send(self, order: OrderToSign) -> SeenReceipt:
        told = await super().send(order)
        self.codes |= {*told.codes, *told.remarks}
        return told

    def _enact(self, patient: Any, effects: Iterable[Any], cause: str) -> None:
        found = list(effects)
        self.kinds |= {e.measure.kind.value for e in found if isinstance(e, Impose)}
        super()._enact(patient, found, cause)

    async def ask(
        self,
        viewer: PersonRef,
        patient: PersonRef,
        service: Service,
        unit: str | None,
        recorded_on: date | None,
        at: datetime,
        known_at: datetime | None,
        information_type: str | None = None,
    ) -> SeenDecision:
        answer = await super().ask(
            viewer, patient, service, unit, recorded_on, at, known_at, information_type
        )
        self.codes |= set(answer.codes)
        return answer


@pytest.fixture(scope="module")
async def shown() -> tuple[set[str], set[str]]:
    """Codes and measure kinds that the stories show."""
    codes: set[str] = set()
    kinds: set[str] = set()
    for story in (s for f in files_of([STORIES]) for s in read_file(f)):
        stage = Noting()
        await ScenarioRunner(story, stage, books(), Numbers(), "sigill/test").run()
        codes |= stage.codes | {str(n.template) for n in stage.told}
        codes |= {code for told in stage.receipts.values() for code in told.codes}
        kinds |= stage.kinds
    return codes, kinds


@pytest.mark.parametrize(
    "vocabulary", [RefusalCode, PendingCode, Remark, AccessReason, Template], ids=lambda v: v.__name__
)
async def test_every_code_is_shown_by_a_story(vocabulary: Any, shown: tuple[set[str], set[str]]) -> None:
    missing = {code for code in vocabulary if str(code) not in shown[0]}
    assert missing == {code for code in ELSEWHERE if isinstance(code, vocabulary)}


async def test_every_kind_of_measure_is_shown_by_a_story(shown: tuple[set[str], set[str]]) -> None:
    assert shown[1] == {kind.value for kind in MeasureKind}
