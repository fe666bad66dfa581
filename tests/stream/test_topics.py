"""The topic configurator on a real broker."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from sigill.embedded import EmbeddedKafka
from sigill.stream import topics
from sigill.stream.connection import BrokerDown, Connection, StreamStopped
from sigill.stream.topics import UNSTAMPED, apply_topics, contradictions, delete_topics
from sigill_contracts.topics import TOPICS
from tests.stream.conftest import Spec


async def setting(connection: Connection, topic: str, name: str) -> str:
    admin = AIOKafkaAdminClient(**connection.options())
    await admin.start()
    try:
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        ((_, _, _, _, entries),) = answer.resources
        return {entry[0]: entry[1] for entry in entries}[name]
    finally:
        await admin.close()


async def test_the_table_of_topics_is_made_once_and_then_left(
    connection: Connection, topic_prefix: str
) -> None:
    first = await apply_topics(connection, TOPICS, prefix=topic_prefix)
    again = await apply_topics(connection, TOPICS, prefix=topic_prefix)
    try:
        assert [report.name for report in first] == [f"{topic_prefix}{spec.name}" for spec in TOPICS]
        assert {report.outcome for report in first} == {"created"}
        assert {(report.outcome, report.notes) for report in again} == {("unchanged", ())}
        orders = f"{topic_prefix}ehr.orders.v1"
        assert await setting(connection, orders, "message.timestamp.type") == "LogAppendTime"
        assert await setting(connection, f"{topic_prefix}access.state.v1", "cleanup.policy") == "compact"
    finally:
        await delete_topics(connection, [report.name for report in first])


async def test_a_setting_that_was_changed_is_set_back_and_others_are_left(
    connection: Connection, topic_prefix: str
) -> None:
    await apply_topics(
        connection, [Spec("t", 1, {"retention.ms": "1000", "segment.ms": "60000"})], prefix=topic_prefix
    )
    wanted = [Spec("t", 1, {"retention.ms": "2000"})]
    (dry,) = await apply_topics(connection, wanted, prefix=topic_prefix, dry_run=True)
    assert (dry.outcome, dry.notes) == ("changed", ("retention.ms: 1000 → 2000",))
    assert await setting(connection, f"{topic_prefix}t", "retention.ms") == "1000"
    (report,) = await apply_topics(connection, wanted, prefix=topic_prefix)
    assert report.outcome == "changed"
    assert await setting(connection, f"{topic_prefix}t", "retention.ms") == "2000"
    assert await setting(connection, f"{topic_prefix}t", "segment.ms") == "60000"
    await delete_topics(connection, [report.name])


async def test_settings_are_read_back_until_the_broker_has_heard_of_them(
    connection: Connection, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The controller answers first; a worker that looked in between started on topics that lose orders."""
    await apply_topics(connection, [Spec("t", 1, {"retention.ms": "1000"})], prefix=topic_prefix)
    real, answers = topics._configs, []

    async def slow(admin: AIOKafkaAdminClient, names: Iterable[str]) -> Any:
        answers.append(await real(admin, names))
        return answers[0] if len(answers) < 4 else answers[-1]

    monkeypatch.setattr(topics, "_configs", slow)
    (report,) = await apply_topics(connection, [Spec("t", 1, {"retention.ms": "2000"})], prefix=topic_prefix)
    assert (report.outcome, len(answers)) == ("changed", 4)
    monkeypatch.setattr(topics, "_HEARD_SECONDS", 0.0)
    answers.clear()
    with pytest.raises(StreamStopped, match=r"t: retention\.ms is read back as 2000, 3000 was set"):
        await apply_topics(connection, [Spec("t", 1, {"retention.ms": "3000"})], prefix=topic_prefix)
    await delete_topics(connection, [report.name])


async def test_another_number_of_partitions_is_told_and_never_changed(
    connection: Connection, topic_prefix: str
) -> None:
    await apply_topics(connection, [Spec("t", 2)], prefix=topic_prefix)
    (report,) = await apply_topics(connection, [Spec("t", 3)], prefix=topic_prefix)
    assert (report.outcome, report.notes) == ("differs", ("2 partitions, 3 wanted",))
    await delete_topics(connection, [report.name])


async def test_a_broker_that_makes_topics_by_itself_makes_none_while_we_look() -> None:
    """Kafka's own default; the topics so made had the broker's partitions, deletion and seven days."""
    broker = EmbeddedKafka(own=True, settings={"auto.create.topics.enable": "true"})
    if not broker.real:
        pytest.skip("the mock cluster takes no topics")
    with broker:
        connection = Connection(broker.bootstrap)
        for _ in range(2):
            dry = await apply_topics(connection, TOPICS, dry_run=True)
            assert {report.outcome for report in dry} == {"created"}
            assert await contradictions(connection, TOPICS) == []
        admin = AIOKafkaAdminClient(**connection.options())
        await admin.start()
        assert await admin.list_topics() == []
        await admin.close()
        made = await apply_topics(connection, TOPICS)
        assert {report.outcome for report in made} == {"created"}
        again = await apply_topics(connection, TOPICS)
        assert {(report.outcome, report.notes) for report in again} == {("unchanged", ())}
        assert await setting(connection, "access.state.v1", "cleanup.policy") == "compact"
        assert await setting(connection, "ehr.orders.v1", "unclean.leader.election.enable") == "false"
        assert await contradictions(connection, TOPICS) == []


async def test_fewer_replicas_than_wanted_are_told_and_lines_say_what_would_be_lost(
    connection: Connection, topic_prefix: str
) -> None:
    week = {"cleanup.policy": "delete", "retention.ms": "604800000"}
    bare = [Spec(spec.name, 1, week) for spec in TOPICS]
    reports = await apply_topics(connection, bare, prefix=topic_prefix)
    try:
        found = await contradictions(connection, TOPICS, prefix=topic_prefix, least_replication=2)
        of_state = [line for line in found if line.startswith(f"{topic_prefix}access.state.v1")]
        assert any("cleanup.policy is delete" in line for line in of_state)
        assert any("replication is 1" in line for line in of_state)
        of_orders = [line for line in found if line.startswith(f"{topic_prefix}ehr.orders.v1:")]
        assert any("retention.ms is 604800000" in line for line in of_orders)
        assert any(UNSTAMPED in line for line in of_orders)
        told = await apply_topics(connection, bare, prefix=topic_prefix, replication=3, dry_run=True)
        assert {report.outcome for report in told} == {"differs"}
        assert all("replication 1, 3 wanted" in report.notes for report in told)
    finally:
        await delete_topics(connection, [report.name for report in reports])


async def test_no_broker_is_trouble_that_may_pass() -> None:
    with pytest.raises(BrokerDown):
        await apply_topics(Connection("127.0.0.1:1"), TOPICS)
