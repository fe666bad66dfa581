"""
XAdES baseline signatures (ETSI EN 319 132-1, B-B; also XAdES-BES), enveloped in an order's XML.

signxml checks digests, signature and schema; which shape a document may have is decided here, before: one signature,
last in the root; one Object with one QualifyingProperties; references to the whole document, the signed properties
and at most the key information; no transform but enveloped-signature and canonicalisation. Only what signxml gives
back as signed is read afterwards, the document itself never (signature wrapping, property spoofing, comments).
"""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.x509 import ocsp
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.xades.xades import XAdESSignatureConfiguration, XAdESVerifier

from contracts.vocabulary import RefusalCode
from workers.trust.asn1 import CANNOT_BE_READ
from workers.trust.chain import Holder, NotCertificates, book_of
from workers.trust.form_xml import ROOT, NotAForm, Repeated, json_of
from workers.trust.jose import ProvenSignature, Refused
from workers.trust.policy import TrustPolicy
from workers.trust.revocation import Evidence, RevocationList
from workers.trust.verdict import Unreadable

_DS = "{http://www.w3.org/2000/09/xmldsig#}"
_XADES = "{http://uri.etsi.org/01903/v1.3.2#}"
_SIGNED_PROPERTIES = "http://uri.etsi.org/01903#SignedProperties"
_ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_MAX_ELEMENTS = 2_000
_MAX_STAPLED = 16

#: What may sign, by the names that JWS has for the same (RFC 9231).
_METHODS = {
    "ES256": SignatureMethod.ECDSA_SHA256,
    "ES384": SignatureMethod.ECDSA_SHA384,
    "RS256": SignatureMethod.RSA_SHA256,
    "PS256": SignatureMethod.SHA256_RSA_MGF1,
}
_NAMES = {method.value: name for name, method in _METHODS.items()}
_DIGESTS: dict[str, type[HashAlgorithm]] = {
    DigestAlgorithm.SHA256.value: SHA256,
    DigestAlgorithm.SHA384.value: SHA384,
    DigestAlgorithm.SHA512.value: SHA512,
}
_CANONICAL = {
    CanonicalizationMethod.CANONICAL_XML_1_0.value,
    CanonicalizationMethod.CANONICAL_XML_1_1.value,
    CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0.value,
}
_invalid = partial(Refused, RefusalCode.SIGNATURE_INVALID)


def _parser() -> etree.XMLParser:
    """Our own, for each message: the process-wide default can be replaced by any library."""
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False
    )


@dataclass(frozen=True, slots=True)
class _Shape:
    """A document whose shape is acceptable. Nothing in it is proven."""

    algorithm: str
    references: int
    signing_time: datetime
    certificates: tuple[str, ...]
    stapled: Evidence | None
    notes: tuple[str, ...]


def prove(raw: bytes, policy: TrustPolicy) -> tuple[bytes, ProvenSignature]:
    """
    Prove the signature over an order's XML; gives the form as JSON bytes, and the signature.

    Raises Unreadable (not XML, not signed, not a form) or Refused.
    """
    shape = _shape(_root(raw), policy)
    try:
        holder = book_of(policy).holder(shape.certificates, shape.signing_time)
    except NotCertificates as error:
        raise _invalid("certificates", str(error)) from error
    if holder.key is None or shape.algorithm not in holder.algorithms:
        detail = f"{shape.algorithm} with a key that is not for it"
        raise Refused(RefusalCode.ALGORITHM_NOT_ALLOWED, "algorithm", detail)

    signed, properties = _verify(raw, holder, shape, policy)
    # The properties looked at before were the document's; these are the ones that were signed.
    if _signing_time(properties) != shape.signing_time:
        raise _invalid("signing_time", "the signing time is not the signed one")
    if not _refers_to(properties, holder.certificate):
        raise _invalid("certificates", "the certificate is not the one that was signed")
    try:
        payload = json_of(signed)
    except Repeated as error:
        raise _invalid("payload", str(error)) from error
    except NotAForm as error:
        raise Unreadable("what was signed is not an order's form") from error
    return payload, ProvenSignature(holder, shape.algorithm, shape.signing_time, shape.stapled, shape.notes)


