"""
How an EHR reads `access.receipts.v1`, in Python.

    python docs/examples/ehr_receipts.py --bootstrap localhost:9092 --folder /var/spool/receipts

Each receipt becomes one file in the folder, named after its source and id, for the EHR to show and to file; what comes
again has the same name. Offsets are committed after the file is safe on the disk. Printed are the outcome, the order and
the codes, never a person. Exit status: 0 stopped by `--limit`, 1 the broker or a message is wrong.
"""

import argparse
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, KafkaException

TOPIC = "access.receipts.v1"
TYPE = "se.sigill.receipt.v1"


def take(headers: list[tuple[str, Any]], value: bytes | None, folder: Path) -> str:
    """Keep one receipt, once however often it comes; returns what is printed. Raises ValueError or KeyError."""
    attributes = {name: text.decode() if isinstance(text, bytes) else text for name, text in headers}
    if attributes.get("ce_type") != TYPE or value is None:
        raise ValueError("no receipt")
    receipt = json.loads(value)  # fields not known here are left in the file and otherwise ignored
    line = " ".join([receipt["outcome"], receipt["order_id"] or receipt["answers_event"], *receipt["codes"]])
    name = hashlib.sha256(f"{attributes['ce_source']}\n{attributes['ce_id']}".encode()).hexdigest() + ".json"
    if (folder / name).exists():
        return f"repeated {line}"
    half = folder / f"{name}.part"
    with half.open("wb") as file:
        file.write(value)
        file.flush()
        os.fsync(file.fileno())
    half.rename(folder / name)
    return line


def main(arguments: list[str] | None = None) -> int:
    """Run the program; returns the exit status."""
    parser = argparse.ArgumentParser(prog="ehr_receipts.py", description="Read receipts.")
    parser.add_argument("--bootstrap", required=True, help="Kafka, host:port")
    parser.add_argument("--folder", type=Path, required=True, help="where the receipts are kept")
    parser.add_argument("--group", default="ehr-receipts")
    parser.add_argument("--topic", default=TOPIC)
    parser.add_argument("--limit", type=int, help="leave after so many records")
    asked = parser.parse_args(arguments)
    asked.folder.mkdir(parents=True, exist_ok=True)
    consumer = Consumer(
        {
            "bootstrap.servers": asked.bootstrap,
            "group.id": asked.group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([asked.topic])
    read = 0
    try:
        while asked.limit is None or read < asked.limit:
            message = consumer.poll(1.0)
            if message is None:
                continue
            if message.error():
                raise KafkaException(message.error())
            line = take(list(message.headers() or []), message.value(), asked.folder)
            consumer.commit(message=message, asynchronous=False)
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
            read += 1
    except KafkaException as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 1
    except (KeyError, ValueError):
        sys.stderr.write("a receipt does not fit its schema; nothing was committed for it\n")
        return 1
    finally:
        consumer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
