"""
The one profile of an order's signature: what may stand where, and what a sender is told to set when it does not.

Read by the verifier, by our own signers and by the page that vendors read (docs/ehr.md, whose table is generated
from the tables here). Values and sentences only: nothing is verified here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

#: JWS algorithm → the key that it needs (RFC 7518, 3.1). Nothing else is ever accepted.
KEYS: dict[str, str] = {
    "ES256": "EC P-256",
    "ES384": "EC P-384",
    "PS256": "RSA 2048 to 8192 bits, also an RSASSA-PSS key",
    "RS256": "RSA 2048 to 8192 bits",
}
ALGORITHMS: tuple[str, ...] = tuple(KEYS)
SMALLEST_RSA, LARGEST_RSA = 2048, 8192

#: Algorithms that have a name of their own in an answer; any other is "an unknown algorithm".
KNOWN_ALGORITHMS = frozenset(
    {"none", "HS256", "HS384", "HS512", "ES512", "PS384", "PS512", "RS384", "RS512", "EdDSA", *ALGORITHMS}
)

# Headers of a JWS (RFC 7515; JAdES baseline, ETSI TS 119 182-1)

ORDER_TYPE = "sigill-order+jws"
#: `typ` may be left out, or be one of these in any letter case, with or without `application/` (RFC 7515, 4.1.9).
#: Another protocol's type is refused: its tokens are no orders. What tells an order apart from everything else that the
#: same card signs is the audience and the order id in the form.
TYPES = frozenset({ORDER_TYPE, "jose", "jose+json"})

#: What may stand in the protected header: of RFC 7515, and of JAdES. `sigD` is not here: the form must be inside. Both
#: spellings of the commitment: `srCm` of the drafts, `srCms` of the published text.
PLAIN_HEADERS = ("alg", "typ", "cty", "x5c", "x5t", "x5t#S256", "kid", "crit")
JADES_HEADERS = {
    "iat": "Signing time, seconds since 1970",
    "sigT": "Signing time, RFC 3339",
    "x5t#o": "Certificate digest by another algorithm",
    "sigX5ts": "Certificate digests",
    "srCm": "Commitment",
    "srCms": "Commitments",
    "sigPl": "Place of signing",
    "srAts": "Signer's attributes",
    "adoTst": "Time stamp on the form",
    "sigPId": "Signature policy",
}
PROTECTED = frozenset({*PLAIN_HEADERS, *JADES_HEADERS})
#: What `crit` may name: parameters beyond RFC 7515 that the verifier acts on, or that ask nothing of it.
CRITICAL = frozenset(JADES_HEADERS) - {"adoTst"}
UNPROTECTED = frozenset({"etsiU"})
#: Parameters that are refused by their name; any other is "an unknown one", since a sender could write anything there.
REFUSED_HEADERS = ("jwk", "jku", "x5u", "b64", "zip", "enc", "sigD", "etsiU")

# XML signatures (XML-DSig; XAdES baseline, ETSI EN 319 132-1)

DS = "http://www.w3.org/2000/09/xmldsig#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"
FILTER2 = "http://www.w3.org/2002/06/xmldsig-filter2"
_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_LATER = "http://www.w3.org/2007/05/xmldsig-more#"

RSA_PSS = f"{_LATER}rsa-pss"
MGF1 = f"{_LATER}MGF1"
#: Signature methods by the names that JWS has for the same (RFC 9231); the first is the one that our signer writes.
XML_METHODS: dict[str, tuple[str, ...]] = {
    "ES256": (f"{_MORE}ecdsa-sha256",),
    "ES384": (f"{_MORE}ecdsa-sha384",),
    "PS256": (f"{_LATER}sha256-rsa-MGF1", RSA_PSS),
    "RS256": (f"{_MORE}rsa-sha256",),
}
SHA256_URI = "http://www.w3.org/2001/04/xmlenc#sha256"
XML_DIGESTS: dict[str, str] = {
    SHA256_URI: "SHA-256",
    f"{_MORE}sha384": "SHA-384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "SHA-512",
}
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
INCLUSIVE_11 = "http://www.w3.org/2006/12/xml-c14n11"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
#: Without comments, and without parameters.
CANONICAL: dict[str, str] = {
    INCLUSIVE: "Canonical XML 1.0",
    INCLUSIVE_11: "Canonical XML 1.1",
    EXCLUSIVE: "Exclusive Canonical XML 1.0",
}
ENVELOPED = f"{DS}enveloped-signature"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
#: The constant expressions that mean the same as `enveloped-signature` in a document with one signature; `{ds}` is a
#: prefix that is bound to the namespace of XML-DSig. No other expression is evaluated, ever.
SUBTRACTED = "/descendant::{ds}:Signature"
OUTSIDE = "not(ancestor-or-self::{ds}:Signature)"
SIGNED_PROPERTIES = "http://uri.etsi.org/01903#SignedProperties"


@dataclass(frozen=True, slots=True)
class Demand:
    """What a part of the signature must be. `field` names the part; the sentences say what to set."""

    field: str
    sv: str
    en: str


TYP = Demand(
    "header.typ",
    f"Utelämna typ, eller sätt det till jose, jose+json eller {ORDER_TYPE}.",
    f"Leave typ out, or set it to jose, jose+json or {ORDER_TYPE}.",
)
X5C = Demand(
    "x5c",
    "Sätt x5c till undertecknarens certifikat följt av utfärdarnas, i base64 (DER).",
    "Set x5c to the signer's certificate followed by its issuers', in base64 (DER).",
)
JWS_TIME = Demand(
    "header.iat",
    "Sätt iat till underskriftens tid i sekunder sedan 1970, eller sigT till tiden med tidszon (RFC 3339).",
    "Set iat to the signing time in seconds since 1970, or sigT to the time with its zone (RFC 3339).",
)
CRIT = Demand(
    "header.crit",
    "Utelämna crit, eller låt det en gång var nämna parametrar som finns i huvudet och förstås här: "
    f"{', '.join(sorted(CRITICAL))}.",
    "Leave crit out, or let it name, each once, parameters that stand in the header and are understood here: "
    f"{', '.join(sorted(CRITICAL))}.",
)
REFERENCE_TO_CERTIFICATE = Demand(
    "header.x5t#S256",
    "Skriv hänvisningen till certifikatet som digest (S256, S384 eller S512) i base64url, eller utelämna den.",
    "Write the reference to the certificate as a digest (S256, S384 or S512) in base64url, or leave it out.",
)
HEADER = Demand(
    "header",
    f"Ta bort parametrar som inte godtas. De som godtas är {', '.join(sorted(PROTECTED))}.",
    f"Remove parameters that are not accepted. Accepted are {', '.join(sorted(PROTECTED))}.",
)
HEADER_ONCE = Demand(
    "header",
    "Skriv det skyddade huvudet som ett JSON-objekt på högst 64 KiB, med varje parameter en gång.",
    "Write the protected header as a JSON object of at most 64 KiB, with each parameter once.",
)
UNPROTECTED_HEADER = Demand(
    "header",
    "Lägg alla parametrar i protected; i header får bara etsiU stå.",
    "Put every parameter into protected; only etsiU may stand in header.",
)
ETSI_U = Demand("header.etsiU", "Skriv etsiU som en lista.", "Write etsiU as an array.")
PAYLOAD_INSIDE = Demand(
    "payload",
    "Lägg blanketten i meddelandet som payload; en fristående (detached) blankett godtas inte.",
    "Put the form into the message as its payload; a detached form is not accepted.",
)
PAYLOAD_ONCE = Demand(
    "payload",
    "Skriv varje fält i blanketten en gång.",
    "Write each field of the form once.",
)
BASE64URL = Demand(
    "container",
    "Koda delarna i base64url utan utfyllnad, med oanvända bitar noll (RFC 4648 avsnitt 3.5).",
    "Encode the parts in base64url without padding, with unused bits zero (RFC 4648, section 3.5).",
)
JSON_MEMBERS = Demand(
    "container",
    "Skicka antingen payload och signatures (högst 8, var och en med protected och signature) eller payload, "
    "protected och signature, och inget annat.",
    "Send either payload and signatures (at most 8, each with protected and signature) or payload, protected and "
    "signature, and nothing else.",
)

DOCUMENT = Demand(
    "order",
    "Skicka ett order-element i namnrymden urn:sigill:order:1 utan dokumenttyp, processinstruktioner, "
    "xml-attribut eller något utanför det, med varje Id en gång.",
    "Send one order element in the namespace urn:sigill:order:1 without document type, processing instructions, "
    "xml attributes or anything outside it, with each Id once.",
)
ONE_SIGNATURE = Demand(
    "Signature",
    "Lägg exakt en ds:Signature sist i order-elementet, med var sin SignedInfo, SignatureValue och KeyInfo.",
    "Put exactly one ds:Signature last into the order element, with one SignedInfo, SignatureValue and KeyInfo.",
)
CANONICALIZATION = Demand(
    "CanonicalizationMethod",
    "Sätt kanoniseringen till C14N 1.0, C14N 1.1 eller exklusiv C14N, utan kommentarer och utan parametrar.",
    "Set the canonicalization to C14N 1.0, C14N 1.1 or exclusive C14N, without comments and without parameters.",
)
REFERENCES = Demand(
    "Reference",
    'Hänvisa en gång till URI="" (blanketten), en gång till SignedProperties (med dess Type) och högst en gång till '
    "KeyInfo.",
    'Refer once to URI="" (the form), once to the SignedProperties (with their Type) and at most once to the KeyInfo.',
)
TRANSFORMS = Demand(
    "Reference.Transforms",
    "Sätt blankettens transformer till enveloped-signature följd av högst en kanonisering utan kommentarer; övriga "
    "hänvisningars till högst en kanonisering.",
    "Set the form's transforms to enveloped-signature followed by at most one canonicalization without comments; those "
    "of other references to at most one canonicalization.",
)
XML_DIGEST = Demand(
    "Reference.DigestMethod",
    "Använd SHA-256, SHA-384 eller SHA-512.",
    "Use SHA-256, SHA-384 or SHA-512.",
)
PSS_PARAMETERS = Demand(
    "SignatureMethod",
    "Sätt RSAPSSParams till SHA-256, MGF1 med SHA-256, salt 32 och trailer 1.",
    "Set RSAPSSParams to SHA-256, MGF1 with SHA-256, salt 32 and trailer 1.",
)
QUALIFYING_PROPERTIES = Demand(
    "QualifyingProperties",
    "Skriv under enligt XAdES: en ds:Object med en QualifyingProperties för denna underskrift och inget annat.",
    "Sign as XAdES: one ds:Object with one QualifyingProperties of this signature and nothing else.",
)
XML_TIME = Demand(
    "SigningTime",
    "Sätt SigningTime till underskriftens tid med tidszon.",
    "Set SigningTime to the signing time with its time zone.",
)
XML_CERTIFICATE = Demand(
    "KeyInfo.X509Certificate",
    "Lägg undertecknarens certifikat, det som SigningCertificateV2 nämner, i KeyInfo/X509Data/X509Certificate, helst med "
    "utfärdarnas.",
    "Put the signer's certificate, the one that SigningCertificateV2 names, into KeyInfo/X509Data/X509Certificate, with "
    "its issuers' if possible.",
)
SIGNING_CERTIFICATE = Demand(
    "SigningCertificateV2",
    "Nämn undertecknarens certifikat först i SigningCertificateV2 (eller SigningCertificate) med SHA-256, SHA-384 "
    "eller SHA-512.",
    "Name the signer's certificate first in SigningCertificateV2 (or SigningCertificate) with SHA-256, SHA-384 or "
    "SHA-512.",
)
KEY_VALUE = Demand(
    "KeyInfo.KeyValue",
    "Ta bort KeyValue, eller låt det vara certifikatets nyckel.",
    "Remove KeyValue, or let it be the certificate's key.",
)


#: What the certificates must be; the fields are those of the certificate's faults.
CERTIFICATE = (
    Demand(
        "certificate.keyUsage",
        "Använd underskriftscertifikatet: nyckelanvändning med contentCommitment (nonRepudiation).",
        "Use the signing certificate: key usage with contentCommitment (nonRepudiation).",
    ),
    Demand(
        "certificate.extendedKeyUsage",
        "Utökad nyckelanvändning, där den finns, inte bara för annat arbete.",
        "Extended key usage, where there is one, not for other work only.",
    ),
    Demand(
        "certificate.basicConstraints", "Inte en utfärdares certifikat.", "Not an authority's certificate."
    ),
    Demand(
        "certificate.subject.serialNumber",
        "Ett HSA-id i ämnets serialNumber (2.5.4.5), med organisationsnummer på tio eller tolv siffror.",
        "One HSA-id in the subject's serialNumber (2.5.4.5), with an organisation number of ten or twelve digits.",
    ),
    Demand(
        "certificate.publicKey",
        f"En nyckel ur tabellen, RSA minst {SMALLEST_RSA} bitar i hela kedjan, ingen med ROCA-felet.",
        f"A key of the table, RSA of at least {SMALLEST_RSA} bits in the whole chain, none with the ROCA weakness.",
    ),
    Demand(
        "certificate.signatureAlgorithm",
        "SHA-256 eller starkare i hela kedjan.",
        "SHA-256 or stronger in the whole chain.",
    ),
    Demand(
        "certificate.issuer",
        "En väg till en betrodd utfärdare, som inte ger ut funktionscertifikat; skicka med utfärdarens certifikat.",
        "A path to a trusted authority that issues no function certificates; send the issuers' certificates along.",
    ),
    Demand(
        "certificate.certificatePolicies",
        "Den tillitsnivå som mottagaren kräver, och ingen som den inte godtar.",
        "The level of assurance that the receiver demands, and none that it refuses.",
    ),
    Demand(
        "certificate.subject",
        "Ett namn inom utfärdarnas namnbegränsningar (nameConstraints av typen directoryName).",
        "A name within the authorities' name constraints (of type directoryName).",
    ),
    Demand(
        "certificate.validity",
        "Giltigt, med hela sin kedja, när underskriften gjordes.",
        "Valid, with its whole chain, when the signature was made.",
    ),
)


def without(parameter: str) -> Demand:
    """The demand to leave out a header parameter that is refused by its name."""
    return Demand(f"header.{parameter}", f"Ta bort {parameter}.", f"Remove {parameter}.")


def is_order_type(typ: object) -> bool:
    """True for a `typ` that an order may have. Absent (None) is for the caller to allow."""
    if not isinstance(typ, str):
        return False
    name = typ.lower()
    return name.removeprefix("application/") in TYPES


def jws_header(algorithm: str, signed_at: datetime, x5c: Sequence[str], thumbprint: str) -> dict[str, Any]:
    """
    The protected header that our own signers write. `signed_at` is aware; `x5c` base64 DER, leaf first; `thumbprint`
    the leaf's SHA-256 in base64url.
    """
    return {
        "alg": algorithm,
        "typ": ORDER_TYPE,
        "iat": int(signed_at.timestamp()),
        "x5c": list(x5c),
        "x5t#S256": thumbprint,
    }
