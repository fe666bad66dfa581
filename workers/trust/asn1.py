"""What reading a foreign certificate, list or answer can raise: `cryptography` parses late and in many words."""

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
