"""
What the door was widened for, and that nothing else came in with it: the constant transforms, #rsa-pss, namespaces,
bare keys, names, keys and authorities that old libraries and old cards have.
"""

import base64
import copy
import json
import math
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID
from lxml import etree

from sigill.devtools.authority import Holder
from sigill.devtools.keys import b64, make_authority
from sigill.devtools.signing import _raw_signature, sign_jws, sign_xades
from sigill.intake.trust_settings import WrongFile, certificates
from sigill.trust import TrustPolicy, read_certificates
from sigill.trust.form_xml import NAMESPACE, xml_of
from sigill.trust.path import PathBuilder
from sigill.trust.profile import (
    DS,
    ENVELOPED,
    EXCLUSIVE,
    FILTER2,
    INCLUSIVE,
    PROTECTED,
    RSA_PSS,
    XPATH,
    is_order_type,
    jws_header,
)
from sigill.trust.roca import is_weak
from sigill.trust.usage import key_of
from sigill.trust.xades_shape import _leaves_signature_out, canonical
from sigill_contracts.hsa_id import canonical_hsa_id
from tests.kit.signed_forms import FORM, NOW, PAYLOAD, SIGNER, XML, Bench

LATER = "http://www.w3.org/2007/05/xmldsig-more#"
LONG = (NOW - timedelta(days=900), NOW + timedelta(days=900))


def tag(name: str) -> str:
    return f"{{{DS}}}{name}"


def resigned(bench: Bench, change: Callable[[etree._Element], None], *, key: str = "P-256") -> list[str]:
    """A good document, changed, and its SignedInfo signed again: only what the change means is judged."""
    holder = bench.ca.staff(SIGNER, key=key)
    root = etree.fromstring(sign_xades(FORM, holder, NOW))
    change(root)
    info = root.find(f".//{tag('SignedInfo')}")
    value = root.find(f".//{tag('SignatureValue')}")
    assert info is not None
    assert value is not None
    data = canonical(info, exclusive=True)
    if isinstance(holder.key, rsa.RSAPrivateKey):
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        value.text = b64(holder.key.sign(data, pss, hashes.SHA256()))
    else:
        value.text = b64(_raw_signature(holder, "ES256", data))
    return bench.codes(etree.tostring(root), XML)


def whole(root: etree._Element) -> etree._Element:
    """The transforms of the reference to the form."""
    found = root.find(f".//{tag('Reference')}[@URI='']/{tag('Transforms')}")
    assert found is not None
    return found


def with_transforms(*steps: etree._Element) -> Callable[[etree._Element], None]:
    def change(root: etree._Element) -> None:
        transforms = whole(root)
        for old in list(transforms):
            transforms.remove(old)
        transforms.extend(copy.deepcopy(steps))

    return change


def step(algorithm: str) -> etree._Element:
    return etree.Element(tag("Transform"), Algorithm=algorithm)


def xpath(
    algorithm: str, expression: str, namespace: str, prefix: str = "ds", bound: str = DS, **attributes: str
) -> etree._Element:
    made = step(algorithm)
    inner = etree.SubElement(made, f"{{{namespace}}}XPath", attributes, nsmap={prefix: bound})
    inner.text = expression
    return made


