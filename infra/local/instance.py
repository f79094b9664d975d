"""The file that tells other commands where a running instance is, and the lock that keeps it one.

`DATA/instance.json` (mode 0600) holds the settings with their passwords, and the pids; it is there
while the instance runs. `lrs.settings.load` reads it.
"""

import fcntl
import os
from pathlib import Path
from typing import IO, Any

import orjson
import psutil

from lrs.settings import INSTANCE_FILE, Settings

LOCK_FILE = "instance.lock"


class AlreadyRunning(RuntimeError):
    """Another supervisor holds this data folder."""


def lock(data: Path) -> IO[bytes]:
    """Takes the data folder for this process until the returned file is closed.

    Raises AlreadyRunning, naming the other supervisor. The kernel releases the lock however that
    one ends.
    """
    file = (data / LOCK_FILE).open("a+b")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        pid = file.read().decode(errors="replace").strip()
        file.close()
        raise AlreadyRunning(f"{data} is in use by `lrs up` with pid {pid}") from error
    file.truncate(0)
    file.write(str(os.getpid()).encode())
    file.flush()
    return file


def write_private(file: Path, content: dict[str, Any]) -> None:
    """Writes JSON that only its owner may read, in one step."""
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(orjson.dumps(content, option=orjson.OPT_INDENT_2))
    fresh.replace(file)


def write(settings: Settings, pids: dict[str, int]) -> None:
    """Says where the instance of `settings.data` is."""
    values = settings.model_dump(mode="json", exclude_unset=True, exclude={"data"})
    write_private(
        settings.data / INSTANCE_FILE,
        {"settings": values, "pids": {"supervisor": os.getpid(), **pids}},
    )


def remove(data: Path) -> None:
    """Says that no instance runs in `data`."""
    (data / INSTANCE_FILE).unlink(missing_ok=True)


def running(data: Path) -> bool:
    """Returns whether the supervisor named in the instance file of `data` is alive."""
    file = data / INSTANCE_FILE
    if not file.exists():
        return False
    return psutil.pid_exists(orjson.loads(file.read_bytes())["pids"]["supervisor"])
