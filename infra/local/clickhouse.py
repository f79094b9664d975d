"""ClickHouse on one machine: starts and stops the owner process of chDB (`clickhouse_front`).

`url` is what any ClickHouse HTTP client takes; who uses it cannot tell this from a server.
"""

import os
import secrets
import sys
import time
from http.client import HTTPConnection
from pathlib import Path
from signal import SIGTERM

from infra.local.clickhouse_front import USER
from infra.local.process import LOOPBACK, Child, StartFailed, free_port, tied


class ClickHouse:
    """One embedded engine in `folder`."""

    def __init__(self, folder: Path, port: int | None = None, logs: Path | None = None) -> None:
        self.folder = folder.absolute()
        self.port = port or 0
        self.child = Child("clickhouse", logs or self.folder, stop_signal=SIGTERM)
        self._password = ""

    @property
    def pid(self) -> int:
        """Process id of the owner process; 0 before `start()`."""
        return self.child.pid

    @property
    def url(self) -> str:
        """HTTP URL with user and password."""
        return f"http://{USER}:{self._password}@{LOOPBACK}:{self.port}"

    def start(self, seconds: float = 60.0) -> None:
        """Starts the owner process and waits until it answers.

        Raises StartFailed when it does not within `seconds`.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.child.end_leftover()
        file = self.folder / "password"
        if not file.exists():
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "w") as out:
                out.write(secrets.token_urlsafe(24))
        self._password = file.read_text()
        self.port = self.port or free_port()
        module = ("-m", "infra.local.clickhouse_front", str(self.folder), str(self.port))
        # In the server's zone of everything else, whatever the machine's is.
        environment = {**os.environ, "TZ": "UTC"}
        self.child.start(tied([sys.executable, *module], SIGTERM), environment)
        until = time.monotonic() + seconds
        while not self._answers():
            self.child.check()
            if time.monotonic() > until:
                self.stop()
                raise StartFailed(f"ClickHouse does not answer; see {self.child.log}")
            time.sleep(0.05)

    def stop(self, seconds: float = 8.0) -> None:
        """Stops the owner process; what was inserted stays."""
        self.child.stop(seconds)

    def _answers(self) -> bool:
        connection = HTTPConnection(LOOPBACK, self.port, timeout=2)
        try:
            connection.request("GET", "/ping")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()
