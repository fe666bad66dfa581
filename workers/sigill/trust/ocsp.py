"""
OCSP answers (RFC 6960): what one says about a certificate, if it may be believed.

`cryptography` parses them and verifies nothing; signature, responder, binding and times are looked at here.
A delegated responder must carry id-pkix-ocsp-nocheck, since its own revocation is not asked about.
"""

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from sigill.trust.asn1 import CANNOT_BE_READ, name_der

SAFE_HASHES = frozenset({"sha256", "sha384", "sha512"})


class NotBelieved(ValueError):
    """The answer cannot be used as evidence; the message says why."""


def single_answer(
    response: ocsp.OCSPResponse,
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    status_age: timedelta,
) -> tuple[datetime, datetime, datetime | None]:
    """
    Give (from, until, revoked at or None) in UTC for the certificate, both times inclusive.

    Raises NotBelieved when the answer is for another certificate, not signed by the issuer or its delegate, says
    *unknown*, contradicts itself in time, or cannot be read.
    """
    try:
        return _single_answer(response, certificate, issuer, status_age)
    except NotBelieved:
        raise
    except CANNOT_BE_READ as error:
        raise NotBelieved("the answer cannot be read") from error


def _single_answer(
    response: ocsp.OCSPResponse,
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    status_age: timedelta,
) -> tuple[datetime, datetime, datetime | None]:
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise NotBelieved("the responder gave no answer")
    about = [a for a in response.responses if _is_about(a, certificate, issuer)]
    if not about:
        raise NotBelieved("the answer is about another certificate")
    if len(about) > 1:
        raise NotBelieved("the answer speaks of the certificate more than once")
    answer = about[0]
    _verify(response, issuer)

    since, until = answer.this_update_utc, answer.next_update_utc or answer.this_update_utc + status_age
    if until < since or response.produced_at_utc < since:
        raise NotBelieved("the answer's times contradict each other")
    if answer.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
        raise NotBelieved("the responder does not know the certificate")
    if answer.certificate_status is ocsp.OCSPCertStatus.REVOKED:
        return since, until, answer.revocation_time_utc or since
    return since, until, None


def believed_until(
    answer: bytes,
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    status_age: timedelta = timedelta(hours=12),
) -> datetime:
    """Say until when (UTC) a fetched answer (DER) is good. Raises NotBelieved, or ValueError when it is not OCSP."""
    return single_answer(ocsp.load_der_ocsp_response(answer), certificate, issuer, status_age)[1]


def _is_about(
    answer: ocsp.OCSPSingleResponse, certificate: x509.Certificate, issuer: x509.Certificate
) -> bool:
    return (
        answer.serial_number == certificate.serial_number
        and answer.issuer_name_hash == _digest(name_der(issuer, "subject"), answer.hash_algorithm)
        and answer.issuer_key_hash == _digest(_key_bits(issuer), answer.hash_algorithm)
    )


def _verify(response: ocsp.OCSPResponse, issuer: x509.Certificate) -> None:
    responder = next(
        (c for c in (issuer, *response.certificates) if _is_responder(response, c)),
        None,
    )
    if responder is None:
        raise NotBelieved("the responder's certificate is not known")
    if responder != issuer:
        _check_delegate(responder, issuer, response.produced_at_utc)

    algorithm = response.signature_hash_algorithm
    if algorithm is None or algorithm.name not in SAFE_HASHES:
        raise NotBelieved("the answer is signed with a digest that is not allowed")
    key = responder.public_key()
    try:
        match key:
            case ec.EllipticCurvePublicKey():
                key.verify(response.signature, response.tbs_response_bytes, ec.ECDSA(algorithm))
            case rsa.RSAPublicKey():
                key.verify(response.signature, response.tbs_response_bytes, padding.PKCS1v15(), algorithm)
            case _:
                raise NotBelieved("the responder's key is of another kind")
    except (InvalidSignature, UnsupportedAlgorithm) as error:
        raise NotBelieved("the answer's signature does not hold") from error


def _check_delegate(responder: x509.Certificate, issuer: x509.Certificate, at: datetime) -> None:
    try:
        responder.verify_directly_issued_by(issuer)
        usage = responder.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        responder.extensions.get_extension_for_class(x509.OCSPNoCheck)
    except (*CANNOT_BE_READ, x509.ExtensionNotFound) as error:
        raise NotBelieved("the responder is not delegated by the issuer") from error
    if ExtendedKeyUsageOID.OCSP_SIGNING not in usage:
        raise NotBelieved("the responder's certificate is not for OCSP")
    if not responder.not_valid_before_utc <= at <= responder.not_valid_after_utc:
        raise NotBelieved("the responder's certificate was not valid")


def _is_responder(response: ocsp.OCSPResponse, certificate: x509.Certificate) -> bool:
    if response.responder_name is not None:
        return certificate.subject == response.responder_name
    return response.responder_key_hash == _digest(_key_bits(certificate), hashes.SHA1())  # noqa: S303 - RFC 6960 names it


def _digest(data: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
    digest = hashes.Hash(algorithm)
    digest.update(data)
    return digest.finalize()


def _key_bits(certificate: x509.Certificate) -> bytes:
    """The subjectPublicKey BIT STRING's content, which RFC 6960 hashes."""
    key = certificate.public_key()
    match key:
        case ec.EllipticCurvePublicKey():
            return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        case rsa.RSAPublicKey():
            return key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
        case _:
            return b""
