"""Kafka with TLS and a login, and PostgreSQL with TLS, by settings alone, against real servers."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import pwd
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from sigill.embedded import EmbeddedKafka, EmbeddedPostgres
from sigill.embedded.postgres import _find_local, _server_user
from sigill.embedded.processes import free_port
from sigill.runtime.settings import Settings, load_settings
from sigill.stream.connection import BrokerDown, Connection, StreamStopped
from sigill.stream.consumer import StreamConsumer
from sigill.stream.producer import StreamProducer
from sigill.stream.topics import apply_topics
from tests.stream.conftest import Spec, numbered

NOW = datetime.now(UTC)  # noqa: TID251 (TLS reads the machine's clock, so its certificates must)


class Authority:
    """A throw-away authority for servers of this machine."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._certificate = (
            self._blank(self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
                    key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
                ),
                critical=True,
            )
            .sign(self._key, hashes.SHA256())
        )  # fmt: skip
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self._certificate.public_bytes(Encoding.PEM))

    def server(self, name: str) -> tuple[Path, Path]:
        """Return certificate (with chain) and key of a server at 127.0.0.1."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        certificate = (
            self._blank(subject, key).add_extension(names, critical=False).sign(self._key, hashes.SHA256())
        )
        files = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        files[0].write_bytes(certificate.public_bytes(Encoding.PEM) + self.file.read_bytes())
        files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        files[1].chmod(0o600)
        return files

    def _blank(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - timedelta(days=1))
            .not_valid_after(NOW + timedelta(days=1))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
        )


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "good")


@pytest.fixture(scope="module")
async def secure(authority: Authority) -> AsyncIterator[str]:
    """Address of a listener that wants TLS and a login."""
    certificate, key = authority.server("broker")
    port = free_port()
    login = 'org.apache.kafka.common.security.plain.PlainLoginModule required user_sigill="pass word";'
    settings = {
        "listeners": f"SECURE://127.0.0.1:{port}",
        "advertised.listeners": f"SECURE://127.0.0.1:{port}",
        "listener.security.protocol.map": "SECURE:SASL_SSL",
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.secure.plain.sasl.jaas.config": login,
        "ssl.keystore.type": "PEM",
        "ssl.keystore.certificate.chain": certificate.read_text().replace("\n", "\\n"),
        "ssl.keystore.key": key.read_text().replace("\n", "\\n"),
    }
    broker = EmbeddedKafka(own=True, settings=settings)
    if broker.kind != "jars":
        pytest.skip("the listener is set up for a broker from jars")
    with broker:
        yield f"127.0.0.1:{port}"


def settings_for(address: str, ca: Path, **changed: str) -> Settings:
    given = {
        "kafka_bootstrap": address,
        "kafka_security_protocol": "SASL_SSL",
        "kafka_ca": str(ca),
        "kafka_sasl_mechanism": "PLAIN",
        "kafka_sasl_username": "sigill",
        "kafka_sasl_password": "pass word",
        **changed,
    }
    return load_settings(**given)


async def test_topics_sending_and_reading_go_over_tls_with_a_login(secure: str, authority: Authority) -> None:
    connection = Connection.of(settings_for(secure, authority.file))
    assert "pass word" not in repr(connection)
    await apply_topics(connection, [Spec("t")])
    async with StreamProducer(connection) as producer:
        await producer.send_in_order(numbered("t", 3))
    stop, got = asyncio.Event(), []
    async with StreamConsumer(connection, ["t"], "g") as consumer, asyncio.timeout(20):
        async for batch in consumer.batches(stop):
            got += [record.value for records in batch.values() for record in records]
            if len(got) == 3:
                stop.set()
    assert got == [b"0", b"1", b"2"]


async def test_a_wrong_password_stops_and_says_so(secure: str, authority: Authority) -> None:
    connection = Connection.of(settings_for(secure, authority.file, kafka_sasl_password="wrong"))
    with pytest.raises((StreamStopped, BrokerDown)) as refused:
        await StreamProducer(connection, send_timeout=10).start()
    assert "wrong" not in str(refused.value)


async def test_a_broker_of_another_authority_is_not_believed(secure: str, tmp_path: Path) -> None:
    other = Authority(tmp_path, "other")
    with pytest.raises(BrokerDown):
        await StreamProducer(Connection.of(settings_for(secure, other.file)), send_timeout=10).start()


# the wheel's server is built without TLS
@pytest.mark.skipif(_find_local() is None, reason="no PostgreSQL is installed on this machine")
async def test_postgresql_over_tls_by_settings(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.server("postgres")
    # the server's user must own its key, and reach it
    if user := _server_user():
        folder = Path("/var/tmp") / f"sigill-tls-{os.getpid()}"
        folder.mkdir(mode=0o755)
        owner = pwd.getpwnam(user).pw_uid
        for file in (certificate, key):
            (folder / file.name).write_bytes(file.read_bytes())
            (folder / file.name).chmod(0o600)
            os.chown(folder / file.name, owner, -1)
    else:
        folder = certificate.parent
    settings = {
        "ssl": "on",
        "ssl_cert_file": f"'{folder / certificate.name}'",
        "ssl_key_file": f"'{folder / key.name}'",
    }
    try:
        with EmbeddedPostgres(kind="local", own=True, durable=False, settings=settings) as server:
            trusted = load_settings(
                database_url=server.dsn, database_tls="verify-full", database_ca=authority.file
            )
            connection = await asyncpg.connect(trusted.database_dsn(), ssl=trusted.database_ssl())
            assert await connection.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
            await connection.close()
            other = Authority(tmp_path, "other")
            wrong = load_settings(database_url=server.dsn, database_tls="verify-full", database_ca=other.file)
            with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
                await asyncpg.connect(wrong.database_dsn(), ssl=wrong.database_ssl())
            anyone = load_settings(database_url=server.dsn, database_tls="require")
            connection = await asyncpg.connect(anyone.database_dsn(), ssl=anyone.database_ssl())
            await connection.close()
    finally:
        if user:
            for file in folder.iterdir():
                file.unlink()
            folder.rmdir()
