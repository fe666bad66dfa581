"""
XAdES baseline signatures (ETSI EN 319 132-1, B-B; also XAdES-BES), enveloped in an order's XML.

signxml checks digests, signature and schema; which shape a document may have is decided here, before: one signature,
last in the root; one Object with one QualifyingProperties; references to the whole document, the signed properties
and at most the key information; no transform but enveloped-signature and canonicalisation. Only what signxml gives
back as signed is read afterwards, the document itself never (signature wrapping, property spoofing, comments).
"""

from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm
from signxml.exceptions import SignXMLException
from signxml.xades.xades import XAdESSignatureConfiguration, XAdESVerifier

from contracts.vocabulary import RefusalCode
from workers.trust.asn1 import CANNOT_BE_READ
from workers.trust.chain import Holder, NotCertificates, book_of
from workers.trust.form_xml import ROOT, NotAForm, Repeated, json_of
from workers.trust.policy import TrustPolicy
from workers.trust.proof import ProvenSignature
from workers.trust.verdict import Refused, Unreadable, invalid
from workers.trust.xades_shape import (
    DIGESTS,
    DS,
    METHODS,
    XADES,
    Shape,
    parser,
    read_root,
    refers_to,
    shape_of,
    signing_time,
)


def prove(raw: bytes, policy: TrustPolicy) -> tuple[bytes, ProvenSignature]:
    """
    Prove the signature over an order's XML; gives the form as JSON bytes, and the signature.

    Raises Unreadable (not XML, not signed, not a form) or Refused.
    """
    shape = shape_of(read_root(raw), policy)
    try:
        holder = book_of(policy).holder(shape.certificates, shape.signing_time)
    except NotCertificates as error:
        raise invalid("certificates", str(error)) from error
    if holder.key is None or shape.algorithm not in holder.algorithms:
        detail = f"{shape.algorithm} with a key that is not for it"
        raise Refused(RefusalCode.ALGORITHM_NOT_ALLOWED, "algorithm", detail)

    signed, properties = _verify(raw, holder, shape, policy)
    # The properties looked at before were the document's; these are the ones that were signed.
    if signing_time(properties) != shape.signing_time:
        raise invalid("signing_time", "the signing time is not the signed one")
    if not refers_to(properties, holder.certificate):
        raise invalid("certificates", "the certificate is not the one that was signed")
    try:
        payload = json_of(signed)
    except Repeated as error:
        raise invalid("payload", str(error)) from error
    except NotAForm as error:
        raise Unreadable("what was signed is not an order's form") from error
    return payload, ProvenSignature(holder, shape.algorithm, shape.signing_time, shape.stapled, shape.notes)


def claimed_form(raw: bytes) -> bytes | None:
    """What an unproven document says, as JSON bytes; None when it says nothing readable."""
    try:
        root = read_root(raw)
        for signature in root.findall(f"{DS}Signature"):
            root.remove(signature)
        return json_of(root)
    except (Unreadable, Refused, NotAForm):
        return None


def _verify(
    raw: bytes, holder: Holder, shape: Shape, policy: TrustPolicy
) -> tuple[etree._Element, etree._Element]:
    """Let signxml verify with the leaf that was chosen, and give (order, SignedProperties) as they were signed."""
    config = XAdESSignatureConfiguration(
        location="./",
        expect_references=shape.references,
        signature_methods=frozenset(METHODS[name] for name in policy.algorithms),
        digest_algorithms=frozenset(DigestAlgorithm(uri) for uri in DIGESTS),
        # Validity is judged with the path; here only the signature is.
        verification_time=holder.certificate.not_valid_before_utc,
        default_reference_c14n_method=CanonicalizationMethod.CANONICAL_XML_1_0,
    )
    try:
        results = XAdESVerifier().verify(
            raw, x509_cert=holder.certificate, expect_config=config, parser=parser()
        )
    except (
        SignXMLException,
        *CANNOT_BE_READ,
        etree.LxmlError,
        KeyError,
        AttributeError,
    ) as error:
        raise invalid("signature", "digest, signature or schema does not hold") from error

    orders = [r.signed_xml for r in results if r.signed_xml is not None and r.signed_xml.tag == ROOT]
    properties = [
        r.signed_xml
        for r in results
        if r.signed_xml is not None and r.signed_xml.tag == f"{XADES}SignedProperties"
    ]
    if len(orders) != 1 or len(properties) != 1:
        raise invalid("references", "order and properties are not both signed")
    return orders[0], properties[0]
