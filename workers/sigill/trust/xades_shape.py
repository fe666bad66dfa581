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

from sigill.trust import profile
from sigill.trust.asn1 import CANNOT_BE_READ
from sigill.trust.evidence import RevocationList, RevocationSnapshot
from sigill.trust.form_xml import ROOT
from sigill.trust.policy import TrustPolicy
from sigill.trust.time_stamps import TimeStamp
from sigill.trust.usage import not_listed
from sigill.trust.verdict import UnreadableSignature, algorithm_refused, not_accepted

DS = f"{{{profile.DS}}}"
XADES = f"{{{profile.XADES}}}"
_XML = "{http://www.w3.org/XML/1998/namespace}"
_LATER = f"{{{profile.RSA_PSS.removesuffix('rsa-pss')}}}"

_MAX_ELEMENTS = 2_000
_MAX_STAPLED = 16

_HASHES: dict[str, type[HashAlgorithm]] = {"SHA-256": SHA256, "SHA-384": SHA384, "SHA-512": SHA512}
DIGESTS = {uri: _HASHES[name] for uri, name in profile.XML_DIGESTS.items()}
_NAMES = {uri: name for name, uris in profile.XML_METHODS.items() for uri in uris}
#: Signature methods that are told by their name when they are refused.
_XML_REFUSED = {
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384": "RS384",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512": "RS512",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512": "ES512",
    "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1": "PS384",
    "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1": "PS512",
    "none": "none",
}
#: Transforms that leave the one signature out of the document, by their exact meaning.
_LEAVES_SIGNATURE_OUT = {
    profile.FILTER2: (f"{{{profile.FILTER2}}}XPath", {"Filter": "subtract"}, profile.SUBTRACTED),
    profile.XPATH: (f"{DS}XPath", {}, profile.OUTSIDE),
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
    stapled: RevocationSnapshot | None
    time_stamps: tuple[TimeStamp, ...]
    notes: tuple[str, ...]


def read_root(raw: bytes) -> etree._Element:
    if b"\0" in raw or raw.startswith((b"\xfe\xff", b"\xff\xfe")):
        raise UnreadableSignature("not UTF-8")
    # Also inside a comment: nobody needs it there, and no parser gets to see it.
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
        raise not_accepted("container", profile.DOCUMENT, "a document type")
    try:
        root = etree.fromstring(raw, parser=parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise UnreadableSignature("not XML") from error
    info = root.getroottree().docinfo
    if (info.encoding or "UTF-8").upper() not in {"UTF-8", "US-ASCII", "ASCII"}:
        raise UnreadableSignature("not UTF-8")
    if info.internalDTD is not None or info.externalDTD is not None:
        raise not_accepted("container", profile.DOCUMENT, "a document type")
    return root


def shape_of(root: etree._Element, policy: TrustPolicy) -> Shape:
    """Hold a document to the profile. Raises Unreadable when it has no signature, otherwise Refused."""
    signatures = list(root.iter(f"{DS}Signature"))
    if not signatures:
        raise UnreadableSignature("no signature in the document")
    if root.tag != ROOT:
        raise not_accepted("container", profile.DOCUMENT, "the root is not an order")
    if len(signatures) != 1 or signatures[0].getparent() is not root or root[-1] is not signatures[0]:
        detail = "not exactly one signature, last in the order"
        raise not_accepted("container", profile.ONE_SIGNATURE, detail)
    if sum(1 for _ in zip(root.iter(), range(_MAX_ELEMENTS + 1), strict=False)) > _MAX_ELEMENTS:
        raise not_accepted("container", profile.DOCUMENT, "too many elements")
    if root.getprevious() is not None or root.getnext() is not None:
        raise not_accepted("container", profile.DOCUMENT, "something outside the order")
    if next(root.iter(etree.ProcessingInstruction, etree.Entity), None) is not None:
        raise not_accepted("container", profile.DOCUMENT, "processing instructions or entities")
    if any(str(name).startswith(_XML) for name in root.attrib):
        # The canonicalizations treat them each in its own way; nothing in a form needs them.
        raise not_accepted("container", profile.DOCUMENT, "xml attributes on the order")
    _unique_ids(root)

    signature = signatures[0]
    algorithm = _algorithm(signature, policy)
    properties = _qualifying_properties(root, signature)
    signed = _only(properties, f"{XADES}SignedProperties", profile.QUALIFYING_PROPERTIES)
    references = _references(signature, signed)
    chain = _certificates(signature, signed)
    stapled, stamps, notes = _stapled(properties, signature)
    return Shape(algorithm, references, signing_time(signed), chain, stapled, stamps, notes)


def _algorithm(signature: etree._Element, policy: TrustPolicy) -> str:
    info = _only(signature, f"{DS}SignedInfo", profile.ONE_SIGNATURE)
    method = _only(info, f"{DS}SignatureMethod", profile.ONE_SIGNATURE)
    uri = method.get("Algorithm", "")
    name = _NAMES.get(uri)
    if name is None or name not in policy.algorithms:
        raise not_listed("SignatureMethod", name or _XML_REFUSED.get(uri), policy)
    if uri == profile.RSA_PSS:
        _check_pss(method)
    canonical = _only(info, f"{DS}CanonicalizationMethod", profile.CANONICALIZATION)
    if canonical.get("Algorithm") not in profile.CANONICAL or len(canonical):
        detail = "a canonicalisation that is not accepted"
        raise not_accepted("references", profile.CANONICALIZATION, detail)
    return name


def _check_pss(method: etree._Element) -> None:
    """RSAPSSParams that mean PS256 (RFC 9231, 2.3.9): SHA-256, MGF1 with SHA-256, 32 bytes of salt, trailer 1."""
    wrong = not_accepted(
        "algorithm", profile.PSS_PARAMETERS, "parameters of RSASSA-PSS that are not accepted"
    )
    given = list(method)
    if not given:
        return  # what is left out has just these values
    if len(given) != 1 or given[0].tag != f"{_LATER}RSAPSSParams":
        raise wrong
    seen: dict[str, str] = {}
    for part in given[0]:
        name = str(part.tag)
        if name in seen:
            raise wrong
        seen[name] = part.get("Algorithm") or (part.text or "").strip()
        if name == f"{_LATER}MaskGenerationFunction":
            inner = [(str(p.tag), p.get("Algorithm")) for p in part]
            if inner not in ([], [(f"{DS}DigestMethod", profile.SHA256_URI)]):
                raise wrong
    wanted = {
        f"{DS}DigestMethod": profile.SHA256_URI,
        f"{_LATER}MaskGenerationFunction": profile.MGF1,
        f"{_LATER}SaltLength": "32",
        f"{_LATER}TrailerField": "1",
    }
    if any(wanted.get(name) != value for name, value in seen.items()):
        raise wrong


def _qualifying_properties(root: etree._Element, signature: etree._Element) -> etree._Element:
    demand = profile.QUALIFYING_PROPERTIES
    found = _only(_only(signature, f"{DS}Object", demand), f"{XADES}QualifyingProperties", demand)
    if len(list(root.iter(f"{XADES}QualifyingProperties", f"{XADES}SignedProperties"))) != 2:
        raise not_accepted("properties", demand, "more than one set of properties")
    holder = found.getparent()
    if holder is None or len(holder) != 1:
        raise not_accepted("properties", demand, "an Object with something else in it")
    if found.get("Target") != f"#{signature.get('Id')}":
        raise not_accepted("properties", demand, "properties of another signature")
    return found


def _references(signature: etree._Element, signed: etree._Element) -> int:
    """Exactly the document, the signed properties and perhaps the key information; gives how many."""
    info = _only(signature, f"{DS}SignedInfo", profile.ONE_SIGNATURE)
    wanted = {"": "document", f"#{signed.get('Id')}": "properties"}
    key_info = signature.find(f"{DS}KeyInfo")
    if key_info is not None and key_info.get("Id"):
        wanted[f"#{key_info.get('Id')}"] = "key"
    seen: list[str] = []
    for reference in info.iterfind(f"{DS}Reference"):
        what = wanted.get(reference.get("URI", "-"))
        if what is None or what in seen:
            detail = "a reference to something else, or twice to the same"
            raise not_accepted("references", profile.REFERENCES, detail)
        seen.append(what)
        if (what == "properties") != (reference.get("Type") == profile.SIGNED_PROPERTIES):
            raise not_accepted("references", profile.REFERENCES, "a reference of the wrong type")
        _check_transforms(reference, document=what == "document")
        digest = _only(reference, f"{DS}DigestMethod", profile.XML_DIGEST)
        if digest.get("Algorithm") not in DIGESTS:
            raise algorithm_refused(
                profile.XML_DIGEST.field,
                "a digest that is not accepted",
                profile.XML_DIGEST.sv,
                profile.XML_DIGEST.en,
            )
    if not {"document", "properties"} <= set(seen):
        raise not_accepted("references", profile.REFERENCES, "the document or the properties are not signed")
    return len(seen)


def _check_transforms(reference: etree._Element, *, document: bool) -> None:
    """
    For the document what leaves the signature out, then perhaps canonicalisation; for a part of the signature
    canonicalisation alone, or nothing. Nothing means C14N 1.0 (XML-DSig, 4.4.3.2).
    """
    transforms = reference.find(f"{DS}Transforms")
    steps = [] if transforms is None else list(transforms)
    if any(step.tag != f"{DS}Transform" for step in steps):
        raise not_accepted("references", profile.TRANSFORMS, "something that is no transform")
    if document:
        if not steps or not _leaves_signature_out(steps[0]):
            detail = "the signature is not left out by enveloped-signature or the same in XPath"
            raise not_accepted("references", profile.TRANSFORMS, detail)
        steps = steps[1:]
    if len(steps) > 1 or any(s.get("Algorithm") not in profile.CANONICAL or len(s) for s in steps):
        raise not_accepted("references", profile.TRANSFORMS, "transforms that are not accepted")


def _leaves_signature_out(step: etree._Element) -> bool:
    """True for enveloped-signature, and for the two constant expressions that mean the same. Nothing is evaluated."""
    algorithm = step.get("Algorithm", "")
    if algorithm == profile.ENVELOPED:
        return len(step) == 0
    if algorithm not in _LEAVES_SIGNATURE_OUT or len(step) != 1:
        return False
    tag, attributes, expression = _LEAVES_SIGNATURE_OUT[algorithm]
    xpath = step[0]
    if xpath.tag != tag or dict(xpath.attrib.items()) != attributes or len(xpath):
        return False
    text = (xpath.text or "").strip()
    return any(
        text == expression.format(ds=prefix)
        for prefix, namespace in xpath.nsmap.items()
        if prefix is not None and namespace == profile.DS
    )


def _certificates(signature: etree._Element, signed: etree._Element) -> tuple[str, ...]:
    """The certificates of KeyInfo, the one that the signed properties name first."""
    key_info = _only(signature, f"{DS}KeyInfo", profile.XML_CERTIFICATE)
    texts = ["".join((c.text or "").split()) for c in key_info.iterfind(f"{DS}X509Data/{DS}X509Certificate")]
    for index, text in enumerate(texts[:16]):
        try:
            certificate = x509.load_der_x509_certificate(base64.b64decode(text, validate=True))
        except CANNOT_BE_READ as error:
            raise not_accepted(
                "certificates", profile.XML_CERTIFICATE, "a certificate cannot be read"
            ) from error
        if refers_to(signed, certificate):
            return (text, *texts[:index], *texts[index + 1 :])
    detail = "the signing certificate is not in the signature"
    raise not_accepted("certificates", profile.XML_CERTIFICATE, detail)


def refers_to(signed: etree._Element, certificate: x509.Certificate) -> bool:
    """True when SigningCertificateV2, or the older SigningCertificate, names this certificate first."""
    demand = profile.SIGNING_CERTIFICATE
    properties = _only(signed, f"{XADES}SignedSignatureProperties", profile.QUALIFYING_PROPERTIES)
    named = [
        *properties.iterfind(f"{XADES}SigningCertificateV2"),
        *properties.iterfind(f"{XADES}SigningCertificate"),
    ]
    if len(named) != 1:
        raise not_accepted("certificates", demand, "the signing certificate is not named once")
    digest = named[0].find(f"{XADES}Cert/{XADES}CertDigest")
    if digest is None:
        raise not_accepted("certificates", demand, "the signing certificate is not named")
    algorithm = DIGESTS.get(_only(digest, f"{DS}DigestMethod", demand).get("Algorithm", ""))
    if algorithm is None:
        raise not_accepted("certificates", demand, "a digest that is not accepted")
    try:
        value = base64.b64decode(_only(digest, f"{DS}DigestValue", demand).text or "")
    except (ValueError, binascii.Error) as error:
        raise not_accepted("certificates", demand, "a digest cannot be read") from error
    return value == certificate.fingerprint(algorithm())


def signing_time(signed: etree._Element) -> datetime:
    """`SigningTime`, UTC. Raises Refused."""
    about = _only(signed, f"{XADES}SignedSignatureProperties", profile.QUALIFYING_PROPERTIES)
    text = _only(about, f"{XADES}SigningTime", profile.XML_TIME).text or ""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise not_accepted("signing_time", profile.XML_TIME, "the signing time cannot be read") from error
    if moment.tzinfo is None:
        raise not_accepted("signing_time", profile.XML_TIME, "a signing time without time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise not_accepted("signing_time", profile.XML_TIME, "the signing time cannot be read") from error


def _stapled(
    properties: etree._Element, signature: etree._Element
) -> tuple[RevocationSnapshot | None, tuple[TimeStamp, ...], tuple[str, ...]]:
    """CRLs, OCSP answers and time stamps among the unsigned properties: each verified by itself."""
    unsigned = properties.find(f"{XADES}UnsignedProperties")
    if unsigned is None:
        return None, (), ()
    try:
        lists = [RevocationList.read(der) for der in _values(unsigned, "EncapsulatedCRLValue")]
        answers = [ocsp.load_der_ocsp_response(der) for der in _values(unsigned, "EncapsulatedOCSPValue")]
    except CANNOT_BE_READ:
        return None, (), ("unsigned revocation values cannot be read",)
    stamps: list[TimeStamp] = []
    notes: list[str] = []
    value = _only(signature, f"{DS}SignatureValue", profile.ONE_SIGNATURE)
    for stamp in unsigned.iter(f"{XADES}SignatureTimeStamp"):
        method = stamp.find(f"{DS}CanonicalizationMethod")
        uri = profile.INCLUSIVE if method is None else method.get("Algorithm", "")
        try:
            if uri not in profile.CANONICAL:
                raise ValueError("a canonicalisation that is not accepted")
            over = canonical(value, exclusive=uri == profile.EXCLUSIVE)
            stamps += [TimeStamp(token, over) for token in _values(stamp, "EncapsulatedTimeStamp")]
        except CANNOT_BE_READ:
            notes.append("a SignatureTimeStamp cannot be read")
    return (RevocationSnapshot.of(lists, answers) if lists or answers else None), tuple(stamps), tuple(notes)


def canonical(element: etree._Element, *, exclusive: bool) -> bytes:
    """
    The canonical form of an element and all in it, without comments.

    libxml2 canonicalizes a part of a document with the namespaces of the whole in mind, and lxml hands it the part
    under a root that it made up: where the signature redeclares the default namespace, children of the part come out
    with an `xmlns` that they already have from their parent (seen with lxml 6.1 and libxml2 2.14). Written out and
    read again, the part is a document of its own, with every namespace in scope declared on its root.
    """
    whole = etree.fromstring(etree.tostring(element, with_tail=False), parser=parser())
    return etree.tostring(whole, method="c14n", exclusive=exclusive, with_comments=False)


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
                raise not_accepted("container", profile.DOCUMENT, "two elements with the same Id")
            seen.add(str(value))


def _only(parent: etree._Element, tag: str, demand: profile.Demand) -> etree._Element:
    found = parent.findall(tag)
    if len(found) != 1:
        detail = f"{len(found)} {etree.QName(tag).localname} elements, not one"
        raise not_accepted("container", demand, detail)
    return found[0]
