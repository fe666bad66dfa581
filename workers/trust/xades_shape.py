"""
Which shape a signed XML order may have. Nothing here proves anything; see `xades` for that, and docs/trust.md for why.
"""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.x509 import ocsp
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod

from contracts.vocabulary import RefusalCode
from workers.trust.asn1 import CANNOT_BE_READ
from workers.trust.evidence import Evidence, RevocationList
from workers.trust.form_xml import ROOT
from workers.trust.policy import TrustPolicy
from workers.trust.verdict import Refused, Unreadable, invalid

DS = "{http://www.w3.org/2000/09/xmldsig#}"
XADES = "{http://uri.etsi.org/01903/v1.3.2#}"


_SIGNED_PROPERTIES = "http://uri.etsi.org/01903#SignedProperties"
_ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"


_MAX_ELEMENTS = 2_000
_MAX_STAPLED = 16


#: What may sign, by the names that JWS has for the same (RFC 9231).
METHODS = {
    "ES256": SignatureMethod.ECDSA_SHA256,
    "ES384": SignatureMethod.ECDSA_SHA384,
    "RS256": SignatureMethod.RSA_SHA256,
    "PS256": SignatureMethod.SHA256_RSA_MGF1,
}
_NAMES = {method.value: name for name, method in METHODS.items()}


DIGESTS: dict[str, type[HashAlgorithm]] = {
    DigestAlgorithm.SHA256.value: SHA256,
    DigestAlgorithm.SHA384.value: SHA384,
    DigestAlgorithm.SHA512.value: SHA512,
}
_CANONICAL = {
    CanonicalizationMethod.CANONICAL_XML_1_0.value,
    CanonicalizationMethod.CANONICAL_XML_1_1.value,
    CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0.value,
}


def parser() -> etree.XMLParser:
    """Our own, for each message: the process-wide default can be replaced by any library."""
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False
    )


@dataclass(frozen=True, slots=True)
class Shape:
    """A document whose shape is acceptable. Nothing in it is proven."""

    algorithm: str
    references: int
    signing_time: datetime
    certificates: tuple[str, ...]
    stapled: Evidence | None
    notes: tuple[str, ...]


