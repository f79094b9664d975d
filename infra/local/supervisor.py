"""`lrs up`: starts every part in order, watches over them, stops them in order.

Says what belongs to an instance and in which order; how each part is started stands in its own
module, what is printed in `infra.cli.up`.
"""

import os
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import structlog

from infra import logging
from infra.local import demo, instance, prerequisites
from infra.local.clickhouse import ClickHouse
from infra.local.kafka import Kafka
from infra.local.postgres import Postgres
from infra.local.process import Child, StartFailed, free_port, tied
from infra.local.watch import Watched
from infra.migrations import migrate
from infra.topics import ensure_topics
from lrs import shards
from lrs.settings import Settings

log = structlog.get_logger(__name__)

OF_A_SHARD = ("relay", "worker", "jobs")
# Whoever writes stops first, what holds the data last; seconds sum up to less than ten.
STOP_ORDER: tuple[tuple[float, tuple[str, ...]], ...] = (
    (2.0, ("api",)),
    (2.5, OF_A_SHARD),
    (1.5, ("clickhouse",)),
    (1.5, ("kafka",)),
    (2.0, ("postgres",)),
)
READY_SECONDS = 120.0
TICK = 0.2


class Stopped(BaseException):
    """SIGINT or SIGTERM arrived; raised in the main thread, wherever it is."""


class NotReady(RuntimeError):
    """The instance cannot start; the message says why."""


def processes(settings: Settings) -> dict[str, list[str]]:
    """Returns the arguments of each process by its name: one API, the others for each shard."""
    made = {name: [name] for name in ("api", *OF_A_SHARD)}
    for shard in shards.names(settings)[1:]:
        made |= {f"{name}-{shard}": [name, "--shard", shard] for name in OF_A_SHARD}
    return made


