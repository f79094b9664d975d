"""Each worker keeps to a processor of its own, and gives it back when it ends."""

import os
import subprocess
import sys
from pathlib import Path

from infra.processes.affinity import processors

WORKER = (
    "import os, sys; from pathlib import Path; from infra.processes.affinity import keep_to_one;"
    " kept = keep_to_one(Path(sys.argv[1]));"
    " print(kept, sorted(os.sched_getaffinity(0)), flush=True); sys.stdin.read()"
)


def worker(folder: Path) -> tuple["subprocess.Popen[str]", str]:
    """Returns a worker that runs until it is told to end, and what it said."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_no_two_share_one_and_who_ends_leaves_its_own(tmp_path: Path) -> None:
    mine = processors()
    workers = [worker(tmp_path) for _ in mine]
    try:
        assert [said for _, said in workers] == [f"{one} [{one}]" for one in mine]
        late, said = worker(tmp_path)
        late.communicate()
        assert said == f"None {mine}"
        workers.pop(0)[0].communicate()
        workers.append(worker(tmp_path))
        assert workers[-1][1] == f"{mine[0]} [{mine[0]}]"
    finally:
        for process, _ in workers:
            process.communicate()
    assert sorted(os.sched_getaffinity(0)) == mine
