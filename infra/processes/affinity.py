"""Which processor a worker stays on.

The threads of a worker take turns at one interpreter lock. Where the kernel may put them on any
processor, what one leaves in a cache the next does not find in its own. So, where there is a worker
for each processor, each keeps to one of its own; where there are fewer workers, the kernel chooses:
several deployments on one machine would else all choose the same.
"""

import fcntl
import os
from pathlib import Path


def processors() -> list[int]:
    """Returns the processors that this process may run on."""
    return sorted(os.sched_getaffinity(0))


def keep_to_one(folder: Path) -> int | None:
    """Keeps this process, and threads that it starts from now on, to a processor that no other
    process took in `folder`; returns it, or None where all are taken.
    """
    for processor in processors():
        file = os.open(folder / f"processor-{processor}", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            continue
        # The file stays open: its lock goes with the process, and whoever comes in the place of a
        # worker that died finds its processor free.
        os.sched_setaffinity(0, {processor})
        return processor
    return None
