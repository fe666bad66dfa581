"""The API's description: committed, true, and held to by every answer (schemathesis, over a real socket)."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from sigill.runtime.settings import load_settings
from sigill.web.api.openapi_export import FILE, document, main, text
from sigill.web.api.problems import KINDS
from sigill.web.api.server import serve
from sigill_contracts.vocabulary import MeasureKind
from tests.kit.decision_api import AUDIENCE, ISSUER, RULES, Issuer, StoredPopulation

EXAMPLES = int(os.environ.get("SIGILL_TEST_SCHEMATHESIS", "15"))


def test_the_committed_description_is_the_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert main(["--check"]) == 0
    drifted = tmp_path / "openapi.json"
    drifted.write_text(text().replace("May this viewer", "May any viewer"))
    monkeypatch.setattr("sigill.web.api.openapi_export.FILE", drifted)
    assert main(["--check"]) == 1


def _examples(found: Any) -> list[Any]:
    return [example["value"] for example in found.get("examples", {}).values()]


def test_every_example_is_as_its_schema_says() -> None:
    api = document()
    seen = 0
    for path in api["paths"].values():
        for operation in path.values():
            contents = [operation.get("requestBody", {}).get("content", {})]
            contents += [answer.get("content", {}) for answer in operation["responses"].values()]
            for content in contents:
                for media in content.values():
                    schema = {**media["schema"], "components": api["components"]}
                    for example in _examples(media):
                        jsonschema.Draft202012Validator(schema).validate(example)
                        seen += 1
    assert seen > 30
    assert api["openapi"].startswith("3.1")


def test_every_problem_is_documented_somewhere() -> None:
    told = json.loads(FILE.read_text("utf-8"))
    named = {
        name
        for path in told["paths"].values()
        for operation in path.values()
        for answer in operation["responses"].values()
        for name in answer.get("content", {}).get("application/problem+json", {}).get("examples", {})
    }
    # what has no operation of its own: an unknown address, a method that an address does not take
    assert named == set(KINDS) - {"not-found", "wrong-method"}


async def test_no_request_brings_it_down_or_gets_an_answer_that_is_not_documented(
    population: StoredPopulation, issuer: Issuer, tmp_path: Path
) -> None:
    await population.person("gun", "1985-01-01")
    await population.person("vera", "2016-05-05", ["gun"])
    await population.measure("vera", MeasureKind.GUARDIAN_BLOCK, guardians=(population.ids["gun"],))
    keys = tmp_path / "jwks.json"
    keys.write_bytes(issuer.jwks)
    settings = load_settings(api_issuer=ISSUER, api_audience=AUDIENCE, api_jwks_file=keys, api_port=0)
    stop, port = asyncio.Event(), asyncio.get_running_loop().create_future()
    server = asyncio.create_task(
        serve(settings, population.store, RULES, population.clock, stop, listening=port.set_result)
    )
    url = f"http://127.0.0.1:{await asyncio.wait_for(port, 20)}"
    config = tmp_path / "schemathesis.toml"
    # a moment may lie in the future of all knowledge, or before 1900: no schema can say so
    config.write_text(
        f"[parameters]\nkey = '{population.key('vera')}'\n[checks]\n"
        "positive_data_acceptance.expected-statuses = ['2xx', '304', '404', '422']\n",
        "utf-8",
    )
    try:
        run = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("schemathesis")),
            *("--config-file", str(config), "run", f"{url}/v1/openapi.json", "--seed", "6"),
            *("--header", f"Authorization: Bearer {issuer.token('access:decide', 'access:explain')}"),
            *("--max-examples", str(EXAMPLES), "--phases", "examples,coverage,fuzzing", "--no-color"),
            *("--checks", "all", "--suppress-health-check", "all"),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        told, _ = await asyncio.wait_for(run.communicate(), 300)
        async with httpx.AsyncClient() as client:
            alive = await client.get(f"{url}/v1/openapi.json")
    finally:
        stop.set()
        await asyncio.wait_for(server, 20)
    print(told.decode()[-3000:])
    assert run.returncode == 0, told.decode()
    assert alive.status_code == 200
