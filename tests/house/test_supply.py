"""What Sigill is made of: locked by hash, named in a bill, asked about, and run by nobody in particular."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sigill.devtools.sbom import LOCKS as BILLS
from sigill.devtools.vulnerabilities import LOCKS, main, read

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "infra/docker/Dockerfile").read_text("utf-8")


def _locked(lock: str) -> dict[str, str]:
    """Each requirement of a lock with its hashes, its continuation lines joined and the comments gone."""
    text = re.sub(r"\\\n", " ", (ROOT / lock).read_text("utf-8"))
    lines = [line.strip() for line in text.splitlines()]
    return {line.split("==")[0]: line for line in lines if line and not line.startswith("#")}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_of_a_lock_has_one_version_and_hashes(lock: str) -> None:
    requirements = _locked(lock)
    assert len(requirements) > 50
    for name, line in requirements.items():
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z,-]+\])?==[^\s;]+", line), f"{name} is not pinned"
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", line), f"{name} has no hash"
        assert "--hash=md5" not in line
        assert "--hash=sha1" not in line


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_host_and_no_folder(lock: str) -> None:
    """Where it is fetched from is the machine's business, and the hashes hold wherever that is."""
    text = (ROOT / lock).read_text("utf-8")
    assert not re.search(r"https?://|git\+|file:|--(extra-)?index-url|--find-links|--trusted-host|@ ", text)


def test_what_runs_is_part_of_what_is_tested() -> None:
    runs, tested = _locked("requirements.lock"), _locked("requirements-dev.lock")
    versions = {name: line.split()[0] for name, line in tested.items()}
    assert {
        name: line.split()[0] for name, line in runs.items() if versions.get(name) != line.split()[0]
    } == {}


def test_the_bills_name_everything_that_is_locked(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "sigill.devtools.sbom", str(tmp_path)], check=True, cwd=ROOT)
    for bill, lock in BILLS.items():
        made = json.loads((tmp_path / bill).read_text("utf-8"))
        assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.6")
        assert made["metadata"]["component"]["name"] == "sigill"
        named = {component["name"].lower() for component in made["components"]}
        missing = {re.sub(r"\[.*", "", name).lower() for name in _locked(lock)} - named
        assert missing == set()
        # hashes, so that what is installed can be compared with what is told
        assert all(c.get("externalReferences") or c.get("hashes") for c in made["components"])


def test_a_vulnerability_fails_and_silence_is_never_taken_for_health(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hole = {
        "name": "jinja2",
        "version": "2.10",
        "vulns": [{"id": "CVE-2019-10906", "fix_versions": ["2.10.1"]}],
    }
    clean = {"name": "rich", "version": "15.0.0", "vulns": []}
    unknown = {"name": "left-pad", "skip_reason": "Dependency not found"}

    def answer(*packages: object) -> str:
        return json.dumps({"dependencies": packages, "fixes": []})

    bad = read("a.lock", 1, answer(hole, clean), "")
    assert bad.vulnerable == ("jinja2 2.10: CVE-2019-10906, fixed in 2.10.1",)
    assert read("a.lock", 0, answer(clean, unknown), "").skipped == ("left-pad",)
    assert not read("a.lock", 0, answer(unknown), "").reached, "knowing of no package is knowing nothing"
    silent = read("a.lock", 1, "", "requests.exceptions.ConnectionError: Max retries exceeded")
    assert not silent.reached
    with pytest.raises(RuntimeError, match="ended with 2"):
        read("a.lock", 2, "", "usage: pip-audit")

    monkeypatch.setattr("sigill.devtools.vulnerabilities.audit", lambda lock: bad)
    assert main([]) == 1
    monkeypatch.setattr("sigill.devtools.vulnerabilities.audit", lambda lock: silent)
    assert main([]) == 0
    assert "NOT AUDITED" in capsys.readouterr().err
    assert main(["--demand"]) == 3


def test_the_image_is_nobodys_and_installs_by_hash_alone() -> None:
    stages = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(stages) == 2
    for image in stages:
        assert re.fullmatch(r"[a-z0-9/.-]+:[0-9][\w.-]*(@sha256:[0-9a-f]{64})?", image), (
            f"{image}: not pinned"
        )
    last = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
    (user,) = re.findall(r"^USER (\S+)", last, re.MULTILINE)
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user), (
        "a number, so that an orchestrator can see that it is not root"
    )
    assert "--require-hashes" in DOCKERFILE
    assert not re.search(r"^(ADD|ENV .*(PASSWORD|SECRET|TOKEN))", DOCKERFILE, re.MULTILINE)
    assert "apt-get install" not in last
    assert "PYTHONDONTWRITEBYTECODE=1" in last, "its file system may be read-only"


def test_every_process_of_ours_runs_read_only_and_without_rights() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
    ours = {name: one for name, one in services.items() if str(one.get("image", "")).startswith("sigill")}
    assert len(ours) > 5
    for name, service in ours.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert "privileged" not in service, name
        for key, value in service["environment"].items():
            in_a_file = str(value).startswith("/run/secrets/")
            secret = re.search(r"PASSWORD|SECRET$|_KEYS?$", key)
            assert in_a_file or not secret, f"{name}: {key} belongs into a file"
            assert not re.search(r"://[^/@:]+:[^/@]+@", str(value)), f"{name}: {key} holds a password"
    for name, service in services.items():
        image = str(service.get("image", ""))
        assert not image.endswith(":latest"), name
        assert ":" in image, name


def test_the_page_of_licences_names_what_is_locked_and_a_licence_for_each() -> None:
    rows = re.findall(
        r"^\| (\S+) \| (\d[^|]*) \| ([^|]+) \| (yes|no) \|$",
        (ROOT / "docs/licences.md").read_text("utf-8"),
        re.M,
    )
    pinned: dict[str, set[str]] = {}
    for line in (ROOT / "requirements.lock").read_text("utf-8").splitlines():
        if found := re.match(r"([\w.-]+)(?:\[.*\])?==([^ ;\\]+)", line):
            pinned.setdefault(found[1], set()).add(found[2])
    assert {name: set(versions.strip().split(", ")) for name, versions, _, _ in rows} == pinned
    assert all(licence.strip() for _, _, licence, _ in rows)
    left_out = re.findall(r"pip uninstall -y (.+?) \\", DOCKERFILE)[0].split()
    assert set(left_out) <= {name for name, _, _, production in rows if production == "no"}
