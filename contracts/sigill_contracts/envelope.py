"""CloudEvents 1.0 attributes as a value; how they lie in a Kafka record is told by `sigill.stream.records`."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Envelope:
    """
    The attributes around an event (CloudEvents 1.0.2 section 3). Nothing here is signed.

    `time` is UTC; `subject` is the patient's pseudonymous key; `content_type` is the data's own
    (the record header `content-type` in binary mode). `extensions` holds further `ce_` attributes.
    """

    id: str
    source: str
    type: str
    time: datetime | None = None
    subject: str | None = None
    content_type: str | None = None
    dataschema: str | None = None
    traceparent: str | None = None
    tracestate: str | None = None
    extensions: tuple[tuple[str, str], ...] = ()
