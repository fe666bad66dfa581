"""The workers of a run end with the run, whatever ends it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

RUN = """
import sys, time
from pathlib import Path
from sigill.scenario.live import Workers
sys.executable = sys.argv[1]
Workers({}, Path(sys.argv[2])).start()
time.sleep(60)
"""


def test_workers_do_not_outlive_a_killed_run(tmp_path: Path) -> None:
    pipe, worker = tmp_path / "pipe", tmp_path / "worker"
    os.mkfifo(pipe)
    worker.write_text(
        f"#!{sys.executable}\nimport time\n"
        f"with open({str(pipe)!r}, 'w') as out:\n"
        "    print('up', file=out, flush=True)\n    time.sleep(20)\n    print('outlived it', file=out)\n"
    )
    worker.chmod(0o700)
    run = subprocess.Popen([sys.executable, "-c", RUN, str(worker), str(tmp_path / "log")])
    with pipe.open() as said:
        assert said.readline() == "up\n"
        run.kill()
        run.wait()
        assert said.read() == ""
