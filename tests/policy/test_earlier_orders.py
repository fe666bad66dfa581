"""An order is judged by the earlier orders that it names: a history that holds these alone gives the same judgement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigill.judgement.orders import judge
from sigill.policy.earlier_orders import is_needed, orders_named
from sigill.policy.effects import Judgement, ResolvePending, Sentence
from sigill.policy.facts import EarlierOrder, OrderFacts
from sigill.policy.rulebook import Rulebooks
from sigill.processing.patient_context import PatientContext, absorb_effects, with_orders
from sigill.scenario import pure
from sigill_contracts.order import SignedForm
from sigill_contracts.vocabulary import Channel, Form, OrderId, Outcome, PendingCode, RegionCode
from tests.model.histories import LEFT_OUT, Meetings
from tests.model.playing import play

STEPS = 300


def test_what_is_not_named_says_nothing_to_a_judgement(monkeypatch: pytest.MonkeyPatch) -> None:
    """In random histories, where rules meet often: every judgement is made twice, and once with the named orders alone."""
    left_out = kept = 0

    def twice(form: SignedForm, facts: OrderFacts, books: Rulebooks) -> Judgement:
        nonlocal left_out, kept
        named = orders_named([form])
        needed = {name: one for name, one in facts.orders.items() if is_needed(one, named)}
        left_out += len(facts.orders) - len(needed)
        kept += len(needed)
        whole = judge(form, facts, books)
        assert judge(form, replace(facts, orders=MappingProxyType(needed)), books) == whole
        return whole

    monkeypatch.setattr(pure, "judge", twice)
    assert play(90_000, STEPS, LEFT_OUT, kind=Meetings) >= STEPS
    assert left_out > kept > 0


IDS = [OrderId(str(UUID(int=number))) for number in range(1, 5)]
_TEXT = Sentence("", "")

stored_orders = st.builds(
    lambda outcome, waits, follows_up: (outcome, waits if outcome == "pending" else (), follows_up),
    st.sampled_from(["pending", "executed", "refused"]),
    st.sampled_from([(), ("not_yet_valid",), ("awaiting_units", "not_yet_valid")]),
    st.none() | st.sampled_from(IDS),
)
settlements = st.builds(
    ResolvePending,
    st.sampled_from(IDS),
    st.sampled_from([Outcome.EXECUTED, Outcome.REFUSED]),
    st.just(_TEXT),
    st.none() | st.sampled_from([PendingCode.NOT_YET_VALID, PendingCode.AWAITING_UNITS]),
)


def orders_of(drawn: list[tuple[str, tuple[str, ...], OrderId | None]]) -> Iterator[EarlierOrder]:
    for order_id, (outcome, waits, follows_up) in zip(IDS, drawn, strict=False):
        yield EarlierOrder(
            order_id,
            RegionCode("testland"),
            Form.SEAL_JOURNAL,
            outcome,
            waits,
            channel=Channel.PHONE,
            follows_up=follows_up,
        )


@given(
    st.lists(stored_orders, min_size=4, max_size=4),
    st.lists(st.lists(settlements, max_size=3), max_size=3),
    st.integers(0, 3),
    st.sets(st.sampled_from(IDS)),
)
def test_orders_that_come_late_are_as_if_they_had_been_there(
    drawn: list[tuple[str, tuple[str, ...], OrderId | None]],
    happened: list[list[ResolvePending]],
    when: int,
    early: set[OrderId],
) -> None:
    """Whatever was settled before they were loaded, and whichever of them were there already."""
    stored = {one.order_id: one for one in orders_of(drawn)}
    there = PatientContext(None, MappingProxyType(stored))
    late = PatientContext(None, MappingProxyType({n: o for n, o in stored.items() if n in early}))
    for place, effects in enumerate(happened):
        if place == when:
            late = with_orders(late, stored)
        there, late = absorb_effects(there, effects), absorb_effects(late, effects)
    late = with_orders(late, stored)
    assert list(late.orders.items()) == list(there.orders.items())
