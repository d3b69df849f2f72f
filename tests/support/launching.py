"""Steps that are executed by several processes."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PROGRAM = """
import pickle, sys
from pathlib import Path
from framework.evidence.store import RunStore
from runners.execute import execute
from runners.progress import Silent
from tests.support.killing import Killed

root = Path(sys.argv[1])
step = pickle.loads((root / "step.pickle").read_bytes())
after = int(sys.argv[2])
execute(step, RunStore(root / "runs"), root, Killed(after) if after else Silent())
"""


def launched(step: Any, root: Path, count: int, runs: Sequence[Path] = (), killed_after: int = 0) -> Path:
    """Execute a step on so many processes, joined over the loopback device, and return its run folder.

    ``runs`` are those that it builds on. With ``killed_after`` all of them die by SIGKILL after so many steps.
    """
    root.mkdir(exist_ok=True)
    for run in runs:
        shutil.copytree(run, root / "runs" / run.name)
    (root / "step.pickle").write_bytes(pickle.dumps(step))
    (root / "program.py").write_text(PROGRAM)
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count), "program.py", str(root)]
    command.append(str(killed_after))
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(
        [sys.executable, *command], cwd=root, env=environment, capture_output=True, text=True, timeout=240
    )
    assert (ended.returncode == 0) == (killed_after == 0), ended.stderr[-2000:]
    known = {run.name for run in runs}
    (folder,) = (path.parent for path in (root / "runs").glob("*/record.json") if path.parent.name not in known)
    return folder
