"""The documentation: it builds strictly, every link leads somewhere, and what it says of commands is so."""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from sigill.importing.table import HEADINGS
from sigill.policy.rulebook import RuleEntry
from sigill.policy.sentences import NOTICE

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id"):
            self.ids.add(str(given["id"]))
        for name in ("href", "src"):
            if given.get(name):
                self.links.append(str(given[name]))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, _Page]:
    """Every page of the built site."""
    folder = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "-q",
        "-f",
        "infra/docs/mkdocs.yml",
        "-d",
        str(folder),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    pages = {}
    for path in folder.rglob("*.html"):
        pages[path] = _Page()
        pages[path].feed(path.read_text("utf-8"))
    return pages


def test_every_link_leads_somewhere(site: dict[Path, _Page]) -> None:
    lost = []
    for path, page in site.items():
        if path.name == "404.html":
            continue
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or not (parts.path or parts.fragment):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            if not target.exists() or (
                parts.fragment and target in site and unquote(parts.fragment) not in site[target].ids
            ):
                lost.append((path.name, link))
    assert lost == []


def test_nothing_is_fetched_from_elsewhere_when_a_page_is_read(site: dict[Path, _Page]) -> None:
    for path in site:
        text = path.read_text("utf-8")
        loaded = re.findall(r'<(?:script|img)[^>]+src="(https?:[^"]+)"', text)
        loaded += re.findall(r'<link[^>]+rel="stylesheet"[^>]+href="(https?:[^"]+)"', text)
        assert loaded == [], path.name


def test_every_make_target_that_a_page_names_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    pages = [*DOCS.glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    named = {
        name
        for page in pages
        for name in re.findall(r"`make ([a-z-]+)`|^make ([a-z-]+)", page.read_text("utf-8"), re.MULTILINE)
    }
    assert {one or other for one, other in named} <= targets


def test_every_command_that_a_page_names_is_there() -> None:
    from sigill.cli import _COMMANDS

    pages = [*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    for page in pages:
        for name in re.findall(r"(?:^|`|\| )sigill ([a-z]+)", page.read_text("utf-8"), re.MULTILINE):
            assert name in _COMMANDS, (page.name, name)


def test_the_import_page_has_every_column() -> None:
    text = (DOCS / "import.md").read_text("utf-8")
    assert all(f"`{column}`" in text for column in HEADINGS)


def test_the_rulebook_page_explains_every_clause() -> None:
    text = (DOCS / "rulebook.md").read_text("utf-8")
    silent = {"id", "cites", "forms", "when", "otherwise", "remind_days"}
    assert [name for name in RuleEntry.model_fields if name not in silent and f"`{name}`" not in text] == []


def test_decisions_are_numbered_and_say_good_and_bad() -> None:
    records = sorted((DOCS / "decisions").glob("0*.md"))
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    index = (DOCS / "decisions" / "index.md").read_text("utf-8")
    for path in records:
        text = path.read_text("utf-8")
        assert all(f"**{part}.**" in text for part in ("Context", "Decision", "Good", "Bad")), path.name
        assert f"({path.name})" in index


def test_every_alert_has_its_page() -> None:
    """Alert names of the rules, where there are rules, and those of the pages are the same."""
    pages = {}
    for path in (DOCS / "runbook").glob("*.md"):
        text = path.read_text("utf-8")
        if found := re.match(r"# (Sigill\w+)", text):
            pages[found[1]] = text
            assert all(
                part in text
                for part in ("**What it says.**", "**What it means for people.**", "## Do", "## Done when")
            )
    rules = [path.read_text("utf-8") for path in (ROOT / "infra" / "observability").rglob("*.y*ml")]
    alerts = {name for text in rules for name in re.findall(r"alert:\s*(\w+)", text)}
    assert alerts <= set(pages)


def test_the_copy_for_reading_is_not_kept() -> None:
    assert shutil.which("git") is None or "site/" in (ROOT / ".gitignore").read_text()


def test_the_page_on_letters_says_what_every_notice_says() -> None:
    page = (ROOT / "docs" / "breven.md").read_text(encoding="utf-8")
    missing = [code for code, text in NOTICE.items() if f"| `{code.value}` | {text.sv} |" not in page]
    assert missing == []