def read_root(raw: bytes) -> etree._Element:
    if b"\0" in raw or raw.startswith((b"\xfe\xff", b"\xff\xfe")):
        raise Unreadable("not UTF-8")
    # Also inside a comment: nobody needs it there, and no parser gets to see it.
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
        raise invalid("container", "a document type")
    try:
        root = etree.fromstring(raw, parser=parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unreadable("not XML") from error
    info = root.getroottree().docinfo
    if (info.encoding or "UTF-8").upper() not in {"UTF-8", "US-ASCII", "ASCII"}:
        raise Unreadable("not UTF-8")
    if info.internalDTD is not None or info.externalDTD is not None:
        raise invalid("container", "a document type")
    return root


def shape_of(root: etree._Element, policy: TrustPolicy) -> Shape:
    signatures = list(root.iter(f"{DS}Signature"))
    if not signatures:
        raise Unreadable("no signature in the document")
    if root.tag != ROOT:
        raise invalid("container", "the root is not an order")
    if len(signatures) != 1 or signatures[0].getparent() is not root or root[-1] is not signatures[0]:
        raise invalid("container", "not exactly one signature, last in the order")
    if sum(1 for _ in zip(root.iter(), range(_MAX_ELEMENTS + 1), strict=False)) > _MAX_ELEMENTS:
        raise invalid("container", "too many elements")
    if root.getprevious() is not None or root.getnext() is not None:
        raise invalid("container", "something outside the order")
    if next(root.iter(etree.ProcessingInstruction, etree.Entity), None) is not None:
        raise invalid("container", "processing instructions or entities")
    _unique_ids(root)

    signature = signatures[0]
    algorithm = _algorithm(signature, policy)
    properties = _qualifying_properties(root, signature)
    signed = _only(properties, f"{XADES}SignedProperties")
    references = _references(signature, signed)
    chain = _certificates(signature, signed)
    stapled, notes = _stapled(properties)
    return Shape(algorithm, references, signing_time(signed), chain, stapled, notes)


def _algorithm(signature: etree._Element, policy: TrustPolicy) -> str:
    info = _only(signature, f"{DS}SignedInfo")
    method = _only(info, f"{DS}SignatureMethod")
    name = _NAMES.get(method.get("Algorithm", ""))
    if name is None or name not in policy.algorithms:
        detail = f"{name or 'an unknown algorithm'} is not on the list"
        raise Refused(RefusalCode.ALGORITHM_NOT_ALLOWED, "algorithm", detail)
    canonical = _only(info, f"{DS}CanonicalizationMethod")
    if canonical.get("Algorithm") not in _CANONICAL or len(canonical):
        raise invalid("references", "a canonicalisation that is not accepted")
    return name


def _qualifying_properties(root: etree._Element, signature: etree._Element) -> etree._Element:
    found = _only(_only(signature, f"{DS}Object"), f"{XADES}QualifyingProperties")
    if len(list(root.iter(f"{XADES}QualifyingProperties", f"{XADES}SignedProperties"))) != 2:
        raise invalid("properties", "more than one set of properties")
    holder = found.getparent()
    if holder is None or len(holder) != 1:
        raise invalid("properties", "an Object with something else in it")
    if found.get("Target") != f"#{signature.get('Id')}":
        raise invalid("properties", "properties of another signature")
    return found


def _references(signature: etree._Element, signed: etree._Element) -> int:
    """Exactly the document, the signed properties and perhaps the key information; gives how many."""
    info = _only(signature, f"{DS}SignedInfo")
    wanted = {"": "document", f"#{signed.get('Id')}": "properties"}
    key_info = signature.find(f"{DS}KeyInfo")
    if key_info is not None and key_info.get("Id"):
        wanted[f"#{key_info.get('Id')}"] = "key"
    seen: list[str] = []
    for reference in info.iterfind(f"{DS}Reference"):
        what = wanted.get(reference.get("URI", "-"))
        if what is None or what in seen:
            raise invalid("references", "a reference to something else, or twice to the same")
        seen.append(what)
        if (what == "properties") != (reference.get("Type") == _SIGNED_PROPERTIES):
            raise invalid("references", "a reference of the wrong type")
        _check_transforms(reference, document=what == "document")
        if _only(reference, f"{DS}DigestMethod").get("Algorithm") not in DIGESTS:
            raise invalid("references", "a digest that is not accepted")
    if not {"document", "properties"} <= set(seen):
        raise invalid("references", "the document or the properties are not signed")
    return len(seen)


def _check_transforms(reference: etree._Element, *, document: bool) -> None:
    """enveloped-signature, then canonicalisation; for a part of the signature canonicalisation, or nothing (1.0)."""
    transforms = reference.find(f"{DS}Transforms")
    steps = [] if transforms is None else list(transforms)
    names = [step.get("Algorithm") for step in steps]
    if any(step.tag != f"{DS}Transform" or len(step) for step in steps):
        raise invalid("references", "a transform with parameters")
    if document and (len(names) != 2 or names[0] != _ENVELOPED or names[1] not in _CANONICAL):
        raise invalid("references", "transforms that are not accepted")
    if not document and (len(names) > 1 or not set(names) <= _CANONICAL):
        raise invalid("references", "transforms that are not accepted")


def _certificates(signature: etree._Element, signed: etree._Element) -> tuple[str, ...]:
    """The certificates of KeyInfo, the one that the signed properties name first."""
    key_info = _only(signature, f"{DS}KeyInfo")
    texts = ["".join((c.text or "").split()) for c in key_info.iterfind(f"{DS}X509Data/{DS}X509Certificate")]
    for index, text in enumerate(texts[:16]):
        try:
            certificate = x509.load_der_x509_certificate(base64.b64decode(text, validate=True))
        except CANNOT_BE_READ as error:
            raise invalid("certificates", "a certificate cannot be read") from error
        if refers_to(signed, certificate):
            return (text, *texts[:index], *texts[index + 1 :])
    raise invalid("certificates", "the signing certificate is not in the signature")


def refers_to(signed: etree._Element, certificate: x509.Certificate) -> bool:
    """True when SigningCertificateV2, or the older SigningCertificate, names this certificate first."""
    properties = _only(signed, f"{XADES}SignedSignatureProperties")
    named = [
        *properties.iterfind(f"{XADES}SigningCertificateV2"),
        *properties.iterfind(f"{XADES}SigningCertificate"),
    ]
    if len(named) != 1:
        raise invalid("certificates", "the signing certificate is not named once")
    digest = named[0].find(f"{XADES}Cert/{XADES}CertDigest")
    if digest is None:
        raise invalid("certificates", "the signing certificate is not named")
    algorithm = DIGESTS.get(_only(digest, f"{DS}DigestMethod").get("Algorithm", ""))
    if algorithm is None:
        raise invalid("certificates", "a digest that is not accepted")
    try:
        value = base64.b64decode(_only(digest, f"{DS}DigestValue").text or "")
    except (ValueError, binascii.Error) as error:
        raise invalid("certificates", "a digest cannot be read") from error
    return value == certificate.fingerprint(algorithm())


def signing_time(signed: etree._Element) -> datetime:
    text = _only(_only(signed, f"{XADES}SignedSignatureProperties"), f"{XADES}SigningTime").text or ""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise invalid("signing_time", "the signing time cannot be read") from error
    if moment.tzinfo is None:
        raise invalid("signing_time", "a signing time without time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise invalid("signing_time", "the signing time cannot be read") from error


def _stapled(properties: etree._Element) -> tuple[Evidence | None, tuple[str, ...]]:
    """CRLs and OCSP answers among the unsigned properties: evidence, verified like any other."""
    unsigned = properties.find(f"{XADES}UnsignedProperties")
    if unsigned is None:
        return None, ()
    notes: list[str] = []
    try:
        lists = [RevocationList.read(der) for der in _values(unsigned, "EncapsulatedCRLValue")]
        answers = [ocsp.load_der_ocsp_response(der) for der in _values(unsigned, "EncapsulatedOCSPValue")]
    except CANNOT_BE_READ:
        return None, ("unsigned revocation values cannot be read",)
    if next(unsigned.iter(f"{XADES}SignatureTimeStamp"), None) is not None:
        notes.append("SignatureTimeStamp not evaluated")
    return (Evidence.of(lists, answers) if lists or answers else None), tuple(notes)


def _values(unsigned: etree._Element, name: str) -> Iterator[bytes]:
    for _, element in zip(range(_MAX_STAPLED), unsigned.iter(f"{XADES}{name}"), strict=False):
        yield base64.b64decode("".join((element.text or "").split()), validate=True)


def _unique_ids(root: etree._Element) -> None:
    seen: set[str] = set()
    for element in root.iter(etree.Element):
        for name, value in element.attrib.items():
            if etree.QName(name).localname.lower() != "id":
                continue
            if str(value) in seen:
                raise invalid("container", "two elements with the same Id")
            seen.add(str(value))


def _only(parent: etree._Element, tag: str) -> etree._Element:
    found = parent.findall(tag)
    if len(found) != 1:
        raise invalid("container", f"{len(found)} {etree.QName(tag).localname} elements, not one")
    return found[0]
