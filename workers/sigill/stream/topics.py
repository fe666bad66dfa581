"""Making the topics on the cluster what the table of topics says, and telling where they differ."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import structlog
from aiokafka import errors
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.protocol.metadata import MetadataRequest

from sigill.runtime.clock import stopwatch
from sigill.stream.connection import BrokerDown, Connection, StreamStopped, passing

log = structlog.get_logger("sigill.topics")

_HEARD_SECONDS = 30.0
"""How long a broker may take to hear of settings that the controller has taken."""


class Spec(Protocol):
    """What is asked of a topic; `sigill_contracts.topics.TopicSpec` is one."""

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
    Create what is missing, set what is set otherwise, read it back, and report each topic. `dry_run` changes nothing,
    on a broker too that makes topics as soon as somebody names them.

    Settings of a topic that no spec names are left as they are. Raises `BrokerDown`, or `StreamStopped` when the
    cluster refuses. The mock cluster takes no topics: it makes them by itself, so each is `skipped`.
    """
    wanted: dict[str, Spec] = {f"{prefix}{spec.name}": spec for spec in specs}
    admin = AIOKafkaAdminClient(**connection.options())
    try:
        await admin.start()
        present = await _present(admin, wanted)
        wanted = {name: _Wanted.of(spec, replication) for name, spec in wanted.items()}
        reports = [
            *await _create(
                admin, {n: s for n, s in wanted.items() if n not in present}, replication, dry_run
            ),
            *await _adjust(
                admin, {n: s for n, s in wanted.items() if n in present}, present, replication, dry_run
            ),
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


async def contradictions(
    connection: Connection, specs: Iterable[Spec], *, prefix: str = "", least_replication: int = 1
) -> list[str]:
    """
    Say where topics would lose what the table of topics promises to keep, each in one line; other differences pass.

    A topic that is not there yet is left out, and not made by being named. Raises BrokerDown. Settings are compared only
    where access lists let us see them (DESCRIBE_CONFIGS); the mock cluster tells nothing.
    """
    wanted = {f"{prefix}{spec.name}": spec for spec in specs}
    admin = AIOKafkaAdminClient(**connection.options())
    try:
        await admin.start()
        present = await _present(admin, wanted)
        configs: dict[str, dict[str, tuple[str, bool]]] = {}
        try:
            configs = await _configs(admin, present) if present else {}
        except StreamStopped as error:
            log.warning("topics' settings cannot be compared", why=str(error))
    except errors.IncompatibleBrokerVersion:
        return []
    except (errors.KafkaError, OSError, TimeoutError) as error:
        raise BrokerDown(type(error).__name__) from error
    finally:
        await admin.close()
    return [
        line
        for name, there in present.items()
        for line in (
            *(_loses(name, wanted[name].config, configs[name]) if name in configs else ()),
            *_thin(name, there, least_replication),
        )
    ]


def _thin(name: str, there: _Present, least: int) -> Iterator[str]:
    if there.replication < least:
        yield f"{name}: replication is {there.replication}: one lost disk loses what is on it"


def _loses(name: str, wanted: Mapping[str, str], found: Mapping[str, tuple[str, bool]]) -> Iterator[str]:
    def of(key: str) -> str:
        return found.get(key, ("", False))[0]

    keeps = of("retention.ms") == "-1"
    longest = wanted.get("retention.ms", "-1")
    if "compact" in of("cleanup.policy") and wanted.get("cleanup.policy") == "delete":
        yield f"{name}: cleanup.policy is {of('cleanup.policy')}, which drops all but the newest of each key"
    if wanted.get("cleanup.policy") == "compact" and "delete" in of("cleanup.policy") and not keeps:
        yield f"{name}: cleanup.policy is {of('cleanup.policy')}, which drops what is old; compact is wanted"
    elif (
        "delete" in of("cleanup.policy")
        and not keeps
        and (longest == "-1" or int(of("retention.ms")) < int(longest))
    ):
        yield f"{name}: retention.ms is {of('retention.ms')}, {longest} is wanted"
    if wanted.get("message.timestamp.type", of("message.timestamp.type")) != of("message.timestamp.type"):
        yield f"{name}: {UNSTAMPED}: message.timestamp.type is {of('message.timestamp.type')}"


UNSTAMPED = "orders are stamped by their sender"
"""What the line of a topic says that the broker does not stamp; a scenario, whose clock is the story's, wants it so."""


async def delete_topics(connection: Connection, names: Iterable[str]) -> None:
    """Delete topics, for tests and scenarios; one that does not exist is no error."""
    admin = AIOKafkaAdminClient(**connection.options())
    try:
        await admin.start()
        await admin.delete_topics(list(names))
    finally:
        await admin.close()


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A spec with the settings that follow from how many replicas there are."""

    name: str
    partitions: int
    config: Mapping[str, str]

    @classmethod
    def of(cls, spec: Spec, replication: int) -> _Wanted:
        safe = {
            "min.insync.replicas": str(max(1, replication - 1)),
            "unclean.leader.election.enable": "false",
        }
        return cls(spec.name, spec.partitions, {**safe, **spec.config})


@dataclass(frozen=True, slots=True)
class _Present:
    """A topic as it is: how many partitions, and of how many replicas the one with the fewest."""

    partitions: int
    replication: int


async def _present(admin: AIOKafkaAdminClient, names: Iterable[str]) -> dict[str, _Present]:
    """Those of the topics that are there; asked so that none is made by being named."""
    client = admin._client
    node = client.get_random_node()
    if node is None:
        raise errors.NodeNotReadyError
    answer = await client.send(node, MetadataRequest(sorted(names), allow_auto_topic_creation=False))
    return {
        topic: _Present(len(parts), min((len(part[3]) for part in parts), default=0))
        for error, topic, _, parts in answer.topics
        if errors.for_code(error) is errors.NoError
    }


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
        made = await _present(admin, missing)
        for name, spec in missing.items():
            if (there := made.get(name)) is None or there.partitions != spec.partitions:
                # somebody else made it at the same time, or the broker by itself
                found = 0 if there is None else there.partitions
                raise StreamStopped(
                    f"topic {name} has {found} partitions, {spec.partitions} wanted: another made it"
                )
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
    admin: AIOKafkaAdminClient,
    found: Mapping[str, Spec],
    present: Mapping[str, _Present],
    replication: int,
    dry_run: bool,
) -> list[TopicReport]:
    if not found:
        return []
    configs = await _configs(admin, found)
    reports, alterations = [], []
    for name, spec in found.items():
        count, copies = present[name].partitions, present[name].replication
        changes = {k: v for k, v in spec.config.items() if configs[name].get(k, ("", False))[0] != v}
        notes = tuple(
            f"{key}: {configs[name].get(key, ('?', False))[0]} → {value}" for key, value in changes.items()
        )
        if changes:
            # AlterConfigs replaces all of a topic's own settings, so those that nobody asked about go along
            own = {key: value for key, (value, is_own) in configs[name].items() if is_own}
            alterations.append(ConfigResource(ConfigResourceType.TOPIC, name, {**own, **spec.config}))
        differs = [
            *([f"{count} partitions, {spec.partitions} wanted"] if count != spec.partitions else ()),
            *([f"replication {copies}, {replication} wanted"] if copies < replication else ()),
        ]
        if differs:
            reports.append(TopicReport(name, "differs", (*differs, *notes)))
        else:
            reports.append(TopicReport(name, "changed" if changes else "unchanged", notes))
    if alterations and not dry_run:
        for answer in await admin.alter_configs(alterations):
            for code, message, _, name in answer.resources:
                if errors.for_code(code) is not errors.NoError:
                    raise StreamStopped(f"topic {name} could not be set: {message}")
        await _until_set(
            admin, {alteration.name: found[alteration.name].config for alteration in alterations}
        )
    return reports


async def _until_set(admin: AIOKafkaAdminClient, wanted: Mapping[str, Mapping[str, str]]) -> None:
    """
    Return when the settings are read back as they were set: the controller answers before the brokers have heard.

    Raises StreamStopped where they are not after half a minute.
    """
    until = stopwatch() + _HEARD_SECONDS
    while True:
        configs = await _configs(admin, wanted)
        other = [
            f"topic {name}: {key} is read back as {configs[name].get(key, ('?', False))[0]}, {value} was set"
            for name, settings in wanted.items()
            for key, value in settings.items()
            if configs[name].get(key, ("", False))[0] != value
        ]
        if not other:
            return
        if stopwatch() > until:
            raise StreamStopped(other[0])
        await asyncio.sleep(0.05)


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
