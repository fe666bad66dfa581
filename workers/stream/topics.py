"""Making the topics on the cluster what the table of topics says, and telling where they differ."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from aiokafka import errors
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from workers.stream.connection import BrokerDown, Connection, StreamStopped, passing


class Spec(Protocol):
    """What is asked of a topic; `contracts.topics.TopicSpec` is one."""

    @property
    def name(self) -> str: ...
    @property
    def partitions(self) -> int: ...
    @property
    def config(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class TopicReport:
    """
    What was found and done for one topic.

    `differs` means that only a person can settle it: another number of partitions would tear the order of
    those patients whose key then falls elsewhere.
    """

    name: str
    outcome: Literal["created", "changed", "unchanged", "differs", "skipped"]
    notes: tuple[str, ...] = field(default=())


async def apply_topics(
    connection: Connection,
    specs: Iterable[Spec],
    *,
    prefix: str = "",
    replication: int = 1,
    dry_run: bool = False,
) -> list[TopicReport]:
    """
    Create what is missing, set what is set otherwise, and report each topic. `dry_run` changes nothing.

    Settings of a topic that no spec names are left as they are. Raises `BrokerDown`, or `StreamStopped` when the
    cluster refuses. The mock cluster takes no topics: it makes them by itself, so each is `skipped`.
    """
    wanted = {f"{prefix}{spec.name}": spec for spec in specs}
    admin = AIOKafkaAdminClient(**connection.options())
    try:
        await admin.start()
        present = {
            topic["topic"]: topic
            for topic in await admin.describe_topics(list(wanted))
            if not topic["error_code"]
        }
        reports = [
            *await _create(
                admin, {n: s for n, s in wanted.items() if n not in present}, replication, dry_run
            ),
            *await _adjust(admin, {n: s for n, s in wanted.items() if n in present}, present, dry_run),
        ]
    except errors.IncompatibleBrokerVersion:
        note = "this is the mock cluster, which makes topics by itself"
        return [TopicReport(name, "skipped", (note,)) for name in wanted]
    except (errors.KafkaError, OSError, TimeoutError) as error:
        if passing(error):
            raise BrokerDown(type(error).__name__) from error
        raise StreamStopped(
            f"the cluster refuses to describe or make topics: {type(error).__name__}"
        ) from error
    finally:
        await admin.close()
    order = list(wanted)
    return sorted(reports, key=lambda report: order.index(report.name))


async def delete_topics(connection: Connection, names: Iterable[str]) -> None:
    """Delete topics, for tests; one that does not exist is no error."""
    admin = AIOKafkaAdminClient(**connection.options())
    try:
        await admin.start()
        await admin.delete_topics(list(names))
    finally:
        await admin.close()


async def _create(
    admin: AIOKafkaAdminClient, missing: Mapping[str, Spec], replication: int, dry_run: bool
) -> list[TopicReport]:
    if missing and not dry_run:
        answer = await admin.create_topics(
            [
                NewTopic(name, spec.partitions, replication, topic_configs=dict(spec.config))
                for name, spec in missing.items()
            ]
        )
        for name, code, *rest in answer.topic_errors:
            error = errors.for_code(code)
            if error not in (errors.NoError, errors.TopicAlreadyExistsError):
                raise StreamStopped(
                    f"topic {name} could not be made: {error.__name__} {rest[0] if rest else ''}"
                )
        await _until_led(admin, missing)
    return [
        TopicReport(name, "created", (f"{spec.partitions} partitions",)) for name, spec in missing.items()
    ]


async def _until_led(admin: AIOKafkaAdminClient, made: Mapping[str, Spec]) -> None:
    """Return when every partition has a leader: the controller answers before the brokers have heard."""
    async with asyncio.timeout(30):
        while True:
            found = [topic for topic in await admin.describe_topics(list(made)) if not topic["error_code"]]
            led = [topic for topic in found if all(part["leader"] >= 0 for part in topic["partitions"])]
            if len(led) == len(made):
                return
            await asyncio.sleep(0.05)


async def _adjust(
    admin: AIOKafkaAdminClient, found: Mapping[str, Spec], present: Mapping[str, Any], dry_run: bool
) -> list[TopicReport]:
    if not found:
        return []
    configs = await _configs(admin, found)
    reports, alterations = [], []
    for name, spec in found.items():
        count = len(present[name]["partitions"])
        changes = {k: v for k, v in spec.config.items() if configs[name].get(k, ("", False))[0] != v}
        notes = tuple(
            f"{key}: {configs[name].get(key, ('?', False))[0]} → {value}" for key, value in changes.items()
        )
        if changes:
            # AlterConfigs replaces all of a topic's own settings, so those that nobody asked about go along
            own = {key: value for key, (value, is_own) in configs[name].items() if is_own}
            alterations.append(ConfigResource(ConfigResourceType.TOPIC, name, {**own, **spec.config}))
        if count != spec.partitions:
            reports.append(
                TopicReport(name, "differs", (f"{count} partitions, {spec.partitions} wanted", *notes))
            )
        else:
            reports.append(TopicReport(name, "changed" if changes else "unchanged", notes))
    if alterations and not dry_run:
        for answer in await admin.alter_configs(alterations):
            for code, message, _, name in answer.resources:
                if errors.for_code(code) is not errors.NoError:
                    raise StreamStopped(f"topic {name} could not be set: {message}")
    return reports


async def _configs(
    admin: AIOKafkaAdminClient, names: Iterable[str]
) -> dict[str, dict[str, tuple[str, bool]]]:
    """Return each topic's settings: value, and whether it is the topic's own (not the broker's default)."""
    answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    found: dict[str, dict[str, tuple[str, bool]]] = {}
    for answer in answers:
        for code, message, _, name, entries in answer.resources:
            if errors.for_code(code) is not errors.NoError:
                raise StreamStopped(f"topic {name} could not be described: {message}")
            found[name] = {entry[0]: (entry[1], _is_own(entry)) for entry in entries}
    return found


def _is_own(entry: tuple[Any, ...]) -> bool:
    source = entry[3]  # v1 and later: 1 is DYNAMIC_TOPIC_CONFIG; v0: a flag that says default
    return source == 1 if not isinstance(source, bool) else not source