def claimed_form(raw: bytes) -> bytes | None:
    """What an unproven document says, as JSON bytes; None when it says nothing readable."""
    try:
        root = _root(raw)
        for signature in root.findall(f"{_DS}Signature"):
            root.remove(signature)
        return json_of(root)
    except (Unreadable, Refused, NotAForm):
        return None


def _verify(
    raw: bytes, holder: Holder, shape: _Shape, policy: TrustPolicy
) -> tuple[etree._Element, etree._Element]:
    """Let signxml verify with the leaf that was chosen, and give (order, SignedProperties) as they were signed."""
    config = XAdESSignatureConfiguration(
        location="./",
        expect_references=shape.references,
        signature_methods=frozenset(_METHODS[name] for name in policy.algorithms),
        digest_algorithms=frozenset(DigestAlgorithm(uri) for uri in _DIGESTS),
        # Validity is judged with the path; here only the signature is.
        verification_time=holder.certificate.not_valid_before_utc,
        default_reference_c14n_method=CanonicalizationMethod.CANONICAL_XML_1_0,
    )
    try:
        results = XAdESVerifier().verify(
            raw, x509_cert=holder.certificate, expect_config=config, parser=_parser()
        )
    except (
        SignXMLException,
        *CANNOT_BE_READ,
        etree.LxmlError,
        KeyError,
        AttributeError,
    ) as error:
        raise _invalid("signature", "digest, signature or schema does not hold") from error

    orders = [r.signed_xml for r in results if r.signed_xml is not None and r.signed_xml.tag == ROOT]
    properties = [
        r.signed_xml
        for r in results
        if r.signed_xml is not None and r.signed_xml.tag == f"{_XADES}SignedProperties"
    ]
    if len(orders) != 1 or len(properties) != 1:
        raise _invalid("references", "order and properties are not both signed")
    return orders[0], properties[0]


