"""
How an EHR publishes a signed order, in Python.

    python docs/examples/ehr_publisher.py contracts/examples/order.block-one-guardian.json \\
        --cert staff.crt --key staff.key --chain issuing-ca.crt \\
        --secret-file patient-key.secret --bootstrap localhost:9092

The form is checked against the contract's model, signed as a compact JWS with JAdES baseline headers, and sent as a
CloudEvent in binary mode under the patient's pseudonymous key. `--print` writes the JWS to standard output instead of
sending it. Exit status: 0 acknowledged by the broker, 1 not, 2 wrong use.

In a real EHR the private key stays on the staff member's card: there the card signs, and the rest is
the same.
"""

import argparse
import base64
import binascii
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException, Message, Producer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc import jwk, jws
from joserfc.registry import HeaderParameter
from pydantic import ValidationError

from sigill_contracts.keys import patient_key
from sigill_contracts.order import SignedForm
from sigill_contracts.topics import ORDERS

CONTENT_TYPE = "application/jose"
Headers = list[tuple[str, str | bytes | None]]
_HEADERS = {"iat": HeaderParameter("Signing time, seconds since 1970", "int")}
_REGISTRY = jws.JWSRegistry(header_registry=_HEADERS, algorithms=["ES256", "ES384", "PS256"])


def sign(payload: bytes, key_pem: bytes, certificates: list[x509.Certificate], signed_at: int) -> bytes:
    """
    Sign the form's bytes exactly as they are: a compact JWS.

    `certificates`: the signer's own first, then each one that issued the one before it, without the root.
    `signed_at`: seconds since 1970; it must lie within 5 minutes ahead and 30 days back when the order arrives.
    """
    key = serialization.load_pem_private_key(key_pem, password=None)
    header: dict[str, Any] = {
        "alg": _algorithm(key),
        "typ": "sigill-order+jws",
        "iat": signed_at,
        "x5c": [base64.b64encode(_der(certificate)).decode() for certificate in certificates],
        "x5t#S256": _base64url(certificates[0].fingerprint(hashes.SHA256())),
    }
    kind = jwk.RSAKey if isinstance(key, rsa.RSAPrivateKey) else jwk.ECKey
    return jws.serialize_compact(header, payload, kind.import_key(key_pem), registry=_REGISTRY).encode(
        "ascii"
    )


def event_headers(form: SignedForm, source: str, key: str, sent_at: datetime) -> Headers:
    """CloudEvents attributes as record headers. Id and subject must agree with what was signed."""
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": str(form.order_id),
        "ce_source": source,
        "ce_type": str(ORDERS.event_type),
        "ce_time": sent_at.isoformat(),
        "ce_subject": key,
        "content-type": CONTENT_TYPE,
    }
    return [(name, value.encode("utf-8")) for name, value in attributes.items()]


def producer_settings(bootstrap: str) -> dict[str, Any]:
    """
    Settings that lose and double nothing.

    `murmur2_random` puts a key on the same partition as every other Kafka client does; librdkafka's own default does
    not, and a patient's orders from two systems would lie on two partitions, without an order between them.
    """
    return {
        "bootstrap.servers": bootstrap,
        "enable.idempotence": True,
        "acks": "all",
        "partitioner": "murmur2_random",
        "delivery.timeout.ms": 30_000,
    }


def publish(
    bootstrap: str, topic: str, key: str, value: bytes, headers: Headers
) -> tuple[int | None, int | None]:
    """Send one record and wait until the broker has it: partition and offset. Raises KafkaException."""
    placed: list[tuple[int | None, int | None]] = []

    def delivered(error: Any, message: Message) -> None:
        if error is None:
            placed.append((message.partition(), message.offset()))

    producer = Producer(producer_settings(bootstrap))
    producer.produce(topic, value=value, key=key.encode("ascii"), headers=headers, on_delivery=delivered)
    producer.flush(35)
    if not placed:
        raise KafkaException(f"{topic}: the broker did not acknowledge the order; send the same bytes again")
    return placed[0]


def read_form(path: Path) -> tuple[bytes, SignedForm]:
    """The form's bytes as they will be signed, and as a value. Raises ValidationError or OSError."""
    payload = path.read_bytes()
    return payload, SignedForm.model_validate_json(payload)


def read_certificates(cert: Path, chain: list[Path]) -> list[x509.Certificate]:
    """The signer's certificate and its issuers, from PEM files; a file may hold several."""
    return [found for path in (cert, *chain) for found in x509.load_pem_x509_certificates(path.read_bytes())]


def main(arguments: list[str] | None = None) -> int:
    """Run the program; returns the exit status."""
    asked = _parser().parse_args(arguments)
    try:
        payload, form = read_form(asked.form)
        certificates = read_certificates(asked.cert, asked.chain)
        secret = (
            base64.b64decode(asked.secret_file.read_bytes().strip(), validate=True)
            if asked.secret_file
            else b""
        )
    except ValidationError as wrong:
        for error in wrong.errors(include_input=False, include_url=False):
            sys.stderr.write(f"{asked.form}: {'.'.join(map(str, error['loc']))}: {error['msg']}\n")
        return 2
    except (OSError, ValueError, binascii.Error) as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 2

    now = int(time.time())
    value = sign(payload, asked.key.read_bytes(), certificates, asked.signed_at or now)
    if asked.print:
        sys.stdout.write(value.decode("ascii") + "\n")
        return 0
    if not asked.secret_file or not asked.bootstrap:
        sys.stderr.write("--secret-file and --bootstrap are needed to send\n")
        return 2

    key = patient_key(form.patient.id, secret, asked.secret_version)
    headers = event_headers(form, asked.source, key, datetime.fromtimestamp(now, UTC))
    try:
        partition, offset = publish(asked.bootstrap, asked.topic, key, value, headers)
    except KafkaException as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 1
    sys.stderr.write(f"order {form.order_id} lies on {asked.topic}, partition {partition}, offset {offset}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ehr_publisher.py", description="Sign a form and publish it as an order."
    )
    parser.add_argument("form", type=Path, help="the form as JSON, see contracts/schemas/order.v1.json")
    parser.add_argument("--cert", type=Path, required=True, help="the signer's certificate, PEM")
    parser.add_argument(
        "--key", type=Path, required=True, help="the signer's private key, PEM, no passphrase"
    )
    parser.add_argument(
        "--chain", type=Path, action="append", default=[], help="issuing certificate, PEM; repeatable"
    )
    parser.add_argument("--secret-file", type=Path, help="the shared secret of patient keys, base64")
    parser.add_argument("--secret-version", default="v1", help="which secret it is")
    parser.add_argument("--bootstrap", help="Kafka, host:port")
    parser.add_argument("--topic", default=ORDERS.name)
    parser.add_argument("--source", default="urn:example:ehr", help="ce_source: this EHR")
    parser.add_argument("--signed-at", type=int, help="signing time in seconds since 1970; default now")
    parser.add_argument("--print", action="store_true", help="write the signed order instead of sending it")
    return parser


def _algorithm(key: object) -> str:
    match key:
        case ec.EllipticCurvePrivateKey(curve=ec.SECP256R1()):
            return "ES256"
        case ec.EllipticCurvePrivateKey(curve=ec.SECP384R1()):
            return "ES384"
        case rsa.RSAPrivateKey():
            return "PS256"
        case _:
            raise ValueError("the key is of a kind that no order may be signed with: P-256, P-384 or RSA")


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


if __name__ == "__main__":
    sys.exit(main())
