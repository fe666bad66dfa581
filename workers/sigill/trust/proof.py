"""A signature that holds, before its certificate is judged."""

from dataclasses import dataclass
from datetime import datetime

from sigill.trust.chain import CertificateHolder
from sigill.trust.evidence import RevocationSnapshot
from sigill.trust.time_stamps import TimeStamp


@dataclass(frozen=True, slots=True)
class ProvenSignature:
    """A signature that holds over the payload, by the key of this certificate; the certificate is not yet judged."""

    holder: CertificateHolder
    algorithm: str
    signed_at: datetime
    stapled: RevocationSnapshot | None
    notes: tuple[str, ...]
    time_stamps: tuple[TimeStamp, ...] = ()