SUBTRACT = "/descendant::ds:Signature"
OUTSIDE = "not(ancestor-or-self::ds:Signature)"
ACCEPTED = {
    "enveloped-signature alone": [step(ENVELOPED)],
    "with canonicalisation": [step(ENVELOPED), step(INCLUSIVE)],
    "filter 2": [xpath(FILTER2, SUBTRACT, FILTER2, Filter="subtract")],
    "filter 2 and canonicalisation": [xpath(FILTER2, SUBTRACT, FILTER2, Filter="subtract"), step(EXCLUSIVE)],
    "filter 2, white space around": [xpath(FILTER2, f"\n  {SUBTRACT}\n", FILTER2, Filter="subtract")],
    "XPath 1.0": [xpath(XPATH, OUTSIDE, DS)],
    "XPath 1.0 and canonicalisation": [xpath(XPATH, OUTSIDE, DS), step(INCLUSIVE)],
}
REFUSED = {
    "nothing at all": [],
    "canonicalisation alone": [step(EXCLUSIVE)],
    "twice the same": [step(ENVELOPED), xpath(XPATH, OUTSIDE, DS)],
    "canonicalisation first": [step(EXCLUSIVE), step(ENVELOPED)],
    "canonicalisation twice": [step(ENVELOPED), step(EXCLUSIVE), step(EXCLUSIVE)],
    "with comments": [step(ENVELOPED), step(f"{EXCLUSIVE}WithComments")],
    "filter 2 without a filter": [xpath(FILTER2, SUBTRACT, FILTER2)],
    "filter 2, intersect": [xpath(FILTER2, SUBTRACT, FILTER2, Filter="intersect")],
    "filter 2, union": [xpath(FILTER2, SUBTRACT, FILTER2, Filter="union")],
    "filter 2, subtract and something more": [
        xpath(FILTER2, SUBTRACT, FILTER2, Filter="subtract", Other="x")
    ],
    "filter 2 of the motivation": [
        xpath(FILTER2, "/descendant::ds:motivation", FILTER2, bound=NAMESPACE, Filter="subtract")
    ],
    "filter 2 of more": [xpath(FILTER2, f"{SUBTRACT} | /descendant::*[1]", FILTER2, Filter="subtract")],
    "filter 2, the prefix of another namespace": [
        xpath(FILTER2, SUBTRACT, FILTER2, prefix="ds2", Filter="subtract"),
    ],
    "filter 2 with the element of XPath 1.0": [xpath(FILTER2, SUBTRACT, DS, Filter="subtract")],
    "filter 2 by here()": [xpath(FILTER2, "here()/ancestor::ds:Signature[1]", FILTER2, Filter="subtract")],
    "XPath 1.0, everything": [xpath(XPATH, "true()", DS)],
    "XPath 1.0, self alone": [xpath(XPATH, "not(self::ds:Signature)", DS)],
    "XPath 1.0, or": [xpath(XPATH, f"{OUTSIDE} or true()", DS)],
    "XPath 1.0, without the motivation": [
        xpath(XPATH, f"{OUTSIDE} and not(ancestor-or-self::*[local-name()='motivation'])", DS)
    ],
    "XPath 1.0 with the filter's expression": [xpath(XPATH, SUBTRACT, DS)],
    "XPath 1.0 with an attribute": [xpath(XPATH, OUTSIDE, DS, Filter="subtract")],
    "XSLT": [step(ENVELOPED), step("http://www.w3.org/TR/1999/REC-xslt-19991116")],
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_leaves_the_signature_out_is_accepted(bench: Bench, name: str):
    assert resigned(bench, with_transforms(*ACCEPTED[name])) == []


def test_the_prefix_of_the_expression_is_looked_up_where_it_stands():
    made = xpath(FILTER2, "/descendant::d:Signature", FILTER2, prefix="d", Filter="subtract")

    assert _leaves_signature_out(made)
    assert not _leaves_signature_out(xpath(FILTER2, SUBTRACT, FILTER2, prefix="d", Filter="subtract"))


@pytest.mark.parametrize("name", REFUSED)
def test_any_other_transform_is_refused_by_its_name(bench: Bench, name: str):
    steps = REFUSED[name]
    if "another namespace" in name:
        # `ds` stands for XML-DSig on the signature; here it is bound to something else where the expression stands
        steps = [xpath(FILTER2, SUBTRACT, FILTER2, bound="urn:other", Filter="subtract")]

    assert resigned(bench, with_transforms(*steps)) == ["signature_form_not_accepted"]


def test_the_form_is_still_covered_by_each_of_them(bench: Bench):
    for steps in ACCEPTED.values():

        def change(root: etree._Element, steps: list[etree._Element] = steps) -> None:
            with_transforms(*steps)(root)
            root[0].text = "0192f0c1-0000-7000-8000-00000000ffff"

        assert resigned(bench, change) == ["signature_invalid"]


# Canonicalization


def signed_under_the_default_namespace(holder: Holder, algorithm: str) -> bytes:
    """As .NET writes it: no prefix in the signature, whose default namespace is another than the form's."""
    form = etree.tostring(xml_of(FORM)).decode()
    digest = hashes.Hash(hashes.SHA256())
    digest.update(etree.tostring(etree.fromstring(form), method="c14n"))
    whole_digest = b64(digest.finalize())
    c14n = f'<CanonicalizationMethod Algorithm="{algorithm}"></CanonicalizationMethod>'
    sha256 = '<DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></DigestMethod>'
    properties = (
        "<xades:SignedSignatureProperties><xades:SigningTime>2026-03-02T09:00:00Z</xades:SigningTime>"
        f"<xades:SigningCertificateV2><xades:Cert><xades:CertDigest>{sha256}<DigestValue>"
        f"{b64(holder.certificate.fingerprint(hashes.SHA256()))}</DigestValue></xades:CertDigest></xades:Cert>"
        "</xades:SigningCertificateV2></xades:SignedSignatureProperties>"
    )
    xades = "http://uri.etsi.org/01903/v1.3.2#"
    # Canonical by hand: what the standard says of a part whose namespaces are declared above it.
    properties_c14n = f'<xades:SignedProperties xmlns="{DS}" xmlns:xades="{xades}" Id="p">{properties}</xades:SignedProperties>'
    digest = hashes.Hash(hashes.SHA256())
    digest.update(properties_c14n.encode())
    references = (
        f'<Reference URI=""><Transforms><Transform Algorithm="{ENVELOPED}"></Transform></Transforms>{sha256}'
        f"<DigestValue>{whole_digest}</DigestValue></Reference>"
        f'<Reference Type="http://uri.etsi.org/01903#SignedProperties" URI="#p"><Transforms><Transform '
        f'Algorithm="{algorithm}"></Transform></Transforms>{sha256}'
        f"<DigestValue>{b64(digest.finalize())}</DigestValue></Reference>"
    )
    method = (
        '<SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"></SignatureMethod>'
    )
    info = f'<SignedInfo xmlns="{DS}">{c14n}{method}{references}</SignedInfo>'
    value = b64(_raw_signature(holder, "ES256", info.encode()))
    signature = (
        f'<Signature xmlns="{DS}" Id="s">{info.replace(f" xmlns={chr(34)}{DS}{chr(34)}", "", 1)}'
        f"<SignatureValue>{value}</SignatureValue><KeyInfo><X509Data><X509Certificate>{holder.x5c[0]}"
        f'</X509Certificate></X509Data></KeyInfo><Object><xades:QualifyingProperties xmlns:xades="{xades}" '
        f'Target="#s"><xades:SignedProperties Id="p">{properties}</xades:SignedProperties>'
        "</xades:QualifyingProperties></Object></Signature>"
    )
    return form.replace("</order>", f"{signature}</order>").encode()


@pytest.mark.parametrize("algorithm", [INCLUSIVE, "http://www.w3.org/2006/12/xml-c14n11"])
def test_inclusive_canonicalization_under_a_redeclared_default_namespace(bench: Bench, algorithm: str):
    raw = signed_under_the_default_namespace(bench.ca.staff(SIGNER), algorithm)

    assert bench.codes(raw, XML) == []
    assert bench.codes(raw.replace(b"<form>seal_journal", b"<form>lock_login"), XML) == ["signature_invalid"]
    assert bench.codes(raw.replace(b"09:00:00Z", b"09:00:01Z"), XML) == ["signature_invalid"]


def test_xml_attributes_on_the_order_are_refused_by_name(bench: Bench):
    order = xml_of(FORM)
    order.set("{http://www.w3.org/XML/1998/namespace}lang", "sv")

    assert bench.codes(sign_xades(order, bench.ca.staff(SIGNER), NOW), XML) == ["signature_form_not_accepted"]


# RSASSA-PSS in XML


def pss_parameters(
    digest: str = "http://www.w3.org/2001/04/xmlenc#sha256",
    mask: str = f"{LATER}MGF1",
    mask_digest: str | None = "http://www.w3.org/2001/04/xmlenc#sha256",
    salt: str = "32",
    trailer: str = "1",
) -> etree._Element:
    made = etree.Element(f"{{{LATER}}}RSAPSSParams", nsmap={"pss": LATER})
    etree.SubElement(made, tag("DigestMethod"), Algorithm=digest)
    masking = etree.SubElement(made, f"{{{LATER}}}MaskGenerationFunction", Algorithm=mask)
    if mask_digest:
        etree.SubElement(masking, tag("DigestMethod"), Algorithm=mask_digest)
    etree.SubElement(made, f"{{{LATER}}}SaltLength").text = salt
    etree.SubElement(made, f"{{{LATER}}}TrailerField").text = trailer
    return made


def with_pss(parameters: etree._Element | None) -> Callable[[etree._Element], None]:
    def change(root: etree._Element) -> None:
        method = root.find(f".//{tag('SignatureMethod')}")
        assert method is not None
        method.set("Algorithm", RSA_PSS)
        if parameters is not None:
            method.append(copy.deepcopy(parameters))

    return change


@pytest.mark.parametrize("parameters", [None, pss_parameters(), pss_parameters(mask_digest=None)])
def test_rsa_pss_with_its_parameters(bench: Bench, parameters: etree._Element | None):
    assert resigned(bench, with_pss(parameters), key="RSA-2048") == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"digest": "http://www.w3.org/2001/04/xmlenc#sha512"},
        {"digest": "http://www.w3.org/2000/09/xmldsig#sha1"},
        {"mask": "urn:other"},
        {"mask_digest": "http://www.w3.org/2000/09/xmldsig#sha1"},
        {"salt": "20"},
        {"salt": "0"},
        {"trailer": "2"},
    ],
)
def test_other_parameters_of_rsa_pss_are_refused_by_name(bench: Bench, wrong: dict[str, str]):
    found = resigned(bench, with_pss(pss_parameters(**wrong)), key="RSA-2048")

    assert found == ["signature_form_not_accepted"]


