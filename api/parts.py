"""The parts of the system and whether each is well: asked of the parts themselves, now.

How it is answered over HTTP is `api/health.py` and `api/front.py`. Only numbers and fixed words
leave here: no address, no error text. Each shard has its own databases, relay and views; the shards
are asked side by side, so that one which is away keeps nobody waiting.
"""

import http.client
import socket
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Lock
from urllib.parse import urlsplit

import psycopg
from psycopg_pool import PoolTimeout, TooManyRequests

from api.services import Services
from domain.errors import Error
from domain.placements import HOME
from lrs import shards
from lrs.settings import Settings

AWAY = (psycopg.Error, PoolTimeout, TooManyRequests, OSError, http.client.HTTPException, Error)
PROBE_SECONDS = 1.0
FRESH_SECONDS = 1.0
STUCK_SECONDS = 30.0
"""How long a stage may stand still with work before it before it counts as ill."""

STAGES = 4
"""Parts that each shard has, replica or not."""

RELAY_LOCK = 7003

RELAY = """
    SELECT (SELECT position FROM streams.relay),
           EXISTS (SELECT FROM pg_locks
                   WHERE locktype = 'advisory' AND objid = %s AND objsubid = 1 AND granted)
"""
VIEWS = """
    SELECT min(position), count(*) FILTER (WHERE stream = 'facts') FROM views.tracking
"""
WAITING_SINCE = """
    SELECT extract(epoch FROM clock_timestamp() - recorded_at) FROM lrs.stored_events
    WHERE notification_id > %s ORDER BY notification_id LIMIT 1
"""


@dataclass(frozen=True)
class Part:
    """One part; `needed` means that without it nobody is answered who lives on its `shard`, and
    nobody at all where that is home. One that all shards share has none.

    A stage also has the log position that it has reached, by how many positions it is behind, and
    for how many seconds the next one has waited.
    """

    name: str
    title: str
    needed: bool
    well: bool
    detail: str
    shard: str | None = None
    position: int | None = None
    behind: int | None = None
    seconds: float | None = None


Probe = Callable[[Part], Part]


class Parts:
    """Looks at the parts, at most once a second however often it is asked. Thread-safe."""

    def __init__(self, services: Services) -> None:
        self._shared = _Shared(services.settings)
        self._shards = [_OfShard(services, name) for name in shards.names(services.settings)]
        self._lock = Lock()
        self._looked = float("-inf")
        self._found: list[Part] = []

    def look(self) -> list[Part]:
        """Returns every part, in the order in which a statement meets them; home's come first."""
        with self._lock:
            if time.monotonic() - self._looked > FRESH_SECONDS:
                self._found = self._look()
                self._looked = time.monotonic()
            return self._found

    def _look(self) -> list[Part]:
        with ThreadPoolExecutor(len(self._shards)) as beside:
            others = [beside.submit(shard.look) for shard in self._shards[1:]]
            found = self._shards[0].look()
            kafka, clickhouse = self._shared.look()
            *way_in, views = found[:STAGES]
            parts = [*way_in, kafka, views, clickhouse, *found[STAGES:]]
            return [*parts, *(part for other in others for part in other.result())]


def ready(parts: Iterable[Part]) -> bool:
    """Returns whether this API answers those whose shard is well; without home, nobody."""
    return up(part for part in parts if part.shard == HOME)


def up(parts: Iterable[Part]) -> bool:
    """Returns whether all that is needed of these is well."""
    return all(part.well for part in parts if part.needed)


def _probed(blank: Part, probe: Probe) -> Part:
    try:
        return probe(blank)
    except AWAY:
        return replace(blank, well=False, detail="does not answer")


