"""The outbox to the topics: in order for each key, at least once, marked after the acknowledgement."""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sigill.relay.checkpoints import CheckpointSigner, Head, NoAuditKey, read_checkpoint, signer_for
from sigill.relay.publisher import Relay
from sigill.runtime.clock import FixedClock
from sigill.runtime.health import Health
from sigill.runtime.metrics import AUDIT_FAULTS, Metrics
from sigill.store import audit, audit_check, outbox
from sigill.store.outbox import Shards
from sigill.stream.producer import OutgoingRecord, SendInDoubt
from sigill_contracts.topics import AUDIT_HEADS
from tests.kit.worker_harness import START, WorkerHarness


class Topic:
    """Takes what is sent, and acknowledges as told: everything, or only the first so many of the next batch."""

    def __init__(self, acknowledges: list[int] | None = None) -> None:
        self.sent: list[OutgoingRecord] = []
        self.acknowledges = acknowledges or []

    async def start(self) -> None:
        """It is there."""

    async def stop(self) -> None:
        """It stays."""

    async def send_in_order(self, records: Sequence[OutgoingRecord]) -> None:
        await asyncio.sleep(0)
        if not self.acknowledges:
            self.sent += records
            return
        good = self.acknowledges.pop(0)
        self.sent += records[:good]
        raise SendInDoubt(frozenset(range(good)), "RequestTimedOutError")


def relay(harness: WorkerHarness, topic: Topic, batch: int = 1000) -> Relay:
    return Relay(
        store=harness.store,
        producer=topic,  # type: ignore[arg-type]
        topic_of=lambda name: name,
        signer=CheckpointSigner.ephemeral(),
        source="urn:sigill:test",
        clock=FixedClock(START),
        metrics=Metrics(),
        health=Health(),
        batch=batch,
    )