# Bare keys beside the certificate


def with_key(element: str) -> Callable[[etree._Element], None]:
    def change(root: etree._Element) -> None:
        info = root.find(f".//{tag('KeyInfo')}")
        assert info is not None
        info.insert(0, etree.fromstring(f'<ds:KeyValue xmlns:ds="{DS}">{element}</ds:KeyValue>'))

    return change


def ec_key(point: bytes) -> str:
    return (
        '<e:ECKeyValue xmlns:e="http://www.w3.org/2009/xmldsig11#"><e:NamedCurve URI="urn:oid:1.2.840.10045.3.1.7"/>'
        f"<e:PublicKey>{b64(point)}</e:PublicKey></e:ECKeyValue>"
    )


def point_of(holder: Holder) -> bytes:
    return holder.key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )


def test_a_bare_key_must_be_the_certificates_or_of_rfc_4050(bench: Bench):
    own, other = bench.ca.staff(SIGNER), bench.ca.staff("SE2321000065-1002")
    old = (
        '<k:ECDSAKeyValue xmlns:k="http://www.w3.org/2001/04/xmldsig-more#"><k:DomainParameters><k:NamedCurve '
        'URI="urn:oid:1.2.840.10045.3.1.7"/></k:DomainParameters></k:ECDSAKeyValue>'
    )

    assert resigned(bench, with_key(ec_key(point_of(own)))) == []
    assert resigned(bench, with_key(old)) == []
    for wrong in (ec_key(point_of(other)), ec_key(b"\4"), "<x/>"):
        assert resigned(bench, with_key(wrong)) == ["signature_form_not_accepted"]


