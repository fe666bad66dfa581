"""
What reading a foreign certificate, list or answer can raise, and names in string types that `cryptography` refuses.
"""

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

#: Errors that mean "this cannot be read", never "our fault": everything read lazily stands under one of these.
CANNOT_BE_READ = (
    ValueError,  # broken DER, wrong types, values out of range
    TypeError,
    NotImplementedError,
    OverflowError,
    UnsupportedAlgorithm,
    InvalidSignature,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    x509.AttributeNotFound,
)

#: String types of a name (X.680) and how their bytes are read. A TeletexString is read as Latin-1, which is what those
#: who write it mean.
_STRINGS = {
    0x0C: "utf-8",
    0x12: "ascii",  # NumericString
    0x13: "ascii",  # PrintableString
    0x14: "latin-1",  # TeletexString
    0x16: "ascii",  # IA5String
    0x1A: "ascii",  # VisibleString
    0x1C: "utf-32-be",  # UniversalString
    0x1E: "utf-16-be",  # BMPString
}
_OID, _EXPLICIT_0, _INTEGER, _SEQUENCE, _SET = 0x06, 0xA0, 0x02, 0x30, 0x31

#: A name's parts in order, each a set of (OID, value); a value is None where it is no text.
Rdns = tuple[frozenset[tuple[str, str | None]], ...]


def name_der(of: x509.Certificate | x509.CertificateRevocationList, which: str) -> bytes:
    """The `issuer` or `subject` as it stands, DER. Raises ValueError."""
    if isinstance(of, x509.Certificate):
        # version [0] (left out in version 1), serialNumber, signature, issuer, validity, subject
        parts = _members(of.tbs_certificate_bytes)
        if parts and parts[0][0] == _EXPLICIT_0:
            parts = parts[1:]
        wanted = {"issuer": 2, "subject": 4}[which]
    else:
        # version (left out in version 1), signature, issuer
        parts = _members(of.tbs_certlist_bytes)
        if parts and parts[0][0] == _INTEGER:
            parts = parts[1:]
        wanted = {"issuer": 1}[which]
    if len(parts) <= wanted:
        raise ValueError("no such name")
    return parts[wanted][2]


def read_name(der: bytes) -> Rdns:
    """
    Read a Name (RFC 5280, 4.1.2.4), whatever string types its values have. Raises ValueError.

    `cryptography` refuses a whole name for one TeletexString that is not ASCII, as older authorities write them.
    """
    found = []
    if not der or der[0] != _SEQUENCE:
        raise ValueError("not a name")
    for kind_of_rdn, _, rdn in _members(der):
        values = []
        for kind_of_attribute, _, attribute in _members(rdn):
            parts = _members(attribute)
            if (
                (kind_of_rdn, kind_of_attribute) != (_SET, _SEQUENCE)
                or len(parts) != 2
                or parts[0][0] != _OID
            ):
                raise ValueError("not a name")
            (_, oid, _), (kind, value, _) = parts
            encoding = _STRINGS.get(kind)
            values.append((_dotted(oid), None if encoding is None else value.decode(encoding)))
        if len(set(values)) != len(values):
            raise ValueError("an attribute stands twice in one part of the name")
        found.append(frozenset(values))
    return tuple(found)


def wrapped(contents: bytes) -> bytes:
    """A SEQUENCE with these contents, DER."""
    size = len(contents)
    if size < 0x80:
        return bytes((_SEQUENCE, size)) + contents
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((_SEQUENCE, 0x80 | len(length))) + length + contents


def _members(der: bytes) -> list[tuple[int, bytes, bytes]]:
    """The members of a constructed value: (tag, contents, whole). Definite lengths only, as DER has them."""
    _, contents, rest = _take(der)
    if rest:
        raise ValueError("something after the value")
    found = []
    while contents:
        tag, inner, rest = _take(contents)
        found.append((tag, inner, contents[: len(contents) - len(rest)]))
        contents = rest
    return found


def _take(der: bytes) -> tuple[int, bytes, bytes]:
    """(tag, contents, what follows) of the first value."""
    if len(der) < 2 or der[0] & 0x1F == 0x1F:
        raise ValueError("not DER")
    length, start = der[1], 2
    if length & 0x80:
        size = length & 0x7F
        start += size
        if not 1 <= size <= 4 or len(der) < start:
            raise ValueError("not DER")
        length = int.from_bytes(der[2:start], "big")
    if len(der) < start + length:
        raise ValueError("not DER")
    return der[0], der[start : start + length], der[start + length :]


def _dotted(oid: bytes) -> str:
    if not oid or oid[-1] & 0x80:
        raise ValueError("not an OID")
    numbers, value = [], 0
    for byte in oid:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(value)
            value = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(str(n) for n in (first, numbers[0] - 40 * first, *numbers[1:]))
