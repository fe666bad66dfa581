"""
Every setting, read from `SIGILL_*` variables and from secret files, checked at start.

A secret may lie in a file instead of a variable: `SIGILL_SECRETS_DIR` names a folder in which
`sigill_database_password` holds what `SIGILL_DATABASE_PASSWORD` would.
`python -m sigill.devtools.reference_pages settings --table` writes docs/settings.md; `--check` fails when it has drifted.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import socket
import ssl
import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError

PREFIX = "SIGILL_"
#: Variables of the same prefix that tests and start-up read, and that are no settings.
NOT_SETTINGS = re.compile(r"SIGILL_(TEST_.*|REQUIRE_REAL_KAFKA|SECRETS_DIR|LANGUAGE)")
LEAST_KEY_BYTES = 32


#: What a region sets when a kind of record is never to be destroyed.
NEVER = "never"
_DECISION = f": its case number and date, `RS 2026/123, 2026-03-17`, or `{NEVER}`. Default: none, nothing is destroyed."
_CITED_LENGTH = 200


def disposal_decision(cited: str) -> str | None:
    """
    Return a disposal decision (gallringsbeslut) as it is cited: one line with its reference and its date, or `never`.

    None when nothing is cited. Raises ValueError for what is no citation: `yes` destroys nothing.
    """
    text = cited.strip()
    if not text or text == NEVER:
        return text or None
    dates = re.findall(r"(?<![0-9])[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9])", text)
    reference = text
    for day in dates:
        reference = reference.replace(day, "")
    if len(text) > _CITED_LENGTH or not text.isprintable():
        msg = f"is no citation: one line of at most {_CITED_LENGTH} characters"
        raise ValueError(msg)
    if not any(_is_date(day) for day in dates) or not re.search(r"[0-9]", reference):
        msg = f"cites no disposal decision: give its case number and its date (RS 2026/123, 2026-03-17), or {NEVER}"
        raise ValueError(msg)
    return text


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


Paths = Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_split)]
Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Seconds = Annotated[float, Field(gt=0)]


class WrongSettings(Exception):
    """One line for each wrong setting: its name and why. Never a secret's value."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = tuple(lines)
        super().__init__("\n".join(lines))


class General(BaseSettings):
    """Where this runs, and for whom."""

    environment: Literal["production", "test", "development"] = Field(
        "development", description="Where this runs. In production, what is for trials only is refused."
    )
    audience: str = Field(
        "sigill/development",
        min_length=1,
        description="The receiver that a signed form must name, so that no order of the test system counts here.",
    )
    region: str | None = Field(None, description="Region that commands assume when none is given.")
    instance: str = Field(
        default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}",
        description="This process's name in logs and in the fencing table. Default: host and process id.",
    )
    rulebooks: Path | None = Field(
        None, description="Folder with one rulebook a region. Default: those that come with Sigill."
    )
    rulebook_source: Literal["files", "store"] = Field(
        "files",
        description="Where workers, API and console read the rulebooks from: `files`, or the releases in the database (`store`, begun "
        "with `sigill rulebook import`). Never both.",
    )
    stories: Path | None = Field(
        None,
        description="Folder with the regions' stories, which the console's workbench plays against a draft. Default: none are played.",
    )
    clock_file: Path | None = Field(
        None, description="Clock of a scenario run: a file of eight bytes. Refused in production."
    )
    kill_point: str | None = Field(
        None,
        description="Point at which the tests of faults have this process killed. Refused in production.",
    )


