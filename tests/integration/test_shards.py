"""Shards end to end: `lrs up` over two, and an institution that moves while its tools go on.

Everything runs as it does for an operator: the API, a relay, a worker and jobs for each shard over
Kafka, and `lrs institutions move`. Writers post until the end, a reader follows by
`Consistent-Through`. Whatever they were told must be true then, and of both shards.
"""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPException
from itertools import count, islice
from pathlib import Path
from threading import Event
from urllib.parse import quote, urlsplit
from uuid import UUID

import psycopg
import pytest

from domain.placements import HOME
from infra.local.kafka import Kafka
from infra.local.postgres import Postgres
from lrs import shards
from lrs.services import Services, open_services
from lrs.settings import Settings, Shard, load
from projections.views.purge import ViewsPurger
from tests.checks.expected import expected
from tests.conftest import drop_database, fresh_database
from tests.fault.load import XAPI, Json
from tests.fsck import check_clean
from tests.integration import test_real_course as views_of
from tests.integration.local.test_up import Up
from tests.integration.stream_processors.conftest import answer, void
from tests.server import Client

OTHER = "s2"
NAME = "Demo University"
THROUGH = "x-experience-api-consistent-through"
LEARNERS = 397
SECONDS = 900.0


@pytest.fixture
def up(
    postgres: Postgres, kafka: Kafka, template: str, topic_prefix: str, tmp_path: Path
) -> Iterator[Up]:
    """`lrs up` over two shards."""
    home, other = (fresh_database(postgres, template, tmp_path) for _ in range(2))
    of = set(Shard.model_fields) - {"replica_dsn"}
    own = {f"LRS_{name.upper()}": value for name, value in home.model_dump(include=of).items()}
    started = Up(
        tmp_path / "up",
        own
        | {
            "LRS_SHARDS": json.dumps({OTHER: other.model_dump(include=of)}),
            "LRS_KAFKA": kafka.bootstrap,
            "LRS_KAFKA_PARTITIONS": "4",
            "LRS_TOPIC_PREFIX": topic_prefix,
        },
    )
    yield started
    started.stop()
    drop_database(postgres, home)
    drop_database(postgres, other)


@dataclass
class Writer:
    """Posts answers, and now and then takes one back; each batch until it is acknowledged."""

    client: Client
    numbers: Iterator[int]
    size: int
    acknowledged: dict[str, Json] = field(default_factory=dict)
    voided: set[str] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)
    longest: float = 0.0

    def post(self) -> None:
        """Posts one batch."""
        batch = {n: answer(n, f"learner{n % LEARNERS}") for n in islice(self.numbers, self.size)}
        sent = list(batch.values())
        if self.statuses[200] % 5 == 4:
            target = min(batch)
            sent.append(void(target))
            self.voided.add(batch[target]["id"])
        began = time.monotonic()
        while (status := self._ask(sent)) != 200:
            self.statuses[status] += 1
            time.sleep(0.1)
        self.longest = max(self.longest, time.monotonic() - began)
        self.statuses[200] += 1
        self.acknowledged |= {statement["id"]: statement for statement in sent}

    def _ask(self, sent: list[Json]) -> int:
        """Returns the status; 0 where a connection that was kept had been closed meanwhile."""
        try:
            return self.client.ask("POST", XAPI, sent).status
        except (OSError, HTTPException):
            return 0

    def until(self, stop: Event) -> None:
        """Posts until told to stop."""
        while not stop.is_set():
            self.post()
            time.sleep(0.2)


@dataclass
class Reader:
    """Follows the store: each time what was stored since the moment that the last answer named."""

    client: Client
    seen: set[str] = field(default_factory=set)
    through: str = ""
    refused: Counter[str] = field(default_factory=Counter)

    def poll(self) -> None:
        """Reads what is new, all pages of it; where a cursor does not stand any more, anew."""
        since = f"&since={quote(self.through)}" if self.through else ""
        path, through = f"{XAPI}?ascending=true&limit=200{since}", ""
        while path:
            try:
                page = self.client.ask("GET", path)
            except (OSError, HTTPException):
                return
            if page.status != 200:
                self.refused[page.json.get("rule", str(page.status))] += 1
                return
            through = through or page.headers[THROUGH]
            self.seen |= {statement["id"] for statement in page.json["statements"]}
            path = page.json.get("more", "")
        self.through = through

    def until(self, stop: Event) -> None:
        """Polls until told to stop."""
        while not stop.is_set():
            self.poll()
            time.sleep(0.5)


