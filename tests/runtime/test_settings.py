"""Settings: one line for each wrong one, no secret shown, and a page that cannot drift."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path

import pytest

from sigill.devtools.reference_pages import drifted
from sigill.runtime.settings import Settings, WrongSettings, load_settings, settings_or_exit

KEY = base64.b64encode(b"k" * 32).decode()


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("SIGILL_"):
            monkeypatch.delenv(name)


def lines(monkeypatch: pytest.MonkeyPatch, **environment: str) -> tuple[str, ...]:
    for name, value in environment.items():
        monkeypatch.setenv(f"SIGILL_{name}", value)
    with pytest.raises(WrongSettings) as wrong:
        load_settings()
    return wrong.value.lines


def test_nothing_needs_to_be_set_for_a_first_look() -> None:
    settings = load_settings()
    assert settings.environment == "development"
    assert settings.group("intake") == "sigill.intake"


def test_each_wrong_setting_has_one_line_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = lines(
        monkeypatch,
        BATCH_SIZE="many",
        DATABASE_TLS="always",
        PATIENT_KEYS='{"v1": "c2VjcmV0"}',
        KAFKA_BOOTSTRAP_SERVER="x:1",
    )
    assert [line.split(":")[0] for line in sorted(found)] == [
        "SIGILL_BATCH_SIZE", "SIGILL_DATABASE_TLS", "SIGILL_KAFKA_BOOTSTRAP_SERVER", "SIGILL_PATIENT_KEYS",
    ]  # fmt: skip
    assert "there is no such setting" in next(line for line in found if "BOOTSTRAP" in line)


def test_what_does_not_fit_together_is_told_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found = lines(
        monkeypatch,
        ENVIRONMENT="production",
        KAFKA_SECURITY_PROTOCOL="SASL_SSL",
        DATABASE_CERTIFICATE="/nowhere.pem",
        CLOCK_FILE="/nowhere",
    )
    assert [line.split(":")[0].removeprefix("SIGILL_") for line in found] == [
        "KAFKA_SASL_USERNAME", "DATABASE_CERTIFICATE", "CLOCK_FILE", "AUDIENCE", "DATABASE_TLS", "TRUST_ANCHORS",
        "DATABASE_CERTIFICATE", "CLOCK_FILE",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KAFKA_SECURITY_PROTOCOL", "PLAINTEXT"),
        ("KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT"),
        ("KAFKA_CHECK_HOSTNAME", "false"),
        ("DATABASE_TLS", "disable"),
        ("DATABASE_TLS", "prefer"),
        ("DATABASE_TLS", "require"),
    ],
)
def test_production_refuses_connections_that_anybody_in_between_could_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str
) -> None:
    fit = {
        "ENVIRONMENT": "production",
        "AUDIENCE": "sigill/production",
        "TRUST_ANCHORS": str(tmp_path),
        "KAFKA_SECURITY_PROTOCOL": "SSL",
        "DATABASE_TLS": "verify-full",
    }
    for one, given in fit.items():
        monkeypatch.setenv(f"SIGILL_{one}", given)
    assert load_settings().environment == "production"
    found = lines(monkeypatch, **{name: value})
    assert f"SIGILL_{name}" in [line.split(":")[0] for line in found]


def test_a_short_session_secret_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = lines(monkeypatch, SESSION_SECRET="hunter2" * 4)
    assert line.startswith("SIGILL_SESSION_SECRET: ")
    assert "32" in line
    assert "hunter2" not in line


@pytest.mark.parametrize("value", ['{"v1": "not base64 at all!"}', '{"v1": "aHVudGVyMg=="}', "{hunter2"])
def test_no_secret_stands_in_an_error(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SIGILL_PATIENT_KEYS", value)
    with pytest.raises(WrongSettings) as wrong:
        load_settings(database_url="postgresql://u:hunter2@h/db", database_pool_min=0)
    assert any("SIGILL_PATIENT_KEYS" in line for line in wrong.value.lines)
    for secret in ("hunter2", "aHVudGVyMg", "not base64 at"):
        assert secret not in str(wrong.value)


def test_no_secret_stands_in_the_settings_own_picture() -> None:
    settings = load_settings(
        patient_keys={"v1": KEY}, database_password="hunter2", kafka_sasl_password="hunter3"
    )  # type: ignore[arg-type]
    assert KEY not in repr(settings)
    assert "hunter" not in f"{settings!r}{settings}{settings.model_dump_json()}"
    assert settings.patient_secrets() == {"v1": b"k" * 32}


def test_secrets_come_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sigill_database_password").write_text("p@ss/word\n")
    monkeypatch.setenv("SIGILL_SECRETS_DIR", str(tmp_path))
    settings = load_settings(database_url="postgresql://sigill@db:5432/sigill")
    assert settings.database_dsn() == "postgresql://sigill:p%40ss%2Fword@db:5432/sigill"
    monkeypatch.setenv("SIGILL_SECRETS_DIR", str(tmp_path / "missing"))
    assert "is not a folder" in lines(monkeypatch)[0]


def test_lists_are_written_with_commas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGILL_TRUST_ANCHORS", f"{tmp_path}, {tmp_path}")
    monkeypatch.setenv("SIGILL_HEALTH_PORT", "")
    settings = load_settings()
    assert settings.trust_anchors == (tmp_path, tmp_path)
    assert settings.health_port is None


def test_a_wrong_start_prints_lines_and_ends_with_status_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIGILL_BATCH_SIZE", "0")
    with pytest.raises(SystemExit) as stopped:
        settings_or_exit()
    assert stopped.value.code == 2
    assert capsys.readouterr().err == "SIGILL_BATCH_SIZE: Input should be greater than or equal to 1\n"


@pytest.mark.parametrize("page", ["settings", "metrics"])
def test_the_written_pages_have_not_drifted(page: str) -> None:
    assert not drifted(page)
    done = subprocess.run(
        [sys.executable, "-m", "sigill.devtools.reference_pages", page, "--check"], check=False
    )
    assert done.returncode == 0


def test_every_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
