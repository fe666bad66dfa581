"""JSON and base64url that can be read in one way only."""

import binascii
from typing import Any

from sigill.runtime.strict_json import STRICT
from sigill.trust.profile import BASE64URL
from sigill.trust.verdict import UnreadableSignature, not_accepted


def load_object(data: bytes) -> dict[str, Any]:
    """Read a JSON object strictly: UTF-8, no name twice, no NaN. Raises ValueError, DuplicateName among them."""
    try:
        value = STRICT.decode(data.decode("utf-8"))
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


_STANDARD = bytes.maketrans(b"-_", b"+/")


#: Last characters whose unused bits are zero, by how many characters are spared.
_LAST = {1: b"AEIMQUYcgkosw048", 2: b"AQgw"}
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def ascii_part(text: str) -> bytes:
    try:
        data = text.encode("ascii")
    except UnicodeEncodeError as error:
        raise UnreadableSignature("not base64url") from error
    must_be_base64url(data)
    return data


def must_be_base64url(part: bytes) -> None:
    """No padding, no white space, no other alphabet (RFC 7515, 2)."""
    if part.translate(None, _ALPHABET):
        raise UnreadableSignature("not base64url")


def decode_part(part: bytes) -> bytes:
    """Decode base64url and insist on the one canonical encoding: unused bits are zero (RFC 4648, 3.5)."""
    spare = -len(part) % 4
    if spare == 3:
        raise UnreadableSignature("not base64url")
    if spare and part[-1] not in _LAST[spare]:
        raise not_accepted("container", BASE64URL, "base64url that is not canonical")
    try:
        return binascii.a2b_base64(part.translate(_STANDARD) + b"=" * spare, strict_mode=True)
    except binascii.Error as error:
        raise UnreadableSignature("not base64url") from error