@dataclass
class Both:
    """The shards of a running instance, and one institution of it."""

    up: Up
    institution: UUID
    services: dict[str, Services]

    @property
    def settings(self) -> Settings:
        """Those of home."""
        return self.services[HOME].settings

    def client(self, role: str = "tool") -> Client:
        """Returns a client with the credential of a role."""
        told = self.up.told()
        pair = told["credentials"][role]
        return Client(urlsplit(told["url"]).port or 0, pair["key"], pair["secret"])

    def move(self, to: str) -> None:
        """Moves it as an operator does."""
        command = ("institutions", "move", NAME, "--to", to, "--data", str(self.up.data))
        done = subprocess.run(
            [sys.executable, "-m", "infra.cli", *command],
            env=self.up.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert f"{NAME} lives on {to}." in done.stdout


@pytest.fixture
def both(up: Up) -> Iterator[Both]:
    """Both shards, and the institution that `lrs up` made."""
    settings = load(up.data)
    home = open_services(settings)
    other = open_services(shards.at(settings, OTHER), home)
    (institution,) = home.institutions.list()
    yield Both(up, institution.institution, {HOME: home, OTHER: other})
    other.close()
    home.close()


@pytest.mark.parametrize(
    ("before", "ways"),
    [
        pytest.param(1_000, (OTHER,), id="small"),
        pytest.param(
            100_000, (OTHER, HOME), marks=[pytest.mark.slow, pytest.mark.timeout(7200)], id="large"
        ),
    ],
)
def test_moved_while_everything_goes_on(both: Both, before: int, ways: tuple[str, ...]) -> None:
    check_running(both.up)
    numbers = count()
    writers = [Writer(both.client(), numbers, size) for size in (200, 20, 1)]
    reader = Reader(both.client())
    while writers[0].statuses[200] * 200 < before:
        writers[0].post()
    reader.poll()
    for to in ways:
        stop = Event()
        with ThreadPoolExecutor(len(writers)) as beside:
            going = [beside.submit(one.until, stop) for one in (*writers[1:], reader)]
            try:
                time.sleep(1.0)
                began, posted = time.monotonic(), [one.statuses[200] for one in writers[1:]]
                both.move(to)
                print(f"{to}: moved in {time.monotonic() - began:.1f} s")
                time.sleep(1.0)
            finally:
                stop.set()
        for one in going:
            one.result()
        assert all(one.statuses[200] > n for one, n in zip(writers[1:], posted, strict=True))
        reader.poll()
        print(f"{sum(len(one.acknowledged) for one in writers):,} statements")
        print(f"longest write {max(one.longest for one in writers):.1f} s")
        check(both, to, writers, reader)


def check_running(up: Up) -> None:
    """Checks that each shard has its processes, and is well."""
    told = up.told()
    kinds = ("relay", "worker", "jobs")
    assert {*kinds, *(f"{kind}-{OTHER}" for kind in kinds)} <= set(told["pids"])
    ready = Client(urlsplit(told["url"]).port or 0).ask("GET", "/health/ready?all=true")
    assert (ready.status, ready.json["status"]) == (200, "ready")
    assert all(ready.json["shards"][name]["up"] for name in (HOME, OTHER))


def check(both: Both, where: str, writers: list[Writer], reader: Reader) -> None:
    """Checks everything that anybody was told, on both shards."""
    assert {status for one in writers for status in one.statuses} <= {0, 200, 503}
    assert set(reader.refused) <= {"moved"}
    sent = {name: one for writer in writers for name, one in writer.acknowledged.items()}
    voided = {name for writer in writers for name in writer.voided}
    standing = sent.keys() - voided
    found = Counter(one["id"] for one in both.client().pages(f"{XAPI}?limit=500"))
    assert found == Counter(standing)
    assert standing <= reader.seen <= sent.keys()
    answers = [sent[name] for name in standing if "result" in sent[name]]
    here = both.services[where]
    _wait(both.client("instructor"), here.store.last())
    with psycopg.connect(here.settings.dsn, autocommit=True) as views:
        views.execute("SET search_path = views")
        counted = expected(answers)
        told = views_of.Imported(here, both.institution, views, counted)
        views_of.test_every_course_is_there(told)
        views_of.test_the_same_learners(told)
        views_of.test_the_same_active_days(told)
        views_of.test_the_same_best_scores(told)
        views_of.test_nothing_was_put_aside(told)
        for table in ("facts", "evidence"):
            row = views.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
            assert row == (len(answers),)
    (course,) = both.client("instructor").ask("GET", "/api/v1/courses").json["items"]
    (only,) = counted.values()
    assert course["learners"] == len(only.learners)
    _counted(both, len(sent))
    for name, services in both.services.items():
        if name != where:
            assert ViewsPurger(services.pool).count_all(both.institution) == 0
    check_clean(both.settings)


def _wait(instructor: Client, position: int) -> None:
    """Reads until the answer reflects a position; it never says so before it does."""
    until = time.monotonic() + SECONDS
    while True:
        answered = instructor.ask("GET", f"/api/v1/courses?wait_for={position}")
        if answered.status == 200:
            assert answered.json["as_of"]["position"] >= position
            return
        assert answered.status == 503
        assert time.monotonic() < until


def _counted(both: Both, statements: int) -> None:
    """Waits until the jobs of the shard where it lives have counted so many statements."""
    wanted = f'lrs_institution_statements{{institution="{both.institution}"}} {float(statements)}'
    until = time.monotonic() + 60
    while wanted not in both.client().ask("GET", "/metrics").body.decode():
        assert time.monotonic() < until
        time.sleep(0.5)
