"""Types out of the contracts by the generator that people use (Modelina), in four languages."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sigill_contracts.json_schema import message_name
from sigill_contracts.topics import RECEIPTS

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "infra" / "asyncapi" / "models"
MESSAGES = {"Receipt", "AccessChange", "Notification", "PersonRecord", "StaffRecord", "UnitRecord"}
ENDINGS = {"python": ".py", "java": ".java", "typescript": ".ts", "csharp": ".cs"}

pytestmark = pytest.mark.recipes


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts beside the installed generator."""
    for tool in ("node", "npm"):
        assert shutil.which(tool), f"{tool} is not here"
    work = tmp_path_factory.mktemp("asyncapi") / "infra" / "asyncapi" / "models"
    shutil.copytree(MODELS, work, ignore=shutil.ignore_patterns("node_modules"))
    shutil.copytree(ROOT / "contracts" / "schemas", work.parents[2] / "contracts" / "schemas")
    _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], work)
    return work


def _run(command: list[str], cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("language", ENDINGS)
def test_the_document_makes_a_type_of_every_message(generator: Path, tmp_path: Path, language: str) -> None:
    document = ROOT / "contracts" / "asyncapi.yaml"
    made = json.loads(_run(["node", "generate.mjs", language, str(document), str(tmp_path)], generator))
    assert set(made) >= MESSAGES
    assert len(made) >= 40
    assert {path.stem for path in tmp_path.glob(f"*{ENDINGS[language]}")} == set(made)
    receipt = (tmp_path / f"Receipt{ENDINGS[language]}").read_text()
    assert re.search(r"order_?id", receipt, re.IGNORECASE)
    if language == "python":
        _run([sys.executable, "-m", "compileall", "-q", str(tmp_path)], tmp_path)


def test_a_form_makes_types_from_its_schema(generator: Path, tmp_path: Path) -> None:
    schema = ROOT / "contracts" / "schemas" / "order.v1.json"
    made = json.loads(_run(["node", "generate.mjs", "typescript", str(schema), str(tmp_path)], generator))
    assert set(made) >= {"SignedForm", "PersonRef", "StaffRef"}


def test_the_c_sharp_types_are_those_of_the_schemas(generator: Path, tmp_path: Path) -> None:
    _run(["node", "csharp.mjs", str(tmp_path)], generator)
    shipped = ROOT / "docs" / "examples" / "csharp"
    for name in ("SignedForm.cs", "Receipt.cs"):
        assert (tmp_path / name).read_text() == (shipped / name).read_text()
    receipt = json.loads((ROOT / f"contracts/schemas/{message_name(RECEIPTS)}.v1.json").read_text())
    for field in receipt["properties"]:
        assert f'[JsonPropertyName("{field}")]' in (shipped / "Receipt.cs").read_text()