class _Shared:
    """What all shards share."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def look(self) -> list[Part]:
        """Returns Kafka and ClickHouse."""
        kafka = Part("kafka", "Message log (Kafka)", False, well=True, detail="answers")
        title = "Released aggregates (ClickHouse)"
        clickhouse = Part("clickhouse", title, False, well=True, detail="answers")
        return [_probed(kafka, self._kafka), _probed(clickhouse, self._clickhouse)]

    def _kafka(self, part: Part) -> Part:
        servers = [server for server in self._settings.kafka.split(",") if server]
        if not servers:
            return replace(part, well=False, detail="is not configured")
        for number, server in enumerate(servers, 1):
            host, _, port = server.strip().rpartition(":")
            try:
                socket.create_connection((host.strip("[]"), int(port)), PROBE_SECONDS).close()
                break
            except OSError:
                if number == len(servers):
                    raise
        return part

    def _clickhouse(self, part: Part) -> Part:
        address = urlsplit(self._settings.clickhouse_url)
        if not address.hostname:
            return replace(part, well=False, detail="is not configured")
        secure = address.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        port = address.port or (8443 if secure else 8123)
        connection = kind(address.hostname, port, timeout=PROBE_SECONDS)
        try:
            connection.request("GET", "/ping")
            well = connection.getresponse().status == 200
        finally:
            connection.close()
        return part if well else replace(part, well=False, detail="does not answer")


class _OfShard:
    """What one shard has of its own."""

    def __init__(self, home: Services, name: str) -> None:
        self._home = home
        self._name = name
        self._settings = shards.at(home.settings, name)
        self._moved: dict[str, tuple[int, float]] = {}

    def look(self) -> list[Part]:
        """Returns its parts, the first `STAGES` in order."""
        database = self._part("postgres", "Event log (Postgres)", self._postgres, needed=True)
        keys = self._part("keystore", "Key store (Postgres)", self._keystore, needed=True)
        relay = self._part("relay", "Relay to Kafka", self._asked(database, self._relay))
        views = self._part(
            "views", "Courses and learners (stream worker)", self._asked(database, self._views)
        )
        parts = [database, keys, relay, views]
        if self._settings.replica_dsn:
            parts.append(self._part("replica", "Replica for reads (Postgres)", self._replica))
        return parts

    @property
    def _services(self) -> Services:
        return self._home.at(self._name)

    def _part(self, name: str, title: str, probe: Probe, needed: bool = False) -> Part:
        shown = title if self._name == HOME else f"{title}, shard {self._name}"
        blank = Part(name, shown, needed, well=True, detail="answers", shard=self._name)
        return _probed(blank, probe)

    def _asked(self, database: Part, probe: Probe) -> Probe:
        """Returns what asks only a database that answers: the others would wait as long again."""
        if database.well:
            return probe
        return lambda part: replace(part, well=False, detail="does not answer")

    def _postgres(self, part: Part) -> Part:
        return replace(part, position=self._services.store.last())

    def _keystore(self, part: Part) -> Part:
        with self._services.lrs.keystore_pool.connection(PROBE_SECONDS) as connection:
            connection.execute("SELECT 1")
        return part

    def _replica(self, part: Part) -> Part:
        if self._services.reads.source().on_replica:
            return part
        return replace(part, well=False, detail="away or too far behind: the primary is read")

    def _relay(self, part: Part) -> Part:
        with self._services.pool.connection(PROBE_SECONDS) as connection:
            row = connection.execute(RELAY, (RELAY_LOCK,)).fetchone()
        position, leads = row or (None, False)
        if not leads:
            return replace(part, well=False, detail="does not run", position=position)
        return self._stage(part, position or 0)

    def _views(self, part: Part) -> Part:
        with self._services.pool.connection(PROBE_SECONDS) as connection:
            row = connection.execute(VIEWS).fetchone()
        position, partitions = row or (None, 0)
        if position is None or partitions < self._settings.kafka_partitions:
            return replace(part, well=False, detail="has not started yet")
        return self._stage(part, position)

    def _stage(self, part: Part, position: int) -> Part:
        """Returns how far behind the log a stage is; ill where it stands still before work."""
        behind = max(0, self._services.store.last() - position)
        if not behind:
            self._moved.pop(part.name, None)
            return replace(part, detail="up to date", position=position, behind=0, seconds=0.0)
        with self._services.pool.connection(PROBE_SECONDS) as connection:
            row = connection.execute(WAITING_SINCE, (position,)).fetchone()
        before, since = self._moved.get(part.name, (-1, 0.0))
        if before != position:
            since = time.monotonic()
            self._moved[part.name] = (position, since)
        stuck = time.monotonic() - since > STUCK_SECONDS
        return replace(
            part,
            well=not stuck,
            detail="stands still" if stuck else "catching up",
            position=position,
            behind=behind,
            seconds=round(float(row[0]), 1) if row else 0.0,
        )