def test_a_bare_rsa_key_beside_pss(bench: Bench):
    numbers = bench.ca.staff(SIGNER, key="RSA-2048").certificate.public_key().public_numbers()  # type: ignore[union-attr]

    def element(n: int) -> str:
        modulus = b64(n.to_bytes(256, "big"))
        return (
            f'<ds:RSAKeyValue xmlns:ds="{DS}"><ds:Modulus>{modulus}</ds:Modulus>'
            "<ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue>"
        )

    assert resigned(bench, with_key(element(numbers.n)), key="RSA-2048") == []
    assert resigned(bench, with_key(element(numbers.n - 2)), key="RSA-2048") == [
        "signature_form_not_accepted"
    ]


# Types


@pytest.mark.parametrize("typ", ["jose", "JOSE", "jose+json", "application/jose+json", "Sigill-Order+JWS"])
def test_types_of_an_order(typ: str):
    assert is_order_type(typ)


@pytest.mark.parametrize(
    "typ",
    ["", "JWT", "at+jwt", "application/", "application/application/jose", "text/jose", "jose ", None, 1],
)
def test_types_of_something_else(typ: object):
    assert not is_order_type(typ)


# Keys


def primes_of(n: int) -> list[int]:
    sieve = [True] * 800
    for p in range(2, 800):
        if sieve[p]:
            sieve[p * p :: p] = [False] * len(sieve[p * p :: p])
    return [p for p in range(2, 800) if sieve[p]][:n]


