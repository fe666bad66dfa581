"""
The signing recipes that vendors copy (docs/examples/signing), run as they stand; what they sign is let in.

Each needs its language's own tools and packages, and takes seconds to minutes: `pytest -m recipes` runs them, and what is
not here is skipped by name.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from lxml import etree

from sigill.devtools.authority import DevAuthority, Holder
from sigill.runtime.clock import SystemClock
from sigill.trust import RevocationSnapshot, TrustPolicy, Verdict, verify
from sigill.trust.form_xml import xml_of
from tests.kit.signed_forms import FORM, SIGNER

pytestmark = pytest.mark.recipes

RECIPES = Path(__file__).parents[2] / "docs/examples/signing"
PASSWORD = "throw-away"
NOW = SystemClock().now()


@dataclass(frozen=True)
class Card:
    """A throw-away card in the files that the recipes read."""

    ca: DevAuthority
    holder: Holder
    folder: Path

    @property
    def json(self) -> Path:
        return self.folder / "form.json"

    @property
    def xml(self) -> Path:
        return self.folder / "form.xml"

    def judged(self, signed: Path, content_type: str) -> Verdict:
        policy = TrustPolicy(anchors=self.ca.anchors, intermediates=self.ca.intermediates)
        return verify(
            signed.read_bytes(),
            content_type,
            policy=policy,
            evidence=RevocationSnapshot.read(self.ca.crls(NOW - timedelta(hours=1))),
            arrived_at=SystemClock().now(),
        )


@pytest.fixture(scope="module", params=["P-256", "RSA-2048"])
def card(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Card:
    ca = DevAuthority.create(NOW)
    holder = ca.staff(SIGNER, key=request.param)
    folder = tmp_path_factory.mktemp("card")
    chain = (holder.certificate, *holder.chain)
    (folder / "key.pem").write_bytes(
        holder.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    (folder / "chain.pem").write_bytes(b"".join(c.public_bytes(serialization.Encoding.PEM) for c in chain))
    (folder / "card.p12").write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"card",
            holder.key,
            holder.certificate,
            holder.chain,
            serialization.BestAvailableEncryption(PASSWORD.encode()),
        )
    )
    (folder / "form.json").write_text(json.dumps(FORM, ensure_ascii=False), encoding="utf-8")
    (folder / "form.xml").write_bytes(etree.tostring(xml_of(FORM), xml_declaration=True, encoding="UTF-8"))
    return Card(ca, holder, folder)


def need(*tools: str) -> None:
    """Skip where a language's tools are not here."""
    for tool in tools:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not here")


def run(command: Sequence[str | Path], cwd: Path | None = None, **environment: str) -> None:
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=480,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


def java(main: str, *arguments: str | Path) -> None:
    need("java", "mvn")
    pom = RECIPES / "java" / "pom.xml"
    words = " ".join(str(a) for a in arguments)
    run(
        [
            "mvn",
            "-q",
            "-B",
            "-f",
            pom,
            "compile",
            "exec:java",
            f"-Dexec.mainClass={main}",
            f"-Dexec.args={words}",
        ]
    )


def let_in(card: Card, signed: Path, content_type: str) -> None:
    verdict = card.judged(signed, content_type)

    assert verdict.reasons == ()
    assert verdict.proven
    assert verdict.payload is not None
    assert json.loads(verdict.payload) == FORM
    assert [signer.hsa_id for signer in verdict.signers] == [SIGNER]


@pytest.mark.parametrize(
    ("how", "content_type"),
    [
        ("jades-compact", "application/jose"),
        ("jades-json", "application/jose+json"),
        ("jades-flattened", "application/jose+json"),
        ("xades", "application/xml"),
    ],
)
def test_the_eu_library(card: Card, how: str, content_type: str):
    out = card.folder / f"dss-{how}"
    form = card.xml if how == "xades" else card.json

    java("DssSign", how, card.folder / "card.p12", PASSWORD, form, out)

    let_in(card, out, content_type)


@pytest.mark.parametrize("main", ["Xades4jSign", "JdkSign"])
def test_xades_from_java(card: Card, main: str):
    out = card.folder / f"{main}.xml"

    java(main, card.folder / "card.p12", PASSWORD, card.xml, out)

    let_in(card, out, "application/xml")


def test_node(card: Card):
    need("node", "npm")
    work = card.folder / "node"
    shutil.copytree(RECIPES / "node", work, ignore=shutil.ignore_patterns("node_modules"), dirs_exist_ok=True)
    run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=work)
    out = card.folder / "node.jose"

    run(["node", work / "sign.mjs", card.folder / "key.pem", card.folder / "chain.pem", card.json, out])

    let_in(card, out, "application/jose")


def test_go(card: Card):
    need("go")
    out = card.folder / "go.json"

    run(
        ["go", "run", ".", card.folder / "key.pem", card.folder / "chain.pem", card.json, out],
        cwd=RECIPES / "go",
        GOFLAGS="-mod=readonly",
    )

    let_in(card, out, "application/jose+json")


def test_python(card: Card):
    out = card.folder / "python.jose"

    run(
        [
            sys.executable,
            RECIPES / "python" / "sign.py",
            card.folder / "key.pem",
            card.folder / "chain.pem",
            card.json,
            out,
        ]
    )

    let_in(card, out, "application/jose")
