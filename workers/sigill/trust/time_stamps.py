"""
Time stamps on a signature (RFC 3161; JAdES `sigTst`, XAdES `SignatureTimeStamp`).

A time stamp whose authority hangs from a configured anchor proves that the signature existed at its time. Nothing that
can be added to a message by whoever carries it makes a signature worse: a time stamp that is not believed is passed
over, and said. The revocation of a time-stamping authority is not asked about; take its anchor out instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

from sigill.trust.asn1 import CANNOT_BE_READ, wrapped
from sigill.trust.verdict import Check

MOST = 4
"""Time stamps of one signature that are looked at."""


@dataclass(frozen=True, slots=True)
class TimeStamp:
    """A token (DER, RFC 3161 TimeStampToken) and the bytes that it was made over. Nothing in it is proven."""

    token: bytes
    over: bytes


def earliest(
    stamps: Sequence[TimeStamp], anchors: Sequence[x509.Certificate]
) -> tuple[datetime | None, list[Check]]:
    """
    The earliest time (UTC) that a believed time stamp names, None when there is none; and what was looked at.

    Without anchors nothing is looked at, and said.
    """
    if not anchors:
        return None, [Check("time_stamp", "not_checked", "no anchor for time stamps is set")]
    verifier = VerifierBuilder(roots=list(anchors)).build()
    found: list[datetime] = []
    checks: list[Check] = []
    for stamp in stamps[:MOST]:
        try:
            # Status "granted" before the token makes a response of it, which is what the library reads.
            response = decode_timestamp_response(wrapped(wrapped(b"\x02\x01\x00") + stamp.token))
            verifier.verify_message(response, stamp.over)
            at = response.tst_info.gen_time.astimezone(UTC)
        except (VerificationError, *CANNOT_BE_READ):
            checks.append(Check("time_stamp", "not_checked", "a time stamp that is not believed"))
            continue
        checks.append(Check("time_stamp", "good", at.isoformat()))
        found.append(at)
    return min(found, default=None), checks