async def test_a_relay_is_told_of_what_is_written_and_does_not_look_meanwhile(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = Topic()
    relaying = relay(harness, topic)
    relaying.interval = 3600.0
    stop, looked = asyncio.Event(), asyncio.Event()
    looks = 0
    real = Relay._next

    async def look(self: Relay, shards: Sequence[int]) -> list[outbox.Unpublished]:
        nonlocal looks
        found = await real(self, shards)
        looks += 1
        if not found:
            looked.set()
        return found

    monkeypatch.setattr(Relay, "_next", look)
    running = asyncio.create_task(relaying.run(stop))
    async with asyncio.timeout(60):
        await looked.wait()
        await asyncio.sleep(0.2)
        before = looks
        for answered in (1, 2):
            await harness.hand_over(harness.senders.orders(START))
            while sum(record.topic == "access.receipts.v1" for record in topic.sent) < answered:
                looked.clear()
                await looked.wait()
        stop.set()
        await running
    assert looks - before <= 8, (
        "one that finds the events and one that finds no more, for each of two commits"
    )


async def test_an_event_that_is_too_large_waits_alone_and_loudly(harness: WorkerHarness) -> None:
    await harness.hand_over(*(harness.senders.orders(START) for _ in range(2)))
    events = await harness.out()
    large = outbox.OutboxRow(
        event_id=uuid4(),
        aggregatetype="access.state.v1",
        aggregateid="v1.k",
        type="se.sigill.patient-state.v1",
        payload=bytes(3 * 1024 * 1024),
        headers=(),
    )
    async with harness.store.transaction(START) as tx:
        await outbox.append(tx, [large])
    topic = Topic()
    sending = relay(harness, topic)
    assert await sending.publish_all() > len(events)
    assert {len(one.value or b"") < 100_000 for one in topic.sent} == {True}
    assert sending.metrics.registry.get_sample_value("sigill_outbox_too_large") == 1
    assert await sending.publish_all() == 0


async def test_more_events_that_are_too_large_than_a_batch_holds_stop_nothing(harness: WorkerHarness) -> None:
    """They were read again and again, and nothing behind them was ever published."""
    huge, by_headers = bytes(3 * 1024 * 1024), (("ce_id", b"1"), ("more", bytes(2 * 1024 * 1024)))
    rows = [
        outbox.OutboxRow(uuid4(), "access.state.v1", f"v1.{n}", "t", huge if n % 2 else b"{}", by_headers)
        for n in range(10)
    ]
    async with harness.store.transaction(START) as tx:
        await outbox.append(tx, rows)
    await harness.hand_over(*(harness.senders.orders(START) for _ in range(5)))
    topic = Topic()
    sending = relay(harness, topic, batch=3)
    await sending.publish_all()
    async with harness.store.reading() as tx:
        assert (await outbox.stats(tx)).pending == len(rows)
    assert len(topic.sent) > 5
    assert sending.metrics.registry.get_sample_value("sigill_outbox_too_large") == len(rows)


async def test_one_shard_with_much_to_give_fills_the_batches_too(harness: WorkerHarness) -> None:
    rows = [outbox.OutboxRow(uuid4(), "access.state.v1", "v1.k", "t", b"{}", ()) for _ in range(400)]
    async with harness.store.transaction(START) as tx:
        await outbox.append(tx, rows)
    topic, sent = Topic(), []
    sending = relay(harness, topic, batch=64)
    while number := await sending.publish(range(outbox.SHARDS)):
        sent.append(number)
    assert sum(sent) >= 400
    assert max(sent) == 64


async def test_everything_goes_out_once_in_the_order_of_each_key(harness: WorkerHarness) -> None:
    await harness.hand_over(*(harness.senders.orders(START) for _ in range(5)))
    events = await harness.out()
    topic = Topic()
    sending = relay(harness, topic, batch=4)
    assert await sending.publish_all() > len(events)  # the people's own states lay there before
    assert await sending.publish_all() == 0
    written = [str(e.event_id) for e in events]
    ids = [dict(r.headers)["ce_id"].decode() for r in topic.sent]
    assert [i for i in ids if i in set(written)] == written
    first = dict(topic.sent[0].headers)
    assert set(first) >= {"ce_specversion", "ce_type", "ce_source", "ce_time", "ce_subject", "content-type"}
    assert first["ce_subject"] == topic.sent[0].key
    async with harness.store.reading() as tx:
        assert (await outbox.stats(tx)).pending == 0


async def test_after_a_doubtful_send_it_goes_on_from_the_first_unacknowledged_event(
    harness: WorkerHarness,
) -> None:
    await harness.hand_over(*(harness.senders.orders(START) for _ in range(4)))
    async with harness.store.reading() as tx:
        waiting = await outbox.unpublished(tx, range(outbox.SHARDS), 1000)
    topic = Topic([3])
    sending = relay(harness, topic)
    with pytest.raises(SendInDoubt):
        await sending.publish_all()
    failures = b'sigill_outbox_publish_failures_total{error_type="RequestTimedOutError"} 1.0'
    assert failures in sending.metrics.text()
    assert await sending.publish_all() == len(waiting) - 3
    ids = [dict(r.headers)["ce_id"].decode() for r in topic.sent]
    assert ids == [str(e.event_id) for e in waiting]


async def test_two_relays_never_work_on_the_same_shard_and_a_lost_one_is_replaced(
    harness: WorkerHarness,
) -> None:
    one, two = await Shards.open(harness.store), await Shards.open(harness.store)
    try:
        await one.balance()
        for _ in range(3):
            held = [set(await one.balance()), set(await two.balance())]
        assert held[0] & held[1] == set()
        assert held[0] | held[1] == set(range(outbox.SHARDS))
        await two.close()
        for _ in range(3):
            held_now = await one.balance()
        assert set(held_now) == set(range(outbox.SHARDS))
    finally:
        await one.close()


async def test_signed_heads_leave_the_database_and_show_a_cut_tail(harness: WorkerHarness) -> None:
    await harness.hand_over(*(harness.senders.orders(START) for _ in range(3)))
    sending = relay(harness, Topic())
    await sending.checkpoint()
    tokens = [e for e in await harness.out() if e.aggregatetype == AUDIT_HEADS.name]
    assert tokens
    public = json.loads(json.dumps(dict(sending.signer.public_jwk())))
    heads = [read_checkpoint(e.payload or b"", public) for e in tokens]
    async with harness.store.reading() as tx:
        known = {h.chain: h for h in await audit.heads(tx)}
        published = [audit.ChainHead(h.chain, h.count, bytes.fromhex(h.head)) for h in heads]
        assert await audit_check.verify(tx, published) == []
        longer = [audit.ChainHead(h.chain, h.position + 1, h.row_hash) for h in published]
        assert {f.kind for f in await audit_check.verify(tx, longer)} == {"unpublished"}
    assert all(known[h.chain].position >= h.count for h in heads)


async def test_an_idle_system_publishes_heads_once_a_day_and_a_grown_chain_is_published_alone(
    harness: WorkerHarness,
) -> None:
    await harness.hand_over(harness.senders.orders(START))
    sending = relay(harness, Topic())

    async def published_at(now: datetime) -> set[str]:
        before = {e.event_id for e in await harness.out()}
        sending.clock = FixedClock(now)
        await sending.checkpoint()
        events = [e for e in await harness.out() if e.aggregatetype == AUDIT_HEADS.name]
        return {e.aggregateid for e in events if e.event_id not in before}

    async def grow(chain: str) -> None:
        async with harness.store.transaction(START) as tx:
            await audit.append(tx, [audit.AuditEntry(chain, "test", "did")])

    everything = await published_at(START)
    assert everything > {"heads"}
    assert await published_at(START + timedelta(minutes=1)) == set()
    async with harness.store.reading() as tx:
        assert [h.position for h in await audit.heads(tx) if h.chain == "heads"] == [1]
    await grow("intake-9")
    assert await published_at(START + timedelta(minutes=2)) == {"intake-9", "heads"}
    assert await published_at(START + timedelta(days=1)) == set()
    assert await published_at(START + timedelta(days=1, minutes=2)) == everything | {"intake-9"}
    assert await published_at(START + timedelta(days=1, minutes=3)) == set()


def test_a_checkpoint_by_another_key_is_not_believed() -> None:
    token = CheckpointSigner.ephemeral().checkpoint(Head("c", 3, "ab"), START, "urn:sigill:test")
    with pytest.raises(ValueError, match="not signed by this key"):
        read_checkpoint(token, CheckpointSigner.ephemeral().public_jwk())


def _pem(path: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> Path:
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


def test_production_does_not_start_without_a_key_for_the_heads(tmp_path: Path) -> None:
    with pytest.raises(NoAuditKey):
        signer_for("production", None)
    assert signer_for("development", None)[1] is not None
    good = _pem(tmp_path / "ec.pem", ec.generate_private_key(ec.SECP256R1()))
    signer, note = signer_for("production", good)
    assert note is None
    token = signer.checkpoint(Head("c", 1, "00"), START + timedelta(days=1), "urn:sigill:production")
    assert read_checkpoint(token, signer.public_jwk()) == Head("c", 1, "00")
    with pytest.raises(NoAuditKey, match="P-256"):
        signer_for("production", _pem(tmp_path / "rsa.pem", rsa.generate_private_key(65537, 2048)))


async def test_a_relay_that_comes_late_has_the_newest_state_published_once_more(
    harness: WorkerHarness,
) -> None:
    """Frozen between reading and sending, it would leave an old state as the last of its key: compaction keeps that."""
    await harness.hand_over(harness.senders.orders(START))
    topic = Topic()
    other, late = relay(harness, topic), relay(harness, topic)
    real_send = topic.send_in_order

    async def sends_late(records: Sequence[OutgoingRecord]) -> None:
        topic.send_in_order = real_send  # type: ignore[method-assign]
        await other.publish_all()
        await harness.hand_over(harness.senders.orders(START))
        await other.publish_all()
        await real_send(records)

    topic.send_in_order = sends_late  # type: ignore[method-assign]
    await late.publish(range(outbox.SHARDS))
    await other.publish_all()
    last: dict[bytes | None, int] = {}
    highest: dict[bytes | None, int] = {}
    for record in topic.sent:
        if record.topic == "access.state.v1":
            last[record.key] = json.loads(record.value or b"")["version"]
            highest[record.key] = max(last[record.key], highest.get(record.key, 0))
    assert last == highest
    assert await other.publish_all() == 0


async def _tampered(database: str, statement: str) -> None:
    """What only a superuser can do, past every trigger."""
    admin = await asyncpg.connect(database, server_settings={"search_path": "sigill"})
    try:
        async with admin.transaction():
            await admin.execute("SET LOCAL session_replication_role = replica")
            await admin.execute(statement)
    finally:
        await admin.close()


def faults_told(sending: Relay) -> float | None:
    return sending.metrics.registry.get_sample_value(AUDIT_FAULTS.name)


async def test_what_is_new_in_the_chains_is_verified_each_time_once(harness: WorkerHarness) -> None:
    sending = relay(harness, Topic())
    await harness.hand_over(harness.senders.orders(START))
    await sending.verify_chains()
    seen = dict(sending._heads)
    await harness.hand_over(harness.senders.orders(START), harness.senders.orders(START))
    await sending.verify_chains()
    assert faults_told(sending) == 0
    assert sending._heads["intake-0"].position == seen["intake-0"].position + 2


async def test_no_event_waits_for_the_verification_of_the_chains(
    harness: WorkerHarness, database: str
) -> None:
    """After a midnight there is much to verify; here it does not end."""
    await harness.hand_over(harness.senders.orders(START))
    events = await harness.out()
    topic, stop = Topic(), asyncio.Event()
    sending = relay(harness, topic)
    admin = await asyncpg.connect(database, server_settings={"search_path": "sigill"})
    try:
        async with admin.transaction():
            await admin.execute("LOCK TABLE audit_entry IN ACCESS EXCLUSIVE MODE")
            running = asyncio.create_task(sending.run(stop))
            async with asyncio.timeout(20):
                while len(topic.sent) < len(events):
                    assert not running.done()
                    await asyncio.sleep(0.05)
            assert sending._heads == {}
        stop.set()
        await asyncio.wait_for(running, 20)
    finally:
        await admin.close()


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE audit_entry SET actor = 'somebody' WHERE chain = 'intake-0' AND position = 2",
        "DELETE FROM audit_entry WHERE chain = 'intake-0' AND position = 2",
        "DELETE FROM audit_entry WHERE chain = 'intake-0' AND position > 1",
    ],
    ids=["changed", "removed", "cut"],
)
async def test_history_that_was_changed_is_told_of(
    harness: WorkerHarness, database: str, tampering: str
) -> None:
    await harness.hand_over(*(harness.senders.orders(START) for _ in range(3)))
    before, after = relay(harness, Topic()), relay(harness, Topic())
    await before.verify_chains()
    await _tampered(database, tampering)
    await before.verify_chains()
    await after.verify_chains()
    cut = "position >" in tampering
    # one that has looked before knows how long the chain was; one that has not, every entry
    assert (faults_told(before), faults_told(after)) == ((1, 0) if cut else (0, 1))


@pytest.mark.parametrize(
    ("disposal", "left"), [(None, True), ("never", True), ("RS 2026/123, 2026-03-17", False)]
)
async def test_published_events_end_by_a_decision_or_not_at_all(
    harness: WorkerHarness, disposal: str | None, left: bool
) -> None:
    sending = relay(harness, Topic())
    await harness.hand_over(*(harness.senders.orders(START) for _ in range(2)))
    await sending.publish_all()
    sending.clock, sending.disposal = FixedClock(START + timedelta(days=60)), disposal
    await sending.rotate()
    async with harness.store.reading() as tx:
        assert bool(await outbox.published_before(tx, START + timedelta(days=60))) is left
        said = await tx.fetch("SELECT body FROM audit_entry WHERE action = 'outbox_ended'")
        assert [disposal in row["body"] for row in said] == ([] if left else [True])
