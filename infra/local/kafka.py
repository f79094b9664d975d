"""Apache Kafka in KRaft mode on the loopback address: one node, broker and controller in one.

Knows how to format, start and stop it; topics are made by `infra.topics`, jars are fetched by
`infra.local.kafka_jars`.
"""

import asyncio
import secrets
import shutil
import subprocess
import time
from base64 import urlsafe_b64encode
from pathlib import Path
from signal import SIGTERM

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from infra.local import kafka_jars
from infra.local.process import LOOPBACK, Child, StartFailed, free_port, listens, tied

LOG4J = Path(__file__).with_name("log4j2.properties")
HEAP = ("-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError")

# One node: every internal topic has one copy; the cleaner's default buffer alone is 128 MB.
SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "num.partitions": "1",
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "group.initial.rebalance.delay.ms": "0",
    # After a kill the broker may register again only when its old session ended (default 9 s).
    "broker.session.timeout.ms": "4000",
    "broker.heartbeat.interval.ms": "500",
    "log.cleaner.dedupe.buffer.size": str(4 * 1024 * 1024),
    "log.cleaner.threads": "1",
    "log.retention.hours": "168",
    "num.network.threads": "2",
    "num.io.threads": "4",
}


class Kafka:
    """One embedded broker in `folder`; `bootstrap` is its address."""

    def __init__(
        self,
        folder: Path,
        port: int | None = None,
        logs: Path | None = None,
        jars: Path | None = None,
    ) -> None:
        self.folder = folder.absolute()
        self.port = port or 0
        self.jars = jars
        self.child = Child("kafka", logs or self.folder, stop_signal=SIGTERM)

    @property
    def pid(self) -> int:
        """Process id of the broker; 0 before `start()`."""
        return self.child.pid

    @property
    def bootstrap(self) -> str:
        """Bootstrap server, host:port."""
        return f"{LOOPBACK}:{self.port}"

    def start(self, seconds: float = 60.0) -> None:
        """Formats the folder if it is new, starts the broker, and waits until it answers.

        Raises StartFailed when it does not within `seconds`, JarsMissing without the jars.
        """
        self.jars = kafka_jars.ensure(self.jars)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.child.end_leftover()
        self.port = self.port or free_port()
        properties = self._write_properties(free_port())
        if not (self.folder / "log" / "meta.properties").exists():
            self._format(properties)
        self.child.start(tied(self._java("kafka.Kafka", str(properties)), SIGTERM))
        self._wait(seconds)

    def stop(self, seconds: float = 8.0) -> None:
        """Stops the broker in order; what it acknowledged stays."""
        self.child.stop(seconds)

    def _write_properties(self, controller: int) -> Path:
        listeners = f"PLAINTEXT://{LOOPBACK}:{self.port},CONTROLLER://{LOOPBACK}:{controller}"
        values = {
            **SETTINGS,
            "listeners": listeners,
            "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{self.port}",
            "controller.quorum.voters": f"1@{LOOPBACK}:{controller}",
            "log.dirs": str(self.folder / "log"),
        }
        file = self.folder / "server.properties"
        file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
        return file

    def _java(self, main: str, *arguments: str) -> list[str]:
        java = shutil.which("java")
        if java is None:
            raise StartFailed("Kafka needs Java 17: install the Debian package openjdk-17-jre")
        logging = f"-Dlog4j2.configurationFile={LOG4J}"
        return [java, *HEAP, logging, "-cp", f"{self.jars}/*", main, *arguments]

    def _format(self, properties: Path) -> None:
        # A format that was cut short left a folder without meta.properties; begin again.
        shutil.rmtree(self.folder / "log", ignore_errors=True)
        # What the tool's own `random-uuid` gives, without a second start of a JVM. No leading "-".
        cluster = urlsafe_b64encode(b"k" + secrets.token_bytes(15)).decode().rstrip("=")
        tool = ("kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties))
        command = self._java(*tool)
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode != 0:
            raise StartFailed(f"Kafka's storage tool failed: {done.stderr.strip()[-2000:]}")

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not (listens(self.port) and asyncio.run(_answers(self.bootstrap))):
            self.child.check()
            if time.monotonic() > until:
                self.stop()
                raise StartFailed(f"Kafka does not answer; see {self.child.log}")
            time.sleep(0.1)


async def _answers(bootstrap: str) -> bool:
    """Returns whether the broker names its topics, which it does once it is fully up."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=3000)
    try:
        await admin.start()
        await admin.list_topics()
    except (KafkaError, OSError):
        return False
    finally:
        await admin.close()
    return True