def probably_prime(n: int) -> bool:
    return all(pow(base, n - 1, n) == 1 for base in (2, 3, 5, 7))


def weak_key() -> rsa.RSAPrivateKey:
    """A key as the faulty library made them: each prime is k·M + (65537^a mod M)."""
    product = math.prod(primes_of(126))
    found: list[int] = []
    k = (3 << 1022) // product + 1
    for a in range(1, 20_000):
        candidate = (k + a) * product + pow(65537, a * 7, product)
        if (
            candidate.bit_length() == 1024
            and math.gcd(candidate - 1, 65537) == 1
            and probably_prime(candidate)
        ):
            found.append(candidate)
        if len(found) == 2:
            break
    p, q = found
    d = pow(65537, -1, (p - 1) * (q - 1))
    return rsa.RSAPrivateNumbers(
        p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), rsa.RSAPublicNumbers(65537, p * q)
    ).private_key()


def test_a_key_of_the_faulty_card_library_signs_nothing(bench: Bench):
    key = weak_key()
    holder = bench.ca.issue(SIGNER, key=key)

    verdict = bench.verdict(sign_jws(PAYLOAD, holder, signed_at=NOW, alg="PS256"))

    assert key.key_size == 2048
    assert [str(c) for c in verdict.refusals] == ["algorithm_not_allowed"]
    assert "ROCA" in verdict.reasons[0].en


def test_sound_keys_do_not_have_the_fingerprint(bench: Bench):
    assert not any(is_weak(rsa.generate_private_key(65537, 2048).public_key()) for _ in range(3))


PSS_KEY = x509.ObjectIdentifier("1.2.840.113549.1.1.10")


def with_pss_key(bench: Bench, by=None) -> Holder:
    """A certificate whose key says RSASSA-PSS: the same key, under the other algorithm's name, signed again."""
    issuer = by or bench.ca.issuing
    holder = bench.ca.issue(SIGNER, by=issuer, key="RSA-2048")
    certificate = asn1.Certificate.load(holder.certificate.public_bytes(serialization.Encoding.DER))
    tbs = certificate["tbs_certificate"]
    tbs["subject_public_key_info"]["algorithm"] = {"algorithm": "rsassa_pss"}
    assert isinstance(issuer.key, ec.EllipticCurvePrivateKey)
    certificate["signature_value"] = issuer.key.sign(tbs.dump(force=True), ec.ECDSA(hashes.SHA384()))
    changed = x509.load_der_x509_certificate(certificate.dump(force=True))
    return Holder(changed, holder.key, holder.chain, SIGNER)


