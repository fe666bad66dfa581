"""CloudEvents 1.0 attributes as a value; how they lie in a Kafka record is told by `workers.stream.records`."""

import base64
import hashlib
import hmac
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


def patient_key(identity: str, secret: bytes, version: str = "v1") -> str:
    """
    The patient's pseudonymous key: `v1.` and unpadded base64url of HMAC-SHA-256(secret, identity number).

    `identity` is the number as the form writes it: twelve digits, no separator. The version says which secret it was.
    """
    digest = hmac.new(secret, identity.encode("ascii"), hashlib.sha256).digest()
    return f"{version}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode('ascii')}"
