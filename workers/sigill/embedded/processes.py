"""
Child processes that never outlive their parent, free ports, the cache folder, progress on stderr.

A server started here has a *leash*: a small shell that waits for the parent's end of a pipe to close, which
the kernel does however the parent dies, and then kills the server and removes its folder.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

_stderr = Console(stderr=True, highlight=False)


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody listens on at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cache_dir() -> Path:
    """Return (and make) the folder that keeps what was fetched once: `$XDG_CACHE_HOME/sigill`."""
    home = os.environ.get("XDG_CACHE_HOME")
    folder = (Path(home) if home else Path.home() / ".cache") / "sigill"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def say(text: str) -> None:
    """Print one line for people on stderr. A terminal gets it broken between words, anything else in one piece."""
    _stderr.print(f"[dim]sigill[/dim] {text}", soft_wrap=not _stderr.is_terminal)


@contextlib.contextmanager
def progress(text: str) -> Iterator[None]:
    """Show that something is under way: a spinner in a terminal, one plain line anywhere else."""
    if not sys.stderr.isatty():
        say(text)
        yield
        return
    with _stderr.status(text):
        yield
    say(f"[green]✓[/green] {text}")


def private_folder(prefix: str, owner: int | None = None) -> Path:
    """Make a temporary folder that only `owner` (a user id; default: this process's) can read."""
    place = Path(tempfile.gettempdir())
    if owner is not None and not all(parent.stat().st_mode & 0o001 for parent in (place, *place.parents)):
        place = Path("/var/tmp")  # noqa: S108 (mkdtemp makes the name; the other place is closed to `owner`)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
    if owner is not None:
        os.chown(folder, owner, -1)
    return folder


class Leash:
    """Kills a process and removes its folder when this process ends, whatever ends it."""

    def __init__(self, pid: int, folder: Path | None) -> None:
        # "$1" may be gone already; the folder goes only after it, or the server would write into nothing
        script = (
            'cat >/dev/null; kill -9 "$1" 2>/dev/null; sleep 0.2; if [ -n "$2" ]; then rm -rf -- "$2"; fi'
        )
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", script, "leash", str(pid), str(folder or "")],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def drop(self) -> None:
        """Let go without killing: the server has ended in an orderly way."""
        self._shell.kill()
        self._shell.wait()
        if self._shell.stdin:
            self._shell.stdin.close()


def end(process: subprocess.Popen[bytes], signal_number: int, timeout: float) -> None:
    """Send a signal and wait `timeout` seconds; then SIGKILL. Returns when the process is gone."""
    if process.poll() is None:
        process.send_signal(signal_number)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def remove(folder: Path) -> None:
    """Remove a folder and what is in it; nothing to remove is no error."""
    shutil.rmtree(folder, ignore_errors=True)


def tail(file: Path, lines: int = 15) -> str:
    """Return a log's last lines, for an error that tells why a server did not start."""
    try:
        return "\n".join(file.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
