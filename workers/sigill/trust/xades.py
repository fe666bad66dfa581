"""
XAdES baseline signatures (ETSI EN 319 132-1, B-B; also XAdES-BES), enveloped in an order's XML.

signxml checks digests, signature and schema; which shape a document may have is decided here, before: one signature,
last in the root; one Object with one QualifyingProperties; references to the whole document, the signed properties
and at most the key information; no transform but those that leave the signature out, and canonicalisation. Only what signxml gives
back as signed is read afterwards, the document itself never (signature wrapping, property spoofing, comments).
"""

import base64
import copy
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.exceptions import InvalidDigest, SignXMLException
from signxml.util import _remove_sig
from signxml.xades.xades import XAdESSignatureConfiguration, XAdESVerifier

from sigill.trust import profile
from sigill.trust.asn1 import CANNOT_BE_READ
from sigill.trust.chain import CertificateHolder, NotCertificates, book_of
from sigill.trust.form_xml import ROOT, NotAForm, RepeatedField, json_of
from sigill.trust.policy import TrustPolicy
from sigill.trust.proof import ProvenSignature
from sigill.trust.usage import not_for_key
from sigill.trust.verdict import SignatureRefused, UnreadableSignature, invalid, not_accepted
from sigill.trust.xades_shape import (
    DIGESTS,
    DS,
    XADES,
    Shape,
    canonical,
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
    root = read_root(raw)
    shape = shape_of(root, policy)
    try:
        holder = book_of(policy).holder(shape.certificates, shape.signing_time)
    except NotCertificates as error:
        raise not_accepted("certificates", profile.XML_CERTIFICATE, str(error)) from error
    if holder.key is None or shape.algorithm not in holder.algorithms:
        raise not_for_key("SignatureMethod", shape.algorithm, holder)
    if not _key_values_fit(root, holder.certificate):
        raise not_accepted("certificates", profile.KEY_VALUE, "a KeyValue that is not the certificate's key")

    signed, properties = _verify(raw, holder, shape, policy)
    # The properties looked at before were the document's; these are the ones that were signed.
    if signing_time(properties) != shape.signing_time:
        raise invalid(
            "signing_time",
            "The signing time is not the signed one.",
            "Underskriftens tid är inte den underskrivna.",
        )
    if not refers_to(properties, holder.certificate):
        raise invalid(
            "certificates",
            "The certificate is not the one that was signed.",
            "Certifikatet är inte det underskrivna.",
        )
    try:
        payload = json_of(signed)
    except RepeatedField as error:
        raise not_accepted("payload", profile.PAYLOAD_ONCE, str(error)) from error
    except NotAForm as error:
        raise UnreadableSignature("what was signed is not an order's form") from error
    return payload, ProvenSignature(
        holder, shape.algorithm, shape.signing_time, shape.stapled, shape.notes, shape.time_stamps
    )


def claimed_form(raw: bytes) -> bytes | None:
    """What an unproven document says, as JSON bytes; None when it says nothing readable."""
    try:
        root = read_root(raw)
        for signature in root.findall(f"{DS}Signature"):
            root.remove(signature)
        return json_of(root)
    except (UnreadableSignature, SignatureRefused, NotAForm):
        return None


class _Verifier(XAdESVerifier):
    """
    signxml's verifier, for a document whose shape `shape_of` has accepted. What it does otherwise:

    - it canonicalizes as `canonical` does, past the fault of the canonicalizer with inherited namespaces;
    - it takes the two constant XPath forms for `enveloped-signature`, which they mean;
    - it knows `#rsa-pss`, whose parameters the shape has held to those of `sha256-rsa-MGF1`;
    - the certificate's digest is compared by `refers_to`, and no other certificate need be in the message.
    """

    def _c14n(
        self,
        nodes: Any,
        algorithm: CanonicalizationMethod,
        inclusive_ns_prefixes: object = None,
    ) -> bytes:
        if inclusive_ns_prefixes is not None or algorithm.value not in profile.CANONICAL:
            raise SignXMLException("a canonicalization that the shape does not have")
        return canonical(nodes, exclusive=algorithm.value == profile.EXCLUSIVE)

    def _apply_transforms(
        self,
        payload: Any,
        *,
        transforms_node: etree._Element | None,
        signature: etree._Element,
    ) -> bytes:
        steps = [] if transforms_node is None else list(transforms_node)
        if any(step.get("Algorithm") in (profile.FILTER2, profile.XPATH) for step in steps):
            _remove_sig(signature, idempotent=True)  # type: ignore[no-untyped-call]
        return cast(
            bytes,
            super()._apply_transforms(payload, transforms_node=transforms_node, signature=signature),  # type: ignore[arg-type]
        )

    def _find(
        self, element: etree._Element, query: str, require: bool = True, xpath: str = ""
    ) -> etree._Element | None:
        found = super()._find(element, query, require=require, xpath=xpath)  # type: ignore[no-untyped-call]
        if query == "SignatureMethod" and found is not None and found.get("Algorithm") == profile.RSA_PSS:
            return etree.Element(f"{DS}SignatureMethod", Algorithm=SignatureMethod.SHA256_RSA_MGF1.value)
        return cast("etree._Element | None", found)

    def validate_schema(self, signature: etree._Element) -> None:
        # The schema has no declaration of RSAPSSParams and refuses what it does not know; the shape has read them.
        plain = copy.deepcopy(signature)
        for parameters in list(plain.iter(f"{{{profile.RSA_PSS.removesuffix('rsa-pss')}}}RSAPSSParams")):
            method = parameters.getparent()
            if method is not None:
                method.remove(parameters)
        super().validate_schema(plain)  # type: ignore[no-untyped-call]

    def _verify_cert_digests(self, verify_result: object) -> None:
        """Done by `refers_to`, on what was signed."""


def _verify(
    raw: bytes, holder: CertificateHolder, shape: Shape, policy: TrustPolicy
) -> tuple[etree._Element, etree._Element]:
    """Let signxml verify with the leaf that was chosen, and give (order, SignedProperties) as they were signed."""
    methods = [SignatureMethod(profile.XML_METHODS[name][0]) for name in policy.algorithms]
    config = XAdESSignatureConfiguration(
        location="./",
        expect_references=shape.references,
        signature_methods=frozenset(methods),
        digest_algorithms=frozenset(DigestAlgorithm(uri) for uri in DIGESTS),
        ignore_ambiguous_key_info=True,  # compared already, by `_key_values_fit`
        # Validity is judged with the path; here only the signature is.
        verification_time=holder.certificate.not_valid_before_utc,
        default_reference_c14n_method=CanonicalizationMethod.CANONICAL_XML_1_0,
    )
    try:
        results = _Verifier().verify(raw, x509_cert=holder.certificate, expect_config=config, parser=parser())
    except InvalidDigest as error:
        raise invalid(
            "signature",
            "A digest does not hold: form or properties were changed after signing.",
            "Ett kontrollvärde (digest) stämmer inte: blankett eller egenskaper har ändrats efter underskriften.",
        ) from error
    except etree.DocumentInvalid as error:
        raise not_accepted(
            "signature", profile.ONE_SIGNATURE, "the signature does not follow its schema"
        ) from error
    except (SignXMLException, *CANNOT_BE_READ, etree.LxmlError, KeyError, AttributeError) as error:
        raise invalid(
            "signature",
            "The signature does not hold over SignedInfo.",
            "Underskriften stämmer inte över SignedInfo.",
        ) from error

    orders = [r.signed_xml for r in results if r.signed_xml is not None and r.signed_xml.tag == ROOT]
    properties = [
        r.signed_xml
        for r in results
        if r.signed_xml is not None and r.signed_xml.tag == f"{XADES}SignedProperties"
    ]
    if len(orders) != 1 or len(properties) != 1:
        raise not_accepted("references", profile.REFERENCES, "order and properties are not both signed")
    return orders[0], properties[0]


_DSIG11 = "{http://www.w3.org/2009/xmldsig11#}"
_RFC4050 = "{http://www.w3.org/2001/04/xmldsig-more#}ECDSAKeyValue"


def _key_values_fit(root: etree._Element, certificate: x509.Certificate) -> bool:
    """
    Whether every bare key beside the certificate is the certificate's. An ECDSAKeyValue (RFC 4050) is passed over: it is
    older than the standard's own ECKeyValue, and the key is taken from the certificate in any case.
    """
    key = certificate.public_key()
    try:
        for value in root.iterfind(f"{DS}Signature/{DS}KeyInfo/{DS}KeyValue"):
            if len(value) != 1 or not (value[0].tag == _RFC4050 or _is_key(value[0], key)):
                return False
        for value in root.iterfind(f"{DS}Signature/{DS}KeyInfo/{_DSIG11}DEREncodedKeyValue"):
            if load_der_public_key(_bytes(value)) != key:
                return False
    except CANNOT_BE_READ:
        return False
    return True


def _is_key(value: etree._Element, key: object) -> bool:
    parts = {str(part.tag): part for part in value}
    match key:
        case rsa.RSAPublicKey() if value.tag == f"{DS}RSAKeyValue":
            numbers = key.public_numbers()
            given = [parts[f"{DS}{name}"] for name in ("Modulus", "Exponent")]
            return [int.from_bytes(_bytes(part), "big") for part in given] == [numbers.n, numbers.e]
        case ec.EllipticCurvePublicKey() if value.tag == f"{_DSIG11}ECKeyValue":
            point = _bytes(parts[f"{_DSIG11}PublicKey"])
            return ec.EllipticCurvePublicKey.from_encoded_point(key.curve, point) == key
        case _:
            return False


def _bytes(element: etree._Element) -> bytes:
    return base64.b64decode("".join((element.text or "").split()), validate=True)
