"""What cloudevents (PyPI) writes for Kafka. Arguments: order.jose id source type subject time; JSON on standard output."""

import base64
import json
import sys
from datetime import datetime
from pathlib import Path

from cloudevents.core.bindings.kafka import KafkaMessage, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

file, ident, source, kind, subject, time = sys.argv[1:]
attributes = {
    "id": ident,
    "source": source,
    "type": kind,
    "specversion": "1.0",
    "subject": subject,
    "time": datetime.fromisoformat(time),
    "datacontenttype": "application/jose",
    "partitionkey": subject,
}
event = CloudEvent(attributes, Path(file).read_text().strip())


def shown(mode: str, message: KafkaMessage) -> dict[str, object]:
    """A message as the record shows it."""
    return {
        "mode": mode,
        "key": message.key,
        "headers": [[name, base64.b64encode(value).decode()] for name, value in message.headers.items()],
        "value": base64.b64encode(message.value).decode(),
    }


sys.stdout.write(
    json.dumps([shown("binary", to_binary_event(event)), shown("structured", to_structured_event(event))])
)
