"""Section `stages`: where the time of a write goes, in microseconds per statement.

The stages are timed inside the real path in one thread, by wrapping the functions that it calls;
what is left of the whole is listed too, so that the table adds up. What HTTP adds to that in the
API processes, and what Postgres and the load generator use, is measured over HTTP, with the same
batches.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any
from unittest import mock

import lrs.statements
from domain.credentials import Credential
from domain.values import json_text
from domain.values.version import Version
from lrs.activities import Activities
from lrs.keys.blind_index import BlindIndex
from lrs.keys.ring import KeyRing
from lrs.mapper import SealingMapper
from lrs.people import People
from lrs.recorder import LogRecorder
from lrs.services import Services
from tests.bench.corpus import corpus
from tests.bench.garbage import as_in_the_api
from tests.bench.ingest import Run, observed
from tests.bench.place import Bench
from tests.bench.requests import Request
from tests.bench.table import markdown

SIZE = 100
PARTS = 4
STAGES: dict[str, tuple[Any, str]] = {
    "judge by the rules (pydantic)": (lrs.statements, "check"),
    "find whom it names": (lrs.statements, "named"),
    "find what activities it names": (lrs.statements, "activities"),
    "id of its stream": (lrs.statements, "originator_of"),
    "pseudonyms": (People, "resolve"),
    "catalogue of activities": (Activities, "remember"),
    "canonical form": (lrs.statements, "canonical"),
    "digest of it": (BlindIndex, "digest"),
    "terms of the index (HMAC)": (lrs.statements, "terms_of"),
    "keys of persons": (KeyRing, "current"),
    "compress and seal (zstd, AES-GCM)": (SealingMapper, "seal_statements"),
    "send, wait for Postgres": (LogRecorder, "insert_statements"),
}
PARSE = "parse JSON, strictly"


@dataclass(frozen=True)
class Stages:
    """Microseconds per statement: of each stage, of what is left, and of the whole."""

    each: dict[str, float]
    rest: float
    whole: float


def run(bench: Bench) -> None:
    """Measures and prints."""
    with bench.place() as place:
        connections = bench.options.connections
        count = max(bench.options.statements // 2 // SIZE, connections)
        requests = place.make.posts(islice(corpus().in_order(SIZE), PARTS * count * SIZE), SIZE)
        # Persons and activities are made in the first part, so that they are known in the others.
        place.send(requests[:count], connections=connections)
        http = observed(place, requests[count : 2 * count], connections=connections)
    with bench.stores.fresh() as services, as_in_the_api():
        institution = services.institutions.create("stages").institution
        holder = Credential("bench", institution, "bench", frozenset())
        bodies = [_body(request) for request in requests]
        first, *parts = [bodies[n * count : (n + 1) * count] for n in range(PARTS)]
        _whole(services, holder, first)
        cpu = measure(services, holder, parts[0], time.thread_time)
        wall = measure(services, holder, parts[1], time.perf_counter)
        whole = _whole(services, holder, parts[2])
    _show(cpu, wall, whole, http)


def measure(
    services: Services, credential: Credential, bodies: list[bytes], clock: Callable[[], float]
) -> Stages:
    """Returns the time of each stage by `clock`; records what the bodies hold."""
    spent: Counter[str] = Counter()
    count, started = 0, clock()
    with _timed(spent, clock):
        for body in bodies:
            parsing = clock()
            statements = json_text.parse(body)
            spent[PARSE] += clock() - parsing  # type: ignore[assignment]
            services.statements.accept(credential, statements, Version.V1_0_3)
            count += len(statements)
    whole = clock() - started
    assert spent.keys() == {PARSE, *STAGES}, "a stage has another name now"
    each = {name: spent[name] / count * 1e6 for name in (PARSE, *STAGES)}
    return Stages(each, (whole - sum(spent.values())) / count * 1e6, whole / count * 1e6)


def _whole(services: Services, credential: Credential, bodies: list[bytes]) -> tuple[float, float]:
    """Returns CPU and wall time of the write path where no stage is timed."""
    cpu, wall = time.thread_time(), time.perf_counter()
    for body in bodies:
        services.statements.accept(credential, json_text.parse(body), Version.V1_0_3)
    cpu, wall = time.thread_time() - cpu, time.perf_counter() - wall
    return cpu / (len(bodies) * SIZE) * 1e6, wall / (len(bodies) * SIZE) * 1e6


def _body(request: Request) -> bytes:
    data = bytes(request.data)
    return data[data.index(b"\r\n\r\n") + 4 :]


def _show(cpu: Stages, wall: Stages, whole: tuple[float, float], http: Run) -> None:
    rows = [(name, f"{cpu.each[name]:.1f}", f"{wall.each[name]:.1f}") for name in cpu.each]
    rows += [
        ("everything else", f"{cpu.rest:.1f}", f"{wall.rest:.1f}"),
        ("all of it, and taking the time", f"{cpu.whole:.1f}", f"{wall.whole:.1f}"),
        ("**the write path, one thread**", f"**{whole[0]:.1f}**", f"**{whole[1]:.1f}**"),
    ]
    used = {part: seconds / http.result.statements * 1e6 for part, seconds in http.cpu.items()}
    edge = used["API"] - whole[0]
    rows += [
        ("HTTP: what API processes use beyond that", f"{edge:.1f}", ""),
        ("Postgres, all its processes", f"{used['Postgres']:.1f}", ""),
        ("load generator", f"{used['generator']:.1f}", ""),
    ]
    every = f"**{sum(used.values()):.1f}**"
    rows.append(("**over HTTP, everything**", every, f"**{1e6 / http.result.rate:.1f}**"))
    print(f"\n### The write path by stage, batches of {SIZE}, us a statement: {corpus().name}\n")
    print(markdown(("stage", "CPU", "wall"), rows))
    print(
        "\nTo take the time costs time, so the write path is measured once more without. Over"
        f" HTTP: {http.result.rate:,.0f} statements/s; CPU is of all cores, at most wall time times"
        " their number."
    )


@contextmanager
def _timed(spent: Counter[str], clock: Callable[[], float]) -> Iterator[None]:
    inner: list[float] = []
    with ExitStack() as stack:
        for name, (owner, attribute) in STAGES.items():
            wrapped = _timing(getattr(owner, attribute), name, spent, inner, clock)
            stack.enter_context(mock.patch.object(owner, attribute, wrapped))
        yield


def _timing(
    work: Callable[..., Any],
    name: str,
    spent: Counter[str],
    inner: list[float],
    clock: Callable[[], float],
) -> Callable[..., Any]:
    """Returns `work`, adding to `spent` the time of its own, without that of stages inside it."""

    def timing(*args: Any, **kwargs: Any) -> Any:
        inner.append(0.0)
        started = clock()
        try:
            return work(*args, **kwargs)
        finally:
            seconds = clock() - started
            spent[name] += seconds - inner.pop()  # type: ignore[assignment]
            if inner:
                inner[-1] += seconds

    return timing
