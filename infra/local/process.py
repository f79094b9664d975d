"""Child processes that never outlive us: started, recorded, found again, ended by identity.

Knows nothing of what it runs. A child gets a signal when its parent dies (`setpriv --pdeathsig`),
and a record of its pid and start time, so that one left behind is recognised and no stranger that
inherited its pid is ever ended. Start children from a thread that lives as long as they should:
Linux sends the death signal when the starting *thread* ends.
"""

import ctypes
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson
import psutil

LOOPBACK = "127.0.0.1"
LOG_LIMIT = 16 * 1024 * 1024


class StartFailed(RuntimeError):
    """A part did not come up; the message says which and where its log is."""


def free_port() -> int:
    """Returns a TCP port of the loopback address that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        port: int = listener.getsockname()[1]
        return port


def port_is_free(port: int, host: str = LOOPBACK) -> bool:
    """Returns whether a server could listen on `port` now."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError:
            return False
        return True


def listens(port: int) -> bool:
    """Returns whether a server accepts connections on `port` of the loopback address."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


def tied(argv: Sequence[str], death: signal.Signals, *more: str) -> list[str]:
    """Returns `argv` so that it gets `death` when its parent dies; `more` goes to setpriv."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return list(argv)
    return [setpriv, "--pdeathsig", death.name.removeprefix("SIG"), *more, "--", *argv]


def die_with_parent(death: signal.Signals) -> None:
    """Makes this process get `death` when its parent dies; for forks, which run no setpriv."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, int(death))


class Child:
    """One child process, its log `FOLDER/NAME.log` and its record `FOLDER/NAME.pid`."""

    def __init__(
        self, name: str, logs: Path, *, stop_signal: signal.Signals = signal.SIGTERM
    ) -> None:
        self.name = name
        self.log = logs / f"{name}.log"
        self.record = logs / f"{name}.pid"
        self.stop_signal = stop_signal
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, argv: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Starts `argv` (made by `tied`), after ending one left behind by an earlier parent."""
        self.end_leftover()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C reaches only the supervisor, which stops in order.
            self.process = subprocess.Popen(  # noqa: S603
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(environment) if environment is not None else None,
                start_new_session=True,
            )
        born = psutil.Process(self.process.pid).create_time()
        record = {"pid": self.process.pid, "born": born, "stop_signal": int(self.stop_signal)}
        self.record.write_bytes(orjson.dumps(record))

    @property
    def pid(self) -> int:
        """Process id of the running child; 0 if it never ran."""
        return self.process.pid if self.process else 0

    def alive(self) -> bool:
        """Returns whether the child runs now."""
        return self.process is not None and self.process.poll() is None

    def check(self) -> None:
        """Raises StartFailed if the child has ended."""
        if not self.alive():
            raise StartFailed(f"{self.name} ended while starting; see {self.log}")

    def signal_stop(self) -> None:
        """Asks the child to stop and returns at once."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.stop_signal)

    def stop(self, seconds: float = 8.0) -> None:
        """Asks the child to stop, waits up to `seconds`, then kills it."""
        if self.process is None:
            return
        self.signal_stop()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.record.unlink(missing_ok=True)

    def end_leftover(self, seconds: float = 10.0) -> None:
        """Ends the child of an earlier parent that was killed, if it still runs and is that one."""
        try:
            record = orjson.loads(self.record.read_bytes())
            left = psutil.Process(record["pid"])
            if abs(left.create_time() - record["born"]) < 0.05:
                left.send_signal(record["stop_signal"])
                _, still = psutil.wait_procs([left], timeout=seconds)
                for process in still:
                    process.kill()
                psutil.wait_procs(still, timeout=seconds)
        except (OSError, ValueError, KeyError, psutil.NoSuchProcess):
            pass
        self.record.unlink(missing_ok=True)
