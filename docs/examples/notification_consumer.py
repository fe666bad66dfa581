"""
How a notification service reads `access.notifications.v1`, in Python.

    python docs/examples/notification_consumer.py --bootstrap localhost:9092 --spool /var/spool/notifications

Each notification that is to be told becomes one file in `<spool>/new`, named after its source and id; a sender takes
it from there and moves it to `<spool>/done` when the letter, message or call has been made. What is suppressed never
becomes a file. A notification that comes again is known by its name and is not told twice. Offsets are committed after
the file is safe on the disk: whenever this program dies, nothing is lost.

Nothing about a person is printed. Exit status: 0 stopped by a signal or `--limit`, 1 the broker or a message is wrong.
"""

import argparse
import hashlib
import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from confluent_kafka import Consumer, KafkaException, Message

from sigill_contracts.topics import NOTIFICATIONS


class NotForUs(ValueError):
    """A record that this program cannot read; the message says what is missing, never what the record holds."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a record: `to_tell`, `suppressed`, `in_person` or `repeated`."""

    outcome: str
    template: str
    channel: str


Headers = list[tuple[str, str | bytes | None]]


def take(headers: Headers, value: bytes | None, spool: Path) -> Taken:
    """
    Put one notification into the spool, once however often it comes. Raises NotForUs.

    Fields that are not known here are left in the file and otherwise ignored: a later version may bring more.
    """
    attributes = {name: text.decode("utf-8") if isinstance(text, bytes) else text for name, text in headers}
    if attributes.get("ce_type") != NOTIFICATIONS.event_type:
        raise NotForUs("ce_type is not that of a notification")
    source, event = attributes.get("ce_source"), attributes.get("ce_id")
    if not source or not event or value is None:
        raise NotForUs("ce_source, ce_id or the value is missing")
    notification: dict[str, Any] = json.loads(value)
    template, channel = notification["template"], notification["channel"]

    if notification["suppressed"] is not None:
        return Taken("suppressed", template, channel)
    if channel == "in_person":  # the unit tells, and has a task that says so: no message is safe
        return Taken("in_person", template, channel)
    name = hashlib.sha256(f"{source}\n{event}".encode()).hexdigest() + ".json"
    if (spool / "new" / name).exists() or (spool / "done" / name).exists():
        return Taken("repeated", template, channel)
    _write_safely(spool / "new" / name, value)
    return Taken("to_tell", template, channel)


def _write_safely(path: Path, value: bytes) -> None:
    """The file is there whole, or not at all, also after a power cut."""
    half = path.with_suffix(".part")
    with half.open("wb") as file:
        file.write(value)
        file.flush()
        os.fsync(file.fileno())
    half.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class Reader:
    """Reads until it is stopped; commits each record after it was taken."""

    def __init__(self, bootstrap: str, group: str, topic: str, spool: Path) -> None:
        for name in ("new", "done"):
            (spool / name).mkdir(parents=True, exist_ok=True)
        self._spool = spool
        self._stopped = False
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": group,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
            }
        )
        self._consumer.subscribe([topic])

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """Finish the record in hand and leave."""
        self._stopped = True

    def run(self, limit: int | None = None) -> None:
        """Read on; with a limit, leave after so many records. Raises KafkaException, NotForUs, ValueError."""
        read = 0
        try:
            while not self._stopped and (limit is None or read < limit):
                message = self._consumer.poll(1.0)
                if message is None:
                    continue
                self._one(message)
                read += 1
        finally:
            self._consumer.close()

    def _one(self, message: Message) -> None:
        if message.error():
            raise KafkaException(message.error())
        headers = message.headers() or []
        taken = take(
            list(headers.items() if isinstance(headers, dict) else headers), message.value(), self._spool
        )
        self._consumer.commit(message=message, asynchronous=False)
        sys.stdout.write(f"{taken.outcome} {taken.template} {taken.channel}\n")
        sys.stdout.flush()


def main(arguments: list[str] | None = None) -> int:
    """Run the program; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="notification_consumer.py", description="Read notification requests."
    )
    parser.add_argument("--bootstrap", required=True, help="Kafka, host:port")
    parser.add_argument("--spool", type=Path, required=True, help="folder for what is to be told")
    parser.add_argument("--group", default="notification-service")
    parser.add_argument("--topic", default=NOTIFICATIONS.name)
    parser.add_argument("--limit", type=int, help="leave after so many records")
    asked = parser.parse_args(arguments)

    reader = Reader(asked.bootstrap, asked.group, asked.topic, asked.spool)
    signal.signal(signal.SIGTERM, reader.stop)
    signal.signal(signal.SIGINT, reader.stop)
    try:
        reader.run(asked.limit)
    except (KafkaException, NotForUs) as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 1
    except (KeyError, ValueError):
        sys.stderr.write("a notification does not fit its schema; nothing was committed for it\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
