"""Who runs a command, and whose key a phone order is signed with: nothing that somebody likes decides it."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from sigill.operations import identity
from sigill.operations.identity import (
    NotIdentified,
    account_of,
    bound_by_file,
    operator_hsa_id,
    operator_of,
)
from sigill.operations.operator_signing import KeyFolder, NoKey
from sigill.operations.operators import ConsoleRole, Operator
from sigill.runtime.settings import Settings
from sigill.store.console import Binding
from tests.kit.console import SECOND, write_keys
from tests.kit.senders import OPERATOR, Senders

UID = 61001


@pytest.fixture
def operators(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of root's, seen by an ordinary account."""
    monkeypatch.setattr(identity, "ROOT", os.getuid())
    monkeypatch.setattr(os, "getuid", lambda: UID)
    file = tmp_path / "operators.json"
    file.write_text(json.dumps({str(UID): " se2321000099-anna "}))
    file.chmod(0o644)
    return file


def test_the_kernels_user_id_says_who_it_is_and_no_variable_does(
    operators: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME", "SUDO_USER", "SUDO_UID"):
        monkeypatch.setenv(name, "bo")
    assert operator_of(Settings(operators=operators)) == "SE2321000099-ANNA"
    assert operator_of(Settings()) == f"cli:{UID}"
    monkeypatch.undo()
    monkeypatch.setenv("LOGNAME", "bo")
    assert operator_of(Settings()) == account_of(os.getuid())


def test_a_file_that_somebody_else_can_write_is_not_believed(
    operators: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    operators.chmod(0o664)
    with pytest.raises(NotIdentified, match="nobody else may write it"):
        operator_of(Settings(operators=operators))
    operators.chmod(0o644)
    monkeypatch.setattr(identity, "ROOT", identity.ROOT + 1)
    with pytest.raises(NotIdentified, match="must belong to root"):
        operator_of(Settings(operators=operators))


@pytest.mark.parametrize("content", ["", "[]", '{"61001": 1}', "{}", '{"61001": "anna"}', "\x00"])
def test_an_account_without_an_hsa_id_does_nothing(operators: Path, content: str) -> None:
    operators.write_text(content)
    with pytest.raises(NotIdentified, match="SIGILL_OPERATORS"):
        operator_of(Settings(operators=operators))


def test_root_is_nobody_and_production_asks_for_the_file(operators: Path) -> None:
    operators.write_text(json.dumps({str(UID): "SE2321000099-ANNA", str(identity.ROOT): "SE2321000099-ROOT"}))
    with pytest.raises(NotIdentified, match="nobody in particular"):
        operator_of(Settings(operators=operators))
    production = Settings().model_copy(update={"environment": "production"})
    for ask in (operator_of, bound_by_file):
        with pytest.raises(NotIdentified, match="needed in production"):
            ask(production)
    assert bound_by_file(Settings()) == Binding()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (" se2321000099-anna ", "SE2321000099-ANNA"), ("SE2321000099-ANNA", "SE2321000099-ANNA"), ("ANNA", None),
        ("SE162321000099-ANNA", "SE2321000099-ANNA"), ("", None), (None, None), ("SE2321000099-ANN\N{LATIN CAPITAL LETTER A WITH RING ABOVE}", None),
    ],
)  # fmt: skip
def test_an_hsa_id_has_one_spelling(text: str | None, found: str | None) -> None:
    assert operator_hsa_id(text, Settings()) == found


def test_a_key_signs_for_the_login_that_it_is_bound_to_and_for_no_other(
    senders: Senders, tmp_path: Path
) -> None:
    write_keys(senders, tmp_path)
    keys = KeyFolder(tmp_path)
    trial = Operator(OPERATOR, frozenset(ConsoleRole), OPERATOR)
    assert keys.of(trial).certificates
    login = replace(trial, issuer="https://login.region.example", subject="sub-1")
    with pytest.raises(NoKey, match="cannot be read"):
        keys.of(login)
    bound = {"issuer": "https://login.region.example", "sub": "sub-1"}
    (tmp_path / f"{OPERATOR}.login").write_text(json.dumps(bound))
    assert keys.of(login).certificates
    # the issuer gives somebody else that HSA-id, or another issuer the same subject
    for another in (replace(login, subject="sub-2"), replace(login, issuer="https://other.example")):
        with pytest.raises(NoKey, match="names another login"):
            keys.of(another)


def test_a_key_whose_certificate_names_another_signs_for_nobody(senders: Senders, tmp_path: Path) -> None:
    write_keys(senders, tmp_path)
    for ending in ("key", "pem"):
        (tmp_path / f"{SECOND}.{ending}").write_bytes((tmp_path / f"{OPERATOR}.{ending}").read_bytes())
    with pytest.raises(NoKey, match="another's"):
        KeyFolder(tmp_path).of(Operator(SECOND, frozenset(ConsoleRole), SECOND))
