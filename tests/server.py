"""`lrs api` as a process of its own over real Postgres, and a plain HTTP client for it."""

import http.client
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
import psutil

from domain.roles import Role
from infra.local import instance
from infra.local.process import LOOPBACK, free_port, listens
from lrs.services import open_services
from lrs.settings import Settings

VERSION = "X-Experience-API-Version"


class Server:
    """The API at a free port; what it logs is in `api.log` of the data folder."""

    def __init__(self, settings: Settings, **changes: Any) -> None:
        self.port = free_port()
        self.settings = settings.model_copy(update={"port": self.port, **changes})
        self.log = settings.data / "api.log"
        self.child: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Returns its address, without a slash at the end."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self, seconds: float = 30.0) -> None:
        """Starts it and waits until it answers."""
        instance.write(self.settings, {})
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "infra.cli", "api", "--data", str(self.settings.data)],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        until = time.monotonic() + seconds
        while True:
            try:
                if Client(self.port).ask("GET", "/health/live").status == 200:
                    return
            except OSError:
                assert self.child.poll() is None, self.log.read_text()[-3000:]
            assert time.monotonic() < until, self.log.read_text()[-3000:]
            time.sleep(0.05)

    def processes(self) -> list[psutil.Process]:
        """Returns the process and its workers."""
        assert self.child is not None
        top = psutil.Process(self.child.pid)
        return [top, *top.children(recursive=True)]

    def kill(self) -> None:
        """Ends it and its workers with -9, at once, and waits until nobody listens."""
        for process in self.processes():
            process.kill()
        assert self.child is not None
        self.child.wait()
        while listens(self.port):
            time.sleep(0.02)

    def stop(self) -> None:
        """Ends it in order."""
        if self.child is not None and self.child.poll() is None:
            self.child.terminate()
            self.child.wait(15)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Returns the body as JSON."""
        return orjson.loads(self.body)


@dataclass
class Client:
    """Asks with one credential, over one connection that is kept; for one thread."""

    port: int
    key: str = ""
    secret: str = ""
    version: str = "2.0.0"
    timeout: float = 60.0
    kept: list[http.client.HTTPConnection] = field(default_factory=list)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Returns the answer; raises OSError or HTTPException where the connection breaks.

        `body` is sent as it is where it is bytes, in chunks where it is an iterator, else as JSON;
        `if_match=` is `If-Match:`.
        """
        given = {VERSION: self.version, "Content-Type": "application/json"}
        if self.key:
            pair = b64encode(f"{self.key}:{self.secret}".encode()).decode()
            given["Authorization"] = f"Basic {pair}"
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, bytes | Iterator | None) else orjson.dumps(body)
        connection = (
            self.kept.pop()
            if self.kept
            else http.client.HTTPConnection(LOOPBACK, self.port, timeout=self.timeout)
        )
        try:
            connection.request(method, path, data, given)
            response = connection.getresponse()
            answer = Answer(response.status, dict(response.getheaders()), response.read())
        except BaseException:
            connection.close()
            raise
        self.kept.append(connection)
        return answer

    def pages(self, path: str) -> list[dict[str, Any]]:
        """Returns the statements of a query, all pages."""
        found: list[dict[str, Any]] = []
        while path:
            answer = self.ask("GET", path)
            assert answer.status == 200, answer.body
            found += answer.json["statements"]
            path = answer.json.get("more", "")
        return found


def issued(settings: Settings, role: Role = Role.TOOL) -> tuple[UUID, str, str]:
    """Returns a new institution, and key and secret of a credential of it."""
    services = open_services(settings)
    try:
        institution = services.institutions.create("Test college").institution
        return (institution, *services.credentials.issue(institution, f"the {role}", [role]))
    finally:
        services.close()
