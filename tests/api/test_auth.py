"""Who may ask: tokens, certificates, and nothing by default."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey, KeySet, OctKey

from sigill.runtime.clock import FixedClock
from sigill.runtime.settings import load_settings
from sigill.web.api.server import guards_of, listener
from sigill.web.http.authentication import Certificates, Guards, Keys, NotConfigured, Tokens, read_keys
from tests.kit.decision_api import AUDIENCE, BODY, ISSUER, RULES, START, Issuer, StoredPopulation, listening


async def status(
    api: httpx.AsyncClient, token: str | None, path: str = "/v1/access/decisions", **body: Any
) -> int:
    api.headers.pop("Authorization", None)
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    answer = await api.post(path, json={**BODY, **body}, headers=headers)
    if answer.status_code != 200:
        assert answer.headers["content-type"] == "application/problem+json"
    if answer.status_code == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer ")
    return answer.status_code


async def test_a_token_with_the_scope_is_let_in(api: httpx.AsyncClient, issuer: Issuer) -> None:
    assert await status(api, issuer.token("access:decide")) == 200


async def test_without_a_token_nothing_is_told(api: httpx.AsyncClient) -> None:
    assert await status(api, None) == 401


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://other.invalid"},
        {"aud": "another"},
        {"aud": None},
        {"exp": int(START.timestamp()) - 60},
        {"exp": None},
        {"nbf": int(START.timestamp()) + 600},
        {"sub": None},
        {"sub": ""},
        {"exp": True},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"nbf": float("-inf")},
        # an ID token, a refresh token and a logout token of the same issuer, for us
        {"at_hash": "x"},
        {"typ": "ID"},
        {"typ": "Refresh"},
        {"typ": "Logout"},
        {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}},
    ],
    ids=lambda wrong: "-".join(f"{name}={value}" for name, value in wrong.items()),
)
async def test_a_token_with_a_wrong_claim_is_refused(
    api: httpx.AsyncClient, issuer: Issuer, wrong: dict[str, Any]
) -> None:
    assert await status(api, issuer.token("access:decide", **wrong)) == 401


async def test_a_token_of_another_key_is_refused(api: httpx.AsyncClient, issuer: Issuer) -> None:
    other = ECKey.generate_key("P-256", {"kid": "k1"})
    assert await status(api, issuer.token("access:decide", key=other)) == 401


async def test_no_algorithm_and_symmetric_ones_are_refused(api: httpx.AsyncClient, issuer: Issuer) -> None:
    good = issuer.token("access:decide")
    _, claims, _ = good.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').rstrip(b"=").decode()
    assert await status(api, f"{none}.{claims}.") == 401
    for rubbish in ("x", "a.b.c", "a" * 20_000, f"{none}.{claims}.AAAA"):
        assert await status(api, rubbish) == 401


async def test_a_token_that_was_believed_is_not_believed_after_its_end(
    population: StoredPopulation, api: httpx.AsyncClient, issuer: Issuer
) -> None:
    token = issuer.token("access:decide", exp=int(START.timestamp()) + 60)
    assert await status(api, token) == 200
    population.clock.advance(timedelta(seconds=120))
    assert await status(api, token) == 401


async def test_each_operation_asks_for_its_scope(api: httpx.AsyncClient, issuer: Issuer) -> None:
    decide, explain, operator = (issuer.token(s) for s in ("access:decide", "access:explain", "operator"))
    assert await status(api, explain) == 403
    assert await status(api, decide, explain=True) == 403
    assert await status(api, operator, explain=True) == 200
    picture = {"json": {"patient": BODY["patient"], "purpose": "x"}}
    for token, expected in ((decide, 403), (explain, 404), (operator, 404)):
        headers = {"Authorization": f"Bearer {token}"}
        answer = await api.post("/v1/persons/access", headers=headers, **picture)
        assert answer.status_code == expected


async def test_new_keys_of_the_issuer_are_fetched_when_a_token_names_one() -> None:
    old, new = Issuer(), Issuer()
    new.key = ECKey.generate_key("P-256", {"kid": "k2"})
    documents = [old.jwks]
    keys = Keys(lambda: documents[-1], least_pause=0)
    assert [k.kid for k in (await keys.current("k1")).keys] == ["k1"]
    documents.append(new.jwks)
    assert [k.kid for k in (await keys.current("k1")).keys] == ["k1"]
    assert [k.kid for k in (await keys.current("k2")).keys] == ["k2"]
    assert keys.generation == 2


async def test_an_unknown_key_id_does_not_make_us_fetch_again_and_again() -> None:
    fetched = []
    issuer = Issuer()
    keys = Keys(lambda: fetched.append(1) or issuer.jwks)  # type: ignore[func-returns-value]
    for n in range(50):
        await keys.current(f"made-up-{n}")
    assert len(fetched) == 1


def test_symmetric_keys_are_never_taken() -> None:
    secret = OctKey.generate_key(256, {"kid": "s"})
    with pytest.raises(ValueError, match="no key"):
        read_keys(json.dumps(KeySet([secret]).as_dict(private=True)).encode())


@pytest.mark.parametrize(
    "odd",
    [
        {"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA"},
        {"kty": "OKP", "crv": "X25519", "x": "AA"},
        {"kty": "RSA", "n": 7, "e": "AQAB"},
        {"kty": "EC", "crv": "P-256", "x": "!", "y": "AA"},
        {"kty": "EC"},
        "nonsense",
        None,
    ],
)
def test_an_odd_key_costs_nobody_but_itself(odd: Any) -> None:
    good = ECKey.generate_key("P-256", {"kid": "good"})
    listed = {"keys": [odd, *KeySet([good]).as_dict(private=False)["keys"]]}
    assert [key.kid for key in read_keys(json.dumps(listed).encode()).keys] == ["good"]
    with pytest.raises(ValueError, match="no key"):
        read_keys(json.dumps({"keys": [odd]}).encode())


async def test_keys_that_cannot_be_fetched_are_a_passing_trouble(
    population: StoredPopulation, issuer: Issuer
) -> None:
    def broken() -> bytes:
        raise OSError

    from sigill.operations.decision_service import DecisionService
    from sigill.web.api.routes import create_app

    tokens = Tokens(Keys(broken), issuer=ISSUER, audience=AUDIENCE, clock=population.clock)
    async with DecisionService(population.store, RULES, population.clock, instance="test") as desk:
        transport = httpx.ASGITransport(app=create_app(desk, Guards([tokens])))
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as api:
            assert await status(api, issuer.token("access:decide")) == 503


async def test_nothing_starts_without_a_way_to_prove_who_asks() -> None:
    async with httpx.AsyncClient() as http:
        with pytest.raises(NotConfigured, match="SIGILL_API_ISSUER"):
            guards_of(load_settings(), FixedClock(START), http)
        with pytest.raises(NotConfigured, match="JWKS"):
            guards_of(load_settings(api_issuer=ISSUER), FixedClock(START), http)
        with pytest.raises(NotConfigured, match="CLIENT_CA"):
            guards_of(load_settings(api_clients={"CN=x": ("access:decide",)}), FixedClock(START), http)
        with pytest.raises(NotConfigured, match="unknown scope"):
            Certificates({"CN=x": ("everything",)})


async def test_the_development_mode_is_for_a_loopback_address_only() -> None:
    said: list[str] = []
    async with httpx.AsyncClient() as http:
        guards_of(load_settings(api_development=True), FixedClock(START), http, said.append)
        assert len(said) == 1
        with pytest.raises(NotConfigured, match="loopback"):
            guards_of(
                load_settings(api_development=True, api_host="0.0.0.0"),
                FixedClock(START),
                http,
                said.append,
            )
    assert len(said) == 1


def _certificates(folder: Path) -> dict[str, Path]:
    """An authority, the server's certificate and two clients', as PEM files."""
    from datetime import UTC, datetime
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    now = datetime.now(UTC)  # noqa: TID251 - the TLS library reads the machine's clock

    def made(name: str, issuer: tuple[Any, Any] | None) -> tuple[Any, Any]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer[0].subject if issuer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        if issuer:
            builder = builder.add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer[1].public_key()), critical=False
            )
        else:
            usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
            builder = builder.add_extension(usage, critical=True)
        return builder.sign(issuer[1] if issuer else key, hashes.SHA256()), key

    ca = made("authority", None)
    files = {}
    for name in ("authority", "server", "journalen", "stranger"):
        certificate, key = ca if name == "authority" else made(name, ca)
        files[name] = folder / f"{name}.pem"
        files[name].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files[f"{name}_key"] = folder / f"{name}.key"
        files[f"{name}_key"].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
    return files


async def test_a_client_certificate_is_proven_by_our_own_listener(
    population: StoredPopulation, tmp_path: Path
) -> None:
    """Over real TLS: the one with rights is let in, the stranger is not, and nobody comes without one."""
    import ssl

    files = _certificates(tmp_path)
    settings = load_settings(
        api_port=0,
        api_clients={"CN=journalen": ("access:decide",)},
        api_client_ca=files["authority"],
        api_certificate=files["server"],
        api_key=files["server_key"],
    )
    async with listening(settings, population) as port:
        url = f"https://127.0.0.1:{port}"
        for name, expected in (("journalen", 200), ("stranger", 403)):
            context = ssl.create_default_context(cafile=str(files["authority"]))
            context.load_cert_chain(files[name], files[f"{name}_key"])
            async with httpx.AsyncClient(verify=context) as client:
                answer = await client.post(f"{url}/v1/access/decisions", json=BODY)
                assert answer.status_code == expected, answer.text
        context = ssl.create_default_context(cafile=str(files["authority"]))
        async with httpx.AsyncClient(verify=context) as client:
            with pytest.raises(httpx.TransportError):
                await client.post(f"{url}/v1/access/decisions", json=BODY)


async def test_a_certificate_in_a_header_is_believed_from_a_named_proxy_only(
    population: StoredPopulation, tmp_path: Path
) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    from sigill.operations.decision_service import DecisionService
    from sigill.web.api.routes import create_app

    certificate = x509.load_pem_x509_certificate(_certificates(tmp_path)["journalen"].read_bytes())
    field = f":{base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()}:"
    guard = Certificates({"CN=journalen": ("access:decide",)}, proxies=("10.0.0.1",))
    async with DecisionService(population.store, RULES, population.clock, instance="test") as desk:
        app = create_app(desk, Guards([guard]))
        for host, value, expected in (
            ("10.0.0.1", field, 200),
            ("10.0.0.2", field, 401),
            ("10.0.0.1", "nonsense", 401),
            ("10.0.0.1", ":AAAA:", 401),
            # a proxy that adds its own behind the caller's: nobody knows which is which
            ("10.0.0.1", (field, field), 401),
        ):
            transport = httpx.ASGITransport(app=app, client=(host, 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
                answer = await client.post(
                    "/v1/access/decisions",
                    json=BODY,
                    headers=[("Client-Cert", one) for one in ((value,) if isinstance(value, str) else value)],
                )
                assert answer.status_code == expected


def test_a_listener_for_certificates_needs_one_of_its_own(tmp_path: Path) -> None:
    files = _certificates(tmp_path)
    settings = load_settings(api_client_ca=files["authority"])
    with pytest.raises(NotConfigured, match="SIGILL_API_CERTIFICATE"):
        listener(settings)
