"""The catalogue page: every topic, who writes and reads it, its key, how long it is kept, its model, an example."""

import re
from collections.abc import Iterator

from sigill_contracts.base import MAX_MESSAGE_BYTES, MAX_TEXT
from sigill_contracts.dead_letter import DeadLetterReason
from sigill_contracts.examples import Example, examples_of
from sigill_contracts.json_schema import file_name
from sigill_contracts.topics import (
    DAY_MS,
    DEAD_LETTERS,
    FOREVER,
    INCOMING,
    OUTGOING,
    TOPICS,
    TopicSpec,
    group_of,
)

_HEAD = f"""\
<!-- Written by `python -m sigill_contracts.export` from contracts/sigill_contracts/topics.py and the models. Do not edit by hand. -->
# Contracts: what crosses the wall

Events are [CloudEvents 1.0](https://cloudevents.io/) on Kafka. Sigill writes binary mode (`ce_` headers, the value is
the message itself) and reads structured mode too. [asyncapi.yaml](asyncapi.yaml) is the same in the words of
AsyncAPI 3; the [JSON Schemas](schemas) (2020-12) have one `$id` a version.

- **Key**: the record key and `ce_subject` are the same: the patient's pseudonymous key, `v1.` + unpadded base64url of
  HMAC-SHA-256(secret, identity number of twelve digits). The secret is shared between the EHR and Sigill by settings.
  Never put an identity number in a key or a header. Partition by the key as Kafka's Java client does (murmur2;
  librdkafka: `partitioner=murmur2_random`), else two senders' orders of one patient have no order between them.
- **At least once**: the same event can come twice. It then has the same `ce_source` and `ce_id`: keep those you have
  dealt with, or use the ids in the message.
- **New fields**: what comes in is closed, an unknown field is refused. What goes out is open: a reader ignores fields
  that it does not know. A removed field, a new code that readers must know, or a narrower value is a new version, on a
  new topic, beside the old one for as long as somebody reads it.
- **Limits**: a message {MAX_MESSAGE_BYTES // 1024} KiB, a text {MAX_TEXT} characters. Times are RFC 3339 with a zone,
  UTC in what goes out; dates are Swedish dates, and a last day is inclusive where it is called `through`.
"""


_PROGRAM_FOLDER = "../docs/examples/"
_PROGRAMS = (
    ("Python", "ehr_publisher.py", "notification_consumer.py"),
    ("Java 17", "EhrPublisher.java", "NotificationConsumer.java"),
)


def page() -> str:
    """The whole page as Markdown."""
    return "\n".join([_HEAD, *_table(), "", *_chapters()]).rstrip() + "\n"


def _table() -> Iterator[str]:
    yield "| topic | what | writes | reads | key | partitions | kept | model |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for spec in TOPICS:
        cells = (
            f"[`{spec.name}`](#{_anchor(spec.name)})" if spec not in DEAD_LETTERS else f"`{spec.name}`",
            spec.summary,
            ", ".join(spec.written_by),
            ", ".join(spec.read_by),
            spec.key,
            str(spec.partitions),
            _kept(spec),
            _model(spec),
        )
        yield "| " + " | ".join(cells) + " |"


def _anchor(name: str) -> str:
    return re.sub(r"[^a-z0-9-]", "", name.lower())


def _kept(spec: TopicSpec) -> str:
    if spec.compacted:
        return "compacted: the newest a key" + (", tombstone erases" if spec.tombstones else "")
    return "for ever" if spec.retention_ms == FOREVER else f"{spec.retention_ms // DAY_MS} days"


def _model(spec: TopicSpec) -> str:
    if spec.model is None:
        return "the original bytes" if spec in DEAD_LETTERS else "signed text"
    return f"[`{spec.model.__name__}`](schemas/{file_name(spec)})"


def _chapters() -> Iterator[str]:
    yield "## What comes in"
    for spec in INCOMING:
        yield from _chapter(spec)
    yield "\n## What goes out"
    for spec in OUTGOING:
        yield from _chapter(spec)
    yield "\n## Dead letters\n"
    yield (
        "A message that cannot be read at all lies on the dead-letter topic of its own topic, with its original key, "
        "value and headers, the place it came from in `kafka_dlt-original-*`, and one of these codes in "
        "`kafka_dlt-exception-fqcn`:\n"
    )
    yield ", ".join(f"`{reason.value}`" for reason in DeadLetterReason) + "."
    yield "\n## Programs to begin with\n"
    yield "| | publishes signed orders | reads notifications |"
    yield "| --- | --- | --- |"
    for language, publisher, consumer in _PROGRAMS:
        yield f"| {language} | [{publisher}]({_PROGRAM_FOLDER}{publisher}) | [{consumer}]({_PROGRAM_FOLDER}{consumer}) |"


def _signed(example: Example) -> str:
    found = [example.path.with_suffix(ending) for ending in (".jose", ".jose.json", ".xml")]
    links = ", ".join(f"[{path.name}](examples/{path.name})" for path in found if path.exists())
    return f" Signed: {links}, by an authority whose root is [root.crt](examples/root.crt)." if links else ""


def _chapter(spec: TopicSpec) -> Iterator[str]:
    yield f"\n### {spec.name}\n"
    yield f"{spec.summary}.\n"
    yield f"- event type `{spec.event_type}`, content type {', '.join(f'`{kind}`' for kind in spec.content_types)}"
    readers = [f"`{group_of(name)}`" for name in spec.read_by if spec in INCOMING]
    if readers:
        yield f"- read by the consumer group {', '.join(readers)}"
    if spec.stamped_by_broker:
        yield "- the broker stamps the time of arrival (`LogAppendTime`)"
    if spec.model is None:
        return
    if len(spec.content_types) > 1:
        yield "- the model is that of the form *inside* the signature"
    examples = examples_of(spec)
    for example in examples:
        yield f"- [{example.path.name}](examples/{example.path.name}): {example.summary}{_signed(example)}"
    yield f"\n```json\n{examples[0].text().rstrip()}\n```"
