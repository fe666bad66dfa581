"""Headers as CloudEvents senders in other languages really write them: each order is one that a person meant."""

import asyncio

from sigill_contracts.topics import ORDERS
from tests.kit.senders import MOTHER, person
from tests.workers.senders_kit import finish, now, producer, put, receipts, run, town_now  # noqa: F401

TYPE = ("content-type", b"application/jose")
CASES = {
    "cloudevents for JavaScript: both headers, the same": (lambda h: [*h, ("ce_datacontenttype", TYPE[1])]),
    "Spring Cloud Function: ce_datacontenttype alone": (
        lambda h: [*(x for x in h if x[0] != "content-type"), ("ce_datacontenttype", TYPE[1])]
    ),
    "an interceptor repeats a header, byte for byte": (lambda h: [*h, TYPE]),
    "ce_time without a zone": (lambda h: [*h, ("ce_time", b"2026-03-01T09:30:00")]),
    "an optional attribute left empty": (lambda h: [*h, ("ce_dataschema", b"")]),
    "an extension in camel case": (lambda h: [*h, ("ce_traceId", b"a")]),
    "Content-Type with capitals": (
        lambda h: [("Content-Type" if n == "content-type" else n, v) for n, v in h]
    ),
}


async def test_every_seal_has_an_answer(run, town_now):  # noqa: F811
    process, named = run.process(), {}
    for case, change in [*CASES.items(), ("plain", lambda h: h)]:
        sent = town_now.orders(now(), patient=person(MOTHER))
        named[case] = sent.order_id
        await put(producer(run), run.prefix + ORDERS.name, sent, headers=change(list(sent.headers)))
    for _ in range(20):
        await asyncio.sleep(1)
        got = {str(r.order_id) for r in await receipts(run)}
        if named["plain"] in got:
            break
    finish(process)
    assert not [case for case, order_id in named.items() if order_id not in got], "no answer: dead letters"
