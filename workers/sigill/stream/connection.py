"""How to reach the brokers: TLS and SASL as aiokafka's clients take them, and which errors mean "wait"."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any

from aiokafka import errors

from sigill.runtime.settings import Settings, tls_context


class BrokerDown(Exception):
    """The broker cannot be reached, or does not answer: worth trying again."""


class StreamStopped(Exception):
    """Reading or writing cannot go on without somebody's help. The message says what to do."""


#: What `sigill.runtime.lifecycle` waits out.
BROKER_TROUBLE: tuple[type[BaseException], ...] = (BrokerDown,)

_UNREACHABLE = (
    errors.KafkaConnectionError,
    errors.KafkaTimeoutError,
    errors.NodeNotReadyError,
    errors.NoBrokersAvailable,
    errors.KafkaUnavailableError,
    errors.RequestTimedOutError,
    errors.UnknownTopicOrPartitionError,
    OSError,
    TimeoutError,
)


def passing(error: BaseException) -> bool:
    """Say whether an error of the client may pass by itself."""
    return isinstance(error, _UNREACHABLE) or (isinstance(error, errors.KafkaError) and bool(error.retriable))


@dataclass(frozen=True, slots=True, repr=False)
class Connection:
    """Address and credentials. Not shown by `repr`."""

    bootstrap: str
    security_protocol: str = "PLAINTEXT"
    tls: ssl.SSLContext | None = None
    sasl_mechanism: str = "PLAIN"
    username: str | None = None
    password: str | None = None
    client_id: str = "sigill"

    @classmethod
    def of(cls, settings: Settings) -> Connection:
        """Return the connection that the settings describe."""
        tls = None
        if settings.kafka_security_protocol.endswith("SSL"):
            tls = tls_context(
                settings.kafka_ca, settings.kafka_certificate, settings.kafka_key, settings.kafka_key_password
            )
            tls.check_hostname = settings.kafka_check_hostname
        password = settings.kafka_sasl_password
        return cls(
            bootstrap=settings.kafka_bootstrap,
            security_protocol=settings.kafka_security_protocol,
            tls=tls,
            sasl_mechanism=settings.kafka_sasl_mechanism,
            username=settings.kafka_sasl_username,
            password=password.get_secret_value() if password else None,
            client_id=settings.instance,
        )

    def options(self) -> dict[str, Any]:
        """Return the keyword arguments that all of aiokafka's clients share."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap.split(","),
            "security_protocol": self.security_protocol,
            "client_id": self.client_id,
        }
        if self.tls is not None:
            options["ssl_context"] = self.tls
        if self.security_protocol.startswith("SASL"):
            options |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return options


def librdkafka_options(settings: Settings) -> dict[str, str]:
    """The same brokers and credentials as librdkafka's clients take them; errors alone are logged."""
    found: dict[str, object | None] = {
        "bootstrap.servers": settings.kafka_bootstrap,
        "security.protocol": settings.kafka_security_protocol,
        "socket.connection.setup.timeout.ms": 10_000,
        "log_level": 2,
    }
    if settings.kafka_security_protocol.endswith("SSL"):
        password = settings.kafka_key_password
        found |= {
            "ssl.ca.location": settings.kafka_ca,
            "ssl.certificate.location": settings.kafka_certificate,
            "ssl.key.location": settings.kafka_key,
            "ssl.key.password": password.get_secret_value() if password else None,
            "ssl.endpoint.identification.algorithm": "https" if settings.kafka_check_hostname else "none",
        }
    if settings.kafka_security_protocol.startswith("SASL"):
        secret = settings.kafka_sasl_password
        found |= {
            "sasl.mechanism": settings.kafka_sasl_mechanism,
            "sasl.username": settings.kafka_sasl_username,
            "sasl.password": secret.get_secret_value() if secret else None,
        }
    return {name: str(value) for name, value in found.items() if value is not None}
