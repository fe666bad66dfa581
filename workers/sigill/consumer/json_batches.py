"""
A batch of JSON messages, read one by one: what could be read, and what goes to the dead letters, wholly or in part.

The register, the directory and the measures made elsewhere are read alike; what a message says is each reader's own.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from structlog.typing import FilteringBoundLogger

from sigill.consumer.json_messages import UnreadableJson, read_data
from sigill.consumer.member_reader import TAKEN_ALL_THE_SAME
from sigill.consumer.runner import PoisonRecords, StepTimings, place_of
from sigill.runtime.metrics import DEAD_LETTERS, Metrics
from sigill.stream.records import Record
from sigill_contracts.dead_letter import DeadLetterReason
from sigill_contracts.topics import TopicSpec


class ParsedUpdate(Protocol):
    """What a message says, as far as it could be read; `set_aside` names the fields that could not."""

    @property
    def set_aside(self) -> tuple[str, ...]:
        """Names of ours only, never a value."""

    @property
    def kept_as(self) -> DeadLetterReason:
        """Under which reason the message is kept where something was set aside."""


Update = TypeVar("Update", bound=ParsedUpdate)


@dataclass(frozen=True, slots=True)
class ReadMessage(Generic[Update]):
    """A message that could be read, and where it lay."""

    record: Record
    update: Update


@dataclass(slots=True)
class ParsedBatch(Generic[Update]):
    """A batch, read, and what became of it. `parked` are those of which something, or all, could not be read."""

    messages: list[ReadMessage[Update]]
    parked: list[tuple[Record, DeadLetterReason]]
    news: int = 0

    def unreadable(self, record: Record) -> bool:
        """Whether nothing of a record of the batch could be read."""
        return any(record is parked and reason not in TAKEN_ALL_THE_SAME for parked, reason in self.parked)

    def failed(self, record: Record) -> bool:
        """Whether it was although it could be read: then it failed when it was to be handled."""
        return any(
            record is parked and why is DeadLetterReason.UNREADABLE_RECORD for parked, why in self.parked
        )


class JsonHandler(Generic[Update]):
    """What every handler of such batches answers alike."""

    __slots__ = ()

    def unreadable(self, prepared: ParsedBatch[Update], record: Record) -> bool:
        """Whether nothing of a record of the batch could be read."""
        return prepared.unreadable(record)

    def failed(self, prepared: ParsedBatch[Update], record: Record) -> bool:
        """Whether it was although it could be read: then it failed when it was to be handled."""
        return prepared.failed(record)


def parse_batch(
    records: Iterable[Record],
    spoiled: PoisonRecords,
    topic_of: Callable[[Record], TopicSpec],
    read: Callable[[bytes, Record], Update],
    log: FilteringBoundLogger,
) -> ParsedBatch[Update]:
    """
    Read the messages of a batch. A tombstone says nothing: who wrote it forgets, history does not.

    `read` may raise ValueError or RecursionError, which park the record whole.
    """
    parsed = ParsedBatch[Update]([], [])
    for record in records:
        if place_of(record) in spoiled:
            parsed.parked.append((record, DeadLetterReason.UNREADABLE_RECORD))
            continue
        try:
            data = read_data(record, topic_of(record))
            if data is None:
                continue
            update = read(data, record)
        except UnreadableJson as unread:
            parsed.parked.append((record, unread.reason))
            continue
        except (ValueError, RecursionError):
            parsed.parked.append((record, DeadLetterReason.UNREADABLE_PAYLOAD))
            continue
        if update.set_aside:
            report_set_aside(log, record, update.set_aside)
            parsed.parked.append((record, update.kept_as))
        parsed.messages.append(ReadMessage(record, update))
    return parsed


def report_set_aside(log: FilteringBoundLogger, record: Record, fields: Iterable[str]) -> None:
    """Log which fields of a message do not count."""
    log.warning(
        "partly read",
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        fields=list(fields),
    )


def report_batch(
    log: FilteringBoundLogger, event: str, batch: ParsedBatch[Update], metrics: Metrics, steps: StepTimings
) -> None:
    """Count the dead letters, and log how many messages were news."""
    for record, reason in batch.parked:
        metrics.inc(DEAD_LETTERS, topic=record.topic, reason=str(reason))
    log.info(
        event,
        rows=len(batch.messages),
        news=batch.news,
        parked=len(batch.parked),
        ms={name: round(1000 * spent, 2) for name, spent in steps.seconds.items()},
    )