def _root(raw: bytes) -> etree._Element:
    if b"\0" in raw or raw.startswith((b"\xfe\xff", b"\xff\xfe")):
        raise Unreadable("not UTF-8")
    # Also inside a comment: nobody needs it there, and no parser gets to see it.
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
        raise _invalid("container", "a document type")
    try:
        root = etree.fromstring(raw, parser=_parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unreadable("not XML") from error
    info = root.getroottree().docinfo
    if (info.encoding or "UTF-8").upper() not in {"UTF-8", "US-ASCII", "ASCII"}:
        raise Unreadable("not UTF-8")
    if info.internalDTD is not None or info.externalDTD is not None:
        raise _invalid("container", "a document type")
    return root


def _shape(root: etree._Element, policy: TrustPolicy) -> _Shape:
    signatures = list(root.iter(f"{_DS}Signature"))
    if not signatures:
        raise Unreadable("no signature in the document")
    if root.tag != ROOT:
        raise _invalid("container", "the root is not an order")
    if len(signatures) != 1 or signatures[0].getparent() is not root or root[-1] is not signatures[0]:
        raise _invalid("container", "not exactly one signature, last in the order")
    if sum(1 for _ in zip(root.iter(), range(_MAX_ELEMENTS + 1), strict=False)) > _MAX_ELEMENTS:
        raise _invalid("container", "too many elements")
    if root.getprevious() is not None or root.getnext() is not None:
        raise _invalid("container", "something outside the order")
    if next(root.iter(etree.ProcessingInstruction, etree.Entity), None) is not None:
        raise _invalid("container", "processing instructions or entities")
    _unique_ids(root)

    signature = signatures[0]
    algorithm = _algorithm(signature, policy)
    properties = _qualifying_properties(root, signature)
    signed = _only(properties, f"{_XADES}SignedProperties")
    references = _references(signature, signed)
    chain = _certificates(signature, signed)
    stapled, notes = _stapled(properties)
    return _Shape(algorithm, references, _signing_time(signed), chain, stapled, notes)


def _algorithm(signature: etree._Element, policy: TrustPolicy) -> str:
    info = _only(signature, f"{_DS}SignedInfo")
    method = _only(info, f"{_DS}SignatureMethod")
    name = _NAMES.get(method.get("Algorithm", ""))
    if name is None or name not in policy.algorithms:
        detail = f"{name or 'an unknown algorithm'} is not on the list"
        raise Refused(RefusalCode.ALGORITHM_NOT_ALLOWED, "algorithm", detail)
    canonical = _only(info, f"{_DS}CanonicalizationMethod")
    if canonical.get("Algorithm") not in _CANONICAL or len(canonical):
        raise _invalid("references", "a canonicalisation that is not accepted")
    return name


def _qualifying_properties(root: etree._Element, signature: etree._Element) -> etree._Element:
    found = _only(_only(signature, f"{_DS}Object"), f"{_XADES}QualifyingProperties")
    if len(list(root.iter(f"{_XADES}QualifyingProperties", f"{_XADES}SignedProperties"))) != 2:
        raise _invalid("properties", "more than one set of properties")
    holder = found.getparent()
    if holder is None or len(holder) != 1:
        raise _invalid("properties", "an Object with something else in it")
    if found.get("Target") != f"#{signature.get('Id')}":
        raise _invalid("properties", "properties of another signature")
    return found


def _references(signature: etree._Element, signed: etree._Element) -> int:
    """Exactly the document, the signed properties and perhaps the key information; gives how many."""
    info = _only(signature, f"{_DS}SignedInfo")
    wanted = {"": "document", f"#{signed.get('Id')}": "properties"}
    key_info = signature.find(f"{_DS}KeyInfo")
    if key_info is not None and key_info.get("Id"):
        wanted[f"#{key_info.get('Id')}"] = "key"
    seen: list[str] = []
    for reference in info.iterfind(f"{_DS}Reference"):
        what = wanted.get(reference.get("URI", "-"))
        if what is None or what in seen:
            raise _invalid("references", "a reference to something else, or twice to the same")
        seen.append(what)
        if (what == "properties") != (reference.get("Type") == _SIGNED_PROPERTIES):
            raise _invalid("references", "a reference of the wrong type")
        _check_transforms(reference, document=what == "document")
        if _only(reference, f"{_DS}DigestMethod").get("Algorithm") not in _DIGESTS:
            raise _invalid("references", "a digest that is not accepted")
    if not {"document", "properties"} <= set(seen):
        raise _invalid("references", "the document or the properties are not signed")
    return len(seen)


def _check_transforms(reference: etree._Element, *, document: bool) -> None:
    """enveloped-signature, then canonicalisation; for a part of the signature canonicalisation, or nothing (1.0)."""
    transforms = reference.find(f"{_DS}Transforms")
    steps = [] if transforms is None else list(transforms)
    names = [step.get("Algorithm") for step in steps]
    if any(step.tag != f"{_DS}Transform" or len(step) for step in steps):
        raise _invalid("references", "a transform with parameters")
    if document and (len(names) != 2 or names[0] != _ENVELOPED or names[1] not in _CANONICAL):
        raise _invalid("references", "transforms that are not accepted")
    if not document and (len(names) > 1 or not set(names) <= _CANONICAL):
        raise _invalid("references", "transforms that are not accepted")


def _certificates(signature: etree._Element, signed: etree._Element) -> tuple[str, ...]:
    """The certificates of KeyInfo, the one that the signed properties name first."""
    key_info = _only(signature, f"{_DS}KeyInfo")
    texts = [
        "".join((c.text or "").split()) for c in key_info.iterfind(f"{_DS}X509Data/{_DS}X509Certificate")
    ]
    for index, text in enumerate(texts[:16]):
        try:
            certificate = x509.load_der_x509_certificate(base64.b64decode(text, validate=True))
        except CANNOT_BE_READ as error:
            raise _invalid("certificates", "a certificate cannot be read") from error
        if _refers_to(signed, certificate):
            return (text, *texts[:index], *texts[index + 1 :])
    raise _invalid("certificates", "the signing certificate is not in the signature")


def _refers_to(signed: etree._Element, certificate: x509.Certificate) -> bool:
    """True when SigningCertificateV2, or the older SigningCertificate, names this certificate first."""
    properties = _only(signed, f"{_XADES}SignedSignatureProperties")
    named = [
        *properties.iterfind(f"{_XADES}SigningCertificateV2"),
        *properties.iterfind(f"{_XADES}SigningCertificate"),
    ]
    if len(named) != 1:
        raise _invalid("certificates", "the signing certificate is not named once")
    digest = named[0].find(f"{_XADES}Cert/{_XADES}CertDigest")
    if digest is None:
        raise _invalid("certificates", "the signing certificate is not named")
    algorithm = _DIGESTS.get(_only(digest, f"{_DS}DigestMethod").get("Algorithm", ""))
    if algorithm is None:
        raise _invalid("certificates", "a digest that is not accepted")
    try:
        value = base64.b64decode(_only(digest, f"{_DS}DigestValue").text or "")
    except (ValueError, binascii.Error) as error:
        raise _invalid("certificates", "a digest cannot be read") from error
    return value == certificate.fingerprint(algorithm())


def _signing_time(signed: etree._Element) -> datetime:
    text = _only(_only(signed, f"{_XADES}SignedSignatureProperties"), f"{_XADES}SigningTime").text or ""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise _invalid("signing_time", "the signing time cannot be read") from error
    if moment.tzinfo is None:
        raise _invalid("signing_time", "a signing time without time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise _invalid("signing_time", "the signing time cannot be read") from error


def _stapled(properties: etree._Element) -> tuple[Evidence | None, tuple[str, ...]]:
    """CRLs and OCSP answers among the unsigned properties: evidence, verified like any other."""
    unsigned = properties.find(f"{_XADES}UnsignedProperties")
    if unsigned is None:
        return None, ()
    notes: list[str] = []
    try:
        lists = [RevocationList.read(der) for der in _values(unsigned, "EncapsulatedCRLValue")]
        answers = [ocsp.load_der_ocsp_response(der) for der in _values(unsigned, "EncapsulatedOCSPValue")]
    except CANNOT_BE_READ:
        return None, ("unsigned revocation values cannot be read",)
    if next(unsigned.iter(f"{_XADES}SignatureTimeStamp"), None) is not None:
        notes.append("SignatureTimeStamp not evaluated")
    return (Evidence.of(lists, answers) if lists or answers else None), tuple(notes)


def _values(unsigned: etree._Element, name: str) -> Iterator[bytes]:
    for _, element in zip(range(_MAX_STAPLED), unsigned.iter(f"{_XADES}{name}"), strict=False):
        yield base64.b64decode("".join((element.text or "").split()), validate=True)


def _unique_ids(root: etree._Element) -> None:
    seen: set[str] = set()
    for element in root.iter(etree.Element):
        for name, value in element.attrib.items():
            if etree.QName(name).localname.lower() != "id":
                continue
            if str(value) in seen:
                raise _invalid("container", "two elements with the same Id")
            seen.add(str(value))


def _only(parent: etree._Element, tag: str) -> etree._Element:
    found = parent.findall(tag)
    if len(found) != 1:
        raise _invalid("container", f"{len(found)} {etree.QName(tag).localname} elements, not one")
    return found[0]
