"""Signs an order with joserfc. Arguments: key.pem (PKCS#8) chain.pem form.json out.jose"""

import base64
import sys
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey
from joserfc.registry import HeaderParameter

key_file, chain_file, form_file, out = sys.argv[1:]
key = serialization.load_pem_private_key(Path(key_file).read_bytes(), None)
# The signer's own first, then its issuers'.
chain = x509.load_pem_x509_certificates(Path(chain_file).read_bytes())

match key:
    case rsa.RSAPrivateKey():
        algorithm, jwk = "PS256", RSAKey.import_key(key)
    case ec.EllipticCurvePrivateKey(curve=ec.SECP384R1()):
        algorithm, jwk = "ES384", ECKey.import_key(key)
    case ec.EllipticCurvePrivateKey(curve=ec.SECP256R1()):
        algorithm, jwk = "ES256", ECKey.import_key(key)
    case _:
        sys.exit("the key must be P-256, P-384 or RSA")

header = {
    "alg": algorithm,
    "typ": "sigill-order+jws",  # may be left out
    "iat": int(time.time()),
    "x5c": [base64.b64encode(c.public_bytes(serialization.Encoding.DER)).decode() for c in chain],
    "x5t#S256": base64.urlsafe_b64encode(chain[0].fingerprint(hashes.SHA256())).rstrip(b"=").decode(),
}
registry = jws.JWSRegistry(
    header_registry={"iat": HeaderParameter("Signing time, seconds since 1970", "int")},
    algorithms=["ES256", "ES384", "PS256"],
)
order = jws.serialize_compact(header, Path(form_file).read_bytes(), jwk, registry=registry)
Path(out).write_text(order, encoding="ascii")  # application/jose
