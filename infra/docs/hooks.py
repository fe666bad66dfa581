"""
What the site takes from where it is written: the messages' catalogue with examples and schemas, CONTRIBUTING, the
changelog; and pictures, drawn when the site is built.

A link from a page to a file of the repository that the site does not hold becomes the file's path, if there is such
a file; else it is left as it is, and the strict build fails on it.
"""

import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))

import pictures  # noqa: E402

_PAGES = {
    "contributing.md": "CONTRIBUTING.md",
    "security.md": "SECURITY.md",
    "changelog.md": "CHANGELOG.md",
    "reference/messages.md": "contracts/README.md",
}
"""Page of the site → file of the repository that it is."""
_FOLDERS = {"reference/examples": "contracts/examples", "reference/schemas": "contracts/schemas"}
_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")


def on_config(config: Any) -> Any:
    """Let a page of docs/ that the navigation does not name appear under Inside; leave out what is not written yet."""
    named = str(config["nav"])
    inside = next(part["Inside"] for part in config["nav"] if "Inside" in part)
    inside[:] = [entry for entry in inside if _written(next(iter(entry.values())))]
    inside += [path.name for path in sorted((ROOT / "docs").glob("*.md")) if f"'{path.name}'" not in named]
    return config


def _written(page: str) -> bool:
    return page not in _PAGES or (ROOT / _PAGES[page]).exists()


def on_files(files: Files, config: Any) -> Files:
    """Add the pages and files that are written elsewhere, and the pictures."""
    for page, source in _PAGES.items():
        if (ROOT / source).exists():
            text = (ROOT / source).read_text("utf-8")
            files.append(File.generated(config, page, content=text))
    for folder, source in _FOLDERS.items():
        for path in sorted((ROOT / source).rglob("*")):
            if path.is_file():
                name = f"{folder}/{path.relative_to(ROOT / source).as_posix()}"
                files.append(File.generated(config, name, content=path.read_bytes()))
    asyncapi = ROOT / "contracts" / "asyncapi.yaml"
    files.append(File.generated(config, "reference/asyncapi.yaml", content=asyncapi.read_bytes()))
    for name, drawing in pictures.ALL.items():
        files.append(File.generated(config, f"pictures/{name}.svg", content=drawing()))
    return files


def on_page_markdown(markdown: str, page: Any, files: Files, **_: Any) -> str:
    """Turn links out of the site into links inside it, or into paths."""
    source = _PAGES.get(page.file.src_uri)
    base = (ROOT / source).parent if source else ROOT / "docs" / Path(page.file.src_uri).parent
    inside = {(ROOT / path).resolve(): uri for uri, path in _PAGES.items()}

    def turned(match: re.Match[str]) -> str:
        text, target, anchor = match[1], match[2], match[3] or ""
        if re.match(r"[a-z]+:", target):
            return match[0]
        path = (base / target).resolve()
        if path in inside:
            return f"[{text}]({_from(page.file.src_uri, inside[path])}{anchor})"
        if path.is_relative_to(ROOT / "docs") and files.get_file_from_path(
            str(path.relative_to(ROOT / "docs"))
        ):
            return f"[{text}]({_from(page.file.src_uri, str(path.relative_to(ROOT / 'docs')))}{anchor})"
        for folder, origin in _FOLDERS.items():
            if path.parent == ROOT / origin and path.exists():
                return f"[{text}]({_from(page.file.src_uri, f'{folder}/{path.name}')})"
        if path.name == "asyncapi.yaml" and path.exists():
            return f"[{text}]({_from(page.file.src_uri, 'reference/asyncapi.yaml')})"
        if path.exists() and path.is_relative_to(ROOT):
            name = str(path.relative_to(ROOT))
            return f"`{name}`" if text.strip("`") in (name, Path(name).name) else f"{text} (`{name}`)"
        return match[0]

    return _LINK.sub(turned, markdown)


def _from(page: str, target: str) -> str:
    return "../" * page.count("/") + target