class Database(BaseSettings):
    """PostgreSQL, 15 or later."""

    database_url: SecretStr = Field(
        SecretStr("postgresql://sigill@localhost:5432/sigill"),
        description="Connection URL. The password may be left out here and given beside it.",
    )
    database_password: SecretStr | None = Field(None, description="The password, put into the URL.")
    database_migration_url: SecretStr | None = Field(
        None, description="Connection URL of the owner, for migrations only. Default: the same."
    )
    database_schema: str = Field(
        "sigill", pattern=r"^[a-z_][a-z0-9_]*$", description="Schema that holds the tables."
    )
    database_tls: Literal["disable", "prefer", "require", "verify-ca", "verify-full"] = Field(
        "prefer", description="As libpq's sslmode; `verify-full` in production."
    )
    database_ca: Path | None = Field(
        None, description="PEM file of the authority that the server must prove."
    )
    database_certificate: Path | None = Field(None, description="PEM file of our client certificate.")
    database_key: Path | None = Field(None, description="PEM file of its private key.")
    database_pool_min: int = Field(2, ge=1, description="Connections kept open.")
    database_pool_max: int = Field(10, ge=1, description="Connections at most, a process.")
    database_statement_timeout: Seconds = Field(
        30.0, description="Seconds after which the server ends a statement."
    )
    database_lock_timeout: Seconds = Field(10.0, description="Seconds to wait for a lock.")


