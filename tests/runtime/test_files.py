"""Files that only whoever runs the program may read."""

import os
import threading
from pathlib import Path

import pytest

from sigill.runtime.files import write_private


@pytest.mark.parametrize("before", [None, 0o644, 0o400])
def test_a_private_file_is_its_owners_alone_also_where_one_was_there(
    before: int | None, tmp_path: Path
) -> None:
    """`touch(mode=0o600)` left the mode of a file that was there: a letter could be read by everybody."""
    file = tmp_path / "letter.pdf"
    if before is not None:
        file.write_bytes(b"older and longer than what comes")
        file.chmod(before)
        opened = file.open("rb")  # whoever has the old one open reads the old one
    write_private(file, b"new")
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"new", 0o600)
    assert [one.name for one in tmp_path.iterdir()] == ["letter.pdf"]
    if before is not None:
        assert opened.read() == b"older and longer than what comes"
        opened.close()


def test_a_link_is_followed_and_a_pipe_is_written_to(tmp_path: Path) -> None:
    real, link, pipe = tmp_path / "real", tmp_path / "link", tmp_path / "pipe"
    link.symlink_to(real)
    write_private(link, b"through")
    assert (link.is_symlink(), real.read_bytes(), real.stat().st_mode & 0o777) == (True, b"through", 0o600)
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_private(pipe, b"piped")
    reader.join(10)
    assert (read, pipe.is_fifo()) == ([b"piped"], True)
