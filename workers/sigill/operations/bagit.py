"""
Archive packages as BagIt bags (RFC 8493): files under `data/`, each with its SHA-256 in a manifest.

Any archive's tool can check such a bag; so can `sha256sum -c manifest-sha256.txt`. Written beside and renamed into
place, so that a bag under its name is whole. Left over: whoever may write the folder may write another bag
with manifests that fit; the digests in the audit chain are what that does not fit.
"""

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath

from sigill.policy.calendar import swedish_date

_DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_MANIFEST, _TAGS = "manifest-sha256.txt", "tagmanifest-sha256.txt"
_LINE = re.compile(r"(?P<digest>[0-9a-f]{64})  (?P<path>[^\r\n]+)")


def write_bag(folder: Path, files: Mapping[str, bytes], info: Mapping[str, str], at: datetime) -> None:
    """
    Write a bag; one that stands there already is replaced. Readable by its owner only: it holds personal data.

    `files` are named relative to `data/`; `info` goes into bag-info.txt; `at` (UTC) is told as a Swedish date.
    """
    payload = {f"data/{name}": content for name, content in sorted(files.items())}
    size = sum(len(content) for content in payload.values())
    told = {
        "Bagging-Date": swedish_date(at).isoformat(),
        **info,
        "Payload-Oxum": f"{size}.{len(payload)}",
    }
    tags = {
        "bagit.txt": _DECLARATION,
        "bag-info.txt": "".join(f"{name}: {value}\n" for name, value in told.items()).encode(),
        _MANIFEST: _manifest(payload),
    }
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(mode=0o700)  # and each level below by itself: a mode does not reach parents
    (made / "data").mkdir(mode=0o700)
    for name, content in {**payload, **tags, _TAGS: _manifest(tags)}.items():
        path = made / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(path, "xb", opener=_only_the_owner) as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
    for inside in (*(path for path in made.rglob("*") if path.is_dir()), made):
        _keep_names(inside)
    if folder.exists():
        gone = folder.with_name(f".{folder.name}.{os.getpid()}.old")
        folder.rename(gone)
        made.rename(folder)
        shutil.rmtree(gone)
    else:
        made.rename(folder)
    _keep_names(folder.parent)


def _keep_names(folder: Path) -> None:
    """Make the names in a folder outlive the machine: what a bag stands for may be destroyed at once."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that keeps names by itself, or cannot say
            raise
    finally:
        os.close(number)


def holds(folder: Path, files: Mapping[str, bytes]) -> bool:
    """Whether a bag with exactly these files stands there and is whole."""
    manifest = folder / _MANIFEST
    expected = _manifest({f"data/{name}": content for name, content in sorted(files.items())})
    return manifest.is_file() and manifest.read_bytes() == expected and not check_bag(folder)


def digest_of(folder: Path) -> str:
    """SHA-256 (hex) of a bag's tag manifest, which binds every file in it: `sha256sum tagmanifest-sha256.txt`."""
    return hashlib.sha256((folder / _TAGS).read_bytes()).hexdigest()


def check_bag(folder: Path) -> list[str]:
    """Return what is wrong with a bag, by file; an empty list: whole."""
    faults: list[str] = []
    if not (folder / "bagit.txt").is_file() or (folder / "bagit.txt").read_bytes() != _DECLARATION:
        faults.append("bagit.txt: missing, or not of version 1.0")
    faults += [f"{path}: a link" for path in _inside(folder) if (folder / path).is_symlink()]
    listed: set[str] = set()
    for name in (_MANIFEST, _TAGS):
        found, wrong = _check_manifest(folder, name)
        listed |= found
        faults += wrong
    there = {path for path in _inside(folder) if (folder / path).is_file()}
    faults += [f"{path}: not in the manifest" for path in sorted(there - listed - {_TAGS})]
    return faults


def _check_manifest(folder: Path, name: str) -> tuple[set[str], list[str]]:
    try:
        text = (folder / name).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return set(), [f"{name}: missing or unreadable"]
    listed: set[str] = set()
    faults: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        match = _LINE.fullmatch(line)
        if match is None or not _safe(match["path"]):
            faults.append(f"{name}: line {number} cannot be read")
            continue
        path = match["path"]
        listed.add(path)
        file = folder / path
        if not file.is_file():
            faults.append(f"{path}: missing")
        elif hashlib.sha256(file.read_bytes()).hexdigest() != match["digest"]:
            faults.append(f"{path}: changed")
    return listed, faults


def _safe(path: str) -> bool:
    pure = PurePosixPath(path)
    return not pure.is_absolute() and ".." not in pure.parts and "\\" not in path


def _inside(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def _manifest(files: Mapping[str, bytes]) -> bytes:
    return "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items()
    ).encode()


def _only_the_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
