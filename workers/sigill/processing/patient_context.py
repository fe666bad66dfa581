"""
What holds for a patient while a batch is judged: a later order sees what the earlier ones did.

Values only; the rows are written once, at the end.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from sigill.policy.effects import (
    Amend,
    CloseRequest,
    Effect,
    Impose,
    Judgement,
    OpenRequest,
    RecordAnswer,
    ResolvePending,
    applied,
)
from sigill.policy.facts import EarlierOrder, PatientFacts, ReleaseRequest
from sigill_contracts.order import SignedForm
from sigill_contracts.vocabulary import MeasureId, OrderId, RegionCode

_NO_ORDERS: Mapping[OrderId, EarlierOrder] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class PatientContext:
    """
    A patient's facts, earlier orders and open or closed requests, as the next judgement must see them.

    `facts` is None for a patient who is in no register. `orders` are those that the forms at hand need
    (`sigill.policy.earlier_orders`); what has been settled meanwhile, of whichever order, is in `settled`, in order.
    """

    facts: PatientFacts | None
    orders: Mapping[OrderId, EarlierOrder] = field(default_factory=lambda: _NO_ORDERS)
    requests: tuple[ReleaseRequest, ...] = ()
    settled: tuple[ResolvePending, ...] = ()


def with_orders(standing: PatientContext, stored: Mapping[OrderId, EarlierOrder]) -> PatientContext:
    """
    The standing with further orders, as the store has them, oldest first: as if they had been there from the beginning.

    What has become of one since is in the standing: the order itself, judged again, or what has settled it.
    """
    late = _settled(stored, standing.settled)
    found = {order_id: standing.orders.get(order_id, order) for order_id, order in late.items()}
    return replace(standing, orders=MappingProxyType({**found, **standing.orders}))


def absorb_effects(standing: PatientContext, effects: Iterable[Effect]) -> PatientContext:
    """The standing after effects that no new order brought: measures, requests, and orders that were settled."""
    effects = tuple(effects)
    facts = standing.facts if standing.facts is None else applied(standing.facts, effects)
    return replace(
        standing,
        facts=facts,
        orders=MappingProxyType(_settled(standing.orders, effects)),
        requests=_requests_after(standing.requests, effects),
        settled=(*standing.settled, *(e for e in effects if isinstance(e, ResolvePending))),
    )


def absorb_order(standing: PatientContext, form: SignedForm, judgement: Judgement) -> PatientContext:
    """The standing after an order was judged: its effects, and the order itself."""
    after = absorb_effects(standing, judgement.effects)
    order_id = OrderId(str(form.order_id))
    entry = EarlierOrder(
        order_id=order_id,
        region=RegionCode(form.region),
        form=form.form,
        outcome=str(judgement.outcome),
        waits_for=tuple(sorted({str(wait.code) for wait in judgement.waits})),
        urgent=form.urgent,
        measures=_touched(judgement.effects),
        channel=form.channel,
        follows_up=None if form.follows_up is None else OrderId(str(form.follows_up)),
    )
    return replace(after, orders=MappingProxyType({**after.orders, order_id: entry}))


def _touched(effects: Iterable[Effect]) -> tuple[MeasureId, ...]:

    seen = {effect.measure.measure_id: None for effect in effects if isinstance(effect, Impose | Amend)}
    return tuple(seen)


def _settled(
    orders: Mapping[OrderId, EarlierOrder], effects: Iterable[Effect]
) -> dict[OrderId, EarlierOrder]:

    after = dict(orders)
    for effect in effects:
        if (
            isinstance(effect, ResolvePending)
            and effect.order_id in after
            and ends_waiting(effect, after[effect.order_id].waits_for)
        ):
            after[effect.order_id] = replace(
                after[effect.order_id], outcome=str(effect.outcome), waits_for=()
            )
    return after


def ends_waiting(settle: ResolvePending, waits_for: Iterable[str]) -> bool:
    """Whether an order that waits for these comes to its end by a settlement."""
    return settle.waited_for is None or set(waits_for) <= {str(settle.waited_for)}


def _requests_after(
    requests: tuple[ReleaseRequest, ...], effects: Iterable[Effect]
) -> tuple[ReleaseRequest, ...]:

    after = {request.order_id: request for request in requests}
    for effect in effects:
        match effect:
            case OpenRequest(request):
                after[request.order_id] = request
            case RecordAnswer(request=order_id, answer=answer, closes=closes) if order_id in after:
                asked = after[order_id]
                others = tuple(given for given in asked.answers if given.unit != answer.unit)
                after[order_id] = replace(asked, answers=(*others, answer), closed=closes or asked.closed)
            case CloseRequest(request=order_id, closes=closes) if order_id in after:
                after[order_id] = replace(after[order_id], closed=closes)
            case _:
                pass
    return tuple(after.values())