def test_an_rsassa_pss_key_signs_pss_only(bench: Bench):
    holder = with_pss_key(bench)

    assert holder.certificate.public_key_algorithm_oid == PSS_KEY
    assert key_of(holder.certificate)[1] == {"PS256"}
    assert bench.codes(sign_jws(PAYLOAD, holder, signed_at=NOW, alg="PS256")) == []
    verdict = bench.verdict(sign_jws(PAYLOAD, holder, signed_at=NOW, alg="RS256"))
    assert [str(c) for c in verdict.refusals] == ["algorithm_not_allowed"]
    assert "PS256" in verdict.reasons[0].en


def test_an_rsassa_pss_key_of_a_stranger_is_untrusted(bench: Bench):
    holder = with_pss_key(bench, by=bench.ca.stranger)

    assert bench.codes(sign_jws(PAYLOAD, holder, signed_at=NOW, alg="PS256")) == ["certificate_untrusted"]


# The path that is walked here is no wider than the library's


def test_the_walked_path_makes_the_librarys_demands(bench: Bench):
    root = make_authority("R", None, *LONG)
    good = make_authority("I", root, *LONG)
    faults = {
        "good": good,
        "no authority": make_authority("I", root, *LONG, ca=False),
        "may not sign certificates": make_authority(
            "I",
            root,
            *LONG,
            usage=x509.KeyUsage(False, False, False, False, False, False, True, False, False),
        ),
        "not yet valid": make_authority("I", root, NOW + timedelta(days=1), LONG[1]),
        "expired": make_authority("I", root, LONG[0], NOW - timedelta(days=1)),
        "a critical extension that nobody knows": make_authority(
            "I",
            root,
            *LONG,
            extensions=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\x05\x00"), True)],
        ),
        "a critical policy constraint": make_authority(
            "I", root, *LONG, extensions=[(x509.PolicyConstraints(0, None), True)]
        ),
        "a constraint of another kind of name": make_authority(
            "I", root, *LONG, extensions=[(x509.NameConstraints([x509.DNSName("example.org")], None), True)]
        ),
        "a small key": make_authority("I", root, *LONG, key="RSA-1024"),
        "of a stranger": make_authority("I", make_authority("R", None, *LONG), *LONG),
    }
    paths = PathBuilder([root.certificate], 6)
    found: dict[str, tuple[bool, bool]] = {}
    for name, authority in faults.items():
        leaf = bench.ca.issue(SIGNER, by=authority).certificate
        walked = bool(paths.walked(leaf, [authority.certificate], NOW))
        built = bool(paths.path(leaf, [authority.certificate], NOW))
        found[name] = (walked, built)

    assert found.pop("good") == (True, True)
    # The library lets this one in, since the leaf has no such name; a path that is walked does not.
    assert found.pop("a constraint of another kind of name") == (False, True)
    assert found == dict.fromkeys(found, (False, False))


def test_the_walked_path_minds_its_length(bench: Bench):
    root = make_authority("R", None, *LONG, path_length=1)
    first = make_authority("A", root, *LONG, path_length=0)
    second = make_authority("B", first, *LONG)
    paths = PathBuilder([root.certificate], 6)
    helpers = [first.certificate, second.certificate]

    assert len(paths.walked(bench.ca.issue(SIGNER, by=first).certificate, helpers, NOW)) == 3
    assert paths.walked(bench.ca.issue(SIGNER, by=second).certificate, helpers, NOW) == ()
    assert paths.walked(root.certificate, helpers, NOW) == ()
    assert (
        PathBuilder([root.certificate], 2).walked(bench.ca.issue(SIGNER, by=first).certificate, helpers, NOW)
        == ()
    )


