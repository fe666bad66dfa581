"""
Which earlier orders of a patient an order judges by: those that it names, and those that name what it names.

A judgement looks an earlier order up by the id that a form follows up, and finds the signed forms of a call by the call
(X-13, X-14). Any other order of the patient's history says nothing to it, however many there are; what they imposed are measures.
"""

from collections.abc import Collection, Iterable

from sigill.policy.facts import EarlierOrder
from sigill_contracts.order import SignedForm
from sigill_contracts.vocabulary import OrderId


def orders_named(forms: Iterable[SignedForm]) -> frozenset[OrderId]:
    """The orders that forms name: each itself, and what it follows up."""
    named = {form.order_id for form in forms} | {form.follows_up for form in forms if form.follows_up}
    return frozenset(OrderId(str(order_id)) for order_id in named)


def is_needed(order: EarlierOrder, named: Collection[OrderId]) -> bool:
    """Whether the judgement of forms that name these orders may depend on an earlier one."""
    return order.order_id in named or (order.follows_up is not None and order.follows_up in named)