class Supervisor:
    """An instance in `settings.data`. External parts are those that `settings` already name."""

    def __init__(
        self,
        settings: Settings,
        *,
        with_demo: bool = True,
        ready_file: Path | None = None,
        tell: Callable[[str], None] = lambda _: None,
        on_ready: Callable[[dict[str, Any]], None] = lambda _: None,
        on_demo: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> None:
        data = settings.data.absolute()
        self.settings = settings.model_copy(update={"data": data})
        self.logs = data / "logs"
        self.with_demo = with_demo
        self.ready_file = ready_file
        self.tell = tell
        self.on_ready = on_ready
        self.on_demo = on_demo
        self.processes = processes(settings)
        self.parts: dict[str, Watched] = {}
        self.credentials: dict[str, dict[str, str]] = {}

    def run(self) -> None:
        """Runs the instance until SIGINT or SIGTERM.

        Raises NotReady when something is missing, AlreadyRunning when the folder is in use,
        StartFailed when a part does not come up; all that was started is stopped then.
        """
        self._prepare_folders()
        with (
            instance.lock(self.settings.data),
            (self.logs / "supervisor.log").open("a") as own_log,
        ):
            logging.configure(self.settings, "supervisor", own_log)
            for name in (signal.SIGINT, signal.SIGTERM):
                signal.signal(name, _stop)
            try:
                self._end_leftovers()
                self._check()
                self._start()
                self._watch()
            except Stopped:
                self.tell("Stopping.")
            finally:
                # A second signal must not cut the orderly stop short; it is bounded anyway.
                for name in (signal.SIGINT, signal.SIGTERM):
                    signal.signal(name, signal.SIG_IGN)
                self._stop()

    def _prepare_folders(self) -> None:
        if problems := prerequisites.missing(self.settings.model_copy(update={"port": 0})):
            raise NotReady("\n".join(problems))
        # Private by default; Postgres, which may be another user, only passes through.
        os.umask(0o077)
        for folder in (self.settings.data, self.settings.data / "postgres"):
            if not folder.exists():
                folder.mkdir(parents=True)
                folder.chmod(0o711)
        self.logs.mkdir(exist_ok=True)

    def _end_leftovers(self) -> None:
        for _, kinds in STOP_ORDER:
            for record in sorted(self.logs.glob("*.pid")):
                if _kind(record.stem) in kinds:
                    Child(record.stem, self.logs).end_leftover()

    def _check(self) -> None:
        if problems := prerequisites.missing(self.settings):
            raise NotReady("\n".join(problems))

    def _start(self) -> None:
        port = self.settings.port or free_port()
        host = "127.0.0.1" if self.settings.host == "0.0.0.0" else self.settings.host  # noqa: S104
        url = self.settings.public_url or f"http://{host}:{port}"
        self._know(port=port, public_url=url)
        self._start_stores()
        self.tell("Migrating the databases.")
        for shard in shards.names(self.settings):
            migrate(shards.at(self.settings, shard))
            ensure_topics(shards.at(self.settings, shard))
        self.credentials = demo.bootstrap(self.settings)
        instance.write(self.settings, self.pids())
        for name, arguments in self.processes.items():
            self._start_process(name, arguments)
        self._await_ready(f"http://{host}:{port}/health/ready?all=true")
        self._announce()
        self.on_ready(self.description())
        if self.with_demo:
            threading.Thread(target=self._load_demo, name="demo", daemon=True).start()

    def _start_stores(self) -> None:
        data = self.settings.data
        if not self.settings.dsn:
            self.tell("Starting Postgres.")
            postgres = Postgres(data / "postgres", logs=self.logs)
            self._start_part("postgres", postgres.child, postgres.start)
            self._know(**postgres.dsns())
        if not self.settings.kafka:
            self.tell("Starting Kafka.")
            kafka = Kafka(data / "kafka", logs=self.logs, jars=self.settings.kafka_jars)
            self._start_part("kafka", kafka.child, kafka.start)
            self._know(kafka=kafka.bootstrap)
        if not self.settings.clickhouse_url:
            self.tell("Starting ClickHouse.")
            clickhouse = ClickHouse(data / "clickhouse", logs=self.logs)
            self._start_part("clickhouse", clickhouse.child, clickhouse.start)
            self._know(clickhouse_url=clickhouse.url)

    def _start_process(self, name: str, arguments: list[str]) -> None:
        child = Child(name, self.logs)
        data = ("--data", str(self.settings.data))
        command = [sys.executable, "-m", "infra.cli", *arguments, *data]
        # The instance file says it all; what the environment says went into it.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("LRS_")}
        self._start_part(
            name, child, lambda: child.start(tied(command, signal.SIGTERM), environment)
        )

    def _start_part(self, name: str, child: Child, start: Callable[[], None]) -> None:
        part = self.parts[name] = Watched(name, child, start, self.tell)
        part.start()

    def _know(self, **values: Any) -> None:
        self.settings = self.settings.model_copy(update=values)

    def _await_ready(self, url: str) -> None:
        self.tell("Waiting until every part is ready.")
        until = time.monotonic() + READY_SECONDS
        while not _ok(url):
            if time.monotonic() > until:
                raise StartFailed(f"{url} does not answer 200; see {self.logs}")
            self._tend()

    def _watch(self) -> None:
        while True:
            self._tend()

    def _tend(self) -> None:
        restarted = [part.name for part in self.parts.values() if part.tend()]
        if restarted:
            self._announce()
        time.sleep(TICK)

    def _announce(self) -> None:
        instance.write(self.settings, self.pids())
        if self.ready_file is not None:
            instance.write_private(self.ready_file, self.description())

    def _load_demo(self) -> None:
        try:
            demo.load_demo(self.settings, self.on_demo)
        except Exception as error:
            log.exception("demo_failed", exc_info=error)
            self.tell(f"The demo course could not be loaded: {type(error).__name__}")

    def _stop(self) -> None:
        for seconds, kinds in STOP_ORDER:
            group = [part.child for name, part in self.parts.items() if _kind(name) in kinds]
            for child in group:
                child.signal_stop()
            until = time.monotonic() + seconds
            for child in group:
                child.stop(max(0.1, until - time.monotonic()))
                log.info("stopped", part=child.name)
        instance.remove(self.settings.data)
        if self.ready_file is not None:
            self.ready_file.unlink(missing_ok=True)

    def pids(self) -> dict[str, int]:
        """Process ids by name, the supervisor's own among them."""
        parts = {name: part.child.pid for name, part in self.parts.items()}
        return {"supervisor": os.getpid(), **parts}

    def description(self) -> dict[str, Any]:
        """What the ready file holds: addresses, credentials, pids."""
        url = self.settings.public_url
        return {
            "url": url,
            "xapi_url": f"{url}/xapi",
            "credentials": self.credentials,
            "postgres": self.settings.admin_dsn,
            "kafka": self.settings.kafka,
            "clickhouse": self.settings.clickhouse_url,
            "data": str(self.settings.data),
            "pids": self.pids(),
        }


def _kind(name: str) -> str:
    """Returns what a part is, whichever shard it is of."""
    return name.partition("-")[0]


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise Stopped


def _ok(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (OSError, urllib.error.HTTPError):
        return False
