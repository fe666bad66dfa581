"""
Who may do what on Kafka: the list of ACLs, made from the table of topics. `python -m sigill.devtools.acls` writes it.

One principal a worker and one a system outside; each may read or write its own topics and nothing else. Whoever may
not write `access.audit-heads.v1` cannot publish a head, and no principal may delete a record, a topic or a group.
`apply` gives a cluster exactly these; `--check` fails when acls.yaml has drifted from contracts/sigill_contracts/topics.py.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import yaml

from sigill.runtime.worker_specs import WORKER_SPECS
from sigill_contracts.topics import TOPICS, TopicSpec

FILE = Path(__file__).parents[3] / "infra" / "kafka" / "acls.yaml"
Operation = Literal["READ", "WRITE", "DESCRIBE", "CREATE", "DESCRIBE_CONFIGS", "ALTER_CONFIGS", "ALTER"]
ResourceType = Literal["topic", "group"]
Pattern = Literal["literal", "prefixed"]
ADMIN = "topics"
"""The principal of `sigill topics apply`."""
_HEADER = """\
# The ACLs of Sigill on Kafka, written by `python -m sigill.devtools.acls` from contracts/sigill_contracts/topics.py. Do not edit.
# Principals are `User:<prefix><name>`; topics and groups are named without the prefixes of the settings.
"""


@dataclass(frozen=True, slots=True, order=True)
class Acl:
    """One thing that a principal may do. Names are without the settings' prefixes."""

    principal: str
    resource: ResourceType
    name: str
    operation: Operation
    pattern: Pattern = "literal"


def principals(topics: Iterable[TopicSpec] = TOPICS) -> tuple[str, ...]:
    """Every principal: our workers, the maker of topics, and the systems outside."""
    outside = {who for spec in topics for who in (*spec.written_by, *spec.read_by)} - WORKER_SPECS.keys()
    return (*sorted(WORKER_SPECS), ADMIN, *sorted(outside))


def acls(topics: Iterable[TopicSpec] = TOPICS) -> tuple[Acl, ...]:
    """The whole list, in order."""
    found: set[Acl] = set()
    for spec in topics:
        for writer in spec.written_by:
            found |= _may(writer, spec.name, "WRITE", "DESCRIBE")
        for reader in spec.read_by:
            found |= _may(reader, spec.name, "READ", "DESCRIBE")
            found.add(_group_of(reader))
        found |= _may(ADMIN, spec.name, "CREATE", "DESCRIBE", "DESCRIBE_CONFIGS", "ALTER_CONFIGS", "ALTER")
    for worker in WORKER_SPECS.values():
        for topic in worker.looks_at:
            found |= _may(worker.name, topic, "READ", "DESCRIBE")
    return tuple(sorted(found))


def _may(principal: str, topic: str, *operations: Operation) -> set[Acl]:
    return {Acl(principal, "topic", topic, operation) for operation in operations}


def _group_of(reader: str) -> Acl:
    """Ours have one group each; who is outside names his own, under his name."""
    if reader in WORKER_SPECS:
        return Acl(reader, "group", reader, "READ")
    return Acl(reader, "group", f"{reader}.", "READ", "prefixed")


def written(topics: Iterable[TopicSpec] = TOPICS) -> str:
    """The list as YAML, by principal."""
    table = tuple(topics)
    every = acls(table)
    listed: dict[str, Any] = {}
    for principal in principals(table):
        own = [acl for acl in every if acl.principal == principal]
        named: dict[str, list[str]] = {}
        for acl in own:
            if acl.resource == "topic":
                named.setdefault(acl.name, []).append(acl.operation)
        groups = [
            f"{acl.name}*" if acl.pattern == "prefixed" else acl.name
            for acl in own
            if acl.resource == "group"
        ]
        listed[principal] = {"topics": named, **({"groups": groups} if groups else {})}
    return _HEADER + yaml.safe_dump(listed, sort_keys=False, default_flow_style=None, width=110)


def bindings(
    topics: Iterable[TopicSpec] = TOPICS,
    *,
    user_prefix: str = "sigill-",
    topic_prefix: str = "",
    group_prefix: str = "sigill",
    host: str = "*",
) -> list[Any]:
    """The list as confluent-kafka's admin client takes it. The prefixes are the settings' own."""
    kafka: Any = import_module("confluent_kafka.admin")
    made = []
    for acl in acls(topics):
        name = acl.name
        if acl.resource == "topic":
            name = topic_prefix + name
        elif acl.principal in WORKER_SPECS:
            name = f"{group_prefix}.{name}"
        made.append(
            kafka.AclBinding(
                kafka.ResourceType.TOPIC if acl.resource == "topic" else kafka.ResourceType.GROUP,
                name,
                kafka.ResourcePatternType.LITERAL
                if acl.pattern == "literal"
                else kafka.ResourcePatternType.PREFIXED,
                f"User:{user_prefix}{acl.principal}",
                host,
                kafka.AclOperation[acl.operation],
                kafka.AclPermissionType.ALLOW,
            )
        )
    return made


def apply(admin: Any, topics: Iterable[TopicSpec] = TOPICS, **prefixes: str) -> int:
    """Create the ACLs on a cluster through confluent-kafka's admin client; those there already stay. Returns how many."""
    wanted = bindings(topics, **prefixes)
    for future in admin.create_acls(wanted, request_timeout=30).values():
        future.result()
    return len(wanted)


class NotGiven(RuntimeError):
    """The brokers did not say that all ACLs are there. The message says why, or what is missing here."""


def give(options: Mapping[str, str], topics: Iterable[TopicSpec] = TOPICS, **prefixes: str) -> int:
    """`apply` on the brokers of librdkafka's options; returns how many. Raises NotGiven."""
    try:
        admin: Any = import_module("confluent_kafka.admin")
        client: Any = import_module("confluent_kafka")
    except ImportError:
        raise NotGiven("this needs librdkafka's client: pip install 'sigill[embedded]'") from None
    try:
        return apply(admin.AdminClient(dict(options)), topics, **prefixes)
    except client.KafkaException as error:
        raise NotGiven(f"the brokers do not say that all ACLs are there: {error.args[0].str()}") from None


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        if not FILE.exists() or FILE.read_text("utf-8") != written():
            sys.exit("infra/kafka/acls.yaml has drifted: run `python -m sigill.devtools.acls`")
    else:
        FILE.write_text(written(), encoding="utf-8")