def test_without_anchors_nothing_is_trusted_and_nothing_raises(bench: Bench):
    raw = sign_jws(PAYLOAD, bench.ca.staff(SIGNER), signed_at=NOW)

    assert bench.codes(raw, policy=TrustPolicy(anchors=())) == ["certificate_untrusted"]


# Names


@pytest.mark.parametrize("kind", ["T61String", "BMPString", "UniversalString"])
def test_an_authority_with_an_old_kind_of_name(bench: Bench, kind: str):
    """Names are compared as they stand; the revocation lists of such an authority are found too."""
    name = [x509.NameAttribute(NameOID.COMMON_NAME, "Gammal CA", _type=_ASN1Type[kind])]
    holder = bench.ca.issue(
        None, name=[*name, x509.NameAttribute(NameOID.SERIAL_NUMBER, SIGNER)], policies=()
    )

    assert bench.codes(sign_jws(PAYLOAD, holder, signed_at=NOW)) == []


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("SE2321000065-1001", "SE2321000065-1001"),
        ("se2321000065-1001", "SE2321000065-1001"),
        ("SE162321000065-1001", "SE2321000065-1001"),
        ("SE165565594230-B45", "SE5565594230-B45"),
        ("TSTNMT2321000156-1019", "TSTNMT2321000156-1019"),
        ("SE199001012384-1", "SE199001012384-1"),
    ],
)
def test_hsa_ids_are_compared_in_one_form(written: str, compared: str):
    assert canonical_hsa_id(written) == compared
    assert canonical_hsa_id(compared) == compared


# Anchors


def test_anchors_in_every_usual_file(tmp_path: Path, bench: Bench):
    pem = bench.ca.root.certificate.public_bytes(serialization.Encoding.PEM)
    der = bench.ca.issuing.certificate.public_bytes(serialization.Encoding.DER)
    for name, data in {"a.pem": pem, "b.crt": pem, "c.CER": der, "d.der": der, "readme.txt": b"x"}.items():
        (tmp_path / name).write_bytes(data)

    assert certificates([tmp_path]) == (bench.ca.root.certificate, bench.ca.issuing.certificate)
    assert certificates([tmp_path / "c.CER"]) == (bench.ca.issuing.certificate,)


@pytest.mark.parametrize("data", [b"", b"\x30\x03\x02\x01\x01", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_an_anchor_that_cannot_be_read_stops_the_start_with_its_name(tmp_path: Path, data: bytes):
    (tmp_path / "broken.cer").write_bytes(data)

    with pytest.raises(WrongFile, match=r"broken\.cer"):
        certificates([tmp_path])


def test_a_folder_without_certificates_stops_the_start_with_its_name(tmp_path: Path):
    with pytest.raises(WrongFile, match=tmp_path.name):
        certificates([tmp_path])


def test_an_anchor_whose_extensions_are_broken_is_no_anchor(bench: Bench):
    der = bench.ca.root.certificate.public_bytes(serialization.Encoding.DER)
    broken = der.replace(b"\x30\x03\x01\x01\xff", b"\x05\x03\x01\x01\xff", 1)
    assert broken != der

    with pytest.raises(ValueError, match="cannot be used"):
        read_certificates(broken)


def test_our_own_signer_writes_what_the_profile_says(bench: Bench):
    holder = bench.ca.staff(SIGNER)
    protected = sign_jws(PAYLOAD, holder, signed_at=NOW).split(b".")[0]
    header = json.loads(base64.urlsafe_b64decode(protected + b"=" * (-len(protected) % 4)))

    assert header == jws_header("ES256", NOW, holder.x5c, holder.thumbprint)
    assert set(header) <= PROTECTED