class Kafka(BaseSettings):
    """Apache Kafka."""

    kafka_bootstrap: str = Field(
        "localhost:9092", min_length=3, description="Brokers to ask first, `host:port`, by commas."
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How to connect; `SSL` or `SASL_SSL` in production."
    )
    kafka_ca: Path | None = Field(None, description="PEM file of the authority that the brokers must prove.")
    kafka_certificate: Path | None = Field(
        None, description="PEM file of our client certificate (mutual TLS)."
    )
    kafka_key: Path | None = Field(None, description="PEM file of its private key.")
    kafka_key_password: SecretStr | None = Field(None, description="Password of the private key.")
    kafka_check_hostname: bool = Field(True, description="Whether a broker's certificate must name its host.")
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="How to log in with `SASL_*`."
    )
    kafka_sasl_username: str | None = Field(None, description="User for `SASL_*`.")
    kafka_sasl_password: SecretStr | None = Field(None, description="Password for `SASL_*`.")
    kafka_group_prefix: str = Field(
        "sigill", min_length=1, description="Consumer groups are `<prefix>.<worker>`, say `sigill.intake`."
    )
    kafka_topic_prefix: str = Field(
        "", description="Put before every topic's name; for several systems on one cluster."
    )
    receipt_topics: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="Record systems with a receipts topic of their own, `access.receipts.v1.<name>`: the sources (`ce_source`) "
        "whose orders each answers, and the units (HSA-id) in whose name the support desk enters orders: "
        '`{"cosmic": ["/ehr/cosmic", "SE…"]}`. Default: all read one topic.',
    )
    kafka_replication: int = Field(
        1, ge=1, description="Replicas of each topic that `sigill topics apply` makes."
    )
    kafka_session_timeout: Seconds = Field(
        10.0, description="Seconds until a silent worker loses its partitions."
    )
    kafka_instance_id: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9._-]{1,200}$",
        description="Name of this process in its consumer groups (static membership): one that starts again under it, "
        "also after a crash, has its partitions back at once. Each process needs its own, such as a StatefulSet's "
        "pod name. Default: none.",
    )
    kafka_send_timeout: Seconds = Field(
        30.0, description="Seconds until an unacknowledged send is in doubt, and a new producer is made."
    )

    @field_validator("receipt_topics")
    @classmethod
    def _readers(cls, readers: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        """Each name one that a topic may have, each source and unit listed once."""
        if wrong := [name for name in readers if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", name)]:
            msg = f"{wrong[0]!r} is no name of a topic: small letters, digits and hyphens, forty at most"
            raise ValueError(msg)
        every = [entry for listed in readers.values() for entry in listed]
        if twice := sorted({entry for entry in every if every.count(entry) > 1}):
            msg = f"{twice[0]!r} is listed twice: its receipts would have two readers"
            raise ValueError(msg)
        return readers


class Work(BaseSettings):
    """How the workers work."""

    batch_size: int = Field(
        500, ge=1, le=10_000, description="Records taken in one database transaction, at most."
    )
    max_message_bytes: int = Field(262_144, ge=1024, description="Largest message read, in bytes.")
    stop_timeout: Seconds = Field(25.0, description="Seconds for the batch in hand when told to stop.")
    dead_letter_max_ratio: float = Field(
        0.5,
        gt=0,
        le=1,
        description="Share of unreadable messages, of a source's last hundred, that holds its opening orders.",
    )
    dead_letter_max_run: int = Field(
        20, ge=1, description="Unreadable messages of a source in a row that hold its opening orders."
    )
    transitions_interval: Seconds = Field(1.0, description="Seconds between two looks for due timers.")
    relay_interval: Seconds = Field(
        0.5,
        description="Seconds after which the relay looks into the outbox without a notification from the database.",
    )
    clock_skew_limit: Seconds = Field(
        10_800.0,
        description="Seconds by which this machine's clock may differ from the database's, which counts. Beyond, "
        "the workers wait until the clocks agree.",
    )
    backoff_max: Seconds = Field(
        10.0, description="Longest wait, in seconds, while the database or broker is down."
    )


class PatientKeys(BaseSettings):
    """The pseudonymous key of a patient."""

    patient_keys: dict[str, SecretStr] = Field(
        default_factory=dict,
        description='Secrets by version, in base64, 32 bytes or more: `{"v1": "…"}`. Shared with the EHR.',
    )
    patient_key_version: str = Field(
        "v1", description="Version that new keys are made with; the others are read."
    )

    @field_validator("patient_keys")
    @classmethod
    def _long_enough(cls, keys: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for version, secret in keys.items():
            if not re.fullmatch(r"v[0-9]{1,4}", version):
                msg = f"version {version!r} is not of the form v1"
                raise ValueError(msg)
            try:
                length = len(base64.b64decode(secret.get_secret_value(), validate=True))
            except binascii.Error:
                msg = f"the secret of {version} is not base64"
                raise ValueError(msg) from None
            if length < LEAST_KEY_BYTES:
                msg = f"the secret of {version} has {length} bytes, {LEAST_KEY_BYTES} are needed"
                raise ValueError(msg)
        return keys

    def patient_secrets(self) -> dict[str, bytes]:
        """Return the HMAC secrets by version, decoded."""
        return {
            version: base64.b64decode(key.get_secret_value()) for version, key in self.patient_keys.items()
        }


class IdentityNumbers(BaseSettings):
    """What the regions' own numbers look like."""

    reserve_numbers: dict[str, str] = Field(
        default_factory=dict,
        description="Form of each region's reserve numbers (reservnummer), as regular expressions: "
        '`{"kronoberg": "99[0-9]{10}"}`. Default: eight to twenty letters and digits.',
    )

    @field_validator("reserve_numbers")
    @classmethod
    def _compile(cls, patterns: dict[str, str]) -> dict[str, str]:
        for region, pattern in patterns.items():
            try:
                re.compile(pattern)
            except re.error as error:
                msg = f"the form of {region}'s reserve numbers is no regular expression: {error}"
                raise ValueError(msg) from None
        return patterns


class Signatures(BaseSettings):
    """Which signatures are believed."""

    trust_anchors: Paths = Field(
        (),
        description="Certificate files (PEM or DER) or folders of them (.pem, .crt, .cer, .der), by commas: the issuing "
        "authorities that staff certificates must come from.",
    )
    trust_intermediates: Paths = Field(
        (), description="Certificate files or folders that help to build a path; not trusted."
    )
    time_stamp_anchors: Paths = Field(
        (),
        description="Certificate files or folders: the authorities whose time stamps are believed. Default: time stamps "
        "are not evaluated.",
    )
    crl_folders: Paths = Field(
        (), description="Folders with revocation lists, PEM or DER; every list ever seen is kept."
    )
    crl_urls: Words = Field((), description="Addresses that revocation lists are fetched from, by commas.")
    crl_cache: Path | None = Field(None, description="Folder for fetched lists. Default: none is kept.")
    crl_refresh: Seconds = Field(900.0, description="Seconds between two fetches.")
    crl_timeout: Seconds = Field(
        5.0, description="Seconds for one look at a revocation list's address or an OCSP responder."
    )
    crl_memory_bytes: int = Field(
        512 * 1024 * 1024, ge=1024 * 1024, description="Bytes of revocation lists held at most, newest first."
    )
    ocsp: bool = Field(
        True, description="Whether OCSP is asked about a certificate that no revocation list speaks for."
    )
    ocsp_url: str | None = Field(
        None, description="OCSP responder to ask. Default: the one that the certificate names."
    )
    ocsp_patience: Seconds = Field(
        10.0, description="Seconds that a batch waits for OCSP; an order that is still unknown then is held."
    )
    revocation_proxy: str | None = Field(
        None, description="HTTP proxy on the way to lists and responders. The environment is not asked."
    )
    signature_algorithms: Words = Field(
        ("ES256", "ES384", "PS256", "RS256"), description="Algorithms accepted; none beside these is known."
    )
    signature_max_age_days: int = Field(
        30, ge=1, description="Days that a signature may be old when it arrives."
    )
    signature_clock_skew: Seconds = Field(
        300.0, description="Seconds that a signature may be ahead when it arrives."
    )
    signature_unknown_revocation: Literal["hold", "refuse"] = Field(
        "hold", description="What becomes of an order when revocation cannot be known."
    )
    hsa_id_form: str = Field(
        r"SE(?:[0-9]{2})?[0-9]{10}-[0-9A-Z]{1,18}",
        description="Regular expression that the HSA-id in a certificate matches whole, in capital letters.",
    )
    test_hsa_ids: bool = Field(
        False,
        description="Whether the HSA-ids of SITHS test cards (`TSTNMT…`) are accepted too. Refused in production.",
    )
    certificate_policies: Words = Field(
        (), description="OIDs, one of which the certificate must carry. Default: no demand."
    )
    refused_policies: Words = Field((), description="OIDs, none of which the certificate may carry.")
    refused_issuers: Words = Field(
        ("Function CA",),
        description="Text in the name of an issuing authority whose certificates, of functions and not of people, "
        "never sign a decision.",
    )


class Ops(BaseSettings):
    """Seeing inside, and the console."""

    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="`auto`: readable in a terminal, JSON elsewhere."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least level that is logged."
    )
    health_host: str = Field("127.0.0.1", description="Address that answers /livez, /readyz and /metrics.")
    health_port: int | None = Field(None, ge=0, le=65535, description="Its port; 0 takes any, empty none.")
    health_silence: Seconds = Field(
        60.0, description="Seconds without a turn of the loop until /livez says so."
    )
    otlp_endpoint: str | None = Field(
        None, description="OpenTelemetry collector, OTLP over HTTP. Default: no traces."
    )
    console_host: str = Field("127.0.0.1", description="Address that the console listens on.")
    console_port: int = Field(8080, ge=0, le=65535, description="Its port.")
    console_certificate: Path | None = Field(
        None, description="PEM file of the console's certificate, when it takes TLS itself."
    )
    console_key: Path | None = Field(None, description="PEM file of its private key.")
    console_url: str | None = Field(
        None, description="Address that browsers use, for the way back from login."
    )
    docs_url: str | None = Field(
        None,
        pattern="^https?://[^/]+(/.*)?$",
        description="Address of this documentation as a site (`make docs`), for the console's links to the runbook.",
    )
    console_proxies: Words = Field(
        (),
        description="Addresses of the proxies whose `X-Forwarded-For` says where a browser is, by commas; for counting tries.",
    )
    console_trial_links: bool = Field(
        False,
        description="One-time links on any address: for a container whose port is published on this machine alone.",
    )
    session_secret: SecretStr | None = Field(
        None, min_length=32, description="Secret of the console's session cookies, 32 characters at least."
    )
    oidc_issuer: str | None = Field(
        None, description="Issuer for the console's login. Default: a one-time link."
    )
    oidc_client_id: str | None = Field(None, description="Our client id there.")
    oidc_client_secret: SecretStr | None = Field(None, description="Our client secret there, if it has one.")
    oidc_role_claim: str = Field(
        "roles",
        min_length=1,
        description="Claim that holds viewer, operator, approver, auditor: a name, or a path by dots such as Keycloak's "
        "`realm_access.roles`.",
    )
    oidc_role_map: dict[
        str, Literal["viewer", "operator", "approver", "auditor", "rule_owner", "protected_identity"]
    ] = Field(
        default_factory=dict,
        description='What the claim\'s values mean here: `{"it-support": "operator"}`. Default: the roles\' own names.',
    )
    oidc_hsa_claim: str = Field("employeeHsaId", description="Claim that holds the operator's HSA-id.")
    oidc_unit_claim: str = Field(
        "healthCareUnitHsaId", description="Claim that holds the operator's unit, for the access log."
    )
    oidc_regions_claim: str | None = Field(
        None,
        description="Claim that binds a login to regions: lists, and what they lead to, show those alone. `*` binds to none; "
        "a login without the claim is refused. Default: no login is bound.",
    )
    oidc_region_map: dict[str, str] = Field(
        default_factory=dict,
        description='Regions by the words of that claim: `{"RK-1177": "kronoberg"}`. Default: the regions\' own names.',
    )
    oidc_units_claim: str | None = Field(
        None, description="The same for units, by HSA-id: those whose orders and tasks a login shows."
    )
    oidc_claims_from: Words = Field(
        ("id_token",),
        description="Where roles, HSA-id and unit are looked for, by commas and in this order: `id_token`, `access_token` "
        "(a JWT made for us), `userinfo`.",
    )
    oidc_scope: str = Field("openid", description="Scopes asked for at login.")
    oidc_acr: Words = Field(
        (),
        description="Levels of authentication (`acr`) of which the login must have one, by commas. Default: no demand.",
    )
    oidc_another_prompt: str = Field(
        "login",
        min_length=1,
        description="`prompt` that lets somebody else log in: `login`, or `select_account`.",
    )
    oidc_recheck: Seconds = Field(
        300.0,
        description="Seconds after which the issuer is asked again about a session. It ends when the issuer says no, and "
        "when the issuer is silent for as long again.",
    )
    oidc_clock_tolerance: float = Field(
        60.0,
        ge=0,
        le=600,
        description="Seconds by which the issuer's clock may be off before what it says is refused. More lets an old token "
        "live so much longer; mend the clock instead where you can.",
    )
    session_idle: Seconds = Field(1800.0, description="Seconds without a request until the console logs out.")
    session_longest: Seconds = Field(28_800.0, description="Seconds until it logs out in any case.")
    operators: Path | None = Field(
        None,
        description="JSON file of root's with the HSA-id of each account that runs commands, by the kernel's user id: "
        '`{"1001": "SE…"}`, or `{"1001": {"hsa_id": "SE…", "roles": ["protected_identity"]}}` for whoever may be shown people '
        "with protected identity; `regions` and `units` (HSA-ids) bind an account as claims bind a login. Needed in production by commands that act or look at somebody.",
    )
    operator_keys: Path | None = Field(
        None,
        description="Folder with each operator's signing key, `<HSA-id>.key` (PKCS#8, PEM) and `<HSA-id>.pem` "
        "(certificates, own first), for phone orders. Default: none can be entered.",
    )
    operator_key_password: SecretStr | None = Field(None, description="Password of those keys.")
    api_host: str = Field("127.0.0.1", description="Address that the decision API listens on.")
    api_port: int = Field(8082, ge=0, le=65535, description="Its port; never the console's.")
    api_issuer: str | None = Field(None, description="Issuer of the decision API's access tokens.")
    api_audience: str = Field("sigill-decisions", description="Audience that they must name.")
    api_jwks_url: str | None = Field(None, description="Address of the issuer's keys.")
    api_jwks_file: Path | None = Field(
        None, description="File with the issuer's keys, instead of an address."
    )
    api_clients: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="Rights of client certificates, by subject (RFC 4514) or SHA-256 in hex: "
        '`{"CN=journalen,O=…": ["access:decide"]}`.',
    )
    api_client_ca: Path | None = Field(
        None, description="PEM file of the authority that clients must prove, when the API itself takes TLS."
    )
    api_certificate: Path | None = Field(None, description="PEM file of the API's own certificate.")
    api_key: Path | None = Field(None, description="PEM file of its private key.")
    api_proxies: Words = Field(
        (),
        description="Addresses of the proxies whose `Client-Cert` (RFC 9440) is believed, and whose `X-Forwarded-For` says "
        "which address refusals are counted by, by commas.",
    )
    api_account_questions: int = Field(
        120_000,
        ge=1000,
        description="Questions that one account may ask in a minute, in this process; a batch counts each of its own.",
    )
    api_address_refusals: int = Field(
        600,
        ge=1,
        description="Requests in a minute from one address that do not prove who sends them, after which it is told 429 "
        "instead of 401. Whoever proves it is answered.",
    )
    api_development: bool = Field(
        False, description="Make a key at start and print one token; on a loopback address only, for trials."
    )
    api_copies: int = Field(50_000, ge=1, description="Patients whose facts are kept in memory, at most.")
    api_lanes: int = Field(2, ge=1, le=32, description="Store transactions of the API side by side.")


class Audit(BaseSettings):
    """The audit chains' heads, published outside the database."""

    audit_key: Path | None = Field(
        None,
        description="PEM file of the EC key (P-256) that signs them. Default: one that dies with the process; "
        "needed in production.",
    )


class OwnerFigures(BaseSettings):
    """What the figures for the owner show."""

    statistics_threshold: int = Field(
        5,
        ge=2,
        le=100,
        description="Counts from 1 below this are left out of statistics, and what would tell them.",
    )
    statistics_months: Literal[3, 4, 6, 12] = Field(
        3,
        description="Months of each period that statistics are of: 3, 4, 6 or 12. A small region takes more. Set it once: periods "
        "of two lengths tell small counts by subtraction.",
    )


class Retention(BaseSettings):
    """How long what is kept, and by which disposal decision (gallringsbeslut) it is destroyed. Without one: never."""

    outbox_retention_days: int = Field(30, ge=1, description="Days that published events stay in the outbox.")
    outbox_disposal: str | None = Field(
        None, description="Disposal decision for published events in the outbox" + _DECISION
    )
    evidence_retention_days: int = Field(
        3650,
        ge=366,
        description="Days that signed orders and their receipts are kept, after the last measure that rests on them.",
    )
    evidence_disposal: str | None = Field(
        None, description="Disposal decision for signed orders and their receipts" + _DECISION
    )
    archive_folder: Path | None = Field(
        None,
        description="Folder in which the archive package of each signed order is made before the order is destroyed. "
        "Without one no signed order is.",
    )
    access_log_retention_days: int = Field(
        1830, ge=1827, description="Days that the access log is kept: five years at least (HSLF-FS 2016:40)."
    )
    access_log_disposal: str | None = Field(
        None, description="Disposal decision for the access log" + _DECISION
    )
    dead_letter_retention_days: int = Field(
        365, ge=1, description="Days that the bytes of dead letters are kept, once they are dealt with."
    )
    dead_letter_disposal: str | None = Field(
        None, description="Disposal decision for the bytes of dead letters" + _DECISION
    )
    person_retention_days: int = Field(
        3650, ge=1, description="Days after a person's death until the person is erased."
    )
    person_disposal: str | None = Field(
        None, description="Disposal decision for persons long dead" + _DECISION
    )
    timer_retention_days: int = Field(
        731,
        ge=366,
        description="Days that timers are kept, once they are over; those of a measure once that has ended, too.",
    )
    timer_disposal: str | None = Field(
        None, description="Disposal decision for timers that are over" + _DECISION
    )
    task_retention_days: int = Field(
        3650, ge=366, description="Days that operators' tasks are kept, once they are ticked off or closed."
    )
    task_disposal: str | None = Field(
        None, description="Disposal decision for tasks that are over" + _DECISION
    )
    inbox_disposal: str | None = Field(
        None,
        description=f"`{NEVER}`, or nothing, which is the same: what says of each order that it was taken has no end. A signed order "
        "that is sent again would else be carried out once more, however old.",
    )

    @field_validator(
        "outbox_disposal",
        "evidence_disposal",
        "access_log_disposal",
        "dead_letter_disposal",
        "person_disposal",
        "timer_disposal",
        "task_disposal",
    )
    @classmethod
    def _is_a_decision(cls, cited: str | None) -> str | None:
        return None if cited is None else disposal_decision(cited)

    @field_validator("inbox_disposal")
    @classmethod
    def _has_no_end(cls, cited: str | None) -> str | None:
        """Refuse any end: signed orders do not expire, so that whoever sends one again must be told `duplicate` for ever."""
        if cited is not None and cited.strip() not in ("", NEVER):
            msg = f"has no end: a signed order that is sent again would be carried out a second time; leave it out, or say {NEVER}"
            raise ValueError(msg)
        return cited


GROUPS: tuple[type[BaseSettings], ...] = (
    General, Database, Kafka, Work, PatientKeys, IdentityNumbers, Signatures, Ops, Audit, OwnerFigures, Retention,
)  # fmt: skip


class Settings(
    General,
    Database,
    Kafka,
    Work,
    PatientKeys,
    IdentityNumbers,
    Signatures,
    Ops,
    Audit,
    OwnerFigures,
    Retention,
):
    """All settings, checked together. Frozen; secrets do not show in its `repr`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True, hide_input_in_errors=True
    )

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        problems = [*self._pairs_missing(), *self._unfit_for_production(), *self._files_missing()]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @property
    def test_numbers(self) -> bool:
        """Whether invented people's identity numbers are taken, whose check digit is wrong."""
        return self.environment != "production"

    def _pairs_missing(self) -> list[str]:
        problems = []
        if self.rulebook_source == "store" and self.rulebooks is not None:
            problems.append(
                "rulebooks: not read where the rules come from the store; unset it, or rulebook_source"
            )
        if self.kafka_security_protocol.startswith("SASL") and not (
            self.kafka_sasl_username and self.kafka_sasl_password
        ):
            problems.append("kafka_sasl_username: needed, with its password, for SASL")
        problems.extend(
            f"{kind}_certificate: certificate and key go together"
            for kind in ("kafka", "database", "api", "console")
            if bool(getattr(self, f"{kind}_certificate")) != bool(getattr(self, f"{kind}_key"))
        )
        if self.patient_keys and self.patient_key_version not in self.patient_keys:
            problems.append(f"patient_key_version: {self.patient_key_version} is not among the patient keys")
        if self.console_port and self.console_port == self.api_port:
            problems.append("api_port: the decision API has a port of its own, another than the console's")
        if self.database_pool_min > self.database_pool_max:
            problems.append("database_pool_min: larger than database_pool_max")
        if unknown := set(self.oidc_claims_from) - {"id_token", "access_token", "userinfo"}:
            problems.append(f"oidc_claims_from: unknown {', '.join(sorted(unknown))}")
        if not self.oidc_claims_from:
            problems.append("oidc_claims_from: one of id_token, access_token, userinfo is needed")
        if unknown := set(self.signature_algorithms) - {"ES256", "ES384", "PS256", "RS256"}:
            problems.append(f"signature_algorithms: unknown {', '.join(sorted(unknown))}")
        try:
            re.compile(self.hsa_id_form)
        except re.error as error:
            problems.append(f"hsa_id_form: no regular expression ({error})")
        return problems

    def _unfit_for_production(self) -> list[str]:
        if self.environment != "production":
            return []
        demands = {
            "clock_file: not in production": self.clock_file is None,
            "kill_point: not in production": self.kill_point is None,
            "audience: names the development system": not self.audience.endswith("/development"),
            "kafka_security_protocol: SSL or SASL_SSL in production": self.kafka_security_protocol
            in ("SSL", "SASL_SSL"),
            "kafka_check_hostname: not to be turned off in production": self.kafka_check_hostname,
            "database_tls: verify-full (or verify-ca) in production": self.database_tls
            in ("verify-full", "verify-ca"),
            "api_development: not in production": not self.api_development,
            "trust_anchors: needed in production": bool(self.trust_anchors),
            "test_hsa_ids: not in production": not self.test_hsa_ids,
        }
        return [problem for problem, met in demands.items() if not met]

    def _files_missing(self) -> list[str]:
        named: dict[str, tuple[Path | None, ...]] = {
            name: (getattr(self, name),)
            for name in (
                "database_ca", "database_certificate", "database_key",
                "kafka_ca", "kafka_certificate", "kafka_key", "clock_file", "api_jwks_file", "audit_key",
                "api_client_ca", "api_certificate", "api_key", "console_certificate", "console_key",
            )
        }  # fmt: skip
        named |= {
            name: getattr(self, name)
            for name in ("trust_anchors", "trust_intermediates", "time_stamp_anchors", "crl_folders")
        }
        return [
            f"{name}: {path} does not exist"
            for name, paths in named.items()
            for path in paths
            if path and not path.exists()
        ]

    def group(self, worker: str) -> str:
        """Return the consumer group of a worker."""
        return f"{self.kafka_group_prefix}.{worker}"

    def topic(self, name: str) -> str:
        """Return a topic's name on this cluster."""
        return f"{self.kafka_topic_prefix}{name}"

    def database_dsn(self, *, migrations: bool = False) -> str:
        """Return the connection URL with its password. Never log it."""
        url = (migrations and self.database_migration_url) or self.database_url
        parts = urlsplit(url.get_secret_value())
        if self.database_password and not parts.password and not (migrations and self.database_migration_url):
            user = quote(parts.username or "sigill", safe="")
            password = quote(self.database_password.get_secret_value(), safe="")
            host = parts.netloc.rpartition("@")[2]
            parts = parts._replace(netloc=f"{user}:{password}@{host}")
        return urlunsplit(parts)

    def database_ssl(self) -> ssl.SSLContext | Literal["prefer", "disable"]:
        """Return what asyncpg takes as `ssl`."""
        if self.database_tls in ("disable", "prefer"):
            return "disable" if self.database_tls == "disable" else "prefer"
        context = tls_context(self.database_ca, self.database_certificate, self.database_key, None)
        context.check_hostname = self.database_tls == "verify-full"
        if self.database_tls == "require":
            context.verify_mode = ssl.CERT_NONE
        return context


def tls_context(
    ca: Path | None, certificate: Path | None, key: Path | None, key_password: SecretStr | None
) -> ssl.SSLContext:
    """Return a client's TLS context (1.2 or later); without `ca` the system's authorities are believed."""
    context = ssl.create_default_context(cafile=str(ca) if ca else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate and key:
        password = key_password.get_secret_value() if key_password else None
        context.load_cert_chain(certificate, key, password)
    return context


def load_settings(**given: Any) -> Settings:
    """
    Read the settings from the environment and the secrets folder; `given` overrides both (for tests).

    Raises `WrongSettings` with one line for each wrong setting, and for each `SIGILL_*` variable unknown.
    """
    lines = []
    folder = os.environ.get("SIGILL_SECRETS_DIR")
    if folder and not Path(folder).is_dir():
        raise WrongSettings([f"SIGILL_SECRETS_DIR: {folder} is not a folder"])
    for name in sorted(os.environ):
        known = name.removeprefix(PREFIX).lower() in Settings.model_fields or NOT_SETTINGS.fullmatch(name)
        if name.startswith(PREFIX) and not known:
            lines.append(f"{name}: there is no such setting")
    try:
        settings = Settings(_secrets_dir=folder, **given)
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False, include_context=False):
            lines.extend(_lines(problem["loc"], problem["msg"]))
    except SettingsError as error:
        found = re.search(r'field "(\w+)"', str(error))
        lines.append(f"{PREFIX}{(found[1] if found else 'settings').upper()}: is not valid JSON")
    if lines:
        raise WrongSettings(lines)
    return settings


def settings_or_exit() -> Settings:
    """Read the settings, or print one line for each wrong one on stderr and exit with status 2."""
    try:
        return load_settings()
    except WrongSettings as error:
        print(error, file=sys.stderr)  # noqa: T201 (nothing is set up to log with yet)
        raise SystemExit(2) from None


def _lines(place: tuple[int | str, ...], message: str) -> list[str]:
    message = message.removeprefix("Value error, ")
    if place:
        return [f"{PREFIX}{str(place[0]).upper()}: {message}"]
    named = (line.partition(": ") for line in message.splitlines())
    return [f"{PREFIX}{name.upper()}: {why}" for name, _, why in named]
