"""The house itself: what must stand in it, and what must stand nowhere in it."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from sigill.devtools import acls
from sigill.runtime.settings import GROUPS, PREFIX, Settings
from sigill.runtime.worker_specs import EVERY_WORKER, WORKER_SPECS
from sigill_contracts.topics import TOPICS, WORKERS

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))


def _files() -> list[Path]:
    """Everything that is committed, or about to be, and is text."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    ).stdout.decode()
    if not listed:
        pytest.skip("not a checkout")
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def _texts() -> list[tuple[Path, str]]:
    found = []
    for path in _files():
        try:
            found.append((path.relative_to(ROOT), path.read_text("utf-8")))
        except UnicodeDecodeError:
            continue
    return found


def test_every_topic_has_a_consumer_that_is_deployed() -> None:
    """Ours in docker-compose.yml; a system outside by its right to read."""
    deployed = {word for service in COMPOSE["services"].values() for word in service.get("command", ())}
    readers = {(acl.name, acl.principal) for acl in acls.acls() if acl.operation == "READ"}
    for spec in TOPICS:
        assert spec.read_by, f"nobody reads {spec.name}"
        for reader in spec.read_by:
            if reader in WORKERS:
                assert reader in deployed, (
                    f"{spec.name} is read by {reader}, which docker-compose.yml does not run"
                )
            else:
                assert (spec.name, reader) in readers, f"{reader} may not read {spec.name}"


def test_the_workers_that_topics_name_are_those_of_the_table_each_as_a_role_of_the_database() -> None:
    assert set(EVERY_WORKER) == WORKERS
    roles = (ROOT / "infra/roles.sql").read_text("utf-8")
    for worker in WORKER_SPECS.values():
        assert f"'{worker.role}'" in roles, worker.name
        assert not set(worker.looks_at) & {spec.name for spec in worker.reads}, worker.name


def test_every_worker_that_writes_or_reads_is_deployed_as_itself() -> None:
    services = COMPOSE["services"]
    for worker in WORKERS:
        assert services[worker]["command"] == ["worker", worker]
        url = services[worker]["environment"]["SIGILL_DATABASE_URL"]
        assert url.startswith(f"postgresql://{worker}@"), f"{worker} logs in to PostgreSQL as another"


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs/settings.md").read_text("utf-8")
    for name, field in Settings.model_fields.items():
        assert f"{PREFIX}{name.upper()}" in page, f"{name} is not in docs/settings.md"
        assert field.description, f"{name} has no sentence"
        assert field.description.endswith((".", "`", "…")), f"{name}: its sentence does not end"
    assert {name for group in GROUPS for name in group.model_fields} == set(Settings.model_fields)


def test_every_setting_that_is_named_anywhere_exists() -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    others = re.compile(r"SIGILL_(TEST|SCENARIO|REQUIRE|SECRETS|BENCH|CHAOS|FAULT|DEMO|EXAMPLE|LANGUAGE)\w*")
    wrong = {
        f"{path}: {name}"
        for path, text in _texts()
        if path.suffix in {".md", ".yml", ".yaml", ".sh", ".toml"} or path.name in {"Dockerfile", "Makefile"}
        for name in re.findall(r"\bSIGILL_[A-Z0-9_]*[A-Z0-9]\b", text)
        if name not in known and not others.fullmatch(name)
    }
    assert wrong == set()


#: Put together here, so that this file does not name what nobody may name.
FORBIDDEN = {
    "a path of the machine it was built on": re.compile("/" + r"work/(shared|main|\.)|/" + r"home/[a-z]+/|/" + "Users/[A-Za-z]"),
    "a host that packages come from": re.compile(
        "(?i)" + "|".join(("files" + r"\.pythonhosted", "pypi" + r"\.org/simple", "artifact" + "ory", r"nexus\.[a-z]", "index" + "-url *=", "registry" + r"\.npmjs", "proxy" + r"\.golang", "repo" + r"[0-9]?\.maven"))
    ),
    "a private key": re.compile("-----BEGIN (EC |RSA |ENCRYPTED )?PRIVATE" + " KEY-----\n[A-Za-z0-9+/=\n]{40}"),
    "something left for later": re.compile(r"\b(TO" + "DO|FIX" + "ME|XX" + r"X)\b"),
}  # fmt: skip


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_names(what: str) -> None:
    texts = _texts()
    assert len(texts) > 300
    found = [
        f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]!r}"
        for path, text in texts
        if not (what == "a host that packages come from" and path.name in {"test_house.py"})
        for match in FORBIDDEN[what].finditer(text)
    ]
    assert found == []


def test_the_check_can_fail() -> None:
    planted = {
        "a path of the machine it was built on": "see /" + "work/shared/x",
        "a host that packages come from": "https://files" + ".pythonhosted.org/x",
        "a private key": "-----BEGIN PRIVATE" + " KEY-----\n" + "A" * 44,
        "something left for later": "# TO" + "DO: later",
    }
    assert {what for what, text in planted.items() if FORBIDDEN[what].search(text)} == set(FORBIDDEN)


def test_every_number_in_the_house_is_nobodys() -> None:
    """An identity number that could be somebody's has a right check digit and is not of the tax agency's test series."""
    allowed = {
        "191212121212",
        "199001012385",
    }  # the number of every form's example, and one that belongs to nobody
    suspicious = set()
    for path, text in _texts():
        if path.suffix in {".lock", ".json", ".svg", ".js", ".jose"} or "vectors" in path.parts:
            continue
        for number in re.findall(r"(?<![\dA-Za-z.-])(?:19|20)\d{10}(?![\dA-Za-z])", text):
            if _could_be_somebodys(number) and number not in allowed:
                suspicious.add(f"{path}: {number}")
    assert suspicious == set()


def _could_be_somebodys(number: str) -> bool:
    month, day, serial = int(number[4:6]), int(number[6:8]), int(number[8:11])
    if not (1 <= month <= 12 and (1 <= day <= 31 or 61 <= day <= 91)):
        return False
    digits = [int(c) * (2 - place % 2) for place, c in enumerate(number[2:11])]
    right = -sum(d if d < 10 else d - 9 for d in digits) % 10 == int(number[11])
    return right and serial not in (238, 239) and serial < 980


def test_no_room_holds_more_than_an_eighth_of_the_program() -> None:
    root = ROOT / "workers/sigill"
    lines: dict[str, int] = {}
    for path in root.rglob("*.py"):
        room = path.relative_to(root).parts[0]
        lines[room] = lines.get(room, 0) + path.read_text("utf-8").count("\n")
    largest = max(lines, key=lambda room: lines[room])
    assert lines[largest] * 8 <= sum(lines.values()), (
        f"{largest} has {lines[largest]} of {sum(lines.values())}"
    )
